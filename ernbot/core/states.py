"""The states of a case, and which action fits which state.

A frozen dataclass per state carries only that state's own facts. `FITS` has one line per action; the exhaustive test,
`!help` and the tables in docs/architecture.md are made from it. The transitions are in `core.case` and the
modules that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

from ernbot.core.outcome import Outcome


class Action(StrEnum):
    """Everything that someone can ask of a case."""

    CREATE = "create"
    READ = "read"
    GIVE_CONSENT = "give-consent"
    WITHDRAW_CONSENT = "withdraw-consent"
    ATTACH = "attach"
    INVITE = "invite"
    GIVE_OPINION = "give-opinion"
    READ_OPINIONS = "read-opinions"
    DRAFT_OUTCOME = "draft-outcome"
    WRITE_OUTCOME = "write-outcome"
    READ_OUTCOME = "read-outcome"
    VOTE = "vote"
    SEND_TO_SIGNING = "send-to-signing"
    SIGN = "sign"
    BACK_TO_DRAFTING = "back-to-drafting"
    AMEND = "amend"
    DESCRIBE = "describe"
    PLAN = "plan"
    HAND_OVER = "hand-over"
    TAKE_LEAD = "take-lead"
    TAKE_OVER = "take-over"
    FORWARD = "forward"
    TRIAGE = "triage"
    ANSWER_TRIAGE = "answer-triage"
    REOPEN = "reopen"
    ARCHIVE = "archive"
    ERASE = "erase"
    ANSWER_INVITATION = "answer-invitation"
    DECLARE_CONFLICT = "declare-conflict"
    ADMIT_GUEST = "admit-guest"
    FOLLOW_UP = "follow-up"
    ARRANGE = "arrange"
    REVEAL = "reveal"
    RUN_ROUNDS = "run-rounds"
    RATE = "rate"
    ASK_POLL = "ask-poll"
    ANSWER_POLL = "answer-poll"


class About(StrEnum):
    """What a case is about: a patient, or a general question, which needs no consent and takes no files."""

    PATIENT = "patient"
    QUESTION = "question"


@dataclass(frozen=True)
class Draft:
    """Waiting for consent to care; only the requester is in the room."""

    kind: Literal["draft"] = "draft"


@dataclass(frozen=True)
class Open:
    """Consent covers care; nobody has been asked yet."""

    kind: Literal["open"] = "open"


@dataclass(frozen=True)
class Assessing:
    """Experts have been asked."""

    kind: Literal["assessing"] = "assessing"


@dataclass(frozen=True)
class Drafting:
    """The lead writes the outcome and the panel votes on it."""

    outcome: Outcome
    kind: Literal["drafting"] = "drafting"


@dataclass(frozen=True)
class Signing:
    """The text of the outcome is fixed; it waits for signatures."""

    outcome: Outcome
    kind: Literal["signing"] = "signing"


@dataclass(frozen=True)
class Closed:
    """The outcome is signed."""

    outcome: Outcome
    closed_at: datetime
    kind: Literal["closed"] = "closed"


@dataclass(frozen=True)
class Archived:
    """Put away: nobody waits for anything, and it can be taken up again. `outcome` is the signed one, if any."""

    outcome: Outcome | None
    archived_at: datetime
    reason: str = ""
    kind: Literal["archived"] = "archived"


@dataclass(frozen=True)
class Withdrawn:
    """Consent to care was withdrawn: nobody but the requester is left, nothing is processed."""

    withdrawn_at: datetime
    kind: Literal["withdrawn"] = "withdrawn"


@dataclass(frozen=True)
class Erased:
    """The key of what there was is destroyed. Nothing clinical is left; only that there was a case is still known."""

    erased_at: datetime
    kind: Literal["erased"] = "erased"


State = Draft | Open | Assessing | Drafting | Signing | Closed | Archived | Withdrawn | Erased
StateKind = Literal["draft", "open", "assessing", "drafting", "signing", "closed", "archived", "withdrawn", "erased"]
STATES: tuple[StateKind, ...] = get_args(StateKind)

FITS: dict[Action, tuple[StateKind, ...]] = {
    Action.CREATE: (),
    Action.READ: STATES,
    Action.GIVE_CONSENT: ("draft", "open", "assessing", "drafting", "signing"),
    Action.WITHDRAW_CONSENT: ("draft", "open", "assessing", "drafting", "signing", "closed", "archived"),
    Action.ATTACH: ("open", "assessing", "drafting"),
    Action.INVITE: ("open", "assessing", "drafting"),
    Action.GIVE_OPINION: ("assessing", "drafting"),
    Action.READ_OPINIONS: ("assessing", "drafting", "signing", "closed", "archived"),
    Action.DRAFT_OUTCOME: ("assessing", "drafting"),
    Action.WRITE_OUTCOME: ("drafting", "signing"),
    Action.READ_OUTCOME: ("drafting", "signing", "closed", "archived"),
    Action.VOTE: ("drafting",),
    Action.SEND_TO_SIGNING: ("drafting",),
    Action.SIGN: ("signing",),
    Action.BACK_TO_DRAFTING: ("signing",),
    Action.AMEND: ("closed", "archived"),
    Action.DESCRIBE: ("draft", "open", "assessing", "drafting"),
    Action.PLAN: ("draft", "open", "assessing", "drafting", "signing"),
    Action.HAND_OVER: ("open", "assessing", "drafting"),
    Action.TAKE_LEAD: ("open", "assessing", "drafting"),
    Action.TAKE_OVER: ("open", "assessing", "drafting", "signing"),
    Action.FORWARD: ("open", "assessing"),
    Action.TRIAGE: ("open", "assessing", "drafting"),
    Action.ANSWER_TRIAGE: ("open", "assessing", "drafting"),
    Action.REOPEN: ("closed", "archived"),
    Action.ARCHIVE: ("draft", "open", "assessing", "drafting", "closed"),
    Action.ERASE: ("draft", "archived", "withdrawn"),
    Action.ANSWER_INVITATION: ("open", "assessing", "drafting"),
    Action.DECLARE_CONFLICT: ("open", "assessing", "drafting", "signing"),
    Action.ADMIT_GUEST: ("open", "assessing", "drafting"),
    Action.FOLLOW_UP: ("closed", "archived"),
    Action.ARRANGE: ("open", "assessing"),
    Action.REVEAL: ("assessing",),
    Action.RUN_ROUNDS: ("assessing", "drafting"),
    Action.RATE: ("assessing", "drafting"),
    Action.ASK_POLL: ("assessing", "drafting"),
    Action.ANSWER_POLL: ("assessing", "drafting"),
}
"""In which states each action fits. What is not here is refused."""

ALLOWED: dict[StateKind, frozenset[Action]] = {
    state: frozenset(action for action, states in FITS.items() if state in states) for state in STATES
}
"""The same by state."""

OVER: tuple[StateKind, ...] = ("closed", "archived", "withdrawn", "erased")
"""States of a case in which nobody is waited for any more."""
