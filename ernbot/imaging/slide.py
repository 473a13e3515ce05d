"""Whole slides in TIFF, Aperio's and others, from file to overview. Runs in the sandbox only.

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
    slide_makers,
    svs,
    tiff_directory,
)
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Fact, Facts, Options, Preview
from ernbot.imaging.slide_makers import Scan

_LEAST_TILES = 4


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file, options) for file in files]


def preview(file: BinaryIO, options: Options) -> Preview:
    """The whole slide with a scale bar; a card where no level is small enough to be decoded.

    Raises `Refused`: `file-names-patient` (kinds), `file-slide-export` (maker), `file-unsupported` (syntax),
    `file-broken`, `file-too-complex`.
    """
    directories = tiff_directory.read(file)
    if not is_slide(directories):
        file.seek(0)
        return photograph.previews([file], options)[0]
    scan = _nameless(directories)
    drawn = pyramid.smallest(scan.levels, LONGEST_SIDE)
    if drawn is None:
        return Preview(_facts(scan, Fact("no-overview")), None)
    picture, lost = pyramid.draw(file, drawn, LONGEST_SIDE)
    said = _facts(scan, *[Fact("truncated")] * bool(lost))
    return rendering.encode(overview(picture, scan.levels[0].width, scan.microns), said)


def read(directories: Sequence[tiff_directory.Directory]) -> Scan:
    """The levels of a slide and their scale. Raises `Refused` as `slide_makers.read` and `pyramid.levels` do."""
    if scan := slide_makers.read(directories):
        return scan
    levels = pyramid.levels(directories)
    description = levels[0].directory.text(pyramid.DESCRIPTION)
    microns = aperio.microns_per_pixel(description) or pyramid.stated_resolution(levels[0].directory)
    return Scan(None, levels, microns, aperio.magnification(description))


def _nameless(directories: Sequence[tiff_directory.Directory]) -> Scan:
    """The slide, if nothing in its file names the patient: a file that cannot be shown must not stay with a name."""
    try:
        scan = read(directories)
        kinds = slide_identifiers.identifying(directories, scan)
    except Refused as refused:
        kinds = slide_identifiers.identifying(directories, None) if refused.code == "file-unsupported" else []
        if not kinds:
            raise
    if kinds:
        raise Refused("file-names-patient", kinds=", ".join(kinds))
    return scan


def is_slide(directories: Sequence[tiff_directory.Directory]) -> bool:
    """Whether these are the pictures of a scanned slide: by a known maker, or in tiles of several sizes or huge."""
    first = directories[0]
    if slide_makers.maker(directories):
        return True
    if not pyramid.is_tiled(first):
        return False
    if first.text(pyramid.DESCRIPTION).startswith(aperio.MAGIC):
        return True
    tiled = sum(pyramid.is_tiled(directory) for directory in directories)
    pixels = first.number(pyramid.IMAGE_WIDTH) * first.number(pyramid.IMAGE_LENGTH)
    is_pyramid = tiled > 1 and len(first.numbers(pyramid.TILE_OFFSETS)) >= _LEAST_TILES
    return is_pyramid or pixels * 3 > MAX_FRAME_BYTES


def overview(picture: Image.Image, full_width: int, microns: float | None) -> Image.Image:
    """A picture of the whole slide as it is shown; `full_width` and `microns` per pixel are of the largest level."""
    if microns is None:
        return picture
    room = LONGEST_SIDE - scale_bar.MARGIN
    shrink = min(1.0, LONGEST_SIDE / picture.width, room / picture.height)
    size = (max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink)))
    small = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return scale_bar.with_scale_bar(small, microns * full_width / small.width)


def facts(
    name: str, size: tuple[int, int], scale: tuple[float | None, float | None], *more: Fact, lossy: bool
) -> Facts:
    """What is said of a slide: `name` is its format, `size` that of its largest level in pixels, `scale` micrometres of
    such a pixel and magnification, where they are known.
    """
    microns, magnification = scale
    details = [Fact("magnification", magnification)] if magnification else []
    details += [Fact("microns-per-pixel", microns)] if microns else []
    return Facts(
        format=name,
        modality=None,
        body_part=None,
        width=size[0],
        height=size[1],
        frames=1,
        lossy=lossy,
        kind="slide",
        details=(*details, *more),
    )


def _facts(scan: Scan, *more: Fact) -> Facts:
    largest = scan.levels[0]
    is_aperio = largest.directory.text(pyramid.DESCRIPTION).startswith(aperio.MAGIC)
    name = (svs if is_aperio else openslide_formats).FORMAT.name
    scale, levels = (scan.microns, scan.magnification), Fact("levels", len(scan.levels))
    return facts(name, (largest.width, largest.height), scale, levels, *more, lossy=largest.is_lossy)
