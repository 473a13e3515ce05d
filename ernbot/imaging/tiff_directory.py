"""The directories of a TIFF (TIFF 6.0, section 2) and of its 64-bit sibling BigTIFF, read within bounds.

Every slide scanner writes TIFF, and a slide is copied tag by tag when it is de-identified, so the tags are needed as
they are. Reads directories and values, never pictures; trusts no count and no offset; must not decide what a tag means.
"""

import io
import math
import struct
import sys
from array import array
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from ernbot.core.errors import Refused

SUB_DIRECTORIES = 330
"""The tag that names directories outside of the chain: OME-TIFF keeps the smaller levels of a picture there."""

MAX_DIRECTORIES = 256
MAX_ENTRIES = 512
MAX_VALUE = 32 * 2**20
"""Bytes of one value: the index of a slide of 500,000 x 500,000 pixels has that many."""

_MAGIC = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
_TYPES |= {13: "I", 16: "Q", 17: "q", 18: "Q"}
"""Field types of TIFF 6.0 and BigTIFF as codes of `struct`; a rational is two integers."""

_NUMBERS = frozenset(_TYPES) - {1, 2, 6, 7}
_RATIONALS = frozenset({5, 10})


class _Entry(NamedTuple):
    type: int
    values: int
    at: int


@dataclass(frozen=True)
class _Bounded:
    """A file and its size: no buffer is made for what is not there."""

    file: BinaryIO
    size: int

    def read_at(self, at: int, length: int) -> bytes:
        """Exactly these bytes."""
        if at + length > self.size:
            raise Refused("file-broken")
        self.file.seek(at)
        data = self.file.read(length)
        if len(data) != length:
            raise Refused("file-broken")
        return data


@dataclass(frozen=True)
class Directory:
    """One picture of the file: `entries` by tag number, their values still in `file`; `at` is where it stands."""

    file: _Bounded
    order: str
    entries: dict[int, _Entry]
    at: int

    def data(self, tag: int) -> bytes:
        """The value as it is in the file; nothing where the tag is absent. Raises `Refused` as `read` does."""
        entry = self.entries.get(tag)
        if entry is None or entry.type not in _TYPES:
            return b""
        length = entry.values * struct.calcsize("<" + _TYPES[entry.type])
        if length > MAX_VALUE:
            raise Refused("file-too-complex")
        return self.file.read_at(entry.at, length)

    def numbers(self, tag: int) -> "array[int]":
        """All numbers of a value; those of a rational one after the other."""
        data = self.data(tag)
        numbers = array(_TYPES[self.entries[tag].type][0] if data else "B", data)
        if self.order != ("<" if sys.byteorder == "little" else ">"):
            numbers.byteswap()
        return numbers

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of a value, or `default`."""
        numbers = self.numbers(tag)
        return int(numbers[0]) if numbers else default

    def rational(self, tag: int) -> float | None:
        """The first fraction of a value."""
        numbers = self.numbers(tag)
        is_fraction = tag in self.entries and self.entries[tag].type in _RATIONALS
        return numbers[0] / numbers[1] if is_fraction and len(numbers) > 1 and numbers[1] else None

    def real(self, tag: int) -> float:
        """The first number of a value with a fraction (FLOAT or DOUBLE), finite; 0.0 where there is none."""
        data = self.data(tag)
        code = _TYPES[self.entries[tag].type] if data else ""
        if code not in ("f", "d"):
            return 0.0
        (value,) = struct.unpack_from(self.order + code, data)
        return float(value) if math.isfinite(value) else 0.0

    def is_number(self, tag: int) -> bool:
        """Whether a value is of a type that no text is written in."""
        return self.entries[tag].type in _NUMBERS

    def text(self, tag: int) -> str:
        """A value as text to be judged, never shown."""
        return self.data(tag).decode("latin-1").rstrip("\0")


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF of either byte order does."""
    return head[:4] in _MAGIC


def read(file: BinaryIO) -> list[Directory]:
    """All directories of a file: those of the chain in their order, then those that stand below one of them.

    Raises `Refused`: `file-broken` where one leaves the file or is named twice, so that no chain bites its tail;
    `file-too-complex` where there are more than any scanner writes.
    """
    bounded, order, is_big, at = _begun(file)
    seen: set[int] = set()
    directories: list[Directory] = []

    def add(at: int) -> int:
        if at in seen:
            raise Refused("file-broken")
        seen.add(at)
        if len(directories) == MAX_DIRECTORIES:
            raise Refused("file-too-complex")
        directory, following = _directory(bounded, order, is_big, at)
        directories.append(directory)
        return following

    while at:
        at = add(at)
    for directory in directories:  # it grows: one below may have others below it
        for below in directory.numbers(SUB_DIRECTORIES):
            add(below)
    if not directories:
        raise Refused("file-broken")
    return directories


def first(file: BinaryIO) -> Directory:
    """The first directory alone. Raises `Refused` `file-broken` or `file-too-complex`."""
    directory, _ = _directory(*_begun(file))
    return directory


def _begun(file: BinaryIO) -> tuple[_Bounded, str, bool, int]:
    """The file, its byte order, whether it is a BigTIFF, and where its first directory is."""
    bounded = _Bounded(file, file.seek(0, io.SEEK_END))
    header = bounded.read_at(0, 8)
    order, is_big = _MAGIC.get(header[:4], ("", False))
    if not order:
        raise Refused("file-broken")
    (at,) = struct.unpack(order + "Q", bounded.read_at(8, 8)) if is_big else struct.unpack(order + "I", header[4:])
    return bounded, order, is_big, at


def _directory(file: _Bounded, order: str, is_big: bool, at: int) -> tuple[Directory, int]:
    """The directory at `at`, and where the next one is."""
    many = struct.Struct(order + ("Q" if is_big else "H"))
    field = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
    word = struct.Struct(order + ("Q" if is_big else "I"))
    (count,) = many.unpack(file.read_at(at, many.size))
    if count > MAX_ENTRIES:
        raise Refused("file-too-complex")
    start = at + many.size
    raw = file.read_at(start, count * field.size + word.size)
    entries: dict[int, _Entry] = {}
    for index in range(count):
        tag, type_, values, inline = field.unpack_from(raw, index * field.size)
        length = values * struct.calcsize("<" + _TYPES.get(type_, "B"))
        here = start + index * field.size + field.size - word.size
        entries[tag] = _Entry(type_, values, here if length <= word.size else word.unpack(inline)[0])
    (following,) = word.unpack_from(raw, count * field.size)
    return Directory(file, order, entries, at), following
