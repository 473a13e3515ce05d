"""Many DICOM files at once: put in order, searched for names, shown as one montage for each series."""

import time
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import generate_uid

from ernbot.core.errors import Refused
from ernbot.imaging import Preview, drawn_series, faces, frame, header, raw, rendering, series, study
from ernbot.imaging.model import Fact, Options
from ernbot.imaging.reader import SHORT_HEAD, Reader
from ernbot.imaging.reader import opened as held
from tests.imaging import class_samples
from tests.imaging.imaging_samples import Array, deidentified, dicom, edited, nameless, opened, pictured, sample

AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]
CT = generate_uid()
LARGE = 532
"""Side of the middle slice in a montage, pixels."""

NEARLY_ALL = 510
"""Bytes of the pixels of a small slice; two more are left, and they are no row."""


def slice_at(position: float, grey: int | Array = 1000, **elements: Any) -> bytes:
    """One axial slice of a series: a square of one grey, or pixels."""
    pixels = np.full((16, 16), grey) if isinstance(grey, int) else grey
    defaults: dict[str, Any] = {
        "SeriesInstanceUID": CT,
        "ImageOrientationPatient": AXIAL,
        "ImagePositionPatient": [-8, -8, position],
        "WindowCenter": 1000,
        "WindowWidth": 2000,
    }
    return dicom(pixels, **{**defaults, **elements})


def shown(files: Sequence[bytes]) -> list[Preview]:
    return study.previews([BytesIO(data) for data in files], Options())


def refusal(files: Sequence[bytes]) -> Refused:
    with pytest.raises(Refused) as caught:
        shown(files)
    return caught.value


def details(preview: Preview) -> dict[str, object]:
    return {fact.name: fact.value for fact in preview.facts.details}


def ordered(files: Sequence[bytes]) -> series.Stack:
    return series.stack([header.read(read_from(data)) for data in files])


def read_from(data: bytes) -> Reader:
    return lambda limit: data if limit < 0 else data[:limit]


def positions(stack: series.Stack) -> list[float]:
    return [one.position[2] for one in stack.slices if one.position]


# Order


def test_slices_lie_by_position_along_the_normal_whatever_their_numbers_say() -> None:
    heights = [3.0, -5.0, 1.0, 9.0, -1.0]
    stack = ordered([slice_at(at, InstanceNumber=number) for number, at in enumerate(heights)])
    assert positions(stack) == sorted(heights)
    assert stack.is_spatial


def test_sagittal_slices_lie_by_position_too() -> None:
    files = [slice_at(0, ImageOrientationPatient=SAGITTAL, ImagePositionPatient=[x, 4, 4]) for x in (5, -5, 0, 10)]
    assert [one.position[0] for one in ordered(files).slices if one.position] == [10, 5, 0, -5]


def test_without_positions_the_numbers_decide() -> None:
    files = [slice_at(0, ImagePositionPatient=None, InstanceNumber=number) for number in (3, 1, 2)]
    stack = ordered(files)
    assert [one.number for one in stack.slices] == [1, 2, 3]
    assert not stack.is_spatial
    assert stack.spacing is None


def test_one_slice_without_a_position_takes_the_order_from_all() -> None:
    files = [slice_at(-number, InstanceNumber=number) for number in (3, 1)]
    files.append(slice_at(0, ImagePositionPatient=["", "", ""], InstanceNumber=2))
    assert [one.number for one in ordered(files).slices] == [1, 2, 3]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (b"1\\0\\-0.5 ", (1.0, 0.0, -0.5)),
        (b"1\\x", ()),
        (b"1\\\\2", ()),
        (b"1e999\\0", ()),
        (b"nan", ()),
        (b"1A", ()),
        (b"\xff\xfe", ()),
        (b"", ()),
        (None, ()),
    ],
)
def test_what_is_no_number_is_none(written: bytes | None, numbers: tuple[float, ...]) -> None:
    elements = Dataset()
    tag = Tag("ImagePositionPatient")
    elements._dict[tag] = RawDataElement(tag, "DS", len(written or b""), written, 0, False, True)
    assert raw.numbers(elements, "ImagePositionPatient") == numbers


