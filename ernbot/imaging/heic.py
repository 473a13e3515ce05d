"""HEIC photographs, as telephones take them: recognised by the brands of their first box (ISO/IEC 23008-12).

AVIF and films begin with the same kind of box. `brands` reads it for both formats.
"""

from ernbot.imaging.model import Format

_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_MOST_BRANDS = 64


def brands(data: bytes) -> frozenset[bytes]:
    """The major and the compatible brands of a file type box at the start, ISO/IEC 14496-12 section 4.3."""
    if data[4:8] != b"ftyp":
        return frozenset()
    size = min(int.from_bytes(data[:4], "big"), len(data), 16 + 4 * _MOST_BRANDS)
    return frozenset({data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))})


def _sniff(data: bytes) -> bool:
    return bool(brands(data) & _HEVC)


FORMAT = Format(
    name="HEIC",
    mimetypes=frozenset({"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.redraw",
)
