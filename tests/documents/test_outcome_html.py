"""The outcome as HTML: one file, accessible, with the words of the paper; what people wrote never comes alive."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ernbot.core.outcome import Outcome
from ernbot.core.recommendation import Recommendation
from ernbot.documents import outcome_html
from ernbot.documents.seal import open_seal, seal
from ernbot.locales import LANGUAGES
from tests.documents.conftest import Validate
from tests.documents.samples import ANNA, BRAM, NETWORK, dossier, drafted, empty, opinion, sign, signed
from tests.documents.test_outcome_pdf import HOSTILE

WORDS = {"at": "2026-03-05T13:07:00Z", "by": "@ernbot:example.org"}


class Reader(HTMLParser):
    """Elements with their attributes, and the text between them as it is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.within.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "br":
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.within and self.within[-1] != "style":
            self.words.append(data)

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def render(outcome: Outcome, language: str = "en", **changed: object) -> str:
    return outcome_html.render(dossier(outcome, language, **changed)).decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Reader(html).words))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("anonymous", [False, True])
def test_it_is_valid_and_accessible(validate: Validate, language: str, anonymous: bool) -> None:
    for outcome in (empty(), drafted(anonymous=anonymous), signed(anonymous=anonymous)):
        assert validate("html", render(outcome, language)) == []


def test_the_validator_finds_what_is_wrong(validate: Validate) -> None:
    broken = render(signed()).replace('<html lang="en">', "<html>").replace(' scope="col"', ' scope="cool"')
    complaints = " ".join(validate("html", broken))
    assert "element-required-attributes" in complaints
    assert "scope" in complaints


def test_it_has_the_structure_that_a_screen_reader_needs() -> None:
    page = Reader(render(sign(drafted(), ANNA, BRAM), "da"))
    assert page.tags("html") == [{"lang": "da"}]
    assert len(page.tags("h1")) == 1
    assert len(page.tags("h2")) == len(page.tags("section")) == 11
    for section, heading in zip(page.tags("section"), page.tags("h2"), strict=True):
        assert section["aria-labelledby"] == heading["id"]
    assert {header.get("scope") for header in page.tags("th")} == {"col", "row"}
    assert [name for name, _ in page.elements if name in ("header", "main", "footer")] == ["header", "main", "footer"]


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = Reader(render(signed()))
    names = {name for name, _ in page.elements}
    assert not names & {"script", "img", "link", "iframe", "object", "form", "svg"}
    assert not any(key.startswith("on") or key == "style" for _, attributes in page.elements for key in attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", render(signed()), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [meta["content"] for meta in page.tags("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_paper_says(language: str) -> None:
    said = text(render(signed(), language))
    disclaimer = dossier(signed(), language).disclaimer
    assert said.count(disclaimer) == 2
    for words in (
        *("Quiet Heron", "K7Q2", "Operate now or wait?", "Operate within eight weeks.", "Spring distraction."),
        *("The parents want one operation only.", "The pressure is borderline.", "Helmet therapy."),
        *("None recruits at this age.", "Is the pressure raised in sleep?", "Ask again at three months.", "DEVICE1"),
        *(signed().digest(), "ORPHA:2343", "Dóra Kovács", "Rigshospitalet"),
    ):
        assert words in said, words


def test_a_recommendation_keeps_the_number_by_which_the_panel_spoke_of_it() -> None:
    outcome = drafted().drop(1)
    assert Reader(render(outcome)).tags("li")[0] == {"value": "2"}


@pytest.mark.parametrize("words", [*HOSTILE, "<script>alert(1)</script>", "a\u200bb \u202e5.1 mg", "😀 👩🏽‍⚕️"])
def test_words_of_people_stay_words(validate: Validate, words: str) -> None:
    outcome = replace(
        signed(),
        question=words or "x",
        summary=words,
        recommendations=(Recommendation(1, words or "x", preference=words),),
        votes=(replace(drafted().votes[1], reason=words or "x"),),
        opinions=(
            replace(
                opinion(BRAM, {"diagnosis": "ORPHA:1", "recommendation": "watch", "confidence": "1"}),
            ),
        ),
    )
    outcome = replace(outcome, opinions=(replace(outcome.opinions[0], answers={"remarks": words}),))
    people = tuple(replace(person, name=words or "x") for person in NETWORK.people)
    html = render(outcome, network=replace(NETWORK, name=words or "x", people=people), nickname=words or "x")
    page = Reader(html)
    assert not {name for name, _ in page.elements} & {"script", "img"}
    complaints = [each for each in validate("html", html) if "text-content" not in each and "empty" not in each]
    assert complaints == []
    expected = re.sub(r"\s", "", words).replace("\u202e", "\ufffd")
    assert re.sub(r"\s", "", "".join(page.words)).count(expected) >= 8


@pytest.mark.parametrize("words", ["שלום עולם", "مرحبا بالعالم", "1. שלום"])
def test_a_paragraph_from_the_right_says_so(words: str) -> None:
    html = render(replace(signed(), question=words))
    assert f'<p dir="rtl"><strong>{words}</strong></p>' in html


def test_the_signed_record_can_be_saved() -> None:
    (link,) = Reader(render(signed())).tags("a")
    assert link["download"] == "outcome.json"
    data = (link["href"] or "").removeprefix("data:application/json;base64,")
    assert json.loads(base64.b64decode(data)) == signed().document()
    assert Reader(render(drafted())).tags("a") == []


def test_a_seal_leaves_the_page_valid(validate: Validate) -> None:
    html = outcome_html.render(dossier(signed()))
    sealed = seal(html, WORDS)
    assert validate("html", sealed.decode()) == []
    assert open_seal(sealed).content == html


def test_where_dissent_is_anonymous_no_voter_is_named() -> None:
    html = render(signed(anonymous=True))
    said = html[html.index('id="agreement"') : html.index('id="alternatives"')]
    assert "The pressure is borderline." in said
    assert not any(person.name in said or person.user_id in said for person in NETWORK.people)


def colours(style: str) -> list[dict[str, str]]:
    """The colours of the light look, the dark one and the one for paper."""
    return [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_look_has_the_contrast_of_wcag_aa() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", render(signed()), re.DOTALL)
    looks = colours(style)
    assert len(looks) == 3
    for look in looks:
        paper = luminance(look["paper"])
        for name, least in (("ink", 7.0), ("quiet", 4.5), ("link", 4.5), ("line", 3.0)):
            lighter, darker = sorted((paper, luminance(look[name])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= least, (look, name)
