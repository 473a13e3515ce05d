"""What is drawn over other files of a case: segmentations, contours, doses, presentation states, key images."""

from typing import Any

import numpy as np
import pytest

from ernbot.core.errors import Refused
from ernbot.imaging.model import LONGEST_SIDE
from tests.imaging.class_samples import (
    SPACE,
    circle,
    colours,
    details,
    dose,
    graphic,
    is_as_looked_at,
    item,
    key_objects,
    presentation,
    segmentation,
    shown,
    slice_at,
    structures,
    uid_at,
)
from tests.imaging.imaging_samples import Array, deidentified, edited, pictured, shipped

SLICES = [slice_at(height) for height in (4, 0, 2)]


def tint(picture: Array, column: int, row: int) -> Array:
    """How much more of red, green and blue than of the darkest there is at a pixel of the phantom, 0 to 255."""
    pixel = picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean(axis=(0, 1))
    return np.asarray(pixel - pixel.min())


# Segmentations


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("sources", [True, False])
def test_a_segmentation_lies_over_the_middle_slice(kind: str, sources: bool) -> None:
    preview = shown(segmentation(kind, sources=sources), *SLICES)
    assert (preview.facts.kind, details(preview)) == ("segmentation", {"segments": 2})
    assert preview.facts.frames == (3 if kind == "LABELMAP" else 6)
    picture = colours(pictured(preview))
    assert tint(picture, 128, 140).argmax() == 0, "the large disc is red"
    assert tint(picture, 128, 140).max() > 30
    assert tint(picture, 184, 82).argmax() == 1, "the small one green"
    assert tint(picture, 200, 128).max() < 12, "outside of both the phantom stays grey"


def test_a_segmentation_is_as_it_was_when_somebody_looked_at_it() -> None:
    assert is_as_looked_at(shown(segmentation(), *SLICES), "segmentation-over-slice")
    assert is_as_looked_at(shown(deidentified(shipped("liver.dcm"))), "segmentation-alone")


def test_without_its_slices_a_segmentation_is_a_sheet_of_masks() -> None:
    preview = shown(segmentation(heights=tuple(range(40))))
    assert details(preview) == {"segments": 2, "not-in-the-room": None}
    assert max(pictured(preview).width, pictured(preview).height) == LONGEST_SIDE
    elsewhere = slice_at(0, FrameOfReferenceUID="1.2.3.77", SOPInstanceUID="1.2.3.78")
    assert details(shown(segmentation(), elsewhere))["not-in-the-room"] is None


def test_an_empty_mask_is_not_the_one_that_is_shown() -> None:
    data = bytearray(segmentation(heights=(0, 2, 4)))
    size = 256 * 256 // 8
    data[-4 * size : -2 * size] = bytes(2 * size)  # both segments of the middle slice
    picture = colours(pictured(shown(bytes(data), *SLICES)))
    assert tint(picture, 128, 140).argmax() == 0


def test_a_mask_of_another_grid_lands_where_it_lies_in_the_patient() -> None:
    shifted = edited(slice_at(2), ImagePositionPatient=[-168, -128, 2])
    picture = colours(pictured(shown(segmentation(), shifted)))
    assert tint(picture, 224, 82).argmax() == 1, "40 mm to the side"


def test_a_segmentation_of_liver_without_labels() -> None:
    preview = shown(deidentified(shipped("liver_1frame.dcm")))
    assert details(preview)["segments"] == 1
    assert preview.uids[0].startswith("1.2.276")
    assert preview.refers


# Radiotherapy


def test_contours_lie_over_the_slice_that_they_cross() -> None:
    preview = shown(structures(), *SLICES)
    assert (preview.facts.kind, details(preview)) == ("structure-set", {"structures": 3})
    assert is_as_looked_at(preview, "structures-over-slice")
    picture = colours(pictured(preview))
    assert tint(picture, 218, 128).argmax() == 0, "the skin at 90 mm to the left, which is right in the picture"
    assert SPACE in preview.refers


def test_contours_without_slices_are_silhouettes() -> None:
    preview = shown(structures(heights=tuple(range(-40, 40, 4))))
    assert details(preview) == {"structures": 3, "not-in-the-room": None}
    assert is_as_looked_at(preview, "structures-alone")
    assert is_as_looked_at(shown(deidentified(shipped("rtstruct.dcm"))), "structures-shipped")


