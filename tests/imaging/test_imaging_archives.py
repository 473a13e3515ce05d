"""Zip archives: what they may hold, what they may not do, and what is shown of them."""

import struct
import zipfile
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfWriter

from ernbot.core.errors import Refused
from ernbot.imaging import Preview, archive, members, recognise, unzip
from ernbot.imaging import photograph as photograph_decoder
from ernbot.imaging.model import Options
from ernbot.imaging.reader import SHORT_HEAD
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import nameless, opened, photograph, pictured, sample
from tests.imaging.test_imaging_series import details, phantom_series, slice_at

Entry = tuple[str | zipfile.ZipInfo, bytes]


def zipped(entries: Iterable[Entry], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in entries:
            made.writestr(name, data, method)
    return file.getvalue()


def shown(*archives: bytes) -> list[Preview]:
    return members.previews([BytesIO(data) for data in archives], Options())


def refusal(*archives: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        shown(*archives)
    return caught.value


def slices(count: int = 3, **elements: Any) -> list[Entry]:
    return [(f"IM{at:04}", slice_at(at, **elements)) for at in range(count)]


def photo(colour: str = "red", **options: Any) -> bytes:
    return photograph(Image.new("RGB", (64, 48), colour), **options)


def named_photo(name: str) -> bytes:
    exif = Image.Exif()
    exif[0x013B] = name
    return photo(exif=exif)


# Recognised by content


def test_an_archive_is_known_by_its_first_member() -> None:
    for data in (zipped(slices()), zipped([]), zipped([("a/", b""), ("a/b", b"x")])):
        found = recognise(data[: 64 * 2**10])
        assert found is archive.FORMAT


@pytest.mark.parametrize("first", ["[Content_Types].xml", "mimetype", "_rels/.rels", "META-INF/MANIFEST.MF"])
def test_documents_that_are_archives_inside_are_none(first: str) -> None:
    assert recognise(zipped([(first, b"x"), ("word/media/image1.png", b"x")])) is None


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"PK\x03\x04" + bytes(20)])
def test_the_first_bytes_alone_are_no_error(data: bytes) -> None:
    assert not archive.FORMAT.sniff(data)


# What is shown


def test_a_study_is_sorted_and_its_litter_is_left_alone() -> None:
    litter: list[Entry] = [
        ("export/.DS_Store", b"litter"),
        ("__MACOSX/export/._IM1", b"litter"),
        ("export/Thumbs.db", b"litter"),
    ]
    images = [(f"export/IM{number}", data) for number, data in enumerate(phantom_series())]
    series, scout = shown(zipped([*litter, *images]))
    assert (series.facts.format, series.facts.kind, series.facts.frames) == ("DICOM", "series", 12)
    golden = opened(sample("golden/series.png")).astype(int)
    assert np.abs(opened(pictured(series).data) - golden).max() <= 3
    assert scout.facts.frames == 1


def test_a_study_that_names_its_patient_is_refused() -> None:
    refused = refusal(sample("phantom/ct_series_shuffled.zip"))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "PatientID, PatientName"})


@pytest.mark.parametrize("name", ["HANSEN_PETER/IM0001", "0101901234.dcm", "010190-1234/1", "Doe^Jane", "王芳.dcm"])
def test_a_member_whose_name_could_be_somebodys_names_the_patient(name: str) -> None:
    refused = refusal(zipped([*slices(), (name, slice_at(9))]))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "FileName"})
    assert refusal(zipped([*slices(), (f"{name}/", b"")])).fields == {"kinds": "FileName"}, "a folder alone"


def test_a_second_name_and_comments_are_found() -> None:
    twice = zipfile.ZipInfo("IM0009")
    twice.extra = struct.pack("<HHI", 0x5455, 4, 0) + struct.pack("<HHBI", 0x7075, 9, 1, 0) + b"Jane"
    noted = zipfile.ZipInfo("IM0010")
    noted.comment = b"Jane Doe"
    assert refusal(zipped([*slices(), (twice, slice_at(9))])).fields == {"kinds": "FileName"}
    assert refusal(zipped([*slices(), (noted, slice_at(9))])).fields == {"kinds": "Comment"}
    said = BytesIO(zipped(slices()))
    with zipfile.ZipFile(said, "a") as made:
        made.comment = b"Jane Doe"
    assert refusal(said.getvalue()).fields == {"kinds": "Comment"}


