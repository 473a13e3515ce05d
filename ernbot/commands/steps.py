"""The last command of a person in a room: corrected by editing its message, undone by one reaction.

Only a step that changed nothing but the case can be taken back, and only while nobody has changed the case since: what
went out to other people cannot be recalled. A reaction proves nothing of who sent it, so it undoes what whoever meant
it would see at once and can say again, and no record (docs/decisions/0057).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ernbot.commands.context import Context
from ernbot.commands.registry import Command
from ernbot.core.errors import Refused
from ernbot.storage.records import Step, StepResult

UNDO_SIGN = "↩️"
UNDO = frozenset({UNDO_SIGN, "↩", "⎌", "🔙"})
"""Reactions that take the last step back, and the one that we offer."""

CORRECTED_WITHIN = timedelta(minutes=2)
UNDONE_WITHIN = timedelta(minutes=30)

TAG = "step"
"""Marks answers to a step that can be taken back."""


def tag(ctx: Context) -> str:
    return f"{TAG}:{ctx.event_id}"


async def remember(ctx: Context, what: str, result: StepResult, before: bytes | None = None) -> None:
    """Keep what the message at hand has done. `before` is the case as it was, when nothing else was changed."""
    after = await ctx.tx.case_as_stored(ctx.place.case_id) if before is not None and ctx.place is not None else None
    await ctx.tx.keep_step(Step(ctx.room_id, ctx.actor, ctx.event_id, ctx.now, what, result, before, after))


async def correctable(ctx: Context, event_id: str) -> Step:
    """The step that a message took which is edited now.

    Raises:
        Refused: `edited` when it is not this person's last one here, `edited-late` when it is too old, `edited-done`
            when it did what cannot be taken back.
    """
    step = await ctx.tx.last_step(ctx.room_id, ctx.actor)
    if step is None or step.event_id != event_id:
        raise Refused("edited")
    if ctx.now - step.at > CORRECTED_WITHIN:
        raise Refused("edited-late", minutes=int(CORRECTED_WITHIN.total_seconds()) // 60)
    if step.result == "more":
        raise Refused("edited-done")
    return step


async def of_answer(ctx: Context, event_id: str) -> Step | None:
    """The last step of this person here, when the event is its message or our answer to it."""
    step = await ctx.tx.last_step(ctx.room_id, ctx.actor)
    if step is None or step.event_id == event_id:
        return step
    sent = await ctx.tx.sent_item(event_id)
    return step if sent is not None and sent.tag == f"{TAG}:{step.event_id}" else None


async def take_back(ctx: Context, step: Step, command: Command, *, said: bool) -> None:
    """Put the case back as it was before a step. `said` is false for a reaction, which nothing vouches for.

    Raises:
        Refused: `undo-late` after half an hour, `undo-changed` when somebody has changed the case since, or whatever
            the gate says to whoever may not take the step any more.
    """
    if step.before is None or ctx.place is None:
        raise Refused("undo-nothing")
    if ctx.now - step.at > UNDONE_WITHIN:
        raise Refused("undo-late")
    assert command.action is not None
    case = await ctx.case(command.action, said=said)
    if await ctx.tx.case_as_stored(case.id) != step.after:
        raise Refused("undo-changed")
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=command.action,
        case_id=case.id,
        decision="undone",
        detail={"event": step.event_id},
    )
    await ctx.save(ctx.tx.case_of(step.before))
    await ctx.tx.keep_step(replace(step, result="nothing", before=None, after=None))
