"""Colour profiles without words: the numbers of a profile in a fresh one of our own. Runs in the sandbox only.

A profile has a description, a copyright, a device and private tags (ICC.1:2022 section 9), and each can hold a
name. Colours hang on a few numbers: the three primaries, the white point and the curves. Those are read, checked
to be what they should be, and written anew; a curve that rises steadily spells no name.
"""

import struct
from io import BytesIO

from PIL import ImageCms

_HEADER = 128
_MOST_TAGS = 100
_MOST_POINTS = 4096
_LARGEST = 10 * 65536
_PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers a parametric curve of each function has: section 10.18."""

_PRIMARIES = (b"rXYZ", b"gXYZ", b"bXYZ")
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_TABLES = frozenset({b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2"})
_WORDS = b"de-identified"
_D50 = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)


class NeedsConversion(Exception):
    """The profile works by tables or for inks: colours stay right only if the samples are converted."""


def rebuilt(profile: bytes) -> bytes | None:
    """A fresh profile of the same colours, or None for one that is broken, and by which nobody sees colours.

    Raises `NeedsConversion`.
    """
    try:
        return _fresh(profile)
    except (ValueError, KeyError, struct.error):
        pass
    try:
        ImageCms.ImageCmsProfile(BytesIO(profile))
    except (ImageCms.PyCMSError, OSError):
        return None
    raise NeedsConversion


def _fresh(profile: bytes) -> bytes:
    """Raises `ValueError`, `KeyError` or `struct.error` where this is no profile of primaries and curves."""
    tags = _tags(profile)
    space, version = profile[16:20], profile[8]
    if profile[36:40] != b"acsp" or profile[20:24] != b"XYZ " or _TABLES & set(tags):
        raise ValueError
    numbers = {name: _numbers(tags[name], b"XYZ ", 3) for name in (b"wtpt", *(_PRIMARIES if space == b"RGB " else ()))}
    if b"chad" in tags:
        numbers[b"chad"] = _numbers(tags[b"chad"], b"sf32", 9)
    curves = {name: _curve(tags[name]) for name in _CURVES[space]}
    if version >= 4:
        words = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, 2 * len(_WORDS), 28)
        texts = dict.fromkeys((b"desc", b"cprt"), words + _WORDS.decode().encode("utf-16-be"))
    else:
        described = b"desc" + struct.pack(">II", 0, len(_WORDS) + 1) + _WORDS + bytes(1 + 4 + 4 + 2 + 1 + 67)
        texts = {b"desc": described, b"cprt": b"text" + bytes(4) + _WORDS + b"\0"}
    return _written(b"\4\x20\0\0" if version >= 4 else b"\2\x10\0\0", space, {**texts, **numbers, **curves})


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MOST_TAGS:
        raise ValueError
    entries = (struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * number) for number in range(count))
    return {name: profile[offset : offset + size] for name, offset, size in entries}


def _numbers(tag: bytes, kind: bytes, count: int) -> bytes:
    """The numbers of a tag of this type, as a tag again."""
    values = struct.unpack_from(f">{count}i", tag, 8)
    if tag[:4] != kind or max(map(abs, values)) > _LARGEST:
        raise ValueError
    return kind + bytes(4) + struct.pack(f">{count}i", *values)


def _curve(tag: bytes) -> bytes:
    """A curve by points that never fall, or by a function: sections 10.6 and 10.18."""
    if tag[:4] == b"para":
        function = int.from_bytes(tag[8:10], "big")
        if function >= len(_PARAMETERS):
            raise ValueError
        values = struct.unpack_from(f">{_PARAMETERS[function]}i", tag, 12)
        if max(map(abs, values)) > _LARGEST:
            raise ValueError
        return b"para" + bytes(4) + struct.pack(f">HH{len(values)}i", function, 0, *values)
    (count,) = struct.unpack_from(">I", tag, 8)
    if tag[:4] != b"curv" or count > _MOST_POINTS:
        raise ValueError
    points = struct.unpack_from(f">{count}H", tag, 12)
    if list(points) != sorted(points):
        raise ValueError
    return b"curv" + bytes(4) + struct.pack(f">I{count}H", count, *points)


def _written(version: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    at = _HEADER + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head = bytes(4) + version + b"mntr" + space + b"XYZ " + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + _D50
    return struct.pack(">I", at + len(body)) + head.ljust(_HEADER - 4, b"\0") + table + body
