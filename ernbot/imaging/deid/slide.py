"""A new slide from an old one: its levels, a thumbnail made from them, and nothing else that was in the file.

The new file is laid out before the first byte of it is written, because it leaves through a pipe: directories first,
then the tiles in the order in which they lie in the old file, so that both are read and written in one go. Tiles are
never decoded; what a codec does not need of them (comments, application segments, bytes behind the end) becomes zeros
behind their end, so that no length changes. Rewriting tags in place would leave blocks that no tag refers to.
"""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import aperio, pyramid, slide, slide_identifiers, tiff_directory
from ernbot.imaging.deid import redraw
from ernbot.imaging.deid.model import Policy, Report
from ernbot.imaging.deid.tiff_layout import Page, header
from ernbot.imaging.jpeg2000_segments import plain_j2k
from ernbot.imaging.jpeg_segments import plain_jpeg
from ernbot.imaging.pyramid import Level
from ernbot.imaging.slide_makers import Scan
from ernbot.imaging.tiff_directory import Directory

THUMBNAIL_SIDE = 768
"""Longest side of the thumbnail that scanners write, pixels."""

_BARE = 1
_J2K = frozenset({pyramid.J2K_YCBCR, pyramid.J2K_RGB, pyramid.J2K})
_SUBSAMPLING = 530
_STRETCH = 2**20
_QUALITY = 88

Array = np.ndarray[Any, Any]


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """Write to `out`, front to back, an SVS of the levels of `file` with all their tiles as they are.

    A TIFF that is no slide is a photograph. Raises `Refused`: `file-slide-export` (maker) where levels cannot be told
    from the picture of the label or cannot be laid out anew, and for a coding that can hide text; `file-broken`,
    `file-too-complex`.
    """
    directories = tiff_directory.read(file)
    if not slide.is_slide(directories):
        return redraw.deidentify(file, out, policy)
    scan = slide.read(directories)
    levels = [level for level in scan.levels if pyramid.is_tiled(level.directory) or level.strip]
    is_known = all(level.compression in _J2K | {pyramid.JPEG, _BARE} for level in levels)
    if levels[:1] != scan.levels[:1] or not is_known or _may_hide_a_label(scan):
        raise Refused("file-slide-export", maker=scan.maker or "unknown")
    kinds = slide_identifiers.kinds(directories, scan)
    if not scan.maker and any(_is_thumbnail(directory, levels[0]) for directory in directories):
        kinds.add("Thumbnail")
    blocks, pages, first_bytes = _plan(file, replace(scan, levels=levels))
    out.write(first_bytes)
    for page in pages:
        out.write(page.data)
    if _copy(file, out, blocks, levels):
        kinds.add("Comment")
    return Report(tuple(sorted(kinds)))


def _may_hide_a_label(scan: Scan) -> bool:
    """Whether XML describes a slide of a maker unknown here: it may keep other pictures in tiles than levels."""
    first = scan.levels[0].directory
    return not scan.maker and first.text(pyramid.DESCRIPTION).lstrip().startswith("<")


def _is_thumbnail(directory: Directory, largest: Level) -> bool:
    size = directory.number(pyramid.IMAGE_WIDTH), directory.number(pyramid.IMAGE_LENGTH)
    is_called = aperio.associated(directory.text(pyramid.DESCRIPTION))
    return not is_called and not pyramid.is_tiled(directory) and pyramid.is_smaller(largest, *size)


