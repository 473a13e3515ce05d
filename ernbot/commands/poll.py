"""`!poll …`: a quick question to everybody in the room, answered in the client's own poll, by reply, or by a command.

A vote is always an encrypted event of a signed device: a native answer, a number replied to the poll, or `!poll vote`.
A reaction travels in the clear, so it only asks back; the yes to that is a message (docs/decisions/0060).
"""

from __future__ import annotations

import re

from ernbot.commands.consensus import spoken
from ernbot.commands.context import Context
from ernbot.commands.dialogue import YES
from ernbot.commands.effects import EndPoll, Message, React, SendPoll
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Fact, Heading, Item, Part, Reply, Text, say
from ernbot.core import rounds
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.poll import Poll, find
from ernbot.core.states import Action
from ernbot.documents.agreement import shares

TAG = "poll"
"""Marks a poll in the outbox as `poll:<case id>:<number>`, so that an answer to it finds it."""

TAP = "tap"
"""Marks the question that follows a reaction, as `tap:<case id>:<number>:<option>:<user>`."""

ANONYMOUS = frozenset({"anonymous", "anonym", "anonymt"})
TAKEN = "✅"


@command("poll", where="case", action=Action.ASK_POLL, shape="[anonymous] <question> | <option> | <option> …")
async def poll(ctx: Context, question: Rest) -> None:
    """Ask everybody in the room."""
    case = await ctx.case(Action.ASK_POLL)
    first, *rest = question.split(maxsplit=1)
    anonymous = first.casefold() in ANONYMOUS and bool(rest)
    changed = rounds.ask_poll(case, rest[0] if anonymous else question, by=ctx.actor, named=not anonymous, at=ctx.now)
    asked = changed.polls[-1]
    _audit(ctx, case, Action.ASK_POLL, "poll-asked", asked)
    await ctx.save(changed)
    tag = f"{TAG}:{case.id}:{asked.id}"
    await ctx.outbox.to_case(case.id, SendPoll(asked.question, asked.options, asked.named, ctx.actor), tag=tag)
    options = [
        Item(Text("poll-choice", {"option": option}), code=str(number))
        for number, option in enumerate(asked.options, start=1)
    ]
    how = Text("poll-how" if asked.named else "poll-how-anonymous")
    shown = Reply((Heading("poll-title", {"question": asked.question}), *options, how))
    await ctx.outbox.to_case(case.id, Message(shown, ctx.actor, choices=len(options)), tag=tag)


@command("poll vote", where="case", action=Action.ANSWER_POLL)
async def vote(ctx: Context, number: str) -> Reply:
    """Vote in the latest poll, or change one's vote."""
    case = await ctx.case(Action.ANSWER_POLL)
    latest = find(case.polls)
    if not re.fullmatch("[1-9]", number):
        raise BadInput("poll-option", maximum=len(latest.options))
    await _vote(ctx, case, latest.id, int(number))
    return say("poll-voted", option=latest.options[int(number) - 1])


async def _vote(ctx: Context, case: Case, poll_id: int, option: int) -> None:
    changed = rounds.answer_poll(case, poll_id, ctx.actor, option, at=ctx.now)
    _audit(ctx, case, Action.ANSWER_POLL, "voted", find(changed.polls, poll_id))
    await ctx.save(changed, unseen=True)


@command("poll close", where="case", action=Action.ASK_POLL)
async def close(ctx: Context) -> Reply:
    """Close the poll and say what came out."""
    case = await ctx.case(Action.ASK_POLL)
    changed = rounds.close_poll(case, at=ctx.now)
    closed = changed.polls[-1]
    _audit(ctx, case, Action.ASK_POLL, "poll-closed", closed)
    await ctx.save(changed)
    result = Reply(_result(ctx, changed, closed))
    await ctx.outbox.to_case(case.id, EndPoll(f"{TAG}:{case.id}:{closed.id}", result, ctx.actor))
    return result


