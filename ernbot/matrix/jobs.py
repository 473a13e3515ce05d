"""Jobs: files that were dropped are looked at by whoever is free, several at once, and once each whatever crashes.

The queue (`storage.queue`) says who. A job whose worker fell silent is taken over by another, and after three tries the
sender is told. Which room a file came from never matters here: the lane of a room is not held up by its files.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from datetime import datetime

from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.looking import Looking
from ernbot.storage.errors import StorageBusy
from ernbot.storage.local_queue import LocalQueue
from ernbot.storage.queue import Again, Queue
from ernbot.storage.records import ImageJob
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds after which the sender is shown that the work goes on."""


def queue_of(store: Store, *, worker: str, clock: Callable[[], datetime]) -> Queue:
    """The queue of a database, for a worker of that name."""
    if store.engine.dialect.name != "postgresql":
        return LocalQueue(store, worker=worker, clock=clock)
    from ernbot.storage.shared_queue import SharedQueue  # with a driver of its own, which nobody else needs

    return SharedQueue(store, worker=worker, clock=clock)


class Jobs:
    """Works off the jobs, under the name `worker`: two programs that run at once need two names."""

    def __init__(self, store: Store, looking: Looking, *, worker: str, clock: Callable[[], datetime]) -> None:
        self._queue = queue_of(store, worker=worker, clock=clock)
        self._looking = looking
        self._worker = worker

    def wake(self) -> None:
        self._queue.wake()

    async def run(self) -> None:
        """Work for ever, woken by new files and by the clock."""
        await self._queue.run(self._work)

    async def _work(self, job: ImageJob) -> None:
        """One job, with a sign for its sender when it takes long.

        Raises:
            Again: it is not done. Nothing of what went wrong goes with it: that could name somebody.
        """
        sign = asyncio.create_task(self._show_sign(job))
        try:
            counts = await self._look(job)
        finally:
            sign.cancel()
            await asyncio.gather(sign, return_exceptions=True)
        if counts is not None:
            raise Again(counts=counts)

    async def _look(self, job: ImageJob) -> bool | None:
        """None when the job is done; otherwise whether what went wrong counts."""
        try:
            await self._looking.look(job, self._worker)
        except (StorageBusy, Unreachable) as error:
            log.warning("a file waits (%s)", type(error).__name__)
            return False
        except MatrixError as error:
            return not error.passing and error.status != 401
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("a file: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            return True
        return None

    async def _show_sign(self, job: ImageJob) -> None:
        await asyncio.sleep(PATIENCE)
        while True:
            try:
                await self._looking.show_progress(job, self._worker)
                return
            except StorageBusy:
                await asyncio.sleep(PATIENCE)
