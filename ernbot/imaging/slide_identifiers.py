"""What in a slide names a patient: the pictures of its label, texts in its tags. Names of tags only, never values.

A scanner photographs the glass with its label, and keeps both pictures in the file. Until they are gone a slide names
its patient, whatever its tags say.
"""

from collections.abc import Sequence

from ernbot.imaging import aperio
from ernbot.imaging.pyramid import (
    DESCRIPTION,
    IMAGE_LENGTH,
    IMAGE_WIDTH,
    MACRO,
    SUBFILE_TYPE,
    is_smaller,
    is_tiled,
)
from ernbot.imaging.slide_makers import HAMAMATSU_NUMBERS, Scan
from ernbot.imaging.tiff_directory import SUB_DIRECTORIES, Directory

_STRUCTURE = frozenset({254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296})
_CODING = frozenset({317, 318, 319, 322, 323, 324, 325, 338, 339, 347, 512, 513, 514, 519, 520, 521, 530, 531, 532})
PICTURE_TAGS = _STRUCTURE | _CODING | {SUB_DIRECTORIES, 32997, 32998}
"""Tags that say how the pixels are stored: numbers, places of directories that are judged themselves, and 32997 and
32998 the depth that libtiff added."""

_DEVICE = frozenset({271, 272, 305, 306, 34675})
"""Maker, model, software, time and colour profile: they go when a slide is cleaned, but name nobody."""

NAMES = {
    269: "DocumentName",
    270: "ImageDescription",
    271: "Make",
    272: "Model",
    285: "PageName",
    305: "Software",
    306: "DateTime",
    315: "Artist",
    316: "HostComputer",
    700: "XMP",
    33432: "Copyright",
    33723: "IPTC",
    34377: "Photoshop",
    34665: "EXIF",
    34675: "ICCProfile",
    34853: "GPSInfo",
    37510: "UserComment",
    40091: "XPTitle",
    40092: "XPComment",
    40093: "XPAuthor",
    40094: "XPKeywords",
    40095: "XPSubject",
}
"""Tags of TIFF 6.0 and EXIF that hold text; any other is a `PrivateTag`."""


def identifying(directories: Sequence[Directory], scan: Scan | None) -> list[str]:
    """Names of tags and pictures that may name the patient, sorted; without a `scan`, those that say so themselves."""
    return sorted(kind for kind in kinds(directories, scan) if kind not in {NAMES[tag] for tag in _DEVICE})


def kinds(directories: Sequence[Directory], scan: Scan | None) -> set[str]:
    """Names of all tags and pictures that are not needed to show the levels."""
    found = {kind for directory in directories if (kind := _picture(directory, scan))}
    for directory in directories:
        for tag in directory.entries.keys() - PICTURE_TAGS:
            is_number = scan is not None and scan.maker == "NDPI" and tag in HAMAMATSU_NUMBERS
            if is_number and directory.is_number(tag):
                continue
            if tag != DESCRIPTION or not _is_plain(directory.text(tag)):
                found.add(NAMES.get(tag, "PrivateTag"))
    return found


def _picture(directory: Directory, scan: Scan | None) -> str | None:
    """What a picture is called that is neither a level nor a small copy of one; None for those."""
    description = directory.text(DESCRIPTION)
    if called := aperio.associated(description):
        return called
    is_macro = directory.number(SUBFILE_TYPE) == MACRO
    if scan is None:
        return "macro" if is_macro else None
    if any(level.directory is directory for level in scan.levels):
        return None
    if scan.maker:
        return "macro"
    size = directory.number(IMAGE_WIDTH), directory.number(IMAGE_LENGTH)
    is_copy = not is_tiled(directory) and not directory.number(SUBFILE_TYPE) and is_smaller(scan.levels[0], *size)
    if is_copy:
        return None
    return "macro" if is_macro else "label"


def _is_plain(description: str) -> bool:
    return not description.strip() or aperio.is_plain(description)
