"""`ernbot deidentify FILE…`: takes the patient out of files on the hospital's own machine, before anything leaves it.

What comes out is numbered, since the name of a file or folder may be that of a patient; the report says what kinds of
element were removed, never a value and never a name. Only the terminal of the person who owns the files is told which
file could not be cleaned. What is in a file is read by a sandboxed process alone, as in a room.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ernbot.core.errors import Refused
from ernbot.imaging import Format, other_slides, recognise
from ernbot.imaging import archive as zips
from ernbot.imaging.deid import SECRET_BYTES, Policy, Report, archive
from ernbot.imaging.source import BytesSource, Source
from ernbot.imaging.worker import HEAD, Previewer

_LARGEST = 2**40
_SECONDS = 300.0
"""Of one file: its bytes, and the processor time that cleaning it may take. Nobody else waits here."""

_LONGEST_DESCRIPTION = 2**20
_LEFT_OUT = frozenset({"file-unknown", "deid-directory"})
_REASONS = {
    "archive-inside": "holds archives, which are left out: unpack them, and give their folders",
    "archive-locked": "is locked with a password: unpack it, and give its folder",
    "archive-slide-alone": "holds a slide and other things: make a zip of each",
    "archive-unsafe": "could hide or overwrite files where it is unpacked: make a new one from its folder",
    "deid-directory": "is only the index of a medium, and is left out",
    "deid-document": "holds a document, in which names may stand anywhere: it has to be rewritten by hand",
    "deid-incomplete": "would still hold what was to be removed, and is left out",
    "file-broken": "is damaged, incomplete or unreadable: export it again",
    "file-names-patient": "shows the label of a slide, and is left out",
    "file-overview-only": "is a slide whose label cannot be taken out: export it as SVS or DICOM, without its label",
    "file-slide-export": "is a slide that cannot be taken apart safely: export it as SVS or DICOM, without its label",
    "file-slide-part": "belongs to a slide whose label cannot be taken out: export that as SVS or DICOM, without it",
    "file-too-complex": "would take too much time or memory: export fewer pictures, or give the folder of a zip",
    "file-unsupported": "is packed in an unknown way: export it uncompressed, or give the folder of a zip",
    "file-unknown": "is of no kind that can be cleaned, and is left out",
}


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
    results = _all(paths, out, policy)
    if options.report:
        _write(options.report, json.dumps(_report(results, policy), indent=1).encode() + b"\n")
    return _conclude(results, out, remembered=options.secret_file is not None)


def _all(paths: list[Path], out: Path, policy: Policy) -> list[Result]:
    """Clean the files one after the other, and say which could not be."""
    console = Console(stderr=True)
    columns = TextColumn("De-identifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    results: list[Result] = []
    with (
        asyncio.Runner() as runner,
        _started(Previewer(workers=1, max_bytes=_LARGEST, seconds=_SECONDS), runner) as previewer,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("files", total=len(paths))
        cleaning = _Cleaning(
            runner, previewer, policy, lambda share: progress.update(task, completed=len(results) + share)
        )
        for number, path in enumerate(paths, 1):
            result = cleaning.file(path, number, out)
            results.append(result)
            if result.refused:
                console.print(f"{path} {_reason(result.refused)}.", markup=False, highlight=False, soft_wrap=True)
            progress.update(task, completed=len(results))
    return results


@contextmanager
def _started(previewer: Previewer, runner: asyncio.Runner) -> Iterator[Previewer]:
    try:
        runner.run(previewer.start())
        yield previewer
    finally:
        runner.run(previewer.close())


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
    """Files of one case, one after the other. `progress` hears which share of the present one is done."""

    runner: asyncio.Runner
    previewer: Previewer
    policy: Policy
    progress: Callable[[float], None]

    def file(self, path: Path, number: int, out: Path) -> Result:
        """One file of a disk, into a folder, under its number."""
        format_: Format | None = None
        try:
            with _opened(path) as file, _partial(out / f"{number:05d}") as cleaned:
                head = file.read(HEAD)
                format_ = recognise(head)
                if path.name.casefold() in _described(path.parent):
                    return Result(number, None, refused="file-slide-part")
                other_slides.refuse(head, path.suffix.lower())
                if format_ is None or format_.cleaner is None:
                    raise Refused("file-unknown")
                if format_ is zips.FORMAT:
                    result = self._zip(file, cleaned, number)
                    if not any(member.output for member in result.members):
                        return result
                else:
                    report = self._clean(_Opened.of(file), cleaned, self.progress)
                    result = Result(number, format_.name, None, None, report.kinds, report.writing, report.masked)
                cleaned.seek(0)
                name = archive.name_of(number, cleaned.read(HEAD), format_)
                _keep(cleaned, out / name)
                return replace(result, output=name)
        except Refused as refused:
            return Result(number, format_.name if format_ else None, refused=refused.code, kinds=_kinds(refused))
        except OSError:
            return Result(number, None, refused="file-broken")

    def _zip(self, file: BinaryIO, cleaned: BinaryIO, number: int) -> Result:
        """A zip of the cleaned members of a zip, one after the other."""
        held, done = archive.opened(file), 0

        def clean(data: bytes, _format: Format, copy: BinaryIO) -> Report:
            nonlocal done
            done += 1
            self.progress(done / (len(held.members) + 1))
            return self._clean(BytesSource(data), copy)

        found = archive.members(held, cleaned, clean)
        members = tuple(map(_result, found))
        nothing = archive.refusal(found)
        failed = next((each.refused for each in members if each.refused not in _LEFT_OUT | {None}), None)
        failed = nothing.code if nothing else failed
        return Result(number, zips.FORMAT.name, refused=failed, kinds=tuple(sorted(held.kinds)), members=members)

    def _clean(self, source: Source, out: BinaryIO, progress: Callable[[float], None] | None = None) -> Report:
        """Have a sandbox clean a file, or a member of a zip."""

        async def keep(piece: bytes) -> None:
            out.write(piece)

        return self.runner.run(self.previewer.clean(source, policy=self.policy, sink=keep, progress=progress))


def _result(member: archive.Member) -> Result:
    """What the report says of a member of a zip."""
    refused, report = member.refused, member.report
    kinds = _kinds(refused) if refused else report.kinds
    code = refused.code if refused else None
    return Result(member.number, member.format, member.output, code, kinds, report.writing, report.masked)


def _kinds(refused: Refused) -> tuple[str, ...]:
    return tuple(filter(None, str(refused.fields.get("kinds", "")).split(", ")))


@cache
def _described(folder: Path) -> set[str]:
    """The values in the files of Hamamatsu in a folder: pictures beside them are a slide, and one is of its label."""
    values = set()
    for path in (one for one in folder.iterdir() if one.suffix.lower() in other_slides.BESIDE_PICTURES):
        with open(path, "rb") as file:
            lines = file.read(_LONGEST_DESCRIPTION).decode("utf-8", "replace").casefold().splitlines()
        values |= {line.partition("=")[2].strip() for line in lines}
    return values


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb")


@contextmanager
def _partial(path: Path) -> Iterator[BinaryIO]:
    """A hidden file to write and read, which is gone afterwards."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with open(partial, "x+b") as file:
            yield file
    finally:
        partial.unlink(missing_ok=True)


def _keep(file: BinaryIO, path: Path) -> None:
    """Give a file that is complete its name; unlike renaming, this never overwrites."""
    file.flush()
    os.link(file.name, path)


def _write(path: Path, data: bytes) -> None:
    with _partial(path) as file:
        file.write(data)
        _keep(file, path)


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
