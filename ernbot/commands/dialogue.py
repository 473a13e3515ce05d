"""A form answered question by question, by reply, message or numbered reaction; and the draft that this leaves.

The answers so far are kept in the database, so a draft survives restarts. Nothing is recorded in the case until the
last question is answered with an encrypted message: reactions travel in the clear, so they may fill in an answer but
never complete a record, nor change one that has been read through.

In a room a dialogue hangs in a thread; in a direct chat, where nobody else writes, every message belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ernbot.commands.context import Context
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX
from ernbot.commands.reply import Fact, Item, Labels, Part, Reply, Symbol, Text, Value, say
from ernbot.core.case import Case
from ernbot.core.errors import BadInput
from ernbot.core.field import CHOICES
from ernbot.core.form import Field, Filled, Form, Option
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue

TAG = "dialogue"
"""Marks our questions in the outbox, so that a reply or a reaction to one finds its dialogue."""

Kind = Literal["consent", "opinion", "follow-up", "new-case"]

KEYCAP = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
SKIP = frozenset({"-", "–", "—", "skip"})
DONE = frozenset({"done", "færdig"})
YES = frozenset({"yes", "ja", "y", "j"})


@dataclass(frozen=True)
class Topic:
    """What a dialogue is about.

    `question`, `label` and `option` give the words of a question, its short name, and the words of a choice; `read`
    gives an answer as it was understood, and raises BadInput for one that does not fit. `one_line` is the command that
    says it all at once. `sealed`: not even a reaction may tell what is answered.
    """

    kind: Kind
    action: Action
    form: Form
    one_line: str
    question: Callable[[Field], Text]
    label: Callable[[Field], Text | Labels]
    option: Callable[[Field, Option], Labels | Symbol]
    read: Callable[[Field, str, datetime], Sequence[Value | Text]]
    sealed: bool = False


async def begin(
    ctx: Context, topic: Topic, filled: Filled | None = None, before: Sequence[Part] = (), *, silent: bool = False
) -> None:
    """Ask the first question; an unfinished dialogue of this person in this room starts anew.

    With what was `filled` in already it is a draft: what fits is kept, and only what is missing or wrong is asked.
    `silent` asks nothing yet.
    """
    texts = {**filled.texts, **filled.idle} if filled else {}
    wrong = dict(filled.rejected) if filled else {}
    skipped = [f.id for f in topic.form.fields if filled and not f.required and f.id not in texts | wrong]
    data: dict[str, Any] = {"form": topic.form.id, "version": topic.form.version, "answers": texts}
    data |= {"asked": 0, "skipped": skipped, "wrong": wrong}
    dialogue = Dialogue(ctx.room_id, ctx.actor, topic.kind, ctx.root, data, ctx.now, ctx.case_id)
    _proceed(ctx, dialogue, topic)
    await ctx.tx.save_dialogue(dialogue)
    if silent:
        return
    if filled is None:
        count = len(topic.form.asked({}))
        before = (Text(_opening(ctx, topic), {"count": count, "usage": topic.one_line}),)
    await ask(ctx, dialogue, topic, *before)


def _opening(ctx: Context, topic: Topic) -> str:
    """The sentence that says how to answer here."""
    if topic.sealed:
        return "dialogue-opening-sealed"
    return "dialogue-opening" if ctx.place is not None else "dialogue-opening-direct"


async def ask(ctx: Context, dialogue: Dialogue, topic: Topic, *before: Part) -> None:
    """Put the next question, or show all answers and ask whether to record them."""
    number = dialogue.data["asked"]
    parts: list[Part] = list(before)
    options = 0
    if number < len(topic.form.fields):
        field = topic.form.fields[number]
        parts += [*_misfit(ctx, dialogue, topic, field), *_question(topic, field)]
        options = len(field.options) if field.kind in CHOICES and not topic.sealed else 0
    else:
        confirm = "dialogue-confirm-sealed" if topic.sealed else "dialogue-confirm"
        parts += [*summary(ctx, dialogue, topic), Text(confirm)]
    thread = dialogue.thread if ctx.place is not None else None
    await ctx.say(Reply(tuple(parts)), tag=tag(dialogue), choices=options, thread=thread)


def _misfit(ctx: Context, dialogue: Dialogue, topic: Topic, field: Field) -> Sequence[Part]:
    """Why what was typed for a question before did not fit."""
    text = dialogue.data.get("wrong", {}).get(field.id)
    if text is None:
        return ()
    try:
        topic.read(field, text, ctx.now)
    except BadInput as misfit:
        return refusal(misfit).parts
    return ()


def tag(dialogue: Dialogue, number: int | None = None) -> str:
    """The mark of a question, by default of the one that a dialogue is at."""
    return f"{TAG}:{dialogue.data['asked'] if number is None else number}:{dialogue.thread}"


def question_of(dialogue: Dialogue, mark: str | None) -> int | None:
    """Which question of this dialogue bears a mark; None for one of another dialogue."""
    name, _, rest = (mark or "").partition(":")
    number, _, thread = rest.partition(":")
    return int(number) if name == TAG and thread == dialogue.thread else None


def _asked(ctx: Context, dialogue: Dialogue, topic: Topic) -> tuple[Field, ...]:
    """The questions that the answers so far lead to."""
    if not any(field.when for field in topic.form.fields):
        return topic.form.fields
    return topic.form.asked(topic.form.fill(dialogue.data["answers"], ctx.now.date()).values)


def _proceed(ctx: Context, dialogue: Dialogue, topic: Topic) -> None:
    """Go to the first question that is asked and has neither an answer nor been left out."""
    data, fields = dialogue.data, topic.form.fields
    # Dialogues of version 0.1 went through the questions one after the other.
    skipped = data.setdefault("skipped", [f.id for f in fields[: data["asked"]] if f.id not in data["answers"]])
    asked = _asked(ctx, dialogue, topic)
    done = {*data["answers"], *skipped}
    data["asked"] = next(
        (number for number, field in enumerate(fields) if field in asked and field.id not in done), len(fields)
    )


def summary(ctx: Context, dialogue: Dialogue, topic: Topic) -> list[Fact]:
    """Every answer as it was understood, so that a misreading is seen before it is recorded."""
    answers = dialogue.data["answers"]
    return [
        Fact(topic.label(field), value)
        for field in _asked(ctx, dialogue, topic)
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
        "code": Text("dialogue-hint-code", {"systems": field.shapes}),
        "date": Text("dialogue-hint-date-partial" if field.partial else "dialogue-hint-date"),
    }.get(field.kind)
    if hint is not None:
        parts.append(hint)
    if field.certainties:
        parts.append(Text("dialogue-hint-certainty"))
    if field.repeats is not None and field.repeats.maximum > 1:
        parts.append(Text("dialogue-hint-repeats", {"maximum": field.repeats.maximum}))
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
        asked = {field.id for field in _asked(ctx, dialogue, topic)}
        return {field_id: given for field_id, given in dialogue.data["answers"].items() if field_id in asked}
    field = topic.form.fields[number]
    before: list[Part] = []
    _proceed(ctx, dialogue, topic)
    if text.casefold() in DONE and not field.required:
        answers = dialogue.data["answers"]
        dialogue.data["skipped"] = [f.id for f in topic.form.fields if not f.required and f.id not in answers]
    elif text.casefold() in SKIP:
        if field.required:
            raise BadInput("answer-required", field=field.id)
        dialogue.data["answers"].pop(field.id, None)
        dialogue.data["skipped"] = [*dialogue.data["skipped"], field.id]
    else:
        values = topic.read(field, text, ctx.now)
        dialogue.data["answers"][field.id] = text
        if number < dialogue.data["asked"]:
            before += [Text("dialogue-changed"), *(Fact(topic.label(field), value) for value in values)]
    dialogue.data.get("wrong", {}).pop(field.id, None)
    _proceed(ctx, dialogue, topic)
    await ctx.tx.save_dialogue(dialogue)
    # Where all answers are shown, a changed one needs no line of its own.
    await ask(ctx, dialogue, topic, *(before if dialogue.data["asked"] < len(topic.form.fields) else ()))
    return None


async def give_up(ctx: Context, case: Case, why: Literal["withdrawn", "archived", "erased"]) -> None:
    """End every form that somebody was filling in for a case, and tell them, each in their direct chat."""
    for user in await ctx.tx.end_dialogues(case.id):
        if user != ctx.actor:
            await ctx.outbox.to_person(user, say(f"draft-gone-{why}", nickname=case.nickname))


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
    return chosen if field.kind in CHOICES else None


def merged(dialogue: Dialogue | None, texts: Mapping[str, str]) -> dict[str, str]:
    """What was typed for a form before, with newer texts in the place of older ones."""
    if dialogue is None:
        return dict(texts)
    return {**dialogue.data["answers"], **dialogue.data.get("wrong", {}), **texts}


def chosen(key: str) -> str | None:
    """The number that a reaction stands for: `2️⃣` is `2`."""
    match = re.fullmatch(r"([1-9])\ufe0f?\u20e3", key)
    return match[1] if match else None


def keycaps(count: int) -> Sequence[str]:
    """The reactions to choose from."""
    return [f"{number}{KEYCAP}" for number in range(1, min(count, 9) + 1)]
