"""Previews of scans and photographs.

`worker.Previewer` is the way in. A format is one module that exports `FORMAT`, named in `FORMATS` below. The
decoders (pydicom, Pillow and the codecs) are imported by the sandboxed process only: this package stays light
for the process that holds the keys, and must never decode a picture in it.
"""

from ernbot.imaging import (
    archive,
    avif,
    bmp,
    czi,
    dicom,
    gif,
    heic,
    jpeg,
    openslide_formats,
    pdf,
    png,
    stl,
    svs,
    svslide,
    tiff,
    webp,
)
from ernbot.imaging.model import Facts, Format, Preview

FORMATS: tuple[Format, ...] = (
    dicom.FORMAT,
    jpeg.FORMAT,
    png.FORMAT,
    webp.FORMAT,
    svs.FORMAT,
    openslide_formats.FORMAT,
    tiff.FORMAT,
    czi.FORMAT,
    svslide.FORMAT,
    heic.FORMAT,
    avif.FORMAT,
    gif.FORMAT,
    bmp.FORMAT,
    archive.FORMAT,
    pdf.FORMAT,
    stl.FORMAT,
)
"""In the order in which they are asked: what has a sure sign, or is a special case of another, comes first."""

__all__ = ["FORMATS", "Facts", "Format", "Preview", "is_picture", "recognise"]

_PICTURES = (
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8", b"BM", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  "),
    *(b"\xff\x4f\xff\x51", b"8BPS", b"\x1aE\xdf\xa3"),
)
"""How TIFF (and most raw photographs), BigTIFF, GIF, BMP, JPEG XL, JPEG 2000, Photoshop and Matroska begin; `ftyp`
boxes are HEIC, AVIF, MP4 and QuickTime, `RIFF` WebP and AVI."""

_RIFF_PICTURES = frozenset({b"WEBP", b"AVI "})


def is_picture(data: bytes, claimed: str | None) -> bool:
    """Whether this may be a photograph or a film of any kind, also of those that we cannot show."""
    in_box = data[4:8] == b"ftyp" or (data.startswith(b"RIFF") and data[8:12] in _RIFF_PICTURES)
    return data.startswith(_PICTURES) or in_box or (claimed or "").lower().startswith(("image/", "video/"))


def recognise(data: bytes) -> Format | None:
    """The format that this content is, judged by its first bytes; None for anything else."""
    return next((format_ for format_ in FORMATS if format_.sniff(data)), None)
