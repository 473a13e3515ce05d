"""A short version of `make soak-files`."""

from tests.imaging.soak import WARM_UP, growth, soak


async def test_mixed_files_leave_nothing_in_memory() -> None:
    outcome = await soak(2 * WARM_UP, workers=1)
    assert not outcome.complaints(), outcome.figures()
    assert outcome.outcomes.total() == 2 * WARM_UP
    assert outcome.outcomes["shown"] > WARM_UP // 2
    assert outcome.outcomes["cleaned"]


def test_growth_is_told_from_noise() -> None:
    assert growth([100, *[10, 12] * WARM_UP]) == 0
    assert growth([*[10] * WARM_UP, *[20] * 9, *[70] * 9]) == 50
    assert growth([10] * WARM_UP) == 0
