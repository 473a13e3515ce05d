"""`!panel …`: who is asked."""

from __future__ import annotations

import re

from ernbot.commands.context import Context, access
from ernbot.commands.effects import Invite
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Item, Reply, Text, say
from ernbot.core.access import check_expert
from ernbot.core.case import Action, Case, Drafting
from ernbot.core.characters import harmless
from ernbot.core.directory import Network
from ernbot.core.errors import BadInput, Refused

MAX_BY_COMPETENCE = 3
"""A competence stands for a handful of experts, not for everybody who has it."""


def folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _competences(network: Network) -> dict[str, str]:
    """Competences by every name that they have: their id, and their label in each language."""
    return {
        folded(name): competence.id
        for competence in network.competences
        for name in (competence.id, *competence.labels.values())
    }


def people(network: Network) -> dict[str, str]:
    """People by what they are called; a name that two of them share means neither."""
    named: dict[str, set[str]] = {}
    for person in network.people:
        localpart = person.user_id.removeprefix("@").partition(":")[0]
        for name in (person.user_id, localpart, f"@{localpart}", person.name):
            named.setdefault(folded(name), set()).add(person.user_id)
    return {name: users.pop() for name, users in named.items() if len(users) == 1}


def _split(text: str, names: list[str]) -> list[str]:
    """The words of a line; a name that holds spaces or commas is one of them."""
    longest_first = sorted((name for name in names if re.search(r"[\s,]", name)), key=len, reverse=True)
    known = "|".join(re.escape(name) for name in longest_first)
    return re.findall(rf"(?:{known})(?=[\s,;]|$)|[^\s,;]+" if known else r"[^\s,;]+", text)


def _wanted(text: str, mentions: tuple[str, ...], case: Case, network: Network) -> tuple[str, ...]:
    """The people whom a line means: by mention, user id, user name, name, or competence.

    Mentions stand alone: a client also writes into the line what it calls the mentioned person, and a word of that
    name must not bring in everybody with a competence. Mentions of people of the case do not count, because a client
    adds the author of a message that is replied to.

    Raises:
        BadInput: `expert-or-competence` for a word that means nobody, `competence-empty` for a competence whose
            experts are all here, `usage` when nobody is named.
    """
    mentioned = tuple(harmless(user) for user in mentions if user not in case.admitted)
    if mentioned:
        return mentioned
    competences, named = _competences(network), people(network)
    wanted: list[str] = []
    for word in _split(folded(text), [*competences, *named]):
        if word in competences:
            free = [p.user_id for p in network.experts(competences[word]) if p.user_id not in case.admitted]
            if not free:
                raise BadInput("competence-empty", competence=competences[word])
            wanted += free[:MAX_BY_COMPETENCE]
        elif word in named:
            wanted.append(named[word])
        elif re.fullmatch(r"@[^:]+:.+", word):
            wanted.append(word)
        else:
            raise BadInput("expert-or-competence", word=word, competences=", ".join(c.id for c in network.competences))
    if not wanted:
        raise BadInput("usage")
    return tuple(dict.fromkeys(wanted))


@command("panel invite", where="case", action=Action.INVITE, example="!panel invite craniosynostosis saskia.devries")
async def invite(ctx: Context, who: Rest) -> Reply:
    """Bring experts in, by user or by competence."""
    case = await ctx.case(Action.INVITE)
    network = ctx.office.network(case)
    wanted = _wanted(who, ctx.mentions, case, network)
    for user in wanted:
        try:
            check_expert(user, case, network)
        except Refused as refusal:
            ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.INVITE, case_id=case.id, decision=refusal.code)
            raise
    changed = case.invite(wanted)
    await ctx.outbox.to_case(case.id, access(changed))
    for user in wanted:
        # Once more for those already on the panel: they may have declined, or their account may exist only now.
        await ctx.outbox.to_case(case.id, Invite(user))
    new = changed.panel[len(case.panel) :]
    if not new:
        return say("panel-already")
    await ctx.save(changed)
    drafted = (Text("panel-after-draft"),) if isinstance(case.state, Drafting) else ()
    return Reply((Text("panel-invited"), *(Item(_introduce(network, user)) for user in new), *drafted))


def _introduce(network: Network, user_id: str) -> Text:
    person = network.person(user_id)
    assert person is not None
    centre = network.centre(person.centre)
    return Text("panel-person", {"name": person.name, "centre": centre.name, "country": centre.country})


@command("panel show", where="case", action=Action.READ, changes="nothing")
async def show(ctx: Context) -> Reply:
    """List who was asked."""
    case = await ctx.case(Action.READ)
    network = ctx.office.network(case)
    if not case.panel:
        return say("panel-empty")
    return Reply((Text("panel-title"), *(Item(_introduce(network, u)) for u in case.panel if network.person(u))))
