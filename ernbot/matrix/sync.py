"""From the homeserver's sync to rows of the inbox: one response, one transaction, and nothing that can raise past its
own event.

The sync token is committed with the rows that came with it. A crash before the commit brings the same response again,
and the inbox knows what it has seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ernbot.matrix.errors import MatrixError, Undecryptable, Unreachable
from ernbot.matrix.events import as_dict, well_formed
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine
from ernbot.matrix.megolm import Decrypted
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import Trust
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

LONG_POLL_MS = 30_000
MAX_PAUSE = 30.0
BREATH = 50
"""Events after which everybody else gets a turn."""

MAX_PAGES = 50
"""Pages of 100 events that are fetched to fill one gap in a room's timeline."""


class Sync:
    """Receives, and wakes whoever handles what was received."""

    def __init__(
        self,
        gateway: Gateway,
        machine: Machine,
        trust: Trust,
        rooms: Rooms,
        store: Store,
        *,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._machine = machine
        self._trust = trust
        self._rooms = rooms
        self._store = store
        self._clock = clock
        self._wake = wake
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Receive for ever. A homeserver that is away is waited for."""
        async with self._store.transaction() as tx:
            token = await tx.sync_token()
        pause = 0.5
        while True:
            try:
                poll = LONG_POLL_MS if self.caught_up.is_set() else 0
                response = await self._gateway.sync(token, timeout_ms=poll)
                token = await self.receive(response, token)
                self.caught_up.set()
                pause = 0.5
            except (MatrixError, Unreachable, StorageBusy) as error:
                if isinstance(error, MatrixError) and error.status in (401, 403):
                    raise
                log.warning("sync failed (%s), next try in %.0f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE)

    async def receive(self, response: Mapping[str, Any], since: str | None) -> str:
        """Commit one response; the token from which to go on."""
        rooms = response.get("rooms", {})
        joined = rooms.get("join", {})
        timelines = {room_id: await self._timeline(room_id, room, since) for room_id, room in joined.items()}
        invitations = [self._invitation(room_id, room, since) for room_id, room in rooms.get("invite", {}).items()]
        for room_id in rooms.get("leave", {}):
            self._rooms.forget(room_id)
        token = str(response["next_batch"])
        async with self._store.transaction() as tx:
            received = await self._machine.receive(tx, response)
            if since is None:
                # Who changed before this is not told.
                self._trust.forget_all()
                await tx.mark_all_stale()
            news = [await self._take(tx, room_id, events) for room_id, events in timelines.items()]
            for invitation in invitations:
                await tx.receive(invitation)
            await tx.set_sync_token(token)
        if any(news) or invitations or received.sessions:
            self._wake()
        await self._machine.upload_keys()
        return token

    async def _timeline(self, room_id: str, room: Mapping[str, Any], since: str | None) -> list[dict[str, Any]]:
        """The new events of a room, with the gap before them filled; nothing from before we were in it."""
        for event in _events(room, "state"):
            self._rooms.notice(room_id, event)
        timeline = as_dict(room.get("timeline"))
        events = _events(room, "timeline")
        if timeline.get("limited") and since is not None and not any(map(self._is_own_arrival, events)):
            events = [*await self._gap(room_id, timeline["prev_batch"], since), *events]
        for index, event in enumerate(events):
            if self._is_own_arrival(event):
                events = events[index:]
                break
        for event in events:
            self._rooms.notice(room_id, event)
        return events

    def _is_own_arrival(self, event: Mapping[str, Any]) -> bool:
        """Whether we came in; our own new name looks the same but for what was before."""
        return (
            event.get("type") == "m.room.member"
            and event.get("state_key") == self._gateway.user_id
            and as_dict(event.get("content")).get("membership") == "join"
            and _membership_before(event) != "join"
        )

    async def _gap(self, room_id: str, start: str, since: str) -> list[dict[str, Any]]:
        """What happened between the last sync and a timeline that was cut; nothing from a room that is closed to us."""
        found: list[dict[str, Any]] = []
        for _ in range(MAX_PAGES):
            try:
                page = await self._gateway.messages(room_id, start, since)
            except MatrixError as error:
                if error.status not in (403, 404):
                    raise
                log.warning("the history of a room is closed to us (%s)", error)
                break
            found += [event for event in page.get("chunk", []) if isinstance(event, dict)]
            start = page.get("end", "")
            if not start or not page.get("chunk"):
                break
        return found[::-1]

    async def _take(self, tx: Transaction, room_id: str, events: list[dict[str, Any]]) -> bool:
        """Keep the events of a room that are somebody's business; whether there were any."""
        taken = False
        for number, event in enumerate(events, start=1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            item = await self._item(tx, room_id, event)
            if item is not None:
                taken |= await tx.receive(item)
        return taken

    async def _item(self, tx: Transaction, room_id: str, event: Mapping[str, Any]) -> InboxItem | None:
        """The row for one event, or None for what is nobody's business here or could not be kept."""
        if not well_formed(event):
            log.warning("a malformed event was dropped")
            return None
        event_id, sender, kind_of, content = (event.get(key) for key in ("event_id", "sender", "type", "content"))
        if not isinstance(event_id, str) or not isinstance(sender, str) or not isinstance(content, dict):
            return None
        own = sender == self._gateway.user_id
        kind: str | None = None
        payload: dict[str, Any] = {}
        session_id: str | None = None
        if kind_of == "m.room.encrypted" and not own:
            try:
                kind, payload = "message", as_payload(await self._machine.decrypt(tx, room_id, event))
            except Undecryptable as error:
                if error.why == "no-key":
                    kind, payload, session_id = "encrypted", {"event": dict(event)}, content["session_id"]
                else:
                    log.warning("an event was dropped: %s", error.why)
        elif kind_of == "m.room.message" and not own:
            kind, payload = "plaintext", {"content": content}
        elif kind_of == "m.reaction" and not own:
            kind, payload = "reaction", {"content": content}
        elif kind_of == "m.room.member":
            kind, payload = self._membership(event, content)
        elif kind_of == "m.room.encryption" and "state_key" in event:
            kind = "encryption"
        if kind is None:
            return None
        return InboxItem(event_id, room_id, sender, kind, payload, self._clock(), session_id)

    def _membership(self, event: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        before = _membership_before(event)
        membership, who = content.get("membership"), event.get("state_key")
        if not isinstance(who, str) or membership == before:
            return None, {}
        if membership == "join":
            return "join", {"user": who}
        if membership in ("leave", "ban") and before == "join":
            return "left", {"user": who}
        return None, {}

    def _invitation(self, room_id: str, room: Mapping[str, Any], since: str | None) -> InboxItem:
        """An invitation has no event id of its own, and a second one looks like the first: where it came stands for it.

        The last event about us is our own homeserver's; those before it are what the inviting homeserver says.
        """
        inviter = ""
        for event in _events(room, "invite_state"):
            if event.get("type") == "m.room.member" and event.get("state_key") == self._gateway.user_id:
                inviter = str(event.get("sender"))
        return InboxItem(f"invite:{room_id}:{since or ''}", room_id, inviter, "invite", {}, self._clock())


def _events(room: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    return [event for event in as_dict(room.get(part)).get("events", []) if isinstance(event, dict)]


def _membership_before(event: Mapping[str, Any]) -> object:
    return as_dict(as_dict(event.get("unsigned")).get("prev_content")).get("membership")


def as_payload(decrypted: Decrypted) -> dict[str, Any]:
    """What the inbox keeps of a decrypted event."""
    return {
        "type": decrypted.type,
        "content": decrypted.content,
        "curve25519": decrypted.curve25519,
        "ed25519": decrypted.ed25519,
        "authentic": decrypted.authentic,
    }
