"""Radiotherapy doses: a colour wash of the slice with the highest dose, over the patient where that is at hand.

Runs in the sandbox only.
"""

from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging import drawing, frame, references
from ernbot.imaging.attributes import number
from ernbot.imaging.drawing import Colour
from ernbot.imaging.model import MAX_FRAME_BYTES, Fact, Options, Preview
from ernbot.imaging.objects import card, drawn, numbers, refers
from ernbot.imaging.references import Plane, Reference

Array = np.ndarray[Any, Any]

_LEVELS: tuple[tuple[float, Colour], ...] = (
    *((0.10, (40, 60, 200)), (0.30, (30, 150, 230)), (0.50, (60, 190, 90)), (0.70, (230, 220, 50))),
    *((0.90, (245, 140, 30)), (0.95, (225, 50, 40))),
)
"""From which part of the highest dose on a colour is used."""


def preview(dataset: Dataset, options: Options) -> Preview:
    """The slice with the highest dose; PS3.3 section A.18 and C.8.8.3.

    Raises what `frame.decode` raises, and `Refused` `file-too-complex` where all slices are too many.
    """
    if "PixelData" not in dataset:
        return card(dataset, "dose")
    scaling = number(dataset, "DoseGridScaling") or 0.0
    in_gray = dataset.get("DoseUnits") == "GY" and scaling > 0
    index, doses, highest = _highest(dataset, scaling if scaling > 0 else 1.0)
    details = [Fact("dose-gy", round(highest, 2))] if in_gray else []
    plane = _plane(dataset, index)
    picture = _over_slice(dataset, doses, highest, plane, options)
    if picture is None:
        black = Image.new("RGB", (doses.shape[1], doses.shape[0]))
        picture = _wash(drawing.enlarged(black), doses, highest, 0.9)
        details += [Fact("not-in-the-room")] if refers(dataset) else []
    entries = [
        (colour, f"{level * highest:.3g} Gy" if in_gray else f"{level:.0%}") for level, colour in reversed(_LEVELS)
    ]
    return drawn(drawing.legend(picture, entries), dataset, "dose", *details, frames=frame.count(dataset))


def _highest(dataset: Dataset, scaling: float) -> tuple[int, Array, float]:
    """Index and doses of the slice with the highest one, and that; slices are decoded one by one."""
    if frame.count(dataset) * int(dataset.Rows) * int(dataset.Columns) * 4 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    best: tuple[int, Array, float] | None = None
    for index in range(frame.count(dataset)):
        pixels = frame.decode(dataset, index)
        if best is None or pixels.max() * scaling > best[2]:
            best = (index, pixels.astype(np.float32) * scaling, float(pixels.max()) * scaling)
    assert best is not None, "there is always one frame"
    return best


def _plane(dataset: Dataset, index: int) -> Plane | None:
    """Where a slice lies, by the Grid Frame Offset Vector, C.8.8.3.2."""
    first = references.plane(dataset)
    offsets = numbers(dataset.get("GridFrameOffsetVector"), frame.count(dataset)) or [0.0] * frame.count(dataset)
    if first is None:
        return None
    # A vector that does not begin with zero holds coordinates, not distances.
    return Plane(first.origin + (offsets[index] - offsets[0]) * first.normal, first.across, first.down)


def _over_slice(
    dataset: Dataset, doses: Array, highest: float, plane: Plane | None, options: Options
) -> Image.Image | None:
    slices = references.in_space(references.images(options), str(dataset.get("FrameOfReferenceUID") or ""))
    near = [one for one in slices if plane is not None and _is_near(one, plane)]
    if plane is None or not near:
        return None
    nearest = min(near, key=lambda one: _away(one, plane))
    picture = nearest.picture()
    if picture is None or nearest.plane is None:
        return None
    size = (int(nearest.header.Columns), int(nearest.header.Rows))
    seen = references.resampled(doses, plane, nearest.plane, size)
    return _wash(drawing.enlarged(picture), seen, highest, 0.35)


def _is_near(one: Reference, plane: Plane) -> bool:
    return one.plane is not None and one.plane.is_parallel(plane) and _away(one, plane) <= one.thickness


def _away(one: Reference, plane: Plane) -> float:
    return float("inf") if one.plane is None else abs(float(one.plane.distance(plane.origin)))


def _wash(picture: Image.Image, doses: Array, highest: float, strength: float) -> Image.Image:
    if highest <= 0:
        return picture
    fine = Image.fromarray(doses.astype(np.float32)).resize(picture.size, Image.Resampling.BILINEAR)
    share = np.asarray(fine) / highest
    ground = np.asarray(picture.convert("RGB"), dtype=np.float32)
    colours = np.array([(0, 0, 0), *(colour for _, colour in _LEVELS)], dtype=np.float32)
    step = np.digitize(share, [level for level, _ in _LEVELS])
    alpha = np.where(step > 0, strength, 0.0)[..., None]
    return Image.fromarray(np.rint(ground * (1 - alpha) + colours[step] * alpha).astype(np.uint8))
