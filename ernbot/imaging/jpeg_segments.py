"""The marker segments of a JPEG stream (ITU-T T.81, B.1.1.3) and of a JPEG 2000 codestream, without what is text.

Works on bytes and decodes nothing. What is left decodes to the same pixels: a comment or an application segment is
not needed for them, but for the two short ones that tell decoders which colours they are looking at.
"""

import re
from collections.abc import Iterator

from ernbot.core.errors import Refused

_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_NEEDED = frozenset({*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD}) - {0xC8}
"""Frames, tables, scans, number of lines, restart interval."""

_COLOUR = {0xE0: (b"JFIF\0", 18), 0xEE: (b"Adobe", 16)}
"""Application segments that speak of colour: how they begin, and their length, marker included, with numbers alone."""

_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What ends a scan: neither a stuffed byte nor a restart."""

_J2K_START = b"\xff\x4f\xff\x51"
_J2K_SCAN, _J2K_TILE, _J2K_COMMENT = 0x93, 0x90, 0x64
_J2K_END = b"\xff\xd9"


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment behind the start of a JPEG stream, a scan with the data that follows it.

    The last one is the end of the image, or what there is of it. Raises `Refused` `file-broken` where it is no JPEG.
    """
    if not data.startswith(_START):
        raise Refused("file-broken")
    at = len(_START)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise Refused("file-broken")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END[1]:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, end)
            end = found.start() if found else len(data)
        yield marker, at, end
        at = end
    yield _END[1], at, at + 2 if data[at : at + 2] == _END else at


def plain_jpeg(data: bytes, *, keep_colour: bool = True) -> bytes:
    """A JPEG stream, or the tables of one, with needed segments alone, and nothing after its end.

    Raises `Refused` `file-broken` where it is no JPEG.
    """
    kept, begin, stop = [], 0, 0  # pieces before `begin`, and what is to be kept from there to `stop`
    for marker, at, end in segments(data):
        is_needed = marker in _NEEDED or marker == _END[1] or (keep_colour and _is_colour(marker, data[at:end]))
        if not is_needed:
            kept.append(data[begin:at])
            begin = end
        stop = end
    return b"".join([*kept, data[begin:stop]]) if kept or stop < len(data) else data


def _is_colour(marker: int, segment: bytes) -> bool:
    beginning, length = _COLOUR.get(marker, (b"", 0))
    return len(segment) == length and segment[4:].startswith(beginning)


def plain_j2k(data: bytes) -> bytes:
    """A codestream (ITU-T T.800, annex A) of the same length, its comments overwritten with zeros.

    Their lengths stay, because the lengths of tile parts count them. Raises `Refused` `file-broken` where it is no
    bare codestream, since the boxes of a JP2 file can hold anything.
    """
    if not data.startswith(_J2K_START):
        raise Refused("file-broken")
    plain, at, part_end = bytearray(data), 2, 0
    while at + 4 <= len(data) and data[at : at + 2] != _J2K_END:
        if data[at] != 0xFF:
            raise Refused("file-broken")
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _J2K_COMMENT:
            plain[at + 4 : min(end, len(data))] = bytes(max(0, min(end, len(data)) - at - 4))
        elif marker == _J2K_TILE:
            length = int.from_bytes(data[at + 6 : at + 10], "big")
            part_end = at + length if length else len(data)
        elif marker == _J2K_SCAN:
            if part_end <= at:
                raise Refused("file-broken")
            end = part_end
        at = end
    last = data.rfind(_J2K_END) if part_end >= len(data) else at
    if last >= 0:
        plain[last + 2 :] = bytes(max(0, len(data) - last - 2))
    return bytes(plain)
