"""Pictures in containers that hide too much (TIFF, HEIC, AVIF, GIF, BMP): drawn again from their samples.

These have boxes within boxes, several pages, and offsets to anywhere. The answer is a new picture instead: upright,
in sRGB, without transparency and of the first page alone. HEIC and AVIF become JPEG of high quality, TIFF, GIF and
BMP become PNG with the very same samples; JPEG, PNG and WebP, whose cleaners come here when a profile cannot be
written anew, stay what they are. Runs in the sandbox only.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

from ernbot.imaging import photograph
from ernbot.imaging.deid import Policy, Report, exif, icc

_JPEG = frozenset({"JPEG", "HEIC", "AVIF"})
_QUALITY = 95
_SPEED = 3
"""zlib's level: a tenth larger than the best, in a third of the time."""

_DEEP_GREY = frozenset({"I;16", "I;16B", "I;16L"})
_IPTC, _XMP, _ICC, _PHOTOSHOP = 33723, 700, 34675, 34377


Stripped = tuple[Sequence[bytes | memoryview], set[str]]
"""The pieces of a new file, and the kinds of what was left out."""


def stripped_or_drawn(strip: Callable[[bytes], Stripped], file: BinaryIO, out: BinaryIO, policy: Policy) -> Report:
    """Write what `strip` leaves of a file; drawn again where its colours hang on a profile that cannot be kept.

    Raises what `strip` and `deidentify` raise.
    """
    try:
        pieces, kinds = strip(file.read())
    except icc.NeedsConversion:
        return deidentify(file, out, policy)
    for piece in pieces:
        out.write(piece)
    return Report(kinds=tuple(sorted(kinds)))


def deidentify(file: BinaryIO, out: BinaryIO, _policy: Policy) -> Report:
    """Raises `Refused`: `file-broken`, `file-too-complex`; and what Pillow raises on broken data."""
    file.seek(0)
    with photograph.opened(file) as image:
        kinds = _kinds(image)
        name, lossy = photograph.format_name(image), photograph.is_lossy(image, file)
        deep = image.mode in _DEEP_GREY
        picture = ImageOps.exif_transpose(image) if deep else photograph.upright(image)
    # From bare samples: Pillow otherwise carries comments, profiles and EXIF over.
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    encoded = BytesIO()
    if name in _JPEG:
        bare.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
    elif name == "WebP":
        bare.save(encoded, "WEBP", quality=_QUALITY, lossless=not lossy)
    else:
        bare.save(encoded, "PNG", compress_level=_SPEED)
    out.write(encoded.getbuffer())
    return Report(kinds=tuple(sorted(kinds)))


def _kinds(image: Image.Image) -> set[str]:
    tags = image.getexif()
    kinds = exif.told(tags) - ({"Exif"} if image.format == "TIFF" else set())  # its samples hang on tags, too
    found = {
        "Comment": image.info.get("comment"),
        "InterColorProfile": image.info.get("icc_profile") or tags.get(_ICC),
        "IPTC": tags.get(_IPTC) or tags.get(_PHOTOSHOP),
        "Pages": getattr(image, "n_frames", 1) > 1,
        "XMP": image.info.get("xmp") or tags.get(_XMP),
    }
    return kinds | {name for name, value in found.items() if value}
