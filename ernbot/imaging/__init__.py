"""Previews of scans and photographs.

`worker.Previewer` is the way in. A format is one module that exports `FORMAT`, named in `FORMATS` below. The
decoders (pydicom, Pillow and the codecs) are imported by the sandboxed process only: this package stays light
for the process that holds the keys, and must never decode a picture in it.
"""

from ernbot.imaging import dicom, jpeg, png
from ernbot.imaging.model import Facts, Format, Preview

FORMATS: tuple[Format, ...] = (dicom.FORMAT, jpeg.FORMAT, png.FORMAT)

__all__ = ["FORMATS", "Facts", "Format", "Preview", "recognise"]


def recognise(data: bytes) -> Format | None:
    """The format that this content is, judged by its first bytes; None for anything else."""
    return next((format_ for format_ in FORMATS if format_.sniff(data)), None)
