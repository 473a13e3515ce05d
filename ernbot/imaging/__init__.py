"""Previews of scans and photographs.

`worker.Previewer` is the way in. A format is one module that exports `FORMAT`, named in `FORMATS` below. The
decoders (pydicom, Pillow and the codecs) are imported by the sandboxed process only: this package stays light
for the process that holds the keys, and must never decode a picture in it.
"""

from ernbot.imaging import archive, dicom, jpeg, png
from ernbot.imaging.model import Facts, Format, Preview

FORMATS: tuple[Format, ...] = (dicom.FORMAT, jpeg.FORMAT, png.FORMAT, archive.FORMAT)

__all__ = ["FORMATS", "Facts", "Format", "Preview", "is_picture", "recognise"]

_PICTURES = (b"II*\0", b"MM\0*", b"GIF8", b"BM", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\x1aE\xdf\xa3")
"""How TIFF, GIF, BMP, JPEG XL and Matroska begin; `ftyp` boxes are HEIC, AVIF, MP4 and QuickTime."""


def is_picture(data: bytes, claimed: str | None) -> bool:
    """Whether this may be a photograph or a film of any kind, also of those that we cannot show."""
    by_content = data.startswith(_PICTURES) or data[4:8] == b"ftyp" or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
    return by_content or (claimed or "").lower().startswith(("image/", "video/"))


def recognise(data: bytes) -> Format | None:
    """The format that this content is, judged by its first bytes; None for anything else."""
    return next((format_ for format_ in FORMATS if format_.sniff(data)), None)
