"""WebP pictures without EXIF, XMP and unknown chunks, the samples compressed as they were.

Kept are the chunks of RFC 9649 section 2.7 that hold samples. An animation, whose frames have chunks of their own,
is drawn again from its first picture, the one that was looked at. Runs in the sandbox only.
"""

import struct
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import webp
from ernbot.imaging.deid import Policy, Report, exif, icc, redraw

_SAMPLES = (b"VP8 ", b"VP8L")
_ALPHA_FLAG, _EXIF_FLAG, _PROFILE_FLAG = 0x10, 0x08, 0x20
_XMP = b"XMP "
_EXTENDED_BYTES = 10


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """The same samples, with Orientation and a fresh profile where there were any.

    Where the colours hang on a profile that cannot be written anew, the picture is drawn again instead. Raises
    `Refused`: `file-broken`.
    """
    data = file.read()
    chunks: dict[bytes, bytes] = {}
    kinds = set[str]()
    end = webp.HEADER_BYTES
    for name, content in webp.chunks(data):
        end += 8 + len(content) + len(content) % 2
        if name in (b"ANIM", b"ANMF"):
            drawn = redraw.deidentify(file, out, policy)
            return Report(kinds=tuple(sorted({*drawn.kinds, "Animation"})))
        if name in chunks or name not in (*_SAMPLES, _XMP, b"VP8X", b"ALPH", b"ICCP", b"EXIF"):
            kinds.add("ApplicationData")
        else:
            chunks[name] = content
    samples = [name for name in _SAMPLES if name in chunks]
    extended = chunks.get(b"VP8X")
    if len(samples) != 1 or (extended is not None and len(extended) != _EXTENDED_BYTES):
        raise Refused("file-broken")
    if end < len(data):
        kinds.add("TrailingData")
    if _XMP in chunks:
        kinds.add("XMP")
    orientation = 1
    if b"EXIF" in chunks:
        orientation, told = exif.read(chunks[b"EXIF"])
        kinds |= told
    profile = None
    if b"ICCP" in chunks:
        kinds.add("InterColorProfile")
        try:
            profile = icc.rebuilt(chunks[b"ICCP"])
        except icc.NeedsConversion:
            return redraw.deidentify(file, out, policy)
    block = exif.only(orientation) if extended else b""
    body = b""
    if extended:
        flags = extended[0] & _ALPHA_FLAG | (_EXIF_FLAG if block else 0) | (_PROFILE_FLAG if profile else 0)
        body = _chunk(b"VP8X", bytes((flags, 0, 0, 0)) + extended[4:])
        body += _chunk(b"ICCP", profile) + _chunk(b"ALPH", chunks.get(b"ALPH"))
    body += _chunk(samples[0], chunks[samples[0]]) + _chunk(b"EXIF", block)
    out.write(struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body)
    return Report(kinds=tuple(sorted(kinds)))


def _chunk(name: bytes, content: bytes | None) -> bytes:
    """Nothing where there is no content."""
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2) if content else b""
