"""An expert's structured opinion. Every version is kept; a revision never overwrites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ernbot.core.form import Value


@dataclass(frozen=True)
class Opinion:
    """One version of one expert's answers to one form. `version` counts from 1.

    `certainty` says how sure the expert is of an answer: for each field one word for each value, empty where none was
    said; `70 %` or an id such as `likely`. `conflict`: the expert has declared a conflict of interest, so the opinion
    is shown and never counts. `after_reveal`: it was given when the opinions of others could be read.

    `words` are the labels of fields (`<field>`), of chosen options (`<field>=<option>`) and of certainties
    (`certainty=<word>`) in all languages of the form, so that an opinion can be read when its form is gone.
    """

    author: str
    form_id: str
    form_version: str
    answers: dict[str, Value]
    version: int
    at: datetime
    certainty: dict[str, tuple[str, ...]] = field(default_factory=dict)
    conflict: bool = False
    after_reveal: bool = False
    words: dict[str, dict[str, str]] = field(default_factory=dict)


def latest(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """The last version of each expert's opinion, in the order in which the experts first answered."""
    newest: dict[str, Opinion] = {}
    for opinion in opinions:
        newest[opinion.author] = opinion
    return tuple(newest.values())


def counted(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """The opinions that count in votes and statistics: the latest of everybody without a conflict of interest."""
    return tuple(opinion for opinion in latest(opinions) if not opinion.conflict)


def revise(
    opinions: tuple[Opinion, ...],
    author: str,
    form_id: str,
    form_version: str,
    answers: dict[str, Value],
    at: datetime,
    *,
    certainty: Mapping[str, tuple[str, ...]] | None = None,
    conflict: bool = False,
    after_reveal: bool = False,
    words: Mapping[str, dict[str, str]] | None = None,
) -> Opinion:
    """The next version of this author's opinion."""
    version = 1 + sum(opinion.author == author for opinion in opinions)
    return Opinion(
        author,
        form_id,
        form_version,
        answers,
        version,
        at,
        dict(certainty or {}),
        conflict,
        after_reveal,
        dict(words or {}),
    )
