"""The directories of a new slide, computed before a byte of it is written (TIFF 6.0 section 2, BigTIFF above 4 GiB).

Writes little-endian, descriptions first, so that the head of the file says what it is. Knows nothing of the old file.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_ASCII, _SHORT, _LONG, _UNDEFINED, _LONG8 = 2, 3, 4, 7, 16
_LIMIT = 2**32
_YCBCR = 6

Array = np.ndarray[Any, Any]


@dataclass
class Page:
    """One picture: a level, whose tiles are at `starts` (bytes from the first tile) with `lengths`, or a single strip,
    whose bytes are `data`. `size` and `tile` are width and height in pixels.
    """

    description: str
    size: tuple[int, int]
    compression: int
    samples: int
    photometric: int = _YCBCR
    tile: tuple[int, int] | None = None
    starts: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    tables: bytes = b""
    subsampling: tuple[int, ...] | None = None
    data: bytes = b""


def header(pages: list[Page], tile_bytes: int) -> bytes:
    """Everything before the pictures. The strips of `pages` come next, in their order, then `tile_bytes` of tiles."""
    strips = sum(len(page.data) for page in pages)
    is_big = len(_header(pages, 0, is_big=False)) + strips + tile_bytes >= _LIMIT
    length = len(_header(pages, 0, is_big=is_big))
    return _header(pages, length, is_big=is_big)


def _header(pages: list[Page], strips_at: int, *, is_big: bool) -> bytes:
    out = bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if is_big else struct.pack("<2sHI", b"II", 42, 8))
    tiles_at = strips_at + sum(len(page.data) for page in pages)
    strip_at = strips_at
    for index, page in enumerate(pages):
        _append(out, _values(page, strip_at, tiles_at, is_big=is_big), is_big=is_big, is_last=index == len(pages) - 1)
        strip_at += len(page.data)
    return bytes(out)


def _values(page: Page, strip_at: int, tiles_at: int, *, is_big: bool) -> dict[int, tuple[int, bytes]]:
    """Field type and value of each tag, in the order of the tags."""
    word = _LONG8 if is_big else _LONG
    values = {
        254: _numbers(_LONG, 0),
        256: _numbers(_LONG, page.size[0]),
        257: _numbers(_LONG, page.size[1]),
        258: _numbers(_SHORT, *[8] * page.samples),
        259: _numbers(_SHORT, page.compression),
        262: _numbers(_SHORT, page.photometric),
        270: (_ASCII, page.description.encode("ascii") + b"\0"),
        277: _numbers(_SHORT, page.samples),
        284: _numbers(_SHORT, 1),
    }
    if page.tile:
        offsets = np.where(page.lengths > 0, page.starts + tiles_at, 0)
        values[322], values[323] = (_numbers(_LONG, side) for side in page.tile)
        values[324] = (word, offsets.astype("<u8" if is_big else "<u4").tobytes())
        values[325] = (_LONG, page.lengths.astype("<u4").tobytes())
    else:
        values[273] = _numbers(word, strip_at)
        values[278] = _numbers(_LONG, page.size[1])
        values[279] = _numbers(_LONG, len(page.data))
    if page.tables:
        values[347] = (_UNDEFINED, page.tables)
    if page.subsampling:
        values[530] = _numbers(_SHORT, *page.subsampling)
    return dict(sorted(values.items()))


def _numbers(type_: int, *numbers: int) -> tuple[int, bytes]:
    return type_, struct.pack(f"<{len(numbers)}{_CODES[type_]}", *numbers)


_CODES = {_ASCII: "B", _SHORT: "H", _LONG: "I", _UNDEFINED: "B", _LONG8: "Q"}


def _append(out: bytearray, values: dict[int, tuple[int, bytes]], *, is_big: bool, is_last: bool) -> None:
    """A directory at the end of `out`, its long values behind it, and the link to the next directory behind those."""
    word, field_ = ("<Q", "<HHQ") if is_big else ("<I", "<HHI")
    room = struct.calcsize(word)
    long_at = len(out) + (8 if is_big else 2) + len(values) * (struct.calcsize(field_) + room) + room
    directory = bytearray(struct.pack("<Q" if is_big else "<H", len(values)))
    behind = bytearray()
    for tag, (type_, value) in values.items():
        directory += struct.pack(field_, tag, type_, len(value) // struct.calcsize("<" + _CODES[type_]))
        if len(value) <= room:
            directory += value.ljust(room, b"\0")
        else:
            directory += struct.pack(word, long_at + len(behind))
            behind += value + bytes(len(value) % 2)
    following = 0 if is_last else long_at + len(behind)
    out += directory + struct.pack(word, following) + behind
