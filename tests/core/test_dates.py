"""Days as they are typed, in English and in Danish."""

from __future__ import annotations

from datetime import date

import pytest

from ernbot.core.dates import MAX_DUE_DAYS, parse_date, parse_due
from ernbot.core.errors import BadInput

TODAY = date(2026, 12, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-31", date(2026, 12, 31)),
        ("31.12.2026", date(2026, 12, 31)),
        ("31/12/2026", date(2026, 12, 31)),
        ("31.12.", date(2026, 12, 31)),
        ("31/12", date(2026, 12, 31)),
        ("5.1.", date(2027, 1, 5)),
        ("30.12.", TODAY),
        ("29.12.", date(2027, 12, 29)),
        ("+14d", date(2027, 1, 13)),
        ("14 d", date(2027, 1, 13)),
        ("2 weeks", date(2027, 1, 13)),
        ("In  2  Weeks", date(2027, 1, 13)),
        ("om 2 uger", date(2027, 1, 13)),
        ("1 uge", date(2027, 1, 6)),
        ("14 dage", date(2027, 1, 13)),
        ("2 months", date(2027, 2, 28)),
        ("2 måneder", date(2027, 2, 28)),
        ("0 days", TODAY),
        ("today", TODAY),
        ("i morgen", date(2026, 12, 31)),
        ("12 months", TODAY.replace(year=2027)),
    ],
)
def test_a_day_to_come_is_understood(text: str, day: date) -> None:
    assert parse_due(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "due") for text in ("", "soon", "two weeks", "2", "2 fortnights", "31.2.", "2026-02-30", "1.13.2027")),
        *((text, "due") for text in ("-3 days", "9999 days", "٢ days", "2 weeks!", "12/31/2026", "x" * 5000)),
        *((text, "due-past") for text in ("2026-12-29", "29.12.2026", "1900-01-01")),
        *((text, "due-far") for text in ("2027-12-31", "53 weeks", "13 months", "999 months", "9999-12-31")),
    ],
)
def test_what_is_no_day_to_come_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_due(text, TODAY)
    assert refusal.value.code == code


def test_a_year_is_the_most() -> None:
    assert parse_due(f"{MAX_DUE_DAYS} days", TODAY) == date(2027, 12, 30)


@pytest.mark.parametrize("text", ["31.12.", "2 weeks", "today", "2026-13-01", ""])
def test_a_date_on_a_form_is_written_in_full(text: str) -> None:
    with pytest.raises(BadInput):
        parse_date(text)
