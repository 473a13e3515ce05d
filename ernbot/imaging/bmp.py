"""BMP pictures: recognised by their two letters and the length of the header that follows.

Two letters begin many a text, so the second header must be one that Windows or OS/2 has defined.
"""

from ernbot.imaging.model import Format

_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def _sniff(data: bytes) -> bool:
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _HEADERS


FORMAT = Format(
    name="BMP",
    mimetypes=frozenset({"image/bmp", "image/x-bmp", "image/x-ms-bmp"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.redraw",
)
