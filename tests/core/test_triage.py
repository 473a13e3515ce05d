"""Requests: who has to decide, and what counts when two networks were asked."""

from __future__ import annotations

import pytest

from ernbot.core.errors import BadInput, Refused
from ernbot.core.triage import MAX_WORDS, Triage, Verdict

from .samples import COORDINATOR, DISPATCHER, LEAD, NOW

HOME, OTHER = "ern-cranio", "ecnm"
WAITING = Triage().submit(HOME, LEAD, NOW)


def test_a_case_that_was_never_a_request_waits_for_nobody() -> None:
    assert (Triage().waits_for(HOME), Triage().holds(HOME), Triage().current(HOME)) == (None, False, None)


def test_a_request_waits_until_it_is_accepted() -> None:
    assert (WAITING.waits_for(HOME), WAITING.holds(HOME)) == (HOME, True)
    accepted = WAITING.decide(Verdict.ACCEPTED, HOME, DISPATCHER, NOW)
    assert (accepted.waits_for(HOME), accepted.holds(HOME)) == (None, False)


def test_a_question_back_is_answered_and_the_request_waits_again() -> None:
    asked = WAITING.decide(Verdict.ASKED, HOME, DISPATCHER, NOW, "How old?")
    assert (asked.waits_for(HOME), asked.asks(HOME), asked.holds(HOME)) == (None, True, True)
    with pytest.raises(Refused) as twice:
        asked.decide(Verdict.ASKED, HOME, COORDINATOR, NOW, "And the MRI?")
    assert twice.value.code == "request-asked"
    assert asked.decide(Verdict.ACCEPTED, HOME, COORDINATOR, NOW).holds(HOME) is False, "nobody has to wait for it"
    assert asked.answer(HOME, LEAD, NOW, "Nine months.").waits_for(HOME) == HOME
    with pytest.raises(Refused) as nothing:
        WAITING.answer(HOME, LEAD, NOW, "Nine months.")
    assert nothing.value.code == "request-not-asked"


def test_the_second_decision_comes_too_late() -> None:
    for first in (Verdict.ACCEPTED, Verdict.DECLINED):
        decided = WAITING.decide(first, HOME, DISPATCHER, NOW, "x")
        with pytest.raises(Refused) as late:
            decided.decide(Verdict.DECLINED, HOME, COORDINATOR, NOW, "y")
        assert (late.value.code, late.value.fields) == ("request-decided", {"name": DISPATCHER})
        with pytest.raises(Refused, match="request-decided"):
            decided.forward(HOME, OTHER, COORDINATOR, NOW, "y")


def test_a_request_declined_elsewhere_comes_back() -> None:
    forwarded = WAITING.forward(HOME, OTHER, DISPATCHER, NOW, "Mast cells.")
    assert forwarded.waits_for(HOME) == OTHER
    back = forwarded.decide(Verdict.DECLINED, HOME, COORDINATOR, NOW, "No.")
    assert back.waits_for(HOME) == HOME
    taken = forwarded.decide(Verdict.ACCEPTED, HOME, COORDINATOR, NOW)
    assert (taken.holds(OTHER), taken.waits_for(OTHER)) == (False, None)
    assert forwarded.networks == {HOME, OTHER}


def test_a_case_that_was_at_home_goes_on_there_when_another_network_declines() -> None:
    for at_home in (Triage(), WAITING.decide(Verdict.ACCEPTED, HOME, DISPATCHER, NOW)):
        pending = at_home.submit(OTHER, LEAD, NOW)
        assert (pending.waits_for(HOME), pending.holds(HOME)) == (OTHER, True)
        declined = pending.decide(Verdict.DECLINED, HOME, COORDINATOR, NOW, "No.")
        assert (declined.waits_for(HOME), declined.holds(HOME)) == (None, False)


@pytest.mark.parametrize("words", ["", " \n", "x" * (MAX_WORDS + 1)])
@pytest.mark.parametrize("verdict", [Verdict.ASKED, Verdict.DECLINED])
def test_whoever_does_not_accept_says_why(verdict: Verdict, words: str) -> None:
    with pytest.raises(BadInput) as refusal:
        WAITING.decide(verdict, HOME, DISPATCHER, NOW, words)
    assert refusal.value.code == "reason-length"
