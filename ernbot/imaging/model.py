"""What the imaging gateway hands on: facts, a preview, and the description of a format.

Plain values only, so that they cross the pipe of the sandbox as JSON. Nothing in here may carry text that a
file brought along: a header can hold a name wherever it can hold text.
"""

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_SIDE = 800
"""Longest side of a preview, pixels: readable on a phone and on a desk, and a few hundred kilobytes."""

MAX_FRAME_BYTES = 256 * 2**20
"""Largest declared size of one decoded frame: a 16-bit mammogram has 60 MB, and the sandbox holds 1.2 GB."""


@dataclass(frozen=True)
class Facts:
    """What may be said in a room about a picture. `width` and `height` are those of the original, pixels."""

    format: str
    width: int
    height: int
    frames: int
    lossy: bool
    modality: str | None = None
    body_part: str | None = None


@dataclass(frozen=True)
class Preview:
    """A picture made from pixel values alone: no header, profile or comment of the original survives in it.

    `width` and `height` are those of `image`, pixels, at most `LONGEST_SIDE`.
    """

    image: bytes
    mimetype: str
    width: int
    height: int
    facts: Facts


@dataclass(frozen=True)
class Format:
    """One kind of file.

    `sniff` looks at content alone and decodes nothing, so that it may run beside the keys. `decoder` names
    the module whose `preview(data: bytes) -> Preview` only the sandbox imports.
    """

    name: str
    mimetypes: frozenset[str]
    sniff: Callable[[bytes], bool]
    decoder: str
