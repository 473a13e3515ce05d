"""STL surfaces, as planning software and face scanners write them, in binary and in text.

Binary STL has no signature, only 80 free bytes, a count and triangles of 50 bytes. It is taken for one when the
count fits the bytes and its first numbers are coordinates.
"""

import struct

from ernbot.imaging.model import Format

HEADER_BYTES = 84
"""Free text of 80 bytes, and the number of triangles: u32, little-endian."""

TRIANGLE_BYTES = 50
"""Normal and three corners, twelve float32, and an attribute word."""

_HEAD = 64 * 2**10
_LOOKED_AT = 64
_MOST_TRAILING = 1024
_FARTHEST = 1e7


def is_ascii(data: bytes) -> bool:
    """Whether the text form begins here. Some programs write `solid` into the free bytes of the binary form."""
    start = data[:1024].lower()
    return start.lstrip().startswith(b"solid") and b"\0" not in start and b"facet" in start


def _sniff(data: bytes) -> bool:
    if is_ascii(data):
        return True
    if len(data) < HEADER_BYTES + TRIANGLE_BYTES:
        return False
    stated = HEADER_BYTES + TRIANGLE_BYTES * int.from_bytes(data[80:84], "little")
    if len(data) - stated > _MOST_TRAILING or (stated > len(data) and len(data) < _HEAD):
        return False
    last = min(len(data), stated, HEADER_BYTES + TRIANGLE_BYTES * _LOOKED_AT) - TRIANGLE_BYTES
    corners = (struct.unpack_from("<12x9f", data, at) for at in range(HEADER_BYTES, last + 1, TRIANGLE_BYTES))
    return stated > HEADER_BYTES and all(abs(number) < _FARTHEST for triangle in corners for number in triangle)


FORMAT = Format(
    name="STL",
    mimetypes=frozenset({"model/stl", "model/x.stl-binary", "model/x.stl-ascii", "application/sla"}),
    sniff=_sniff,
    decoder="ernbot.imaging.stl_model",
    cleaner="ernbot.imaging.deid.stl",
)
