"""A bar under a picture that says how long something is in it. Runs in the sandbox only.

It stands on a margin of its own, so that nothing of the picture is covered. Its words are a number and a unit, which
need no translation.
"""

import math

from PIL import Image, ImageDraw, ImageFont

MARGIN = 40
"""Height of the margin, pixels."""

_LONGEST_PART = 0.3
_INK, _PAPER = (20, 20, 20), (255, 255, 255)
_LEFT, _THICK, _LETTERS = 14, 5, 20


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not above `longest`, in the same unit."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))


def words(microns: float) -> str:
    """`2 mm`, `500 µm`."""
    return f"{microns / 1000:.0f} mm" if microns >= 1000 else f"{microns:g} µm"


def with_scale_bar(picture: Image.Image, microns_per_pixel: float) -> Image.Image:
    """The picture with a bar of a round length below it; `microns_per_pixel` is that of this picture."""
    microns = round_length(picture.width * _LONGEST_PART * microns_per_pixel)
    length = round(microns / microns_per_pixel)
    sheet = Image.new("RGB", (picture.width, picture.height + MARGIN), _PAPER)
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    middle = picture.height + MARGIN // 2
    pen.rectangle((_LEFT, middle - _THICK // 2, _LEFT + length - 1, middle + _THICK // 2), fill=_INK)
    for end in (_LEFT, _LEFT + length - 1):
        pen.line((end, middle - 2 * _THICK, end, middle + 2 * _THICK), fill=_INK, width=2)
    _write(pen, (_LEFT + length + 10, middle + _LETTERS // 3), words(microns))
    return sheet


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str) -> None:
    """Words from `at`, the left end of their base line. The font has no micro sign: it is a `u` with a longer stem."""
    font = ImageFont.load_default(_LETTERS)
    pen.text(at, text.replace("µ", "u"), fill=_INK, font=font, anchor="ls")
    before, is_micro, _ = text.partition("µ")
    if is_micro:
        left = round(at[0] + font.getlength(before) + font.getbbox("u", anchor="ls")[0]) + 1
        pen.rectangle((left, at[1] - _LETTERS // 3, left + 1, at[1] + _LETTERS // 4), fill=_INK)
