"""The members of zip archives, inflated into memory within bounds. Runs in the sandbox only.

Nothing is ever extracted to a disk. What the central directory promises is not believed: bytes are counted as they
come out, and `zipfile` gives no more than was promised and compares the check sum. An archive that would write
elsewhere when somebody else extracts it, or shows them something else, is refused as a whole.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import IO, BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import file_names, identifiers
from ernbot.imaging.model import MAX_FRAME_BYTES
from ernbot.imaging.reader import Reader

MAX_ENTRIES = 2000
MAX_INFLATED = 1500 * 2**20
"""Of all members together, bytes that really come out."""

MAX_MEMBER = MAX_FRAME_BYTES
MAX_RATIO = 200
"""Bytes out for each byte in: a CT has 1.5."""

_NO_BOMB = 16 * 2**20
"""What a member may become at any ratio: black slices at the end of a volume have a thousand."""

_MAX_DIRECTORY = 4 * 2**20
_DIRECTORY_SIZE = 5
"""Which field of the end record is the size of the central directory (APPNOTE 4.3.16)."""

_PIECE = 2**20
_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""General purpose flags: encrypted, strongly so, with a central directory that is masked (APPNOTE 4.4.4)."""

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Python inflates the others without a bound, and no clinical system writes them."""

_UNSAFE = re.compile(r"^/|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Absolute, with a drive, with the separator of another system, upwards, or with characters that hide what follows."""

_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What `zipfile` raises at offsets, versions and sizes that cannot be."""

_LOCAL_HEADER, _NAME_LENGTH_AT = 30, 26
"""Bytes of what stands before a member, its name and extra field (APPNOTE 4.3.7); where their lengths are in it."""

_EXTRA = struct.Struct("<HH")
_UNICODE_PATH = 0x7075
"""The extra field that holds the name once more (APPNOTE 4.6.9)."""

_LITTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What operating systems leave in every folder."""


@dataclass
class _Budget:
    left: int

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Refused("file-too-complex")


Place = tuple[int, int]
"""Where something stands in a member: offset and length, bytes."""


@dataclass(frozen=True)
class Member:
    """One file of an archive. `is_stored` says that it was not compressed there.

    `name` is only compared with other names, and goes nowhere: it could be somebody's. `pieces` gives what stands at
    places that come in rising order, inflating what is before them once, and holding none of it.
    """

    name: str
    read: Reader
    pieces: Callable[[Iterable[Place]], Iterator[bytes]]
    is_stored: bool


@dataclass(frozen=True)
class Contents:
    """What archives hold: their members in their order, without folders and litter.

    `kinds` say where the archives themselves may name somebody: `FileName`, `Comment`.
    """

    members: tuple[Member, ...]
    kinds: frozenset[str]


def contents(files: Sequence[BinaryIO], *, is_rebuilt: bool = False) -> Contents:
    """What these archives hold together. Where a copy `is_rebuilt` of it, the names of members do not matter.

    Readers raise `Refused`: `file-too-complex` beyond the bounds, `file-broken`, also for places that are not in a
    member or not in order. Raises `Refused` itself:
    `file-too-complex` for too many entries, `archive-unsafe`, `archive-locked` where a password is needed,
    `file-unsupported` (syntax), `file-broken`.
    """
    budget = _Budget(MAX_INFLATED)
    found: list[Member] = []
    kinds: set[str] = set()
    entries = 0
    for file in files:
        archive = _opened(file)
        infos = archive.infolist()
        entries += len(infos)
        if entries > MAX_ENTRIES:
            raise Refused("file-too-complex")
        if not is_rebuilt:
            _check_names([info.orig_filename for info in infos])
        if min((info.header_offset for info in infos), default=0):  # another archive stands before this one
            raise Refused("archive-unsafe")
        if archive.comment.strip():
            kinds.add("Comment")
        for info in infos:
            _check(info)
            kinds |= _kinds(info)
            if not info.is_dir() and not _LITTER.search(info.filename):
                stored = info.compress_type == zipfile.ZIP_STORED
                read = partial(_read, archive, info, budget)
                pieces = partial(_stored_pieces, file) if stored else partial(_inflated_pieces, archive)
                found.append(Member(info.filename, read, partial(pieces, info, budget), stored))
    return Contents(tuple(found), frozenset(kinds))


