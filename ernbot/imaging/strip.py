"""Several frames in one picture: one large, the others in a row beneath it. Runs in the sandbox only.

Lays out pixels and knows nothing of what they show.
"""

from collections.abc import Sequence

from PIL import Image

from ernbot.imaging.model import LONGEST_SIDE

MOST = 6
"""Small pictures beneath the large one."""

_GAP = 4
_LEAST = 480
"""Longest side, pixels, up to which a small frame is enlarged, so that something can be seen in the row."""


def beneath(large: Image.Image, small: Sequence[Image.Image]) -> Image.Image:
    """`large`, and up to `MOST` frames of the same shape in time or space, from left to right.

    At most `LONGEST_SIDE` wide and high.
    """
    scale = max(1.0, _LEAST / max(large.size))
    share = (1 - (MOST - 1) * _GAP / (large.width * scale)) / MOST
    if large.height * scale * (1 + share) + _GAP > LONGEST_SIDE:
        scale = (LONGEST_SIDE - _GAP) / (large.height * (1 + share))
    scale = min(scale, LONGEST_SIDE / large.width)
    width, height = _scaled(large, scale)
    side = max(1, (width - (MOST - 1) * _GAP) // MOST)
    row = _scaled(large, side / large.width)
    modes = {picture.mode for picture in (large, *small)}
    sheet = Image.new("L" if modes == {"L"} else "RGB", (width, min(LONGEST_SIDE, height + _GAP + row[1])))
    sheet.paste(large.resize((width, height), Image.Resampling.BICUBIC), (0, 0))
    for index, picture in enumerate(small):
        sheet.paste(picture.resize(row, Image.Resampling.BICUBIC), (index * (side + _GAP), height + _GAP))
    return sheet


def _scaled(picture: Image.Image, scale: float) -> tuple[int, int]:
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
