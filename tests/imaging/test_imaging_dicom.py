"""DICOM files through a real sandbox: what is shown, what may be said, what is refused."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000MCLossless

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, Facts, Preview
from ernbot.imaging.model import Fact
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import (
    deidentified,
    dicom,
    edited,
    look,
    nameless,
    opened,
    pictured,
    sample,
    shipped,
    written,
)

LOSSLESS = (
    *("explicit", "implicit", "bigendian", "deflated", "rle", "jpegls_80", "j2k_90", "htj2k_201"),
    *("jpeg_lossless_57", "jpeg_lossless_70"),
)
LOSSY = ("jpegls_near_81", "j2k_lossy_91", "htj2k_lossy_203")


async def refusal(previewer: Previewer, data: bytes, claimed: str | None = "application/dicom") -> Refused:
    with pytest.raises(Refused) as caught:
        await look(previewer, data, claimed=claimed)
    return caught.value


async def shown(previewer: Previewer, data: bytes) -> tuple[Preview, "np.ndarray[Any, Any]"]:
    preview = await look(previewer, data, claimed="application/dicom")
    return preview, opened(pictured(preview).data)


# Transfer syntaxes


async def test_the_first_window_decides_the_grey(previewer: Previewer) -> None:
    preview, grey = await shown(previewer, nameless("phantom/ct_phantom_explicit.dcm"))
    stored = np.frombuffer(sample("phantom/ct_phantom_explicit.dcm")[-131072:], "<i2").reshape(256, 256)
    # PS3.3 C.11.2.1.2.1 for a centre of 40 and a width of 80 HU, in other words than the code's.
    expected = np.interp(stored, [39.5 - 39.5, 39.5 + 39.5], [0, 255])
    assert np.abs(grey.astype(float) - expected).max() <= 0.51
    assert pictured(preview).mimetype == "image/png"
    assert preview.facts == Facts(
        format="DICOM",
        modality="CT",
        body_part=None,
        width=256,
        height=256,
        frames=1,
        lossy=False,
        details=(
            Fact("left-edge", "R"),
            Fact("thickness-mm", 2.0),
            Fact("window-center", 40.0),
            Fact("window-width", 80.0),
        ),
    )


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
async def test_every_transfer_syntax_is_shown(previewer: Previewer, name: str) -> None:
    data = nameless(f"phantom/ct_phantom_{name}.dcm")
    _, reference = await shown(previewer, nameless("phantom/ct_phantom_explicit.dcm"))
    preview, grey = await shown(previewer, data)
    assert preview.facts.lossy is (name in LOSSY)
    apart = np.abs(grey.astype(int) - reference)
    # Sixteen Hounsfield units are a fifth of the window's eighty.
    assert apart.max() <= (0 if name not in LOSSY else 255 * 17 / 79)


async def test_twelve_bit_jpeg(previewer: Previewer) -> None:
    preview, grey = await shown(previewer, deidentified(shipped("JPGExtended.dcm")))
    assert (preview.facts.lossy, preview.facts.modality) == (True, "NM")
    _, lossless = await shown(previewer, deidentified(shipped("JPEG-LL.dcm")))
    assert np.abs(grey.astype(int) - lossless).mean() < 6  # the same scan, kept without loss


async def test_a_codec_that_nobody_has_is_named(previewer: Previewer) -> None:
    data = dicom(np.zeros((8, 8)), syntax=JPEG2000MCLossless, PixelData=encapsulate([b"\xff\x4f"]))
    refused = await refusal(previewer, data)
    assert (refused.code, refused.fields) == ("file-unsupported", {"syntax": JPEG2000MCLossless.name})


# Real files, as their makers wrote them


@pytest.mark.parametrize(
    ("name", "mimetype", "size", "modality", "body_part"),
    [
        ("CT_small.dcm", "image/png", (128, 128), "CT", None),
        ("MR_small.dcm", "image/png", (64, 64), "MR", None),
        ("MR_small_RLE.dcm", "image/png", (64, 64), "MR", None),
        ("examples_palette.dcm", "image/jpeg", (800, 350), "US", None),
        ("examples_rgb_color.dcm", "image/jpeg", (320, 240), "US", None),
        ("examples_ybr_color.dcm", "image/jpeg", (480, 421), "US", None),
        ("examples_overlay.dcm", "image/png", (484, 300), "MR", "ABDOMEN"),
        ("emri_small_jpeg_ls_lossless.dcm", "image/png", (800, 532), "MR", "HEAD"),
        ("J2K_pixelrep_mismatch.dcm", "image/png", (512, 512), "CT", "HEAD"),
        ("JPEG2000.dcm", "image/png", (200, 800), "NM", None),
        ("SC_rgb_jpeg_dcmtk.dcm", "image/jpeg", (100, 100), "OT", None),
        ("SC_rgb_16bit.dcm", "image/jpeg", (100, 100), "OT", None),
    ],
)
async def test_real_files(
    previewer: Previewer,
    name: str,
    mimetype: str,
    size: tuple[int, int],
    modality: str,
    body_part: str | None,
) -> None:
    preview, picture = await shown(previewer, deidentified(shipped(name)))
    assert (pictured(preview).mimetype, pictured(preview).width, pictured(preview).height) == (mimetype, *size)
    assert (preview.facts.modality, preview.facts.body_part) == (modality, body_part)
    assert picture.shape[:2] == size[::-1]
    assert picture.min() < 64
    assert picture.max() > 192


async def test_a_colour_stays_that_colour_in_every_coding(previewer: Previewer) -> None:
    _, reference = await shown(previewer, deidentified(shipped("SC_rgb_small_odd.dcm")))
    _, other = await shown(previewer, deidentified(shipped("SC_rgb_small_odd_big_endian.dcm")))
    assert np.array_equal(reference, other)
    _, bars = await shown(previewer, deidentified(shipped("SC_rgb_rle.dcm")))
    for name in ("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_32bit.dcm", "SC_ybr_full_422_uncompressed.dcm"):
        _, other = await shown(previewer, deidentified(shipped(name)))
        assert np.abs(bars[5:95:10, 50].astype(int) - other[5:95:10, 50]).max() < 12, name


# The display pipeline

RAMP = np.tile(np.arange(256, dtype=np.uint16) * 16, (64, 1))


async def test_monochrome1_is_inverted(previewer: Previewer) -> None:
    _, plain = await shown(previewer, dicom(RAMP))
    _, inverted = await shown(previewer, dicom(RAMP, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(plain, 255 - inverted)
    assert plain[0, 0] == 0
    assert plain[0, 255] == 255


@pytest.mark.parametrize(("function", "quarter"), [("LINEAR", 64), ("LINEAR_EXACT", 64), ("SIGMOID", 69)])
async def test_window_functions(previewer: Previewer, function: str, quarter: int) -> None:
    _, grey = await shown(
        previewer, dicom(RAMP, WindowCenter=[2048, 10], WindowWidth=[4096, 1], VOILUTFunction=function)
    )
    assert abs(int(grey[0, 128]) - 127) <= 1
    assert abs(int(grey[0, 64]) - quarter) <= 1


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100, "WindowWidth": -5},
        {"WindowCenter": 100},
    ],
)
async def test_without_a_usable_window_percentiles_decide(previewer: Previewer, elements: dict[str, Any]) -> None:
    picture = RAMP.copy()
    picture[0, 0] = 65535  # a speck of metal must not make everything else black
    _, grey = await shown(previewer, dicom(picture, **elements))
    assert abs(int(grey[10, 128]) - 128) < 4


@pytest.mark.parametrize(
    ("elements", "is_soft_tissue"),
    [
        ({}, True),
        ({"RescaleType": "HU"}, True),
        ({"RescaleType": "US"}, False),
        ({"Modality": "MR"}, False),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, False),
        ({"RescaleIntercept": 3000}, False),
    ],
)
async def test_ct_without_a_window_shows_soft_tissue(
    previewer: Previewer, elements: dict[str, Any], is_soft_tissue: bool
) -> None:
    preview, grey = await shown(previewer, dicom(RAMP, **{"RescaleSlope": 1, "RescaleIntercept": -1024, **elements}))
    window = {Fact("window-center", 40.0), Fact("window-width", 400.0)} <= set(preview.facts.details)
    assert window is is_soft_tissue
    assert Fact("window-estimated") in preview.facts.details
    if is_soft_tissue:
        expected = np.interp(RAMP - 1024.0, [-160, 240], [0, 255])
        assert np.abs(grey - expected).max() <= 1


@pytest.mark.parametrize("slope", [b"nan ", b"inf ", b"", b"-", b"two "])
async def test_rescaling_by_nonsense_is_none(previewer: Previewer, slope: bytes) -> None:
    data = edited(dicom(RAMP), RescaleSlope="9999")
    at = data.index(b"9999")
    data = data[: at - 2] + len(slope).to_bytes(2, "little") + slope + data[at + 4 :]
    _, grey = await shown(previewer, data)
    _, plain = await shown(previewer, dicom(RAMP))
    assert np.array_equal(grey, plain)


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, {"left-edge": "R"}),
        ({"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]}, {"left-edge": "L"}),
        ({"ImageOrientationPatient": [0.1, 0.99, 0, 0, 0, -1]}, {"left-edge": "A"}),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, {}),
        ({"PatientOrientation": ["L", "F"]}, {"left-edge": "R"}),
        ({"PatientOrientation": ["FR", "P"], "ImageLaterality": "L"}, {"left-edge": "H", "side-left": None}),
        ({"PatientOrientation": "A"}, {"left-edge": "P"}),
        ({"PatientOrientation": ["Doe", "Jane"], "Laterality": "Jane Doe"}, {}),
        ({"PatientOrientation": "FRED"}, {}),
        ({"Laterality": "R"}, {"side-right": None}),
        ({"Laterality": "U"}, {}),
    ],
)
async def test_the_sides_of_an_image_are_said(
    previewer: Previewer, elements: dict[str, Any], said: dict[str, str | None]
) -> None:
    preview, _ = await shown(previewer, dicom(RAMP, **elements))
    details = {fact.name: fact.value for fact in preview.facts.details}
    assert {name: value for name, value in details.items() if "edge" in name or "side" in name} == said


async def test_padding_does_not_shift_the_grey(previewer: Previewer) -> None:
    picture = RAMP.copy()
    picture[:40] = 60000
    _, grey = await shown(previewer, dicom(picture, PixelPaddingValue=60000))
    assert abs(int(grey[50, 128]) - 128) < 4


async def test_the_few_counts_of_a_scintigram_are_told_apart(previewer: Previewer) -> None:
    counts = np.zeros((64, 64), np.uint16)
    counts[::9, ::9] = 1
    counts[30:33, 30:33] = np.arange(10, 100, 10).reshape(3, 3)
    _, grey = await shown(previewer, dicom(counts, Modality="NM"))
    spot = grey[30:33, 30:33].astype(int).ravel()
    assert np.all(np.diff(spot)[:4] > 0)
    assert grey[9, 9] < 10


async def test_an_even_picture_has_no_error(previewer: Previewer) -> None:
    _, grey = await shown(previewer, dicom(np.full((8, 8), 7)))
    assert np.all(grey == 0)


async def test_voi_lut(previewer: Previewer) -> None:
    table = Dataset()
    table.add_new(0x00283002, "US", [256, 100, 8])
    table.add_new(0x00283006, "US", list(range(255, -1, -1)))
    _, grey = await shown(previewer, dicom(np.array([[0, 100, 200, 5000]]), VOILUTSequence=Sequence([table])))
    assert grey.tolist() == [[255, 255, 155, 0]]


async def test_rescaling_comes_before_the_window(previewer: Previewer) -> None:
    pixels = np.array([[0, 512, 1024]])
    _, grey = await shown(
        previewer, dicom(pixels, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=0, WindowWidth=1000)
    )
    assert grey.tolist() == [[0, 128, 255]]


async def test_palette_in_both_byte_orders(previewer: Previewer) -> None:
    _, little = await shown(previewer, deidentified(shipped("OBXXXX1A.dcm")))
    _, big = await shown(previewer, deidentified(shipped("OBXXXX1A_expb.dcm")))
    assert np.array_equal(little, big)
    assert little.max() > 128


@pytest.mark.parametrize("elements", [{"PixelAspectRatio": [2, 1]}, {"PixelSpacing": [1.0, 0.5]}])
async def test_pixels_that_are_not_square(previewer: Previewer, elements: dict[str, Any]) -> None:
    preview, _ = await shown(previewer, dicom(np.eye(100), **elements))
    assert (pictured(preview).width, pictured(preview).height) == (100, 200)
    assert (preview.facts.width, preview.facts.height) == (100, 100)


async def test_a_large_frame_becomes_a_small_preview(previewer: Previewer) -> None:
    large = np.tile(np.arange(3000, dtype=np.uint16), (4000, 1))
    preview, grey = await shown(previewer, dicom(large))
    assert (pictured(preview).width, pictured(preview).height) == (600, 800)
    assert abs(int(grey[400, 300]) - 128) < 4


# What may be said


@pytest.mark.parametrize(
    "element", [{"Modality": "JANE"}, {"BodyPartExamined": "DOE JANE"}, {"BodyPartExamined": ["HEAD", "DOE"]}]
)
async def test_only_terms_of_the_standard_are_repeated(previewer: Previewer, element: dict[str, Any]) -> None:
    preview, _ = await shown(previewer, dicom(np.eye(8), **element))
    facts = preview.facts
    assert (facts.modality, facts.body_part) in {("CT", None), (None, None)}


async def test_nothing_of_the_header_is_in_the_preview(previewer: Previewer) -> None:
    preview, _ = await shown(previewer, dicom(np.eye(8), StudyDescription="JANE DOE", InstitutionName="JANE DOE"))
    assert b"JANE" not in pictured(preview).data
    chunks, at = [], 8
    while at < len(pictured(preview).data):
        chunks.append(pictured(preview).data[at + 4 : at + 8])
        at += 12 + int.from_bytes(pictured(preview).data[at : at + 4], "big")
    assert chunks == [b"IHDR", b"IDAT", b"IEND"]


# Names


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("planted/planted_ct.dcm", "PatientName, PatientID, PatientBirthDate"),
        ("planted/planted_ct_tail.dcm", "PatientName, PatientID, PatientBirthDate"),
        ("phantom/ct_phantom_deflated.dcm", "PatientName, PatientID"),
        ("phantom/ct_phantom_bigendian.dcm", "PatientName, PatientID"),
        ("hostile/sr_markup.dcm", "PatientName, PatientID"),
    ],
)
async def test_a_header_that_names_the_patient_is_refused(previewer: Previewer, name: str, kinds: str) -> None:
    refused = await refusal(previewer, sample(name))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": kinds})


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("PatientName", "Doe^Jane"),
        ("PatientName", "ANON123"),
        ("PatientID", "1CT1"),
        ("PatientBirthDate", "20200101"),
        ("OtherPatientIDs", "X1"),
        ("OtherPatientNames", "Doe"),
        ("PatientBirthName", "Doe"),
        ("PatientAddress", "Main St"),
        ("PatientTelephoneNumbers", "0612"),
        ("PatientMotherBirthName", "Roe"),
        ("ResponsiblePerson", "Doe^John"),
    ],
)
async def test_each_direct_identifier_is_refused(previewer: Previewer, element: str, value: str) -> None:
    elements: dict[str, Any] = {element: value}
    refused = await refusal(previewer, dicom(np.eye(8), **elements))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": element})


@pytest.mark.parametrize("value", ["", " ", "^^^^", "="])
async def test_an_empty_name_is_none(previewer: Previewer, value: str) -> None:
    await shown(previewer, dicom(np.eye(8), PatientName=value, PatientID=""))


@pytest.mark.parametrize("name", ["ANON123", "case-0042", "Anonymous"])
async def test_a_replaced_name_is_accepted_when_the_file_says_so(previewer: Previewer, name: str) -> None:
    await shown(previewer, dicom(np.eye(8), PatientName=name, PatientID=name, PatientIdentityRemoved="YES"))


@pytest.mark.parametrize("name", ["Doe^Jane", "Jane", "Jane 2", "Jane=Doe1", "Doe^Jane123", "Øre1"])
async def test_a_name_is_no_replacement(previewer: Previewer, name: str) -> None:
    data = dicom(np.eye(8), PatientName=name, PatientIdentityRemoved="YES", SpecificCharacterSet="ISO_IR 192")
    assert (await refusal(previewer, data)).fields == {"kinds": "PatientName"}


async def test_a_birth_date_is_refused_whatever_the_file_says(previewer: Previewer) -> None:
    data = dicom(np.eye(8), PatientBirthDate="19500101", PatientIdentityRemoved="YES")
    assert (await refusal(previewer, data)).fields == {"kinds": "PatientBirthDate"}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
async def test_a_nested_name_is_found(previewer: Previewer, syntax: UID) -> None:
    inner, outer = Dataset(), Dataset()
    inner.PatientName = "Doe^Jane"
    outer.ReferencedStudySequence = Sequence([inner])
    data = dicom(np.eye(8), syntax=syntax, RequestAttributesSequence=Sequence([outer]))
    assert (await refusal(previewer, data)).fields == {"kinds": "PatientName"}


async def test_a_name_in_a_private_or_unknown_sequence_is_found(previewer: Previewer) -> None:
    # An item of unknown length with (0010,0010) in it, as a system writes that does not know the element.
    item = b"\x10\x00\x10\x00\x08\x00\x00\x00Doe^Jane"
    raw = b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item
    dataset = dcmread(BytesIO(dicom(np.eye(8))))
    dataset.add_new(0x00091001, "UN", raw)
    assert (await refusal(previewer, written(dataset))).fields == {"kinds": "PatientName"}


@pytest.mark.parametrize("preamble", [b"\x7fELF", b"MZ\x90\0", b"%PDF-1.7", b"PK\3\4"])
@pytest.mark.parametrize("name", ["phantom/ct_phantom_explicit.dcm", "phantom/ct_phantom_deflated.dcm"])
async def test_a_file_that_is_another_one_as_well_is_refused(previewer: Previewer, preamble: bytes, name: str) -> None:
    data = preamble.ljust(128, b"\0") + nameless(name)[128:]
    refused = await refusal(previewer, data)
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "Preamble"})
    with pytest.raises(Refused) as caught:
        await previewer.previews([BytesSource(nameless("phantom/ct_phantom_explicit.dcm")), BytesSource(data)])
    assert caught.value.fields == refused.fields


async def test_a_file_without_a_prefix_is_read_and_searched(previewer: Previewer) -> None:
    bare = dicom(np.eye(8), syntax=ImplicitVRLittleEndian, PatientName="Doe^Jane", StudyDate="20200101")
    start = 144 + int.from_bytes(bare[140:144], "little")
    assert (await refusal(previewer, bare[start:])).fields == {"kinds": "PatientName"}
    clean = edited(bare, PatientName="")
    await shown(previewer, clean[144 + int.from_bytes(clean[140:144], "little") :])


# No picture, broken pictures


@pytest.mark.parametrize(
    "elements",
    [
        {"Rows": 0},
        {"SamplesPerPixel": 2},
        {"BitsAllocated": 12},
        {"PhotometricInterpretation": "JANE"},
        {"PhotometricInterpretation": "PALETTE COLOR"},
    ],
)
async def test_a_header_that_contradicts_itself_is_broken(previewer: Previewer, elements: dict[str, Any]) -> None:
    assert (await refusal(previewer, dicom(np.eye(8), **elements))).code == "file-broken"


async def test_a_picture_that_breaks_off_is_hatched_where_it_is_missing(previewer: Previewer) -> None:
    whole, truncated = RAMP.repeat(2, axis=0), dicom(RAMP.repeat(2, axis=0))[: -256 * 2 * 100 - 7]
    assert Fact("truncated") not in (await shown(previewer, dicom(whole)))[0].facts.details
    preview, grey = await shown(previewer, truncated)
    assert Fact("truncated") in preview.facts.details
    assert (preview.facts.height, *grey.shape) == (128, 128, 256)
    assert grey[26].tolist() == grey[0].tolist()
    assert set(grey[27:].ravel().tolist()) == {72, 120}


async def test_without_a_whole_row_nothing_is_shown(previewer: Previewer) -> None:
    assert (await refusal(previewer, dicom(RAMP)[: -256 * 2 * 63 - 2])).code == "file-broken"
    colours = dicom(np.zeros((64, 192)), SamplesPerPixel=3, PlanarConfiguration=1, Columns=64)
    assert (await refusal(previewer, edited(colours, PhotometricInterpretation="RGB")[:-64])).code == "file-broken"


async def test_a_file_whose_fragments_have_no_end_is_broken(previewer: Previewer) -> None:
    # Nothing of this one can be edited: pydicom drops all it has read.
    assert (await refusal(previewer, shipped("emri_small_jpeg_2k_lossless_too_short.dcm"))).code == "file-broken"


async def test_any_cut_of_a_file_ends_in_a_card_or_a_refusal(previewer: Previewer) -> None:
    data = nameless("phantom/ct_phantom_jpegls_80.dcm")
    for length in range(140, 1600, 37):
        try:
            assert (await look(previewer, data[:length])).picture is None, length
        except Refused as refused:
            assert refused.code == "file-broken", length  # noqa: PT017


def test_a_file_is_of_one_format_only() -> None:
    for name in ("phantom/ct_phantom_explicit.dcm", "planted/planted_photo.jpg", "planted/planted_photo.png"):
        assert len([format_ for format_ in FORMATS if format_.sniff(sample(name))]) == 1
