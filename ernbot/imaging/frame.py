"""One frame of a DICOM image: checked against the bytes that are there, then decoded.

Runs in the sandbox only. pydicom allocates what Rows and Columns declare before it looks at the data, and the
codecs trust their own headers. So every declared size is compared with the others and with the data first.
"""

import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, RLELossless

from ernbot.core.errors import Refused
from ernbot.imaging import codestream
from ernbot.imaging.model import MAX_FRAME_BYTES

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_COPIES = 3
"""Of a frame at the same time in the greediest decoder, the one of run lengths."""

_RLE_BEST = 64
"""PackBits (PS3.5 annex G) turns two bytes into at most 128."""


def count(dataset: Dataset) -> int:
    """Frames that the header declares; one where it declares none, or what is no number."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except ValueError:
        return 1


def decode(dataset: Dataset, index: int | None = None) -> "np.ndarray[Any, Any]":
    """The frame at `index`, counted from 0, or the middle one, in the stored type.

    It has rows x columns, or rows x columns x 3 in RGB.

    Raises `Refused`: `file-too-complex` above `MAX_FRAME_BYTES`, `file-unsupported` (syntax) without a
    decoder, `file-broken` where sizes contradict each other. A picture of which a part is missing is broken
    too: nothing in a preview could tell the reader that the black part was never sent.
    """
    dataset.NumberOfFrames = count(dataset)  # pydicom does not forgive what `count` does
    index = count(dataset) // 2 if index is None else index
    size = _declared(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        _check_encapsulated(dataset, syntax, index, size)
    elif size * count(dataset) > sum(len(dataset[name].value) for name in PIXELS if name in dataset):
        raise Refused("file-broken")
    bytearray(_COPIES * size)  # pydicom takes a decoder's want of memory for a broken file: ask before it does
    return pixel_array(dataset, index=index)


def _declared(dataset: Dataset) -> int:
    """Bytes of one decoded frame."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    samples, bits = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated)
    if not (rows > 0 and columns > 0 and samples in (1, 3) and bits in (1, 8, 16, 32, 64)):
        raise Refused("file-broken")
    values = rows * columns * samples
    if dataset.PhotometricInterpretation == "YBR_FULL_422" and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        values = values * 2 // 3  # two chroma samples for each two pixels: PS3.3 C.7.6.3.1.2
    size = math.ceil(values * bits / 8)
    if rows * columns * samples * max(bits, 8) // 8 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    return size


def _check_encapsulated(dataset: Dataset, syntax: UID, index: int, size: int) -> None:
    if not has_decoder(syntax):
        raise _unsupported(syntax)
    data = get_frame(dataset.PixelData, index, number_of_frames=count(dataset))
    if syntax == RLELossless:
        if size > _RLE_BEST * len(data):
            raise Refused("file-broken")
        return
    stated = codestream.stated(data)
    if stated is None:
        raise Refused("file-broken")
    if stated.width * stated.height * stated.components > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    if (stated.width, stated.height, stated.components) != (
        dataset.Columns,
        dataset.Rows,
        dataset.SamplesPerPixel,
    ):
        raise Refused("file-broken")
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and stated.precision != 8:
        raise _unsupported(syntax)


def has_decoder(syntax: UID) -> bool:
    """Whether an installed codec can decode this transfer syntax."""
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _unsupported(syntax: UID) -> Refused:
    return Refused("file-unsupported", syntax=known_name(syntax))


def known_name(uid: UID) -> str:
    """What the standard calls this UID; one that it does not know is not repeated."""
    return "DICOM" if uid.name == uid else uid.name
