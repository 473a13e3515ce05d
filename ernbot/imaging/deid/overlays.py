"""Overlays that hide in the unused bits of the pixels (PS3.5 section 8.1.2, retired in 2004).

The elements of an overlay are dropped with all others of their group. Where its bits lie above those of the picture
they would stay behind, and may paint a name.
"""

import numpy as np
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused

_GROUPS = range(0x6000, 0x6020, 2)
_TYPES = {8: "u1", 16: "u2", 32: "u4"}


def cleared(dataset: Dataset, pixels: bytes, encapsulated: bool, little: bool) -> bytes:
    """Pixel data whose overlay bits are 0; the same bytes where no overlay lies in them.

    Raises `Refused`: `deid-incomplete` (kinds) when they are compressed, and can therefore not be cleared.
    """
    mask = _mask(dataset)
    if not mask or not pixels:
        return pixels
    allocated = int(dataset.BitsAllocated)
    if encapsulated or allocated not in _TYPES:
        raise Refused("deid-incomplete", kinds="OverlayBitPosition")
    samples = np.frombuffer(pixels, ("<" if little else ">") + _TYPES[allocated], len(pixels) * 8 // allocated)
    kept = samples & samples.dtype.type(~mask & (1 << allocated) - 1)
    cleared_bytes: bytes = kept.tobytes()
    return cleared_bytes + pixels[kept.nbytes :]


def _mask(dataset: Dataset) -> int:
    """The bits of embedded overlays, none of which is one of the picture."""
    mask = 0
    for group in _GROUPS:
        position = dataset.get((group, 0x0102))
        if position is not None and (group, 0x3000) not in dataset and position.value:
            mask |= 1 << int(position.value)
    if not mask:
        return 0
    high, stored = int(dataset.HighBit), int(dataset.BitsStored)
    return mask & ~((1 << stored) - 1 << max(0, high + 1 - stored)) & (1 << int(dataset.BitsAllocated)) - 1
