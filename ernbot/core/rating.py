"""Ratings from 1 to 9 of one statement: what is consensus, what has become stable, and how they are spread.

The scale and its thirds are those of the RAND/UCLA appropriateness method (Fitch et al. 2001). Nothing here knows who
rated, or how a round goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ernbot.core.consensus import Share, Spread, median_iqr
from ernbot.core.errors import BadInput

LOWEST, HIGHEST = 1, 9
AGREES = 7
"""Ratings from here on agree with a statement."""

REJECTS = 3
"""Ratings up to here reject it."""

MIN_RATERS = 3
"""With fewer ratings there is no consensus, whatever they say."""

STABLE_PERCENT = 15
"""Below so much change from one round to the next a distribution is stable (Scheibe, Skutsch and Schofer 1975)."""


class Verdict(StrEnum):
    """What the ratings of one statement say."""

    FOR = "for"
    AGAINST = "against"
    OPEN = "open"
    FEW = "few"


@dataclass(frozen=True)
class Thresholds:
    """Consensus: at least `agree` per cent at 7 to 9 and under `against` per cent at 1 to 3; against it, mirrored.

    The defaults are the commonest published ones (Diamond et al. 2014, J Clin Epidemiol 67:401, for the 75 per cent).
    """

    agree: int = 75
    against: int = 15

    def __post_init__(self) -> None:
        """Raises BadInput `delphi-threshold` for a majority that is none, or a minority that could be one."""
        if not (51 <= self.agree <= 100 and 1 <= self.against <= 50):
            raise BadInput("delphi-threshold")


@dataclass(frozen=True)
class Result:
    """What one closed round says of one statement. `stable`: hardly anything has changed since the round before."""

    statement: int
    distribution: tuple[int, ...]
    spread: Spread | None
    low: Share
    high: Share
    verdict: Verdict
    stable: bool


def distribution(values: Collection[int]) -> tuple[int, ...]:
    """How many gave each rating, from 1 to 9."""
    return tuple(sum(value == point for value in values) for point in range(LOWEST, HIGHEST + 1))


def summarise(statement: int, by_rater: Mapping[str, int], before: Mapping[str, int], thresholds: Thresholds) -> Result:
    """What the ratings of a statement by rater say; `before` are those of the round before."""
    values = tuple(by_rater.values())
    return Result(
        statement,
        distribution(values),
        median_iqr(values),
        Share(sum(value <= REJECTS for value in values), len(values)),
        Share(sum(value >= AGREES for value in values), len(values)),
        verdict(values, thresholds),
        stable(before, by_rater),
    )


def verdict(values: Collection[int], thresholds: Thresholds) -> Verdict:
    """Whether these ratings are consensus for a statement or against it."""
    count = len(values)
    if count < MIN_RATERS:
        return Verdict.FEW
    high = 100 * sum(value >= AGREES for value in values)
    low = 100 * sum(value <= REJECTS for value in values)
    agree, against = thresholds.agree * count, thresholds.against * count
    if high >= agree and low < against:
        return Verdict.FOR
    return Verdict.AGAINST if low >= agree and high < against else Verdict.OPEN


def stable(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether hardly anything has changed for those who rated in both rounds.

    The rule of Scheibe, Skutsch and Schofer (1975, in Linstone and Turoff, "The Delphi Method", IV.C): the differences
    of the two distributions are added up; half of that, as a share of the raters, has to stay under 15 per cent.
    """
    both = before.keys() & after.keys()
    if len(both) < MIN_RATERS:
        return False
    old, new = (distribution([ratings[user] for user in both]) for ratings in (before, after))
    moved = sum(abs(was - now) for was, now in zip(old, new, strict=True)) / 2
    return 100 * moved < STABLE_PERCENT * len(both)
