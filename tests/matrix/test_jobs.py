"""The queue of files: several at once, none twice, and each of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from ernbot.matrix import jobs as jobs_module
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.jobs import Jobs
from ernbot.matrix.looking import Looking
from ernbot.storage import local_queue, shared_queue
from ernbot.storage.errors import StorageBusy
from ernbot.storage.queue import LANES, LARGE, LARGE_LANES
from ernbot.storage.records import ImageJob
from ernbot.storage.store import Store
from tests.storage.samples import draft, image_job, original


class Eyes:
    """Looks at nothing: each job ends at once, fails as it is told to, or waits until it is let go."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.begun: list[str] = []
        self.attempts: list[int] = []
        self.ended: list[str] = []
        self.signs: list[str] = []
        self.faults: dict[str, list[Exception]] = {}
        self.held: set[str] = set()
        self.busy: list[StorageBusy] = []
        self.moved = asyncio.Event()
        self.let_go = asyncio.Event()

    async def look(self, job: ImageJob, worker: str) -> None:
        self.begun.append(job.sender)
        self.attempts.append(job.attempts)
        self.moved.set()
        if faults := self.faults.get(job.sender):
            raise faults.pop(0)
        if job.sender in self.held:
            await self.let_go.wait()
        async with self.store.transaction() as tx:
            if await tx.own_job(job.id, worker):
                await tx.drop_job(job.id)
                self.ended.append(job.sender)
        self.moved.set()

    async def show_progress(self, job: ImageJob, worker: str) -> None:
        if self.busy:
            raise self.busy.pop()
        self.signs.append(job.sender)
        self.moved.set()

    async def until(self, what: str, count: int) -> None:
        async with asyncio.timeout(20):
            while len(getattr(self, what)) < count:
                self.moved.clear()
                await self.moved.wait()


@pytest.fixture
async def eyes(store: Store, monkeypatch: pytest.MonkeyPatch) -> Eyes:
    for queue in (local_queue, shared_queue):
        monkeypatch.setattr(queue, "PAUSE", 0)
        monkeypatch.setattr(queue, "IDLE", 0.05)
    async with store.transaction() as tx:
        await tx.add_case(draft())
    return Eyes(store)


@asynccontextmanager
async def running(eyes: Eyes, worker: str = "bot") -> AsyncIterator[Jobs]:
    jobs = Jobs(eyes.store, cast(Looking, eyes), worker=worker, clock=lambda: datetime.now(UTC))
    task = asyncio.create_task(jobs.run())
    try:
        yield jobs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def drop(eyes: Eyes, *names: str, size: int = 1) -> None:
    """One file of each of these people."""
    now = datetime.now(UTC)
    async with eyes.store.transaction() as tx:
        for name in names:
            job = replace(image_job(f"job-{name}"), sender=name, at=now, due_at=now)
            await tx.collect(job, original(f"${name}"), quiet=timedelta(0), size=size)


async def is_empty(eyes: Eyes) -> bool:
    async with eyes.store.transaction() as tx:
        return await tx.next_job_at() is None


async def test_a_slow_file_holds_up_nobody(eyes: Eyes) -> None:
    eyes.held.add("slow")
    await drop(eyes, "slow")
    async with running(eyes) as jobs:
        await eyes.until("begun", 1)
        await drop(eyes, *"abcdefgh")
        jobs.wake()
        await eyes.until("ended", 8)
        assert "slow" not in eyes.ended
        eyes.let_go.set()
        await eyes.until("ended", 9)
    assert sorted(eyes.begun) == sorted(eyes.ended), "each was looked at once"
    assert await is_empty(eyes)


async def test_large_files_leave_lanes_to_small_ones(eyes: Eyes) -> None:
    large = [f"large-{number}" for number in range(LANES)]
    eyes.held.update(large)
    await drop(eyes, *large, size=LARGE + 1)
    async with running(eyes) as jobs:
        await eyes.until("begun", LARGE_LANES)
        await drop(eyes, "small")
        jobs.wake()
        await eyes.until("ended", 1)
        assert eyes.ended == ["small"]
        assert len(eyes.begun) == LARGE_LANES + 1
        eyes.let_go.set()
        await eyes.until("ended", LANES + 1)


async def test_what_goes_wrong_is_tried_again(eyes: Eyes, caplog: pytest.LogCaptureFixture) -> None:
    eyes.faults = {
        "away": [Unreachable("away"), MatrixError(429, "M_LIMIT_EXCEEDED"), Unreachable("away"), Unreachable("away")],
        "odd": [ValueError("Jane Doe"), MatrixError(403, "M_FORBIDDEN")],
    }
    await drop(eyes, "away", "odd")
    seen: list[int] = []
    take = eyes.look

    async def counted(job: ImageJob, worker: str) -> None:
        if job.sender == "away":
            seen.append(job.attempts)
        await take(job, worker)

    eyes.look = counted  # type: ignore[method-assign]
    async with running(eyes):
        await eyes.until("ended", 2)
    assert seen == [0] * 5, "a homeserver that is away is held against no file"
    assert eyes.begun.count("odd") == 3
    assert "ValueError" in caplog.text
    assert "Jane" not in caplog.text


async def test_a_worker_that_is_stopped_leaves_its_work_to_others(eyes: Eyes) -> None:
    eyes.held.add("kept")
    await drop(eyes, "kept")
    for worker in ("first", "second", "third"):
        async with running(eyes, worker):
            await eyes.until("begun", 1)
        eyes.begun.clear()
    eyes.held.clear()
    async with running(eyes, "fourth"):
        await eyes.until("ended", 1)
    assert eyes.attempts == [0, 0, 0, 0], "that a program is stopped is held against no file"


async def test_a_sign_is_shown_for_long_work_alone(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "PATIENCE", 0.2)
    eyes.held.add("long")
    eyes.busy = [StorageBusy(), StorageBusy()]  # a database that is away puts it off
    await drop(eyes, "long", "short")
    async with running(eyes):
        await eyes.until("signs", 1)
        eyes.let_go.set()
        await eyes.until("ended", 2)
    assert eyes.signs == ["long"]
