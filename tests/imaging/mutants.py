"""Files with damage of the kinds that reach far into a parser: wrong lengths, tags, counts and codestreams.

Damage behind a checksum or a compression is made inside it, and the checksum is made good again: otherwise the first
check would refuse every file, and the code behind it would see none. The same chance makes the same mutant.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from random import Random

_EDGES = (
    *(0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000),
    *(2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**63 - 1, 2**64 - 1),
)
"""Where counters overflow and signs change."""

_MARKS = re.compile(
    rb"\xff\x4f\xff\x51|\xff[\x52\x5c\x90]\x00|"  # JPEG 2000: size, coding style, quantization, tile
    rb"\xff\xd8\xff|\xff[\xc0-\xc4\xda\xdb\xf7\xf8]\x00|"  # JPEG and JPEG-LS: frame, tables, scan
    rb"\xfe\xff[\x00\x0d\xdd]\xe0|\xe0\x7f\x10\x00|\x28\x00[\x02-\x20\x34]\x00|"  # DICOM: items, pixels and their shape
    rb"PK[\x01\x03\x05]|IHDR|PLTE|IDAT|iCCP|eXIf|"
    rb"ftyp|meta|iloc|iprp|ipma|ispe|hvcC|av1C|VP8[ LX]|ANMF|"
    rb"II[*+]\x00|MM\x00[*+]|"
    rb"\b(?:level|mag|ifd|IFD|size[XY]|Size[A-Z]|PhysicalSizeX|Overlaps?[A-Z]*|ScanRes|AppMag|MPP) ?=|"  # slides
    rb" obj|/(?:Length|Kids|Count|Filter|Width|Height|MediaBox|W|Index|Size)\b|startxref|facet|vertex",
)
"""What a parser turns on; the numbers follow within a few bytes."""

_VRS = (b"AE AS AT CS DA DS DT FL FD IS LO LT OB OF OW PN SH SL SQ SS ST TM UI UL UN US UT").split()
_ELEMENT = re.compile(rb"(?s)....(?:" + b"|".join(_VRS) + rb")..")
_MOST_ELEMENTS = 2000
_MOST_MEMBERS = 50
_PNG = b"\x89PNG\r\n\x1a\n"
_DEFLATED = b"1.2.840.10008.1.2.1.99"


def mutant(data: bytes, other: bytes, chance: Random) -> bytes:
    """A damaged copy of a file; parts of `other` may be in it."""
    if chance.random() < 0.7:
        if data.startswith(b"PK"):
            return _in_archive(data, other, chance)
        if data.startswith(_PNG):
            return _in_png(data, other, chance)
        if data[128:132] == b"DICM" and _DEFLATED in data[:512]:
            return _in_deflated(data, other, chance)
    return _damaged(data, other, chance)


def _damaged(data: bytes, other: bytes, chance: Random) -> bytes:
    body = bytearray(data)
    is_dicom = data[128:132] == b"DICM"
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if is_dicom and chance.random() < 0.5:
            _damage_element(body, other, chance)
        else:
            chance.choice(_DAMAGES)(body, _place(body, chance), other, chance)
    return bytes(body)


def _place(body: bytearray, chance: Random) -> int:
    """Near a mark, near the beginning, or anywhere."""
    kind = chance.random()
    if kind < 0.55:
        marks = [found.start() for found in _MARKS.finditer(body)]
        if body.startswith((b"II", b"MM")):  # a TIFF: its first directory, TIFF 6.0 section 2
            marks += [int.from_bytes(body[4:8], "little" if body[:2] == b"II" else "big") + step for step in (0, 96)]
        if marks:
            return min(chance.choice(marks) + chance.randrange(48), len(body))
    return chance.randrange(1 + min(len(body), 2048 if kind < 0.8 else len(body)))


def _flip(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 16))):
        if at < len(body):
            body[at] ^= 1 << chance.randrange(8)
        at += chance.randrange(1, 32)


def _number(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    width = chance.choice((1, 2, 4, 8))
    value = chance.choice(_EDGES) % 2 ** (8 * width)
    body[at : at + width] = value.to_bytes(width, "little" if chance.random() < 0.5 else "big")


def _digits(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    """Another number in a text format."""
    if found := re.compile(rb"-?\d+").search(body, at):
        body[found.start() : found.end()] = b"%d" % chance.choice((-1, *_EDGES))


def _end(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    del body[max(at, 16) :]


def _drop(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    del body[at : at + chance.choice((1, 2, 4, 64, 4096))]


def _repeat(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    span = body[at : at + chance.choice((1, 4, 64, 4096))]
    body[at:at] = span * chance.choice((1, 2, 50))


def _splice(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    begin, length = chance.randrange(1 + len(other)), chance.choice((4, 64, 1024, 2**16))
    body[at : at + chance.choice((0, length))] = other[begin : begin + length]


def _blank(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    length = min(chance.choice((1, 8, 256, 8192)), len(body) - at)
    body[at : at + length] = bytes([chance.choice((0, 0xFF, 0x20))]) * length


def _noise(body: bytearray, at: int, other: bytes, chance: Random) -> None:
    length = chance.choice((2, 16, 256))
    body[at : at + length] = chance.randbytes(length)


_Damage = Callable[[bytearray, int, bytes, Random], None]
_DAMAGES: tuple[_Damage, ...] = (
    *(_flip, _flip, _number, _number, _number),
    *(_digits, _end, _drop, _repeat, _splice, _blank, _noise),
)


def _damage_element(body: bytearray, other: bytes, chance: Random) -> None:
    """Change, double, move or drop one element of a DICOM file, PS3.5 section 7.1.2."""
    starts = _elements(body)
    if len(starts) < 2:
        return
    index = chance.randrange(len(starts) - 1)
    at, end = starts[index], starts[index + 1]
    to = chance.choice(starts)
    kind = chance.choice(("length", "tag", "vr", "value", "value", "double", "move", "foreign", "drop"))
    if kind == "length":
        body[at + 6 : at + 8] = struct.pack("<H", chance.choice(_EDGES) & 0xFFFF)
    elif kind == "tag":
        body[at : at + 4] = body[to : to + 4] if chance.random() < 0.7 else chance.randbytes(4)
    elif kind == "vr":
        body[at + 4 : at + 6] = chance.choice(_VRS)
    elif kind == "value":
        length = min(max(0, end - at - 8), chance.choice((1, 2, 4)))
        body[at + 8 : at + 8 + length] = (chance.choice(_EDGES) % 2 ** (8 * length)).to_bytes(length, "little")
    elif kind == "double":
        body[to:to] = body[at:end]
    elif kind == "move":
        span = body[at:end]
        del body[at:end]
        body[to:to] = span
    elif kind == "foreign" and len(theirs := _elements(other)) > 1:
        which = chance.randrange(len(theirs) - 1)
        body[to:to] = other[theirs[which] : theirs[which + 1]][: 2**16]
    elif kind == "drop":
        del body[at:end]


def _elements(data: bytes | bytearray) -> list[int]:
    """Where elements with an explicit VR seem to begin, up to the pixels."""
    end = data.find(b"\xe0\x7f\x10\x00")
    found = _ELEMENT.finditer(data, 132, end if end > 0 else len(data))
    return [match.start() for match, _ in zip(found, range(_MOST_ELEMENTS), strict=False)]


def _in_archive(data: bytes, other: bytes, chance: Random) -> bytes:
    """Damaged members in a whole archive; one that lies is damaged as it is."""
    out = BytesIO()
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
            names = [one.filename for one in archive.infolist() if one.file_size < 2**20]
            names = list(dict.fromkeys(names))[:_MOST_MEMBERS]
            hurt = set(chance.sample(names, min(len(names), chance.choice((1, 2, 20)))))
            for name in names:
                member = archive.read(name)
                written.writestr(name, _damaged(member, other, chance) if name in hurt else member)
    except zipfile.BadZipFile:
        return _damaged(data, other, chance)
    return out.getvalue()


def _in_deflated(data: bytes, other: bytes, chance: Random) -> bytes:
    """A damaged data set, deflated as before, PS3.5 section A.5."""
    start = 144 + int.from_bytes(data[140:144], "little")
    try:
        body = zlib.decompress(data[start:], -15)
    except zlib.error:
        return _damaged(data, other, chance)
    deflater = zlib.compressobj(wbits=-15)
    body = _damaged(bytes(132) + body, other, chance)[132:]
    return data[:start] + deflater.compress(body) + deflater.flush()


def _in_png(data: bytes, other: bytes, chance: Random) -> bytes:
    """Damaged chunks with checksums that are right."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(chance.choice((1, 2, 4))):
        index = chance.randrange(len(chunks))
        name, body = chunks[index]
        if chance.random() < 0.2:
            chunks.insert(chance.randrange(len(chunks)), (name, body))
        else:
            chunks[index] = (name, _damaged_chunk(name, body, other, chance))
    return _PNG + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _damaged_chunk(name: bytes, body: bytes, other: bytes, chance: Random) -> bytes:
    if name == b"IDAT" and chance.random() < 0.5:
        try:
            return zlib.compress(_damaged(zlib.decompress(body), other, chance))
        except zlib.error:
            pass
    return _damaged(body, other, chance)
