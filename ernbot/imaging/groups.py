"""The functional groups of enhanced multi-frame objects: which attributes hold for which frame.

Runs in the sandbox only. An enhanced object says once what all frames share and, frame by frame, what differs
(PS3.3 C.7.6.16). Everything that draws wants the flat header of a single image.
"""

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset

from ernbot.imaging.attributes import numbers

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_FIRST_GROUPED = 0x52000000

_MACROS = (
    "FrameAnatomySequence",
    "PixelMeasuresSequence",
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
)


def of_frame(dataset: Dataset, index: int) -> Dataset:
    """The attributes that hold for one frame; where nothing is grouped, the header itself.

    What a group says goes before what the top level says: converters leave stale copies there.
    """
    if _SHARED not in dataset and _PER_FRAME not in dataset:
        return dataset
    flat: Dataset = dataset[:_FIRST_GROUPED]
    for macro in _macros(dataset, index):
        flat.update(macro)
    return flat


def positions(dataset: Dataset, count: int) -> list[float] | None:
    """How far each frame lies along the normal of its plane, mm; None where one of them does not say."""
    found = []
    for index in range(count):
        place, cosines = _plane(dataset, index)
        if place is None or cosines is None:
            return None
        found.append(float(np.dot(place, np.cross(cosines[:3], cosines[3:]))))
    return found


def _plane(dataset: Dataset, index: int) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Position and orientation of a frame, PS3.3 C.7.6.2.1.1: three millimetres and six cosines."""
    place = cosines = None
    for macro in _macros(dataset, index):
        place = numbers(macro, "ImagePositionPatient", 3) or place
        cosines = numbers(macro, "ImageOrientationPatient", 6) or cosines
    return place, cosines


def _macros(dataset: Dataset, index: int) -> Iterator[Dataset]:
    """First items of the macros that hold for a frame, those that are its own last."""
    shared, own = dataset.get(_SHARED) or [], dataset.get(_PER_FRAME) or []
    for group in (*shared[:1], *own[index : index + 1]):
        for keyword in _MACROS:
            yield from (group.get(keyword) or [])[:1]
