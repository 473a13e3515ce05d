"""Numbers, identifiers and facts out of the header of a DICOM object, read leniently. Runs in the sandbox only.

Nothing but numbers, UIDs and defined terms may leave these functions: consoles let their users type anywhere.
"""

import math

from pydicom.dataset import Dataset
from pydicom.uid import UID

from ernbot.imaging import terms
from ernbot.imaging.model import Fact, Facts

_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")

_ALWAYS_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in ("50", "51", "81", "91", "203"))


def number(dataset: Dataset, keyword: str, index: int = 0) -> float | None:
    """One finite number of an element that may hold several, or none, or nonsense."""
    try:
        value = dataset.get(keyword)
        values = [value] if isinstance(value, (int, float, str)) else list(value or [])
        found = float(values[index])
    except (ValueError, TypeError, IndexError):
        return None
    return found if math.isfinite(found) else None


def numbers(dataset: Dataset, keyword: str, length: int) -> tuple[float, ...] | None:
    """So many finite numbers of one element; None where one of them is missing."""
    found = tuple(number(dataset, keyword, index) for index in range(length))
    return None if None in found else tuple(value for value in found if value is not None)


def facts(dataset: Dataset, kind: str, frames: int, details: tuple[Fact, ...], *, identifiable: bool = False) -> Facts:
    """What may be said of an object with pixels."""
    return Facts(
        format="DICOM",
        modality=terms.defined(dataset.get("Modality"), terms.MODALITIES),
        body_part=terms.defined(dataset.get("BodyPartExamined"), terms.BODY_PARTS),
        width=int(dataset.Columns),
        height=int(dataset.Rows),
        frames=frames,
        lossy=is_lossy(dataset),
        kind=kind,
        identifiable=identifiable,
        details=details,
    )


def positive(name: str, value: float | None) -> tuple[Fact, ...]:
    """The fact of this name, where there is a value that can be true of a length or a rate."""
    return (Fact(name, round(value, 3)),) if value and value > 0.0005 else ()


def uids(dataset: Dataset) -> tuple[str, ...]:
    """The object, and what it belongs to: instance, series, study and frame of reference, those that are valid."""
    found = (UID(str(dataset.get(keyword, ""))) for keyword in _UIDS)
    return tuple(str(uid) for uid in found if len(uid) <= 64 and uid.is_valid)


def is_lossy(dataset: Dataset) -> bool:
    """Whether the pixels went through lossy compression at any time (0028,2110), or may have in this file."""
    stated = str(dataset.get("LossyImageCompression", "")).strip() == "01"
    return stated or dataset.file_meta.TransferSyntaxUID in _ALWAYS_LOSSY