@pytest.mark.parametrize(
    "elements",
    [
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": ["1e300", 0, 0, 0, "1e300", 0]},
        {"ImagePositionPatient": ["1e308", "-1e308", "1e308"]},
    ],
)
def test_a_place_that_cannot_be_is_none(elements: dict[str, Any]) -> None:
    stack = ordered([slice_at(0, InstanceNumber=number, **elements) for number in (2, 1, 3)])
    assert ([one.number for one in stack.slices], stack.is_spatial) == ([1, 2, 3], False)


def test_cosines_that_are_not_of_length_one_do_not_stretch_the_spacing() -> None:
    assert ordered([slice_at(at, ImageOrientationPatient=[2, 0, 0, 0, 2, 0]) for at in range(4)]).spacing == 1.0


def test_a_lie_about_frames_and_thickness_stays_within_what_can_be_said() -> None:
    (preview,) = shown([slice_at(at, NumberOfFrames=2**31 - 1, SliceThickness="9e99") for at in range(4)])
    assert preview.facts.frames == 4_000_000
    assert "thickness-mm" not in details(preview)


def test_spacing_is_the_usual_step_and_a_gap_is_told() -> None:
    even = ordered([slice_at(at) for at in (0.0, 1.25, 2.5, 3.75, 5.0)])
    assert (even.spacing, even.uneven) == (1.25, False)
    gap = ordered([slice_at(at) for at in (0.0, 1.25, 2.5, 5.0, 6.25)])
    assert (gap.spacing, gap.uneven) == (1.25, True)


def test_images_of_the_same_place_are_phases_and_the_first_is_shown() -> None:
    files = [
        slice_at(at, TemporalPositionIdentifier=phase, InstanceNumber=100 - phase)
        for phase in (3, 1, 2)
        for at in (0.0, 2.0, 4.0004 if phase == 2 else 4.0)
    ]
    stack = ordered(files)
    assert (stack.phases, len(stack.slices), stack.spacing) == (3, 3, 2.0)
    assert [one.phase[0] for one in stack.slices] == [1, 1, 1]


def test_a_series_in_one_place_is_shown_in_time() -> None:
    stack = ordered([slice_at(0, TemporalPositionIdentifier=phase) for phase in (4, 2, 3, 1)])
    assert [one.phase[0] for one in stack.slices] == [1, 2, 3, 4]
    assert (stack.phases, stack.spacing) == (4, None)


def test_localizers_are_left_out_and_counted() -> None:
    slices = [slice_at(at) for at in range(5)]
    named = slice_at(9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    across = slice_at(0, ImageOrientationPatient=SAGITTAL)
    stack = ordered([named, *slices, across])
    assert (positions(stack), stack.localizers) == ([0, 1, 2, 3, 4], 2)


def test_cosines_that_differ_by_a_rounding_are_of_one_plane() -> None:
    stack = ordered([slice_at(at, ImageOrientationPatient=[0.995 + 1e-6 * at, 0, 0.1, 0, 1, 0]) for at in (-2, 1, 2)])
    assert (len(stack.slices), stack.localizers, stack.is_spatial) == (3, 0, True)


def test_a_series_of_localizers_alone_is_shown() -> None:
    stack = ordered([slice_at(at, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]) for at in range(3)])
    assert (len(stack.slices), stack.localizers) == (3, 0)


def test_radial_images_share_no_plane() -> None:
    turns = [[np.cos(turn), np.sin(turn), 0, 0, 0, -1] for turn in np.linspace(0, 3, 6).round(3)]
    stack = ordered([slice_at(0, ImageOrientationPatient=turn) for turn in turns])
    assert (len(stack.slices), stack.is_spatial, stack.localizers) == (6, False, 0)


def test_a_copy_is_counted_once() -> None:
    slices = [slice_at(at) for at in range(3)]
    assert len(ordered([*slices, slices[1]]).slices) == 3


def test_images_of_the_same_uid_are_no_copies_where_they_lie_apart() -> None:
    assert len(ordered([slice_at(at, SOPInstanceUID="1.2.3") for at in range(3)]).slices) == 3


# Headers


