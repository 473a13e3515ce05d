"""What compressed pixels say beside the picture: comments, application data, and bytes after its end.

Such bytes are overwritten in place. Nothing is compressed again and nothing moves, so that every sample and every
offset stays what it was.
"""

import struct
from collections.abc import Iterator

_ITEM = 0xFFFEE000
_JPEG, _J2K, _JP2 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_END = b"\xff\xd9"
_SOS, _EOI, _COM, _SOT, _SOD, _J2K_COM = 0xDA, 0xD9, 0xFE, 0xFF90, 0xFF93, 0xFF64
_APPLICATION = range(0xE0, 0xF0)
_NEEDED = {0xE0: (b"JFIF\0", 14), 0xE8: (b"mrfx", 5), 0xEE: (b"Adobe", 12)}
"""Application data that decoders go by: its mark, and how many bytes of it. `mrfx` is HP's colour transform."""

_WORDY_BOXES = (b"xml ", b"uuid", b"uinf", b"jp2i", b"free")

Span = tuple[int, int]
"""Where bytes to overwrite begin and end."""


def silenced(fragments: bytes) -> bytes:
    """Encapsulated pixel data (PS3.5 section A.4) with spaces in place of what is not picture; the same length.

    The same object where there is nothing to overwrite. Fragments of a kind not known here are left alone.
    """
    spans = [span for start, end in _fragments(fragments) for span in _wordy(fragments, start, end)]
    told = [(start, end) for start, end in spans if fragments[start:end].strip(b" \0")]
    if not told:
        return fragments
    changed = bytearray(fragments)
    for start, end in told:
        changed[start:end] = b" " * (end - start)
    return bytes(changed)


def _fragments(data: bytes) -> Iterator[Span]:
    at = 0
    while at + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHL", data, at)
        if group << 16 | element != _ITEM:
            return
        yield at + 8, at + 8 + length
        at += 8 + length


def _wordy(data: bytes, start: int, end: int) -> Iterator[Span]:
    if data.startswith(_JPEG, start):
        yield from _jpeg(data, start + 2, end)
    elif data.startswith(_J2K, start):
        yield from _j2k(data, start + 2, end)
    elif data.startswith(_JP2, start):
        yield from _boxes(data, start, end)


def _jpeg(data: bytes, at: int, end: int) -> Iterator[Span]:
    """Segments up to the first scan (ITU-T T.81 B.1.1.3, also T.87), then what follows the end of the image."""
    while at + 4 <= end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            break
        after = min(end, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big"))
        mark, needed = _NEEDED.get(marker, (b"", 0))
        if marker == _COM or marker in _APPLICATION:
            yield at + 4 + (needed if mark and data.startswith(mark, at + 4) else 0), after
        if marker == _SOS:
            at = after
            break
        at = max(after, at + 4)
    yield from _behind(data, at, end)


def _j2k(data: bytes, at: int, end: int) -> Iterator[Span]:
    """Comments in the main header and in those of the tile-parts (ITU-T T.800 A.9.2), then what follows the end."""
    part = 0
    while at + 4 <= end:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SOT and at + 10 <= end:
            (size,) = struct.unpack_from(">L", data, at + 6)
            part = at + size if size else end
        if marker == _SOD and part > at:
            at = part
            continue
        if not 0xFF4F < marker <= _SOT or length < 2:
            break
        if marker == _J2K_COM:
            yield at + 6, min(end, at + 2 + length)
        at += 2 + length
    yield from _behind(data, min(at, end), end)


def _boxes(data: bytes, at: int, end: int) -> Iterator[Span]:
    """Boxes of a JP2 file around the codestream (ITU-T T.800 annex I), which some encoders leave there."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">L4s", data, at)
        after = end if size == 0 else at + size
        if size in range(1, 8) or after > end:
            return
        if kind in _WORDY_BOXES:
            yield at + 8, after
        elif kind == b"jp2c":
            yield from _j2k(data, at + 10, after)
        at = after


def _behind(data: bytes, at: int, end: int) -> Iterator[Span]:
    """What follows the end marker, which cannot stand within compressed data."""
    found = data.find(_END, at, end)
    if found >= 0:
        yield found + 2, end
