"""A zip archive without its patient: a new one, of cleaned copies of the members that can be cleaned.

One member after the other goes through memory, and none is ever on a disk. Members are numbered: their names, folders,
times and comments are not carried over. What cannot be cleaned is left out and counted, so that its sender can be
told. Runs in the sandbox, or on the hospital's own machine.
"""

import zipfile
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import archive, recognise, slide_folder, unzip
from ernbot.imaging.deid.model import Policy, Report, left_out
from ernbot.imaging.reader import HEAD

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

    Raises `Refused` as `unzip.contents`, `slide_folder.find` and `members` do; `file-overview-only` for a slide that is
    a folder of files, since their pixels and the picture of its label are in the same ones.
    """
    held = unzip.contents([file], is_rebuilt=True)
    if slide_folder.find(held):
        raise Refused("file-overview-only")
    found = members(held, out, policy)
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


def members(held: unzip.Contents, out: BinaryIO, policy: Policy) -> list[Member]:
    """Write a de-identified copy of what an archive held, and tell what became of each member.

    Raises `Refused`: `file-too-complex` where the members are too much together; the refusal of a member, or
    `file-unknown`, where none could be cleaned.
    """
    found = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
        for number, member in enumerate(held.members, 1):
            found.append(_copied(member, number, target, policy))
    if not any(member.output for member in found):
        telling = (member.refused for member in found if member.refused and member.refused.code not in _COLLECTED)
        raise next(telling, Refused("file-unknown"))
    return found


def _copied(member: unzip.Member, number: int, target: zipfile.ZipFile, policy: Policy) -> Member:
    """Clean one member into the copy, where that can be done."""
    try:
        data = member.read(-1)
    except Refused as refused:
        if refused.code == "file-too-complex":  # the bounds of all members are used up
            raise
        return Member(number, None, refused=refused)
    format_ = recognise(data[:HEAD])
    if format_ is archive.FORMAT:
        return Member(number, format_.name, refused=Refused("archive-inside"))
    if format_ is None or format_.cleaner is None:
        return Member(number, format_.name if format_ else None, refused=Refused("file-unknown"))
    cleaned = BytesIO()
    try:
        report = import_module(format_.cleaner).deidentify(BytesIO(data), cleaned, policy)
    except Refused as refused:
        return Member(number, format_.name, refused=refused)
    except RecursionError:
        return Member(number, format_.name, refused=Refused("file-too-complex"))
    except MemoryError:
        raise
    except Exception:  # whatever a decoder raises on a broken file; its text may quote the file
        return Member(number, format_.name, refused=Refused("file-broken"))
    written = recognise(cleaned.getvalue()[:HEAD]) or format_  # some are drawn anew, in another format
    name = f"{number:05d}{written.ending}"
    method = zipfile.ZIP_STORED if member.is_stored else zipfile.ZIP_DEFLATED
    target.writestr(zipfile.ZipInfo(name), cleaned.getbuffer(), method, _LEVEL)
    return Member(number, format_.name, name, report=report)
