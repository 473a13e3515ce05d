"""Answers of a worker that was taken over: one wrong value, and none of it is believed."""

import copy
from typing import Any, cast

import pytest
from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import answers
from ernbot.imaging.deid import Report
from ernbot.imaging.model import Fact, Preview
from ernbot.imaging.process import Died, Worker
from tests.imaging.imaging_samples import photograph, pictured


class Known:
    """As much of a worker as the checks ask for."""

    keywords = frozenset({"PatientName", "StudyDate"})
    syntaxes = frozenset({"JPEG Baseline (Process 1)", "Basic Text SR Storage"})


WORKER = cast(Worker, Known())
PNG = photograph(Image.new("RGB", (32, 32), "red"), "PNG")
SEEN = {"data": len(PNG), "mimetype": "image/png", "width": 32, "height": 32}
FACTS: dict[str, Any] = {
    "format": "PNG",
    "kind": "photograph",
    "modality": "CT",
    "body_part": "HEAD",
    "width": 32,
    "height": 32,
    "frames": 1,
    "lossy": False,
    "identifiable": True,
    "details": [
        {"name": "images", "value": 24},
        {"name": "spacing-mm", "value": 0.5},
        {"name": "truncated", "value": None},
    ],
}
SAID: dict[str, Any] = {
    "facts": FACTS,
    "picture": SEEN,
    "thumbnail": SEEN,
    "animation": None,
    "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
    "writing": 0,
    "places": [],
    "uids": ["1.2.3"],
    "refers": ["2.25.4"],
}
CARD = {**SAID, "picture": None, "thumbnail": None, "blurhash": None, "facts": {**FACTS, "width": 0, "height": 0}}


def believed(said: dict[str, Any], pictures: bytes = PNG * 2) -> list[Preview]:
    return answers.previews(copy.deepcopy(said), memoryview(pictures), WORKER)


def with_facts(**facts: object) -> dict[str, Any]:
    return {"previews": [{**SAID, "facts": {**FACTS, **facts}}]}


def with_detail(name: str, value: object) -> dict[str, Any]:
    return with_facts(details=[{"name": name, "value": value}])


def with_values(**values: object) -> dict[str, Any]:
    return {"previews": [{**SAID, **values}]}


def with_picture(**values: object) -> dict[str, Any]:
    return with_values(picture={**SEEN, **values})


