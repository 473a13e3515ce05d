"""An outcome as a template: which lines it has, and what filled ones change.

A recommendation is one line, written as in `!outcome recommend`. A line that is left out or empty stays as it was, and
`-` takes it out, so that half a template loses nothing. Either all lines fit or nothing is changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ernbot.core import sheet
from ernbot.core.directory import localpart
from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form
from ernbot.core.outcome import MAX_RECOMMENDATIONS, Outcome, Section
from ernbot.core.recommendation import Direction, Recommendation, Strength
from ernbot.core.recommending import parse_line

RECOMMENDATIONS = tuple(f"recommendation-{number}" for number in range(1, MAX_RECOMMENDATIONS + 1))

FORM = Form("outcome", "1", {}, tuple(Field(name, "text", {}, required=False) for name in (*RECOMMENDATIONS, *Section)))
"""The lines that there can be, as the template's reader knows questions."""

OUT = frozenset({"-", "–", "—"})
"""What takes a line out."""

STAMP = 8
"""Characters of a stamp."""

_STAMP = re.compile(rf"#.*\b(?P<stamp>[0-9a-f]{{{STAMP}}})\b")
_UNKNOWN = re.compile(r"[\s>*•-]*\[\s*[A-Za-z][\w-]*\s*\][^:=：]*[:=：].*")
_ID = re.compile(rf"\[\s*(?:{'|'.join(field.id for field in FORM.fields)})\s*\]", re.IGNORECASE)


@dataclass(frozen=True)
class Filled:
    """What a filled template comes to: the next outcome, or what is wrong with its lines by their id."""

    outcome: Outcome
    wrong: dict[str, BadInput]


def field_id(number: int) -> str:
    """The id of the line of a recommendation."""
    return f"recommendation-{number}"


def stamp(outcome: Outcome) -> str:
    """What stands for the texts of an outcome, so that a template of other texts is recognised."""
    return hashlib.sha256(repr(_texts(outcome)).encode()).hexdigest()[:STAMP]


def stamped(text: str) -> str | None:
    """The stamp in the preamble of a template; None when that was not copied."""
    found = _STAMP.search(text)
    return found["stamp"] if found is not None else None


def has_lines(text: str) -> bool:
    """Whether a message holds lines of this template."""
    return _ID.search(text) is not None


def line(recommendation: Recommendation) -> str:
    """A recommendation as it would be typed."""
    details = {
        "strength": recommendation.strength if recommendation.strength is not Strength.CONDITIONAL else None,
        "direction": recommendation.direction if recommendation.direction is not Direction.FOR else None,
        "evidence": recommendation.evidence,
        "owner": localpart(recommendation.owner) if recommendation.owner else None,
        "due": recommendation.due,
        "preference": recommendation.preference,
    }
    return " ".join([recommendation.text, *(f"{key}={value}" for key, value in details.items() if value)])


def read(text: str) -> sheet.Reading:
    """What a filled template says. A line whose id there is not is handed back, not taken for more of the one above."""
    reading = sheet.read(text, FORM)
    texts: dict[str, str] = {}
    unplaced = list(reading.unplaced)
    for name, given in reading.texts.items():
        lines = given.split("\n")
        unplaced += [each.strip() for each in lines[1:] if _UNKNOWN.fullmatch(each)]
        texts[name] = "\n".join([lines[0], *(each for each in lines[1:] if not _UNKNOWN.fullmatch(each))]).strip()
    return sheet.Reading(texts, tuple(unplaced))


def fill(outcome: Outcome, texts: Mapping[str, str], *, today: date, people: Mapping[str, str]) -> Filled:
    """The next version of an outcome with the lines of a template. `people` are user ids by what people are called.

    Never raises. When nothing is changed, the outcome is the same object.
    """
    filling = _Filling(outcome, today, people)
    for known in outcome.recommendations:
        filling.change(known, texts.get(field_id(known.id), ""))
    there = {field_id(known.id) for known in outcome.recommendations}
    for name in RECOMMENDATIONS:
        if name not in there:
            filling.add(name, texts.get(name, ""))
    for section in Section:
        filling.write(section, texts.get(section.value, ""))
    after = filling.outcome
    if filling.wrong or _texts(after) == _texts(outcome):
        return Filled(outcome, filling.wrong)
    # However many lines were changed, it is one new text, on which nobody has voted.
    voided = replace(after, votes=(), signatures=(), asked=(), waived=())
    return Filled(replace(voided, version=outcome.version + 1), {})


class _Filling:
    """Takes the lines one by one; `wrong` are those that do not fit."""

    def __init__(self, outcome: Outcome, today: date, people: Mapping[str, str]) -> None:
        self.outcome = outcome
        self.wrong: dict[str, BadInput] = {}
        self._today = today
        self._people = people

    def change(self, known: Recommendation, text: str) -> None:
        name = field_id(known.id)
        if text in OUT:
            self.outcome = self.outcome.drop(known.id)
        elif not text or text.split() == line(known).split():
            # Whoever sends the template back has seen what was proposed, and lets it stand.
            self.outcome = self.outcome.change(known.id)
        elif (parsed := self._parsed(name, text)) is not None:
            words, details = parsed
            self._keep(name, lambda: self.outcome.change(known.id, **({"text": words} if words else {}), **details))

    def add(self, name: str, text: str) -> None:
        if text and text not in OUT and (parsed := self._parsed(name, text)) is not None:
            words, details = parsed
            self._keep(name, lambda: self.outcome.recommend(words, **details))

    def write(self, section: Section, text: str) -> None:
        if text in OUT:
            nothing: dict[str, Any] = {section.attribute: ""}
            self.outcome = replace(self.outcome, **nothing)
        elif text and text != getattr(self.outcome, section.attribute):
            self._keep(section.value, lambda: self.outcome.write(section, text))

    def _parsed(self, name: str, text: str) -> tuple[str, dict[str, Any]] | None:
        try:
            return parse_line(text, today=self._today, people=self._people)
        except BadInput as misfit:
            self.wrong[name] = misfit
            return None

    def _keep(self, name: str, change: Callable[[], Outcome]) -> None:
        try:
            self.outcome = change()
        except BadInput as misfit:
            self.wrong[name] = misfit


def _texts(outcome: Outcome) -> Sequence[Any]:
    return (outcome.recommendations, *(getattr(outcome, section.attribute) for section in Section))
