"""Days as people type them: ISO 8601, or day first. Where a form allows it, a month or a year alone."""

from __future__ import annotations

import contextlib
import re
from datetime import date

_DAY = (
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})",
)
_PART = (r"(?P<year>\d{4})(?:-(?P<month>\d{1,2}))?", r"(?P<month>\d{1,2})[./](?P<year>\d{4})")


def _first_day(text: str, shapes: tuple[str, ...]) -> tuple[date, re.Match[str]] | None:
    for shape in shapes:
        match = re.fullmatch(shape, text.strip(), re.ASCII)
        if match is not None:
            parts = match.groupdict()
            with contextlib.suppress(ValueError):
                return date(int(parts["year"]), int(parts.get("month") or 1), int(parts.get("day") or 1)), match
    return None


def partial_date(text: str) -> tuple[str, date] | None:
    """A day, a month (`2026-03`, `3.2026`) or a year (`2026`) in ISO 8601, and its first day; None for what is none."""
    whole = _first_day(text, _DAY)
    if whole is not None:
        return whole[0].isoformat(), whole[0]
    part = _first_day(text, _PART)
    if part is None:
        return None
    first, match = part
    return (first.isoformat()[:7] if match["month"] else f"{first.year:04}"), first
