"""PNG pictures: recognised by their signature (ISO/IEC 15948, 5.2)."""

from ernbot.imaging.model import Format

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _sniff(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


FORMAT = Format(
    name="PNG",
    mimetypes=frozenset({"image/png", "image/x-png", "image/apng"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.png",
)
