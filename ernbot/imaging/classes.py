"""DICOM objects that are more, or less, than a picture: the module for each class of the standard.

Runs in the sandbox only. What no module takes up is a plain image, or gets a card that says what it is; it is
never an error to send something that cannot be shown.
"""

from collections.abc import Callable

from pydicom.dataset import Dataset

from ernbot.imaging import (
    dose,
    encapsulated,
    frame,
    presentation,
    radiotherapy,
    report,
    segmentation,
    slide_dicom,
    video,
    waveform,
)
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.objects import card, class_name, sop_class

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_RAW_DATA = _STORAGE + "66"

_REPORTS = (11, 22, 33, 34, 35, 50, 65, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77)
"""Last parts of the UIDs of the report classes, PS3.4 table B.5-1."""

_ELECTROCARDIOGRAMS = ("1.1", "1.2", "1.3", "1.4", "3.1")
_CURVES = ("2.1", "6.1", "6.2", "7.1", "7.2", "7.3", "7.4", "8.1")
_UNSEEN = ("4.1", "4.2", "5.1")

_MODULES: dict[str, Callable[[Dataset, Options], Preview]] = {
    **{f"{_STORAGE}9.{end}": waveform.electrocardiogram for end in _ELECTROCARDIOGRAMS},
    **{f"{_STORAGE}9.{end}": waveform.curves for end in _CURVES},
    **{f"{_STORAGE}9.{end}": waveform.unseen for end in _UNSEEN},
    _STORAGE + "11.1": presentation.preview,
    _STORAGE + "11.2": presentation.preview,
    _STORAGE + "66.4": segmentation.preview,
    _STORAGE + "66.7": segmentation.preview,
    **{f"{_STORAGE}88.{end}": report.preview for end in _REPORTS},
    _STORAGE + "88.59": report.key_objects,
    _STORAGE + "104.1": encapsulated.document,
    _STORAGE + "104.2": encapsulated.document,
    _STORAGE + "104.3": encapsulated.model,
    _STORAGE + "77.1.6": slide_dicom.preview,
    _STORAGE + "104.4": encapsulated.other_model,
    _STORAGE + "104.5": encapsulated.other_model,
    _STORAGE + "481.2": dose.preview,
    _STORAGE + "481.3": radiotherapy.structure_set,
    _STORAGE + "481.5": radiotherapy.plan,
    _STORAGE + "481.8": radiotherapy.plan,
}
"""By SOP Class UID, PS3.4 table B.5-1."""


def preview(dataset: Dataset, options: Options) -> Preview | None:
    """What is shown of an object of one of the classes above; None of a plain image, and of what is no object.

    Nothing in the object may identify a patient any more. Raises what `frame.decode` raises, and whatever
    pydicom raises on what cannot be parsed.
    """
    uid = str(sop_class(dataset))
    if video.is_film(dataset):
        return video.preview(dataset, options)
    if uid in _MODULES:
        return _MODULES[uid](dataset, options)
    named = class_name(dataset)
    if "Rows" in dataset or any(keyword in dataset for keyword in frame.PIXELS) or _is_image(named):
        return None
    if named is None and "SOPInstanceUID" not in dataset:  # cut off before it said what it is
        return None
    return card(dataset, "raw-data" if uid == _RAW_DATA else "unknown", *([named] if named else []))


def has_module(sop_class_uid: str, syntax_uid: str) -> bool:
    """Whether objects of this class in this transfer syntax are drawn by a module of their own."""
    return sop_class_uid in _MODULES or video.is_film_syntax(syntax_uid)


def _is_image(named: Fact | None) -> bool:
    """Whether an object of this class has pixels, or has lost them."""
    return named is not None and "Image Storage" in str(named.value)
