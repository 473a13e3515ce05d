"""The marker segments of JPEG (ITU-T T.81 B.1.1.3) and of JPEG-LS, and which of them pixels need.

The one walk over such streams: whoever cleans, cuts or measures a JPEG takes its segments from here. Works on bytes
and decodes nothing. What is not known to be needed is not kept: a list of what may hold text would never be complete.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ernbot.core.errors import Refused

START, END = b"\xff\xd8", b"\xff\xd9"
SOI, EOI, SOS, DQT, DHT, DAC, DRI, DNL, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xDC, 0xFE
APP0, APP1, APP2, APP8, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xE8, 0xED, 0xEE
_LS_FRAME, _LS_PRESET = 0xF7, 0xF8

FRAMES = frozenset({*range(0xC0, 0xD0), _LS_FRAME}) - {DHT, 0xC8, DAC}
"""Headers of frames, which say how large the picture is: T.81 B.2.2, and T.87 C.2.2 for JPEG-LS."""

_COLOUR = {APP0: (b"JFIF\0", 14), APP14: (b"Adobe", 12)}
_LS_COLOUR = {APP8: (b"mrfx", 5)}
"""Application segments that tell decoders about colours: how their content begins, and how long it is with numbers
alone. `mrfx` is HP's colour transform."""

_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
"""Also what ends the compressed data of a scan: neither a stuffed byte or bit, nor a restart."""


_ADOBE = b"\xff\xee\0\x0eAdobe\0\x64" + bytes(4)
"""Adobe's application segment up to its last byte, with a version and no flags (ISO/IEC 10918-6 section 6.5.3)."""


class Segment(NamedTuple):
    """Where a segment begins, with its marker; where its content does, behind the length, and where that ends; and
    where the compressed data of a scan ends, which else is the same. All are places in the stream."""

    marker: int
    begin: int
    content: int
    end: int
    after: int


def segments(data: bytes) -> Iterator[Segment]:
    """Each segment behind the start of a stream, up to and with the end of the image.

    Trusts nothing: as in decoders, what is no marker is passed over and lies in no segment, a segment ends with the
    stream at the latest, and where the end of the image is missing, none is given.
    """
    at = len(START)
    while found := _MARKER.search(data, at):
        marker, begin, at = found[1][0], found.start(), found.end()
        if marker in (SOI, EOI):
            yield Segment(marker, begin, at, at, at)
            if marker == EOI:
                return
            continue
        content = min(at + 2, len(data))
        end = min(max(at + int.from_bytes(data[at:content], "big"), content), len(data))
        at = end
        if marker == SOS:
            following = _MARKER.search(data, end)
            at = following.start() if following else len(data)
        yield Segment(marker, begin, content, end, at)


def is_ls(data: bytes) -> bool:
    """Whether a stream is JPEG-LS, which needs other segments, and nothing else."""
    return {each.marker for each in segments(data)} & FRAMES == {_LS_FRAME}


def needed(marker: int, content: bytes, *, ls: bool = False) -> int | None:
    """How many bytes of the content of a segment the samples need; None where they do not need the segment.

    More than there are where it breaks off. `ls` is asked of JPEG-LS.
    """
    length = (_LS_LENGTHS if ls else _LENGTHS).get(marker)
    return length(content) if length else None


def colour(marker: int, content: bytes, *, ls: bool = False) -> int:
    """How many bytes of the content of a segment tell decoders about colours."""
    beginning, length = (_LS_COLOUR if ls else _COLOUR).get(marker, (b"", 0))
    return length if content.startswith(beginning) and len(content) >= length else 0


def adobe(transform: int) -> bytes:
    """Adobe's application segment with nothing in it but how colours were transformed: 0 for RGB and CMYK, 1 for
    YCbCr, 2 for YCCK.
    """
    return _ADOBE + bytes((transform,))


def plain_jpeg(data: bytes, *, keep_colour: bool = True) -> bytes:
    """A JPEG stream, or the tables of one, with needed segments alone, and nothing after its end.

    Raises `Refused` `file-broken` where it is no JPEG, or where text may follow the tables of a segment.
    """
    if not data.startswith(START):
        raise Refused("file-broken")
    kept = [START]
    for marker, begin, at, end, after in segments(data):
        content = data[at:end]
        length = needed(marker, content)
        if length not in (None, len(content)):
            raise Refused("file-broken")
        tells_colour = keep_colour and content and colour(marker, content) == len(content)
        if length is not None or tells_colour or marker == EOI:
            kept.append(data[begin:after])
    return b"".join(kept)


def _quantisation(content: bytes) -> int:
    """One table after the other (T.81 B.2.4.1), as long as their heads can be true."""
    at = 0
    while at < len(content) and content[at] >> 4 <= 1 and content[at] & 15 <= 3:
        at += 1 + 64 * (1 + (content[at] >> 4))
    return at


def _codes(content: bytes) -> int:
    """One table after the other: T.81 B.2.4.2."""
    at = 0
    while at < len(content) and content[at] >> 4 <= 1 and content[at] & 15 <= 3:
        at += 17 + sum(content[at + 1 : at + 17])
    return at


def _presets(content: bytes) -> int:
    """Parameters of JPEG-LS: five numbers, a mapping table, or sizes beyond 65,535 (T.87 C.2.4.1)."""
    kind = content[0] if content else 0
    if kind == 4:
        return 2 + 2 * content[1] if len(content) > 1 else 2
    return {1: 11, 2: len(content), 3: len(content)}.get(kind, 1)


def _frame(content: bytes) -> int:
    return 6 + 3 * content[5] if len(content) > 5 else 6


_BOTH: dict[int, Callable[[bytes], int]] = {
    SOS: lambda content: 4 + 2 * content[0] if content else 1,
    DRI: lambda _: 2,
    DNL: lambda _: 2,
}
_LENGTHS = {
    **_BOTH,
    **dict.fromkeys(FRAMES - {_LS_FRAME}, _frame),
    DQT: _quantisation,
    DHT: _codes,
    DAC: lambda content: len(content) & ~1,
}
_LS_LENGTHS = {**_BOTH, _LS_FRAME: _frame, _LS_PRESET: _presets}
"""Segments that the samples need, and how long the content of each must be by what it says: T.81 B.2."""
