"""The new slide that a cleaner writes: every planted name gone, every pixel of every level there."""

import io
import re
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile

from bench._slides import side_for, write_slide
from ernbot.__main__ import run_command
from ernbot.core.errors import Refused
from ernbot.imaging import pyramid, slide, tiff_directory
from ernbot.imaging.deid import slide as cleaner
from ernbot.imaging.deid import tiff_layout
from ernbot.imaging.model import Options
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import Array, sample
from tests.imaging.slide_samples import POLICY, cleaned, moved_to_the_end
from tests.imaging.slide_samples import slide as made

PLANTED = """
ZZHEAD JANE DOE|ZZSCANNER|ZZDOE-JANE|ZZTITLE JANE DOE|ZZBARCODE123|ZZDOE^JANE|03/04/21|10:11:12|zzuser-4dcba|ZZDSR
ZZTHUMB-DOE|ZZLEVEL-DOE|ZZARTIST JANE DOE|ZZHOST-PATH01|ZZCOPYRIGHT HOSPITAL|2021:03:04 10:11:12|ZZDOCNAME DOE.svs
ZZXMP JANE DOE|ZZIPTC JANEDOE|ZZPRIVATE JANE DOE|ZZICC JANEDOE|ZZTILECOM JANE DOE|ZZGAP unreferenced JANE DOE
ZZTRAILING JANE DOE|JANE|Jane|DOE
"""
STRINGS = [string for line in PLANTED.split("\n") for string in line.split("|") if string]
SAMPLES = ("planted/planted_slide.svs", "slides/synthetic_pyramid.svs")
FOUND_IN_PLANTED = """
Artist Comment Copyright DateTime DocumentName HostComputer ICCProfile IPTC ImageDescription PrivateTag Software
Thumbnail XMP label macro
"""


def refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        cleaned(data)
    return caught.value


def encodings(string: str) -> Iterator[bytes]:
    """How a string could stand in a file so that a search finds it; longer ones also in other letters."""
    yield from (string.encode(encoding) for encoding in ("latin-1", "utf-16-le", "utf-16-be", "utf-32-le"))
    if len(string) > 4:
        yield from (string.lower().encode(), string.upper().encode(), string[::-1].encode())


def inflated(data: bytes) -> bytes:
    """Everything in a file that can be inflated."""
    found = [match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data)]
    pieces = []
    for at in found:
        try:
            pieces.append(zlib.decompressobj().decompress(data[at : at + 2**16], 2**16))
        except zlib.error:
            continue
    return b"".join(pieces)


def levels(path: Path) -> list[Array]:
    """The pixels of every level, decoded by OpenSlide."""
    with openslide.OpenSlide(path) as opened:
        return [
            np.asarray(opened.read_region((0, 0), index, size)) for index, size in enumerate(opened.level_dimensions)
        ]


def is_tiled(page: object) -> bool:
    return isinstance(page, tifffile.TiffPage) and page.is_tiled


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# Nothing of the patient is left


@pytest.mark.parametrize("name", SAMPLES)
def test_every_planted_string_is_gone(name: str) -> None:
    old, (new, _) = sample(name), cleaned(sample(name))
    assert any(string.encode() in old for string in STRINGS)
    for everything in (new, inflated(new)):
        assert not [string for string in STRINGS for form in encodings(string) if form in everything]


def test_the_report_names_what_was_there_and_no_value() -> None:
    _, report = cleaned(sample("planted/planted_slide.svs"))
    assert report.kinds == tuple(sorted(FOUND_IN_PLANTED.split()))
    _, report = cleaned(sample("slides/synthetic_pyramid.svs"))
    assert report.kinds == ("ImageDescription", "Software", "Thumbnail", "label", "macro")


@pytest.mark.parametrize("name", SAMPLES)
def test_label_and_macro_are_gone_and_the_thumbnail_is_made_anew(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "new.svs", cleaned(sample(name))[0])
    with openslide.OpenSlide(path) as opened:
        assert set(opened.associated_images) == {"thumbnail"}
        thumbnail = np.asarray(opened.associated_images["thumbnail"].convert("RGB"))
        expected = np.asarray(opened.get_thumbnail((768, 768)).resize(thumbnail.shape[1::-1]))
    assert np.abs(thumbnail.astype(int) - expected).mean() < 3.0  # writing on the old one is not on the new one


