"""JPEG photographs without what a camera or an editor wrote, and without compressing them again.

Segments (ITU-T T.81 B.1.1.3) that pixels and colours need are kept, each with exactly the length that its content
has; what else there is goes, also between scans and after the end. Runs in the sandbox only.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging.deid import Policy, Report, exif, icc, redraw

_FIRST, _EOI, _SOS, _DQT, _DHT, _DAC, _DRI, _DNL, _COM = 0xC0, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xDC, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, _DAC}
_APP0, _APP1, _APP2, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd8])")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker has any number of FF before it. In compressed data FF is followed by 00, by a restart marker, or by the
marker of the next segment."""

_JFIF, _ADOBE, _ICC, _PAIR = b"JFIF\0", b"Adobe", b"ICC_PROFILE\0", b"MPF\0"
_XMP = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
_JFIF_BYTES, _ADOBE_BYTES = 12, 12

Segment = tuple[int, bytes, memoryview]
"""Marker, content after the length field, and for a scan the compressed data that follows."""


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """The same samples, with JFIF and Adobe headers, Orientation and a fresh profile where there were any.

    Where the colours hang on a profile that cannot be written anew, the picture is drawn again instead. Raises
    `Refused`: `file-broken`.
    """
    return redraw.stripped_or_drawn(_stripped, file, out, policy)


def _stripped(data: bytes) -> tuple[list[bytes | memoryview], set[str]]:
    orientation, profile, kinds = 1, dict[int, bytes](), set[str]()
    header, adobe, picture = b"", b"", list[bytes | memoryview]()
    rest = memoryview(b"")
    for marker, content, scan in _segments(data):
        if marker in _LENGTHS:
            picture += (_segment(marker, content), scan)
        elif marker == _APP0 and content.startswith(_JFIF) and len(content) >= _JFIF_BYTES:
            kinds |= {"Thumbnail"} if any(content[_JFIF_BYTES : _JFIF_BYTES + 2]) else set()
            header = _segment(_APP0, content[:_JFIF_BYTES] + bytes(2))
        elif marker == _APP14 and content.startswith(_ADOBE) and len(content) >= _ADOBE_BYTES:
            adobe = _segment(_APP14, content[:_ADOBE_BYTES])
        elif marker == _APP1 and content.startswith(exif.PREFIX):
            turned, told = exif.read(content)
            orientation, kinds = orientation if orientation > 1 else turned, kinds | told
        elif marker == _APP2 and content.startswith(_ICC):
            profile[content[len(_ICC)] if len(content) > len(_ICC) else 0] = content[len(_ICC) + 2 :]
        elif marker == _EOI:
            rest = scan
        else:
            kinds.add(_kind(marker, content))
    if rest:
        kinds.add("SecondPicture" if bytes(rest[:3]) == b"\xff\xd8\xff" else "TrailingData")
    kept = [b"\xff\xd8", header]
    if block := exif.only(orientation):
        kept.append(_segment(_APP1, exif.PREFIX + block))
    if profile:
        kinds.add("InterColorProfile")
        if fresh := icc.rebuilt(b"".join(profile[number] for number in sorted(profile))):
            kept.append(_segment(_APP2, _ICC + b"\1\1" + fresh))
    return [*kept, adobe, *picture, b"\xff\xd9"], kinds


def _segments(data: bytes) -> Iterator[Segment]:
    """Each segment up to the end of the image, with which the rest of the file comes. Raises `Refused`."""
    view, at, started = memoryview(data), 2, False
    while found := _MARKER.match(data, at):
        marker, at = found[1][0], found.end()
        if marker == _EOI and started:
            yield _EOI, b"", view[at:]
            return
        after = at + int.from_bytes(data[at : at + 2], "big")
        content = data[at + 2 : after]
        if marker < _FIRST or marker == _EOI or at + 2 > after or after > len(data) or not _is_whole(marker, content):
            break
        at = after
        if marker == _SOS:
            following = _AFTER_SCAN.search(data, at)
            if following is None:
                break
            started, at = True, following.start()
        yield marker, content, view[after:at]
    raise Refused("file-broken")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _kind(marker: int, content: bytes) -> str:
    """The name of what is in a segment that goes."""
    if marker == _COM:
        return "Comment"
    if marker == _APP1 and content.startswith(_XMP):
        return "XMP"
    if marker == _APP13:
        return "IPTC"
    if marker == _APP0:
        return "Thumbnail"
    return "SecondPicture" if content.startswith(_PAIR) else "ApplicationData"


def _quantisation(content: bytes) -> int:
    at = 0
    while at < len(content):
        at += 1 + 64 * (1 + (content[at] >> 4))
    return at


def _codes(content: bytes) -> int:
    at = 0
    while at < len(content):
        at += 17 + sum(content[at + 1 : at + 17])
    return at


_LENGTHS: dict[int, Callable[[bytes], int]] = {
    **dict.fromkeys(_FRAMES, lambda content: 6 + 3 * content[5]),
    _SOS: lambda content: 4 + 2 * content[0],
    _DQT: _quantisation,
    _DHT: _codes,
    _DAC: lambda content: len(content) & ~1,
    _DRI: lambda _: 2,
    _DNL: lambda _: 2,
}
"""Segments that the samples need, and how long the content of each must be by what it says: T.81 B.2."""


def _is_whole(marker: int, content: bytes) -> bool:
    """Whether a segment that the samples need is as long as its content, with nothing after it."""
    if marker not in _LENGTHS:
        return True
    return bool(content[5:] or marker not in _FRAMES) and bool(content) and _LENGTHS[marker](content) == len(content)
