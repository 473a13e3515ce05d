"""The block in which cameras write: the names of what goes, and the one number that stays. Runs in the sandbox only.

Pictures stay upright because of Orientation (EXIF 2.32, tag 0x0112). A fresh block is written for it, of which
every byte is known; nothing is ever copied from the old one.
"""

import struct
import warnings

from PIL import ExifTags, Image

from ernbot.imaging import identifiers

PREFIX = b"Exif\0\0"
"""What stands before the block in JPEG, and by mistake in some other formats."""

_NAMES = {tag.value: tag.name for tag in ExifTags.Base if tag.name in identifiers.EXIF_KINDS}
_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.Interop)
_UPRIGHT = 1
_ORIENTATIONS = range(1, 9)


def read(block: bytes) -> tuple[int, set[str]]:
    """Orientation, 1 where none can be read, and the names of what the block tells; of a broken one `Exif` alone."""
    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif.load(block if block.startswith(PREFIX) else PREFIX + block)
            return orientation(exif), told(exif)
    except Exception:  # a hostile block makes Pillow raise anything; it is dropped whole, so nothing depends on it
        return _UPRIGHT, {"Exif"}


def orientation(exif: Image.Exif) -> int:
    """A number from 1, upright, to 8."""
    value = exif.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and value in _ORIENTATIONS else _UPRIGHT


def told(exif: Image.Exif) -> set[str]:
    """Names of the tags that tell who, when, where or by which device, as in `identifiers.EXIF_KINDS`."""
    tags = {*exif, *(tag for ifd in _IFDS for tag in exif.get_ifd(ifd))}
    found = {_NAMES[tag] for tag in tags if tag in _NAMES}
    if exif.get_ifd(ExifTags.IFD.IFD1):
        found.add("Thumbnail")
    return found | ({"Exif"} if tags - {ExifTags.Base.Orientation} else set())


def only(orientation: int) -> bytes:
    """A block that holds this orientation and nothing else; empty where the picture is upright anyway."""
    if orientation == _UPRIGHT:
        return b""
    entry = struct.pack(">HHIHH", ExifTags.Base.Orientation, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
