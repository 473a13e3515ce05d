"""Whole slides in DICOM: tiles put together, the label never shown, lies about sizes refused."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    VLWholeSlideMicroscopyImageStorage,
)

from ernbot.core.errors import Refused
from ernbot.imaging import pyramid, scale_bar, slide_dicom
from ernbot.imaging.deid.dicom import deidentify
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import Array, dicom, opened, pictured
from tests.imaging.slide_samples import POLICY, TILE, tissue

SIDE = 300
"""Not a multiple of the tile: the last row and column stand over."""

FLAVOURS = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]


def tiled(pixels: Array) -> list[Array]:
    """The tiles of a picture row by row, those at the edges filled up with black."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE, 3), np.uint8)
    padded[:height, :width] = pixels
    return [
        padded[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row in range(rows)
        for column in range(columns)
    ]


def encoded(tile: Array, kind: str) -> bytes:
    file = BytesIO()
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"no_jp2": True}
    Image.fromarray(tile).save(file, kind, **options)
    return file.getvalue()


def spacing(millimetres: float) -> Sequence:
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [millimetres, millimetres]
    shared.PixelMeasuresSequence = Sequence([measures])
    return Sequence([shared])


def level(syntax: UID = ExplicitVRLittleEndian, side: int = SIDE, **elements: Any) -> Dataset:
    """One level of a slide of `side` pixels, with elements set on top."""
    frames = tiled(tissue(side, side))
    lens = Dataset()
    lens.ObjectiveLensPower = 20
    kinds = {JPEGBaseline8Bit: ("JPEG", "YBR_FULL_422"), JPEG2000Lossless: ("JPEG2000", "YBR_RCT")}
    kind, photometric = kinds.get(syntax, ("", "RGB"))
    pixels = encapsulate([encoded(frame, kind) for frame in frames]) if kind else b"".join(map(bytes, frames))
    made: dict[str, Any] = {
        "SOPClassUID": VLWholeSlideMicroscopyImageStorage,
        "Modality": "SM",
        "ImageType": FLAVOURS,
        "Rows": TILE,
        "Columns": TILE,
        "NumberOfFrames": len(frames),
        "TotalPixelMatrixColumns": side,
        "TotalPixelMatrixRows": side,
        "DimensionOrganizationType": "TILED_FULL",
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
        "PhotometricInterpretation": photometric,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "SharedFunctionalGroupsSequence": spacing(0.002),
        "OpticalPathSequence": Sequence([lens]),
        "PixelData": pixels,
    }
    return dcmread(BytesIO(dicom(syntax=syntax, **{**made, **elements})))


def shown(dataset: Dataset) -> tuple[Preview, Array]:
    preview = slide_dicom.preview(dataset, Options())
    return preview, opened(pictured(preview).data)


def refusal(dataset: Dataset) -> Refused:
    with pytest.raises(Refused) as caught:
        slide_dicom.preview(dataset, Options())
    return caught.value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEG2000Lossless])
def test_the_tiles_make_one_picture(syntax: UID) -> None:
    preview, picture = shown(level(syntax))
    assert picture.shape == (SIDE + scale_bar.MARGIN, SIDE, 3)
    assert np.abs(picture[:SIDE].astype(int) - tissue(SIDE, SIDE)).mean() < 3.0
    assert (preview.facts.format, preview.facts.kind, preview.facts.modality) == ("DICOM", "slide", "SM")
    assert (preview.facts.width, preview.facts.height, preview.facts.frames) == (SIDE, SIDE, 1)
    assert preview.facts.details == (Fact("magnification", 20.0), Fact("microns-per-pixel", 2.0))
    assert len(preview.uids) == 1


async def test_a_slide_is_shown_by_the_sandbox() -> None:
    file = BytesIO()
    level(JPEGBaseline8Bit).save_as(file)
    async with Previewer() as previewer:
        (preview,) = await previewer.previews([BytesSource(file.getvalue())], claimed="application/dicom")
    assert preview.facts.kind == "slide"
    assert np.array_equal(opened(pictured(preview).data), shown(level(JPEGBaseline8Bit))[1])


def test_a_large_level_is_decoded_small() -> None:
    preview, picture = shown(level(JPEGBaseline8Bit, side=1700))
    assert max(pictured(preview).width, pictured(preview).height) == 800
    expected = np.asarray(Image.fromarray(tissue(1700, 1700)).resize((760, 760)))
    assert np.abs(picture[:760].astype(int) - expected).mean() < 3.0


