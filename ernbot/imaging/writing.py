"""Written text in the pixels: found by tesseract in the kinds of pictures that may have some. Runs in the sandbox only.

A console burns names into ultrasound pictures and screenshots, and no header tells: BurnedInAnnotation is absent, or
says NO, over plain names. Words are counted, never read to anybody: a person has to look whenever there are any. Where
tesseract or its data is missing, or it takes too long, every picture of these kinds counts as written on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import groups, rendering, terms
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

_SCALE, _LONGEST = 3, 1600
"""Fonts of scanners are too small to be read as they are; more pixels only cost time."""

_MILLISECONDS = 4000
_CONFIDENCE, _LETTERS = 70, 3
"""Speckle and edges are read as words too: shorter ones, and without conviction."""

LONGEST_PHOTOGRAPH = 1200
"""Longest side at which small print is looked for, pixels."""

_TOGETHER_MILLISECONDS = 16_000
"""For all photographs of one archive, and half of it for one. Alone on a core each takes 0.6 s; a busy machine has to
be no reason to ask."""

_SURE, _NAME_LETTERS = 85, 4
"""Of seventeen made photographs of skin, hair and rulers no word of four letters or more was surer than 74, but shorter
ones up to 95. Words of a letter beside them reach 96."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


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


@dataclass(frozen=True)
class Writing:
    """How many words there are in a picture, and in which of its `terms.PLACES`, in the order of reading."""

    words: int = 0
    places: tuple[str, ...] = ()


UNSEEN = Writing(1)
"""What is said where nobody could look."""


def seen(dataset: Dataset, frames: Frames) -> Writing:
    """Writing in a suspected object: none in objects that have no reason for any.

    Of many frames the first, the middle and the last are laid over each other: text stays where it is.
    """
    if not is_suspected(dataset):
        return Writing()
    indices = sorted({0, frames.count // 2, frames.count - 1})
    picture = _overlaid(_grey(frames, index) for index in indices)
    return _read(picture, _LONGEST, _MILLISECONDS, _CONFIDENCE, _LETTERS)


def photographed(picture: Image.Image, share: int = 1) -> Writing:
    """Writing in a photograph, of a letter or a screen; one of `share` pictures that may take so long together.

    Skin, hair and rulers are read as words too, but without conviction.
    """
    milliseconds = _TOGETHER_MILLISECONDS // max(2, share)
    return _read(picture.convert("L"), LONGEST_PHOTOGRAPH, milliseconds, _SURE, _NAME_LETTERS)


def _read(picture: Image.Image, longest: int, milliseconds: int, confidence: int, letters: int) -> Writing:
    """What is written in a grey picture (mode L); `UNSEEN` when it took too long to say."""
    if _ENGINE is None:
        return UNSEEN
    scale = min(_SCALE, longest / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    _ENGINE.SetImage(picture.resize(size, Image.Resampling.BICUBIC))
    try:
        if not _ENGINE.Recognize(milliseconds):
            return UNSEEN
        boxes = [box for word, sure, box in _words() if sure >= confidence and sum(map(str.isalnum, word)) >= letters]
    finally:
        _ENGINE.Clear()
    found = {_place(box, size) for box in boxes}
    return Writing(len(boxes), tuple(place for place in terms.PLACES if place in found))


def _words() -> Iterator[tuple[str, float, Box]]:
    """Each word that was recognised, how sure that is (percent), and its box."""
    level = tesserocr.RIL.WORD
    for word in tesserocr.iterate_level(_ENGINE.GetIterator(), level) if _ENGINE and _ENGINE.GetIterator() else ():
        try:
            yield word.GetUTF8Text(level), word.Confidence(level), word.BoundingBox(level)
        except (RuntimeError, TypeError):  # a place at which nothing was recognised
            continue


def _place(box: Box, size: tuple[int, int]) -> str:
    """In which ninth of a picture of this size the middle of a box lies."""
    left, top, right, bottom = box
    column, row = (left + right) * 3 // (2 * size[0]), (top + bottom) * 3 // (2 * size[1])
    return terms.PLACES[3 * min(2, max(0, row)) + min(2, max(0, column))]


def _grey(frames: Frames, index: int) -> Image.Image:
    image, _ = rendering.drawn(frames.decode(index), groups.of_frame(frames.dataset, index))
    return image.convert("L")


def _overlaid(pictures: Iterable[Image.Image]) -> Image.Image:
    """The brightest of all at each place, or on a white ground the darkest."""
    layers = np.stack([np.asarray(picture) for picture in pictures])
    over = layers.max(0) if np.median(layers) < 128 else layers.min(0)
    return Image.fromarray(over)
