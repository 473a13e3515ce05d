"""One message of a person, from its text to the answer: a command, an answer to a question, or neither."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from ernbot.commands import (
    COMMANDS,
    blind,
    consent,
    dialogue,
    followup,
    invitations,
    opinion,
    panel,
    poll,
    questions,
    rate,
    steps,
)
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.effects import Redact
from ernbot.commands.office import Office
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX, Command, find, has_prefix, without_prefix
from ernbot.commands.reply import Part, Reply, Text, say
from ernbot.core import sheet
from ernbot.core.case import Case
from ernbot.core.characters import harmless
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import find_form
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue, Step

ALIKE = 0.6
"""Likeness from which a mistyped command is recognised (0 to 1, as difflib counts)."""

MAX_ECHO = 40
"""Characters of a mistyped command that are repeated."""

VERY_ALIKE = 0.7
"""The same for words that could also be arguments of a shorter command."""

PLAINLY_ALIKE = 0.8
"""The same for what somebody says without a prefix."""


async def hear(ctx: Context, text: str, replies_to: str | None, *, addressed: bool = False) -> None:
    """Answer one message. Talk among people gets no answer.

    In a direct chat, and where somebody addresses us, a command needs no prefix. A refusal is answered with a sentence
    and changes nothing.
    """
    text = harmless(text).strip()
    if ctx.place is not None and await _sealed(ctx, text, replies_to):
        return
    if has_prefix(text) and without_prefix(text):
        await _command(ctx, text)
    elif await _by_numbers(ctx, text, replies_to):
        return
    elif (job := await questions.find(ctx, text, replies_to)) is not None:
        await questions.answer(ctx, job, text)
    elif (ballot := await poll.meant(ctx, text, replies_to)) is not None:
        await poll.answer(ctx, *ballot)
    elif await _answers(ctx, text, replies_to):
        return
    elif _is_command(ctx, text, addressed=addressed):
        await _command(ctx, text)
    elif addressed and not text:
        await _command(ctx, "help")
    elif ctx.place is None or addressed:
        nearest = _nearest([PREFIX + word for word in (" ".join(text.split()[:2]), *text.split()[:1])], PLAINLY_ALIKE)
        await ctx.say(say("not-a-command-but", nearest=nearest) if nearest else say("not-a-command"))


def _is_command(ctx: Context, text: str, *, addressed: bool) -> bool:
    """Whether a message is a command, with its prefix or where it needs none."""
    if has_prefix(text):
        return bool(without_prefix(text))
    return (ctx.place is None or addressed) and find(COMMANDS, text) is not None


async def hear_edit(ctx: Context, text: str, edits: str, *, addressed: bool = False) -> None:
    """A message was changed: within two minutes, the last one to us counts as if it had said so at once.

    No opinion stays in a room by way of an edit where opinions are sealed.
    """
    text = harmless(text).strip()
    if ctx.place is not None and await blind.intercepted(ctx, text, edited=edits):
        return
    ctx = replace(ctx, event_id=edits)
    is_command = _is_command(ctx, text, addressed=addressed)
    last = await ctx.tx.last_step(ctx.room_id, ctx.actor)
    if not is_command and (last is None or last.event_id != edits):
        return
    try:
        step = await steps.correctable(ctx, edits)
        if step.result == "answer":
            await _correct_answer(ctx, step, text)
            return
        if not is_command:
            raise Refused("edited-no-command")
        if step.result == "case":
            async with ctx.tx.savepoint():
                await steps.take_back(ctx, step, _named(step.what), said=True)
    except Refused as error:
        await ctx.say(explain(error, None))
    else:
        await _command(ctx, text)


async def _correct_answer(ctx: Context, step: Step, text: str) -> None:
    """An answer to one of our questions was changed.

    Raises:
        Refused: `edited-done` when the answers are recorded already.
    """
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    number = dialogue.question_of(current, step.what) if current is not None else None
    if current is None or number is None:
        raise Refused("edited-done")
    await _take(ctx, current, number, text)


def _named(name: str) -> Command:
    """The command of this name.

    Raises:
        Refused: `undo-nothing` when there is none any more.
    """
    found = next((command for command in COMMANDS if command.name == name), None)
    if found is None:
        raise Refused("undo-nothing")
    return found


async def _by_numbers(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Whether a message was a reply with numbers to a suggestion of experts."""
    try:
        command = await panel.numbers(ctx, text, replies_to)
    except Refused as error:
        await ctx.say(explain(error, None))
        return True
    if command is not None:
        await _command(ctx, command)
    return command is not None


