"""Made slides for the tests, small ones: every coding, byte order and lie that a scanner or an attacker may write."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageDraw

from ernbot.imaging import svs
from ernbot.imaging.deid import slide as cleaner
from ernbot.imaging.deid.model import Policy, Report
from tests.imaging.imaging_samples import Array, sample

TILE = 64
HEAD = "Aperio Image Library v11.2.1 \r\n"
POLICY = Policy(secret=bytes(32))


class Pipe:
    """What a cleaner writes to: it can neither be read nor sought."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)


def cleaned(data: bytes) -> tuple[bytes, Report]:
    """What the cleaner makes of a slide, and what it says about it."""
    pipe = Pipe()
    report = cleaner.deidentify(BytesIO(data), pipe, POLICY)  # type: ignore[arg-type]
    return b"".join(pipe.pieces), report


def nameless_slide() -> bytes:
    """Our synthetic slide as the cleaner leaves it."""
    return cleaned(sample("slides/synthetic_pyramid.svs"))[0]


def tissue(width: int, height: int) -> Array:
    """A stain on glass, three colours, brighter to the right."""
    picture = Image.new("RGB", (width, height), (244, 242, 246))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((width // 8, height // 8, 7 * width // 8, 7 * height // 8), fill=(214, 128, 178))
    pen.ellipse((width // 2, height // 3, 3 * width // 4, height // 2), fill=(92, 52, 140))
    return np.asarray(picture)


def _stored(pixels: Array, coding: dict[str, Any]) -> Array:
    """The components that are written: tifffile takes those of YCbCr as they are."""
    is_ycbcr = coding["photometric"] == "ycbcr"
    return np.asarray(Image.fromarray(pixels).convert("YCbCr")) if is_ycbcr else pixels


def slide(
    sides: tuple[int, ...] = (512, 128),
    *,
    keys: str = "|AppMag = 20|MPP = 0.5000",
    head: str = HEAD,
    thumbnail: bool = False,
    label: bool = False,
    level: dict[str, Any] | None = None,
    **file_options: Any,
) -> bytes:
    """A square slide whose levels have these sides; `level` and `file_options` are those of tifffile's writer."""
    file = BytesIO()
    full = f"{sides[0]}x{sides[0]}"
    coding: dict[str, Any] = {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (1, 1)} | (level or {})
    with tifffile.TiffWriter(file, **file_options) as writer:
        for index, side in enumerate(sides):
            description = f"{head}{full} [0,0 {full}] ({TILE}x{TILE})"
            description += f" -> {side}x{side} JPEG/RGB Q=70" if index else f" JPEG/RGB Q=70{keys}"
            options = {"tile": (TILE, TILE), "description": description if head else None, "metadata": None, **coding}
            writer.write(_stored(tissue(side, side), coding), **options)
            if not index and thumbnail:
                writer.write(tissue(100, 100), photometric="rgb", description=f"{head}{full} -> 100x100 -{keys}")
        if label:
            writer.write(tissue(80, 90), photometric="rgb", subfiletype=1, description=f"{head}label 80x90")
            writer.write(tissue(90, 40), photometric="rgb", subfiletype=9, description=f"{head}macro 90x40")
    return file.getvalue()


def moved_to_the_end(data: bytes) -> bytes:
    """The first directory of a little-endian slide, and its description, behind 64 KiB of tiles."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    moved = bytearray(data + bytes(max(0, svs.HEAD - len(data))))
    struct.pack_into("<I", moved, 4, len(moved))
    return bytes(moved) + data[at : at + 2 + 12 * count + 4]
