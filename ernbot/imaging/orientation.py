"""Which side is which: the letter at the left edge of an image, and the side of the body. Runs in the sandbox only.

Consoles turn pictures as they like. Whoever judges a skull that is crooked on one side has to know which one that is.
"""

import re

from pydicom.dataset import Dataset

from ernbot.imaging.attributes import numbers
from ernbot.imaging.model import Fact
from ernbot.imaging.raw import text

_ROWS = re.compile(r"[\['\s]*([AFHLPR])[AFHLPR]{0,2}(?![A-Za-z])")
"""The first value of Patient Orientation, as it is written or as pydicom prints it."""

_OPPOSITE = {"A": "P", "P": "A", "F": "H", "H": "F", "L": "R", "R": "L"}
_TOWARDS = (("L", "R"), ("P", "A"), ("H", "F"))
"""The letters at both ends of the axes of the patient, those that they point to first: PS3.3 C.7.6.2.1.1."""

_SIDES = {"B": "side-both", "L": "side-left", "R": "side-right"}
"""By the defined terms of (Image) Laterality, PS3.3 C.7.3.1 and C.7.6.1; unpaired is no side."""


def facts(dataset: Dataset) -> tuple[Fact, ...]:
    """What an image says of its sides: by its cosines, else by Patient Orientation, PS3.3 C.7.6.1.1.1."""
    cosines = numbers(dataset, "ImageOrientationPatient", 6)
    rows = _ROWS.match(text(dataset, "PatientOrientation"))
    edge = left_edge(cosines) if cosines else _OPPOSITE[rows[1]] if rows else None
    side = _SIDES.get(text(dataset, "ImageLaterality") or text(dataset, "Laterality"))
    return (*([Fact(side)] if side else []), *([Fact("left-edge", edge)] if edge else []))


def left_edge(cosines: tuple[float, ...]) -> str | None:
    """The letter of the direction that lies nearest to the left edge; None where the cosines are none."""
    length, axis = max((abs(cosine), axis) for axis, cosine in enumerate(cosines[:3]))
    return _TOWARDS[axis][cosines[axis] > 0] if length > 0.5 else None
