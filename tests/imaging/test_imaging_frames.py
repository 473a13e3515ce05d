"""Frames and what is left out of them: many frames, large pictures, odd samples, in the decoder itself."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from imagecodecs import htj2k_encode, jpeg2k_encode
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, RLELossless, generate_uid

from ernbot.core.errors import Refused
from ernbot.imaging import Preview, codestream, dataset, jpeg2000
from ernbot.imaging.frame import Frames
from ernbot.imaging.model import Fact, Options
from tests.imaging.imaging_samples import deidentified, dicom, opened, pictured, shipped, written

RAMP = np.tile(np.arange(256, dtype=np.uint16) * 16, (64, 1))


def previewed(data: bytes) -> Preview:
    return dataset.preview(BytesIO(data), Options())


def shown(data: bytes) -> "np.ndarray[Any, Any]":
    return opened(pictured(previewed(data)).data).astype(int)


def details(preview: Preview) -> dict[str, object]:
    return {fact.name: fact.value for fact in preview.facts.details}


# Many frames


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Indices of the frames that were decoded."""
    indices: list[int] = []
    decode = Frames.decode

    def remember(self: Frames, index: int, least: int = 0) -> Any:
        indices.append(index)
        return decode(self, index, least)

    monkeypatch.setattr(Frames, "decode", remember)
    return indices


def film(count: int, **elements: Any) -> bytes:
    frames = np.stack([np.full((16, 16), 100 * index) for index in range(count)])
    return dicom(frames, **{"NumberOfFrames": count, "Modality": "XA", "FrameTime": 40, **elements})


def test_only_the_frames_that_are_shown_are_decoded(decoded: list[int]) -> None:
    preview = previewed(film(400))
    assert (preview.facts.kind, preview.facts.frames) == ("cine", 400)
    assert len(decoded) == 1 + 6 + 16
    assert decoded[0] == 200
    assert decoded[1:7] == sorted(decoded[1:7])


def test_the_pixels_of_a_long_film_stay_in_the_file() -> None:
    data = film(1000, Rows=64, Columns=64, PixelData=bytes(1000 * 64 * 64 * 2))
    read: list[int] = []

    class Counting(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            read.append(len(found))
            return found

    assert dataset.preview(Counting(data), Options()).facts.frames == 1000
    assert sum(read) < len(data) / 20


@pytest.mark.parametrize(
    ("elements", "seconds", "rate"),
    [
        ({"FrameTime": 50}, 1.0, 20.0),
        ({"FrameTime": "", "CineRate": 10}, 2.0, 10.0),
        ({"FrameTime": "", "FrameTimeVector": [0, *[100] * 19]}, 2.0, 10.0),
        ({"FrameTime": "", "RecommendedDisplayFrameRate": 20}, 1.0, 20.0),
        ({"FrameTime": -3}, None, None),
        ({"FrameTime": 1e9}, None, None),
    ],
)
def test_how_long_a_film_is(elements: dict[str, Any], seconds: float | None, rate: float | None) -> None:
    said = details(previewed(film(20, **elements)))
    assert (said.get("duration-s"), said.get("rate-fps")) == (seconds, rate)


def test_frames_that_were_never_sent_are_not_shown() -> None:
    preview = previewed(film(20)[: -16 * 16 * 2 * 5 - 9])
    assert preview.facts.frames == 14
    assert Fact("truncated") in preview.facts.details


def head(**elements: Any) -> bytes:
    return film(20, Modality="CT", BodyPartExamined="HEAD", SpacingBetweenSlices=1, **elements)


def test_a_volume_of_a_head_may_show_who_it_is() -> None:
    preview = previewed(head())
    assert (preview.facts.kind, preview.facts.identifiable, preview.animation) == ("series", True, None)
    assert not previewed(film(20, Modality="CT", BodyPartExamined="KNEE")).facts.identifiable
    assert not previewed(film(8, Modality="CT", BodyPartExamined="HEAD")).facts.identifiable


def test_grouped_frames_are_sorted_by_position_and_have_their_own_rescaling() -> None:
    frames, shared = [], Dataset()
    shared.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    shared.FrameVOILUTSequence = Sequence([item(WindowCenter=50, WindowWidth=100)])
    for place in (2, 0, 1):
        own = Dataset()
        own.PlanePositionSequence = Sequence([item(ImagePositionPatient=[0, 0, 4 * place])])
        own.PixelValueTransformationSequence = Sequence([item(RescaleSlope=20 * place, RescaleIntercept=0)])
        frames.append(own)
    data = dicom(
        np.ones((3, 520, 520)),
        NumberOfFrames=3,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )
    preview = previewed(data)
    assert details(preview)["spacing-mm"] == 4.0
    picture = opened(pictured(preview).data).astype(int)
    # The middle one large, the others from the feet up.
    for at, grey in (((260, 260), 20), ((60, 600), 0), ((200, 600), 40)):
        assert abs(picture[at] - grey * 255 / 99) < 3


def item(**elements: Any) -> Dataset:
    found = Dataset()
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


# Large pictures


def test_half_of_the_detail_costs_less_and_shows_the_same() -> None:
    large = np.kron(np.arange(64).reshape(8, 8), np.ones((256, 256), int)).astype(np.uint16) * 60
    for syntax, coded in (
        (JPEG2000Lossless, jpeg2k_encode(large, level=0, reversible=True, codecformat="j2k", bitspersample=12)),
        (HTJ2KLossless, htj2k_encode(large, reversible=True)),
    ):
        elements: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 1890, "WindowWidth": 3780}
        plain = shown(dicom(large, **elements))
        small = shown(dicom(large, syntax=syntax, PixelData=encapsulate([bytes(coded)]), **elements))
        for row, column in np.ndindex(8, 8):
            at = [[int((place + 0.5) * len(side) / 8) for place in (row, column)] for side in (plain, small)]
            assert abs(plain[tuple(at[0])] - small[tuple(at[1])]) <= 2, syntax.name


