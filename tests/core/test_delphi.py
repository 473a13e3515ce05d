"""Delphi rounds: what is consensus, what goes on, who counts, and what is fixed before anybody rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ernbot.core.accord import ITEMS
from ernbot.core.case import Case
from ernbot.core.delphi import MAX_STATEMENTS, MAX_TEXT, Study, begin, present
from ernbot.core.errors import Refused
from ernbot.core.poll import ask
from ernbot.core.rating import Thresholds, Verdict, distribution, stable, verdict

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
PANEL = ("a", "b", "c", "d")
NOBODY: frozenset[str] = frozenset()


def code_of(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as refusal:
        call(*arguments)
    return refusal.value.code


def study(statements: int = 2) -> Study:
    new = Study("Timing of surgery", "lead", NOW)
    for number in range(1, statements + 1):
        new = new.add(f"Statement {number}")
    return new


def started(statements: int = 2) -> Study:
    return study(statements).start(PANEL, NOBODY, NOW)


def rated(study: Study, **values: tuple[int, ...]) -> Study:
    """Everybody's ratings, in the order of the statements of the round."""
    assert study.open_round is not None
    for user, row in values.items():
        ratings = {statement: (value, "") for statement, value in zip(study.open_round.statements, row, strict=True)}
        study = study.rate(user, ratings, NOBODY, NOW)
    return study


def closed(study: Study) -> Study:
    return study.close(PANEL, NOBODY, LATER)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((7, 8, 9, 6), Verdict.FOR),
        ((7, 8, 9, 3), Verdict.OPEN),
        ((1, 2, 3, 4), Verdict.AGAINST),
        ((1, 2, 3, 9), Verdict.OPEN),
        ((7, 7, 6, 6), Verdict.OPEN),
        ((7,) * 17 + (3,) * 3, Verdict.OPEN),
        ((7,) * 18 + (3,) * 2, Verdict.FOR),
        ((9, 9), Verdict.FEW),
        ((), Verdict.FEW),
    ],
)
def test_consensus_by_default(values: tuple[int, ...], expected: Verdict) -> None:
    """At least 75 per cent at 7 to 9 and under 15 per cent at 1 to 3: 3 of 20 are 15 per cent, and too many."""
    assert verdict(values, Thresholds()) is expected


RATINGS = st.lists(st.integers(1, 9), max_size=30)
THRESHOLDS = st.builds(Thresholds, st.integers(51, 100), st.integers(1, 50))


@given(RATINGS, THRESHOLDS)
def test_consensus_is_mirrored_and_knows_no_order(values: list[int], thresholds: Thresholds) -> None:
    mirror = {Verdict.FOR: Verdict.AGAINST, Verdict.AGAINST: Verdict.FOR}
    found = verdict(values, thresholds)
    assert verdict([10 - value for value in values], thresholds) is mirror.get(found, found)
    assert verdict(sorted(values), thresholds) is found
    assert sum(distribution(values)) == len(values)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)))
def test_what_has_not_changed_is_stable(ratings: dict[str, int]) -> None:
    assert stable(ratings, ratings) is (len(ratings) >= 3)


def test_stability_counts_those_who_rated_twice() -> None:
    before = dict.fromkeys("abcdefghij", 5)
    assert stable(before, {**before, "a": 9})
    assert not stable(before, {**before, "a": 9, "b": 9})
    assert stable({**before, "left": 1}, {**before, "new": 9})
    assert not stable({"a": 5, "b": 5}, {"a": 5, "b": 5})
    assert stable({"a": 4, "b": 5, "c": 6}, {"a": 5, "b": 4, "c": 6}), "two who change places change no distribution"


@pytest.mark.parametrize(("agree", "against"), [(50, 15), (101, 15), (75, 0), (75, 51), (-1, -1)])
def test_thresholds_that_make_no_sense(agree: int, against: int) -> None:
    assert code_of(Thresholds, agree, against) == "delphi-threshold"


def test_only_items_without_consensus_go_on() -> None:
    one = closed(rated(started(), a=(8, 5), b=(8, 5), c=(9, 2), d=(7, 8)))
    assert [result.verdict for result in one.results(1)] == [Verdict.FOR, Verdict.OPEN]
    assert one.left_over() == (2,)
    two = one.next(PANEL, NOBODY, LATER)
    assert two.rounds[1].statements == (2,)
    two = closed(rated(two, a=(8,), b=(7,), c=(7,), d=(8,)))
    assert two.ended_at == LATER
    assert [(s.statement.id, s.round, s.result.verdict) for s in two.standings()] == [
        (1, 1, Verdict.FOR),
        (2, 2, Verdict.FOR),
    ]
    assert code_of(two.next, PANEL, NOBODY, LATER) == "delphi-ended"


