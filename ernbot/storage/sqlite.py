"""SQLite without needless trips to a thread.

aiosqlite carries every call of a cursor to a thread of its own and back, some sixty times for one command in a room.
Only what waits for another process or for the disk has to go there: beginning a transaction while another process
writes, ending one that changed something, and statements outside of one. Everything else takes microseconds, so it
runs at once: inside a transaction the lock is ours.
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
    _changes_before = 0

    @classmethod
    def make(cls, file: str, **options: Any) -> NearConnection:
        """What SQLAlchemy's `async_creator_fn` has to return for these arguments of `sqlite3.connect`."""
        # Loop and thread never use the connection at the same time: each call is awaited, or `_cancelled` is set.
        options["check_same_thread"] = False
        connection = cls(partial(connect, file, **options), QUEUE)
        connection._thread.daemon = True
        return connection

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._cancelled:
            if not self._may_wait(fn):
                return fn(*args, **kwargs)
            if args and str(args[0]).startswith("BEGIN"):
                self._changes_before = self._conn.total_changes
                if self._begins_at_once(fn, *args):
                    return None
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            # The thread may still be at it: from now on everything queues up behind, the closing above all.
            self._cancelled = True
            raise

    def _begins_at_once(self, function: Callable[..., Any], *args: Any) -> bool:
        """Begin a transaction without waiting; whether no other process was in the way."""
        ((patience,),) = self._conn.execute("PRAGMA busy_timeout")
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            function(*args)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout = {patience}")
        return True

    def _may_wait(self, function: Callable[..., Any]) -> bool:
        name = getattr(function, "__name__", "")
        if name in ("commit", "rollback"):
            # What only read has nothing to bring to the disk.
            return self._conn.in_transaction and self._conn.total_changes != self._changes_before
        if name in ("execute", "executemany"):
            return not self._conn.in_transaction
        is_of_cursor = isinstance(getattr(function, "__self__", None), sqlite3.Cursor)
        return not (is_of_cursor or name == "cursor")
