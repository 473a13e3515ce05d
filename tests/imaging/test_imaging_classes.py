"""Classes of DICOM objects that are drawn from numbers and codes, or get a card: nothing of their words is shown."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom._uid_dict import UID_dictionary

from ernbot.core.errors import Refused
from ernbot.imaging import concepts, storage_classes, video
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.class_samples import (
    SECRET,
    STORAGE,
    code,
    colours,
    details,
    document,
    dose,
    film,
    graphic,
    is_as_looked_at,
    item,
    key_objects,
    pdf,
    presentation,
    report,
    segmentation,
    shown,
    slice_at,
    stl,
    stream,
    structures,
    uid_at,
    waveform,
)
from tests.imaging.imaging_samples import deidentified, dicom, edited, nameless, photograph, pictured, shipped

# Structured reports


def test_a_report_is_a_page_of_standard_names_and_numbers() -> None:
    preview = shown(report())
    assert (preview.facts.kind, details(preview)) == ("report", {"items": 9, "hidden-texts": 4})
    assert pictured(preview).mimetype == "image/png"
    assert is_as_looked_at(preview, "report")


def test_no_word_of_a_reports_author_changes_the_page() -> None:
    other = report().replace(SECRET.encode(), b"ROE JOHN")
    assert b"ROE JOHN" in other
    assert np.array_equal(colours(pictured(shown(other))), colours(pictured(shown(report()))))
    markup = shown(deidentified(nameless("hostile/sr_markup.dcm")))
    assert details(markup) == {"items": 3, "hidden-texts": 2}
    assert is_as_looked_at(markup, "report-markup")


@pytest.mark.parametrize(("name", "items"), [("reportsi.dcm", 9), ("test-SR.dcm", 29)])
def test_a_report_without_a_word_of_the_standard_is_a_card(name: str, items: int) -> None:
    preview = shown(deidentified(shipped(name)))
    assert (preview.facts.kind, preview.picture) == ("report", None)
    assert details(preview)["items"] == items


def test_a_long_report_ends_with_its_first_page() -> None:
    lines = [item(ValueType="CONTAINER", ConceptNameCodeSequence=code("121071", "DCM"))] * 200
    preview = shown(edited(report(), ContentSequence=lines))
    assert details(preview)["items"] == 201
    assert pictured(preview).height <= 800


def test_a_report_without_end_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ernbot.imaging.report._MOST_ITEMS", 5)
    with pytest.raises(Refused, match="file-too-complex"):
        shown(report())


def test_a_concept_is_called_what_the_dictionary_calls_it() -> None:
    assert concepts.name(code("T-62000", "SRT")[0]) == concepts.name(code("10200004", "SCT")[0]) == "Liver"
    assert concepts.name(code("10200004", "99LOCAL")[0]) is None
    assert concepts.name(code("nonsense", "SCT")[0]) is None
    assert concepts.name(None) is None


@pytest.mark.parametrize(
    ("symbol", "written"),
    [("mm", "mm"), ("cm2", "cm2"), ("mGy.cm", "mGy.cm"), ("1", ""), ("{ratio}", ""), ("{doe}", None), ("Jane", None)],
)
def test_a_unit_is_a_symbol_of_ucum(symbol: str, written: str | None) -> None:
    assert concepts.unit(code(symbol, "UCUM")[0]) == written
    assert concepts.unit(code(symbol, "99LOCAL")[0]) is None


# Waveforms

LEADS = [f"5.6.3-9-{number}" for number in (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)]


def test_a_real_electrocardiogram_is_printed_as_on_paper() -> None:
    preview = shown(deidentified(shipped("waveform_ecg.dcm")))
    assert (preview.facts.kind, details(preview)) == ("waveform", {"leads": 12, "duration-s": 10.0})
    assert is_as_looked_at(preview, "electrocardiogram")


def test_a_millivolt_is_ten_millimetres_and_a_second_twenty_five() -> None:
    samples = np.zeros((5000, 12))
    samples[2500:, 1] = 1000  # lead II: one millivolt in the second half of ten seconds
    data = waveform(samples, 500, "1.1", [code(lead, "SCPECG") for lead in LEADS])
    picture = colours(pictured(shown(data)))
    ink = picture.max(axis=2) < 130
    before, after = (np.flatnonzero(ink[-90:-10, x]).mean() for x in (300, 500))
    assert before - after == pytest.approx(30, abs=1.5), "three pixels for a millimetre"
    edge = np.flatnonzero(ink[-90:-10].sum(axis=0) > 25)
    assert abs(edge - (25 + 5 * 75)).min() <= 2, "five seconds after the start"


@pytest.mark.parametrize("leads", [1, 3, 16, 40])
def test_any_number_of_leads_fits_on_the_paper(leads: int) -> None:
    random = np.random.default_rng(1)
    data = waveform(random.normal(0, 4000, (600, leads)), 200, "1.3", [code("2:1", "MDC")] * leads)
    preview = shown(data)
    assert details(preview) == {"leads": leads, "duration-s": 3.0}
    assert pictured(preview).height <= 800


def test_other_curves_are_drawn_one_below_the_other() -> None:
    seconds = np.arange(2000) / 200
    samples = np.stack([100 * np.sin(2 * np.pi * seconds), 500 * np.cos(seconds)], axis=1)
    data = waveform(samples, 200, "2.1", [code("X", "99LOCAL")] * 2)
    preview = shown(data)
    assert details(preview) == {"leads": 2, "duration-s": 10.0}
    assert is_as_looked_at(preview, "curves")


@pytest.mark.parametrize("end", ["4.1", "4.2", "5.1"])
def test_what_is_heard_is_a_card(end: str) -> None:
    preview = shown(waveform(np.zeros((8000, 1)), 8000, end, [code("1", "99LOCAL")]))
    assert (preview.facts.kind, preview.picture) == ("waveform", None)
    assert details(preview)["duration-s"] == 1.0
    assert details(preview)["class"] in storage_classes.NAMES


@pytest.mark.parametrize(
    "elements",
    [{"NumberOfWaveformSamples": 10**9}, {"NumberOfWaveformChannels": 0}, {"NumberOfWaveformChannels": 60000}],
)
def test_samples_that_are_not_there_are_broken(elements: dict[str, int]) -> None:
    with pytest.raises(Refused, match="file-broken"):
        shown(waveform(np.zeros((100, 1)), 100, "1.1", [code("2:1", "MDC")], **elements))


@pytest.mark.parametrize("elements", [{"SamplingFrequency": 0}, {"WaveformSampleInterpretation": "MB"}])
def test_samples_that_cannot_be_drawn_are_a_card(elements: dict[str, object]) -> None:
    assert shown(waveform(np.zeros((100, 1)), 100, "1.1", [code("2:1", "MDC")], **elements)).picture is None


def test_fast_curves_are_thinned() -> None:
    data = waveform(np.tile(np.arange(400_000)[:, None] % 1000, (1, 1)), 100_000, "3.1", [code("2:1", "MDC")])
    assert details(shown(data))["duration-s"] == 4.0


# Documents and models


def test_the_pages_of_a_document_ask_for_a_person_to_look() -> None:
    page = Image.new("RGB", (200, 300), "white")
    page.paste((200, 30, 30), (20, 20, 100, 60))
    preview = shown(document(photograph(page, "PDF"), "1"))
    assert (preview.facts.kind, details(preview), preview.writing) == ("encapsulated-document", {"pages": 1}, 1)
    assert (preview.facts.format, preview.facts.modality) == ("DICOM", "DOC")
    picture = colours(pictured(preview))
    assert tuple(picture[100, 150] // 25) == (8, 1, 1)
    many = shown(document(pdf(7), "1"))
    assert (details(many), many.writing) == ({"pages": 7}, 1)


@pytest.mark.parametrize("data", [b"%PDF-1.7 and no more", b""])
def test_a_document_that_is_none_is_broken(data: bytes) -> None:
    with pytest.raises(Refused, match="file-broken"):
        shown(document(data, "1"))


def test_a_model_is_shown_as_outside_of_dicom() -> None:
    preview = shown(document(stl(), "3"))
    assert (preview.facts.kind, preview.facts.format) == ("encapsulated-model", "DICOM")
    assert details(preview)["triangles"] == 4
    assert preview.facts.identifiable, "a model of a scan shows the face"
    assert is_as_looked_at(preview, "encapsulated-model")


def test_a_model_within_dicom_that_is_called_like_somebody_is_refused() -> None:
    with pytest.raises(Refused, match="file-names-patient"):
        shown(document(stl(SECRET), "3"))


@pytest.mark.parametrize("data", [stl()[:-100], b"solid doe", b"doe"])
def test_a_model_that_is_none_is_broken(data: bytes) -> None:
    with pytest.raises(Refused, match="file-broken"):
        shown(document(data, "3"))


@pytest.mark.parametrize(
    ("data", "end", "kind", "name"),
    [
        (b"<ClinicalDocument/>", "2", "encapsulated-document", "Encapsulated CDA Storage"),
        (b"v 0 0 0", "4", "encapsulated-model", "Encapsulated OBJ Storage"),
        (b"newmtl doe", "5", "encapsulated-model", "Encapsulated MTL Storage"),
    ],
)
def test_other_documents_are_a_card(data: bytes, end: str, kind: str, name: str) -> None:
    preview = shown(document(data, end))
    assert (preview.facts.kind, preview.picture) == (kind, None)
    assert details(preview) == {"class": name, "no-preview": None}
    assert preview.facts.identifiable is (kind == "encapsulated-model")


# Films


@pytest.mark.parametrize("ending", ["mpg", "ts", "mp4", "m2v"])
def test_a_film_shows_a_frame_its_length_and_its_rate(tmp_path: Path, ending: str) -> None:
    preview = shown(film(stream(tmp_path, ending), NumberOfFrames=50, FrameTime=40))
    assert (preview.facts.kind, preview.facts.frames, preview.facts.lossy) == ("video", 50, True)
    assert details(preview) == {"duration-s": 2.0, "rate-fps": 25.0}
    picture = colours(pictured(preview))
    if ending != "m2v":  # bare pictures have no index, so that there is no way to the middle
        assert picture[120, 160, 0] - picture[120, 160, 2] > 100, "the red disc is in the middle"
        assert abs(picture[120, 20] - 90).max() < 12


def test_a_film_is_as_it_was_when_somebody_looked_at_it(tmp_path: Path) -> None:
    assert is_as_looked_at(shown(film(stream(tmp_path))), "film")


@pytest.mark.parametrize(
    "data",
    [b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"\0\0\x01\xba" + bytes(500)],
)
def test_a_film_that_is_none_is_a_card(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    if not data.startswith(b"\0"):
        monkeypatch.setattr(video, "_opened", None)  # a playlist must not even reach the film library
    preview = shown(film(data, NumberOfFrames=100, CineRate=25))
    assert preview.picture is None
    assert details(preview) == {"duration-s": 4.0, "rate-fps": 25.0, "no-preview": None}


def test_a_film_of_a_person_is_marked(tmp_path: Path) -> None:
    data = film(stream(tmp_path), SOPClassUID=STORAGE + "77.1.4.1", Modality="XC")
    assert shown(data).facts.identifiable


# Cards


@pytest.mark.parametrize(
    ("uid", "kind", "expected"),
    [
        (STORAGE + "66", "raw-data", {"class": "Raw Data Storage"}),
        (STORAGE + "66.5", "unknown", {"class": "Surface Segmentation Storage"}),
        ("1.2.3.4.19700102", "unknown", {}),
    ],
)
def test_what_nobody_can_draw_is_a_card(uid: str, kind: str, expected: dict[str, object]) -> None:
    preview = shown(dicom(SOPClassUID=uid))
    assert (preview.facts.kind, preview.picture) == (kind, None)
    assert details(preview) == {**expected, "no-pixels": None}


def test_an_image_that_lost_its_pixels_is_broken() -> None:
    with pytest.raises(Refused, match="file-broken"):
        shown(dicom())


def test_the_table_of_classes_is_that_of_the_dictionary() -> None:
    endings = (" Storage", " - Trial", " - For Presentation", " - For Processing", " Image Storage SOP Class")
    stored = {name for name, kind, *_ in UID_dictionary.values() if kind == "SOP Class" and "Storage" in name}
    assert {name for name in stored if name.endswith(endings)} <= storage_classes.NAMES <= stored


# Through the sandbox


async def test_every_class_passes_the_sandbox_and_its_checks(tmp_path: Path) -> None:
    slices = [BytesSource(slice_at(height)) for height in (0, 2, 4)]
    objects = {
        "segmentation": segmentation(),
        "structure-set": structures(),
        "dose": dose(),
        "presentation-state": presentation(uid_at(2), [graphic("POINT", [60, 60])]),
        "key-objects": key_objects(uid_at(2)),
        "report": report(),
        "waveform": deidentified(shipped("waveform_ecg.dcm")),
        "encapsulated-document": document(pdf(), "1"),
        "encapsulated-model": document(stl(), "3"),
        "video": film(stream(tmp_path)),
    }
    cards = {
        "plan": deidentified(shipped("rtplan.dcm")),
        "raw-data": dicom(SOPClassUID=STORAGE + "66"),
    }
    async with Previewer() as previewer:
        for kind, data in {**objects, **cards}.items():
            (preview,) = await previewer.previews([BytesSource(data)], references=slices)
            assert preview.facts.kind == kind
            assert (preview.picture is None) is (kind in cards), kind
            assert preview.uids


def test_a_film_opens_without_threads_or_files(tmp_path: Path) -> None:
    """As an ordinary user in the sandbox, where the kernel refuses every thread."""
    path = tmp_path / "film.dcm"
    path.write_bytes(film(stream(tmp_path)))
    program = (
        "import resource, sys; from io import BytesIO; from ernbot.imaging import dataset; "
        "from ernbot.imaging.confinement import enter, seal; from ernbot.imaging.model import Options; "
        "data = open(sys.argv[1], 'rb').read(); enter(); seal(1200 * 2**20); "
        "(preview,) = dataset.previews([BytesIO(data)], Options()); print(preview.picture is not None)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert ended.stdout == "True\n", ended.stderr
