"""The container of a CZI (Zeiss, "ZISRAW" file format): where its pixels and its XML are, and what is said of them.

A CZI is a chain of segments, of which the first gives the places of the directory and of the XML. The directory lists
the sub-blocks, each a rectangle of pixels at any place and of any size on the slide. Reads the directory and the XML,
and of a sub-block only what is asked for; trusts no count, size or place. Must never read the attachments: the label
and the photograph of the glass are there.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree.ElementTree import Element

from ernbot.core.errors import Refused
from ernbot.imaging import slide_xml
from ernbot.imaging.pyramid import MAX_SIDE, MAX_TILE_BYTES, Window

MAX_ENTRIES = 200_000
"""Sub-blocks: a slide of 100,000 x 100,000 pixels has some thousands, with its smaller copies."""

MAX_DIRECTORY = 64 * 2**20
MAX_DIMENSIONS = 16

_SEGMENT = struct.Struct("<16sqq")
"""Name, bytes that are reserved, bytes that are used, of what follows."""

_FILE, _DIRECTORY, _METADATA, _BLOCK = b"ZISRAWFILE", b"ZISRAWDIRECTORY", b"ZISRAWMETADATA", b"ZISRAWSUBBLOCK"
_PLACES = struct.Struct("<52xqq")
"""Of the file's segment: where the directory is, and the XML."""

_COUNT = struct.Struct("<i124x")
_ENTRY = struct.Struct("<2siqiiBx4xi")
"""Schema, type of the pixels, place of the sub-block, number of its file, compression, kind of copy, dimensions."""

_DIMENSION = struct.Struct("<4siifi")
"""Name, start, size on the slide, coordinate of the start, size as stored."""

_SCHEMA = b"DV"
_BLOCK_SIZES = struct.Struct("<iiq")
"""Bytes of the XML of a sub-block, of its attachment, and of its pixels."""

_LEAST_BLOCK_HEAD, _XML_HEAD = 256, 256
_PLANES = frozenset("CHIRTVZ")
"""Channels, phases, illuminations, rotations, times, views and focal planes: of one slide there can be many."""


@dataclass(frozen=True)
class Block:
    """A rectangle of pixels: on the slide at `left`, `top`, `width` x `height` pixels; `stored` is its own size.

    `order` says what is painted over what, `plane` which of several pictures of the same place this is: nothing for
    the first. `at` is where the sub-block stands in the file.
    """

    at: int
    pixel_type: int
    compression: int
    left: int
    top: int
    width: int
    height: int
    stored: tuple[int, int]
    order: int
    scene: int
    plane: tuple[tuple[str, int], ...]

    @property
    def shrunk(self) -> int:
        """How many pixels of the slide one of these shows, along a side."""
        return max(1, round(self.width / self.stored[0]))


@dataclass(frozen=True)
class Container:
    """A file and what it holds: `blocks` in the order of the directory, `xml` what describes the slide, or nothing."""

    file: BinaryIO
    size: int
    blocks: list[Block]
    xml: Element | None


def read(file: BinaryIO) -> Container:
    """The directory and the XML of a CZI.

    Raises `Refused`: `file-broken` where sizes and places contradict each other or the file, `file-too-complex`,
    `file-slide-export` (maker) for a slide of several files.
    """
    size = file.seek(0, 2)
    directory, metadata = _PLACES.unpack(_segment(file, size, 0, _FILE, _PLACES.size))
    data = _segment(file, size, directory, _DIRECTORY, MAX_DIRECTORY)
    blocks = _blocks(data, size)
    return Container(file, size, blocks, _described(file, size, metadata))


