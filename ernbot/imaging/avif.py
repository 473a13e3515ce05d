"""AVIF pictures: recognised by the brands of their first box (AV1 Image File Format, section 6)."""

from ernbot.imaging import heic
from ernbot.imaging.model import Format

_AV1 = frozenset({b"avif", b"avis"})


def _sniff(data: bytes) -> bool:
    return bool(heic.brands(data) & _AV1) and not heic.FORMAT.sniff(data)


FORMAT = Format(
    name="AVIF",
    mimetypes=frozenset({"image/avif", "image/avif-sequence", "image/heif"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.redraw",
)
