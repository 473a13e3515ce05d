"""The table against an independent copy of it, and the allow-list against the whole dictionary of the standard."""

import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as independent
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag

from ernbot.imaging.deid import Policy, rules, table
from ernbot.imaging.deid.table import TABLE

POLICY = Policy(bytes(32))
PLAIN = Policy(bytes(32), keep_characteristics=False)
ACTIONS = {
    **{"X": "X_TAGS", "Z": "Z_TAGS", "D": "D_TAGS", "U": "U_TAGS", "X/Z": "X_Z_TAGS", "X/D": "X_D_TAGS"},
    **{"Z/D": "Z_D_TAGS", "X/Z/D": "X_Z_D_TAGS", "X/Z/U*": "X_Z_U_STAR_TAGS"},
}


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_has_the_attributes_of_an_independent_copy(action: str) -> None:
    theirs = {tag[0] << 16 | tag[1] for tag in getattr(independent, ACTIONS[action]) if len(tag) == 2}
    assert {tag for tag, listed in TABLE.items() if listed == action} == theirs


def test_the_options_are_columns_of_the_table() -> None:
    for column in (table.CHARACTERISTICS, table.DEVICE, table.DESCRIPTORS, table.DATES):
        assert column <= set(TABLE)


def actions(policy: Policy) -> dict[str, str]:
    """What happens to each element of the standard in a file that writes it as the dictionary does."""
    found = {}
    for tag in DicomDictionary:
        vr = rules.representation(tag, None)
        if vr is not None and keyword_for_tag(tag):
            found[keyword_for_tag(tag)] = rules.action(tag, vr, policy)
    return found


def test_no_name_of_a_person_and_no_identifier_stays() -> None:
    taken = actions(POLICY)
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if vr in ("PN", "AE", "UR") and keyword:
            assert taken[keyword] in ("X", "Z", "D"), keyword
        if vr == "UI" and keyword:
            assert taken[keyword] in ("U", "X"), keyword
        if vr in ("LO", "LT", "SH", "ST", "UC", "UT") and taken.get(keyword) == "K":
            assert tag not in TABLE, keyword


def test_nothing_of_the_table_stays_as_it_is_without_an_option() -> None:
    for tag, listed in TABLE.items():
        vr = rules.representation(tag, None)
        if vr is None:
            continue  # newer than the dictionary, and therefore removed
        assert rules.action(tag, vr, PLAIN) in {*listed.split("/"), "C", "U"}, keyword_for_tag(tag)


def test_the_elements_that_show_a_picture_stay() -> None:
    shown = """
    Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation PhotometricInterpretation SamplesPerPixel
    PlanarConfiguration NumberOfFrames PixelSpacing ImagerPixelSpacing PixelAspectRatio SliceThickness
    SpacingBetweenSlices ImagePositionPatient ImageOrientationPatient SliceLocation InstanceNumber SeriesNumber
    WindowCenter WindowWidth WindowCenterWidthExplanation VOILUTFunction RescaleSlope RescaleIntercept RescaleType
    LUTData LUTDescriptor RedPaletteColorLookupTableData RedPaletteColorLookupTableDescriptor PixelPaddingValue
    PresentationLUTShape Modality BodyPartExamined Laterality ImageType PatientPosition PatientOrientation FrameTime
    FrameTimeVector CineRate KVP ExposureTime ConvolutionKernel EchoTime RepetitionTime MagneticFieldStrength
    RegionLocationMinX0 RegionDataType PhysicalDeltaX WaveformData DoseGridScaling ContourData ROINumber SegmentNumber
    FrameIncrementPointer LossyImageCompression Manufacturer ManufacturerModelName RadionuclideTotalDose Units
    """
    taken = actions(PLAIN)
    assert [keyword for keyword in shown.split() if taken[keyword] != "K"] == []
    entered = """
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PlanePositionSequence PixelMeasuresSequence
    SequenceOfUltrasoundRegions SegmentSequence ROIContourSequence ContourSequence WaveformSequence ContentSequence
    ModalityLUTSequence VOILUTSequence ReferencedSeriesSequence DimensionIndexSequence OpticalPathSequence
    """
    assert [keyword for keyword in entered.split() if taken[keyword] != "C"] == []


@pytest.mark.parametrize(
    ("keyword", "written", "judged"),
    [
        *(("Rows", "LO", None), ("Rows", "US", "US"), ("Rows", "UN", "US"), ("Rows", None, "US"), ("Rows", "IS", "IS")),
        *(
            ("PatientName", "LO", "LO"),
            ("PatientName", "OB", None),
            ("PatientSex", "LO", "LO"),
            ("LUTData", "OW", "OW"),
        ),
        *(("StudyDate", "LO", None), ("StudyInstanceUID", "SH", None), ("ContentSequence", "UN", "SQ")),
    ],
)
def test_a_representation_of_another_kind_is_not_believed(
    keyword: str, written: str | None, judged: str | None
) -> None:
    tag = next(tag for tag, entry in DicomDictionary.items() if entry[4] == keyword)
    assert rules.representation(tag, written) == judged


@pytest.mark.parametrize(
    ("vr", "value", "fits"),
    [
        *(("DS", rb"1.5\-2e3 ", True), ("DS", b"Jane", False), ("IS", b"1A", False), ("CS", b"AXIAL ", True)),
        *(("CS", b"Jane", False), ("CS", b"A" * 17, False), ("US", b"abc", False), ("US", b"ab", True)),
        *(("UI", b"1.2.3\0", True), ("UI", b"JANE", False), ("LO", b"x" * 2000, False), ("OW", b"any", True)),
    ],
)
def test_a_value_has_the_form_of_its_representation(vr: str, value: bytes, fits: bool) -> None:
    assert rules.fits(0x00181000, vr, value) is fits


def test_a_body_part_is_a_term_of_the_standard_or_goes() -> None:
    assert rules.fits(0x00180015, "CS", b"SKULL ")
    assert not rules.fits(0x00180015, "CS", b"JANE")
    assert not rules.fits(0x00080060, "CS", b"JANE")
