"""One recommendation of an outcome, in the words of GRADE. How people type one is a matter of `recommending`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MAX_DETAIL = 500
"""Characters of what the patient prefers: a sentence or two."""


class Strength(StrEnum):
    """How sure the panel is that following a recommendation does more good than harm (GRADE)."""

    STRONG = "strong"
    CONDITIONAL = "conditional"


class Direction(StrEnum):
    """Whether something is recommended or advised against (GRADE)."""

    FOR = "for"
    AGAINST = "against"


class Evidence(StrEnum):
    """The certainty of the evidence: the four grades of GRADE, or none but the experience of experts."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    VERY_LOW = "very-low"
    EXPERT_OPINION = "expert-opinion"


@dataclass(frozen=True)
class Recommendation:
    """One line of an outcome. `id` counts from 1 and stays when others go; `owner` is the user id of who sees to it.

    `preference` is what the patient or the family wants, in words. `proposed` until the lead has touched it.
    """

    id: int
    text: str
    strength: Strength = Strength.CONDITIONAL
    direction: Direction = Direction.FOR
    evidence: Evidence | None = None
    owner: str | None = None
    due: date | None = None
    preference: str = ""
    proposed: bool = False