def test_only_the_slices_that_are_shown_are_read_in_full() -> None:
    reads: list[int] = []

    def counted(data: bytes) -> Reader:
        def read(limit: int) -> bytes:
            reads.append(limit)
            return data if limit < 0 else data[:limit]

        return read

    pixels = np.zeros((128, 128))
    headers = [header.read(counted(slice_at(at, pixels))) for at in range(40)]
    assert set(reads) == {SHORT_HEAD}
    reads.clear()
    (preview,) = study.of(headers, Options())
    assert reads == [-1] * 9
    assert preview.facts.frames == 40


@pytest.mark.parametrize("size", [30_000, 200_000, 1_500_000])
def test_a_long_header_is_read_to_its_end(size: int) -> None:
    element = (0x7FDF, 0x1001)
    dataset = dcmread(BytesIO(slice_at(1, np.zeros((64, 64)))))
    dataset.add_new((0x7FDF, 0x0010), "LO", "LONG")
    dataset.add_new(element, "OB", bytes(size))
    nested = Dataset()
    nested.PatientName = "Doe^Jane"
    dataset.add_new((0x7FDF, 0x1002), "SQ", [nested])
    file = BytesIO()
    dataset.save_as(file)
    assert header.read(read_from(file.getvalue())).kinds == ("PatientName",)


def test_a_header_without_an_end_is_broken() -> None:
    data = slice_at(1)
    with pytest.raises(Refused, match="file-broken"):
        header.read(read_from(data[:200]))


def test_a_deflated_series_is_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "read_partial", lambda *_, **__: pytest.fail("inflated without a bound"))
    data = nameless("phantom/ct_phantom_deflated.dcm")
    assert shown([data, edited_position(data)])[0].facts.kind == "series"


def edited_position(data: bytes) -> bytes:
    """The same slice under another number, still deflated."""
    start = 144 + int.from_bytes(data[140:144], "little")
    plain = zlib.decompress(data[start:], -15)
    number = plain.index(b"\x20\x00\x13\x00IS") + 8
    deflater = zlib.compressobj(wbits=-15)
    return data[:start] + deflater.compress(plain[:number] + b"7" + plain[number + 1 :]) + deflater.flush()


# Names


def test_a_name_in_any_of_the_files_is_refused_before_anything_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "decode", lambda _dataset: pytest.fail("drawn"))
    item = Dataset()
    item.PatientBirthDate = "20010203"
    files = [slice_at(at) for at in range(30)]
    files[3] = slice_at(3, PatientName="Doe^Jane")
    files[29] = slice_at(29, RequestAttributesSequence=[item])
    refused = refusal(files)
    assert (refused.code, refused.fields) == ("file-names-patient", {"kinds": "PatientBirthDate, PatientName"})


def test_a_name_in_the_index_is_refused_too() -> None:
    path = get_testdata_file("DICOMDIR", download=False)
    with open(str(path), "rb") as file:
        index = file.read()
    assert refusal([slice_at(0), slice_at(1), index]).code == "file-names-patient"
    assert refusal([index]).code == "file-names-patient"


# Montage


def test_the_middle_slice_is_large_and_eight_others_stand_in_order() -> None:
    files = [slice_at(at, 100 * at + 50) for at in range(19)]
    (preview,) = shown(files[::-1])
    grey = opened(pictured(preview).data)
    assert (pictured(preview).mimetype, grey.shape) == ("image/png", (LARGE, 800))
    assert abs(int(grey[266, 266]) - (950 - 1.0) / 1999 * 255) < 1.5
    small = [int(grey[65 + 134 * row, 601 + 134 * column]) for row in range(4) for column in range(2)]
    assert small == sorted(small)
    assert len(set(small)) == 8


@pytest.mark.parametrize(("count", "width"), [(2, 666), (5, 666), (6, 800), (9, 800), (10, 800), (300, 800)])
def test_a_montage_of_any_number(count: int, width: int) -> None:
    chosen = drawn_series._chosen(count)
    assert len(set(chosen)) == len(chosen) == min(count, 9)
    assert count // 2 in chosen
    assert max(chosen) < count
    if count < 20:
        (preview,) = shown([slice_at(at) for at in range(count)])
        assert (pictured(preview).width, pictured(preview).height) == (width, LARGE)
        assert details(preview)["slices"] == count


