"""What previews of DICOM objects without plain pixels have in common: facts, UIDs, and the card.

Runs in the sandbox only. Numbers, terms of the standard and UIDs leave it, no other text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from PIL import Image
from pydicom.dataset import Dataset

from ernbot.imaging import rendering, storage_classes, terms
from ernbot.imaging.attributes import is_lossy, uids
from ernbot.imaging.model import Fact, Facts, Preview

MAX_REFERS = 64
"""UIDs that a preview names: series come first, and one of them is enough to find all its images."""

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_LONGEST_UID = 64
_REFERRING = (0x0020000E, 0x00200052, 0x30060024, 0x00081155)
"""SeriesInstanceUID, FrameOfReferenceUID, ReferencedFrameOfReferenceUID, ReferencedSOPInstanceUID, within items."""


def card(dataset: Dataset, kind: str, *details: Fact, reason: str = "no-pixels") -> Preview:
    """A preview without a picture; the last of its facts says why."""
    facts = _facts(dataset, kind, (*details, Fact(reason)))
    return Preview(facts, None, uids=uids(dataset), refers=refers(dataset))


def drawn(image: Image.Image, dataset: Dataset, kind: str, *details: Fact, **facts: Any) -> Preview:
    """A preview with `image` as its picture; `facts` are fields of `Facts` that `dataset` does not tell."""
    preview = rendering.encode(image, _facts(dataset, kind, details, **{"frames": 1, **facts}))
    return replace(preview, uids=uids(dataset), refers=refers(dataset))


def wrapping(inner: Preview, dataset: Dataset, kind: str) -> Preview:
    """What is shown of a file of another format inside this object."""
    size = {"width": inner.facts.width, "height": inner.facts.height, "frames": inner.facts.frames}
    facts = _facts(dataset, kind, inner.facts.details, identifiable=inner.facts.identifiable, **size)
    return replace(inner, facts=facts, uids=uids(dataset), refers=refers(dataset))


def _facts(dataset: Dataset, kind: str, details: tuple[Fact, ...], **facts: Any) -> Facts:
    stated: dict[str, Any] = {
        "format": "DICOM",
        "modality": terms.defined(dataset.get("Modality"), terms.MODALITIES),
        "body_part": terms.defined(dataset.get("BodyPartExamined"), terms.BODY_PARTS),
        "width": int(dataset.get("Columns") or 0),
        "height": int(dataset.get("Rows") or 0),
        "frames": 0,
        "lossy": is_lossy(dataset),
    }
    return Facts(kind=kind, details=details, **{**stated, **facts})


def class_name(dataset: Dataset) -> Fact | None:
    """What the standard calls the class of this object; None for a class that it does not know."""
    uid = sop_class(dataset)
    name = getattr(uid, "name", "")
    return Fact("class", name) if name in storage_classes.NAMES else None


def sop_class(dataset: Dataset) -> Any:
    """The SOP Class UID, from the file meta information where the data set lacks it."""
    return dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or ""


def refers(dataset: Dataset) -> tuple[str, ...]:
    """Series, frames of reference and objects that this one points at, itself and its own series left out.

    Its own frame of reference belongs to them: whatever lies in it can be drawn over.
    """
    found: dict[int, list[str]] = {tag: [] for tag in _REFERRING}
    found[_REFERRING[1]].append(str(dataset.get("FrameOfReferenceUID") or ""))
    for sequence in sequences(dataset):
        _collect(sequence, found)
    own = {str(dataset.get(keyword)) for keyword in ("SOPInstanceUID", "SeriesInstanceUID")}
    everything = [uid for tag in _REFERRING for uid in found[tag] if uid not in own]
    return _valid(dict.fromkeys(everything))[:MAX_REFERS]


def _collect(items: Any, found: dict[int, list[str]]) -> None:
    for item in items:
        for tag in _REFERRING:
            if tag in item:
                found[tag].append(str(item[tag].value))
        for sequence in sequences(item):
            _collect(sequence, found)


def sequences(dataset: Dataset) -> Iterator[Any]:
    """The sequences directly in a data set. Other values stay unparsed: contours hold millions of numbers."""
    for tag in list(dataset.keys()):
        if dataset.get_item(tag).VR == "SQ":
            yield dataset[tag].value


def _valid(candidates: Any) -> tuple[str, ...]:
    return tuple(uid for uid in candidates if len(uid) <= _LONGEST_UID and _UID.fullmatch(uid))


def numbers(value: object, count: int) -> list[float] | None:
    """Exactly `count` finite numbers; None otherwise."""
    try:
        found = [float(part) for part in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None
