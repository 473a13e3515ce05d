"""`ernbot deidentify FILE…`: takes the patient out of files on the hospital's own machine, before anything leaves it.

What comes out is numbered, since the name of a file or folder may be that of a patient; the report says what kinds of
element were removed, never a value and never a name. Only the terminal of the person who owns the files is told which
file could not be cleaned. What is in a file is read by a sandboxed process alone, as in a room.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import json
import lzma
import os
import secrets
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ernbot.core.errors import Refused
from ernbot.imaging import Format, archive, other_slides, recognise, tiff_directory
from ernbot.imaging.deid import SECRET_BYTES, Policy
from ernbot.imaging.worker import Previewer

MAX_MEMBERS = 2_000
MAX_INFLATED = 1_500 * 10**6
MAX_RATIO = 200
"""Of a zip: its members, their bytes as really inflated, and those for each byte of the zip."""

_LARGEST = 2**40
_SECONDS = 300.0
"""Of one file: its bytes, and the processor time that cleaning it may take. Nobody else waits here."""

_HEAD = 64 * 2**10
_PIECE = 2**20
_ZIP = b"PK\3\4"
_SUFFIXES = {"DICOM": ".dcm", **dict.fromkeys(("JPEG", "HEIC", "AVIF"), ".jpg")}
_SUFFIXES |= dict.fromkeys(("TIFF", "GIF", "BMP"), ".png")
"""Of what a cleaner writes, where that is not the name of the format it read: see `imaging.deid.redraw`."""

_LEFT_OUT = frozenset({"file-unknown", "deid-directory"})
_REASONS = {
    "deid-directory": "is only the index of a medium, and is left out",
    "deid-document": "holds a document, in which names may stand anywhere: it has to be rewritten by hand",
    "deid-incomplete": "would still hold what was to be removed, and is left out",
    "file-broken": "is damaged, incomplete or unreadable: export it again",
    "file-names-patient": "shows the label of a slide, and is left out",
    "file-overview-only": "is a slide whose label cannot be taken out: export it as SVS or DICOM, without its label",
    "file-slide-export": "is a slide that cannot be taken apart safely: export it as SVS or DICOM, without its label",
    "file-slide-part": "belongs to a slide whose label cannot be taken out: export that as SVS or DICOM, without it",
    "file-too-complex": "would take too much time or memory: export fewer pictures, or give the folder of a zip",
    "file-unsupported": "has its pictures packed in an unknown way: export it uncompressed or as JPEG 2000",
    "file-unknown": "is of no kind that can be cleaned, and is left out",
}


_UNREADABLE_ZIP = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError),
    *(zlib.error, lzma.LZMAError),
)
"""What Python raises on archives that are damaged, locked, or packed in a way that it does not know."""


class Unusable(Exception):
    """What was asked cannot be begun; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Result:
    """What became of one file. `number` counts the files in the order in which they were found, from 1."""

    number: int
    format: str | None
    output: str | None = None
    refused: str | None = None
    kinds: tuple[str, ...] = ()
    writing: int = 0
    masked: bool = False
    members: tuple[Result, ...] = field(default=())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files, folders and zips")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="an empty or new folder; else NAME-deidentified beside the first FILE",
    )
    parser.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="the secret of the case, made on first use. Give the same one for a follow-up: numbers, dates and "
        "references then fit those of before. Whoever has it can tell whose scan it was: it stays in the hospital",
    )
    parser.add_argument(
        "--keep-dates", action="store_true", help="leave dates as they are instead of moving all of them"
    )
    parser.add_argument("--keep-descriptions", action="store_true", help="leave descriptions, without known names")
    parser.add_argument("--keep-device", action="store_true", help="leave serial numbers and station names")
    parser.add_argument("--drop-characteristics", action="store_true", help="remove age, sex, size and weight as well")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="where the report goes, as JSON: kinds, never values"
    )


