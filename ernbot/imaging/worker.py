"""The way in: files go to a sandboxed process by ranges, checked previews or a cleaned copy come back.

Runs beside the keys, so it decodes nothing, trusts nothing that comes back, and never lets plaintext touch the disk.
A worker that is slow or dies costs one refusal; the pool refills itself.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TypeVar

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, answers, archive, other_slides, recognise
from ernbot.imaging.deid import Policy, Report
from ernbot.imaging.model import Format, Preview
from ernbot.imaging.pipe import MAX_FILES
from ernbot.imaging.process import Died, Progress, Sink, Worker, WorkerFailed
from ernbot.imaging.source import Source

log = logging.getLogger(__name__)

HEAD = 64 * 2**10
"""Bytes by which a format is recognised."""

_LONG = 64 * 2**20
"""A job of more bytes than this may take a while."""

_COPIED_IN_A_SECOND = 8 * 2**20
"""Bytes for which a copy may take a second more: the slowest, an NDPI cut into tiles, does 29 MB on a busy machine."""
ARCHIVE_TIMES = 8
"""An archive is cleaned member by member, two thousand at most; of a single file, a few milliseconds are usual."""

_MOST_JOBS = 500
_MOST_RESIDENT = 300 * 2**20
"""A worker is replaced after so many files, or where it keeps so much memory: allocators and caches only grow."""

_TOLD = frozenset({"seccomp", "landlock"})
"""What an administrator should hear about. Without a namespace the filter of system calls still shuts the network."""

_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_Checked = TypeVar("_Checked", list[Preview], Report)


class Previewer:
    """A pool of sandboxed workers; an async context manager.

    `max_bytes` is the largest file taken, bytes. A request may take `seconds` of processor time, and of wall time
    while the worker is not waiting for its input; a copy one second more for every 8 MB of its original. Each worker
    may take `memory` bytes of address space, of which the decoders need about a third. One is kept for small files.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        max_bytes: int = 100 * 2**20,
        seconds: float = 20.0,
        memory: int = 1_200 * 2**20,
    ) -> None:
        self._count, self._max_bytes, self._seconds, self._memory = workers, max_bytes, seconds, memory
        self._idle: asyncio.Queue[Worker | None] = asyncio.Queue()
        self._long = asyncio.Semaphore(max(1, workers - 1))
        self._refills: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Start the workers; whoever asks meanwhile waits for one. Raises `WorkerFailed` where none can be."""
        missing: set[str] = set()

        async def one() -> None:
            worker = await self._start()
            self._idle.put_nowait(worker)
            missing.update(worker.missing)

        outcomes = await asyncio.gather(*(one() for _ in range(self._count)), return_exceptions=True)
        for failure in filter(None, outcomes):
            raise failure
        if lost := missing & _TOLD:
            log.warning("this kernel does not confine the imaging workers as it could: no %s", ", ".join(sorted(lost)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers. No request may be under way any more."""
        await asyncio.gather(*self._refills)
        while not self._idle.empty():
            if worker := self._idle.get_nowait():
                await worker.end()

    async def admit(self, file: Source, claimed: str | None = None) -> Format:
        """The format of a file that may be looked at, by its content; a claim can only speak against it.

        Raises `Refused`: `file-empty`, `file-too-large` (limit_mb), `file-unknown`, `file-slide-export` and
        `file-slide-part` (maker), `file-lies` (claimed, found).
        """
        if not file.size:
            raise Refused("file-empty")
        if file.size > self._max_bytes:
            raise Refused("file-too-large", limit_mb=self._max_bytes // 2**20)
        head = await file.read_at(0, min(HEAD, file.size))
        format_ = recognise(head)
        if format_ is None:
            other_slides.refuse(head)
            raise Refused("file-unknown")
        claim = (claimed or "").partition(";")[0].strip().lower()
        if claim.startswith(("image/", "application/dicom")) and claim not in format_.mimetypes:
            raise Refused("file-lies", claimed=claim if _TYPE.fullmatch(claim) else "?", found=format_.name)
        return format_

    async def previews(
        self,
        files: Sequence[Source],
        *,
        claimed: str | None = None,
        references: Sequence[Source] = (),
        progress: Progress | None = None,
    ) -> list[Preview]:
        """Look at files of one format that were sent together; at least one preview, and a card where nothing shows.

        `claimed` is the media type that the sender's client gave them. `references` are other DICOM objects of the
        case. `progress` is told the share of long work that is done, from 0.0 to 1.0.

        Raises `Refused` as `admit` does, and: `file-names-patient` (kinds: names of the elements, never values),
        `file-unsupported` (syntax), `file-broken`, `file-too-complex`. Nothing says which file of several is meant:
        ask again for each alone. Raises `ValueError` where the files are of several formats, or none.
        """
        if len(files) + len(references) > MAX_FILES:
            raise Refused("file-too-complex")
        formats = {await self.admit(file, claimed) for file in files}
        if len(formats) != 1:
            raise ValueError("files of one format go together")
        (format_,) = formats
        request = {"op": "preview", "format": FORMATS.index(format_), "references": len(references)}
        return await self._work(request, (*files, *references), answers.previews, self._seconds, progress=progress)

    async def clean(
        self,
        file: Source,
        *,
        policy: Policy,
        sink: Sink,
        claimed: str | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Write a de-identified copy to `sink`, piece by piece, and report what was taken out.

        What the sink has got is to be thrown away unless this returns. Raises `Refused` as `previews` does;
        `file-unsupported` (syntax: the format) where files of this kind cannot be cleaned.
        """
        format_ = await self.admit(file, claimed)
        if format_.cleaner is None:
            raise Refused("file-unsupported", syntax=format_.name)
        plain = {**asdict(policy), "secret": policy.secret.hex()}
        request = {"op": "clean", "format": FORMATS.index(format_), "references": 0, "policy": plain}
        usual = self._seconds * (ARCHIVE_TIMES if format_ is archive.FORMAT else 1)
        seconds = usual + file.size / _COPIED_IN_A_SECOND
        return await self._work(request, (file,), answers.report, seconds, progress=progress, sink=sink)

    async def _work(
        self,
        request: dict[str, Any],
        files: Sequence[Source],
        check: Callable[[dict[str, Any], memoryview, Worker], _Checked],
        seconds: float,
        *,
        progress: Progress | None,
        sink: Sink | None = None,
    ) -> _Checked:
        """Ask a worker, and put it back or replace it."""
        sizes = [file.size for file in files]
        async with self._long if sum(sizes) > _LONG or seconds > ARCHIVE_TIMES * self._seconds else nullcontext():
            worker, well = await self._idle.get(), False
            try:
                if worker is None or not worker.alive:
                    worker, gone = await self._start(), worker
                    if gone:
                        await gone.end()
                said, pictures = await worker.ask(
                    {**request, "sizes": sizes}, files, seconds, progress=progress, sink=sink
                )
                well = True
                return check(said, pictures, worker)
            except (TimeoutError, Died):
                well = False
                raise Refused("file-too-complex") from None
            finally:
                if well:
                    self._put_back(worker)
                else:
                    self._refill(worker)

    async def _start(self) -> Worker:
        return await Worker.start(self._memory)

    def _put_back(self, worker: Worker | None) -> None:
        if worker and (worker.jobs >= _MOST_JOBS or worker.resident() > _MOST_RESIDENT):
            self._refill(worker)
        else:
            self._idle.put_nowait(worker)

    def _refill(self, worker: Worker | None) -> None:
        """Replace a worker that cannot be trusted with the next file, without keeping its victim waiting."""

        async def replace() -> None:
            if worker:
                await worker.end()
            try:
                fresh = await self._start()
            except (WorkerFailed, OSError):
                fresh = None  # the next file tries again, and says so if it fails too
            self._idle.put_nowait(fresh)

        task = asyncio.create_task(replace())
        self._refills.add(task)
        task.add_done_callback(self._refills.discard)
