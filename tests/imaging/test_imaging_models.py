"""STL surfaces through a real sandbox: four shaded views, sizes, and bounds on what a file may ask for."""

import struct
import time
from io import BytesIO

import numpy as np
import pytest

from ernbot.core.errors import Refused
from ernbot.imaging import Facts, recognise, stl, stl_model
from ernbot.imaging.model import Fact, Options
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import DATA, Array, look, opened, pictured
from tests.imaging.model_samples import ball, binary_stl, box, text_stl

BACKGROUND = 28


def views(picture: Array) -> list[Array]:
    return [picture[row : row + 400, column : column + 400] for row in (0, 400) for column in (0, 400)]


def extent(view: Array) -> tuple[int, int]:
    """Width and height of what is not background, pixels."""
    rows, columns = np.nonzero(view != BACKGROUND)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


@pytest.mark.parametrize("write", [binary_stl, text_stl])
async def test_a_box_is_seen_from_front_side_and_top(previewer: Previewer, write: object) -> None:
    assert callable(write)
    preview = await look(previewer, write(box(30, 50, 80)), claimed="model/stl")
    details = (Fact("triangles", 12), Fact("width-mm", 30.0), Fact("depth-mm", 50.0), Fact("height-mm", 80.0))
    assert preview.facts == Facts(
        "STL", None, None, 0, 0, 1, lossy=False, kind="model", identifiable=True, details=details
    )
    front, side, top, _ = (extent(view) for view in views(opened(pictured(preview).data)))
    assert abs(front[0] / front[1] - 30 / 80) < 0.02
    assert abs(side[0] / side[1] - 50 / 80) < 0.02
    assert abs(top[0] / top[1] - 30 / 50) < 0.02
    assert abs(front[1] - side[1]) <= 1


async def test_a_head_is_the_one_that_was_looked_at(previewer: Previewer) -> None:
    picture = opened(pictured(await look(previewer, binary_stl(ball(60)))).data)
    golden = opened((DATA / "golden" / "model.png").read_bytes())
    assert np.abs(picture.astype(int) - golden).mean() < 0.5


def test_the_front_hides_what_is_behind_it() -> None:
    behind, slope = box(10, 10, 10), box(10, 10, 10)
    behind[..., 1] += 40
    slope[..., 1] += slope[..., 2]  # its front leans back, and is of another grey
    both = np.asarray(stl_model.picture(binary_stl(np.concatenate([behind, slope]).astype("<f4"))))
    alone = np.asarray(stl_model.picture(binary_stl(np.concatenate([behind]).astype("<f4"))))
    seen, hidden = both[:400, :400], alone[:400, :400]
    assert seen[200, 200] != hidden[200, 200]


def test_the_nose_points_to_the_front() -> None:
    _, side, top, _ = views(np.asarray(stl_model.picture(binary_stl(ball(40)))))
    columns = np.nonzero((side != BACKGROUND).any(0))[0]
    rows = np.nonzero((top != BACKGROUND).any(1))[0]
    assert (side[:, columns[0]] != BACKGROUND).sum() < (side[:, columns[-1]] != BACKGROUND).sum()
    assert (top[rows[-1]] != BACKGROUND).sum() < (top[rows[0]] != BACKGROUND).sum()


def test_both_forms_and_the_encapsulated_one_are_the_same_picture() -> None:
    corners = ball(12).round(3)
    assert stl_model.picture(binary_stl(corners)).tobytes() == stl_model.picture(text_stl(corners)).tobytes()
    assert stl_model.picture(text_stl(corners)).tobytes() == stl_model.picture(text_stl(corners).upper()).tobytes()


def test_a_binary_model_that_begins_with_solid_is_binary() -> None:
    data = binary_stl(ball(12), header=b"solid facet made by a program")
    assert stl_model.picture(data).tobytes() == stl_model.picture(binary_stl(ball(12))).tobytes()