@command("poll show", where="case", action=Action.READ_OPINIONS, changes="nothing")
async def show(ctx: Context) -> Reply:
    """Show the latest poll; how the votes fall is told once it is closed."""
    case = await ctx.case(Action.READ_OPINIONS)
    latest = find(case.polls)
    if latest.closed_at is not None:
        return Reply(_result(ctx, case, latest))
    return Reply(
        (
            Heading("poll-title", {"question": latest.question}),
            Text("poll-open", {"voted": len(latest.ballots), "count": len(case.members)}),
        )
    )


def _result(ctx: Context, case: Case, closed: Poll) -> tuple[Part, ...]:
    """What came out, in words; with names when the poll was asked with names."""
    chosen = [closed.options[ballot.option - 1] for ballot in closed.ballots]
    sentence = spoken(lambda text: shares(chosen, text, verb="vote"))
    parts: list[Part] = [
        Heading("poll-title", {"question": closed.question}),
        Text("poll-result", {"sentence": sentence}),
    ]
    if closed.named:
        for number, option in enumerate(closed.options, start=1):
            names = ", ".join(map(ctx.office.directory.name_of, closed.voters(number)))
            if names:
                parts.append(Fact(Text("poll-choice", {"option": option}), names))
    could = [user for user in case.members if user not in case.conflicted]
    parts.append(Text("poll-turnout", {"voted": len(closed.ballots), "count": len(could)}))
    return tuple(parts)


def _audit(ctx: Context, case: Case, action: Action, decision: str, about: Poll) -> None:
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=action,
        case_id=case.id,
        decision=decision,
        detail={"poll": about.id, "event": ctx.event_id, "device": ctx.device_id},
    )


# --- answers that are no commands


async def meant(ctx: Context, text: str, replies_to: str | None) -> tuple[int, int] | None:
    """The poll and the option that a message in the room of a case votes for; None for anything else.

    A number replied to the poll, or a yes to the question that followed one's own tap.
    """
    if ctx.place is None or replies_to is None:
        return None
    sent = await ctx.tx.sent_item(replies_to)
    name, _, rest = (sent.tag if sent is not None and sent.tag is not None else "").partition(":")
    case_id, *where = rest.split(":", 3)
    word = text.strip().casefold().rstrip(" .!")
    if case_id != ctx.place.case_id:
        return None
    if name == TAG and re.fullmatch("[1-9]", word):
        return int(where[0]), int(word)
    if name == TAP and word in YES and where[2] == ctx.actor:
        return int(where[0]), int(where[1])
    return None


async def answer(ctx: Context, poll_id: int, option: int) -> None:
    """Take a vote that is no command; a sign on the message says that it counts."""
    try:
        async with ctx.tx.savepoint():
            case = await ctx.case(Action.ANSWER_POLL)
            await _vote(ctx, case, poll_id, option)
            await ctx.outbox.to_case(case.id, React(ctx.event_id, TAKEN))
    except Refused as error:
        await ctx.say(refusal(error))


async def tapped(ctx: Context, chosen: str, target: str) -> bool:
    """A numbered reaction to a poll: ask for the message that makes it a vote. Whether it was one."""
    sent = await ctx.tx.sent_item(target)
    name, _, rest = (sent.tag if sent is not None and sent.tag is not None else "").partition(":")
    case_id, _, number = rest.partition(":")
    if name != TAG or ctx.place is None or case_id != ctx.place.case_id:
        return False
    try:
        async with ctx.tx.savepoint():
            case = await ctx.case(Action.ANSWER_POLL, said=False)
            about = find(case.polls, int(number))
            about.vote(ctx.actor, int(chosen), case.conflicted, ctx.now)
            tag = f"{TAP}:{case.id}:{about.id}:{chosen}:{ctx.actor}"
            await ctx.say(say("poll-tapped", option=about.options[int(chosen) - 1]), tag=tag)
    except Refused as error:
        await ctx.say(refusal(error))
    return True
