"""The outcome as a PDF: complete, in order, accessible, and verbatim whatever people wrote."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import page
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernbot.core.characters import harmless
from ernbot.core.outcome import Outcome, Section
from ernbot.core.recommendation import Recommendation
from ernbot.documents import outcome_pdf
from ernbot.documents.outcome_pdf import TEMPLATE
from ernbot.documents.press import Page, press_apart
from ernbot.documents.seal import open_seal, seal
from ernbot.locales import LANGUAGES, catalogue
from tests.documents.samples import (
    ANNA,
    BRAM,
    CHIARA,
    FULL,
    NETWORK,
    dossier,
    drafted,
    empty,
    opinion,
    sign,
    signed,
)

WORDS = {"at": "2026-03-05T13:07:00Z", "by": "@ernbot:example.org"}


def render(outcome: Outcome, language: str = "en", **changed: Any) -> bytes:
    return outcome_pdf.render(dossier(outcome, language, **changed))


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


def complaints(pdf: bytes) -> list[str]:
    """What the validator `page` finds against PDF/UA-1 and PDF/A-3a; it passes the test files of veraPDF."""
    reports = [page.validate_pdf_bytes(pdf, profile=profile) for profile in ("ua1", "3a")]
    assert all(report.rules.total > 100 for report in reports)
    return [f"{failure.rule_id}: {failure.message}" for report in reports for failure in report.failures]


def test_an_outcome_says_everything_in_order() -> None:
    outcome = sign(drafted(), ANNA, BRAM)
    assert_in_order(
        joined(render(outcome)),
        *("Outcome of case Quiet Heron", "For discussion; the treating clinician decides."),
        "Network: ERN CRANIO · Nickname: Quiet Heron · Case: K7Q2",
        *("Question", "Operate now or wait?", "A boy of seven months with a closed sagittal suture."),
        *("Recommendations", "1. Strong recommendation: Operate within eight weeks.", "Then follow the pressure."),
        "Certainty of the evidence: low · Sees to it: Anna Jensen · By: 1 May 2026",
        "Wish of patient or family: The parents want one operation only.",
        *("2. Conditional recommendation against: Spring distraction.", "Certainty of the evidence: expert opinion"),
        *("Agreement and dissent", "Agree (1) Bram de Vries", "Dissent (1) Chiara Rossi", "Not voted (1) Dóra Kovács"),
        "Chiara Rossi dissents from recommendation 1: The pressure is borderline.",
        *("Alternatives", "Helmet therapy.", "Evidence", "Two retrospective series."),
        *("Clinical trials", "None recruits at this age.", "Open questions", "Is the pressure raised in sleep?"),
        *("Follow-up", "Ask again at three months."),
        *("Panel", "Name Centre Country", "Anna Jensen (lead) Rigshospitalet DK", "Dóra Kovács Erasmus MC NL"),
        "counts in the monitoring",
        *("Opinions", "Question of the form Bram de Vries Chiara Rossi", "Most likely diagnosis ORPHA:2343 ORPHA:2343"),
        *("Recommended next step Surgery Watchful waiting", "Best age for surgery, in months 9 mo 9 mo"),
        "Given Version 2, 5 March 2026. Version 1, 5 March 2026.",
        *("Signatures", "Anna Jensen 5 March 2026, 13:07 UTC DEVICE1", "Bram de Vries 5 March 2026"),
        *(outcome.digest(), "ernbot outcome verify"),
    )


def test_an_outcome_speaks_danish() -> None:
    assert_in_order(
        joined(render(signed(), "da")),
        *("Konklusion i sagen Quiet Heron", "Til drøftelse; den behandlende læge beslutter."),
        *("Netværk: ERN CRANIO", "Spørgsmål", "Stærk anbefaling:", "Ansvarlig: Anna Jensen · Senest: 1. maj 2026"),
        *("Betinget anbefaling imod: Spring distraction.", "Enige (1) Bram de Vries"),
        *("Chiara Rossi er uenig i anbefaling 1: The pressure is borderline.", "Anna Jensen (leder)", "tæller med"),
        *("Mest sandsynlige diagnose ORPHA:2343", "Anbefalet næste skridt Operation Observation"),
        *("Luftveje, Forhøjet intrakranielt tryk", "5. marts 2026 kl. 13.07 UTC"),
    )


def test_a_common_outcome_fits_one_page() -> None:
    for language in LANGUAGES:
        assert len(pages(render(sign(drafted(), ANNA, BRAM, CHIARA), language))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_outcome_is_an_accessible_pdf(language: str) -> None:
    pdf = render(signed(), language)
    assert complaints(pdf) == []
    document = reader(pdf)
    root: Any = document.trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert document.metadata is not None
    assert document.metadata.title == catalogue(language).text("document-outcome-title", nickname="Quiet Heron")
    assert b'pdfuaid:part="1"' in (xmp := root["/Metadata"].get_data()) or b"<pdfuaid:part>1<" in xmp
    found = tags(pdf)
    for tag, count in {"/Title": 1, "/H1": 11, "/Table": 3, "/L": 4, "/LI": 2 + 3 + 1 + 1}.items():
        assert found.count(tag) == count, tag
    assert found.count("/TH") == 3 + 3 + 3
    for each in document.pages:
        resources: Any = each["/Resources"]
        for font in resources["/Font"].values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            descriptor = descendant.get_object()["/FontDescriptor"].get_object()
            assert descriptor.keys() & {"/FontFile", "/FontFile2", "/FontFile3"}, "a font is not embedded"


@pytest.mark.parametrize("outcome", [empty(), drafted(), signed(anonymous=True)], ids=["empty", "draft", "anonymous"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_is_accessible(outcome: Outcome, language: str) -> None:
    assert complaints(render(outcome, language)) == []


def test_the_validator_finds_what_is_wrong() -> None:
    broken = render(signed()).replace(b"/Marked true", b"/Marked null")
    assert complaints(broken)


@pytest.mark.parametrize("program", [("pdfinfo", "-struct-text"), ("qpdf", "--check")], ids=["poppler", "qpdf"])
def test_other_programs_read_the_structure(program: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "outcome.pdf"
    path.write_bytes(seal(render(signed()), WORDS))
    command = shutil.which(program[0])
    assert command is not None, f"{program[0]} is missing: run `sh tests/prepare.sh`"
    done = subprocess.run([command, *program[1:], str(path)], capture_output=True, text=True, check=True)
    if program[0] == "pdfinfo":
        assert_in_order(
            re.sub(r"\s", "", done.stdout),
            *('H1"Recommendations"', "L(block)", "LI(block)", "StrongrecommendationOperate".removesuffix("Operate")),
            *('H1"Panel"', "Table", "TR", "TH", "/Scope/Column", "AnnaJensen"),
        )


def test_the_signed_record_is_inside() -> None:
    outcome = signed()
    attached = reader(render(outcome)).attachments
    assert list(attached) == ["outcome.json"]
    assert json.loads(attached["outcome.json"][0]) == outcome.document()
    assert reader(render(drafted())).attachments == {}
    root: Any = reader(render(outcome)).trailer["/Root"]
    _, specification = root["/Names"]["/EmbeddedFiles"]["/Names"]
    assert specification.get_object()["/AFRelationship"] == "/Data"


def test_a_seal_leaves_the_pdf_accessible_and_comes_out_again() -> None:
    pdf = render(signed())
    sealed = seal(pdf, WORDS)
    assert complaints(sealed) == []
    assert joined(sealed) == joined(pdf)
    assert open_seal(sealed).content == pdf
    assert open_seal(sealed).words == WORDS


def test_where_dissent_is_anonymous_no_voter_is_named() -> None:
    for outcome in (drafted(anonymous=True).ask((ANNA,)), signed(anonymous=True)):
        pdf = render(outcome)
        text = joined(pdf)
        assert_in_order(
            text,
            *("The panel decided that dissent bears no names.", "Agree 1", "Dissent 1", "Not voted 1"),
            "A member of the panel dissents from recommendation 1: The pressure is borderline.",
        )
        said = text[text.index("Agreementanddissent") : text.index("Alternatives")]
        assert not any(person.name.replace(" ", "") in said for person in NETWORK.people)


def test_where_dissent_is_anonymous_a_draft_counts_votes_and_tells_none() -> None:
    text = joined(render(drafted(anonymous=True)))
    said = text[text.index("Agreementanddissent") : text.index("Alternatives")]
    assert_in_order(said, "The panel decided that dissent bears no names.", "Votes given 2", "Not voted 1")
    assert not any(word in said for word in ("Dissent1", "dissentsfrom", "borderline"))


def test_a_text_that_waits_for_signatures_is_a_draft() -> None:
    asked = drafted().ask((ANNA, BRAM))
    half = asked.sign(replace(sign(drafted(), ANNA).signatures[0], digest=asked.digest()))
    assert_in_order(
        joined(render(half)),
        "Draft, version",
        "not signed",
        "Signatures",
        "Anna Jensen",
        "Not signed yet Bram de Vries",
    )


def test_a_text_that_was_closed_without_a_signature_names_who_did_not_sign() -> None:
    asked = drafted().ask((ANNA, BRAM))
    half = asked.sign(replace(sign(drafted(), ANNA).signatures[0], digest=asked.digest()))
    text = joined(render(half.waive()))
    assert_in_order(text, "Signatures", "Anna Jensen", "Closed without Bram de Vries")
    assert "notsigned" not in text


def test_an_amendment_says_what_it_replaces() -> None:
    amended = sign(replace(drafted(), amends="ab" * 32, why="The scan was read again."))
    text = joined(render(amended))
    assert_in_order(
        text, "Takes the place of an earlier signed outcome (SHA-256 abababababababab…)", "Reason: The scan"
    )


def test_fifty_pages_of_text_are_printed_whole() -> None:
    words = "\n\n".join(f"Paragraph {number}. " + "The pressure was measured again. " * 40 for number in range(250))
    pdf = render(replace(signed(), evidence=words))
    assert complaints(pdf) == []
    printed = pages(pdf)
    assert len(printed) >= 50
    assert_in_order(
        re.sub(r"\s", "", "".join(printed)), *(f"Paragraph {number}." for number in range(250)), "Clinical trials"
    )


def test_every_page_has_the_disclaimer_and_its_number() -> None:
    outcome = drafted().write(Section.EVIDENCE, "A series of cases. " * 500)
    found = pages(render(outcome))
    assert len(found) >= 3
    for number, words in enumerate(found, start=1):
        assert "For discussion; the treating clinician decides." in words
        assert f"{number} / {len(found)}" in words


def test_a_draft_says_so() -> None:
    text = joined(render(drafted()))
    assert_in_order(text, "Draft, version 10: not signed.", "Signatures", "Draft, version 10: not signed.")
    assert "Signed by" not in text


def test_an_almost_empty_outcome_says_what_is_missing() -> None:
    outcome = Outcome("Why?", (ANNA,), ())
    assert_in_order(
        joined(render(outcome)),
        *("Recommendations", "Nothing was written."),
        "Nothing was written on: Alternatives, Evidence, Clinical trials, Open questions, Follow-up.",
        *("There was nobody to vote.", "This case has 0 opinions and does not count in the monitoring"),
        *("No opinion was given.", "Signatures", "Draft, version 1: not signed."),
    )


def test_one_opinion_does_not_count_in_monitoring() -> None:
    outcome = replace(signed(), opinions=(opinion("@bram:example.org", FULL),))
    assert_in_order(joined(render(outcome)), "This case has 1 opinion and does not count in the monitoring")
    assert_in_order(joined(render(outcome, "da")), "Sagen har 1 vurdering og tæller ikke med")


def test_people_and_forms_that_are_gone_are_shown_by_their_ids() -> None:
    gone = "@gone:example.org"
    outcome = replace(drafted(), panel=("@lead:example.org", gone), opinions=(opinion(gone, FULL),))
    text = joined(render(outcome, forms={}))
    assert_in_order(text, f"Not voted (1) {gone}", f"{gone} no longer listed –", "cranio-opinion, form version 2", gone)
    assert_in_order(text, "diagnosis ORPHA:2343", "recommendation surgery", "concerns airway, pressure")


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
        recommendations=(Recommendation(1, words),),
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
    evidence = unicodedata.normalize("NFKC", text[text.index("Evidence") : text.index("Clinicaltrials")])
    assert sorted(evidence.removeprefix("Evidence")) == sorted(letters)


def test_characters_without_a_glyph_are_named() -> None:
    text = joined(render(drafted().write(Section.EVIDENCE, "ok 👍\ufe0f 😀 \ufdd0 end")))
    evidence = text[text.index("Evidence") : text.index("Clinicaltrials")].replace("\ufe0f", "")
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


@settings(max_examples=60)
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
    made = dossier(signed(), "da")
    assert await press_apart(outcome_pdf.content(made)) == outcome_pdf.render(made)


async def test_a_press_that_fails_says_nothing_of_the_content() -> None:
    with pytest.raises(RuntimeError, match=r"^the press failed$"):
        await press_apart(Page(TEMPLATE, {"question": "distinctive"}, 0))