def test_two_archives_of_one_series_are_one_series() -> None:
    entries = slices(6)
    (preview,) = shown(zipped(entries[:2]), zipped(entries[2:]))
    assert preview.facts.frames == 6


def test_an_index_in_the_archive_is_never_followed() -> None:
    index = ("DICOMDIR", sample("hostile/DICOMDIR_traversal"))
    (preview,) = shown(zipped([index, *slices()]))
    assert preview.facts.kind == "series"
    (preview,) = shown(zipped([index]))
    assert preview.facts.kind == "directory"


def test_one_file_in_an_archive_is_shown_as_if_it_were_alone() -> None:
    (preview,) = shown(zipped([("a", nameless("phantom/ct_phantom_rle.dcm"))]))
    assert (preview.facts.kind, pictured(preview).width) == ("picture", 256)
    (preview,) = shown(zipped([("a.jpg", photo())]))
    assert (preview.facts.format, preview.facts.frames, pictured(preview).width) == ("JPEG", 1, 64)


def test_photographs_come_on_one_sheet() -> None:
    colours = ["red", "lime", "blue", "white"]
    (preview,) = shown(zipped([(f"{number}.jpg", photo(colour)) for number, colour in enumerate(colours)]))
    facts = preview.facts
    assert (facts.kind, facts.frames, facts.identifiable, facts.lossy) == ("photograph", 4, True, True)
    assert details(preview) == {"images": 4}
    sheet = opened(pictured(preview).data).astype(int)
    assert sheet.shape == (800, 800, 3)
    for at, wanted in zip(((200, 200), (200, 600), (600, 200), (600, 600)), colours, strict=True):
        assert np.abs(sheet[at] - np.asarray(Image.new("RGB", (1, 1), wanted))[0, 0]).max() < 8


def test_nine_photographs_of_a_dozen_are_shown_and_all_are_looked_at() -> None:
    entries: list[Entry] = [(f"{number}.jpg", photo()) for number in range(12)]
    (preview,) = shown(zipped(entries))
    assert (preview.facts.frames, details(preview)["images"]) == (12, 12)
    refused = refusal(zipped([*entries, ("last.jpg", named_photo("Jane Doe"))]))
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "Artist"})


def test_names_are_found_before_any_photograph_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photograph_decoder, "upright", lambda *_: pytest.fail("drawn"))
    assert refusal(zipped([("a.jpg", photo()), ("b.jpg", named_photo("Jane Doe"))])).code == "file-names-patient"


def test_other_formats_go_to_their_own_decoders() -> None:
    entries: list[Entry] = [("a.pdf", pdf()), ("b.jpg", photo()), ("c.svs", sample("hostile/tiff_ifd_loop.svs"))]
    assert [preview.facts.kind for preview in shown(zipped(entries[:2]))] == ["photograph", "document"]
    assert unchecked(*entries) == 1


def unchecked(*entries: Entry) -> object:
    refused = refusal(zipped(entries))
    assert refused.code == "archive-unchecked"
    return refused.fields["count"]


def pdf() -> bytes:
    file = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(200, 100)
    writer.write(file)
    return file.getvalue()


def test_names_in_photographs_and_scans_are_told_together() -> None:
    entries: list[Entry] = [*slices(PatientName="Doe^Jane"), ("a.jpg", named_photo("Jane Doe")), ("b.jpg", photo())]
    assert refusal(zipped(entries)).fields == {"kinds": "Artist, PatientName"}


