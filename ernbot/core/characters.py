"""Characters of other people's words that could mislead a reader or break a page.

Text that somebody typed is shown as it is, but for characters that are not seen and yet change what is seen: a
bidirectional override can turn `5.1 mg` into `1.5 mg`. They become U+FFFD, so that the reader sees that something was
there. Line breaks of every kind become `\\n`. This module must not touch letters of any script.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates with their ends (Unicode Standard Annex 9, section 2)."""

_HARMFUL_CATEGORIES = frozenset({"Cc", "Cs", "Co"})
"""Controls, lone surrogates (no UTF-8 can hold them) and private use (no font agrees on them)."""


def harmless(text: str) -> str:
    """The text with `\\n` as its only line break and without misleading characters."""
    return "".join(map(_harmless, _LINE_BREAKS.sub("\n", text)))


def _harmless(character: str) -> str:
    if character in "\n\t":
        return character
    if character in _BIDI_CONTROLS or unicodedata.category(character) in _HARMFUL_CATEGORIES:
        return "\ufffd"
    return character


def right_to_left(text: str) -> bool:
    """Whether a letter of the text is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
