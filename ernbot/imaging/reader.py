"""Files of which mostly the head is wanted, and for whom it makes no difference where they lie.

Runs in the sandbox only. A member of an archive can be read from its beginning and no other place, so that is all that
is asked of any file of a study.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, cast

Reader = Callable[[int], bytes]
"""The first so many bytes of a file, or all of it for -1."""

SHORT_HEAD = 16 * 2**10
HEAD = 64 * 2**10
"""Bytes in which the header of a DICOM file ends mostly, and nearly always."""


def of(file: BinaryIO) -> Reader:
    return partial(_read, file)


def _read(file: BinaryIO, limit: int) -> bytes:
    file.seek(0)
    return file.read(limit)


def opened(reader: Reader) -> BinaryIO:
    """What it reads as a file, seekable and read-only."""
    return cast(BinaryIO, _Held(reader))


class _Held(io.RawIOBase):
    """Holds the head first, and all of the file as soon as more is wanted."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._data, self._at, self._all = reader, b"", 0, False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._hold(-1)
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        self._hold(self._at + len(view))
        piece = self._data[self._at : self._at + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        self._hold(-1)
        rest = self._data[self._at :]
        self._at += len(rest)
        return rest

    def _hold(self, size: int) -> None:
        if self._all or 0 <= size <= len(self._data):
            return
        self._data = self._reader(SHORT_HEAD) if 0 <= size <= SHORT_HEAD and not self._data else self._reader(-1)
        self._all = size < 0 or size > SHORT_HEAD or len(self._data) < SHORT_HEAD
