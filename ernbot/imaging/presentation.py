"""Presentation states: how somebody wanted an image to be seen, applied to that image.

Runs in the sandbox only. Window, shutter, area, turn and lines are applied; of annotations in words nothing is
read, they are only counted.
"""

from copy import copy
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from pydicom.dataset import Dataset

from ernbot.imaging import drawing, references
from ernbot.imaging.attributes import number
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.objects import card, drawn, numbers
from ernbot.imaging.references import Reference

Array = np.ndarray[Any, Any]
Points = list[tuple[float, float]]

_MOST_OBJECTS = 500
_MOST_POINTS = 10_000
_GREY_VALUES = (
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
)
_LINES = (255, 230, 60)
_LEAST_AREA = 8


def preview(dataset: Dataset, options: Options) -> Preview:
    """The first image that the state is for and that the room has; a card without one.

    PS3.3 section A.33 and PS3.4 annex N: grey values, then shutter, lines, area and turn.
    """
    wanted = _images(dataset)
    found = references.named(references.images(options), wanted)
    texts = sum(len(item.get("TextObjectSequence") or []) for item in dataset.get("GraphicAnnotationSequence") or [])
    details = [Fact("images", len(wanted))] + ([Fact("hidden-texts", texts)] if texts else [])
    for uid in wanted:
        for reference in found:
            picture = _applied(dataset, reference) if reference.uid == uid else None
            if picture is not None:
                return drawn(picture, dataset, "presentation-state", *details)
    return card(dataset, "presentation-state", *details, Fact("not-in-the-room"))


def _images(dataset: Dataset) -> list[str]:
    return list(
        dict.fromkeys(
            str(image.get("ReferencedSOPInstanceUID"))
            for series in dataset.get("ReferencedSeriesSequence") or []
            for image in series.get("ReferencedImageSequence") or []
        )
    )


def _for(dataset: Dataset, sequence: str, uid: str) -> list[Dataset]:
    """The items that hold for this image: those that name it, and those that name none."""
    return [
        item
        for item in islice(dataset.get(sequence) or [], _MOST_OBJECTS)
        if not item.get("ReferencedImageSequence")
        or uid in {str(image.get("ReferencedSOPInstanceUID")) for image in item.ReferencedImageSequence}
    ]


def _applied(dataset: Dataset, reference: Reference) -> Image.Image | None:
    image = reference.read()
    if image is None:
        return None
    _set_grey_values(dataset, image, reference.uid)
    picture = references.shown(image)
    if picture is None:
        return None
    if dataset.get("PresentationLUTShape") == "INVERSE" and image.get("PhotometricInterpretation") == "MONOCHROME2":
        picture = ImageOps.invert(picture)
    columns, rows = int(image.Columns), int(image.Rows)
    picture = drawing.enlarged(picture)
    scale = (picture.width / columns, picture.height / rows)
    area = _area(dataset, reference.uid, columns, rows)
    picture = _shuttered(dataset, picture, scale)
    picture = _annotated(dataset, picture, reference.uid, "PIXEL", scale)
    left, top, right, bottom = area
    box = (round(left * scale[0]), round(top * scale[1]), round(right * scale[0]), round(bottom * scale[1]))
    turned = drawing.enlarged(_turned(dataset, picture.crop(box)))
    return _annotated(dataset, turned, reference.uid, "DISPLAY", turned.size)


def _set_grey_values(dataset: Dataset, image: Dataset, uid: str) -> None:
    """What the state says of modality values and window takes the place of what the image says, N.2.1."""
    windows = _for(dataset, "SoftcopyVOILUTSequence", uid)
    stated = [dataset, *windows[:1]]
    for keywords in (_GREY_VALUES[:3], _GREY_VALUES[3:]):
        if not any(keyword in source for source in stated for keyword in keywords):
            continue
        for keyword in keywords:
            if keyword in image:
                del image[keyword]
            for source in stated:
                if keyword in source:
                    image[keyword] = copy(source[keyword])


