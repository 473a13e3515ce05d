"""`!triage …`: those who look at requests to a network decide, in their direct chat.

They see the question, because they cannot decide without it, and neither files nor opinions: they are not in the room.
"""

from __future__ import annotations

from ernbot.commands.context import Context
from ernbot.commands.named import case_and_rest
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Fact, Heading, Item, Part, Quote, Reply, Symbol, Text, Value, say
from ernbot.commands.requests import farewell, leaving, move, number, tell_dispatchers, tell_room
from ernbot.core import requesting
from ernbot.core.access import check_new_case
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.core.triage import Verdict
from ernbot.core.turn import turn


@command("triage", where="direct", dispatcher=True, changes="nothing")
async def waiting(ctx: Context) -> Reply:
    """List the requests that wait for this person's networks."""
    requests = await ctx.tx.requests(ctx.actor, ctx.office.directory, ctx.now)
    if not requests:
        return say("triage-none")
    return Reply(
        (
            Text("triage-title"),
            *(_line(ctx, case) for case in requests),
            Text("triage-how", {"number": number(requests[0])}),
        )
    )


def _line(ctx: Context, case: Case) -> Item:
    step = case.triage.current(case.network)
    assert step is not None
    network = ctx.office.directory.network(step.network)
    fields: dict[str, Value] = {
        "nickname": case.nickname,
        "network": network.name if network is not None else step.network,
        "state": Symbol("verdict", "urgent" if case.urgent else step.verdict),
        "date": step.at.date(),
    }
    return Item(Text("triage-line", fields))


@command("triage show", where="direct", action=Action.TRIAGE, shape="<case>", dispatcher=True, changes="nothing")
async def show(ctx: Context, case: Rest) -> Reply:
    """Show the question of a request, and what was asked and answered."""
    found, _ = await case_and_rest(ctx, Action.TRIAGE, case)
    name = ctx.office.directory.name_of
    parts: list[Part] = [Heading("card-title", {"nickname": found.nickname})]
    parts += [Text("card-urgent")] if found.urgent else []
    parts += [Text("card-question"), Quote(found.question)]
    for key, text in (("card-why", found.background.why), ("card-new", found.background.new)):
        parts += [Text(key), Quote(text)] if text else []
    parts.append(Fact(Text("card-brought-by"), name(found.requester)))
    for step in found.triage.steps:
        if step.words:
            parts += [Text("triage-said", {"name": name(step.by), "date": step.at.date()}), Quote(step.words)]
    return Reply((*parts, Text("triage-how-here", {"number": number(found)})))


async def _decide(ctx: Context, line: str, verdict: Verdict) -> tuple[Case, Case, str]:
    """The case before and after a decision, and the words of the decision."""
    case, words = await case_and_rest(ctx, Action.TRIAGE, line)
    changed = requesting.decide(case, verdict, ctx.actor, words, at=ctx.now)
    _audit(ctx, case, verdict)
    return case, changed, words


def _audit(ctx: Context, case: Case, decision: str) -> None:
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.TRIAGE,
        case_id=case.id,
        decision=f"request-{decision}",
        detail={"event": ctx.event_id, "device": ctx.device_id},
    )


@command("triage accept", where="direct", action=Action.TRIAGE, shape="<case>", dispatcher=True)
async def accept(ctx: Context, case: Rest) -> Reply:
    """Let a request in: its requester may ask experts now."""
    before, changed, _ = await _decide(ctx, case, Verdict.ACCEPTED)
    network = ctx.office.directory.network(changed.triage.steps[-1].network)
    assert network is not None
    left: tuple[Part, ...] = ()
    if network.id != before.network:
        left = farewell(ctx, leaving(ctx, changed, network))
        changed = await move(ctx, changed, network)
    await ctx.save(changed)
    fields: dict[str, Value] = {"name": ctx.office.directory.name_of(ctx.actor), "network": network.name}
    await tell_room(ctx, changed, Reply((Text("request-accepted", fields), *left)))
    return say("triage-accepted", nickname=before.nickname)


@command("triage ask", where="direct", action=Action.TRIAGE, shape="<case> <question …>", dispatcher=True)
async def ask(ctx: Context, line: Rest) -> Reply:
    """Ask the requester something before deciding."""
    case, changed, words = await _decide(ctx, line, Verdict.ASKED)
    return await _answered(ctx, case, changed, words, "asked")


@command("triage decline", where="direct", action=Action.TRIAGE, shape="<case> <reason …>", dispatcher=True)
async def decline(ctx: Context, line: Rest) -> Reply:
    """Turn a request down, with the reason."""
    case, changed, words = await _decide(ctx, line, Verdict.DECLINED)
    await tell_dispatchers(ctx, changed)
    return await _answered(ctx, case, changed, words, "declined")


async def _answered(ctx: Context, case: Case, changed: Case, words: str, what: str) -> Reply:
    """Tell the room what was said of the request."""
    await ctx.save(changed)
    network = ctx.office.directory.network(changed.triage.steps[-1].network)
    fields: dict[str, Value] = {
        "name": ctx.office.directory.name_of(ctx.actor),
        "network": network.name if network is not None else changed.network,
    }
    then = Text(f"next-{turn(changed, ctx.office.directory, ctx.now).next}")
    await tell_room(ctx, changed, Reply((Text(f"request-{what}", fields), Quote(words), then)))
    return say(f"triage-{what}", nickname=case.nickname)


@command("triage forward", where="direct", action=Action.TRIAGE, shape="<case> <network> <reason …>", dispatcher=True)
async def forward(ctx: Context, line: Rest) -> Reply:
    """Send a request on to another network, with the reason."""
    case, rest = await case_and_rest(ctx, Action.TRIAGE, line)
    wanted, _, words = rest.partition(" ")
    step = case.triage.current(case.network)
    assert step is not None
    target = ctx.office.directory.network(wanted.casefold())
    if target is None or target.id in (case.network, step.network):
        others = (n.id for n in ctx.office.directory.networks if n.id not in (case.network, step.network))
        raise BadInput("forward-network", networks=", ".join(others))
    changed = requesting.redirect(case, target.id, ctx.actor, words, at=ctx.now)
    _audit(ctx, case, "forwarded")
    if _belongs(case.requester, target.id, ctx) and not target.triage:
        changed = requesting.decide(await move(ctx, changed, target), Verdict.ACCEPTED, ctx.actor, "", at=ctx.now)
    await ctx.save(changed)
    await tell_dispatchers(ctx, changed)
    fields: dict[str, Value] = {"name": ctx.office.directory.name_of(ctx.actor), "network": target.name}
    await tell_room(ctx, changed, Reply((Text("request-forwarded", fields), Quote(words))))
    return say("triage-forwarded", nickname=case.nickname, network=target.name)


def _belongs(user_id: str, network_id: str, ctx: Context) -> bool:
    try:
        check_new_case(user_id, ctx.office.directory.network(network_id))
    except Refused:
        return False
    return True
