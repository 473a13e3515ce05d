"""Slides that are only recognised, so that their sender is told by name what to export instead.

MIRAX and VMS are folders of files, which come as a zip or one by one. They hold the picture of a label, and nothing
here could take it out. So they must not stay in a room either.
"""

import re

from ernbot.core.errors import Refused

_SIGNS = {
    "MIRAX": re.compile(rb"(?:\xef\xbb\xbf)?\s*\[GENERAL\]\s.{0,4000}\bSLIDE_ID\s*=|01\.0\d[0-9A-F]{32}", re.DOTALL),
    "VMS": re.compile(rb"(?:\xef\xbb\xbf)?\s*\[(?:Uncompressed )?Virtual Microscope Specimen\]"),
}
"""How such a file begins; of MIRAX the index, or a file of pixels, which begins with the number of the slide."""


MIRAX_ENDING = ".mrxs"
"""Of the file that a pathologist calls the slide: a small JPEG, which can show the label, beside the folder with it."""


def refuse(head: bytes, ending: str = "") -> None:
    """Raise `Refused` `file-slide-export` (maker) where a file with these first 64 KiB belongs to such a slide.

    `ending` is that of its name, in small letters, where there is one.
    """
    if ending == MIRAX_ENDING:
        raise Refused("file-slide-export", maker="MIRAX")
    for maker, sign in _SIGNS.items():
        if sign.match(head):
            raise Refused("file-slide-export", maker=maker)
