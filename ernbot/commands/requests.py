"""A case on its way to the people who decide on it: the dispatchers of its network, or of another one.

What is said here to people who are not in the case names the case by its nickname and its network, and nothing else.
"""

from __future__ import annotations

from ernbot.commands.context import Context, access
from ernbot.commands.effects import FileInSpace, Message, Remove
from ernbot.commands.reply import Fact, Part, Reply, Text, say
from ernbot.core import requesting
from ernbot.core.case import Case
from ernbot.core.directory import Network
from ernbot.core.triage import Verdict


async def tell_dispatchers(ctx: Context, case: Case) -> None:
    """Tell those for whom a request waits that it does."""
    waiting = case.triage.waits_for(case.network)
    network = ctx.office.directory.network(waiting) if waiting is not None else None
    if network is None:
        return
    said = say(_why(case), nickname=case.nickname, number=number(case), network=network.name, by=_last(ctx, case))
    for user in network.dispatchers():
        if user != ctx.actor:
            await ctx.outbox.to_person(user, said)


def number(case: Case) -> str:
    """The shortest name by which commands know a case."""
    return case.nickname.split()[-1]


def _why(case: Case) -> str:
    """Which sentence says why a request waits: it is new, was answered, or came back from another network."""
    *before, last = case.triage.steps
    if last.verdict is Verdict.DECLINED:
        return "request-back"
    if before and before[-1].verdict is Verdict.ASKED:
        return "request-is-answered"
    return "request-waiting-urgent" if case.urgent else "request-waiting"


def _last(ctx: Context, case: Case) -> str:
    """The network that spoke last."""
    network = ctx.office.directory.network(case.triage.steps[-1].network)
    return network.name if network is not None else case.triage.steps[-1].network


def leaving(ctx: Context, case: Case, network: Network) -> tuple[str, ...]:
    """Who has to leave a case that goes to a network: everybody but the requester who does not see patients there."""
    return tuple(member for member in case.members if member != case.requester and not network.treats_patients(member))


def farewell(ctx: Context, users: tuple[str, ...]) -> tuple[Part, ...]:
    """Who leaves, as a line of an answer; nothing when nobody does."""
    return (Fact(Text("forward-leave"), ", ".join(map(ctx.office.directory.name_of, users))),) if users else ()


async def move(ctx: Context, case: Case, network: Network) -> Case:
    """Give a case to another network: consent stays as it is, who does not belong there leaves."""
    leave = leaving(ctx, case, network)
    before = case.network
    moved = requesting.move(case, network.id, frozenset(case.members) - set(leave))
    await ctx.outbox.to_case(case.id, access(moved))
    for user in leave:
        await ctx.outbox.to_case(case.id, Remove(user))
    place = await ctx.tx.case_place(case.id)
    if place is not None and place.room_id is not None:
        await ctx.outbox.to_space(FileInSpace(before, place.room_id, gone=True))
        await ctx.outbox.to_space(FileInSpace(network.id, place.room_id))
    return moved


async def tell_room(ctx: Context, case: Case, reply: Reply) -> None:
    """Say something in the room of a case, wherever the actor wrote."""
    await ctx.outbox.to_case(case.id, Message(reply, case.requester))
