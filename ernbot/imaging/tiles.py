"""One tile of a slide, from its bytes to pixels, small where the codec can decode it small. Runs in the sandbox only.

An overview shows a hundredth of the pixels of a level. JPEG and JPEG 2000 decode to a half, a quarter or an eighth in a
fraction of the time, so the tiles are never decoded in full.
"""

import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
from imagecodecs import lzw_decode
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from ernbot.core.errors import Refused
from ernbot.imaging.jpeg_segments import END, START, adobe, plain_jpeg

SCALES = (8, 4, 2, 1)

WHOLE: dict[str, Callable[[BytesIO], ImageFile]] = {"JPEG": JpegImageFile, "PNG": PngImageFile, "BMP24": BmpImageFile}
"""Codings of tiles that are a file each, as MIRAX calls them."""


def jpeg(data: bytes, tables: bytes, size: tuple[int, int], *, is_rgb: bool, scale: int) -> Image.Image:
    """A tile of `size` pixels, `scale` times smaller, in mode L or RGB.

    `tables` are those that all tiles share, or nothing. Whether the components are RGB is said outside the stream, in
    TIFF and in DICOM alike, and decoders guess wrong. Raises `Refused` `file-broken` where the stream has another size.
    """
    shared = plain_jpeg(tables, keep_colour=False)[2:].removesuffix(END) if tables else b""
    stream = START + adobe(0 if is_rgb else 1) + shared + plain_jpeg(data, keep_colour=False)[2:]
    tile = JpegImageFile(BytesIO(stream))
    if tile.size != size or tile.mode not in ("L", "RGB"):
        raise Refused("file-broken")
    tile.draft(tile.mode, (max(1, size[0] // scale), max(1, size[1] // scale)))
    tile.load()
    return tile


def whole(data: bytes, coding: str, size: tuple[int, int]) -> Image.Image:
    """A tile of `size` pixels that is a file of its own, of one of the codings in `WHOLE`, in mode RGB.

    Raises `Refused` `file-broken` where it has another size, and what Pillow raises where it is broken.
    """
    with WHOLE[coding](BytesIO(data)) as tile:
        if tile.size != size or tile.mode not in ("L", "RGB"):
            raise Refused("file-broken")
        return tile.convert("RGB")


def jpeg2000(data: bytes, size: tuple[int, int], *, is_ycbcr: bool, scale: int) -> Image.Image:
    """A tile of `size` pixels, `scale` times smaller; `is_ycbcr` where the stream does not say so itself.

    Raises `Refused` `file-broken` where the stream has another size, and what Pillow raises where it is broken.
    """
    with Jpeg2KImageFile(BytesIO(data)) as tile:
        if tile.size != size or tile.mode not in ("L", "RGB"):
            raise Refused("file-broken")
        tile.reduce = scale.bit_length() - 1
        tile.load()
        if is_ycbcr and tile.mode == "RGB":
            return Image.frombytes("YCbCr", tile.size, tile.tobytes()).convert("RGB")
        return tile.copy()


def plain(data: bytes, compression: int, size: tuple[int, int], samples: int, *, differences: bool) -> Image.Image:
    """A tile without loss: bare, LZW or deflated (TIFF compressions 1, 5, 8 and 32946), eight bits a sample."""
    length = size[0] * size[1] * samples
    if compression == 5:
        data = bytes(lzw_decode(data, out=length))
    elif compression in (8, 32946):
        data = zlib.decompressobj().decompress(data, length)
    if len(data) < length:
        raise Refused("file-broken")
    pixels = np.frombuffer(data, np.uint8, length).reshape(size[1], size[0], samples)
    if differences:  # horizontal predictor, TIFF 6.0 section 14
        pixels = np.cumsum(pixels, axis=1, dtype=np.uint8)
    return Image.fromarray(pixels[..., 0] if samples == 1 else pixels)
