"""The overview of a CZI, of rectangles that lie anywhere and over each other. Runs in the sandbox only.

The rectangles of all scenes stand at their places on one slide, and smaller copies of them beside them. Those with a
higher mosaic index lie on top (openslide.org/formats/zeiss, and libCZI of Zeiss). Colours are those of the stored
samples: what the scanner thinks of their brightness stands in its XML, and is left there as OpenSlide leaves it.
"""

from collections.abc import Sequence
from typing import BinaryIO
from xml.etree.ElementTree import Element

import numpy as np
from imagecodecs import jpegxr_decode, zstd_decode
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import czi, pyramid, rendering, slide, slide_xml, tiles, zisraw
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, OVERVIEW_ONLY, Fact, Facts, Options, Preview
from ernbot.imaging.zisraw import Block, Container

MAX_PIXELS = 200 * 10**6
"""Decoded for one overview: some seconds of JPEG XR."""

_SAMPLES = {0: 1, 3: 3}
"""Of a pixel, by its type: eight bits of grey, or of blue, green and red."""

_BARE, _JPEG, _JPEG_XR, _ZSTD, _ZSTD_WITH_HEAD = 0, 1, 4, 5, 6
_COMPRESSIONS = frozenset({_BARE, _JPEG, _JPEG_XR, _ZSTD, _ZSTD_WITH_HEAD})
_LOSSY = frozenset({_JPEG, _JPEG_XR})
_GROUNDS = {1: (0, 0, 0), 3: (255, 255, 255)}
"""Where nothing was scanned: dark between what fluoresces, glass otherwise; by samples of a pixel."""

_LARGEST_MAGNIFICATION, _LARGEST_MPP = 400.0, 1000.0
_METRES = 1e6
"""Micrometres of one."""


def previews(files: Sequence[BinaryIO], _options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file) for file in files]


def preview(file: BinaryIO) -> Preview:
    """The whole slide with a scale bar; a card where nothing in it is small enough to be decoded.

    Raises `Refused`: `file-slide-export` (maker) for other pixels than eight bits of grey or colour, and for several
    channels, focal planes or times; `file-broken`, `file-too-complex`.
    """
    found = zisraw.read(file)
    _must_be_one_picture(found.blocks)
    left, top = min(one.left for one in found.blocks), min(one.top for one in found.blocks)
    size = (
        max(one.left + one.width for one in found.blocks) - left,
        max(one.top + one.height for one in found.blocks) - top,
    )
    if max(size) > pyramid.MAX_SIDE:
        raise Refused("file-too-complex")
    chosen = _smallest(found.blocks, size)
    if chosen is None:
        return Preview(_facts(found, size, Fact("no-overview")), None)
    picture, lost = _draw(found, chosen, (left, top), size)
    facts = _facts(found, size, *[Fact("truncated")] * bool(lost))
    return rendering.encode(slide.overview(picture, size[0], _microns(found.xml)), facts)


def _must_be_one_picture(blocks: Sequence[Block]) -> None:
    """Raises `Refused` where one place has several pictures, or pixels that could not be shown as they are."""
    kinds = {one.pixel_type for one in blocks}
    is_plain = kinds <= _SAMPLES.keys() and {one.compression for one in blocks} <= _COMPRESSIONS
    if len(kinds) != 1 or not is_plain or len({one.plane for one in blocks}) != 1:
        raise Refused("file-slide-export", maker=czi.FORMAT.name)


