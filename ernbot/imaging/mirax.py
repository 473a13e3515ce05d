"""MIRAX slides (3DHISTECH, Zeiss) from their folder of files to the overview. Runs in the sandbox only.

The camera takes photographs that overlap, each cut into squares. A level above puts four of these together as they
are, so that far up one small picture holds many photographs side by side, of which each belongs somewhere else. The
rules are those of OpenSlide's documentation of the format. The label, the photograph of the glass and the scanner's
preview stand in the same files of pixels: they are in other records of the index, which are never read.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import ini, mirax_index, pyramid, slide, slide_makers, tiles
from ernbot.imaging.ini import Section
from ernbot.imaging.mirax_index import Index
from ernbot.imaging.model import LONGEST_SIDE, OVERVIEW_ONLY, Fact, Facts, Options, Preview
from ernbot.imaging.rendering import encode
from ernbot.imaging.slide_folder import Folder

_ZOOM = "Slide zoom level"
_PLAIN_PLACES = ("VIMSLIDE_POSITION_BUFFER", "default")
_DEFLATED_PLACES = ("StitchingIntensityLayer", "StitchingIntensityLevel")
"""The sections that say where the camera was: until version 2.2 of the format, and since."""

_PLACE = np.dtype([("there", "u1"), ("x", "<i4"), ("y", "<i4")])
_MOST_CAMERAS = 500_000
"""Photographs of one slide: the largest seen has 20,000."""

_MOST_SIDE = 100_000
"""Squares across or down."""

_MOST_RECORDS, _MOST_FILES, _MOST_LEVELS = 1000, 2000, 24
_MOST_DIVISIONS = 64
_MAX_CANVAS = 16 * 2**20
"""Pixels of a level that is drawn."""

_MAX_TILE_BYTES = 16 * 2**20
_LEAST_PHOTO = 8
"""Pixels that a side of a photograph must have: it is put at a whole pixel, half a one beside its place at most."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Level:
    """One magnification: its record of the index, and how its pictures are made.

    `step` counts the squares of the camera on each side of a picture, `size` its pixels. `empty` is the colour where
    nothing was photographed.
    """

    record: int
    step: int
    size: tuple[int, int]
    coding: str
    empty: tuple[int, int, int]