def run(options: argparse.Namespace) -> int:
    """De-identify what was asked for; the exit status: 1 when a file could not be cleaned, or none was there to clean.

    Raises:
        Unusable: nothing was begun.
        WorkerFailed: this machine cannot start the process that reads files.
    """
    paths = list(_found(options.files))
    if not paths:
        raise Unusable("There is no file to de-identify.")
    out = options.out or options.files[0].resolve().with_name(f"{options.files[0].resolve().stem}-deidentified")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Unusable(f"{out} is there already: choose a new or empty folder with --out.")
    if options.report and options.report.exists():
        raise Unusable(f"{options.report} is there already: choose another name with --report.")
    policy = Policy(
        _secret(options.secret_file),
        keep_dates=options.keep_dates,
        keep_descriptions=options.keep_descriptions,
        keep_device=options.keep_device,
        keep_characteristics=not options.drop_characteristics,
    )
    out.mkdir(parents=True, exist_ok=True)
    results = asyncio.run(_all(paths, out, policy))
    if options.report:
        _write(options.report, json.dumps(_report(results, policy), indent=1).encode() + b"\n")
    return _conclude(results, out, remembered=options.secret_file is not None)


async def _all(paths: list[Path], out: Path, policy: Policy) -> list[Result]:
    """Clean the files one after the other, and say which could not be."""
    console = Console(stderr=True)
    columns = TextColumn("De-identifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    results = []
    async with Previewer(workers=1, max_bytes=_LARGEST, seconds=_SECONDS) as previewer:
        cleaning = _Cleaning(previewer, policy)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("files", total=len(paths))
            for number, path in enumerate(paths, 1):
                result = await cleaning.file(path, number, out)
                results.append(result)
                if result.refused:
                    console.print(f"{path} {_reason(result.refused)}.", markup=False, highlight=False, soft_wrap=True)
                progress.advance(task)
    return results


def _found(paths: list[Path]) -> Iterator[Path]:
    """The files, those of folders in the order of their names. Links within a folder are not followed.

    Raises:
        Unusable: a path is not there.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                inside = (Path(folder, name) for name in sorted(names))
                yield from (file for file in inside if file.is_file() and not file.is_symlink())
        elif path.is_file():
            yield path
        else:
            raise Unusable(f"{path} is not there.")


def _secret(path: Path | None) -> bytes:
    """The secret of the case, as hexadecimal digits in its file; without a file one for this run only.

    Raises:
        Unusable: the file holds something else.
    """
    if path is None:
        return secrets.token_bytes(SECRET_BYTES)
    with suppress(FileExistsError):
        secret = secrets.token_bytes(SECRET_BYTES)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
        return secret
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise Unusable(f"{path} is not the secret of a case: give its file, or one that is not there yet.")
    return secret


@dataclass(frozen=True)
class _Opened:
    """A file of this machine, as a `Source`."""

    file: BinaryIO
    size: int

    @classmethod
    def of(cls, file: BinaryIO) -> _Opened:
        return cls(file, file.seek(0, io.SEEK_END))

    async def read_at(self, offset: int, length: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(length)


@dataclass(frozen=True)
class _Cleaning:
    """Files of one case, one after the other."""

    previewer: Previewer
    policy: Policy

    async def file(self, path: Path, number: int, out: Path) -> Result:
        """One file of a disk."""
        try:
            with _opened(path) as file:
                if file.read(len(_ZIP)) == _ZIP:
                    return await self._zip(file, number, out)
                if path.name.casefold() in _described(path.parent):
                    return Result(number, None, refused="file-slide-part")
                return await self._cleaned(file, number, out, path.suffix.lower())
        except OSError:
            return Result(number, None, refused="file-broken")

    async def _cleaned(self, file: BinaryIO, number: int, out: Path | zipfile.ZipFile, ending: str = "") -> Result:
        """Clean one file into a folder or a zip, under its number; `ending` is that of its name."""
        file.seek(0)
        head = file.read(_HEAD)
        format_ = recognise(head)
        called = format_.name if format_ else None
        try:
            other_slides.refuse(head, ending)
            if format_ is None or format_.cleaner is None or format_ is archive.FORMAT:
                raise Refused("file-unknown")
            name = f"{number:05d}{_suffix(format_, file)}"
            with _member(out, name) if isinstance(out, zipfile.ZipFile) else _whole(out / name) as cleaned:

                async def keep(piece: bytes) -> None:
                    cleaned.write(piece)

                report = await self.previewer.clean(_Opened.of(file), policy=self.policy, sink=keep)
        except Refused as refused:
            kinds = tuple(filter(None, str(refused.fields.get("kinds", "")).split(", ")))
            return Result(number, called, refused=refused.code, kinds=kinds)
        return Result(number, called, name, None, report.kinds, report.writing, report.masked)

    async def _zip(self, file: BinaryIO, number: int, out: Path) -> Result:
        """A zip of the cleaned members of a zip, numbered. Members go through memory; their names are never
        written, only how they end is looked at.
        """
        size = file.seek(0, io.SEEK_END)
        name, members = f"{number:05d}.zip", []
        try:
            with zipfile.ZipFile(file) as source:
                entries = [entry for entry in source.infolist() if not entry.is_dir()]
                if len(entries) > MAX_MEMBERS:
                    raise Refused("file-too-complex")
                left = min(MAX_INFLATED, size * MAX_RATIO)
                with _whole(out / name) as whole, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
                    for inside, entry in enumerate(entries, 1):
                        data = _inflated(source, entry, left)
                        left -= len(data.getbuffer())
                        ending = Path(entry.filename).suffix.lower()
                        member = await self._cleaned(data, inside, target, ending)
                        if member.refused == "file-slide-part":  # another member shows the label
                            raise Refused("file-overview-only")
                        members.append(member)
                    if not any(member.output for member in members):
                        raise Refused("file-unknown")
        except Refused as refused:
            return Result(number, "ZIP", refused=refused.code, members=tuple(members))
        except _UNREADABLE_ZIP:
            return Result(number, "ZIP", refused="file-broken")
        failed = next((member.refused for member in members if member.refused not in _LEFT_OUT | {None}), None)
        return Result(number, "ZIP", name, failed, members=tuple(members))


@cache
def _described(folder: Path) -> set[str]:
    """The values in the files of Hamamatsu in a folder: pictures beside them are a slide, and one is of its label."""
    values = set()
    for path in (one for one in folder.iterdir() if one.suffix.lower() in other_slides.BESIDE_PICTURES):
        with open(path, "rb") as file:
            lines = file.read(_PIECE).decode("utf-8", "replace").casefold().splitlines()
        values |= {line.partition("=")[2].strip() for line in lines}
    return values


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb")


def _suffix(format_: Format, file: BinaryIO) -> str:
    """Of what the cleaner of this file writes: a slide stays one, also where its beginning does not show it."""
    if format_.name == "TIFF":
        slide = importlib.import_module("ernbot.imaging.slide")
        try:
            if slide.is_slide(tiff_directory.read(file)):
                return ".svs"
        except Exception as error:  # whatever hostile bytes make of it; the text of an error may quote the file
            raise Refused("file-broken") from error
    return _SUFFIXES.get(format_.name, f".{format_.name.lower()}")


def _inflated(source: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> io.BytesIO:
    """A member, at most `left` bytes long whatever it declares."""
    data = io.BytesIO()
    with source.open(entry) as member:
        while piece := member.read(_PIECE):
            if data.write(piece) and data.tell() > left:
                raise Refused("file-too-complex")
    return data


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A new file that is there when it is complete, and else not at all."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with open(partial, "xb") as file:
            yield file
        os.link(partial, path)  # unlike a rename, never overwrites
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _member(target: zipfile.ZipFile, name: str) -> Iterator[BinaryIO]:
    """A member of a zip that is added when it is complete, dated as the format's first day."""
    data = io.BytesIO()
    yield data
    target.writestr(zipfile.ZipInfo(name), data.getbuffer(), zipfile.ZIP_DEFLATED)


def _write(path: Path, data: bytes) -> None:
    with _whole(path) as file:
        file.write(data)


def _report(results: list[Result], policy: Policy) -> dict[str, object]:
    asked = {name: value for name, value in asdict(policy).items() if name != "secret"}
    return {"policy": asked, "files": [asdict(result) for result in results]}


def _reason(code: str) -> str:
    return _REASONS.get(code, _REASONS["file-broken"])


def _conclude(results: list[Result], out: Path, *, remembered: bool) -> int:
    """Say what was done, and what the person still has to do."""
    flat = [one for result in results for one in (result, *result.members) if not one.members]
    cleaned = sum(one.output is not None for one in flat)
    failed = sum(one.refused not in _LEFT_OUT | {None} for one in flat)
    left_out = sum(one.refused in _LEFT_OUT for one in flat)
    lines = [f"{cleaned} cleaned, {failed} refused, {left_out} of other kinds left out. See {out}."]
    if looked := sum(one.writing > 0 for one in flat):
        lines.append(f"{looked} may show written text in the picture: look at them before you send them.")
    if cleaned and not remembered:
        lines.append("A follow-up will not fit these files: their secret was not kept. Use --secret-file for that.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if failed or not cleaned else 0
