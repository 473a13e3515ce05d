"""The report of Delphi rounds: the same in both forms, accessible, complete by the checklist, and naming no rater."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdf
import pytest

from ernbot.core.accord import ITEMS
from ernbot.core.delphi import Study
from ernbot.core.directory import Centre, CentreKind, Network, Person
from ernbot.documents.delphi_report import TEMPLATE, Report, markdown, page, report
from ernbot.documents.press import press
from ernbot.locales import LANGUAGES, catalogue

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
PEOPLE = {"a": "Anna Jensen", "b": "Bram de Vries", "c": "Chiara Rossi", "d": "Dóra Kovács", "lead": "Eva Novak"}
NETWORK = Network(
    id="ern-cranio",
    name="ERN CRANIO",
    opinion_form="cranio-opinion",
    competences=(),
    centres=(Centre("rotterdam", "Erasmus MC", "NL", CentreKind.EXCELLENCE),),
    people=tuple(Person(user, name, "rotterdam") for user, name in PEOPLE.items() if user != "d"),
)
HOSTILE = "Wait | *see* <b>#1</b> `x` \u202e5.1 [a](b)"


def study() -> Study:
    """Two rounds: one statement reaches consensus, one stays open; one rater is lost, and one suggestion taken."""
    panel = ("a", "b", "c", "d")
    held = Study("Timing of surgery", "lead", NOW).add("Operate before nine months.").add(HOSTILE)
    held = held.start(panel, (), NOW).suggest("Follow up to the age of six.", "b")
    for user, one, two in (("a", 8, 2), ("b", 9, 8), ("c", 7, 5), ("d", 8, 5)):
        held = held.rate(user, {1: (one, ""), 2: (two, "Only with signs." if user == "a" else "")}, (), NOW)
    held = held.close(panel, (), NOW + timedelta(days=7)).take(3).next(panel, (), NOW + timedelta(days=8))
    for user, two, three in (("a", 3, 9), ("b", 7, 8), ("c", 6, 8)):
        held = held.rate(user, {2: (two, ""), 3: (three, "")}, (), NOW + timedelta(days=9))
    return held.close(panel, (), NOW + timedelta(days=14)).note("O3", "No funding.")


def written(language: str = "en", held: Study | None = None, **conflicts: str) -> Report:
    text = catalogue(language).text
    return report(held or study(), conflicts, nickname="Quiet Heron 101", network=NETWORK, text=text)


def pdf(language: str) -> bytes:
    return press(page(written(language), language=language, network=NETWORK.name, created=study().last_closed_at))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_tagged_and_in_its_language(language: str) -> None:
    document = pypdf.PdfReader(io.BytesIO(pdf(language)))
    root: Any = document.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == language
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    text = " ".join(page.extract_text() for page in document.pages)
    assert "Operate before nine months." in " ".join(text.split())
    assert document.metadata is not None
    assert document.metadata.title == written(language).title


def test_both_forms_say_the_same() -> None:
    plain = re.sub(r"\s+", "", " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf("en"))).pages))
    for section in written().sections:
        assert re.sub(r"\s+", "", section.heading) in plain
        assert f"## {section.heading}" in markdown(written())


def test_the_results_and_who_took_part() -> None:
    text = markdown(written())
    assert "| 1 | Operate before nine months. | Consensus | 1 | 100% | 0% | 8 (7.75–8.25) | 4 |" in text
    assert "| 3 | Follow up to the age of six. | Consensus | 2 | 100% | 0% | 8 (8–8.5) | 3 |" in text
    assert "| 1 | 5 March 2026 | 12 March 2026 | 2 | 4 | 4 | 100% | 4 |" in text
    assert "| 2 | 13 March 2026 | 19 March 2026 | 2 | 4 | 3 | 75% | 3 |" in text
    assert "| Anna Jensen | Erasmus MC | NL | 1, 2 |" in text
    assert "| d | – | – | 1 |" in text, "whoever left the directory keeps their place, by id"
    assert "| 2 | 1 | Only with signs. |" in text
    assert "Krippendorff’s alpha (ordinal)" in text


def test_a_round_of_one_statement_has_no_reliability() -> None:
    panel = ("a", "b", "c")
    held = Study("Timing of surgery", "lead", NOW).add("Operate before nine months.").start(panel, (), NOW)
    for user, value in zip(panel, (2, 5, 9), strict=True):
        held = held.rate(user, {1: (value, "")}, (), NOW)
    text = markdown(written(held=held.close(panel, (), NOW)))
    assert "Krippendorff’s alpha cannot be computed" in text
    assert "alpha (ordinal)" not in text


def test_every_item_of_the_checklist_is_answered_or_not_recorded() -> None:
    text = markdown(written())
    for item in ITEMS:
        row = next(line for line in text.splitlines() if line.startswith(f"| {item.id} |"))
        assert ("not recorded" in row) is (not item.known and item.id != "O3"), row
    assert "| O3 | funding | No funding. |" in text
    assert "Suggested by raters: 1, of which 1 entered the second round." in text
    assert "Nobody declared one." in text


def test_conflicts_are_told() -> None:
    text = markdown(written("en", d="Owns shares.", c="Wrote the guideline.", b=""))
    assert "Declared: d: Owns shares.; Chiara Rossi: Wrote the guideline.; Bram de Vries." in text


def test_no_rating_stands_beside_a_name() -> None:
    for line in markdown(written()).splitlines():
        if any(name in line for name in PEOPLE.values()):
            assert re.fullmatch(r"\| [^|]+ \| Erasmus MC \| NL \| [\d, ]+ \||- \*\*Led by:\*\* .*", line), line


def test_what_people_wrote_is_no_markup() -> None:
    text = markdown(written())
    assert "Wait \\| \\*see\\* \\<b\\>\\#1\\</b\\> \\`x\\` \ufffd5.1 \\[a\\](b)" in text
    assert "\u202e" not in text


def test_the_template_reads_words_as_data() -> None:
    assert "eval" not in TEMPLATE.read_text(encoding="utf-8")
