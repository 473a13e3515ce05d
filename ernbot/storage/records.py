"""What the transaction takes and gives besides cases: plain frozen records, one per kind of row.

Fields named `payload`, `data`, `content`, `facts` and `preview` are sealed at rest; all others lie there in the clear
and must hold nothing clinical.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ernbot.core.case import StateKind


@dataclass(frozen=True)
class CasePlace:
    """Where a case is and how far, without a clinical word."""

    case_id: str
    network: str
    room_id: str | None
    state: StateKind
    requester: str
    card_event_id: str | None


@dataclass(frozen=True)
class CaseFile:
    """A file shown in a case: the original event's content, what was read from it, and its preview picture."""

    id: str
    case_id: str
    event_id: str
    sender: str
    content: dict[str, Any]
    facts: dict[str, Any]
    preview: bytes
    preview_mimetype: str
    preview_width: int
    preview_height: int
    at: datetime


@dataclass(frozen=True)
class Dialogue:
    """A conversation question by question; `thread` is its root event."""

    room_id: str
    user_id: str
    kind: str
    thread: str | None
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class InboxItem:
    """An event that was received; its id is its key."""

    event_id: str
    room_id: str
    sender: str
    kind: str
    payload: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class OutboxItem:
    """An effect on the outside world. `id` is the Matrix transaction id; a lane is worked off strictly in order."""

    id: str
    lane: str
    kind: str
    case_id: str | None
    room_id: str | None
    payload: dict[str, Any]
    at: datetime
    not_before: datetime | None = None
    attempts: int = 0
    tag: str | None = None


@dataclass(frozen=True)
class SentItem:
    """What one of our own events was."""

    id: str
    lane: str
    kind: str
    tag: str | None
    case_id: str | None
    event_id: str
