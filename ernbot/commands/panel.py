"""`!panel …`: who is asked."""

from __future__ import annotations

from ernbot.commands.context import Context, access
from ernbot.commands.effects import Invite
from ernbot.commands.registry import Words, command
from ernbot.commands.reply import Item, Reply, Text, say
from ernbot.core.access import check_expert
from ernbot.core.case import Action, Case
from ernbot.core.directory import Network
from ernbot.core.errors import BadInput

MAX_BY_COMPETENCE = 3
"""A competence stands for a handful of experts, not for everybody who has it."""


def _resolve(word: str, network: Network, case: Case, server_name: str) -> tuple[str, ...]:
    """The people whom a word means: a user id, a user name, or a competence by id or label."""
    wanted = word.casefold()
    for competence in network.competences:
        if wanted in {competence.id, *(label.casefold() for label in competence.labels.values())}:
            free = [p.user_id for p in network.experts(competence.id) if p.user_id not in case.admitted]
            if not free:
                raise BadInput("competence-empty", competence=competence.id)
            return tuple(free[:MAX_BY_COMPETENCE])
    if word.startswith("@") and ":" in word:
        return (word,)
    user_id = f"@{wanted.removeprefix('@')}:{server_name}"
    if network.person(user_id) is None:
        raise BadInput("expert-or-competence", word=word, competences=", ".join(c.id for c in network.competences))
    return (user_id,)


@command("panel invite", where="case", action=Action.INVITE)
async def invite(ctx: Context, who: Words) -> Reply:
    """Bring experts in, by user or by competence."""
    case = await ctx.case(Action.INVITE)
    network = ctx.office.network(case)
    server_name = ctx.office.bot.partition(":")[2]
    wanted = ctx.mentions or tuple(user for word in who for user in _resolve(word, network, case, server_name))
    for user in wanted:
        check_expert(user, case, network)
    changed = case.invite(wanted)
    new = changed.panel[len(case.panel) :]
    if not new:
        return say("panel-already")
    await ctx.outbox.to_case(case.id, access(changed))
    for user in new:
        await ctx.outbox.to_case(case.id, Invite(user))
    await ctx.save(changed)
    return Reply((Text("panel-invited"), *(Item(_introduce(network, user)) for user in new)))


def _introduce(network: Network, user_id: str) -> Text:
    person = network.person(user_id)
    assert person is not None
    centre = network.centre(person.centre)
    return Text("panel-person", {"name": person.name, "centre": centre.name, "country": centre.country})


@command("panel show", where="case", action=Action.READ)
async def show(ctx: Context) -> Reply:
    """List who was asked."""
    case = await ctx.case(Action.READ)
    network = ctx.office.network(case)
    if not case.panel:
        return say("panel-empty")
    return Reply((Text("panel-title"), *(Item(_introduce(network, u)) for u in case.panel if network.person(u))))