def test_a_study_and_photographs_share_the_previews() -> None:
    scans = [entry for number in range(9) for entry in slices(2, SeriesInstanceUID=f"1.2.{number}")]
    entries = [(f"{number}", data) for number, (_, data) in enumerate(scans)]
    previews = shown(zipped([*entries, ("a.jpg", photo())]))
    assert [preview.facts.format for preview in previews] == ["DICOM"] * 7 + ["JPEG"]
    assert details(previews[6])["not-shown"] == 2


def test_what_nobody_could_search_for_names_does_not_stay_in_the_room() -> None:
    inner = zipped([("a", slice_at(0, PatientName="Doe^Jane"))])
    assert unchecked(("inside.zip", inner), *slices()) == 1
    assert unchecked(("README.txt", b"for the radiologist"), ("inside.zip", inner), *slices()) == 2
    assert unchecked(*slices(), ("a.dcm", bytes(128) + b"DICM" + b"garbage" * 99)) == 1
    assert unchecked(*slices(), ("a.jpg", photo()[:10])) == 1


def test_an_archive_with_nothing_to_show_says_so() -> None:
    for entries in ([], [("a.txt", b"hello")], [("a/", b"")]):
        assert refusal(zipped(entries)).code == "file-unknown"


# What an archive may not do


@pytest.mark.parametrize(
    "name",
    [
        "../evil.dcm",
        "a/../../evil.dcm",
        "a/..",
        "/evil.dcm",
        "..\\evil.dcm",
        "a\\evil.dcm",
        "C:evil.dcm",
        "c:/evil.dcm",
        "a\u202emcd.exe",
        "a\nb",
        "a\0b",
    ],
)
def test_a_name_that_points_elsewhere_is_unsafe(name: str) -> None:
    placeholder = "x" * len(name.encode())
    data = zipped([*slices(), (placeholder, b"x")])
    info = zipfile.ZipFile(BytesIO(data)).getinfo(placeholder)
    if not name.isascii():  # the flag that says UTF-8
        data = data[: info.header_offset + 6] + b"\0\x08" + data[info.header_offset + 8 :]
        at = data.rindex(b"PK\x01\x02")
        data = data[: at + 8] + b"\0\x08" + data[at + 10 :]
    assert refusal(data.replace(placeholder.encode(), name.encode())).code == "archive-unsafe"


@pytest.mark.parametrize("name", ["a..b/IM0001", "..a", "IM 0001 (2).dcm", "Højre hånd/snit.dcm"])
def test_odd_names_are_none_of_our_business(name: str) -> None:
    assert len(shown(zipped([*slices(), (name, slice_at(9))]))) == 1


def test_an_archive_behind_another_one_is_unsafe() -> None:
    hidden = zipped([("a", slice_at(0, PatientName="Doe^Jane"))])
    assert refusal(hidden + zipped(slices())).code == "archive-unsafe"


@pytest.mark.parametrize("kind", [0o120777, 0o010600, 0o020600, 0o060600, 0o140600])
def test_links_and_devices_are_unsafe(kind: int) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = kind << 16
    assert refusal(zipped([*slices(), (info, b"/etc/passwd")])).code == "archive-unsafe"


def test_two_members_of_one_name_are_unsafe() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([*slices(), *slices(1)])
    assert refusal(data).code == "archive-unsafe"


def flagged(data: bytes, flags: int) -> bytes:
    """The archive with general purpose flags set on its only member, in both places."""
    local = data.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0" + struct.pack("<H", flags))
    return local.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0" + struct.pack("<H", flags))


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_a_locked_archive_asks_for_an_open_one(flags: int) -> None:
    assert refusal(flagged(zipped(slices(1)), flags)).code == "archive-locked"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_are_not_inflated(method: int) -> None:
    refused = refusal(zipped(slices(), method))
    assert (refused.code, refused.fields) == ("file-unsupported", {"syntax": "ZIP"})


def test_too_many_members() -> None:
    assert refusal(zipped((str(number), b"") for number in range(2001))).code == "file-too-complex"
    half = zipped((str(number), b"") for number in range(1001))
    assert refusal(half, half).code == "file-too-complex"


