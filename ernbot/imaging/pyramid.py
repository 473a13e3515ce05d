"""The levels of a slide in a tiled TIFF, and the overview that is drawn of them. Runs in the sandbox only.

A slide of a gigabyte is read tile by tile: the overview takes the smallest level that is large enough. What is not a
level (the label, the photograph of the glass, the thumbnail) is never decoded here.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import aperio, tiles
from ernbot.imaging.model import MAX_FRAME_BYTES
from ernbot.imaging.restarts import Strip
from ernbot.imaging.tiff_directory import Directory

SUBFILE_TYPE, DESCRIPTION = 254, 270
IMAGE_WIDTH, IMAGE_LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
SAMPLES, PLANAR, PREDICTOR = 277, 284, 317
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, TABLES = 322, 323, 324, 325, 347
JPEG, J2K_YCBCR, J2K_RGB, J2K = 7, 33003, 33005, 34712

MACRO = 9
"""NewSubfileType that Aperio gives to the photograph of the glass."""

MAX_SIDE = 10_000_000
MAX_TILE_SIDE = 8192
MAX_TILES = 4096
"""Tiles decoded for one overview: about two seconds."""

MAX_TILE_BYTES = 64 * 2**20
_RESOLUTION, _RESOLUTION_UNIT = 282, 296
_UNITS = {2: 25_400.0, 3: 10_000.0}
"""Micrometres of an inch and of a centimetre, by ResolutionUnit (TIFF 6.0, section 8)."""

_LEAST_MPP, LARGEST_MPP = 0.02, 50.0
"""What a scanner's resolution can be; 72 or 300 dots per inch is what other programs write without measuring."""

_PLAIN = frozenset({1, 5, 8, 32946})
_J2K = frozenset({J2K_YCBCR, J2K_RGB, J2K})
_RGB, _YCBCR = 2, 6
_PAPER = (255, 255, 255)
_WINDOW = 256 * 2**10


class Window:
    """A file that is read a stretch at a time: neighbouring tiles cost one read, which may cross a pipe."""

    def __init__(self, file: BinaryIO, stretch: int = _WINDOW) -> None:
        self._file, self._stretch, self._at, self._data = file, stretch, 0, b""

    def read(self, at: int, length: int) -> bytes:
        """These bytes, or those of them that are there."""
        if at < self._at or at + length > self._at + len(self._data):
            self._file.seek(at)
            self._at, self._data = at, self._file.read(max(length, self._stretch))
        return self._data[at - self._at : at - self._at + length]


@dataclass(frozen=True)
class Level:
    """One magnification: its size and that of its tiles, pixels, and where each tile is in the file, bytes.

    Tiles that are put together from the pieces of a `strip` begin at `offsets`, and have `counts` bytes when they are.
    """

    directory: Directory
    width: int
    height: int
    tile: tuple[int, int]
    compression: int
    samples: int
    is_rgb: bool
    differences: bool
    tables: bytes
    offsets: "array[int]"
    counts: "array[int]"
    strip: Strip | None = None

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return -(-self.width // self.tile[0])

    @property
    def is_lossy(self) -> bool:
        return self.compression not in _PLAIN


def levels(directories: Sequence[Directory]) -> list[Level]:
    """The levels of a slide, the largest first: the tiled pictures in the proportions of the first one.

    Raises `Refused`: `file-broken` where sizes and tiles contradict each other, `file-unsupported` (syntax).
    """
    if not is_tiled(directories[0]):
        raise Refused("file-broken")
    first = level(directories[0])
    found = [first]
    for directory in directories[1:]:
        width, height = directory.number(IMAGE_WIDTH), directory.number(IMAGE_LENGTH)
        is_label = directory.number(SUBFILE_TYPE) == MACRO or aperio.associated(directory.text(DESCRIPTION))
        if is_tiled(directory) and is_smaller(first, width, height) and not is_label:
            found.append(level(directory))
    return sorted(found, key=lambda level: -level.width)


def is_tiled(directory: Directory) -> bool:
    return TILE_WIDTH in directory.entries


def is_smaller(level: Level, width: int, height: int) -> bool:
    """Whether a picture of this size can show the whole of `level`: the same proportions, but for rounding."""
    expected = level.height * width / level.width
    return 0 < width <= level.width and abs(height - expected) <= max(2.0, 0.01 * expected)


def level(directory: Directory) -> Level:
    """The level that a directory with tiles describes. Raises `Refused` as `levels` does."""
    number = directory.number
    width, height = number(IMAGE_WIDTH), number(IMAGE_LENGTH)
    tile = (number(TILE_WIDTH), number(TILE_LENGTH))
    compression, photometric, samples = number(COMPRESSION, 1), number(PHOTOMETRIC), number(SAMPLES, 1)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and 0 < min(tile) <= max(tile) <= MAX_TILE_SIDE):
        raise Refused("file-broken")
    _must_be_known(directory, _PLAIN | _J2K | {JPEG})
    offsets, counts = directory.numbers(TILE_OFFSETS), directory.numbers(TILE_COUNTS)
    if not len(offsets) == len(counts) == -(-width // tile[0]) * -(-height // tile[1]):
        raise Refused("file-broken")
    return Level(
        directory=directory,
        width=width,
        height=height,
        tile=tile,
        compression=compression,
        samples=samples,
        is_rgb=photometric == _RGB,
        differences=number(PREDICTOR, 1) == 2,
        tables=directory.data(TABLES) if compression == JPEG else b"",
        offsets=offsets,
        counts=counts,
    )


def level_of_strip(directory: Directory, strip: Strip) -> Level:
    """The level whose tiles are pieces of one strip. Raises `Refused` as `levels` does."""
    offsets, counts = (array("q", places.tolist()) for places in strip.places())
    return _of_stream(directory, strip.tile, offsets, counts, strip)


def level_of_whole(directory: Directory, at: int, length: int) -> Level:
    """The level that is a single JPEG stream, hence one tile. Raises `Refused` as `levels` does."""
    size = directory.number(IMAGE_WIDTH), directory.number(IMAGE_LENGTH)
    return _of_stream(directory, size, array("q", [at]), array("q", [length]), None)


def _of_stream(
    directory: Directory, tile: tuple[int, int], offsets: "array[int]", counts: "array[int]", strip: Strip | None
) -> Level:
    width, height = directory.number(IMAGE_WIDTH), directory.number(IMAGE_LENGTH)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and 0 < min(tile) <= max(tile) <= MAX_TILE_SIDE):
        raise Refused("file-broken")
    _must_be_known(directory, frozenset({JPEG}))
    return Level(
        directory=directory,
        width=width,
        height=height,
        tile=tile,
        compression=JPEG,
        samples=directory.number(SAMPLES, 1),
        is_rgb=directory.number(PHOTOMETRIC) == _RGB,
        differences=False,
        tables=strip.tables if strip else b"",
        offsets=offsets,
        counts=counts,
        strip=strip,
    )


