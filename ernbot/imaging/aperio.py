"""The ImageDescription of Aperio slides: what of it may be read, and how a new one is written.

The scanner writes `Aperio Image Library v…`, sizes, and then `|key = value` pairs, among them the names of the file,
the user, the scanner and whatever the laboratory's system adds. Only numbers of known keys are taken from it.
"""

import re

MAGIC = "Aperio"

_VERSION = r"Aperio (?:Image Library|Leica Biosystems GT450(?: DX)?) v\d{1,3}(?:\.\d{1,5}){0,3} ?\r?\n"
_SIZES = r"(?:label |macro )?\d+x\d+(?: \[\d+,\d+,? ?\d+x\d+\] \(\d+x\d+\))?(?: -> \d+x\d+)?"
_CODING = r"(?: -| (?:JPEG|J2K|JPEG2000|LZW|RAW)(?:/(?:RGB|YCC|YUV16|YCbCr|BGR))?(?: Q=\d{1,3}(?:\.\d+)?)?)? ?"
_HEAD = re.compile(f"(?:{_VERSION}{_SIZES}{_CODING};?)+")
_LABELLED = re.compile(r"^(label|macro)\b", re.MULTILINE)

_KEYS = frozenset({"AppMag", "MPP", "OriginalWidth", "OriginalHeight", "StripeWidth"})
_NUMBER = re.compile(r"\d{1,7}(?:\.\d{1,9})?")

_LARGEST_MAGNIFICATION, _LARGEST_MPP = 400.0, 1000.0


def keys(description: str) -> dict[str, str]:
    """The pairs of a description."""
    pairs = (pair.partition("=") for pair in description.split("|")[1:])
    return {key.strip(): value.strip() for key, _, value in pairs}


def is_plain(description: str) -> bool:
    """Whether it says nothing but sizes, coding, magnification and scale, so that nobody can be named in it."""
    head, pairs = description.partition("|")[0], keys(description)
    return _HEAD.fullmatch(head) is not None and all(
        key in _KEYS and _NUMBER.fullmatch(value) for key, value in pairs.items() if key or value
    )


def associated(description: str) -> str | None:
    """`label` or `macro` where the description calls its picture so."""
    found = _LABELLED.search(description)
    return found[1] if found else None


def magnification(description: str) -> float | None:
    """Of the objective (AppMag), times; None where the slide does not say."""
    return _positive(keys(description).get("AppMag"), _LARGEST_MAGNIFICATION)


def microns_per_pixel(description: str) -> float | None:
    """Of the largest level (MPP), micrometres; None where the slide does not say."""
    return _positive(keys(description).get("MPP"), _LARGEST_MPP)


def compose(
    full: tuple[int, int], tile: tuple[int, int] | None, own: tuple[int, int], scale: tuple[float | None, float | None]
) -> str:
    """A description of numbers alone. `full` and `own` are the sizes of the slide and of this picture of it, pixels;
    `tile` is None for the thumbnail; `scale` is magnification and micrometres per pixel.
    """
    width, height = full
    text = f"{MAGIC} Image Library v1.0.0 \r\n{width}x{height}"
    if tile:
        text += f" [0,0 {width}x{height}] ({tile[0]}x{tile[1]})"
    if own != full:
        text += f" -> {own[0]}x{own[1]}"
    if not tile:
        text += " -"
    for key, value in zip(("AppMag", "MPP"), scale, strict=True):
        if value is not None:
            text += f"|{key} = {value:.6g}"
    return text


def _positive(value: str | None, largest: float) -> float | None:
    if value is None or not _NUMBER.fullmatch(value):
        return None
    number = float(value)
    return number if 0 < number <= largest else None
