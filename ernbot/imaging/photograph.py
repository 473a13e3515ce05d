"""Photographs and screenshots, from bytes to preview: whatever Pillow and libheif decode. Runs in the sandbox only.

A camera writes where it stood and whose it is; an image editor writes titles. A file in which such a field is
filled is refused, since the file itself stays as it was sent. The preview carries none of it in any case.
Of an animation, or of several pages, the first picture is shown.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

import numpy as np
import pi_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from ernbot.core.errors import Refused
from ernbot.imaging import rendering, webp, writing
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Facts, Options, Preview
from ernbot.imaging.photo_fields import identifying, in_segments

Image.MAX_IMAGE_PIXELS = MAX_FRAME_BYTES  # Pillow's own alarm, at the bound that is checked below
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a worker has one core
pi_heif.options.DECODE_THREADS = 1
pi_heif.options.THUMBNAILS = False
pi_heif.register_heif_opener()

_NAMES = {
    JpegImagePlugin.JpegImageFile.format: "JPEG",
    PngImagePlugin.PngImageFile.format: "PNG",
    WebPImagePlugin.WebPImageFile.format: "WebP",
    TiffImagePlugin.TiffImageFile.format: "TIFF",
    AvifImagePlugin.AvifImageFile.format: "AVIF",
    pi_heif.HeifImageFile.format: "HEIC",
    GifImagePlugin.GifImageFile.format: "GIF",
    BmpImagePlugin.BmpImageFile.format: "BMP",
}
"""Names of our formats by those of Pillow. AVIF stands before HEIC: both may begin with the brand `mif1`."""

_SEVERAL = "MPO"
"""What Pillow calls a JPEG with a second picture after its end."""

_ALWAYS_LOSSY = frozenset({"JPEG", "HEIC", "AVIF"})
_LOSSY_COMPRESSION = frozenset({"jpeg", "tiff_jpeg", "webp"})
_HEAD = 64 * 2**10

_SAMPLE_BYTES = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2}
_TURNED = frozenset({5, 6, 7, 8})
"""Orientations in which rows and columns change places: EXIF 2.32, tag 0x0112."""


def previews(files: Sequence[BinaryIO], _options: Options, share: int = 1) -> list[Preview]:
    """A preview of each file, one of `share` pictures that are looked at together.

    Raises `Refused`: `file-names-patient` (kinds), `file-too-complex`, `file-broken`; and what Pillow raises
    on broken data.
    """
    return [_preview(file, share) for file in files]


@contextmanager
def opened(file: BinaryIO) -> Iterator[Image.Image]:
    """The picture of a file, not yet decoded, of a size that may be.

    Raises `Refused`: `file-too-complex`, `file-broken`.
    """
    try:
        image = Image.open(file, formats=tuple(_NAMES))
    except Image.DecompressionBombError:
        raise Refused("file-too-complex") from None
    except UnidentifiedImageError:
        raise Refused("file-broken") from None
    with image:
        sample = _SAMPLE_BYTES.get(image.mode, 1)
        if image.width * image.height * len(image.getbands()) * sample > MAX_FRAME_BYTES:
            raise Refused("file-too-complex")
        yield image


def format_name(image: Image.Image) -> str:
    """The name of our format that an open picture is of."""
    return "JPEG" if image.format == _SEVERAL else _NAMES[str(image.format)]


def is_lossy(image: Image.Image, file: BinaryIO) -> bool:
    """Whether the samples went through lossy compression in this file."""
    if image.format == "WEBP":
        file.seek(0)
        return not any(name == b"VP8L" for name, _ in webp.chunks(file.read()))
    return format_name(image) in _ALWAYS_LOSSY or image.info.get("compression") in _LOSSY_COMPRESSION


def upright(image: Image.Image, longest: int | None = None) -> Image.Image:
    """The picture as it should be seen: turned, in sRGB, on white where it is transparent, of mode L or RGB.

    With `longest` it is made smaller first, so that no side is longer.
    """
    if longest:
        scale = min(1.0, longest / max(image.size))
        # JPEG can be decoded small, by the first terms of each block alone: four times faster.
        image.draft(None, (round(image.width * scale), round(image.height * scale)))
    plain = _plain(image)
    if longest:
        plain.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    # Turned before the colours are converted: the picture that comes back from there knows of no orientation.
    return _screen_colours(ImageOps.exif_transpose(plain), image.info.get("icc_profile"))


def kinds(file: BinaryIO) -> set[str]:
    """The fields of a picture, not decoded, that say who somebody is. Raises as `opened` does."""
    with opened(file) as image:
        return _kinds(image, file)


def _kinds(image: Image.Image, file: BinaryIO) -> set[str]:
    found = set(identifying(image))
    if format_name(image) == "JPEG":
        file.seek(0)
        found.update(in_segments(file.read(MAX_FRAME_BYTES)))
    for page in range(1, _pages(image) if image.format in (_SEVERAL, "TIFF") else 1):
        image.seek(page)  # a multi-picture JPEG hides a second picture, with fields of its own
        found.update(identifying(image))
    image.seek(0)
    return found


def _pages(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1))


def _preview(file: BinaryIO, share: int) -> Preview:
    with opened(file) as image:
        if kinds := _kinds(image, file):
            raise Refused("file-names-patient", kinds=", ".join(sorted(kinds)))
        width, height = image.size
        # Pillow turns a TIFF by itself and gives the size that it then has.
        if image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in _TURNED:
            width, height = height, width
        facts = Facts(
            format=format_name(image),
            modality=None,
            body_part=None,
            width=width,
            height=height,
            frames=1 if image.format == _SEVERAL else _pages(image),
            lossy=is_lossy(image, file),
            kind="photograph",
            identifiable=True,
        )
        shown = upright(image, writing.LONGEST_PHOTOGRAPH)
        written = writing.photographed(shown, share)
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        return replace(rendering.encode(shown, facts), writing=written.words, places=written.places)


def _plain(image: Image.Image) -> Image.Image:
    """Mode L, RGB or CMYK, whatever it was; keeps `info` and EXIF."""
    if image.mode in _SAMPLE_BYTES:
        grey = Image.fromarray(_grey(image))
        grey.info = image.info
        return grey
    if image.has_transparency_data:
        solid = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(solid)
        white.info = image.info
        return white.convert("RGB")
    if image.mode == "CMYK":
        return image.copy()
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _grey(image: Image.Image) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Deep samples in eight bits; Pillow clips instead of scaling them, so not `convert`."""
    samples = np.asarray(image)
    if image.mode.startswith("I;16"):
        return (samples.astype(np.uint32) >> 8).astype(np.uint8)
    finite = np.nan_to_num(samples.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    return ((finite - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)


def _screen_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    """L or sRGB: a phone's wide-gamut reds would look pale without the profile that the preview leaves out."""
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile says nothing about the colours
    return image.convert("RGB") if image.mode == "CMYK" else image
