"""Files of slides that are only recognised, so that their sender is told by name what to send instead.

MIRAX and VMS are folders of files, of which one alone is of no use: a zip of them all is shown (`slide_folder`). They
hold the picture of a label, and nothing here could take it out. So they must not stay in a room either.
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

BESIDE_PICTURES = frozenset({".vms", ".vmu"})
"""How the files of Hamamatsu end that say which pictures beside them are the slide, and which shows its label."""

IN_FOLDERS = frozenset(_SIGNS)
"""Makers whose slides are a folder of files."""


def refuse(head: bytes, ending: str = "") -> None:
    """Raise `Refused` `file-slide-part` (maker) where a file with these first 64 KiB belongs to such a slide.

    `ending` is that of its name, in small letters, where there is one.
    """
    called = "MIRAX" if ending == MIRAX_ENDING else maker(head)
    if called is not None:
        raise Refused("file-slide-part", maker=called)


def maker(head: bytes) -> str | None:
    """Whose slide a file with these first 64 KiB belongs to, one of `terms.SLIDE_MAKERS`; None for all others."""
    return next((called for called, sign in _SIGNS.items() if sign.match(head)), None)
