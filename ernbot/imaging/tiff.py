"""TIFF photographs and scans: recognised by the byte order and version of their header (TIFF 6.0 section 2).

Slides and other pyramids are TIFF files too: their formats must be asked first.
"""

from ernbot.imaging.model import Format

_STARTS = (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")
"""The last two are BigTIFF, with its offsets of eight bytes."""


def _sniff(data: bytes) -> bool:
    return data.startswith(_STARTS)


FORMAT = Format(
    name="TIFF",
    mimetypes=frozenset({"image/tiff", "image/tif", "image/x-tiff"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.redraw",
)
