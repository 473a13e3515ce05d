"""Structured forms: what a network asks of its experts, and whether an answer fits.

A form is configuration (`config/forms/*.toml`), versioned, with labels per language. One definition drives the one-line
command, the dialogue in a thread and every later page. Field kinds follow the FHIR Questionnaire item types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ernbot.core.errors import BadInput

MAX_TEXT = 10_000
"""Characters of one free text: what a Matrix event of 65,536 bytes can bring in most scripts."""

Kind = Literal["choice", "choices", "scale", "quantity", "code", "text"]

CODE_SYSTEMS: Mapping[str, re.Pattern[str]] = {
    "ORPHA": re.compile(r"ORPHA:[1-9]\d{0,6}"),
    "HP": re.compile(r"HP:\d{7}"),
    "OMIM": re.compile(r"OMIM:\d{6}"),
    "ICD10": re.compile(r"ICD10:[A-Z]\d{2}(\.\d{1,2})?"),
}
"""How the codes of each system are written: Orphanet nomenclature, HPO, OMIM, ICD-10."""

Value = str | int | tuple[str, ...]
"""One parsed answer: an option id, option ids, a scale point, text, a code, or `"12.5 mm"`."""


@dataclass(frozen=True)
class Option:
    """One answer of a choice."""

    id: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Field:
    """One question. `minimum` and `maximum` bound a scale or a quantity; `unit` is a UCUM code."""

    id: str
    kind: Kind
    labels: dict[str, str]
    required: bool = True
    options: tuple[Option, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: str | None = None
    systems: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """The answer that the text means.

        Raises:
            BadInput: `answer-<kind>` with the field and what would fit.
        """
        text = text.strip()
        match self.kind:
            case "choice":
                return self._option(text)
            case "choices":
                parts = [part for part in re.split(r"[,;]", text) if part.strip()]
                if not parts:
                    raise self._refusal(options=self._names())
                return tuple(dict.fromkeys(self._option(part.strip()) for part in parts))
            case "scale":
                return self._point(text)
            case "quantity":
                return self._quantity(text)
            case "code":
                return self._code(text)
            case "text":
                if not text or len(text) > MAX_TEXT:
                    raise self._refusal(maximum=MAX_TEXT)
                return text

    def _refusal(self, **fields: object) -> BadInput:
        return BadInput(f"answer-{self.kind}", field=self.id, **fields)

    def _names(self) -> str:
        return ", ".join(option.id for option in self.options)

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
        match = re.fullmatch(r"(-?\d{1,12}(?:[.,]\d{1,6})?)\s*(\S*)", text, re.ASCII)
        if match is None or match[2] not in ("", self.unit):
            raise self._refusal(range=self.range)
        number = Decimal(match[1].replace(",", "."))
        too_low = self.minimum is not None and number < self.minimum
        too_high = self.maximum is not None and number > self.maximum
        if too_low or too_high:
            raise self._refusal(range=self.range)
        return f"{number} {self.unit}" if self.unit else str(number)

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

    def _code(self, text: str) -> str:
        code = text.upper().replace(" ", "")
        if any(CODE_SYSTEMS[system].fullmatch(code) for system in self.systems):
            return code
        raise self._refusal(systems=", ".join(f"{system}:…" for system in self.systems))


@dataclass(frozen=True)
class Form:
    """A versioned set of questions."""

    id: str
    version: str
    labels: dict[str, str]
    fields: tuple[Field, ...]

    def field(self, field_id: str) -> Field | None:
        wanted = field_id.casefold()
        return next((field for field in self.fields if field.id.casefold() == wanted), None)

    def parse(self, texts: Mapping[str, str]) -> dict[str, Value]:
        """All answers of a form, given as texts by field id.

        Raises:
            BadInput: `answer-unknown` for a field that the form does not have, `answer-missing` for a required one
                without text, `answer-<kind>` for one that does not fit.
        """
        answers: dict[str, Value] = {}
        for key, text in texts.items():
            field = self.field(key)
            if field is None:
                raise BadInput("answer-unknown", field=key, fields=", ".join(f.id for f in self.fields))
            answers[field.id] = field.parse(text)
        missing = [field.id for field in self.fields if field.required and field.id not in answers]
        if missing:
            raise BadInput("answer-missing", field=", ".join(missing))
        return {field.id: answers[field.id] for field in self.fields if field.id in answers}


def label(labels: Mapping[str, str], language: str) -> str:
    """The label in a language, in English, or in whatever language there is."""
    return labels.get(language) or labels.get("en") or next(iter(labels.values()))
