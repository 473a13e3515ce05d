"""A worker as a process of its own, which tests kill: notes what it begins and ends, and looks at nothing."""

from __future__ import annotations

import argparse
import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from ernbot.matrix.jobs import Jobs
from ernbot.matrix.looking import Looking
from ernbot.storage import local_queue, shared_queue
from ernbot.storage.records import ImageJob
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY

HEARTBEAT = 0.3


class Notes:
    """Lines `sender worker` in the files `begun` and `ended`, which several processes write at once."""

    def __init__(self, store: Store, folder: Path, seconds: float) -> None:
        self._store = store
        self._folder = folder
        self._seconds = seconds

    async def look(self, job: ImageJob, worker: str) -> None:
        self._note("begun", job, worker)
        await asyncio.sleep(self._seconds)
        async with self._store.transaction() as tx:
            if not await tx.own_job(job.id, worker):
                return
            await tx.drop_job(job.id)
        self._note("ended", job, worker)

    async def show_progress(self, job: ImageJob, worker: str) -> None:
        pass

    def _note(self, name: str, job: ImageJob, worker: str) -> None:
        with (self._folder / name).open("a") as file:
            file.write(f"{job.sender} {worker}\n")


def hurry(silent: float) -> None:
    """What takes seconds in earnest, so that nobody has to wait for it."""
    for queue in (local_queue, shared_queue):
        queue.IDLE = 0.05  # type: ignore[attr-defined]
    local_queue.LEASE, local_queue.RENEWED_EVERY = timedelta(seconds=silent), HEARTBEAT
    shared_queue.HEARTBEAT, shared_queue.SILENT, shared_queue.CHECKED = HEARTBEAT, silent, "* * * * * *"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--silent", type=float, default=30, help="seconds after which its jobs go to others")
    options = parser.parse_args()
    hurry(options.silent)
    for noisy in ("procrastinate", "psycopg"):  # as `ernbot` does
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    store = await Store.open(options.database, MASTER_KEY)
    notes = cast(Looking, Notes(store, options.folder, options.seconds))
    with (options.folder / "started").open("a") as file:
        file.write(f"- {options.worker}\n")
    await Jobs(store, notes, worker=options.worker, clock=lambda: datetime.now(UTC)).run()


if __name__ == "__main__":
    asyncio.run(main())
