"""What a worker said, as far as it can be true: a decoder may have been taken over by its input.

Every value is compared with the list or the shape that it must come from, and every picture with its own header, so
that no text of a file can pass. Raises `Died` at any answer that no honest worker gives. Decodes nothing.
"""

import re
from typing import Any

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, codestream, identifiers, other_slides, png, terms
from ernbot.imaging.deid import LEFT_OUT, Report
from ernbot.imaging.model import LONGEST_SIDE, THUMBNAIL_SIDE, Fact, Facts, Picture, Preview
from ernbot.imaging.pipe import MAX_PREVIEWS, PICTURES
from ernbot.imaging.process import Died, Worker

MAX_ANIMATION = 1536 * 2**10
"""Bytes of a film that a phone loads without being asked."""

_STILL = frozenset({"image/png", "image/jpeg"})
_MOVING = frozenset({"image/webp", "image/gif"})
_FORMATS = frozenset(format_.name for format_ in FORMATS) | other_slides.IN_FOLDERS
_FIELDS = {
    "deid-directory": frozenset[str](),
    "deid-document": frozenset[str](),
    "deid-incomplete": frozenset({"kinds"}),
    "archive-inside": frozenset[str](),
    "archive-locked": frozenset[str](),
    "archive-slide-alone": frozenset[str](),
    "archive-unchecked": frozenset({"count"}),
    "archive-unsafe": frozenset[str](),
    "file-broken": frozenset[str](),
    "file-names-patient": frozenset({"kinds"}),
    "file-overview-only": frozenset[str](),
    "file-slide-export": frozenset({"maker"}),
    "file-slide-part": frozenset({"maker"}),
    "file-too-complex": frozenset[str](),
    "file-unknown": frozenset[str](),
    "file-unsupported": frozenset({"syntax"}),
}
"""Refusals of decoders and cleaners, and the fields of each."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_MAX_UID = 64
_BASE83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def previews(said: dict[str, Any], pictures: memoryview, worker: Worker) -> list[Preview]:
    """The previews of an answer. Raises the refusal that the worker gave, or `Died`."""
    try:
        _refuse(said, worker)
        plain, at = said["previews"], 0
        if set(said) != {"previews"} or not 0 < len(plain) <= MAX_PREVIEWS:
            raise Died
        checked = []
        for one in plain:
            for name in PICTURES:
                if one[name] is not None:
                    length = _natural(one[name]["data"])
                    one[name] = Picture(**{**one[name], "data": bytes(pictures[at : at + length])})
                    at += length
            facts = one.pop("facts")
            details = tuple(_fact(**detail) for detail in facts.pop("details"))
            uids = {name: _uids(one[name]) for name in ("uids", "refers")}
            places = _places(one.pop("places"))
            checked.append(Preview(Facts(**facts, details=details), **{**one, **uids}, places=places))
        if at != len(pictures) or not all(_is_honest(preview) for preview in checked):
            raise Died
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Died from error
    return checked


def _places(said: list[str]) -> tuple[str, ...]:
    found = tuple(terms.PLACES[terms.PLACES.index(place)] for place in said)
    if len(set(found)) != len(found):
        raise Died
    return found


def report(said: dict[str, Any], pictures: memoryview, worker: Worker) -> Report:
    """The report of a cleaner. Raises the refusal that the worker gave, or `Died`."""
    try:
        _refuse(said, worker)
        plain = said["report"]
        kinds = tuple(plain.pop("kinds"))
        checked = Report(kinds=kinds, **plain)
        known = set(kinds) <= worker.keywords | identifiers.KINDS and set(checked.left_out) <= LEFT_OUT
        shaped = type(checked.masked) is bool and min(map(_natural, (checked.writing, *checked.left_out.values()))) >= 0
        if len(pictures) or set(said) != {"report"} or not (known and shaped and list(kinds) == sorted(set(kinds))):
            raise Died
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Died from error
    return checked


def _refuse(said: dict[str, Any], worker: Worker) -> None:
    """Raise the refusal of an answer that is one: each field is a name of the standard."""
    if "refused" not in said:
        return
    code, fields = said["refused"], said["fields"]
    if set(fields) != _FIELDS[code]:
        raise Died
    if "kinds" in fields and not set(fields["kinds"].split(", ")) <= worker.keywords | identifiers.KINDS:
        raise Died
    if "syntax" in fields and fields["syntax"] not in worker.syntaxes | _FORMATS:
        raise Died
    if "count" in fields:
        _natural(fields["count"])
    if "maker" in fields and fields["maker"] not in terms.SLIDE_MAKERS:
        raise Died
    raise Refused(code, **fields)


def _natural(value: object) -> int:
    """A count. Raises `TypeError` or `ValueError` for anything else."""
    if type(value) is not int:
        raise TypeError
    if not 0 <= value < 2**32:
        raise ValueError
    return value


def _fact(name: str, value: object) -> Fact:
    if not terms.fits(name, value):
        raise ValueError
    return Fact(name, float(value) if terms.FACTS[name] is float else value)  # type: ignore[arg-type]


def _uids(values: Any) -> tuple[str, ...]:
    """DICOM UIDs, PS3.5 section 9.1, with the leading zeros that some consoles write."""
    if not isinstance(values, list) or not all(len(uid) <= _MAX_UID and _UID.fullmatch(uid) for uid in values):
        raise ValueError
    return tuple(values)


def _is_honest(preview: Preview) -> bool:
    """Whether every value is one that a decoder gives. Raises `TypeError` or `ValueError` at odd ones."""
    facts = preview.facts
    return (
        facts.format in _FORMATS
        and facts.kind in terms.KINDS
        and facts.modality in terms.MODALITIES | {None}
        and facts.body_part in terms.BODY_PARTS | {None}
        and (preview.picture is None or facts.frames > 0)
        and min(_natural(facts.width), _natural(facts.height), _natural(facts.frames)) >= 0
        and type(facts.lossy) is bool
        and type(facts.identifiable) is bool
        and _natural(preview.writing) >= 0
        and (preview.picture is not None or not (preview.thumbnail or preview.animation or preview.blurhash))
        and _is_picture(preview.picture, LONGEST_SIDE, _STILL)
        and _is_picture(preview.thumbnail, THUMBNAIL_SIDE, _STILL)
        and _is_picture(preview.animation, LONGEST_SIDE, _MOVING)
        and (preview.animation is None or len(preview.animation.data) <= MAX_ANIMATION)
        and _is_blurhash(preview.blurhash)
    )


def _is_picture(picture: Picture | None, longest: int, mimetypes: frozenset[str]) -> bool:
    """Whether there is none, or one that is what it says, by its first bytes."""
    if picture is None:
        return True
    sides = (picture.width, picture.height)
    stated = _size(picture.data, picture.mimetype) if picture.mimetype in mimetypes else None
    return sides == stated and 0 < min(stated) <= max(stated) <= longest


def _size(data: bytes, mimetype: str) -> tuple[int, int] | None:
    """Width and height by the first bytes of a picture; None where it is not of that type."""
    if mimetype == "image/png" and data.startswith(png.SIGNATURE) and data[12:16] == b"IHDR":
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if mimetype == "image/gif" and data[:6] in (b"GIF87a", b"GIF89a"):
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if mimetype == "image/webp" and (data[:4], data[8:16]) == (b"RIFF", b"WEBPVP8X"):
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if mimetype == "image/jpeg" and data.startswith(b"\xff\xd8"):
        stated = codestream.stated(data)
        return (stated.width, stated.height) if stated else None
    return None


def _is_blurhash(value: str | None) -> bool:
    """Whether there is none, or one whose length is that of the waves it announces: they are its first digit."""
    if value is None:
        return True
    if not isinstance(value, str) or not value or not set(value) <= set(_BASE83):
        return False
    down, across = divmod(_BASE83.index(value[0]), 9)
    return len(value) == 4 + 2 * (across + 1) * (down + 1)
