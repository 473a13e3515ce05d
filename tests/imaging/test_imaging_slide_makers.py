"""Slides as makers and other programs describe them: what of them is shown, what copied, and what never."""

import struct
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import openslide_formats, pyramid, recognise, restarts, slide_xml, tiff_directory
from ernbot.imaging import slide as decoder
from ernbot.imaging.deid import slide as cleaner
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import DATA, Array, opened, pictured
from tests.imaging.maker_samples import SIDES, bif, ndpi, ome, philips, pyramid_below, restarting, scn, trestle
from tests.imaging.pool import refusal, shown
from tests.imaging.slide_samples import POLICY, cleaned, tissue

GOLDEN = DATA / "golden" / "slide_of_a_maker.png"
Maker = Callable[..., bytes]
MAKERS: dict[str, Maker] = {
    "hamamatsu": lambda: ndpi(macro=True),
    "leica": scn,
    "ventana": bif,
    "philips": philips,
    "trestle": trestle,
    "generic-tiff": ome,  # which OpenSlide does not know by a name of its own
}
KINDS = {
    "trestle": "ImageDescription",
    "generic-tiff": "ImageDescription, macro",
    "hamamatsu": "macro",
    "leica": "ImageDescription, macro",
    "ventana": "ImageDescription, XMP, macro",
    "philips": "ImageDescription, macro",
}


def cleaning_refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        cleaned(data)
    return caught.value


def drawn(data: bytes) -> tuple[Preview, Array]:
    preview = decoder.preview(BytesIO(data), Options())
    return preview, opened(pictured(preview).data)


def overview(maker: str) -> Preview:
    """What a room is shown of a slide of that maker: its cleaned copy, or one that needs no cleaning."""
    data = pyramid_below() if maker == "nobody" else cleaned(MAKERS[maker]())[0]
    return decoder.preview(BytesIO(data), Options())


def section(path: Path, side: int) -> Array:
    """The scanned section as OpenSlide shows it, `side` pixels wide: Leica's lies somewhere on the glass."""
    with openslide.OpenSlide(path) as reference:
        bounds = [int(reference.properties.get(f"openslide.bounds-{name}", 0)) for name in ("x", "y", "width")]
        width = bounds[2] or SIDES[0]
        level = reference.get_best_level_for_downsample(width / side)
        size = round(width / reference.level_downsamples[level])
        region = reference.read_region((bounds[0], bounds[1]), level, (size, size))
    return np.asarray(region.convert("RGB").resize((side, side)))


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# What is shown


@pytest.mark.parametrize("maker", MAKERS)
def test_our_samples_are_slides_of_their_maker(tmp_path: Path, maker: str) -> None:
    data = MAKERS[maker]()
    assert openslide.OpenSlide.detect_format(written(tmp_path, "slide.tif", data)) == maker
    found = recognise(data)
    assert found is not None
    assert (found.decoder, found.cleaner) == ("ernbot.imaging.slide", "ernbot.imaging.deid.slide")


@pytest.mark.parametrize("maker", MAKERS)
async def test_a_slide_with_its_label_is_refused(previewer: Previewer, maker: str) -> None:
    refused = await refusal(previewer, MAKERS[maker]())
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": KINDS[maker]})


async def test_a_hamamatsu_slide_without_its_label_is_shown(previewer: Previewer) -> None:
    preview = await shown(previewer, ndpi())
    assert (preview.facts.format, preview.facts.kind) == (openslide_formats.FORMAT.name, "slide")
    assert (preview.facts.width, preview.facts.height, preview.facts.lossy) == (*SIDES[:1] * 2, True)
    scale = (Fact("magnification", 20.0), Fact("microns-per-pixel", 0.5))
    assert preview.facts.details == (*scale, Fact("levels", len(SIDES)))


@pytest.mark.parametrize(
    "options", [{}, {"starts": False}, {"sides": (2048,)}, {"sides": (2048,), "interval": 256}, {"height": 1500}]
)
def test_the_overview_of_hamamatsu_agrees_with_openslide(tmp_path: Path, options: dict[str, Any]) -> None:
    data = ndpi(**options)
    _, picture = drawn(data)
    with openslide.OpenSlide(written(tmp_path, "slide.ndpi", data)) as reference:
        thumbnail = np.asarray(reference.get_thumbnail((picture.shape[1], picture.shape[0] - 40)))
    assert np.abs(picture[: thumbnail.shape[0]].astype(int) - thumbnail).mean() < 2.0


