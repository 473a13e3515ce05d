"""What a document says, before anybody decides how it looks: sections of a few kinds of blocks.

`outcome_paper` fills it from a case, `outcome.typ` prints it, `outcome_html` writes it for a browser, and the narrative
of a FHIR document is made from it: all three say the same. A block holds words of people as data, never as markup.
"""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from ernbot.core.characters import harmless

NOTHING = "–"
_OTHERWISE = str.maketrans({"\t": "    ", "\ufffe": "\ufffd", "\uffff": "\ufffd"})

Pair = tuple[str, str]


@dataclass(frozen=True)
class Prose:
    """Text; an empty line begins a new paragraph."""

    text: str
    strong: bool = False
    kind: Literal["prose"] = "prose"


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    pairs: tuple[Pair, ...]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Item:
    """One item of a list: its number if it has one, what it is, its text, and details in a line of their own."""

    label: str
    text: str
    details: tuple[Pair, ...] = ()
    number: int | None = None


@dataclass(frozen=True)
class Items:
    """A list. All of its items have numbers, or none."""

    items: tuple[Item, ...]
    kind: Literal["items"] = "items"


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows. It needs no caption where the heading before it says what it is."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["table"] = "table"


Block = Prose | Facts | Items | Table


@dataclass(frozen=True)
class Section:
    """Blocks under a heading. `id` names it in addresses and in FHIR."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Paper:
    """A whole document. `facts` tell what it belongs to, `notes` what must be known before all else.

    `signed` is false for a draft; `created` is when the text came to be.
    """

    language: str
    title: str
    author: str
    reference: str
    disclaimer: str
    facts: tuple[Pair, ...]
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    signed: bool
    created: datetime

    def plain(self) -> dict[str, Any]:
        """The document as JSON values, with every text harmless and the direction of those from right to left."""
        content: dict[str, Any] = _clean(asdict(self) | {"created": self.created.isoformat()})
        return content


def clean(text: str) -> str:
    """A text without misleading characters; a tab has no width on paper, and XML 1.0 has no place for two of them."""
    return harmless(text).translate(_OTHERWISE)


def right_to_left(text: str) -> bool:
    """Whether a paragraph starts from the right: its first strong letter decides (Unicode Annex 9, rules P2 and P3)."""
    for character in text:
        match unicodedata.bidirectional(character):
            case "R" | "AL":
                return True
            case "L":
                return False
    return False


def _clean(content: Any) -> Any:
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list | tuple):
        return [_clean(item) for item in content]
    if isinstance(content, dict):
        return {key: _clean(value) for key, value in content.items()}
    return content
