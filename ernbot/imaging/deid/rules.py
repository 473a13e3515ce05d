"""What happens to one element: the table, the options asked for, and an allow-list for all that neither names.

The standard removes what its table lists and keeps the rest. Here the rest must be known to be harmless: numbers,
defined terms, codes, and the few texts below that describe a machine or a computation. Whatever else is text goes,
and so do all elements of the groups that describe a patient, a visit or an order.
"""

import re
from functools import lru_cache

from pydicom.datadict import dictionary_VR, tag_for_keyword

from ernbot.imaging import terms
from ernbot.imaging.deid import table
from ernbot.imaging.deid.model import Policy

SIZES = {
    **dict.fromkeys(("SS", "US"), 2),
    **dict.fromkeys(("AT", "FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
"""The value representations that hold binary numbers, and the bytes of one of them."""

TEXTS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})

_DECIMALS = frozenset({"DS", "IS"})
_BULK = frozenset({"OB", "OW"})
_GROUPS_OF_PEOPLE = frozenset({0x0000, 0x0002, 0x0004, 0x0010, 0x0012, 0x0032, 0x0038, 0x0088, 0x0400, 0x4008})
_OVERLAYS_AND_CURVES = frozenset(range(0x5000, 0x5100, 2)) | frozenset(range(0x6000, 0x6100, 2))

_NUMBER = re.compile(rb"[0-9+\-.eE \\]*\0*")
_TERM = re.compile(rb"[A-Z0-9_ ]{0,16}(?:\\[A-Z0-9_ ]{0,16})*\0*")
_UID = re.compile(rb"[0-9.\\]*\0*")
_LONGEST_TEXT = 1024


def _tags(words: str) -> frozenset[int]:
    return frozenset(tag for word in words.split() if (tag := tag_for_keyword(word)) is not None)


_KEPT_TEXT = _tags("""
AttenuationCorrectionMethod CodeMeaning CodeValue CodingSchemeDesignator CodingSchemeVersion ConvolutionKernel
DecayCorrection DimensionDescriptionLabel EnergyWindowName FilterMaterial FilterType LUTExplanation LongCodeValue
Manufacturer ManufacturerModelName ModalityLUTType ProcessingFunction PulseSequenceName Radiopharmaceutical
RandomsCorrectionMethod ReceiveCoilName ReconstructionMethod RescaleType ScatterCorrectionMethod SegmentAlgorithmName
SequenceName SoftwareVersions TransmitCoilName TriggerSourceOrType WindowCenterWidthExplanation
""")

_KEPT_BULK = _tags("""
AlphaPaletteColorLookupTableData BlendingLookupTableData BluePaletteColorLookupTableData ChannelMaximumValue
ChannelMinimumValue EdgePointIndexList GreenPaletteColorLookupTableData LUTData PrimitivePointIndexList
RecommendedDisplayCIELabValueList RedPaletteColorLookupTableData SegmentedAlphaPaletteColorLookupTableData
SegmentedBluePaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
SegmentedRedPaletteColorLookupTableData TrianglePointIndexList VertexPointIndexList WaveformData WaveformPaddingValue
""")

_KEPT_OF_PEOPLE = _tags("AnatomicalOrientationType QualityControlSubject RequestedProcedureCodeSequence")

_DUMMIES = _tags("ContentLabel SegmentLabel TextValue")
"""Text that the classes of these objects require, and that a person typed."""

_GONE = _tags("""
BeamName IssuerOfAccessionNumberSequence OrderFillerIdentifierSequence OrderPlacerIdentifierSequence
PrivateDataElementCharacteristicsSequence ReferencedRequestSequence
""")

_CLEANED = _tags("""
AcquisitionContextSequence ContentSequence ReferencedImageSequence SourceImageSequence VerifyingObserverSequence
""")
"""Sequences that the table replaces as a whole and its options clean ("Clean Structured Content")."""

_TERMS = {
    tag_for_keyword("Modality"): terms.MODALITIES,
    tag_for_keyword("BodyPartExamined"): terms.BODY_PARTS,
}


def representation(tag: int, written: str | None) -> str | None:
    """The value representation to judge by: that of the file, where it agrees in kind with the dictionary.

    None for an element that the standard does not have, and for a file that gives text where a number belongs.
    """
    known = _known(tag)
    if not known:
        return None
    if written in (None, "UN"):
        return known[0]
    if written in known or (_is_number(written) and all(map(_is_number, known))):
        return written
    texts = TEXTS | {"CS"}
    alike = (written in texts and known[0] in texts) or (written in _BULK and known[0] in _BULK)
    return written if alike else None


@lru_cache(maxsize=8192)
def _known(tag: int) -> tuple[str, ...]:
    try:
        return tuple(str(dictionary_VR(tag)).split(" or "))
    except KeyError:
        return ()


def _is_number(vr: str | None) -> bool:
    return vr in SIZES or vr in _DECIMALS


def action(tag: int, vr: str, policy: Policy) -> str:
    """K keep, X remove, Z empty, D dummy, U other UIDs, C clean: dates move, texts lose names, sequences are entered.

    `tag` is that of a standard element, `vr` its `representation`. Of the combined actions of the table the one is
    taken that every class of object allows: D before Z before X.
    """
    if tag in table.DATES:
        return "K" if policy.keep_dates else "X" if vr == "SH" else "C"
    if tag in table.CHARACTERISTICS and policy.keep_characteristics:
        return "C" if vr == "AS" else "K"
    if tag in table.DEVICE and policy.keep_device:
        return "C" if vr == "SQ" else "K"
    if tag in table.DESCRIPTORS and policy.keep_descriptions and vr in TEXTS:
        return "C"
    if tag in _CLEANED:
        return "C"
    if tag in table.TABLE:
        listed = table.TABLE[tag].split("/")[-1]
        return "U" if vr == "UI" and listed == "D" else listed
    return _beyond(tag, vr, policy)


def _beyond(tag: int, vr: str, policy: Policy) -> str:
    group = tag >> 16
    if tag in _DUMMIES:
        return "D"
    if tag in _GONE or group in _OVERLAYS_AND_CURVES or (group in _GROUPS_OF_PEOPLE and tag not in _KEPT_OF_PEOPLE):
        return "X"
    if vr == "SQ":
        return "C"
    if vr == "UI":
        return "U"
    if vr in ("DA", "DT", "TM"):
        return "K" if policy.keep_dates else "C"
    kept = _is_number(vr) or vr == "CS" or tag in (_KEPT_TEXT if vr in TEXTS else _KEPT_BULK)
    return "K" if kept else "X"


def fits(tag: int, vr: str, value: bytes) -> bool:
    """Whether a value that may be kept has the form that its representation promises (PS3.5 section 6.2).

    A number in letters, or a defined term in lower case, is text that somebody wrote.
    """
    if vr in SIZES:
        return len(value) % SIZES[vr] == 0
    if vr in _DECIMALS:
        return _NUMBER.fullmatch(value) is not None
    if tag in _TERMS:
        return terms.defined(value.decode("latin-1").strip("\0"), _TERMS[tag]) is not None
    if vr == "CS":
        return _TERM.fullmatch(value) is not None
    if vr == "UI":
        return _UID.fullmatch(value) is not None
    return vr in _BULK or len(value) <= _LONGEST_TEXT


_SAFE = {
    "ELSCINT1": {0x00E121: "DS", 0x01F107: "DS", 0x01F126: "DS", 0x01F127: "DS"},
    "GEMS_ACQU_01": {0x001923: "DS", 0x001924: "DS", 0x001927: "DS"},
    "GEMS_HELIOS_01": {0x004501: "SS", 0x004502: "FL"},
    "GEMS_PARM_01": {0x004339: "IS"},
    "Philips Imaging DD 001": {0x200103: "FL"},
    "Philips MR Imaging DD 001": {0x20050E: "FL"},
    "Philips PET Private Group": {0x705300: "DS", 0x705309: "DS"},
    "SIEMENS MR HEADER": {0x00190C: "IS", 0x00190E: "FD", 0x001927: "FD"},
}


def safe_private(creator: str, tag: int, written: str | None) -> str | None:
    """The representation of a private element that only holds numbers which images are measured by, else None.

    From PS3.15 Table E.3.10-1: group, and element within the block of its creator (PS3.5 section 7.8.1).
    """
    vr = _SAFE.get(creator, {}).get(tag >> 16 << 8 | tag & 0xFF)
    return vr if written in (None, "UN", vr) else None
