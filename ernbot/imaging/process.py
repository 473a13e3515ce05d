"""One sandboxed process, and the end of its pipe that is beside the keys.

Believes nothing: a message that no honest worker sends is the end of it. Only the bytes of the files of one request
can be had through it, and not endlessly often.
"""

import asyncio
import json
import math
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import ernbot
from ernbot.imaging.pipe import (
    IS_ANSWER,
    IS_OUTPUT,
    IS_PROGRESS,
    IS_READ,
    IS_READY,
    LARGEST,
    MAX_WORDS,
    MESSAGE,
    PIECE,
    PROGRESS,
    READ,
    REQUEST,
    WORDS,
)
from ernbot.imaging.source import Source

_START_SECONDS = 60.0
_LAST_SECONDS = 1.0
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",  # each thread would take 64 MB of the address space for a heap of its own
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_SPARE = 64 * 2**20
_TIMES = 4
"""A worker may read each file so many times, and so much more: decoders seek back and read ahead."""

_LEAST_READ = 4 * 2**10
"""What a smaller read counts, so that nobody asks for one byte for ever."""

Sink = Callable[[bytes], Awaitable[None]]
Progress = Callable[[float], None]


class WorkerFailed(RuntimeError):
    """No worker can be started on this machine; the text says how to find out why."""


class Died(Exception):
    """The process ended, or said what no honest worker says."""


class _Clock:
    """Wall time that is left for one request; it runs while we wait for the worker, not while it waits for us."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises `TimeoutError` when the time is over, and `Died` when the pipe is broken."""
        begin = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                yield
        except TimeoutError:
            raise
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Died from error
        finally:
            self._left -= time.monotonic() - begin


class Worker:
    """A process whose decoders are loaded and whose limits are in force.

    `keywords` and `syntaxes` are the words of its honest reports, said before it read the first file; `missing` names
    what its confinement lacks on this machine. `jobs` counts the requests.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._requests, self._messages = process, process.stdin, process.stdout
        self.keywords: frozenset[str] = frozenset()
        self.syntaxes: frozenset[str] = frozenset()
        self.missing: frozenset[str] = frozenset()
        self.jobs = 0

    @classmethod
    async def start(cls, memory: int) -> Self:
        """Raises `WorkerFailed` where it cannot start."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ernbot.imaging.sandbox", str(memory)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a codec's complaint can quote the header
            env=_ENVIRONMENT,  # nothing of ours: a setting or a variable may hold a key
            cwd=Path(ernbot.__file__).parents[1],
            limit=PIECE,
        )
        worker = cls(process)
        try:
            async with _Clock(_START_SECONDS).running():
                kind, body = await worker._message()
            if kind != IS_READY:
                raise Died
            words = json.loads(body)
            worker.keywords, worker.syntaxes = frozenset(words["keywords"]), frozenset(words["syntaxes"])
            worker.missing = frozenset(words["missing"])
        except (TimeoutError, Died) as error:
            await worker.end()
            raise WorkerFailed(
                "the imaging worker did not start; the memory limit may be too low: "
                f"run `python -m ernbot.imaging.sandbox {memory}` to see why"
            ) from error
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def resident(self) -> int:
        """Bytes of memory in use; 0 where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0
        return pages * resource.getpagesize()

    async def ask(
        self,
        request: dict[str, Any],
        files: Sequence[Source],
        seconds: float,
        *,
        progress: Progress | None = None,
        sink: Sink | None = None,
    ) -> tuple[dict[str, Any], memoryview]:
        """Send a request, serve what it needs, and return the JSON and the pictures of the answer, unchecked.

        It may take `seconds` of processor time, and of wall time while the worker does not wait for us.
        `sink` takes the output, piece by piece; `progress` hears the share of it, or what the worker says. Raises
        `Died`, `TimeoutError`, and whatever the files and the sink raise; after any of them this worker is of no use.
        """
        self.jobs += 1
        clock, size = _Clock(seconds), sum(file.size for file in files)
        may_read, written = _TIMES * size + _SPARE, 0
        words = json.dumps({**request, "seconds": seconds}).encode()
        async with clock.running():
            await self._send(REQUEST.pack(len(words)) + words)
        while True:
            async with clock.running():
                kind, body = await self._message()
            if kind == IS_READ:
                may_read -= await self._serve(body, files, may_read, clock)
            elif kind == IS_OUTPUT and sink and written + len(body) <= 2 * size + _SPARE:
                written += len(body)
                await sink(body)
                if progress:
                    progress(min(1.0, written / size))  # a copy is about as long as its original
            elif kind == IS_PROGRESS:
                (share,) = PROGRESS.unpack(body)
                if not (math.isfinite(share) and 0.0 <= share <= 1.0):
                    raise Died
                if progress:
                    progress(share)
            elif kind == IS_ANSWER:
                return _opened(body)
            else:
                raise Died

    async def _serve(self, body: bytes, files: Sequence[Source], most: int, clock: _Clock) -> int:
        """Answer a read inside the bounds of the files of this request; what it counts, bytes."""
        index, offset, length = READ.unpack(body)
        cost = max(int(length), _LEAST_READ)
        if index >= len(files) or not length or offset + length > files[index].size or cost > most:
            raise Died
        for at in range(offset, offset + length, PIECE):
            piece = await files[index].read_at(at, min(PIECE, offset + length - at))
            async with clock.running():
                await self._send(piece)
        return cost

    async def _send(self, data: bytes) -> None:
        self._requests.write(data)
        await self._requests.drain()

    async def _message(self) -> tuple[bytes, bytes]:
        kind, length = MESSAGE.unpack(await self._messages.readexactly(MESSAGE.size))
        if length > LARGEST.get(kind, 0) or (kind in (IS_READ, IS_PROGRESS) and length != LARGEST[kind]):
            raise Died
        return kind, await self._messages.readexactly(length)

    async def end(self) -> None:
        if self._messages.at_eof():  # it ended by itself: killed while nobody has asked, it could not say how
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _LAST_SECONDS)
        if self.alive:
            self.process.kill()
        if not self._requests.is_closing():
            self._requests.transport.abort()  # closing would wait until the dead one has read the rest
        with suppress(OSError):
            while await self._messages.read(PIECE):  # what it had still said; it is gone only when that is read
                pass
        await self.process.wait()


def _opened(body: bytes) -> tuple[dict[str, Any], memoryview]:
    """The JSON object and the pictures of an answer."""
    view = memoryview(body)
    if len(view) < WORDS.size:
        raise Died
    end = WORDS.size + WORDS.unpack(view[: WORDS.size])[0]
    if end > min(len(view), WORDS.size + MAX_WORDS):
        raise Died
    try:
        said = json.loads(bytes(view[WORDS.size : end]))
    except (ValueError, RecursionError) as error:
        raise Died from error
    if not isinstance(said, dict):
        raise Died
    return said, view[end:]
