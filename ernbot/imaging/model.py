"""What the imaging gateway hands on: facts, pictures, and the description of a format.

Plain values only, so that they cross the pipe of the sandbox as JSON. Nothing in here may carry text that a
file brought along: a header can hold a name wherever it can hold text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

LONGEST_SIDE = 800
"""Longest side of a preview, pixels: readable on a phone and on a desk, and a few hundred kilobytes."""

THUMBNAIL_SIDE = 320
"""Longest side of the small copy that clients show in a timeline, pixels."""

MAX_FRAME_BYTES = 256 * 2**20
"""Largest declared size of one decoded frame: a 16-bit mammogram has 60 MB, and the sandbox holds 1.2 GB."""


@dataclass(frozen=True)
class Fact:
    """One thing that may be said about a file: a name from `terms.FACTS`, and a number or a defined term.

    The sentence for it is `fact-NAME` in the catalogues.
    """

    name: str
    value: int | float | str | None = None


OVERVIEW_ONLY = Fact("overview-only")
"""Said of slides whose file leaves the room, and of which there is no copy."""


@dataclass(frozen=True)
class Facts:
    """What may be said in a room about a file.

    `kind` is one of `terms.KINDS` and chooses the sentence. `modality` and `body_part` are defined terms of DICOM;
    `width` and `height` are those of the original, upright, in pixels, and 0 without pixels; `frames` counts
    images, also those of a series. `lossy` says that the original itself was compressed with loss, `identifiable`
    that it shows, or lets a computer reconstruct, who somebody is. `details` come in the order of speaking.
    """

    format: str
    modality: str | None
    body_part: str | None
    width: int
    height: int
    frames: int
    lossy: bool
    kind: str = "picture"
    identifiable: bool = False
    details: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Picture:
    """An encoded picture, made from pixel values alone: no header, profile or comment of the original is in it.

    `width` and `height` are its own, in pixels.
    """

    data: bytes
    mimetype: str
    width: int
    height: int


@dataclass(frozen=True)
class Preview:
    """What is shown of a file, a series or a study.

    Without a `picture` it is a card: `facts` say what the file is and why there is nothing to see. `picture` is at
    most `LONGEST_SIDE` wide and high, `thumbnail` at most `THUMBNAIL_SIDE`, `animation` a short film. `blurhash`
    paints a stain until the picture is there. `writing` counts what looks like written text in the pixels, and
    `places` says where in the picture it is (`terms.PLACES`), where that is known.
    `uids` name the object and what it belongs to, `refers` those that it is drawn over (both DICOM UIDs).
    """

    facts: Facts
    picture: Picture | None
    thumbnail: Picture | None = None
    animation: Picture | None = None
    blurhash: str | None = None
    writing: int = 0
    places: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()

    @property
    def is_overview_only(self) -> bool:
        """Whether this may be shown, and its file not stay: nobody here can take the label out of it."""
        return OVERVIEW_ONLY in self.facts.details


@dataclass(frozen=True)
class Options:
    """What a decoder may need besides the files: objects of the same case that the files may refer to.

    `progress` may be told now and then which share of long work is done, from 0.0 to 1.0.
    """

    references: tuple[BinaryIO, ...] = field(default=())
    progress: Callable[[float], None] = field(default=lambda _share: None)


@dataclass(frozen=True)
class Format:
    """One kind of file.

    `sniff` looks at the first 64 KiB alone and decodes nothing, so that it may run beside the keys. `decoder` names
    the module that only the sandbox imports, with `previews(files: Sequence[BinaryIO], options: Options) ->
    list[Preview]`: files of the same format that were sent together. `cleaner` names the module with
    `deidentify(file: BinaryIO, out: BinaryIO, policy: deid.Policy) -> deid.Report`, where there is one.
    """

    name: str
    mimetypes: frozenset[str]
    sniff: Callable[[bytes], bool]
    decoder: str
    cleaner: str | None = None

    @property
    def ending(self) -> str:
        """How we name files of this format: a name that somebody gave can say whose file it is."""
        return _ENDINGS.get(self.name, f".{self.name.lower()}")

    @property
    def mimetype(self) -> str:
        """What we call files of this format: the registered type, which is the plainest."""
        return _MIMETYPES.get(self.name) or min(sorted(self.mimetypes), key=len)


_ENDINGS = {"DICOM": ".dcm", "JPEG": ".jpg", "TIFF": ".tif"}
_MIMETYPES = {"JPEG": "image/jpeg", "SVS": "image/tiff", "TIFF": "image/tiff"}


def remarked(previews: Sequence[Preview], counts: Mapping[str, int]) -> list[Preview]:
    """The previews, with what is to be said of all of them under the last one; nothing is said of zero."""
    *others, last = previews
    remarks = tuple(Fact(name, count) for name, count in counts.items() if count)
    return [*others, replace(last, facts=replace(last.facts, details=(*last.facts.details, *remarks)))]
