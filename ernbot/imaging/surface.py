"""Triangles of a surface, drawn in four shaded views. Runs in the sandbox only.

Front, left side and top, by the axes of DICOM patients (x to the left, y to the back, z up), and one from above
between them: a surface with y upwards shows its front in the view from the top. Memory and time are bounded by
the number of triangles, whatever their size. Arrays are of shape (axis, corner, triangle), or (corner, triangle).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging.model import LONGEST_SIDE

Array = np.ndarray[Any, Any]

_BACKGROUND = 28
_DARKEST, _BRIGHTEST = 60, 245
_LIGHT = np.asarray((-0.35, 0.45, 0.82), "f4")
_MARGIN = 0.04

_SUPERSAMPLE = 2
_EDGE = 1e-3
_DEPTH_STEPS = 1024
"""Views are drawn twice as large and shrunk; a pixel on an edge is in both triangles; depth is in parts of a pixel."""

_SQUARES = (1, 2, 4, 8, 16, 32)
_SPECK = 2
"""Sides of the squares of pixels that hold a triangle, and of the largest that one simply fills."""

_MOST_PIECES = 500_000
_AT_ONCE = 2**16
_SAMPLES = 2**18
"""Into how many pieces large triangles may be cut; how many triangles and pixels are handled at once."""

_HALF, _TALL = 0.5**0.5, 0.75**0.5
_VIEWS = (
    ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((_HALF, _HALF, 0), (-_HALF / 2, _HALF / 2, _TALL), (_TALL * _HALF, -_TALL * _HALF, 0.5)),
)
"""Directions to the right, upwards, and towards the eye."""


def sheet(corners: Array) -> Image.Image:
    """Four views of finite float32 corners, at one scale, so that lengths may be compared; mode L.

    Raises `Refused`: `file-too-complex`.
    """
    low, high = corners.min((1, 2)), corners.max((1, 2))
    centred = corners - ((low + high) / 2)[:, None, None]
    # Seen along an axis, the box that holds all reaches so far from the middle.
    radius = max(float(np.abs(axis) @ (high - low)) / 2 for view in _VIEWS for axis in view[:2]) or 1.0
    side = LONGEST_SIDE // 2
    scale = side * _SUPERSAMPLE * (0.5 - _MARGIN) / radius
    picture = Image.new("L", (2 * side, 2 * side))
    for number, axes in enumerate(_VIEWS):
        drawn = Image.fromarray(_view(centred, np.asarray(axes, "f4") * np.float32(scale), side * _SUPERSAMPLE))
        row, column = divmod(number, 2)
        picture.paste(drawn.resize((side, side), Image.Resampling.BOX), (column * side, row * side))
    return picture


def _view(centred: Array, axes: Array, side: int) -> Array:
    """One view, uint8 of shape (side, side). `axes` are three rows: right, up, to the eye, in pixels per millimetre."""
    nearest = np.full(side * side, _BACKGROUND, np.int64)  # depth in the upper bits, grey in the lowest eight
    for at in range(0, centred.shape[2], _AT_ONCE):
        some = centred[:, :, at : at + _AT_ONCE]
        points = (axes @ some.reshape(3, -1)).reshape(some.shape)
        grey = _shades(points)
        points[1] *= -1
        points += np.asarray((side / 2, side / 2, side), "f4")[:, None, None]  # no depth reaches zero
        for size, fitting, shade in _fitted(points, grey):
            _draw(nearest, fitting, shade, size, side)
    return (nearest & 0xFF).astype(np.uint8).reshape(side, side)


def _shades(points: Array) -> Array:
    """Grey of each triangle, lit from above the viewer's left shoulder; both of its sides alike."""
    (ax, ay, az), (bx, by, bz) = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    lengths = np.sqrt(x * x + y * y + z * z)
    lit = (x * _LIGHT[0] + y * _LIGHT[1] + z * _LIGHT[2]) * np.where(z < 0, -1, 1) / np.where(lengths > 0, lengths, 1)
    return np.asarray(_DARKEST + (_BRIGHTEST - _DARKEST) * np.clip(lit, 0, 1), np.int64)


def _fitted(points: Array, grey: Array) -> Iterator[tuple[int, Array, Array]]:
    """The triangles by the size of the square that holds them, those that are too large for any cut in halves.

    Raises `Refused`: `file-too-complex` where they become too many, as those of no real surface do.
    """
    while points.size:
        spans = (np.floor(_over_corners(np.maximum, points)) - np.floor(_over_corners(np.minimum, points))).max(0) + 1
        for smaller, size in zip((0, *_SQUARES), _SQUARES, strict=False):
            fits = (spans > smaller) & (spans <= size)
            if fits.any():
                yield size, np.compress(fits, points, 2), grey[fits]
        large = spans > _SQUARES[-1]
        points, grey = _halved(np.compress(large, points, 2)), np.tile(grey[large], 2)
        if len(grey) > _MOST_PIECES:
            raise Refused("file-too-complex")


def _over_corners(choose: np.ufunc, points: Array) -> Array:
    """The least or greatest x and y of each triangle; `reduce` over an axis of three is ten times slower."""
    return np.asarray(choose(choose(points[:2, 0], points[:2, 1]), points[:2, 2]))


def _halved(points: Array) -> Array:
    """Each triangle as two, cut from the middle of its longest edge, as it is seen, to the corner across."""
    edges = ((np.roll(points, -1, 1) - points)[:2] ** 2).sum(0)
    order = (edges.argmax(0) + np.arange(3)[:, None]) % 3
    first, second, third = np.take_along_axis(points, order[None], 1).transpose(1, 0, 2)
    middle = (first + second) / 2
    return np.concatenate([np.stack([first, middle, third], 1), np.stack([middle, second, third], 1)], 2)


def _draw(nearest: Array, points: Array, grey: Array, size: int, side: int) -> None:
    """Put triangles that fit into a square of `size` pixels where nothing nearer is."""
    step = _SAMPLES // size**2
    rows, columns = (grid.reshape(-1, 1) for grid in np.indices((size, size), np.int32))
    for at in range(0, len(grey), step):
        some, shade = points[:, :, at : at + step], grey[at : at + step]
        left, top = np.floor(_over_corners(np.minimum, some)).astype(np.int32)
        x, y = left + columns, top + rows
        if size <= _SPECK:
            keys = np.broadcast_to(_key(some[2, 0], shade), x.shape).ravel()
            where = (y * side + x).ravel()
        else:
            depth, inside = _depths(some, x + np.float32(0.5), y + np.float32(0.5))
            keys = _key(depth, shade)[inside]
            where = (y * side + x)[inside]
        np.maximum.at(nearest, where, keys)


def _key(depth: Array, grey: Array) -> Array:
    return (depth * _DEPTH_STEPS).astype(np.int64) << 8 | grey


def _depths(points: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Depth of the triangles at these places, and whether they are there; never where they are seen edge-on."""
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = points
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    flat = area == 0
    area = np.where(flat, 1, area)
    across, down = x - ax, y - ay
    second = (across * (cy - ay) - (cx - ax) * down) / area
    third = ((bx - ax) * down - across * (by - ay)) / area
    inside = (second >= -_EDGE) & (third >= -_EDGE) & (second + third <= 1 + _EDGE) & ~flat
    return az + second * (bz - az) + third * (cz - az), inside
