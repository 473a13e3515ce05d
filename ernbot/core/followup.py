"""Follow-up: what became of the patient, asked of the clinician some months after the signature.

Reasons for not following an outcome are those that a tumour board of 13,050 recommendations counted (In Vivo
39:3503). The question is put three times, two weeks apart; then the coordinators are told, without a clinical word. A
new signature, after an amendment or a reopened case, starts the months anew, and what was reported before stays.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ernbot.core.errors import BadInput

MAX_HAPPENED = 2_000
"""Characters of the free text."""

AGAIN = timedelta(weeks=2)
TIMES = 3
"""How often the question is put."""


class Followed(StrEnum):
    """Whether the outcome was carried out."""

    FULLY = "fully"
    PARTLY = "partly"
    NO = "no"


class WhyNot(StrEnum):
    """Why it was not carried out, or not all of it."""

    DOCUMENTATION = "documentation"
    FINDINGS = "findings"
    PATIENT = "patient"
    PHYSICIAN = "physician"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


class Changed(StrEnum):
    """What the panel's advice changed."""

    DIAGNOSIS = "diagnosis"
    MANAGEMENT = "management"
    BOTH = "both"
    NEITHER = "neither"


@dataclass(frozen=True)
class Report:
    """What a clinician said of the patient's course. `why` is empty when the outcome was followed fully."""

    by: str
    at: datetime
    followed: Followed
    changed: Changed
    why: tuple[WhyNot, ...] = ()
    happened: str = ""


@dataclass(frozen=True)
class FollowUp:
    """What was asked and reported of a case. `signed_at` is the signature that the questions belong to; `answered`,
    whether there is a report since."""

    signed_at: datetime
    asked: tuple[datetime, ...] = ()
    answered: bool = False
    reports: tuple[Report, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a question was put and not answered."""
        return bool(self.asked) and not self.answered


def report(by: str, at: datetime, followed: Followed, changed: Changed, why: tuple[WhyNot, ...], text: str) -> Report:
    """A report that makes sense.

    Raises:
        BadInput: `follow-up-why` when the outcome was not followed and no reason is given, `follow-up-text` for a text
            longer than `MAX_HAPPENED` characters.
    """
    text = text.strip()
    if len(text) > MAX_HAPPENED:
        raise BadInput("follow-up-text", maximum=MAX_HAPPENED)
    if followed is Followed.FULLY:
        return Report(by, at, followed, changed, (), text)
    if not why:
        raise BadInput("follow-up-why")
    return Report(by, at, followed, changed, tuple(dict.fromkeys(why)), text)


def asked(before: FollowUp | None, signed_at: datetime, at: datetime) -> FollowUp:
    """The follow-up with its question put once more; a new signature begins anew and keeps the reports."""
    if before is None or before.signed_at != signed_at:
        return FollowUp(signed_at, (at,), reports=before.reports if before is not None else ())
    return replace(before, asked=(*before.asked, at))


def reported(before: FollowUp | None, signed_at: datetime, new: Report) -> FollowUp:
    """The follow-up with one more report; one may come before anybody asks."""
    base = before if before is not None and before.signed_at == signed_at else FollowUp(signed_at)
    earlier = before.reports if before is not None else ()
    return replace(base, answered=True, reports=(*earlier, new))


def next_question(follow_up: FollowUp | None, signed_at: datetime, months: int) -> datetime | None:
    """When the question is put next; None when it is answered or was put often enough."""
    if follow_up is None or follow_up.signed_at != signed_at:
        return months_later(signed_at, months)
    return follow_up.asked[-1] + AGAIN if follow_up.is_open and len(follow_up.asked) < TIMES else None


def silent_from(follow_up: FollowUp | None) -> datetime | None:
    """When the coordinators are told that nobody answers; None while there is no reason to."""
    if follow_up is None or not follow_up.is_open or len(follow_up.asked) < TIMES:
        return None
    return follow_up.asked[-1] + AGAIN


def months_later(at: datetime, months: int) -> datetime:
    """The same day some months later, or the last of a month that is too short."""
    years, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + years, month + 1
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True)
class Counts:
    """Follow-ups in numbers, with nothing about anybody: cases asked and answered, and how often each answer."""

    asked: int
    answered: int
    followed: dict[Followed, int]
    why: dict[WhyNot, int]
    changed: dict[Changed, int]


def counts(follow_ups: Iterable[FollowUp]) -> Counts:
    """The last report of each case counts; a reason counts once in each case."""
    of = list(follow_ups)
    last = [follow_up.reports[-1] for follow_up in of if follow_up.reports]
    followed, changed = Counter(each.followed for each in last), Counter(each.changed for each in last)
    why = Counter(reason for each in last for reason in each.why)
    return Counts(
        asked=sum(bool(follow_up.asked or follow_up.reports) for follow_up in of),
        answered=len(last),
        followed={word: followed[word] for word in Followed},
        why={word: why[word] for word in WhyNot},
        changed={word: changed[word] for word in Changed},
    )
