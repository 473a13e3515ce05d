"""What compressed pixels say beside the picture: comments, application data, and bytes after its end.

Such bytes are overwritten in place. Nothing is compressed again and nothing moves, so that every sample and every
offset stays what it was.
"""

import re
import struct
from collections.abc import Callable, Iterator

from ernbot.imaging import jpeg2000_segments, jpeg_segments

_ITEM = 0xFFFEE000
_JPEG, _JP2 = jpeg_segments.START + b"\xff", b"\0\0\0\x0cjP  "
_LONGEST_START = 12
_FILL = b" \0\xff"
"""Bytes that say nothing: padding, and what any number of may stand before a marker."""

_WORDY_BOXES = frozenset({b"xml ", b"uuid", b"uinf", b"jp2i", b"free", b"skip", b"udta", b"meta"})
_NESTING_BOXES = frozenset({b"moov", b"trak", b"mdia", b"minf"})
"""Boxes of JP2 (ITU-T T.800 annex I) and of MP4 (ISO/IEC 14496-12) that hold words, and those that hold boxes."""

_MOST_NESTED = 8
_MPEG_STARTS = (b"\0\0\x01\xb3", b"\0\0\x01\xba")
_USER_DATA = re.compile(rb"\0\0\x01\xb2(.*?)(?=\0\0\x01|\Z)", re.DOTALL)
"""Words between the pictures of MPEG-2 video, ITU-T H.262 section 6.2.2.2.2."""

Span = tuple[int, int]
"""Where bytes to overwrite begin and end."""


def silenced(fragments: bytes) -> bytes:
    """Encapsulated pixel data (PS3.5 section A.4) with spaces in place of what is not picture; the same length.

    The same object where there is nothing to overwrite. Streams of a kind not known here are left alone.
    """
    spans = [span for parts in _streams(fragments) for span in _within(fragments, parts)]
    told = [(start, end) for start, end in spans if fragments[start:end].strip(_FILL)]
    if not told:
        return fragments
    changed = bytearray(fragments)
    for start, end in told:
        changed[start:end] = b" " * (end - start)
    return bytes(changed)


def _streams(data: bytes) -> Iterator[list[Span]]:
    """The fragments of each frame: one begins where a fragment begins like one."""
    parts: list[Span] = []
    for start, end in _fragments(data):
        if _parser(data[start : start + _LONGEST_START]) and parts:
            yield parts
            parts = []
        parts.append((start, end))
    if parts:
        yield parts


def _fragments(data: bytes) -> Iterator[Span]:
    """All but the first item, which is the table of offsets."""
    at = 0
    while at + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHL", data, at)
        if group << 16 | element != _ITEM:
            return
        if at:
            yield at + 8, at + 8 + length
        at += 8 + length


def _within(data: bytes, parts: list[Span]) -> Iterator[Span]:
    """Spans of `data` that are no picture of the stream that lies in these parts of it."""
    stream = b"".join(data[start:end] for start, end in parts)
    parse = _parser(stream)
    for low, high in parse(stream) if parse else ():
        before = 0
        for start, end in parts:
            first, last = max(low - before, 0), min(high - before, end - start)
            if first < last:
                yield start + first, start + last
            before += end - start


def _parser(stream: bytes) -> Callable[[bytes], Iterator[Span]] | None:
    """What finds the words in a stream that begins like this."""
    if stream.startswith(_JPEG):
        return _jpeg
    if stream.startswith(jpeg2000_segments.START):
        return jpeg2000_segments.surplus
    if stream.startswith(_JP2) or stream[4:8] == b"ftyp":
        return lambda data: _boxes(data, 0, len(data))
    return _mpeg2 if stream.startswith(_MPEG_STARTS) else None


def _jpeg(data: bytes) -> Iterator[Span]:
    """What lies between the segments, before scans and between them, and in those that no decoder needs."""
    at, ls = len(jpeg_segments.START), jpeg_segments.is_ls(data)
    for marker, begin, content, end, after in jpeg_segments.segments(data):
        yield at, begin
        told = data[content:end]
        length = jpeg_segments.needed(marker, told, ls=ls)
        kept = jpeg_segments.colour(marker, told, ls=ls) if length is None else length
        yield min(content + kept, end), end
        at = after
    yield at, len(data)


def _boxes(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[Span]:
    """Boxes around a codestream of JPEG 2000, which some encoders leave there, or around a film."""
    while at + 16 <= end:
        size, kind, longer = struct.unpack_from(">L4sQ", data, at)
        head = 16 if size == 1 else 8
        after = end if size == 0 else at + (longer if size == 1 else size)
        if not at + head <= after <= end:
            return
        if kind in _WORDY_BOXES:
            yield at + head, after
        elif kind == b"jp2c":
            yield from jpeg2000_segments.surplus(data, at + head, after)
        elif kind in _NESTING_BOXES and depth < _MOST_NESTED:
            yield from _boxes(data, at + head, after, depth + 1)
        at = after


def _mpeg2(data: bytes) -> Iterator[Span]:
    return (found.span(1) for found in _USER_DATA.finditer(data))
