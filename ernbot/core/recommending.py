"""Recommendations as people type them, and as a panel's opinions propose them.

One line holds a text and, in any order, what else is known of it: `Operate strength=strong due=2 weeks`. Only these
keys count, so that `pH=7.4` in a text stays part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ernbot.core.consensus import grouped
from ernbot.core.dates import parse_due
from ernbot.core.errors import BadInput
from ernbot.core.form import Form, label
from ernbot.core.opinion import Opinion, counted
from ernbot.core.recommendation import MAX_DETAIL, Direction, Evidence, Strength

ADVICE = "recommendation"
"""The id of the field of an opinion form that asks what is to be done."""

_KEYS = ("strength", "direction", "evidence", "owner", "due", "preference")
_DETAIL = re.compile(rf"(?:^|\s)({'|'.join(_KEYS)})\s*=\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[#(]?(\d{1,2})(?:[.):](?!\d)\s*|\s+|\Z)")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "strength": {"strong": "strong", "stærk": "strong", "conditional": "conditional", "weak": "conditional"}
    | {"betinget": "conditional", "svag": "conditional"},
    "direction": {"for": "for", "against": "against", "imod": "against", "mod": "against"},
    "evidence": {"high": "high", "høj": "high", "moderate": "moderate", "moderat": "moderate", "low": "low"}
    | {"lav": "low", "very low": "very-low", "meget lav": "very-low"}
    | {"expert": "expert-opinion", "expert opinion": "expert-opinion", "ekspert": "expert-opinion"},
}
"""What each detail may be called; the words of GRADE, and what people say for them."""

_KINDS = {"strength": Strength, "direction": Direction, "evidence": Evidence}


def numbered(text: str) -> tuple[int | None, str]:
    """The number that a text begins with, if any, and the rest: `2 Operate`, `2. Operate`."""
    match = _NUMBER.match(text.strip())
    return (int(match[1]), text.strip()[match.end() :].strip()) if match else (None, text.strip())


def parse_line(text: str, *, today: date, people: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The text of a recommendation and its further attributes. `people` are user ids by what people are called.

    A detail is taken away again by `-`.

    Raises:
        BadInput: `outcome-detail` for a word that a detail does not take, `outcome-owner` for an owner whom nobody
            knows, `outcome-text` for a preference without end, `answer-twice` for a detail given twice; else see
            `parse_due`.
    """
    keys = list(_DETAIL.finditer(text))
    details: dict[str, Any] = {}
    ends = [*(match.start() for match in keys[1:]), len(text)]
    for match, end in zip(keys, ends, strict=False):
        key = match[1].casefold()
        if key in details:
            raise BadInput("answer-twice", field=key)
        value = text[match.end() : end].strip().strip('"“”')
        details[key] = _detail(key, value, today, people)
    return text[: keys[0].start() if keys else len(text)].strip(), details


def _detail(key: str, value: str, today: date, people: Mapping[str, str]) -> Any:
    if value in ("", "-", "–", "—"):
        return {"strength": Strength.CONDITIONAL, "direction": Direction.FOR, "preference": ""}.get(key)
    if key == "due":
        return parse_due(value, today)
    if key == "owner":
        owner = people.get(" ".join(value.casefold().split()))
        if owner is None:
            raise BadInput("outcome-owner", owner=value)
        return owner
    if key == "preference":
        if len(value) > MAX_DETAIL:
            raise BadInput("outcome-text", maximum=MAX_DETAIL)
        return value
    wanted = re.sub(r"[\s_-]+", " ", value.casefold())
    if wanted not in _WORDS[key]:
        raise BadInput("outcome-detail", detail=key, words=", ".join(_KINDS[key]))
    return _KINDS[key](_WORDS[key][wanted])


def propose(opinions: tuple[Opinion, ...], form: Form, language: str) -> tuple[str, str]:
    """What most of the panel advises, and what others do, as texts; empty where there is nothing to say.

    Opinions with a conflict of interest do not count. Where two answers are equally common, none is put forward.
    """
    field = form.field(ADVICE)
    options = {option.id: label(option.labels, language) for option in field.options} if field is not None else {}
    answers = {each.author: str(each.answers[ADVICE]) for each in counted(opinions) if ADVICE in each.answers}
    groups = grouped(answers) if options else ()
    most = [group for group in groups if len(group.people) == len(groups[0].people)]
    chosen = options.get(most[0].answer, most[0].answer) if len(most) == 1 else ""
    others = groups[1:] if chosen else groups
    lines = [f"{options.get(each.answer, each.answer)} ({len(each.people)}/{len(answers)})" for each in others]
    return chosen, "\n".join(lines)
