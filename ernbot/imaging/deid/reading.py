"""A DICOM file as a de-identifier reads it: one data set, in order, and nothing behind it.

Elements stay raw, so that what is kept is written back byte for byte. Every read is bounded by the bytes that are
there: pydicom believes the lengths that a file declares.
"""

import io
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_dataset, read_partial, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ernbot.core.errors import Refused
from ernbot.imaging.model import MAX_FRAME_BYTES

PIXEL_DATA = 0x7FE00010

_MAX_INFLATED = MAX_FRAME_BYTES + 64 * 2**20
_PIECE = 16 * 2**10


@dataclass(frozen=True)
class Parsed:
    """A file as read. `syntax` is its transfer syntax, if it says one; `leftovers` name what follows the data set."""

    dataset: Dataset
    meta: Dataset
    syntax: str | None
    implicit: bool
    little: bool
    leftovers: frozenset[str]


class _Bounded(io.RawIOBase):
    """Never reads, and never allocates, more than there is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._file.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class _Order:
    """Tells pydicom to stop where tags no longer ascend: there the data set has ended and something else begins."""

    def __init__(self) -> None:
        self._last = -1
        self.leftovers: set[str] = set()

    def ended(self, tag: int, _vr: str | None, _length: int) -> bool:
        if tag > PIXEL_DATA or tag < self._last:  # pydicom may ask twice about the same element
            self.leftovers.add((tag > self._last and keyword_for_tag(tag)) or "TrailingBytes")
            return True
        self._last = tag
        return False


def read(file: BinaryIO) -> Parsed:
    """
    Raises `Refused`: `file-too-complex`, `file-broken`; and whatever pydicom raises on what cannot be parsed.
    """
    bounded: Any = _Bounded(file)
    order = _Order()
    preamble = read_preamble(bounded, True)
    meta = _read_file_meta_info(bounded)
    syntax = meta.get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = io.BytesIO(_inflate(bounded))
        dataset = read_dataset(inflated, is_implicit_VR=False, is_little_endian=True, stop_when=order.ended)
        dataset.set_original_encoding(False, True)
    else:
        bounded.seek(0)
        dataset = read_partial(bounded, stop_when=order.ended, force=True)
    if not len(dataset):  # pydicom forgets all that it has read where a sequence breaks off
        raise Refused("file-broken")
    if preamble and preamble.strip(b"\0"):
        order.leftovers.add("Preamble")
    implicit, little = map(bool, dataset.original_encoding)
    return Parsed(dataset, meta, str(syntax) if syntax else None, implicit, little, frozenset(order.leftovers))


def _inflate(file: BinaryIO) -> bytes:
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    while piece := file.read(_PIECE):  # no piece can become more than a thousand times as long
        inflated += inflater.decompress(piece)
        if len(inflated) > _MAX_INFLATED:
            raise Refused("file-too-complex")
    return bytes(inflated)
