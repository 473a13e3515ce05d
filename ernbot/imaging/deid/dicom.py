"""A DICOM file without its patient: the Basic Application Level Confidentiality Profile of PS3.15 annex E.

A new file is written from what may stay; nothing is edited in place. The pixels are carried over as they are. What
was removed is then searched for in the result, and a file in which anything is left is not handed out.
"""

import io
import logging
import math
import re
import struct
import warnings
from dataclasses import replace
from typing import Any, BinaryIO

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ernbot.core.errors import Refused
from ernbot.imaging import slide_dicom
from ernbot.imaging.deid import codestreams, overlays, pixels, reading, remains, stl
from ernbot.imaging.deid.cleaning import Cleaner
from ernbot.imaging.deid.model import Policy, Report
from ernbot.imaging.deid.values import Replacements

IMPLEMENTATION = UID("2.25.35580927932254341983605884134869949949")
METHOD = "ernbot, PS3.15 Basic Profile"

OPTIONS = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option",
    "113111": "Retain Safe Private Option",
}
"""De-identification methods of PS3.16 context group 7050 that this engine applies: code to meaning."""

_STL = "model/stl"
_DIRECTORY = "1.2.840.10008.1.3.10"
_STANDARD_SYNTAX = re.compile(r"1\.2\.840\.10008\.1\.2(?:\.\d{1,2}|\.[14]\.\d{2,3}(?:\.1)?)?")
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED = 0xFFFFFFFF

logging.getLogger("pydicom").disabled = True  # its log lines quote values


