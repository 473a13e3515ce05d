"""What becomes of a case that is over: taken up again, amended, put away, erased, and asked about later.

Each function takes a case and returns a new one or raises. Consent that is withdrawn ends a case as well; that is a
matter of `Case` itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ernbot.core.background import Reopening
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.followup import Report, asked, reported
from ernbot.core.outcome import Outcome
from ernbot.core.states import Action, Archived, Assessing, Closed, Draft, Drafting, Erased, Open, State
from ernbot.core.triage import given


def reopen(case: Case, by: str, reason: str, *, at: datetime) -> Case:
    """A case that is taken up again: with its panel, or as far as it had come without one."""
    case.require(Action.REOPEN)
    reason = given(reason)
    state: State = Assessing() if case.panel else Open() if case.covered(at) else Draft()
    background = case.background.tell("new", reason)
    reopened = (*case.reopened, Reopening(by, at, reason))
    kept = _kept(case)
    return replace(case, state=state, background=background, due=None, reopened=reopened, amended=kept)


def amend(case: Case, why: str) -> Case:
    """A case whose signed outcome gets a next version; the one before is kept as it was signed."""
    case.require(Action.AMEND)
    return replace(case, state=Drafting(case.outcome().amend(why)), amended=_kept(case))


def _kept(case: Case) -> tuple[Outcome, ...]:
    """The signed outcomes so far, which stay when another one takes their place."""
    outcome = case.state.outcome if isinstance(case.state, Closed | Archived) else None
    return (*case.amended, outcome) if outcome is not None else case.amended


def archive(case: Case, reason: str, *, at: datetime) -> Case:
    """A case that is put away; one without a signed outcome needs a reason."""
    case.require(Action.ARCHIVE)
    outcome = case.state.outcome if isinstance(case.state, Closed) else None
    reason = reason.strip() if outcome is not None else given(reason)
    return replace(case, state=Archived(outcome, at, reason), due=None, urgent=False, offer=None)


def erase(case: Case, *, at: datetime) -> Case:
    """What is known of a case after its erasure: that there was one, and nothing clinical."""
    case.require(Action.ERASE)
    return Case(case.id, case.network, case.nickname, case.requester, "", case.opened_at, Erased(at))


def ask_follow_up(case: Case, *, at: datetime) -> Case:
    """A case whose clinician was asked what became of the patient."""
    return replace(case, follow_up=asked(case.follow_up, _followed(case), at))


def record_follow_up(case: Case, report: Report) -> Case:
    return replace(case, follow_up=reported(case.follow_up, _followed(case), report))


def _followed(case: Case) -> datetime:
    case.require(Action.FOLLOW_UP)
    if case.signed_at is None:
        raise Refused("outcome-none")
    return case.signed_at
