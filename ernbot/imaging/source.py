"""Where the bytes of a file are: in memory, or encrypted on disk.

A decoder asks for ranges, so that a slide of a gigabyte is never in memory as a whole. Whoever implements `Source`
must never write plaintext to a disk.
"""

from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """A file that does not change while it is looked at."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset` on; both lie within `size`."""
        ...


@dataclass(frozen=True)
class BytesSource:
    """A file in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]
