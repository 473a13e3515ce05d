"""What the bot says, as data: keys and values that the sender puts into the reader's language.

A reply is a short document of parts. Nothing here is text in a language but the words of people (`Quote`), which are
shown as they were written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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


Value = datetime | date | int | str | Labels | Symbol
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
class Item:
    """One line of a list; `code` stands before it as something to type."""

    text: Text | Quote
    code: str | None = None
    kind: Literal["item"] = "item"


Part = Text | Heading | Quote | Fact | Item


@dataclass(frozen=True)
class Reply:
    """A document of parts in their order."""

    parts: tuple[Part, ...]


MAX_PAGE = 20_000
"""Bytes of the words of one message, so that it fits into an event; see `ernbot.core.form.MAX_TEXT`."""


def pages(reply: Reply) -> list[Reply]:
    """A long reply as several, cut between its parts."""
    cut: list[list[Part]] = [[]]
    room = MAX_PAGE
    for part in reply.parts:
        size = len(repr(part).encode())
        if size > room and cut[-1]:
            cut.append([])
            room = MAX_PAGE
        cut[-1].append(part)
        room -= size
    return [Reply(tuple(parts)) for parts in cut]


def say(key: str, **fields: Value) -> Reply:
    """A reply of one sentence."""
    return Reply((Text(key, fields),))