def test_the_skin_of_a_head_shows_who_it_is() -> None:
    skin = tuple(range(-40, 40, 4))
    assert shown(structures(skin, SeriesDescription="Head RT")).facts.identifiable
    assert not shown(structures(skin, SeriesDescription="Pelvis")).facts.identifiable
    assert not shown(structures((0, 2, 4), SeriesDescription="Head RT")).facts.identifiable


def test_structures_without_contours_are_a_card() -> None:
    preview = shown(structures(ROIContourSequence=[]))
    assert preview.picture is None
    assert details(preview) == {"structures": 3, "no-pixels": None}


def test_too_many_points_are_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ernbot.imaging.radiotherapy._MOST_POINTS", 100)
    with pytest.raises(Refused, match="file-too-complex"):
        shown(structures())


@pytest.mark.parametrize("number", [b"nan", b"doe", b"0\\0"])
def test_a_contour_of_anything_but_numbers_is_broken(number: bytes) -> None:
    shape = item(ContourData=circle(50, 0))
    data = structures(ROIContourSequence=[item(ReferencedROINumber=1, ContourSequence=[shape])])
    with pytest.raises(Refused, match="file-broken"):
        shown(data.replace(b"\\0.0\\0", b"\\" + number + b"\\0", 1))


def test_a_dose_shows_the_slice_with_the_highest_one() -> None:
    preview = shown(dose(), *SLICES)
    assert preview.facts.kind == "dose"
    assert details(preview) == {"dose-gy": pytest.approx(59.85, abs=0.2)}
    assert is_as_looked_at(preview, "dose-over-slice")
    picture = colours(pictured(preview))
    assert tint(picture, 168, 98).argmax() == 0, "the maximum is red"
    assert tint(picture, 60, 200).max() < 12, "without dose the phantom stays grey"


def test_a_dose_alone() -> None:
    assert is_as_looked_at(shown(dose()), "dose-alone")
    preview = shown(deidentified(shipped("rtdose.dcm")))
    assert details(preview) == {"not-in-the-room": None}, "a relative dose has no gray"
    assert preview.facts.frames == 15


def test_a_dose_far_from_every_slice_is_shown_alone() -> None:
    far = shown(dose(ImagePositionPatient=[-128, -128, 500]), *SLICES)
    assert np.abs(colours(pictured(far)) - colours(pictured(shown(dose())))).max() == 0


def test_no_dose_at_all_is_black() -> None:
    preview = shown(dose(PixelData=bytes(2 * 3 * 32 * 32)))
    assert details(preview)["dose-gy"] == 0.0
    assert colours(pictured(preview))[:512].max() == 0


def test_a_dose_without_its_scale_has_no_gray() -> None:
    assert "dose-gy" not in details(shown(dose(DoseGridScaling=0.0)))


def test_a_plan_is_a_card() -> None:
    preview = shown(deidentified(shipped("rtplan.dcm")))
    assert (preview.facts.kind, preview.picture) == ("plan", None)
    assert details(preview) == {"beams": 1, "fractions": 30, "no-pixels": None}


# Presentation states

MARKS = [
    graphic("POLYLINE", [100, 100, 200, 100, 200, 150]),
    graphic("CIRCLE", [128, 128, 168, 128]),
    graphic("ELLIPSE", [100, 200, 160, 200, 130, 190, 130, 210]),
    graphic("POINT", [60, 60]),
    graphic("POLYLINE", [0.1, 0.9, 0.9, 0.9], "DISPLAY"),
]


def test_a_presentation_state_is_applied_to_its_image() -> None:
    window = item(WindowCenter=40, WindowWidth=80)
    data = presentation(uid_at(2), MARKS, SoftcopyVOILUTSequence=[window])
    preview = shown(data, *SLICES)
    assert (preview.facts.kind, details(preview)) == ("presentation-state", {"images": 1, "hidden-texts": 1})
    assert uid_at(2) in preview.refers
    picture = colours(pictured(preview))
    assert picture.shape == (512, 512, 3)
    red, _, blue = picture[200, 300]
    assert red - blue > 100, "the polyline is yellow, twice as far out as in the phantom's own pixels"
    assert is_as_looked_at(preview, "presentation-state")


