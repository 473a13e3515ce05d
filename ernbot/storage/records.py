"""What the transaction takes and gives besides cases: plain frozen records, one per kind of row.

Fields named `payload`, `data`, `content`, `facts` and `preview` are sealed at rest; all others lie there in the clear
and must hold nothing clinical.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """An event that was received; its id is its key.

    `session_id` names the room key that it waits for, `seq` is its place in the order of arrival. `turn` is the place
    of another row whose turn it takes, when it was found later.
    """

    event_id: str
    room_id: str
    sender: str
    kind: str
    payload: dict[str, Any]
    at: datetime
    session_id: str | None = None
    not_before: datetime | None = None
    attempts: int = 0
    turn: int | None = None
    seq: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Waiting:
    """How many events wait for their room keys, and since when the first one does."""

    events: int
    since: datetime | None


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


@dataclass(frozen=True)
class OlmSession:
    """A one-to-one channel with the device that has this Curve25519 key."""

    curve25519: str
    session_id: str
    pickle: bytes


@dataclass(frozen=True)
class RoomKey:
    """An inbound Megolm session.

    `user_id` is who sent it to us, `sender_key` and `ed25519` are the keys of the device that it belongs to. `source`
    is `direct` from that device, `forwarded` by it on request, or `backup` from a backup that proves nothing about
    where it came from: such a key decrypts and never authorises.
    """

    room_id: str
    session_id: str
    sender_key: str
    user_id: str
    ed25519: str
    source: str
    first_index: int
    pickle: bytes


@dataclass(frozen=True)
class OwnRoomKey:
    """Our outbound Megolm session of a room.

    `messages` is how many it has encrypted. Of the devices, as (user id, device id, Curve25519 key), `shared` have it,
    `missed` could not be reached and get it later, `withheld` were told that they will not get it.
    """

    room_id: str
    session_id: str
    created_at: datetime
    messages: int
    pickle: bytes
    shared: frozenset[tuple[str, str, str]] = frozenset()
    missed: frozenset[tuple[str, str, str]] = frozenset()
    withheld: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True)
class MissedShare:
    """A device that could not be given our room key, with the key as it was then."""

    room_id: str
    session_id: str
    user_id: str
    device_id: str
    session_key: str
    attempts: int
    not_before: datetime


@dataclass(frozen=True)
class StoredIdentity:
    """What we know of somebody's keys.

    `master` is their master key now, `accepted` the one first seen or confirmed since, `verified` the one that was
    compared by emoji. `devices` are (device id, Curve25519, Ed25519, signed by the owner). `stale` when the homeserver
    says that something changed. `changed_at` is when `master` was first seen to differ from `accepted`.
    """

    user_id: str
    master: str | None
    accepted: str | None
    verified: str | None
    devices: tuple[tuple[str, str, str, bool], ...]
    stale: bool = False
    changed_at: datetime | None = None
