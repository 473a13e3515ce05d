"""How sure we are of who sent something, and how sure we have to be before we act on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from ernbot.core.states import Action


class Assurance(IntEnum):
    """What is known of a device and of the identity that vouches for it; more includes less.

    Clients of the Matrix specification show the same steps: a device that its owner has not verified, one that they
    have, a user whose identity has not changed since it was first seen, a user who was compared by emoji.
    """

    NONE = 0
    SIGNED = 1
    UNCHANGED = 2
    VERIFIED = 3


RECORDS = frozenset(
    {
        *(Action.GIVE_CONSENT, Action.VOTE, Action.SEND_TO_SIGNING, Action.SIGN, Action.TAKE_OVER, Action.ERASE),
        *(Action.RATE, Action.ANSWER_POLL),
    }
)
"""What counts as a signature or cannot be undone. Withdrawing consent is never made harder than any other command."""

Doubt = Literal["device-unknown", "identity-changed", "identity-unverified"]


@dataclass(frozen=True)
class Policy:
    """How sure we have to be of the sender of a command, and of a record; and of whose devices get room keys."""

    commands: Assurance = Assurance.SIGNED
    records: Assurance = Assurance.UNCHANGED
    room_keys: Assurance = Assurance.SIGNED

    def needs(self, action: Action | None) -> Assurance:
        """For an action on a case, or for anything else. Who gets no room keys could not read the answer."""
        anything = max(self.commands, self.room_keys)
        return max(anything, self.records) if action in RECORDS else anything


def doubt(assurance: Assurance, needed: Assurance) -> Doubt | None:
    """The code of the refusal of somebody of whom we are not sure enough; None when we are."""
    if assurance >= needed:
        return None
    if assurance < Assurance.SIGNED:
        return "device-unknown"
    return "identity-changed" if assurance < Assurance.UNCHANGED else "identity-unverified"


BEGINNING = 8
"""Characters of a fingerprint that are read out and typed: nobody makes two keys that share so many by chance."""


def beginning(fingerprint: str | None) -> str:
    """What is told of a fingerprint where it is not compared as a whole; a dash for none."""
    return fingerprint[:BEGINNING] if fingerprint else "–"


def grouped(fingerprint: str) -> str:
    """A fingerprint for people to compare, in groups of four."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))
