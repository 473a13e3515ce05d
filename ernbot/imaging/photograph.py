"""Photographs and screenshots, JPEG and PNG, from bytes to preview. Runs in the sandbox only.

A camera writes where it stood and whose it is; an image editor writes titles. A file in which such a field is
filled is refused, since the file itself stays as it was sent. The preview carries none of it in any case.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from ernbot.core.errors import Refused
from ernbot.imaging import rendering
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Facts, Options, Preview

Image.MAX_IMAGE_PIXELS = MAX_FRAME_BYTES  # Pillow's own alarm, at the bound that is checked below

_BASE_TEXT = (
    "Artist",
    "Copyright",
    "ImageDescription",
    "XPAuthor",
    "XPComment",
    "XPKeywords",
    "XPSubject",
    "XPTitle",
)
_CAMERA_TEXT = ("CameraOwnerName", "UserComment")
_PNG_TEXT = ("Author", "Comment", "Copyright", "Description", "Title")
_XMP_TEXT = (
    *(
        "dc:creator",
        "dc:description",
        "dc:rights",
        "dc:title",
        "exif:GPS",
        "Iptc4xmp",
        "aux:OwnerName",
        "mwg-rs:",
    ),
    *("photoshop:AuthorsPosition", "photoshop:CaptionWriter", "photoshop:City", "photoshop:Headline"),
)
_SAYS_NOTHING = frozenset({"", "Screenshot"})
"""What the screenshot function of Apple's systems writes as a comment, beside nothing at all."""

_IPTC_RESOURCE = 0x0404
_CHARACTER_CODE = 8
_TURNED = frozenset({5, 6, 7, 8})
"""Orientations in which rows and columns change places: EXIF 2.32, tag 0x0112."""


def previews(files: Sequence[BinaryIO], _options: Options) -> list[Preview]:
    """A preview of each file."""
    return [preview(file.read()) for file in files]


def preview(data: bytes) -> Preview:
    """The picture, upright, in sRGB, on white where it is transparent.

    Raises `Refused`: `file-names-patient` (kinds), `file-too-complex`, `file-broken`; and what Pillow raises
    on broken data.
    """
    try:
        opened = Image.open(BytesIO(data), formats=("JPEG", "PNG"))
    except Image.DecompressionBombError:
        raise Refused("file-too-complex") from None
    except UnidentifiedImageError:
        raise Refused("file-broken") from None
    with opened:
        if opened.width * opened.height * len(opened.getbands()) > MAX_FRAME_BYTES:
            raise Refused("file-too-complex")
        kinds = set(_identifying(opened))
        for page in range(1, getattr(opened, "n_frames", 1) if opened.format == "MPO" else 1):
            opened.seek(page)  # a multi-picture JPEG hides a second picture, with fields of its own
            kinds.update(_identifying(opened))
        opened.seek(0)
        if kinds:
            raise Refused("file-names-patient", kinds=", ".join(sorted(kinds)))
        return _render(opened)


def _render(opened: Image.Image) -> Preview:
    width, height = opened.size
    if opened.getexif().get(ExifTags.Base.Orientation) in _TURNED:
        width, height = height, width
    is_png = opened.format == "PNG"
    facts = Facts(
        format="PNG" if is_png else "JPEG",
        modality=None,
        body_part=None,
        width=width,
        height=height,
        frames=1,
        lossy=not is_png,
    )
    opened.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))  # JPEG can be decoded small: four times faster
    profile = opened.info.get("icc_profile")
    picture = _plain(opened)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(_screen_colours(picture, profile))
    return rendering.encode(upright, facts)


def _plain(image: Image.Image) -> Image.Image:
    """Mode L or RGB, whatever it was; keeps `info` and EXIF."""
    if image.mode.startswith("I"):
        grey = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
        grey.info = image.info  # Pillow clips sixteen bits instead of scaling them, so not `convert`
        return grey
    if image.has_transparency_data:
        solid = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(solid)
        white.info = image.info
        return white.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _screen_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    """sRGB: a phone's wide-gamut reds would look pale without the profile that the preview leaves out."""
    if not profile or image.mode != "RGB":
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB")) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _identifying(image: Image.Image) -> Iterator[str]:
    """Names of the fields that hold text or a place; the values stay here."""
    exif = image.getexif()
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    for name in _BASE_TEXT:
        if _holds_text(exif.get(ExifTags.Base[name])):
            yield name
    for name in _CAMERA_TEXT:
        value = camera.get(ExifTags.Base[name])
        # UserComment begins with the name of its character code, and cameras write it without a comment.
        if _holds_text(value[_CHARACTER_CODE:] if isinstance(value, bytes) else value):
            yield name
    if any(tag != ExifTags.GPS.GPSVersionID for tag in exif.get_ifd(ExifTags.IFD.GPSInfo)):
        yield "GPSInfo"
    texts: dict[str, Any] = getattr(image, "text", {})
    for name, value in texts.items():
        if name.title() in _PNG_TEXT and _holds_text(value):
            yield name.title()
    if _holds_text(image.info.get("comment")):
        yield "Comment"
    xmp = image.info.get("xmp") or texts.get("XML:com.adobe.xmp") or b""
    if any(word.encode() in (xmp if isinstance(xmp, bytes) else xmp.encode()) for word in _XMP_TEXT):
        yield "XMP"
    photoshop = image.info.get("photoshop")
    if isinstance(photoshop, dict) and photoshop.get(_IPTC_RESOURCE):
        yield "IPTC"


def _holds_text(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.replace("\0", "").strip() not in _SAYS_NOTHING
