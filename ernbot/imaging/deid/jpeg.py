"""JPEG photographs without what a camera or an editor wrote, and without compressing them again.

Only segments that pixels and colours need are kept, each with exactly the length that its content has; what else
there is goes, known or not, also between scans and after the end. Runs in the sandbox only.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging.deid import Policy, Report, exif, icc, redraw
from ernbot.imaging.jpeg_segments import (
    APP0,
    APP1,
    APP2,
    APP13,
    COM,
    END,
    EOI,
    SOI,
    SOS,
    START,
    adobe,
    colour,
    needed,
    segments,
)

_ICC, _PAIR = b"ICC_PROFILE\0", b"MPF\0"
_XMP = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
_THUMBNAIL_BYTES = 2

Segment = tuple[int, bytes, memoryview]
"""Marker, content after the length field, and what follows until the next segment: compressed data, or the rest."""


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """The same samples, with JFIF and Adobe headers, Orientation and a fresh profile where there were any.

    Where the colours hang on a profile that cannot be written anew, the picture is drawn again instead. Raises
    `Refused`: `file-broken`.
    """
    return redraw.stripped_or_drawn(_stripped, file, out, policy)


def _stripped(data: bytes) -> tuple[list[bytes | memoryview], set[str]]:
    orientation, profile, kinds = 1, dict[int, bytes](), set[str]()
    header, colours, picture = b"", b"", list[bytes | memoryview]()
    rest = memoryview(b"")
    for marker, content, following in _segments(data):
        told = colour(marker, content)
        if marker == EOI:
            rest = following
        elif needed(marker, content) is not None:
            picture += (_segment(marker, content), following)
        elif told and marker == APP0:
            kinds |= {"Thumbnail"} if any(content[told - _THUMBNAIL_BYTES : told]) else set()
            header = _segment(APP0, content[: told - _THUMBNAIL_BYTES] + bytes(_THUMBNAIL_BYTES))
        elif told:
            colours = adobe(content[told - 1])
        elif marker == APP1 and content.startswith(exif.PREFIX):
            turned, tags = exif.read(content)
            orientation, kinds = orientation if orientation > 1 else turned, kinds | tags
        elif marker == APP2 and content.startswith(_ICC):
            profile[content[len(_ICC)] if len(content) > len(_ICC) else 0] = content[len(_ICC) + 2 :]
        else:
            kinds.add(_kind(marker, content))
    if rest:
        kinds.add("SecondPicture" if bytes(rest[:3]) == b"\xff\xd8\xff" else "TrailingData")
    kept = [START, header]
    if block := exif.only(orientation):
        kept.append(_segment(APP1, exif.PREFIX + block))
    if profile:
        kinds.add("InterColorProfile")
        if fresh := icc.rebuilt(b"".join(profile[number] for number in sorted(profile))):
            kept.append(_segment(APP2, _ICC + b"\1\1" + fresh))
    return [*kept, colours, *picture, END], kinds


def _segments(data: bytes) -> Iterator[Segment]:
    """Each segment up to the end of the image, with which the rest of the file comes.

    Raises `Refused` where something lies between them or after their tables, or where scans or their end are missing.
    """
    view, at, marker, started = memoryview(data), len(START), 0, False
    for marker, begin, content_at, end, after in segments(data):
        content = data[content_at:end]
        length = needed(marker, content)
        is_cut = marker != EOI and end - begin - 2 != int.from_bytes(data[begin + 2 : content_at], "big")
        if data[at:begin].strip(b"\xff") or marker == SOI or is_cut or length not in (None, len(content)):
            raise Refused("file-broken")
        started = started or marker == SOS
        yield marker, content, view[end:after] if marker != EOI else view[end:]
        at = after
    if marker != EOI or not started:
        raise Refused("file-broken")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _kind(marker: int, content: bytes) -> str:
    """The name of what is in a segment that goes."""
    if marker == COM:
        return "Comment"
    if marker == APP1 and content.startswith(_XMP):
        return "XMP"
    if marker == APP13:
        return "IPTC"
    if marker == APP0:
        return "Thumbnail"
    return "SecondPicture" if content.startswith(_PAIR) else "ApplicationData"
