"""What is kept of compressed pictures in photographs, in tiles of slides and in DICOM: what decoding needs, no more."""

import re
import struct
from collections.abc import Callable
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames

from ernbot.core.errors import Refused
from ernbot.imaging import codestream, jpeg2000_segments, jpeg_segments
from ernbot.imaging.deid import Policy, codestreams, jpeg
from tests.imaging.imaging_samples import opened, photograph, sample

NAME = b"JANE DOE 19700102"
NOISE = Image.effect_noise((97, 61), 90).convert("RGB")
PLAIN = photograph(NOISE)
GREY = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def from_photograph(data: bytes) -> bytes:
    out = BytesIO()
    jpeg.deidentify(BytesIO(data), out, Policy(bytes(32)))
    return out.getvalue()


def from_dicom(data: bytes) -> bytes:
    """A frame, in three fragments; nothing in it moves."""
    end = b"\xfe\xff\xdd\xe0\0\0\0\0"
    value = encapsulate([data], fragments_per_frame=3, has_bot=False).removesuffix(end)
    silenced = codestreams.silenced(value)
    assert len(silenced) == len(value)
    return next(generate_frames(silenced + end, number_of_frames=1))


CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "photograph": from_photograph,
    "tile": jpeg_segments.plain_jpeg,
    "DICOM": from_dicom,
}
ANYWHERE = {
    **{f"APP{number}": segment(0xE0 + number, NAME) for number in range(16)},
    **{f"JPG{number}": segment(0xF0 + number, NAME) for number in range(14)},
    **{
        f"{name}": segment(marker, NAME)
        for name, marker in (("COM", 0xFE), ("JPG", 0xC8), ("DHP", 0xDE), ("EXP", 0xDF))
    },
    "JFIF with a picture": segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\2\3" + NAME),
    "JFXX": segment(0xE0, b"JFXX\0\x10" + NAME),
    "Adobe and more": segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + NAME),
    "Exif": segment(0xE1, b"Exif\0\0" + NAME),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + NAME),
    "a maker's": segment(0xE7, b"MAKER\0" + NAME),
    "colours of JPEG-LS": segment(0xE8, b"mrfx\0" + NAME),
    "a table of JPEG-LS": segment(0xF8, b"\2\1\1" + NAME),
    "no profile": segment(0xE2, b"ICC_PROFILE\0\1\1" + NAME),
    "filled": b"\xff\xff\xff" + segment(0xFE, NAME),
}


@pytest.mark.parametrize("cleaner", CLEANERS)
@pytest.mark.parametrize("planted", ANYWHERE)
def test_a_segment_that_no_decoder_needs_says_nothing_any_more(cleaner: str, planted: str) -> None:
    progressive = photograph(NOISE, progressive=True)
    for plain in (PLAIN, progressive):
        scans = [found.start() for found in re.finditer(rb"\xff\xda\0", plain)]
        for at in (2, 20, plain.index(b"\xff\xc4"), scans[0], scans[-1], len(plain) - 2):
            data = plain[:at] + ANYWHERE[planted] + plain[at:]
            cleaned = CLEANERS[cleaner](data)
            assert b"JANE" not in cleaned
            if cleaner != "DICOM" or is_readable(data):  # there every offset stays, and with it what stops a decoder
                assert np.array_equal(opened(cleaned), opened(plain))
            assert CLEANERS[cleaner](cleaned) == cleaned


def is_readable(data: bytes) -> bool:
    try:
        return bool(opened(data).size)
    except OSError:
        return False


@pytest.mark.parametrize("cleaner", CLEANERS)
@pytest.mark.parametrize("tail", [NAME, b"\xff\xd8\xff" + NAME, b"\xff\xd9" + NAME, segment(0xFE, NAME)])
def test_what_follows_the_end_says_nothing_any_more(cleaner: str, tail: bytes) -> None:
    cleaned = CLEANERS[cleaner](PLAIN + tail)
    assert b"JANE" not in cleaned
    assert np.array_equal(opened(cleaned), opened(PLAIN))


def between(data: bytes) -> bytes:
    at = data.index(b"\xff\xc4")
    return data[:at] + NAME + data[at:]


def behind_a_length_that_lies(data: bytes) -> bytes:
    return data[:2] + b"\xff\xfe\0\0" + NAME + data[2:]


def in_number_of_lines(data: bytes) -> bytes:
    return data[:-2] + segment(0xDC, struct.pack(">H", NOISE.height) + NAME) + data[-2:]


def in_restart_interval(data: bytes) -> bytes:
    at = data.index(b"\xff\xda")
    return data[:at] + segment(0xDD, b"\0\0" + NAME) + data[at:]


def after_tables(marker: bytes) -> Callable[[bytes], bytes]:
    def planted(data: bytes) -> bytes:
        at = data.index(marker) + 2
        (length,) = struct.unpack_from(">H", data, at)
        longer = struct.pack(">H", length + len(NAME))
        return data[:at] + longer + data[at + 2 : at + length] + NAME + data[at + length :]

    return planted


ODD = [between, behind_a_length_that_lies, in_number_of_lines, in_restart_interval]
TABLES = [after_tables(marker) for marker in (b"\xff\xdb", b"\xff\xc4", b"\xff\xc0", b"\xff\xda")]