def pixels(window: Window, size: int, block: Block) -> bytes:
    """The bytes of the pixels of a sub-block, as they are coded. Raises `Refused` as `read` does."""
    fixed = _SEGMENT.size + _BLOCK_SIZES.size + _ENTRY.size
    head = window.read(block.at, fixed)
    if len(head) < fixed or not head.startswith(_BLOCK):
        raise Refused("file-broken")
    xml, attachment, length = _BLOCK_SIZES.unpack_from(head, _SEGMENT.size)
    *_, dimensions = _ENTRY.unpack_from(head, _SEGMENT.size + _BLOCK_SIZES.size)
    if min(xml, attachment, length) < 0 or not 0 < dimensions <= MAX_DIMENSIONS:
        raise Refused("file-broken")
    entry = _BLOCK_SIZES.size + _ENTRY.size + dimensions * _DIMENSION.size
    at = block.at + _SEGMENT.size + max(_LEAST_BLOCK_HEAD, entry) + xml
    if length > MAX_TILE_BYTES:
        raise Refused("file-too-complex")
    if at + length > size:
        raise Refused("file-broken")
    return window.read(at, length)


def _segment(file: BinaryIO, size: int, at: int, name: bytes, most: int) -> bytes:
    """What a segment holds, at most so many bytes of it. Raises `Refused` where it is another, or not all there."""
    if not 0 <= at <= size - _SEGMENT.size:
        raise Refused("file-broken")
    file.seek(at)
    found, reserved, used = _SEGMENT.unpack(file.read(_SEGMENT.size))
    length = used or reserved  # a writer may leave the second number out
    if found.rstrip(b"\0") != name or not 0 <= length <= size - at - _SEGMENT.size:
        raise Refused("file-broken")
    return file.read(min(length, most))


def _described(file: BinaryIO, size: int, at: int) -> Element | None:
    if not at:
        return None
    data = _segment(file, size, at, _METADATA, _XML_HEAD + slide_xml.MAX_BYTES + 1)
    (length,) = struct.unpack_from("<i", data.ljust(4, b"\0"))
    if length > slide_xml.MAX_BYTES:
        raise Refused("file-too-complex")
    if not 0 < length <= len(data) - _XML_HEAD:
        raise Refused("file-broken")
    return slide_xml.parsed(data[_XML_HEAD : _XML_HEAD + length])


def _blocks(data: bytes, size: int) -> list[Block]:
    if len(data) < _COUNT.size:
        raise Refused("file-broken")
    (count,) = _COUNT.unpack_from(data)
    if count > MAX_ENTRIES:
        raise Refused("file-too-complex")
    if not 0 < count <= (len(data) - _COUNT.size) // _ENTRY.size:
        raise Refused("file-broken")
    blocks, at = [], _COUNT.size
    for _ in range(count):
        if at + _ENTRY.size > len(data):
            raise Refused("file-broken")
        schema, pixel_type, place, part, compression, _kind, dimensions = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        end = at + dimensions * _DIMENSION.size
        if schema != _SCHEMA or not 0 < dimensions <= MAX_DIMENSIONS or end > len(data) or not 0 < place < size:
            raise Refused("file-broken")
        if part:
            raise Refused("file-slide-export", maker="CZI")
        blocks.append(_block(place, pixel_type, compression, data[at:end]))
        at = end
    return blocks


def _block(place: int, pixel_type: int, compression: int, dimensions: bytes) -> Block:
    found = {
        name.rstrip(b"\0").decode("latin-1"): (start, length, stored or length)
        for name, start, length, _, stored in _DIMENSION.iter_unpack(dimensions)
    }
    (left, width, across), (top, height, down) = found.get("X", (0, 0, 0)), found.get("Y", (0, 0, 0))
    if not (0 < across <= width <= MAX_SIDE and 0 < down <= height <= MAX_SIDE):
        raise Refused("file-broken")
    planes = {name: numbers for name, numbers in found.items() if name in _PLANES}
    if any(length > 1 for _, length, _ in planes.values()):
        raise Refused("file-slide-export", maker="CZI")
    return Block(
        at=place,
        pixel_type=pixel_type,
        compression=compression,
        left=left,
        top=top,
        width=width,
        height=height,
        stored=(across, down),
        order=found.get("M", (0,))[0],
        scene=found.get("S", (0,))[0],
        plane=tuple((name, start) for name, (start, *_) in sorted(planes.items()) if start),
    )
