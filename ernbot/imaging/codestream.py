"""The size that a compressed picture states about itself, read before any decoder sees it.

Reads a few bytes of JPEG, JPEG-LS and JPEG 2000 headers and nothing else; must never allocate by what they
say.
"""

import struct
from dataclasses import dataclass

from ernbot.imaging import jpeg2000_segments, jpeg_segments

_LONGEST_BOX = 64 * 2**10
"""How far in a JPEG 2000 codestream may begin: some archives keep the JP2 boxes, against PS3.5 A.4.4."""

_MOST_LEVELS = 32


@dataclass(frozen=True)
class Stated:
    """Pixels across and down, components, and bits and sign of the first component's samples.

    `levels` counts how often the picture can be halved while it is decoded: none outside of JPEG 2000.
    """

    width: int
    height: int
    components: int
    precision: int
    signed: bool = False
    levels: int = 0


def stated(codestream: bytes) -> Stated | None:
    """What the codestream says it holds; None where no header can be found."""
    if codestream.startswith(jpeg_segments.START):
        return _jpeg(codestream)
    start = j2k_start(codestream)
    return None if start < 0 else _j2k(codestream[start : start + _LONGEST_BOX])


def j2k_start(codestream: bytes) -> int:
    """Where the JPEG 2000 codestream itself begins; -1 where there is none."""
    return codestream.find(jpeg2000_segments.START, 0, _LONGEST_BOX)


def _jpeg(data: bytes) -> Stated | None:
    """The frame header: ITU-T T.81 B.2.2 for JPEG, T.87 C.2.2 for JPEG-LS."""
    for segment in jpeg_segments.segments(data):
        if segment.marker in jpeg_segments.FRAMES:
            content = data[segment.content : segment.end]
            if len(content) < 6:
                return None
            precision, height, width, components = struct.unpack_from(">BHHB", content)
            return Stated(width, height, components, precision)
    return None


def _j2k(data: bytes) -> Stated | None:
    """Image and tile size (ITU-T T.800 A.5.1), and the decomposition levels of the coding style default (A.6.1)."""
    found: dict[int, bytes] = {}
    for marker, content, after in jpeg2000_segments.segments(data):
        found.setdefault(marker, data[content:after])
        if marker == jpeg2000_segments.COD:
            break
    size, style = found.get(jpeg2000_segments.SIZ, b""), found.get(jpeg2000_segments.COD, b"")
    if len(size) < 37:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", size, 2)
    components, depth = struct.unpack_from(">HB", size, 34)
    levels = min(style[5], _MOST_LEVELS) if len(style) > 5 else 0
    return Stated(right - left, bottom - top, components, (depth & 0x7F) + 1, depth >= 0x80, levels)
