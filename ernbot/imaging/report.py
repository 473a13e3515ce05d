"""Structured reports and selections of key images: the tree of a report as a page, without a word of its author.

Runs in the sandbox only. Drawn are names that the standard's dictionary has for a code, numbers and units. Texts,
names, dates and codes of others become a grey bar: any of them may say who the patient is.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging import concepts, drawing, references
from ernbot.imaging.attributes import number
from ernbot.imaging.drawing import TYPE_SIZE, font
from ernbot.imaging.model import LONGEST_SIDE, Fact, Options, Preview
from ernbot.imaging.objects import card, drawn
from ernbot.imaging.references import Reference

_MOST_ITEMS = 50_000
_MOST_DEPTH = 64
_LINES = 34
_TILES = 9
_LINE = 22
_MARGIN = 18
_INDENT = 20
_DEEPEST_INDENT = 10
_BAR = 90

_INK, _QUIET, _HIDDEN, _PAPER = 20, 120, 205, 255

_HIDES = frozenset({"TEXT", "PNAME", "DATE", "TIME", "DATETIME", "UIDREF", "CODE"})
"""Value types of PS3.3 table C.17.3-7 that are, or may be, words of the author."""


@dataclass(frozen=True)
class _Line:
    """One content item: its depth, and its name and value as far as they may be shown."""

    depth: int
    name: str | None
    value: str | None
    is_heading: bool = False


def preview(dataset: Dataset, _options: Options) -> Preview:
    """The first page of a report, PS3.3 section A.35; a card where no word of it may be shown.

    Raises `Refused` `file-too-complex` for a tree of more than `_MOST_ITEMS` items or `_MOST_DEPTH` levels.
    """
    lines = list(_lines(dataset, 0))
    if len(lines) > _MOST_ITEMS:
        raise Refused("file-too-complex")
    hidden = sum((line.name is None) + (line.value is None) for line in lines)
    details = [Fact("items", len(lines))] + ([Fact("hidden-texts", hidden)] if hidden else [])
    if not any(line.name or line.value for line in lines):
        return card(dataset, "report", *details)
    return drawn(_page([line for line in lines if (line.name, line.value) != ("", "")]), dataset, "report", *details)


def key_objects(dataset: Dataset, options: Options) -> Preview:
    """The selected images that the room has, PS3.3 section A.35.4; a card without any."""
    selected = list(dict.fromkeys(_selected(dataset)))
    candidates = {reference.uid: reference for reference in references.images(options)}
    found = [candidates[uid] for uid in selected if uid in candidates]
    tiles = [tile for tile in map(Reference.picture, found[:_TILES]) if tile]
    counted = Fact("images", len(selected))
    if not tiles:
        return card(dataset, "key-objects", counted, *([Fact("not-in-the-room")] if selected else []))
    missing = [Fact("not-in-the-room")] if len(found) < len(selected) else []
    return drawn(drawing.sheet(tiles), dataset, "key-objects", counted, *missing, frames=len(tiles))


def _selected(dataset: Dataset) -> Iterator[str]:
    for item in dataset.get("ContentSequence") or []:
        if item.get("ValueType") in ("IMAGE", "COMPOSITE", "WAVEFORM"):
            for reference in item.get("ReferencedSOPSequence") or []:
                yield str(reference.get("ReferencedSOPInstanceUID"))


def _lines(item: Dataset, depth: int) -> Iterator[_Line]:
    """A content item and what it contains, in the order of reading."""
    if depth > _MOST_DEPTH:
        raise Refused("file-too-complex")
    yield _Line(depth, *_words(item))
    for child in item.get("ContentSequence") or []:
        yield from _lines(child, depth + 1)


def _words(item: Dataset) -> tuple[str | None, str | None, bool]:
    """Name, value, and whether it is a heading. None is what may not be shown; an empty word is none at all."""
    kind = str(item.get("ValueType") or "")
    named = item.get("ConceptNameCodeSequence")
    name = concepts.name(named[0]) if named else ""
    if kind == "NUM":
        return name, _measured(item), False
    if kind == "CODE":
        return name, concepts.first(item, "ConceptCodeSequence"), False
    if kind in _HIDES:
        return name, None, False
    return name, "", kind == "CONTAINER"


def _measured(item: Dataset) -> str | None:
    """Number and unit; empty where nothing was measured, PS3.3 C.18.1."""
    measured = item.get("MeasuredValueSequence")
    if not measured or measured[0].get("NumericValue") is None:
        return ""
    value = number(measured[0], "NumericValue")
    units = measured[0].get("MeasurementUnitsCodeSequence")
    unit = concepts.unit(units[0]) if units else ""
    return None if value is None or unit is None else f"{value:.6g} {unit}".strip()


def _page(lines: list[_Line]) -> Image.Image:
    """Black on white, one line for each item, as many as one page holds."""
    shown = lines[: _LINES if len(lines) <= _LINES else _LINES - 1]
    height = 2 * _MARGIN + _LINE * (len(shown) + (len(lines) > len(shown)))
    page = Image.new("L", (LONGEST_SIDE, min(height, LONGEST_SIDE)), _PAPER)
    pen = ImageDraw.Draw(page)
    for index, line in enumerate(shown):
        _write(pen, line, _MARGIN + _INDENT * min(line.depth, _DEEPEST_INDENT), _MARGIN + _LINE * index)
    if len(lines) > len(shown):
        pen.text((_MARGIN, _MARGIN + _LINE * len(shown)), "…", font=font(TYPE_SIZE), fill=_QUIET)
    return page


def _write(pen: ImageDraw.ImageDraw, line: _Line, x: int, y: int) -> None:
    at = _word(pen, line.name, x, y, _INK if line.is_heading else _QUIET, LONGEST_SIDE * 2 // 3)
    if line.is_heading and line.name:
        pen.line((x, y + TYPE_SIZE + 4, at, y + TYPE_SIZE + 4), fill=_QUIET)
    if line.value != "" and line.name != "":
        at += 10
    _word(pen, line.value, at, y, _INK, LONGEST_SIDE - _MARGIN)


def _word(pen: ImageDraw.ImageDraw, word: str | None, x: int, y: int, ink: int, end: int) -> int:
    """Write a word, or a bar in the place of one, no further than `end`; where it ends."""
    if word is None:
        pen.rectangle((x, y + 3, x + _BAR, y + TYPE_SIZE), fill=_HIDDEN)
        return x + _BAR
    fitting = word
    while fitting and x + font(TYPE_SIZE).getlength(fitting) > end:
        fitting = fitting[:-2]
    text = fitting if fitting == word else fitting + "…"
    pen.text((x, y), text, font=font(TYPE_SIZE), fill=ink)
    return int(x + math.ceil(font(TYPE_SIZE).getlength(text)))
