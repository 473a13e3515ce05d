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
from ernbot.imaging.references import Plane, Reference

Array = np.ndarray[Any, Any]

_MOST_POINTS = 4_000_000
"""In all contours; the contours of a whole trunk on thin slices have about one million."""

_SILHOUETTE_POINTS = 200
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

    PS3.3 section A.19 and C.8.8.6. Raises `Refused`: `file-too-complex` above `_MOST_POINTS`, `file-broken`.
    """
    try:
        structures = _structures(dataset)
    except ValueError:
        raise Refused("file-broken") from None
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
    """Points x 3, mm. Read from the bytes: pydicom would make an object of each of a million numbers.

    Raises `ValueError` for anything but numbers: nothing would tell that a contour was left out.
    """
    raw = contour.get_item("ContourData") if "ContourData" in contour else None
    value = getattr(raw, "value", None) or b""
    if isinstance(value, bytes):
        value = np.fromstring(value.strip(b" \0").replace(b"\\", b" "), sep=" ")
    points = np.array(value, dtype=np.float64)
    if points.size % 3 or not np.isfinite(points).all():
        raise ValueError("a coordinate is missing")
    return points.reshape(-1, 3)


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
    found = _crossing(structures, slices)
    if found is None:
        return None
    one, plane, crossing = found
    picture = one.picture()
    if picture is None:
        return None
    picture = drawing.enlarged(picture).convert("RGB")
    large = picture.resize((_SMOOTH * picture.width, _SMOOTH * picture.height), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(large)
    scale = np.array([large.width / one.header.Columns, large.height / one.header.Rows])
    for colour, contour in crossing:
        _outline(pen, (plane.pixels(contour) + 0.5) * scale, colour)
    return large.resize(picture.size, Image.Resampling.LANCZOS)


def _crossing(
    structures: list[Structure], slices: list[Reference]
) -> tuple[Reference, Plane, list[tuple[Colour, Array]]] | None:
    """The middle one of the slices, in the order of space, in which contours lie; its plane, and those."""
    contours = [(structure.colour, contour) for structure in structures for contour in structure.contours]
    first = slices[0].plane if slices else None
    if first is None:
        return None
    away = [first.distance(contour) for _, contour in contours]
    lowest, highest = np.array([far.min() for far in away]), np.array([far.max() for far in away])
    crossed = []
    for one in slices:
        if (plane := one.plane) is None:
            continue
        height, half = float(first.distance(plane.origin)), one.thickness / 2
        inside = np.flatnonzero((lowest >= height - half) & (highest <= height + half))
        if len(inside):
            crossed.append((one, plane, inside))
    if not crossed:
        return None
    one, plane, inside = crossed[len(crossed) // 2]
    return one, plane, [contours[index] for index in inside]


def _outline(pen: ImageDraw.ImageDraw, points: Array, colour: Colour | int) -> None:
    if len(points) == 1:
        x, y = points[0].tolist()
        size = 3 * _SMOOTH
        pen.line((x - size, y, x + size, y), fill=colour, width=_SMOOTH)
        pen.line((x, y - size, x, y + size), fill=colour, width=_SMOOTH)
    else:
        pen.line(np.vstack([points, points[:1]]).ravel().tolist(), fill=colour, width=2 * _SMOOTH, joint="curve")


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
            corners = contour[:: max(1, len(contour) // _SILHOUETTE_POINTS)][:, (across, along)]
            flat = (corners - centre[[across, along]]) * (_SMOOTH * scale)
            flat = flat * (1, -1 if up else 1) + _SMOOTH * side / 2
            if len(flat) == 1:
                _outline(pen, flat, 255)
            elif np.ptp(flat, axis=0).min() < 1:  # seen from its edge: as high as the slice that it stands for
                pen.rectangle(_slab(flat, thick), fill=110)
            else:
                pen.polygon(flat.ravel().tolist(), fill=60)
                pen.line(np.vstack([flat, flat[:1]]).ravel().tolist(), fill=220, width=_SMOOTH)
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