def test_an_item_on_which_nobody_moves_any_more_stops() -> None:
    split = {"a": (2,), "b": (2,), "c": (8,), "d": (8,)}
    two = closed(rated(closed(rated(started(1), **split)).next(PANEL, NOBODY, LATER), **split))
    (result,) = two.results(2)
    assert (result.verdict, result.stable) == (Verdict.OPEN, True)
    assert two.ended_at == LATER


def test_the_last_round_is_the_last() -> None:
    limited = study(1).set_up(Thresholds(80, 10), 1).start(PANEL, NOBODY, NOW)
    over = closed(rated(limited, a=(5,), b=(5,), c=(5,)))
    assert over.ended_at == LATER
    assert over.left_over() == ()


def test_nothing_of_the_rules_changes_once_a_round_was_opened() -> None:
    for running in (started(), closed(started())):
        assert code_of(running.set_up, Thresholds(60, 20), 3) == "delphi-started"
        assert code_of(running.add, "Late") == "delphi-started"
        assert code_of(running.start, PANEL, NOBODY, NOW) == "delphi-started"


def test_a_suggestion_of_the_first_round_enters_the_second_once_it_is_taken() -> None:
    one = started(1).suggest("  Operate   twice ", "b")
    assert one.statements[1].text == "Operate twice"
    one = closed(rated(one, a=(8,), b=(8,), c=(8,), d=(8,)))
    assert one.left_over() == ()
    assert one.ended_at is None, "the lead has not said yet what becomes of the suggestion"
    assert code_of(one.suggest, "Later", "a") == "delphi-no-suggestions"
    assert code_of(one.next, PANEL, NOBODY, LATER) == "delphi-ended"
    assert one.end(LATER).ended_at == LATER
    two = one.take(2).next(PANEL, NOBODY, LATER)
    assert two.rounds[1].statements == (2,)
    assert code_of(two.take, 3) == "delphi-statement"
    assert code_of(two.suggest, "Later", "a") == "delphi-no-suggestions"


@pytest.mark.parametrize(
    ("by", "ratings", "code"),
    [
        ("stranger", {1: (8, "")}, "delphi-not-invited"),
        ("a", {3: (8, "")}, "delphi-statement"),
        ("a", {10**30: (8, "")}, "delphi-statement"),
        ("a", {1: (0, "")}, "delphi-rating"),
        ("a", {1: (10, "")}, "delphi-rating"),
        ("a", {1: (8, ""), 2: (-3, "")}, "delphi-rating"),
        ("a", {1: (8, "x" * (MAX_TEXT + 1))}, "delphi-text"),
    ],
)
def test_a_rating_that_does_not_fit(by: str, ratings: dict[int, tuple[int, str]], code: str) -> None:
    assert code_of(started().rate, by, ratings, NOBODY, NOW) == code


def test_a_rating_for_an_item_that_is_gone_or_a_round_that_is_over() -> None:
    over = closed(rated(started(), a=(8, 5), b=(8, 5), c=(9, 2), d=(7, 8)))
    assert code_of(over.rate, "a", {1: (8, "")}, NOBODY, NOW) == "delphi-closed"
    assert code_of(over.next(PANEL, NOBODY, LATER).rate, "a", {1: (8, "")}, NOBODY, NOW) == "delphi-statement-done"
    assert code_of(study().rate, "a", {1: (8, "")}, NOBODY, NOW) == "delphi-closed"


def test_a_second_rating_replaces_the_first() -> None:
    twice = rated(rated(started(), a=(8, 5)), a=(2, 5))
    assert twice.open_round is not None
    assert [rating.value for rating in twice.open_round.ratings] == [2, 5]


def test_closing_twice() -> None:
    assert code_of(closed(started()).close, PANEL, NOBODY, LATER) == "delphi-closed"


