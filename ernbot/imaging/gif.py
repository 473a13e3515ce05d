"""GIF pictures: recognised by signature, version and a logical screen (GIF89a specification, sections 17 and 18)."""

from ernbot.imaging.model import Format

_SCREEN_BYTES = 13


def _sniff(data: bytes) -> bool:
    return data.startswith((b"GIF87a", b"GIF89a")) and len(data) > _SCREEN_BYTES


FORMAT = Format(
    name="GIF",
    mimetypes=frozenset({"image/gif"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.redraw",
)
