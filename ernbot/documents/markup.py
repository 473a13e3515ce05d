"""The blocks of a document as markup that is HTML and well-formed XML at once.

A browser reads it, and so does FHIR, whose narratives are XHTML with few elements and attributes (R4, 2.4.0). Whatever
people wrote is escaped; direction is said for each text that starts from the right.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ernbot.documents.paper import Block, Facts, Item, Items, Pair, Prose, Table, clean, right_to_left


def element(tag: str, text: str, attributes: str = "") -> str:
    """A text in an element; line breaks become `<br />`."""
    words = clean(text)
    direction = ' dir="rtl"' if right_to_left(words) else ""
    return f"<{tag}{attributes}{direction}>{_escaped(words)}</{tag}>"


def blocks(content: Iterable[Block]) -> str:
    """The markup of blocks, one after the other."""
    return "\n".join(map(_block, content))


def _block(block: Block) -> str:
    match block:
        case Prose(text, strong):
            return paragraphs(text, strong=strong)
        case Facts(pairs):
            return facts(pairs)
        case Items(items):
            return _items(items)
        case Table():
            return _table(block)


def paragraphs(text: str, *, strong: bool = False) -> str:
    """A text, each of its paragraphs in an element of its own."""
    parts = [part for part in clean(text).split("\n\n") if part.strip()]
    if strong:
        return "\n".join(f"<p{_direction(part)}><strong>{_escaped(part)}</strong></p>" for part in parts)
    return "\n".join(element("p", part) for part in parts)


def facts(pairs: Iterable[Pair]) -> str:
    """Names with their values."""
    return "<dl>\n" + "\n".join(element("dt", name) + element("dd", value) for name, value in pairs) + "\n</dl>"


def _items(items: tuple[Item, ...]) -> str:
    tag = "ol" if all(item.number is not None for item in items) else "ul"
    return f"<{tag}>\n" + "\n".join(map(_item, items)) + f"\n</{tag}>"


def _item(item: Item) -> str:
    number = "" if item.number is None else f' value="{item.number}"'
    label = element("strong", f"{item.label}:")
    text = paragraphs(item.text)
    return f"<li{number}>{label}\n{text}" + (f"\n{facts(item.details)}" if item.details else "") + "</li>"


def _table(table: Table) -> str:
    header = "".join(element("th", name, ' scope="col"') for name in table.header)
    rows = "\n".join(
        "<tr>" + element("th", name, ' scope="row"') + "".join(element("td", cell) for cell in cells) + "</tr>"
        for name, *cells in table.rows
    )
    caption = element("caption", table.caption) + "\n" if table.caption else ""
    return f"<table>\n{caption}<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _direction(text: str) -> str:
    return ' dir="rtl"' if right_to_left(text) else ""


def _escaped(text: str) -> str:
    return escape(text).replace("\n", "<br />")
