"""Opinions as they are shown. Which of them somebody may read is decided by `core.blind.visible` alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ernbot.commands.card import sealed_count
from ernbot.commands.context import Context
from ernbot.commands.reply import Blank, Fact, Heading, Labels, Part, Reply, Sheet, Text, Value
from ernbot.core.blind import missing, visible
from ernbot.core.case import Case
from ernbot.core.field import CHOICES, Answer
from ernbot.core.form import Field, Form, find_form
from ernbot.core.opinion import Opinion, latest

__all__ = ["answered", "facts", "in_full", "overview", "readable", "sealed_count", "template", "together", "typed"]

FEW = 3
"""Opinions that fit one screen in full; of more, what they recommend is shown first and details on demand."""


def readable(ctx: Context, case: Case) -> tuple[Opinion, ...]:
    """The latest opinions that the person who asks may read; an assistant reads what the clinician may."""
    reader = ctx.tx.acting_for or ctx.actor
    return latest(visible(case.opinions, reader, case.lead, case.blind, case.panel))


def sealed(ctx: Context, case: Case) -> Text:
    """What sealed opinions mean for the person who asks: whose they may read, and where."""
    reader = ctx.tx.acting_for or ctx.actor
    place = "room" if ctx.place is not None else "direct"
    may_read = {opinion.author for opinion in readable(ctx, case)}
    if reader in case.panel and reader not in case.answered:
        return Text(f"blind-sealed-{place}-missing")
    if may_read - {reader}:
        return Text(f"blind-sealed-{place}-lead")
    if may_read:
        return Text(f"blind-sealed-{place}")
    return Text("blind-sealed-for-lead" if reader == case.lead and case.blind.from_lead else "blind-sealed")


def facts(opinion: Opinion, form: Form | None = None) -> Iterable[Fact]:
    """The answers of an opinion with their labels, which it carries; older ones take those of their form."""
    words = dict(opinion.words)
    if not words and form is not None:
        words = form.words({field_id: Answer(value) for field_id, value in opinion.answers.items()})
    for field_id, answer in opinion.answers.items():
        name = Labels(words.get(field_id, {"en": field_id}))
        sure = opinion.certainty.get(field_id, ())
        for number, value in enumerate(answer if isinstance(answer, tuple) else (answer,)):
            labels = words.get(f"{field_id}={value}")
            word = sure[number] if number < len(sure) else ""
            yield Fact(name, certain(Labels(labels) if labels else value, word, words.get(f"certainty={word}")))


def certain(value: Value, word: str, labels: dict[str, str] | None) -> Value | Text:
    """An answer with how sure the expert is of it, where that was said."""
    if not word:
        return value
    return Text("answer-certain", {"answer": value, "certainty": Labels(labels) if labels else word})


def answered(field: Field, answer: Answer) -> Iterable[Value | Text]:
    """One answer as it was understood."""
    words = field.words(answer)
    for number, value in enumerate(answer.value if isinstance(answer.value, tuple) else (answer.value,)):
        labels = words.get(f"{field.id}={value}")
        word = answer.certainty[number] if number < len(answer.certainty) else ""
        yield certain(Labels(labels) if labels else value, word, words.get(f"certainty={word}"))


def in_full(ctx: Context, opinions: Sequence[Opinion]) -> Iterable[Part]:
    """Each opinion with its author, its version, and what must be known of it."""
    for opinion in opinions:
        name = ctx.office.directory.name_of(opinion.author)
        yield Heading("opinion-by", {"name": name, "version": opinion.version, "date": opinion.at})
        if opinion.conflict:
            yield Text("opinion-conflict")
        if opinion.after_reveal:
            yield Text("opinion-revised-late" if opinion.version > 1 else "opinion-late")
        yield from facts(opinion, find_form(ctx.office.forms, opinion.form_id, opinion.form_version))


def recommended(ctx: Context, case: Case, opinions: Sequence[Opinion]) -> list[Part]:
    """Who recommends what, by the first choice of the form; a conflict of interest stands behind the name."""
    form = ctx.office.opinion_form(case)
    first = next((field for field in form.fields if field.kind == "choice" and field.required), None)
    by_choice: dict[str, list[str]] = {}
    words: dict[str, dict[str, str]] = {}
    for opinion in opinions:
        value = opinion.answers.get(first.id) if first is not None else None
        if isinstance(value, str) and first is not None:
            name = ctx.office.directory.name_of(opinion.author)
            by_choice.setdefault(value, []).append(f"{name} (*)" if opinion.conflict else name)
            own = {f"{first.id}={option.id}": option.labels for option in first.options}
            words[value] = opinion.words.get(f"{first.id}={value}") or own.get(f"{first.id}={value}") or {"en": value}
    if first is None or not by_choice:
        return []
    parts: list[Part] = [Text("opinion-recommended", {"question": Labels(first.labels)})]
    parts += [Fact(Labels(words[value]), ", ".join(names)) for value, names in by_choice.items()]
    if any(opinion.conflict for opinion in opinions):
        parts.append(Text("opinion-conflict-star"))
    return parts


def overview(ctx: Context, case: Case, opinions: Sequence[Opinion]) -> Reply:
    """Opinions on one screen."""
    if len(opinions) <= FEW:
        return Reply(tuple(in_full(ctx, opinions)))
    return Reply((*recommended(ctx, case, opinions), Text("opinion-show-one")))


def together(ctx: Context, case: Case, statistics: Sequence[Part]) -> Reply:
    """Everything that a reveal shows the panel, as one message; `statistics` is what the opinions say together."""
    opinions = latest(visible(case.opinions, case.lead, case.lead, case.blind, case.panel))
    absent = missing(case.opinions, case.panel)
    names = ", ".join(map(ctx.office.directory.name_of, absent))
    late = (Fact(Text("reveal-missing"), names), Text("reveal-late-marked")) if names else ()
    shown = (*recommended(ctx, case, opinions), *in_full(ctx, opinions))
    return Reply((Heading("reveal-title"), *shown, *statistics, *late, Text("reveal-next")))


def template(form: Form, nickname: str, texts: dict[str, str]) -> Sheet:
    """The template of a form with what was typed already; later rounds of a group come once the first is used."""
    return Sheet(
        Text("sheet-preamble", {"nickname": nickname}),
        tuple(
            Blank(field.id, Labels(field.labels), tuple(_hints(field)), texts.get(field.id, ""), field.required)
            for field in form.fields
            if field.occurrence == 1 or field.id in texts
        ),
    )


def _hints(field: Field) -> Iterable[Text | Labels | str]:
    if field.kind in CHOICES or field.kind == "choices":
        yield from (Labels(option.labels) for option in field.options)
    elif field.kind == "scale":
        yield f"{field.minimum}–{field.maximum}"
    elif field.kind == "quantity":
        yield field.range
    elif field.kind == "code":
        yield field.shapes
    elif field.kind == "date":
        yield "2026-03-31"
    if field.certainties:
        yield Text("sheet-hint-certainty")


def typed(opinion: Opinion) -> dict[str, str]:
    """An opinion as its author would type it, to be revised."""
    texts = {}
    for field_id, answer in opinion.answers.items():
        sure = opinion.certainty.get(field_id, ())
        values = answer if isinstance(answer, tuple) else (str(answer),)
        words = [f"{v} ({sure[n]})" if n < len(sure) and sure[n] else v for n, v in enumerate(values)]
        texts[field_id] = "; ".join(words)
    return texts
