"""What the transaction takes and gives besides cases: plain frozen records, one per kind of row.

Fields named `payload`, `data` and `content` are sealed at rest, and so is what a `CaseFile` says and shows of a file.
All others lie there in the clear and must hold nothing clinical.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ernbot.core.states import StateKind


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
class Original:
    """A message with a file as somebody sent it: its event, and its content with the keys of the attachment."""

    event_id: str
    content: dict[str, Any]


@dataclass(frozen=True)
class StoredPicture:
    """A picture as it was encoded; `width` and `height` are its own, in pixels."""

    data: bytes
    mimetype: str
    width: int
    height: int


@dataclass(frozen=True)
class CaseFile:
    """What is shown of a file, or of several that were sent together: facts, and a preview where there can be one.

    `content` is that of the first file's message, `event_id`, and `others` are those that came with it. Where files
    have more than one preview, the later ones name the first one as their `leader_id`, which alone has the `others`.
    Of a slide whose file must not be kept there is only the preview: its `content` is empty.
    """

    id: str
    case_id: str
    event_id: str
    sender: str
    content: dict[str, Any]
    facts: dict[str, Any]
    preview: StoredPicture | None
    at: datetime
    thumbnail: StoredPicture | None = None
    animation: StoredPicture | None = None
    blurhash: str | None = None
    uids: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    others: tuple[Original, ...] = ()
    leader_id: str | None = None

    @property
    def group(self) -> str:
        """What this file shares with all that was sent together with it."""
        return self.leader_id or self.id

    @property
    def originals(self) -> tuple[Original, ...]:
        """The messages that this row answers for; none for a further preview of the same files, or without a file."""
        return () if self.leader_id or not self.content else (Original(self.event_id, self.content), *self.others)


JobState = Literal["collecting", "waiting", "queued", "running", "asked"]


@dataclass(frozen=True)
class ImageJob:
    """Files that one person dropped together, until they are shown or refused.

    `collecting` takes more files until `due_at`; `waiting` is due then; `queued` was, and is in the shared queue on
    PostgreSQL; `running` belongs to `worker`, on SQLite until `due_at`, when others may take it over; `asked` waits for
    the sender's answer until `due_at`. `at` is when the first file came, `files` how many there are, `size` their bytes
    as the sender's client stated them. `data` is what was found and agreed on so far.
    """

    id: str
    case_id: str
    room_id: str
    sender: str
    state: JobState
    at: datetime
    due_at: datetime
    attempts: int = 0
    files: int = 0
    size: int = 0
    worker: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialogue:
    """A conversation question by question, or a draft; `thread` is its root event.

    `case_id` is the case that it is about: what was answered is sealed under the key of that case and goes with it,
    also when the conversation takes place in a direct chat.
    """

    room_id: str
    user_id: str
    kind: str
    thread: str | None
    data: dict[str, Any]
    at: datetime
    case_id: str | None = None


StepResult = Literal["refused", "nothing", "answer", "case", "more"]
"""What a message did: it was refused, it only asked something, it answered a question of ours, it changed the case
alone, or it did more than that."""


@dataclass(frozen=True)
class Step:
    """The last message of somebody in a room that was for us.

    `what` is the command's name, or the mark of the question that it answers; `before` and `after` are the case as
    stored, of what changed it alone.
    """

    room_id: str
    user_id: str
    event_id: str
    at: datetime
    what: str
    result: StepResult
    before: bytes | None = None
    after: bytes | None = None


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
