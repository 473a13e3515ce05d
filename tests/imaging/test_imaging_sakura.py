"""Slides of Sakura: what is shown of them, that their label is never, and what a hostile database may not do."""

import sqlite3
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import openslide
import pytest

from ernbot.core.errors import Refused
from ernbot.imaging import database, recognise, slide_sakura
from ernbot.imaging import svslide as svslide_format
from ernbot.imaging.model import OVERVIEW_ONLY, Fact, Preview
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import DATA, Array, opened, pictured
from tests.imaging.pool import refusal, shown
from tests.imaging.sakura_samples import NAME, SIDE, TABLE, TILE, header, jpeg, svslide
from tests.imaging.slide_samples import POLICY

GOLDEN = DATA / "golden" / "slide_of_a_maker.png"


def drawn(data: bytes) -> tuple[Preview, Array]:
    preview = slide_sakura.preview(BytesIO(data))
    return preview, opened(pictured(preview).data)


def done(*statements: str) -> Callable[[sqlite3.Connection], None]:
    """Statements that make a slide into something else."""

    def do(made: sqlite3.Connection) -> None:
        for statement in statements:
            made.execute(statement)

    return do


# What is shown


@pytest.mark.parametrize(("planes", "in_focus"), [(1, 0), (3, 1)])
def test_the_overview_agrees_with_openslide(tmp_path: Path, planes: int, in_focus: int) -> None:
    """Looked at: a pink disc with a violet spot at its right, nothing green, and a bar that says 200 µm."""
    data = svslide(tmp_path, planes=planes, in_focus=in_focus)
    assert recognise(data) is svslide_format.FORMAT
    preview, picture = drawn(data)
    side = picture.shape[1]
    path = tmp_path / "slide.svslide"
    path.write_bytes(data)
    assert openslide.OpenSlide.detect_format(path) == "sakura"
    with openslide.OpenSlide(path) as reference:
        assert (preview.facts.width, preview.facts.height) == reference.dimensions == (SIDE, SIDE)
        scale = Fact("magnification", float(reference.properties["openslide.objective-power"]))
        microns = Fact("microns-per-pixel", float(reference.properties["openslide.mpp-x"]))
        thumbnail = np.asarray(reference.get_thumbnail((side, side)))
    assert preview.facts.details == (scale, microns, OVERVIEW_ONLY)
    assert np.abs(picture[:side].astype(int) - thumbnail).mean() < 1.0
    assert np.abs(picture.astype(int) - opened(GOLDEN.read_bytes())).mean() < 2.0


def test_a_slide_without_a_small_copy_is_drawn_from_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = svslide(tmp_path, shrunks=(1,))
    _, picture = drawn(data)
    assert np.abs(picture.astype(int) - opened(GOLDEN.read_bytes())).mean() < 3.0
    monkeypatch.setattr("ernbot.imaging.pyramid.MAX_TILES", 60)
    preview = slide_sakura.preview(BytesIO(data))
    assert preview.picture is None
    assert Fact("no-overview") in preview.facts.details


def test_what_was_not_scanned_is_white_and_what_is_lost_is_said(tmp_path: Path) -> None:
    preview, picture = drawn(svslide(tmp_path, more=done(f"DELETE FROM \"{TABLE}\" WHERE id LIKE 'T;0|0;2;%'")))
    assert picture[:40, :40].min() > 250
    assert Fact("truncated") not in preview.facts.details
    broken = done(f"UPDATE \"{TABLE}\" SET data = x'00' WHERE id = 'T;0|0;2;1;0'")
    preview, _ = drawn(svslide(tmp_path, more=broken))
    assert Fact("truncated") in preview.facts.details


@pytest.mark.parametrize(
    "values", ["ResolutionMmPerPix = 'JANE', NominalLensMagnification = -3", "FocusStack = 'JANE'"]
)
def test_odd_descriptions_are_not_believed(tmp_path: Path, values: str) -> None:
    preview, _ = drawn(svslide(tmp_path, more=done(f"UPDATE SVHRScanDataXPO SET {values}")))
    assert "JANE" not in repr(preview.facts)


