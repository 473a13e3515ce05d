"""A zip archive without its patient: a new one, of cleaned copies of the members that can be cleaned.

One member after the other goes through memory, and none is ever on a disk. Members are numbered: their names, folders,
times and comments are not carried over. What cannot be cleaned is left out and counted, so that its sender can be
told. Runs in the sandbox; on the hospital's own machine it runs outside, and has each member cleaned by a sandbox.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import Format, archive, other_slides, recognise, slide_folder, unzip
from ernbot.imaging.deid.model import Policy, Report, left_out
from ernbot.imaging.reader import HEAD

Clean = Callable[[bytes, Format, BinaryIO], Report]
"""Writes a cleaned copy of a file of this format. Raises `Refused` where it cannot."""

_LEVEL = 1
"""Of deflate: scans get hardly smaller by more of it, and a study has to be done in seconds."""

_COLLECTED = frozenset({"file-unknown", "deid-directory"})
"""Why a member is left out that says nothing about the rest."""


@dataclass(frozen=True)
class Member:
    """What became of one member; `number` counts them from 1, `output` is its name in the copy."""

    number: int
    format: str | None
    output: str | None = None
    refused: Refused | None = None
    report: Report = field(default_factory=Report)


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """Write a de-identified copy of an archive; `out` is only written to, in order.

    Raises `Refused` as `opened` and `members` do, and where no member could be cleaned.
    """

    def clean(data: bytes, format_: Format, cleaned: BinaryIO) -> Report:
        return _cleaned(data, format_, cleaned, policy)

    held = opened(file)
    found = members(held, out, clean)
    if nothing := refusal(found):
        raise nothing
    kinds = {kind for member in found for kind in member.report.kinds}
    counts: dict[str, int] = {}
    for member in found:
        if name := left_out(member.refused):
            counts[name] = counts.get(name, 0) + 1
    return Report(
        tuple(sorted(kinds | held.kinds)),
        writing=sum(member.report.writing for member in found),
        masked=any(member.report.masked for member in found),
        left_out=counts,
    )


def opened(file: BinaryIO) -> unzip.Contents:
    """What an archive holds that is to be copied.

    Raises `Refused` as `unzip.contents` and `slide_folder.find` do; `file-overview-only` for a slide that is a folder
    of files, since their pixels and the picture of its label are in the same ones.
    """
    held = unzip.contents([file], is_rebuilt=True)
    if slide_folder.find(held):
        raise Refused("file-overview-only")
    return held


def members(held: unzip.Contents, out: BinaryIO, clean: Clean) -> list[Member]:
    """Write a de-identified copy of what an archive held, and tell what became of each member.

    Raises `Refused`: `file-too-complex` where the members are too much together.
    """
    found = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
        for number, member in enumerate(held.members, 1):
            found.append(_copied(member, number, target, clean))
    return found


def refusal(found: list[Member]) -> Refused | None:
    """Why there is no copy where no member could be cleaned: what is wrong with one, if only that it is unknown."""
    if any(member.output for member in found):
        return None
    telling = (member.refused for member in found if member.refused and member.refused.code not in _COLLECTED)
    return next(telling, Refused("file-unknown"))


def name_of(number: int, cleaned: bytes, format_: Format) -> str:
    """How a copy is called that begins like this: some are drawn anew, in another format than their original."""
    written = recognise(cleaned[:HEAD]) or format_
    return f"{number:05d}{written.ending}"


def _copied(member: unzip.Member, number: int, target: zipfile.ZipFile, clean: Clean) -> Member:
    """Clean one member into the copy, where that can be done."""
    try:
        data = member.read(-1)
    except Refused as refused:
        if refused.code == "file-too-complex":  # the bounds of all members are used up
            raise
        return Member(number, None, refused=refused)
    format_, cleaned = recognise(data[:HEAD]), BytesIO()
    called = format_.name if format_ else None
    try:
        other_slides.refuse(data[:HEAD], PurePosixPath(member.name).suffix.lower())
        if format_ is None or format_.cleaner is None:
            raise Refused("file-unknown")
        if format_ is archive.FORMAT:
            raise Refused("archive-inside")
        report = clean(data, format_, cleaned)
    except Refused as refused:
        return Member(number, called, refused=refused)
    name = name_of(number, cleaned.getvalue(), format_)
    method = zipfile.ZIP_STORED if member.is_stored else zipfile.ZIP_DEFLATED
    target.writestr(zipfile.ZipInfo(name), cleaned.getbuffer(), method, _LEVEL)
    return Member(number, called, name, report=report)


def _cleaned(data: bytes, format_: Format, cleaned: BinaryIO, policy: Policy) -> Report:
    """Clean one member in this process. Raises `Refused`, whatever a cleaner raises."""
    assert format_.cleaner is not None
    try:
        report: Report = import_module(format_.cleaner).deidentify(BytesIO(data), cleaned, policy)
    except (Refused, MemoryError):
        raise
    except RecursionError:
        raise Refused("file-too-complex") from None
    except Exception:  # whatever a decoder raises on a broken file; its text may quote the file
        raise Refused("file-broken") from None
    return report
