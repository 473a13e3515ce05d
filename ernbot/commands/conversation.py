"""One message of a person, from its text to the answer: a command, an answer to a question, or neither."""

from __future__ import annotations

import difflib

from ernbot.commands import COMMANDS, consent, dialogue, opinion
from ernbot.commands.context import Context
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX, Command, find
from ernbot.commands.reply import Part, Reply, Text, say
from ernbot.core.case import Action
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import Form
from ernbot.storage.records import Dialogue


async def hear(ctx: Context, text: str, replies_to: str | None) -> None:
    """Answer one message. Talk among people gets no answer.

    A refusal is answered with a sentence and changes nothing.
    """
    text = text.strip()
    found: Command | None = None
    try:
        async with ctx.tx.savepoint():
            if text.startswith(PREFIX) and text.strip(PREFIX):
                match = find(COMMANDS, text)
                if match is None:
                    raise BadInput("command-unknown", command=_first_words(text), nearest=_nearest(text))
                found, rest = match
                await _run(ctx, found, rest)
            else:
                await _answer(ctx, text, replies_to)
    except Refused as error:
        await ctx.say(explain(error, found))


def explain(error: Refused, command: Command | None) -> Reply:
    """The sentence for a refusal, with the usage line when what was typed does not fit."""
    usage: tuple[Part, ...] = (
        (Text("usage", {"usage": command.usage}),) if command and isinstance(error, BadInput) else ()
    )
    sentence = () if error.code == "usage" else refusal(error).parts
    return Reply((*sentence, *usage))


async def _run(ctx: Context, command: Command, rest: str) -> None:
    if not ctx.office.directory.knows(ctx.actor):
        raise Refused("person-unknown")
    if ctx.place is None and command.where == "case":
        raise Refused("not-in-a-case-room")
    if ctx.place is not None and command.where == "direct":
        raise Refused("not-in-a-direct-chat")
    reply = await command.run(ctx, **command.arguments(rest))
    if reply is not None:
        await ctx.say(reply)


def _form(ctx: Context, current: Dialogue) -> Form | None:
    """The form of a dialogue; None when the configuration no longer has it."""
    return consent.FORM if current.kind == "consent" else ctx.office.forms.get(current.data["form"])


async def _dialogue(ctx: Context, asked: str | None) -> tuple[Dialogue, Form] | None:
    """This person's dialogue, when the message belongs to it: in its thread, or replying to one of its questions."""
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if current is None:
        return None
    if ctx.thread != current.thread:
        question = await ctx.tx.sent_item(asked) if asked else None
        if question is None or question.tag != dialogue.TAG:
            return None
    form = _form(ctx, current)
    if form is None:
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
        return None
    return current, form


async def _answer(ctx: Context, text: str, replies_to: str | None) -> None:
    found = await _dialogue(ctx, replies_to)
    if found is None:
        if ctx.place is None:
            await ctx.say(say("not-a-command"))
        return
    current, form = found
    answers = await dialogue.take(ctx, current, form, text)
    if answers is not None:
        record = consent.record if current.kind == "consent" else opinion.record
        await ctx.say(await record(ctx, answers))


async def hear_reaction(ctx: Context, key: str, target: str) -> None:
    """A numbered reaction under one of our questions answers it; any other reaction is people's own business."""
    number = dialogue.chosen(key)
    if number is None:
        return
    found = await _dialogue(ctx, target)
    if found is None or dialogue.is_complete(*found):
        return
    current, form = found
    if form.fields[current.data["asked"]].kind not in ("choice", "choices"):
        return
    try:
        async with ctx.tx.savepoint():
            await ctx.case(Action.GIVE_CONSENT if current.kind == "consent" else Action.GIVE_OPINION)
            await dialogue.take(ctx, current, form, number)
    except Refused as error:
        await ctx.say(explain(error, None))


def _first_words(text: str) -> str:
    return " ".join(text.split()[:2])[:40]


def _nearest(text: str) -> str:
    """The command that was probably meant."""
    names = [command.name for command in COMMANDS]
    words = text.casefold().split()
    for typed in (" ".join(words[:2]), words[0]):
        close = difflib.get_close_matches(typed, names, n=1, cutoff=0.6)
        if close:
            return close[0]
    return f"{PREFIX}help"
