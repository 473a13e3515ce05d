"""Which fields of a photograph say who took it, where, or of whom. Runs in the sandbox only.

Names of fields only, those of `identifiers.PHOTOGRAPH_KINDS`: no value may leave these functions.
"""

import re
from collections.abc import Iterator
from typing import Any

from PIL import ExifTags, Image

from ernbot.imaging import jpeg_segments
from ernbot.imaging.free_text import could_name

_BASE_TEXT = (
    *("Artist", "Copyright", "DocumentName", "ImageDescription", "PageName"),
    *("XPAuthor", "XPComment", "XPKeywords", "XPSubject", "XPTitle"),
)
_CAMERA_TEXT = ("CameraOwnerName", "UserComment")
_PNG_TEXT = ("Author", "Comment", "Copyright", "Description", "Title")
_PNG_TOOL = re.compile(r"software|creation time|date:\w+|signature|raw profile type (exif|xmp|icc|icm)", re.IGNORECASE)
"""Texts of a PNG by which tools speak of themselves, and blocks that are read as such. Any other keyword may be
somebody's own: viewers of scans export `PatientName`."""

_XMP_TEXT = (
    *("dc:creator", "dc:description", "dc:rights", "dc:title", "exif:GPS", "Iptc4xmp", "aux:OwnerName", "mwg-rs:"),
    *("photoshop:AuthorsPosition", "photoshop:CaptionWriter", "photoshop:City", "photoshop:Headline"),
    *("dc:subject", "photoshop:Credit", "photoshop:Instructions", "photoshop:Source", "xmp:Label"),
    *("MPReg:PersonDisplayName", "MicrosoftPhoto:LastKeyword", "digiKam:", "lr:hierarchicalSubject"),
)
_SAYS_NOTHING = frozenset({"", "Screenshot"})
"""What the screenshot function of Apple's systems writes as a comment, beside nothing at all."""

_IPTC_RESOURCE = 0x0404
_IPTC_TAG = 33723
"""IPTC data as a resource of Photoshop, in JPEG, and as a tag of its own, in TIFF."""

_READ_ELSEWHERE = (b"Exif\0", b"http://ns.adobe.com/", b"ICC_PROFILE\0", b"MPF\0", b"Photoshop 3.0\0")
"""How those application segments of a JPEG begin in which fields are looked for by name."""

_TAIL = 64 * 2**10
_CHARACTER_CODE = 8
_XMP_NAME = "XML:com.adobe.xmp"


def identifying(image: Image.Image) -> Iterator[str]:
    """Names of the fields of the picture that is open now which hold text or a place."""
    exif = image.getexif()
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    for name in _BASE_TEXT:
        if _holds_text(exif.get(_NUMBERS[name])):
            yield name
    for name in _CAMERA_TEXT:
        value = camera.get(_NUMBERS[name])
        # UserComment begins with the name of its character code, and cameras write it without a comment.
        if _holds_text(value[_CHARACTER_CODE:] if isinstance(value, bytes) else value):
            yield name
    if any(tag != ExifTags.GPS.GPSVersionID for tag in exif.get_ifd(ExifTags.IFD.GPSInfo)):
        yield "GPSInfo"
    texts: dict[str, Any] = getattr(image, "text", {})
    for name, value in texts.items():
        if name != _XMP_NAME and not _PNG_TOOL.fullmatch(name) and _holds_text(value):
            yield name.title() if name.title() in _PNG_TEXT else "Text"
    if _holds_text(image.info.get("comment")):
        yield "Comment"
    xmp = image.info.get("xmp") or texts.get(_XMP_NAME) or b""
    if any(word.encode() in (xmp if isinstance(xmp, bytes) else xmp.encode()) for word in _XMP_TEXT):
        yield "XMP"
    photoshop = image.info.get("photoshop")
    if exif.get(_IPTC_TAG) or (isinstance(photoshop, dict) and photoshop.get(_IPTC_RESOURCE)):
        yield "IPTC"


def in_segments(data: bytes) -> Iterator[str]:
    """Names of what else in a JPEG holds text: segments of any kind, also between its scans, and bytes behind its end.

    A maker's numbers and a second picture say nothing; words do that no tool is known to write of itself.
    """
    for marker, _, begin, end, _ in jpeg_segments.segments(data):
        content = data[begin:end]
        if marker == jpeg_segments.COM:
            if _holds_text(content):
                yield "Comment"
        elif marker == jpeg_segments.EOI:
            if could_name(data[end : end + _TAIL]):
                yield "TrailingData"
        elif jpeg_segments.needed(marker, content) is None and not content.startswith(_READ_ELSEWHERE):
            told = jpeg_segments.colour(marker, content)
            if could_name(content[told:]):
                yield "ApplicationData"


_NUMBERS = {**{tag.name: tag.value for tag in ExifTags.Base}, "DocumentName": 0x010D}


def _holds_text(value: object) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.replace("\0", "").strip() not in _SAYS_NOTHING
