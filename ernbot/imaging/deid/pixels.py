"""Blackens what lies outside the picture in ultrasound: there the device writes who was examined.

Works where SequenceOfUltrasoundRegions (PS3.3 section C.8.5.5) says in which regions the picture is. Inside them
nothing is touched: what is written there a person has to see. Compressed frames are decoded and packed without loss.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGLSLossless

from ernbot.core.errors import Refused
from ernbot.imaging.attributes import is_lossy
from ernbot.imaging.deid.reading import PIXEL_DATA, Parsed
from ernbot.imaging.frame import Frames

Array = np.ndarray[Any, Any]

_MAX_DECODED = 512 * 2**20
"""Bytes of all frames together: an ultrasound film of ten seconds has a third of that."""

_BOUNDS = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")


@dataclass(frozen=True)
class Masked:
    """New pixel data, and the attributes and the transfer syntax that go with it."""

    value: bytes
    syntax: str | None
    attributes: dict[str, Any]


def masked(parsed: Parsed, value: bytes, is_encapsulated: bool) -> Masked | None:
    """The pixels without what is outside the regions; None where nobody knows the regions, or all is inside.

    Raises `Refused`: `file-too-complex` where the frames would be too much together, and what `Frames` raises.
    """
    inside = _inside(parsed.dataset)
    if inside is None or inside.all():
        return None
    if is_encapsulated:
        return _packed_again(parsed, value, inside)
    native = _native(parsed, value, inside)
    return None if native is None else Masked(native, parsed.syntax, {})


def _inside(dataset: Dataset) -> Array | None:
    """Rows x columns of what is picture. A device that gives no usable region gives None."""
    rows, columns = dataset.get("Rows"), dataset.get("Columns")
    if not (isinstance(rows, int) and isinstance(columns, int) and rows > 0 and columns > 0):
        return None
    inside = np.zeros((rows, columns), bool)
    for region in dataset.get("SequenceOfUltrasoundRegions") or ():
        bounds = [region.get(keyword) for keyword in _BOUNDS]
        if not all(isinstance(bound, int) and bound >= 0 for bound in bounds):
            continue
        left, top, right, bottom = bounds
        inside[top : bottom + 1, left : right + 1] = True
    return inside if inside.any() else None


def _native(parsed: Parsed, value: bytes, inside: Array) -> bytes | None:
    """The same bytes with zeros outside; None of a layout that is too rare to be known here."""
    dataset = parsed.dataset
    bits, samples = dataset.get("BitsAllocated"), dataset.get("SamplesPerPixel") or 1
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if bits not in (8, 16) or samples not in (1, 3) or photometric == "YBR_FULL_422":
        return None
    grid = (*inside.shape, samples) if not dataset.get("PlanarConfiguration") else (samples, *inside.shape)
    size = inside.size * samples * bits // 8
    pixels = np.frombuffer(value, np.dtype("u1" if bits == 8 else "<u2" if parsed.little else ">u2")).copy()
    per_frame = size * 8 // bits
    for at in range(0, len(pixels) - per_frame + 1, per_frame):
        frame = pixels[at : at + per_frame].reshape(grid)
        if grid[0] == samples and len(grid) == 3 and dataset.get("PlanarConfiguration"):
            frame[:, ~inside] = _black(photometric, samples)[:, None]
        else:
            frame[~inside] = _black(photometric, samples)
    return pixels.tobytes()


def _black(photometric: str, samples: int) -> Array:
    """The colour of nothing; in luminance and chrominance, zero would be green."""
    return np.array([0, 128, 128] if photometric.startswith("YBR") else [0] * samples, np.uint8)


def _packed_again(parsed: Parsed, value: bytes, inside: Array) -> Masked:
    view = parsed.dataset.group_dataset(0x0028)
    view.file_meta = FileMetaDataset()
    view.file_meta.TransferSyntaxUID = UID(str(parsed.syntax))
    view.add_new(PIXEL_DATA, "OB", value)
    view["PixelData"].is_undefined_length = True
    frames = Frames.of(view)
    samples = int(view.SamplesPerPixel)
    if inside.size * samples * int(view.BitsAllocated) // 8 * frames.count > _MAX_DECODED:
        raise Refused("file-too-complex")
    attributes: dict[str, Any] = {"LossyImageCompression": "01"} if is_lossy(view) else {}
    if samples == 3:
        attributes |= {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    packed = encapsulate(list(_frames(frames, inside)), has_bot=False)
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return Masked(packed.removesuffix(end), JPEGLSLossless, attributes)


def _frames(frames: Frames, inside: Array) -> Iterator[bytes]:
    for index in range(frames.count):
        pixels = np.array(frames.decode(index), order="C")
        pixels[~inside] = 0
        yield bytes(imagecodecs.jpegls_encode(pixels.view(f"u{pixels.dtype.itemsize}")))
