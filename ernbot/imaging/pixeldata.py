"""Where the pixels of a data set lie, and the bytes of one frame. Runs in the sandbox only.

A film of a hundred megabytes is left in its file: only the bytes of the frames that are shown are read. Decodes
nothing and trusts no length.
"""

from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO, Self

from pydicom.dataset import Dataset
from pydicom.encaps import get_frame, parse_basic_offsets, parse_fragments

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_ITEM_HEAD = 8
"""Bytes of the tag and the length of a fragment, PS3.5 table A.4-1."""


@dataclass(frozen=True)
class PixelValue:
    """The value of the element that holds the pixels: `length` bytes from `start` of `file`."""

    keyword: str
    vr: str
    file: BinaryIO
    start: int
    length: int

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Raises `StopIteration` where no element holds pixels."""
        keyword = next(keyword for keyword in PIXELS if keyword in dataset)
        element: Any = dataset.get_item(keyword, keep_deferred=True)
        vr = element.VR or "OW"
        if element.value is not None:
            return cls(keyword, vr, BytesIO(element.value), 0, len(element.value))
        file = dataset.buffer  # the element was too long to be read with the others
        end = file.seek(0, SEEK_END)
        return cls(keyword, vr, file, element.value_tell, min(element.length, end - element.value_tell))

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from `offset` of the value, or fewer where it ends."""
        self.file.seek(self.start + offset)
        return self.file.read(max(0, min(length, self.length - offset)))

    def fragments(self) -> tuple[int, ...]:
        """Where the fragments of an encapsulated value begin, PS3.5 A.4; a frame has at least one."""
        self.file.seek(self.start)
        parse_basic_offsets(self.file)
        return tuple(offset - self.start for offset in parse_fragments(self.file)[1])

    def codestream(self, fragments: tuple[int, ...], index: int, count: int, dataset: Dataset) -> bytes:
        """The compressed bytes of frame `index` of `count`."""
        if len(fragments) == count:  # one for each, as nearly always: pydicom would count them every time
            start = fragments[index] + _ITEM_HEAD
            return self.read(start, int.from_bytes(self.read(start - 4, 4), "little"))
        self.file.seek(self.start)
        offsets = _extended_offsets(dataset)
        return get_frame(self.file, index, number_of_frames=count, extended_offsets=offsets)


def _extended_offsets(dataset: Dataset) -> tuple[bytes, bytes] | None:
    """The table of PS3.3 C.7.6.3.1.8, for frames beyond four gigabytes."""
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    return (tables[0], tables[1]) if tables[0] and tables[1] else None
