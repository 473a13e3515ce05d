"""Everything that the bot does to the outside world, as data: the payloads of the outbox.

A command never acts. It adds effects in its transaction; the sender carries them out after the commit, each one once,
strictly in the order of their lane.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from ernbot.commands.reply import Reply
from ernbot.core.delphi import Study
from ernbot.core.outcome import Outcome
from ernbot.storage.records import OutboxItem
from ernbot.storage.transaction import Transaction


@dataclass(frozen=True)
class Message:
    """Say something. `reader` sets the language; `reply_to` and `thread` are event ids.

    `choices` asks for numbered reactions to choose from, `undo` for one that takes back what this answers.
    `plain` sends without encryption: only for sentences that explain why encryption failed, never with content.
    """

    reply: Reply
    reader: str
    reply_to: str | None = None
    thread: str | None = None
    choices: int = 0
    plain: bool = False
    undo: bool = False
    kind: Literal["message"] = "message"


@dataclass(frozen=True)
class Card:
    """Show the state of the case: `fresh` posts and pins a new card, otherwise the pinned one is edited."""

    reply: Reply
    reader: str
    fresh: bool = False
    kind: Literal["card"] = "card"


@dataclass(frozen=True)
class Announce:
    """Say in words alone that a picture of somebody follows: notifications show what comes first, not its edits."""

    reply: Reply
    reader: str
    reply_to: str | None = None
    kind: Literal["announcement"] = "announcement"


@dataclass(frozen=True)
class ShowFile:
    """Show what is stored of a file: its preview, or a card where there is none.

    `edits` puts it into the place of the announcement before it. `moving` shows the short film instead.
    """

    file_id: str
    caption: Reply
    reader: str
    reply_to: str | None = None
    edits: bool = False
    moving: bool = False
    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class PassOn:
    """Send an original once more: number `number` of those that a stored file answers for.

    `threaded` puts it into a thread under what was shown of the file. `discreet` leaves out what clients could show
    of it in a notification.
    """

    file_id: str
    number: int = 0
    threaded: bool = False
    discreet: bool = False
    kind: Literal["original"] = "original"


@dataclass(frozen=True)
class React:
    """Put a sign on an event."""

    event_id: str
    sign: str
    kind: Literal["reaction"] = "reaction"


@dataclass(frozen=True)
class TakeBack:
    """Redact everything of ours in this lane that bears a tag."""

    tag: str
    kind: Literal["take-back"] = "take-back"


DocumentFormat = Literal["pdf", "html", "fhir"]


@dataclass(frozen=True)
class SendOutcome:
    """Send the outcome as a document, in the language of `reader`, who must still be allowed to read it by then."""

    outcome: Outcome
    nickname: str
    network: str
    reader: str
    format: DocumentFormat = "pdf"
    kind: Literal["outcome"] = "outcome"


@dataclass(frozen=True)
class SendDelphiReport:
    """Send the report of Delphi rounds, as an accessible PDF or as Markdown. `conflicts` are reasons by user id."""

    study: Study
    conflicts: dict[str, str]
    nickname: str
    network: str
    reader: str
    form: Literal["pdf", "md"] = "pdf"
    kind: Literal["delphi-report"] = "delphi-report"


@dataclass(frozen=True)
class SendPoll:
    """Ask in the client's own way, where it has one (MSC3381); `named` polls show their votes while they run."""

    question: str
    options: tuple[str, ...]
    named: bool
    reader: str
    kind: Literal["poll"] = "poll"


@dataclass(frozen=True)
class EndPoll:
    """Close the poll of this lane that bears a tag."""

    tag: str
    result: Reply
    reader: str
    kind: Literal["poll-end"] = "poll-end"


@dataclass(frozen=True)
class CreateCaseRoom:
    """Create the room of a case and invite its requester."""

    nickname: str
    network: str
    requester: str
    kind: Literal["create-case-room"] = "create-case-room"


