"""Searches what was written for what was removed. The last door: it only ever closes.

The search is by bytes, so that it does not depend on how the file is parsed. Left out are numbers of up to seven
characters, and longer ones that came from no identifier, since measurements say them too. Words that the standard
needs are no find.
"""

import re
from collections.abc import Iterable, Iterator

from ernbot.core.errors import Refused
from ernbot.imaging.deid.cleaning import (
    SHORTEST_NAME,
    SHORTEST_TEXT,
    SHORTEST_UID,
    STANDARD_WORDS,
    Cleaner,
    strings,
)

_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
_IN_PIXELS = ("utf-8", "utf-16-le")
_SHORTEST_IN_PIXELS = 6
"""Bytes. Five given ones stand somewhere in a large picture by chance."""

_MEASURED = re.compile(r"[\d.+\-eE\s]*")


def check(head: bytes, pixels: bytes, cleaner: Cleaner, own: Iterable[str]) -> None:
    """Search the elements (`head`) and the pixel data of a cleaned file; `own` are the texts that we wrote ourselves.

    Raises `Refused`: `deid-incomplete` (kinds), with the keywords of the elements whose former values are still there.
    """
    kept = {word.casefold() for word in (*cleaner.written, *own)} | STANDARD_WORDS
    ours = " ".join(own).casefold()
    names = [(name, kind) for name, kind in strings(cleaner.names) if name.casefold() not in kept]
    names = [(name, kind) for name, kind in names if name.casefold() not in ours]
    texts = [(text, kind) for text, kind in _long(cleaner.texts, SHORTEST_TEXT) if text.casefold() not in kept]
    texts = [(text, kind) for text, kind in texts if not _MEASURED.fullmatch(text)]
    dates = [(date, kind) for date, kind in _long(cleaner.temporal, SHORTEST_TEXT) if date.casefold() not in kept]
    uids = [(uid, kind) for uid, kind in _long(cleaner.uids, SHORTEST_UID) if uid not in kept]
    lowered = head.lower()
    found = {kind for value, kind in (*names, *texts, *dates, *uids) if _stands_in(lowered, value)}
    for value, kind in (*names, *texts):
        spellings = (value.encode(encoding, "ignore") for encoding in _IN_PIXELS)
        if any(len(spelling) >= _SHORTEST_IN_PIXELS and spelling in pixels for spelling in spellings):
            found.add(kind)
    if found:
        raise Refused("deid-incomplete", kinds=", ".join(sorted(found)))


def _long(found: dict[str, str], shortest: int) -> Iterator[tuple[str, str]]:
    return ((value, kind) for value, kind in found.items() if len(value) >= shortest)


def _stands_in(lowered: bytes, value: str) -> bool:
    """Whether a value stands there as a word of its own: eight digits within a longer number are no date."""
    return any(
        spelling in lowered and re.search(rb"(?<![a-z0-9.])" + re.escape(spelling) + rb"(?![a-z0-9])", lowered)
        for spelling in _spellings(value)
    )


def _spellings(value: str) -> set[bytes]:
    """A value in each encoding, its letters as `bytes.lower` leaves them, which knows those of ASCII alone."""
    cases = (value, value.lower(), value.upper())
    spellings = {case.encode(encoding, "ignore").lower() for case in cases for encoding in _ENCODINGS}
    return {spelling for spelling in spellings if len(spelling) >= SHORTEST_NAME}
