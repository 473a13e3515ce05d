"""Whole slides through a real sandbox: what is shown, what may be said, what is refused."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
import openslide
import pytest
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, aperio, openslide_formats, pyramid, recognise, scale_bar, svs, tiff_directory
from ernbot.imaging import slide as decoder
from ernbot.imaging.model import Fact, Options, Preview
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import DATA, Array, opened, pictured, sample
from tests.imaging.pool import refusal, shown
from tests.imaging.slide_samples import HEAD, TILE, moved_to_the_end, nameless_slide, slide, tissue

RGB: dict[str, Any] = {"photometric": "rgb", "subsampling": None}
CODINGS: dict[str, dict[str, Any]] = {
    "ycbcr": {},
    "ycbcr-small-chroma": {"subsampling": (2, 2)},
    "rgb": RGB,
    "bare": {**RGB, "compression": None},
    "lzw": {**RGB, "compression": "lzw"},
    "lzw-differences": {**RGB, "compression": "lzw", "predictor": True},
    "deflate-differences": {**RGB, "compression": "adobe_deflate", "predictor": True},
    "j2k-rgb": {**RGB, "compression": 33005},
    "j2k": {**RGB, "compression": 34712},
}


def drawn(data: bytes) -> tuple[Preview, Array]:
    """A preview made in this process, where a card may be looked at too."""
    preview = decoder.preview(BytesIO(data), Options())
    return preview, opened(pictured(preview).data)


# What a slide is


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"byteorder": ">", "bigtiff": True}])
async def test_every_kind_of_tiff_is_read(previewer: Previewer, options: dict[str, Any]) -> None:
    data = slide(**options)
    assert recognise(data) is svs.FORMAT
    preview = await shown(previewer, data, claimed="image/tiff")
    assert preview.facts.format == "SVS"
    assert preview.facts.details == (Fact("magnification", 20.0), Fact("microns-per-pixel", 0.5), Fact("levels", 2))
    assert np.array_equal(opened(pictured(preview).data), drawn(slide())[1])


async def test_directories_at_the_end_of_the_file_are_found(previewer: Previewer) -> None:
    data = moved_to_the_end(slide())
    assert recognise(data) is openslide_formats.FORMAT
    preview = await shown(previewer, data, claimed="image/x-aperio-svs")
    assert (preview.facts.format, preview.facts.kind) == ("SVS", "slide")
    assert preview.facts.details == drawn(slide())[0].facts.details
    assert np.array_equal(opened(pictured(preview).data), drawn(slide())[1])


async def test_a_pyramid_of_another_maker_is_a_slide(previewer: Previewer) -> None:
    data = slide(head="", level={"resolution": (20_000, 20_000), "resolutionunit": 3})
    preview = await shown(previewer, data, claimed="image/tiff")
    assert (preview.facts.format, preview.facts.kind) == ("TIFF", "slide")
    assert preview.facts.details == (Fact("microns-per-pixel", 0.5), Fact("levels", 2))


def test_a_resolution_for_a_printer_is_no_scale() -> None:
    preview, picture = drawn(slide(head="", level={"resolution": (300, 300), "resolutionunit": 2}))
    assert preview.facts.details == (Fact("levels", 2),)
    assert picture.shape == (512, 512, 3)


def test_a_tiff_in_one_size_is_no_slide() -> None:
    directories = tiff_directory.read(BytesIO(slide((512,), head="")))
    assert not decoder.is_slide(directories)
    huge = with_tag(slide((512,), head=""), pyramid.IMAGE_WIDTH, 1, 1_000_000)
    assert decoder.is_slide(tiff_directory.read(BytesIO(huge)))
    assert decoder.is_slide(tiff_directory.read(BytesIO(slide((512,)))))


def test_a_tiff_whose_start_tells_stands_before_any_other() -> None:
    assert FORMATS.index(svs.FORMAT) < FORMATS.index(openslide_formats.FORMAT)
    photograph = BytesIO()
    Image.new("RGB", (8, 8)).save(photograph, "TIFF")
    assert not svs.FORMAT.sniff(photograph.getvalue())
    assert not openslide_formats.FORMAT.sniff(photograph.getvalue())


# What is shown


def test_the_overview_is_the_slide_with_a_scale_bar() -> None:
    """Looked at: a pink section on grey glass, nothing cut off, below it a bar that says 500 µm."""
    preview, picture = drawn(nameless_slide())
    golden = np.asarray(Image.open(DATA / "golden" / "slide_overview.png"))
    assert picture.shape == golden.shape
    assert np.abs(picture.astype(int) - golden).mean() < 2.0
    assert (preview.facts.width, preview.facts.height, preview.facts.lossy) == (4800, 3600, True)
    assert preview.facts.details[-1] == Fact("levels", 3)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    preview, picture = drawn(nameless_slide())
    is_ink = picture[-scale_bar.MARGIN // 2, :, 0] < 128
    begin = int(is_ink.argmax())
    length = int((~is_ink[begin:]).argmax())
    microns_per_pixel = 0.499 * preview.facts.width / picture.shape[1]
    assert abs(length * microns_per_pixel - 500) < 2 * microns_per_pixel


@pytest.mark.parametrize(
    ("longest", "length", "words"),
    [(7.3, 5, "5 µm"), (499.9, 200, "200 µm"), (1000, 1000, "1 mm"), (9999, 5000, "5 mm"), (20_000, 20_000, "20 mm")],
)
def test_a_bar_has_a_round_length(longest: float, length: float, words: str) -> None:
    assert scale_bar.round_length(longest) == pytest.approx(length)
    assert scale_bar.words(scale_bar.round_length(longest)) == words


@pytest.mark.parametrize("coding", CODINGS)
async def test_colours_are_right_in_every_coding(previewer: Previewer, coding: str) -> None:
    preview = await shown(previewer, slide(level=CODINGS[coding]))
    picture = opened(pictured(preview).data)[:512]
    assert np.abs(picture.astype(int) - tissue(512, 512)).mean() < 3.0
    assert preview.facts.lossy is (coding[:3] not in ("bar", "lzw", "def"))


def test_the_overview_agrees_with_openslide(tmp_path: Any) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(nameless_slide())
    with openslide.OpenSlide(path) as reference:
        thumbnail = np.asarray(reference.get_thumbnail((800, 600)))
    _, picture = drawn(path.read_bytes())
    assert np.abs(picture[:600].astype(int) - thumbnail).mean() < 2.0


def test_only_the_smallest_sufficient_level_is_read() -> None:
    class Counting(BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    data = nameless_slide()
    file = Counting(data)
    decoder.preview(file, Options())
    assert file.taken < len(data) / 2


def test_a_lost_tile_stays_white_and_is_said() -> None:
    data = bytearray(slide((1024,)))
    (first,) = tiff_directory.read(BytesIO(bytes(data)))
    at = first.numbers(pyramid.TILE_OFFSETS)[100]
    data[at : at + 200] = bytes(200)
    preview, picture = drawn(bytes(data))
    assert preview.facts.details[-1] == Fact("truncated")
    corner = 100 // 16 * TILE * picture.shape[1] // 1024, 100 % 16 * TILE * picture.shape[1] // 1024
    assert picture[corner[0] + 20, corner[1] + 20].min() > 250


def test_without_a_small_level_there_is_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "MAX_TILES", 15)
    preview = decoder.preview(BytesIO(slide((512,))), Options())
    assert preview.picture is None
    assert (preview.facts.kind, preview.facts.details[-1]) == ("slide", Fact("no-overview"))


# What names a patient


async def test_label_and_macro_are_never_shown(previewer: Previewer) -> None:
    refused = await refusal(previewer, slide(label=True))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "label, macro"})


async def test_our_samples_name_their_patient(previewer: Previewer) -> None:
    refused = await refusal(previewer, sample("planted/planted_slide.svs"))
    kinds = "Artist, Copyright, DocumentName, HostComputer, IPTC, ImageDescription, PrivateTag, XMP, label, macro"
    assert refused.fields == {"kinds": kinds}
    refused = await refusal(previewer, sample("slides/synthetic_pyramid.svs"))
    assert refused.fields == {"kinds": "ImageDescription, label, macro"}


@pytest.mark.parametrize(
    "options",
    [
        {"keys": "|Filename = JANE"},
        {"keys": "|AppMag = 20|Barcode = 12345678"},
        {"keys": "|MPP = 0102701234567890"},
        {"keys": "|JANE DOE"},
        {"keys": ";JANE DOE|AppMag = 20"},
        {"head": "Aperio Image Library v11.2.1 Jane Doe\r\n"},
        {"head": "Jane Doe "},
    ],
)
async def test_a_description_may_hold_numbers_alone(previewer: Previewer, options: dict[str, str]) -> None:
    assert (await refusal(previewer, slide(**options))).fields == {"kinds": "ImageDescription"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tag", "kind"), [(269, "DocumentName"), (315, "Artist"), (316, "HostComputer"), (50_000, "PrivateTag")]
)
async def test_a_tag_that_holds_text_is_named(previewer: Previewer, tag: int, kind: str) -> None:
    data = slide(level={"extratags": [(tag, 2, None, "JANE DOE", True)]})
    assert (await refusal(previewer, data)).fields == {"kinds": kind}


def test_a_picture_that_is_no_level_is_a_label() -> None:
    renamed = slide(label=True).replace(b"label 80x90", b"tissue 8x90").replace(b"macro 90x40", b"tissue 9x40")
    with pytest.raises(Refused) as caught:
        decoder.preview(BytesIO(renamed), Options())
    assert {"label", "macro"} <= set(str(caught.value.fields["kinds"]).split(", "))


@pytest.mark.parametrize(
    "description",
    [
        f"{HEAD}46000x32914 [42673,5576 2220x2967] (240x240) JPEG/RGB Q=30",
        f"{HEAD}2220x2967 -> 574x768 - ;Aperio Image Library v10.0.51\r\n46920x33014 [0,100 46000x32914] "
        "(256x256) JPEG/RGB Q=30|AppMag = 20|StripeWidth = 2040|MPP = 0.4990",
        "Aperio Leica Biosystems GT450 v1.0.1 \n152855x79623 [0,0,152855x79623] (256x256) JPEG/YCC Q=91|AppMag = 40",
    ],
)
def test_descriptions_as_scanners_write_them_are_plain(description: str) -> None:
    assert aperio.is_plain(description)
    assert not aperio.is_plain(description + "|User = jane")


@pytest.mark.parametrize("value", ["nan", "-1", "0", "1e9", "20 Jane", "", "99999"])
def test_only_a_sane_number_is_a_magnification(value: str) -> None:
    assert aperio.magnification(f"{HEAD}1x1|AppMag = {value}") is None
    assert aperio.microns_per_pixel(f"{HEAD}1x1|MPP = {value}") is None


async def test_an_unknown_description_says_whose_slide_it_is(previewer: Previewer) -> None:
    data = slide(head="", level={"description": "<?xml version='1.0'?><scan><barcode>JANE</barcode></scan>"})
    assert (await refusal(previewer, data)).fields == {"kinds": "ImageDescription"}


async def test_an_unknown_coding_does_not_let_a_label_stay(previewer: Previewer) -> None:
    refused = await refusal(previewer, with_tag(slide(label=True), pyramid.COMPRESSION, 1, 52479))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "label, macro"})


# Hostile files


def with_tag(data: bytes, tag: int, count: int, value: int) -> bytes:
    """A little-endian slide with another count and value in a tag of its first directory."""
    changed = bytearray(data)
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    for index in range(entries):
        here = at + 2 + 12 * index
        if struct.unpack_from("<H", data, here)[0] == tag:
            struct.pack_into("<II", changed, here + 4, count, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("tag", "count", "value"),
    [
        (256, 1, 2**32 - 1),
        (256, 1, 0),
        (322, 1, 2**31),
        (322, 1, 1),
        (322, 1, 0),
        (324, 2**32 - 1, 8),
        (324, 64, 2**32 - 8),
        (324, 1, 8),
        (325, 64, 2**32 - 8),
        (270, 2**31, 8),
    ],
)
async def test_a_lie_in_a_tag_costs_one_refusal(previewer: Previewer, tag: int, count: int, value: int) -> None:
    data = with_tag(moved_to_the_end(slide()), tag, count, value)
    assert (await refusal(previewer, data)).code in ("file-broken", "file-too-complex")


async def test_the_chain_of_directories_ends(previewer: Previewer) -> None:
    for name in ("tiff_ifd_loop.svs", "tiff_size_lie.svs"):
        assert (await refusal(previewer, sample(f"hostile/{name}"))).code == "file-broken"
    many = b"II*\0" + struct.pack("<I", 8)
    for index in range(300):
        many += struct.pack("<HHHIII", 1, 256, 4, 1, 9, 8 + 18 * (index + 1))
    with pytest.raises(Refused, match="file-too-complex"):
        tiff_directory.read(BytesIO(many + bytes(64)))


async def test_an_unknown_coding_is_named(previewer: Previewer) -> None:
    refused = await refusal(previewer, with_tag(slide(), pyramid.COMPRESSION, 1, 52479))
    assert (refused.code, refused.fields) == ("file-unsupported", {"syntax": "TIFF"})


async def test_four_components_are_named(previewer: Previewer) -> None:
    data = slide(level={**RGB, "compression": None})
    refused = await refusal(previewer, with_tag(data, pyramid.SAMPLES, 1, 4))
    assert (refused.code, refused.fields) == ("file-unsupported", {"syntax": "TIFF"})


async def test_a_tile_of_another_size_is_not_decoded(previewer: Previewer) -> None:
    data = slide((512,))
    huge = data.replace(struct.pack(">HH", TILE, TILE) + b"\x03", struct.pack(">HH", 65500, 65500) + b"\x03")
    assert huge != data
    assert (await refusal(previewer, huge)).code == "file-broken"


async def test_flipped_bytes(previewer: Previewer) -> None:
    random = np.random.default_rng(7)
    for coding in ("ycbcr", "j2k-rgb", "lzw-differences"):
        data = slide((256, 128), level=CODINGS[coding])
        for _ in range(15):
            mutated = bytearray(data)
            for at in (*random.integers(4, 1500, 2), *random.integers(1500, len(data), 6)):
                mutated[at] ^= int(random.integers(1, 256))
            try:
                await shown(previewer, bytes(mutated))
            except Refused as refused:
                assert refused.code.startswith("file-")  # noqa: PT017
    assert pictured(await shown(previewer, slide())).width == 512
