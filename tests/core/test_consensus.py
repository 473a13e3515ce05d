"""Consensus statistics: published examples first, then what must hold whatever people answer."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.consensus import (
    Group,
    Level,
    Share,
    Spread,
    agreement,
    counting,
    grouped,
    krippendorff_alpha,
    median_iqr,
)

LEVELS: tuple[Level, ...] = get_args(Level)


def rows(*lines: str) -> list[list[float | None]]:
    """Ratings as they are printed: one digit per unit, a point for a missing one."""
    return [[None if mark == "." else float(ord(mark)) for mark in line.replace(" ", "")] for line in lines]


FOUR_OBSERVERS = rows("1233214 12...", "1233224 125.3", ".333234 2251.", "1233244 1251.")
"""Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units."""

THREE_CODERS = rows(".....341211 33.3", "1.21334 3.......", "..21344.211 33.4")
"""Three coders and fifteen units, of which one was rated by nobody and one by one alone (Wikipedia, as of 2024)."""


@pytest.mark.parametrize(
    ("table", "level", "alpha"),
    [
        (rows("0100000010", "1110010000"), "nominal", 0.095),
        (rows("aabbdcccedda", "babbbccceddd"), "nominal", 0.692),
        (FOUR_OBSERVERS, "nominal", 0.743),
        (FOUR_OBSERVERS, "ordinal", 0.815),
        (FOUR_OBSERVERS, "interval", 0.849),
        (THREE_CODERS, "nominal", 0.691),
        (THREE_CODERS, "interval", 0.811),
    ],
)
def test_alpha_as_published(table: list[list[float | None]], level: Level, alpha: float) -> None:
    computed = krippendorff_alpha(table, level, 1)
    assert computed is not None
    assert round(computed.value, 3) == alpha


def test_alpha_says_what_it_rests_on() -> None:
    alpha = krippendorff_alpha(FOUR_OBSERVERS, "ordinal", 1)
    assert alpha is not None
    assert (alpha.raters, alpha.units) == (4, 11), "the unit that one observer alone has rated pairs with nothing"
    assert alpha.low is not None
    assert alpha.high is not None
    assert alpha.low < alpha.value < alpha.high <= 1
    assert krippendorff_alpha(FOUR_OBSERVERS, "ordinal", 1) == alpha
    assert krippendorff_alpha(FOUR_OBSERVERS, "ordinal", 2) != alpha


def test_too_few_units_have_no_interval() -> None:
    alpha = krippendorff_alpha(rows("1234", "1243"), "ordinal", 1)
    assert alpha is not None
    assert (alpha.low, alpha.high, alpha.units) == (None, None, 4)


def test_samples_without_variation_do_not_spoil_the_interval() -> None:
    """All the disagreement is in one unit of six: a third of the samples miss it."""
    alpha = krippendorff_alpha(rows("777778", "777777"), "ordinal", 1)
    assert alpha is not None
    assert alpha.low is not None
    assert alpha.high is not None
    assert alpha.low <= alpha.high <= 1


@pytest.mark.parametrize(
    "table",
    [
        [],
        [[]],
        [[5.0, 5.0]],
        [[5.0, None], [None, 5.0]],
        rows("777", "777"),
        rows("1", "9", "5"),
        rows("1.", "95"),
        [[None, None], [None, None]],
    ],
)
def test_no_alpha_where_it_would_say_nothing(table: list[list[float | None]]) -> None:
    for level in LEVELS:
        assert krippendorff_alpha(table, level, 1) is None


def by_pairs(table: list[list[float | None]], level: Level) -> float | None:
    """Alpha straight from its definition, over all pairs of ratings: observed against expected disagreement."""
    units = [[r for r in column if r is not None] for column in zip(*table, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    if len(units) < 2:
        return None
    everything = sorted(rating for unit in units for rating in unit)

    def differ(a: float, b: float) -> float:
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = sum(low <= rating <= high for rating in everything)
        return float((between - (everything.count(low) + everything.count(high)) / 2) ** 2) if a != b else 0.0

    observed = sum(sum(differ(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = 2 * sum(differ(a, b) for a, b in combinations(everything, 2))
    return 1 - (len(everything) - 1) * observed / expected if expected else None


TABLES = st.integers(1, 6).flatmap(
    lambda units: st.lists(
        st.lists(st.none() | st.integers(1, 9).map(float), min_size=units, max_size=units), min_size=1, max_size=5
    )
)


@given(TABLES, st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_alpha_is_what_its_definition_says_whatever_the_order(table, level, random) -> None:  # type: ignore[no-untyped-def]
    alpha = krippendorff_alpha(table, level, 1)
    expected = by_pairs(table, level)
    if alpha is None:
        assert expected is None
        return
    assert alpha.value == pytest.approx(expected)
    assert alpha.value <= 1 + 1e-12
    if alpha.low is not None and alpha.high is not None:
        assert alpha.low <= alpha.high <= 1 + 1e-12
    columns = list(zip(*random.sample(table, len(table)), strict=True))
    shuffled = [list(row) for row in zip(*random.sample(columns, len(columns)), strict=True)]
    again = krippendorff_alpha(shuffled, level, 1)
    assert again is not None
    assert again.value == pytest.approx(alpha.value)


ANSWERS = st.lists(st.sampled_from(["surgery", "watch", "investigate", "Ω"]), max_size=30)


@given(ANSWERS)
def test_shares_add_up_to_all(answers: list[str]) -> None:
    shares = agreement(answers)
    assert sum(share.count for share in shares.values()) == len(answers)
    assert {share.of for share in shares.values()} <= {len(answers)}
    assert [share.count for share in shares.values()] == sorted((s.count for s in shares.values()), reverse=True)
    assert shares == agreement(sorted(answers))
    assert all(0 < share.percent <= 100 for share in shares.values())


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_median_and_quartiles_lie_within_the_ratings(ratings: list[int]) -> None:
    spread = median_iqr(ratings)
    assert spread is not None
    assert min(ratings) <= spread.lower <= spread.median <= spread.upper <= max(ratings)
    assert spread == median_iqr(sorted(ratings))


def test_quartiles_are_interpolated() -> None:
    assert median_iqr([7, 8]) == Spread(2, 7.5, 7.25, 7.75)
    assert median_iqr([1, 2, 3, 4, 5]) == Spread(5, 3, 2, 4)
    assert median_iqr([9]) == Spread(1, 9, 9, 9)
    assert median_iqr([]) is None


def test_groups_are_ordered_by_size_and_then_by_name() -> None:
    answers = {"a": "watch", "b": "surgery", "c": "surgery", "d": "investigate"}
    assert grouped(answers) == (
        Group("surgery", ("b", "c")),
        Group("investigate", ("d",)),
        Group("watch", ("a",)),
    )
    assert agreement(answers.values()) == {"surgery": Share(2, 4), "investigate": Share(1, 4), "watch": Share(1, 4)}
    assert grouped({}) == ()


def test_whoever_left_or_has_a_conflict_does_not_count() -> None:
    assert counting("abcda", conflicted={"b"}, present={"a", "b", "d"}) == ("a", "d")


def test_percentages_are_whole() -> None:
    assert [Share(2, 3).percent, Share(1, 8).percent, Share(0, 0).percent, Share(5, 5).percent] == [67, 13, 0, 100]
