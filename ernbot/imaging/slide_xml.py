"""The XML in which makers of scanners describe a slide: parsed within bounds, numbers alone taken from it.

It also holds barcodes, names of files and of people, so no text of it may leave; who asks gets numbers.
"""

import re
from xml.etree.ElementTree import Element, ParseError, XMLParser

from ernbot.core.errors import Refused

MAX_BYTES = 8 * 2**20
"""Philips keeps the pictures of label and glass in it."""

MAX_MARKS = 200_000
"""Beginnings and ends of elements together."""

_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,2})?")


def parsed(data: bytes) -> Element:
    """The root. Raises `Refused`: `file-too-complex`, `file-broken`; nothing that declares entities is read."""
    if len(data) > MAX_BYTES or data.count(b"<") > MAX_MARKS:
        raise Refused("file-too-complex")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Refused("file-broken")
    parser = XMLParser(encoding="utf-8")  # noqa: S314 - bounded, and without entities
    try:
        parser.feed(data.strip(b"\0 \r\n\t"))
        return parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise Refused("file-broken") from error


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def all_of(element: Element, name: str) -> list[Element]:
    """Every element below this one, or this one, that is called so."""
    return [found for found in element.iter() if local(found) == name]


def number(text: str | None, largest: float) -> float | None:
    """A positive number that is not above `largest`, or None."""
    stripped = (text or "").strip().strip('"')
    if not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped)
    return value if 0 < value <= largest else None


def whole(text: str | None, largest: int) -> int | None:
    """A whole number from 0 to `largest`, or None."""
    stripped = (text or "").strip()
    return (
        int(stripped)
        if stripped.isascii() and stripped.isdigit() and len(stripped) < 12 and int(stripped) <= largest
        else None
    )
