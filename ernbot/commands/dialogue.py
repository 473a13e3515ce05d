"""A form answered question by question in a thread, by reply, thread message or numbered reaction.

The answers so far are kept in the database, so a dialogue survives restarts. Nothing is recorded in the case until the
last question is answered with an encrypted message: reactions travel in the clear, so they may fill in an answer but
never complete a record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ernbot.commands.context import Context
from ernbot.commands.registry import PREFIX
from ernbot.commands.reply import Fact, Item, Labels, Part, Reply, Symbol, Text, Value
from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form, Option
from ernbot.storage.records import Dialogue

TAG = "dialogue"
"""Marks our questions in the outbox, so that a reply or a reaction to one finds its dialogue."""

Kind = Literal["consent", "opinion"]

KEYCAP = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
SKIP = frozenset({"-", "skip"})
YES = frozenset({"yes", "ja", "y", "j"})


async def begin(ctx: Context, kind: Kind, form: Form) -> None:
    """Ask the first question in a thread under the message at hand; an unfinished dialogue starts anew."""
    dialogue = Dialogue(ctx.room_id, ctx.actor, kind, ctx.root, {"form": form.id, "answers": {}, "asked": 0}, ctx.now)
    await ctx.tx.save_dialogue(dialogue)
    await ask(ctx, dialogue, form, opening=True)


async def ask(ctx: Context, dialogue: Dialogue, form: Form, *, opening: bool = False) -> None:
    """Put the next question, or show all answers and ask whether to record them."""
    number = dialogue.data["asked"]
    if number < len(form.fields):
        field = form.fields[number]
        parts: list[Part] = [Text("dialogue-opening", {"count": len(form.fields)})] if opening else []
        parts += _question(dialogue, field)
        options = len(field.options) if field.kind == "choice" else 0
        await ctx.say(Reply(tuple(parts)), tag=TAG, choices=options, thread=dialogue.thread)
        return
    summary = [
        Fact(prompt(dialogue.kind, field), value)
        for field in form.fields
        if field.id in dialogue.data["answers"]
        for value in _shown(dialogue.kind, field, dialogue.data["answers"][field.id])
    ]
    await ctx.say(Reply((Text("dialogue-confirm"), *summary)), tag=TAG, thread=dialogue.thread)


def _shown(kind: str, field: Field, text: str) -> list[Value]:
    """An answer as it was understood, not as it was typed."""
    answer = field.parse(text)
    options = {option.id: option for option in field.options}
    values = answer if isinstance(answer, tuple) else (answer,)
    return [_label(kind, field, options[str(v)]) if str(v) in options else str(v) for v in values]


def _label(kind: str, field: Field, option: Option) -> Labels | Symbol:
    return Symbol(field.id.rstrip("s"), option.id) if kind == "consent" else Labels(option.labels)


def prompt(kind: str, field: Field) -> Labels | Symbol:
    """The question of a field: a form's own label, or the catalogue's sentence for our consent form."""
    return Symbol("ask-consent", field.id) if kind == "consent" else Labels(field.labels)


def _question(dialogue: Dialogue, field: Field) -> list[Part]:
    parts: list[Part] = [Text("dialogue-question", {"question": prompt(dialogue.kind, field)})]
    for number, option in enumerate(field.options, start=1):
        label = Text("dialogue-option", {"label": _label(dialogue.kind, field, option)})
        parts.append(Item(label, code=str(number)))
    hint = {
        "choices": Text("dialogue-hint-choices"),
        "scale": Text("dialogue-hint-scale", {"minimum": int(field.minimum or 0), "maximum": int(field.maximum or 0)}),
        "quantity": Text("dialogue-hint-quantity", {"unit": field.unit or ""}),
        "code": Text("dialogue-hint-code", {"systems": ", ".join(f"{system}:…" for system in field.systems)}),
    }.get(field.kind)
    if hint is not None:
        parts.append(hint)
    if not field.required:
        parts.append(Text("dialogue-hint-optional"))
    return parts


async def take(ctx: Context, dialogue: Dialogue, form: Form, text: str) -> dict[str, str] | None:
    """Take one answer; the answers by field once they are confirmed, None while there is more to ask.

    Raises:
        BadInput: the answer does not fit; the question stays.
    """
    number = dialogue.data["asked"]
    if number >= len(form.fields):
        if text.strip().casefold() not in YES:
            raise BadInput("dialogue-yes", prefix=PREFIX)
        await ctx.tx.end_dialogue(dialogue.room_id, dialogue.user_id)
        return dict(dialogue.data["answers"])
    field = form.fields[number]
    if text.strip().casefold() in SKIP:
        if field.required:
            raise BadInput("answer-missing", field=field.id)
    else:
        field.parse(text)
        dialogue.data["answers"][field.id] = text.strip()
    dialogue.data["asked"] = number + 1
    await ctx.tx.save_dialogue(dialogue)
    await ask(ctx, dialogue, form)
    return None


def chosen(key: str) -> str | None:
    """The number that a reaction stands for: `2️⃣` is `2`."""
    match = re.fullmatch(r"([1-9])\ufe0f?\u20e3", key)
    return match[1] if match else None


def keycaps(count: int) -> Sequence[str]:
    """The reactions to choose from."""
    return [f"{number}{KEYCAP}" for number in range(1, min(count, 9) + 1)]


def is_complete(dialogue: Dialogue, form: Form) -> bool:
    """Whether only the confirmation is missing, which a reaction cannot give."""
    return bool(dialogue.data["asked"] >= len(form.fields))
