"""From pixel values to a picture for a screen. Runs in the sandbox only.

The display pipeline of PS3.3 section C.11 and PS3.4 annex N.2: modality values, values of interest, grey.
Everything leaves through `encode`, which writes pixels and nothing else.
"""

from io import BytesIO
from typing import Any

import numpy as np
from blurhash import encode as blurhash_of
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from ernbot.imaging.model import LONGEST_SIDE, THUMBNAIL_SIDE, Facts, Picture, Preview

Array = np.ndarray[Any, Any]

_JPEG_QUALITY = 88

_STAIN_SIDE = 12
_STAIN_PARTS = (4, 3)
"""Samples that the stain is computed from, and its waves across and down."""


def encode(picture: Image.Image, facts: Facts) -> Preview:
    """A small copy without a trace of where it came from.

    Grey goes out as PNG, since a compression artefact beside a bone could be read as a finding; colour as
    JPEG without chroma subsampling, since PNG would be ten times larger.
    """
    large = _fit(picture, picture.size)
    small = large.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stain = small.resize((_STAIN_SIDE, _STAIN_SIDE), Image.Resampling.BOX).convert("RGB")
    blurhash = blurhash_of(np.asarray(stain), *_STAIN_PARTS)
    return Preview(facts, _encode(large), _encode(small), blurhash=blurhash)


def _encode(picture: Image.Image) -> Picture:
    # A new image from bare samples: Pillow otherwise carries comments, profiles and EXIF over.
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    file = BytesIO()
    if bare.mode == "L":
        bare.save(file, "PNG")
    else:
        bare.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    mimetype = "image/png" if bare.mode == "L" else "image/jpeg"
    return Picture(file.getvalue(), mimetype, bare.width, bare.height)


def _fit(picture: Image.Image, shape: tuple[float, float]) -> Image.Image:
    """`picture` in the proportions of `shape`, its longest side at most `LONGEST_SIDE`."""
    scale = min(1.0, LONGEST_SIDE / max(shape))
    size = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def picture(frame: Array, dataset: Dataset) -> Image.Image:
    """A decoded frame as it should be seen: mode L or RGB, at most `LONGEST_SIDE`, pixels square."""
    # Skipping rows and columns before the float arithmetic keeps twice the preview's size, enough to filter.
    step = max(1, max(frame.shape[:2]) // (2 * LONGEST_SIDE))
    frame = np.ascontiguousarray(frame[::step, ::step])
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        image = Image.fromarray(_eight_bits(_palette(frame, dataset)))
    elif frame.ndim == 3:
        image = Image.fromarray(_eight_bits(frame, int(dataset.BitsStored)))
    else:
        image = Image.fromarray(np.rint(_grey(frame, dataset) * 255).astype(np.uint8))
    return _fit(image, (image.width, image.height * _aspect(dataset)))


def _palette(frame: Array, dataset: Dataset) -> Array:
    """Colours of a palette picture, PS3.3 C.7.9.1."""
    if not dataset.original_encoding[1]:
        for colour in ("Red", "Green", "Blue"):
            # pydicom reads the words of a table in the order of this machine.
            table = dataset.get(f"{colour}PaletteColorLookupTableData")
            if isinstance(table, bytes):
                swapped = np.frombuffer(table, ">u2").astype("<u2").tobytes()
                dataset[f"{colour}PaletteColorLookupTableData"].value = swapped
    return np.asarray(apply_color_lut(frame, dataset)[..., :3])


def _eight_bits(colour: Array, stored: int | None = None) -> Array:
    bits = stored or colour.dtype.itemsize * 8
    return (colour >> max(0, bits - 8)).astype(np.uint8)


def _grey(frame: Array, dataset: Dataset) -> Array:
    """Grey values from 0.0, black, to 1.0, white."""
    values = np.asarray(apply_modality_lut(frame, dataset), dtype=np.float64)
    np.nan_to_num(values, copy=False)
    grey = _voi_lut(values, dataset)
    if grey is None:
        grey = _window(values, dataset)
    if grey is None:
        grey = _spread(values, frame != dataset.get("PixelPaddingValue"))
    return 1.0 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def _voi_lut(values: Array, dataset: Dataset) -> Array | None:
    """The first table of the VOI LUT Sequence, PS3.3 C.11.2.1.1; None where there is none.

    Not pydicom's `apply_voi`, which wraps around where values lie outside a table of eight bits.
    """
    if not dataset.get("VOILUTSequence"):
        return None
    item = dataset.VOILUTSequence[0]
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    order = "<" if dataset.original_encoding[1] else ">"
    table = np.frombuffer(data, order + "u2") if isinstance(data, bytes) else np.asarray(data)
    table = np.clip(table[: entries or 2**16] / (2**bits - 1), 0.0, 1.0)
    return np.asarray(table[np.clip(values - first, 0, len(table) - 1).astype(np.int64)])


def _window(values: Array, dataset: Dataset) -> Array | None:
    """The first window, by the functions of PS3.3 C.11.2.1.2 and C.11.2.1.3; None without a usable one."""
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if centre is None or width is None or (width < 1 and (function == "LINEAR" or width <= 0)):
        return None
    if function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -500, 500))))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    return np.clip((values - (centre - 0.5)) / max(width - 1.0, 1e-9) + 0.5, 0.0, 1.0)


def _spread(values: Array, wanted: Any) -> Array:
    """Percentiles 1 to 99 become black to white: extremes are noise, metal and overshoot of codecs."""
    inside = values[wanted] if np.any(wanted) else values
    low, high = np.percentile(inside, (1, 99))
    if high <= low:
        low, high = inside.min(), inside.max()
    return np.asarray(np.clip((values - low) / (high - low or 1.0), 0.0, 1.0))


def _aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width: PixelAspectRatio or the spacing, PS3.3 C.7.6.3.1.7; 1.0 in doubt."""
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        vertical, horizontal = _first(dataset, keyword, 0), _first(dataset, keyword, 1)
        if vertical and horizontal and 0.1 <= vertical / horizontal <= 10.0:
            return vertical / horizontal
    return 1.0


def _first(dataset: Dataset, keyword: str, index: int = 0) -> float | None:
    """One finite number of an element that may hold several, or none, or nonsense."""
    try:
        value = dataset.get(keyword)
        values = [value] if isinstance(value, (int, float, str)) else list(value or [])
        number = float(values[index])
    except (ValueError, TypeError, IndexError):
        return None
    return number if np.isfinite(number) else None
