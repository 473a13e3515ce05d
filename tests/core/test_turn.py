"""Whose turn it is, and what comes next, in each state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ernbot.core import ending, requesting
from ernbot.core.agenda import ACTION
from ernbot.core.case import Case
from ernbot.core.consent import Ledger
from ernbot.core.states import STATES, About
from ernbot.core.triage import Verdict
from ernbot.core.turn import Next, Turn, turn
from ernbot.locales import LANGUAGES, keys

from .samples import (
    CASES,
    COLLEAGUE,
    COORDINATOR,
    DIRECTORY,
    DISPATCHER,
    EXPERT,
    EXPIRED,
    LATER,
    LEAD,
    NOW,
    SECOND,
    opined,
)

WAITING = requesting.submit(CASES["open"], LEAD, at=NOW)
BOTH = opined(CASES["assessing"], SECOND)
LED = replace(CASES["assessing"], leader=SECOND, panel=(EXPERT, LEAD))


@pytest.mark.parametrize(
    ("case", "who", "then"),
    [
        (CASES["draft"], (LEAD,), Next.CONSENT),
        (CASES["open"], (LEAD,), Next.INVITE),
        (CASES["assessing"], (SECOND,), Next.OPINION),
        (BOTH, (LEAD,), Next.DRAFT),
        (replace(BOTH, leader=COLLEAGUE), (COLLEAGUE,), Next.DRAFT),
        (LED, (LEAD,), Next.OPINION),
        (CASES["assessing"].draft_outcome(), (LEAD,), Next.RECOMMEND),
        (CASES["drafting"], (EXPERT, SECOND), Next.VOTE),
        (opined(CASES["drafting"], SECOND), (LEAD,), Next.GATHER),
        (CASES["signing"], (LEAD,), Next.SIGN),
        (CASES["closed"], (), Next.CLOSED),
        (CASES["archived"], (), Next.ARCHIVED),
        (CASES["withdrawn"], (), Next.WITHDRAWN),
        (CASES["erased"], (), Next.ERASED),
        (WAITING, (COORDINATOR, DISPATCHER), Next.DECIDE),
        (requesting.decide(WAITING, Verdict.ASKED, DISPATCHER, "Age?", at=NOW), (LEAD,), Next.ANSWER),
        (requesting.decide(WAITING, Verdict.DECLINED, DISPATCHER, "No.", at=NOW), (LEAD,), Next.DECLINED),
        (requesting.decide(WAITING, Verdict.ACCEPTED, DISPATCHER, "", at=NOW), (LEAD,), Next.INVITE),
        (requesting.forward(CASES["assessing"], "ecnm", LEAD, "", at=NOW), (SECOND,), Next.OPINION),
        (CASES["open"].describe("why", "A second opinion."), (LEAD,), Next.INVITE_TOLD),
        (replace(CASES["open"], about=About.QUESTION, consent=Ledger()), (LEAD,), Next.INVITE_TOLD),
        (ending.reopen(CASES["closed"], LEAD, "New fits.", at=LATER), (EXPERT, SECOND), Next.OPINION),
    ],
)
def test_whose_turn_it_is(case: Case, who: tuple[str, ...], then: Next) -> None:
    assert turn(case, DIRECTORY, LATER) == Turn(who, then)


def test_an_expired_consent_comes_first() -> None:
    for kind in ("open", "assessing", "drafting", "signing"):
        assert turn(CASES[kind], DIRECTORY, EXPIRED) == Turn((LEAD,), Next.RENEW)


def test_by_when_is_said_while_somebody_must_act() -> None:
    for kind in STATES:
        now = turn(replace(CASES[kind], due=NOW.date()), DIRECTORY, LATER)
        assert now.by == (NOW.date() if now.who else None)


def test_everything_that_can_come_next_has_its_words() -> None:
    for language in LANGUAGES:
        assert {f"next-{step}" for step in Next} <= keys(language)


def test_every_step_has_its_words_and_is_asked_of_the_gate() -> None:
    over = {Next.CLOSED, Next.ARCHIVED, Next.WITHDRAWN, Next.ERASED}
    assert set(Next) - over - {Next.FOLLOW_UP} == set(ACTION)
    assert {f"next-{step}" for step in Next} <= keys("en")
    assert {f"due-{step}" for step in set(Next) - over} <= keys("en")
