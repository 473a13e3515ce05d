"""Small made surfaces for the tests of models. Corners are float32 of shape (triangles, 3, 3)."""

import struct

import numpy as np

from tests.imaging.imaging_samples import Array


def ball(steps: int, radius: float = 40.0) -> Array:
    """A ball with a nose to the front and to the patient's left, so that no two views are alike."""
    down, around = np.meshgrid(np.linspace(0, np.pi, steps), np.linspace(0, 2 * np.pi, 2 * steps), indexing="ij")
    nose = np.exp(-((around - 1.5 * np.pi) ** 2 / 0.05 + (down - 1.8) ** 2 / 0.05))
    ear = np.exp(-((np.minimum(around, 2 * np.pi - around)) ** 2 / 0.05 + (down - 1.5) ** 2 / 0.05))
    far = radius * (1 + 0.35 * nose + 0.15 * ear)
    points = np.stack(
        [far * np.sin(down) * np.cos(around), far * np.sin(down) * np.sin(around), 1.2 * far * np.cos(down)], -1
    )
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    triangles = [np.stack(corners, -2).reshape(-1, 3, 3) for corners in ((a, b, c), (a, c, d))]
    return np.concatenate(triangles).astype("<f4")


def box(width: float, depth: float, height: float) -> Array:
    """Twelve triangles."""
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], "<f4") * np.array((width, depth, height), "<f4")
    faces = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))
    return np.stack([corners[[face[0], face[i], face[i + 1]]] for face in faces for i in (1, 2)])


def binary_stl(corners: Array, header: bytes = b"", count: int | None = None) -> bytes:
    records = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records["corners"] = corners
    stated = len(corners) if count is None else count
    return header.ljust(80, b"\0") + struct.pack("<I", stated) + records.tobytes()


def text_stl(corners: Array, name: bytes = b"") -> bytes:
    lines = [b"solid " + name]
    for triangle in corners:
        lines += [b"  facet normal 0.0 0.0 1e0", b"    outer loop"]
        lines += [b"      vertex %e %e %e" % tuple(corner) for corner in triangle.tolist()]
        lines += [b"    endloop", b"  endfacet"]
    return b"\n".join([*lines, b"endsolid " + name, b""])