async def _takes_part(ctx: Context) -> bool:
    """Whether somebody whom no network lists is a guest here, or of any case."""
    there = [ctx] if ctx.place is not None else [ctx.on(place) for place in await ctx.tx.places_of(ctx.actor)]
    for each in there:
        try:
            await each.case(Action.READ, said=False)
        except Refused:
            continue
        return True
    return False


def concerns_us(office: Office, text: str) -> bool:
    """Whether a message in a case room is for us though it is no command: an opinion that may have to be sealed."""
    return blind.tells(harmless(text).strip(), office.forms.values())


async def _sealed(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Whether a message was an opinion in a room where opinions are sealed, and was taken out of it."""
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    about = current is not None and current.kind == "opinion" and not text.startswith(PREFIX)
    number = await _question(ctx, current, replies_to) if about and current is not None else None
    try:
        async with ctx.tx.savepoint():
            return await blind.intercepted(ctx, text, number)
    except Refused as error:
        await ctx.say(explain(error, None))
        return True


async def _command(ctx: Context, text: str) -> None:
    found: Command | None = None
    try:
        async with ctx.tx.savepoint():
            match = find(COMMANDS, text)
            if match is None or _meant_another(*match):
                raise _unknown(text)
            found, rest = match
            await _run(ctx, found, rest)
    except Refused as error:
        await steps.remember(ctx, found.name if found else "", "refused")
        await ctx.say(explain(error, found))


def explain(error: Refused, command: Command | None) -> Reply:
    """The sentence for a refusal, with the usage line when what was typed does not fit."""
    more: tuple[Part, ...] = ()
    if command and isinstance(error, BadInput):
        more = (Text("usage", {"usage": command.usage}),)
    elif error.code == "wrong-state":
        more = (Text("help-now"),)
    return Reply((*(() if error.code == "usage" else refusal(error).parts), *more))


async def _run(ctx: Context, command: Command, rest: str) -> None:
    if not ctx.office.directory.knows(ctx.actor) and not await _takes_part(ctx):
        raise Refused("person-unknown")
    if ctx.place is None and command.where == "case":
        raise Refused("not-in-a-case-room")
    if ctx.place is not None and command.where == "direct":
        raise Refused("not-in-a-direct-chat")
    # A command on a case is asked by the gate, which writes down the answer.
    if ctx.place is None or command.action is None:
        doubt = await ctx.doubt(ctx.office.policy.needs(None))
        if doubt is not None:
            raise doubt
    can_be_undone = command.changes == "case" and ctx.place is not None
    before = await ctx.tx.case_as_stored(ctx.place.case_id) if can_be_undone and ctx.place is not None else None
    await steps.remember(ctx, command.name, command.changes)
    reply = await command.run(ctx, **command.arguments(rest))
    if before is not None:
        await steps.remember(ctx, command.name, command.changes, before)
    if reply is not None:
        await ctx.say(reply, tag=steps.tag(ctx) if can_be_undone else None, undo=can_be_undone)


def _topic(ctx: Context, current: Dialogue, case: Case) -> Topic | None:
    """What a dialogue is about; None when the configuration no longer has its form as it was."""
    if current.kind == "consent":
        return consent.TOPIC
    if current.kind == "follow-up":
        return followup.TOPIC
    form = find_form(ctx.office.forms, current.data["form"], current.data["version"])
    return opinion.topic(form, sealed=case.blind.hides) if form is not None else None


async def _question(ctx: Context, current: Dialogue, replies_to: str | None) -> int | None:
    """The number of the question that a message answers: the one replied to, else in thread or chat the present one."""
    marked = await _marked(ctx, current, replies_to)
    if marked is not None:
        return marked
    alone = ctx.place is None and current.kind == "opinion"
    return int(current.data["asked"]) if alone or (ctx.thread is not None and ctx.thread == current.thread) else None


async def _mark(ctx: Context, event_id: str | None) -> str | None:
    """The mark that an event of ours bears."""
    sent = await ctx.tx.sent_item(event_id) if event_id else None
    return sent.tag if sent is not None else None


async def _marked(ctx: Context, current: Dialogue, event_id: str | None) -> int | None:
    """The number of the question that an event puts."""
    question = await ctx.tx.sent_item(event_id) if event_id else None
    return dialogue.question_of(current, question.tag) if question is not None else None


async def _about(ctx: Context, current: Dialogue) -> Context:
    """The context of the case that a dialogue in a direct chat is about."""
    place = await ctx.tx.case_place(current.case_id) if current.case_id and ctx.place is None else None
    return ctx.on(place) if place is not None else ctx


async def _answers(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Take a message as the answer to a question of ours; whether it is one."""
    mark = await _mark(ctx, replies_to)
    if await rate.answered_template(ctx, text, mark):
        return True
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if current is not None and rate.is_draft(current):
        await rate.hear(ctx, current, text, mark)
        return True
    number = await _question(ctx, current, replies_to) if current is not None else None
    if current is None or number is None:
        root = await followup.asked(ctx, replies_to)
        if root is not None:
            await _begin_follow_up(ctx, root, text)
        return root is not None
    await steps.remember(ctx, dialogue.tag(current, number), "answer")
    await _take(ctx, current, number, text)
    return True


async def _take(ctx: Context, current: Dialogue, number: int, text: str) -> None:
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


ACTION: dict[str, Action] = {
    "consent": Action.GIVE_CONSENT,
    "opinion": Action.GIVE_OPINION,
    "follow-up": Action.FOLLOW_UP,
}
"""What the gate is asked for the answers of a dialogue."""


async def _begin_follow_up(ctx: Context, root: str, text: str, *, said: bool = True) -> None:
    try:
        async with ctx.tx.savepoint():
            await followup.begin(ctx, root, text, said=said)
    except Refused as error:
        await ctx.say(explain(error, None), thread=root)


async def _answered(ctx: Context, current: Dialogue, text: str, number: int) -> Reply | None:
    """What comes of an answer, or of a template that was filled in and sent back."""
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


async def hear_reaction(ctx: Context, key: str, target: str) -> None:
    """A numbered reaction under one of our questions answers it, an arrow back undoes the last step.

    Any other reaction is people's own business.
    """
    if key in steps.UNDO:
        await _undo(ctx, target)
        return
    if await invitations.agreed(ctx, key, target):
        return
    chosen = dialogue.chosen(key)
    if chosen is not None and (await panel.reacted(ctx, chosen, target) or await poll.tapped(ctx, chosen, target)):
        return
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor) if chosen is not None else None
    if chosen is not None and current is not None and rate.is_draft(current):
        await rate.prefill(ctx, current, chosen, await _mark(ctx, target))
        return
    number = await _marked(ctx, current, target) if current is not None else None
    if chosen is not None and number is None and await followup.asked(ctx, target) is not None:
        await _begin_follow_up(ctx, target, chosen, said=False)
    if chosen is None or current is None or number is None:
        return
    ctx = await _about(ctx, current)
    try:
        async with ctx.tx.savepoint():
            # It proves nothing, and completes nothing: that takes words, of whose sender we are sure.
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


