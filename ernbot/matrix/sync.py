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

from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.events import as_dict, as_list, is_id, is_token
from ernbot.matrix.gaps import GAP
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.intake import Intake
from ernbot.matrix.machine import Machine, ToDevice
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import Trust
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

LONG_POLL_MS = 30_000
MAX_PAUSE = 30.0


class Sync:
    """Receives, and wakes whoever handles what was received."""

    def __init__(
        self,
        gateway: Gateway,
        machine: Machine,
        intake: Intake,
        trust: Trust,
        rooms: Rooms,
        store: Store,
        *,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
        hear: Callable[[ToDevice], None] = lambda message: None,
    ) -> None:
        """`hear` is given the to-device messages that are not about room keys; it must not take long."""
        self._gateway = gateway
        self._machine = machine
        self._intake = intake
        self._trust = trust
        self._rooms = rooms
        self._store = store
        self._clock = clock
        self._wake = wake
        self._hear = hear
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
        """Commit one response; the token from which to go on.

        Raises:
            MatrixError: it is no answer to a sync. StorageBusy: nothing of it was kept.
        """
        token = response.get("next_batch")
        if not is_token(token):
            raise MatrixError(500, "M_BAD_JSON")
        rooms = as_dict(response.get("rooms"))
        for room_id in as_dict(rooms.get("leave")):
            self._rooms.forget(room_id)
        async with self._store.transaction() as tx:
            received = await self._machine.receive(tx, response)
            if since is None:
                # Who changed before this is not told.
                await tx.mark_all_stale()
            news = [await self._take(tx, room_id, room, since) for room_id, room in _rooms(rooms, "join")]
            for room_id, room in _rooms(rooms, "invite"):
                news.append(await tx.receive(self._invitation(room_id, room, since)))
            await tx.set_sync_token(token)
        # Only now: whoever read the database meanwhile has remembered what it said before.
        self._trust.forget(received.changed)
        if since is None:
            self._trust.forget_all()
        if any(news) or received.sessions:
            self._wake()
        for message in received.messages:
            try:
                self._hear(message)
            except Exception as error:  # committed already: one message must not hold up what comes after it
                log.error("a to-device message was dropped (%s)", type(error).__name__)
        await self._upload_keys()
        return token

    async def _upload_keys(self) -> None:
        """What a sync brought is kept, whatever the homeserver says to our keys: they are offered with each again."""
        try:
            await self._machine.upload_keys()
        except (MatrixError, Unreachable, StorageBusy) as error:
            log.warning("our keys could not be uploaded (%s)", error)

    async def _take(self, tx: Transaction, room_id: str, room: Mapping[str, Any], since: str | None) -> bool:
        """Keep the new events of a room, a gap before them, and nothing from before we were in it; whether any."""
        timeline = as_dict(room.get("timeline"))
        events = _events(room, "timeline")
        for event in [*_events(room, "state"), *events]:
            self._rooms.notice(room_id, event)
        arrival = self._intake.arrival(events)
        start = timeline.get("prev_batch")
        if timeline.get("limited") and since is not None and arrival is None and is_token(start):
            gap = {"from": since, "to": start}
            await tx.receive(InboxItem(f"{GAP}:{room_id}:{start}", room_id, "", GAP, gap, self._clock()))
        return await self._intake.take(tx, room_id, events[arrival:])

    def _invitation(self, room_id: str, room: Mapping[str, Any], since: str | None) -> InboxItem:
        """An invitation has no event id of its own, and a second one looks like the first: where it came stands for it.

        The last event about us is our own homeserver's; those before it are what the inviting homeserver says.
        """
        inviter = ""
        for event in _events(room, "invite_state"):
            if event.get("type") == "m.room.member" and event.get("state_key") == self._gateway.user_id:
                sender = event.get("sender")
                inviter = sender if is_id(sender) else ""
        return InboxItem(f"invite:{room_id}:{since or ''}", room_id, inviter, "invite", {}, self._clock())


def _rooms(rooms: Mapping[str, Any], part: str) -> list[tuple[str, dict[str, Any]]]:
    return [(room_id, as_dict(room)) for room_id, room in as_dict(rooms.get(part)).items() if is_id(room_id)]


def _events(room: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    return [event for event in as_list(as_dict(room.get(part)).get("events")) if isinstance(event, dict)]
