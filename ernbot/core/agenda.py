"""The agenda of a case: what is due by itself, for whom, and when. A pure decision; `matrix.calendar` carries it out.

Everything is due at one hour of a day (`Intervals` count days), so that a person hears of all their cases at once and
nobody is woken. A schedule is finite: who has not acted after twelve weekly reminders is not reached by a thirteenth.
The one gate, `core.access`, is asked for each reminder: nobody is reminded of what they cannot do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from ernbot.core.access import able
from ernbot.core.case import Case
from ernbot.core.clocks import tick
from ernbot.core.consent import Purpose, review_due
from ernbot.core.directory import Directory, Network
from ernbot.core.followup import next_question, silent_from
from ernbot.core.intervals import Intervals
from ernbot.core.invitation import STANDS, InvitationState, find
from ernbot.core.states import About, Action, Assessing, Closed, Drafting, Open, Signing
from ernbot.core.turn import Next, Turn, turn

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
REPEATS = 12

ACTION: Mapping[Next, Action] = {
    Next.CONSENT: Action.GIVE_CONSENT,
    Next.RENEW: Action.GIVE_CONSENT,
    Next.DECIDE: Action.TRIAGE,
    Next.ANSWER: Action.ANSWER_TRIAGE,
    Next.DECLINED: Action.FORWARD,
    Next.INVITE: Action.INVITE,
    Next.INVITE_TOLD: Action.INVITE,
    Next.OPINION: Action.GIVE_OPINION,
    Next.REVEAL: Action.REVEAL,
    Next.DRAFT: Action.DRAFT_OUTCOME,
    Next.GATHER: Action.DRAFT_OUTCOME,
    Next.RECOMMEND: Action.WRITE_OUTCOME,
    Next.VOTE: Action.VOTE,
    Next.SEND: Action.SEND_TO_SIGNING,
    Next.SIGN: Action.SIGN,
}
"""What the gate is asked before somebody is reminded. The question of a follow-up is put in the room instead."""


class Task(StrEnum):
    """What is due apart from reminding those for whom the case waits.

    `REVIEW` of a consent that runs out soon is said to the requester, `TAKE_OVER` of a case whose lead is silent and
    `SILENT` of a follow-up that nobody answers to the coordinators. `ASK` puts the question of the follow-up in the
    room. On the day of `LOOK`, the case has to be looked at anew. `INVITATION` is said to whom was asked and has not
    answered, in the place of what they would be asked for as experts. `GUEST` ends the time of a guest.
    """

    INVITATION = "invitation"
    GUEST = "guest"
    REVIEW = "review"
    TAKE_OVER = "take-over"
    SILENT = "silent"
    ASK = "ask"
    LOOK = "look"


SAID = frozenset(map(str, (*ACTION, Task.INVITATION, Task.REVIEW, Task.TAKE_OVER, Task.SILENT)))
"""Kinds that are said to a person alone; the others are done."""

Kind = Next | Task
Said = Mapping[tuple[str, str], datetime]
"""When something was last said or done, by kind and person."""


class Every(StrEnum):
    """How often somebody wants to be reminded."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True)
class Due:
    """One thing that is due at a time; `who` is a user id.

    `again` is when it is due once more after it was said or done: the first time of its schedule that is still to come.
    """

    kind: Kind
    at: datetime
    who: str
    again: datetime | None = None


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


def timed(case: Case, now: Turn, at: datetime) -> Case:
    """The case with its clocks as they stand; to be called whenever it is saved."""
    reports = case.follow_up.reports if case.follow_up is not None else ()
    clocks = tick(
        case.clocks,
        answered_at=case.opinions[0].at if case.opinions else None,
        has_outcome=isinstance(case.state, Signing | Closed),
        signed_at=case.state.closed_at if isinstance(case.state, Closed) else None,
        followed_at=reports[0].at if reports else None,
        urgent=case.urgent,
        waits=tuple((who, str(now.next)) for who in now.who),
        at=at,
    )
    return case if clocks == case.clocks else replace(case, clocks=clocks)


def agenda(
    case: Case,
    directory: Directory,
    at: datetime,
    *,
    said: Said | None = None,
    hour: int = 8,
    now: Turn | None = None,
) -> list[Due]:
    """The next time for each thing that will be due of a case as it is now; a time may have passed already.

    `said` counts no later than `at`: a clock that was wrong silences nobody for years. `now` is the turn of the case,
    for who has asked already.
    """
    network = directory.network(case.network)
    if network is None:
        return []
    now = now or turn(case, directory, at)
    plans = [*_reminders(case, now, directory, network, at), *_of_lead(case, now, directory, network)]
    plans += [*_of_consent(case, network, at), *_of_guests(case), *_of_follow_up(case, directory, network, at)]
    coming = _first_day(at, hour)
    found: list[Due] = []
    for kind, who, schedule in plans:
        last = said.get((kind, who)) if said else None
        first = _first_day(min(last, at), hour) if last is not None else date.min
        days = iter(schedule)
        day = _next(days, first)
        if day is not None:
            again = _next(days, max(day + DAY, coming))
            found.append(Due(kind, _moment(day, hour), who, _moment(again, hour) if again is not None else None))
    return found


def _next(days: Iterator[date], first: date) -> date | None:
    """The next of these days that is not before a day."""
    for day in days:
        if day >= first:
            return day
    return None


def _first_day(after: datetime, hour: int) -> date:
    """The first day of which the hour comes after a time."""
    utc = after.astimezone(UTC)
    return utc.date() if utc.time() < time(hour) else utc.date() + DAY