@pytest.mark.parametrize("maker", MAKERS)
def test_the_overview_of_the_copy_agrees_with_openslide_on_the_original(tmp_path: Path, maker: str) -> None:
    data = MAKERS[maker]()
    preview, picture = drawn(cleaned(data)[0])
    side = picture.shape[1]
    reference = section(written(tmp_path, "slide.tif", data), side)
    assert np.abs(picture[:side].astype(int) - reference).mean() < 2.0
    assert Fact("microns-per-pixel", 0.5) in preview.facts.details
    assert (Fact("magnification", 20.0) in preview.facts.details) is (maker != "philips")  # which does not say it


@pytest.mark.parametrize("maker", [*MAKERS, "nobody"])
def test_a_section_looks_the_same_whoever_scanned_it(maker: str) -> None:
    """Looked at, of each: a pink disc with a violet spot at its right, nothing green, and a bar that says 200 µm."""
    picture = opened(pictured(overview(maker)).data).astype(int)
    golden = opened(GOLDEN.read_bytes())
    assert picture.shape == golden.shape
    assert np.abs(picture - golden).mean() < 2.0


def test_levels_below_a_picture_are_its_levels() -> None:
    preview, picture = drawn(pyramid_below((4096, 1024)))
    assert (preview.facts.format, preview.facts.kind) == (openslide_formats.FORMAT.name, "slide")
    assert preview.facts.details == (Fact("microns-per-pixel", 0.5), Fact("levels", 2))
    side = picture.shape[1]
    assert np.abs(picture[:side].astype(int) - tissue(side, side)).mean() < 4.0


def test_a_text_below_a_picture_names_the_patient() -> None:
    with pytest.raises(Refused) as caught:
        decoder.preview(BytesIO(pyramid_below(extratags=[(315, 2, None, "JANE DOE", True)])), Options())
    assert caught.value.fields == {"kinds": "Artist"}
    assert b"JANE" not in cleaned(pyramid_below(extratags=[(315, 2, None, "JANE DOE", True)]))[0]


# What is copied


@pytest.mark.parametrize("maker", MAKERS)
def test_the_copy_has_every_pixel_and_no_label(tmp_path: Path, maker: str) -> None:
    data = MAKERS[maker]()
    new, report = cleaned(data)
    assert report.kinds == tuple(sorted({*KINDS[maker].split(", "), "Software"}))
    assert not [name for name in (b"JANE", b"DOE", b"SkFORS", b"xml", b"scn") if name in new.partition(b"\xff\xd8")[0]]
    path = written(tmp_path, "copy.svs", new)
    assert openslide.OpenSlide.detect_format(path) == "aperio"
    with openslide.OpenSlide(path) as copy:
        assert set(copy.associated_images) == {"thumbnail"}
        assert copy.level_dimensions == tuple((side, side) for side in SIDES)
        assert np.asarray(copy.associated_images["thumbnail"].convert("RGB"))[..., 0].min() > 60  # no green
        pixels = np.asarray(copy.read_region((0, 0), 0, copy.dimensions).convert("RGB"))
    assert np.array_equal(pixels, section(written(tmp_path, "slide.tif", data), SIDES[0]))


def test_what_ends_between_two_rows_of_tiles_is_copied(tmp_path: Path) -> None:
    data = ndpi(height=1500)
    with tifffile.TiffFile(BytesIO(cleaned(data)[0])) as new, tifffile.TiffFile(BytesIO(data)) as old:
        assert np.array_equal(new.pages[0].asarray(), old.pages[0].asarray())


def test_what_philips_fills_up_is_left_out(tmp_path: Path) -> None:
    sides = (2048 + 64, 1088)  # the half is 1056, filled up to seventeen tiles
    data = philips(sides)
    with openslide.OpenSlide(written(tmp_path, "slide.tif", data)) as original:
        dimensions = original.level_dimensions
    with openslide.OpenSlide(written(tmp_path, "copy.svs", cleaned(data)[0])) as copy:
        assert copy.level_dimensions == dimensions == ((2112, 2112), (1056, 1056))


async def test_a_copy_is_made_in_the_sandbox(previewer: Previewer) -> None:
    for maker, make in MAKERS.items():
        pieces: list[bytes] = []

        async def keep(piece: bytes, kept: list[bytes] = pieces) -> None:
            kept.append(piece)

        report = await previewer.clean(BytesSource(make()), policy=POLICY, sink=keep)
        assert (b"".join(pieces), report) == cleaned(make()), maker


