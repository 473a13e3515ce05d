"""TIFF files that may be slides: in tiles, by Hamamatsu or Ventana, or described beyond the head.

Most scanners that OpenSlide knows write TIFF, often with the directories at the end, and no first 64 KiB tell them from
a photograph. So this format takes all of these, and its decoder hands photographs on. What is no TIFF is only called by
its name: `other_slides`. OpenSlide itself needs a file by name, which a process that can write nothing cannot give it.
"""

from io import BytesIO

from ernbot.core.errors import Refused
from ernbot.imaging import svs, tiff_directory
from ernbot.imaging.model import Format

_TILE_WIDTH, _HAMAMATSU, _XMP = 322, 65420, 700
_VENTANA = b"iScan"


def _sniff(data: bytes) -> bool:
    if not tiff_directory.is_tiff(data):
        return False
    try:
        first = tiff_directory.first(BytesIO(data[: svs.HEAD]))
        return bool({_TILE_WIDTH, _HAMAMATSU} & first.entries.keys()) or _VENTANA in first.data(_XMP)
    except Refused:
        return True


FORMAT = Format(
    name="TIFF",
    mimetypes=svs.FORMAT.mimetypes | {"image/x-hamamatsu-ndpi"},
    sniff=_sniff,
    decoder="ernbot.imaging.slide",
    cleaner="ernbot.imaging.deid.slide",
)
"""A TIFF in tiles, of a maker, or with its directory at its end; must stand behind `svs.FORMAT`."""
