"""The images of one series in the order of space, from their headers alone. Runs in the sandbox only.

File names and InstanceNumber say in which order images were made or copied, not where they lie. PS3.3 C.7.6.2.1.1:
position along the normal of the image plane is what orders slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from statistics import median

from ernbot.imaging import faces
from ernbot.imaging.header import Header, Vector

_SAME_PLACE_MM = 0.005
"""Closer than any two slices of practice, and farther than the rounding of one position in two phases."""

_SAME_COSINE = 0.02
_FLAT = 0.1
_UNEVEN = 1.5
"""A step so many times the usual one: a slice is missing."""


@dataclass(frozen=True)
class Stack:
    """A series in its order.

    `slices` are the images to show, one for each place where `is_spatial`, else all in the order of their numbers.
    `phases` counts the images of the place that has most, `localizers` those left out because they lie across the
    others. `spacing` is the usual step in mm; `uneven` says that some step is far larger.
    """

    slices: tuple[Header, ...]
    is_spatial: bool
    phases: int = 1
    localizers: int = 0
    spacing: float | None = None
    uneven: bool = False

    @property
    def frames(self) -> int:
        """All the images in it, phases left out."""
        return sum(header.frames for header in self.slices)

    @property
    def identifiable(self) -> bool:
        """Whether a face could be rendered from it."""
        shows_head = any(header.shows_head for header in self.slices)
        spacing = self.spacing or self.slices[0].thickness
        return shows_head and faces.is_volume(self.slices[0].modality, len(self.slices), spacing)


def stack(headers: Sequence[Header]) -> Stack:
    """The images of one series, which may come in any order and more than once."""
    images = _once(headers)
    plane = _shared_plane(images)
    kept = [header for header in images if _is_kept(header, plane)] or images
    kept.sort(key=lambda header: (header.phase, header.instance))
    localizers = len(images) - len(kept)
    normal = _normal(plane) if plane else None
    if normal is None or any(header.position is None for header in kept):
        kept.sort(key=lambda header: (header.number, header.phase, header.instance))
        return Stack(tuple(kept), is_spatial=False, localizers=localizers)
    places = _places(kept, normal)
    phases = max(len(headers) for _, headers in places)
    if len(places) == 1:
        return Stack(tuple(kept), is_spatial=True, phases=phases, localizers=localizers)
    steps = [after - before for (before, _), (after, _) in pairwise(places)]
    spacing = median(steps)
    return Stack(
        tuple(headers[0] for _, headers in places),
        is_spatial=True,
        phases=phases,
        localizers=localizers,
        spacing=spacing,
        uneven=max(steps) > _UNEVEN * spacing,
    )


def _once(headers: Sequence[Header]) -> list[Header]:
    """Each image once: of copies that agree in UID, number and place the first."""
    seen = {(header.instance or id(header), header.number, header.position): header for header in reversed(headers)}
    return list(reversed(seen.values()))


def _shared_plane(images: Sequence[Header]) -> Vector | None:
    """The orientation of more than half of the images; None where there is none, as in radial series."""
    candidate, lead = None, 0
    for header in images:  # whatever more than half agree on outlives this count (Boyer and Moore, 1981)
        if not lead:
            candidate = header.orientation
        lead += 1 if _is_same(header.orientation, candidate) else -1
    agreeing = sum(_is_same(header.orientation, candidate) for header in images)
    return candidate if 2 * agreeing > len(images) else None


def _is_same(plane: Vector | None, other: Vector | None) -> bool:
    if plane is None or other is None:
        return plane is other
    return max(abs(a - b) for a, b in zip(plane, other, strict=True)) < _SAME_COSINE


def _is_kept(header: Header, plane: Vector | None) -> bool:
    return not header.is_localizer and (plane is None or _is_same(header.orientation, plane))


def _normal(plane: Vector) -> Vector | None:
    """Of length 1; None where rows and columns of an image would lie in one direction."""
    (ax, ay, az), (bx, by, bz) = plane[:3], plane[3:]
    normal = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    length = hypot(*normal)
    return tuple(part / length for part in normal) if length > _FLAT else None


def _places(headers: Sequence[Header], normal: Vector) -> list[tuple[float, list[Header]]]:
    """Positions along the normal in mm, ascending, each with its images in the order given."""

    def along(header: Header) -> float:
        return sum(a * b for a, b in zip(header.position or (), normal, strict=True))

    places: list[tuple[float, list[Header]]] = []
    for at, header in sorted(((along(header), header) for header in headers), key=lambda pair: pair[0]):
        if places and at - places[-1][0] <= _SAME_PLACE_MM:
            places[-1][1].append(header)
        else:
            places.append((at, [header]))
    for _, same in places:
        same.sort(key=lambda header: (header.phase, header.instance))
    return places
