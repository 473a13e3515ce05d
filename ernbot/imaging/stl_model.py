"""STL surfaces, from bytes to triangles and a picture of them. Runs in the sandbox only.

A model whose free header or name could be somebody's is refused, since the file itself stays as it was sent. No word
of it is in the answer in any case.
"""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import rendering, stl, surface
from ernbot.imaging.free_text import could_name
from ernbot.imaging.model import Fact, Facts, Options, Preview

Array = np.ndarray[Any, Any]

_MOST_TRIANGLES = 2_000_000
_GROWTH = 1.8
"""Triangles that are drawn: above, every second, fourth, … is, and grows so that no hole can be seen."""

_HEAD = 1024
_PIECE = 2**20
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_NAME_LINE = re.compile(rb"(?mi)^[ \t]*(?:end)?solid([^\n]*)$")
_LAST_WORD = b"endfacet"
_WORDS = (b"endfacet", b"endloop", b"facet", b"normal", b"outer", b"loop", b"vertex")
_NUMBERS = 12
_FARTHEST = 1e7

_SIDES = ("width-mm", "depth-mm", "height-mm")


def previews(files: Sequence[BinaryIO], _options: Options) -> list[Preview]:
    """A preview of each model. A surface of a head shows a face: `identifiable`.

    STL has no unit; millimetres are what everybody means. Raises `Refused`: `file-names-patient` (kinds),
    `file-broken`, `file-too-complex`.
    """
    return [_preview(file) for file in files]


def picture(data: bytes) -> Image.Image:
    """Four views of an STL file, mode L. Raises `Refused` as `previews` does."""
    corners, _ = _triangles(BytesIO(data))
    return surface.sheet(corners)


def _preview(file: BinaryIO) -> Preview:
    corners, count = _triangles(file)
    size = corners.max((1, 2)) - corners.min((1, 2))
    lengths = (Fact(name, round(float(side), 1)) for name, side in zip(_SIDES, size, strict=True))
    details = (Fact("triangles", count), *lengths)
    facts = Facts("STL", None, None, 0, 0, 1, lossy=False, kind="model", identifiable=True, details=details)
    return rendering.encode(surface.sheet(corners), facts)


def _kinds(file: BinaryIO) -> Iterator[str]:
    """Where a model has words that could name somebody."""
    file.seek(0)
    head = file.read(stl.HEADER_BYTES)
    if not stl.is_ascii(head + file.read(_HEAD - len(head))):
        if could_name(head[:-4]):
            yield "Header"
        file.seek(stl.HEADER_BYTES + int.from_bytes(head[-4:], "little") * stl.TRIANGLE_BYTES)
        if could_name(file.read(_PIECE)):
            yield "TrailingData"
        return
    file.seek(0)
    rest, is_named = b"", False
    while not is_named and (data := file.read(_PIECE)):
        text = rest + data
        end = text.rfind(b"\n") + 1 or len(text)
        is_named = any(could_name(found[1]) for found in _NAME_LINE.finditer(text[:end]))
        rest = text[end:]
    if is_named or any(could_name(found[1]) for found in _NAME_LINE.finditer(rest)):
        yield "Name"


def _triangles(file: BinaryIO) -> tuple[Array, int]:
    """Corners, float32 of shape (axis, corner, triangle), of at most `_MOST_TRIANGLES`; and how many the file has."""
    file.seek(0)
    pieces = _text_pieces(file) if stl.is_ascii(file.read(_HEAD)) else _binary_pieces(file)
    kept: list[Array] = []
    count = held = 0
    step = 1
    for piece in pieces:
        kept.append(np.ascontiguousarray(piece[-count % step :: step].transpose(2, 1, 0)))
        count, held = count + len(piece), held + kept[-1].shape[2]
        if held > _MOST_TRIANGLES:
            step *= 2
            kept = [np.concatenate(kept, 2)[:, :, ::2]]
            held = kept[0].shape[2]
    if not held:
        raise Refused("file-broken")
    corners = np.concatenate(kept, 2)
    corners = corners[:, :, (np.abs(corners) < _FARTHEST).all((0, 1))]  # also without what is not a number
    if not corners.size:
        raise Refused("file-broken")
    if kinds := ", ".join(_kinds(file)):
        raise Refused("file-names-patient", kinds=kinds)
    if step > 1:  # those that are left grow, so that they cover for those left out
        middles = corners.mean(1, keepdims=True)
        corners = middles + (corners - middles) * np.float32(_GROWTH * step**0.5)
    return corners, count


def _binary_pieces(file: BinaryIO) -> Iterator[Array]:
    """The triangles that the header counts. Raises `Refused` where fewer are there."""
    size = file.seek(0, 2)
    file.seek(stl.HEADER_BYTES - 4)
    count = int.from_bytes(file.read(4), "little")
    if size < stl.HEADER_BYTES + count * stl.TRIANGLE_BYTES:
        raise Refused("file-broken")
    while count:
        data = file.read(min(count, _PIECE // stl.TRIANGLE_BYTES) * stl.TRIANGLE_BYTES)
        piece = np.frombuffer(data, _RECORD)
        if not len(piece):
            raise Refused("file-broken")
        count -= len(piece)
        yield piece["corners"]


def _text_pieces(file: BinaryIO) -> Iterator[Array]:
    """The facets of the text form. Raises `Refused` where anything but words and numbers of STL is between them."""
    file.seek(0)
    rest = b""
    while data := file.read(_PIECE):
        text = rest + data.lower()
        end = text.rfind(_LAST_WORD) + len(_LAST_WORD)
        if end < len(_LAST_WORD):
            if len(text) > 2 * _PIECE:
                raise Refused("file-broken")
            rest = text
            continue
        rest = text[end:]
        yield _facets(text[:end])
    if _NAME_LINE.sub(b"", rest).strip():
        raise Refused("file-broken")


def _facets(text: bytes) -> Array:
    text = _NAME_LINE.sub(b" ", text)
    for word in _WORDS:
        text = text.replace(word, b" ")
    try:
        numbers = np.fromstring(text, dtype="f4", sep=" ")
    except ValueError:
        raise Refused("file-broken") from None
    if len(numbers) % _NUMBERS:
        raise Refused("file-broken")
    return numbers.reshape(-1, 4, 3)[:, 1:]
