"""Who looks at which files: a queue gives each job that is due to one worker, and again when that one falls silent.

There are two, with one interface: `local_queue` for SQLite and `shared_queue` for PostgreSQL. What a job is, and how
far it has come, stands in our own tables (`jobs`); a queue knows no more than its id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ernbot.storage.records import ImageJob

LANES = 4
"""Jobs that one worker has under way: some wait for the homeserver while others are decoded."""

LARGE = 32 * 2**20
LARGE_LANES = 2
"""Of these, jobs of more bytes than that: a slide of a gigabyte leaves room for photographs."""

IDLE = 2.0
"""Seconds after which a worker looks by itself for what nobody told it."""

PAUSE = 5.0
"""Seconds that a job waits for a homeserver that is away, or after something unforeseen."""


class Again(Exception):
    """The job is not done; `counts` when that is to be held against it."""

    def __init__(self, *, counts: bool) -> None:
        super().__init__()
        self.counts = counts


Work = Callable[[ImageJob], Awaitable[None]]
"""What is done with a job. Raises `Again` and nothing else."""


class Queue(Protocol):
    """Jobs for one worker. Its name is that of a program: two that run at once need two names."""

    def wake(self) -> None:
        """There may be something new."""

    async def run(self, work: Work) -> None:
        """Have jobs worked off for ever, several at once; what this worker ran before it died is due again.

        Who is cancelled gives back what was under way: it is due at once, with nothing held against it.

        Raises:
            StorageError: the database refuses us for good; one that is away is waited for.
        """
