"""One DICOM file, from bytes to preview. Runs in the sandbox only.

Each bound is checked before the work that it bounds: inflation, depth, identifiers, then pixels.
"""

import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, BinaryIO, cast

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble, read_sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ernbot.core.errors import Refused
from ernbot.imaging import classes, frame, identifiers, image
from ernbot.imaging.model import MAX_FRAME_BYTES, Options, Preview

MAX_INFLATED = MAX_FRAME_BYTES + 64 * 2**20
MAX_DEPTH = 32
"""Nested sequences: the deepest structured reports of practice have about ten."""

_LARGE = 4 * 2**20
"""Bytes from which on a value is read when it is asked for."""

_PIECE = 16 * 2**10
_PIXELS = frozenset(tag_for_keyword(keyword) for keyword in frame.PIXELS)
_OTHER_FORMATS = (b"%PDF", b"PK\3\4", b"MZ", b"\x7fELF")
"""How a preamble begins that makes the file a document, an archive or a program as well: whoever opens it as such gets
what nobody here has looked at. TIFF is allowed there (PS3.10 section 7.1), and some toolkits always write one."""

_ITEM_STARTS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


class _Nameless:
    """A file without a path: pydicom takes every buffered reader for one on a disk, and would open it again."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file, options) for file in files]


def preview(file: BinaryIO, options: Options) -> Preview:
    """The picture of a DICOM file, or a card.

    Raises `Refused`: `file-names-patient` (kinds), `file-unsupported` (syntax), `file-too-complex`,
    `file-broken`; and whatever pydicom raises on what cannot be parsed.
    """
    dataset = read(file)
    kinds = identifying(dataset)
    if kinds:
        raise Refused("file-names-patient", kinds=", ".join(kinds))
    special = classes.preview(dataset, options)
    if special is not None:
        return special
    if not any(keyword in dataset for keyword in frame.PIXELS):  # an image whose pixels were cut off
        raise Refused("file-broken")
    return image.preview(dataset)


def read(source: bytes | BinaryIO) -> Dataset:
    """Parse a file. The pixels of a large one stay in it.

    A deflated one (PS3.5 A.5) is inflated here: pydicom would do it without a bound. Raises `Refused`:
    `file-broken`, `file-too-complex`; and whatever pydicom raises on what cannot be parsed.
    """
    file = BytesIO(source) if isinstance(source, bytes) else source
    preamble = read_preamble(file, True)
    meta = _read_file_meta_info(file)
    dataset: Dataset
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflated = _inflate(file.read())
        dataset = read_dataset(BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
        dataset.file_meta = meta
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.set_original_encoding(False, True)
        dataset.preamble = preamble
        return dataset
    file.seek(0)
    dataset = pydicom.dcmread(cast(BinaryIO, _Nameless(file)), force=True, defer_size=_LARGE)
    if not len(dataset):  # pydicom forgets all that it has read where a sequence breaks off
        raise Refused("file-broken")
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native
    return dataset


def _inflate(deflated: bytes) -> bytes:
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    for at in range(0, len(deflated), _PIECE):  # no piece can become more than a thousand times as long
        inflated += inflater.decompress(deflated[at : at + _PIECE])
        if len(inflated) > MAX_INFLATED:
            raise Refused("file-too-complex")
    return bytes(inflated)


def identifying(dataset: Dataset) -> list[str]:
    """Keywords of the elements that name a patient, in any depth, in the order of the standard.

    `Preamble` stands before them where the file is one of another format as well.

    A replaced PatientName or PatientID is accepted where (0012,0062) says that the identity was removed and
    the value looks like a replacement; every other direct identifier must be empty.
    """
    removed = str(dataset.get("PatientIdentityRemoved", "")).strip() == "YES"
    found = set()
    for tag, element in _walk(dataset):
        if tag not in identifiers.ELEMENTS or identifiers.is_empty(value := _text(element)):
            continue
        if tag in identifiers.PSEUDONYM_ELEMENTS and removed and identifiers.is_pseudonym(value):
            continue
        found.add(tag)
    is_twin = (getattr(dataset, "preamble", None) or b"").startswith(_OTHER_FORMATS)
    return ["Preamble"] * is_twin + [identifiers.ELEMENTS[tag] for tag in sorted(found)]


def _walk(dataset: Dataset, depth: int = 0) -> Iterator[tuple[int, Any]]:
    """Tag and element, as read, of a data set and of all that is nested in it."""
    if depth > MAX_DEPTH:
        raise Refused("file-too-complex")
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag, keep_deferred=tag in _PIXELS)
        yield int(tag), element
        for item in _items(dataset, element):
            yield from _walk(item, depth + 1)


def _items(dataset: Dataset, element: Any) -> list[Dataset]:
    """The items of a sequence, also of one that is disguised as unknown bytes (PS3.5 section 6.2.2)."""
    if element.VR == "SQ":
        return list(dataset[element.tag].value)
    if not isinstance(element, RawDataElement) or not (element.value or b"").startswith(_ITEM_STARTS):
        return []
    if element.VR is None and dataset[element.tag].VR == "SQ":
        return list(dataset[element.tag].value)
    if element.VR not in (None, "UN"):
        return []
    raw = element.value or b""
    implicit = element.VR == "UN" or element.is_implicit_VR
    little = element.VR == "UN" or element.is_little_endian
    try:
        return list(read_sequence(BytesIO(raw), implicit, little, len(raw), dataset._character_set))
    except Exception:  # private bytes that only began like a sequence: nothing is nested in them
        return []


def _text(element: Any) -> str:
    """A value as text to be judged, never shown; that of a sequence is empty while all its items are."""
    if element.VR == "SQ" and not isinstance(element, RawDataElement):
        return "item" if any(len(item) for item in element.value) else ""
    if isinstance(element, RawDataElement):
        return (element.value or b"").decode("latin-1")
    return "" if element.value is None else str(element.value)
