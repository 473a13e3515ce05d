"""A database that is locked or away: one clear, retryable error, nothing changed, and work goes on afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from ernbot.core.states import Action
from ernbot.storage import database as engines
from ernbot.storage.errors import StorageBusy
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY, Cluster

from .samples import DIRECTORY, NOW, REQUESTER, ROOM, draft, received


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 1)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Another process in the middle of a write."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


async def _receive(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.receive(received())


async def test_a_locked_sqlite_file_is_busy_and_then_works(tmp_path: Path) -> None:
    file = tmp_path / "ernbot.db"
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    with _locked(file):
        with pytest.raises(StorageBusy, match="Nothing was changed"):
            await _receive(store)
        with pytest.raises(StorageBusy):
            await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    async with store.transaction() as tx:
        assert await tx.pending() == []
    await _receive(store)
    await store.close()


async def test_a_lock_shorter_than_our_patience_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "ernbot.db"
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    with _locked(file):
        waiting = asyncio.create_task(_receive(store))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    await waiting
    await store.close()


async def test_a_locked_row_of_postgresql_is_busy_and_then_works(postgresql: Cluster) -> None:
    await postgresql.create("busy_row")
    store = await Store.open(postgresql.url("busy_row"), MASTER_KEY)
    async with store.transaction() as tx:
        await tx.add_case(draft())
        await tx.set_case_room("c-1", ROOM)
    other = await postgresql.connect("busy_row")
    lock = other.transaction()
    await lock.start()
    await other.execute("SELECT * FROM cases FOR UPDATE")

    async def read() -> None:
        async with store.transaction() as tx:
            await tx.set_language(REQUESTER, "da")
            await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)

    with pytest.raises(StorageBusy, match="Nothing was changed"):
        await read()
    async with store.transaction() as tx:
        assert await tx.language(REQUESTER) is None
    await lock.rollback()
    await other.close()
    await read()
    await store.close()


async def test_a_lost_connection_to_postgresql_is_busy_and_then_works(postgresql: Cluster) -> None:
    await postgresql.create("lost")
    store = await Store.open(postgresql.url("lost"), MASTER_KEY)
    other = await postgresql.connect()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lost'"

    async def lose_it_halfway() -> None:
        async with store.transaction() as tx:
            await tx.receive(received())
            await other.execute(end)
            await tx.pending()

    with pytest.raises(StorageBusy):
        await lose_it_halfway()
    async with store.transaction() as tx:
        assert await tx.pending() == []

    await other.execute(end)  # and while it rests in the pool
    await asyncio.sleep(0.1)
    with pytest.raises(StorageBusy):
        await _receive(store)
    await _receive(store)
    await other.close()
    await store.close()


async def test_those_who_use_the_engine_directly_are_told_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ernbot.db"
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    with _locked(file), pytest.raises(StorageBusy):
        async with store.engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
    await store.close()


async def test_the_event_loop_goes_on_while_the_database_is_locked(tmp_path: Path) -> None:
    """What may wait runs in a thread: a locked database must not stop everything else."""
    file = tmp_path / "ernbot.db"
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    ticks = 0
    with _locked(file):
        waiting = asyncio.create_task(_receive(store))
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(StorageBusy):
            await waiting
    assert ticks > 5
    await store.close()


async def test_who_gives_up_waiting_for_the_lock_leaves_none_behind(tmp_path: Path) -> None:
    """The thread gets the lock after its task was cancelled; it must not keep it."""
    file = tmp_path / "ernbot.db"
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    for _ in range(5):
        with _locked(file):
            waiting = asyncio.create_task(_receive(store))
            await asyncio.sleep(0.1)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with store.transaction() as tx:
            assert await tx.pending() == []
    await store.close()
    with _locked(file):
        pass
