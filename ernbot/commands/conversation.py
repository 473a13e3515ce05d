"""One message of a person, from its text to the answer: a command, an answer to a question, or neither."""

from __future__ import annotations

from dataclasses import replace

from ernbot.commands import (
    COMMANDS,
    answering,
    blind,
    consent,
    dialogue,
    invitations,
    mistyped,
    outcome_template,
    panel,
    poll,
    questions,
    steps,
)
from ernbot.commands.context import Context
from ernbot.commands.office import Office
from ernbot.commands.refusals import explain
from ernbot.commands.registry import PREFIX, Command, find, has_prefix, without_prefix
from ernbot.commands.reply import say
from ernbot.core.characters import harmless
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.storage.records import Step

OWN_MESSAGE = frozenset(
    {
        Action.GIVE_CONSENT,
        Action.WITHDRAW_CONSENT,
        Action.SEND_TO_SIGNING,
        Action.SIGN,
        Action.BACK_TO_DRAFTING,
    }
)
"""Consent and signatures are about the message that gave them, so that message must have said so from the first."""


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
    elif await answering.hear(ctx, text, replies_to):
        return
    elif (command := await outcome_template.meant(ctx, text, replies_to)) is not None:
        await _command(ctx, command)
    elif _is_command(ctx, text, addressed=addressed):
        await _command(ctx, text)
    elif addressed and not text:
        await _command(ctx, "help")
    elif ctx.place is None or addressed:
        nearest = mistyped.plainly(text)
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
        if _needs_own_message(text):
            raise Refused("edited-record")
        if step.result == "case":
            async with ctx.tx.savepoint():
                await steps.take_back(ctx, step, _named(step.what), said=True)
    except Refused as error:
        await ctx.say(explain(error, None))
    else:
        await _command(ctx, text)


def _needs_own_message(text: str) -> bool:
    match = find(COMMANDS, text)
    return match is not None and match[0].action in OWN_MESSAGE


async def _correct_answer(ctx: Context, step: Step, text: str) -> None:
    """An answer to one of our questions was changed.

    Raises:
        Refused: `edited-done` when the answers are recorded already, `edited-record` for the yes that records consent.
    """
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    number = dialogue.question_of(current, step.what) if current is not None else None
    if current is None or number is None:
        raise Refused("edited-done")
    if current.kind == consent.TOPIC.kind and number >= len(consent.FORM.fields):
        raise Refused("edited-record")
    await answering.take(ctx, current, number, text)


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
    number = await answering.number_of(ctx, current, replies_to) if about and current is not None else None
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
            if match is None or mistyped.meant_another(*match):
                raise mistyped.unknown(text)
            found, rest = match
            await _run(ctx, found, rest)
    except Refused as error:
        await steps.remember(ctx, found.name if found else "", "refused")
        await ctx.say(explain(error, found))


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
    if chosen is None or await panel.reacted(ctx, chosen, target) or await poll.tapped(ctx, chosen, target):
        return
    await answering.react(ctx, chosen, target)


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
