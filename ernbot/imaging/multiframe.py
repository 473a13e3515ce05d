"""Many frames in one DICOM object: moving pictures and volumes. Runs in the sandbox only.

Shown are the middle frame and some others, all in its window, and of a moving picture a short film. Only those frames
are decoded, one by one: never all of them, since a file may hold thousands.
"""

from dataclasses import dataclass, replace

from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import attributes, faces, groups, montage, orientation, rendering, strip, terms, window
from ernbot.imaging.frame import Frames
from ernbot.imaging.model import LONGEST_SIDE, Fact, Preview

_VOLUMES = frozenset({"CT", "MR", "PT", "OPT", "OCT"})
_MOVING = frozenset({"US", "XA", "RF", "NM", "IVUS", "ES", "GM", "XC"})
"""Modalities whose frames are slices, and those whose frames follow each other in time."""

_TIMES = ("FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate")

_SMALL = 160
_FILM_SIDE = 320
_FILM_FRAMES = 16
_FILM_SECONDS = (1.0, 4.0)
"""A film plays in the time that was recorded, but within these bounds."""


@dataclass(frozen=True)
class _Drawn:
    """One frame as it is seen, the attributes that hold for it, and the window that made it."""

    image: Image.Image
    header: Dataset
    window: tuple[Fact, ...]


def preview(dataset: Dataset, frames: Frames) -> Preview:
    """The strip of an object with at least two frames. Raises what `Frames.decode` raises."""
    moving = _is_moving(dataset)
    positions = None if moving else groups.positions(dataset, frames.count)
    order = sorted(range(frames.count), key=positions.__getitem__) if positions else list(range(frames.count))
    middle = order[frames.count // 2]
    large = _drawn(frames, middle, LONGEST_SIDE)
    others = spread([index for index in order if index != middle], strip.MOST if moving else montage.MOST - 1)
    small = [_drawn(frames, index, _SMALL, large).image for index in others]
    header = large.header
    spacing = _spacing(header, positions)
    details = (*(_time(dataset, frames.count) if moving else _space(header, spacing)), *large.window)
    facts = attributes.facts(
        dataset,
        "cine" if moving else "series",
        frames.count,
        (*orientation.facts(header), *details, *([Fact("truncated")] if frames.truncated else [])),
        identifiable=not moving and _is_identifiable(header, frames.count, spacing),
    )
    sheet = strip.beneath(large.image, small) if moving else montage.beside(large.image, small)
    shown = replace(rendering.encode(sheet, facts), uids=attributes.uids(dataset))
    return _with_film(shown, frames, large) if moving else shown


def spread(indices: list[int], most: int) -> list[int]:
    """At most so many of them, evenly spread and neither end included: ends are often empty."""
    room = min(most, len(indices))
    return [indices[(2 * place + 1) * len(indices) // (2 * room)] for place in range(room)]


def _drawn(frames: Frames, index: int, longest: int, like: _Drawn | None = None) -> _Drawn:
    """A frame, its longest side at most `longest`, in the window of another where that has one."""
    header = groups.of_frame(frames.dataset, index)
    if like:
        window.share(like.window, like.header, header)
    image, shown_by = rendering.drawn(frames.decode(index, longest), header, longest)
    return _Drawn(image, header, shown_by)


def _with_film(shown: Preview, frames: Frames, like: _Drawn) -> Preview:
    seconds = _seconds(frames.dataset, frames.count)
    shortest, longest = _FILM_SECONDS
    indices = spread(list(range(frames.count)), _FILM_FRAMES)
    pictures = [_drawn(frames, index, _FILM_SIDE, like).image for index in indices]
    played = min(max(seconds or shortest, shortest), longest)
    return rendering.animate(shown, pictures, round(1000 * played / len(pictures)))


def _is_moving(dataset: Dataset) -> bool:
    modality = str(dataset.get("Modality", ""))
    if modality in _VOLUMES or "RECON TOMO" in list(dataset.get("ImageType") or []):
        return False
    return modality in _MOVING or any(keyword in dataset for keyword in _TIMES)


def _seconds(dataset: Dataset, count: int) -> float | None:
    """How long the frames took, PS3.3 C.7.6.5; None where nothing plausible is said."""
    milliseconds = attributes.number(dataset, "FrameTime")
    rate = attributes.number(dataset, "CineRate") or attributes.number(dataset, "RecommendedDisplayFrameRate")
    vector = dataset.get("FrameTimeVector")
    if not milliseconds and vector is not None and len(vector) > 1:
        found = attributes.numbers(dataset, "FrameTimeVector", len(vector))
        milliseconds = sum(found) / (len(found) - 1) if found else None
    seconds = milliseconds / 1000 * count if milliseconds else count / rate if rate else 0.0
    return seconds if 0.0 < seconds < 3600.0 else None


def _time(dataset: Dataset, count: int) -> tuple[Fact, ...]:
    seconds = _seconds(dataset, count)
    if seconds is None:
        return ()
    return Fact("duration-s", round(seconds, 1)), Fact("rate-fps", round(count / seconds, 1))


def _space(header: Dataset, spacing: float | None) -> tuple[Fact, ...]:
    thickness = attributes.positive("thickness-mm", attributes.number(header, "SliceThickness"))
    return (*thickness, *attributes.positive("spacing-mm", spacing))


def _spacing(header: Dataset, positions: list[float] | None) -> float | None:
    """Millimetres from one slice to the next, by where they lie or by what the header says."""
    if positions and len(places := sorted(set(positions))) > 1:
        return (places[-1] - places[0]) / (len(places) - 1)
    return attributes.number(header, "SpacingBetweenSlices")


def _is_identifiable(header: Dataset, count: int, spacing: float | None) -> bool:
    """Whether a face can be computed from the frames; those that do not say how far apart they are may be fine."""
    modality = terms.defined(header.get("Modality"), terms.MODALITIES)
    return faces.shows_head(header) and faces.is_volume(modality, count, spacing or 0.0)
