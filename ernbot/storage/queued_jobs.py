"""Jobs in procrastinate's queue on PostgreSQL: what we say to it within our own transactions.

The state `queued` of a job and its row in the queue are written together or not at all. A job in the queue, or at work,
has exactly one row there; whoever finds none puts the job back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select, text, update

from ernbot.storage.errors import Shredded
from ernbot.storage.jobs import JobRows
from ernbot.storage.queue import LARGE
from ernbot.storage.records import ImageJob
from ernbot.storage.sealing import sealed
from ernbot.storage.tables import image_jobs

TASK = "look"
SMALL_QUEUE, LARGE_QUEUE = "small", "large"

AT_ONCE = 100
UNQUEUED = image_jobs.c.state.in_(("collecting", "waiting", "asked"))
QUEUED = image_jobs.c.state.in_(("queued", "running"))

_PATH = text("SELECT set_config('search_path', quote_ident(:queue) || ', ' || current_setting('search_path'), true)")
"""Functions of the library find its tables by the search path, here until the transaction ends."""

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW("
    "CAST(:queue AS text), CAST(:task AS text), 0, NULL, CAST(:job AS text), jsonb_build_object('job_id', :job), NULL"
    ")]::procrastinate_job_to_defer_v1[])"
)
_RETRY = text(
    "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs"
    " WHERE status = 'doing' AND queueing_lock = ANY(:jobs)"
)
_NOT_IN_QUEUE = text(
    "NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = image_jobs.id AND status IN ('todo', 'doing'))"
)


class QueuedJobRows(JobRows):
    """The part of a transaction that hands jobs to the queue and takes them from it; `queue` is its schema."""

    async def queue_jobs(self, at: datetime, queue: str) -> None:
        """Put what is due into the queue; others may do the same at the same moment."""
        due = select(image_jobs.c.id, image_jobs.c.size).where(UNQUEUED, image_jobs.c.due_at <= at)
        due = due.order_by(image_jobs.c.due_at).limit(AT_ONCE).with_for_update(skip_locked=True)
        rows = (await self._connection.execute(due)).all()
        if not rows:
            return
        await self._connection.execute(_PATH, {"queue": queue})
        for row in rows:
            await self._change(row.id, state="queued", worker=None)
            lane = LARGE_QUEUE if row.size > LARGE else SMALL_QUEUE
            await self._connection.execute(_DEFER, {"queue": lane, "task": TASK, "job": row.id})

    async def next_unqueued_at(self) -> datetime | None:
        """When the next job is due that is not in the queue yet."""
        due_at: datetime | None = await self._connection.scalar(select(func.min(image_jobs.c.due_at)).where(UNQUEUED))
        return due_at

    async def begin_job(self, job_id: str, worker: str) -> ImageJob | None:
        """Make a job that came out of the queue this worker's own, as it was before; None when there is none any more.

        Whoever ran it until now has lost it, see `own_job`.
        """
        ours = update(image_jobs).where(image_jobs.c.id == job_id, QUEUED)
        ours = ours.values(state="running", worker=worker, attempts=image_jobs.c.attempts + 1)
        if (await self._connection.execute(ours)).rowcount != 1:
            return None
        row = (await self._connection.execute(sealed(image_jobs).where(image_jobs.c.id == job_id))).one()
        try:
            return replace(self._job(row), attempts=row.attempts - 1)
        except Shredded:
            await self.drop_job(job_id)
            return None

    async def requeue_job(self, job_id: str, worker: str, *, counts: bool) -> None:
        """A job that the queue will give out again; the attempt is forgotten unless it `counts`."""
        if await self.own_job(job_id, worker):
            attempts = image_jobs.c.attempts if counts else image_jobs.c.attempts - 1
            await self._change(job_id, state="queued", worker=None, attempts=attempts)

    async def reclaim_jobs(self, worker: str, queue: str) -> None:
        """A worker that has just started runs nothing: what it ran before is due now."""
        mine = update(image_jobs).where(image_jobs.c.state == "running", image_jobs.c.worker == worker)
        mine = mine.values(state="queued", worker=None)
        jobs = list(await self._connection.scalars(mine.returning(image_jobs.c.id)))
        if jobs:
            await self._connection.execute(_PATH, {"queue": queue})
            await self._connection.execute(_RETRY, {"jobs": jobs})

    async def find_lost_jobs(self, at: datetime, queue: str) -> None:
        """What should be in the queue and is not is due now.

        A worker that stood still can finish the row of the one that took over; a backup can be older than the queue.
        """
        await self._connection.execute(_PATH, {"queue": queue})
        lost = update(image_jobs).where(QUEUED, _NOT_IN_QUEUE)
        await self._connection.execute(lost.values(state="waiting", worker=None, due_at=at))
