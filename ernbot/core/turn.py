"""The two things that everybody wants to know of a case: who must act, and what comes next.

The card, the worklist and the reminders all ask here, so that they never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.states import About, Archived, Assessing, Closed, Draft, Drafting, Erased, Open, Signing, Withdrawn
from ernbot.core.triage import PENDING, Verdict


class Next(StrEnum):
    """What comes next; the catalogue has a sentence `next-<value>` for each."""

    CONSENT = "consent"
    RENEW = "renew"
    DECIDE = "decide"
    ANSWER = "answer"
    DECLINED = "declined"
    INVITE = "invite"
    INVITE_TOLD = "invite-told"
    OPINION = "opinion"
    REVEAL = "reveal"
    DRAFT = "draft"
    GATHER = "gather"
    RECOMMEND = "recommend"
    VOTE = "vote"
    SEND = "send"
    SIGN = "sign"
    CLOSED = "closed"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    FOLLOW_UP = "follow-up"


@dataclass(frozen=True)
class Turn:
    """Whose turn it is, by user id, what comes next, and by which day; `by` is None when no day was set."""

    who: tuple[str, ...]
    next: Next
    by: date | None = None


def turn(case: Case, directory: Directory, at: datetime) -> Turn:
    """Whose turn it is; nobody's when the case is over."""
    who, step = _over(case) or _held(case, directory, at) or _under_way(case)
    return Turn(who, step, case.due if who and step is not Next.FOLLOW_UP else None)


def _over(case: Case) -> tuple[tuple[str, ...], Next] | None:
    if case.signed_at is not None and case.follow_up is not None and case.follow_up.is_open:
        return (case.requester,), Next.FOLLOW_UP
    match case.state:
        case Closed():
            return (), Next.CLOSED
        case Archived():
            return (), Next.ARCHIVED
        case Withdrawn():
            return (), Next.WITHDRAWN
        case Erased():
            return (), Next.ERASED
        case _:
            return None


def _held(case: Case, directory: Directory, at: datetime) -> tuple[tuple[str, ...], Next] | None:
    """What has to happen before anything else can."""
    if isinstance(case.state, Draft):
        return (case.requester,), Next.CONSENT
    if not case.covered(at):
        return (case.requester,), Next.RENEW
    step = case.triage.current(case.network)
    if step is None or not case.triage.holds(case.network):
        return None
    if step.verdict is Verdict.ASKED:
        return (case.requester,), Next.ANSWER
    if not isinstance(case.state, Open):
        # The panel works on while another network makes up its mind.
        return None
    if step.verdict in PENDING:
        network = directory.network(step.network)
        return network.dispatchers() if network is not None else (), Next.DECIDE
    return (case.requester,), Next.DECLINED


def _under_way(case: Case) -> tuple[tuple[str, ...], Next]:
    lead = (case.lead,)
    match case.state:
        case Assessing() if not case.panel and not case.answered:
            return lead, Next.INVITE
        case Assessing():
            answered = case.answered
            waiting = tuple(expert for expert in case.panel if expert not in answered)
            if waiting:
                return waiting, Next.OPINION
            # Whoever was waited for last has gone or has a conflict of interest; the lead may ask somebody else first.
            return lead, Next.REVEAL if case.blind.hides and case.opinions else Next.DRAFT
        case Drafting(outcome):
            if not case.has_gathered_all():
                return lead, Next.GATHER
            if not outcome.recommendations:
                return lead, Next.RECOMMEND
            return (case.silent, Next.VOTE) if case.silent else (lead, Next.SEND)
        case Signing(outcome):
            return outcome.unsigned, Next.SIGN
        case _:
            # Why a case is presented is asked for until it is said; a question without a patient says it itself.
            told = case.background.why or case.about is About.QUESTION
            return lead, Next.INVITE_TOLD if told else Next.INVITE
