"""The outcome as a PDF: complete, in order, accessible, and verbatim whatever people wrote."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernbot.core.characters import harmless
from ernbot.core.directory import Centre, CentreKind, Network, Person
from ernbot.core.opinion import Opinion
from ernbot.core.outcome import Outcome, Section
from ernbot.documents import outcome_pdf
from ernbot.documents.outcome_pdf import TEMPLATE
from ernbot.documents.press import Page, press_apart
from ernbot.form_files import load_forms
from ernbot.locales import LANGUAGES, catalogue

AT = datetime(2026, 3, 5, 13, 7, tzinfo=UTC)
FORMS = load_forms(Path("config/forms"))
NETWORK = Network(
    id="ern-cranio",
    name="ERN CRANIO",
    opinion_form="cranio-opinion",
    competences=(),
    centres=(
        Centre("rotterdam", "Erasmus MC", "NL", CentreKind.EXCELLENCE),
        Centre("copenhagen", "Rigshospitalet", "DK", CentreKind.MEMBER),
    ),
    people=(
        Person("@lead:example.org", "Anna Jensen", "copenhagen"),
        Person("@bram:example.org", "Bram de Vries", "rotterdam"),
        Person("@chiara:example.org", "Chiara Rossi", "rotterdam"),
        Person("@dora:example.org", "Dóra Kovács", "rotterdam"),
    ),
)
FULL = {
    "diagnosis": "ORPHA:2343",
    "recommendation": "surgery",
    "confidence": "4",
    "concerns": "airway,pressure",
    "age": "9",
    "remarks": "Raised pressure on imaging.",
}


def opinion(author: str, texts: dict[str, str], version: int = 1) -> Opinion:
    form = FORMS["cranio-opinion"]
    return Opinion(author, form.id, form.version, form.parse(texts), version, AT)


def drafted() -> Outcome:
    outcome = Outcome(
        "Operate now or wait?",
        tuple(person.user_id for person in NETWORK.people),
        (
            opinion("@bram:example.org", FULL, version=2),
            opinion("@chiara:example.org", {**FULL, "recommendation": "watch"}),
        ),
    )
    outcome = outcome.write(Section.RECOMMENDATION, "Operate within eight weeks.\n\nThen follow the pressure.")
    outcome = outcome.write(Section.EVIDENCE, "Two retrospective series.")
    outcome = outcome.write(Section.FOLLOW_UP, "Ask again at three months.")
    outcome = outcome.vote("@bram:example.org", agrees=True, reason="", at=AT)
    return outcome.vote("@chiara:example.org", agrees=False, reason="The pressure is borderline.", at=AT)


def signed() -> Outcome:
    return drafted().sign("@lead:example.org", "DEVICE1", AT)


def render(outcome: Outcome, language: str = "en", **changed: Any) -> bytes:
    arguments: dict[str, Any] = {
        "case_id": "K7Q2",
        "nickname": "Quiet Heron",
        "network": NETWORK,
        "forms": FORMS,
        "text": catalogue(language).text,
        "language": language,
        **changed,
    }
    return outcome_pdf.render(outcome, **arguments)


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf), strict=True)


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in reader(pdf).pages]


def joined(pdf: bytes) -> str:
    """All text without white space, so that line breaks do not matter."""
    return re.sub(r"\s", "", "".join(pages(pdf)))


def tags(pdf: bytes) -> list[str]:
    """The types of all elements of the structure tree, in reading order."""

    def walk(node: Any) -> list[str]:
        node = node.get_object()
        if isinstance(node, list):
            return [tag for kid in node for tag in walk(kid)]
        if not isinstance(node, dict):
            return []
        own = [str(node["/S"])] if "/S" in node else []
        return own + (walk(node["/K"]) if "/K" in node else [])

    root: Any = reader(pdf).trailer["/Root"]
    return walk(root["/StructTreeRoot"])


def assert_in_order(text: str, *expected: str) -> None:
    position = 0
    for words in expected:
        wanted = re.sub(r"\s", "", words)
        found = text.find(wanted, position)
        assert found >= 0, f"{words!r} is missing after {text[max(0, position - 60) : position]!r}"
        position = found + len(wanted)


def test_an_outcome_says_everything_in_order() -> None:
    outcome = signed()
    assert outcome.signature is not None
    assert_in_order(
        joined(render(outcome)),
        "Outcome of case Quiet Heron",
        *("Network ERN CRANIO", "Nickname Quiet Heron", "Case K7Q2"),
        *("Question", "Operate now or wait?"),
        *("Panel", "Name Centre Country", "Anna Jensen (lead) Rigshospitalet DK", "Dóra Kovács Erasmus MC NL"),
        *("Opinions", "Bram de Vries", "opinion version 2 of 5 March 2026, 13:07 UTC"),
        *("Most likely diagnosis ORPHA:2343", "Recommended next step Surgery", "from 1 (low) to 5 (high) 4"),
        *("What must be watched Airway, Raised intracranial pressure", "in months 9 mo"),
        *("Reasons and remarks Raised pressure on imaging.", "Chiara Rossi", "Watchful waiting"),
        *("Recommendation", "Operate within eight weeks.", "Then follow the pressure."),
        *("Agreement and dissent", "Agree: 1. Dissent: 1. Not voted: 1."),
        *("Bram de Vries Agrees –", "Chiara Rossi Dissents The pressure is borderline.", "Dóra Kovács Has not voted –"),
        *("Evidence", "Two retrospective series.", "Follow-up", "Ask again at three months."),
        *("Signature", "Anna Jensen (@lead:example.org)", "5 March 2026, 13:07 UTC", "DEVICE1"),
        *(outcome.signature.digest, "Monitoring", "counts in the monitoring", "For discussion; the treating clinician"),
    )


def test_an_outcome_speaks_danish() -> None:
    assert_in_order(
        joined(render(signed(), "da")),
        "Konklusion i sagen Quiet Heron",
        *("Netværk ERN CRANIO", "Spørgsmål", "Anna Jensen (leder)", "Mest sandsynlige diagnose ORPHA:2343"),
        *("Anbefalet næste skridt Operation", "Luftveje, Forhøjet intrakranielt tryk", "Anbefaling"),
        *("Uenig The pressure is borderline.", "Underskrevet den 5. marts 2026 kl. 13.07 UTC", "tæller med"),
        "Til drøftelse; den behandlende læge beslutter.",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_outcome_is_an_accessible_pdf(language: str) -> None:
    pdf = render(signed(), language)
    document = reader(pdf)
    root: Any = document.trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert document.metadata is not None
    assert document.metadata.title == catalogue(language).text("document-outcome-title", nickname="Quiet Heron")
    assert b'pdfuaid:part="1"' in (xmp := root["/Metadata"].get_data()) or b"<pdfuaid:part>1<" in xmp
    found = tags(pdf)
    for tag, count in {"/Title": 1, "/H1": 9, "/H2": 2, "/Table": 4, "/L": 2}.items():
        assert found.count(tag) == count, tag
    assert found.count("/TH") == 3 + 2 + 2 + 3
    for page in document.pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            descriptor = descendant.get_object()["/FontDescriptor"].get_object()
            assert descriptor.keys() & {"/FontFile", "/FontFile2", "/FontFile3"}, "a font is not embedded"


def test_every_page_has_the_disclaimer_and_its_number() -> None:
    outcome = drafted().write(Section.EVIDENCE, "A series of cases. " * 500)
    found = pages(render(outcome))
    assert len(found) >= 3
    for number, page in enumerate(found, start=1):
        assert "For discussion; the treating clinician decides." in page
        assert f"{number} / {len(found)}" in page


def test_a_draft_says_so() -> None:
    text = joined(render(drafted()))
    assert_in_order(text, "Draft, version 4: not signed.", "Signature", "Draft, version 4: not signed.")
    assert "Signed by" not in text


def test_an_almost_empty_outcome_says_what_is_missing() -> None:
    outcome = Outcome("Why?", ("@lead:example.org",), ())
    assert_in_order(
        joined(render(outcome)),
        *("No opinion was given.", "Recommendation Nothing was written.", "There was nobody to vote."),
        *("Evidence Nothing was written.", "Follow-up Nothing was written."),
        "This case has 0 opinions and does not count in the monitoring of the network, which asks for 2.",
    )


def test_one_opinion_does_not_count_in_monitoring() -> None:
    outcome = replace(signed(), opinions=(opinion("@bram:example.org", FULL),))
    assert_in_order(joined(render(outcome)), "This case has 1 opinion and does not count in the monitoring")
    assert_in_order(joined(render(outcome, "da")), "Sagen har 1 vurdering og tæller ikke med")


def test_people_and_forms_that_are_gone_are_shown_by_their_ids() -> None:
    gone = "@gone:example.org"
    outcome = replace(drafted(), panel=("@lead:example.org", gone), opinions=(opinion(gone, FULL),))
    text = joined(render(outcome, forms={}))
    assert_in_order(text, f"{gone} no longer listed –", "Opinions", gone, "cranio-opinion, form version 1")
    assert_in_order(text, "diagnosis ORPHA:2343", "recommendation surgery", "concerns airway, pressure")
    assert_in_order(text, f"{gone} Has not voted", "Bram de Vries Agrees", "Chiara Rossi Dissents")


HOSTILE = [
    '#import "@preview/x:1.0.0": *',
    '#read("/etc/passwd") #sys.inputs #panic("x")',
    "$ a^2 + b_1 $ and \\u{41} \\ \\\\ \\n",
    "'single' \"double\" `raw` ```typ #1``` *bold* _italic_ = Heading",
    "- list\n+ numbered\n/ term: text\n= heading\n// comment /* comment */",
    "<label> @reference https://example.org ~ -- --- ... [x] {y} ; ) ] }",
    '", "title": "forged", "x": "',
    "</script> & &amp; %PDF-1.7 endobj (x) Tj",
    "{ $field } { -term }",
    "Verylongword" * 20,
    "first line\nsecond line\n\nnew paragraph\r\nlast line",
    "Größe ½ µg/mL ≥ 3 → ελληνικά Кириллица ✓ “quoted” – —",
    "fi ffi fl ffl office affluent",
    "",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_words_come_out_verbatim_everywhere(words: str) -> None:
    outcome = replace(
        signed(),
        question=words,
        recommendation=words,
        evidence=words,
        follow_up=words,
        votes=(replace(drafted().votes[1], reason=words),),
        opinions=(replace(opinion("@bram:example.org", FULL), answers={"remarks": words}),),
    )
    text = joined(render(outcome))
    expected = re.sub(r"\s", "", words)
    assert text.count(expected) >= 6 if expected else "forged" not in text


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_come_out_verbatim(words: str) -> None:
    line = words.replace("\r\n", " ").replace("\n", " ") or "x"
    people = tuple(replace(person, name=line) for person in NETWORK.people)
    network = replace(NETWORK, name=line, people=people)
    pdf = render(signed(), network=network, nickname=line, case_id=line)
    assert joined(pdf).count(re.sub(r"\s", "", line)) >= 10
    metadata = reader(pdf).metadata
    assert metadata is not None
    assert metadata.title == f"Outcome of case {line}"


@pytest.mark.parametrize(("words", "letters"), [("שלום עולם", "שלוםעולם"), ("مرحبا بالعالم", "مرحبابالعالم")])
def test_right_to_left_words_keep_their_letters(words: str, letters: str) -> None:
    text = joined(render(drafted().write(Section.EVIDENCE, words)))
    evidence = unicodedata.normalize("NFKC", text[text.index("Evidence") : text.index("Follow-up")])
    assert sorted(evidence.removeprefix("Evidence")) == sorted(letters)


def test_characters_without_a_glyph_are_named() -> None:
    text = joined(render(drafted().write(Section.EVIDENCE, "ok 👍\ufe0f 😀 \ufdd0 end")))
    evidence = text[text.index("Evidence") : text.index("Follow-up")].replace("\ufe0f", "")
    assert re.fullmatch(r"Evidenceok(👍|\[THUMBSUPSIGN\])(😀|\[GRINNINGFACE\])\[U\+FDD0\]end", evidence)


def test_right_to_left_lines_of_characters_without_a_glyph_give_a_pdf() -> None:
    samaritan = " ".join(chr(code) for code in range(0x800, 0x830))
    assert "SAMARITANLETTERALAF" in joined(render(drafted().write(Section.EVIDENCE, samaritan)))


def test_a_failing_layout_engine_is_an_ordinary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(*_: object, **__: object) -> bytes:
        raise PanicException("words of the case")

    monkeypatch.setattr("typst.compile", panic)
    with pytest.raises(RuntimeError, match="the layout engine failed"):
        render(drafted())


def test_misleading_characters_are_seen() -> None:
    assert "a\ufffd1.5mg\ufffdb" in joined(render(drafted().write(Section.EVIDENCE, "a\u202e1.5 mg\u202c b")))
    assert "x\ufffdy\ufffdz" in joined(render(drafted().write(Section.EVIDENCE, "x\x00y\ud800z")))


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1))
def test_any_text_gives_a_pdf(words: str) -> None:
    pdf = render(replace(drafted(), evidence=words))
    shown = re.sub(r"\s", "", harmless(words))
    if shown.isascii():
        assert shown in joined(pdf)


def test_the_same_outcome_gives_the_same_bytes() -> None:
    assert render(signed()) == render(signed())
    assert render(drafted(), "da") == render(drafted(), "da")
    assert render(signed()) != render(signed(), "da")


async def test_a_process_of_its_own_prints_the_same() -> None:
    arguments: dict[str, Any] = {
        "case_id": "K7Q2",
        "nickname": "Quiet Heron",
        "network": NETWORK,
        "forms": FORMS,
        "text": catalogue("da").text,
        "language": "da",
    }
    page = outcome_pdf.content(drafted(), **arguments)
    assert await press_apart(page) == outcome_pdf.render(drafted(), **arguments)


async def test_a_press_that_fails_says_nothing_of_the_content() -> None:
    with pytest.raises(RuntimeError, match=r"^the press failed$"):
        await press_apart(Page(TEMPLATE, {"question": "distinctive"}, 0))
