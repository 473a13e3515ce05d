"""An answer to one of our questions, by message or reaction: which question it answers, and what comes of it.

How a form is asked is a matter of `dialogue`; what is recorded in the end, of the command for it.
"""

from __future__ import annotations

from ernbot.commands import case as case_commands
from ernbot.commands import consent, dialogue, followup, opening, opinion, rate, steps
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.effects import Redact
from ernbot.commands.refusals import explain
from ernbot.commands.reply import Reply, say
from ernbot.core import sheet
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.form import find_form
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue

ACTION: dict[str, Action] = {
    "consent": Action.GIVE_CONSENT,
    "opinion": Action.GIVE_OPINION,
    "follow-up": Action.FOLLOW_UP,
}
"""What the gate is asked for the answers of a dialogue."""


async def hear(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Take a message as the answer to a question of ours; whether it is one."""
    mark = await _mark(ctx, replies_to)
    if await rate.answered_template(ctx, text, mark):
        return True
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if current is not None and rate.is_draft(current):
        await rate.hear(ctx, current, text, mark)
        return True
    number = await number_of(ctx, current, replies_to) if current is not None else None
    if current is None or number is None:
        root = await followup.asked(ctx, replies_to)
        if root is not None:
            await _begin_follow_up(ctx, root, text)
        return root is not None
    await steps.remember(ctx, dialogue.tag(current, number), "answer")
    await take(ctx, current, number, text)
    return True


async def take(ctx: Context, current: Dialogue, number: int, text: str) -> None:
    """Take the answer to a question, and record them all once they are confirmed."""
    ctx = await _about(ctx, current)
    asked = dialogue.tag(current)
    try:
        async with ctx.tx.savepoint():
            reply = await _answered(ctx, current, text, number)
            if reply is not None:
                await ctx.say(reply)
    except Refused as error:
        # Whoever replies to this sentence instead of the question answers the question.
        await ctx.say(explain(error, None), tag=asked)


async def react(ctx: Context, chosen: str, target: str) -> None:
    """Take a numbered reaction as the answer to a question of ours, if it is under one."""
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if current is not None and rate.is_draft(current):
        await rate.prefill(ctx, current, chosen, await _mark(ctx, target))
        return
    number = await _marked(ctx, current, target) if current is not None else None
    if number is None and await followup.asked(ctx, target) is not None:
        await _begin_follow_up(ctx, target, chosen, said=False)
    if current is None or number is None:
        return
    ctx = await _about(ctx, current)
    try:
        async with ctx.tx.savepoint():
            # It proves nothing, and completes nothing: that takes words, of whose sender we are sure.
            topic: Topic | None
            if current.kind == opening.KIND:
                topic = opening.topic(ctx)
            else:
                case = await ctx.case(ACTION[current.kind], said=False)
                topic = _topic(ctx, current, case)
                if topic is not None and topic.sealed:
                    await _unseen(ctx, case)
                    return
            text = dialogue.reacted(current, topic, number, chosen) if topic is not None else None
            if topic is not None and text is not None:
                await dialogue.take(ctx, current, topic, text, number)
    except Refused as error:
        await ctx.say(explain(error, None))


async def _answered(ctx: Context, current: Dialogue, text: str, number: int) -> Reply | None:
    """What comes of an answer, or of a template that was filled in and sent back."""
    if current.kind == opening.KIND:
        opened = await opening.answered(ctx, current, text, number)
        if opened is not None:
            await case_commands.confirmed(ctx, *opened)
        return None
    case = await ctx.case(ACTION[current.kind])
    topic = _topic(ctx, current, case)
    if topic is None:
        await opinion.hand_back(ctx, case, current)
        return None
    if topic.kind == "opinion" and sheet.looks_filled(text, topic.form):
        reading = sheet.read(text, topic.form)
        return await opinion.settle(ctx, case, topic.form, dialogue.merged(current, reading.texts), reading.unplaced)
    answers = await dialogue.take(ctx, current, topic, text, number)
    if answers is None:
        return None
    if topic.kind == "opinion":
        return await opinion.record(ctx, case, topic.form, answers)
    return await (consent.record if topic.kind == "consent" else followup.record)(ctx, answers)


def _topic(ctx: Context, current: Dialogue, case: Case) -> Topic | None:
    """What a dialogue is about; None when the configuration no longer has its form as it was."""
    if current.kind == "consent":
        return consent.TOPIC
    if current.kind == "follow-up":
        return followup.TOPIC
    form = find_form(ctx.office.forms, current.data["form"], current.data["version"])
    return opinion.topic(form, sealed=case.blind.hides) if form is not None else None


async def number_of(ctx: Context, current: Dialogue, replies_to: str | None) -> int | None:
    """The number of the question that a message answers: the one replied to, else in thread or chat the present one."""
    marked = await _marked(ctx, current, replies_to)
    if marked is not None:
        return marked
    alone = ctx.place is None and current.kind in ("opinion", opening.KIND)
    return int(current.data["asked"]) if alone or (ctx.thread is not None and ctx.thread == current.thread) else None


async def _marked(ctx: Context, current: Dialogue, event_id: str | None) -> int | None:
    """The number of the question that an event puts."""
    return dialogue.question_of(current, await _mark(ctx, event_id))


async def _mark(ctx: Context, event_id: str | None) -> str | None:
    """The mark that an event of ours bears."""
    sent = await ctx.tx.sent_item(event_id) if event_id else None
    return sent.tag if sent is not None else None


async def _about(ctx: Context, current: Dialogue) -> Context:
    """The context of the case that a dialogue in a direct chat is about."""
    place = await ctx.tx.case_place(current.case_id) if current.case_id and ctx.place is None else None
    return ctx.on(place) if place is not None else ctx


async def _begin_follow_up(ctx: Context, root: str, text: str, *, said: bool = True) -> None:
    try:
        async with ctx.tx.savepoint():
            await followup.begin(ctx, root, text, said=said)
    except Refused as error:
        await ctx.say(explain(error, None), thread=root)


async def _unseen(ctx: Context, case: Case) -> None:
    """A reaction would tell an answer to everybody who sees it, so while opinions are sealed none counts."""
    if ctx.place is not None:
        await ctx.outbox.to_case(case.id, Redact(ctx.event_id))
    await ctx.say(say("blind-no-reaction"))
