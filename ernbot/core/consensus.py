"""Consensus statistics on plain values: agreement, median and spread, reliability, and who advises what.

Small panels are the rule here, so nothing in this module may look more certain than it is: every figure carries the
number that it rests on, and one that cannot be had is None. It knows neither opinions nor rounds nor a language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal", "interval"]
Table = Sequence[Sequence[float | None]]
"""Ratings by rater and unit: one row per rater, all of one length, None for what somebody did not rate."""

Floats = NDArray[np.float64]

FEW = 5
"""Below so many people, the words say that there are only few."""

MIN_UNITS = 5
"""Units from which an interval of alpha is given; resampling fewer says next to nothing."""

RESAMPLES = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """`count` people out of `of` who were counted."""

    count: int
    of: int

    @property
    def percent(self) -> int:
        """Whole per cent, halves rounded up; 0 when nobody was counted."""
        return (200 * self.count + self.of) // (2 * self.of) if self.of else 0


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of `count` ratings, in the unit of the scale."""

    count: int
    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha over two or more `units` that at least two of `raters` rated.

    `low` and `high` bound its confidence interval; None when there are too few units for one.
    """

    value: float
    low: float | None
    high: float | None
    raters: int
    units: int


@dataclass(frozen=True)
class Group:
    """People who gave the same answer."""

    answer: str
    people: tuple[str, ...]


def counting(people: Iterable[str], *, conflicted: Collection[str], present: Collection[str]) -> tuple[str, ...]:
    """Who counts: whoever is still there and has declared no conflict of interest, in their order, each once."""
    return tuple(dict.fromkeys(person for person in people if person in present and person not in conflicted))


def agreement(values: Iterable[str]) -> dict[str, Share]:
    """How many gave each answer, the commonest first; equally common ones by name."""
    counts = Counter(values)
    return {
        value: Share(count, counts.total())
        for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    }


def grouped(answers: Mapping[str, str]) -> tuple[Group, ...]:
    """Answers by person as groups of the same answer, the largest first; people in the order in which they came."""
    people: dict[str, list[str]] = {}
    for person, answer in answers.items():
        people.setdefault(answer, []).append(person)
    return tuple(Group(answer, tuple(people[answer])) for answer in agreement(answers.values()))


def median_iqr(ratings: Sequence[float]) -> Spread | None:
    """Median and quartiles; None without ratings.

    Quartiles are interpolated linearly between the neighbours (Hyndman and Fan 1996, type 7), as R and numpy do by
    default. With few ratings they are no more than a hint, which is for the caller to say.
    """
    if not ratings:
        return None
    lower, median, upper = np.quantile(np.asarray(ratings, dtype=np.float64), (0.25, 0.5, 0.75), method="linear")
    return Spread(len(ratings), float(median), float(lower), float(upper))


def krippendorff_alpha(table: Table, level: Level, seed: int) -> Alpha | None:
    """The reliability of ratings: 1 when all agree, 0 as by chance, below 0 when they disagree systematically.

    Computed from coincidences, so that missing ratings need no filling in (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability"). The interval is the percentile bootstrap over units (Zapf et al. 2016, BMC Med Res Methodol
    16:93) with `RESAMPLES` samples, the same for the same seed; samples without any variation have no alpha and are
    left out; even when all variation is in one unit, these are little more than a third.

    None when fewer than two units were rated twice, or when all ratings are the same. Alpha asks whether raters tell
    units apart, so without variation it says nothing, and of one unit it is 0 whatever was rated.
    """
    values, coincidences = _coincidences(table)
    units = len(coincidences)
    alpha = _alphas(coincidences.sum(axis=0)[None], values, level)[0] if units > 1 else np.nan
    if np.isnan(alpha):
        return None
    raters = sum(any(rating is not None for rating in row) for row in table)
    if units < MIN_UNITS:
        return Alpha(float(alpha), None, None, raters, units)
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), RESAMPLES)
    samples = _alphas(np.tensordot(drawn, coincidences, axes=1), values, level)
    low, high = np.nanquantile(samples, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Alpha(float(alpha), float(low), float(high), raters, units)


def _coincidences(table: Table) -> tuple[Floats, Floats]:
    """The distinct values, in order, and for each unit with two ratings or more its matrix of coincidences."""
    ratings = np.array([[np.nan if rating is None else rating for rating in row] for row in table], dtype=np.float64)
    if ratings.ndim != 2:
        return np.empty(0), np.empty((0, 0, 0))
    values = np.unique(ratings[~np.isnan(ratings)])
    # counts[unit, value]: how many gave this value to this unit.
    counts: Floats = (ratings.T[:, :, None] == values).sum(axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) >= 2]
    pairs = counts[:, :, None] * counts[:, None, :] - np.apply_along_axis(np.diag, 1, counts) if len(counts) else counts
    return values, pairs / (counts.sum(axis=1) - 1)[:, None, None] if len(counts) else np.empty((0, 0, 0))


def _alphas(coincidences: Floats, values: Floats, level: Level) -> Floats:
    """Alpha of each matrix of coincidences (samples x values x values); NaN where there is no variation."""
    marginals = coincidences.sum(axis=2)
    total = marginals.sum(axis=1)
    difference = _difference(marginals, values, level)
    expected = (marginals[:, :, None] * marginals[:, None, :] * difference).sum(axis=(1, 2))
    observed = (coincidences * difference).sum(axis=(1, 2))
    varied = expected > 0
    return np.where(varied, 1 - (total - 1) * observed / np.where(varied, expected, 1), np.nan)


def _difference(marginals: Floats, values: Floats, level: Level) -> Floats:
    """The squared difference of every two values, by sample; the ordinal one depends on how often each was given."""
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(len(values)), (len(marginals), len(values), len(values)))
    if level == "interval":
        squared = (values[:, None] - values[None, :]) ** 2
        return np.broadcast_to(squared, (len(marginals), *squared.shape))
    # Ranks: all that lie between two values, and half of each of the two.
    ranks = np.cumsum(marginals, axis=1) - marginals / 2
    return np.asarray((ranks[:, :, None] - ranks[:, None, :]) ** 2)