def test_the_window_of_the_state_takes_the_place_of_the_images_own() -> None:
    bright = presentation(uid_at(2), SoftcopyVOILUTSequence=[item(WindowCenter=-2000, WindowWidth=10)])
    assert colours(pictured(shown(bright, *SLICES))).min() == 255
    other = item(ReferencedImageSequence=[item(ReferencedSOPInstanceUID=uid_at(0))], WindowCenter=-2000, WindowWidth=10)
    kept = colours(pictured(shown(presentation(uid_at(2), SoftcopyVOILUTSequence=[other]), *SLICES)))
    assert kept.min() == 0, "a window of another image is not used"


def test_the_displayed_area_is_cut_out_and_turned() -> None:
    area = item(DisplayedAreaTopLeftHandCorner=[129, 1], DisplayedAreaBottomRightHandCorner=[256, 128])
    whole = colours(pictured(shown(presentation(uid_at(2)), *SLICES)))
    cut = shown(presentation(uid_at(2), DisplayedAreaSelectionSequence=[area]), *SLICES)
    assert pictured(cut).width == pictured(cut).height
    assert colours(pictured(cut))[8, 8] == pytest.approx(whole[4, 260], abs=20)
    turned = shown(presentation(uid_at(2), ImageRotation=90, ImageHorizontalFlip="Y"), *SLICES)
    assert np.abs(colours(pictured(turned)) - whole.T).max() == 0, "a quarter clockwise, then mirrored: transposed"


def test_a_shutter_is_black() -> None:
    edges: dict[str, Any] = {"ShutterLeftVerticalEdge": 100, "ShutterRightVerticalEdge": 150}
    edges |= {"ShutterUpperHorizontalEdge": 100, "ShutterLowerHorizontalEdge": 150}
    data = presentation(
        uid_at(2),
        SoftcopyVOILUTSequence=[item(WindowCenter=-2000, WindowWidth=10)],
        ShutterShape=["RECTANGULAR", "CIRCULAR"],
        CenterOfCircularShutter=[125, 125],
        RadiusOfCircularShutter=25,
        **edges,
    )
    picture = colours(pictured(shown(data, *SLICES)))
    assert (picture[250, 250], picture[204, 204], picture[250, 190]) == (255, 0, 0)


def test_a_state_without_its_image_is_a_card() -> None:
    preview = shown(presentation(uid_at(2), MARKS))
    assert preview.picture is None
    assert details(preview) == {"images": 1, "hidden-texts": 1, "not-in-the-room": None, "no-pixels": None}


# Key images


def test_key_images_are_shown_as_far_as_they_are_in_the_room() -> None:
    preview = shown(key_objects(uid_at(4), uid_at(0)), *SLICES)
    assert (preview.facts.kind, preview.facts.frames) == ("key-objects", 2)
    assert details(preview) == {"images": 2}
    assert is_as_looked_at(preview, "key-objects")
    assert details(shown(key_objects(uid_at(4), "1.2.9"), *SLICES)) == {"images": 2, "not-in-the-room": None}
    nothing = shown(key_objects("1.2.9"), *SLICES)
    assert nothing.picture is None
    assert details(nothing) == {"images": 1, "not-in-the-room": None, "no-pixels": None}


# References that are no help


@pytest.mark.parametrize(
    "reference",
    [
        b"",
        b"no DICOM at all",
        slice_at(2)[:5000],
        edited(slice_at(2), PatientName="Doe^Jane"),
        edited(slice_at(2), PixelSpacing=[0, 0], SOPInstanceUID="1.2.3.80"),
        deidentified(shipped("rtplan.dcm")),
    ],
    ids=["empty", "text", "cut", "named", "nowhere", "no image"],
)
def test_a_reference_that_cannot_be_used_is_as_good_as_absent(reference: bytes) -> None:
    for data in (segmentation(), structures(), dose(), presentation(uid_at(2)), key_objects(uid_at(2))):
        assert np.array_equal(
            picture_or_none(data, reference),
            picture_or_none(data),
        )


def picture_or_none(data: bytes, *references: bytes) -> Array:
    preview = shown(data, *references)
    return np.zeros(0) if preview.picture is None else colours(preview.picture)