@lru_cache(maxsize=1_024)
def _moment(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


Plan = tuple[Kind, str, Iterable[date]]
"""A kind, a person, and the days of its schedule in their order, of which most are never asked for."""


def _reminders(case: Case, now: Turn, directory: Directory, network: Network, at: datetime) -> list[Plan]:
    """Of those for whom the case waits."""
    if now.next not in ACTION:
        return []
    steps: dict[Action, list[tuple[Kind, str, datetime]]] = {}
    for who in now.who:
        since, asked = case.clocks.since(who, now.next), find(case.invitations, who)
        if asked is not None and asked.state is InvitationState.INVITED:
            steps.setdefault(Action.ANSWER_INVITATION, []).append((Task.INVITATION, who, asked.at))
        elif since is not None:
            steps.setdefault(ACTION[now.next], []).append((now.next, who, since))
    plans: list[Plan] = []
    for action, asked_for in steps.items():
        may = able((who for _, who, _ in asked_for), action, case, directory, at)
        plans += [
            (step, who, _days(case, network.intervals, step, since)) for step, who, since in asked_for if who in may
        ]
    return plans


def _days(case: Case, intervals: Intervals, step: Kind, since: datetime) -> Sequence[date]:
    """On which days somebody is reminded of what a case waits for since a time."""
    start = since.date()
    if case.urgent:
        return _urgently(start, intervals.urgent)
    if step is Next.OPINION:
        if case.due is None:
            return _weekly(start + intervals.opinion * DAY - WEEK)
        return _by(case.due, start, intervals.before_due)
    return _from(start + DAY * _first(intervals, step))


def _first(intervals: Intervals, step: Kind) -> int:
    """After how many days somebody is first reminded."""
    match step:
        case Task.INVITATION:
            return intervals.invitation
        case Next.DECIDE | Next.ANSWER:
            return intervals.request
        case Next.VOTE | Next.SIGN:
            return intervals.signature
        case _:
            return intervals.lead


# Few schedules are those of many cases and people, so that they are remembered.


@lru_cache(maxsize=1_024)
def _weekly(after: date) -> tuple[date, ...]:
    return tuple(after + WEEK * number for number in range(1, REPEATS + 1))


@lru_cache(maxsize=1_024)
def _from(first: date) -> tuple[date, ...]:
    """A day, and weekly after it."""
    return (first, *_weekly(first))


@lru_cache(maxsize=1_024)
def _urgently(start: date, every: int) -> tuple[date, ...]:
    """Every so many days, and weekly in the end."""
    days = [start + DAY * every * number for number in range(1, 8)]
    return (*days, *_weekly(days[-1]))


@lru_cache(maxsize=1_024)
def _by(due: date, start: date, before: int) -> tuple[date, ...]:
    """So many days before a due date, on it, and weekly after it; nothing before the case waited."""
    return tuple(day for day in (due - DAY * before, due, *_weekly(due)) if day > start)


def _of_lead(case: Case, now: Turn, directory: Directory, network: Network) -> list[Plan]:
    """Coordinators hear of a lead who is silent past the due date, or who is no longer in the directory."""
    since = case.clocks.since(case.lead, now.next)
    if since is None or not case.permits(Action.TAKE_OVER):
        return []
    if not directory.treats_patients(case.lead):
        days: tuple[date, ...] = (since.date() + DAY,)
    elif case.due is not None:
        days = (max(case.due, since.date()) + network.take_over_days * DAY,)
    else:
        return []
    return [(Task.TAKE_OVER, each, days) for each in network.coordinators() if each != case.lead]


def _of_consent(case: Case, network: Network, at: datetime) -> list[Plan]:
    """The requester hears that a consent has to be renewed soon; on that day the case is looked at anew.

    That lies years ahead, so until the first reminder there is nothing but a look on the day of it.
    """
    entry = case.consent.last(Purpose.CARE, at)
    under_way = isinstance(case.state, Open | Assessing | Drafting | Signing) and case.about is About.PATIENT
    if not under_way or not case.covered(at) or entry is None or entry.paper is None:
        return []
    end = review_due(entry.paper.signed_on)
    first = end - network.intervals.consent_review * DAY
    if at.date() < first:
        return [(Task.LOOK, case.requester, (first,))]
    before = (first + WEEK * number for number in range(REPEATS) if first + WEEK * number < end)
    return [(Task.REVIEW, case.requester, before), (Task.LOOK, case.requester, (end,))]


def _of_guests(case: Case) -> list[Plan]:
    """A guest is in until the end of a day."""
    return [
        (Task.GUEST, each.user_id, (each.until + DAY,))
        for each in case.invitations
        if each.until is not None and each.state in STANDS
    ]


def _of_follow_up(case: Case, directory: Directory, network: Network, at: datetime) -> list[Plan]:
    """The question of the follow-up, and word to the coordinators when nobody answers it, or nobody is left who can."""
    if case.signed_at is None or case.about is not About.PATIENT or not case.covered(at):
        return []
    question = next_question(case.follow_up, case.signed_at, network.intervals.follow_up_months)
    if question is not None and able((case.requester,), Action.FOLLOW_UP, case, directory, at):
        return [(Task.ASK, case.requester, (question.date(),))]
    silent = question or silent_from(case.follow_up)
    return [(Task.SILENT, each, (silent.date(),)) for each in network.coordinators()] if silent is not None else []
