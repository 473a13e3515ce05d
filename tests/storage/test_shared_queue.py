"""The queue on PostgreSQL: its tables, what is written into them, and where it connects to."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url, text

from ernbot.storage.database import connected
from ernbot.storage.errors import StorageError
from ernbot.storage.queue import LARGE
from ernbot.storage.queue_schema import prepare
from ernbot.storage.shared_queue import address
from ernbot.storage.store import Store
from tests.fixtures_database import Database

from .samples import CLINICAL_WORDS, EXPERT, NOW, REQUESTER, draft, image_job, original

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

QUIET = timedelta(seconds=2)
DAY = timedelta(days=1)


@pytest.fixture
async def queue(store: Store) -> str:
    """The schema of the queue, beside one case."""
    async with store.transaction() as tx:
        await tx.add_case(draft())
    return await made(store)


async def made(store: Store) -> str:
    async with connected(store.engine) as connection:
        return await prepare(connection)


async def drop(store: Store, event_id: str, at: datetime = NOW, *, sender: str = REQUESTER, size: int = 10) -> None:
    async with store.transaction() as tx:
        job = replace(image_job(f"job-of-{event_id}"), sender=sender, at=at, due_at=at)
        await tx.collect(job, original(event_id), quiet=QUIET, size=size)


async def queue_due(store: Store, queue: str, at: datetime) -> None:
    async with store.transaction() as tx:
        await tx.queue_jobs(at, queue)


async def rows(store: Store, queue: str) -> list[tuple[str, str, str, dict[str, str]]]:
    query = f'SELECT status, queue_name, queueing_lock, args FROM "{queue}".procrastinate_jobs ORDER BY id'
    async with store.engine.connect() as connection:
        return [
            (row.status, row.queue_name, row.queueing_lock, row.args) for row in await connection.execute(text(query))
        ]


async def execute(store: Store, sql: str) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(sql))


async def test_what_is_due_is_put_into_the_queue_once(store: Store, queue: str) -> None:
    await drop(store, "$1")
    await drop(store, "$2", sender=EXPERT, size=LARGE + 1)
    await queue_due(store, queue, NOW)
    assert await rows(store, queue) == [], "another file may follow"
    await asyncio.gather(*(queue_due(store, queue, NOW + QUIET) for _ in range(5)))
    first, second = {"job_id": "job-of-$1"}, {"job_id": "job-of-$2"}
    assert sorted(await rows(store, queue), key=str) == [
        ("todo", "large", "job-of-$2", second),
        ("todo", "small", "job-of-$1", first),
    ]
    async with store.transaction() as tx:
        assert await tx.next_unqueued_at() is None


async def test_a_job_is_in_the_queue_together_with_its_state_or_not_at_all(store: Store, queue: str) -> None:
    await drop(store, "$1")
    with contextlib.suppress(ZeroDivisionError):
        async with store.transaction() as tx:
            await tx.queue_jobs(NOW + QUIET, queue)
            raise ZeroDivisionError
    assert await rows(store, queue) == []
    async with store.transaction() as tx:
        assert await tx.next_unqueued_at() == NOW + QUIET


async def test_who_begins_a_job_takes_it_from_whoever_had_it(store: Store, queue: str) -> None:
    await drop(store, "$1")
    await queue_due(store, queue, NOW + QUIET)
    async with store.transaction() as tx:
        first = await tx.begin_job("job-of-$1", "one")
    async with store.transaction() as tx:
        second = await tx.begin_job("job-of-$1", "two")
        assert await tx.begin_job("another", "two") is None
        assert not await tx.own_job("job-of-$1", "one")
        await tx.requeue_job("job-of-$1", "one", counts=False)
        assert await tx.own_job("job-of-$1", "two")
    assert first is not None
    assert second is not None
    assert (first.attempts, second.attempts) == (0, 1)


async def test_a_destroyed_key_ends_a_queued_job(store: Store, queue: str) -> None:
    await drop(store, "$1")
    await queue_due(store, queue, NOW + QUIET)
    await execute(store, "DELETE FROM vault_keys WHERE scope = 'case:c-1'")
    async with store.transaction() as tx:
        assert await tx.begin_job("job-of-$1", "one") is None
    async with store.transaction() as tx:
        assert await tx.next_job_at() is None


async def test_what_the_queue_has_lost_is_due_again(store: Store, queue: str) -> None:
    """As after a backup of our tables alone, or an update from a version that had no queue."""
    await drop(store, "$1")
    await drop(store, "$2", sender=EXPERT)
    await queue_due(store, queue, NOW + QUIET)
    async with store.transaction() as tx:
        await tx.begin_job("job-of-$1", "one")
        await tx.find_lost_jobs(NOW + DAY, queue)
        assert await tx.own_job("job-of-$1", "one"), "the queue knows of it"
    await execute(store, f'TRUNCATE "{queue}".procrastinate_jobs CASCADE')
    async with store.transaction() as tx:
        await tx.find_lost_jobs(NOW + DAY, queue)
        assert not await tx.own_job("job-of-$1", "one")
    await queue_due(store, queue, NOW + DAY)
    assert len(await rows(store, queue)) == 2


async def test_the_queue_knows_ids_of_jobs_and_nothing_else(store: Store, queue: str, database: Database) -> None:
    await drop(store, "$1")
    await queue_due(store, queue, NOW + QUIET)
    copy = database.raw().decode(errors="replace")
    lines = [line for line in copy.splitlines() if queue in line and "INSERT" in line]
    assert any("job-of-$1" in line for line in lines)
    for word in (*CLINICAL_WORDS, REQUESTER, "c-1"):
        assert not [line for line in lines if word in line]


async def test_the_tables_of_the_queue_are_made_once(store: Store) -> None:
    names = await asyncio.gather(*(made(store) for _ in range(3)))
    assert len(set(names)) == 1
    assert await rows(store, names[0]) == []


async def test_the_tables_of_an_older_library_are_brought_up_to_date(store: Store, database: Database) -> None:
    fresh = await functions(store, await made(store))
    assert database.cluster is not None
    connection = await database.cluster.connect(database.name)
    queue, last = f"{database.name}_queue", "03.03.00_01_pre_priority_lock_fetch_job"
    try:
        await connection.execute(f"DROP SCHEMA {queue} CASCADE; CREATE SCHEMA {queue}; SET search_path TO {queue}")
        for change in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
            if change.stem <= last:
                await connection.execute(change.read_text())
        await connection.execute(f"COMMENT ON SCHEMA {queue} IS '{last}'")
    finally:
        await connection.close()
    assert await functions(store, queue) != fresh
    await made(store)
    assert await functions(store, queue) == fresh
    await made(store)


async def functions(store: Store, queue: str) -> set[str]:
    query = text("SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace(:queue)")
    async with store.engine.connect() as connection:
        return set(await connection.scalars(query, {"queue": queue}))


async def test_the_tables_of_a_newer_library_are_left_alone(store: Store, queue: str) -> None:
    await execute(store, f"COMMENT ON SCHEMA \"{queue}\" IS '99.00.00_01_pre_future'")
    with pytest.raises(StorageError, match="A newer version of this program"):
        await made(store)


async def test_a_role_that_may_not_make_the_schema_is_told_what_to_do(store: Store, database: Database) -> None:
    assert database.cluster is not None
    connection = await database.cluster.connect()
    try:
        await connection.execute(f"REVOKE CREATE ON DATABASE postgres FROM {database.name}")
        with pytest.raises(StorageError, match=rf"CREATE SCHEMA \"{database.name}_queue\" AUTHORIZATION"):
            await made(store)
        await connection.execute(f"CREATE SCHEMA {database.name}_queue AUTHORIZATION {database.name}")
        assert await made(store) == f"{database.name}_queue"
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+asyncpg://ernbot@postgres/ernbot",
            {"host": "postgres", "user": "ernbot", "dbname": "ernbot"},
        ),
        (
            "postgresql+asyncpg://u:p%40ss%20word'@db:5433/x?ssl=verify-full&command_timeout=3",
            {
                "host": "db",
                "port": "5433",
                "user": "u",
                "password": "p@ss word'",
                "dbname": "x",
                "sslmode": "verify-full",
            },
        ),
        (
            "postgresql+asyncpg://u@/x?host=/run/sockets",
            {"host": "/run/sockets", "user": "u", "dbname": "x"},
        ),
        (
            "postgresql+asyncpg://u@/x?host=one:5432&host=two:5433&target_session_attrs=read-write",
            {"host": "one,two", "port": "5432,5433", "user": "u", "dbname": "x", "target_session_attrs": "read-write"},
        ),
    ],
)
async def test_the_address_of_the_database_is_that_of_the_queue(
    database: Database, url: str, expected: dict[str, str]
) -> None:
    found = conninfo_to_dict(address(make_url(url), "ernbot_queue"))
    assert found.pop("options") == '-c search_path="ernbot_queue"'
    assert {name: found[name] for name in found if name not in ("connect_timeout", "application_name")} == expected


async def test_an_address_that_the_queue_cannot_read_is_one_sentence(database: Database) -> None:
    with pytest.raises(StorageError, match=r"^storage\.database: invalid connection option"):
        address(make_url("postgresql+asyncpg://u@db/x?server_settings=y"), "ernbot_queue")
