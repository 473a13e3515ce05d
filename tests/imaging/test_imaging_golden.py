"""Pictures of DICOM objects that somebody has looked at: made from our phantom, so that they may be kept here."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from imagecodecs import jpeg2k_encode
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless

from ernbot.imaging import Preview, dataset
from ernbot.imaging.model import Fact, Options
from tests.imaging.imaging_samples import DATA, dicom, nameless, opened, pictured

GOLDEN = DATA / "golden"
LOSSLESS = (
    *("explicit", "implicit", "bigendian", "deflated", "rle", "jpegls_80", "j2k_90", "htj2k_201"),
    *("jpeg_lossless_57", "jpeg_lossless_70"),
)
LOSSY = {"jpegls_near_81": 4, "j2k_lossy_91": 16, "htj2k_lossy_203": 2}
"""And by how many Hounsfield units they may be off."""

PHANTOM = dcmread(BytesIO(nameless("phantom/ct_phantom_explicit.dcm"))).pixel_array.astype(np.int32)
GREY = np.clip((PHANTOM + 160) * 255 // 400, 0, 255)


def previewed(data: bytes) -> Preview:
    return dataset.preview(BytesIO(data), Options())


def mr() -> bytes:
    """Twice as high as wide, without a window, with one bright speck."""
    pixels = np.clip(PHANTOM + 1024, 0, 2000)[::2]
    pixels[3, 3] = 32000
    return dicom(pixels, Modality="MR", PixelSpacing=[1.0, 0.5])


def palette() -> bytes:
    """Grey with red where it is bright and blue where it is dark, by 16-bit tables."""
    entries = np.arange(256)
    tables = {
        "Red": np.where(entries < 90, 0, entries * 257),
        "Green": np.where((entries < 90) | (entries > 200), 0, entries * 257),
        "Blue": np.where(entries > 200, 0, entries * 257),
    }
    elements: dict[str, Any] = {}
    for colour, table in tables.items():
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        elements[f"{colour}PaletteColorLookupTableData"] = table.astype("<u2").tobytes()
    return eight_bits(GREY, Modality="US", PhotometricInterpretation="PALETTE COLOR", **elements)


def cine() -> bytes:
    """Twelve frames in which the head moves from left to right."""
    frames = np.stack([np.roll(GREY, 8 * (step - 6), axis=1) for step in range(12)])
    return eight_bits(frames, Modality="US", NumberOfFrames=12, FrameTime=100)


def volume() -> bytes:
    """An enhanced CT of five frames out of order, the nearer the feet the darker, each with a window of its own.

    All are shown in the window of the middle one, or they would look alike.
    """
    shared, frames = Dataset(), []
    shared.PlaneOrientationSequence = Sequence([of(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    shared.PixelMeasuresSequence = Sequence([of(PixelSpacing=[0.5, 0.5], SliceThickness=2)])
    for place in (3, 0, 4, 1, 2):
        own = Dataset()
        own.PlanePositionSequence = Sequence([of(ImagePositionPatient=[0, 0, 5 * place])])
        own.FrameVOILUTSequence = Sequence([of(WindowCenter=240 - 50 * place, WindowWidth=400)])
        own.PixelValueTransformationSequence = Sequence([of(RescaleSlope=1, RescaleIntercept=50 * place - 1124)])
        frames.append(own)
    return dicom(
        np.stack([PHANTOM + 1024] * 5),
        NumberOfFrames=5,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )


def cr() -> bytes:
    """A radiograph of 2048 x 2048 in JPEG 2000, black on white, decoded at a quarter."""
    pixels = np.kron(np.clip(PHANTOM + 1024, 0, 4095), np.ones((8, 8), np.int32)).astype(np.uint16)
    codestream = jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k", bitspersample=12)
    return dicom(
        pixels,
        syntax=JPEG2000Lossless,
        PixelData=encapsulate([bytes(codestream)]),
        BitsStored=12,
        HighBit=11,
        Modality="CR",
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=1064,
        WindowWidth=400,
    )


def truncated() -> bytes:
    return dicom(GREY)[: -256 * 2 * 100]


def of(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def eight_bits(pixels: "np.ndarray[Any, Any]", **elements: Any) -> bytes:
    shape = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelData": pixels.astype(np.uint8).tobytes()}
    return dicom(pixels, **{**shape, **elements})


PICTURES = {maker.__name__: maker for maker in (mr, palette, cine, volume, cr, truncated)}


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
def test_the_phantom_in_every_transfer_syntax(name: str) -> None:
    picture = opened(pictured(previewed(nameless(f"phantom/ct_phantom_{name}.dcm"))).data).astype(int)
    off = np.abs(picture - opened((GOLDEN / "ct.png").read_bytes()))
    assert off.max() <= LOSSY.get(name, 0) * 255 / 79 + (name in LOSSY)  # the window is 80 units wide


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did(name: str) -> None:
    picture = opened(pictured(previewed(PICTURES[name]())).data).astype(int)
    golden = opened((GOLDEN / f"{name}.png").read_bytes())
    assert picture.shape == golden.shape
    # Decoders and filters may round otherwise in another version; a window or a place may not change.
    assert np.abs(picture - golden).mean() < 1.0


def test_a_film_plays_what_was_recorded() -> None:
    preview = previewed(cine())
    assert (preview.facts.kind, preview.facts.frames) == ("cine", 12)
    assert {Fact("duration-s", 1.2), Fact("rate-fps", 10.0)} <= set(preview.facts.details)
    assert preview.animation is not None
    with Image.open(BytesIO(preview.animation.data)) as film:
        assert (film.size, getattr(film, "n_frames", 1), film.format) == ((256, 256), 12, "WEBP")
        film.seek(11)
        film.load()
        assert film.info["duration"] == 100


def remake() -> None:
    """`python -m tests.imaging.test_imaging_golden`: write the pictures anew. Look at each before keeping it."""
    for name, data in (("ct", nameless("phantom/ct_phantom_explicit.dcm")), *((n, m()) for n, m in PICTURES.items())):
        with Image.open(BytesIO(pictured(previewed(data)).data)) as picture:
            picture.save(GOLDEN / f"{name}.png")


if __name__ == "__main__":
    remake()
