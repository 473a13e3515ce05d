"""Radiotherapy: contours and doses over the slice that they were planned on, and what a plan holds.

Runs in the sandbox only. Names of structures, beams and plans are free text and stay unread: a structure is called
what it was drawn for, in the standard's own terms.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging import drawing, faces, references, terms
from ernbot.imaging.attributes import number
from ernbot.imaging.drawing import Colour
from ernbot.imaging.model import LONGEST_SIDE, Fact, Options, Preview
from ernbot.imaging.objects import card, drawn, numbers, refers
from ernbot.imaging.references import Reference

Array = np.ndarray[Any, Any]

_MOST_POINTS = 4_000_000
"""In all contours; the contours of a whole trunk on thin slices have about one million."""

_DARKEST = 80
_SMOOTH = 2
"""Contours are drawn this many times as large, and made small again."""

_AXES = (("R", "L", 0), ("A", "P", 1), ("F", "H", 2))
"""Letters at both ends of the patient's axes, from minus to plus, PS3.3 C.7.6.1.1.1."""

_PANELS = ((0, 1, False), (0, 2, True), (1, 2, True))
"""Axial, coronal and sagittal: the axis across, the axis up or down, whether up is plus."""


@dataclass(frozen=True)
class Structure:
    """One region of interest: its contours (points x 3, mm), which may be none."""

    colour: Colour
    interpreted: str
    contours: tuple[Array, ...]


def structure_set(dataset: Dataset, options: Options) -> Preview:
    """Contours over the middle slice that they cross, or their silhouettes from three sides.

    PS3.3 section A.19 and C.8.8.6. Raises `Refused` `file-too-complex` above `_MOST_POINTS`.
    """
    structures = _structures(dataset)
    counted = Fact("structures", len(dataset.get("StructureSetROISequence") or []))
    if not any(structure.contours for structure in structures):
        return card(dataset, "structure-set", counted)
    details = [counted]
    picture = _over_slice(structures, _slices(dataset, options))
    if picture is None:
        picture = _silhouettes(structures)
        details += [Fact("not-in-the-room")] if refers(dataset) else []
    picture = drawing.legend(picture, _entries(structures))
    return drawn(picture, dataset, "structure-set", *details, identifiable=_shows_face(dataset, structures))


def _shows_face(dataset: Dataset, structures: list[Structure]) -> bool:
    """Whether the outline of the skin is that of a head, in so many slices that it could be known."""
    skins = [structure for structure in structures if structure.interpreted == "EXTERNAL"]
    return faces.shows_head(dataset) and any(len(skin.contours) >= faces.MIN_SLICES for skin in skins)


def _structures(dataset: Dataset) -> list[Structure]:
    interpreted = {
        item.get("ReferencedROINumber"): terms.defined(item.get("RTROIInterpretedType"), terms.ROI_TYPES)
        for item in dataset.get("RTROIObservationsSequence") or []
    }
    found, points = [], 0
    for index, item in enumerate(dataset.get("ROIContourSequence") or []):
        contours = [_points(contour) for contour in item.get("ContourSequence") or []]
        points += sum(len(contour) for contour in contours)
        if points > _MOST_POINTS:
            raise Refused("file-too-complex")
        rgb = numbers(item.get("ROIDisplayColor"), 3)
        usable = rgb is not None and all(0 <= value <= 255 for value in rgb) and max(rgb) >= _DARKEST
        red, green, blue = (int(value) for value in rgb) if rgb and usable else drawing.shade(index)
        found.append(
            Structure(
                (red, green, blue),
                interpreted.get(item.get("ReferencedROINumber")) or "",
                tuple(contour for contour in contours if len(contour)),
            )
        )
    return found


def _points(contour: Dataset) -> Array:
    """Points x 3, mm. Read from the bytes: pydicom would make an object of each of a million numbers."""
    raw = contour.get_item("ContourData") if "ContourData" in contour else None
    value = getattr(raw, "value", None)
    if isinstance(value, bytes):
        value = value.strip(b" \0").split(b"\\") if value.strip(b" \0") else []
    flat = np.array(value if value is not None else [], dtype=np.float64).ravel()
    return flat.reshape(-1, 3) if np.isfinite(flat).all() else np.empty((0, 3))


def _entries(structures: list[Structure]) -> list[tuple[Colour, str]]:
    return [
        (structure.colour, structure.interpreted.replace("_", " ") or str(index + 1))
        for index, structure in enumerate(structures)
    ]


def _slices(dataset: Dataset, options: Options) -> list[Reference]:
    """The slices of the case that lie in the frame of reference of the contours, in the order of space."""
    candidates = references.images(options)
    frames = [str(item.get("FrameOfReferenceUID")) for item in dataset.get("ReferencedFrameOfReferenceSequence") or []]
    frames += [str(item.get("ReferencedFrameOfReferenceUID")) for item in dataset.get("StructureSetROISequence") or []]
    return next((found for uid in dict.fromkeys(frames) if (found := references.in_space(candidates, uid))), [])


