"""The index of a MIRAX slide: where each picture is in the many files of pixels. Runs in the sandbox only.

`Index.dat` holds lists of pages, one for each level and each other thing that is stored, and a page says where the next
one is. So it can point anywhere, and in circles: every number is compared with the bytes that are there.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernbot.core.errors import Refused

MAX_BYTES = 32 * 2**20
"""A slide of 100,000 x 200,000 pixels has 7 MB."""

_VERSION = b"01.02"
_MOST_PAGES = 500_000
_PAIR = struct.Struct("<2i")
_PICTURE, _SECTION = 4, 5
"""Numbers of an item: image, offset, length and file of a picture; two others and the same three of a section."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Index:
    """`levels` and `sections` are where the tables of both kinds of lists begin."""

    data: bytes
    levels: int
    sections: int

    def pictures(self, record: int) -> Array:
        """A row for each picture of a level: number of its image, offset and length in bytes, number of its file.

        Raises `Refused` `file-broken` for places that are not there, and for pages in a circle.
        """
        return self._items(self.levels + _PAIR.size // 2 * record, _PICTURE)

    def section(self, record: int) -> tuple[int, int, int]:
        """Offset and length in bytes, and number of the file of what is no level. Raises `Refused` as above."""
        found = self._items(self.sections + _PAIR.size // 2 * record, _SECTION)
        if not len(found):
            raise Refused("file-broken")
        _, _, offset, length, file = found[0].tolist()
        return offset, length, file

    def _items(self, pointer: int, width: int) -> Array:
        if not 0 <= pointer <= len(self.data) - 4:
            raise Refused("file-broken")
        at = int.from_bytes(self.data[pointer : pointer + 4], "little")
        found, seen, left = [np.empty((0, width), np.int32)], set[int](), len(self.data)
        while at:
            count, following = _pair(self.data, at)
            length = 4 * width * count
            left -= length
            if count < 0 or left < 0 or at in seen or len(seen) > _MOST_PAGES or at + 8 + length > len(self.data):
                raise Refused("file-broken")
            seen.add(at)
            found.append(np.frombuffer(self.data, "<i4", width * count, at + _PAIR.size).reshape(-1, width))
            at = following
        return np.concatenate(found)


def read(data: bytes, slide_id: str) -> Index:
    """The index of the slide with this number. Raises `Refused` `file-broken` where it is none, or another's."""
    begin = _VERSION + slide_id.encode()
    if not data.startswith(begin):
        raise Refused("file-broken")
    return Index(data, *_pair(data, len(begin)))


def _pair(data: bytes, at: int) -> tuple[int, int]:
    if not 0 <= at <= len(data) - _PAIR.size:
        raise Refused("file-broken")
    first, second = _PAIR.unpack_from(data, at)
    return first, second
