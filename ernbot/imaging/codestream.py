"""The size that a compressed picture states about itself, read before any decoder sees it.

Reads a few bytes of JPEG, JPEG-LS and JPEG 2000 headers and nothing else; must never allocate by what they
say.
"""

import struct
from dataclasses import dataclass

_J2K_START = b"\xff\x4f\xff\x51"
_LONGEST_BOX = 64 * 2**10
"""How far in a JPEG 2000 codestream may begin: some archives keep the JP2 boxes, against PS3.5 A.4.4."""

_CODING_STYLE = 0x52
_TILE_STARTS = frozenset({0x90, 0x93})
_MOST_LEVELS = 32

_NO_SEGMENT = frozenset({0x01, *range(0xD0, 0xD9)})
_NOT_SOF = frozenset({0xC4, 0xC8, 0xCC})


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
    if codestream.startswith(b"\xff\xd8"):
        return _jpeg(codestream)
    start = j2k_start(codestream)
    return None if start < 0 else _j2k(codestream[start + 4 : start + _LONGEST_BOX])


def j2k_start(codestream: bytes) -> int:
    """Where the JPEG 2000 codestream itself begins; -1 where there is none."""
    return codestream.find(_J2K_START, 0, _LONGEST_BOX)


def _jpeg(data: bytes) -> Stated | None:
    """The frame header: ITU-T T.81 B.2.2 for JPEG, T.87 C.2.2 (marker F7) for JPEG-LS."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _NO_SEGMENT:
            at += 2
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NOT_SOF):
            if at + 10 > len(data):
                return None
            precision, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            return Stated(width, height, components, precision)
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _j2k(header: bytes) -> Stated | None:
    """The image and tile size segment: ITU-T T.800 A.5.1, from its length field on."""
    if len(header) < 39:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", header, 4)
    components, depth = struct.unpack_from(">HB", header, 36)
    return Stated(right - left, bottom - top, components, (depth & 0x7F) + 1, depth >= 0x80, _levels(header))


def _levels(header: bytes) -> int:
    """Decomposition levels of the coding style default, T.800 A.6.1; none where it does not come in time."""
    at = int.from_bytes(header[:2], "big")
    while at + 10 <= len(header) and header[at] == 0xFF and header[at + 1] not in _TILE_STARTS:
        if header[at + 1] == _CODING_STYLE:
            return min(header[at + 9], _MOST_LEVELS)
        at += 2 + int.from_bytes(header[at + 2 : at + 4], "big")
    return 0
