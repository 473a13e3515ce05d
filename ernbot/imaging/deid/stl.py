"""STL surfaces without their free header, attribute words and the names of solids. Runs in the sandbox only.

Binary triangles are copied number by number; of the text form only facets are written again, so that nothing
between them can pass. Bytes after the last triangle go.
"""

import re
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import stl
from ernbot.imaging.deid import Policy, Report

_AT_ONCE = 20_000
_PIECE = 2**20
_LONGEST_FACET = 4096
_NUMBER = rb"\s+([-+]?(?:[0-9.]{1,40}(?:e[-+]?[0-9]{1,4})?|nan|inf))"
_POINT = _NUMBER * 3
_FACET = re.compile(
    rb"facet\s+normal" + _POINT + rb"\s+outer\s+loop" + (rb"\s+vertex" + _POINT) * 3 + rb"\s+endloop\s+endfacet"
)
_LINE = re.compile(rb"\s*(?:end)?solid([^\n]*)(?:\n|$)|\s+")
_WRITTEN = b"facet normal %b %b %b\nouter loop\nvertex %b %b %b\nvertex %b %b %b\nvertex %b %b %b\nendloop\nendfacet\n"


def deidentify(file: BinaryIO, out: BinaryIO, _policy: Policy) -> Report:
    """Raises `Refused`: `file-broken` where triangles are missing, or something that is no facet is between them."""
    file.seek(0)
    kinds = _text(file, out) if stl.is_ascii(file.read(1024)) else _binary(file, out)
    return Report(kinds=tuple(sorted(kinds)))


def _binary(file: BinaryIO, out: BinaryIO) -> set[str]:
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(stl.HEADER_BYTES)
    count = int.from_bytes(head[-4:], "little")
    end = stl.HEADER_BYTES + count * stl.TRIANGLE_BYTES
    if size < end:
        raise Refused("file-broken")
    kinds = {"Header"} if head[:-4].strip(b"\0 ") else set[str]()
    out.write(bytes(stl.HEADER_BYTES - 4) + head[-4:])
    while count:
        some = min(count, _AT_ONCE)
        data = bytearray(file.read(some * stl.TRIANGLE_BYTES))
        if len(data) != some * stl.TRIANGLE_BYTES:
            raise Refused("file-broken")
        for at in (48, 49):
            if any(data[at :: stl.TRIANGLE_BYTES]):
                kinds.add("AttributeByteCount")
                data[at :: stl.TRIANGLE_BYTES] = bytes(some)
        out.write(data)
        count -= some
    return kinds | ({"TrailingData"} if size > end else set())


def _text(file: BinaryIO, out: BinaryIO) -> set[str]:
    file.seek(0)
    kinds, rest = set[str](), b""
    out.write(b"solid model\n")
    while data := file.read(_PIECE):
        text = rest + data
        end = max(text.rfind(b"endfacet"), text.rfind(b"ENDFACET"), -8) + 8
        rest = text[end:]
        if len(rest) > _LONGEST_FACET + _PIECE:
            raise Refused("file-broken")
        _copy(text[:end], out, kinds)
    _copy(rest, out, kinds)
    out.write(b"endsolid model\n")
    return kinds


def _copy(text: bytes, out: BinaryIO, kinds: set[str]) -> None:
    """Write the facets of a piece again. Raises `Refused` where anything else than names of solids is between."""
    at, facets = 0, []
    lower = text.lower()
    while at < len(lower):
        if facet := _FACET.match(lower, at):
            facets.append(_WRITTEN % facet.groups())
            at = facet.end()
        elif line := _LINE.match(lower, at):
            if (line[1] or b"").strip():
                kinds.add("Name")
            at = line.end()
        else:
            raise Refused("file-broken")
    out.write(b"".join(facets))
