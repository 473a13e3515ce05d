"""SQLite without needless trips to a thread.

aiosqlite carries every call of a cursor to a thread of its own and back, some sixty times for one command in a room.
Only what may wait for another process or for the disk has to go there: beginning and ending a transaction, and
statements outside of one. Inside a transaction the lock is ours and a statement takes microseconds, so it runs at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite

QUEUE = 64
"""Rows that aiosqlite fetches at a time when somebody iterates; its own default."""

PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "secure_delete": "ON",  # a destroyed key must not stay in a free page
}


def connect(file: str, **options: Any) -> sqlite3.Connection:
    """A durable connection that leaves it to others when a transaction begins."""
    connection: sqlite3.Connection = sqlite3.connect(file, **options, isolation_level=None)
    try:
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}")
    except BaseException:
        connection.close()
        raise
    return connection


class NearConnection(aiosqlite.Connection):
    """A connection that runs in the event loop what cannot wait."""

    _cancelled = False

    @classmethod
    def make(cls, file: str, **options: Any) -> NearConnection:
        """What SQLAlchemy's `async_creator_fn` has to return for these arguments of `sqlite3.connect`."""
        # Loop and thread never use the connection at the same time: each call is awaited, or `_cancelled` is set.
        options["check_same_thread"] = False
        connection = cls(partial(connect, file, **options), QUEUE)
        connection._thread.daemon = True
        return connection

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not (self._cancelled or self._may_wait(fn)):
            return fn(*args, **kwargs)
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            # The thread may still be at it: from now on everything queues up behind, the closing above all.
            self._cancelled = True
            raise

    def _may_wait(self, function: Callable[..., Any]) -> bool:
        name = getattr(function, "__name__", "")
        if name in ("commit", "rollback"):
            return self._conn.in_transaction
        if name in ("execute", "executemany"):
            return not self._conn.in_transaction
        is_of_cursor = isinstance(getattr(function, "__self__", None), sqlite3.Cursor)
        return not (is_of_cursor or name == "cursor")
