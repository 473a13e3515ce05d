"""Who must act: for whom a case waits, and for what. The worklist, the reminders and the clocks ask nothing else.

A need is what is missing, and the action that the gate is asked for it: nobody is waited for who could not act. What
a case waits for follows from its facts alone; whether a consent has run out is for the caller to say, who knows the
time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ernbot.core.case import Action, Assessing, Case, Closed, Draft, Drafting, Open
from ernbot.core.clocks import tick


class Need(StrEnum):
    """What somebody has to do."""

    CONSENT = "consent"
    RENEW = "renew"
    PANEL = "panel"
    OPINION = "opinion"
    DRAFT = "draft"
    GATHER = "gather"
    RECOMMEND = "recommend"
    VOTE = "vote"
    SIGN = "sign"
    FOLLOW_UP = "follow-up"


ACTION: dict[Need, Action] = {
    Need.CONSENT: Action.GIVE_CONSENT,
    Need.RENEW: Action.GIVE_CONSENT,
    Need.PANEL: Action.INVITE,
    Need.OPINION: Action.GIVE_OPINION,
    Need.DRAFT: Action.DRAFT_OUTCOME,
    Need.GATHER: Action.DRAFT_OUTCOME,
    Need.RECOMMEND: Action.WRITE_OUTCOME,
    Need.VOTE: Action.VOTE,
    Need.SIGN: Action.SIGN,
    Need.FOLLOW_UP: Action.FOLLOW_UP,
}
"""What the gate is asked before somebody is reminded of a need."""


@dataclass(frozen=True)
class Wait:
    """One person whom a case waits for."""

    user_id: str
    need: Need


def waits(case: Case, *, covered: bool = True) -> tuple[Wait, ...]:
    """For whom a case waits; `covered` says whether consent to care holds. Empty when it waits for nobody."""
    if not covered and isinstance(case.state, Open | Assessing | Drafting):
        return (Wait(case.requester, Need.RENEW),)
    match case.state:
        case Draft():
            return (Wait(case.requester, Need.CONSENT),)
        case Open():
            return (Wait(case.lead, Need.PANEL),)
        case Assessing():
            answered = {opinion.author for opinion in case.opinions}
            missing = tuple(Wait(expert, Need.OPINION) for expert in case.panel if expert not in answered)
            return missing or (Wait(case.lead, Need.DRAFT),)
        case Drafting(outcome):
            return _outcome_waits(case, {vote.by for vote in outcome.votes}, bool(outcome.recommendation))
        case Closed() if case.follow_up is not None and case.follow_up.is_open:
            return (Wait(case.requester, Need.FOLLOW_UP),)
        case _:
            return ()


def _outcome_waits(case: Case, voted: set[str], recommends: bool) -> tuple[Wait, ...]:
    if not case.has_gathered_all():
        return (Wait(case.lead, Need.GATHER),)
    if not recommends:
        return (Wait(case.lead, Need.RECOMMEND),)
    missing = tuple(Wait(expert, Need.VOTE) for expert in case.panel if expert not in voted)
    return missing or (Wait(case.lead, Need.SIGN),)


def timed(case: Case, at: datetime, *, covered: bool = True) -> Case:
    """The case with its clocks as they stand; to be called whenever it is saved."""
    recommends = isinstance(case.state, Drafting | Closed) and bool(case.state.outcome.recommendation)
    reports = case.follow_up.reports if case.follow_up is not None else ()
    clocks = tick(
        case.clocks,
        answered_at=case.opinions[0].at if case.opinions else None,
        has_outcome=recommends,
        signed_at=case.signed_at,
        followed_at=reports[0].at if reports else None,
        urgent=case.urgent,
        waits=tuple((wait.user_id, str(wait.need)) for wait in waits(case, covered=covered)),
        at=at,
    )
    return case if clocks == case.clocks else replace(case, clocks=clocks)
