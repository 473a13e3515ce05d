"""WebP pictures: recognised by their RIFF header and form type (RFC 9649 section 2.4)."""

from collections.abc import Iterator

from ernbot.imaging.model import Format

HEADER_BYTES = 12


def _sniff(data: bytes) -> bool:
    return (data[:4], data[8:HEADER_BYTES]) == (b"RIFF", b"WEBP")


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Four-letter name and content of each chunk that is there, and whole, within the length of the RIFF header."""
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = HEADER_BYTES
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            return
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


FORMAT = Format(
    name="WebP",
    mimetypes=frozenset({"image/webp"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.webp",
)
