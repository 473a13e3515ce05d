"""PDF documents, from bytes to a picture of their first pages. Runs in the sandbox only.

PDFium draws the pages. No script, form or link of a document is ever run: the form environment, without which
PDFium has none of them, is not opened. What a document says may name anybody, so its lines are counted and
none of them leaves.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

import pypdfium2
from PIL import Image, ImageChops

from ernbot.core.errors import Refused
from ernbot.imaging import rendering
from ernbot.imaging.model import LONGEST_SIDE, Fact, Facts, Options, Preview

_SHOWN = 4
_ACROSS = 2
_MOST_READ = 50
"""Pages that are drawn, how many of them beside each other, and pages in which lines are counted."""

_MOST_CHARACTERS = 100_000
_GAP = 6
_DESK = (200, 200, 200)
_PASSWORD = 4
"""FPDF_ERR_PASSWORD: the document is encrypted, and not with an empty password."""

_TEXTS = ("Author", "Keywords", "Subject", "Title")


def previews(files: Sequence[BinaryIO], _options: Options) -> list[Preview]:
    """A preview of each document, or a card where it is locked with a password.

    `writing` is the number of lines of text on its first pages; a page with marks but without text, as a scanner
    makes it, and a note on a page, count as one line. Raises `Refused`: `file-broken`.
    """
    return [_preview(file) for file in files]


def picture(document: pypdfium2.PdfDocument) -> Image.Image:
    """The first page, or the first four as a sheet; mode L or RGB. Raises `Refused`: `file-broken`."""
    drawn = _page(document, 0, LONGEST_SIDE) if len(document) == 1 else _sheet(document)
    grey = drawn.convert("L")
    # A page in black and white is smaller and sharper as PNG, which is what grey becomes.
    return grey if ImageChops.difference(drawn, grey.convert("RGB")).getbbox() is None else drawn


def _sheet(document: pypdfium2.PdfDocument) -> Image.Image:
    shown = min(len(document), _SHOWN)
    side = (LONGEST_SIDE - _GAP * (_ACROSS + 1)) // _ACROSS
    pages = [_page(document, number, side) for number in range(shown)]
    width, height = max(page.width for page in pages), max(page.height for page in pages)
    rows = math.ceil(shown / _ACROSS)
    sheet = Image.new("RGB", (_GAP + _ACROSS * (width + _GAP), _GAP + rows * (height + _GAP)), _DESK)
    for number, page in enumerate(pages):
        row, column = divmod(number, _ACROSS)
        sheet.paste(page, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    return sheet


def _preview(file: BinaryIO) -> Preview:
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD:
            return Preview(_facts(Fact("protected")), None)
        raise Refused("file-broken") from None
    with closing(document):
        if not len(document):
            raise Refused("file-broken")
        details = [Fact("pages", len(document))]
        if texts := sum(bool(document.get_metadata_value(key).strip()) for key in _TEXTS):
            details.append(Fact("hidden-texts", texts))
        drawn = rendering.encode(picture(document), _facts(*details))
        writing = sum(_lines(document, number) for number in range(min(len(document), _MOST_READ)))
    return replace(drawn, writing=writing)


def _facts(*details: Fact) -> Facts:
    return Facts("PDF", None, None, 0, 0, 1, lossy=False, kind="document", details=details)


def _page(document: pypdfium2.PdfDocument, number: int, side: int) -> Image.Image:
    """One page on white, its longest side `side` pixels, however large or small it says it is."""
    try:
        with closing(document[number]) as page:
            longest = max(page.get_size())
            if not 0 < longest < math.inf:
                raise Refused("file-broken")
            drawn = page.render(scale=side / longest, may_draw_forms=False, rev_byteorder=True)
            image: Image.Image = drawn.to_pil().convert("RGB")
            return image.crop((0, 0, min(side, image.width), min(side, image.height)))
    except pypdfium2.PdfiumError:
        raise Refused("file-broken") from None


def _lines(document: pypdfium2.PdfDocument, number: int) -> int:
    """Lines of text and notes on a page; one where there are marks in which no text can be found."""
    try:
        with closing(document[number]) as page, closing(page.get_textpage()) as text:
            found = text.get_text_range(0, min(text.count_chars(), _MOST_CHARACTERS))
            notes = pypdfium2.raw.FPDFPage_GetAnnotCount(page)
            lines = sum(bool(line.strip()) for line in found.splitlines()) + max(0, notes)
            return lines or int(pypdfium2.raw.FPDFPage_CountObjects(page) > 0)
    except pypdfium2.PdfiumError:
        return 1  # a page that cannot be read must be looked at
