"""Who was asked into a case, what they answered, and until when they stay.

An invitation is the memory beside `Case.panel`: the panel says who counts now, the invitation how it came to that. One
person has one invitation, the latest. Nothing here knows of rooms; those follow from `Case.admitted`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from ernbot.core.errors import BadInput, Refused

MAX_REASON = 500
"""Characters of the reason of a declined invitation or of a conflict of interest."""

MAX_AT_ONCE = 20
"""People invited in one step. More is a slip of the hand, or a mailing list."""

GUEST_DAYS = 90
"""How long a guest stays when nothing else is said [ERN-EURO-NMD]; can be extended."""

MAX_GUEST_DAYS = 365

EEA = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS"),
        *("IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""Countries in which the GDPR itself applies (EEA Agreement, Joint Committee Decision 154/2018). Clinicians of others
come in under an arrangement (GDPR chapter V)."""


class InvitationState(StrEnum):
    """What became of an invitation."""

    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    REMOVED = "removed"


STANDS = frozenset({InvitationState.INVITED, InvitationState.ACCEPTED})


@dataclass(frozen=True)
class Guest:
    """Who a guest is: no directory lists them. `country` is ISO 3166-1 alpha-2."""

    name: str
    hospital: str
    country: str


@dataclass(frozen=True)
class Invitation:
    """One person's invitation to one case.

    `until` is the last day of a guest, `arrangement` the one under which they came. `conflict` is the conflict of
    interest that they declared, with which they neither vote nor rate; `observes` when the lead lets them stay.
    """

    user_id: str
    state: InvitationState
    invited_by: str
    at: datetime
    reason: str = ""
    answered_at: datetime | None = None
    until: date | None = None
    arrangement: str | None = None
    guest: Guest | None = None
    conflict: str | None = None
    observes: bool = False

    def stands(self, on: date) -> bool:
        """Whether it still lets somebody in on a day."""
        return self.state in STANDS and (self.until is None or on <= self.until)


Invitations = tuple[Invitation, ...]


def find(invitations: Invitations, user_id: str) -> Invitation | None:
    return next((invitation for invitation in invitations if invitation.user_id == user_id), None)


def put(invitations: Invitations, *new: Invitation) -> Invitations:
    """The invitations with some of them new or anew, each person once, in the order in which they were first asked."""
    by_user = {invitation.user_id: invitation for invitation in (*invitations, *new)}
    return tuple(by_user.values())


def ask(invitations: Invitations, users: Iterable[str], *, by: str, at: datetime) -> Invitations:
    """Ask people; an invitation that stands stays as it is."""
    standing = {invitation.user_id for invitation in invitations if invitation.stands(at.date())}
    new = (Invitation(user, InvitationState.INVITED, by, at) for user in users if user not in standing)
    return put(invitations, *new)


def answer(invitation: Invitation, *, accepts: bool, reason: str, at: datetime) -> Invitation:
    """The invitation with its answer; to accept twice changes nothing.

    Raises:
        Refused: `invitation-none` when it is over.
    """
    if not invitation.stands(at.date()):
        raise Refused("invitation-none")
    if accepts:
        return invitation if invitation.state is InvitationState.ACCEPTED else _answered(invitation, at, True, "")
    return _answered(invitation, at, False, check_reason(reason) if reason else "")


def _answered(invitation: Invitation, at: datetime, accepts: bool, reason: str) -> Invitation:
    state = InvitationState.ACCEPTED if accepts else InvitationState.DECLINED
    return replace(invitation, state=state, reason=reason, answered_at=at)


def close(invitation: Invitation, state: InvitationState, at: datetime) -> Invitation:
    """The invitation of somebody who was removed, or whose time is over."""
    return replace(invitation, state=state, answered_at=at, observes=False)


def check_reason(reason: str) -> str:
    """A reason as it is kept.

    Raises:
        BadInput: `reason-length` when it is empty or longer than `MAX_REASON` characters.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        raise BadInput("reason-length", maximum=MAX_REASON)
    return reason


def guest_until(until: date | None, on: date) -> date:
    """The last day of a guest.

    Raises:
        BadInput: `guest-until` when it is past, or more than `MAX_GUEST_DAYS` away.
    """
    last = on + timedelta(days=MAX_GUEST_DAYS)
    until = until or on + timedelta(days=GUEST_DAYS)
    if not on <= until <= last:
        raise BadInput("guest-until", until=until, last=last)
    return until