def test_tiles_may_come_in_any_order_where_each_says_its_place() -> None:
    frames = tiled(tissue(SIDE, SIDE))
    places = [(index % 5 * TILE + 1, index // 5 * TILE + 1) for index in range(len(frames))]
    order = np.random.default_rng(1).permutation(len(frames))
    groups = []
    for index in order:
        position, group = Dataset(), Dataset()
        position.ColumnPositionInTotalImagePixelMatrix, position.RowPositionInTotalImagePixelMatrix = places[index]
        group.PlanePositionSlideSequence = Sequence([position])
        groups.append(group)
    _, picture = shown(
        level(
            DimensionOrganizationType="TILED_SPARSE",
            PerFrameFunctionalGroupsSequence=Sequence(groups),
            PixelData=b"".join(bytes(frames[index]) for index in order),
        )
    )
    assert np.abs(picture[:SIDE].astype(int) - tissue(SIDE, SIDE)).mean() < 3.0


def test_only_the_first_focal_plane_is_drawn() -> None:
    once = level()
    twice = level(NumberOfFrames=50, PixelData=once.PixelData + bytes(len(once.PixelData)))
    assert np.array_equal(shown(twice)[1], shown(once)[1])


@pytest.mark.parametrize(
    ("elements", "kinds"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, "label"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]}, "macro"),
        ({"SpecimenLabelInImage": "YES"}, "label"),
        ({"LabelText": "JANE DOE"}, "LabelText"),
        ({"BarcodeValue": "12345678"}, "BarcodeValue"),
    ],
)
def test_the_label_is_never_shown(elements: dict[str, Any], kinds: str) -> None:
    refused = refusal(level(**elements))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": kinds})


@pytest.mark.parametrize(("flavour", "kind"), [("LABEL", "label"), ("OVERVIEW", "macro")])
def test_a_picture_of_the_label_cannot_be_cleaned(flavour: str, kind: str) -> None:
    file, out = BytesIO(), BytesIO()
    level(ImageType=["ORIGINAL", "PRIMARY", flavour, "NONE"]).save_as(file)
    with pytest.raises(Refused) as caught:
        deidentify(file, out, POLICY)
    assert (caught.value.code, caught.value.fields) == ("file-names-patient", {"kinds": kind})
    assert not out.getvalue()


def test_a_level_is_cleaned_and_shown() -> None:
    file, out = BytesIO(), BytesIO()
    level(JPEGBaseline8Bit, PatientName="Doe^Jane", LabelText="JANE DOE").save_as(file)
    deidentify(file, out, POLICY)
    assert b"JANE" not in out.getvalue()
    _, picture = shown(dcmread(BytesIO(out.getvalue())))
    assert np.array_equal(picture, shown(level(JPEGBaseline8Bit))[1])


def test_what_is_not_there_is_said() -> None:
    whole = level()
    half = level(PixelData=whole.PixelData[: len(whole.PixelData) // 2 // 2 * 2])
    preview, picture = shown(half)
    assert preview.facts.details[-1] == Fact("truncated")
    assert picture[SIDE - 5, 5].min() > 250


def test_too_many_tiles_are_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "MAX_TILES", 24)
    preview = slide_dicom.preview(level(), Options())
    assert preview.picture is None
    assert (preview.facts.kind, preview.facts.details[-1]) == ("slide", Fact("no-overview"))


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"TotalPixelMatrixColumns": 2**31 - 1}, "file-broken"),
        ({"TotalPixelMatrixRows": 0}, "file-broken"),
        ({"TotalPixelMatrixRows": 10_000_000, "TotalPixelMatrixColumns": 10_000_000}, "file-too-complex"),
        ({"Rows": 60_000}, "file-broken"),
        ({"Columns": 0}, "file-broken"),
        ({"BitsAllocated": 16}, "file-unsupported"),
    ],
)
def test_lies_about_sizes_are_refused(elements: dict[str, Any], code: str) -> None:
    assert refusal(level(**elements)).code == code


def test_nonsense_is_no_scale() -> None:
    preview, picture = shown(level(SharedFunctionalGroupsSequence=spacing(-1.0), OpticalPathSequence=None))
    assert preview.facts.details == ()
    assert picture.shape == (SIDE, SIDE, 3)
    preview, _ = shown(level(SharedFunctionalGroupsSequence=None, ImagedVolumeWidth=0.75))
    assert preview.facts.details[-1] == Fact("microns-per-pixel", 2.5)
