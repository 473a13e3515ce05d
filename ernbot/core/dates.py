"""Days as people type them: signed on, due by, away until.

ISO 8601 and the European order are understood; the order of the United States is not guessed at, because `3/4/2026`
would then mean two days.
"""

from __future__ import annotations

import calendar
import contextlib
import re
from datetime import date, timedelta

from ernbot.core.errors import BadInput

MAX_DUE_DAYS = 365
"""A case that is due later than this is a slip of the keyboard."""

_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII)
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})", re.ASCII)
_SHORT = re.compile(r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./]?", re.ASCII)
_FROM_NOW = re.compile(r"(?:in |om )?\+?\s*(?P<count>\d{1,3})\s*(?P<unit>[^\W\d_]+)")
_UNITS = {
    **dict.fromkeys(("d", "day", "days", "dag", "dage"), "day"),
    **dict.fromkeys(("w", "week", "weeks", "u", "uge", "uger"), "week"),
    **dict.fromkeys(("m", "month", "months", "md", "mdr", "måned", "måneder"), "month"),
}
_SOON = {"today": 0, "i dag": 0, "tomorrow": 1, "i morgen": 1}


def parse_date(text: str) -> date:
    """A date as ISO 8601 (`2026-03-31`) or day first (`31.3.2026`, `31/3/2026`).

    Raises:
        BadInput: `date` when it is none.
    """
    text = text.strip()
    found = _date(_ISO.fullmatch(text) or _DAY_FIRST.fullmatch(text))
    if found is None:
        raise BadInput("date", text=text)
    return found


def parse_due(text: str, today: date) -> date:
    """A day to come: a date, a date without its year, or how long from now (`2 weeks`, `+14d`, `3 uger`).

    Raises:
        BadInput: `due` when it is none, else what `check_due` says.
    """
    wanted = " ".join(text.casefold().split())
    due = _due(wanted, today)
    if due is None:
        raise BadInput("due", text=text.strip())
    check_due(due, today)
    return due


def check_due(due: date, today: date) -> None:
    """Raise BadInput `due-past` or `due-far` for a day on which nothing can be due."""
    if due < today:
        raise BadInput("due-past", date=due)
    if due > today + timedelta(days=MAX_DUE_DAYS):
        raise BadInput("due-far", date=due, days=MAX_DUE_DAYS)


def _due(text: str, today: date) -> date | None:
    if text in _SOON:
        return today + timedelta(days=_SOON[text])
    if match := _FROM_NOW.fullmatch(text):
        count, unit = int(match["count"]), _UNITS.get(match["unit"])
        if unit == "month":
            return _months_on(today, count)
        return today + timedelta(days=count * (7 if unit == "week" else 1)) if unit is not None else None
    if match := _SHORT.fullmatch(text):
        this, following = (_date(match, today.year + years) for years in (0, 1))
        return this if this is not None and this >= today else following
    return _date(_ISO.fullmatch(text) or _DAY_FIRST.fullmatch(text))


def _months_on(day: date, months: int) -> date:
    """The same day so many months on, or the last one of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _date(match: re.Match[str] | None, year: int | None = None) -> date | None:
    """The day that was written; None for a day that no calendar has."""
    if match is None:
        return None
    with contextlib.suppress(ValueError):
        return date(year if year is not None else int(match["year"]), int(match["month"]), int(match["day"]))
    return None