def test_a_large_model_is_thinned_without_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = binary_stl(ball(260))
    whole = np.asarray(stl_model.picture(data)).astype(int)
    monkeypatch.setattr(stl_model, "_MOST_TRIANGLES", 50_000)
    monkeypatch.setattr(stl_model, "_PIECE", 2**18)
    preview = stl_model.previews([BytesIO(data)], Options())[0]
    assert preview.facts.details[0] == Fact("triangles", len(ball(260)))
    thinned = opened(pictured(preview).data).astype(int)
    assert np.abs(thinned - whole).mean() < 2.5
    for seen, wanted in zip(views(thinned), views(whole), strict=True):
        assert ((seen == BACKGROUND) & (wanted != BACKGROUND)).sum() < 400  # at the rim


def test_two_hundred_thousand_triangles_take_no_longer_than_a_glance() -> None:
    data = binary_stl(ball(220))
    begin = time.process_time()
    stl_model.picture(data)
    assert time.process_time() - begin < 4


# Recognised by content


@pytest.mark.parametrize(
    "data", [binary_stl(ball(4)), binary_stl(ball(40)), text_stl(ball(4)), text_stl(ball(4)).upper()]
)
def test_a_model_is_recognised(data: bytes) -> None:
    assert recognise(data[: 64 * 2**10]) is stl.FORMAT


@pytest.mark.parametrize(
    "data",
    [
        b"solid evidence that this is a text",
        bytes(84),
        bytes(4096),
        binary_stl(ball(4), count=3),
        binary_stl(ball(4), count=2**32 - 1),
        binary_stl(ball(4) * np.float32(1e30)),
        binary_stl(ball(4) * np.float32("nan")),
    ],
)
def test_what_is_no_model_is_not_taken_for_one(data: bytes) -> None:
    assert recognise(data) is None


# Broken and hostile


@pytest.mark.parametrize(
    "data",
    [
        binary_stl(ball(40), count=2**31),
        binary_stl(ball(40), count=len(ball(40)) + 1),
        text_stl(ball(4)).replace(b"vertex", b"vertex 1", 1),
        text_stl(ball(4)).replace(b"endloop", b"Jane Doe", 1),
        text_stl(ball(4))[:700],
        b"solid\nfacet\n" + b"vertex " * 10,
        b"solid\nfacet\n",
        text_stl(np.full((2, 3, 3), np.nan, "<f4")),
    ],
)
def test_a_model_that_contradicts_itself_is_broken(data: bytes) -> None:
    with pytest.raises(Refused, match="file-broken"):
        stl_model.picture(data)


def test_triangles_that_all_cover_the_picture_are_too_complex() -> None:
    random = np.random.default_rng(2)
    with pytest.raises(Refused, match="file-too-complex"):
        stl_model.picture(binary_stl(random.uniform(-90, 90, (30_000, 3, 3)).astype("<f4")))


@pytest.mark.parametrize("size", [(0, 0, 0), (1, 0, 0), (0, 0, 9e6), (0, 1, 1e-30)])
def test_a_model_without_extent_is_a_picture_all_the_same(size: tuple[float, float, float]) -> None:
    assert stl_model.picture(binary_stl(box(*size))).size == (800, 800)


def test_numbers_that_are_none_are_left_out() -> None:
    corners = ball(8)
    corners[3] = np.nan
    corners[5] = 3e38
    assert np.asarray(stl_model.picture(binary_stl(corners))).max() > 200


def test_changed_bytes_end_in_a_picture_or_a_refusal() -> None:
    random = np.random.default_rng(4)
    for data in (binary_stl(ball(5)), text_stl(ball(5))):
        for _ in range(60):
            mutated = bytearray(data)
            for at in random.integers(0, len(data), 4):
                mutated[at] ^= int(random.integers(1, 256))
            try:
                stl_model.picture(bytes(mutated))
            except Refused as refused:
                assert refused.code in {"file-broken", "file-too-complex"}  # noqa: PT017


def test_a_count_is_not_believed() -> None:
    data = bytearray(binary_stl(ball(4)))
    data[80:84] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(Refused, match="file-broken"):
        stl_model.picture(bytes(data))
