"""An expert's structured opinion. Every version is kept; a revision never overwrites."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ernbot.core.form import Value


@dataclass(frozen=True)
class Opinion:
    """One version of one expert's answers to one form. `version` counts from 1."""

    author: str
    form_id: str
    form_version: str
    answers: dict[str, Value]
    version: int
    at: datetime


def latest(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """The last version of each expert's opinion, in the order in which the experts first answered."""
    newest: dict[str, Opinion] = {}
    for opinion in opinions:
        newest[opinion.author] = opinion
    return tuple(newest.values())


def revise(
    opinions: tuple[Opinion, ...],
    author: str,
    form_id: str,
    form_version: str,
    answers: dict[str, Value],
    at: datetime,
) -> Opinion:
    """The next version of this author's opinion."""
    version = 1 + sum(opinion.author == author for opinion in opinions)
    return Opinion(author, form_id, form_version, answers, version, at)
