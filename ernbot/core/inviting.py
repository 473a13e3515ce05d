"""Who is asked into a case, and who goes: experts, guests, and people with a conflict of interest.

Each function takes a case and returns a new one or raises. It keeps the panel and its invitations (`core.invitation`)
in step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from ernbot.core import invitation
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.invitation import Guest, Invitation, InvitationState
from ernbot.core.states import Action, Drafting, Signing


def ask(case: Case, experts: tuple[str, ...], *, by: str, at: datetime) -> Case:
    """A case whose panel has more experts, each with an invitation."""
    asked = case.invite(experts)
    return replace(asked, invitations=invitation.ask(case.invitations, experts, by=by, at=at), suggested=())


def suggest(case: Case, experts: tuple[str, ...]) -> Case:
    """A case that remembers who was suggested, in their order, so that the lead can name them by number."""
    case.require(Action.INVITE)
    return replace(case, suggested=experts)


def answer(case: Case, user_id: str, *, accepts: bool, reason: str, at: datetime) -> Case:
    """A case with an answer; whoever declines is off the panel.

    Raises:
        Refused: `not-on-panel` for anybody but an expert of the panel, `requester-stays`, `invitation-none`.
    """
    case.require(Action.ANSWER_INVITATION)
    asked = _of_panel(case, user_id)
    answered = invitation.answer(asked, accepts=accepts, reason=reason, at=at)
    return _with(case, answered) if accepts else _without(case, answered)


def admit_guest(
    case: Case, user_id: str, guest: Guest, until: date, arrangement: str | None, *, by: str, at: datetime
) -> Case:
    """A case with a guest among its experts until the end of a day; for one who is there, the day is changed."""
    case.require(Action.ADMIT_GUEST)
    before = case.invitation(user_id)
    if before is not None and before.stands(at.date()) and user_id in case.panel:
        return _with(case, replace(before, until=until, guest=guest, arrangement=arrangement))
    asked = Invitation(user_id, InvitationState.INVITED, by, at, until=until, arrangement=arrangement, guest=guest)
    return replace(case.invite((user_id,)), invitations=invitation.put(case.invitations, asked))


def remove(case: Case, user_id: str, *, at: datetime) -> Case:
    """A case without an expert or observer; what they said stays.

    Raises:
        Refused: `not-on-panel` for anybody else, `requester-stays`.
    """
    case.require(Action.INVITE)
    asked = _of_panel(case, user_id, *case.observers)
    return _without(case, invitation.close(asked, InvitationState.REMOVED, at))


def declare_conflict(case: Case, user_id: str, reason: str) -> Case:
    """A case in which an expert with a conflict of interest has no voice, whatever they said before.

    Whoever brought the case and has handed the lead over may be on the panel too, and stays in the case.

    Raises:
        Refused: `not-on-panel` for anybody but an expert of the panel.
        BadInput: `reason-length`.
    """
    case.require(Action.DECLARE_CONFLICT)
    asked = case.invitation(user_id)
    if asked is None or user_id not in case.panel:
        raise Refused("not-on-panel")
    declared = replace(asked, conflict=invitation.check_reason(reason))
    theirs = tuple(opinion for opinion in case.opinions if opinion.author == user_id)
    others = tuple(opinion for opinion in case.opinions if opinion.author != user_id)
    silent = replace(_without(case, declared), opinions=others, set_aside=(*case.set_aside, *theirs))
    if not isinstance(case.state, Drafting | Signing):
        return silent
    return replace(silent, state=Drafting(case.state.outcome.recall().without_votes_of(user_id)))


def let_observe(case: Case, user_id: str) -> Case:
    """A case in which somebody with a conflict of interest stays, without a voice.

    Raises:
        Refused: `no-conflict` for anybody who has declared none.
    """
    case.require(Action.INVITE)
    asked = case.invitation(user_id)
    if asked is None or asked.conflict is None or asked.state not in invitation.STANDS:
        raise Refused("no-conflict")
    return _with(case, replace(asked, observes=True))


def end_guests(case: Case, at: datetime) -> Case:
    """A case without the guests whose time is over."""
    over = [each for each in case.invitations if each.state in invitation.STANDS and not each.stands(at.date())]
    for each in over:
        case = _without(case, invitation.close(each, InvitationState.EXPIRED, at))
    return case


def _of_panel(case: Case, user_id: str, *more: str) -> Invitation:
    """The invitation of an expert. Whoever brought the case may be on its panel, and was not invited."""
    asked = case.invitation(user_id)
    if asked is None or user_id not in (*case.panel, *more):
        raise Refused("not-on-panel")
    if user_id == case.requester:
        raise Refused("requester-stays")
    return asked


def _with(case: Case, asked: Invitation) -> Case:
    return replace(case, invitations=invitation.put(case.invitations, asked))


def _without(case: Case, asked: Invitation) -> Case:
    panel = tuple(expert for expert in case.panel if expert != asked.user_id)
    return replace(_with(case, asked), panel=panel)
