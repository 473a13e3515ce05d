"""Pens for what is drawn beside and over pixels: lines of type, legends, colour washes, contact sheets.

Runs in the sandbox only. It draws what it is given: callers hand in numbers and words of the standard, never text
of a file.
"""

import math
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ernbot.imaging.model import LONGEST_SIDE

Array = np.ndarray[Any, Any]
Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    *((230, 75, 60), (70, 190, 90), (80, 140, 255), (255, 200, 40)),
    *((200, 100, 230), (60, 210, 210), (255, 140, 40), (240, 130, 190)),
)
"""Colours that stay apart from each other and from grey, for what brings none along."""

TYPE_SIZE = 15
_LEGEND_LINES = 12
_PAPER_GREY = 24
_LEAST_SIDE = 512
_LINE = 1.4
"""Height of a line of type over the size of the type."""


@cache
def font(size: int) -> Any:
    """The type face that Pillow carries within itself: no file is opened."""
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """`text` in the letters that the type face has."""
    plain = unicodedata.normalize("NFKD", text.replace("µ", "u"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isprintable())


def shade(index: int) -> Colour:
    return PALETTE[index % len(PALETTE)]


def wash(picture: Image.Image, mask: Array, colour: Colour, strength: float = 0.4) -> Image.Image:
    """`picture` with `colour` laid over it where `mask` (rows x columns, 0.0 to 1.0, of any size) says so.

    A hard mask also gets its outline, so that what lies under it can still be judged.
    """
    alpha = Image.fromarray(np.rint(np.clip(mask, 0.0, 1.0) * 255).astype(np.uint8))
    alpha = alpha.resize(picture.size, Image.Resampling.BILINEAR)
    inside = np.asarray(alpha) > 127
    rim = inside & ~_eroded(inside)
    cover = np.where(rim, 255, np.asarray(alpha) * strength).astype(np.uint8)
    coloured = picture.convert("RGB")
    coloured.paste(Image.new("RGB", picture.size, colour), mask=Image.fromarray(cover))
    return coloured


def _eroded(inside: Array) -> Array:
    padded = np.pad(inside, 1, mode="edge")
    return np.asarray(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])


def legend(picture: Image.Image, entries: Sequence[tuple[Colour, str]]) -> Image.Image:
    """`picture` with a strip below it that says what each colour is; nothing is written over the picture."""
    shown = list(entries[:_LEGEND_LINES])
    if len(entries) > len(shown):
        shown[-1] = ((128, 128, 128), "…")
    if not shown:
        return picture
    line = round(TYPE_SIZE * _LINE)
    wanted = max(font(TYPE_SIZE).getlength(text) for _, text in shown) + 2 * TYPE_SIZE + 8
    columns = max(1, min(len(shown), int(picture.width // wanted)))
    rows = math.ceil(len(shown) / columns)
    strip = rows * line + 8
    picture = fit(picture, min(picture.width, LONGEST_SIDE), min(picture.height, LONGEST_SIDE - strip))
    width = min(LONGEST_SIDE, max(picture.width, math.ceil(wanted)))
    page = Image.new("RGB", (width, picture.height + strip), (0, 0, 0))
    page.paste(picture, ((width - picture.width) // 2, 0))
    pen = ImageDraw.Draw(page)
    for index, (colour, text) in enumerate(shown):
        x = 6 + (index % columns) * (width // columns)
        y = picture.height + 5 + (index // columns) * line
        pen.rectangle((x, y + 2, x + 12, y + 14), fill=colour)
        pen.text((x + 19, y), text, font=font(TYPE_SIZE), fill=(225, 225, 225))
    return page


def sheet(tiles: Sequence[Image.Image], columns: int | None = None, gap: int = 4) -> Image.Image:
    """Pictures side by side, each as large as fits when all get the same room."""
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    width = (LONGEST_SIDE - (columns - 1) * gap) // columns
    fitted = [fit(tile, width, width) for tile in tiles]
    height = max(tile.height for tile in fitted)
    page = Image.new(
        "RGB", (columns * width + (columns - 1) * gap, rows * height + (rows - 1) * gap), (_PAPER_GREY,) * 3
    )
    for index, tile in enumerate(fitted):
        x, y = (index % columns) * (width + gap), (index // columns) * (height + gap)
        page.paste(tile, (x + (width - tile.width) // 2, y + (height - tile.height) // 2))
    return page


def fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """`picture` as large as it can be within these pixels."""
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def enlarged(picture: Image.Image) -> Image.Image:
    """A small picture large enough to draw on."""
    return fit(picture, _LEAST_SIDE, _LEAST_SIDE) if max(picture.size) < _LEAST_SIDE else picture