def test_a_conflict_of_interest_keeps_out_and_does_not_count() -> None:
    assert study().start(PANEL, {"b"}, NOW).rounds[0].invited == ("a", "c", "d")
    running = rated(started(1), a=(9,), b=(1,), c=(9,), d=(9,))
    assert code_of(running.rate, "b", {1: (9, "")}, {"b"}, NOW) == "delphi-conflict"
    over = running.close(PANEL, {"b"}, LATER)
    assert over.rounds[0].counted == ("a", "c", "d")
    assert over.results(1)[0].verdict is Verdict.FOR
    assert over.results(1)[0].high.of == 3


def test_attrition_is_seen_and_newcomers_wait_for_the_next_study() -> None:
    one = closed(rated(started(1), a=(5,), b=(1,), c=(9,)))
    assert (len(one.rounds[0].invited), one.rounds[0].raters) == (4, ("a", "b", "c"))
    two = one.next(("a", "b", "c", "newcomer"), NOBODY, LATER)
    assert two.rounds[1].invited == ("a", "b", "c")
    assert code_of(one.next, ("a", "b"), NOBODY, LATER) == "delphi-no-raters"


def test_who_left_during_the_round_does_not_count() -> None:
    over = rated(started(1), a=(9,), b=(9,), c=(9,), d=(1,)).close(("a", "b", "c"), NOBODY, LATER)
    assert over.results(1)[0].verdict is Verdict.FOR


def test_comments_tell_nothing_of_who_wrote_them() -> None:
    running = started(1).rate("b", {1: (3, "Too early.")}, NOBODY, NOW).rate("a", {1: (8, "Earlier.")}, NOBODY, NOW)
    assert closed(running).rounds[0].comments(1) == ("Earlier.", "Too early.")


def test_starting_needs_items_and_raters() -> None:
    assert code_of(study(0).start, PANEL, NOBODY, NOW) == "delphi-no-statements"
    assert code_of(study().start, ("a", "b"), NOBODY, NOW) == "delphi-no-raters"
    assert code_of(study().next, PANEL, NOBODY, NOW) == "delphi-not-started"
    assert code_of(started().next, PANEL, NOBODY, NOW) == "delphi-round-open"


def test_items_are_bounded() -> None:
    assert code_of(study(MAX_STATEMENTS).add, "One more") == "delphi-full"
    for text in ("", "  \n ", "x" * (MAX_TEXT + 1)):
        assert code_of(study().add, text) == "delphi-text"
    assert code_of(study().set_up, Thresholds(), 7) == "delphi-rounds"


def test_one_study_at_a_time() -> None:
    assert code_of(present, ()) == "delphi-none"
    (one,) = begin((), "First", "lead", NOW)
    assert [s.title for s in begin((one,), "Second", "lead", NOW)] == ["Second"], "one never started makes room"
    running = started()
    assert code_of(begin, (running,), "Second", "lead", NOW) == "delphi-running"
    assert len(begin((replace(running, ended_at=NOW),), "Second", "lead", NOW)) == 2


def test_reliability_of_a_round() -> None:
    alpha = closed(rated(started(), a=(8, 2), b=(8, 3), c=(9, 2), d=(7, 2))).reliability(1)
    assert alpha is not None
    assert alpha.low is None, "two statements are too few for an interval"
    assert 0.5 < alpha.value < 1
    assert closed(started()).reliability(1) is None


def test_the_checklist_has_its_35_items() -> None:
    assert len({item.id for item in ITEMS}) == 35
    assert code_of(study().note, "Z9", "text") == "accord-item"
    assert code_of(study().note, "M3", " ") == "accord-note"
    assert study().note("m3", "By competence.").notes == {"M3": "By competence."}


def test_a_case_of_before_still_loads_and_one_of_today_comes_back_as_it_was() -> None:
    before = (
        '{"id": "c1", "network": "ern-cranio", "nickname": "Quiet Heron", "requester": "@lead:example.org", '
        '"question": "Operate now?", "opened_at": "2026-03-05T12:00:00Z", "state": {"kind": "open"}, '
        '"consent": {"entries": []}, "panel": [], "opinions": []}'
    )
    rows = TypeAdapter(Case)
    case = rows.validate_json(before)
    assert (case.conflicts, case.delphi, case.polls) == ({}, (), ())
    held = closed(rated(started(), a=(8, 5), b=(8, 5), c=(9, 2), d=(7, 8))).note("O3", "None.")
    polls = ask((), "When? | Now | Later", "lead", NOW, named=True)
    full = replace(case, delphi=(held,), polls=polls)
    assert rows.validate_json(rows.dump_json(full)) == full
