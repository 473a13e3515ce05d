"""From stored values to grey: the display pipeline of PS3.3 section C.11 and PS3.4 annex N.2.

Modality values, values of interest, grey. Values of 8 and 16 bits go through a table with an entry for each that
is possible, so that arithmetic is done once per value and not once per pixel. Runs in the sandbox only.
"""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from ernbot.imaging.attributes import number
from ernbot.imaging.model import Fact

Array = np.ndarray[Any, Any]

_SAMPLE = 2**17
"""Pixels that a window is estimated from, at least."""

_SPREAD = (0.01, 0.99)
"""Shares of the pixels that become black and white without a window: extremes are noise, metal and overshoot."""

_LAST, _MOSTLY_EMPTY = 0.999, 8
"""Where the last hundredth reaches so many times as high, as in counts of nuclear medicine, it is the picture."""

_FARTHEST = 1e30
"""Larger values are none of any device: their differences would be no numbers any more."""

_SOFT_TISSUE = (40.0, 400.0)
"""Centre and width in Hounsfield units, as every console offers them: half of a CT image is air around the patient."""


def grey(frame: Array, dataset: Dataset) -> tuple[Array, tuple[Fact, ...]]:
    """Grey from 0 to 255 of a frame, rows x columns, and the window that made it.

    The first window or table of the header decides; without a usable one soft tissue does in CT, and percentiles
    elsewhere. `dataset` has the attributes that hold for this frame.
    """
    if frame.dtype.kind not in "iu" or frame.dtype.itemsize > 2:
        values = np.clip(np.nan_to_num(_modality(frame, dataset).astype(np.float64)), -_FARTHEST, _FARTHEST)
        shown, facts = _shown(values, dataset, _inside(frame, dataset), None)
        return _eight_bits(shown, dataset), facts
    unsigned = np.dtype(f"u{frame.dtype.itemsize}")
    entries = np.arange(2 ** (unsigned.itemsize * 8), dtype=unsigned)
    stored = entries.view(frame.dtype)
    values = _modality(stored, dataset).astype(np.float32)
    codes = np.ascontiguousarray(frame).view(unsigned)
    shown, facts = _shown(values, dataset, _inside(stored, dataset), codes)
    return _eight_bits(shown, dataset).take(codes), facts


def _modality(stored: Array, dataset: Dataset) -> Array:
    """Modality values, PS3.3 C.11.1: by a table, or by a slope and an intercept that can be true."""
    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, dataset))
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    slope = 1.0 if slope is None or abs(slope) > _FARTHEST else slope
    return np.asarray(stored * slope + (0.0 if intercept is None or abs(intercept) > _FARTHEST else intercept))


def _shown(values: Array, dataset: Dataset, inside: Array, codes: Array | None) -> tuple[Array, tuple[Fact, ...]]:
    """Grey from 0.0 to 1.0 of modality values: those of the pixels, or of a table that `codes` point into."""
    table = _voi_lut(values, dataset)
    if table is not None:
        return table, ()
    window = _window(dataset)
    if window is not None:
        centre, width, function = window
        return _windowed(values, centre, width, function), _facts(centre, width)
    weights = None if codes is None else np.bincount(_sample(codes), minlength=values.size)
    low, high = _ends(values, weights, inside)
    if low < _SOFT_TISSUE[0] < high and _in_hounsfield_units(dataset):
        centre, width = _SOFT_TISSUE
        low, high = centre - width / 2, centre + width / 2
    centre, width = float(f"{(low + high) / 2:.6g}"), float(f"{(high - low) or 1.0:.6g}")
    facts = (*_facts(centre, width), Fact("window-estimated"))
    return _windowed(values, low + width / 2, width, "LINEAR_EXACT"), facts


def _in_hounsfield_units(dataset: Dataset) -> bool:
    """Whether modality values are those of CT, PS3.3 C.8.2.1.1.2 and C.11.1.1.2; a localizer's are not."""
    return (
        dataset.get("Modality") == "CT"
        and number(dataset, "RescaleIntercept") is not None
        and str(dataset.get("RescaleType") or "HU") == "HU"
        and "LOCALIZER" not in str(dataset.get("ImageType", "")).upper()
    )


