"""Written text in the pixels: found by tesseract in the kinds of pictures that have some. Runs in the sandbox only.

A console burns names into ultrasound pictures and screenshots, and no header tells: BurnedInAnnotation is absent, or
says NO, over plain names. Words are counted, never read to anybody: a person has to look whenever there are any. Where
tesseract or its data is missing, or it takes too long, every picture of these kinds counts as written on.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import groups, rendering
from ernbot.imaging.frame import Frames

try:
    import tesserocr
except ImportError:  # the package has no build for this machine
    tesserocr = None

_DATA = sorted(Path("/usr/share").glob("tesseract-ocr/*/tessdata/eng.traineddata"))
_MODALITIES = frozenset({"DG", "DOC", "ECG", "ES", "GM", "IVUS", "OP", "OT", "SC", "US", "XC"})
_ENDS = [
    "3.1",
    "6.1",
    "7",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "77.1.1",
    "77.1.1.1",
    "77.1.4",
    "77.1.4.1",
    "77.1.5.1",
    "77.1.5.2",
]
_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.{end}" for end in _ENDS)
"""Ultrasound, secondary capture, endoscopy, photographs: their devices draw text in (PS3.4 table B.5-1)."""

UNSEEN = 1
"""What is said where nobody could look."""

_SCALE, _LONGEST = 3, 1600
"""Fonts of scanners are too small to be read as they are; more pixels only cost time."""

_MILLISECONDS = 4000
_CONFIDENCE, _LETTERS = 70, 3
"""Speckle and edges are read as words too: shorter ones, and without conviction."""


def _engine() -> "tesserocr.PyTessBaseAPI | None":
    if tesserocr is None or not _DATA:
        return None
    engine = tesserocr.PyTessBaseAPI(path=f"{_DATA[-1].parent}/", lang="eng", psm=tesserocr.PSM.SPARSE_TEXT)
    # Its log is a file that it opens when it first has something to say, and it falls where it may open none. Without
    # a name it is standard error.
    engine.SetVariable("debug_file", "")
    return engine


_ENGINE = _engine()
"""Loaded with the decoders: later the sandbox can open no file."""


def is_suspected(dataset: Dataset) -> bool:
    """Whether pictures of this kind have text burned in, or the header says that this one does."""
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return True
    modality = str(dataset.get("Modality", "")).strip().upper()
    return modality in _MODALITIES or str(dataset.get("SOPClassUID", "")) in _CLASSES


def count(dataset: Dataset, frames: Frames) -> int:
    """Words in the pixels of a suspected object: 0 where there are none, and in objects that have no reason for any.

    Of many frames the first, the middle and the last are laid over each other: text stays where it is.
    """
    if not is_suspected(dataset):
        return 0
    if _ENGINE is None:
        return UNSEEN
    indices = sorted({0, frames.count // 2, frames.count - 1})
    return words(_overlaid(_grey(frames, index) for index in indices))


def words(picture: Image.Image) -> int:
    """Words in one grey picture (mode L); `UNSEEN` when it took too long to say."""
    if _ENGINE is None:
        return UNSEEN
    scale = min(_SCALE, _LONGEST / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    _ENGINE.SetImage(picture.resize(size, Image.Resampling.BICUBIC))
    try:
        if not _ENGINE.Recognize(_MILLISECONDS):
            return UNSEEN
        read = _ENGINE.MapWordConfidences()
    finally:
        _ENGINE.Clear()
    return sum(1 for word, sure in read if sure >= _CONFIDENCE and sum(map(str.isalnum, word)) >= _LETTERS)


def _grey(frames: Frames, index: int) -> Image.Image:
    image, _ = rendering.drawn(frames.decode(index), groups.of_frame(frames.dataset, index))
    return image.convert("L")


def _overlaid(pictures: Iterable[Image.Image]) -> Image.Image:
    """The brightest of all at each place, or on a white ground the darkest."""
    layers = np.stack([np.asarray(picture) for picture in pictures])
    over = layers.max(0) if np.median(layers) < 128 else layers.min(0)
    return Image.fromarray(over)
