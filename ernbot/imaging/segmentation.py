"""Segmentations: what a person or a program outlined, in colour over the slice that it was outlined on.

Runs in the sandbox only. Labels are free text and stay unread: a segment is called what its code means in the
standard, or by its number.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from pydicom.dataset import Dataset

from ernbot.imaging import concepts, drawing, frame, references
from ernbot.imaging.drawing import Colour
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.objects import card, drawn, numbers, refers
from ernbot.imaging.references import Plane, Reference

Array = np.ndarray[Any, Any]

_TRIES = 18
"""Slices that are decoded to find some with something in them."""

_TILES = 9
_MOST_SEGMENTS = 64
"""In one slice; programs that name every structure of a trunk find about a hundred in all."""

_DARKEST = 80


@dataclass(frozen=True)
class _Mask:
    """One frame: its index, the segment that it shows (None where it shows all), its place, its source images."""

    index: int
    segment: int | None
    plane: Plane | None
    sources: frozenset[str]


def preview(dataset: Dataset, options: Options) -> Preview:
    """Masks over the middle slice that has some, or a sheet of masks where the slices are not in the room.

    PS3.3 section A.51 and C.8.20: binary, fractional and label map segmentations.
    """
    segments = _segments(dataset)
    counted = Fact("segments", len(segments))
    if "PixelData" not in dataset:
        return card(dataset, "segmentation", counted)
    masks = _masks(dataset)
    picture = _overlay(dataset, masks, segments, references.images(options))
    details = [counted]
    if picture is None:
        picture = _sheet(dataset, masks, segments)
        details += [Fact("not-in-the-room")] if refers(dataset) else []
    entries = [(colour, text) for colour, text in segments.values()]
    return drawn(drawing.legend(picture, entries), dataset, "segmentation", *details, frames=frame.count(dataset))


def _segments(dataset: Dataset) -> dict[int, tuple[Colour, str]]:
    """Colour and name of each segment by its number, C.8.20.4."""
    found: dict[int, tuple[Colour, str]] = {}
    for item in dataset.get("SegmentSequence") or []:
        number = int(item.get("SegmentNumber") or 0)
        colour = _colour(item)
        if colour is None or colour in {taken for taken, _ in found.values()}:
            colour = drawing.shade(len(found))
        found[number] = (colour, concepts.first(item, "SegmentedPropertyTypeCodeSequence") or str(number))
    return found


def _colour(item: Dataset) -> Colour | None:
    """The recommended colour (CIELab, C.10.7.1.1) where it can be told from black."""
    lab = numbers(item.get("RecommendedDisplayCIELabValue"), 3)
    if lab is None or not all(0 <= value < 2**16 for value in lab):
        return None
    pixel = Image.new("LAB", (1, 1), tuple(int(value) >> 8 for value in lab))
    to_screen = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    converted = ImageCms.applyTransform(pixel, to_screen)
    red, green, blue = np.asarray(converted)[0, 0].tolist() if converted else (0, 0, 0)
    return (red, green, blue) if max(red, green, blue) >= _DARKEST else None


def _masks(dataset: Dataset) -> list[_Mask]:
    shared = _item(dataset, "SharedFunctionalGroupsSequence")
    frames = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])[: frame.count(dataset)]
    return [_mask(index, own, shared) for index, own in enumerate(frames)]


def _mask(index: int, own: Dataset, shared: Dataset | None) -> _Mask:
    segment = _item(own, "SegmentIdentificationSequence") or _item(shared, "SegmentIdentificationSequence")
    sources = [
        str(source.get("ReferencedSOPInstanceUID"))
        for derivation in own.get("DerivationImageSequence") or []
        for source in derivation.get("SourceImageSequence") or []
    ]
    groups = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    places = [_item(where, keyword) for keyword in groups for where in (own, shared)]
    number = int(segment.get("ReferencedSegmentNumber") or 0) if segment else None
    return _Mask(index, number, references.plane(*places), frozenset(sources))


def _item(dataset: Dataset | None, keyword: str) -> Dataset | None:
    items = dataset.get(keyword) if dataset is not None else None
    return items[0] if items else None


def _overlay(
    dataset: Dataset, masks: list[_Mask], segments: dict[int, tuple[Colour, str]], candidates: list[Reference]
) -> Image.Image | None:
    for reference, over in _from_the_middle(_pairs(dataset, masks, candidates)):
        layers = _layers(dataset, over, reference)
        picture = reference.picture() if layers else None
        if picture is None:
            continue
        picture = drawing.enlarged(picture)
        for number, layer in layers.items():
            picture = drawing.wash(picture, layer, segments.get(number, (drawing.shade(number), ""))[0])
        return picture
    return None


def _pairs(dataset: Dataset, masks: list[_Mask], candidates: list[Reference]) -> list[tuple[Reference, list[_Mask]]]:
    """Slices in the order of space, and the masks that lie on each: as they say, else by their position."""
    placed = references.in_space(candidates, str(dataset.get("FrameOfReferenceUID") or ""))
    said = references.named(candidates, {uid for mask in masks for uid in mask.sources})
    uids = {one.uid for one in said}
    slices = [one for one in placed if one.uid in uids] or said or placed
    from_source: dict[str, list[_Mask]] = defaultdict(list)
    for mask in masks:
        for uid in mask.sources:
            from_source[uid].append(mask)
    elsewhere = [mask for mask in masks if not mask.sources]
    pairs = [(one, from_source[one.uid] + [mask for mask in elsewhere if _lies_on(mask, one)]) for one in slices]
    return [(one, over) for one, over in pairs if over]


def _lies_on(mask: _Mask, reference: Reference) -> bool:
    where = reference.plane
    if mask.plane is None or where is None or not where.is_parallel(mask.plane):
        return False
    return bool(abs(where.distance(mask.plane.origin)) <= reference.thickness / 2)


def _from_the_middle(pairs: list[Any]) -> Iterable[Any]:
    middle = (len(pairs) - 1) / 2
    return [pairs[index] for index in sorted(range(len(pairs)), key=lambda index: abs(index - middle))[:_TRIES]]


def _layers(dataset: Dataset, masks: list[_Mask], reference: Reference) -> dict[int, Array]:
    """What each segment covers of a slice, 0.0 to 1.0; only segments that cover anything."""
    size = (int(reference.header.Columns), int(reference.header.Rows))
    layers: dict[int, Array] = {}
    for mask in masks[:_MOST_SEGMENTS]:
        for number, values in _values(dataset, mask).items():
            if mask.plane is not None and reference.plane is not None:
                values = references.resampled(values, mask.plane, reference.plane, size)
            elif values.shape != size[::-1]:
                continue
            if values.any():
                layers[number] = np.maximum(layers.get(number, 0.0), values)
    return layers


def _values(dataset: Dataset, mask: _Mask) -> dict[int, Array]:
    """A decoded frame as one layer per segment."""
    pixels = frame.decode(dataset, mask.index)
    if dataset.get("SegmentationType") == "LABELMAP":
        there = [int(number) for number in np.unique(pixels) if number]
        return {number: (pixels == number).astype(np.float32) for number in there[:_MOST_SEGMENTS]}
    full = dataset.get("MaximumFractionalValue") if dataset.get("SegmentationType") == "FRACTIONAL" else None
    return {mask.segment or 1: np.asarray(pixels, dtype=np.float32) / float(full or 1)}


def _sheet(dataset: Dataset, masks: list[_Mask], segments: dict[int, tuple[Colour, str]]) -> Image.Image:
    """Some slices with something in them, evenly chosen, on black."""
    places: dict[float, list[_Mask]] = defaultdict(list)
    for mask in masks or [_Mask(0, None, None, frozenset())]:
        places[_place(mask, masks)].append(mask)
    slices = _evenly([places[place] for place in sorted(places)], _TRIES)
    tiles = []
    for over in slices:
        tile = np.zeros((int(dataset.Rows), int(dataset.Columns), 3), np.uint8)
        for mask in over[:_MOST_SEGMENTS]:
            for number, values in _values(dataset, mask).items():
                colour, _ = segments.get(number, (drawing.shade(number), ""))
                covered = values > 0
                tile[covered] = np.outer(values[covered], colour)
        tiles += [Image.fromarray(tile)] if tile.any() else []
    return drawing.sheet(_evenly(tiles, _TILES) or [Image.new("RGB", (int(dataset.Columns), int(dataset.Rows)))])


def _place(mask: _Mask, masks: list[_Mask]) -> float:
    """Masks of the same slice get the same number, in the order of space."""
    first = masks[0].plane if masks else None
    if mask.plane is None or first is None:
        return float(mask.index)
    return round(float(first.distance(mask.plane.origin)), 2)


def _evenly(choice: list[Any], count: int) -> list[Any]:
    step = max(1.0, len(choice) / count)
    return [choice[int((index + 0.5) * step)] for index in range(min(count, len(choice)))]
