"""From pixel values to a picture for a screen. Runs in the sandbox only.

Everything leaves through `encode`, which writes pixels and nothing else. Overlays (groups 60xx) are never drawn:
consoles write names into them.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from blurhash import encode as blurhash_of
from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import colour, window
from ernbot.imaging.attributes import numbers
from ernbot.imaging.model import LONGEST_SIDE, THUMBNAIL_SIDE, Fact, Facts, Picture, Preview

Array = np.ndarray[Any, Any]

_JPEG_QUALITY = 88

_STAIN_SIDE = 12
_STAIN_PARTS = (4, 3)
"""Samples that the stain is computed from, and its waves across and down."""

_HATCH_STEP = 12
_HATCH_GREYS = (72, 120)
"""Pixels between the lines that fill what was never sent, and the greys of its ground and lines."""

_FILM_QUALITIES = (60, 30)
MAX_FILM_BYTES = 1_500_000


def encode(picture: Image.Image, facts: Facts) -> Preview:
    """A small copy without a trace of where it came from.

    Grey goes out as PNG, since a compression artefact beside a bone could be read as a finding; colour as
    JPEG without chroma subsampling, since PNG would be ten times larger.
    """
    large = _fit(picture, picture.size)
    shown = _encode(large)
    small, thumbnail = large, shown
    if max(large.size) > THUMBNAIL_SIDE:
        small = large.copy()
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
        thumbnail = _encode(small)
    stain = small.resize((_STAIN_SIDE, _STAIN_SIDE), Image.Resampling.BOX).convert("RGB")
    return Preview(facts, shown, thumbnail, blurhash=blurhash_of(np.asarray(stain), *_STAIN_PARTS))


def animate(preview: Preview, pictures: Sequence[Image.Image], milliseconds: int) -> Preview:
    """`preview` with a film of these pictures, each shown so long, in WebP of at most `MAX_FILM_BYTES`.

    Without a film where there is nothing to move or it would be larger.
    """
    first, *others = (_bare(picture) for picture in pictures)
    for quality in _FILM_QUALITIES if others else ():
        file = BytesIO()
        first.save(
            file, "WEBP", save_all=True, append_images=others, duration=milliseconds, loop=0, quality=quality, method=0
        )
        if len(file.getvalue()) <= MAX_FILM_BYTES:
            film = Picture(file.getvalue(), "image/webp", first.width, first.height)
            return replace(preview, animation=film)
    return preview


def _encode(picture: Image.Image) -> Picture:
    bare, file = _bare(picture), BytesIO()
    if bare.mode == "L":
        bare.save(file, "PNG", compress_type=zlib.Z_RLE)  # smaller than the first level for noise, and faster
    else:
        bare.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    mimetype = "image/png" if bare.mode == "L" else "image/jpeg"
    return Picture(file.getvalue(), mimetype, bare.width, bare.height)


def _bare(picture: Image.Image) -> Image.Image:
    """A new image from bare samples: Pillow otherwise carries comments, profiles and EXIF over."""
    return Image.frombytes(picture.mode, picture.size, picture.tobytes())


def _fit(picture: Image.Image, shape: tuple[float, float], longest: int = LONGEST_SIDE) -> Image.Image:
    """`picture` in the proportions of `shape`, its longest side at most `longest`."""
    scale = min(1.0, longest / max(shape))
    size = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
    # From twice the size on, pixels are averaged first: half of the time for a difference that nobody sees.
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0)


def picture(frame: Array, dataset: Dataset) -> Image.Image:
    """A decoded frame as it should be seen: mode L or RGB, at most `LONGEST_SIDE`, pixels square."""
    return drawn(frame, dataset)[0]


def drawn(
    frame: Array, dataset: Dataset, longest: int = LONGEST_SIDE, share: float = 1.0
) -> tuple[Image.Image, tuple[Fact, ...]]:
    """A decoded frame as it should be seen, and by which window: mode L or RGB, at most `longest`, pixels square.

    `dataset` has the attributes that hold for this frame. Below the `share` of the height that is there, the
    picture is hatched.
    """
    # Skipping rows and columns before the arithmetic keeps twice the preview's size, enough to filter.
    step = max(1, max(frame.shape[:2]) // (2 * longest))
    frame = np.ascontiguousarray(frame[::step, ::step])
    rows = len(frame) if share == 1.0 else max(1, int(len(frame) * share))
    samples, facts = _samples(frame[:rows], dataset)
    if rows < len(frame):
        samples = np.concatenate((samples, _hatched(samples, len(frame) - rows)))
    image = Image.fromarray(samples)
    return _fit(image, (image.width, image.height * aspect(dataset)), longest), facts


def _samples(frame: Array, dataset: Dataset) -> tuple[Array, tuple[Fact, ...]]:
    """Eight bits of grey, rows x columns, or of RGB, rows x columns x 3."""
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return colour.palette(frame, dataset), ()
    if frame.ndim == 3:
        return colour.rgb(frame, dataset), ()
    grey, facts = window.grey(frame, dataset)
    return (colour.supplement(grey, frame, dataset) if colour.is_supplemented(dataset) else grey), facts


def _hatched(samples: Array, rows: int) -> Array:
    """So many rows of slanted lines, as wide and as deep as `samples`: nothing that anatomy could look like."""
    down, across = np.indices((rows, samples.shape[1]))
    lines = np.where((down + across) % _HATCH_STEP == 0, _HATCH_GREYS[1], _HATCH_GREYS[0]).astype(np.uint8)
    return lines if samples.ndim == 2 else np.repeat(lines[..., None], 3, axis=2)


def aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width: PixelAspectRatio or the spacing, PS3.3 C.7.6.3.1.7; 1.0 in doubt."""
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        sides = numbers(dataset, keyword, 2)
        if sides and sides[1] and 0.1 <= sides[0] / sides[1] <= 10.0:
            return sides[0] / sides[1]
    return 1.0
