"""The marker segments of a JPEG 2000 codestream (ITU-T T.800 annex A), and which of them pixels need.

The one walk over such streams. Works on bytes and decodes nothing. Nothing can be cut out of one, since the lengths of
its tile-parts count every byte: what is not needed is overwritten.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ernbot.core.errors import Refused

START, END = b"\xff\x4f\xff\x51", b"\xff\xd9"
SIZ, COD = 0x51, 0x52
_COM, _SOT, _SOD, _EOC = 0x64, 0x90, 0x93, 0xD9
_NEEDED = frozenset({*range(0x50, 0x64), *range(0x70, 0x7A), _SOT, _SOD, _EOC})
"""Sizes, coding, quantisation, pointers and packed headers (also of T.801 and T.814), tile-parts, the end."""

_REGISTRATION = 2
"""Bytes of a comment that say whether it is text."""

Span = tuple[int, int]
"""Where bytes to overwrite begin and end."""


class Segment(NamedTuple):
    """Where the content of a segment begins, behind its length, and where the next segment does: places in the data.

    Packets belong to the segment that starts them.
    """

    marker: int
    content: int
    after: int


def segments(data: bytes, at: int = 0, end: int | None = None) -> Iterator[Segment]:
    """Each segment behind the start of the codestream that begins at `at`, up to its end or to where it breaks."""
    end = len(data) if end is None else end
    at, part = at + 2, 0
    while at + 2 <= end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _EOC:
            yield Segment(marker, at + 2, at + 2)
            return
        if marker == _SOD:
            if part <= at:
                return
            after = part
        else:
            after = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if after < at + 4 or after > end or marker < SIZ - 1:
                return
        if marker == _SOT:
            part = _part(data, at, after, end)
        yield Segment(marker, min(at + 4, after), after)
        at = after


def _part(data: bytes, at: int, header: int, end: int) -> int:
    """Where the tile-part ends whose segment begins at `at`: A.4.2. One without a length is the last."""
    (length,) = struct.unpack_from(">L", data, at + 6) if header >= at + 10 else (1,)
    if length:
        return min(int(at + length), end)
    found = data.find(END, header, end)  # packets hold no marker
    return found if found >= 0 else end


def surplus(data: bytes, at: int = 0, end: int | None = None) -> Iterator[Span]:
    """What the pixels of the codestream in this part of the data do not need: words, and what follows its end."""
    end = len(data) if end is None else end
    for marker, content, after in segments(data, at, end):
        if marker not in _NEEDED:
            yield content + (_REGISTRATION if marker == _COM else 0), after
        at = after
    found = data.find(END, max(0, at - 2), end)
    if found >= 0:
        yield found + 2, end


def plain_j2k(data: bytes) -> bytes:
    """A codestream of the same length, with zeros in place of what is not picture.

    Raises `Refused` `file-broken` where it is no bare codestream, since the boxes of a JP2 file can hold anything, or
    where it cannot be followed to its end.
    """
    *_, last = (None, *segments(data)) if data.startswith(START) else (None,)
    if last is None or (last.marker != _EOC and last.after < len(data)):
        raise Refused("file-broken")
    plain = bytearray(data)
    for begin, end in surplus(data):
        plain[begin:end] = bytes(max(0, end - begin))
    return bytes(plain)
