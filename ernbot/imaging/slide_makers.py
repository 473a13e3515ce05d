"""Slides whose makers describe them in ways of their own: which pictures are levels, and how large a pixel is.

Hamamatsu, Leica, Ventana, Philips and Trestle, and OME-TIFF, which other programs export. Most keep a photograph of the
glass among the levels: what the description does not name as a level is not one. Raises `Refused` `file-slide-export`
(maker) where levels are there that would be put together wrongly.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import numpy as np

from ernbot.core.errors import Refused
from ernbot.imaging import pyramid, restarts, slide_xml
from ernbot.imaging.pyramid import Level
from ernbot.imaging.tiff_directory import SUB_DIRECTORIES, Directory

_FORMAT, _LENS, _FOCUS, _STARTS, _HIGH_STARTS = 65420, 65421, 65424, 65426, 65432
_OFFSETS = (65422, 65423)
HAMAMATSU_NUMBERS = frozenset({_FORMAT, _LENS, *_OFFSETS, _FOCUS, _STARTS, _HIGH_STARTS})
"""Tags of an NDPI that say where its pixels are, and with which lens and focus they were taken."""

_STRIP_OFFSETS, _STRIP_COUNTS = 273, 279
_LARGEST_NDPI = 2**32
"""Bytes: beyond these the offsets of an NDPI need halves of numbers that stand behind its directories."""

_SOFTWARE, _XMP = 305, 700
_LEICA = b"leica-microsystems.com/scn/"
_VENTANA = b"iScan"
_PHILIPS = b"DPUfsImport"
_OME = b"openmicroscopy.org/Schemas/OME/"
_TRESTLE = "MedScan"
_LEVEL = re.compile(r"level=(\d{1,2}) mag=(\d{1,3}(?:\.\d{1,9})?) quality=\d{1,3}")
_MOST_DESCRIBED = 16
"""Directories in which a description of the scanner is looked for; a BIF has about twelve."""

LARGEST_MAGNIFICATION, _LARGEST_MPP = 400.0, 1000.0
_NANOMETRES, _MILLIMETRES = 1e-3, 1e3
"""Micrometres of one."""

_LARGEST_VIEW = 1e12
_COARSEST_SECTION = 5.0
"""Micrometres of a pixel; those of the photograph of the glass are larger, however it is called."""

_MICROMETRES = ("\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m")
"""Both ways to write it; it is what OME means where no unit stands."""

_TWO_NUMBERS = re.compile(r'"([\d.]{1,20})"\s+"([\d.]{1,20})"')


@dataclass(frozen=True)
class Scan:
    """A slide: its levels, the largest first, micrometres of a pixel of that, magnification of the lens.

    `maker` is None for Aperio, and where only the tiles say that this is a slide.
    """

    maker: str | None
    levels: list[Level]
    microns: float | None
    magnification: float | None


def maker(directories: Sequence[Directory]) -> str | None:
    """Whose slide this is, by what every slide of theirs says of itself; None for Aperio and all others."""
    first = directories[0]
    if _FORMAT in first.entries:
        return "NDPI"
    description = first.data(pyramid.DESCRIPTION)
    if _LEICA in description[:1000]:
        return "SCN"
    if _PHILIPS in description[:1000]:
        return "Philips TIFF"
    if _OME in description[:1000] and pyramid.is_tiled(first) and SUB_DIRECTORIES in first.entries:
        return "OME-TIFF"
    if first.text(_SOFTWARE).startswith(_TRESTLE) and pyramid.is_tiled(first):
        return "Trestle"
    if any(_VENTANA in directory.data(_XMP) for directory in directories[:_MOST_DESCRIBED]):
        return "BIF"
    return None


def read(directories: Sequence[Directory]) -> Scan | None:
    """The slide of one of these makers, or None. Raises `Refused`, see above and `pyramid.levels`."""
    called = maker(directories)
    if called is None:
        return None
    try:
        return _READERS[called](directories)
    except Refused as refused:
        if refused.code == "file-unsupported":  # such a file may stay in a room, and this one holds a label
            raise Refused("file-slide-export", maker=called) from refused
        raise


# --- Hamamatsu


def _hamamatsu(directories: Sequence[Directory]) -> Scan:
    if directories[0].file.size >= _LARGEST_NDPI:
        raise Refused("file-too-complex")
    scanned = [one for one in directories if one.real(_LENS) > 0 and not one.number(_FOCUS)]
    levels = [level for one in scanned if (level := _strip_level(one))]
    if not levels:
        raise Refused("file-slide-export", maker="NDPI")
    levels.sort(key=lambda level: -level.width)
    levels = [one for one in levels if pyramid.is_smaller(levels[0], one.width, one.height)]
    power = levels[0].directory.real(_LENS)
    return Scan(
        maker="NDPI",
        levels=levels,
        microns=pyramid.stated_resolution(levels[0].directory),
        magnification=power if 0 < power <= LARGEST_MAGNIFICATION else None,
    )


def _strip_level(directory: Directory) -> Level | None:
    """A level whose pixels are one JPEG stream: cut at its restarts, whole where it is small, None where neither."""
    size = directory.number(pyramid.IMAGE_WIDTH), directory.number(pyramid.IMAGE_LENGTH)
    at, length = directory.numbers(_STRIP_OFFSETS), directory.numbers(_STRIP_COUNTS)
    if len(at) != 1 or len(length) != 1 or at[0] + length[0] > directory.file.size:
        raise Refused("file-broken")
    place = int(at[0]), int(length[0])
    is_small = max(size) <= pyramid.MAX_TILE_SIDE and place[1] <= pyramid.MAX_TILE_BYTES
    starts = np.asarray(directory.numbers(_STARTS), dtype=np.int64)
    if np.any(np.asarray(directory.numbers(_HIGH_STARTS))):  # halves above 4 GiB of places in a file that is smaller
        raise Refused("file-broken")
    if len(starts):
        try:
            return pyramid.level_of_strip(directory, restarts.strip(directory, size, place, starts))
        except Refused as refused:
            if refused.code != "file-unsupported":
                raise
    return pyramid.level_of_whole(directory, *place) if is_small else None


# --- Leica


def _leica(directories: Sequence[Directory]) -> Scan:
    root = slide_xml.parsed(directories[0].data(pyramid.DESCRIPTION))
    collections = slide_xml.all_of(root, "collection")
    scanned = [image for one in collections for image in slide_xml.all_of(one, "image") if not _is_of_glass(image, one)]
    if len(collections) != 1 or len(scanned) != 1:  # several sections lie apart on the glass
        raise Refused("file-slide-export", maker="SCN")
    dimensions = slide_xml.all_of(scanned[0], "dimension")
    if any(one.get(axis, "0") != "0" for one in dimensions for axis in ("z", "c")):
        raise Refused("file-slide-export", maker="SCN")
    chosen = [slide_xml.whole(one.get("ifd"), len(directories) - 1) for one in dimensions]
    levels = _in_order([directories[number] for number in chosen if number is not None], "SCN")
    (view,) = slide_xml.all_of(scanned[0], "view")[:1] or (Element("view"),)
    across = slide_xml.number(view.get("sizeX"), _LARGEST_VIEW)
    lens = next(iter(slide_xml.all_of(scanned[0], "objective")), None)
    microns = across * _NANOMETRES / levels[0].width if across else 0.0
    if not 0 < microns <= _COARSEST_SECTION:
        raise Refused("file-slide-export", maker="SCN")
    return Scan(
        maker="SCN",
        levels=levels,
        microns=microns,
        magnification=slide_xml.number(lens.text, LARGEST_MAGNIFICATION) if lens is not None else None,
    )


def _is_of_glass(image: Element, collection: Element) -> bool:
    """Whether a picture covers the whole glass, as the photograph with the label does."""
    views = slide_xml.all_of(image, "view")
    sides = ("sizeX", "sizeY")
    covers = all(view.get(side) == collection.get(side) for view in views for side in sides)
    return not views or covers


# --- Ventana


def _ventana(directories: Sequence[Directory]) -> Scan:
    levels, magnification = [], None
    for directory in directories:
        described = _LEVEL.fullmatch(directory.text(pyramid.DESCRIPTION).strip())
        if described:
            levels.append(directory)
            magnification = magnification or slide_xml.number(described[2], LARGEST_MAGNIFICATION)
    roots = [slide_xml.parsed(data) for one in directories[:_MOST_DESCRIBED] if (data := one.data(_XMP)).strip(b"\0")]
    _must_not_overlap(roots)
    scanners = [found for root in roots for found in slide_xml.all_of(root, _VENTANA.decode())]
    resolutions = [slide_xml.number(one.get("ScanRes"), _LARGEST_MPP) for one in scanners]
    return Scan(
        maker="BIF",
        levels=_in_order(levels, "BIF"),
        microns=next((resolution for resolution in resolutions if resolution), None),
        magnification=magnification,
    )


def _must_not_overlap(roots: Sequence[Element]) -> None:
    """Some scanners let tiles overlap, and say by how much: side by side they would show a section that is not so."""
    joints = [joint for root in roots for joint in slide_xml.all_of(root, "TileJointInfo")]
    areas = [area for root in roots for area in slide_xml.all_of(root, "ImageInfo")]
    if len(areas) > 1 or any(joint.get(side, "0") != "0" for joint in joints for side in ("OverlapX", "OverlapY")):
        raise Refused("file-slide-export", maker="BIF")


# --- Philips


def _philips(directories: Sequence[Directory]) -> Scan:
    root = slide_xml.parsed(directories[0].data(pyramid.DESCRIPTION))
    spacings = [
        _TWO_NUMBERS.fullmatch((one.text or "").strip())
        for one in slide_xml.all_of(root, "Attribute")
        if one.get("Name") == "DICOM_PIXEL_SPACING"
    ]
    widths = [slide_xml.number(found[2], 1.0) for found in spacings if found]
    levels = [pyramid.level(one) for one in directories if pyramid.is_tiled(one) and not _is_called_other(one)]
    scale = 1
    kept = []
    for level in levels:  # each half as large as the one before, and filled up to whole tiles
        width, height = (-(-side // scale) for side in (levels[0].width, levels[0].height))
        filled = level.width - width, level.height - height
        fits = all(0 <= more < 2 * side for more, side in zip(filled, level.tile, strict=True))
        if not fits or level.tile != levels[0].tile:
            raise Refused("file-slide-export", maker="Philips TIFF")
        kept.append(_cropped(level, width, height))
        scale *= 2
    known = [width for width in widths if width]
    return Scan(
        maker="Philips TIFF",
        levels=kept,
        microns=_within(min(known) * _MILLIMETRES, _LARGEST_MPP) if known else None,
        magnification=None,
    )


def _is_called_other(directory: Directory) -> bool:
    return directory.text(pyramid.DESCRIPTION).strip().lower().startswith(("label", "macro"))


def _cropped(level: Level, width: int, height: int) -> Level:
    """A level without what it is filled up with, to the right and below."""
    across, down = -(-width // level.tile[0]), -(-height // level.tile[1])
    offsets, counts = (
        array("q", np.asarray(numbers, np.int64).reshape(-1, level.across)[:down, :across].ravel().tolist())
        for numbers in (level.offsets, level.counts)
    )
    return replace(level, width=width, height=height, offsets=offsets, counts=counts)


# --- OME


def _ome(directories: Sequence[Directory]) -> Scan:
    """The first picture, and the smaller copies below it. Label and glass, where a program kept them, are others."""
    first = directories[0]
    root = slide_xml.parsed(first.data(pyramid.DESCRIPTION))
    (section, *others) = slide_xml.all_of(root, "Pixels") or (Element("Pixels"),)
    stated = {
        "SizeX": first.number(pyramid.IMAGE_WIDTH),
        "SizeY": first.number(pyramid.IMAGE_LENGTH),
        "SizeC": first.number(pyramid.SAMPLES, 1),
        "SizeZ": 1,
        "SizeT": 1,
    }
    is_one_plane = all(section.get(name) == str(number) for name, number in stated.items())
    is_first = [one.get("IFD", "0") for one in slide_xml.all_of(section, "TiffData")] == ["0"]
    is_widest = all(slide_xml.whole(one.get("SizeX"), stated["SizeX"]) for one in others)
    microns = slide_xml.number(section.get("PhysicalSizeX"), _COARSEST_SECTION)
    is_scaled = microns is not None and section.get("PhysicalSizeXUnit", _MICROMETRES[0]) in _MICROMETRES
    if not (is_one_plane and is_first and is_widest and is_scaled):
        raise Refused("file-slide-export", maker="OME-TIFF")
    below = frozenset(first.numbers(SUB_DIRECTORIES))
    lenses = [one.get("NominalMagnification") for one in slide_xml.all_of(root, "Objective")]
    return Scan(
        maker="OME-TIFF",
        levels=_in_order([first, *(one for one in directories if one.at in below)], "OME-TIFF"),
        microns=microns,
        magnification=slide_xml.number(lenses[0], LARGEST_MAGNIFICATION) if len(lenses) == 1 else None,
    )


# --- Trestle


def _trestle(directories: Sequence[Directory]) -> Scan:
    """Levels that lie side by side; most of their scanners let tiles overlap, and say so."""
    described = directories[0].text(pyramid.DESCRIPTION).split(";")
    pairs = {key.strip(): value for key, _, value in (pair.partition("=") for pair in described)}
    if any(number != "0" for number in pairs.get("OverlapsXY", "").split()):
        raise Refused("file-slide-export", maker="Trestle")
    levels = _in_order(directories, "Trestle")
    return Scan(
        maker="Trestle",
        levels=levels,
        microns=pyramid.stated_resolution(levels[0].directory),
        magnification=slide_xml.number(pairs.get("Objective Power"), LARGEST_MAGNIFICATION),
    )


_READERS = {
    "NDPI": _hamamatsu,
    "SCN": _leica,
    "BIF": _ventana,
    "Philips TIFF": _philips,
    "OME-TIFF": _ome,
    "Trestle": _trestle,
}


def _in_order(directories: Sequence[Directory], called: str) -> list[Level]:
    levels = sorted(map(pyramid.level, directories), key=lambda level: -level.width)
    if not levels or not all(pyramid.is_smaller(levels[0], level.width, level.height) for level in levels):
        raise Refused("file-slide-export", maker=called)
    return levels


def _within(value: float, largest: float) -> float | None:
    return value if 0 < value <= largest else None
