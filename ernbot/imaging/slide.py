"""Whole slides in tiled TIFF, Aperio's and others, from file to overview. Runs in the sandbox only.

A slide is larger than memory: its directories are read, then the tiles of its smallest sufficient level. The label, the
photograph of the glass and the thumbnail are never decoded. A TIFF that is no slide is a photograph.
"""

from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import (
    aperio,
    openslide_formats,
    photograph,
    pyramid,
    rendering,
    scale_bar,
    slide_identifiers,
    svs,
    tiff_directory,
)
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Fact, Facts, Options, Preview

_LEAST_TILES = 4
_HAMAMATSU = 65420
_RESOLUTION, _RESOLUTION_UNIT = 282, 296
_UNITS = {2: 25_400.0, 3: 10_000.0}
"""Micrometres of an inch and of a centimetre, by ResolutionUnit (TIFF 6.0, section 8)."""

_LEAST_MPP, _LARGEST_MPP = 0.02, 50.0
"""What a scanner's resolution can be; 72 or 300 dots per inch is what other programs write without measuring."""


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file, options) for file in files]


def preview(file: BinaryIO, options: Options) -> Preview:
    """The whole slide with a scale bar; a card where no level is small enough to be decoded.

    Raises `Refused`: `file-names-patient` (kinds), `file-unsupported` (syntax), `file-broken`, `file-too-complex`.
    """
    directories = tiff_directory.read(file)
    if is_hamamatsu(directories[0]):
        raise Refused("file-names-patient", kinds="PrivateTag, macro")
    if not is_slide(directories):
        file.seek(0)
        return photograph.previews([file], options)[0]
    levels = pyramid.levels(directories)
    kinds = slide_identifiers.identifying(directories, levels)
    if kinds:
        raise Refused("file-names-patient", kinds=", ".join(kinds))
    drawn = pyramid.smallest(levels, LONGEST_SIDE)
    microns = microns_per_pixel(levels[0])
    if drawn is None:
        return Preview(_facts(levels, microns, Fact("no-overview")), None)
    picture, lost = pyramid.draw(file, drawn, LONGEST_SIDE)
    facts = _facts(levels, microns, *[Fact("truncated")] * bool(lost))
    return rendering.encode(overview(picture, levels[0].width, microns), facts)


def is_slide(directories: Sequence[tiff_directory.Directory]) -> bool:
    """Whether these are the pictures of a scanned slide: in tiles, by Aperio, in several sizes or huge."""
    first = directories[0]
    if not pyramid.is_tiled(first):
        return False
    if first.text(pyramid.DESCRIPTION).startswith(aperio.MAGIC):
        return True
    tiled = sum(pyramid.is_tiled(directory) for directory in directories)
    pixels = first.number(pyramid.IMAGE_WIDTH) * first.number(pyramid.IMAGE_LENGTH)
    is_pyramid = tiled > 1 and len(first.numbers(pyramid.TILE_OFFSETS)) >= _LEAST_TILES
    return is_pyramid or pixels * 3 > MAX_FRAME_BYTES


def is_hamamatsu(first: tiff_directory.Directory) -> bool:
    """Whether this is an NDPI: its levels are single strips, and one of its pictures is always that of the glass."""
    return _HAMAMATSU in first.entries


def microns_per_pixel(level: pyramid.Level) -> float | None:
    """Micrometres of a pixel of the largest level: Aperio's MPP, or the resolution where a scanner can have it."""
    directory = level.directory
    stated = aperio.microns_per_pixel(directory.text(pyramid.DESCRIPTION))
    if stated:
        return stated
    dots = directory.rational(_RESOLUTION)
    unit = _UNITS.get(directory.number(_RESOLUTION_UNIT, 2))
    if not dots or not unit:
        return None
    return unit / dots if _LEAST_MPP <= unit / dots <= _LARGEST_MPP else None


def overview(picture: Image.Image, full_width: int, microns: float | None) -> Image.Image:
    """A picture of the whole slide as it is shown; `full_width` and `microns` per pixel are of the largest level."""
    if microns is None:
        return picture
    room = LONGEST_SIDE - scale_bar.MARGIN
    shrink = min(1.0, LONGEST_SIDE / picture.width, room / picture.height)
    size = (max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink)))
    small = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return scale_bar.with_scale_bar(small, microns * full_width / small.width)


def _facts(levels: Sequence[pyramid.Level], microns: float | None, *more: Fact) -> Facts:
    description = levels[0].directory.text(pyramid.DESCRIPTION)
    magnification = aperio.magnification(description)
    details = [Fact("magnification", magnification)] if magnification else []
    details += [Fact("microns-per-pixel", microns)] if microns else []
    return Facts(
        format=(svs if description.startswith(aperio.MAGIC) else openslide_formats).FORMAT.name,
        modality=None,
        body_part=None,
        width=levels[0].width,
        height=levels[0].height,
        frames=1,
        lossy=levels[0].is_lossy,
        kind="slide",
        details=(*details, Fact("levels", len(levels)), *more),
    )
