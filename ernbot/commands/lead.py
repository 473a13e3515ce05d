"""`!case handover`, `!lead …`, `!case takeover`: who leads a panel, and how that passes from one to another.

Whoever leads next has said so, or coordinates the network and steps in for somebody who is gone or silent.
"""

from __future__ import annotations

import re

from ernbot.commands.context import Context, access
from ernbot.commands.effects import Invite, Remove
from ernbot.commands.named import case_and_rest
from ernbot.commands.naming import alike, folded, people
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Quote, Reply, Text, Value, say
from ernbot.commands.requests import tell_room
from ernbot.core import leading
from ernbot.core.access import check_expert, check_take_over
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Network
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action


def person(line: str, mentions: tuple[str, ...], network: Network) -> str:
    """The user id of the one person whom a line means, by mention, user id, user name or name.

    Raises:
        BadInput: `person-meant` for a part of a name, `person-one` when it means nobody of the network, or several.
    """
    if len(mentions) == 1:
        return mentions[0]
    wanted = folded(line)
    user_id = people(network).get(wanted)
    if user_id is None and re.fullmatch(r"@[^:\s]+:\S+", wanted):
        user_id = wanted
    if user_id is None and not mentions and (meant := alike(wanted, network)):
        raise BadInput("person-meant", word=wanted, names=meant)
    if user_id is None or mentions:
        raise BadInput("person-one", network=network.name)
    return user_id


@command("case handover", where="case", action=Action.HAND_OVER, shape="<person>")
async def hand_over(ctx: Context, to: Rest) -> Reply:
    """Offer the lead to a colleague of the network, who takes it or not."""
    case = await ctx.case(Action.HAND_OVER)
    network = ctx.office.network(case)
    others = tuple(user for user in ctx.mentions if user != case.lead)
    user = person(to, others, network)
    check_expert(user, case, network)
    changed = leading.offer(case, user, ctx.actor, at=ctx.now)
    _audit(ctx, case, Action.HAND_OVER, "lead-offered", user)
    await ctx.outbox.to_case(case.id, access(changed))
    if user not in case.admitted:
        await ctx.outbox.to_case(case.id, Invite(user))
    if case.offer is not None and case.offer.to not in changed.admitted:
        await ctx.outbox.to_case(case.id, Remove(case.offer.to))
    await ctx.save(changed)
    name = ctx.office.directory.name_of
    await ctx.outbox.to_person(user, say("lead-offered-yours", name=name(case.lead), nickname=case.nickname))
    return say("lead-offered", name=name(user))


@command("lead accept", where="case", action=Action.TAKE_LEAD)
async def accept(ctx: Context) -> Reply:
    """Take the lead that was offered."""
    case = await ctx.case(Action.TAKE_LEAD)
    assert case.offer is not None
    hospital = _same_hospital(case.lead, case.offer.to, ctx.office.directory)
    changed = leading.take(case, hospital=hospital)
    _audit(ctx, case, Action.TAKE_LEAD, "lead-taken", changed.lead)
    await ctx.outbox.to_case(case.id, access(changed))
    await ctx.save(changed)
    name = ctx.office.directory.name_of
    fields: dict[str, Value] = {"name": name(changed.lead), "before": name(case.lead)}
    moved = changed.requester != case.requester
    consent = Text("lead-consent-moves" if moved else "lead-consent-stays", {"requester": name(changed.requester)})
    return Reply((Text("lead-taken", fields), consent))


@command("lead decline", where="case", action=Action.TAKE_LEAD)
async def decline(ctx: Context, reason: Rest = Rest("")) -> Reply | None:
    """Leave the lead where it is."""
    case = await ctx.case(Action.TAKE_LEAD)
    assert case.offer is not None
    changed = leading.decline(case)
    _audit(ctx, case, Action.TAKE_LEAD, "lead-declined", case.offer.to)
    fields: dict[str, Value] = {"name": ctx.office.directory.name_of(case.offer.to)}
    words = (Quote(reason),) if reason else ()
    await tell_room(ctx, case, Reply((Text("lead-declined", fields), *words)))
    if case.offer.to not in changed.admitted:
        await ctx.outbox.to_case(case.id, access(changed))
        await ctx.outbox.to_case(case.id, Remove(case.offer.to))
    await ctx.save(changed)
    return None


@command("case takeover", where="direct", action=Action.TAKE_OVER, shape="<case>", coordinator=True)
async def take_over(ctx: Context, which: Rest) -> Reply:
    """Lead a case, as coordinator, whose lead is gone or has been silent for too long."""
    case, _ = await case_and_rest(ctx, Action.TAKE_OVER, which)
    by = ctx.on_behalf_of or ctx.actor
    directory = ctx.office.directory
    if by == case.lead:
        raise Refused("lead-already")
    gone = check_take_over(case, ctx.office.network(case), directory, ctx.now)
    changed = leading.take_over(case, by, gone=gone)
    _audit(ctx, case, Action.TAKE_OVER, "lead-gone" if gone else "lead-silent", by)
    await ctx.outbox.to_case(case.id, access(changed))
    if by not in case.admitted:
        await ctx.outbox.to_case(case.id, Invite(by))
    for user in case.admitted:
        if user not in changed.admitted:
            await ctx.outbox.to_case(case.id, Remove(user))
    await ctx.save(changed)
    names: dict[str, Value] = {"name": directory.name_of(by), "before": directory.name_of(case.lead)}
    why = Text("takeover-gone" if gone else "takeover-silent", names)
    await tell_room(ctx, changed, Reply((why, Text("takeover-next"))))
    if not gone:
        await ctx.outbox.to_person(case.lead, say("takeover-yours", nickname=case.nickname, **names))
    return say("takeover-done", nickname=case.nickname)


def _same_hospital(one: str, other: str, directory: Directory) -> bool:
    """Whether two people are listed at the same centre of some network."""
    centres = {(network.id, entry.centre) for network, entry in directory.memberships(one)}
    return any((network.id, entry.centre) in centres for network, entry in directory.memberships(other))


def _audit(ctx: Context, case: Case, action: Action, decision: str, to: str) -> None:
    detail: dict[str, str | int] = {"to": to, "event": ctx.event_id, "device": ctx.device_id}
    ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=action, case_id=case.id, decision=decision, detail=detail)