def _over_slice(structures: list[Structure], slices: list[Reference]) -> Image.Image | None:
    crossed = [(one, crossing) for one in slices if (crossing := _crossing(structures, one))]
    if not crossed:
        return None
    one, crossing = crossed[len(crossed) // 2]
    picture = one.picture()
    if picture is None:
        return None
    picture = drawing.enlarged(picture).convert("RGB")
    large = picture.resize((_SMOOTH * picture.width, _SMOOTH * picture.height), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(large)
    scale = np.array([large.width / one.header.Columns, large.height / one.header.Rows])
    for colour, pixels in crossing:
        _outline(pen, (pixels + 0.5) * scale, colour)
    return large.resize(picture.size, Image.Resampling.LANCZOS)


def _crossing(structures: list[Structure], one: Reference) -> list[tuple[Colour, Array]]:
    """Colour and pixels (points x 2) of the contours that lie in a slice."""
    plane = one.plane
    assert plane is not None, "in_space gives none without"
    return [
        (structure.colour, plane.pixels(contour))
        for structure in structures
        for contour in structure.contours
        if np.abs(plane.distance(contour)).max() <= one.thickness / 2
    ]


def _outline(pen: ImageDraw.ImageDraw, points: Array, colour: Colour | int) -> None:
    corners = [(float(x), float(y)) for x, y in points]
    if len(corners) == 1:
        (x, y), size = corners[0], 3 * _SMOOTH
        pen.line((x - size, y, x + size, y), fill=colour, width=_SMOOTH)
        pen.line((x, y - size, x, y + size), fill=colour, width=_SMOOTH)
    else:
        pen.line([*corners, corners[0]], fill=colour, width=2 * _SMOOTH, joint="curve")


def _silhouettes(structures: list[Structure]) -> Image.Image:
    """All contours as seen from above, from the front and from the left, on black, to one scale."""
    everything = np.concatenate([contour for structure in structures for contour in structure.contours])
    low, high = everything.min(axis=0), everything.max(axis=0)
    extent = float(max((high - low).max(), 1.0)) * 1.1
    side = LONGEST_SIDE // 2 - 2
    tiles = [_silhouette(structures, (low + high) / 2, side / extent, panel, side) for panel in _PANELS]
    return drawing.sheet(tiles)


def _silhouette(
    structures: list[Structure], centre: Array, scale: float, panel: tuple[int, int, bool], side: int
) -> Image.Image:
    across, along, up = panel
    tile = Image.new("RGB", (_SMOOTH * side, _SMOOTH * side))
    thick = max(2 * _SMOOTH, round(_SMOOTH * scale * _spacing(structures)))
    for structure in structures:
        cover = Image.new("L", tile.size)
        pen = ImageDraw.Draw(cover)
        for contour in structure.contours:
            flat = (contour[:, (across, along)] - centre[[across, along]]) * _SMOOTH * scale
            flat = flat * (1, -1 if up else 1) + _SMOOTH * side / 2
            corners = [(float(x), float(y)) for x, y in flat]
            if len(corners) == 1:
                _outline(pen, flat, 255)
            elif np.ptp(flat, axis=0).min() < 1:  # seen from its edge: as high as the slice that it stands for
                pen.rectangle(_slab(flat, thick), fill=110)
            else:
                pen.polygon(corners, fill=60)
                pen.line([*corners, corners[0]], fill=220, width=_SMOOTH)
        tile.paste(Image.new("RGB", tile.size, structure.colour), mask=cover)
    small = tile.resize((side, side), Image.Resampling.LANCZOS)
    _letters(ImageDraw.Draw(small), panel, side)
    return small


def _slab(flat: Array, thick: int) -> tuple[int, ...]:
    """The box around points that lie on one line across or down, made as thick as this."""
    low, high = flat.min(axis=0), flat.max(axis=0)
    middle = (low + high) / 2
    narrow = (high - low) < 1
    low, high = np.where(narrow, middle - thick / 2, low), np.where(narrow, middle + thick / 2, high)
    return (*np.floor(low).astype(int).tolist(), *np.ceil(high).astype(int).tolist())


def _spacing(structures: list[Structure]) -> float:
    """Between neighbouring contours along the body, mm."""
    heights = np.unique([np.round(contour[0, 2], 2) for structure in structures for contour in structure.contours])
    return float(np.median(np.diff(heights))) if len(heights) > 1 else 1.0


def _letters(pen: ImageDraw.ImageDraw, panel: tuple[int, int, bool], side: int) -> None:
    across, along, up = panel
    left, right, _ = _AXES[across]
    top, bottom = (_AXES[along][1], _AXES[along][0]) if up else _AXES[along][:2]
    for text, place, anchor in (
        *((left, (5, side / 2), "lm"), (right, (side - 5, side / 2), "rm")),
        *((top, (side / 2, 4), "ma"), (bottom, (side / 2, side - 4), "md")),
    ):
        pen.text(place, text, font=drawing.font(drawing.TYPE_SIZE), fill=(160, 160, 160), anchor=anchor)


def plan(dataset: Dataset, _options: Options) -> Preview:
    """A card: how many beams and fractions; PS3.3 sections A.20 and A.49."""
    beams = len(dataset.get("BeamSequence") or dataset.get("IonBeamSequence") or [])
    planned = [
        int(number(group, "NumberOfFractionsPlanned") or 0)
        for group in islice(dataset.get("FractionGroupSequence") or [], 100)
    ]
    details = [Fact("beams", beams)] if beams else []
    details += [Fact("fractions", sum(planned))] if sum(planned) > 0 else []
    return card(dataset, "plan", *details)
