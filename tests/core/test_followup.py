"""Follow-up: reports that make sense, and counts with nothing about anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ernbot.core.clocks import Clocks, durations
from ernbot.core.errors import BadInput
from ernbot.core.followup import (
    MAX_HAPPENED,
    Changed,
    Followed,
    FollowUp,
    WhyNot,
    asked,
    counts,
    months_later,
    report,
    reported,
)

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
IDA = "@ida:hospital.example"
FULLY = report(IDA, NOW, Followed.FULLY, Changed.MANAGEMENT, (), "Well.")
PARTLY = report(IDA, NOW, Followed.PARTLY, Changed.BOTH, (WhyNot.PATIENT, WhyNot.PATIENT), "")


def test_a_reason_is_asked_for_when_it_was_not_followed() -> None:
    with pytest.raises(BadInput, match="follow-up-why"):
        report(IDA, NOW, Followed.NO, Changed.NEITHER, (), "")
    assert PARTLY.why == (WhyNot.PATIENT,)
    assert report(IDA, NOW, Followed.FULLY, Changed.BOTH, (WhyNot.OTHER,), "").why == ()


def test_a_text_has_its_length() -> None:
    with pytest.raises(BadInput, match="follow-up-text"):
        report(IDA, NOW, Followed.FULLY, Changed.NEITHER, (), "x" * (MAX_HAPPENED + 1))


def test_a_report_may_come_before_the_question() -> None:
    early = reported(None, NOW, FULLY)
    assert early.answered
    assert not early.is_open
    assert early.asked == ()


def test_a_new_signature_begins_anew_and_keeps_the_reports() -> None:
    before = reported(asked(None, NOW, NOW), NOW, FULLY)
    later = asked(before, NOW + timedelta(days=9), NOW + timedelta(days=99))
    assert later.is_open
    assert later.reports == (FULLY,)


def test_a_report_counts_as_an_answer_whatever_the_clock_says() -> None:
    question = asked(None, NOW, NOW + timedelta(days=90))
    assert not reported(question, NOW, FULLY).is_open


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2026-03-05", 3, "2026-06-05"), ("2025-11-30", 3, "2026-02-28"), ("2026-12-31", 2, "2027-02-28")],
)
def test_months_are_calendar_months(start: str, months: int, end: str) -> None:
    assert months_later(datetime.fromisoformat(start), months) == datetime.fromisoformat(end)


def test_counts_take_the_last_report_of_each_case() -> None:
    found = counts(
        [FollowUp(NOW, (NOW,)), FollowUp(NOW, (NOW,), True, (PARTLY, FULLY)), FollowUp(NOW, (), True, (PARTLY,))]
    )
    assert (found.asked, found.answered) == (3, 2)
    assert found.followed == {Followed.FULLY: 1, Followed.PARTLY: 1, Followed.NO: 0}
    assert found.why[WhyNot.PATIENT] == 1
    assert found.changed[Changed.BOTH] == 1


def test_a_duration_is_never_negative() -> None:
    hour = timedelta(hours=1)
    clocks = Clocks(first_answer=NOW + hour, outcome=NOW - hour, signature=NOW + 2 * hour, follow_up=NOW + 5 * hour)
    found = durations(clocks, NOW)
    assert (found.first_answer, found.outcome, found.signature, found.follow_up) == (hour, None, 2 * hour, 3 * hour)