def test_a_directory_that_is_too_long_is_not_read() -> None:
    data = zipped(slices())
    at = data.rindex(b"PK\x05\x06") + 12
    assert refusal(data[:at] + struct.pack("<I", 2**30) + data[at + 4 :]).code == "file-too-complex"


def test_a_bomb_is_told_by_what_it_promises() -> None:
    bomb = zipped([("a.dcm", bytes(17 * 2**20))])
    assert len(bomb) < 20_000
    assert refusal(bomb).code == "file-too-complex"


def test_a_black_slice_is_no_bomb() -> None:
    black = np.zeros((1024, 1024))
    data = zipped([(str(at), slice_at(at, black)) for at in range(3)])
    assert len(data) < 3 * 2**21 / 200
    (preview,) = shown(data)
    assert preview.facts.frames == 3


def test_what_comes_out_of_all_members_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped([(str(at), slice_at(at, np.zeros((64, 64)))) for at in range(4)])
    assert len(shown(data)) == 1
    monkeypatch.setattr(unzip, "MAX_INFLATED", 40_000)
    assert refusal(data).code == "file-too-complex"


def test_a_member_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unzip, "MAX_MEMBER", 50_000)
    assert refusal(zipped([("a.jpg", photo() + bytes(60_000))])).code == "file-too-complex"
    assert len(shown(zipped([("a.jpg", photo() + bytes(40_000))]))) == 1


def test_a_reader_gives_no_more_than_was_asked_for() -> None:
    data = slice_at(0, np.zeros((64, 64)))
    (member,) = unzip.contents([BytesIO(zipped([("a", data)]))]).members
    reader = member.read
    assert reader(SHORT_HEAD) == data[:SHORT_HEAD]
    assert reader(0) == b""
    assert reader(-1) == data


@pytest.mark.parametrize("cut", [10, 100, 1000, -1, -30])
def test_a_part_of_an_archive_is_broken(cut: int) -> None:
    assert refusal(zipped(slices())[:cut]).code == "file-broken"


def test_a_member_that_was_changed_is_broken() -> None:
    data = bytearray(zipped(slices(), zipfile.ZIP_STORED))
    data[data.index(b"DICM") + 300] ^= 0xFF
    assert refusal(bytes(data)).code == "archive-unchecked"
    data = bytearray(zipped(slices(1), zipfile.ZIP_STORED))
    data[data.index(b"DICM") + 300] ^= 0xFF
    assert refusal(bytes(data)).code == "file-broken"


def test_bytes_that_were_changed_anywhere_end_cleanly() -> None:
    whole = zipped(slices())
    random = np.random.default_rng(4)
    for _ in range(200):
        data = bytearray(whole)
        for at in random.integers(4, len(data), 3):
            data[at] = random.integers(256)
        try:
            shown(bytes(data))
        except Refused:
            continue


HOSTILE = {
    "zip_bomb.zip": "file-too-complex",
    "zip_many.zip": "file-too-complex",
    "zip_names.zip": "archive-unsafe",
    "zip_nested.zip": "archive-inside",
    "zip_size_lie.zip": "file-broken",
}


@pytest.mark.parametrize(("name", "code"), HOSTILE.items())
def test_a_hostile_archive_is_refused(name: str, code: str) -> None:
    assert refusal(sample(f"hostile/{name}")).code == code


async def test_an_archive_through_a_sandbox() -> None:
    entries = [(f"IM{number}", data) for number, data in enumerate(phantom_series())]
    async with Previewer() as previewer:
        series, scout = await previewer.previews([BytesSource(zipped(entries))])
        assert (series.facts.kind, series.facts.frames, scout.facts.frames) == ("series", 12, 1)
        with pytest.raises(Refused) as caught:
            await previewer.previews([BytesSource(zipped([*entries, ("README.txt", b"hello")]))])
        assert (caught.value.code, caught.value.fields) == ("archive-unchecked", {"count": 1})
        (loose,) = await previewer.previews([BytesSource(slice_at(at)) for at in range(30)])
        assert loose.facts.frames == 30
