"""Aperio slides: recognised by the description in their first directory, where that is within the head.

A scanner that writes its directories at the end gives no such sign: `openslide_formats` takes those, and the decoder
they share looks further.
"""

from io import BytesIO

from ernbot.core.errors import Refused
from ernbot.imaging import aperio, tiff_directory
from ernbot.imaging.model import Format

HEAD = 64 * 2**10
_DESCRIPTION = 270


def _sniff(data: bytes) -> bool:
    if not tiff_directory.is_tiff(data):
        return False
    try:
        first = tiff_directory.first(BytesIO(data[:HEAD]))
        return first.text(_DESCRIPTION).startswith(aperio.MAGIC)
    except Refused:
        return False


FORMAT = Format(
    name="SVS",
    mimetypes=frozenset({"image/x-aperio-svs", "image/svs", "image/tiff", "image/tif", "image/x-tiff"}),
    sniff=_sniff,
    decoder="ernbot.imaging.slide",
    cleaner="ernbot.imaging.deid.slide",
)
"""Recognised by its first directory; must stand before every other TIFF in `FORMATS`."""