async def test_through_a_real_pool_nothing_names_the_patient(
    previewer: Previewer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = svslide(tmp_path)
    assert NAME.encode() in data
    preview = await shown(previewer, data)
    assert preview.is_overview_only
    assert NAME not in repr(preview)
    picture = opened(pictured(preview).data).astype(int)
    assert not np.any(picture[..., 1] > picture[..., 0] + 60), "the green of the label is nowhere"
    assert NAME not in caplog.text
    with pytest.raises(Refused) as caught:
        await previewer.clean(BytesSource(data), policy=POLICY, sink=_nowhere)
    assert caught.value.code == "file-overview-only"


async def _nowhere(_piece: bytes) -> None:
    raise AssertionError


# What is no slide, or lies


RENAMED = 'ALTER TABLE SVHRScanDataXPO RENAME TO "hidden"'
TILES_RENAMED = f'ALTER TABLE "{TABLE}" RENAME TO hidden'
ENDLESS = (
    "CREATE VIEW SVHRScanDataXPO AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT i AS ResolutionMmPerPix, i AS NominalLensMagnification, i AS FocusStack FROM n"
)
CHANGES: dict[str, tuple[str, ...]] = {
    "no index": ("DELETE FROM DataManagerSQLiteConfigXPO",),
    "two indices": ("INSERT INTO DataManagerSQLiteConfigXPO (TableName) VALUES ('x')",),
    "another table": ("UPDATE DataManagerSQLiteConfigXPO SET TableName = 'sqlite_master'",),
    "a quoted table": ("UPDATE DataManagerSQLiteConfigXPO SET TableName = 'x\"; DROP TABLE y; --'",),
    "no table": ("UPDATE DataManagerSQLiteConfigXPO SET TableName = NULL",),
    "no scan": ("DELETE FROM SVHRScanDataXPO",),
    "other magic": (f"UPDATE \"{TABLE}\" SET data = x'00' WHERE id = '++MagicBytes'",),
    "a view that never ends": (RENAMED, ENDLESS),
    "a view of tiles": (TILES_RENAMED, f'CREATE VIEW "{TABLE}" AS SELECT id, size, data FROM hidden'),
    "a table that computes": (
        RENAMED,
        "CREATE TABLE SVHRScanDataXPO (a INTEGER, ResolutionMmPerPix AS (a), NominalLensMagnification REAL, "
        "FocusStack AS (hex(zeroblob(100000000))))",
        "INSERT INTO SVHRScanDataXPO (a) VALUES (1)",
    ),
    "a virtual table": (RENAMED, "CREATE VIRTUAL TABLE SVHRScanDataXPO USING fts5(ResolutionMmPerPix)"),
    "no tiles": (f"DELETE FROM \"{TABLE}\" WHERE id LIKE 'T;%'",),
    "texts for tiles": (f"UPDATE \"{TABLE}\" SET data = 'JANE DOE' WHERE id LIKE 'T;%'",),
    "broken tiles": (f"UPDATE \"{TABLE}\" SET data = x'FFD8FF' WHERE id LIKE 'T;%'",),
    "huge tiles": (f"UPDATE \"{TABLE}\" SET data = zeroblob(80000000) WHERE id = 'T;0|0;2;0;0'",),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_hostile_database_is_refused_in_words(previewer: Previewer, tmp_path: Path, change: str) -> None:
    data = svslide(tmp_path, shrunks=(2,), more=done(*CHANGES[change]))
    assert (await refusal(previewer, data)).code in {"file-broken", "file-too-complex"}


@pytest.mark.parametrize(
    "described",
    [b"", header(0), header(2**31), header(width=0), header(height=2**32 - 1), header(tile=1, width=9_000_000)],
    ids=["none", "no tile", "a huge tile", "no width", "endless", "millions of tiles"],
)
async def test_a_size_that_lies_ends_in_words(previewer: Previewer, tmp_path: Path, described: bytes) -> None:
    data = svslide(tmp_path, shrunks=(2,), described=described)
    try:
        preview = await shown(previewer, data)
    except Refused as refused:
        code = refused.code
    else:
        code = "no-overview" if preview.picture is None else "shown"
    assert code in {"file-broken", "file-too-complex", "no-overview"}


@pytest.mark.parametrize(
    "cut",
    [
        lambda data: data[:100],
        lambda data: data[: len(data) // 3],
        lambda data: data[:16] + struct.pack(">H", 3) + data[18:],
        lambda data: data[:28] + struct.pack(">I", 2**31) + data[32:],
        lambda data: data[:4096] + bytes(len(data) - 4096),
        lambda data: b"".join(data[at : at + 4096] if at < 4096 else data[:4096] for at in range(0, len(data), 4096)),
    ],
    ids=["head", "a third", "page size", "pages", "zeros", "the first page again and again"],
)
async def test_a_broken_database_is_refused_in_words(
    previewer: Previewer, tmp_path: Path, cut: Callable[[bytes], bytes]
) -> None:
    data = cut(svslide(tmp_path, shrunks=(2,)))
    try:
        found = (await refusal(previewer, data)).code
    finally:
        assert (await shown(previewer, svslide(tmp_path, shrunks=(2,)))).picture is not None, "the next one is well"
    assert found in {"file-broken", "file-too-complex", "file-unknown"}


def test_a_search_without_an_index_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = done(
        TILES_RENAMED,
        f'CREATE TABLE "{TABLE}" (id TEXT, size BIGINT, data BLOB)',
        f"INSERT INTO \"{TABLE}\" SELECT * FROM hidden WHERE id NOT LIKE 'T;%'",
        f"""INSERT INTO "{TABLE}" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
            SELECT 'x' || i, 0, x'' FROM n""",
    )
    monkeypatch.setattr(database, "MAX_STEPS", 3)
    with pytest.raises(Refused) as caught:
        slide_sakura.preview(BytesIO(svslide(tmp_path, shrunks=(2,), more=slow)))
    assert caught.value.code == "file-too-complex"


def test_coloured_tiles_are_no_bands(tmp_path: Path) -> None:
    coloured = jpeg(np.zeros((TILE, TILE, 3), np.uint8)).hex()
    data = svslide(
        tmp_path, shrunks=(2,), more=done(f"UPDATE \"{TABLE}\" SET data = x'{coloured}' WHERE id LIKE 'T;%'")
    )
    with pytest.raises(Refused):
        slide_sakura.preview(BytesIO(data))
