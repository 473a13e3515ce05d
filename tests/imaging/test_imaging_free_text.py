"""Words that programs leave beside a picture or a model: their own may stay, any others could name somebody."""

import re
import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import photograph as decoder
from ernbot.imaging import stl_model
from ernbot.imaging.free_text import could_name
from ernbot.imaging.model import Options
from tests.imaging.imaging_samples import photograph, sample
from tests.imaging.model_samples import ball, binary_stl, text_stl

NOISE = np.random.default_rng(7).bytes(4000)


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"\0" * 76,
            b" ",
            NOISE,
            NOISE[:40],
            b"Exported from Blender-4.0.2",
            b"OpenSCAD_Model",
            b"vcg",
            b"ascii",
        ),
        *(b"Visualization Toolkit generated SLA File", b"STL binary file created by MeshLab", b"Segmentation_1"),
        *(b"COLOR=Jane,MATERIAL=JaneJaneJane", b"Ducky\0\1\0\4\0\0\0\x3c\0\0", b"numpy-stl 2024-01-31 10:11:12"),
        *("Blender".encode("utf-16-le"), b"urn:iso:std:iso:ts:21496:-1\0", b"solid"),
    ],
)
def test_what_a_tool_says_of_itself_names_nobody(text: bytes) -> None:
    assert not could_name(text)


@pytest.mark.parametrize(
    "text",
    [
        *(b"Jane Doe", b"HANSEN_PETER_Mandible", b"Exported from Blender by Jane", b"010190-1234", b"1234567890"),
        *("J\u00f8rgensen".encode(), "J\u00f8rgensen".encode("latin-1"), "\u03a0\u03b1\u03c0\u03b1\u03c2".encode()),
        *("Jane Doe".encode("utf-16-le"), "Jane Doe".encode("utf-16-be"), b"\0\0Jane\0Doe\0"),
    ],
)
def test_any_other_word_could(text: bytes) -> None:
    assert could_name(text)
    assert could_name(b"solid " + text + bytes(20))


# Models


def kinds(data: bytes) -> str:
    with pytest.raises(Refused, match="file-names-patient") as caught:
        stl_model.previews([BytesIO(data)], Options())
    return str(caught.value.fields["kinds"])


def test_a_model_that_is_called_like_somebody_is_refused() -> None:
    corners = ball(4)
    assert kinds(binary_stl(corners, header=b"Jane Doe, 1970-01-02")) == "Header"
    assert kinds(binary_stl(corners) + b"Jane Doe") == "TrailingData"
    assert kinds(text_stl(corners, name=b"Jane Doe")) == "Name"
    first, second = text_stl(ball(56)), text_stl(corners, name=b"Jane Doe")
    assert len(first) > 2**20
    assert kinds(first + second) == "Name"
    assert kinds(text_stl(corners).removesuffix(b"\n") + b"Jane Doe") == "Name"


@pytest.mark.parametrize(
    "data", [binary_stl(ball(4), b"MESHLAB"), text_stl(ball(4), b"ascii"), text_stl(ball(4)).upper()]
)
def test_a_model_of_a_program_is_shown(data: bytes) -> None:
    (preview,) = stl_model.previews([BytesIO(data)], Options())
    assert preview.picture is not None


# Photographs


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def told(data: bytes) -> set[str]:
    return decoder.kinds(BytesIO(data))


PLAIN = photograph(Image.effect_noise((97, 61), 90).convert("RGB"), progressive=True)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15])
def test_a_photograph_with_words_in_a_segment_is_refused(number: int) -> None:
    for at in (2, 20, [found.start() for found in re.finditer(rb"\xff\xda\0", PLAIN)][-1]):
        assert told(PLAIN[:at] + segment(0xE0 + number, b"VIEWER\0Jane Doe") + PLAIN[at:]) == {"ApplicationData"}


def test_a_photograph_with_words_at_other_places_is_refused() -> None:
    last = [found.start() for found in re.finditer(rb"\xff\xda\0", PLAIN)][-1]
    assert told(PLAIN[:last] + segment(0xFE, b"Jane") + PLAIN[last:]) == {"Comment"}
    assert told(PLAIN + b"Jane Doe") == {"TrailingData"}
    behind = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0Jane Doe")
    assert told(PLAIN[:2] + behind + PLAIN[20:]) == {"ApplicationData"}


def test_what_cameras_write_of_themselves_is_no_alarm() -> None:
    extra = (
        segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + NOISE[:60]),
        segment(0xE4, NOISE),
        segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x50\0\0"),
        segment(0xE0, b"JFXX\0\x13\2\2" + NOISE[:12]),
        segment(0xE5, b"HUAWEI\0" + NOISE[:300]),
    )
    assert told(PLAIN[:20] + b"".join(extra) + PLAIN[20:] + NOISE) == set()
    assert told(PLAIN + photograph(Image.new("RGB", (64, 64), "tan"))) == set()


def test_a_planted_photograph_tells_of_its_own_segment_too() -> None:
    assert "ApplicationData" in told(sample("planted/planted_photo.jpg"))