DISHONEST: list[dict[str, Any]] = [
    {},
    {"previews": None},
    {"previews": []},
    {"previews": [{"width": 32}]},
    {"previews": ["Jane Doe"]},
    {"previews": [SAID], "extra": "Jane Doe"},
    with_values(extra="Jane Doe"),
    with_picture(width=31),
    with_picture(width="32"),
    with_picture(data=len(PNG) - 1),
    with_picture(data=-1),
    with_picture(data="Jane Doe"),
    with_picture(mimetype="image/jpeg"),
    with_picture(mimetype="text/html"),
    with_picture(mimetype=["image/png"]),
    with_picture(extra="Jane Doe"),
    with_values(animation=SEEN, thumbnail=None),
    with_values(blurhash="Jane Doe"),
    with_values(blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnjx"),
    with_values(blurhash=""),
    with_values(blurhash=7),
    with_values(writing=-1),
    with_values(writing="Jane Doe"),
    with_values(writing=True),
    with_values(places=["Jane Doe"]),
    with_values(places=["top", "top"]),
    with_values(places="top"),
    with_values(places=None),
    with_values(uids=["Jane Doe"]),
    with_values(uids=["1" * 65]),
    with_values(uids=["1..2"]),
    with_values(uids=["1.2\n"]),
    with_values(uids=[12]),
    with_values(uids="1"),
    with_values(refers=None),
    with_facts(kind="Jane Doe"),
    with_facts(kind=["photograph"]),
    with_facts(modality="Jane Doe"),
    with_facts(modality=["CT"]),
    with_facts(body_part="Jane Doe"),
    with_facts(format="Jane Doe"),
    with_facts(frames="Jane Doe"),
    with_facts(frames=0),
    with_facts(width=-1),
    with_facts(width=2**32),
    with_facts(height=1.5),
    with_facts(lossy="Jane Doe"),
    with_facts(lossy=1),
    with_facts(identifiable=None),
    with_facts(extra="Jane Doe"),
    with_facts(details=None),
    with_detail("Jane Doe", 1),
    with_detail("images", "Jane Doe"),
    with_detail("images", 1.5),
    with_detail("images", -1),
    with_detail("images", True),
    with_detail("images", None),
    with_detail("spacing-mm", "0.5"),
    with_detail("spacing-mm", float("nan")),
    with_detail("spacing-mm", float("inf")),
    with_detail("spacing-mm", True),
    with_detail("truncated", "Jane Doe"),
    with_facts(details=[{"name": "truncated", "value": None, "extra": "Jane Doe"}]),
    {"previews": [{**CARD, "thumbnail": SEEN}]},
    {"previews": [{**CARD, "blurhash": SAID["blurhash"]}]},
    {"refused": "file-jane-doe", "fields": {}},
    {"refused": "file-broken", "fields": {"kinds": "PatientName"}},
    {"refused": "file-broken", "fields": "Jane"},
    {"refused": "file-broken"},
    {"refused": ["file-broken"], "fields": {}},
    {"refused": "file-names-patient", "fields": {}},
    {"refused": "file-names-patient", "fields": {"kinds": "PatientName, Jane Doe"}},
    {"refused": "file-names-patient", "fields": {"kinds": ["PatientName"]}},
    {"refused": "file-unsupported", "fields": {"syntax": "Jane Doe"}},
    {"refused": "file-unsupported", "fields": {"syntax": ["Jane Doe"]}},
]


@pytest.mark.parametrize("said", DISHONEST)
def test_an_answer_that_cannot_be_honest_is_not_believed(said: dict[str, Any]) -> None:
    with pytest.raises(Died):
        believed(said)


def test_too_many_previews_or_pictures_are_not_believed() -> None:
    with pytest.raises(Died):
        believed({"previews": [SAID] * 9}, PNG * 18)
    with pytest.raises(Died):
        believed({"previews": [SAID]}, PNG * 2 + b"Jane Doe")


def test_an_honest_answer_is_believed() -> None:
    first, second = believed({"previews": [SAID, CARD]})
    assert pictured(first).data == PNG
    assert first.facts.details == (Fact("images", 24), Fact("spacing-mm", 0.5), Fact("truncated"))
    assert (first.uids, first.refers) == (("1.2.3",), ("2.25.4",))
    assert (second.picture, second.facts.width) == (None, 0)


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("file-broken", {}),
        ("file-too-complex", {}),
        ("file-names-patient", {"kinds": "PatientName, GPSInfo"}),
        ("file-unsupported", {"syntax": "JPEG Baseline (Process 1)"}),
        ("file-unsupported", {"syntax": "DICOM"}),
    ],
)
def test_an_honest_refusal_is_believed(code: str, fields: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        believed({"refused": code, "fields": fields}, b"")
    assert (caught.value.code, caught.value.fields) == (code, fields)


@pytest.mark.parametrize(("kind", "size"), [("WEBP", (64, 48)), ("GIF", (64, 48))])
def test_a_film_is_measured_by_its_header(kind: str, size: tuple[int, int]) -> None:
    first, second = Image.new("RGB", size, "red"), Image.new("RGB", size, "blue")
    film = photograph(first, kind, save_all=True, append_images=[second])
    seen = {"data": len(film), "mimetype": f"image/{kind.lower()}", "width": 64, "height": 48}
    (preview,) = believed({"previews": [{**SAID, "animation": seen}]}, PNG * 2 + film)
    assert preview.animation is not None
    assert preview.animation.data == film
    for lie in ({"width": 63}, {"mimetype": "image/png"}, {"mimetype": "video/mp4"}):
        with pytest.raises(Died):
            believed({"previews": [{**SAID, "animation": {**seen, **lie}}]}, PNG * 2 + film)
    heavy = film + bytes(answers.MAX_ANIMATION)
    with pytest.raises(Died):
        believed({"previews": [{**SAID, "animation": {**seen, "data": len(heavy)}}]}, PNG * 2 + heavy)


REPORT: dict[str, Any] = {"kinds": ["GPSInfo", "PatientName", "StudyDate"], "writing": 2, "masked": True}


def reported(said: dict[str, Any], pictures: bytes = b"") -> Report:
    return answers.report(copy.deepcopy(said), memoryview(pictures), WORKER)


def test_an_honest_report_is_believed() -> None:
    assert reported({"report": REPORT}) == Report(("GPSInfo", "PatientName", "StudyDate"), 2, True)
    assert reported({"report": {**REPORT, "kinds": []}}).kinds == ()
    with pytest.raises(Refused, match="file-broken"):
        reported({"refused": "file-broken", "fields": {}})


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"report": None},
        {"report": {**REPORT, "kinds": ["Jane Doe"]}},
        {"report": {**REPORT, "kinds": ["StudyDate", "PatientName"]}},
        {"report": {**REPORT, "kinds": ["PatientName", "PatientName"]}},
        {"report": {**REPORT, "kinds": "PatientName"}},
        {"report": {**REPORT, "writing": "Jane Doe"}},
        {"report": {**REPORT, "writing": -1}},
        {"report": {**REPORT, "masked": 1}},
        {"report": {**REPORT, "extra": "Jane Doe"}},
        {"report": REPORT, "extra": "Jane Doe"},
        {"previews": [SAID]},
    ],
)
def test_a_report_that_cannot_be_honest_is_not_believed(said: dict[str, Any]) -> None:
    with pytest.raises(Died):
        reported(said)


def test_a_report_has_no_pictures() -> None:
    with pytest.raises(Died):
        reported({"report": REPORT}, b"Jane Doe")
