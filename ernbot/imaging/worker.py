"""The way in: a file goes to a sandboxed process, a checked preview comes back.

Runs beside the keys, so it decodes nothing, trusts nothing that comes back, and never lets plaintext touch
the disk: files pass through pipes. A worker that is slow or dies costs one refusal; the pool refills itself.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ernbot
from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, codestream, identifiers, png, recognise, terms
from ernbot.imaging.model import LONGEST_SIDE, THUMBNAIL_SIDE, Fact, Facts, Format, Picture, Preview
from ernbot.imaging.sandbox import ANSWER, PICTURES, READY, REQUEST

_PIECE = 2**20
_MAX_WORDS = 64 * 2**10
_MAX_PICTURE = 8 * 2**20
_START_SECONDS = 60.0
_REFUSALS = frozenset({"file-broken", "file-names-patient", "file-no-picture", "file-too-complex", "file-unsupported"})
_NAME = re.compile(r"[A-Za-z0-9 ,.:;&()/\[\]+-]{1,300}")
_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class _Died(Exception):
    """The process ended, or answered what no honest worker answers."""


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._requests, self._answers = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, memory: int, seconds: float) -> Self:
        """A warm worker: decoders imported, limits in force. Raises `RuntimeError` where it cannot start."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ernbot.imaging.sandbox", str(memory), str(seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a codec's complaint can quote the header
            env=_ENVIRONMENT,  # nothing of ours: a setting or a variable may hold a key
            cwd=Path(ernbot.__file__).parents[1],
        )
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                ready = await worker._answers.read(1)
        except BaseException as stopped:
            await worker.end()
            if isinstance(stopped, TimeoutError):
                ready = b""
            else:
                raise
        if ready != READY:
            await worker.end()
            raise RuntimeError(
                "the imaging worker did not start; the memory limit may be too low: "
                f"run `python -m ernbot.imaging.sandbox {memory} {seconds}` to see why"
            )
        return worker

    async def ask(self, format_: Format, data: bytes) -> tuple[dict[str, Any], bytes]:
        """Send one file and read what the worker says. Raises `_Died`."""
        try:
            self._requests.write(REQUEST.pack(FORMATS.index(format_), len(data)))
            view = memoryview(data)
            for at in range(0, len(data), _PIECE):  # in pieces, so that the pipe never buffers a second copy
                self._requests.write(view[at : at + _PIECE])
                await self._requests.drain()
            words, picture = ANSWER.unpack(await self._answers.readexactly(ANSWER.size))
            if words > _MAX_WORDS or picture > _MAX_PICTURE:
                raise _Died
            said = json.loads(await self._answers.readexactly(words))
            return said, await self._answers.readexactly(picture)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise _Died from error

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        self._requests.close()
        await self.process.wait()


