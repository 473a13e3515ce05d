"""Several programs on one queue share the work, and whatever happens to one of them each file is answered once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ernbot.storage.errors import StorageBusy
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY, Cluster, Database
from tests.storage.samples import draft, image_job, original

ROOT = Path(__file__).parents[2]
SILENT = 3.0
PATIENCE = 90.0


@dataclass
class Team:
    """Workers as processes of their own, and what they noted."""

    database: Database
    store: Store
    folder: Path
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, worker: str, *, seconds: float = 0.05, silent: float = 30) -> None:
        arguments = ["-m", "tests.matrix.queue_worker", self.database.url, worker, str(self.folder)]
        arguments += ["--seconds", str(seconds), "--silent", str(silent)]
        with (self.folder / "log").open("ab") as log:
            self.processes[worker] = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=ROOT, stderr=log
            )

    async def signal(self, worker: str, number: signal.Signals) -> None:
        self.processes[worker].send_signal(number)
        if number is signal.SIGKILL:
            await self.processes.pop(worker).wait()

    def notes(self, name: str) -> list[tuple[str, str]]:
        """Senders and workers."""
        file = self.folder / name
        if not file.exists():
            return []
        return [(line.split()[0], line.split()[1]) for line in file.read_text().splitlines()]

    async def until(self, name: str, count: int) -> list[tuple[str, str]]:
        await eventually(lambda: len(self.notes(name)) >= count, lambda: f"{name}: {self.notes(name)}")
        return self.notes(name)

    async def drop(self, *names: str, case_id: str = "c-1") -> None:
        now = datetime.now(UTC)
        async with self.store.transaction() as tx:
            for name in names:
                job = replace(image_job(f"job-{name}"), case_id=case_id, sender=name, at=now, due_at=now)
                await tx.collect(job, original(f"${name}"), quiet=timedelta(0), size=1)

    async def is_idle(self) -> bool:
        async with self.store.transaction() as tx:
            return await tx.next_job_at() is None

    async def queued(self) -> list[tuple[str, str]]:
        """States and tasks of the rows of procrastinate, without its own upkeep."""
        query = f'SELECT status, task_name FROM "{self.database.name}_queue".procrastinate_jobs'
        async with self.store.engine.connect() as connection:
            rows = await connection.execute(text(query))
            return [(row.status, row.task_name) for row in rows if row.task_name == "look"]


async def eventually(is_so: Callable[[], bool | Awaitable[bool]], what: Callable[[], str]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = is_so()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(what())


@asynccontextmanager
async def _team(database: Database, folder: Path) -> AsyncIterator[Team]:
    store = await Store.open(database.url, MASTER_KEY)
    team = Team(database, store, folder)
    try:
        async with store.transaction() as tx:
            await tx.add_case(draft())
        yield team
    finally:
        for process in team.processes.values():
            with contextlib.suppress(ProcessLookupError):  # it ended by itself, which its test says
                process.kill()
            await process.wait()
        await store.close()


@pytest.fixture
async def team(database: Database, tmp_path: Path) -> AsyncIterator[Team]:
    async with _team(database, tmp_path) as team:
        yield team


@pytest.fixture
async def shared_team(postgresql: Cluster, tmp_path: Path) -> AsyncIterator[Team]:
    """On PostgreSQL alone."""
    name = f"shared_{tmp_path.name[-24:].lower().strip('_-').replace('-', '_')}"
    await postgresql.create(name)
    async with _team(Database(postgresql.url(name), name, None, postgresql), tmp_path) as team:
        yield team


async def test_two_workers_share_the_work_and_none_is_done_twice(team: Team) -> None:
    names = [f"sender-{number}" for number in range(40)]
    await team.start("one", seconds=0.2)
    await team.start("two", seconds=0.2)
    await team.until("started", 2)
    await asyncio.sleep(0.5)
    await team.drop(*names)
    ended = await team.until("ended", len(names))
    assert sorted(sender for sender, _ in ended) == sorted(names)
    assert sorted(team.notes("begun")) == sorted(ended), "each was begun once, by who ended it"
    assert {worker for _, worker in ended} == {"one", "two"}
    assert await team.is_idle()


async def test_the_work_of_a_killed_worker_is_taken_over(team: Team) -> None:
    await team.start("one", seconds=60, silent=SILENT)
    await team.drop("ann", "bea")
    await team.until("begun", 2)
    await team.start("two", silent=SILENT)
    await asyncio.sleep(0.5)
    assert team.notes("ended") == [], "it may still be at work elsewhere"
    await team.signal("one", signal.SIGKILL)
    assert sorted(await team.until("ended", 2)) == [("ann", "two"), ("bea", "two")]
    assert await team.is_idle()


async def test_a_killed_bot_goes_on_at_once_when_it_is_back(team: Team) -> None:
    await team.start("bot", seconds=60)
    await team.drop("ann")
    await team.until("begun", 1)
    await team.signal("bot", signal.SIGKILL)
    await team.start("bot")
    assert await team.until("ended", 1) == [("ann", "bot")]


async def test_a_worker_that_stood_still_does_not_finish_what_others_took_over(team: Team) -> None:
    """A machine that is moved or suspended: everything waits, and then it believes that no time has passed."""
    await team.start("one", seconds=1.5, silent=SILENT)
    await team.drop("ann")
    await team.until("begun", 1)
    await team.signal("one", signal.SIGSTOP)
    await team.start("two", seconds=3, silent=SILENT)
    await team.until("begun", 2)
    await team.signal("one", signal.SIGCONT)
    ended = await team.until("ended", 1)
    await asyncio.sleep(2)
    assert [sender for sender, _ in ended] == ["ann"]
    assert len(team.notes("ended")) == 1
    assert await team.is_idle()
    await team.drop("bea")
    await team.until("ended", 2)


async def test_the_files_of_a_withdrawn_case_are_dropped_before_anybody_looks(shared_team: Team) -> None:
    """They are in the queue already; what is left of them there is an id of nothing."""
    team = shared_team
    await team.start("one", seconds=1)
    await team.drop(*(f"first-{number}" for number in range(4)))
    await team.until("begun", 4)
    await team.drop("ann")

    async def is_queued() -> bool:
        return ("todo", "look") in await team.queued()

    await eventually(is_queued, lambda: "ann waits in the queue")
    async with team.store.transaction() as tx:
        await tx.drop_jobs("c-1")

    async def is_empty() -> bool:
        return await team.queued() == []

    await eventually(is_empty, lambda: "the queue is not empty")
    assert "ann" not in {sender for sender, _ in team.notes("begun")}
    assert team.notes("ended") == [], "and who was at work shows nothing any more"


async def test_a_database_that_is_away_for_a_while_is_waited_for(shared_team: Team, postgresql: Cluster) -> None:
    """Every connection is cut while files are looked at, and nobody is let in for longer than workers may be silent."""
    team = shared_team
    await team.start("one", seconds=0.7, silent=SILENT)
    await team.start("two", seconds=0.7, silent=SILENT)
    await team.until("started", 2)  # who cannot even begin ends, and is for an administrator to start again
    names = [f"sender-{number}" for number in range(12)]
    await team.drop(*names)
    await team.until("begun", 4)
    connection = await postgresql.connect()
    role = team.database.name
    try:
        await connection.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
        await asyncio.sleep(4)
        await connection.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    finally:
        await connection.close()
    ended = await team.until("ended", len(names))
    assert sorted(sender for sender, _ in ended) == sorted(names), "each once"
    with contextlib.suppress(StorageBusy):  # our own connections were cut too
        await team.is_idle()
    await team.drop("afterwards")
    await team.until("ended", len(names) + 1)
    assert all(process.returncode is None for process in team.processes.values())
    assert "Traceback" not in (team.folder / "log").read_text()
