"""A database of SQLite that is no file of this machine: read by ranges, and never believed. Runs in the sandbox only.

SQLite reads through a file system of ours, which knows one file and can write nothing. A schema is text that a stranger
wrote: only tables that are nothing but tables are read, and no view, trigger, function or virtual table runs.
"""

# ruff: noqa: N802 - the methods of a file system are called as SQLite calls them

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import apsw

from ernbot.core.errors import Refused
from ernbot.imaging.pyramid import MAX_TILE_BYTES, Window

MAX_STEPS = 200
"""Each of `_STEP` instructions of SQLite's own machine: a tile takes some tens of them."""

_STEP = 100_000
_CACHE_KB = 4096
_STRETCH = 64 * 2**10
_NAME = "slide"
_FLAGS = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
_LIMITS = {
    apsw.SQLITE_LIMIT_LENGTH: MAX_TILE_BYTES,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 2**20,
    apsw.SQLITE_LIMIT_COLUMN: 200,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 20,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 1,
    apsw.SQLITE_LIMIT_ATTACHED: 0,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_SWITCHES = {
    apsw.SQLITE_DBCONFIG_DEFENSIVE: 1,
    apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_VIEW: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER: 0,
    apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_DQS_DML: 0,
}
_ALLOWED = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_READ})

_COMPUTED = re.compile(r"\b(AS|GENERATED|VIRTUAL)\b", re.IGNORECASE)
"""In the definition of a table: it is virtual, or computes a column when that is read."""


class Database:
    """What may be asked of an open database. Both methods raise `Refused` (`file-broken`, `file-too-complex`)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._plain: set[str] = set()

    def select(self, columns: str, table: str, where: str = "", *values: str) -> list[tuple[Any, ...]]:
        """At most two rows of a plain table; `columns` and `where` are ours, and never text of a file."""
        if table not in self._plain:
            found = self._ask("SELECT type, sql FROM sqlite_master WHERE name = ?", table)
            if len(found) != 1 or found[0][0] != "table" or _COMPUTED.search(str(found[0][1])):
                raise Refused("file-broken")
            self._plain.add(table)
        quoted = table.replace('"', '""')
        return self._ask(f'SELECT {columns} FROM "{quoted}" {where} LIMIT 2', *values)  # noqa: S608 - quoted

    def _ask(self, question: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return list(self._connection.execute(question, values))
        except apsw.InterruptError as error:
            raise Refused("file-too-complex") from error
        except apsw.Error as error:  # its text may quote the file
            raise Refused("file-broken") from error


@contextmanager
def opened(file: BinaryIO) -> Iterator[Database]:
    """The database in a file. Raises `Refused` `file-broken` where it is none."""
    files = _OneFile(file)
    try:
        connection = apsw.Connection(f"file:{_NAME}?immutable=1", flags=_FLAGS, vfs=_NAME)
        try:
            for limit, most in _LIMITS.items():
                connection.limit(limit, most)
            for switch, state in _SWITCHES.items():
                connection.config(switch, state)
            connection.execute(f"PRAGMA cell_size_check = ON; PRAGMA cache_size = -{_CACHE_KB}; PRAGMA mmap_size = 0")
            connection.authorizer = _authorized
            left = iter(range(MAX_STEPS))
            connection.set_progress_handler(lambda: next(left, None) is None, _STEP)
            yield Database(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise Refused("file-broken") from error
    finally:
        files.unregister()


def _authorized(action: int, *_: str | None) -> int:
    return int(apsw.SQLITE_OK if action in _ALLOWED else apsw.SQLITE_DENY)


class _OneFile(apsw.VFS):  # type: ignore[misc]
    """A file system with one file, whatever is asked for; besides it there is nothing, and nothing can be made."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(_NAME, "")
        self._file = file

    def xOpen(self, _name: Any, flags: list[int]) -> "_Ranges":
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError
        flags[1] = flags[0]
        return _Ranges(self._file)

    def xFullPathname(self, name: str) -> str:
        return name

    def xAccess(self, _name: str, _flags: int) -> bool:
        return False

    def xDelete(self, _name: str, _sync: bool) -> None:
        raise apsw.ReadOnlyError


class _Ranges:
    """The file as SQLite reads it, page by page."""

    def __init__(self, file: BinaryIO) -> None:
        self._size, self._window = file.seek(0, 2), Window(file, _STRETCH)

    def xRead(self, amount: int, offset: int) -> bytes:
        return self._window.read(offset, amount) if offset < self._size else b""

    def xFileSize(self) -> int:
        return self._size

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return int(apsw.SQLITE_IOCAP_IMMUTABLE)

    def xFileControl(self, _operation: int, _pointer: int) -> bool:
        return False

    def xLock(self, _level: int) -> None:
        """Nobody else has it."""

    def xUnlock(self, _level: int) -> None:
        """As `xLock`."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xClose(self) -> None:
        """The file is the caller's."""