def _sample(codes: Array) -> Array:
    """Evenly spread pixels, enough for percentiles."""
    flat = codes.ravel()
    return flat[:: max(1, flat.size // _SAMPLE)]


def _facts(centre: float, width: float) -> tuple[Fact, ...]:
    return Fact("window-center", centre), Fact("window-width", width)


def share(facts: tuple[Fact, ...], owner: Dataset, dataset: Dataset) -> None:
    """Give a picture the window of `owner`, in the place of its own: grey then means the same in both.

    `facts` are what `grey` said of `owner`. A table is not shared: without a window nothing happens.
    """
    said = {fact.name: fact.value for fact in facts}
    if "window-width" not in said:
        return
    dataset.WindowCenter, dataset.WindowWidth = said["window-center"], said["window-width"]
    estimated = "window-estimated" in said
    dataset.VOILUTFunction = "LINEAR_EXACT" if estimated else str(owner.get("VOILUTFunction") or "LINEAR")
    dataset.pop("VOILUTSequence", None)


def _eight_bits(shown: Array, dataset: Dataset) -> Array:
    levels = np.rint(shown * 255).astype(np.uint8)
    return np.asarray(255 - levels) if dataset.PhotometricInterpretation == "MONOCHROME1" else levels


def _inside(stored: Array, dataset: Dataset) -> Array:
    """Which stored values are picture and not padding, PS3.3 C.7.5.1.1.2."""
    padding, limit = number(dataset, "PixelPaddingValue"), number(dataset, "PixelPaddingRangeLimit")
    if padding is None or stored.dtype.kind not in "iu":
        return np.ones(stored.shape, bool)
    low, high = sorted((padding, padding if limit is None else limit))
    return np.asarray((stored < low) | (stored > high))


def _voi_lut(values: Array, dataset: Dataset) -> Array | None:
    """The first table of the VOI LUT Sequence, PS3.3 C.11.2.1.1; None where there is none.

    Not pydicom's `apply_voi`, which wraps around where values lie outside a table of eight bits.
    """
    if not dataset.get("VOILUTSequence"):
        return None
    item = dataset.VOILUTSequence[0]
    entries, first, bits = (int(value) for value in item.LUTDescriptor)
    data = item.LUTData
    order = "<" if dataset.original_encoding[1] else ">"
    table = np.frombuffer(data, order + "u2") if isinstance(data, bytes) else np.asarray(data)
    table = np.clip(table[: entries or 2**16] / (2**bits - 1), 0.0, 1.0)
    return np.asarray(table[np.clip(values - first, 0, len(table) - 1).astype(np.int64)])


def _window(dataset: Dataset) -> tuple[float, float, str] | None:
    """Centre, width and function of the first window; None without a usable one."""
    centre, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if centre is None or width is None or (width < 1 and (function == "LINEAR" or width <= 0)):
        return None
    return centre, width, function


def _windowed(values: Array, centre: float, width: float, function: str) -> Array:
    """The functions of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -80, 80))))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    return np.clip((values - (centre - 0.5)) / max(width - 1.0, 1e-9) + 0.5, 0.0, 1.0)


def _ends(values: Array, weights: Array | None, inside: Array) -> tuple[float, float]:
    """The modality values that become black and white: percentiles, or the extremes of a nearly even picture."""
    if weights is None:
        found = np.sort(values[inside], axis=None)
        found = found if found.size else np.sort(values, axis=None)
        low, high, last = (float(found[int(share * (found.size - 1))]) for share in (*_SPREAD, _LAST))
    else:
        used = np.flatnonzero(weights * inside)
        used = used if used.size else np.flatnonzero(weights)
        used = used[np.argsort(values[used], kind="stable")]
        found, sums = values[used], np.cumsum(weights[used])
        low, high, last = (float(found[np.searchsorted(sums, share * sums[-1])]) for share in (*_SPREAD, _LAST))
    if last - low > _MOSTLY_EMPTY * (high - low):
        high = last
    return (low, high) if high > low else (float(found[0]), float(found[-1]))
