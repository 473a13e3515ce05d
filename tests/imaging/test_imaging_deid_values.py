"""Replacement UIDs, pseudonyms, dates and ages: their form, their constancy, and that no two cases share them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from ernbot.imaging import identifiers
from ernbot.imaging.deid import Policy, values
from ernbot.imaging.deid.values import LONGEST_SHIFT, Replacements

secrets = st.binary(min_size=32, max_size=32)
days = st.dates(min_value=date(5, 1, 1))
uids = st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(lambda parts: ".".join(map(str, parts)))


@given(secrets, uids)
def test_a_replacement_uid_is_valid_and_always_the_same(secret: bytes, original: str) -> None:
    new = Replacements(secret).uid(original)
    assert new == Replacements(secret).uid(original + "\0")
    assert UID(new).is_valid
    assert new.startswith("2.25.")
    bits = int(new.removeprefix("2.25."))
    assert (bits >> 76 & 0xF, bits >> 62 & 0x3) == (8, 2), "version 8 and variant of RFC 9562"
    assert original not in new or len(original) < 16


@given(secrets, secrets, uids, uids)
def test_no_two_originals_or_cases_share_a_uid(one: bytes, two: bytes, first: str, second: str) -> None:
    case = Replacements(one)
    assert (case.uid(first) == case.uid(second)) is (first == second)
    assert (case.uid(first) == Replacements(two).uid(first)) is (one == two)


@given(secrets, st.text(max_size=64))
def test_a_pseudonym_is_one_that_the_doorman_lets_in(secret: bytes, patient: str) -> None:
    new = Replacements(secret).pseudonym(patient)
    assert new == Replacements(secret).pseudonym(f" {patient} ")
    assert identifiers.is_pseudonym(new)


@given(secrets, days, st.integers(0, 4000))
def test_dates_keep_their_distance(secret: bytes, first: date, apart: int) -> None:
    case = Replacements(secret)
    assert 1 <= case.days <= LONGEST_SHIFT
    try:
        second = first + timedelta(days=apart)
    except OverflowError:
        return
    moved = [case.moved_date(f"{day.year:04d}{day:%m%d}") for day in (first, second)]
    read = [date(int(day[:4]), int(day[4:6]), int(day[6:])) for day in moved]
    assert first - read[0] == timedelta(days=case.days)
    assert read[1] - read[0] == timedelta(days=apart)


@given(secrets, days, st.sampled_from(["", "10", "1011", "101112", "101112.123456"]))
def test_moments_keep_their_time_and_precision(secret: bytes, moment: date, time: str) -> None:
    case = Replacements(secret)
    day = f"{moment.year:04d}{moment:%m%d}"
    zone = "+0100" if time else ""
    assert case.moved_datetime(day + time + zone) == case.moved_date(day) + time + zone
    assert len(case.moved_datetime(day[:4])) == 4
    assert len(case.moved_datetime(day[:6])) == 6


@given(secrets, st.text(max_size=30))
def test_what_is_no_date_is_not_passed_on(secret: bytes, text: str) -> None:
    case = Replacements(secret)
    for new in (case.moved_date(text), case.moved_datetime(text), values.time(text), values.age(text)):
        assert not any(character.isalpha() and character not in "DWMY" for character in new)


@pytest.mark.parametrize("text", ["", "20241332", "20240230", "JANE", "2024-03-01", "00010101", "Mary 20240101"])
def test_a_date_that_cannot_be_moved_is_emptied(text: str) -> None:
    assert Replacements(bytes(32)).moved_date(text) == ""


def test_the_old_form_of_a_date_is_read() -> None:
    case = Replacements(bytes(32))
    assert case.moved_date("1992.03.01") == case.moved_date("19920301") != ""


@pytest.mark.parametrize(
    ("age", "kept"), [("004M", "004M"), ("089Y", "089Y"), ("090Y", "090Y"), ("104Y", "090Y"), ("4 Y", "")]
)
def test_the_very_old_are_said_to_be_ninety(age: str, kept: str) -> None:
    assert values.age(age) == kept


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_has_its_length(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Policy(bytes(length))


def test_a_policy_does_not_show_its_secret() -> None:
    assert "secret" not in repr(Policy(b"s" * 32))
