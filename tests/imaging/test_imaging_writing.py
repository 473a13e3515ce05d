"""Text burned into pixels: found where devices draw it, blackened where they say what is picture."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from ernbot.imaging import image, writing
from ernbot.imaging.deid import Policy
from ernbot.imaging.deid.dicom import deidentify
from ernbot.imaging.frame import Frames
from ernbot.imaging.worker import Previewer
from tests.imaging.corpus import clean
from tests.imaging.imaging_samples import Array, edited, look, shipped

SECRET = bytes(range(32))
US = "1.2.840.10008.5.1.4.1.1.6.1"


def text_picture(text: str, height: int = 14) -> Array:
    picture = Image.new("L", (320, 240))
    draw = ImageDraw.Draw(picture)
    draw.text((8, 8), text, 255, ImageFont.load_default(height))
    return np.asarray(picture)


def words(text: str, **elements: object) -> int:
    pixels = text_picture(text)
    dataset = dcmread(BytesIO(edited(shipped("CT_small.dcm"), Modality="US", SOPClassUID=US)))
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.WindowCenter, dataset.WindowWidth, dataset.RescaleIntercept = 128, 256, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return writing.count(dataset, Frames.of(dataset))


def cleaned(data: bytes) -> tuple[Dataset, bool]:
    out = BytesIO()
    report = deidentify(BytesIO(data), out, Policy(SECRET))
    return dcmread(BytesIO(out.getvalue())), report.masked


def test_a_name_in_an_ultrasound_picture_is_seen() -> None:
    assert words("JANE DOE 1971") >= 2
    assert words("") == 0


def test_what_the_header_says_of_it_is_not_believed() -> None:
    assert words("JANE DOE 1971", BurnedInAnnotation="NO") >= 2


def test_a_scan_is_searched_only_when_its_header_asks() -> None:
    plain = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
    assert words("JANE DOE 1971", **plain) == 0
    assert words("JANE DOE 1971", **plain, BurnedInAnnotation="YES") >= 2


def test_a_real_font_of_a_scanner_is_read() -> None:
    dataset = dcmread(BytesIO(shipped("examples_rgb_color.dcm")))
    assert image.preview(dataset).writing >= 3


def test_where_nobody_can_read_a_person_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_ENGINE", None)
    assert words("") == 1
    assert writing.words(Image.new("L", (8, 8))) == 1


def test_what_takes_too_long_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def SetImage(self, _picture: Image.Image) -> None: ...  # noqa: N802
        def Recognize(self, _milliseconds: int) -> bool:  # noqa: N802
            return False

        def Clear(self) -> None: ...  # noqa: N802

    monkeypatch.setattr(writing, "_ENGINE", Slow())
    assert words("") == 1


def test_the_data_of_tesseract_are_where_they_are_looked_for() -> None:
    assert all(Path(path).is_file() for path in writing._DATA)
    assert writing._ENGINE is not None


@pytest.mark.parametrize("name", ["examples_palette.dcm", "examples_ybr_color.dcm"])
def test_all_outside_the_regions_becomes_black_and_nothing_inside_changes(name: str) -> None:
    data = shipped(name)
    before = dcmread(BytesIO(data))
    after, masked = cleaned(data)
    inside = np.zeros((before.Rows, before.Columns), bool)
    for region in before.SequenceOfUltrasoundRegions:
        rows = slice(region.RegionLocationMinY0, region.RegionLocationMaxY1 + 1)
        inside[rows, region.RegionLocationMinX0 : region.RegionLocationMaxX1 + 1] = True
    one, other = Frames.of(before), Frames.of(after)
    assert masked
    assert "113101" in [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert one.count == other.count
    for index in {0, one.count // 2, one.count - 1}:
        assert np.array_equal(one.decode(index)[inside], other.decode(index)[inside])
        assert not other.decode(index)[~inside].any()


def test_lossy_frames_are_packed_without_further_loss_and_still_called_lossy() -> None:
    after, _ = cleaned(shipped("examples_ybr_color.dcm"))
    assert after.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert (after.LossyImageCompression, after.PhotometricInterpretation) == ("01", "RGB")


@pytest.mark.parametrize(
    "bounds",
    [
        {"RegionLocationMinX0": 700, "RegionLocationMaxX1": 10},
        {"RegionLocationMinX0": 5000, "RegionLocationMaxX1": 6000},
        {"RegionLocationMaxX1": None},
    ],
    ids=["the wrong way round", "beside the picture", "missing"],
)
def test_regions_that_cannot_be_blacken_nothing(bounds: dict[str, int | None]) -> None:
    dataset = dcmread(BytesIO(shipped("examples_palette.dcm")))
    for region in dataset.SequenceOfUltrasoundRegions:
        for keyword, value in bounds.items():
            setattr(region, keyword, value)
    file = BytesIO()
    dataset.save_as(file)
    after, masked = cleaned(file.getvalue())
    assert not masked
    assert np.array_equal(Frames.of(dataset).decode(0), Frames.of(after).decode(0))


def test_a_file_without_regions_keeps_its_pixels() -> None:
    data = shipped("examples_rgb_color.dcm")
    after, masked = cleaned(data)
    assert not masked
    assert np.array_equal(Frames.of(dcmread(BytesIO(data))).decode(0), Frames.of(after).decode(0))


async def test_tesseract_may_talk_where_it_can_open_no_log() -> None:
    async with Previewer(workers=1) as pool:  # it has something to say over the speckle of this picture
        assert (await look(pool, clean(shipped("gdcm-US-ALOKA-16.dcm")))).picture