@dataclass(frozen=True)
class FileInSpace:
    """List a room in the private space of its network, or take it off the list."""

    network: str
    child: str
    gone: bool = False
    kind: Literal["space-child"] = "space-child"


@dataclass(frozen=True)
class Access:
    """Tell the homeserver who may be in the case room; it enforces this whatever the bot does later.

    Before the case is `open` these are the requester and their assistants, who work at the same hospital.
    """

    requester: str
    admitted: tuple[str, ...]
    open: bool
    closed: bool = False
    assistants: tuple[str, ...] = ()
    kind: Literal["access"] = "access"


@dataclass(frozen=True)
class Invite:
    user_id: str
    kind: Literal["invite"] = "invite"


@dataclass(frozen=True)
class Remove:
    user_id: str
    kind: Literal["remove"] = "remove"


@dataclass(frozen=True)
class Redact:
    event_id: str
    kind: Literal["redact"] = "redact"


@dataclass(frozen=True)
class Join:
    kind: Literal["join"] = "join"


@dataclass(frozen=True)
class Leave:
    kind: Literal["leave"] = "leave"


@dataclass(frozen=True)
class OpenDirectChat:
    """Make sure that there is a direct chat with somebody; the lane waits until they are in it."""

    user_id: str
    kind: Literal["direct-chat"] = "direct-chat"


Effect = (
    Message
    | Card
    | Announce
    | ShowFile
    | PassOn
    | React
    | TakeBack
    | SendOutcome
    | SendDelphiReport
    | SendPoll
    | EndPoll
    | CreateCaseRoom
    | FileInSpace
    | Access
    | Invite
    | Remove
    | Redact
    | Join
    | Leave
    | OpenDirectChat
)

_adapter: TypeAdapter[Effect] = TypeAdapter(Effect)


def dump(effect: Effect) -> dict[str, Any]:
    """The effect as JSON values."""
    payload: dict[str, Any] = _adapter.dump_python(effect, mode="json")
    return payload


def load(payload: dict[str, Any]) -> Effect:
    """The effect of an outbox row."""
    return _adapter.validate_python(payload)


def case_lane(case_id: str) -> str:
    return f"case:{case_id}"


def direct_lane(user_id: str) -> str:
    return f"direct:{user_id}"


@dataclass(frozen=True)
class Outbox:
    """Adds effects to the transaction at hand."""

    tx: Transaction
    now: datetime

    async def _add(
        self,
        lane: str,
        effect: Effect,
        *,
        case_id: str | None = None,
        room_id: str | None = None,
        tag: str | None = None,
    ) -> None:
        await self.tx.send(
            OutboxItem(
                id=secrets.token_urlsafe(18),
                lane=lane,
                kind=effect.kind,
                case_id=case_id,
                room_id=room_id,
                payload=dump(effect),
                at=self.now,
                tag=tag,
            )
        )

    async def to_case(
        self, case_id: str, effect: Effect, *, tag: str | None = None, room_id: str | None = None
    ) -> None:
        """For the room of a case, which may not exist yet; or for another room, after what was added before."""
        await self._add(case_lane(case_id), effect, case_id=case_id, room_id=room_id, tag=tag)

    async def to_room(self, room_id: str, effect: Effect, *, tag: str | None = None) -> None:
        """For a room that is no case room."""
        await self._add(f"room:{room_id}", effect, room_id=room_id, tag=tag)

    async def to_space(self, effect: FileInSpace) -> None:
        """For the space of a network, aside from the case, which must not wait for it."""
        await self._add(f"space:{effect.network}", effect)

    async def to_person(self, user_id: str, reply: Reply, *, plain: bool = False, tag: str | None = None) -> None:
        """For the direct chat with somebody, which is opened when there is none; waits until they are in it."""
        lane = direct_lane(user_id)
        await self._add(lane, OpenDirectChat(user_id), tag=tag)
        await self._add(lane, Message(reply, user_id, plain=plain), tag=tag)