def deidentify(file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """Write a de-identified copy of one DICOM file. `file` must be seekable; `out` is only written to, in order.

    Raises `Refused`, before anything is written: `deid-incomplete` (kinds), `deid-document`, `deid-directory`,
    `file-names-patient` (kinds) for the picture of a slide's label, `file-too-complex`, `file-broken`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote what they warn about
        try:
            head, pixels, report = _cleaned(file, policy)
        except Refused:
            raise
        except (RecursionError, MemoryError):
            raise Refused("file-too-complex") from None
        except Exception:  # whatever pydicom raises on what cannot be parsed
            raise Refused("file-broken") from None
    out.write(head)
    for piece in pixels:
        out.write(piece)
    return report


def _cleaned(file: BinaryIO, policy: Policy) -> tuple[bytes, list[bytes], Report]:
    """Everything up to the pixel data, the pixel data in pieces, and the report."""
    parsed = reading.read(file)
    source = parsed.dataset
    if parsed.meta.get("MediaStorageSOPClassUID") == _DIRECTORY or "DirectoryRecordSequence" in source:
        raise Refused("deid-directory")
    if shown := slide_dicom.shows_label(source):
        raise Refused("file-names-patient", kinds=shown)  # nothing would be left of it
    surface = _surface(source, policy)
    value, header, undefined = _pixel_data(parsed)
    masked = pixels.masked(parsed, value, undefined) if policy.mask_writing and header is not None else None
    if masked is not None:
        value, parsed = masked.value, replace(parsed, syntax=masked.syntax)
        for keyword, attribute in masked.attributes.items():
            setattr(source, keyword, attribute)
    if "Rows" in source and header is None and not ("FloatPixelData" in source or "DoubleFloatPixelData" in source):
        raise Refused("file-broken")  # an image whose pixels were cut off
    replacements = Replacements(policy.secret)
    cleaner = Cleaner(policy, replacements, parsed.implicit, parsed.little)
    cleaned = cleaner.clean(source)
    if not len(cleaned):
        raise Refused("file-broken")  # noise, in which no element is of the standard
    samples = codestreams.silenced(value) if undefined else _without_surplus(source, value)
    if samples is not value:
        cleaner.kinds.add("Comment")
    samples = overlays.cleared(source, samples, undefined, parsed.little)
    if surface is not None:
        cleaned.EncapsulatedDocumentLength = len(surface)
        cleaned.EncapsulatedDocument = surface + bytes(len(surface) % 2)
        cleaned.MIMETypeOfEncapsulatedDocument = _STL
    own = _mark(cleaned, source, policy, cleaner, replacements, is_masked=masked is not None)
    head = _written(cleaned, parsed)
    _parse_again(head)
    remains.check(head, samples, cleaner, (*own, _STL))
    padding = b"\0" * (len(samples) % 2)
    pieces = [] if header is None else [header, samples, padding, _END if undefined else b""]
    return head, pieces, Report(tuple(sorted(cleaner.kinds | parsed.leftovers)), masked=masked is not None)


def _surface(dataset: Dataset, policy: Policy) -> bytes | None:
    """The cleaned surface model in an object that holds one (PS3.3 section A.104).

    Raises `Refused`: `deid-document` for every other document, since names may stand anywhere in it.
    """
    if "EncapsulatedDocument" not in dataset:
        return None
    if str(dataset.get("MIMETypeOfEncapsulatedDocument", "")).strip() != _STL:
        raise Refused("deid-document")
    document, cleaned = bytes(dataset.EncapsulatedDocument), io.BytesIO()
    length = dataset.get("EncapsulatedDocumentLength")
    stl.deidentify(io.BytesIO(document[:length] if isinstance(length, int) else document), cleaned, policy)
    return cleaned.getvalue()


def _pixel_data(parsed: reading.Parsed) -> tuple[bytes, bytes | None, bool]:
    """Value of the pixel data, the element header to write before it, and whether it is encapsulated.

    There is no header without pixel data.
    """
    if reading.PIXEL_DATA not in parsed.dataset:
        return b"", None, False
    element: Any = parsed.dataset.get_item(reading.PIXEL_DATA)
    value = bytes(element.value or b"")
    undefined = element.length == _UNDEFINED
    if undefined:
        value = value[: _end_of_fragments(value)]
    order = "<" if parsed.little else ">"
    length = _UNDEFINED if undefined else len(value) + len(value) % 2
    tag = struct.pack(f"{order}HH", 0x7FE0, 0x0010)
    if parsed.implicit:
        return value, tag + struct.pack(f"{order}L", length), undefined
    wide = element.VR == "OW" or (element.VR is None and parsed.dataset.get("BitsAllocated") != 8)
    vr = b"OW" if wide and not undefined else b"OB"
    return value, tag + vr + b"\0\0" + struct.pack(f"{order}L", length), undefined


def _without_surplus(dataset: Dataset, pixels: bytes) -> bytes:
    """Native pixel data with zeros behind its last pixel; where a whole frame more is there, the header lies."""
    sizes = [dataset.get(keyword) for keyword in ("Rows", "Columns", "BitsAllocated")]
    samples, frames = dataset.get("SamplesPerPixel") or 1, dataset.get("NumberOfFrames") or 1
    if not all(isinstance(size, int) and size > 0 for size in (*sizes, samples, frames)):
        return pixels
    frame = math.prod(sizes) * int(samples)
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        frame = frame * 2 // 3
    end = -(-frame * int(frames) // 8)
    if not end + 1 < len(pixels) < end + frame // 8 or not pixels[end:].strip(b"\0"):
        return pixels
    return pixels[:end] + bytes(len(pixels) - end)


def _end_of_fragments(value: bytes) -> int:
    """Where the last whole fragment of encapsulated pixel data ends (PS3.5 section A.4).

    Raises `Refused`: `file-broken` when there is none.
    """
    at = 0
    while value[at : at + 4] == _ITEM and len(value) >= at + 8:
        length = int(struct.unpack_from("<L", value, at + 4)[0])
        if at + 8 + length > len(value):
            break
        at += 8 + length
    if at == 0:
        raise Refused("file-broken")
    return at


def _mark(
    cleaned: Dataset, source: Dataset, policy: Policy, cleaner: Cleaner, replacements: Replacements, *, is_masked: bool
) -> tuple[str, ...]:
    """Say in the file that, and how, it was de-identified; the texts that this adds."""
    patient = str(source.get("PatientID") or "").strip(" \0") or str(source.get("PatientName") or "")
    pseudonym = replacements.pseudonym(patient)
    cleaned.PatientName = cleaned.PatientID = pseudonym
    if "PatientBirthDate" not in cleaned:
        cleaned.PatientBirthDate = ""
    if "SpecificCharacterSet" in source:
        cleaned.SpecificCharacterSet = "ISO_IR 192"
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = METHOD
    cleaned.LongitudinalTemporalInformationModified = "UNMODIFIED" if policy.keep_dates else "MODIFIED"
    applied = {
        "113100": True,
        "113101": is_masked,
        "113104": "ContentSequence" in cleaned,
        "113105": policy.keep_descriptions,
        "113106": policy.keep_dates,
        "113107": not policy.keep_dates,
        "113108": policy.keep_characteristics,
        "113109": policy.keep_device,
        "113111": cleaner.safe_private,
    }
    items = []
    for code, is_applied in applied.items():
        if is_applied:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", OPTIONS[code]
            items.append(item)
    cleaned.DeidentificationMethodCodeSequence = Sequence(items)
    return (pseudonym, METHOD, "ISO_IR 192", "UNMODIFIED", *OPTIONS.values())


def _written(cleaned: Dataset, parsed: reading.Parsed) -> bytes:
    """Preamble, file meta information (PS3.10 section 7.1) and data set, all but the pixel data."""
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # pydicom counts
    meta.FileMetaInformationVersion = b"\0\1"
    for keyword, uid in (
        ("MediaStorageSOPClassUID", cleaned.get("SOPClassUID")),
        ("MediaStorageSOPInstanceUID", cleaned.get("SOPInstanceUID")),
    ):
        if uid:
            setattr(meta, keyword, uid)
    meta.TransferSyntaxUID = _syntax(parsed)
    meta.ImplementationClassUID = IMPLEMENTATION
    cleaned.file_meta = meta
    cleaned.preamble = b"\0" * 128
    file = io.BytesIO()
    dcmwrite(file, cleaned, implicit_vr=parsed.implicit, little_endian=parsed.little, force_encoding=True)
    return file.getvalue()


def _syntax(parsed: reading.Parsed) -> UID:
    """The transfer syntax of the result: that of the file; what was deflated has been inflated.

    Raises `Refused`: `file-unsupported` (syntax) for one that the standard does not have, since nobody could tell
    how the pixels are meant.
    """
    if parsed.syntax and parsed.syntax != DeflatedExplicitVRLittleEndian:
        if not _STANDARD_SYNTAX.fullmatch(parsed.syntax):
            raise Refused("file-unsupported", syntax="DICOM")
        return UID(parsed.syntax)
    if parsed.implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if parsed.little else ExplicitVRBigEndian


def _parse_again(head: bytes) -> None:
    """Whatever pydicom raises when what we wrote cannot be read back, to the last element."""
    for element in dcmread(io.BytesIO(head)).iterall():
        str(element.tag)
