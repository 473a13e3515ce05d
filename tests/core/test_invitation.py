"""Invitations by themselves, and the cases that were stored before there were any."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import TypeAdapter

from ernbot.core import invitation, inviting
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.invitation import Invitation, InvitationState, guest_until

from .samples import CASES, EXPERT, LATER, LEAD, NOW, SECOND

ASKED = Invitation(EXPERT, InvitationState.INVITED, LEAD, NOW)

STORED = """
{"id": "c1", "network": "ern-cranio", "nickname": "Quiet Heron", "requester": "@lead:example.org",
 "question": "Operate now or wait?", "opened_at": "2026-03-05T12:00:00Z", "state": {"kind": "assessing"},
 "consent": {"entries": []}, "panel": ["@expert:example.org"], "opinions": []}
"""


def test_a_case_that_was_stored_before_invitations_still_loads() -> None:
    case = TypeAdapter(Case).validate_json(STORED)
    assert (case.invitations, case.suggested, case.set_aside, case.observers) == ((), (), (), ())
    asked = case.invitation(EXPERT)
    assert asked is not None
    assert asked.state is InvitationState.INVITED
    assert inviting.answer(case, EXPERT, accepts=False, reason="", at=LATER).panel == ()


def test_a_case_with_invitations_is_stored_whole() -> None:
    case = inviting.suggest(inviting.ask(CASES["open"], (EXPERT, SECOND), by=LEAD, at=NOW), (LEAD,))
    case = inviting.let_observe(inviting.declare_conflict(case, SECOND, "My niece."), SECOND)
    adapter = TypeAdapter(Case)
    assert adapter.validate_json(adapter.dump_json(case)) == case
    assert case.admitted == (LEAD, EXPERT, SECOND)
    assert case.members == (LEAD, EXPERT)


def test_whoever_is_asked_twice_has_one_invitation() -> None:
    once = invitation.ask((), (EXPERT, SECOND), by=LEAD, at=NOW)
    assert invitation.ask(once, (EXPERT,), by=SECOND, at=LATER) == once
    declined = invitation.put(once, invitation.answer(once[0], accepts=False, reason="Away.", at=LATER))
    again = invitation.ask(declined, (EXPERT,), by=LEAD, at=LATER)
    assert [each.state for each in again] == [InvitationState.INVITED] * 2
    assert again[0].reason == ""


def test_an_answer_is_kept_with_its_reason_and_time() -> None:
    accepted = invitation.answer(ASKED, accepts=True, reason="", at=LATER)
    assert (accepted.state, accepted.answered_at) == (InvitationState.ACCEPTED, LATER)
    assert invitation.answer(accepted, accepts=True, reason="", at=LATER + timedelta(days=1)) == accepted
    left = invitation.answer(accepted, accepts=False, reason=" no   time ", at=LATER)
    assert (left.state, left.reason) == (InvitationState.DECLINED, "no time")
    with pytest.raises(Refused, match="invitation-none"):
        invitation.answer(left, accepts=True, reason="", at=LATER)
    with pytest.raises(BadInput, match="reason-length"):
        invitation.answer(ASKED, accepts=False, reason="x" * 501, at=LATER)


def test_the_last_day_of_a_guest_is_theirs() -> None:
    guest = replace(ASKED, until=date(2026, 5, 1))
    assert guest.stands(date(2026, 5, 1))
    assert not guest.stands(date(2026, 5, 2))


def test_a_guest_stays_a_year_at_most() -> None:
    today = date(2026, 3, 5)
    assert guest_until(None, today) == today + timedelta(days=90)
    assert guest_until(today, today) == today
    assert guest_until(today + timedelta(days=365), today) == today + timedelta(days=365)
    for wrong in (today - timedelta(days=1), today + timedelta(days=366), date.max, date.min):
        with pytest.raises(BadInput, match="guest-until"):
            guest_until(wrong, today)
