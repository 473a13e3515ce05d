"""What is asked of a cleaner, and what it answers. Plain values only, so that they cross the pipe of the sandbox."""

from dataclasses import dataclass, field

from ernbot.core.errors import Refused

SECRET_BYTES = 32
"""Length of the secret of a case."""


PRIVATE = "PrivateElements"
"""The kind of all elements that only one vendor knows."""


@dataclass(frozen=True)
class Policy:
    """How a file of one case is de-identified.

    `secret` (`SECRET_BYTES` bytes, made at random once per case) decides the replacement UIDs, the pseudonym and the
    shift of the dates: with the same secret a follow-up scan still belongs to the first one, and without it nobody
    can tell which patient a file came from. `keep_dates` leaves dates as they are; otherwise all of a case move back
    by the same number of days, up to three years. `keep_characteristics` leaves age (90 years at most), sex, size and
    weight; `keep_device` serial numbers and station names; `keep_descriptions` the free text that describes study,
    series and acquisition, which a console lets its user type. `mask_writing` blackens what may be written text in
    the pixels, where the format says in which region the picture is.

    Raises `ValueError` when the secret has another length.
    """

    secret: bytes = field(repr=False)
    keep_dates: bool = False
    keep_characteristics: bool = True
    keep_device: bool = False
    keep_descriptions: bool = False
    mask_writing: bool = True

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"the secret of a case has {SECRET_BYTES} bytes")


@dataclass(frozen=True)
class Report:
    """What was removed or replaced.

    `kinds` are DICOM keywords, EXIF or TIFF tag names and the like, sorted, never values. `writing` counts the places
    in the pixels that still look like written text, so that a person must look; `masked` says that some were blackened.
    `left_out` counts the members of an archive that are not in the copy, by what is said of them: see `left_out`.
    """

    kinds: tuple[str, ...] = ()
    writing: int = 0
    masked: bool = False
    left_out: dict[str, int] = field(default_factory=dict)


LEFT_OUT = frozenset({"left-out", "left-out-archives", "left-out-broken"})
"""Facts that say how many files are missing in a copy, and why."""


def left_out(refused: Refused | None) -> str | None:
    """The fact that tells of a file that was left out of a copy; None of what nobody misses, an index of a medium."""
    if refused is None or refused.code == "deid-directory":
        return None
    by_code = {"archive-inside": "left-out-archives", "file-broken": "left-out-broken"}
    return by_code.get(refused.code, "left-out")