def test_all_slices_have_the_window_of_the_middle_one() -> None:
    files = [slice_at(at, 1000, WindowCenter=1000 if at == 1 else 5000, WindowWidth=2000) for at in range(3)]
    (preview,) = shown(files)
    grey = opened(pictured(preview).data)
    assert abs(int(grey[266, 266]) - int(grey[65, 601])) <= 1
    assert (details(preview)["window-center"], details(preview)["window-width"]) == (1000, 2000)


def test_a_window_that_nobody_gave_is_estimated_once_and_said() -> None:
    ramp = np.tile(np.linspace(0, 2000, 16), (16, 1))
    files = [slice_at(at, ramp * (at + 1), WindowCenter=None, WindowWidth=None) for at in range(3)]
    (preview,) = shown(files)
    assert Fact("window-estimated") in preview.facts.details
    grey = opened(pictured(preview).data).astype(int)
    # Half the values of the middle slice are half as bright.
    assert abs(grey[65, 534 + 98] - grey[266, 399] / 2) < 12


def test_signal_of_a_pet_keeps_its_scale_between_slices() -> None:
    files = [slice_at(at, 1000, RescaleSlope=at + 1, RescaleIntercept=0, WindowWidth=8000) for at in range(3)]
    (preview,) = shown(files)
    grey = opened(pictured(preview).data).astype(int)
    assert grey[65, 601] < grey[266, 266] < grey[199, 601]


def test_colour_images_of_a_series_are_shown_in_colour() -> None:
    data = deidentified(sample_of("examples_rgb_color.dcm"))
    files = [edited(data, InstanceNumber=number, SOPInstanceUID=generate_uid()) for number in range(3)]
    (preview,) = shown(files)
    assert pictured(preview).mimetype == "image/jpeg"
    assert details(preview)["images"] == 3


