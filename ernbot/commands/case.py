"""`!case …`: bring a case, look at its card."""

from __future__ import annotations

import secrets

from ernbot.commands.card import card
from ernbot.commands.context import Context
from ernbot.commands.effects import CreateCaseRoom, Message
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Reply, say
from ernbot.core.access import check_new_case
from ernbot.core.blind import blind
from ernbot.core.case import Action, new_case
from ernbot.core.errors import BadInput, Refused

_COLOURS = "amber azure coral copper crimson golden indigo ivory jade lilac maroon olive pearl silver teal violet"
_BIRDS = "avocet bunting crane curlew dipper dunlin eider fulmar heron ibis kestrel linnet merlin osprey plover puffin"


def nickname() -> str:
    """A name for a case that says nothing about anybody."""
    words = secrets.choice(_COLOURS.split()), secrets.choice(_BIRDS.split())
    return f"{' '.join(words).title()} {secrets.randbelow(900) + 100}"


@command("case new", where="direct", action=Action.CREATE)
async def new(ctx: Context, network: str, question: Rest) -> None:
    """Open a case: the room is made, its requester invited, and told so once it is true."""
    wanted = ctx.office.directory.network(network.casefold())
    try:
        check_new_case(ctx.actor, wanted)
    except Refused as refusal:
        ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.CREATE, decision=refusal.code)
        if refusal.code == "network-unknown":
            mine = ", ".join(n.id for n, _ in ctx.office.directory.memberships(ctx.actor))
            raise BadInput("network-unknown", networks=mine) from None
        raise
    assert wanted is not None
    case = new_case(
        secrets.token_hex(8), wanted.id, nickname(), ctx.actor, question, ctx.now, blind=blind(wanted.blind)
    )
    ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.CREATE, case_id=case.id, decision="allowed")
    await ctx.tx.add_case(case)
    await ctx.outbox.to_case(case.id, CreateCaseRoom(case.nickname, wanted.id, ctx.actor))
    answer = Message(say("case-created", nickname=case.nickname), ctx.actor, ctx.event_id, ctx.thread)
    await ctx.outbox.to_case(case.id, answer, room_id=ctx.room_id)


@command("case show", where="case", action=Action.READ)
async def show(ctx: Context) -> Reply:
    """Show the card of this room's case."""
    case = await ctx.case(Action.READ)
    return card(case, ctx.office, ctx.now)
