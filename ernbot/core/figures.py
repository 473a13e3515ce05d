"""The figures of a network: how many cases, how long they take, and whether advice was followed. Nothing about anybody.

In rare diseases a small number points at a person. So every number that is told is rounded to the nearest five, and of
fewer than five nothing is told, none included: a hidden number cannot be had by subtraction, and hardly by asking again
after each case. A median is told once five cases rest under it. Cases count by their content while consent covers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ernbot.core.case import Case
from ernbot.core.clocks import Durations, durations
from ernbot.core.consensus import median_iqr
from ernbot.core.followup import Counts, FollowUp, counts

FEW = 5

DAY = timedelta(days=1)


class Clock(StrEnum):
    """The four clocks of a case, as `Durations` names them."""

    FIRST_ANSWER = "first_answer"
    OUTCOME = "outcome"
    SIGNATURE = "signature"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True)
class Measured:
    """What one case gives to the figures."""

    durations: Durations
    follow_up: FollowUp | None


@dataclass(frozen=True)
class Took:
    """How long one clock ran, in whole days, over a rounded number of cases. Urgent cases are counted apart."""

    clock: Clock
    urgent: bool
    median: int
    lower: int
    upper: int
    cases: int


def told(count: int) -> int:
    """A count as it may be told: to the nearest five; 0 stands for fewer than five."""
    return (count + FEW // 2) // FEW * FEW if count >= FEW else 0


def measured(case: Case, at: datetime) -> Measured | None:
    """What a case gives; None where consent does not cover it now."""
    return Measured(durations(case.clocks, case.opened_at), case.follow_up) if case.covered(at) else None


def took(cases: Iterable[Measured]) -> list[Took]:
    """The clocks that stopped in enough cases, urgent ones apart."""
    of = [each.durations for each in cases]
    found = []
    for clock in Clock:
        for urgent in (False, True):
            ran = [getattr(each, clock) for each in of if each.urgent is urgent]
            days = [each / DAY for each in ran if each is not None]
            spread = median_iqr(days)
            if spread is not None and len(days) >= FEW:
                median, lower, upper = map(round, (spread.median, spread.lower, spread.upper))
                found.append(Took(clock, urgent, median, lower, upper, told(len(days))))
    return found


def followed(cases: Iterable[Measured]) -> Counts:
    """The follow-ups in numbers as they may be told."""
    found = counts(each.follow_up for each in cases if each.follow_up is not None)
    return Counts(
        asked=told(found.asked),
        answered=told(found.answered),
        followed={word: told(count) for word, count in found.followed.items()},
        why={word: told(count) for word, count in found.why.items()},
        changed={word: told(count) for word, count in found.changed.items()},
    )
