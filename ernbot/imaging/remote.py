"""Files of the sandbox that are not there: every read is a question to the process that holds the keys.

Runs in the sandbox only. A question and its answer must never come apart: where one is interrupted half-way, the
process ends, since the next file would be read from the rest of this one.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NoReturn, cast

from ernbot.imaging.pipe import IS_OUTPUT, IS_READ, MESSAGE, PIECE, READ

BLOCK = 256 * 2**10
"""Read ahead, bytes: a question costs about as much as copying so many."""


class Pipe:
    """The worker's end: requests and the bytes of files come in, messages go out."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        """Descriptors. The outgoing one must not be standard output: a codec that prints would write into it."""
        self._in = os.fdopen(incoming, "rb")
        self._out = os.fdopen(outgoing, "wb")

    def read(self, length: int) -> bytes:
        """So many bytes, or fewer where the other end is gone."""
        return self._in.read(length)

    def send(self, kind: bytes, *parts: bytes | memoryview) -> None:
        """One message; the parts follow each other in its body."""
        self._out.write(MESSAGE.pack(kind, sum(len(part) for part in parts)))
        for part in parts:
            self._out.write(part)
        self._out.flush()

    def fetch(self, file: int, offset: int, length: int) -> bytes:
        """Bytes of a file of the request."""
        with _in_one_go():
            self.send(IS_READ, READ.pack(file, offset, length))
            data = self._in.read(length)
            if len(data) != length:
                leave()
        return data

    def fetch_into(self, file: int, offset: int, view: memoryview) -> None:
        """Bytes of a file of the request, without a copy."""
        with _in_one_go():
            self.send(IS_READ, READ.pack(file, offset, len(view)))
            if self._in.readinto(view) != len(view):
                leave()


@contextmanager
def _in_one_go() -> Iterator[None]:
    try:
        yield
    except BaseException:  # also a stack or a heap that is used up
        leave()


def leave() -> NoReturn:
    os._exit(1)


class RemoteFile(io.RawIOBase):
    """One file of the request, seekable and read-only; `opened` puts a buffer before it."""

    def __init__(self, pipe: Pipe, index: int, size: int) -> None:
        self._pipe, self._index, self._size, self._at = pipe, index, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError("before the beginning of the file")
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._at))
        if count:
            self._pipe.fetch_into(self._index, self._at, view[:count])
            self._at += count
        return count

    def readall(self) -> bytes:
        """The rest, asked for at once."""
        count = max(0, self._size - self._at)
        data = self._pipe.fetch(self._index, self._at, count) if count else b""
        self._at += count
        return data


def opened(pipe: Pipe, index: int, size: int) -> BinaryIO:
    """A buffered file to read."""
    return io.BufferedReader(RemoteFile(pipe, index, size), BLOCK)


class RemoteOutput(io.RawIOBase):
    """The cleaned file. It leaves as it is written, so it can be written once, from beginning to end."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._at = pipe, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        with _in_one_go():
            for at in range(0, len(view), PIECE):
                self._pipe.send(IS_OUTPUT, view[at : at + PIECE])
        self._at += len(view)
        return len(view)


def created(pipe: Pipe) -> BinaryIO:
    """A buffered file to write; flush it before the answer."""
    return cast(BinaryIO, io.BufferedWriter(RemoteOutput(pipe), PIECE))
