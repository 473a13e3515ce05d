"""`!case forward|archive|reopen|erase`: where a case goes when it does not go on here.

What cannot be taken back is said first, and done when it is asked for a second time.
"""

from __future__ import annotations

from ernbot.commands import dialogue
from ernbot.commands.context import Context
from ernbot.commands.effects import Leave, Remove
from ernbot.commands.named import case_and_rest
from ernbot.commands.registry import CONFIRM, Confirm, Rest, command
from ernbot.commands.reply import Fact, Part, Reply, Text, Value, say
from ernbot.commands.requests import farewell, leaving, move, tell_dispatchers
from ernbot.core import ending, requesting
from ernbot.core.access import check_new_case
from ernbot.core.case import Case
from ernbot.core.directory import Network
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.core.triage import PENDING


@command("case forward", where="case", action=Action.FORWARD)
async def forward(ctx: Context, network: str, confirm: Confirm = Confirm(False)) -> Reply:
    """Bring the case to another network, once it is known who leaves."""
    case = await ctx.case(Action.FORWARD)
    target = ctx.office.directory.network(network.casefold())
    if target is None or target.id == case.network:
        others = ", ".join(other.id for other in ctx.office.directory.networks if other.id != case.network)
        raise BadInput("forward-network", networks=others)
    step = case.triage.current(case.network)
    if step is not None and step.verdict in PENDING and step.network != case.network:
        raise Refused("forward-pending", network=step.network)
    at_once = _is_member(case, target)
    if not confirm:
        return Reply(tuple(_before(ctx, case, target, at_once=at_once)))
    leave = leaving(ctx, case, target)
    changed = (
        await move(ctx, case, target) if at_once else requesting.forward(case, target.id, ctx.actor, "", at=ctx.now)
    )
    if at_once and target.triage:
        changed = requesting.submit(changed, ctx.actor, at=ctx.now)
    detail: dict[str, str | int] = {"network": target.id, "event": ctx.event_id, "device": ctx.device_id}
    ctx.tx.audit(
        at=ctx.now, actor=ctx.actor, action=Action.FORWARD, case_id=case.id, decision="forwarded", detail=detail
    )
    await ctx.save(changed)
    await tell_dispatchers(ctx, changed)
    if not at_once:
        return say("forward-asked", network=target.name)
    return Reply((Text("forward-done", {"network": target.name}), *farewell(ctx, leave)))


def _is_member(case: Case, network: Network) -> bool:
    """Whether the requester belongs to a network, so that nobody there has to let the case in."""
    try:
        check_new_case(case.requester, network, case.about)
    except Refused:
        return False
    return True


def _before(ctx: Context, case: Case, network: Network, *, at_once: bool) -> list[Part]:
    leave = leaving(ctx, case, network)
    parts: list[Part] = [Text("forward-before" if at_once else "forward-before-asking", {"network": network.name})]
    parts += farewell(ctx, leave) or (Text("forward-nobody-leaves"),)
    return [*parts, Text("forward-confirm", {"network": network.id})]


@command("case archive", where="case", action=Action.ARCHIVE)
async def archive(ctx: Context, reason: Rest = Rest("")) -> Reply:
    """Put the case away; one without a signed outcome needs a reason."""
    case = await ctx.case(Action.ARCHIVE)
    changed = ending.archive(case, reason, at=ctx.now)
    await dialogue.give_up(ctx, case, "archived")
    await ctx.save(changed)
    return say("case-archived")


@command("case reopen", where="case", action=Action.REOPEN, shape="<what is new …>")
async def reopen(ctx: Context, reason: Rest) -> Reply:
    """Take a case up again, and say what is new."""
    case = await ctx.case(Action.REOPEN)
    changed = ending.reopen(case, ctx.actor, reason, at=ctx.now)
    await ctx.save(changed)
    if not changed.panel:
        return say("case-reopened")
    names = ", ".join(map(ctx.office.directory.name_of, changed.panel))
    return Reply((Text("case-reopened-panel"), Fact(Text("card-panel"), names)))


@command("case erase", where="anywhere", action=Action.ERASE, shape="[<case>] [confirm]")
async def erase(ctx: Context, which: Rest = Rest("")) -> Reply | None:
    """Erase a case for good, once its name has been typed."""
    words = which.split()
    sure = bool(words) and words[-1].casefold() == CONFIRM
    name = " ".join(words[:-1] if sure else words)
    if ctx.place is not None:
        case = await ctx.case(Action.ERASE)
    else:
        case, _ = await case_and_rest(ctx, Action.ERASE, name)
    if not sure or name.casefold() != case.nickname.casefold():
        what: dict[str, Value] = {"nickname": case.nickname}
        return Reply((Text("erase-before", what), Text("erase-confirm", what)))
    await _erase(ctx, case)
    if ctx.place is None:
        return say("erase-done", nickname=case.nickname)
    await ctx.outbox.to_person(ctx.actor, say("erase-done", nickname=case.nickname))
    return None


async def _erase(ctx: Context, case: Case) -> None:
    """Destroy the key of a case, empty its room and leave it; what the audit says of it stays."""
    place = await ctx.tx.case_place(case.id)
    erased = ending.erase(case, at=ctx.now)
    detail: dict[str, str | int] = {"event": ctx.event_id, "device": ctx.device_id}
    ctx.tx.audit(
        at=ctx.now, actor=ctx.actor, action=Action.ERASE, case_id=case.id, decision="case-erased", detail=detail
    )
    await dialogue.give_up(ctx, case, "erased")
    await ctx.tx.erase_case(erased)
    if place is not None and place.room_id is not None:
        for user in dict.fromkeys((*case.admitted, case.requester)):
            await ctx.outbox.to_room(place.room_id, Remove(user))
        await ctx.outbox.to_room(place.room_id, Leave())
    network = ctx.office.network(case)
    for user in dict.fromkeys((case.requester, *network.coordinators())):
        if user != ctx.actor:
            name = ctx.office.directory.name_of(ctx.actor)
            await ctx.outbox.to_person(user, say("erase-notice", nickname=case.nickname, name=name))
