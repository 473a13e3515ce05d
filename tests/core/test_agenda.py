"""What is due by itself, for whom and when: a schedule per need, one gate, and clocks that nobody types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ernbot.core import ending, inviting
from ernbot.core.agenda import Due, Every, Task, agenda, may_tell, timed
from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.directory import Directory
from ernbot.core.followup import Changed, Followed, report
from ernbot.core.invitation import Guest
from ernbot.core.states import Closed
from ernbot.core.turn import Next, turn
from ernbot.core.worklist import Line, Part, index, sees

from .samples import (
    CASES,
    COORDINATOR,
    DIRECTORY,
    EXPERT,
    EXPIRED,
    LATER,
    LEAD,
    NETWORK,
    NOW,
    SECOND,
    archived,
    assessing,
    closed,
    draft,
    drafting,
    opened,
    opined,
    signing,
)

DAY = timedelta(days=1)


def kept(case: Case, at: datetime = NOW) -> Case:
    """A case as it is saved at a time."""
    return timed(case, turn(case, DIRECTORY, at), at)


def without(*users: str) -> Directory:
    """The directory after these people left."""
    return Directory((replace(NETWORK, people=tuple(p for p in NETWORK.people if p.user_id not in users)),))


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


def days(case: Case, kind: Next | Task, who: str, until: date, directory: Directory = DIRECTORY) -> list[date]:
    """On which days something is said, when it is said whenever it is due."""
    said: dict[tuple[str, str], datetime] = {}
    found = []
    now = kept(case)
    day = NOW.date()
    while day <= until:
        for due in agenda(now, directory, at(day), said=said):
            if (due.kind, due.who) == (kind, who) and due.at <= at(day):
                found.append(day)
                said[(due.kind, due.who)] = at(day)
        day += DAY
    return found


def kinds(due: Sequence[Due]) -> set[tuple[str, str]]:
    return {(str(each.kind), each.who) for each in due}


def after(count: int) -> date:
    return NOW.date() + count * DAY


def test_an_opinion_is_asked_for_after_a_week_when_there_is_no_due_date() -> None:
    assert days(assessing(), Next.OPINION, SECOND, after(30)) == [after(7), after(14), after(21), after(28)]
    assert days(assessing(), Next.OPINION, EXPERT, after(30)) == [], "has answered"


def test_an_opinion_is_asked_for_before_the_due_date_on_it_and_weekly_after() -> None:
    case = replace(assessing(), due=after(10))
    assert days(case, Next.OPINION, SECOND, after(25)) == [after(7), after(10), after(17), after(24)]


def test_a_due_date_that_is_tomorrow_leaves_no_day_before() -> None:
    assert days(replace(assessing(), due=after(1)), Next.OPINION, SECOND, after(9)) == [after(1), after(8)]


def test_a_due_date_in_the_past_is_met_with_a_weekly_reminder_and_no_storm() -> None:
    case = replace(assessing(), due=after(-100))
    assert len(days(case, Next.OPINION, SECOND, after(30))) <= 1


def test_an_urgent_case_is_said_daily_for_a_week_then_weekly() -> None:
    found = days(replace(assessing(), urgent=True), Next.OPINION, SECOND, after(22))
    assert found == [*(after(number) for number in range(1, 8)), after(14), after(21)]


def test_a_schedule_ends() -> None:
    assert len(days(drafting(), Next.VOTE, EXPERT, after(365))) == 13


def test_the_lead_hears_the_next_morning_that_all_opinions_are_in() -> None:
    case = opined(assessing(), SECOND)
    assert days(case, Next.DRAFT, LEAD, after(8)) == [after(1), after(8)]
    assert days(case, Next.OPINION, SECOND, after(30)) == []


def test_a_missing_signature_is_asked_for_after_three_days() -> None:
    assert days(signing(), Next.SIGN, LEAD, after(4)) == [after(3)]


@pytest.mark.parametrize("kind", CASES)
def test_nobody_is_reminded_of_a_case_in_which_nothing_is_to_be_done(kind: str) -> None:
    due = agenda(kept(CASES[kind]), DIRECTORY, NOW)  # type: ignore[index]
    if kind in ("archived", "withdrawn", "erased"):
        assert due == [] or {each.kind for each in due} == {Task.ASK}
    else:
        assert due != []


def test_nobody_is_reminded_who_left_the_directory() -> None:
    assert kinds(agenda(kept(assessing()), DIRECTORY, NOW)) >= {("opinion", SECOND)}
    assert kinds(agenda(kept(assessing()), without(SECOND), NOW)).isdisjoint({("opinion", SECOND)})


def test_a_consent_that_ran_out_is_all_that_is_asked_for() -> None:
    case = assessing()
    now = timed(case, turn(case, DIRECTORY, EXPIRED), EXPIRED)
    assert kinds(agenda(now, DIRECTORY, EXPIRED)) == {("renew", LEAD)}


def test_the_review_of_a_consent_is_said_a_month_before() -> None:
    end, first = date(2041, 3, 1), at(date(2041, 3, 1) - 30 * DAY)
    due = {each.kind: each.at for each in agenda(kept(assessing()), DIRECTORY, NOW)}
    assert due[Task.LOOK] == first
    assert Task.REVIEW not in due, "years ahead, a look at the case on that day is enough"
    due = {each.kind: each.at for each in agenda(kept(assessing()), DIRECTORY, first)}
    assert due[Task.REVIEW] == first
    assert due[Task.LOOK] == at(end)


def test_coordinators_hear_of_a_lead_who_is_silent_past_the_due_date() -> None:
    case = replace(opined(assessing(), SECOND), due=after(5))
    assert days(case, Task.TAKE_OVER, COORDINATOR, after(60)) == [after(19)]
    assert days(replace(case, due=None), Task.TAKE_OVER, COORDINATOR, after(60)) == []


def test_coordinators_hear_the_next_day_of_a_lead_who_left() -> None:
    case = opined(assessing(), SECOND)
    assert days(case, Task.TAKE_OVER, COORDINATOR, after(9), without(LEAD)) == [after(1)]
    assert days(case, Next.DRAFT, LEAD, after(9), without(LEAD)) == []


def test_what_is_due_once_more_is_what_a_new_plan_would_say() -> None:
    case = kept(assessing())
    for day in range(30):
        now = at((NOW + day * DAY).date())
        for due in agenda(case, DIRECTORY, now):
            if due.again is not None:
                told = max(due.at, now)
                later = agenda(case, DIRECTORY, told, said={(str(due.kind), due.who): told})
                assert (due.again, due.who) in [(each.at, each.who) for each in later if each.kind == due.kind]


def test_a_network_that_is_gone_has_no_agenda() -> None:
    assert agenda(kept(assessing()), Directory((replace(NETWORK, id="other"),)), NOW) == []


def test_what_was_said_by_a_clock_of_the_future_counts_as_said_now() -> None:
    wrong = {("opinion", SECOND): datetime(2099, 1, 1, tzinfo=UTC)}
    (due,) = [each for each in agenda(kept(assessing()), DIRECTORY, at(after(8)), said=wrong) if each.who == SECOND]
    assert due.at == at(after(14))


def test_after_years_off_one_reminder_is_due_and_then_none() -> None:
    case, late = kept(assessing()), at(after(2000))
    (due,) = [each for each in agenda(case, DIRECTORY, late) if each.who == SECOND]
    assert due.at < late
    said = {("opinion", SECOND): late}
    assert [each for each in agenda(case, DIRECTORY, late, said=said) if each.who == SECOND] == []


# --- follow-up

SIGNED = LATER.date()


def test_the_question_is_put_after_three_months_and_twice_again_then_the_coordinator_is_told() -> None:
    case = kept(closed(), LATER)
    asked = []
    day = SIGNED
    while day < date(2026, 9, 1):
        for due in agenda(case, DIRECTORY, at(day)):
            if due.kind is Task.ASK and due.at <= at(day):
                case = kept(ending.ask_follow_up(case, at=at(day)), at(day))
                asked.append(day)
        day += DAY
    assert asked == [date(2026, 6, 5), date(2026, 6, 19), date(2026, 7, 3)]
    assert kinds(agenda(case, DIRECTORY, at(day))) == {("silent", COORDINATOR)}
    assert turn(case, DIRECTORY, at(day)).who == (LEAD,)
    told = report(LEAD, at(day), Followed.FULLY, Changed.NEITHER, (), "")
    assert agenda(kept(ending.record_follow_up(case, told)), DIRECTORY, at(day)) == []


def test_after_half_a_year_off_the_question_is_put_once() -> None:
    late = datetime(2027, 1, 1, 9, tzinfo=UTC)
    case = ending.ask_follow_up(kept(closed(), LATER), at=late)
    (due,) = agenda(case, DIRECTORY, late)
    assert (due.kind, due.at) == (Task.ASK, at((late + timedelta(weeks=2)).date()))


def test_an_archived_case_is_followed_up_and_a_reopened_one_is_not() -> None:
    case = kept(closed(), LATER)
    assert ending.archive(case, "", at=LATER).signed_at == LATER
    assert kinds(agenda(ending.archive(case, "", at=LATER), DIRECTORY, LATER)) == {("ask", LEAD)}
    assert "ask" not in {
        str(each.kind) for each in agenda(kept(ending.reopen(case, LEAD, "New fits.", at=LATER)), DIRECTORY, NOW)
    }
    assert archived().clocks.signed is None


def test_a_clinician_who_left_is_not_asked_but_the_coordinator_is_told() -> None:
    assert kinds(agenda(kept(closed(), LATER), without(LEAD), LATER)) == {("silent", COORDINATOR)}


def test_nothing_is_asked_after_consent_was_withdrawn() -> None:
    case = ending.ask_follow_up(kept(closed(), LATER), at=LATER)
    assert agenda(case.withdraw_consent(Purpose.CARE, by=LEAD, at=LATER), DIRECTORY, LATER + 400 * DAY) == []


# --- who hears it, and how often

MORNING = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "said_at", "now", "urgent", "expected"),
    [
        (Every.DAILY, None, MORNING, False, True),
        (Every.DAILY, MORNING, MORNING + timedelta(hours=5), False, False),
        (Every.DAILY, MORNING + timedelta(hours=9), MORNING + DAY, False, True),
        (Every.WEEKLY, MORNING, MORNING + 6 * DAY, False, False),
        (Every.WEEKLY, MORNING, MORNING + 7 * DAY, False, True),
        (Every.WEEKLY, MORNING, MORNING + DAY, True, True),
        (Every.OFF, None, MORNING, False, False),
        (Every.OFF, None, MORNING, True, True),
        (Every.OFF, MORNING, MORNING + timedelta(hours=1), True, False),
        (Every.DAILY, None, MORNING - timedelta(minutes=1), True, False),
        (Every.DAILY, None, MORNING + timedelta(hours=10), True, False),
        (Every.DAILY, MORNING + timedelta(hours=2), MORNING, False, False),
        (Every.DAILY, datetime(2099, 1, 1, tzinfo=UTC), MORNING, False, True),
    ],
)
def test_who_is_told_when(every: str, said_at: datetime | None, now: datetime, urgent: bool, expected: bool) -> None:
    assert may_tell(every, said_at, now, urgent=urgent, hour=8) is expected


# --- clocks


def test_the_clocks_stop_by_themselves() -> None:
    case = kept(draft())
    assert case.clocks.waiting[0].need == "consent"
    case = kept(opined(opened().invite((EXPERT, SECOND)), EXPERT))
    assert (case.clocks.first_answer, case.clocks.outcome) == (NOW, None)
    assert kept(signing(), LATER).clocks.outcome == LATER
    done = kept(closed(), LATER + DAY)
    assert isinstance(done.state, Closed)
    assert (done.clocks.signature, done.clocks.outcome) == (LATER, LATER)


def test_a_reopened_case_keeps_its_clocks_and_counts_months_from_the_new_signature() -> None:
    first = kept(closed(), LATER)
    again = kept(ending.reopen(first, LEAD, "New fits.", at=LATER + DAY), LATER + DAY)
    assert again.clocks.signature == LATER
    assert again.signed_at is None
    signed = kept(replace(first, state=Closed(first.outcome(), LATER + 9 * DAY)), LATER + 9 * DAY)
    assert (signed.clocks.signature, signed.clocks.signed) == (LATER, LATER + 9 * DAY)


def test_a_case_that_was_urgent_before_its_signature_stays_so() -> None:
    case = kept(replace(assessing(), urgent=True))
    assert kept(replace(case, urgent=False)).clocks.urgent
    done = kept(closed(), LATER)
    assert not kept(replace(done, urgent=True)).clocks.urgent


def test_since_when_somebody_is_waited_for_does_not_move() -> None:
    case = kept(assessing())
    assert kept(case, LATER) is case
    assert kept(opined(case, SECOND), LATER).clocks.since(LEAD, "draft") == LATER


# --- invitations and guests


def test_an_unanswered_invitation_is_said_after_three_days_and_an_accepted_one_is_not() -> None:
    case = inviting.ask(opened(), (EXPERT, SECOND), by=LEAD, at=NOW)
    assert days(case, Task.INVITATION, EXPERT, after(12)) == [after(3), after(10)]
    accepted = inviting.answer(case, EXPERT, accepts=True, reason="", at=NOW)
    assert days(accepted, Task.INVITATION, EXPERT, after(12)) == []
    assert days(accepted, Next.OPINION, EXPERT, after(12)) == [after(7)]
    declined = inviting.answer(case, EXPERT, accepts=False, reason="On leave.", at=NOW)
    assert EXPERT not in {each.who for each in agenda(kept(declined), DIRECTORY, NOW)}


def test_a_guest_is_in_until_the_end_of_a_day() -> None:
    guest = Guest("O", "H", "NO")
    case = inviting.admit_guest(opened(), "@guest:example.org", guest, after(5), None, by=LEAD, at=NOW)
    assert (Task.GUEST, at(after(6))) in [(each.kind, each.at) for each in agenda(kept(case), DIRECTORY, NOW)]
    seat = next(seat for seat in index(case, DIRECTORY, NOW).seats if seat.user_id == "@guest:example.org")
    assert (seat.part, seat.until) == (Part.GUEST, after(5))
    line = Line("c1", "ern-cranio", "!r", "open", False, None, False, NOW, seat.part, True, seat.until)
    assert sees(seat.user_id, line, DIRECTORY, after(5))
    assert not sees(seat.user_id, line, DIRECTORY, after(6))