@pytest.mark.parametrize("cleaner", CLEANERS)
@pytest.mark.parametrize("plant", [*ODD, *TABLES])
def test_where_no_segment_has_room_for_words_they_go_or_the_file_does(
    cleaner: str, plant: Callable[[bytes], bytes]
) -> None:
    data = plant(PLAIN)
    assert NAME in data
    try:
        assert b"JANE" not in CLEANERS[cleaner](data)
    except Refused as refused:
        assert refused.code == "file-broken"  # noqa: PT017
        assert cleaner != "DICOM", "there nothing is refused, and every offset stays"


@pytest.mark.parametrize("transform", [0, 1])
def test_of_adobe_only_how_colours_were_transformed_is_left(transform: int) -> None:
    """Encoders have eight free bytes there, and nobody needs them."""
    plain = jpeg_segments.plain_jpeg(PLAIN, keep_colour=False)
    told = segment(0xEE, b"AdobeJANEDO" + bytes((transform,)))
    cleaned = from_photograph(plain[:2] + told + plain[2:])
    assert b"JANE" not in cleaned
    assert cleaned == plain[:2] + jpeg_segments.adobe(transform) + plain[2:]
    assert np.array_equal(opened(cleaned), opened(plain[:2] + told + plain[2:]))


def test_segments_that_speak_of_colour_stay_in_tiles() -> None:
    plain = jpeg_segments.plain_jpeg(PLAIN, keep_colour=False)
    colour = segment(0xE0, b"JFIF\0" + bytes(9)) + segment(0xEE, b"Adobe" + bytes(7))
    coloured = plain[:2] + colour + plain[2:]
    assert jpeg_segments.plain_jpeg(coloured) == coloured
    assert jpeg_segments.plain_jpeg(coloured, keep_colour=False) == plain


def test_restarts_and_stuffed_bytes_do_not_end_a_scan() -> None:
    stream = b"\xff\xd8" + segment(0xDA, bytes(4)) + b"a\xff\x00b\xff\xd0c\xff\xff\xd9JANE"
    assert jpeg_segments.plain_jpeg(stream) == stream.removesuffix(b"JANE")


@pytest.mark.parametrize("name", [b"mrfx\2", b"mrfx\2" + NAME, NAME])
def test_jpeg_ls_keeps_its_own_tables_and_colours(name: bytes) -> None:
    plain = bytes(imagecodecs.jpegls_encode(np.stack([GREY] * 3, -1)))
    preset = segment(0xF8, b"\1" + struct.pack(">5H", 255, 3, 7, 21, 64))
    stream = plain[:2] + preset + segment(0xE8, name) + plain[2:]
    cleaned = from_dicom(stream)
    assert b"JANE" not in cleaned
    assert preset in cleaned
    assert (b"mrfx\2" in cleaned) == (b"mrfx" in name)
    assert np.array_equal(imagecodecs.jpegls_decode(from_dicom(plain)), imagecodecs.jpegls_decode(plain))
    stated = codestream.stated(stream)
    assert stated is not None
    assert (stated.width, stated.components, stated.precision) == (64, 3, 8)


# JPEG 2000


def j2k() -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(GREY, level=0, codecformat="j2k"))


def in_tile(stream: bytes, told: bytes) -> bytes:
    """A segment put into the header of the first tile-part, whose length counts it."""
    tile = stream.index(b"\xff\x90\x00\x0a")
    (length,) = struct.unpack_from(">I", stream, tile + 6)
    longer = struct.pack(">I", length + len(told)) if length else bytes(4)
    return stream[: tile + 6] + longer + stream[tile + 10 : tile + 12] + told + stream[tile + 12 :]


@pytest.mark.parametrize("clean", [jpeg2000_segments.plain_j2k, from_dicom])
@pytest.mark.parametrize("marker", [0x64, 0x65, 0x6F, 0x8F])
def test_words_in_a_codestream_are_overwritten_wherever_they_are(clean: Callable[[bytes], bytes], marker: int) -> None:
    stream, told = j2k(), segment(marker, b"\0\1" + NAME)
    tile = stream.index(b"\xff\x90\x00\x0a")
    open_end = stream[: tile + 6] + bytes(4) + stream[tile + 10 :]
    for planted in (stream[:tile] + told + stream[tile:], in_tile(stream, told), stream + NAME, open_end + NAME):
        plain = clean(planted)
        assert b"JANE" not in plain
        assert len(plain) == len(planted) + (clean is from_dicom and len(planted) % 2)
        if marker == 0x64 or told not in planted:  # no decoder takes a stream with the others
            assert np.array_equal(imagecodecs.jpeg2k_decode(plain), GREY)
    stated = codestream.stated(stream)
    assert stated is not None
    assert (stated.width, stated.height, stated.levels > 0) == (64, 64, True)


@pytest.mark.parametrize("data", [b"", b"JANE DOE", b"\xff\xd8JANE", b"\xff\xd8\xff\xfe", b"\xff\x4f\xff\x51JANE"])
def test_what_is_no_stream_is_not_copied(data: bytes) -> None:
    for plain in (jpeg_segments.plain_jpeg, jpeg2000_segments.plain_j2k):
        try:
            assert b"JANE" not in plain(data)
        except Refused as refused:
            assert refused.code == "file-broken"  # noqa: PT017


def test_a_stream_that_ends_anywhere_is_walked_to_there() -> None:
    for stream in (PLAIN, j2k(), sample("planted/planted_photo.jpg")[:5000]):
        for length in range(0, len(stream), 7):
            cut = stream[:length]
            assert all(0 <= each.content <= each.end <= each.after <= length for each in jpeg_segments.segments(cut))
            assert all(0 <= each.content <= each.after <= length for each in jpeg2000_segments.segments(cut))
            codestream.stated(stream[:length])
