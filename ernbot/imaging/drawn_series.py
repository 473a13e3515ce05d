"""A series as one picture: its middle slice large, eight others beside it. Runs in the sandbox only.

Decodes those nine and no others. All have the window of the middle one, so that grey means the same in each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from ernbot.imaging import dataset, frame, montage, rendering
from ernbot.imaging.header import Header
from ernbot.imaging.model import LONGEST_SIDE, Fact, Facts, Preview
from ernbot.imaging.raw import number
from ernbot.imaging.series import Stack


@dataclass(frozen=True)
class _Slice:
    """One decoded image, and its place in the stack."""

    index: int
    header: Header
    elements: Dataset
    pixels: "np.ndarray[Any, Any]"


def preview(order: Stack) -> Preview:
    """The montage of a series of at least two images.

    Raises what `dataset.read` and `frame.decode` raise, where none of the slices can be shown.
    """
    slices, missing = _decoded(order)
    middle = min(slices, key=lambda one: abs(one.index - len(order.slices) // 2))
    others = [one for one in slices if one is not middle]
    window = _share_window(middle, others) if order.is_spatial else ()
    large, *small = (rendering.picture(one.pixels, one.elements) for one in (middle, *others))
    details = (*_details(order), *window, *([Fact("unreadable", missing)] if missing else []))
    facts = Facts(
        format="DICOM",
        modality=middle.header.modality,
        body_part=middle.header.body_part,
        width=int(middle.elements.Columns),
        height=int(middle.elements.Rows),
        frames=sum(header.frames for header in order.slices),
        lossy=any(header.lossy for header in order.slices),
        kind="series",
        identifiable=order.identifiable,
        details=details,
    )
    own = (middle.header.series, middle.header.study, middle.header.frame_of_reference)
    return replace(rendering.encode(montage.beside(large, small), facts), uids=tuple(filter(None, own)))


def _decoded(order: Stack) -> tuple[list[_Slice], int]:
    """The slices to show, in their order, and how many of them could not be decoded."""
    slices: list[_Slice] = []
    failures: list[Exception] = []
    for index in _chosen(len(order.slices)):
        header = order.slices[index]
        try:
            elements = dataset.read(header.read(-1))
            slices.append(_Slice(index, header, elements, frame.decode(elements)))
        except MemoryError:
            raise
        except Exception as failure:  # codecs raise anything on hostile bytes
            failures.append(failure)
    if not slices:
        raise failures[0]
    return slices, len(failures)


def _chosen(count: int) -> list[int]:
    """The middle, and as many others as there is room for, evenly spread: the ends are mostly air."""
    middle = count // 2
    others = [index for index in range(count) if index != middle]
    room = min(montage.MOST - 1, len(others))
    return sorted([middle, *(others[(2 * place + 1) * len(others) // (2 * room)] for place in range(room))])


def _share_window(middle: _Slice, others: Sequence[_Slice]) -> tuple[Fact, ...]:
    """Give all the window of the middle slice, estimated where it has none; what is to be said about it.

    Slices with a table of their own (VOI LUT Sequence) or in colour keep what they have.
    """
    if middle.pixels.ndim != 2 or middle.elements.get("VOILUTSequence"):
        return ()
    centre, width = number(middle.elements, "WindowCenter"), number(middle.elements, "WindowWidth")
    function = str(middle.elements.get("VOILUTFunction") or "LINEAR")
    estimated = centre is None or width is None or width < 1
    if estimated:
        centre, width = _estimated(middle)
        function = "LINEAR_EXACT"
    for one in (middle, *others):
        one.elements.WindowCenter, one.elements.WindowWidth = centre, width
        one.elements.VOILUTFunction = function
        one.elements.pop("VOILUTSequence", None)
    facts = (Fact("window-center", centre), Fact("window-width", width))
    return (*facts, Fact("window-estimated")) if estimated else facts


def _estimated(one: _Slice) -> tuple[float, float]:
    """Centre and width of percentiles 1 to 99: extremes are noise, metal and overshoot of codecs."""
    step = max(1, max(one.pixels.shape) // LONGEST_SIDE)
    stored = one.pixels[::step, ::step]
    inside = stored != one.elements.get("PixelPaddingValue")
    values = np.nan_to_num(np.asarray(apply_modality_lut(stored, one.elements), dtype=np.float64))
    low, high = np.percentile(values[inside] if np.any(inside) else values, (1, 99))
    # Six digits: a decimal string has sixteen characters at most (PS3.5 section 6.2).
    return float(f"{(low + high) / 2:.6g}"), float(f"{high - low or 1.0:.6g}")


def _details(order: Stack) -> Iterator[Fact]:
    thickness = order.slices[0].thickness
    yield Fact("slices" if order.is_spatial else "images", len(order.slices))
    if order.phases > 1:
        yield Fact("phases", order.phases)
    if thickness and order.is_spatial:  # that of a projection is the depth of the patient
        yield Fact("thickness-mm", thickness)
    if order.spacing:
        yield Fact("spacing-mm", round(order.spacing, 3))
    if order.uneven:
        yield Fact("uneven")
    if order.localizers:
        yield Fact("localizers", order.localizers)
