"""Several pictures in one, at sizes that fit a preview. Runs in the sandbox only.

Lays out pixels and knows nothing of what they show. No picture is cut: one that is not square keeps its proportions
on black.
"""

import math
from collections.abc import Sequence

from PIL import Image

from ernbot.imaging.model import LONGEST_SIDE

MOST = 9
"""Pictures in one montage: more would be too small to see anything in."""

_GAP = 4
_COLUMN = 4
"""Small pictures beside the large one, from top to bottom."""

SMALL = 130
LARGE = _COLUMN * SMALL + (_COLUMN - 1) * _GAP
"""Sides of the squares that pictures are fitted into, pixels."""


def beside(large: Image.Image, small: Sequence[Image.Image]) -> Image.Image:
    """One large picture on the left, up to eight small ones on the right, read from left to right."""
    columns = math.ceil(len(small) / _COLUMN)
    sheet = _sheet([large, *small], LARGE + columns * (_GAP + SMALL), LARGE)
    _place(sheet, large, 0, 0, LARGE)
    for index, picture in enumerate(small):
        row, column = divmod(index, columns)
        _place(sheet, picture, LARGE + _GAP + column * (SMALL + _GAP), row * (SMALL + _GAP), SMALL)
    return sheet


def grid(pictures: Sequence[Image.Image]) -> Image.Image:
    """Up to nine pictures of the same size, row by row."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    side = (LONGEST_SIDE - (columns - 1) * _GAP) // columns
    sheet = _sheet(pictures, columns * (side + _GAP) - _GAP, rows * (side + _GAP) - _GAP)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        _place(sheet, picture, column * (side + _GAP), row * (side + _GAP), side)
    return sheet


def _sheet(pictures: Sequence[Image.Image], width: int, height: int) -> Image.Image:
    return Image.new("L" if all(picture.mode == "L" for picture in pictures) else "RGB", (width, height))


def _place(sheet: Image.Image, picture: Image.Image, left: int, top: int, side: int) -> None:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    fitted = picture.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(fitted, (left + (side - size[0]) // 2, top + (side - size[1]) // 2))
