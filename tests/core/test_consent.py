"""The ledger answers one question, at any time, and forgets nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.consent import REVIEW_YEARS, Ledger, Paper, Purpose, Signer, review_due
from ernbot.core.errors import BadInput, Refused

from .samples import LEAD, NOW, PAPER


def given_for(*purposes: Purpose, at: datetime = NOW) -> Ledger:
    ledger = Ledger()
    for purpose in purposes:
        ledger = ledger.give(purpose, PAPER, by=LEAD, at=at)
    return ledger


@pytest.mark.parametrize("purpose", Purpose)
def test_consent_covers_its_own_purpose_only(purpose: Purpose) -> None:
    ledger = given_for(purpose)
    assert {other for other in Purpose if ledger.covers(other, NOW)} == {purpose}


def test_consent_covers_from_its_record_until_its_review() -> None:
    ledger = given_for(Purpose.CARE)
    due = datetime(PAPER.signed_on.year + REVIEW_YEARS, PAPER.signed_on.month, PAPER.signed_on.day, tzinfo=UTC)
    assert not Ledger().covers(Purpose.CARE, NOW)
    assert not ledger.covers(Purpose.CARE, NOW - timedelta(seconds=1))
    assert ledger.covers(Purpose.CARE, NOW)
    assert ledger.covers(Purpose.CARE, due - timedelta(seconds=1))
    assert not ledger.covers(Purpose.CARE, due)


def test_withdrawal_ends_and_a_new_paper_renews() -> None:
    day = timedelta(days=1)
    ledger = given_for(Purpose.CARE).withdraw(Purpose.CARE, by=LEAD, at=NOW + day)
    ledger = ledger.give(Purpose.CARE, PAPER, by=LEAD, at=NOW + 2 * day)
    assert [ledger.covers(Purpose.CARE, NOW + n * day) for n in range(3)] == [True, False, True]
    assert [entry.paper for entry in ledger.entries] == [PAPER, None, PAPER]


def test_only_what_was_given_can_be_withdrawn() -> None:
    for ledger in (
        Ledger(),
        given_for(Purpose.CARE),
        given_for(Purpose.REGISTRY).withdraw(Purpose.REGISTRY, by=LEAD, at=NOW),
    ):
        with pytest.raises(Refused) as refusal:
            ledger.withdraw(Purpose.REGISTRY, by=LEAD, at=NOW)
        assert (refusal.value.code, refusal.value.fields) == ("consent-not-given", {"purpose": Purpose.REGISTRY})


@pytest.mark.parametrize(
    ("paper", "code"),
    [
        (replace(PAPER, signed_on=date(2026, 3, 6)), "consent-future"),
        (replace(PAPER, signed_on=date.max), "consent-future"),
        (replace(PAPER, signed_on=date(2011, 3, 5)), "consent-expired"),
        (replace(PAPER, signed_on=date.min), "consent-expired"),
        *(
            (replace(PAPER, form_version=v), "consent-form")
            for v in ("", "-1", " 1", "1 ", "1\n", "v" * 33, "1/2", "ø", "<")
        ),
        *(
            (replace(PAPER, language=v), "consent-language")
            for v in ("", "d", "DA", "dansk", "da_DK", "da-", "da\n", "٣٣")
        ),
    ],
)
def test_a_paper_that_cannot_be_is_refused(paper: Paper, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        Ledger().give(Purpose.CARE, paper, by=LEAD, at=NOW)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "paper",
    [
        Paper("1", "da", Signer.PATIENT, date(2026, 3, 5)),
        Paper("v" * 32, "kal", Signer.GUARDIAN, date(2011, 3, 6)),
        Paper("ERN-2.1_b", "sr-Latn", Signer.PARENT, date(2025, 12, 31)),
    ],
)
def test_a_paper_that_can_be_is_taken(paper: Paper) -> None:
    assert Ledger().give(Purpose.CARE, paper, by=LEAD, at=NOW).covers(Purpose.CARE, NOW)


def test_a_leap_day_is_reviewed_on_the_first_of_march() -> None:
    assert review_due(date(2024, 2, 29)) == date(2039, 3, 1)
    assert review_due(date(2026, 3, 5)) == date(2041, 3, 5)


@given(st.lists(st.tuples(st.sampled_from(Purpose), st.booleans()), max_size=12))
def test_the_last_word_counts_and_nothing_is_lost(steps: list[tuple[Purpose, bool]]) -> None:
    ledger = Ledger()
    expected: dict[Purpose, bool] = {}
    recorded = 0
    for hours, (purpose, gives) in enumerate(steps):
        at = NOW + timedelta(hours=hours)
        if gives:
            ledger = ledger.give(purpose, PAPER, by=LEAD, at=at)
        elif expected.get(purpose):
            ledger = ledger.withdraw(purpose, by=LEAD, at=at)
        else:
            continue
        expected[purpose] = gives
        recorded += 1
    assert len(ledger.entries) == recorded
    for purpose in Purpose:
        assert ledger.covers(purpose, NOW + timedelta(days=1)) == expected.get(purpose, False)
