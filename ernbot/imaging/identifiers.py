"""What in a header names a patient, and when a value there may stand.

Names of elements only: no value may leave these functions. This is the doorman, not the de-identifier: it
knows the direct identifiers, not the descriptions, dates and device numbers of the whole profile.
"""

import re

ELEMENTS: dict[int, str] = {
    0x00100010: "PatientName",
    0x00100020: "PatientID",
    0x00100030: "PatientBirthDate",
    0x00100033: "PatientBirthDateInAlternativeCalendar",
    0x00101000: "OtherPatientIDs",
    0x00101001: "OtherPatientNames",
    0x00101002: "OtherPatientIDsSequence",
    0x00101005: "PatientBirthName",
    0x00101040: "PatientAddress",
    0x00101060: "PatientMotherBirthName",
    0x00101090: "MedicalRecordLocator",
    0x00101100: "ReferencedPatientPhotoSequence",
    0x00102154: "PatientTelephoneNumbers",
    0x00102155: "PatientTelecomInformation",
    0x00102297: "ResponsiblePerson",
}
"""Direct identifiers of the patient or the family, among the elements that PS3.15 Table E.1-1 removes or
replaces. Physicians and operators stand in that table too, but tell nobody who the patient is."""

PSEUDONYM_ELEMENTS = frozenset({0x00100010, 0x00100020})
"""The two that a de-identified file must still have, with a replacement in it: type 2 in PS3.3 C.7.1.1."""

_PHOTOGRAPH_KINDS = """
ApplicationData Artist Author CameraOwnerName Comment Copyright Description DocumentName GPSInfo IPTC ImageDescription
PageName Text Title TrailingData UserComment XMP XPAuthor XPComment XPKeywords XPSubject XPTitle
"""

PHOTOGRAPH_KINDS = frozenset(_PHOTOGRAPH_KINDS.split())
"""EXIF tags, PNG keywords, blocks and segments in which a photograph says who took it, where, or of whom."""

_SLIDE_KINDS = """
BarcodeValue DateTime EXIF HostComputer ICCProfile LabelText Make Model PageName Photoshop PrivateTag Software Thumbnail
label macro
"""

SLIDE_KINDS = frozenset(_SLIDE_KINDS.split())
"""Tags, elements and pictures in which a slide scanner says what it scanned, besides those of a photograph."""

_EXIF_KINDS = """
Artist BodySerialNumber CameraOwnerName Copyright DateTime DateTimeDigitized DateTimeOriginal DocumentName GPSInfo
HostComputer ImageDescription ImageHistory ImageUniqueID LensSerialNumber Make MakerNote Model OffsetTime
OffsetTimeDigitized OffsetTimeOriginal PageName RelatedSoundFile Software UserComment XPAuthor XPComment XPKeywords
XPSubject XPTitle
"""

EXIF_KINDS = frozenset(_EXIF_KINDS.split())
"""Tags of EXIF and TIFF that tell who, when, where or by which device."""

_REMOVED_KINDS = """
Animation AttributeByteCount Exif Header InterColorProfile ModificationTime Name Pages SecondPicture Thumbnail
"""

REMOVED_KINDS = frozenset(_REMOVED_KINDS.split())
"""What else the cleaners of photographs and models take out, by the names of their standards where there is one."""

DICOM_KINDS = frozenset({"CurveData", "OverlayData", "Preamble", "PrivateElements", "TrailingBytes", "UnknownElements"})
"""What the cleaner of DICOM takes out that has no keyword, or as many keywords as repeating groups."""

FILE_NAME = "FileName"
"""The kind of a file name, also inside of an archive, that could be somebody's."""

KINDS = (
    frozenset({FILE_NAME, *ELEMENTS.values()})
    | PHOTOGRAPH_KINDS
    | SLIDE_KINDS
    | EXIF_KINDS
    | REMOVED_KINDS
    | DICOM_KINDS
)

_EMPTY = " \0\t\r\n^=\\"
_PLACEHOLDERS = frozenset({"ANON", "ANONYM", "ANONYMISED", "ANONYMIZED", "ANONYMOUS", "REMOVED", "DEIDENTIFIED"})
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")


def is_empty(value: str) -> bool:
    """Whether only padding and the delimiters of PS3.5 section 6.2 are left: `^^^^` is an empty name."""
    return not value.strip(_EMPTY)


def is_pseudonym(value: str) -> bool:
    """Whether a name or number is plainly a replacement, like ANON123.

    That is one token of at most 64 characters with a digit in it, or a known placeholder. `Jane` could be a
    name, `Doe^Jane` is one.
    """
    token = value.strip(" \0")
    if len(token) > 64 or not _TOKEN.fullmatch(token):
        return False
    return token.upper() in _PLACEHOLDERS or any(character.isdigit() for character in token)
