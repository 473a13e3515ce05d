"""Every test file of pydicom and pydicom-data: a preview, a card or a refusal that says why, and never an error.

In this process, where an error shows. The names in the files are looked away from, so that all of them are drawn.
"""

from pathlib import Path

import pytest

from ernbot.core.errors import Refused
from ernbot.imaging import dataset, terms
from ernbot.imaging.model import LONGEST_SIDE, THUMBNAIL_SIDE, Options, Picture, Preview
from ernbot.imaging.pixeldata import PIXELS
from tests.imaging.corpus import shipped_paths

BROKEN = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "file-too-complex",  # its header claims 3.8e12 pixels
    "emri_small_jpeg_2k_lossless_too_short.dcm": "file-broken",  # the fragments have no end
    "meta_missing_tsyntax.dcm": "file-broken",  # pixels, but no Rows
    "nested_priv_SQ.dcm": "file-broken",
}


SAMPLES = list(shipped_paths())


@pytest.fixture(autouse=True)
def _nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "identifying", lambda _dataset: [])


def test_there_are_samples() -> None:
    assert len(SAMPLES) > 200
    assert set(BROKEN) <= {path.name for path in SAMPLES}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_shown_described_or_refused(path: Path) -> None:
    with path.open("rb") as file:
        try:
            preview = dataset.preview(file, Options())
        except Refused as refused:
            if path.name not in BROKEN:  # an image that has been robbed of its pixels
                file.seek(0)
                assert not set(PIXELS) & {element.keyword for element in dataset.read(file)}
            assert refused.code == BROKEN.get(path.name, "file-broken")  # noqa: PT017
            return
    assert path.name not in BROKEN
    assert preview.facts.kind in terms.KINDS
    assert {fact.name for fact in preview.facts.details} <= set(terms.FACTS)
    check(preview)


def check(preview: Preview) -> None:
    facts, picture = preview.facts, preview.picture
    if picture is None:
        assert (facts.width, facts.height, preview.thumbnail, preview.animation) == (0, 0, None, None)
        return
    drawn = facts.kind in {"structure-set", "waveform"}  # lines without pixels of their own
    assert min(facts.width, facts.height) >= (0 if drawn else 1)
    assert facts.frames >= 1
    assert_within(picture, LONGEST_SIDE)
    assert preview.thumbnail is not None
    assert_within(preview.thumbnail, THUMBNAIL_SIDE)
    assert preview.blurhash


def assert_within(picture: Picture, longest: int) -> None:
    assert 0 < min(picture.width, picture.height) <= max(picture.width, picture.height) <= longest
