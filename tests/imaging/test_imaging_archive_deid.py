"""Copies of archives without their patient: what is in them, what is left out, and how much they may take."""

import zipfile
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pydicom import dcmread

from ernbot.core.errors import Refused
from ernbot.imaging import archive, members, unzip
from ernbot.imaging.deid import Policy, Report
from ernbot.imaging.deid import archive as cleaner
from ernbot.imaging.model import Options
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import photograph, sample
from tests.imaging.test_imaging_archives import flagged, named_photo, pdf, photo, slices, zipped

POLICY = Policy(bytes(range(32)))


def cleaned(data: bytes) -> tuple[dict[str, bytes], Report]:
    """The members of the copy by name, and the report."""
    out = BytesIO()
    report = cleaner.deidentify(BytesIO(data), out, POLICY)
    with zipfile.ZipFile(out) as copy:
        assert copy.comment == b""
        assert all(not (info.comment or info.extra) and info.date_time[0] == 1980 for info in copy.infolist())
        return {name: copy.read(name) for name in copy.namelist()}, report


def refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        cleaned(data)
    return caught.value


def test_members_are_cleaned_and_numbered() -> None:
    named = [(f"DOE_JANE/{name}", data) for name, data in slices(3, PatientName="Doe^Jane", StudyInstanceUID="1.2.3")]
    found, report = cleaned(zipped([*named, ("DOE_JANE/face.jpg", named_photo("Jane Doe")), ("scan.svs", svs())]))
    assert list(found) == ["00001.dcm", "00002.dcm", "00003.dcm", "00004.jpg", "00005.svs"]
    assert {"FileName", "PatientName", "Artist", "label"} <= set(report.kinds)
    assert report.left_out == {}
    for data in found.values():
        assert b"Doe" not in data
        assert b"Jane" not in data
    scans = [dcmread(BytesIO(found[name])) for name in list(found)[:3]]
    assert len({scan.StudyInstanceUID for scan in scans}) == 1
    assert "1.2.3" not in {scan.StudyInstanceUID for scan in scans}
    again = BytesIO(zipped(found.items()))
    assert len(members.previews([again], Options())) == 3, "nothing in the copy names anybody"


def svs() -> bytes:
    return sample("planted/planted_slide.svs")


def test_what_cannot_be_cleaned_is_left_out_and_counted() -> None:
    inside = zipped([("a", b"x")])
    index = sample("hostile/DICOMDIR_traversal")
    entries: list[Any] = [
        *(("letter.txt", b"Dear Dr Doe"), ("report.pdf", pdf()), ("inside.zip", inside), ("broken.jpg", photo()[:20])),
        *(("broken", bytes(128) + b"DICM" + b"garbage" * 99), ("DICOMDIR", index), *slices(1)),
    ]
    found, report = cleaned(zipped(entries))
    assert list(found) == ["00007.dcm"]
    assert report.left_out == {"left-out": 2, "left-out-archives": 1, "left-out-broken": 2}


def test_one_broken_member_does_not_cost_the_others() -> None:
    data = bytearray(zipped(slices(3), zipfile.ZIP_STORED))
    data[data.index(b"DICM") + 300] ^= 0xFF
    found, report = cleaned(bytes(data))
    assert list(found) == ["00002.dcm", "00003.dcm"]
    assert report.left_out == {"left-out-broken": 1}


def test_a_picture_that_is_drawn_anew_is_called_what_it_became() -> None:
    entries = [
        ("a.tif", photograph(Image.new("RGB", (9, 9)), "TIFF")),
        ("a.gif", photograph(Image.new("L", (9, 9)), "GIF")),
    ]
    found, _ = cleaned(zipped(entries))
    assert list(found) == ["00001.png", "00002.png"]


def test_names_that_point_elsewhere_do_not_get_into_the_copy() -> None:
    found, report = cleaned(
        zipped([(name, data) for name, (_, data) in zip(("../a", "/b", "c\\d"), slices(3), strict=True)])
    )
    assert list(found) == ["00001.dcm", "00002.dcm", "00003.dcm"]
    assert report.left_out == {}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped([]), "file-unknown"),
        (zipped([("a.txt", b"hello")]), "file-unknown"),
        (zipped([("a.zip", zipped([]))]), "archive-inside"),
        (zipped([("a.jpg", photo()[:20]), ("a.txt", b"hello")]), "file-broken"),
        (zipped((str(number), b"") for number in range(2001)), "file-too-complex"),
        (zipped([("a.dcm", bytes(17 * 2**20))]), "file-too-complex"),
        (flagged(zipped(slices(1)), 0x1), "archive-locked"),
        (sample("hostile/zip_size_lie.zip"), "file-broken"),
        (zipped(slices())[:1000], "file-broken"),
    ],
    ids=["empty", "unknown", "nested", "broken", "many", "bomb", "locked", "lying", "cut"],
)
def test_an_archive_of_which_nothing_is_left_says_why(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_what_comes_out_of_all_members_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped(slices(4))
    one = len(slices(1)[0][1])
    monkeypatch.setattr(unzip, "MAX_INFLATED", 3 * one)
    assert refusal(data).code == "file-too-complex"


def test_a_cleaner_that_fails_says_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> Report:
        raise ValueError("Jane Doe")

    monkeypatch.setattr("ernbot.imaging.deid.jpeg.deidentify", failing)
    found, report = cleaned(zipped([("a.jpg", photo()), *slices(1)]))
    assert list(found) == ["00002.dcm"]
    assert report.left_out == {"left-out-broken": 1}


async def test_an_archive_is_cleaned_in_the_sandbox_piece_by_piece() -> None:
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    data = zipped([*((f"DOE/{name}", data) for name, data in slices(40, PatientName="Doe^Jane")), ("a.txt", b"x")])
    async with Previewer(workers=1) as pool:
        report = await pool.clean(BytesSource(data), policy=POLICY, sink=sink)
        assert report.kinds == ("FileName", "PatientName", "SOPInstanceUID", "SeriesInstanceUID")
        assert report.left_out == {"left-out": 1}
        copy = b"".join(pieces)
        assert archive.FORMAT.sniff(copy)
        (preview,) = await pool.previews([BytesSource(copy)])
        assert preview.facts.frames == 40
        with pytest.raises(Refused) as caught:
            await pool.clean(BytesSource(sample("hostile/zip_many.zip")), policy=POLICY, sink=sink)
        assert caught.value.code == "file-too-complex"