def _smallest(blocks: Sequence[Block], size: tuple[int, int]) -> tuple[int, list[Block]] | None:
    """The smallest sufficient copy that is affordable, by how much it is shrunk, or the next smaller one."""
    copies = [(shrunk, _of_scenes(blocks, shrunk)) for shrunk in sorted({one.shrunk for one in blocks})]
    affordable = [
        (shrunk, chosen)
        for shrunk, chosen in copies
        if len(chosen) <= pyramid.MAX_TILES and sum(one.stored[0] * one.stored[1] for one in chosen) <= MAX_PIXELS
    ]
    sufficient = [copy for copy in affordable if max(size) // copy[0] >= LONGEST_SIDE]
    return sufficient[-1] if sufficient else affordable[0] if affordable else None


def _of_scenes(blocks: Sequence[Block], shrunk: int) -> list[Block]:
    """The rectangles of a copy; of a scene that has none so small, the smallest that it has."""
    smallest: dict[int, int] = {}
    for one in blocks:
        if one.shrunk <= shrunk:
            smallest[one.scene] = max(one.shrunk, smallest.get(one.scene, 0))
    return [one for one in blocks if smallest.get(one.scene) == one.shrunk]


def _draw(
    found: Container, chosen: tuple[int, list[Block]], corner: tuple[int, int], size: tuple[int, int]
) -> tuple[Image.Image, int]:
    """The slide at about twice the size of an overview at most, and how many rectangles could not be decoded."""
    shrunk, blocks = chosen
    scale = shrunk * next(one for one in tiles.SCALES if one == 1 or max(size) // shrunk >= LONGEST_SIDE * one)
    width, height = (-(-side // scale) for side in size)
    if width * height * 3 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    samples = _SAMPLES[blocks[0].pixel_type]
    picture = Image.new("RGB", (width, height), _GROUNDS[samples])
    window, lost = pyramid.Window(found.file), 0
    for block in sorted(blocks, key=lambda one: one.order):
        try:
            painted = _decoded(block, zisraw.pixels(window, found.size, block), samples)
        except (Refused, OSError, SyntaxError, ValueError, RuntimeError):
            lost += 1
            continue
        small = tuple(max(1, side * block.shrunk // scale) for side in block.stored)
        if painted.size != small:
            painted = painted.resize((small[0], small[1]), Image.Resampling.BOX)
        picture.paste(painted, ((block.left - corner[0]) // scale, (block.top - corner[1]) // scale))
    if lost == len(blocks):
        raise Refused("file-broken")
    return picture, lost


def _decoded(block: Block, data: bytes, samples: int) -> Image.Image:
    """The pixels of one rectangle. Raises `Refused`, and what codecs raise on broken data."""
    (width, height), length = block.stored, block.stored[0] * block.stored[1] * samples
    if length > pyramid.MAX_TILE_BYTES:
        raise Refused("file-too-complex")
    if block.compression == _JPEG:
        return tiles.jpeg(data, b"", block.stored, is_rgb=False, scale=1)
    shape = (height, width, samples)[: 2 if samples == 1 else 3]
    if block.compression == _JPEG_XR:
        decoded = np.zeros(shape, np.uint8)  # a stream may end early, and leave what was in the memory before
        jpegxr_decode(data, out=decoded)  # compares its size first; red comes before blue
        return Image.fromarray(decoded)
    if block.compression == _ZSTD_WITH_HEAD:
        data = data[data[0] :]  # the first byte is the length of a head, which speaks of samples of 16 bits
    if block.compression != _BARE:
        data = bytes(zstd_decode(data, out=length))
    if len(data) < length:
        raise Refused("file-broken")
    pixels = np.frombuffer(data, np.uint8, length).reshape(shape)
    return Image.fromarray(pixels if samples == 1 else np.ascontiguousarray(pixels[..., ::-1]))


def _facts(found: Container, size: tuple[int, int], *more: Fact) -> Facts:
    scale = _microns(found.xml), _magnification(found.xml)
    levels = Fact("levels", len({one.shrunk for one in found.blocks}))
    lossy = any(one.compression in _LOSSY for one in found.blocks)
    return slide.facts(czi.FORMAT.name, size, scale, levels, OVERVIEW_ONLY, *more, lossy=lossy)


def _microns(xml: Element | None) -> float | None:
    """Of a pixel at full size; the file gives metres."""
    metres = xml.findtext("Metadata/Scaling/Items/Distance[@Id='X']/Value") if xml is not None else None
    value = slide_xml.number(metres, _LARGEST_MPP / _METRES)
    return value * _METRES if value else None


def _magnification(xml: Element | None) -> float | None:
    """Of the lens that the picture refers to."""
    information = xml.find("Metadata/Information") if xml is not None else None
    if information is None:
        return None
    used = information.find("Image/ObjectiveSettings/ObjectiveRef")
    for lens in information.iterfind("Instrument/Objectives/Objective"):
        if used is not None and lens.get("Id") == used.get("Id"):
            return slide_xml.number(lens.findtext("NominalMagnification"), _LARGEST_MAGNIFICATION)
    return None
