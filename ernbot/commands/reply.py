"""What the bot says, as data: keys and values that the sender puts into the reader's language.

A reply is a short document of parts. Nothing here is text in a language but the words of people (`Quote`), which are
shown as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import WrapSerializer, WrapValidator


@dataclass(frozen=True)
class Labels:
    """A name in several languages, as configuration gives it; the sender picks one."""

    labels: dict[str, str]
    kind: Literal["labels"] = "labels"


@dataclass(frozen=True)
class Symbol:
    """One of our own words (a state, a purpose, a role): the catalogue's message `<group>-<word>`."""

    group: str
    word: str
    kind: Literal["symbol"] = "symbol"


Value = datetime | date | int | float | str | Labels | Symbol
"""What fills a placeholder. A str is somebody's own words or a name and is never read as markup."""


def _dump(value: object, dump: Callable[[object], Any]) -> Any:
    """A day or a time as what it is: as mere text it would come back as text, and be shown in no language."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return dump(value)


def _load(value: object, load: Callable[[object], Any]) -> Any:
    match value:
        case {"moment": str(text)}:
            return datetime.fromisoformat(text)
        case {"day": str(text)}:
            return date.fromisoformat(text)
        case _:
            return load(value)


TYPED = (WrapSerializer(_dump), WrapValidator(_load))
"""Keeps a value's type on its way through the outbox."""

Fields = dict[str, Annotated[Value, *TYPED]]


@dataclass(frozen=True)
class Text:
    """A message of the catalogue with its fields; `code` in backticks and **strong** are its only markup."""

    key: str
    fields: Fields = field(default_factory=dict)
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Heading:
    """A message of the catalogue as a heading."""

    key: str
    fields: Fields = field(default_factory=dict)
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Quote:
    """The words of a person, verbatim, over one or many lines."""

    text: str
    kind: Literal["quote"] = "quote"


@dataclass(frozen=True)
class Fact:
    """A labelled value: `label` is a catalogue key or a label of a form; a str value is verbatim."""

    label: Text | Labels
    value: Annotated[Value | Text, *TYPED]
    kind: Literal["fact"] = "fact"


@dataclass(frozen=True)
class Line:
    """Several messages of the catalogue on one line, with points between them."""

    texts: tuple[Text, ...]
    kind: Literal["line"] = "line"


@dataclass(frozen=True)
class Item:
    """One line of a list; `code` stands before it as something to type, `room` is the room that it leads to.

    Of a line, the first of its messages leads there.
    """

    text: Text | Quote | Line
    code: str | None = None
    room: str | None = None
    kind: Literal["item"] = "item"


@dataclass(frozen=True)
class Blank:
    """One question of a template: `hints` are joined with strokes, `value` is filled in already."""

    id: str
    label: Labels | Text
    hints: tuple[Text | Labels | str, ...] = ()
    value: str = ""
    required: bool = False


@dataclass(frozen=True)
class Sheet:
    """A template to be copied, filled in and sent back; see `core.sheet`."""

    preamble: Text
    blanks: tuple[Blank, ...]
    kind: Literal["sheet"] = "sheet"


Part = Text | Heading | Quote | Fact | Item | Line | Sheet


@dataclass(frozen=True)
class Reply:
    """A document of parts in their order."""

    parts: tuple[Part, ...]


MAX_PAGE = 20_000
"""Bytes of words in one message. A Matrix event holds 65,536 bytes, a message says everything twice, as text and as
HTML, and encryption adds a third."""

MAX_PIECE = 4_500
"""Characters of one part, each of up to four bytes, so that a part fits into a message."""


def _pieces(part: Part) -> list[Part]:
    """A part that holds a long text as several, cut between words where there are any."""
    if isinstance(part, Sheet):
        return list(_sheets(part))
    text = part.text if isinstance(part, Quote) else part.value if isinstance(part, Fact) else None
    if not isinstance(text, str) or len(text) <= MAX_PIECE:
        return [part]
    pieces = re.findall(rf"(?s:.){{1,{MAX_PIECE}}}(?=\s|\Z)|(?s:.){{1,{MAX_PIECE}}}", text)
    if isinstance(part, Fact):
        return [replace(part, value=piece.strip()) for piece in pieces]
    return [Quote(piece.strip()) for piece in pieces]


def _sheets(sheet: Sheet) -> Iterator[Sheet]:
    """A template as several where what is filled in already is too long for one message."""
    blanks: list[Blank] = []
    for blank in sheet.blanks:
        pieces = [piece.text for piece in _pieces(Quote(blank.value)) if isinstance(piece, Quote)]
        for piece in pieces:
            if blanks and len(piece) + sum(len(other.value) for other in blanks) > MAX_PIECE:
                yield replace(sheet, blanks=tuple(blanks))
                blanks = []
            blanks.append(replace(blank, value=piece))
    yield replace(sheet, blanks=tuple(blanks))


def pages(reply: Reply) -> list[Reply]:
    """A long reply as several, cut between its parts and, where one part is too long, within it."""
    cut: list[list[Part]] = [[]]
    room = MAX_PAGE
    for piece in (piece for part in reply.parts for piece in _pieces(part)):
        size = len(repr(piece).encode())
        if size > room and cut[-1]:
            cut.append([])
            room = MAX_PAGE
        cut[-1].append(piece)
        room -= size
    return [Reply(tuple(parts)) for parts in cut]


def say(key: str, **fields: Value) -> Reply:
    """A reply of one sentence."""
    return Reply((Text(key, fields),))
