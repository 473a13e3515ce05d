"""The store: opens a database, brings its schema up to date, and hands out transactions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ernbot.core.errors import Refused
from ernbot.storage.audit import PURPOSE, append, begin_chain
from ernbot.storage.database import connected, flush_journal, make_engine
from ernbot.storage.errors import StorageError
from ernbot.storage.migrations import migrate
from ernbot.storage.tables import vault_keys
from ernbot.storage.transaction import Transaction
from ernbot.storage.vault import KEY_BYTES, ROOT, Keyring, Vault


class Store:
    """One open database. Close it before the event loop ends."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer: tasks of this process queue here in order, instead of waiting on the file by chance.
        self._turn: AbstractAsyncContextManager[object] = asyncio.Lock() if self._is_sqlite else nullcontext()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.vault = vault
        self._audit_key = vault.derive(PURPOSE)

    @classmethod
    async def open(cls, url: str, master_key: bytes, previous: Sequence[bytes] = (), *, create: bool = True) -> Store:
        """Open a database, made (unless `create` is false) or migrated as needed.

        Raises:
            StorageError: the address or the file cannot be used, or a newer version of the program made the database.
            StorageBusy: it is locked or cannot be reached.
            WrongKey: it was encrypted with a master key that is not among those given.
        """
        engine = make_engine(url, create=create)
        keyring = Keyring(master_key, previous)
        try:
            async with connected(engine) as connection:
                await migrate(connection)
                vault = Vault(keyring, await _root(connection, keyring))
        except DBAPIError as error:
            await engine.dispose()
            raise StorageError(f"The database cannot be used: {error.orig}.") from error
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine, vault)

    async def close(self) -> None:
        await self._engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        """For the bridge's own tables; cases are reached through `transaction` alone."""
        return self._engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Everything done in the body, committed together when it ends and undone when it raises.

        A `Refused` that leaves the body undoes its rows and keeps its audit entries; any other exception undoes both.

        Raises:
            StorageBusy: the database is locked or cannot be reached; nothing was changed.
            RuntimeError: this task has a transaction open already, and would wait for itself.
        """
        task = asyncio.current_task()
        assert task is not None
        if task in self._tasks:
            raise RuntimeError("this task has a transaction open already; use savepoint()")
        self._tasks.add(task)
        try:
            async with self._turn:
                try:
                    async with connected(self._engine) as connection:
                        work = Transaction(connection, self.vault)
                        yield work
                        await append(connection, self._audit_key, work.audited)
                except Refused:
                    async with connected(self._engine) as connection:
                        await append(connection, self._audit_key, work.audited)
                    raise
                work.settle_keys()
                if work.destroyed_keys and self._is_sqlite:
                    await flush_journal(self._engine)
        finally:
            self._tasks.discard(task)


async def _root(connection: AsyncConnection, keyring: Keyring) -> bytes:
    """The root secret, made together with the audit chain in a new database.

    Raises:
        WrongKey: the master key is not the one of this database.
    """
    query = select(vault_keys.c.wrapped, vault_keys.c.master_key_id).where(vault_keys.c.scope == ROOT)
    row = (await connection.execute(query)).one_or_none()
    if row is not None:
        return keyring.unwrap(ROOT, row.wrapped, row.master_key_id)
    root = os.urandom(KEY_BYTES)
    await connection.execute(
        insert(vault_keys).values(
            scope=ROOT,
            wrapped=keyring.wrap(ROOT, root),
            master_key_id=keyring.current_id,
            created_at=datetime.now(UTC),
        )
    )
    await begin_chain(connection, Vault(keyring, root).derive(PURPOSE))
    return root
