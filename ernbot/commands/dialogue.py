"""A form answered question by question in a thread, by reply, thread message or numbered reaction.

The answers so far are kept in the database, so a dialogue survives restarts. Nothing is recorded in the case until the
last question is answered with an encrypted message: reactions travel in the clear, so they may fill in an answer but
never complete a record, nor change one that has been read through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ernbot.commands.context import Context
from ernbot.commands.registry import PREFIX
from ernbot.commands.reply import Fact, Item, Labels, Part, Reply, Symbol, Text, Value
from ernbot.core.case import Action
from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form, Option
from ernbot.storage.records import Dialogue

TAG = "dialogue"
"""Marks our questions in the outbox, so that a reply or a reaction to one finds its dialogue."""

Kind = Literal["consent", "opinion"]

KEYCAP = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
SKIP = frozenset({"-", "–", "—", "skip"})
YES = frozenset({"yes", "ja", "y", "j"})


@dataclass(frozen=True)
class Topic:
    """What a dialogue is about.

    `question`, `label` and `option` give the words of a question, its short name, and the words of a choice; `read`
    gives an answer as it was understood, and raises BadInput for one that does not fit. `one_line` is the command that
    says it all at once.
    """

    kind: Kind
    action: Action
    form: Form
    one_line: str
    question: Callable[[Field], Text]
    label: Callable[[Field], Text | Labels]
    option: Callable[[Field, Option], Labels | Symbol]
    read: Callable[[Field, str, datetime], Sequence[Value]]


async def begin(ctx: Context, topic: Topic) -> None:
    """Ask the first question in a thread under the message at hand; an unfinished dialogue starts anew."""
    data = {"form": topic.form.id, "version": topic.form.version, "answers": {}, "asked": 0}
    dialogue = Dialogue(ctx.room_id, ctx.actor, topic.kind, ctx.root, data, ctx.now)
    await ctx.tx.save_dialogue(dialogue)
    opening = Text("dialogue-opening", {"count": len(topic.form.fields), "usage": topic.one_line})
    await ask(ctx, dialogue, topic, opening)


async def ask(ctx: Context, dialogue: Dialogue, topic: Topic, *before: Part) -> None:
    """Put the next question, or show all answers and ask whether to record them."""
    number = dialogue.data["asked"]
    if number < len(topic.form.fields):
        field = topic.form.fields[number]
        parts = [*before, *_question(topic, field)]
        options = len(field.options) if field.kind == "choice" else 0
    else:
        parts, options = [*_summary(ctx, dialogue, topic), Text("dialogue-confirm")], 0
    await ctx.say(Reply(tuple(parts)), tag=tag(dialogue), choices=options, thread=dialogue.thread)


def tag(dialogue: Dialogue, number: int | None = None) -> str:
    """The mark of a question, by default of the one that a dialogue is at."""
    return f"{TAG}:{dialogue.data['asked'] if number is None else number}:{dialogue.thread}"


def question_of(dialogue: Dialogue, mark: str | None) -> int | None:
    """Which question of this dialogue bears a mark; None for one of another dialogue."""
    name, _, rest = (mark or "").partition(":")
    number, _, thread = rest.partition(":")
    return int(number) if name == TAG and thread == dialogue.thread else None


def _summary(ctx: Context, dialogue: Dialogue, topic: Topic) -> list[Fact]:
    """Every answer as it was understood, so that a misreading is seen before it is recorded."""
    answers = dialogue.data["answers"]
    return [
        Fact(topic.label(field), value)
        for field in topic.form.fields
        if field.id in answers
        for value in topic.read(field, answers[field.id], ctx.now)
    ]


def _question(topic: Topic, field: Field) -> list[Part]:
    parts: list[Part] = [topic.question(field)]
    for number, option in enumerate(field.options, start=1):
        parts.append(Item(Text("dialogue-option", {"label": topic.option(field, option)}), code=str(number)))
    hint = {
        "choices": Text("dialogue-hint-choices"),
        "scale": Text("dialogue-hint-scale", {"minimum": int(field.minimum or 0), "maximum": int(field.maximum or 0)}),
        "quantity": Text("dialogue-hint-quantity", {"range": field.range}),
        "code": Text("dialogue-hint-code", {"systems": ", ".join(f"{system}:…" for system in field.systems)}),
    }.get(field.kind)
    if hint is not None:
        parts.append(hint)
    if not field.required:
        parts.append(Text("dialogue-hint-optional"))
    return parts


async def take(ctx: Context, dialogue: Dialogue, topic: Topic, text: str, number: int) -> dict[str, str] | None:
    """Take the answer to a question, the present one or an earlier one that is corrected.

    Gives the answers by field once they are confirmed, None while there is more to ask.

    Raises:
        BadInput: the answer does not fit; the question stays.
    """
    if number >= len(topic.form.fields):
        if text.casefold().rstrip(" .!") not in YES:
            raise BadInput("dialogue-yes", prefix=PREFIX)
        await ctx.tx.end_dialogue(dialogue.room_id, dialogue.user_id)
        return dict(dialogue.data["answers"])
    field = topic.form.fields[number]
    before: list[Part] = []
    if text.casefold() in SKIP:
        if field.required:
            raise BadInput("answer-required", field=field.id)
        dialogue.data["answers"].pop(field.id, None)
    else:
        values = topic.read(field, text, ctx.now)
        dialogue.data["answers"][field.id] = text
        if number < dialogue.data["asked"]:
            before += [Text("dialogue-changed"), *(Fact(topic.label(field), value) for value in values)]
    dialogue.data["asked"] = max(dialogue.data["asked"], number + 1)
    await ctx.tx.save_dialogue(dialogue)
    await ask(ctx, dialogue, topic, *before)
    return None


def reacted(dialogue: Dialogue, topic: Topic, number: int, chosen: str) -> str | None:
    """The answer that a numbered reaction to a question stands for; None when it answers nothing.

    A second reaction to a question with several choices adds to the first. Once all is there to be read through, only
    words change it.
    """
    if dialogue.data["asked"] >= len(topic.form.fields):
        return None
    field = topic.form.fields[number]
    before = dialogue.data["answers"].get(field.id)
    if field.kind == "choices":
        return f"{before}, {chosen}" if before else chosen
    return chosen if field.kind == "choice" else None


def chosen(key: str) -> str | None:
    """The number that a reaction stands for: `2️⃣` is `2`."""
    match = re.fullmatch(r"([1-9])\ufe0f?\u20e3", key)
    return match[1] if match else None


def keycaps(count: int) -> Sequence[str]:
    """The reactions to choose from."""
    return [f"{number}{KEYCAP}" for number in range(1, min(count, 9) + 1)]
