"""The other files of a case: which of them an object refers to, and where they lie in the patient.

Runs in the sandbox only. Headers are read first and pixels only of the one that is drawn over: a case may hold
hundreds of slices. A reference that cannot be read, or that names a patient, is as good as absent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ernbot.imaging import dataset as objects_on_disk
from ernbot.imaging import frame, groups, rendering
from ernbot.imaging.attributes import number
from ernbot.imaging.model import Options
from ernbot.imaging.objects import numbers

Array = np.ndarray[Any, Any]

_HEADER = (
    *("SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "PixelData"),
)
_PARALLEL = 0.999
_LEAST_SPACING = 1e-6


@dataclass(frozen=True)
class Plane:
    """Where pixels lie in the patient, PS3.3 C.7.6.2.1.1: millimetres in the patient's coordinates.

    `origin` is the centre of the first pixel; `across` and `down` lead from it to the next column and row.
    """

    origin: Array
    across: Array
    down: Array

    @cached_property
    def normal(self) -> Array:
        normal = np.cross(self.across, self.down)
        return np.asarray(normal / np.linalg.norm(normal))

    def distance(self, points: Array) -> Array:
        """How far points (… x 3, mm) lie before the plane, mm."""
        return np.asarray((points - self.origin) @ self.normal)

    def pixels(self, points: Array) -> Array:
        """Column and row of points (n x 3, mm) seen along the normal: n x 2, counted from pixel centres."""
        away = points - self.origin
        return np.stack(
            [away @ self.across / (self.across @ self.across), away @ self.down / (self.down @ self.down)], 1
        )

    def is_parallel(self, other: "Plane") -> bool:
        return bool(abs(self.normal @ other.normal) > _PARALLEL)


def resampled(pixels: Array, source: Plane, target: Plane, size: tuple[int, int]) -> Array:
    """Values that lie in `source`, as seen in `target` with `size` columns and rows; 0 where there are none."""
    corners = target.origin + np.array([0 * target.across, target.across, target.down])
    start, right, below = source.pixels(corners)
    right, below = right - start, below - start
    shift = start - (right + below) / 2 + 0.5  # Pillow counts from the corner of a pixel, DICOM from its centre
    turn = (right[0], below[0], shift[0], right[1], below[1], shift[1])
    values = Image.fromarray(np.asarray(pixels, dtype=np.float32))
    return np.asarray(values.transform(size, Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR))


def plane(*items: Dataset | None) -> Plane | None:
    """The plane that these items describe together, the first to say something being right; None if they do not."""

    def stated(keyword: str, count: int) -> list[float] | None:
        found = (numbers(item.get(keyword), count) for item in items if item is not None)
        return next((values for values in found if values), None)

    position, spacing = stated("ImagePositionPatient", 3), stated("PixelSpacing", 2)
    orientation = stated("ImageOrientationPatient", 6)
    if not (position and spacing and orientation) or min(spacing) < _LEAST_SPACING:
        return None
    found = Plane(np.array(position), spacing[1] * np.array(orientation[:3]), spacing[0] * np.array(orientation[3:]))
    return found if np.linalg.norm(np.cross(found.across, found.down)) > _LEAST_SPACING**2 else None


@dataclass(frozen=True)
class Reference:
    """One image of the case by its header. `header` holds only what is needed to find and place it."""

    header: Dataset
    file: BinaryIO

    @property
    def uid(self) -> str:
        return str(self.header.get("SOPInstanceUID") or "")

    @cached_property
    def plane(self) -> Plane | None:
        return plane(self.header)

    @property
    def thickness(self) -> float:
        """How thick the slice is, mm; one where it does not say."""
        return number(self.header, "SliceThickness") or 1.0

    def read(self) -> Dataset | None:
        """The whole object; None where it is broken or names a patient."""
        self.file.seek(0)
        try:
            found = objects_on_disk.read(self.file.read())
            return None if objects_on_disk.identifying(found) else found
        except MemoryError:
            raise
        except Exception:  # whatever is wrong with it was said when it was sent itself
            return None

    def picture(self) -> Image.Image | None:
        """The image as it would be shown alone; None where it cannot be."""
        found = self.read()
        return None if found is None else shown(found)


def shown(dataset: Dataset) -> Image.Image | None:
    """A plain image as it is shown alone, mode L or RGB; None where it cannot be decoded, or is not all there."""
    try:
        frames = frame.Frames.of(dataset)
        middle = frames.count // 2
        return None if frames.truncated else rendering.picture(frames.decode(middle), groups.of_frame(dataset, middle))
    except MemoryError:
        raise
    except Exception:  # as above
        return None


def images(options: Options) -> list[Reference]:
    """The images among the other files of the case."""
    found = (_reference(file) for file in options.references)
    return [reference for reference in found if reference is not None and "Rows" in reference.header]


def _reference(file: BinaryIO) -> Reference | None:
    try:
        file.seek(0)
        read_preamble(file, True)
        if _read_file_meta_info(file).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            file.seek(0)
            return Reference(objects_on_disk.read(file.read()), file)  # the reader that inflates with a bound
        file.seek(0)
        return Reference(pydicom.dcmread(file, force=True, stop_before_pixels=True, specific_tags=list(_HEADER)), file)
    except MemoryError:
        raise
    except Exception:  # not DICOM at all, or broken: nothing can refer to it
        return None


def named(candidates: Sequence[Reference], uids: Iterable[str]) -> list[Reference]:
    """Those that `uids` name, each once, in the order of `candidates`."""
    wanted = set(uids)
    return list({reference.uid: reference for reference in candidates if reference.uid in wanted}.values())


def in_space(candidates: Sequence[Reference], frame_of_reference: str) -> list[Reference]:
    """Those that lie in this frame of reference and say where, sorted along the normal of the first."""
    placed = [
        (reference, where)
        for reference in candidates
        if frame_of_reference
        and reference.header.get("FrameOfReferenceUID") == frame_of_reference
        and (where := reference.plane)
    ]
    if not placed:
        return []
    first = placed[0][1]
    parallel = [(reference, where) for reference, where in placed if first.is_parallel(where)]
    return [reference for reference, _ in sorted(parallel, key=lambda pair: float(first.distance(pair[1].origin)))]