def _must_be_known(directory: Directory, compressions: frozenset[int]) -> None:
    number = directory.number
    is_known = number(COMPRESSION, 1) in compressions and number(PHOTOMETRIC) in (1, _RGB, _YCBCR)
    is_plain = number(PLANAR, 1) == 1 and set(directory.numbers(BITS)) == {8} and number(SAMPLES, 1) in (1, 3)
    if not (is_known and is_plain):
        raise Refused("file-unsupported", syntax="TIFF")


def stated_resolution(directory: Directory) -> float | None:
    """Micrometres of a pixel by the resolution of TIFF, where a scanner can have it."""
    dots = directory.rational(_RESOLUTION)
    unit = _UNITS.get(directory.number(_RESOLUTION_UNIT, 2))
    if not dots or not unit:
        return None
    return unit / dots if _LEAST_MPP <= unit / dots <= LARGEST_MPP else None


def smallest(pyramid: Sequence[Level], side: int) -> Level | None:
    """The smallest level that is at least `side` on its longest side, or the largest; None where it has too many tiles.

    A slide without a pyramid may have no level that is small enough to be decoded in a bounded time.
    """
    large_enough = [level for level in pyramid if max(level.width, level.height) >= side]
    affordable = [level for level in pyramid if len(level.offsets) <= MAX_TILES]
    both = [level for level in large_enough if level in affordable]
    return both[-1] if both else affordable[0] if affordable else None


def draw(file: BinaryIO, level: Level, side: int) -> tuple[Image.Image, int]:
    """A level at about twice `side` at most, and the number of tiles that could not be decoded: they stay white.

    Raises `Refused` `file-broken` where no tile can be decoded, `file-too-complex` where the picture is too large.
    """
    longest = max(level.width, level.height)
    scale = next(scale for scale in tiles.SCALES if scale == 1 or (longest >= side * scale and _divides(level, scale)))
    width, height = -(-level.width // scale), -(-level.height // scale)
    if width * height * 3 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    picture = Image.new("RGB", (width, height), _PAPER)
    window, lost, drawn = Window(file), 0, 0
    for index in sorted(range(len(level.offsets)), key=level.offsets.__getitem__):
        row, column = divmod(index, level.across)
        if not level.counts[index]:  # a scanner leaves out what is only glass
            continue
        try:
            length = _bounded(level.counts[index])
            data = level.strip.read(index) if level.strip else window.read(level.offsets[index], length)
            tile = decode(level, data, scale)
        except (Refused, OSError, ValueError, SyntaxError, RuntimeError):
            lost += 1
            continue
        picture.paste(tile, (column * level.tile[0] // scale, row * level.tile[1] // scale))
        drawn += 1
    if lost and not drawn:
        raise Refused("file-broken")
    return picture, lost


def decode(level: Level, data: bytes, scale: int) -> Image.Image:
    """One tile, `scale` times smaller."""
    if level.compression == JPEG:
        return tiles.jpeg(data, level.tables, level.tile, is_rgb=level.is_rgb, scale=scale)
    if level.compression in _J2K:
        return tiles.jpeg2000(data, level.tile, is_ycbcr=level.compression == J2K_YCBCR, scale=scale)
    tile = tiles.plain(data, level.compression, level.tile, level.samples, differences=level.differences)
    return tile.reduce(scale) if scale > 1 else tile


def _divides(level: Level, scale: int) -> bool:
    return level.tile[0] % scale == 0 and level.tile[1] % scale == 0


def _bounded(length: int) -> int:
    if length > MAX_TILE_BYTES:
        raise Refused("file-too-complex")
    return length
