"""Slides of Zeiss: recognised by the segment with which every CZI begins.

They hold a picture of their label in a file of its own inside, barcodes and names in XML, and pixels most often in JPEG
XR at places that overlap. So there is an overview of them, and no copy.
"""

from ernbot.imaging.model import Format

_MAGIC = b"ZISRAWFILE".ljust(16, b"\0")

FORMAT = Format(
    name="CZI",
    mimetypes=frozenset({"image/czi", "image/x-czi", "image/x-zeiss-czi", "image/vnd.zeiss.czi"}),
    sniff=lambda data: data.startswith(_MAGIC),
    decoder="ernbot.imaging.slide_czi",
    cleaner="ernbot.imaging.deid.labelled",
)
