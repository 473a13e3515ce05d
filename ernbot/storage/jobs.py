"""Files that wait to be looked at: collected for a short time, then taken by one worker, on this machine or another.

Nothing here knows what a file is. A worker owns a job until its time runs out; whoever finishes one must own it still,
so that a job that was taken over is finished once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from ernbot.storage.errors import Shredded
from ernbot.storage.records import ImageJob, Original
from ernbot.storage.sealing import SealedRows, case_scope, from_json, sealed, to_json
from ernbot.storage.tables import image_job_files, image_jobs

MAX_FILES = 2_000
"""Files in one job; the next one begins another."""

MAX_BYTES = 2 * 2**30
"""Bytes in one job, for all of it lies encrypted on the disk at once; a single file is always taken."""

MAX_COLLECTING = timedelta(seconds=60)
"""How long a job takes more files, however fast they follow each other."""


class JobRows(SealedRows):
    """The part of a transaction that holds files not shown yet."""

    async def collect(self, job: ImageJob, original: Original, *, quiet: timedelta, size: int) -> None:
        """Add a file to what its sender is dropping into a room; `job` is how a new one begins.

        More may follow within `quiet` of this file. Nothing happens when the file was added before.
        """
        row = (
            await self._connection.execute(
                select(image_jobs)
                .where(
                    image_jobs.c.room_id == job.room_id,
                    image_jobs.c.sender == job.sender,
                    image_jobs.c.state == "collecting",
                )
                .order_by(image_jobs.c.at, image_jobs.c.id)
                .with_for_update()
            )
        ).first()
        if row is not None and (
            row.files >= MAX_FILES or row.size + size > MAX_BYTES or row.at + MAX_COLLECTING <= job.at
        ):
            await self._change(row.id, state="waiting")
            row = None
        if row is None:
            await self._begin(job)
            number, due_at, known, began = 0, job.at, 0, job.at
        else:
            number, due_at, known, began = row.files, row.due_at, row.size, row.at
        job_id = row.id if row is not None else job.id
        if await self._add_original(job_id, case_scope(job.case_id), number, original):
            due_at = min(max(due_at, job.at + quiet), began + MAX_COLLECTING)
            await self._change(job_id, files=number + 1, size=known + size, due_at=due_at)
        elif row is None:
            await self.drop_job(job_id)

    async def keep_asked(self, job: ImageJob, originals: Sequence[Original]) -> None:
        """A job of its own for files about which their sender was asked; they may belong to another one until now."""
        await self._begin(job)
        await self._connection.execute(
            delete(image_job_files).where(image_job_files.c.event_id.in_([each.event_id for each in originals]))
        )
        for number, original in enumerate(originals):
            await self._add_original(job.id, case_scope(job.case_id), number, original)

    async def _begin(self, job: ImageJob) -> None:
        scope = case_scope(job.case_id)
        await self._connection.execute(
            insert(image_jobs).values(
                id=job.id,
                case_id=job.case_id,
                room_id=job.room_id,
                sender=job.sender,
                state=job.state,
                at=job.at,
                due_at=job.due_at,
                files=job.files,
                size=job.size,
                scope=scope,
                data=await self._seal(scope, to_json(job.data), image_jobs, "data", job.id),
            )
        )

    async def _add_original(self, job_id: str, scope: str, number: int, original: Original) -> bool:
        content = await self._seal(scope, to_json(original.content), image_job_files, "content", original.event_id)
        return await self._add(
            image_job_files,
            "event_id",
            event_id=original.event_id,
            job_id=job_id,
            number=number,
            scope=scope,
            content=content,
        )

    async def _change(self, job_id: str, **values: Any) -> None:
        await self._connection.execute(update(image_jobs).where(image_jobs.c.id == job_id).values(**values))

    async def next_job_at(self) -> datetime | None:
        """When the next job is due; None while there is none."""
        due_at: datetime | None = await self._connection.scalar(select(func.min(image_jobs.c.due_at)))
        return due_at

    async def take_job(self, worker: str, at: datetime, lease: timedelta, *, largest: int) -> ImageJob | None:
        """Make the job that has been due longest this worker's own until `at + lease`, as it was before.

        Jobs of more than `largest` bytes are left to others. None when there is nothing to take.
        """
        query = sealed(image_jobs).where(image_jobs.c.due_at <= at, image_jobs.c.size <= largest)
        for row in (await self._connection.execute(query.order_by(image_jobs.c.due_at).limit(8))).all():
            ours = await self._connection.execute(
                update(image_jobs)
                .where(image_jobs.c.id == row.id, image_jobs.c.state == row.state, image_jobs.c.due_at == row.due_at)
                .values(state="running", worker=worker, due_at=at + lease, attempts=image_jobs.c.attempts + 1)
            )
            if ours.rowcount == 1:
                try:
                    return self._job(row)
                except Shredded:
                    await self.drop_job(row.id)
        return None

    def _job(self, row: Row[Any]) -> ImageJob:
        return ImageJob(
            id=row.id,
            case_id=row.case_id,
            room_id=row.room_id,
            sender=row.sender,
            state=row.state,
            at=row.at,
            due_at=row.due_at,
            attempts=row.attempts,
            files=row.files,
            size=row.size,
            worker=row.worker,
            data=from_json(self._open(row, image_jobs, "data", row.id)),
        )

    async def job(self, job_id: str) -> ImageJob | None:
        """A job as it is now.

        Raises:
            Shredded: the key of its case was destroyed.
        """
        row = (await self._connection.execute(sealed(image_jobs).where(image_jobs.c.id == job_id))).one_or_none()
        return self._job(row) if row is not None else None

    async def asked_jobs(self, room_id: str, user_id: str) -> list[ImageJob]:
        """The questions in a room that somebody has not answered yet, newest first."""
        query = sealed(image_jobs).where(
            image_jobs.c.room_id == room_id, image_jobs.c.sender == user_id, image_jobs.c.state == "asked"
        )
        return [self._job(row) for row in await self._connection.execute(query.order_by(image_jobs.c.at.desc()))]

    async def originals(self, job_id: str) -> list[Original]:
        """The files of a job in the order in which they came."""
        query = sealed(image_job_files).where(image_job_files.c.job_id == job_id)
        rows = await self._connection.execute(query.order_by(image_job_files.c.number))
        return [
            Original(row.event_id, from_json(self._open(row, image_job_files, "content", row.event_id))) for row in rows
        ]

    async def own_job(self, job_id: str, worker: str) -> bool:
        """Whether a job still belongs to this worker; the row is held until the transaction ends."""
        query = select(image_jobs.c.id).where(
            image_jobs.c.id == job_id, image_jobs.c.state == "running", image_jobs.c.worker == worker
        )
        return await self._connection.scalar(query.with_for_update()) is not None

    async def keep_job(self, job_id: str, worker: str, until: datetime) -> None:
        """Own a job for longer."""
        mine = (image_jobs.c.id == job_id, image_jobs.c.state == "running", image_jobs.c.worker == worker)
        await self._connection.execute(update(image_jobs).where(*mine).values(due_at=until))

    async def note_job(self, job: ImageJob, data: dict[str, Any]) -> None:
        """Remember what was found or agreed on."""
        value = await self._seal(case_scope(job.case_id), to_json(data), image_jobs, "data", job.id)
        await self._change(job.id, data=value)

    async def postpone_job(self, job_id: str, until: datetime, *, counts: bool) -> None:
        """Give a job back; the attempt is forgotten unless it `counts`."""
        attempts = image_jobs.c.attempts if counts else image_jobs.c.attempts - 1
        await self._change(job_id, state="waiting", worker=None, due_at=until, attempts=attempts)

    async def resume_job(self, job: ImageJob, data: dict[str, Any], at: datetime) -> None:
        """A question is answered: the job is due now, with nothing held against it."""
        await self.note_job(job, data)
        await self._change(job.id, state="waiting", worker=None, due_at=at, attempts=0)

    async def release_jobs(self, worker: str, at: datetime) -> None:
        """A worker that has just started runs nothing: what it ran before is due now."""
        mine = (image_jobs.c.state == "running", image_jobs.c.worker == worker)
        await self._connection.execute(update(image_jobs).where(*mine).values(state="waiting", worker=None, due_at=at))

    async def drop_job(self, job_id: str) -> None:
        """Forget a job and the keys of its files."""
        await self._connection.execute(delete(image_job_files).where(image_job_files.c.job_id == job_id))
        await self._connection.execute(delete(image_jobs).where(image_jobs.c.id == job_id))

    async def drop_jobs(self, case_id: str) -> list[str]:
        """Forget everything of a case that was not shown yet, by job; who runs one of these cannot finish it."""
        query = select(image_jobs.c.id).where(image_jobs.c.case_id == case_id)
        dropped = list(await self._connection.scalars(query))
        for job_id in dropped:
            await self.drop_job(job_id)
        return dropped


def new_job_id() -> str:
    return secrets.token_urlsafe(12)
