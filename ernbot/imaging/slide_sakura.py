"""The overview of a Sakura slide, from tiles that a database keeps under their coordinates. Runs in the sandbox only.

The description is OpenSlide's (openslide.org/formats/sakura): tiles lie side by side, each colour is a grey JPEG of its
own, and smaller copies are halved again and again. The tables with the label and the glass are never read.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import database, pyramid, rendering, slide, svslide, tiles
from ernbot.imaging.database import Database
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, OVERVIEW_ONLY, Fact, Options, Preview

_INDEX, _SCAN = "DataManagerSQLiteConfigXPO", "SVHRScanDataXPO"
_MAGIC = b"SVGigaPixelImage"
_HEADER = struct.Struct("<III4xI")
"""Side of a tile, width and height of the slide, how many focal planes."""

_MOST_PLANES = 64
_MOST_SHRUNK = 2**14
_COLOURS = (0, 1, 2)
_PAPER = (255, 255, 255)
_LARGEST_MAGNIFICATION, _LARGEST_MPP = 400.0, 1000.0
_MILLIMETRES = 1e3
"""Micrometres of one."""


@dataclass(frozen=True)
class Slide:
    """An open slide: the table of its tiles, their side and the size of the whole, pixels, and the plane in focus."""

    database: Database
    table: str
    tile: int
    size: tuple[int, int]
    plane: int

    def data(self, name: str) -> bytes | None:
        """What the table keeps under a name. Raises `Refused` as the database does."""
        rows = self.database.select("data", self.table, "WHERE id = ?", name)
        return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None


def previews(files: Sequence[BinaryIO], _options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file) for file in files]


def preview(file: BinaryIO) -> Preview:
    """The whole slide with a scale bar; a card where no copy of it is small enough to be decoded.

    Raises `Refused`: `file-broken`, `file-too-complex`.
    """
    with database.opened(file) as opened:
        scan = _scan(opened)
        found = _slide(opened, scan)
        drawn = _drawn(found)
    scale = _scale(scan)
    said = partial(slide.facts, svslide.FORMAT.name, found.size, scale, OVERVIEW_ONLY, lossy=True)
    if drawn is None:
        return Preview(said(Fact("no-overview")), None)
    picture, lost = drawn
    overview = slide.overview(picture, found.size[0], scale[0])
    return rendering.encode(overview, said(*[Fact("truncated")] * bool(lost)))


def _slide(opened: Database, scan: dict[str, Any]) -> Slide:
    """Raises `Refused` `file-broken` where this is not a slide of Sakura."""
    names = opened.select("TableName", _INDEX)
    if len(names) != 1 or not isinstance(names[0][0], str):
        raise Refused("file-broken")
    found = Slide(opened, names[0][0], 0, (0, 0), 0)
    header = found.data("Header") or b""
    if found.data("++MagicBytes") != _MAGIC or len(header) < _HEADER.size:
        raise Refused("file-broken")
    tile, width, height, planes = _HEADER.unpack_from(header)
    if not (0 < tile <= pyramid.MAX_TILE_SIDE and 0 < min(width, height) <= max(width, height) <= pyramid.MAX_SIDE):
        raise Refused("file-broken")
    return Slide(opened, names[0][0], tile, (width, height), _in_focus(scan["FocusStack"], planes))


def _in_focus(stack: Any, planes: int) -> int:
    """The middle one of the focal planes: eight bytes of each, nothing but zeros for this one."""
    if not isinstance(stack, bytes) or planes > _MOST_PLANES:
        return 0
    return next((plane for plane in range(planes) if stack[8 * plane : 8 * plane + 8] == bytes(8)), 0)


def _scan(opened: Database) -> dict[str, Any]:
    columns = ("ResolutionMmPerPix", "NominalLensMagnification", "FocusStack")
    rows = opened.select(", ".join(columns), _SCAN)
    if len(rows) != 1:
        raise Refused("file-broken")
    return dict(zip(columns, rows[0], strict=True))


def _scale(scan: dict[str, Any]) -> tuple[float | None, float | None]:
    """Micrometres of a pixel, and the magnification, where they can be true."""
    lens, millimetres = scan["NominalLensMagnification"], scan["ResolutionMmPerPix"]
    microns = float(millimetres) * _MILLIMETRES if isinstance(millimetres, int | float) else 0.0
    power = float(lens) if isinstance(lens, int | float) else 0.0
    return (
        microns if 0 < microns <= _LARGEST_MPP else None,
        power if 0 < power <= _LARGEST_MAGNIFICATION else None,
    )


def _drawn(found: Slide) -> tuple[Image.Image, int] | None:
    """The smallest sufficient copy, or the next larger one that is there and affordable, and how much of it is lost."""
    shrunk = 1
    while max(found.size) // (2 * shrunk) >= LONGEST_SIDE and shrunk < _MOST_SHRUNK:
        shrunk *= 2
    while shrunk:
        across, down = (-(-side // (shrunk * found.tile)) for side in found.size)
        if across * down * len(_COLOURS) > pyramid.MAX_TILES:
            return None
        picture, drawn, lost = _draw(found, shrunk, across, down)
        if drawn:
            return picture, lost
        if lost:
            raise Refused("file-broken")
        shrunk //= 2
    raise Refused("file-broken")


def _draw(found: Slide, shrunk: int, across: int, down: int) -> tuple[Image.Image, int, int]:
    """One copy, how many of its tiles are in it, and how many are there and could not be decoded."""
    longest = max(found.size) // shrunk
    scale = next(one for one in tiles.SCALES if one == 1 or (longest >= LONGEST_SIDE * one and found.tile % one == 0))
    width, height = (-(-side // (shrunk * scale)) for side in found.size)
    if width * height * 3 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    picture, drawn, lost = Image.new("RGB", (width, height), _PAPER), 0, 0
    for row in range(down):
        for column in range(across):
            corner = f"{column * found.tile * shrunk}|{row * found.tile * shrunk}"
            colours = [found.data(f"T;{corner};{shrunk};{colour};{found.plane}") for colour in _COLOURS]
            if not any(colours):  # a scanner may leave out what is only glass
                continue
            try:
                tile = _coloured(colours, found.tile, scale)
            except (Refused, OSError, SyntaxError, ValueError):
                lost += 1
                continue
            picture.paste(tile, (column * found.tile // scale, row * found.tile // scale))
            drawn += 1
    return picture, drawn, lost


def _coloured(colours: Sequence[bytes | None], side: int, scale: int) -> Image.Image:
    """A tile from its red, green and blue. Raises `Refused` where one is missing, coloured or of another size."""
    bands = [tiles.jpeg(data or b"", b"", (side, side), is_rgb=False, scale=scale) for data in colours]
    if any(band.mode != "L" for band in bands):
        raise Refused("file-broken")
    return Image.merge("RGB", bands)