@pytest.mark.parametrize("name", SAMPLES)
def test_no_byte_of_the_new_file_is_unaccounted_for(name: str) -> None:
    new, _ = cleaned(sample(name))
    used = np.zeros(len(new), bool)
    used[:8] = True
    (at,) = struct.unpack_from("<I", new, 4)
    with tifffile.TiffFile(BytesIO(new)) as file:
        for page in file.pages:
            assert isinstance(page, tifffile.TiffPage)
            assert page.offset == at
            length = 2 + 12 * len(page.tags) + 4
            (at,) = struct.unpack_from("<I", new, page.offset + length - 4)
            used[page.offset : page.offset + length] = True
            for tag in page.tags:
                used[tag.valueoffset : tag.valueoffset + tag.valuebytecount] = True
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
                used[offset : offset + count] = True
    assert not any(new[index] for index in np.flatnonzero(~used))


def test_a_cleaned_slide_is_accepted_and_cleaned_to_itself() -> None:
    once, _ = cleaned(sample("planted/planted_slide.svs"))
    twice, report = cleaned(once)
    assert report.kinds == ("Thumbnail",)
    assert once == twice
    assert slide.preview(BytesIO(once), Options()).facts.kind == "slide"


def test_a_label_in_tiles_is_no_level() -> None:
    data = made((512, 256, 128)).replace(b"] (64x64) -> 128x128 JPEG/RGB Q=70", b"] \nlabel 128x128                  ")
    with tifffile.TiffFile(BytesIO(cleaned(data)[0])) as new:
        assert [page.shape[:2] for page in new.pages if is_tiled(page)] == [(512, 512), (256, 256)]
    assert "label" in cleaned(data)[1].kinds


# Every pixel is


@pytest.mark.parametrize("name", SAMPLES)
def test_the_pixels_of_every_level_are_the_same(tmp_path: Path, name: str) -> None:
    old, new = written(tmp_path, "old.svs", sample(name)), written(tmp_path, "new.svs", cleaned(sample(name))[0])
    assert openslide.OpenSlide.detect_format(new) == "aperio"
    for before, after in zip(levels(old), levels(new), strict=True):
        assert np.array_equal(before, after)
    with tifffile.TiffFile(old) as first, tifffile.TiffFile(new) as second:
        pairs = zip(first.series[0].levels, second.series[0].levels, strict=True)
        assert all(np.array_equal(before.asarray(), after.asarray()) for before, after in pairs)
    with openslide.OpenSlide(new) as opened:
        assert opened.properties[openslide.PROPERTY_NAME_MPP_X] == "0.499"
        assert opened.properties[openslide.PROPERTY_NAME_OBJECTIVE_POWER] == "20"


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True},
        {"byteorder": ">"},
        {"level": {"photometric": "rgb", "subsampling": None}},
        {"level": {"photometric": "rgb", "subsampling": None, "compression": None}},
        {"level": {"photometric": "rgb", "subsampling": None, "compression": 33005}},
        {"level": {"subsampling": (2, 2)}},
        {"head": ""},
    ],
)
def test_every_coding_and_byte_order_is_copied(tmp_path: Path, options: dict[str, Any]) -> None:
    data = made(**options)
    path = written(tmp_path, "new.svs", cleaned(data)[0])
    with tifffile.TiffFile(BytesIO(data)) as first, tifffile.TiffFile(path) as second:
        tiled = [[page.asarray() for page in file.pages if is_tiled(page)] for file in (first, second)]
    assert all(np.array_equal(before, after) for before, after in zip(*tiled, strict=True))
    assert openslide.OpenSlide.detect_format(path) == "aperio"
    assert len(levels(path)) == 2


def test_a_large_slide_becomes_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = written(tmp_path, "old.svs", sample("slides/synthetic_pyramid.svs"))
    monkeypatch.setattr(tiff_layout, "_LIMIT", 2**20)  # the sample has 1.2 MB
    new = written(tmp_path, "new.svs", cleaned(old.read_bytes())[0])
    assert new.read_bytes()[:4] == b"II+\0"
    for before, after in zip(levels(old), levels(new), strict=True):
        assert np.array_equal(before, after)


