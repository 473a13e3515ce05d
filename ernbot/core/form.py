"""Structured forms: what a network asks of its experts, and whether the answers fit.

A form is configuration (`config/forms/*.toml`), versioned, with labels per language. One definition drives the one-line
command, the dialogue in a thread, the template that is filled and sent back, the FHIR Questionnaire and every later
page. Field kinds follow the FHIR Questionnaire item types.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ernbot.core.codes import CODE_SYSTEMS
from ernbot.core.condition import Answered, Condition, Every, atoms, holds, renamed, written
from ernbot.core.errors import BadInput
from ernbot.core.field import CHOICES, MAX_TEXT, Answer, Field, Kind, Option, Repeats, Value, label

__all__ = [
    "CODE_SYSTEMS",
    "MAX_TEXT",
    "Answer",
    "Field",
    "Filled",
    "Form",
    "Group",
    "Kind",
    "Option",
    "Repeats",
    "Value",
    "expand",
    "find_form",
    "label",
]

MAX_ECHO = 40
"""Characters of a misspelt name that are repeated."""

_CLOSED: frozenset[Kind] = CHOICES | {"code", "scale"}
"""Kinds whose answers can be told from others."""


@dataclass(frozen=True)
class Group:
    """Questions that are asked together, several times if need be."""

    id: str
    labels: dict[str, str]
    repeats: Repeats


@dataclass(frozen=True)
class Filled:
    """What became of the texts of a form that somebody filled in. Nothing of them is lost.

    `answers` are those that were understood and asked for, in the order of the form, `texts` what was typed for them.
    `wrong` says why the others do not fit, `rejected` what was typed for those. `idle` fit, but no answer asks for
    them. `unknown` are names that the form does not have, `missing` the required fields without text.
    """

    answers: dict[str, Answer]
    texts: dict[str, str]
    wrong: dict[str, BadInput]
    rejected: dict[str, str]
    idle: dict[str, str]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether it can be recorded as it is."""
        return not (self.wrong or self.idle or self.unknown or self.missing)

    @property
    def values(self) -> dict[str, Value]:
        return {field_id: answer.value for field_id, answer in self.answers.items()}