async def _undo(ctx: Context, target: str) -> None:
    step = await steps.of_answer(ctx, target)
    if step is None or step.before is None:
        return
    try:
        async with ctx.tx.savepoint():
            await steps.take_back(ctx, step, _named(step.what), said=False)
    except Refused as error:
        await ctx.say(explain(error, None))
    else:
        await ctx.say(say("undone", command=step.what))


async def _unseen(ctx: Context, case: Case) -> None:
    """A reaction would tell an answer to everybody who sees it, so while opinions are sealed none counts."""
    if ctx.place is not None:
        await ctx.outbox.to_case(case.id, Redact(ctx.event_id))
    await ctx.say(say("blind-no-reaction"))


def _verbs(noun: str) -> list[str]:
    """The words that can follow the first word of a command."""
    return [command.words[1] for command in COMMANDS if command.words[0] == noun and len(command.words) > 1]


def _meant_another(command: Command, rest: str) -> bool:
    """Whether what follows a command of one word is rather a mistyped second word than an argument."""
    second = rest.split(maxsplit=1)[0].casefold() if rest else ""
    verbs = _verbs(command.name.removeprefix(PREFIX))
    return "=" not in second and bool(difflib.get_close_matches(second, verbs, n=1, cutoff=VERY_ALIKE))


def _unknown(text: str) -> BadInput:
    """The refusal for what is no command: with the one probably meant, or with the words that can follow the first."""
    words = without_prefix(text).split()[:2]
    typed = (PREFIX + " ".join(words))[:MAX_ECHO]
    noun, *second = (word.casefold() for word in words)
    if verbs := _verbs(noun):
        close = difflib.get_close_matches(second[0], verbs, n=1, cutoff=ALIKE) if second else []
        if not close:
            return BadInput("command-incomplete", command=PREFIX + noun, words=", ".join(verbs))
        return BadInput("command-unknown", command=typed, nearest=f"{PREFIX}{noun} {close[0]}")
    nearest = _nearest([PREFIX + " ".join([noun, *second]), PREFIX + noun], ALIKE)
    return BadInput("command-unknown", command=typed, nearest=nearest or f"{PREFIX}help")


def _nearest(typed: Sequence[str], likeness: float) -> str | None:
    """The name of the command that one of these is most like, the first that is like any."""
    names = [command.name for command in COMMANDS]
    for wanted in typed:
        if close := difflib.get_close_matches(wanted.casefold(), names, n=1, cutoff=likeness):
            return close[0]
    return None