def sample_of(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    with open(str(path), "rb") as file:
        return file.read()


def test_a_broken_slice_is_left_out_and_counted() -> None:
    files = [slice_at(at) for at in range(9)]
    files[0] = files[0][:-NEARLY_ALL]
    files[4] = files[4][:-NEARLY_ALL]  # the middle one: its neighbour is shown large
    (preview,) = shown(files)
    assert details(preview)["unreadable"] == 2
    assert opened(pictured(preview).data)[266, 266] > 100
    assert refusal([data[:-NEARLY_ALL] for data in files]).code == "file-broken"


def test_a_slice_that_was_cut_off_is_shown_and_marked() -> None:
    files = [slice_at(at) for at in range(3)]
    (preview,) = shown([files[0], files[1][:-200], files[2]])
    assert Fact("truncated") in preview.facts.details


def test_facts_of_a_series_are_numbers_and_terms() -> None:
    files = [
        slice_at(at, SliceThickness=2.5, BodyPartExamined="CHEST", StudyInstanceUID="1.2.3", SeriesDescription="Jane")
        for at in range(4)
    ]
    (preview,) = shown(files)
    facts = preview.facts
    assert (facts.format, facts.kind, facts.modality, facts.body_part) == ("DICOM", "series", "CT", "CHEST")
    assert (facts.width, facts.height, facts.frames, facts.lossy, facts.identifiable) == (16, 16, 4, False, False)
    assert list(details(preview))[:3] == ["slices", "thickness-mm", "spacing-mm"]
    assert preview.uids == (CT, "1.2.3")
    assert "Jane" not in repr(preview.facts)


# Studies


def test_each_series_has_a_preview_the_largest_first() -> None:
    scouts = [slice_at(0, SeriesInstanceUID="1.2.4")]
    slices = [slice_at(at) for at in range(5)]
    others = [slice_at(at, SeriesInstanceUID="1.2.5") for at in range(3)]
    previews = shown([*scouts, *others, *slices])
    assert [preview.facts.frames for preview in previews] == [5, 3, 1]
    assert previews[2].facts.kind == "picture"


def test_copies_make_no_series_larger() -> None:
    copies = [slice_at(0, SeriesInstanceUID="1.2.4", SOPInstanceUID="1.2.4.1")] * 6
    assert [preview.facts.frames for preview in shown([*copies, *(slice_at(at) for at in range(3))])] == [3, 1]


def test_at_most_eight_series_are_shown_and_the_rest_is_counted() -> None:
    files = [slice_at(at, SeriesInstanceUID=f"1.2.{number}") for number in range(11) for at in range(2)]
    previews = shown(files)
    assert len(previews) == 8
    assert details(previews[-1])["not-shown"] == 3
    assert "not-shown" not in details(previews[0])


def test_images_without_a_series_stand_alone() -> None:
    assert len(shown([slice_at(at, SeriesInstanceUID=None) for at in range(3)])) == 3


def test_a_file_that_cannot_be_shown_does_not_hide_the_others() -> None:
    broken = slice_at(0, SeriesInstanceUID="1.2.9")[:-500]  # not one row is there
    (preview,) = shown([*(slice_at(at) for at in range(3)), broken])
    assert details(preview)["not-shown"] == 1


def test_files_of_several_patients_are_told_apart_and_nobody_is_named() -> None:
    ids = ["ANON-17", "ANON-17", "ANON-23", ""]
    files = [slice_at(at, PatientID=own, PatientIdentityRemoved="YES") for at, own in enumerate(ids)]
    (preview,) = shown(files)
    assert details(preview)["patients"] == 2
    assert "ANON" not in repr(preview.facts)
    assert "patients" not in details(shown(files[:2])[0])


def test_one_file_is_shown_as_ever() -> None:
    (preview,) = shown([nameless("phantom/ct_phantom_explicit.dcm")])
    assert (preview.facts.kind, pictured(preview).width) == ("picture", 256)


# Objects that are drawn over others


def over_its_slices(thing: bytes) -> Preview:
    """An object of the phantom's study, shown together with three slices of it."""
    study_uid = str(dcmread(BytesIO(class_samples.slice_at(0))).StudyInstanceUID)
    slices = [class_samples.slice_at(height) for height in (4, 0, 2)]
    drawn, over = shown([edited(thing, StudyInstanceUID=study_uid), *slices])
    assert drawn.facts.kind == "series"
    return over


def test_a_segmentation_is_drawn_over_the_slices_that_came_with_it() -> None:
    over = over_its_slices(class_samples.segmentation())
    assert over.facts.kind == "segmentation"
    alone = class_samples.shown(class_samples.segmentation())
    slices = [class_samples.slice_at(height) for height in (4, 0, 2)]
    beside = class_samples.shown(class_samples.segmentation(), *slices)
    assert pictured(over).data == pictured(beside).data != pictured(alone).data


def test_several_segmentations_of_one_series_are_no_montage() -> None:
    previews = shown([edited(class_samples.segmentation(), SOPInstanceUID=f"1.2.{n}") for n in range(2)])
    assert [preview.facts.kind for preview in previews] == ["segmentation", "segmentation"]


def test_a_report_beside_a_series_is_a_card_after_it() -> None:
    report = deidentified(sample_of("reportsi.dcm"))
    previews = shown([report, *(slice_at(at) for at in range(3))])
    assert [preview.facts.kind for preview in previews] == ["series", "report"]


def test_a_reader_as_a_file_reads_no_more_than_it_must() -> None:
    data = bytes(range(256)) * 256
    asked: list[int] = []

    def read(limit: int) -> bytes:
        asked.append(limit)
        return data if limit < 0 else data[:limit]

    file = held(read)
    assert (file.read(4), file.tell(), file.seek(2, 1), file.read(2)) == (data[:4], 4, 6, data[6:8])
    assert asked == [SHORT_HEAD]
    assert (file.seek(SHORT_HEAD - 2), file.read(4)) == (SHORT_HEAD - 2, data[SHORT_HEAD - 2 : SHORT_HEAD + 2])
    assert (file.seek(-3, 2), file.read(), file.read(1)) == (len(data) - 3, data[-3:], b"")
    assert (file.seek(0), file.read()) == (0, data)
    assert asked == [SHORT_HEAD, -1]
    assert held(lambda _limit: b"").read() == b""


# The index of a medium


def test_an_index_alone_is_a_card_that_counts() -> None:
    (preview,) = shown([sample("hostile/DICOMDIR_traversal")])
    assert preview.picture is None
    assert preview.facts.kind == "directory"
    assert details(preview) == {"series": 0, "images": 1, "no-pixels": None}


def test_an_index_beside_its_images_is_not_shown() -> None:
    (preview,) = shown([sample("hostile/DICOMDIR_traversal"), *(slice_at(at) for at in range(3))])
    assert preview.facts.kind == "series"


# Faces


def head(count: int, step: float = 1.0, **elements: Any) -> list[bytes]:
    return [slice_at(at * step, **elements) for at in range(count)]


@pytest.mark.parametrize(
    "elements",
    [
        {"BodyPartExamined": "HEAD"},
        {"BodyPartExamined": "SKULL"},
        {"BodyPartExamined": "NECK"},
        {"Modality": "MR", "BodyPartExamined": "BRAIN"},
        {"ProtocolName": "CT Craniosynostosis low dose"},
        {"StudyDescription": "MR af hjerne"},
        {"SeriesDescription": "Schädel nativ", "SpecificCharacterSet": "ISO_IR 192"},
        {"SeriesDescription": "Schädel nativ", "SpecificCharacterSet": "ISO_IR 100"},
        {"BodyPartExamined": "CHEST", "ProtocolName": "Head w/o contrast"},
    ],
)
def test_a_fine_volume_of_a_head_is_identifiable(elements: dict[str, Any]) -> None:
    assert shown(head(16, **elements))[0].facts.identifiable


def test_anatomy_in_a_code_counts_as_well() -> None:
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "69536005", "SCT", "Head"
    assert shown(head(16, AnatomicRegionSequence=[region]))[0].facts.identifiable


@pytest.mark.parametrize(
    ("count", "step", "elements"),
    [
        (15, 1.0, {"BodyPartExamined": "HEAD"}),
        (16, 5.0, {"BodyPartExamined": "HEAD"}),
        (16, 1.0, {"BodyPartExamined": "KNEE"}),
        (16, 1.0, {"BodyPartExamined": "HIP", "SeriesDescription": "femoral neck"}),
        (16, 1.0, {"SeriesDescription": "lumbar facet joints"}),
        (16, 1.0, {"Modality": "US", "BodyPartExamined": "HEAD"}),
        (16, 1.0, {}),
    ],
)
def test_other_volumes_are_not(count: int, step: float, elements: dict[str, Any]) -> None:
    assert not shown(head(count, step, **elements))[0].facts.identifiable


@pytest.mark.parametrize("thickness", [1, 5])
def test_without_positions_the_thickness_decides(thickness: int) -> None:
    assert faces.is_volume("CT", 16, None)
    files = [
        slice_at(0, ImagePositionPatient=None, InstanceNumber=at, SliceThickness=thickness, BodyPartExamined="FACE")
        for at in range(16)
    ]
    assert shown(files)[0].facts.identifiable is (thickness < 4)


# Golden


def test_the_montage_of_the_phantom_is_as_it_was_when_somebody_looked_at_it() -> None:
    files = phantom_series()
    preview, *_ = shown(files)
    golden = opened(sample("golden/series.png")).astype(int)
    assert np.abs(opened(pictured(preview).data) - golden).max() <= 3


def phantom_series() -> list[bytes]:
    """The images of our shuffled series, nameless, in a window that shows bone."""
    with ZipFile(BytesIO(sample("phantom/ct_series_shuffled.zip"))) as archive:
        members = [archive.read(name) for name in archive.namelist()]
    return [
        edited(data, PatientName="", PatientID="", WindowCenter=400, WindowWidth=2000)
        for data in members
        if data[128:132] == b"DICM"
    ]


def test_the_large_slice_is_the_one_in_the_middle() -> None:
    files = phantom_series()
    grey = opened(pictured(shown(files)[0]).data)
    (middle,) = (data for data in files if list(dcmread(BytesIO(data)).ImagePositionPatient) == [-120, -120, 1])
    dataset = dcmread(BytesIO(middle))
    expected = rendering.picture(frame.decode(dataset), dataset).resize((LARGE, LARGE), Image.Resampling.LANCZOS)
    assert np.array_equal(grey[:, :LARGE], np.asarray(expected))


def test_three_hundred_slices_are_fast() -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(900, 1100, (512, 512))
    files = [BytesIO(slice_at(at, np.roll(noise, at, 0))) for at in rng.permutation(300)]
    begin = time.process_time()
    headers = [header.read(read_from(file.getvalue())) for file in files]
    middle = time.process_time()
    assert len(study.of(headers, Options())) == 1
    end = time.process_time()
    print(f"300 slices: headers {middle - begin:.3f} s, montage {end - middle:.3f} s")