def test_tiles_that_share_their_bytes_go_on_sharing_them() -> None:
    data = bytearray(made((512,)))
    (directory,) = tiff_directory.read(BytesIO(bytes(data)))
    offsets, counts = directory.numbers(pyramid.TILE_OFFSETS), directory.numbers(pyramid.TILE_COUNTS)
    for tag, first in ((pyramid.TILE_OFFSETS, offsets[0]), (pyramid.TILE_COUNTS, counts[0])):
        struct.pack_into(f"<{len(offsets)}I", data, directory.entries[tag].at, *[first] * len(offsets))
    new, _ = cleaned(bytes(data))
    copied = tiff_directory.read(BytesIO(new))[0]
    assert len(set(copied.numbers(pyramid.TILE_OFFSETS))) == 1
    assert len(new) < len(data) / 2


def test_the_memory_needed_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.svs"
    length = write_slide(path, side_for(12_000_000))
    tracemalloc.start()
    try:
        with path.open("rb") as file, (tmp_path / "new.svs").open("wb") as out:
            cleaner.deidentify(file, out, POLICY)
        assert tracemalloc.get_traced_memory()[1] < length / 2
    finally:
        tracemalloc.stop()


# What cannot be cleaned is not


def test_a_file_that_breaks_off_is_refused() -> None:
    data = made()
    (directory, *_) = tiff_directory.read(BytesIO(data))
    last = directory.numbers(pyramid.TILE_OFFSETS)[-1]
    assert refusal(data[: last + 10]).code == "file-broken"


def test_overlapping_tiles_cannot_blow_a_file_up() -> None:
    data = bytearray(made((512,)))
    (directory,) = tiff_directory.read(BytesIO(bytes(data)))
    count = len(directory.numbers(pyramid.TILE_OFFSETS))
    length = len(data) - 2000
    struct.pack_into(f"<{count}I", data, directory.entries[pyramid.TILE_OFFSETS].at, *range(1000, 1000 + count))
    struct.pack_into(f"<{count}I", data, directory.entries[pyramid.TILE_COUNTS].at, *[length] * count)
    assert refusal(bytes(data)).code == "file-broken"


@pytest.mark.parametrize(
    "options",
    [
        {"level": {"description": "<?xml version='1.0'?><scan/>"}, "head": ""},
        {"level": {"compression": "lzw", "photometric": "rgb", "subsampling": None}},
    ],
)
def test_what_may_hide_a_label_is_refused(options: dict[str, Any]) -> None:
    refused = refusal(made(**options))
    assert (refused.code, refused.fields) == ("file-slide-export", {"maker": "unknown"})


def test_a_photograph_is_cleaned_as_one() -> None:
    data = made((512,), head="", level={"extratags": [(315, 2, None, "JANE DOE", True)]})
    new, report = cleaned(data)
    assert b"JANE" not in new
    assert "Artist" in report.kinds


def test_on_the_command_line_a_slide_stays_a_slide(tmp_path: Path) -> None:
    first, second = tmp_path / "Doe.svs", tmp_path / "Jane.svs"
    first.write_bytes(sample("planted/planted_slide.svs"))
    second.write_bytes(moved_to_the_end(made(label=True)))
    assert run_command(["deidentify", str(first), str(second), "--out", str(tmp_path / "out")]) == 0
    for name in ("00001.svs", "00002.svs"):
        with openslide.OpenSlide(tmp_path / "out" / name) as opened:
            assert set(opened.associated_images) == {"thumbnail"}


def test_the_writer_needs_neither_a_position_nor_a_way_back() -> None:
    class Stream(io.RawIOBase):
        taken = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.taken += len(data)
            return len(data)

    out = Stream()
    cleaner.deidentify(BytesIO(sample("slides/synthetic_pyramid.svs")), out, POLICY)  # type: ignore[arg-type]
    assert out.taken == len(cleaned(sample("slides/synthetic_pyramid.svs"))[0])


async def test_a_slide_is_cleaned_in_the_sandbox() -> None:
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    data = sample("planted/planted_slide.svs")
    async with Previewer() as previewer:
        report = await previewer.clean(BytesSource(data), policy=POLICY, sink=keep)
        (preview,) = await previewer.previews([BytesSource(b"".join(pieces))])
    assert (b"".join(pieces), report) == cleaned(data)
    assert preview.facts.kind == "slide"
