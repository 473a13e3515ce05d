"""JPEG photographs: recognised by their start-of-image marker (ITU-T T.81 B.1.1)."""

from ernbot.imaging.model import Format


def _sniff(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff")


FORMAT = Format(
    name="JPEG",
    mimetypes=frozenset({"image/jpeg", "image/jpg", "image/pjpeg"}),
    sniff=_sniff,
    decoder="ernbot.imaging.photograph",
    cleaner="ernbot.imaging.deid.jpeg",
)
