"""Made slides of Zeiss, small ones that OpenSlide accepts as theirs, and every lie that their container can tell."""

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from imagecodecs import jpegxr_encode, zstd_encode
from PIL import Image

from tests.imaging.imaging_samples import Array
from tests.imaging.slide_samples import tissue

SIDE = 2048
NAME = "JANE DOE"
LABEL: Array = np.full((96, 288, 3), (0, 200, 0), np.uint8)
"""What stands for the photograph of the glass: a green that no tissue has."""

BARE, JPEG, LZW, JPEG_XR, ZSTD, ZSTD_WITH_HEAD = 0, 1, 2, 4, 5, 6
GRAY8, GRAY16, BGR24 = 0, 1, 3


_RGB = bytes.fromhex("24c3dd6f034efe4bb1853d77768dc90d")
"""24bppRGB; 24bppBGR is one less (ITU-T T.832, table A.6)."""


class Piece(NamedTuple):
    """A rectangle of the slide: its pixels as stored, where it lies, and how much it is shrunk."""

    pixels: Array
    left: int
    top: int
    shrunk: int = 1
    order: int = 0
    scene: int = 0
    more: tuple[tuple[str, int, int], ...] = ()


def _bgr(pixels: Array) -> bytes:
    return np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels).tobytes()


def _jpeg(pixels: Array) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


CODERS: dict[int, Callable[[Array], bytes]] = {
    BARE: _bgr,
    JPEG: _jpeg,
    JPEG_XR: lambda pixels: bytes(jpegxr_encode(pixels, level=1.0)),
    ZSTD: lambda pixels: bytes(zstd_encode(_bgr(pixels))),
    ZSTD_WITH_HEAD: lambda pixels: b"\x03\x01\x00" + bytes(zstd_encode(_bgr(pixels))),
}


