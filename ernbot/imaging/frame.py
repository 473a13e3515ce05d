"""The frames of a DICOM image: counted and checked against the bytes that are there, then decoded one by one.

Runs in the sandbox only. pydicom allocates what Rows and Columns declare before it looks at the data, and the
codecs trust their own headers. So every declared size is compared with the others and with the data first.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, RLELossless

from ernbot.core.errors import Refused
from ernbot.imaging import codecs, codestream
from ernbot.imaging.model import MAX_FRAME_BYTES
from ernbot.imaging.pixeldata import PIXELS, PixelValue

__all__ = ["PIXELS", "Frames", "count", "decode", "has_decoder", "known_name"]

Array = np.ndarray[Any, Any]

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
    """The frame at `index`, counted from 0, or the middle one, at full size.

    Raises as `Frames` does, and `file-broken` where rows are missing: who cannot mark them must not show them.
    """
    frames = Frames.of(dataset)
    if frames.rows < dataset.Rows:
        raise Refused("file-broken")
    return frames.decode(frames.count // 2 if index is None else index)


@dataclass(frozen=True)
class Frames:
    """The frames of a data set that are there, at least in part.

    `rows` is how many rows of the one frame are there where the others are missing; all of them otherwise.
    `truncated` says that the header declares more than that. `fragments` are where the pieces of compressed pixel
    data begin in it.
    """

    dataset: Dataset
    value: PixelValue
    count: int
    rows: int
    truncated: bool
    fragments: tuple[int, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Raises `Refused`: `file-too-complex` where one frame is larger than `MAX_FRAME_BYTES`,
        `file-unsupported` (syntax) without a decoder, `file-broken` where sizes contradict each other or no row
        is there.
        """
        for keyword, usual in _USUAL.items():
            dataset.setdefault(keyword, usual)
        bits, declared, rows = _bits(dataset), count(dataset), int(dataset.Rows)
        syntax, value = dataset.file_meta.TransferSyntaxUID, PixelValue.of(dataset)
        fragments: tuple[int, ...] = ()
        if syntax.is_encapsulated:
            if not codecs.is_known(syntax):
                raise Refused("file-unsupported", syntax=known_name(syntax))
            fragments = value.fragments()
            there = len(fragments)
        else:
            there = value.length * 8 // bits
            if not there:
                there, rows = 1, value.length * 8 * rows // bits
            # One colour after the other: where the last is missing, no row has its colours.
            if rows < dataset.Rows and int(dataset.SamplesPerPixel) > 1 and dataset.get("PlanarConfiguration") == 1:
                raise Refused("file-broken")
        if not there or not rows:
            raise Refused("file-broken")
        available = min(there, declared)
        return cls(dataset, value, available, rows, available < declared or rows < dataset.Rows, fragments)

    def decode(self, index: int, least: int = 0) -> Array:
        """Frame `index`: rows x columns, or rows x columns x 3 in RGB, in the stored type; missing rows are 0.

        With `least`, detail may be left out where that is cheaper, down to so many pixels along the longer side.
        Raises `Refused`: `file-broken`, `file-too-complex`; and what the codecs raise on broken data.
        """
        if not 0 <= index < self.count:
            raise Refused("file-broken")
        dataset, bits = self.dataset, _bits(self.dataset)
        syntax, size = dataset.file_meta.TransferSyntaxUID, math.ceil(bits / 8)
        bytearray(_COPIES * size)  # pydicom takes a decoder's want of memory for a broken file: ask before it does
        if not syntax.is_encapsulated:
            # Frames of single bits follow each other without a gap: they can begin inside a byte.
            first, skipped = divmod(index * bits, 8)
            length = math.ceil((skipped + bits) / 8)
            data = self.value.read(first, length + length % 2)  # whole words: their bytes may be swapped
            padded = data + bytes(max(0, size - len(data)))
            return _stored_bits(self._native(_aligned(padded, skipped, bits) if skipped else padded), dataset)
        data = self.value.codestream(self.fragments, index, self.count, dataset)
        if syntax == RLELossless:
            if size > _RLE_BEST * len(data):
                raise Refused("file-broken")
        else:
            decoded = codecs.decode(data, _stated(data, dataset), dataset, least)
            if decoded is not None:
                return decoded
        return _stored_bits(self._native(encapsulate([data])), dataset)

    def _native(self, pixels: bytes) -> Array:
        """What pydicom makes of one frame that is on its own."""
        single = self.dataset.group_dataset(0x0028)
        single.file_meta = self.dataset.file_meta
        single.pop("NumberOfFrames", None)  # the elements are shared: set, it would change in the other one too
        single.add_new(self.value.keyword, self.value.vr, pixels + bytes(len(pixels) % 2))
        return pixel_array(single, correct_unused_bits=False)  # it overlooks HighBit: see `_stored_bits`


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


def _aligned(data: bytes, skipped: int, bits: int) -> bytes:
    """The frame of single bits that begins `skipped` bits behind the first one (PS3.5 8.1.1: the lowest first)."""
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return np.packbits(unpacked[skipped : skipped + bits], bitorder="little").tobytes()


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
