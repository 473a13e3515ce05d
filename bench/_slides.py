"""Made slides of any size, as a scanner would write them: levels of JPEG tiles, a thumbnail, a label and a macro.

Tiles are drawn once and repeated, so that a gigabyte is written in seconds and never held in memory.
"""

from __future__ import annotations

import argparse
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFilter

TILE = 256
STEP = 4
LEAST_SIDE = 512
_KINDS = 12
_STROMA, _NUCLEI = np.array((214, 128, 178)), (92, 52, 140)
_HEAD = "Aperio Image Library v11.2.1 \r\n"
_KEYS = "|AppMag = 20|StripeWidth = 2040|MPP = 0.4990"
_NAMING = "|ScanScope ID = ZZSCANNER|Filename = ZZDOE-JANE|User = zzuser"


def write_slide(path: Path, side: int, *, named: bool = True, **options: Any) -> int:
    """A square slide of about `side` pixels a side at `path`; returns its length, bytes.

    A named one holds what a scanner writes of a patient: file and user name, label and macro. About 20 kB a tile.
    """
    side = -(-side // TILE) * TILE
    tiles = [_tile(seed) for seed in range(_KINDS)]
    sides = [side]
    while sides[-1] // STEP >= LEAST_SIDE:
        sides.append(sides[-1] // STEP)
    keys = _KEYS + (_NAMING if named else "")
    with tifffile.TiffWriter(path, **options) as file:
        full = f"{side}x{side}"
        _level(file, tiles, side, f"{_HEAD}{full} [0,0 {full}] ({TILE}x{TILE}) JPEG/RGB Q=70{keys}")
        _picture(file, _scene((768, 768), ""), f"{_HEAD}{full} -> 768x768 -{keys}")
        for smaller in sides[1:]:
            size = f"{smaller}x{smaller}"
            _level(file, tiles, smaller, f"{_HEAD}{full} [0,0 {full}] ({TILE}x{TILE}) -> {size} JPEG/RGB Q=70")
        if named:
            _picture(file, _scene((387, 463), "ZZDOE^JANE"), f"{_HEAD}label 387x463", subfiletype=1)
            _picture(file, _scene((1280, 431), "ZZDOE^JANE"), f"{_HEAD}macro 1280x431", subfiletype=9)
    return path.stat().st_size


def side_for(length: int) -> int:
    """The side of a slide of about `length` bytes, pixels."""
    tile = sum(len(_tile(seed)) for seed in range(_KINDS)) / _KINDS
    return int((length / tile / (1 + 1 / STEP**2 + 1 / STEP**4)) ** 0.5 * TILE)


def _level(file: tifffile.TiffWriter, tiles: list[bytes], side: int, description: str) -> None:
    across = -(-side // TILE)
    file.write(
        _repeated(tiles, across * across),
        shape=(side, side, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="ycbcr",
        subsampling=(1, 1),
        compression="jpeg",
        description=description,
        metadata=None,
    )


def _repeated(tiles: list[bytes], count: int) -> Iterator[bytes]:
    return itertools.islice(itertools.cycle(tiles), count)


def _picture(file: tifffile.TiffWriter, picture: Image.Image, description: str, subfiletype: int = 0) -> None:
    file.write(
        np.asarray(picture),
        photometric="rgb",
        compression="lzw",
        predictor=True,
        rowsperstrip=64,
        subfiletype=subfiletype,
        description=description,
        metadata=None,
    )


def _scene(size: tuple[int, int], words: str) -> Image.Image:
    picture = Image.new("RGB", size, (242, 240, 244))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4), fill=(214, 120, 180))
    pen.text((10, 10), words, fill=(0, 0, 0))
    return picture


def _tile(seed: int) -> bytes:
    """Stroma and nuclei in the colours of haematoxylin and eosin."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 12, (TILE, TILE, 1))
    picture = Image.fromarray(np.clip(noise + _STROMA, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for x, y, radius in zip(*random.integers(0, TILE, (2, 60)), random.integers(3, 8, 60), strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_NUCLEI)
    encoded = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.8)).save(encoded, "JPEG", quality=75, subsampling=0)
    return encoded.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a made slide.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--mb", type=int, default=43, help="about how large, megabytes")
    arguments = parser.parse_args()
    length = arguments.mb * 1_000_000
    print(write_slide(arguments.path, side_for(length)), "bytes")


if __name__ == "__main__":
    main()
