"""Text burned into pixels: found where devices draw it, blackened where they say what is picture."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from ernbot.imaging import image, photograph, writing
from ernbot.imaging.deid import Policy
from ernbot.imaging.deid.dicom import deidentify
from ernbot.imaging.frame import Frames
from ernbot.imaging.model import Options
from ernbot.imaging.worker import Previewer
from tests.imaging.corpus import clean
from tests.imaging.imaging_samples import Array, edited, look, shipped
from tests.imaging.imaging_samples import photograph as photo_file
from tests.imaging.test_imaging_archives import Entry, shown, zipped

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
    return writing.seen(dataset, Frames.of(dataset)).words


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
    assert writing.photographed(Image.new("RGB", (8, 8))).words == 1


def test_what_takes_too_long_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def SetImage(self, _picture: Image.Image) -> None: ...  # noqa: N802
        def Recognize(self, _milliseconds: int) -> bool:  # noqa: N802
            return False

        def Clear(self) -> None: ...  # noqa: N802

    monkeypatch.setattr(writing, "_ENGINE", Slow())
    assert words("") == 1


# Photographs


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine nobody could look in time, which is not what is asked here."""
    monkeypatch.setattr(writing, "_TOGETHER_MILLISECONDS", 10**6)


def skin(hairs: int = 0) -> Image.Image:
    """A made photograph of skin: uneven, with moles, hairs and the noise of a camera."""
    random = np.random.default_rng(hairs)
    width, height = 1600, 1200
    uneven = np.zeros((height, width))
    for size, strength in ((8, 20), (40, 12), (200, 6)):
        rough = random.normal(0, strength, (height // size + 2, width // size + 2)).astype(np.float32)
        uneven += np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
    tone = np.array([205, 150, 125]) + uneven[..., None] + random.normal(0, 4, (height, width, 1))
    picture = Image.fromarray(np.clip(tone, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for x, y, size in random.integers((0, 0, 8), (width, height, 60), (20, 3)):
        draw.ellipse((x, y, x + size, y + size), fill=(90, 55, 40))
    for x, y, length, angle in random.integers((0, 0, 40, 0), (width, height, 200, 360), (hairs, 4)):
        turned = np.radians(angle + np.arange(9) * 4)
        points = [(x + length * k / 8 * np.cos(a), y + length * k / 8 * np.sin(a)) for k, a in enumerate(turned)]
        draw.line(points, fill=(60, 40, 30), width=3)
    return picture.filter(ImageFilter.GaussianBlur(1))


def letter_on(picture: Image.Image, lines: str, size: int = 34, angle: float = 4) -> Image.Image:
    """A sheet of paper on the lower right of a picture."""
    paper = Image.new("RGB", (picture.width // 2, picture.height // 3), (232, 230, 222))
    ImageDraw.Draw(paper).multiline_text((40, 40), lines, (30, 30, 40), ImageFont.load_default(size), spacing=size)
    shape = Image.new("L", paper.size, 255).rotate(angle, expand=True)
    picture.paste(paper.rotate(angle, Image.Resampling.BICUBIC, expand=True), (760, 700), shape)
    return picture.filter(ImageFilter.GaussianBlur(1))


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("hairs", [0, 100, 1000])
def test_a_photograph_of_skin_is_no_false_alarm(hairs: int) -> None:
    assert writing.photographed(skin(hairs)).words == 0


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("size", "angle"), [(34, 4), (34, -5), (60, 0), (24, 0)])
def test_a_letter_in_a_photograph_is_seen_and_where_it_lies(size: int, angle: float) -> None:
    found = writing.photographed(letter_on(skin(), "Patient: Peter Hansen\nCPR 010190-1234", size, angle))
    assert found.words >= 2
    assert set(found.places) <= {"middle", "right", "bottom", "bottom-right"}


@pytest.mark.usefixtures("patient")
def test_a_photographed_screen_is_seen() -> None:
    screen = Image.new("RGB", (1600, 1200), (12, 12, 16))
    font = ImageFont.load_default(40)
    ImageDraw.Draw(screen).text((150, 150), "HANSEN PETER  0101901234", (220, 220, 220), font)
    stripes = 8 * np.sin(np.arange(1600) / 3.1 + np.arange(1200)[:, None] / 90)  # moiré
    seen = np.clip(np.asarray(screen) + stripes[..., None], 0, 255).astype(np.uint8)
    found = writing.photographed(Image.fromarray(seen).rotate(-3, Image.Resampling.BICUBIC))
    assert found.words >= 1
    assert "top" in found.places or "top-left" in found.places


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photograph_is_looked_at_in_every_format(kind: str) -> None:
    picture = letter_on(skin(), "Patient: Peter Hansen\nCPR 010190-1234")
    (preview,) = photograph.previews([BytesIO(photo_file(picture, kind))], Options())
    assert preview.writing >= 2
    assert "bottom-right" in preview.places or "bottom" in preview.places


@pytest.mark.usefixtures("patient")
def test_photographs_in_an_archive_are_looked_at_and_what_nobody_saw_is_said() -> None:
    letter, plain = letter_on(skin(), "Patient: Peter Hansen"), Image.new("RGB", (64, 48), "tan")
    assert shown(zipped([("1.jpg", photo_file(letter)), ("2.jpg", photo_file(plain))]))[0].writing >= 2
    few: list[Entry] = [(f"{number}.jpg", photo_file(plain)) for number in range(9)]
    assert shown(zipped(few))[0].writing == 0
    assert shown(zipped([*few, ("9.jpg", photo_file(plain))]))[0].writing == 1


async def test_what_a_photograph_says_does_not_leave_the_sandbox_but_where_it_says_it_does() -> None:
    async with Previewer(workers=1) as pool:
        preview = await look(pool, photo_file(letter_on(skin(), "Patient: Peter Hansen", 60)))
        assert preview.writing >= 2
        assert preview.places
        assert "Hansen" not in repr(preview)


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