def test_the_memory_needed_does_not_grow_with_the_file() -> None:
    class Nothing:
        def write(self, data: bytes) -> int:
            return len(data)

    peaks = []
    for sides in ((2048, 1024), (4096, 1024)):
        file = BytesIO(ndpi(sides=sides))
        tracemalloc.start()
        try:
            cleaner.deidentify(file, Nothing(), POLICY)  # type: ignore[arg-type]
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * 2**20


# What is neither


def test_a_text_of_hamamatsu_names_the_patient() -> None:
    with pytest.raises(Refused) as caught:
        decoder.preview(BytesIO(ndpi(private=True)), Options())
    assert caught.value.fields == {"kinds": "PrivateTag"}


@pytest.mark.parametrize(
    ("data", "maker"),
    [
        (lambda: bif(overlap=8), "BIF"),
        (lambda: scn(regions=2), "SCN"),
        (lambda: scn(regions=0), "SCN"),
        (lambda: scn().replace(b'sizeX="1024000"', b'sizeX="2e7"    '), "SCN"),
        (lambda: philips((2048, 512)), "Philips TIFF"),
        (lambda: philips((2048, 1984)), "Philips TIFF"),
        (lambda: ndpi(starts=False), "NDPI"),
        (lambda: ndpi(interval=48), "NDPI"),
        (lambda: ome(channels=1), "OME-TIFF"),
        (lambda: ome(planes=3), "OME-TIFF"),
        (lambda: ome(scale="9"), "OME-TIFF"),
        (lambda: ome(scale=""), "OME-TIFF"),
        (lambda: ome(unit='PhysicalSizeXUnit="nm"'), "OME-TIFF"),
        (lambda: ome(more='<Image><Pixels SizeX="9000" SizeY="9"/></Image>'), "OME-TIFF"),
        (lambda: ome().replace(b'IFD="0"', b'IFD="1"'), "OME-TIFF"),
        (lambda: ome((2048, 2048, 1024)).replace(b'SizeX="2048"', b'SizeX="1024"'), "OME-TIFF"),
        (lambda: trestle(overlaps="0 0 8 8"), "Trestle"),
    ],
)
def test_what_would_be_put_together_wrongly_is_not(data: Maker, maker: str) -> None:
    refused = cleaning_refusal(data())
    assert (refused.code, refused.fields) == ("file-slide-export", {"maker": maker})


async def test_a_slide_that_cannot_be_read_does_not_stay_with_its_label(previewer: Previewer) -> None:
    unknown = replaced_tag(ndpi(macro=True), pyramid.COMPRESSION, 34712)
    assert (await refusal(previewer, unknown)).code == "file-slide-export"
    assert (await refusal(previewer, scn(regions=2))).code == "file-slide-export"


# Hostile files


def replaced_tag(data: bytes, tag: int, value: int, count: int | None = None) -> bytes:
    """The first directory of a classic TIFF with another value of a tag."""
    changed = bytearray(data)
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    for here in range(at + 2, at + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, here)[0] == tag:
            struct.pack_into("<I", changed, here + 8, value)
            if count is not None:
                struct.pack_into("<I", changed, here + 4, count)
    return bytes(changed)


@pytest.mark.parametrize(
    ("tag", "value", "count"),
    [
        (256, 2**32 - 1, None),
        (256, 0, None),
        (256, 2040, None),
        (257, 2**31, None),
        (273, 2**32 - 8, None),
        (279, 2**32 - 8, None),
        (279, 10, None),
        (65426, 8, None),
        (65426, 8, 2**32 - 1),
    ],
)
async def test_a_lie_in_a_tag_costs_one_refusal(previewer: Previewer, tag: int, value: int, count: int | None) -> None:
    data = replaced_tag(ndpi(sides=(2048,)), tag, value, count)
    assert data != ndpi(sides=(2048,))
    refused = await refusal(previewer, data)
    assert refused.code in ("file-broken", "file-too-complex", "file-slide-export")


def test_a_piece_that_stands_behind_no_restart_is_lost() -> None:
    data = bytearray(ndpi(sides=(1024,)))
    (first,) = tiff_directory.read(BytesIO(bytes(data)))
    at, (begin,) = first.entries[65426].at, struct.unpack_from("<I", data, first.entries[65426].at + 4)
    struct.pack_into("<I", data, at + 4, begin + 1)
    preview, _ = drawn(bytes(data))
    assert preview.facts.details[-1] == Fact("truncated")
    assert cleaning_refusal(bytes(data)).code == "file-broken"


def test_a_broken_chain_of_a_maker_ends() -> None:
    data = bytearray(ndpi())
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * entries, at)
    with pytest.raises(Refused, match="file-broken"):
        decoder.preview(BytesIO(bytes(data)), Options())


