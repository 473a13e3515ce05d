"""Photographs of every format through a real sandbox: upright, in colour, without a word of what the camera wrote."""

import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from ernbot.core.errors import Refused
from ernbot.imaging import Facts, identifiers
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import Array, look, opened, photograph, pictured, sample

RED, WHITE = (200, 30, 30), (255, 255, 255)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


async def shown(previewer: Previewer, data: bytes) -> Array:
    return opened(pictured(await look(previewer, data)).data)


async def refusal(previewer: Previewer, data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await look(previewer, data)
    return caught.value


def flag(width: int, height: int) -> Image.Image:
    """White, with the upper left quarter red."""
    picture = Image.new("RGB", (width, height), WHITE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    return picture


def exif(**tags: Any) -> Image.Exif:
    block = Image.Exif()
    block[ExifTags.Base.Make] = "Maker"
    camera = block.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        (camera if name in ("UserComment", "CameraOwnerName") else block)[ExifTags.Base[name]] = value
    return block


LOSSY = {"JPEG": True, "PNG": False, "WebP": True, "TIFF": False, "AVIF": True, "GIF": False, "BMP": False}


@pytest.mark.parametrize("kind", LOSSY)
async def test_facts_and_preview(previewer: Previewer, kind: str) -> None:
    preview = await look(previewer, photograph(flag(2400, 1200), kind), claimed=f"image/{kind.lower()}")
    assert (pictured(preview).mimetype, pictured(preview).width, pictured(preview).height) == ("image/jpeg", 800, 400)
    facts = Facts(kind, None, None, 2400, 1200, 1, lossy=LOSSY[kind], kind="photograph", identifiable=True)
    assert preview.facts == facts
    picture = opened(pictured(preview).data)
    assert np.abs(picture[100, 200].astype(int) - RED).max() < 6
    assert np.abs(picture[300, 600].astype(int) - WHITE).max() < 6


@pytest.mark.parametrize(
    ("orientation", "red"), [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0)), (5, (0, 0)), (2, (0, 1))]
)
@pytest.mark.parametrize("options", [{}, {"icc_profile": SRGB}], ids=["plain", "with a profile"])
async def test_photographs_are_turned_upright(
    previewer: Previewer, orientation: int, red: tuple[int, int], options: dict[str, Any]
) -> None:
    data = photograph(flag(400, 200), exif=exif(Orientation=orientation), **options)
    preview = await look(previewer, data, claimed="image/jpeg")
    turned = orientation >= 5
    assert (pictured(preview).width, pictured(preview).height) == (preview.facts.width, preview.facts.height)
    assert (pictured(preview).width, pictured(preview).height) == ((200, 400) if turned else (400, 200))
    picture = opened(pictured(preview).data)
    row, column = (pictured(preview).height * (1 + 2 * red[0]) // 4, pictured(preview).width * (1 + 2 * red[1]) // 4)
    assert np.abs(picture[row, column].astype(int) - RED).max() < 10


@pytest.mark.parametrize("mode", ["L", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
async def test_every_format_is_turned_upright(previewer: Previewer, kind: str, mode: str) -> None:
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    preview = await look(previewer, photograph(flag(400, 200).convert(mode), kind, exif=turned))
    assert (preview.facts.width, preview.facts.height) == (200, 400)
    picture = opened(pictured(preview).data).reshape(400, 200, -1)[..., -1]
    assert picture[100, 150] < 140 < 200 < picture[100, 50]


@pytest.mark.parametrize(
    "picture",
    [
        flag(64, 64).convert("L"),
        flag(64, 64).convert("1"),
        Image.fromarray(np.tile(np.arange(64, dtype=np.uint16), (64, 1)) * 1024),
    ],
    ids=["grey", "bitmap", "sixteen bits"],
)
async def test_grey_pictures_stay_grey_and_lossless(previewer: Previewer, picture: Image.Image) -> None:
    preview = await look(previewer, photograph(picture, "PNG"))
    assert pictured(preview).mimetype == "image/png"
    grey = opened(pictured(preview).data)
    assert grey.ndim == 2
    assert grey[63, 63] > 250
    assert grey[0, 0] < 100


async def test_transparency_becomes_white(previewer: Previewer) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert (await shown(previewer, photograph(clear, "PNG"))).min() > 250
    palette = flag(64, 64).quantize(2)
    assert (await shown(previewer, photograph(palette, "PNG", transparency=palette.getpixel((0, 0))))).min() > 200


async def test_print_colours_become_screen_colours(previewer: Previewer) -> None:
    picture = await shown(previewer, photograph(flag(64, 64).convert("CMYK")))
    assert np.abs(picture[10, 10].astype(int) - RED).max() < 12


async def test_a_colour_profile_is_applied_and_dropped(previewer: Previewer) -> None:
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {bytes(swapped[i : i + 4]): i for i in range(132, 132 + 12 * swapped[131], 12)}
    red, blue = at[b"rXYZ"], at[b"bXYZ"]
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    data = photograph(flag(64, 64), icc_profile=bytes(swapped))
    preview = await look(previewer, data)
    picture = opened(pictured(preview).data)
    assert picture[10, 10, 2] > picture[10, 10, 0] + 100
    assert b"ICC_PROFILE" not in pictured(preview).data
    broken = photograph(flag(64, 64), icc_profile=b"no profile")
    assert np.abs((await shown(previewer, broken))[10, 10].astype(int) - RED).max() < 6


async def test_lossless_webp_and_lossy_tiff_are_told_apart(previewer: Previewer) -> None:
    assert not (await look(previewer, photograph(flag(64, 64), "WEBP", lossless=True))).facts.lossy
    assert (await look(previewer, photograph(flag(64, 64), "TIFF", compression="jpeg"))).facts.lossy


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF"])
async def test_the_first_of_several_pictures_is_shown(previewer: Previewer, kind: str) -> None:
    others = [Image.new("RGB", (64, 64), colour) for colour in ("green", "blue")]
    preview = await look(previewer, photograph(flag(64, 64), kind, save_all=True, append_images=others))
    assert preview.facts.frames == 3
    assert np.abs(opened(pictured(preview).data)[10, 10].astype(int) - RED).max() < 12


async def test_deep_samples_of_a_tiff_are_scaled(previewer: Previewer) -> None:
    ramp = np.tile(np.linspace(-3.0, 12.0, 64, dtype=np.float32), (64, 1))
    ramp[0, 0] = np.nan
    for samples in (ramp, np.nan_to_num(ramp * 1e6).astype("<i4"), np.nan_to_num(ramp * 4000 + 12000).astype("<u2")):
        grey = await shown(previewer, photograph(Image.fromarray(samples), "TIFF"))
        assert grey.ndim == 2
        assert grey[30, 1] < 20
        assert grey[30, 62] > 220
    bgr = np.zeros((8, 8, 3), np.uint16)
    bgr[..., 0] = 0xFFFF
    colour = await shown(previewer, bytes(imagecodecs.tiff_encode(bgr, photometric="rgb")))
    assert colour[4, 4, 0] > 240 > 10 > colour[4, 4, 2]


async def test_a_heic_is_shown(previewer: Previewer) -> None:
    data = sample("planted/planted_photo.heic")
    kinds = "Artist, CameraOwnerName, Copyright, GPSInfo, ImageDescription, UserComment, XMP, XPAuthor"
    assert (await refusal(previewer, data)).fields == {"kinds": kinds}
    named = [name.encode() for name in ("ZZDESC Jane Doe, pre-op", "ZZARTIST JANE DOE", "ZZOWNER JANE DOE")]
    quiet = data.replace(b"dc:creator", b"dc:nothing").replace(b"ZZUSERCOMMENT JANEDOE", bytes(21))
    for text in (*named, b"ZZCOPYRIGHT", "ZZXPAUTHOR DOE".encode("utf-16-le")):
        quiet = quiet.replace(text, bytes(len(text)))
    place = quiet.index(b"\x25\x88\x04\x00")  # GPSInfo, 0x8825, becomes a tag that nobody knows
    preview = await look(previewer, quiet[:place] + b"\x99\x99" + quiet[place + 2 :], claimed="image/heic")
    assert preview.facts == Facts("HEIC", None, None, 800, 1200, 1, lossy=True, kind="photograph", identifiable=True)
    assert (pictured(preview).width, pictured(preview).height) == (533, 800)


# Metadata


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        (
            "photo.jpg",
            "ApplicationData, Artist, CameraOwnerName, Comment, Copyright, GPSInfo, IPTC, ImageDescription, "
            "TrailingData, UserComment, XMP, XPAuthor",
        ),
        ("photo_mpo.jpg", "Artist"),
        (
            "photo.png",
            "Artist, Author, CameraOwnerName, Comment, Copyright, GPSInfo, "
            "ImageDescription, UserComment, XMP, XPAuthor",
        ),
    ],
)
async def test_planted_photographs_are_refused(previewer: Previewer, name: str, kinds: str) -> None:
    refused = await refusal(previewer, sample(f"planted/planted_{name}"))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": kinds})
    assert set(kinds.split(", ")) <= identifiers.PHOTOGRAPH_KINDS


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("Artist", "Jane Doe"),
        ("Copyright", "Jane Doe"),
        ("ImageDescription", "Jane Doe"),
        ("XPAuthor", "Jane".encode("utf-16-le")),
        ("XPTitle", "Jane".encode("utf-16-le")),
        ("CameraOwnerName", "Jane"),
        ("UserComment", b"ASCII\0\0\0Jane"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_each_text_of_a_camera_is_refused(previewer: Previewer, kind: str, tag: str, value: object) -> None:
    refused = await refusal(previewer, photograph(flag(32, 32), kind, exif=exif(**{tag: value})))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": tag})


async def test_a_place_is_refused(previewer: Previewer) -> None:
    block = Image.Exif()
    block.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    assert (await refusal(previewer, photograph(flag(32, 32), exif=block))).fields == {"kinds": "GPSInfo"}


@pytest.mark.parametrize("key", ["Author", "Title", "Description", "Comment", "author"])
async def test_each_text_of_a_png_is_refused(previewer: Previewer, key: str) -> None:
    texts = PngInfo()
    texts.add_text(key, "Jane Doe", zip=True)
    refused = await refusal(previewer, photograph(flag(32, 32), "PNG", pnginfo=texts))
    assert refused.fields == {"kinds": key.title()}


@pytest.mark.parametrize("key", ["PatientName", "Patient ID", "Source", "Navn", "Raw profile type iptc"])
async def test_a_text_of_a_png_that_no_tool_writes_of_itself_is_refused(previewer: Previewer, key: str) -> None:
    texts = PngInfo()
    texts.add_itxt(key, "Jane Doe", zip=True)
    refused = await refusal(previewer, photograph(flag(32, 32), "PNG", pnginfo=texts))
    assert refused.fields == {"kinds": "Text"}


async def test_an_empty_comment_does_not_hide_the_one_before(previewer: Previewer) -> None:
    data = photograph(flag(32, 32), "JPEG")
    comments = b"\xff\xfe\0\x0aJane Doe" + b"\xff\xfe\0\x02"
    assert (await refusal(previewer, data[:2] + comments + data[2:])).fields == {"kinds": "Comment"}


@pytest.mark.parametrize("word", ["dc:subject", "MPReg:PersonDisplayName", "lr:hierarchicalSubject"])
async def test_names_that_a_viewer_gives_to_faces_and_tags_are_refused(previewer: Previewer, word: str) -> None:
    packet = f"<x:xmpmeta><{word}>Jane Doe</{word}></x:xmpmeta>".encode()
    assert (await refusal(previewer, photograph(flag(32, 32), "WEBP", xmp=packet))).fields == {"kinds": "XMP"}


async def test_the_second_picture_of_a_pair_is_searched(previewer: Previewer) -> None:
    data = sample("planted/planted_photo_mpo.jpg").replace(b"ZZFIRST JANE DOE", b" " * 16)
    assert (await refusal(previewer, data)).fields == {"kinds": "Artist"}


async def test_a_comment_of_a_gif_and_the_later_pages_of_a_tiff_are_searched(previewer: Previewer) -> None:
    assert (await refusal(previewer, photograph(flag(32, 32), "GIF", comment=b"Jane Doe"))).fields == {
        "kinds": "Comment"
    }
    second = flag(32, 32)
    second.encoderinfo = {"tiffinfo": {ExifTags.Base.Artist.value: "Jane Doe"}}
    data = photograph(flag(32, 32), "TIFF", save_all=True, append_images=[second])
    assert (await refusal(previewer, data)).fields == {"kinds": "Artist"}


async def test_what_says_nothing_is_accepted_and_dropped(previewer: Previewer) -> None:
    quiet = exif(Model="Model 1", Artist="  ", ImageDescription="", UserComment=b"ASCII\0\0\0\0\0 ")
    preview = await look(previewer, photograph(flag(32, 32), exif=quiet))
    assert b"Maker" not in pictured(preview).data
    assert b"Exif" not in pictured(preview).data
    await look(
        previewer, photograph(flag(32, 32), "PNG", exif=exif(UserComment=b"ASCII\0\0\0Screenshot")), claimed=None
    )
    texts = PngInfo()
    texts.add_text("Software", "a screenshot tool")
    texts.add_text("Creation Time", "2026-01-01")
    texts.add_text("date:create", "2026-01-01")
    preview = await look(previewer, photograph(flag(32, 32), "PNG", pnginfo=texts))
    assert b"screenshot" not in pictured(preview).data


# Broken and hostile


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BMP"])
async def test_a_cut_picture_is_broken(previewer: Previewer, kind: str) -> None:
    noise = Image.effect_noise((200, 200), 90)
    data = photograph(noise, kind)
    for length in (20, len(data) // 2, len(data) - 40):
        assert (await refusal(previewer, data[:length])).code == "file-broken", length


async def test_a_flipped_bit_never_ends_the_worker(previewer: Previewer) -> None:
    random = np.random.default_rng(7)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP"):
        data = photograph(flag(48, 48), kind)
        for _ in range(40):
            mutated = bytearray(data)
            for at in random.integers(12, len(data), 3):
                mutated[at] ^= int(random.integers(1, 256))
            try:
                await look(previewer, bytes(mutated))
            except Refused as refused:
                assert refused.code.startswith("file-")  # noqa: PT017
    await look(previewer, data)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP"])
async def test_a_size_that_lies_is_refused_before_anything_is_decoded(previewer: Previewer, kind: str) -> None:
    data = bytearray(photograph(flag(48, 40), kind, **({"lossless": True, "xmp": b"x"} if kind == "WEBP" else {})))
    if kind == "WEBP":
        data[24:30] = b"\xff\x3f\x00\xff\x3f\x00"  # of the canvas alone
    else:
        at = {"BMP": 18, "GIF": 6, "TIFF": data.find(struct.pack("<HHI", 256, 3, 1)) + 8}[kind]
        data[at : at + 2] = b"\xff\xff"
        at = {"BMP": 22, "GIF": 8, "TIFF": data.find(struct.pack("<HHI", 257, 3, 1)) + 8}[kind]
        data[at : at + 2] = b"\xff\xff"
    assert (await refusal(previewer, bytes(data))).code in {"file-too-complex", "file-broken"}
