"""The agenda of a case: what is due by itself, for whom, and when. A pure decision; `matrix.calendar` carries it out.

Everything is due at one hour of a day (`Intervals` count days), so that a person hears of all their cases at once and
nobody is woken. A schedule is finite: who has not acted after twelve weekly reminders is not reached by a thirteenth.
The one gate, `core.access.check_case`, is asked for each reminder: nobody is reminded of what they cannot do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ernbot.core.access import check_case
from ernbot.core.case import Action, Assessing, Case, Drafting, Open
from ernbot.core.consent import Purpose, review_due
from ernbot.core.directory import Network
from ernbot.core.errors import Refused
from ernbot.core.followup import next_question, silent_from
from ernbot.core.intervals import Intervals
from ernbot.core.waiting import ACTION, Need, Wait, waits

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
REPEATS = 12

LEAD_NEEDS = frozenset({Need.CONSENT, Need.PANEL, Need.DRAFT, Need.GATHER, Need.RECOMMEND})


class Task(StrEnum):
    """What is due apart from reminding those for whom the case waits.

    `REVIEW` of a consent that runs out soon is said to the requester, `TAKE_OVER` of a case whose lead is silent and
    `SILENT` of a follow-up that nobody answers to the coordinators. `ASK` puts the question of the follow-up in the
    room. On the day of `LOOK`, the case has to be looked at anew.
    """

    REVIEW = "review"
    TAKE_OVER = "take-over"
    SILENT = "silent"
    ASK = "ask"
    LOOK = "look"


SAID = frozenset({*map(str, Need), str(Task.REVIEW), str(Task.TAKE_OVER), str(Task.SILENT)})
"""Kinds that are said to a person alone; the others are done."""

Kind = Need | Task
Said = Mapping[tuple[str, str], datetime]
"""When something was last said or done, by kind and person."""


class Every(StrEnum):
    """How often somebody wants to be reminded."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True)
class Due:
    """One thing that is due at a time; `who` is a user id."""

    kind: Kind
    at: datetime
    who: str


HOURS = 10
"""For how long a day's reminders may be said, from their hour on: what was missed at night waits for the morning."""


def may_tell(every: str, said_at: datetime | None, at: datetime, *, urgent: bool, hour: int) -> bool:
    """Whether somebody is reminded at a time: once a day at most, in the day, and as seldom as they want.

    Urgent cases are said whatever they want, but no more often than once a day. A time of the last reminder that lies
    more than a day ahead comes from a clock that was wrong, and does not count.
    """
    if not hour <= at.hour < hour + HOURS:
        return False
    if said_at is not None and said_at <= at + DAY:
        pause = WEEK if every == Every.WEEKLY and not urgent else DAY
        if at.date() < said_at.date() + pause:
            return False
    return urgent or every != Every.OFF


def agenda(case: Case, network: Network, at: datetime, *, said: Said | None = None, hour: int = 8) -> tuple[Due, ...]:
    """The next time for each thing that will be due of a case as it is now; a time may have passed already.

    `said` counts no later than `at`: a clock that was wrong silences nobody for years.
    """
    covered = case.consent.covers(Purpose.CARE, at)
    plans = [*_reminders(case, network, at, covered), *_of_lead(case, network, at, covered)]
    plans += [*_of_consent(case, network, at, covered), *_of_follow_up(case, network, at, covered)]
    found: list[Due] = []
    for kind, who, days in plans:
        last = min((said or {}).get((kind, who), datetime.min.replace(tzinfo=UTC)), at)
        moment = next((m for m in (datetime.combine(day, time(hour), UTC) for day in days) if m > last), None)
        if moment is not None:
            found.append(Due(kind, moment, who))
    return tuple(found)


Plan = tuple[Kind, str, tuple[date, ...]]
"""A kind, a person, and the days of its schedule."""


def _reminders(case: Case, network: Network, at: datetime, covered: bool) -> list[Plan]:
    """Of those for whom the case waits."""
    return [
        (wait.need, wait.user_id, _days(case, network.intervals, wait, since))
        for wait in waits(case, covered=covered)
        if (since := case.clocks.since(wait.user_id, wait.need)) is not None
        and _can(wait.user_id, ACTION[wait.need], case, network, at)
        and wait.need is not Need.FOLLOW_UP
    ]


def _can(user_id: str, action: Action, case: Case, network: Network, at: datetime) -> bool:
    try:
        check_case(user_id, action, case, network, at)
    except Refused:
        return False
    return True


def _days(case: Case, intervals: Intervals, wait: Wait, since: datetime) -> tuple[date, ...]:
    """On which days somebody is reminded of what a case waits for since a time."""
    start = since.date()
    if case.urgent:
        daily = tuple(start + intervals.urgent * DAY * number for number in range(1, 8))
        return daily + _weekly(daily[-1])
    if wait.need is Need.OPINION:
        if case.due is None:
            return _weekly(start + intervals.opinion * DAY - WEEK)
        before = tuple(day for day in (case.due - intervals.before_due * DAY, case.due) if day > start)
        return before + tuple(day for day in _weekly(case.due) if day > start)
    first = start + DAY * (intervals.lead if wait.need in LEAD_NEEDS else intervals.signature)
    return (first, *_weekly(first))


def _weekly(after: date) -> tuple[date, ...]:
    return tuple(after + WEEK * number for number in range(1, REPEATS + 1))


def _of_lead(case: Case, network: Network, at: datetime, covered: bool) -> list[Plan]:
    """Coordinators hear of a lead who is silent past the due date, or who can do nothing here any more."""
    for wait in waits(case, covered=covered):
        since = case.clocks.since(wait.user_id, wait.need)
        if wait.user_id != case.lead or wait.need is Need.FOLLOW_UP or since is None:
            continue
        if not _can(case.lead, Action.READ, case, network, at):
            days: tuple[date, ...] = (since.date() + DAY,)
        elif case.due is not None:
            days = (max(case.due, since.date()) + network.intervals.take_over * DAY,)
        else:
            continue
        return [(Task.TAKE_OVER, each, days) for each in network.coordinators() if each != case.lead]
    return []


def _of_consent(case: Case, network: Network, at: datetime, covered: bool) -> list[Plan]:
    """The requester hears that a consent has to be renewed soon; on that day the case is looked at anew."""
    entry = case.consent.last(Purpose.CARE, at)
    if not covered or entry is None or entry.paper is None or not isinstance(case.state, Open | Assessing | Drafting):
        return []
    end = review_due(entry.paper.signed_on)
    first = end - network.intervals.consent_review * DAY
    before = tuple(first + WEEK * number for number in range(REPEATS) if first + WEEK * number < end)
    return [(Task.REVIEW, case.requester, before), (Task.LOOK, case.requester, (end,))]


def _of_follow_up(case: Case, network: Network, at: datetime, covered: bool) -> list[Plan]:
    """The question of the follow-up, and word to the coordinators when nobody answers it, or nobody is left who can."""
    if case.signed_at is None or not covered or not case.permits(Action.FOLLOW_UP):
        return []
    question = next_question(case.follow_up, case.signed_at, network.intervals.follow_up_months)
    if question is not None and _can(case.requester, Action.FOLLOW_UP, case, network, at):
        return [(Task.ASK, case.requester, (question.date(),))]
    silent = question or silent_from(case.follow_up)
    return [(Task.SILENT, each, (silent.date(),)) for each in network.coordinators()] if silent is not None else []
