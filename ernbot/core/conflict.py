"""Conflicts of interest: who has declared one, and why. Whoever has one is heard and never counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ernbot.core.errors import BadInput

MAX_REASON = 500


@dataclass(frozen=True)
class Conflict:
    """What somebody declared about themselves; the reason stands in reports."""

    by: str
    reason: str
    at: datetime


def declare(conflicts: tuple[Conflict, ...], by: str, reason: str, at: datetime) -> tuple[Conflict, ...]:
    """The conflicts with this one, which replaces an earlier one of the same person.

    Raises:
        BadInput: `conflict-reason` when the reason is empty or longer than `MAX_REASON` characters.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise BadInput("conflict-reason", maximum=MAX_REASON)
    return (*(conflict for conflict in conflicts if conflict.by != by), Conflict(by, reason, at))