@dataclass(frozen=True)
class Form:
    """A versioned set of questions; those of a group stand in `fields` once for each time that they may be asked."""

    id: str
    version: str
    labels: dict[str, str]
    fields: tuple[Field, ...]
    groups: tuple[Group, ...] = ()

    @property
    def key(self) -> str:
        """The form in this very version."""
        return f"{self.id}@{self.version}"

    def field(self, field_id: str) -> Field | None:
        wanted = field_id.casefold()
        return next((field for field in self.fields if field.id.casefold() == wanted), None)

    def asked(self, values: Mapping[str, Value]) -> tuple[Field, ...]:
        """The questions that these answers lead to; an answer to a question that is not asked leads nowhere."""
        asked: list[Field] = []
        counting: dict[str, Value] = {}
        for field in self.fields:
            if field.when is None or holds(field.when, counting):
                asked.append(field)
                if field.id in values:
                    counting[field.id] = values[field.id]
        return tuple(asked)

    def fill(self, texts: Mapping[str, str], today: date | None = None) -> Filled:
        """Whatever fits of texts by field id, and what does not. Never raises."""
        answers: dict[str, Answer] = {}
        typed: dict[str, str] = {}
        wrong: dict[str, BadInput] = {}
        unknown: list[str] = []
        for key, text in texts.items():
            field = self.field(key)
            if field is None:
                unknown.append(key)
                continue
            typed[field.id] = text
            try:
                answers[field.id] = field.read(text, today)
            except BadInput as misfit:
                wrong[field.id] = misfit
        asked = self.asked({field_id: answer.value for field_id, answer in answers.items()})
        ids = {field.id for field in asked}
        # What hangs on a wrong answer is decided once that answer is right.
        waiting = {
            field.id
            for field in self.fields
            if field.when and field.id not in ids and any(atom.field in wrong for atom in atoms(field.when))
        }
        return Filled(
            answers={field.id: answers[field.id] for field in asked if field.id in answers},
            texts={field.id: typed[field.id] for field in self.fields if field.id in answers},
            wrong=wrong,
            rejected={field_id: typed[field_id] for field_id in wrong},
            idle={f: typed[f] for f in answers if f not in ids and f not in waiting},
            unknown=tuple(unknown),
            missing=tuple(field.id for field in asked if field.required and field.id not in typed),
        )

    def place(self, text: str, taken: Collection[str] = (), today: date | None = None) -> dict[str, str] | None:
        """Answers that were given without their fields, by field id: `ORPHA:794 surgery 4`. None when one stays over.

        Each is taken for the one required field with a closed answer that it fits; one that fits several waits until
        its neighbours have taken the others. Fields that are `taken` have their answer already.
        """
        free = [f for f in self.asked({}) if f.required and f.kind in _CLOSED and f.id.casefold() not in taken]
        separator = r"[,;\n]" if re.search(r"[,;\n]", text) else r"\s"
        words = [word.strip() for word in re.split(separator, text) if word.strip()]
        placed: dict[str, str] = {}
        while words:
            fits = ((word, [field for field in free if _fits(field, word, today)]) for word in words)
            word, field = next(((word, fields[0]) for word, fields in fits if len(fields) == 1), (None, None))
            if word is None or field is None:
                return None
            placed[field.id] = word
            words.remove(word)
            free.remove(field)
        return placed

    def complaint(self, filled: Filled) -> BadInput | None:
        """Why this cannot be recorded as it is; None when it can."""
        if filled.unknown:
            fields = ", ".join(field.origin or field.id for field in self.fields if field.occurrence == 1)
            return BadInput("answer-unknown", field=filled.unknown[0][:MAX_ECHO], fields=fields)
        if filled.wrong:
            return next(iter(filled.wrong.values()))
        if filled.idle:
            field = self.field(next(iter(filled.idle)))
            assert field is not None
            assert field.when is not None
            return BadInput("answer-idle", field=field.id, when=written(field.when))
        if filled.missing:
            return BadInput("answer-missing", field=", ".join(filled.missing))
        return None

    def read(self, texts: Mapping[str, str], today: date | None = None) -> Filled:
        """All answers of a form, given as texts by field id.

        Raises:
            BadInput: `answer-unknown` for a field that the form does not have, `answer-<kind>` for an answer that does
                not fit, `answer-idle` for one that no other answer asks for, `answer-missing` for a required one
                without text.
        """
        filled = self.fill(texts, today)
        complaint = self.complaint(filled)
        if complaint is not None:
            raise complaint
        return filled

    def parse(self, texts: Mapping[str, str]) -> dict[str, Value]:
        """The values of all answers; see `read`."""
        return self.read(texts).values

    def words(self, answers: Mapping[str, Answer]) -> dict[str, dict[str, str]]:
        """Every label that these answers are read with, for when the form is gone."""
        return {k: v for f in self.fields if f.id in answers for k, v in f.words(answers[f.id]).items()}

    def conflict(self, values: Mapping[str, Value]) -> bool:
        """Whether the answers declare a conflict of interest."""
        return any(field.kind == "conflict" and values.get(field.id) == "yes" for field in self.fields)


def _fits(field: Field, text: str, today: date | None) -> bool:
    try:
        field.read(text, today)
    except BadInput:
        return False
    return True


def expand(group: Group, fields: Sequence[Field], when: Condition | None = None) -> tuple[Field, ...]:
    """The fields of a group, once for each time that they may be asked.

    The first field opens each round: the others are asked once it is answered, and the next round is offered then.
    """

    def named(field_id: str, number: int) -> str:
        return field_id if number == 1 else f"{field_id}-{number}"

    own = {field.id for field in fields}
    first = fields[0].id
    expanded: list[Field] = []
    for number in range(1, group.repeats.maximum + 1):
        for field in fields:
            conditions: list[Condition] = [when] if when else []
            if field.id != first:
                conditions.append(Answered(named(first, number)))
            elif number > 1:
                conditions.append(Answered(named(first, number - 1)))
            if field.when is not None:
                conditions.append(renamed(field.when, {f: named(f, number) for f in own}))
            expanded.append(
                replace(
                    field,
                    id=named(field.id, number),
                    labels={k: v if number == 1 else f"{v} ({number})" for k, v in field.labels.items()},
                    required=field.required and (field.id != first or number <= group.repeats.minimum),
                    when=None
                    if not conditions
                    else conditions[0]
                    if len(conditions) == 1
                    else Every(tuple(conditions)),
                    group=group.id,
                    occurrence=number,
                    origin=field.id,
                )
            )
    return tuple(expanded)


def find_form(forms: Mapping[str, Form], form_id: str, version: str) -> Form | None:
    """A form in this version, newest or not; None when it is configured no longer."""
    for candidate in (forms.get(f"{form_id}@{version}"), forms.get(form_id)):
        if candidate is not None and candidate.version == version:
            return candidate
    return None
