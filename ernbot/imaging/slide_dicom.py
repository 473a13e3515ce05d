"""Whole slides in DICOM (VL Whole Slide Microscopy, PS3.3 A.32.8): an overview of one level. Runs in the sandbox only.

Each level is an object of its own, cut into frames that are tiles of one large picture, the total pixel matrix. The
label and the photograph of the glass are objects too, and are never decoded.
"""

from dataclasses import replace

from PIL import Image
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from ernbot.core.errors import Refused
from ernbot.imaging import attributes, frame, pyramid, rendering, slide, tiles
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Fact, Facts, Options, Preview

_NAMING = {"LABEL": "label", "OVERVIEW": "macro"}
"""Values of Image Type 3 (PS3.3 C.8.12.4.1.1) whose pictures show the label, and what they are called."""

_LABEL_ELEMENTS = (Tag("ImageType"), Tag("SpecimenLabelInImage"))

_TEXTS = ("LabelText", "BarcodeValue")
_LARGEST_MAGNIFICATION, _LARGEST_MPP = 400.0, 1000.0
_PAPER = (255, 255, 255)
_BLACK = (0, 0, 0)


def preview(dataset: Dataset, _options: Options) -> Preview:
    """The level with a scale bar; a card where it has more tiles than can be decoded in a bounded time.

    Raises `Refused`: `file-names-patient` (kinds) for the label and what shows it, `file-unsupported` (syntax),
    `file-broken`, `file-too-complex`; and whatever pydicom raises on what cannot be parsed.
    """
    kinds = identifying(dataset)
    if kinds:
        raise Refused("file-names-patient", kinds=", ".join(kinds))
    width, height = int(dataset.TotalPixelMatrixColumns), int(dataset.TotalPixelMatrixRows)
    tile = int(dataset.Columns), int(dataset.Rows)
    sides = (width, height, *tile)
    if min(sides) <= 0 or max(width, height) > pyramid.MAX_SIDE or max(tile) > pyramid.MAX_TILE_SIDE:
        raise Refused("file-broken")
    if int(dataset.BitsAllocated) != 8:
        raise Refused("file-unsupported", syntax="DICOM")
    places = _places(dataset, width, height, tile)
    microns = _microns_per_pixel(dataset, width)
    if len(places) > pyramid.MAX_TILES:
        return _with_uids(Preview(_facts(dataset, width, height, microns, Fact("no-overview")), None), dataset)
    picture, lost = _draw(dataset, (width, height), tile, places)
    facts = _facts(dataset, width, height, microns, *[Fact("truncated")] * bool(lost))
    return _with_uids(rendering.encode(slide.overview(picture, width, microns), facts), dataset)


def identifying(dataset: Dataset) -> list[str]:
    """What in this object names the patient: the pictures that show the label, and the elements that repeat it."""
    found = {keyword for keyword in _TEXTS if str(dataset.get(keyword) or "").strip()}
    return sorted(found | ({shown} if (shown := shows_label(dataset)) else set()))


def shows_label(dataset: Dataset) -> str | None:
    """`label` or `macro` where the pixels are a picture of the label, or of the glass with its label."""
    stated = Dataset({tag: dataset.get_item(tag) for tag in _LABEL_ELEMENTS if tag in dataset})  # others stay unparsed
    values = stated.get("ImageType")
    image_type = {str(value).strip().upper() for value in ([values] if isinstance(values, str) else values or ())}
    named = next((kind for value, kind in _NAMING.items() if value in image_type), None)
    is_in_image = str(stated.get("SpecimenLabelInImage") or "").strip().upper() == "YES"
    return named or ("label" if is_in_image else None)


def _places(dataset: Dataset, width: int, height: int, tile: tuple[int, int]) -> list[tuple[int, int]]:
    """Left upper corner of each frame in the total pixel matrix, pixels from 0: one focal plane and optical path."""
    count, across = frame.count(dataset), -(-width // tile[0])
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        # Organization TILED_FULL: the tiles of a plane come row by row, then the next plane (PS3.3 C.7.6.17.3).
        in_plane = range(min(count, across * -(-height // tile[1])))
        return [(index % across * tile[0], index // across * tile[1]) for index in in_plane]
    found = []
    for item in dataset.PerFrameFunctionalGroupsSequence[:count]:
        position = item.PlanePositionSlideSequence[0]
        left = int(position.ColumnPositionInTotalImagePixelMatrix) - 1
        upper = int(position.RowPositionInTotalImagePixelMatrix) - 1
        if not (0 <= left < width and 0 <= upper < height):
            raise Refused("file-broken")
        found.append((left, upper))
    return found


def _draw(
    dataset: Dataset, size: tuple[int, int], tile: tuple[int, int], places: list[tuple[int, int]]
) -> tuple[Image.Image, int]:
    """The total pixel matrix, smaller, and how many of its tiles could not be decoded: they stay as they are."""
    scale = next(scale for scale in tiles.SCALES if scale == 1 or max(size) >= LONGEST_SIDE * scale)
    width, height = (-(-side // scale) for side in size)
    if width * height * 3 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    is_fluorescence = int(dataset.get("SamplesPerPixel", 1)) == 1
    picture = Image.new("RGB", (width, height), _BLACK if is_fluorescence else _PAPER)
    frames, lost = frame.Frames.of(dataset), 0
    small = -(-tile[0] // scale), -(-tile[1] // scale)
    for index, (left, upper) in enumerate(places):
        try:
            decoded = Image.fromarray(frames.decode(index, max(small)))
        except (Refused, OSError, SyntaxError, ValueError, RuntimeError):
            lost += 1
            continue
        if decoded.size != small:
            decoded = decoded.resize(small, Image.Resampling.BOX)
        picture.paste(decoded, (left // scale, upper // scale))
    if lost == len(places):
        raise Refused("file-broken")
    return picture, lost


def _microns_per_pixel(dataset: Dataset, width: int) -> float | None:
    """Pixel Spacing of all frames, mm (PS3.3 C.7.6.16.2.1), or the imaged width over the pixels across it."""
    measures = _first(_first(dataset, "SharedFunctionalGroupsSequence"), "PixelMeasuresSequence")
    spacing = attributes.number(measures, "PixelSpacing", 1)
    imaged = attributes.number(dataset, "ImagedVolumeWidth")
    return _within(1000 * (spacing or (imaged or 0.0) / width), _LARGEST_MPP)


def _first(dataset: Dataset, keyword: str) -> Dataset:
    """The first item of a sequence; an empty data set where there is none."""
    return next(iter(dataset.get(keyword) or ()), Dataset())


def _facts(dataset: Dataset, width: int, height: int, microns: float | None, *details: Fact) -> Facts:
    power = attributes.number(_first(dataset, "OpticalPathSequence"), "ObjectiveLensPower")
    magnification = _within(power or 0.0, _LARGEST_MAGNIFICATION)
    found = [Fact("magnification", magnification)] if magnification else []
    found += [Fact("microns-per-pixel", microns)] if microns else []
    stated = attributes.facts(dataset, "slide", 1, (*found, *details))
    return replace(stated, width=width, height=height)


def _with_uids(preview: Preview, dataset: Dataset) -> Preview:
    return replace(preview, uids=attributes.uids(dataset))


def _within(number: float, largest: float) -> float | None:
    return number if 0 < number <= largest else None
