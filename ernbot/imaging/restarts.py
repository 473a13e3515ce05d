"""One long JPEG stream cut into tiles at its restart markers (ITU-T T.81, E.1.4), as Hamamatsu's NDPI needs it.

A level of an NDPI is a single strip, too wide for JPEG to say how wide. Between two restart markers the coding starts
anew, and a tag says where: so some rows of such pieces, one below the other, are a JPEG of their own when their markers
are numbered again. Nothing is decoded here. Trusts no number of the file.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ernbot.core.errors import Refused
from ernbot.imaging.jpeg_segments import DHT, DQT, DRI, END, SOS, START, plain_jpeg, segments
from ernbot.imaging.tiff_directory import Directory

MAX_HEADER = 64 * 2**10
MAX_BAND = 64 * 2**20
"""Bytes of one row of tiles, which lie together in the file and are read together."""

_SEQUENTIAL = frozenset({0xC0, 0xC1})
_RESTART, _RESTARTS = 0xD0, 8
_BLOCK = 8
_TILE_HEIGHT = 256
_TILE_SIDE = 16
"""Sides of a tile are multiples of this: TIFF 6.0, section 15."""

Array = np.ndarray[Any, Any]


@dataclass(eq=False)
class Strip:
    """A strip as rows and columns of pieces. `begins` and `ends` are the places of the pieces in the file, one row of
    the array for each row of pieces; `prefix` and `tables` are what every tile needs before its pieces.
    """

    directory: Directory
    tile: tuple[int, int]
    rows: int
    prefix: bytes
    tables: bytes
    begins: Array
    ends: Array
    _band: tuple[int, bytes] = field(default=(-1, b""), repr=False)

    def places(self) -> tuple[Array, Array]:
        """Where each tile begins in the file, and how many bytes `read` makes of it, row by row."""
        bands = -(-len(self.begins) // self.rows)
        chosen = np.minimum(np.arange(bands * self.rows), len(self.begins) - 1)
        pieces = (self.ends - self.begins)[chosen].reshape(bands, self.rows, -1).sum(axis=1)
        return self.begins[:: self.rows].reshape(-1), pieces.reshape(-1) + len(self.prefix) + 2 * self.rows

    def read(self, index: int) -> bytes:
        """A tile as a JPEG without tables; the last row of pieces is repeated where the strip ends before the tile.

        Raises `Refused` `file-broken` where a piece does not stand behind a restart marker.
        """
        across = self.begins.shape[1]
        band, column = divmod(index, across)
        first, last = band * self.rows, min((band + 1) * self.rows, len(self.begins)) - 1
        start = int(self.begins[first, 0])
        data = self._held(band, start, int(self.ends[last, -1]) - start)
        parts = [self.prefix]
        for number in range(self.rows):
            row = min(first + number, last)
            begin, end = int(self.begins[row, column]) - start, int(self.ends[row, column]) - start
            if begin and not _is_restart(data[begin - 2 : begin]):
                raise Refused("file-broken")
            parts.append(data[begin:end])
            parts.append(bytes((0xFF, _RESTART + number % _RESTARTS)))
        return b"".join([*parts[:-1], END])

    def _held(self, band: int, start: int, length: int) -> bytes:
        if self._band[0] != band:
            self._band = band, self.directory.file.read_at(start, length)
        return self._band[1]


def strip(directory: Directory, size: tuple[int, int], place: tuple[int, int], starts: Array) -> Strip:
    """The strip of `size` pixels at `place` (offset and length, bytes), whose pieces are at `starts`, from its begin.

    Raises `Refused`: `file-broken` where sizes, markers and starts contradict each other, `file-too-complex` where a
    row of tiles is too large, `file-unsupported` (syntax) for a coding that cannot be cut.
    """
    at, length = place
    if not len(starts) or not 0 < starts[0] <= min(MAX_HEADER, length) or at + length > directory.file.size:
        raise Refused("file-broken")
    header = plain_jpeg(directory.file.read_at(at, int(starts[0])), keep_colour=False)
    found = {each.marker: header[each.begin : each.after] for each in segments(header)}
    frame = next((found[marker] for marker in _SEQUENTIAL & found.keys()), b"")
    if len(frame) < 10 or len(frame) != 10 + 3 * frame[9] or len(found.get(DRI, b"")) != 6 or SOS not in found:
        raise Refused("file-unsupported", syntax="NDPI")
    interval = int.from_bytes(found[DRI][4:6], "big")
    unit = _unit(frame)
    rows = _TILE_HEIGHT // unit[1]
    tile = interval * unit[0], rows * unit[1]
    in_row = -(-size[0] // unit[0])
    if not interval or in_row % interval or tile[0] % _TILE_SIDE:
        raise Refused("file-unsupported", syntax="NDPI")
    columns, lines = in_row // interval, -(-size[1] // unit[1])
    begins = np.asarray(starts, dtype=np.int64)
    if len(begins) != columns * lines or np.any(np.diff(begins) <= 2) or begins[-1] >= length:
        raise Refused("file-broken")
    places = at + np.stack([begins, np.append(begins[1:] - 2, _end(directory, at, int(begins[-1]), length))]).reshape(
        2, lines, columns
    )
    lasts = np.minimum(np.arange(rows - 1, lines + rows - 1, rows), lines - 1)
    if int((places[1, lasts, -1] - places[0, ::rows, 0]).max()) > MAX_BAND:
        raise Refused("file-too-complex")
    sized = frame[:5] + tile[1].to_bytes(2, "big") + tile[0].to_bytes(2, "big") + frame[9:]
    tables = b"".join(header[each.begin : each.after] for each in segments(header) if each.marker in (DQT, DHT))
    return Strip(
        directory=directory,
        tile=tile,
        rows=rows,
        prefix=START + found[DRI] + sized + found[SOS],
        tables=START + tables + END,
        begins=places[0],
        ends=places[1],
    )


def _end(directory: Directory, at: int, begin: int, length: int) -> int:
    """Where the last piece ends, which begins at `begin`: the strip may go on behind the picture."""
    if length - begin > MAX_BAND:
        raise Refused("file-too-complex")
    found = directory.file.read_at(at + begin, length - begin).find(END)
    return begin + found if found >= 0 else length


def _unit(frame: bytes) -> tuple[int, int]:
    """Width and height of what is coded at once, pixels (T.81, A.2): 8 x 8, larger where colours are coarser."""
    factors = [frame[at] for at in range(11, len(frame), 3)]
    if not factors or any(not 0 < factor >> 4 <= 4 or not 0 < factor & 15 <= 4 for factor in factors):
        raise Refused("file-broken")
    if len(factors) == 1:
        return _BLOCK, _BLOCK
    return _BLOCK * max(factor >> 4 for factor in factors), _BLOCK * max(factor & 15 for factor in factors)


def _is_restart(marker: bytes) -> bool:
    return len(marker) == 2 and marker[0] == 0xFF and _RESTART <= marker[1] < _RESTART + _RESTARTS