@pytest.mark.parametrize(
    ("count", "place"), [(1, 8), (1, 2**32 - 8), (1, 0), (2, 8), (2**32 - 1, 8), (7_000_000, 8), (5000, 8)]
)
async def test_directories_below_that_lie_cost_one_refusal(previewer: Previewer, count: int, place: int) -> None:
    data = replaced_tag(pyramid_below(), tiff_directory.SUB_DIRECTORIES, place, count)
    refused = await refusal(previewer, data)
    assert refused.code in ("file-broken", "file-too-complex")


def test_no_more_directories_below_are_read_than_any_scanner_writes() -> None:
    many = tiff_directory.MAX_DIRECTORIES + 10
    places = [26 + 4 * many + 18 * number for number in range(many)]
    data = b"II*\0" + struct.pack("<IHHHIII", 8, 1, tiff_directory.SUB_DIRECTORIES, 4, many, 26, 0)
    data += struct.pack(f"<{many}I", *places) + struct.pack("<HHHIII", 1, 256, 4, 1, 9, 0) * many
    with pytest.raises(Refused, match="file-too-complex"):
        tiff_directory.read(BytesIO(data))


@pytest.mark.parametrize(
    "text",
    [
        b"<a>",
        b"",
        b"<!DOCTYPE a [<!ENTITY b 'cc'>]><a>&b;</a>",
        b"<a>" * 120_000 + b"</a>" * 120_000,
        b"<a>" + b"b" * slide_xml.MAX_BYTES + b"</a>",
        "<?xml version='1.0' encoding='utf-7'?><a/>".encode("utf-16"),
    ],
)
def test_xml_is_read_within_bounds(text: bytes) -> None:
    with pytest.raises(Refused) as caught:
        slide_xml.parsed(text)
    assert caught.value.code in ("file-broken", "file-too-complex")


async def test_hostile_xml_costs_one_refusal(previewer: Previewer) -> None:
    for more in ("<a>" * 200_000, "<unclosed>", "b" * slide_xml.MAX_BYTES):
        assert (await refusal(previewer, scn(more=more))).code in ("file-broken", "file-too-complex")
        assert (await refusal(previewer, philips(more=more))).code in ("file-broken", "file-too-complex")
        assert (await refusal(previewer, ome(more=more))).code in ("file-broken", "file-too-complex")
    for number in ("-1", "1e999", "99", "x", "1_0", "²"):
        lying = scn().replace(b'ifd="1"', f'ifd="{number}"'.encode()[:7].ljust(7))
        assert (await refusal(previewer, lying)).code.startswith("file-")


@pytest.mark.parametrize("maker", MAKERS)
async def test_flipped_and_missing_bytes(previewer: Previewer, maker: str) -> None:
    data, random = MAKERS[maker](), np.random.default_rng(11)
    for number in range(12):
        mutated = bytearray(data)
        for at in (*random.integers(4, 3000, 2), *random.integers(len(data) - 9000, len(data), 6)):
            mutated[at] ^= int(random.integers(1, 256))
        if number % 3 == 0:
            del mutated[int(random.integers(20, len(data))) :]
        pieces: list[bytes] = []

        async def keep(piece: bytes, kept: list[bytes] = pieces) -> None:
            kept.append(piece)

        for attempt in (
            lambda: shown(previewer, bytes(mutated)),  # noqa: B023
            lambda: previewer.clean(BytesSource(bytes(mutated)), policy=POLICY, sink=keep),  # noqa: B023
        ):
            try:
                await attempt()
            except Refused as refused:
                assert refused.code.startswith("file-")  # noqa: PT017


def test_pieces_become_tiles_with_the_same_pixels() -> None:
    pixels = tissue(512, 512)
    stream, starts = restarting(pixels, 32)
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(pixels, photometric="rgb")
    (directory,) = tiff_directory.read(BytesIO(file.getvalue() + stream))
    place = len(file.getvalue()), len(stream)
    strip = restarts.strip(directory, (512, 512), place, np.asarray(starts, np.int64))
    assert strip.tile == (256, 256)
    _, lengths = strip.places()
    assert [len(strip.read(index)) for index in range(4)] == lengths.tolist()


def remake() -> None:
    """`python -m tests.imaging.test_imaging_slide_makers`: write the picture anew. Look at it before keeping it."""
    with Image.open(BytesIO(pictured(overview("leica")).data)) as picture:
        picture.save(GOLDEN)


if __name__ == "__main__":
    remake()
