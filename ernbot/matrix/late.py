"""Events whose room key has not come: wait, ask for it, look into the backup, in the end tell the sender, and wait on.

The sender is told once for each session and never in a flood, in their direct chat or where nobody else reads. When the
key comes later the event is handled as if on time, unless its sender has gone on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from ernbot.commands.reply import Reply, say
from ernbot.matrix.errors import MatrixError, Undecryptable, Unreachable
from ernbot.matrix.intake import as_payload
from ernbot.matrix.machine import Machine
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=30)
"""How long an event waits after its key was asked for, before its sender is told."""

STALE = timedelta(days=1)
"""Age after which a message is no longer acted upon without asking."""

KEEP = timedelta(days=7)
"""How long an event is kept in the hope of its key."""

TELL_AGAIN = timedelta(minutes=5)
"""How far apart messages in several sessions lie, of each of which the sender is told."""

ASKED, TOLD = 1, 2
"""How far an event has come: its key was asked for, its sender knows."""

Tell = Callable[[Transaction, InboxItem, Reply], Awaitable[None]]
Restore = Callable[[str, str], Awaitable[bool]]


class LateKeys:
    """Reads events of the inbox that could not be decrypted when they came.

    `tell` answers the sender of an event; `restore` takes a session out of the backup, if it is there.
    """

    def __init__(
        self, machine: Machine, store: Store, *, tell: Tell, restore: Restore, clock: Callable[[], datetime]
    ) -> None:
        self._machine = machine
        self._store = store
        self._tell = tell
        self._restore = restore
        self._clock = clock

    async def read(self, item: InboxItem) -> dict[str, Any] | None:
        """What an event says, now that its turn has come again; None when there is nothing to handle now.

        Raises:
            StorageBusy: the row is as it was.
        """
        payload, lacking = await self._try(item)
        if not lacking:
            return payload
        if await self._search(item):
            payload, _ = await self._try(item)
        return payload

    async def _try(self, item: InboxItem) -> tuple[dict[str, Any] | None, bool]:
        """What an event says, if that can and should still be handled; whether its key should be searched for."""
        age = self._clock() - item.at
        async with self._store.transaction() as tx:
            try:
                payload = as_payload(await self._machine.decrypt(tx, item.room_id, item.payload["event"]))
            except Undecryptable as error:
                return None, await self._wait_on(tx, item, error, age)
            if item.attempts >= TOLD and (age > STALE or await tx.has_spoken_since(item)):
                await tx.handled(item.event_id)
                await self._tell(tx, item, say("late"))
                return None, False
            return payload, False

    async def _wait_on(self, tx: Transaction, item: InboxItem, error: Undecryptable, age: timedelta) -> bool:
        """Settle an event that cannot be read now, or put it off; whether its key should be searched for."""
        if error.why != "no-key" or age > KEEP:
            log.warning("an event was given up: %s", error.why)
            await tx.handled(item.event_id)
            return False
        code = await tx.withheld_code(item.room_id, str(item.session_id), item.sender)
        if item.attempts < ASKED and code is None:
            await tx.postpone(item.event_id, self._clock() + PATIENCE, attempts=ASKED)
            return True
        if item.attempts < TOLD and not await tx.was_told(item, TOLD, item.at - TELL_AGAIN):
            await self._tell(tx, item, say("unreadable" if code is None else "unreadable-withheld"))
        await tx.postpone(item.event_id, item.at + KEEP + PATIENCE, attempts=TOLD)
        return False

    async def _search(self, item: InboxItem) -> bool:
        """Ask the sender's devices for the key, and look into the backup; whether it was found there."""
        try:
            await self._machine.request_key(item.sender, item.room_id, str(item.session_id))
            return await self._restore(item.room_id, str(item.session_id))
        except (MatrixError, Unreachable) as error:
            log.warning("a room key could not be searched for (%s)", type(error).__name__)
            return False
