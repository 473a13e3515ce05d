"""Which side is which: the letter at the left edge of an image, and the side of the body. Runs in the sandbox only.

Consoles turn pictures as they like. Whoever judges a skull that is crooked on one side has to know which one that is.
"""

from pydicom.dataset import Dataset

from ernbot.imaging import terms
from ernbot.imaging.attributes import numbers
from ernbot.imaging.model import Fact

_OPPOSITE = {"A": "P", "P": "A", "F": "H", "H": "F", "L": "R", "R": "L"}
_TOWARDS = (("L", "R"), ("P", "A"), ("H", "F"))
"""Where the axes of the patient point, and where from: PS3.3 C.7.6.2.1.1."""


def facts(dataset: Dataset) -> tuple[Fact, ...]:
    """What an image says of its sides: by its cosines, else by Patient Orientation, PS3.3 C.7.6.1.1.1."""
    cosines = numbers(dataset, "ImageOrientationPatient", 6)
    written = dataset.get("PatientOrientation") or ""
    rows = written if isinstance(written, str) else str(written[0])
    edge = left_edge(cosines) if cosines else _OPPOSITE.get(rows[:1])
    side = terms.defined(dataset.get("ImageLaterality") or dataset.get("Laterality"), terms.SIDES)
    return (*([Fact("side", side)] if side else []), *([Fact("left-edge", edge)] if edge else []))


def left_edge(cosines: tuple[float, ...]) -> str | None:
    """The direction that lies nearest to the left edge; None where the cosines are none."""
    length, axis = max((abs(cosine), axis) for axis, cosine in enumerate(cosines[:3]))
    return _TOWARDS[axis][cosines[axis] > 0] if length > 0.5 else None
