"""The four clocks of a case: to its first answer, to its outcome, to its signature, and to word of the patient.

Nobody types a time: `tick` is given what is true of a case whenever it is saved, and notes when it became true. The
rules of counting:

- The first three run from the moment when the case was brought, since from then on its clinician waits. The fourth
  runs from the first signature.
- Each clock stops once, the first time. A case that is reopened, amended or handed over keeps its times: what the
  clinician waited for had come by then.
- A case counts as urgent when it was urgent at any time before its first signature, because the panel was asked to
  hurry. Urgent cases are reported apart: the networks' indicator counts the others alone (CPMS monitoring, 2.3).
- A clock of the computer that goes backwards makes no time negative: such a time counts as none at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Since:
    """Since when a case waits for somebody; `need` is a word of `core.turn.Next`."""

    user_id: str
    need: str
    at: datetime


@dataclass(frozen=True)
class Clocks:
    """When each clock stopped, whether the case counts as urgent, and since when it waits for whom.

    `signed` is the last signature, from which the months of a follow-up count.
    """

    first_answer: datetime | None = None
    outcome: datetime | None = None
    signature: datetime | None = None
    follow_up: datetime | None = None
    urgent: bool = False
    waiting: tuple[Since, ...] = ()
    signed: datetime | None = None

    def since(self, user_id: str, need: str) -> datetime | None:
        """Since when the case waits for this of somebody; None when it does not."""
        return next((each.at for each in self.waiting if each.user_id == user_id and each.need == need), None)


@dataclass(frozen=True)
class Durations:
    """How long each clock of one case ran; None for one that still runs. Says nothing about anybody."""

    urgent: bool
    first_answer: timedelta | None
    outcome: timedelta | None
    signature: timedelta | None
    follow_up: timedelta | None


def tick(
    clocks: Clocks,
    *,
    answered_at: datetime | None,
    has_outcome: bool,
    signed_at: datetime | None,
    followed_at: datetime | None,
    urgent: bool,
    waits: tuple[tuple[str, str], ...],
    at: datetime,
) -> Clocks:
    """The clocks at a time, given what is true of the case then.

    `answered_at` is the first opinion, `signed_at` the signature and `followed_at` the first word of the patient, each
    None while there is none; `has_outcome` once the text of the outcome is fixed for signing. `waits` are the (user id,
    need) that the case waits for.
    """
    return Clocks(
        first_answer=clocks.first_answer or answered_at,
        outcome=clocks.outcome or (min(at, signed_at or at) if has_outcome else None),
        signature=clocks.signature or signed_at,
        follow_up=clocks.follow_up or followed_at,
        urgent=clocks.urgent or (urgent and clocks.signature is None),
        signed=signed_at or clocks.signed,
        waiting=tuple(Since(user_id, need, clocks.since(user_id, need) or at) for user_id, need in waits),
    )


def durations(clocks: Clocks, opened_at: datetime) -> Durations:
    """How long each clock of a case ran."""
    return Durations(
        urgent=clocks.urgent,
        first_answer=_between(opened_at, clocks.first_answer),
        outcome=_between(opened_at, clocks.outcome),
        signature=_between(opened_at, clocks.signature),
        follow_up=_between(clocks.signature, clocks.follow_up),
    )


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return end - start if start is not None and end is not None and end >= start else None
