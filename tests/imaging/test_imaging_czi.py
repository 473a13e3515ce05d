"""Slides of Zeiss: what is shown of them, that their label is never, and every lie that their container can tell."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
from imagecodecs import jpegxr_encode, zstd_encode
from PIL import Image

from ernbot.__main__ import run_command
from ernbot.core.errors import Refused
from ernbot.imaging import czi as czi_format
from ernbot.imaging import recognise, slide_czi, zisraw
from ernbot.imaging.model import OVERVIEW_ONLY, Fact, Preview
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.czi_samples import (
    BARE,
    CODERS,
    GRAY8,
    GRAY16,
    JPEG,
    JPEG_XR,
    LZW,
    NAME,
    SIDE,
    ZSTD,
    ZSTD_WITH_HEAD,
    Piece,
    as_zeiss_writes,
    cut,
    czi,
    section,
    xml,
)
from tests.imaging.imaging_samples import DATA, Array, opened, pictured
from tests.imaging.pool import refusal, shown
from tests.imaging.slide_samples import POLICY, tissue
from tests.imaging.test_imaging_archives import zipped

GOLDEN = DATA / "golden" / "slide_of_a_maker.png"
KNOWN = (BARE, ZSTD, ZSTD_WITH_HEAD)
"""Compressions that OpenSlide reads as well; its packages leave JPEG XR out."""


def drawn(data: bytes) -> tuple[Preview, Array]:
    preview = slide_czi.preview(BytesIO(data))
    return preview, opened(pictured(preview).data)


def judged(folder: Path, data: bytes, size: tuple[int, int]) -> tuple[Array, tuple[int, int], tuple[Fact, ...]]:
    """The whole slide as OpenSlide shows it on white, its size, and what it says of it."""
    path = folder / "slide.czi"
    path.write_bytes(data)
    assert openslide.OpenSlide.detect_format(path) == "zeiss"
    with openslide.OpenSlide(path) as reference:
        level = reference.get_best_level_for_downsample(max(reference.dimensions) / max(size))
        region = reference.read_region((0, 0), level, reference.level_dimensions[level])
        sheet = Image.new("RGBA", region.size, "white")
        sheet.alpha_composite(region)
        said = (
            Fact("magnification", float(reference.properties["openslide.objective-power"])),
            Fact("microns-per-pixel", float(reference.properties["openslide.mpp-x"])),
            Fact("levels", reference.level_count),
        )
        return np.asarray(sheet.convert("RGB").resize(size)), reference.dimensions, said


# What is shown


def test_a_slide_is_recognised() -> None:
    assert recognise(czi(section(512, (1,)))) is czi_format.FORMAT
    assert recognise(b"ZISRAWFILE but not so") is None


@pytest.mark.parametrize("compression", KNOWN)
def test_the_overview_agrees_with_openslide(tmp_path: Path, compression: int) -> None:
    data = czi(compression=compression)
    preview, picture = drawn(data)
    side = picture.shape[1]
    reference, dimensions, said = judged(tmp_path, data, (side, side))
    assert np.abs(picture[:side].astype(int) - reference).mean() < 1.0
    assert (preview.facts.width, preview.facts.height) == dimensions == (SIDE, SIDE)
    assert preview.facts.details == (*said, OVERVIEW_ONLY)


@pytest.mark.parametrize("compression", [JPEG, JPEG_XR])
def test_what_openslide_does_not_decode_looks_the_same(compression: int) -> None:
    """Looked at: a pink disc with a violet spot at its right, nothing green, and a bar that says 200 µm."""
    preview, picture = drawn(czi(compression=compression))
    golden = opened(GOLDEN.read_bytes())
    assert picture.shape == golden.shape
    assert np.abs(picture.astype(int) - golden).mean() < 2.0
    assert preview.facts.lossy


def test_blue_and_red_are_not_exchanged() -> None:
    _, bare = drawn(czi(compression=BARE))
    for coded in (CODERS[JPEG_XR], as_zeiss_writes):
        _, picture = drawn(czi(coded=coded))
        assert np.abs(picture.astype(int) - bare).mean() < 1.0


def test_pieces_that_lie_anywhere_are_painted_in_their_order() -> None:
    """The later piece lies on top, whatever stands first in the directory; corners may be below zero, and odd."""
    pink, violet = (np.full((600, 700, 3), colour, np.uint8) for colour in ((214, 128, 178), (92, 52, 140)))
    pieces = [Piece(violet, 107, 211, order=9), Piece(pink, -301, -57, order=3), Piece(pink, 500, 400, order=4)]
    data = czi(pieces, compression=ZSTD, described=xml(1501, 1057))
    preview, picture = drawn(data)
    width, height = preview.facts.width, preview.facts.height
    assert (width, height) == (1501, 1057)
    corner = 301, 57
    small = picture[: round(height * picture.shape[1] / width)]
    across = picture.shape[1] / width
    for x, y, colour in ((110, 215, violet), (700, 700, violet), (900, 900, pink), (-300, 0, pink), (1100, -50, None)):
        spot = small[int((y + corner[1]) * across), int((x + corner[0]) * across)].astype(int)
        assert np.abs(spot - (colour[0, 0] if colour is not None else 255)).max() < 6


def test_pieces_at_odd_places_agree_with_openslide(tmp_path: Path) -> None:
    picture = tissue(2048, 2048)
    pieces = cut(picture[:, :1001], 1001, 1001, 1, corner=(-37, 11)) + cut(
        picture[:, 1001:], 999, 999, 1, corner=(964, 11)
    )
    data = czi(pieces, compression=ZSTD, described=xml(2048))
    preview, seen = drawn(data)
    side = seen.shape[1]
    reference, dimensions, _ = judged(tmp_path, data, (side, side))
    assert (preview.facts.width, preview.facts.height) == dimensions
    assert np.abs(seen[:side].astype(int) - reference).mean() < 1.0


def test_every_scene_is_shown_at_its_place(tmp_path: Path) -> None:
    """One of them has no smaller copy, and is shown all the same."""
    picture = tissue(1024, 1024)
    small = np.asarray(Image.fromarray(picture).reduce(4))
    pieces = cut(picture, 512, 512, 1) + cut(small, 256, 256, 4)
    pieces += cut(picture, 512, 512, 1, scene=1, corner=(3072, 3072))
    data = czi(pieces, compression=ZSTD, described=xml(4096, scenes=2))
    preview, seen = drawn(data)
    assert (preview.facts.width, preview.facts.height) == (4096, 4096)
    side = seen.shape[1]
    reference, _, _ = judged(tmp_path, data, (side, side))
    assert np.abs(seen[:side].astype(int) - reference).mean() < 1.0


def test_what_fluoresces_lies_on_black() -> None:
    grey = np.full((500, 500), 90, np.uint8)
    for compression in (BARE, JPEG_XR, JPEG, ZSTD):
        data = czi([Piece(grey, 0, 0), Piece(grey, 900, 0)], pixel_type=GRAY8, compression=compression)
        _, picture = drawn(data)
        assert abs(int(picture[100, 100].max()) - 90) < 5
        assert int(picture[100, picture.shape[1] // 2].max()) < 5


def test_a_slide_without_a_small_copy_is_drawn_small(monkeypatch: pytest.MonkeyPatch) -> None:
    data = czi(section(4096, (1,)))
    _, picture = drawn(data)
    side = picture.shape[1]
    assert np.abs(picture[:side].astype(int) - tissue(side, side)).mean() < 4.0
    monkeypatch.setattr(slide_czi, "MAX_PIXELS", 10**6)
    preview = slide_czi.preview(BytesIO(data))
    assert preview.picture is None
    assert Fact("no-overview") in preview.facts.details
    assert preview.is_overview_only


def test_a_slide_of_unknown_scale_is_shown_without_a_bar() -> None:
    for described in (b"", b"<ImageDocument/>", xml(microns="-1", lens="none"), xml(microns="1E+99")):
        preview, picture = drawn(czi(described=described))
        assert preview.facts.details == (*_lens(described), Fact("levels", 2), OVERVIEW_ONLY)
        assert picture.shape[0] == picture.shape[1]


def _lens(described: bytes) -> tuple[Fact, ...]:
    return (Fact("magnification", 20.0),) if b">20<" in described else ()


def test_a_lost_piece_is_said() -> None:
    pieces = section(1024, (1,))
    broken = iter([b"no stream", *[CODERS[JPEG_XR](piece.pixels) for piece in pieces[1:]]])
    preview, _ = drawn(czi(pieces, coded=lambda _pixels: next(broken)))
    assert Fact("truncated") in preview.facts.details


async def test_through_a_real_pool_nothing_names_the_patient(
    previewer: Previewer, caplog: pytest.LogCaptureFixture
) -> None:
    data = czi()
    assert NAME.encode() in data
    preview = await shown(previewer, data)
    assert preview.is_overview_only
    assert NAME not in repr(preview)
    picture = opened(pictured(preview).data).astype(int)
    assert not np.any(picture[..., 1] > picture[..., 0] + 60), "the green of the label is nowhere"
    assert NAME not in caplog.text


async def test_no_copy_is_made(previewer: Previewer) -> None:
    written: list[bytes] = []

    async def sink(piece: bytes) -> None:
        written.append(piece)

    with pytest.raises(Refused) as caught:
        await previewer.clean(BytesSource(czi()), policy=POLICY, sink=sink)
    assert caught.value.code == "file-overview-only"
    assert not written


async def test_alone_in_an_archive_it_is_shown_too(previewer: Previewer) -> None:
    preview = await shown(previewer, zipped([(f"{NAME}/{NAME}.czi", czi()), (f"{NAME}/read me", NAME.encode())]))
    assert preview.is_overview_only
    assert preview.picture is not None


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "slide.czi"
    path.write_bytes(czi(section(256, (1,))))
    assert run_command(["deidentify", str(path), "--out", str(tmp_path / "out")]) != 0
    assert "export it as SVS or DICOM, without its label" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_only_the_copy_that_is_drawn_is_read() -> None:
    """A slide may have a gigabyte, of which the overview needs some megabytes."""

    class Counted(BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    file = Counted(czi(section(4096, (1, 4)), compression=BARE))
    slide_czi.preview(file)
    assert file.count < len(file.getvalue()) / 8


# What is not a slide that can be shown


@pytest.mark.parametrize(
    "data",
    [
        czi([Piece(np.zeros((64, 64), np.uint16), 0, 0)], pixel_type=GRAY16, coded=lambda pixels: pixels.tobytes()),
        czi(section(512, (1,)), compression=LZW, coded=CODERS[BARE]),
        czi(section(512, (1,)), pixel_type=9, coded=CODERS[BARE]),
        czi([Piece(tissue(64, 64), 0, 0), Piece(tissue(64, 64), 0, 0, more=(("C", 1, 1),))]),
        czi([Piece(tissue(64, 64), 0, 0), Piece(tissue(64, 64), 0, 0, more=(("Z", 5, 1),))]),
        czi([Piece(tissue(64, 64), 0, 0, more=(("T", 0, 7),))]),
        czi(section(512, (1,)), part=1),
    ],
    ids=["16 bits", "LZW", "alpha", "channels", "planes", "times", "parts"],
)
async def test_what_would_be_shown_wrongly_is_called_by_its_name(previewer: Previewer, data: bytes) -> None:
    refused = await refusal(previewer, data)
    assert (refused.code, refused.fields) == ("file-slide-export", {"maker": "CZI"})


DIRECTORY_AT, METADATA_AT = 32 + 52, 32 + 60


def edited(at: int, form: str, *values: Any, of: bytes | None = None) -> bytes:
    data = bytearray(of or czi(section(512, (1,))))
    struct.pack_into(form, data, at, *values)
    return bytes(data)


def in_directory(offset: int, form: str, *values: Any) -> bytes:
    """A lie at an offset behind the head of the directory's segment; the first entry begins at 128."""
    data = czi(section(512, (1,)))
    (at,) = struct.unpack_from("<q", data, DIRECTORY_AT)
    return edited(at + 32 + offset, form, *values, of=data)