def _plan(file: BinaryIO, scan: Scan) -> tuple[Array, list[Page], bytes]:
    """Blocks to copy, pages, and the directories.

    A block is a row of offset, length, compression, and for a tile of a strip the number of its level and its own,
    otherwise -1 and 0; rows are in the order of the file.
    """
    size, levels = file.seek(0, 2), scan.levels
    rows = np.concatenate([_blocks(level, number) for number, level in enumerate(levels)])
    blocks, which = np.unique(rows, axis=0, return_inverse=True)
    lengths, stored = blocks[:, 1], blocks[blocks[:, 3] < 0]
    if np.any(stored[:, 0] + stored[:, 1] > size) or int(stored[:, 1].sum()) > size:
        raise Refused("file-broken")
    starts = np.cumsum(lengths) - lengths
    pages: list[Page] = []
    scale = (scan.magnification, scan.microns)
    begin = 0
    for level in levels:
        which_here = which.reshape(-1)[begin : begin + len(level.offsets)]
        begin += len(level.offsets)
        pages.append(_page(level, levels[0], scale, starts[which_here], lengths[which_here]))
    if thumbnail := _thumbnail(file, levels, scale):
        pages.insert(1, thumbnail)
    return blocks, pages, header(pages, int(lengths.sum()))


def _blocks(level: Level, number: int) -> Array:
    """A row for each tile, see `_plan`. Raises `Refused` `file-broken` where a bare tile is too short."""
    offsets, lengths = (np.asarray(numbers, dtype=np.int64) for numbers in (level.offsets, level.counts))
    if np.any(offsets < 0) or np.any(lengths < 0) or np.any(lengths > pyramid.MAX_TILE_BYTES):
        raise Refused("file-broken")
    if level.compression == _BARE:
        expected = level.tile[0] * level.tile[1] * level.samples
        if np.any((lengths > 0) & (lengths < expected)):
            raise Refused("file-broken")
        lengths = np.minimum(lengths, expected)
    offsets = np.where(lengths > 0, offsets, 0)
    compressions = np.full_like(offsets, level.compression)
    strips = np.full_like(offsets, number if level.strip else -1)
    tiles = np.arange(len(offsets)) if level.strip else np.zeros_like(offsets)
    return np.stack([offsets, lengths, compressions, strips, tiles], axis=1)


def _page(
    level: Level, largest: Level, scale: tuple[float | None, float | None], starts: Array, lengths: Array
) -> Page:
    size, full = (level.width, level.height), (largest.width, largest.height)
    page = Page(aperio.compose(full, level.tile, size, scale), size, level.compression, level.samples)
    page.photometric = level.directory.number(pyramid.PHOTOMETRIC)
    page.tile, page.starts, page.lengths = level.tile, starts, lengths
    page.tables = plain_jpeg(level.tables) if level.tables else b""
    subsampling = tuple(level.directory.numbers(_SUBSAMPLING))
    page.subsampling = subsampling if len(subsampling) == 2 and set(subsampling) <= {1, 2, 4} else None
    return page


def _thumbnail(file: BinaryIO, levels: Sequence[Level], scale: tuple[float | None, float | None]) -> Page | None:
    """The second page of every SVS, made anew: nobody can tell what the old one shows."""
    level = pyramid.smallest(levels, THUMBNAIL_SIDE)
    if level is None:
        return None
    picture, _ = pyramid.draw(file, level, THUMBNAIL_SIDE)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
    full = (levels[0].width, levels[0].height)
    page = Page(aperio.compose(full, None, picture.size, scale), picture.size, pyramid.JPEG, 3)
    page.subsampling = (1, 1)
    page.data = encoded.getvalue()
    return page


def _copy(file: BinaryIO, out: BinaryIO, blocks: Array, levels: Sequence[Level]) -> bool:
    """Copy the blocks; whether anything in them was left out."""
    window, has_left_out = pyramid.Window(file, _STRETCH), False
    for at, length, compression, number, tile in blocks.tolist():
        strip = levels[number].strip if number >= 0 else None
        data = strip.read(tile) if strip else window.read(at, length)
        if not length:
            continue
        if compression == pyramid.JPEG:
            plain = plain_jpeg(data)
            has_left_out = has_left_out or len(plain) != len(data.rstrip(b"\0"))
        elif compression in _J2K:
            plain = plain_j2k(data)
            has_left_out = has_left_out or plain != data
        else:
            plain = data
        out.write(plain.ljust(length, b"\0"))
    return has_left_out
