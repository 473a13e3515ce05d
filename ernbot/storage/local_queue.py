"""The queue on SQLite: our own table, and tasks of this process.

A worker owns a job until its time runs out and says so again while it lasts. That way `ernbot previews` works beside
the bot here too, on the same machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from ernbot.storage.errors import StorageBusy
from ernbot.storage.queue import IDLE, LANES, LARGE, LARGE_LANES, PAUSE, Again, Work
from ernbot.storage.records import ImageJob
from ernbot.storage.store import Store

NO_LIMIT = 2**62
LEASE = timedelta(seconds=90)
RENEWED_EVERY = 30.0


class LocalQueue:
    """See `queue.Queue`."""

    def __init__(self, store: Store, *, worker: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._awake = asyncio.Event()
        self._busy: dict[asyncio.Task[None], bool] = {}

    def wake(self) -> None:
        self._awake.set()

    async def run(self, work: Work) -> None:
        try:
            await self._release()
            while True:
                self._awake.clear()
                pause = await self._start_jobs(work)
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

    async def _start_jobs(self, work: Work) -> float:
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
                task = asyncio.create_task(self._work(work, job))
                self._busy[task] = job.size > LARGE
        except StorageBusy:
            pass
        return IDLE

    async def _work(self, work: Work, job: ImageJob) -> None:
        """One job, with signs of life for other workers."""
        signs = asyncio.create_task(self._keep(job))
        try:
            await work(job)
        except Again as again:
            await self._give_back(job, PAUSE, counts=again.counts)
        except asyncio.CancelledError:
            await self._give_back(job, 0, counts=False)
            raise
        finally:
            signs.cancel()
            await asyncio.gather(signs, return_exceptions=True)
            self._busy.pop(asyncio.current_task(), None)  # type: ignore[arg-type]
            self._awake.set()

    async def _give_back(self, job: ImageJob, pause: float, *, counts: bool) -> None:
        with contextlib.suppress(StorageBusy):
            async with self._store.transaction() as tx:
                if await tx.own_job(job.id, self._worker):
                    await tx.postpone_job(job.id, self._clock() + timedelta(seconds=pause), counts=counts)

    async def _keep(self, job: ImageJob) -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            with contextlib.suppress(StorageBusy):
                async with self._store.transaction() as tx:
                    await tx.keep_job(job.id, self._worker, self._clock() + LEASE)