def segment(name: bytes, data: bytes) -> bytes:
    padded = data.ljust(-(-len(data) // 32) * 32, b"\0")
    return struct.pack("<16sqq", name, len(padded), len(data)) + padded


def entry(piece: Piece, at: int, compression: int, pixel_type: int, *, part: int = 0) -> bytes:
    height, width = piece.pixels.shape[:2]
    dimensions = [
        ("X", piece.left, width * piece.shrunk, width),
        ("Y", piece.top, height * piece.shrunk, height),
        ("C", 0, 1, 1),
        ("M", piece.order, 1, 1),
        ("S", piece.scene, 1, 1),
    ]
    names = {name for name, *_ in piece.more}
    dimensions = [one for one in dimensions if one[0] not in names]
    dimensions += [(name, start, length, length) for name, start, length in piece.more]
    kind = 2 if piece.shrunk > 1 else 0
    fixed = struct.pack("<2siqiiBx4xi", b"DV", pixel_type, at, part, compression, kind, len(dimensions))
    return fixed + b"".join(
        struct.pack("<4siifi", name.encode(), start, length, 0.0, stored) for name, start, length, stored in dimensions
    )


def xml(
    width: int = SIDE,
    height: int | None = None,
    *,
    scenes: int = 1,
    microns: str = "5E-07",
    lens: str = "20",
    more: str = "",
) -> bytes:
    """What Zeiss writes of a slide, with its barcode."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><ImageDocument><Metadata><AttachmentInfos><AttachmentInfo Id="1"><Label>'
        f"<Barcodes><Barcode><Content>{NAME}</Content></Barcode></Barcodes></Label></AttachmentInfo></AttachmentInfos>"
        f"<Information><User><DisplayName>{NAME}</DisplayName></User><Image><SizeX>{width}</SizeX>"
        f"<SizeY>{height or width}</SizeY><SizeS>{scenes}</SizeS><ObjectiveSettings>"
        '<ObjectiveRef Id="Objective:2"/></ObjectiveSettings></Image>'
        '<Instrument><Objectives><Objective Id="Objective:1"><NominalMagnification>5</NominalMagnification></Objective>'
        f'<Objective Id="Objective:2"><NominalMagnification>{lens}</NominalMagnification></Objective></Objectives>'
        f'</Instrument></Information><Scaling><Items><Distance Id="X"><Value>{microns}</Value></Distance>'
        f'<Distance Id="Y"><Value>{microns}</Value></Distance></Items></Scaling>{more}</Metadata></ImageDocument>'
    ).encode()


def as_zeiss_writes(pixels: Array) -> bytes:
    """JPEG XR whose container says that blue comes first; the stream is the same."""
    data = bytearray(jpegxr_encode(pixels, level=1.0))
    data[data.index(_RGB) + len(_RGB) - 1] -= 1
    return bytes(data)


def file_head(directory: int, metadata: int, attachments: int) -> bytes:
    data = struct.pack("<ii8x16s16siqqiq", 1, 0, b"1" * 16, b"1" * 16, 0, directory, metadata, 0, attachments)
    return segment(b"ZISRAWFILE", data.ljust(512, b"\0"))


def czi(
    pieces: Sequence[Piece] | None = None,
    *,
    compression: int = JPEG_XR,
    pixel_type: int = BGR24,
    described: bytes | None = None,
    label: bool = True,
    coded: Callable[[Array], bytes] | None = None,
    part: int = 0,
) -> bytes:
    """A CZI of these pieces, by default a section of two sizes in overlapping rectangles."""
    pieces = section() if pieces is None else pieces
    out = bytearray(file_head(0, 0, 0))
    entries = []
    for piece in pieces:
        at = len(out)
        data = (coded or CODERS[compression])(piece.pixels)
        entries.append(entry(piece, at, compression, pixel_type, part=part))
        words = f"<METADATA><Tags><Name>{NAME}</Name></Tags></METADATA>".encode()
        head = (struct.pack("<iiq", len(words), 0, len(data)) + entries[-1]).ljust(256, b"\0")
        out += segment(b"ZISRAWSUBBLOCK", head + words + data)
    directory = len(out)
    out += segment(b"ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    metadata = len(out)
    words = xml() if described is None else described
    out += segment(b"ZISRAWMETADATA", struct.pack("<ii248x", len(words), 0) + words) if words else b""
    attachments = _attach(out, "JPG", "Thumbnail", _jpeg(LABEL)) if label else 0
    out[: len(file_head(0, 0, 0))] = file_head(directory, metadata if words else 0, attachments)
    return bytes(out)


def _attach(out: bytearray, kind: str, name: str, data: bytes) -> int:
    """Add an attachment and the directory of it; where that is."""
    at = len(out)
    described = struct.pack("<2s10xqi16s8s80s", b"A1", at, 0, b"2" * 16, kind.encode(), name.encode())
    out += segment(b"ZISRAWATTACH", struct.pack("<i12x", len(data)) + described.ljust(240, b"\0") + data)
    directory = len(out)
    out += segment(b"ZISRAWATTDIR", struct.pack("<i252x", 1) + described)
    return directory


def cut(
    picture: Array, tile: int, step: int, shrunk: int, *, scene: int = 0, corner: tuple[int, int] = (0, 0)
) -> list[Piece]:
    """A picture in rectangles that lie over each other where they are larger than a step."""
    found: list[Piece] = []
    for top in range(0, picture.shape[0], step):
        for left in range(0, picture.shape[1], step):
            pixels = picture[top : top + tile, left : left + tile]
            place = corner[0] + left * shrunk, corner[1] + top * shrunk
            found.append(Piece(pixels, *place, shrunk, len(found), scene))
    return found


def section(side: int = SIDE, shrunks: Sequence[int] = (1, 2), *, tile: int = 544, step: int = 512) -> list[Piece]:
    """A section, and smaller copies of it."""
    picture = tissue(side, side)
    pieces = []
    for shrunk in shrunks:
        small = np.asarray(Image.fromarray(picture).reduce(shrunk)) if shrunk > 1 else picture
        pieces += cut(small, tile, step, shrunk)
    return pieces