def _area(dataset: Dataset, uid: str, columns: int, rows: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the displayed area in pixels of the image, C.10.4; all of it in doubt."""
    for item in _for(dataset, "DisplayedAreaSelectionSequence", uid)[:1]:
        first = numbers(item.get("DisplayedAreaTopLeftHandCorner"), 2)
        last = numbers(item.get("DisplayedAreaBottomRightHandCorner"), 2)
        if first and last:
            left, right = sorted((first[0], last[0]))
            top, bottom = sorted((first[1], last[1]))
            left, top, right, bottom = max(0, left - 1), max(0, top - 1), min(columns, right), min(rows, bottom)
            if right - left >= _LEAST_AREA and bottom - top >= _LEAST_AREA:
                return left, top, right, bottom
    return 0, 0, columns, rows


def _shuttered(dataset: Dataset, picture: Image.Image, scale: tuple[float, float]) -> Image.Image:
    """Black outside a rectangular or circular shutter, C.7.6.11; others are left open."""
    shapes = str(dataset.get("ShutterShape") or "")
    open_ = Image.new("L", picture.size, 255)
    if "RECTANGULAR" in shapes:
        sides = ("LeftVerticalEdge", "UpperHorizontalEdge", "RightVerticalEdge", "LowerHorizontalEdge")
        edges = [number(dataset, f"Shutter{side}") for side in sides]
        if None not in edges:
            left, top, right, bottom = (edge or 0.0 for edge in edges)
            open_ = Image.new("L", picture.size)
            ImageDraw.Draw(open_).rectangle(_box(left, top, right, bottom, scale), fill=255)
    centre, radius = numbers(dataset.get("CenterOfCircularShutter"), 2), number(dataset, "RadiusOfCircularShutter")
    if "CIRCULAR" in shapes and centre and radius and radius > 0:
        round_ = Image.new("L", picture.size)
        row, column = centre
        box = _box(column - radius, row - radius, column + radius, row + radius, scale)
        ImageDraw.Draw(round_).ellipse(box, fill=255)
        open_ = Image.fromarray(np.minimum(np.asarray(open_), np.asarray(round_)))
    return Image.composite(picture, Image.new(picture.mode, picture.size), open_)


def _box(left: float, top: float, right: float, bottom: float, scale: tuple[float, float]) -> tuple[float, ...]:
    across, down = sorted((left * scale[0], right * scale[0])), sorted((top * scale[1], bottom * scale[1]))
    return (across[0], down[0], across[1], down[1])


def _annotated(dataset: Dataset, picture: Image.Image, uid: str, units: str, scale: tuple[float, float]) -> Image.Image:
    """The objects in these units: columns and rows of the image, or parts of the area as displayed, C.10.5.1.1."""
    objects = [
        item
        for annotation in _for(dataset, "GraphicAnnotationSequence", uid)
        for item in annotation.get("GraphicObjectSequence") or []
        if str(item.get("GraphicAnnotationUnits") or "PIXEL") == units
    ]
    if not objects:
        return picture
    coloured = picture.convert("RGB")
    pen = ImageDraw.Draw(coloured)
    for item in objects[:_MOST_OBJECTS]:
        _graphic(pen, item, _points(item, scale))
    return coloured


def _points(item: Dataset, scale: tuple[float, float]) -> Points:
    data = item.get("GraphicData") or []
    flat = numbers(list(islice(data, 2 * _MOST_POINTS)), min(len(data), 2 * _MOST_POINTS)) or []
    return [(x * scale[0], y * scale[1]) for x, y in zip(flat[::2], flat[1::2], strict=False)]


def _graphic(pen: ImageDraw.ImageDraw, item: Dataset, points: Points) -> None:
    """One graphic object by the shapes of C.10.5.1.2; a curve is drawn through its points with straight lines."""
    shape = item.get("GraphicType")
    if shape == "POINT" and points:
        (x, y), size = points[0], 6
        pen.line((x - size, y, x + size, y), fill=_LINES, width=2)
        pen.line((x, y - size, x, y + size), fill=_LINES, width=2)
    elif shape in ("POLYLINE", "INTERPOLATED") and len(points) > 1:
        if item.get("GraphicFilled") == "Y" and len(points) > 2:
            pen.polygon(points, fill=_LINES)
        pen.line(points, fill=_LINES, width=2, joint="curve")
    elif shape == "CIRCLE" and len(points) > 1:
        (x, y), on_rim = points[0], points[1]
        radius = float(np.hypot(on_rim[0] - x, on_rim[1] - y))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=_LINES, width=2)
    elif shape == "ELLIPSE" and len(points) > 3:
        pen.line(_ellipse(np.array(points[:4])), fill=_LINES, width=2)


def _ellipse(ends: Array) -> Points:
    """Points on an ellipse given by both ends of its first axis and both of its second."""
    centre, first, second = ends[:2].mean(axis=0), (ends[1] - ends[0]) / 2, (ends[3] - ends[2]) / 2
    angles = np.linspace(0, 2 * np.pi, 73)
    return [
        (float(x), float(y)) for x, y in centre + np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
    ]


def _turned(dataset: Dataset, picture: Image.Image) -> Image.Image:
    """Turned clockwise first, then mirrored, C.10.6."""
    quarters = int(number(dataset, "ImageRotation") or 0) // 90 % 4
    turns = {
        1: Image.Transpose.ROTATE_270,
        2: Image.Transpose.ROTATE_180,
        3: Image.Transpose.ROTATE_90,
    }
    turned = picture.transpose(turns[quarters]) if quarters else picture
    return ImageOps.mirror(turned) if dataset.get("ImageHorizontalFlip") == "Y" else turned
