"""The outbox: every effect on the outside world, once, in the order of its lane.

Lanes run side by side, so that a slow room does not delay others. The row id is the Matrix transaction id: an effect
that is repeated after a crash is the same effect to the homeserver.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

from ernbot.commands.effects import load
from ernbot.matrix.delivery import Delivery, NotYet
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

IDLE = 2.0
MAX_PAUSE = 60.0
MAX_ATTEMPTS = 12
"""Tries of an effect that fails for no reason that we know of, some twenty minutes in all."""


class Sender:
    """Works off the outbox."""

    def __init__(self, store: Store, delivery: Delivery, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._awake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._awake.set()

    async def run(self) -> None:
        """Send for ever."""
        try:
            while True:
                self._awake.clear()
                await self._start_lanes()
                try:
                    async with asyncio.timeout(IDLE):
                        await self._awake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _start_lanes(self) -> None:
        # A lane that is at work while we look may finish its item before we start: what we saw of it is out of date.
        at_work = set(self._busy)
        try:
            async with self._store.transaction() as tx:
                due = await tx.due(self._clock())
        except StorageBusy:
            return
        for item in due:
            if item.lane not in at_work:
                self._busy[item.lane] = asyncio.create_task(self._work_off(item))

    async def _work_off(self, item: OutboxItem) -> None:
        """One effect; the lane's next one is started by the loop."""
        try:
            await self._deliver(item)
        except Exception as error:
            # Not even the failure could be noted. A database that is merely busy is no news.
            if not isinstance(error, StorageBusy):
                _report(item, error)
            await asyncio.sleep(IDLE)
        finally:
            del self._busy[item.lane]
            self._awake.set()

    async def _deliver(self, item: OutboxItem) -> None:
        try:
            await self._delivery.deliver(item, load(item.payload))
        except NotYet as wait:
            await self._retry(item, wait.seconds)
        except Unreachable:
            await self._retry(item, _pause(item))
        except MatrixError as error:
            # A token that is no longer valid ends the sync, and with it the program; the next one gets a new token.
            if error.passing or error.status == 401:
                await self._retry(item, error.retry_after or _pause(item))
            else:
                await self._give_up(item, error.errcode)
        except StorageBusy:
            raise
        except Exception as error:
            _report(item, error)
            if item.attempts < MAX_ATTEMPTS:
                await self._retry(item, _pause(item))
            else:
                await self._give_up(item, type(error).__name__)

    async def _retry(self, item: OutboxItem, seconds: float) -> None:
        async with self._store.transaction() as tx:
            await tx.retry(item.id, self._clock() + timedelta(seconds=seconds))

    async def _give_up(self, item: OutboxItem, reason: str) -> None:
        """An effect that the homeserver refuses for good must not hold its lane."""
        log.error("%s was given up: %s", item.kind, reason)
        async with self._store.transaction() as tx:
            await tx.give_up(item.id, reason)
            await self._delivery.mourn(tx, item)


def _pause(item: OutboxItem) -> float:
    return float(min(2**item.attempts / 2, MAX_PAUSE))


def _report(item: OutboxItem, error: Exception) -> None:
    """Where something unforeseen happened, without its text, which may be clinical."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("%s: %s at %s:%s", item.kind, type(error).__name__, place.filename, place.lineno)
