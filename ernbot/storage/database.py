"""Engines for SQLite and PostgreSQL that behave alike: real transactions, durable commits, bounded waiting.

A lock or a lost connection surfaces everywhere as `StorageBusy`, also for those who use the engine directly.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event, make_url
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ernbot.storage.errors import StorageBusy, StorageError
from ernbot.storage.sqlite import NearConnection

BUSY_SECONDS = 5
"""How long a statement waits for a lock before the transaction gives up."""

DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")

BUSY = "The database is locked or cannot be reached. Nothing was changed; try again in a moment."

BUSY_STATES = ("08", "40", "53", "55P03", "57P")
"""SQLSTATE prefixes: connection lost, rolled back by the server, out of resources, lock held, shutting down."""


def make_engine(url: str, *, create: bool = True) -> AsyncEngine:
    """An engine for one of `DRIVERS`; a SQLite file and its folder are made, readable by their owner alone.

    Without `create` the file must exist.

    Raises:
        StorageError: the address is of another kind, or there is no such file.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise StorageError("storage.database is no database address.") from None
    if address.drivername not in DRIVERS:
        raise StorageError(f"storage.database must begin with one of {', '.join(DRIVERS)}.")
    if address.drivername == "postgresql+asyncpg":
        limits = {"lock_timeout": f"{BUSY_SECONDS}s", "application_name": "ernbot"}
        engine = create_async_engine(address, connect_args={"server_settings": limits, "timeout": BUSY_SECONDS})
    else:
        if not address.database:
            raise StorageError("storage.database names no file.")
        if create:
            _make_file(Path(address.database))
        elif not Path(address.database).exists():
            raise StorageError(f"There is no database {address.database}. Check storage.database and where you stand.")
        engine = create_async_engine(
            address, connect_args={"timeout": BUSY_SECONDS, "async_creator_fn": NearConnection.make}
        )
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "handle_error", _say_busy, retval=True)
    return engine


def _make_file(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(f"{file}: the database cannot be opened: {error.strerror}.") from None


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns from reading to writing fails at once when another one wrote meanwhile.
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
    if begin:
        connection.exec_driver_sql(begin)


def _say_busy(context: ExceptionContext) -> StorageBusy | None:
    """What replaces a driver's error after which trying again later is right."""
    error = context.original_exception
    if not isinstance(error, Exception):
        return None  # the task was cancelled, which SQLAlchemy takes for a lost connection
    state = getattr(error, "sqlstate", None) or ""
    locked = isinstance(context.sqlalchemy_exception, OperationalError) and "is locked" in str(error)
    return StorageBusy(BUSY) if context.is_disconnect or locked or state.startswith(BUSY_STATES) else None


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction, which commits unless the body raises.

    Raises:
        StorageBusy: the database cannot be reached.
    """
    connection = engine.connect()
    try:
        await connection.start()
    except (OSError, PoolTimeout):
        raise StorageBusy(BUSY) from None
    try:
        async with connection.begin():
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that reads one unchanging state of the database and holds up no writer."""
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {"sqlite_begin": "BEGIN"}
    async with engine.connect() as connection:
        await connection.execution_options(**level)
        async with connection.begin():
            yield connection


async def flush_journal(engine: AsyncEngine) -> None:
    """Rid SQLite's journal of pages with overwritten content. Readers of old snapshots may put it off."""
    async with engine.connect() as connection:
        await connection.execution_options(sqlite_begin=None)
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
