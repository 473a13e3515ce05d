"""Made slides of Sakura: databases that OpenSlide accepts as theirs, with a label that it is easy to look for."""

import sqlite3
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tests.imaging.imaging_samples import Array
from tests.imaging.slide_samples import tissue

SIDE, TILE = 2048, 256
NAME = "JANE DOE"
TABLE = "0F3C9A7E-1B2D-4C5E-8F90-A1B2C3D4E5F6"
LABEL: Array = np.full((96, 288, 3), (0, 200, 0), np.uint8)


def jpeg(pixels: Array) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def header(tile: int = TILE, width: int = SIDE, height: int = SIDE, planes: int = 1) -> bytes:
    return struct.pack("<IIIIIII", tile, width, height, 8, planes, 3, 1).ljust(54, b"\0")


def svslide(
    folder: Path,
    *,
    shrunks: tuple[int, ...] = (1, 2, 4),
    planes: int = 1,
    in_focus: int = 0,
    described: bytes | None = None,
    more: Callable[[sqlite3.Connection], None] = lambda _database: None,
) -> bytes:
    """A slide, after `more` was done to it."""
    path = folder / "made.svslide"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE DataManagerSQLiteConfigXPO (OID INTEGER PRIMARY KEY, TableName TEXT)")
        database.execute("INSERT INTO DataManagerSQLiteConfigXPO (TableName) VALUES (?)", (TABLE,))
        database.execute(f'CREATE TABLE "{TABLE}" (id VARCHAR(50) PRIMARY KEY, size BIGINT, data BLOB)')
        put = f'INSERT INTO "{TABLE}" VALUES (?, ?, ?)'
        first = header(planes=planes) if described is None else described
        for name, data in (("++MagicBytes", b"SVGigaPixelImage"), ("++VersionBytes", b"1.0.0"), ("Header", first)):
            database.execute(put, (name, len(data), data))
        _describe(database, planes, in_focus)
        for plane in range(planes):
            whole = tissue(SIDE, SIDE) if plane == in_focus else np.zeros((SIDE, SIDE, 3), np.uint8)
            for shrunk in shrunks:
                for name, data in _tiles(whole, shrunk, plane):
                    database.execute(put, (name, len(data), data))
        more(database)
    database.close()
    return path.read_bytes()


def _describe(database: sqlite3.Connection, planes: int, in_focus: int) -> None:
    database.execute(
        "CREATE TABLE SVSlideDataXPO (OID INTEGER PRIMARY KEY, m_labelScan INTEGER, m_overviewScan INTEGER, SlideId"
        " TEXT, Date TEXT, Description TEXT, Creator TEXT, DiagnosisCode TEXT, Keywords TEXT)"
    )
    database.execute("INSERT INTO SVSlideDataXPO VALUES (1, 1, 1, 'x', 'y', ?, ?, '0', ?)", (NAME, NAME, NAME))
    database.execute(
        "CREATE TABLE SVHRScanDataXPO (OID INTEGER PRIMARY KEY, ParentSlide INTEGER, ScanId TEXT, Date TEXT,"
        " Description TEXT, Name TEXT, ResolutionMmPerPix REAL, NominalLensMagnification REAL, ThumbnailImage BLOB,"
        " FocussingMethod INTEGER, FocusStack BLOB)"
    )
    stack = b"".join(bytes(8) if plane == in_focus else b"\1" * 8 for plane in range(planes))
    row = (NAME, NAME, 0.0005, 20.0, jpeg(LABEL), stack)
    database.execute("INSERT INTO SVHRScanDataXPO VALUES (1, 1, 's', 'd', ?, ?, ?, ?, ?, 1, ?)", row)
    database.execute("CREATE TABLE SVScannedImageDataXPO (OID INTEGER PRIMARY KEY, Id TEXT, Image BLOB)")
    database.execute("INSERT INTO SVScannedImageDataXPO VALUES (1, 'i', ?)", (jpeg(LABEL),))


def _tiles(whole: Array, shrunk: int, plane: int) -> list[tuple[str, bytes]]:
    small = np.asarray(Image.fromarray(whole).reduce(shrunk)) if shrunk > 1 else whole
    return [
        (
            f"T;{left * shrunk}|{top * shrunk};{shrunk};{colour};{plane}",
            jpeg(np.ascontiguousarray(small[top : top + TILE, left : left + TILE, colour])),
        )
        for top in range(0, small.shape[0], TILE)
        for left in range(0, small.shape[1], TILE)
        for colour in range(3)
    ]
