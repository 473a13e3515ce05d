"""Polls: one vote for each person, changeable until the end, and none with a conflict of interest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.errors import Refused
from ernbot.core.poll import MAX_OPTION, MAX_POLLS, MAX_QUESTION, Poll, ask, find, put

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
POLL = Poll(1, "When?", ("Tuesday", "Thursday"), "lead", True, NOW)


def code_of(call: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(Refused) as refusal:
        call(*arguments, **named)
    return refusal.value.code


def test_a_vote_is_changed_not_added() -> None:
    poll = POLL.vote("a", 1, (), NOW).vote("b", 1, (), NOW).vote("a", 2, (), LATER)
    assert [(ballot.by, ballot.option) for ballot in poll.ballots] == [("b", 1), ("a", 2)]
    assert poll.voters(1) == ("b",)


@pytest.mark.parametrize("option", [0, 3, -1, 10**40])
def test_an_option_that_there_is_not(option: int) -> None:
    assert code_of(POLL.vote, "a", option, (), NOW) == "poll-option"


def test_who_has_a_conflict_has_no_vote() -> None:
    assert code_of(POLL.vote, "a", 1, {"a"}, NOW) == "poll-conflict"
    voted = POLL.vote("a", 1, (), NOW).vote("b", 2, (), NOW).vote("c", 2, (), NOW)
    closed = voted.close(("a", "b"), {"a"}, LATER)
    assert [ballot.by for ballot in closed.ballots] == ["b"], "a declared a conflict later, c left"


def test_nothing_after_the_end() -> None:
    closed = POLL.close((), (), LATER)
    assert code_of(closed.vote, "a", 1, (), LATER) == "poll-closed"
    assert code_of(closed.close, (), (), LATER) == "poll-closed"


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(1, 2)), max_size=20))
def test_the_shares_are_all_votes(votes: list[tuple[str, int]]) -> None:
    poll = POLL
    for by, option in votes:
        poll = poll.vote(by, option, (), NOW)
    shares = poll.shares()
    assert sum(share.count for share in shares.values()) == len({by for by, _ in votes})
    assert {share.of for share in shares.values()} == {len(poll.ballots)}


@pytest.mark.parametrize(
    "text",
    ["", "When?", "When? | Tuesday", "When? | Tuesday | ", "| a | b", "When? | a | A", "When?" + " | x" * 10],
)
def test_a_poll_is_one_question_with_different_options(text: str) -> None:
    assert code_of(ask, (), text, "lead", NOW, named=True) == "poll-form"


def test_asking() -> None:
    (poll,) = ask((), " When  do we meet? | Tuesday|Thursday ", "lead", NOW, named=False)
    assert (poll.question, poll.options, poll.named) == ("When do we meet?", ("Tuesday", "Thursday"), False)
    assert code_of(ask, (poll,), "Again? | a | b", "lead", NOW, named=True) == "poll-open"
    closed = poll.close((), (), LATER)
    assert [p.id for p in ask((closed,), "Again? | a | b", "lead", NOW, named=True)] == [1, 2]
    assert code_of(ask, (closed,) * MAX_POLLS, "Again? | a | b", "lead", NOW, named=True) == "poll-many"
    for text in (f"{'x' * (MAX_QUESTION + 1)} | a | b", f"x | a | {'b' * (MAX_OPTION + 1)}"):
        assert code_of(ask, (), text, "lead", NOW, named=True) == "poll-long"


def test_finding_and_putting_back() -> None:
    assert code_of(find, ()) == "poll-none"
    assert code_of(find, (POLL,), 2) == "poll-none"
    voted = POLL.vote("a", 1, (), NOW)
    assert find(put((POLL,), voted)) == voted
