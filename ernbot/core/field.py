"""One question of a form, and what an answer to it means.

A field knows what fits and says so when something does not. It knows nothing of other fields, of languages, or of how
it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from ernbot.core import codes, units
from ernbot.core.condition import Condition
from ernbot.core.day import partial_date
from ernbot.core.errors import BadInput

MAX_TEXT = 10_000
"""Characters of one free text: what a Matrix event of 65,536 bytes can bring in most scripts."""

Kind = Literal["choice", "choices", "scale", "quantity", "code", "text", "date", "boolean", "evidence", "conflict"]
"""`boolean`, `evidence` (GRADE) and `conflict` (of interest) are choices whose options every form has in common."""

CHOICES: frozenset[Kind] = frozenset({"choice", "boolean", "evidence", "conflict"})
"""Kinds of which one option is chosen."""

REPEATABLE: frozenset[Kind] = frozenset({"code", "quantity", "date"})
CERTAIN: frozenset[Kind] = frozenset({"choice", "code", "quantity", "date"})
"""Kinds that may be asked with how sure the expert is."""

Value = str | int | tuple[str, ...]
"""One parsed answer: an option id, option ids, a scale point, text, a code, an ISO date, or `"12.5 mm"`.

A field that repeats has a tuple.
"""

_BETWEEN = re.compile(r";(?![^\[\]]*\])|\n")
_SURE = re.compile(
    r"(?s)(?P<answer>.*\S)\s*\(\s*(?P<word>[^()]*?)\s*\)|(?P<before>.*\S)[\s,]+(?P<last>\d{1,3}\s*%|\S+)"
)
_MAX_SURE = 300
"""Characters of an answer in which a word for its certainty is looked for."""

_UNIT = re.compile(r"[^\W\d_]{1,20}(/[^\W\d_]{1,10})?")
"""What was meant as a unit, though it may be none that we know."""


@dataclass(frozen=True)
class Option:
    """One answer of a choice."""

    id: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Repeats:
    """How often something may be answered."""

    minimum: int
    maximum: int


@dataclass(frozen=True)
class Answer:
    """What somebody answered. `certainty` has one word for each value, or is empty where none was said of any."""

    value: Value
    certainty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One question. `minimum` and `maximum` bound a scale or a quantity; `unit` is a UCUM code.

    `when` says for which answers to earlier questions it is asked. `certainties` are the words for how sure the expert
    is, empty where that is not asked. `partial` allows a month or a year alone, `future` days to come. A question of a
    group that repeats is one field for each time, counted by `occurrence`, all of the same `group` and `origin`.
    """

    id: str
    kind: Kind
    labels: dict[str, str]
    required: bool = True
    options: tuple[Option, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: str | None = None
    systems: tuple[str, ...] = ()
    when: Condition | None = None
    certainties: tuple[Option, ...] = ()
    repeats: Repeats | None = None
    partial: bool = False
    future: bool = False
    group: str | None = None
    occurrence: int = 1
    origin: str = ""

    def parse(self, text: str, today: date | None = None) -> Value:
        """The answer that the text means, without how sure it is; see `read`."""
        return self.read(text, today).value

    def read(self, text: str, today: date | None = None) -> Answer:
        """The answer that the text means. Without `today`, days to come are not noticed.

        Raises:
            BadInput: `answer-<kind>` with the field and what would fit, `answer-unit` for a unit that does not
                convert, `answer-future`, `answer-certainty`, `answer-times`.
        """
        if self.repeats is None:
            return self._one(text.strip(), today)
        separator = re.compile(rf"{_BETWEEN.pattern}|,") if self.kind == "code" else _BETWEEN
        found = [self._one(part.strip(), today) for part in separator.split(text) if part.strip()]
        if not found:
            self._one("", today)
        answers = {str(answer.value): answer for answer in found}
        if not max(self.repeats.minimum, 1) <= len(answers) <= self.repeats.maximum:
            raise BadInput("answer-times", field=self.id, minimum=self.repeats.minimum, maximum=self.repeats.maximum)
        said = tuple(answer.certainty[0] if answer.certainty else "" for answer in answers.values())
        return Answer(tuple(answers), said if any(said) else ())

    def _one(self, text: str, today: date | None) -> Answer:
        """One answer, with how sure it is where that is asked."""
        if not self.certainties:
            return Answer(self._value(text, today))
        try:
            return Answer(self._value(text, today))
        except BadInput as misfit:
            match = _SURE.fullmatch(text) if len(text) <= _MAX_SURE else None
            if match is None:
                raise
            word = self._certainty(match["word"] or match["last"] or "")
            if word is None and match["word"]:
                names = ", ".join(option.id for option in self.certainties)
                raise BadInput("answer-certainty", field=self.id, options=names) from None
            if word is None:
                raise misfit
            return Answer(self._value(match["answer"] or match["before"], today), (word,))

    def _certainty(self, text: str) -> str | None:
        percent = re.fullmatch(r"(\d{1,3})\s*%", text, re.ASCII)
        if percent is not None:
            return f"{int(percent[1])} %" if int(percent[1]) <= 100 else None
        wanted = text.casefold()
        for option in self.certainties:
            if wanted in {option.id.casefold(), *(label.casefold() for label in option.labels.values())}:
                return option.id
        return None

    def _value(self, text: str, today: date | None) -> Value:
        match self.kind:
            case "choices":
                parts = [part for part in re.split(r"[,;\n]", text) if part.strip()]
                if not parts:
                    raise self._refusal(options=self._names())
                return tuple(dict.fromkeys(self._option(part.strip()) for part in parts))
            case "scale":
                return self._point(text)
            case "quantity":
                return self._quantity(text)
            case "code":
                code = codes.normal(text, self.systems)
                if code is None:
                    raise self._refusal(systems=self.shapes)
                return code
            case "text":
                if not text or len(text) > MAX_TEXT:
                    raise self._refusal(maximum=MAX_TEXT)
                return text
            case "date":
                return self._date(text, today)
            case _:
                return self._option(text)

    def _refusal(self, **fields: object) -> BadInput:
        kind = "choice" if self.kind in CHOICES else self.kind
        return BadInput(f"answer-{kind}", field=self.id, **fields)

    def _names(self) -> str:
        return ", ".join(option.id for option in self.options)

    @property
    def shapes(self) -> str:
        """How codes that fit are written."""
        return ", ".join(f"{system}:…" for system in self.systems)

    def _option(self, text: str) -> str:
        """An option by its id, by a label in any language, or by its number in the list."""
        wanted = text.casefold()
        for number, option in enumerate(self.options, start=1):
            if wanted in {option.id.casefold(), str(number), *(s.casefold() for s in option.labels.values())}:
                return option.id
        raise self._refusal(options=self._names())

    def _point(self, text: str) -> int:
        assert self.minimum is not None
        assert self.maximum is not None
        if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not self.minimum <= int(text) <= self.maximum:
            raise self._refusal(minimum=int(self.minimum), maximum=int(self.maximum))
        return int(text)

    def _quantity(self, text: str) -> str:
        match = re.fullmatch(r"(-?[0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*(\S*)", text)
        if match is None:
            raise self._refusal(range=self.range)
        number = Decimal(match[1].replace(",", "."))
        if match[2] not in ("", self.unit):
            number = self._converted(number, match[2])
        too_low = self.minimum is not None and number < self.minimum
        too_high = self.maximum is not None and number > self.maximum
        if too_low or too_high:
            raise self._refusal(range=self.range)
        return f"{number} {self.unit}" if self.unit else str(number)

    def _converted(self, number: Decimal, spelled: str) -> Decimal:
        """A number in the unit of this field, to six digits."""
        given, wanted = units.unit(spelled), units.UNITS.get(self.unit or "")
        converted = units.convert(Fraction(number), given, wanted) if given and wanted else None
        if converted is None and wanted and (given or _UNIT.fullmatch(spelled)):
            convertible = ", ".join(units.relatives(wanted.code))
            raise BadInput("answer-unit", field=self.id, unit=spelled, units=convertible)
        if converted is None:
            raise self._refusal(range=self.range)
        exact = Decimal(converted.numerator) / Decimal(converted.denominator)
        return Decimal(f"{Decimal(f'{exact:.6g}').normalize():f}")

    def _date(self, text: str, today: date | None) -> str:
        found = partial_date(text)
        if found is None or (len(found[0]) < len("2026-03-31") and not self.partial):
            raise BadInput("answer-date-partial" if self.partial else "answer-date", field=self.id)
        if today is not None and not self.future and found[1] > today:
            raise BadInput("answer-future", field=self.id)
        return found[0]

    @property
    def range(self) -> str:
        """The numbers that fit, without words: `0–300 ng/mL`, `≥ 0`, `… mm`."""
        match (self.minimum, self.maximum):
            case (None, None):
                numbers = "…"
            case (minimum, None):
                numbers = f"≥ {minimum}"
            case (None, maximum):
                numbers = f"≤ {maximum}"
            case (minimum, maximum):
                numbers = f"{minimum}–{maximum}"
        return f"{numbers} {self.unit}" if self.unit else numbers

    def words(self, answer: Answer) -> dict[str, dict[str, str]]:
        """The labels that an answer is read with: of the field, of what was chosen, of how sure it is."""
        chosen = answer.value if isinstance(answer.value, tuple) else (str(answer.value),)
        return {
            self.id: self.labels,
            **{f"{self.id}={option.id}": option.labels for option in self.options if option.id in chosen},
            **{f"certainty={option.id}": option.labels for option in self.certainties if option.id in answer.certainty},
        }


def label(labels: Mapping[str, str], language: str) -> str:
    """The label in a language, in English, or in whatever language there is."""
    return labels.get(language) or labels.get("en") or next(iter(labels.values()))