@pytest.mark.parametrize("width", range(1841, 1849))
def test_a_width_that_cannot_be_halved_evenly_is_decoded_larger(width: int) -> None:
    pixels = np.tile(np.arange(width, dtype=np.uint16), (600, 1))
    coded = bytes(jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k", bitspersample=12))
    stated = codestream.stated(coded)
    assert stated is not None
    assert stated.levels >= 2
    small = jpeg2000.one_component(coded, stated, 400)
    assert small.shape[1] in {-(-width // 4), -(-width // 2), width}
    assert abs(int(small[10, small.shape[1] // 2]) - width / 2) < 4


@pytest.mark.parametrize("precision", range(2, 17))
@pytest.mark.parametrize("signed", [False, True])
def test_every_precision_and_sign_of_jpeg_2000(precision: int, signed: bool) -> None:
    low, high = (-(1 << precision - 1), (1 << precision - 1) - 1) if signed else (0, (1 << precision) - 1)
    kind = np.dtype(f"{'i' if signed else 'u'}{1 if precision <= 8 else 2}")
    values = np.random.default_rng(precision).integers(low, high, (16, 24), endpoint=True).astype(kind)
    coded = bytes(jpeg2k_encode(values, level=0, reversible=True, codecformat="j2k", bitspersample=precision))
    stated = codestream.stated(coded)
    assert stated is not None
    assert (stated.precision, stated.signed) == (precision, signed)
    assert np.array_equal(jpeg2000.one_component(coded, stated, 0), values)


def test_an_unsigned_stream_of_signed_values_keeps_its_sign() -> None:
    values = np.tile(np.arange(-2048, 2048, 2, dtype=np.int16), (1024, 1))
    coded = jpeg2k_encode(
        (values & 0xFFF).astype(np.uint16), level=0, reversible=True, codecformat="j2k", bitspersample=12
    )
    elements: dict[str, Any] = {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}
    elements |= {"WindowCenter": 0, "WindowWidth": 4096}
    picture = shown(dicom(values, syntax=JPEG2000Lossless, PixelData=encapsulate([bytes(coded)]), **elements))
    assert np.all(np.diff(picture[100]) >= 0)


# Odd samples


def test_bits_beside_the_stored_ones_are_no_picture() -> None:
    overlaid = RAMP | 0x1000 * (np.indices(RAMP.shape)[1] % 2).astype(np.uint16)
    for data in (dicom(overlaid, BitsStored=12, HighBit=11), dicom(RAMP << 4, BitsStored=12, HighBit=15)):
        assert np.array_equal(shown(data), shown(dicom(RAMP)))


def test_an_overlay_is_never_drawn() -> None:
    drawn = dicom(RAMP)
    file = dataset.read(drawn)
    for number, vr, value in (
        (0x60000010, "US", 64),
        (0x60000011, "US", 256),
        (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", b"\xff" * (64 * 256 // 8)),
    ):
        file.add_new(number, vr, value)
    assert np.array_equal(shown(written(file)), shown(drawn))


def test_floating_point_values() -> None:
    values = RAMP.astype("<f4") / 4096
    values[0, 0], values[0, 1] = np.nan, np.inf
    file = dataset.read(dicom(RAMP, BitsAllocated=32, WindowCenter=0.5, WindowWidth=1, VOILUTFunction="LINEAR_EXACT"))
    del file.PixelData, file.BitsStored, file.HighBit, file.PixelRepresentation
    file.FloatPixelData = values.tobytes()
    grey = shown(written(file))
    assert abs(grey[10, 128] - 128 / 256 * 255) <= 1


@pytest.mark.parametrize(("bits", "stored"), [(16, 16), (16, 12), (32, 32)])
def test_deep_colours_are_scaled(bits: int, stored: int) -> None:
    values = (np.arange(256, dtype=np.uint64) << (stored - 8)).astype(f"<u{bits // 8}")
    pixels = np.repeat(np.tile(values, (64, 1))[..., None], 3, axis=2)
    elements: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    elements |= {"BitsAllocated": bits, "BitsStored": stored, "HighBit": stored - 1, "PixelData": pixels.tobytes()}
    picture = shown(dicom(RAMP, **elements))
    assert np.abs(picture[32, :, 0] - np.arange(256)).max() <= 2


def test_colours_stand_beside_grey_in_a_supplemented_picture() -> None:
    preview = previewed(deidentified(shipped("eCT_Supplemental.dcm")))
    picture = opened(pictured(preview).data).astype(int)
    assert (np.ptp(picture, axis=2) > 60).sum() > 10_000


# What goes with it


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_object_says_what_it_belongs_to() -> None:
    series, study = generate_uid(), generate_uid()
    data = dicom(RAMP, SeriesInstanceUID=series, StudyInstanceUID=study, FrameOfReferenceUID="1.2.3.4567.8").replace(
        b"1.2.3.4567.8", b"Doe^Jane.1.2"
    )
    assert previewed(data).uids == (dataset.read(data).SOPInstanceUID, series, study)


def test_a_name_behind_megabytes_is_found() -> None:
    for element in ({"PatientName": "Doe^Jane" + " " * (5 * 2**20)}, {"PatientComments": "x" * (5 * 2**20)}):
        file = dataset.read(dicom(RAMP))
        for keyword, value in element.items():
            file.add_new(keyword, "UT", value)
        nested = Dataset()
        nested.PatientBirthDate = "19500101"
        file.add_new(0x00091001, "SQ", Sequence([nested]))
        with pytest.raises(Refused) as caught:
            previewed(written(file))
        assert "PatientBirthDate" in str(caught.value.fields["kinds"])
        assert ("PatientName" in str(caught.value.fields["kinds"])) is ("PatientName" in element)


def test_a_frame_in_several_fragments() -> None:
    whole = dataset.read(deidentified(shipped("MR_small_RLE.dcm")))
    frame = Frames.of(whole)
    coded = frame.value.codestream(frame.fragments, 0, 1, whole)
    pieces = [coded[at : at + 500] for at in range(0, len(coded), 500)]
    whole.PixelData = encapsulate([coded], fragments_per_frame=len(pieces), has_bot=False)
    assert whole.file_meta.TransferSyntaxUID == RLELossless
    again = Frames.of(whole)
    assert len(again.fragments) > 1
    assert np.array_equal(again.decode(0), frame.decode(0))
