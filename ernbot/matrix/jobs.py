"""Jobs: files that were dropped are looked at by whoever is free, several at once, and once each whatever crashes.

The table is the queue. A job belongs to its worker as long as the worker says so; one that fell silent is taken over by
another, and after three tries the sender is told. Which room a file came from never matters here: the lane of a room
is not held up by its files.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.looking import Looking
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import ImageJob
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

LANES = 4
"""Jobs that one worker has under way: some wait for the homeserver while others are decoded."""

LARGE = 32 * 2**20
LARGE_LANES = 2
"""Of these, jobs of more bytes than that: a slide of a gigabyte leaves room for photographs."""

NO_LIMIT = 2**62
LEASE = timedelta(seconds=90)
RENEWED_EVERY = 30.0
IDLE = 2.0
PAUSE = timedelta(seconds=5)
"""How long a job waits for a homeserver that is away, or after something unforeseen."""

PATIENCE = 2.0
"""Seconds after which the sender is shown that the work goes on."""


class Jobs:
    """Works off the jobs, under the name `worker`: two programs that run at once need two names."""

    def __init__(self, store: Store, looking: Looking, *, worker: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._looking = looking
        self._worker = worker
        self._clock = clock
        self._awake = asyncio.Event()
        self._busy: dict[asyncio.Task[None], bool] = {}

    def wake(self) -> None:
        self._awake.set()

    async def run(self) -> None:
        """Work for ever, woken by new files and by the clock. What this worker ran before it died is due again."""
        try:
            await self._release()
            while True:
                self._awake.clear()
                pause = await self._start_jobs()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._awake.wait()
        finally:
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)

    async def _release(self) -> None:
        while True:
            try:
                async with self._store.transaction() as tx:
                    await tx.release_jobs(self._worker, self._clock())
                return
            except StorageBusy:
                await asyncio.sleep(IDLE)

    async def _start_jobs(self) -> float:
        """Take what is due; seconds until it is time to look again."""
        try:
            while len(self._busy) < LANES:
                large = sum(self._busy.values()) < LARGE_LANES
                async with self._store.transaction() as tx:
                    now = self._clock()
                    job = await tx.take_job(self._worker, now, LEASE, largest=NO_LIMIT if large else LARGE)
                    due_at = await tx.next_job_at() if job is None else None
                if job is None:
                    soon = (due_at - now).total_seconds() if due_at is not None else IDLE
                    # What is due and was not taken is large, and waits for a lane.
                    return min(soon, IDLE) if soon > 0 else IDLE
                task = asyncio.create_task(self._work(job))
                self._busy[task] = job.size > LARGE
        except StorageBusy:
            pass
        return IDLE

    async def _work(self, job: ImageJob) -> None:
        """One job, with signs of life for the sender and for other workers."""
        signs = asyncio.create_task(self._show_signs(job))
        try:
            await self._looking.look(job, self._worker)
        except (StorageBusy, Unreachable) as error:
            log.warning("a file waits (%s)", type(error).__name__)
            await self._give_back(job, counts=False)
        except MatrixError as error:
            await self._give_back(job, counts=not error.passing and error.status != 401)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("a file: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            await self._give_back(job, counts=True)
        finally:
            signs.cancel()
            await asyncio.gather(signs, return_exceptions=True)
            self._busy.pop(asyncio.current_task(), None)  # type: ignore[arg-type]
            self._awake.set()

    async def _give_back(self, job: ImageJob, *, counts: bool) -> None:
        with contextlib.suppress(StorageBusy):
            async with self._store.transaction() as tx:
                if await tx.own_job(job.id, self._worker):
                    await tx.postpone_job(job.id, self._clock() + PAUSE, counts=counts)

    async def _show_signs(self, job: ImageJob) -> None:
        await asyncio.sleep(PATIENCE)
        with contextlib.suppress(StorageBusy):
            await self._looking.show_progress(job, self._worker)
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            with contextlib.suppress(StorageBusy):
                async with self._store.transaction() as tx:
                    await tx.keep_job(job.id, self._worker, self._clock() + LEASE)
