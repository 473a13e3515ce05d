"""`ernbot deidentify`: what comes out, what is left out, and what nobody may read in names and reports."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import rich.progress
from pydicom import dcmread

import ernbot
from ernbot.__main__ import run_command
from ernbot.core.errors import Refused
from ernbot.imaging import dataset as doorman
from ernbot.imaging.deid import Policy, Report
from ernbot.imaging.deid import archive as archive_cleaner
from ernbot.imaging.process import Sink
from ernbot.imaging.source import Source
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import edited, sample, shipped
from tests.imaging.test_imaging_archives import flagged, slices, zipped

NAME = "Doe_Jane_19700102"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it comes from a console: scans, a zip of scans, and litter, all named after the patient."""
    home = tmp_path / NAME
    (home / "series").mkdir(parents=True)
    (home / f"{NAME}.dcm").write_bytes(sample("planted/planted_ct.dcm"))
    (home / "series" / "1").write_bytes(sample("planted/planted_ct_tail.dcm"))
    (home / "series" / "letter.doc").write_bytes(b"Dear Dr Doe")
    (home / "DICOMDIR").write_bytes(sample("hostile/DICOMDIR_traversal"))
    with zipfile.ZipFile(home / "series.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = NAME.encode()
        for number in (1, 2):
            scan = edited(shipped("CT_small.dcm"), PatientName="Doe^Jane", InstanceNumber=number)
            archive.writestr(f"{NAME}/../{number}.dcm", scan)
        archive.writestr(f"{NAME}/notes.txt", "Jane")
    return home


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def run(*arguments: object) -> int:
    return run_command(["deidentify", *map(str, arguments)])


def test_a_folder_becomes_numbered_files_without_a_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert run(folder, "--report", report) == 0
    out = contents(tmp_path / f"{NAME}-deidentified")
    assert list(out) == ["00002.dcm", "00003.zip", "00004.dcm"]
    for data in (out["00002.dcm"], out["00004.dcm"]):
        assert doorman.identifying(doorman.read(data)) == []
        assert b"ZZ" not in data[:2000]
    with zipfile.ZipFile(BytesIO(out["00003.zip"])) as archive:
        assert archive.namelist() == ["00001.dcm", "00002.dcm"]
        assert archive.comment == b""
        scans = [dcmread(BytesIO(archive.read(name))) for name in archive.namelist()]
    assert scans[0].StudyInstanceUID == scans[1].StudyInstanceUID
    assert [scan.InstanceNumber for scan in scans] == [1, 2]
    said = capsys.readouterr()
    assert "4 cleaned, 0 refused, 3 of other kinds left out." in said.out
    assert "--secret-file" in said.out
    assert "DICOMDIR is only the index" in said.err
    assert "letter.doc is of no kind" in said.err


def test_the_report_holds_kinds_and_no_name(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run(folder, "--report", report, "--secret-file", tmp_path / "secret", "--keep-dates")
    text = report.read_text()
    for told in ("Doe", "Jane", "JANE", "ZZ", "1970", str(tmp_path), (tmp_path / "secret").read_text().strip()):
        assert told not in text
    files = json.loads(text)["files"]
    assert [entry["refused"] for entry in files] == ["deid-directory", None, None, None, "file-unknown"]
    assert [entry["number"] for entry in files] == [1, 2, 3, 4, 5]
    assert {"PatientName", "IconImageSequence"} <= set(files[1]["kinds"])
    assert [member["output"] for member in files[2]["members"]] == ["00001.dcm", "00002.dcm", None]
    assert json.loads(text)["policy"]["keep_dates"] is True


def test_a_kept_secret_joins_a_follow_up_to_the_first_scan(folder: Path, tmp_path: Path) -> None:
    scan, secret = folder / f"{NAME}.dcm", tmp_path / "secret"
    for out in ("a", "b"):
        assert run(scan, "--out", tmp_path / out, "--secret-file", secret) == 0
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
    assert run(scan, "--out", tmp_path / "c") == 0
    first, second, other = (dcmread(tmp_path / out / "00001.dcm") for out in "abc")
    assert (first.SOPInstanceUID, first.PatientID) == (second.SOPInstanceUID, second.PatientID)
    assert first.PatientID != other.PatientID
    assert first.SOPInstanceUID != other.SOPInstanceUID


def test_options_reach_the_cleaner(folder: Path, tmp_path: Path) -> None:
    data = edited(shipped("CT_small.dcm"), PatientAge="007Y", StationName="ROOM-2", StudyDescription="skull")
    (folder / "scan").write_bytes(data)
    flags = "--keep-dates", "--keep-descriptions", "--keep-device", "--drop-characteristics"
    assert run(folder / "scan", "--out", tmp_path / "out", *flags) == 0
    scan = dcmread(tmp_path / "out" / "00001.dcm")
    assert (scan.StudyDate, scan.StationName, scan.StudyDescription) == ("20040119", "ROOM-2", "skull")
    assert "PatientAge" not in scan


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda home: (home / "out").mkdir() or (home / "out" / "x").touch(), "choose a new or empty folder"),
        (lambda home: (home / "report").touch(), "choose another name with --report"),
        (lambda home: (home / "secret").write_text("open sesame"), "is not the secret of a case"),
        (lambda home: (home / "scan").unlink(), "is not there"),
    ],
)
def test_nothing_is_overwritten_and_nothing_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prepare: Any, told: str
) -> None:
    (tmp_path / "scan").write_bytes(sample("planted/planted_ct.dcm"))
    prepare(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    options = "--out", tmp_path / "out", "--report", tmp_path / "report", "--secret-file", tmp_path / "secret"
    assert run(tmp_path / "scan", *options) == 1
    assert told in capsys.readouterr().err
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    after.pop(tmp_path / "secret", None)
    before.pop(tmp_path / "secret", None)
    assert after == before


@pytest.mark.parametrize("name", ["zip_size_lie.zip", "zip_nested.zip", "deep_sequence.dcm", "DICOMDIR_traversal"])
def test_a_hostile_file_leaves_nothing_behind(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").write_bytes(sample(f"hostile/{name}"))
    assert run(tmp_path / "in", "--out", tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {}
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packed", "told"),
    [
        (zipfile.ZIP_DEFLATED, "is damaged"),
        (zipfile.ZIP_BZIP2, "is packed in an unknown way"),
        (zipfile.ZIP_LZMA, "is packed in an unknown way"),
    ],
)
def test_a_damaged_zip_is_refused(packed: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", packed) as archive:
        archive.writestr("a", sample("planted/planted_ct.dcm"))
    data = bytearray(whole.getvalue())
    data[60:90] = b"\xff" * 30
    (tmp_path / "damaged.zip").write_bytes(data)
    assert run(tmp_path / "damaged.zip", "--out", tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {}
    assert told in capsys.readouterr().err


def test_a_zip_is_cleaned_as_in_a_room(folder: Path, tmp_path: Path) -> None:
    """By the same cleaner, which a sandbox there and its members one by one here go through."""
    secret, out = tmp_path / "secret", tmp_path / "out"
    assert run(folder / "series.zip", "--out", out, "--secret-file", secret) == 0
    data, copy = (folder / "series.zip").read_bytes(), BytesIO()
    report = archive_cleaner.deidentify(BytesIO(data), copy, Policy(bytes.fromhex(secret.read_text())))
    assert report.left_out == {"left-out": 1}
    ours, theirs = (zipfile.ZipFile(file) for file in (out / "00001.zip", copy))
    with ours, theirs:
        assert ours.namelist() == theirs.namelist() == ["00001.dcm", "00002.dcm"]
        assert all(ours.read(name) == theirs.read(name) for name in ours.namelist())


def test_a_zip_tells_of_each_member_what_became_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inside, photo = BytesIO(), sample("planted/planted_photo.jpg")
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("scan", sample("planted/planted_ct.dcm"))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.txt", b"Jane")
        archive.writestr("a.zip", inside.getvalue())
        archive.writestr("a.jpg", photo[:90])
    assert run(tmp_path / "in.zip", "--out", tmp_path / "out", "--report", tmp_path / "report") == 1
    assert contents(tmp_path / "out") == {}
    (told,) = json.loads((tmp_path / "report").read_text())["files"]
    assert told["refused"] == "archive-inside"
    assert [(each["number"], each["format"], each["refused"]) for each in told["members"]] == [
        (1, None, "file-unknown"),
        (2, "ZIP", "archive-inside"),
        (3, "JPEG", "file-broken"),
    ]
    assert "0 cleaned, 2 refused, 1 of other kinds left out." in capsys.readouterr().out


def test_on_a_terminal_a_bar_shows_how_far_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shares: list[float] = []
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(
        rich.progress.Progress, "update", lambda _bar, _task, *, completed: shares.append(round(completed, 2))
    )
    assert run(folder / "series.zip", folder / "DICOMDIR", "--out", tmp_path / "out") == 0
    assert "De-identifying" in capsys.readouterr().err
    assert shares == [0.25, 0.5, 1, 2], "a zip goes on member by member"


def test_what_is_wrong_with_a_whole_zip_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked.zip").write_bytes(flagged(zipped(slices(1)), 0x1))
    (tmp_path / "hidden.zip").write_bytes(zipped(slices(1)) + zipped(slices(1)))
    (tmp_path / "empty.zip").write_bytes(zipped([]))
    assert run(*sorted(tmp_path.glob("*.zip")), "--out", tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {}
    said = capsys.readouterr().err
    for told in ("locked with a password", "could hide or overwrite", "empty.zip is of no kind"):
        assert told in said


def test_this_process_decodes_nothing(tmp_path: Path) -> None:
    (tmp_path / "scan.dcm").write_bytes(sample("planted/planted_ct.dcm"))
    code = (
        "import sys\nfrom ernbot.__main__ import run_command\n"
        f"assert run_command(['deidentify', {str(tmp_path / 'scan.dcm')!r}]) == 0\n"
        "assert not {'pydicom', 'imagecodecs', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(ernbot.__file__).parents[1])


def test_a_zip_of_too_much_or_too_many_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(40 * 10**6))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(2001):
            archive.writestr(str(number), b"")
    assert run(tmp_path / "bomb.zip", tmp_path / "many.zip", "--out", tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {}
    assert capsys.readouterr().err.count("too much time or memory") == 2


def test_a_cleaner_that_fails_leaves_no_half_file_and_says_no_value(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def failing(_pool: Previewer, _file: Source, *, policy: Policy, sink: Sink, progress: object) -> Report:
        await sink(b"half of Jane Doe")
        raise Refused("file-broken")

    monkeypatch.setattr(Previewer, "clean", failing)
    assert run(folder / f"{NAME}.dcm", "--out", tmp_path / "out") == 1
    assert contents(tmp_path / "out") == {}
    said = capsys.readouterr()
    assert "Jane Doe" not in said.err + said.out
    assert "damaged" in said.err


def test_links_within_a_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.dcm").write_bytes(sample("planted/planted_ct.dcm"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(tmp_path / "outside.dcm")
    (home / "loop").symlink_to(home)
    assert run(home, "--out", tmp_path / "out") == 1


def test_writing_in_the_picture_is_for_a_person_to_look_at(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def written(*_: object, **__: object) -> Report:
        return Report(("PatientName",), writing=2)

    monkeypatch.setattr(Previewer, "clean", written)
    assert run(folder / f"{NAME}.dcm", "--out", tmp_path / "out") == 0
    assert "1 may show written text in the picture" in capsys.readouterr().out
