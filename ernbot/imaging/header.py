"""What is needed of a DICOM file to put it in its place among hundreds. Runs in the sandbox only.

Reads as far as the pixels and no farther: the first 16 KiB mostly, 64 KiB nearly always. Keeps numbers, UIDs and
terms, never the data set, so that two thousand headers stay small.
"""

import re
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from ernbot.imaging import attributes, classes, dataset, faces, terms
from ernbot.imaging.raw import number, numbers, text
from ernbot.imaging.reader import HEAD, SHORT_HEAD, Reader

_HEADS = (SHORT_HEAD, HEAD, 2**20)
"""As much is read until the pixels are reached. Protocols in private elements, icons and long sequences need more."""

_META = 1024
"""Bytes in which the preamble and the meta information of a DICOMDIR have room (PS3.10 section 7.1)."""

_FIRST_PIXELS = 0x7FE00001
"""Extended Offset Table, the first element of group 7FE0."""

_MOST_FRAMES = 10**6
_FARTHEST_MM = 10**6
"""Beyond any examination: a header that says more lies."""

_SLIDE = "SM"
"""Modality of slide microscopy: its files are sizes of one picture, not slices."""

_PHASES = ("TemporalPositionIdentifier", "AcquisitionNumber", "InstanceNumber")

_DEFLATED = DeflatedExplicitVRLittleEndian.encode()

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Header:
    """One file of a study.

    `kinds` are the keywords of the elements that name a patient; `patient` is the pseudonym and must not leave.
    `orientation` are the six cosines and `position` the three millimetres of PS3.3 C.7.6.2.1.1; `thickness` is in mm;
    `number` is InstanceNumber. `phase` orders images of the same place in time. `is_image` says that it may be one of
    a series of images: it has pixels, and no module of its own draws them. A UID that is none is empty.
    """

    read: Reader
    kinds: tuple[str, ...]
    patient: str
    sop_class: str
    instance: str
    series: str
    study: str
    frame_of_reference: str
    modality: str | None
    body_part: str | None
    shows_head: bool
    is_localizer: bool
    is_image: bool
    frames: int
    lossy: bool
    number: float
    phase: Vector
    orientation: Vector | None
    position: Vector | None
    thickness: float | None

    @property
    def is_directory(self) -> bool:
        """Whether this is a DICOMDIR, the index of a medium (PS3.10 section 8)."""
        return self.sop_class == MediaStorageDirectoryStorage


def read(reader: Reader, head: bytes = b"") -> Header:
    """The header of one file, of which `head` are the first bytes, as far as they are known.

    Raises `Refused`: `file-broken`, `file-too-complex`; and whatever pydicom raises on what cannot be parsed.
    """
    elements = _elements(reader, head)
    meta = elements.file_meta
    sop_class = _uid(elements, "SOPClassUID") or _uid(meta, "MediaStorageSOPClassUID")
    modality = terms.defined(text(elements, "Modality"), terms.MODALITIES)
    is_drawn_alone = modality == _SLIDE or classes.has_module(sop_class, _uid(meta, "TransferSyntaxUID"))
    return Header(
        read=reader,
        kinds=tuple(dataset.identifying(elements)),
        patient=text(elements, "PatientID"),
        sop_class=sop_class,
        instance=_uid(elements, "SOPInstanceUID"),
        series=_uid(elements, "SeriesInstanceUID"),
        study=_uid(elements, "StudyInstanceUID"),
        frame_of_reference=_uid(elements, "FrameOfReferenceUID"),
        modality=modality,
        body_part=terms.defined(text(elements, "BodyPartExamined"), terms.BODY_PARTS),
        shows_head=faces.shows_head(elements),
        is_localizer="LOCALIZER" in text(elements, "ImageType").upper(),
        is_image="Rows" in elements and not is_drawn_alone,
        frames=max(1, min(_MOST_FRAMES, int(number(elements, "NumberOfFrames") or 1))),
        lossy=attributes.is_lossy(elements),
        number=number(elements, "InstanceNumber") or 0.0,
        phase=tuple(number(elements, keyword) or 0.0 for keyword in _PHASES),
        orientation=_vector(elements, "ImageOrientationPatient", 6),
        position=_vector(elements, "ImagePositionPatient", 3),
        thickness=next(iter(_vector(elements, "SliceThickness", 1) or ()), None),
    )


def may_be_directory(head: bytes) -> bool:
    """Whether a file that begins like this may be a DICOMDIR, which names its class early in its meta information."""
    return MediaStorageDirectoryStorage.encode() in head[:_META]


def _vector(elements: Dataset, keyword: str, length: int) -> Vector | None:
    found = numbers(elements, keyword)
    return found if len(found) == length and max(map(abs, found)) < _FARTHEST_MM else None


def _uid(elements: Dataset, keyword: str) -> str:
    uid = text(elements, keyword)
    return uid if len(uid) <= _LONGEST_UID and _UID.fullmatch(uid) else ""


def _elements(reader: Reader, head: bytes) -> Dataset:
    for limit in _HEADS:
        data = head if len(head) >= limit else reader(limit)
        if len(data) < limit:
            return dataset.read(data)
        if _DEFLATED in data:  # only `dataset.read` inflates within bounds
            break
        elements = _before_pixels(data)
        if elements is not None:
            return elements
    return dataset.read(reader(-1))


def _before_pixels(data: bytes) -> Dataset | None:
    """The elements in front of the pixels; None where the data end before the pixels begin."""
    reached = False

    def at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        nonlocal reached
        reached = int(tag) >= _FIRST_PIXELS
        return reached

    try:
        elements: Dataset = read_partial(BytesIO(data), at_pixels, force=True)
    except Exception:  # a value that is cut off can fail anywhere: read more and see
        return None
    return elements if reached else None
