"""DICOM objects that are more, or less, than a picture: the module for each class of the standard.

Runs in the sandbox only. What no module takes up is a plain image, or gets a card that says what it is; it is
never an error to send something that cannot be shown.
"""

from collections.abc import Callable

from pydicom.dataset import Dataset

from ernbot.imaging import dose, frame, radiotherapy, segmentation
from ernbot.imaging.model import Options, Preview
from ernbot.imaging.objects import card, class_name, sop_class

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_RAW_DATA = _STORAGE + "66"

_MODULES: dict[str, Callable[[Dataset, Options], Preview]] = {
    _STORAGE + "66.4": segmentation.preview,
    _STORAGE + "66.7": segmentation.preview,
    _STORAGE + "481.2": dose.preview,
    _STORAGE + "481.3": radiotherapy.structure_set,
    _STORAGE + "481.5": radiotherapy.plan,
    _STORAGE + "481.8": radiotherapy.plan,
}
"""By SOP Class UID, PS3.4 table B.5-1."""


def preview(dataset: Dataset, options: Options) -> Preview | None:
    """What is shown of an object of one of the classes above; None of a plain image.

    Nothing in the object may identify a patient any more. Raises what `frame.decode` raises, and whatever
    pydicom raises on what cannot be parsed.
    """
    uid = str(sop_class(dataset))
    if uid in _MODULES:
        return _MODULES[uid](dataset, options)
    if "Rows" in dataset or any(keyword in dataset for keyword in frame.PIXELS):
        return None
    named = class_name(dataset)
    return card(dataset, "raw-data" if uid == _RAW_DATA else "unknown", *([named] if named else []))
