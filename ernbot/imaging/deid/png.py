"""PNG pictures without texts, times and private chunks, the samples compressed as they were.

Chunks (ISO/IEC 15948, 11.2 and 11.3) that samples and colours need are kept, each with the length that it must have;
of the compressed data all but what follows its end. Of an animation the first picture is left, the one that was
looked at. Runs in the sandbox only.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import identifiers
from ernbot.imaging.deid import Policy, Report, exif, icc, redraw
from ernbot.imaging.model import MAX_FRAME_BYTES
from ernbot.imaging.png import SIGNATURE

_LENGTHS = {
    b"IHDR": range(13, 14),
    b"PLTE": range(3, 3 * 256 + 1, 3),
    b"tRNS": range(1, 257),
    b"gAMA": range(4, 5),
    b"cHRM": range(32, 33),
    b"sRGB": range(1, 2),
    b"cICP": range(4, 5),
    b"sBIT": range(1, 5),
    b"pHYs": range(9, 10),
}
"""Chunks that are kept, and how long each may be."""

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_AT_ONCE = 2**16
_PIECE = 2**20
_LARGEST_PROFILE = 4 * 2**20


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """The same samples, with Orientation and a fresh profile where there were any.

    Where the colours hang on a profile that cannot be written anew, the picture is drawn again instead. Raises
    `Refused`: `file-broken`, `file-too-complex`.
    """
    return redraw.stripped_or_drawn(_stripped, file, out, policy)


def _stripped(data: bytes) -> tuple[list[bytes], set[str]]:
    kept, pieces, kinds = list[bytes](), list[bytes](), set[str]()
    for name, content in _chunks(data):
        if name == b"IDAT":
            pieces.append(content)
        elif name in _LENGTHS:
            if len(content) not in _LENGTHS[name]:
                raise Refused("file-broken")
            kept.append(_chunk(name, content))
        elif name == b"eXIf":
            orientation, told = exif.read(content)
            kinds |= told
            if block := exif.only(orientation):
                kept.append(_chunk(b"eXIf", block))
        elif name == b"iCCP":
            kinds.add("InterColorProfile")
            if fresh := icc.rebuilt(_inflated(content.partition(b"\0")[2][1:])):
                kept.append(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(fresh)))
        elif name == b"IEND":
            kinds |= {"TrailingData"} if content else set()
        else:
            kinds.add(_kind(name, content))
    packed, is_all = _deflated(b"".join(pieces))
    kinds |= set() if is_all else {"TrailingData"}
    return [SIGNATURE, *kept, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")], kinds


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk; the end comes with what follows it. Raises `Refused` where it never comes."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or data[end - 4 : end] != struct.pack(">I", zlib.crc32(memoryview(data)[at + 4 : end - 4])):
            break
        if name == b"IEND":
            yield name, data[at + 8 : end - 4] + data[end:]
            return
        yield name, data[at + 8 : end - 4]
        at = end
    raise Refused("file-broken")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))


def _kind(name: bytes, content: bytes) -> str:
    """The name of what is in a chunk that goes."""
    if name in _TEXTS:
        keyword = content.partition(b"\0")[0].decode("latin-1")
        if keyword == "XML:com.adobe.xmp":
            return "XMP"
        return keyword.title() if keyword.title() in identifiers.PHOTOGRAPH_KINDS else "Text"
    if name == b"tIME":
        return "ModificationTime"
    return "Animation" if name in _ANIMATION else "ApplicationData"


def _deflated(packed: bytes) -> tuple[bytes, bool]:
    """The compressed samples up to the end that zlib finds, and whether that is all. Raises `Refused`."""
    inflater, size = zlib.decompressobj(), 0
    for at in range(0, len(packed), _AT_ONCE):
        rest = packed[at : at + _AT_ONCE]
        while rest and not inflater.eof:
            try:
                size += len(inflater.decompress(rest, _PIECE))
            except zlib.error:
                raise Refused("file-broken") from None
            rest = inflater.unconsumed_tail
            if size > 2 * MAX_FRAME_BYTES:
                raise Refused("file-too-complex")
        if inflater.eof:
            end = min(at + _AT_ONCE, len(packed)) - len(inflater.unused_data)
            return packed[:end], end == len(packed)
    raise Refused("file-broken")


def _inflated(packed: bytes) -> bytes:
    """A compressed profile; empty where it is broken, as nobody sees colours by such a one."""
    try:
        return zlib.decompressobj().decompress(packed, _LARGEST_PROFILE)
    except zlib.error:
        return b""
