"""Every language says what English says, with the same placeholders."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ernbot.locales import FOLDER, LANGUAGES, catalogue, keys, parse, placeholders

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_exactly_the_keys_of_english(language: str) -> None:
    assert sorted(keys("en") - keys(language)) == [], f"{language} lacks these"
    assert sorted(keys(language) - keys("en")) == [], f"nothing asks for these of {language}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_placeholders_of_english(language: str) -> None:
    shared = keys("en") & keys(language)
    different = {key for key in shared if placeholders(language, key) != placeholders("en", key)}
    assert sorted(different) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_complete_when_its_placeholders_are_filled(language: str) -> None:
    for key in keys(language):
        fields = {name: datetime(2026, 3, 5, tzinfo=UTC) if name == "at" else 2 for name in placeholders(language, key)}
        if key == "moment":
            continue
        text = catalogue(language).text(key, **fields)
        assert text.strip()
        assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_in_two_files(language: str) -> None:
    paths = (FOLDER / language).glob("*.ftl")
    resources = [parse(path.name, path.read_text(encoding="utf-8")) for path in paths]
    found = [entry.id.name for resource in resources for entry in resource.body if hasattr(entry, "id")]
    assert len(found) == len(set(found))


def test_every_language_is_listed() -> None:
    assert {path.parent.name for path in FOLDER.glob("*/*.ftl")} == set(LANGUAGES)


def test_markup_is_only_code_and_strong() -> None:
    for language in LANGUAGES:
        for path in (FOLDER / language).glob("*.ftl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert line.count("`") % 2 == 0, line
                assert line.count("**") % 2 == 0, line
                assert "<" not in line, line


def test_an_unknown_language_is_english() -> None:
    for language in (None, "", "xx", "../en", "EN"):
        assert catalogue(language).language == "en"
    assert catalogue("da") is catalogue("da")


def test_a_missing_key_or_field_raises() -> None:
    with pytest.raises(KeyError):
        catalogue("da").text("no-such-sentence")
    for language in LANGUAGES:
        with pytest.raises(KeyError):
            catalogue(language).text("refused-not-a-clinician")


@pytest.mark.parametrize("value", [None, True, datetime.fromisoformat("2026-03-05T01:30"), 1j, b"x", ["a"], {"a": 1}])
def test_a_field_of_another_type_raises(value: object) -> None:
    with pytest.raises(TypeError):
        catalogue("en").text("refused-not-a-clinician", network=value)


@pytest.mark.parametrize("hostile", ["{ $x }", "{", "}", "{ -term }", "*[other]", "\u2068x", "<b>", "**x**", "`x`", ""])
def test_fields_are_never_read_as_fluent(hostile: str) -> None:
    text = catalogue("en").text("refused-not-a-clinician", network=hostile)
    assert text == f"Only clinicians who see patients can open a case in {hostile}."


def test_dates_and_numbers_follow_the_language() -> None:
    signed = date(2026, 3, 5)
    assert "5 March 2026" in catalogue("en").text("refused-consent-future", signed=signed)
    assert "5. marts 2026" in catalogue("da").text("refused-consent-future", signed=signed)
    assert "10,000" in catalogue("en").text("refused-outcome-text", maximum=10_000)
    assert "10.000" in catalogue("da").text("refused-outcome-text", maximum=10_000)


def test_times_say_their_zone() -> None:
    at = datetime.fromisoformat("2026-03-05T01:30:00+02:00")
    assert "4 March 2026, 23:30 UTC" in catalogue("en").text("value", value=at)
    assert "4. marts 2026 kl. 23.30 UTC" in catalogue("da").text("value", value=at)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("fine = Fine\nbroken = { $x\n", "line 2"),
        ("a = { $n ->\n [one] x\n }\n", "line 1"),
        ("same = A\nsame = B\n", "'same' is there twice"),
        ("no sentence\n", "line 1"),
    ],
)
def test_a_broken_catalogue_does_not_load(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse("xx/bot.ftl", source)


def test_placeholders_inside_select_expressions_and_quoted_sentences_are_found() -> None:
    assert placeholders("en", "document-counts-not") == {"opinions", "minimum"}