def in_block(offset: int, form: str, *values: Any) -> bytes:
    """A lie behind the head of the only sub-block's segment, which is the second of the file."""
    return edited(32 + 512 + 32 + offset, form, *values, of=czi([Piece(tissue(64, 64), 0, 0)]))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing behind the magic": lambda: b"ZISRAWFILE".ljust(16, b"\0"),
    "truncated in the head": lambda: czi()[:300],
    "truncated before the directory": lambda: czi()[: len(czi()) // 2],
    "directory outside": lambda: edited(DIRECTORY_AT, "<q", 2**60),
    "directory below zero": lambda: edited(DIRECTORY_AT, "<q", -1),
    "directory is the file": lambda: edited(DIRECTORY_AT, "<q", 0),
    "metadata outside": lambda: edited(METADATA_AT, "<q", 2**62),
    "metadata is the directory": lambda: edited(
        METADATA_AT, "<q", struct.unpack_from("<q", czi(section(512, (1,))), DIRECTORY_AT)[0]
    ),
    "more entries than bytes": lambda: in_directory(0, "<i", 5000),
    "entries without number": lambda: in_directory(0, "<i", -5),
    "no entries": lambda: in_directory(0, "<i", 0),
    "unknown schema": lambda: in_directory(128, "<2s", b"XX"),
    "block outside": lambda: in_directory(134, "<q", 2**61),
    "block is the directory": lambda: in_directory(
        134, "<q", struct.unpack_from("<q", czi(section(512, (1,))), DIRECTORY_AT)[0]
    ),
    "dimensions without number": lambda: in_directory(156, "<i", 2**31 - 1),
    "dimensions below zero": lambda: in_directory(156, "<i", -1),
    "stored larger than shown": lambda: in_directory(160 + 16, "<i", 2**30),
    "size below zero": lambda: in_directory(160 + 8, "<i", -64),
    "pixels outside": lambda: in_block(8, "<q", 2**40),
    "pixels below zero": lambda: in_block(8, "<q", -1),
    "XML of a block below zero": lambda: in_block(0, "<i", -1),
    "stream of another size": lambda: czi(
        [Piece(tissue(64, 64), 0, 0)], coded=lambda _: CODERS[JPEG_XR](tissue(32, 32))
    ),
    "JPEG of another size": lambda: czi(
        [Piece(tissue(64, 64), 0, 0)], compression=JPEG, coded=lambda _: CODERS[JPEG](tissue(32, 32))
    ),
    "grey for colour": lambda: czi([Piece(tissue(64, 64), 0, 0)], coded=lambda p: bytes(jpegxr_encode(p[..., 0]))),
    "broken JPEG XR": lambda: czi([Piece(tissue(64, 64), 0, 0)], coded=lambda p: CODERS[JPEG_XR](p)[:90]),
    "too few bytes": lambda: czi([Piece(tissue(64, 64), 0, 0)], compression=BARE, coded=lambda p: p.tobytes()[:-1]),
    "zstd bomb": lambda: czi(
        [Piece(tissue(64, 64), 0, 0)], compression=ZSTD, coded=lambda _: bytes(zstd_encode(bytes(2**30 // 4)))
    ),
    "nothing for zstd": lambda: czi([Piece(tissue(64, 64), 0, 0)], compression=ZSTD_WITH_HEAD, coded=lambda _: b""),
    "entities": lambda: czi(described=b'<!DOCTYPE x [<!ENTITY a "aaaa">]><ImageDocument>&a;</ImageDocument>'),
    "broken XML": lambda: czi(described=b"<ImageDocument>"),
    "deep XML": lambda: czi(described=b"<a>" * 150_000),
    "many marks": lambda: czi(described=b"<a/>" * 300_000),
    "pieces far apart": lambda: czi([Piece(tissue(64, 64), -(2**31), 0), Piece(tissue(64, 64), 2**31 - 9999, 0)]),
}


@pytest.mark.parametrize("lie", HOSTILE)
async def test_a_hostile_file_is_refused_in_words(previewer: Previewer, lie: str) -> None:
    assert (await refusal(previewer, HOSTILE[lie]())).code in {"file-broken", "file-too-complex"}


async def test_the_same_few_bytes_again_and_again_end_in_time(previewer: Previewer) -> None:
    few = Piece(np.zeros((8, 8, 3), np.uint8), 0, 0, shrunk=2**16)
    preview = await shown(previewer, czi([few] * 10_000, compression=BARE))
    assert Fact("no-overview") in preview.facts.details


def test_too_many_entries_are_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zisraw, "MAX_ENTRIES", 3)
    with pytest.raises(Refused) as caught:
        zisraw.read(BytesIO(czi(section(2048, (1,)))))
    assert caught.value.code == "file-too-complex"