def _kinds(info: zipfile.ZipInfo) -> set[str]:
    """Where an entry, be it a folder, may name somebody. Nobody needs a second name for a plain one."""
    told = {"Comment"} if info.comment.strip() else set[str]()
    if not file_names.is_plain(info.filename) or _UNICODE_PATH in _extra_fields(info.extra):
        told.add(identifiers.FILE_NAME)
    return told


def _extra_fields(extra: bytes) -> Iterator[int]:
    """The numbers of the extra fields of an entry (APPNOTE 4.5.1)."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        number, length = _EXTRA.unpack_from(extra, at)
        yield number
        at += _EXTRA.size + length


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    """Raises `Refused` before a central directory is read that is too large for `MAX_ENTRIES`."""
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if end and end[_DIRECTORY_SIZE] > _MAX_DIRECTORY:
            raise Refused("file-too-complex")
        return zipfile.ZipFile(file)
    except _BROKEN:
        raise Refused("file-broken") from None


def _check_names(names: Sequence[str]) -> None:
    """Two members of the same name are two contents, of which each reader takes another."""
    if len(set(names)) < len(names) or any(_UNSAFE.search(name) for name in names):
        raise Refused("archive-unsafe")


def _check(info: zipfile.ZipInfo) -> None:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):  # a link, a device, a pipe
        raise Refused("archive-unsafe")
    if info.flag_bits & _ENCRYPTED:
        raise Refused("archive-locked")
    if info.compress_type not in _METHODS:
        raise Refused("file-unsupported", syntax="ZIP")
    _check_ratio(info, info.file_size)


def _check_ratio(info: zipfile.ZipInfo, inflated: int) -> None:
    if inflated > max(_NO_BOMB, MAX_RATIO * info.compress_size):
        raise Refused("file-too-complex")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, limit: int) -> bytes:
    """The first `limit` bytes of a member, or all for -1."""
    most = MAX_MEMBER + 1 if limit < 0 else limit
    inflated = BytesIO()
    try:
        with archive.open(info) as member:
            while piece := member.read(min(_PIECE, most - inflated.tell())):
                budget.spend(len(piece))
                inflated.write(piece)
    except _BROKEN:
        raise Refused("file-broken") from None
    if inflated.tell() > MAX_MEMBER:
        raise Refused("file-too-complex")
    return inflated.getvalue()


def _inflated_pieces(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, places: Iterable[Place]
) -> Iterator[bytes]:
    """What stands at these places of a deflated member."""
    last, piece = (0, 0), b""
    try:
        with archive.open(info) as member:
            for place in places:
                if place != last:  # a scanner keeps empty glass once
                    at = sum(last)
                    _check_place(info, place, at)
                    while at < place[0]:
                        at += len(_inflated(member, min(_PIECE, place[0] - at), budget))
                    piece, last = _inflated(member, place[1], budget), place
                yield piece
    except _BROKEN:
        raise Refused("file-broken") from None


def _inflated(member: IO[bytes], length: int, budget: _Budget) -> bytes:
    budget.spend(length)
    data = member.read(length)
    if len(data) < length:
        raise Refused("file-broken")
    return data


def _stored_pieces(file: BinaryIO, info: zipfile.ZipInfo, budget: _Budget, places: Iterable[Place]) -> Iterator[bytes]:
    """What stands at these places of a member that is not compressed: nothing else is read."""
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER:
        raise Refused("file-broken")
    begin = info.header_offset + _LOCAL_HEADER + sum(struct.unpack_from("<HH", header, _NAME_LENGTH_AT))
    for place in places:
        _check_place(info, place)
        budget.spend(place[1])
        file.seek(begin + place[0])
        data = file.read(place[1])
        if len(data) < place[1]:
            raise Refused("file-broken")
        yield data


def _check_place(info: zipfile.ZipInfo, place: Place, at: int = 0) -> None:
    if place[0] < at or place[1] < 0 or sum(place) > info.file_size:
        raise Refused("file-broken")
    if place[1] > MAX_MEMBER:
        raise Refused("file-too-complex")
