"""The frames of a DICOM image: counted and checked against the bytes that are there, then decoded one by one.

Runs in the sandbox only. pydicom allocates what Rows and Columns declare before it looks at the data, and the
codecs trust their own headers. So every declared size is compared with the others and with the data first.
"""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame, parse_basic_offsets, parse_fragments
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, RLELossless

from ernbot.core.errors import Refused
from ernbot.imaging import codecs, codestream
from ernbot.imaging.model import MAX_FRAME_BYTES

Array = np.ndarray[Any, Any]

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_NEEDED = ("Rows", "Columns", "BitsAllocated")
_USUAL = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelRepresentation": 0}
"""What old and careless writers leave out, and what they mean by that."""

_COPIES = 3
"""Of a frame at the same time in the greediest decoder, the one of run lengths."""

_RLE_BEST = 64
"""PackBits (PS3.5 annex G) turns two bytes into at most 128."""


def count(dataset: Dataset) -> int:
    """Frames that the header declares; one where it declares none, or what is no number."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        return 1


def decode(dataset: Dataset, index: int | None = None) -> Array:
    """The frame at `index`, counted from 0, or the middle one, at full size. Raises as `Frames` does."""
    frames = Frames.of(dataset)
    return frames.decode(frames.count // 2 if index is None else index)


@dataclass(frozen=True)
class Frames:
    """The frames of a data set that are there, at least in part.

    `rows` is how many rows of the one frame are there where the others are missing; all of them otherwise.
    `truncated` says that the header declares more than that.
    """

    dataset: Dataset
    count: int
    rows: int
    truncated: bool

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Raises `Refused`: `file-too-complex` where one frame is larger than `MAX_FRAME_BYTES`,
        `file-unsupported` (syntax) without a decoder, `file-broken` where sizes contradict each other or no row
        is there.
        """
        for keyword, usual in _USUAL.items():
            dataset.setdefault(keyword, usual)
        bits, declared, rows = _bits(dataset), count(dataset), int(dataset.Rows)
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            there = _encapsulated(dataset)
        else:
            name = next(name for name in PIXELS if name in dataset)
            there = len(dataset[name].value) * 8 // bits
            if not there:
                rows = _padded(dataset, name, bits)
                there = 1
        available = min(there, declared)
        dataset.NumberOfFrames = available  # pydicom does not forgive what is forgiven here
        return cls(dataset, available, rows, available < declared or rows < dataset.Rows)

    def decode(self, index: int, least: int = 0) -> Array:
        """Frame `index`: rows x columns, or rows x columns x 3 in RGB, in the stored type.

        With `least`, detail may be left out where that is cheaper, down to so many pixels along the longer side.
        Raises `Refused`: `file-broken`, `file-too-complex`; and what the codecs raise on broken data.
        """
        dataset, syntax = self.dataset, self.dataset.file_meta.TransferSyntaxUID
        size = math.ceil(_bits(dataset) / 8)
        bytearray(_COPIES * size)  # pydicom takes a decoder's want of memory for a broken file: ask before it does
        if syntax.is_encapsulated:
            data = get_frame(
                dataset.PixelData, index, number_of_frames=self.count, extended_offsets=_extended_offsets(dataset)
            )
            if syntax == RLELossless:
                if size > _RLE_BEST * len(data):
                    raise Refused("file-broken")
            else:
                decoded = codecs.decode(data, _stated(data, dataset), dataset, least)
                if decoded is not None:
                    return decoded
        return _stored_bits(pixel_array(dataset, index=index), dataset)


def _bits(dataset: Dataset) -> int:
    """Bits of one decoded frame, when all that is declared about its size is possible."""
    if not all(keyword in dataset for keyword in _NEEDED):
        raise Refused("file-broken")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    samples, bits = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated)
    if not (rows > 0 and columns > 0 and samples in (1, 3) and bits in (1, 8, 16, 32, 64)):
        raise Refused("file-broken")
    values = rows * columns * samples
    if values * max(bits, 8) // 8 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    if dataset.PhotometricInterpretation == "YBR_FULL_422" and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        values = values * 2 // 3  # two chroma samples for each two pixels: PS3.3 C.7.6.3.1.2
    return values * bits


def _padded(dataset: Dataset, name: str, bits: int) -> int:
    """Fill the only frame up with zeros; how many rows of it are there."""
    data = dataset[name].value
    rows = int(len(data) * 8 * int(dataset.Rows) // bits)
    planes = int(dataset.SamplesPerPixel) > 1 and dataset.get("PlanarConfiguration") == 1
    if not rows or planes:  # one colour after the other: where the last is missing, no row has its colours
        raise Refused("file-broken")
    dataset[name].value = data + bytes(math.ceil(bits / 8) - len(data))
    return rows


def _encapsulated(dataset: Dataset) -> int:
    """Frames that the fragments can hold: each has at least one, PS3.5 A.4."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not codecs.is_known(syntax):
        raise Refused("file-unsupported", syntax=known_name(syntax))
    pixels = BytesIO(dataset.PixelData)
    parse_basic_offsets(pixels)
    fragments, _ = parse_fragments(pixels)
    if not fragments:
        raise Refused("file-broken")
    return fragments


def _extended_offsets(dataset: Dataset) -> tuple[bytes, bytes] | None:
    """The table of PS3.3 C.7.6.3.1.8, for frames beyond four gigabytes."""
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    return (tables[0], tables[1]) if tables[0] and tables[1] else None


def _stated(data: bytes, dataset: Dataset) -> codestream.Stated:
    """What the codestream says about itself, when it agrees with the header."""
    stated = codestream.stated(data)
    if stated is None:
        raise Refused("file-broken")
    if stated.width * stated.height * stated.components > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    declared = (dataset.Columns, dataset.Rows, dataset.SamplesPerPixel)
    if (stated.width, stated.height, stated.components) != declared:
        raise Refused("file-broken")
    return stated


def _stored_bits(values: Array, dataset: Dataset) -> Array:
    """Values without the bits that do not belong to them: old files kept overlays there (PS3.5 8.1.2)."""
    allocated, stored = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    high = int(dataset.get("HighBit") or stored - 1)
    as_allocated = values.ndim == 2 and values.dtype.kind in "iu" and values.dtype.itemsize * 8 == allocated
    if not as_allocated or not 0 < stored <= high + 1 <= allocated or stored == allocated:
        return values
    return np.asarray(values << (allocated - 1 - high) >> (allocated - stored))


def has_decoder(syntax: UID) -> bool:
    """Whether an installed codec can decode this transfer syntax."""
    return codecs.is_known(syntax)


def known_name(uid: UID) -> str:
    """What the standard calls this UID; one that it does not know is not repeated."""
    return "DICOM" if uid.name == uid else uid.name
