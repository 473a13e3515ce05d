"""JPEG 2000 in both block codings, at full size or at a half, a quarter and so on. Runs in the sandbox only.

A codestream holds the picture in layers of resolution. A preview needs the coarse ones only, which cost a
sixteenth of the work of the whole. Values near edges overshoot in the coarse layers, so that their extremes
mean nothing. The sizes must have been checked before: both codecs allocate by what the codestream says.
"""

from io import BytesIO
from typing import Any

import numpy as np
from imagecodecs import htj2k_decode
from PIL import Image

from ernbot.imaging.codestream import Stated, j2k_start
from ernbot.imaging.model import MAX_FRAME_BYTES

Array = np.ndarray[Any, Any]

Image.MAX_IMAGE_PIXELS = MAX_FRAME_BYTES  # Pillow's own alarm, at the bound that `frame` has checked


def high_throughput(codestream: bytes, stated: Stated, least: int) -> Array:
    """Decode the block coding of ITU-T T.814 (HTJ2K): one array of rows x columns, or x components.

    `least` is the longest side, pixels, that the result must keep. Raises what the codec raises.
    """
    return np.asarray(htj2k_decode(codestream, skipres=halvings(stated, least) or None))


def one_component(codestream: bytes, stated: Stated, least: int) -> Array:
    """Decode grey of the block coding of ITU-T T.800 to rows x columns in 8 or 16 bits, signed as stated.

    `least` is the longest side, pixels, that the result must keep. Raises `OSError` on a broken codestream.
    """
    bare = codestream[j2k_start(codestream) :]
    for halved in range(halvings(stated, least), -1, -1):
        try:
            with Image.open(BytesIO(bare), formats=("JPEG2000",)) as picture:
                picture.reduce = halved  # type: ignore[method-assign, assignment]  # documented use, for this format
                picture.load()
                return _unstretched(np.asarray(picture), stated)
        except OSError:
            # Pillow rounds the halved size, the codec behind it takes the ceiling: where they differ, the
            # load fails, and the next larger picture is decoded. At full size they cannot differ.
            if not halved:
                raise
    raise AssertionError


def halvings(stated: Stated, least: int) -> int:
    """How often both sides can be halved with `least` pixels kept along the longer one; none for `least` 0."""
    times, side = 0, max(stated.width, stated.height)
    while least and times < stated.levels and side // 2 >= least:
        times, side = times + 1, side // 2
    return times


def _unstretched(values: Array, stated: Stated) -> Array:
    """Pillow spreads values over all of its 8 or 16 bits, and lifts signed ones by half of the range."""
    bits = values.dtype.itemsize * 8
    if not stated.signed:
        return np.asarray(values >> (bits - stated.precision))
    signed = (values ^ (1 << bits - 1)).view(np.int8 if bits == 8 else np.int16)
    return np.asarray(signed >> (bits - stated.precision))
