"""A series as one picture: its middle slice large, eight others beside it. Runs in the sandbox only.

Decodes those nine and no others. All have the window of the middle one, so that grey means the same in each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import attributes, dataset, groups, montage, orientation, rendering, window, writing
from ernbot.imaging.frame import Frames
from ernbot.imaging.header import Header
from ernbot.imaging.model import Fact, Facts, Preview
from ernbot.imaging.series import Stack


@dataclass(frozen=True)
class _Drawn:
    """One image as it is seen, the attributes that hold for it, and the window that made it."""

    image: Image.Image
    attributes: Dataset
    window: tuple[Fact, ...]
    truncated: bool
    writing: int


def preview(order: Stack) -> Preview:
    """The montage of a series of at least two images.

    Raises what `dataset.read`, `Frames.of` and `Frames.decode` raise, where none of the slices can be shown.
    """
    drawn: dict[int, _Drawn] = {}
    failures: list[Exception] = []
    middle = len(order.slices) // 2
    for index in sorted(_chosen(len(order.slices)), key=lambda index: abs(index - middle)):
        first = next(iter(drawn.values()), None)
        longest = montage.SMALL if first else montage.LARGE
        try:
            drawn[index] = _draw(order.slices[index], longest, first if order.is_spatial else None)
        except MemoryError:
            raise
        except Exception as failure:  # codecs raise anything on hostile bytes; the other slices can still be seen
            failures.append(failure)
    if not drawn:
        raise failures[0]
    (at, large), *others = drawn.items()
    sheet = montage.beside(large.image, [one.image for _, one in sorted(others)])
    truncated = any(one.truncated for one in drawn.values())
    details = (
        *_details(order),
        *orientation.facts(large.attributes),
        *(large.window if order.is_spatial else ()),
        *([Fact("truncated")] if truncated else []),
        *([Fact("unreadable", len(failures))] if failures else []),
    )
    own = order.slices[at]
    facts = Facts(
        format="DICOM",
        modality=own.modality,
        body_part=own.body_part,
        width=int(large.attributes.Columns),
        height=int(large.attributes.Rows),
        frames=order.frames,
        lossy=any(header.lossy for header in order.slices),
        kind="series",
        identifiable=order.identifiable,
        details=details,
    )
    uids = tuple(filter(None, (own.series, own.study, own.frame_of_reference)))
    written = sum(one.writing for one in drawn.values())
    if len(drawn) < len(order.slices) and writing.is_suspected(large.attributes):
        written += writing.UNSEEN.words  # not every picture was looked at
    return replace(rendering.encode(sheet, facts), uids=uids, writing=written)


def _chosen(count: int) -> list[int]:
    """The middle, and as many others as there is room for, evenly spread: the ends are mostly air."""
    middle = count // 2
    others = [index for index in range(count) if index != middle]
    room = min(montage.MOST - 1, len(others))
    return sorted([middle, *(others[(2 * place + 1) * len(others) // (2 * room)] for place in range(room))])


def _draw(header: Header, longest: int, like: _Drawn | None) -> _Drawn:
    """The middle frame of a file, its longest side at most `longest`, in the window of another where that has one."""
    elements = dataset.read(header.read(-1))
    frames = Frames.of(elements)
    index = frames.count // 2
    pixels = frames.decode(index, longest)
    held = groups.of_frame(elements, index)
    if like and pixels.ndim == 2:
        window.share(like.window, like.attributes, held)
    image, shown_by = rendering.drawn(pixels, held, longest, share=frames.rows / int(elements.Rows))
    return _Drawn(image, held, shown_by, frames.truncated, writing.seen(elements, frames).words)


def _details(order: Stack) -> Iterator[Fact]:
    yield Fact("slices" if order.is_spatial else "images", len(order.slices))
    if order.phases > 1:
        yield Fact("phases", order.phases)
    if order.is_spatial:  # the thickness of a projection is that of the patient
        yield from attributes.positive("thickness-mm", order.slices[0].thickness)
    yield from attributes.positive("spacing-mm", order.spacing)
    if order.uneven:
        yield Fact("uneven")
    if order.localizers:
        yield Fact("localizers", order.localizers)