@dataclass(frozen=True)
class _Scan:
    """A slide: `grid` counts squares across and down, `divisions` those on a side of a photograph.

    `places` are where photographs begin, row by row, in pixels of the largest level, and `taken` says which there are.
    `box` is what they cover: left, top, right, bottom.
    """

    grid: tuple[int, int]
    divisions: int
    levels: tuple[_Level, ...]
    places: Array
    taken: Array
    box: tuple[int, int, int, int]
    files: tuple[str, ...]
    microns: float | None
    magnification: float | None

    def size(self, level: _Level) -> tuple[int, int]:
        """Pixels of what was photographed, at this level."""
        left, top, right, bottom = self.box
        return -(-(right - left) // level.step), -(-(bottom - top) // level.step)

    def photographs(self, level: _Level) -> int:
        """How many photographs are side by side on each side of a picture."""
        return max(1, level.step // self.divisions)


def preview(folder: Folder, options: Options) -> Preview:
    """What was photographed, with a scale bar; a card where no level is small enough to be decoded.

    Raises `Refused`: `file-slide-part` (maker) where a file is missing, `file-slide-export` (maker) for a coding that
    is not known, `file-broken`, `file-too-complex`.
    """
    sections = ini.read(folder.description.read(ini.MAX_BYTES + 1))
    general, hierarchy = _section(sections, "GENERAL"), _section(sections, "HIERARCHICAL")
    found = folder.file(hierarchy.word("INDEXFILE")).read(mirax_index.MAX_BYTES + 1)
    if len(found) > mirax_index.MAX_BYTES:
        raise Refused("file-too-complex")
    index = mirax_index.read(found, general.word("SLIDE_ID"))
    scan = _read(folder, sections, index)
    drawn = _smallest(scan, index)
    if drawn is None:
        return Preview(_facts(scan, Fact("no-overview")), None)
    picture, lost = _draw(folder, scan, *drawn, options)
    facts = _facts(scan, *[Fact("truncated")] * bool(lost))
    return encode(slide.overview(picture, scan.size(scan.levels[0])[0], scan.microns), facts)


# --- What the slide says of itself


def _section(sections: Mapping[str, Section], heading: str) -> Section:
    if heading not in sections:
        raise Refused("file-broken")
    return sections[heading]


def _read(folder: Folder, sections: Mapping[str, Section], index: Index) -> _Scan:
    general, files = _section(sections, "GENERAL"), _section(sections, "DATAFILE")
    grid = general.number("IMAGENUMBER_X", 1, _MOST_SIDE), general.number("IMAGENUMBER_Y", 1, _MOST_SIDE)
    divisions = general.number("CameraImageDivisionsPerSide", 1, _MOST_DIVISIONS, 1)
    levels, largest = _levels(sections)
    names = tuple(files.word(f"FILE_{number}") for number in range(files.number("FILE_COUNT", 1, _MOST_FILES)))
    cameras = -(-grid[0] // divisions), -(-grid[1] // divisions)
    if cameras[0] * cameras[1] > _MOST_CAMERAS:
        raise Refused("file-too-complex")
    places = _places(folder, sections, index, names, cameras)
    if places is None:
        places = _regular(levels[0], largest, divisions, cameras)
    column, row = _squares(index.pictures(levels[0].record)[:, 0], grid)
    taken = np.zeros(cameras[::-1], bool)
    taken[row // divisions, column // divisions] = True
    taken.flat[1:] &= places.reshape(-1, 2)[1:].any(-1)  # of what was not photographed, the place is zero
    begins = places[row // divisions, column // divisions] + np.stack([column, row], -1) % divisions * levels[0].size
    begins = begins[taken[row // divisions, column // divisions]]
    if not len(begins):
        raise Refused("file-broken")
    (left, top), (right, bottom) = map(int, begins.min(0)), map(int, begins.max(0) + levels[0].size)
    if max(right - left, bottom - top) > pyramid.MAX_SIDE:
        raise Refused("file-broken")
    microns, power = largest.real("MICROMETER_PER_PIXEL_X"), general.real("OBJECTIVE_MAGNIFICATION")
    return _Scan(
        grid=grid,
        divisions=divisions,
        levels=levels,
        places=places,
        taken=taken,
        box=(left, top, right, bottom),
        files=names,
        microns=microns if microns and 0 < microns <= pyramid.LARGEST_MPP else None,
        magnification=power if power and 0 < power <= slide_makers.LARGEST_MAGNIFICATION else None,
    )


def _squares(images: Array, grid: tuple[int, int]) -> tuple[Array, Array]:
    """Column and row of the squares with these numbers. Raises `Refused` `file-broken` where one is not in the grid."""
    if ((images < 0) | (images >= grid[0] * grid[1])).any():
        raise Refused("file-broken")
    return images % grid[0], images // grid[0]


def _levels(sections: Mapping[str, Section]) -> tuple[tuple[_Level, ...], Section]:
    """The levels, the largest first, and the section of that."""
    hierarchy, record = _section(sections, "HIERARCHICAL"), 0
    for number in range(hierarchy.number("HIER_COUNT", 1, _MOST_RECORDS)):
        count = hierarchy.number(f"HIER_{number}_COUNT", 0, _MOST_RECORDS)
        if hierarchy.word(f"HIER_{number}_NAME") == _ZOOM:
            break
        record += count
    else:
        raise Refused("file-broken")
    if not 0 < count <= _MOST_LEVELS:
        raise Refused("file-broken")
    found, step = [], 1
    described = [_section(sections, hierarchy.word(f"HIER_{number}_VAL_{at}_SECTION")) for at in range(count)]
    for at, section in enumerate(described):
        step <<= section.number("IMAGE_CONCAT_FACTOR", 0, _MOST_LEVELS)
        size = tuple(section.number(key, 1, pyramid.MAX_TILE_SIDE) for key in ("DIGITIZER_WIDTH", "DIGITIZER_HEIGHT"))
        coding, blue_first = (
            section.word("IMAGE_FORMAT"),
            section.number("IMAGE_FILL_COLOR_BGR", 0, 2**24 - 1, 2**24 - 1),
        )
        if coding not in tiles.WHOLE or step > _MOST_SIDE or (not at and step > 1):
            raise Refused("file-slide-export", maker="MIRAX")
        empty = blue_first & 255, blue_first >> 8 & 255, blue_first >> 16
        found.append(_Level(record + at, step, (size[0], size[1]), coding, empty))
    return tuple(found), described[0]


def _regular(level: _Level, section: Section, divisions: int, cameras: tuple[int, int]) -> Array:
    """Where photographs begin that all overlap by as much as the slide says."""
    photo = [side * divisions for side in level.size]
    steps = [whole - (section.real(key) or 0.0) for whole, key in zip(photo, ("OVERLAP_X", "OVERLAP_Y"), strict=True)]
    if not all(0 < step <= whole for step, whole in zip(steps, photo, strict=True)):
        raise Refused("file-broken")
    places: Array = np.rint(np.stack(np.meshgrid(*map(np.arange, cameras)), -1) * steps).astype(np.int64)
    return places


def _places(
    folder: Folder, sections: Mapping[str, Section], index: Index, names: tuple[str, ...], cameras: tuple[int, int]
) -> Array | None:
    """Where each photograph begins, row by row; None where the slide does not say."""
    records = dict(_others(_section(sections, "HIERARCHICAL")))
    found = next((name for name in (_DEFLATED_PLACES, _PLAIN_PLACES) if name in records), None)
    if found is None:
        return None
    offset, length, file = index.section(records[found])
    expected = cameras[0] * cameras[1] * _PLACE.itemsize
    if not 0 <= file < len(names) or not 0 <= length <= 2 * expected + _PLACE.itemsize:
        raise Refused("file-broken")
    (data,) = folder.file(names[file]).pieces([(offset, length)])
    if found == _DEFLATED_PLACES:
        try:
            data = zlib.decompressobj().decompress(data, expected + 1)
        except zlib.error:
            raise Refused("file-broken") from None
    if len(data) != expected:
        raise Refused("file-broken")
    table = np.frombuffer(data, _PLACE).reshape(cameras[::-1])
    return np.stack([table["x"], table["y"]], -1).astype(np.int64)


def _others(hierarchy: Section) -> Iterator[tuple[tuple[str, str], int]]:
    """Name and value of what is no level, and its record."""
    record = 0
    for number in range(hierarchy.number("NONHIER_COUNT", 0, _MOST_RECORDS, 0)):
        name = hierarchy.word(f"NONHIER_{number}_NAME")
        count = hierarchy.number(f"NONHIER_{number}_COUNT", 0, _MOST_RECORDS)
        if record + count > _MOST_RECORDS:
            raise Refused("file-too-complex")
        for at in range(count):
            yield (name, hierarchy.word(f"NONHIER_{number}_VAL_{at}")), record + at
        record += count


# --- The overview


def _smallest(scan: _Scan, index: Index) -> tuple[_Level, Array] | None:
    """The smallest level that is large enough, or the largest, with its pictures; None where all are too large."""
    affordable = [level for level in scan.levels if np.prod(scan.size(level)) <= _MAX_CANVAS]
    for level in (*reversed([one for one in affordable if _is_enough(scan, one)]), *affordable):
        pictures = index.pictures(level.record)
        if len(pictures) <= pyramid.MAX_TILES:
            return level, pictures
    return None


def _is_enough(scan: _Scan, level: _Level) -> bool:
    return max(scan.size(level)) >= LONGEST_SIDE and min(level.size) // scan.photographs(level) >= _LEAST_PHOTO


def _draw(folder: Folder, scan: _Scan, level: _Level, pictures: Array, options: Options) -> tuple[Image.Image, int]:
    """A level, and the number of its pictures that could not be decoded: they stay empty.

    Raises `Refused` as `preview` does, and `file-broken` where none can be decoded.
    """
    image, offset, length, file = pictures.astype(np.int64).T
    column, row = _squares(image, scan.grid)
    is_wrong = ((column | row) & (level.step - 1) != 0) | (file < 0) | (file >= len(scan.files)) | (offset < 0)
    if (is_wrong | (length <= 0) | (length > _MAX_TILE_BYTES)).any():
        raise Refused("file-broken")
    canvas, lost, done = Image.new("RGB", scan.size(level), level.empty), 0, 0
    for number in np.unique(file).tolist():
        own = np.flatnonzero(file == number)
        own = own[np.lexsort((length[own], offset[own]))]
        pieces = folder.file(scan.files[number]).pieces(zip(offset[own].tolist(), length[own].tolist(), strict=True))
        for at, data in zip(own, pieces, strict=True):
            try:
                picture = tiles.whole(data, level.coding, level.size)
                _paste(canvas, scan, level, picture, (int(column[at]), int(row[at])))
            except (Refused, OSError, ValueError, SyntaxError, RuntimeError):
                lost += 1
            done += 1
            options.progress(done / len(pictures))
    if lost == len(pictures):
        raise Refused("file-broken")
    return canvas, lost


def _paste(canvas: Image.Image, scan: _Scan, level: _Level, picture: Image.Image, square: tuple[int, int]) -> None:
    """Put each photograph that is in a picture where it belongs; `square` is the first one, across and down."""
    count = scan.photographs(level)
    width, height = level.size[0] / count, level.size[1] / count
    first = square[0] // scan.divisions, square[1] // scan.divisions
    here = slice(first[1], first[1] + count), slice(first[0], first[0] + count)
    begins = scan.places[here] + np.array(square) % scan.divisions * scan.levels[0].size - scan.box[:2]
    for down, across in np.argwhere(scan.taken[here]).tolist():
        left, top = begins[down, across] / level.step
        box = round(across * width), round(down * height), round((across + 1) * width), round((down + 1) * height)
        canvas.paste(picture if count == 1 else picture.crop(box), (round(left), round(top)))


def _facts(scan: _Scan, *more: Fact) -> Facts:
    lossy = scan.levels[0].coding == "JPEG"
    scale, levels = (scan.microns, scan.magnification), Fact("levels", len(scan.levels))
    return slide.facts("MIRAX", scan.size(scan.levels[0]), scale, levels, *more, OVERVIEW_ONLY, lossy=lossy)