class Previewer:
    """A pool of sandboxed workers; an async context manager.

    `max_bytes` is the largest file taken, bytes. A file may take `seconds` of wall time in a worker, and each
    worker `memory` bytes of address space, of which the decoders themselves need about a third.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        max_bytes: int = 100 * 2**20,
        seconds: float = 20.0,
        memory: int = 1_200 * 2**20,
    ) -> None:
        self._count, self._max_bytes, self._seconds, self._memory = workers, max_bytes, seconds, memory
        self._idle: asyncio.Queue[_Worker | None] = asyncio.Queue()
        self._refills: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start the workers. Raises `RuntimeError` where none can be started."""
        for worker in await asyncio.gather(*(self._start() for _ in range(self._count))):
            self._idle.put_nowait(worker)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers. No preview may be under way any more."""
        await asyncio.gather(*self._refills)
        while not self._idle.empty():
            if worker := self._idle.get_nowait():
                await worker.end()

    async def preview(self, data: bytes, *, claimed: str | None) -> Preview:
        """Look at one file. `claimed` is the media type that the sender's client gave it.

        Raises `Refused`: `file-empty`, `file-too-large` (limit_mb), `file-unknown`, `file-lies` (claimed,
        found), `file-names-patient` (kinds: names of the elements, never values), `file-no-picture` (what),
        `file-unsupported` (syntax), `file-broken`, `file-too-complex`.
        """
        format_ = self._admit(data, claimed)
        worker = await self._idle.get()
        try:
            if worker is None or worker.process.returncode is not None:
                worker, gone = await self._start(), worker
                if gone:
                    await gone.end()
            async with asyncio.timeout(self._seconds):
                said, picture = await worker.ask(format_, data)
            preview = _checked(said, picture, format_)
        except Refused:
            self._idle.put_nowait(worker)
            raise
        except BaseException as failure:
            self._refill(worker)
            if isinstance(failure, (TimeoutError, _Died)):
                raise Refused("file-too-complex") from None
            raise
        self._idle.put_nowait(worker)
        return preview

    def _admit(self, data: bytes, claimed: str | None) -> Format:
        """The format of a file that may be looked at, by its content; a claim can only speak against it."""
        if not data:
            raise Refused("file-empty")
        if len(data) > self._max_bytes:
            raise Refused("file-too-large", limit_mb=self._max_bytes // 2**20)
        format_ = recognise(data)
        if format_ is None:
            raise Refused("file-unknown")
        claim = (claimed or "").partition(";")[0].strip().lower()
        if claim.startswith(("image/", "application/dicom")) and claim not in format_.mimetypes:
            raise Refused("file-lies", claimed=claim if _TYPE.fullmatch(claim) else "?", found=format_.name)
        return format_

    async def _start(self) -> _Worker:
        return await _Worker.start(self._memory, self._seconds)

    def _refill(self, worker: _Worker | None) -> None:
        """Replace a worker that cannot be trusted with the next file, without keeping its victim waiting."""

        async def replace() -> None:
            if worker:
                await worker.end()
            try:
                fresh = await self._start()
            except (RuntimeError, OSError):
                fresh = None  # the next file tries again, and says so if it fails too
            self._idle.put_nowait(fresh)

        task = asyncio.create_task(replace())
        self._refills.add(task)
        task.add_done_callback(self._refills.discard)


def _checked(said: dict[str, Any], picture: bytes, format_: Format) -> Preview:
    """What a worker said, as far as it can be true: a decoder may have been taken over by its input.

    Raises the refusal that the worker gave, or `_Died` where the answer is none that an honest worker gives.
    """
    try:
        if said.get("refused"):
            raise _refusal(said)
        (plain,), at = said["previews"], 0
        for name in PICTURES:
            if plain[name] is not None:
                length = plain[name]["data"]
                plain[name] = Picture(**{**plain[name], "data": picture[at : at + length]})
                at += length
        facts = plain.pop("facts")
        details = tuple(Fact(**detail) for detail in facts.pop("details"))
        checked = Preview(Facts(**facts, details=details), **{**plain, "uids": tuple(plain["uids"]), "refers": ()})
        if at != len(picture) or not _is_honest(checked, format_):
            raise _Died
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _Died from error
    return checked


def _is_honest(preview: Preview, format_: Format) -> bool:
    """Whether every value is one that a decoder of this format gives. Raises `TypeError` at odd types."""
    facts = preview.facts
    numbers = (facts.width, facts.height, facts.frames)
    return (
        _is_picture(preview.picture, LONGEST_SIDE)
        and _is_picture(preview.thumbnail, THUMBNAIL_SIDE)
        and facts.format == format_.name
        and facts.modality in terms.MODALITIES | {None}
        and facts.body_part in terms.BODY_PARTS | {None}
        and all(type(number) is int and 0 < number < 2**32 for number in numbers)
        and type(facts.lossy) is bool
    )


def _is_picture(picture: Picture | None, longest: int) -> bool:
    if picture is None:
        return False
    sides = (picture.width, picture.height)
    return sides == _size(picture.data, picture.mimetype) and 0 < min(sides) <= max(sides) <= longest


def _refusal(said: dict[str, Any]) -> Exception:
    """A refusal with the fields of its code, each from an allow-list or plainly a name of the standard."""
    code, fields = said["refused"], said.get("fields")
    if code not in _REFUSALS or not isinstance(fields, dict):
        return _Died()
    if not all(isinstance(value, str) and _NAME.fullmatch(value) for value in fields.values()):
        return _Died()
    if not set(fields.get("kinds", "PatientName").split(", ")) <= identifiers.KINDS:
        return _Died()
    return Refused(code, **fields)


def _size(picture: bytes, mimetype: object) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG by its first bytes; None where it is not of that type."""
    if mimetype == "image/png" and picture.startswith(png.SIGNATURE) and picture[12:16] == b"IHDR":
        return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    if mimetype == "image/jpeg" and picture.startswith(b"\xff\xd8"):
        stated = codestream.stated(picture)
        return (stated.width, stated.height) if stated else None
    return None
