"""One message of a person, from its text to the answer: a command, an answer to a question, or neither."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ernbot.commands import COMMANDS, consent, dialogue, invitations, opinion, panel, questions, steps
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX, Command, find, has_prefix, without_prefix
from ernbot.commands.reply import Part, Reply, Text, say
from ernbot.core.case import Action
from ernbot.core.characters import harmless
from ernbot.core.errors import BadInput, Refused
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
    if has_prefix(text) and without_prefix(text):
        await _command(ctx, text)
    elif await _by_numbers(ctx, text, replies_to):
        return
    elif (job := await questions.find(ctx, text, replies_to)) is not None:
        await questions.answer(ctx, job, text)
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

    The context is that of the edited message.
    """
    text = harmless(text).strip()
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
    if ctx.place is None:
        return bool(await ctx.tx.places_of(ctx.actor))
    try:
        await ctx.case(Action.READ, said=False)
    except Refused:
        return False
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
    reply = await command.run(ctx, **command.arguments(rest))
    await steps.remember(ctx, command.name, command.changes, before)
    if reply is not None:
        await ctx.say(reply, tag=steps.tag(ctx) if can_be_undone else None, undo=can_be_undone)


def _topic(ctx: Context, current: Dialogue) -> Topic | None:
    """What a dialogue is about; None when the configuration no longer has its form as it was."""
    if current.kind == "consent":
        return consent.TOPIC
    form = ctx.office.forms.get(current.data["form"])
    return opinion.topic(form) if form is not None and form.version == current.data["version"] else None


async def _question(ctx: Context, current: Dialogue, replies_to: str | None) -> int | None:
    """The number of the question that a message answers: in the thread the present one, else the one replied to."""
    if ctx.thread is not None and ctx.thread == current.thread:
        return int(current.data["asked"])
    return await _marked(ctx, current, replies_to)


async def _marked(ctx: Context, current: Dialogue, event_id: str | None) -> int | None:
    """The number of the question that an event puts."""
    question = await ctx.tx.sent_item(event_id) if event_id else None
    return dialogue.question_of(current, question.tag) if question is not None else None


async def _answers(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Take a message as the answer to a question of ours; whether it is one."""
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    number = await _question(ctx, current, replies_to) if current is not None else None
    if current is None or number is None:
        return False
    await steps.remember(ctx, dialogue.tag(current, number), "answer")
    await _take(ctx, current, number, text)
    return True


async def _take(ctx: Context, current: Dialogue, number: int, text: str) -> None:
    """Take the answer to a question, and record them all once they are confirmed."""
    topic = _topic(ctx, current)
    if topic is None:
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
        await ctx.say(say("dialogue-form-changed", command=f"{PREFIX}{current.kind}"))
        return
    asked = dialogue.tag(current)
    try:
        async with ctx.tx.savepoint():
            await ctx.case(topic.action)
            answers = await dialogue.take(ctx, current, topic, text, number)
            if answers is not None:
                record = consent.record if topic.kind == "consent" else opinion.record
                await ctx.say(await record(ctx, answers))
    except Refused as error:
        # Whoever replies to this sentence instead of the question answers the question.
        await ctx.say(explain(error, None), tag=asked)


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
    if chosen is not None and await panel.reacted(ctx, chosen, target):
        return
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor) if chosen is not None else None
    number = await _marked(ctx, current, target) if current is not None else None
    if chosen is None or current is None or number is None:
        return
    topic = _topic(ctx, current)
    text = dialogue.reacted(current, topic, number, chosen) if topic is not None else None
    if topic is None or text is None:
        return
    try:
        async with ctx.tx.savepoint():
            # It proves nothing, and completes nothing: that takes words, of whose sender we are sure.
            await ctx.case(topic.action, said=False)
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
