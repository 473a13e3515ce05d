"""Replies come out readable in both forms, and nobody's words are read as markup."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ernbot.locales
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Fact, Heading, Item, Labels, Line, Part, Quote, Reply, Symbol, Text, Value, say
from ernbot.core.characters import harmless, right_to_left
from ernbot.core.consent import Purpose
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.locales import catalogue
from ernbot.matrix.render import Rendered, _html_markup, _plain_markup, render

ALLOWED_TAGS = {"p", "h4", "ul", "li", "blockquote", "br", "strong", "code"}
KEY = "refused-expert-no-patients"  # { $user } ({ $centre }) does not see patients ...
MARKED = "refused-answer-choice"  # **{ $field }** takes one of: { $options }.

HOSTILE = [
    "<script>alert(1)</script>",
    "<a href='https://matrix.to/#/@eve:example.org'>Eve</a>",
    "</p></blockquote><h1>Signed</h1>",
    "**strong** `code` __x__ [link](https://example.org)",
    "{ $user } { -term } {DATETIME($x)}",
    "\ue0000\ue001",
    "\ue00099\ue001",
    "&lt;b&gt; &amp; &",
    '" onmouseover="x',
    "`",
    "**",
    "a\u202e1.5 mg\u202c b",
    "null\x00 bell\x07 escape\x1b[31m",
    "one\r\ntwo\rthree\u2028four\x85five",
    "\ud800 lone",
    "مرحبا بالعالم",
    "שלום (1)",
    "👩‍⚕️ 😀",
    "@room",
    "",
    " ",
]


class Reader(HTMLParser):
    """What a client sees: the tags in their order and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        assert tag in ALLOWED_TAGS
        self.tags.append(tag)
        if tag == "br":
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")


def shown(words: str) -> str:
    """The words as they must be seen within a sentence."""
    text = harmless(words).replace("\n", " ")
    return f"\u2068{text}\u2069" if right_to_left(text) else text


def document(words: str) -> Reply:
    """Every place of a reply in which somebody's words can stand."""
    labels = Labels({"en": words or "x"})
    return Reply(
        (
            Heading(KEY, {"user": words, "centre": words}),
            Text(MARKED, {"field": words, "options": words}),
            Quote(words),
            Fact(labels, words),
            Fact(Text(KEY, {"user": words, "centre": labels}), Text(KEY, {"user": words, "centre": words})),
            Item(Text(KEY, {"user": words, "centre": words}), code=words),
            Item(Quote(words)),
        )
    )


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("language", ["en", "da"])
def test_hostile_words_stay_words(words: str, language: str) -> None:
    check(words, language)


@given(st.text())
def test_no_words_become_markup(words: str) -> None:
    check(words, "en")


@given(
    st.lists(st.sampled_from(["<", ">", "&", "`", "**", "{", "}", "$", "\ue000", "\ue001", "0", "\n", "a", "\u202e"]))
)
def test_no_combination_of_markup_becomes_markup(pieces: list[str]) -> None:
    check("".join(pieces), "en")


def check(words: str, language: str) -> None:
    one_line = words.replace("\n", " ")
    innocent = Reader(render(document("x"), language).formatted_body)
    rendered = render(document(one_line), language)
    reader = Reader(rendered.formatted_body)
    breaks = harmless(one_line).count("\n")
    assert [tag for tag in reader.tags if tag != "br"] == [tag for tag in innocent.tags if tag != "br"]
    if not breaks:
        assert reader.tags == innocent.tags
    assert reader.text.count(shown(one_line)) >= 10
    assert rendered.body.count(shown(one_line)) >= 10
    rendered.formatted_body.encode()
    rendered.body.encode()
    for text in (rendered.body, reader.text):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ue000-\uf8ff]", text)


@given(st.text())
def test_the_body_has_no_line_that_somebody_made_up(words: str) -> None:
    body = render(Reply((Text(KEY, {"user": words, "centre": words}), Quote(words))), "en").body
    sentence, *quote = body.split("\n")
    assert sentence.endswith("cannot be invited to a case.")
    assert quote[0] == ""
    assert all(line.startswith(">") for line in quote[1:])


def test_a_reply_reads_well_in_plain_text_and_html() -> None:
    reply = Reply(
        (
            Heading("document-question"),
            Quote("Which operation?\n\nAnd when?"),
            Fact(Text("document-network"), "ERN CRANIO"),
            Fact(Labels({"en": "Confidence", "da": "Sikkerhed"}), 4),
            Fact(Labels({"en": "Remark"}), "one\ntwo"),
            Text("refused-consent-needed"),
            Item(Text("document-panel"), code="!panel"),
            Item(Quote("of <ours>")),
            Text(MARKED, {"field": "confidence", "options": "a, b"}),
        )
    )
    assert render(reply, "en") == Rendered(
        body=(
            "Question\n\n"
            "> Which operation?\n>\n> And when?\n\n"
            "Network: ERN CRANIO\nConfidence: 4\nRemark: one\n  two\n\n"
            "This needs the patient’s consent to care first. Record it with `!consent give`.\n\n"
            "- `!panel` Panel\n- of <ours>\n\n"
            "confidence takes one of: a, b."
        ),
        formatted_body=(
            "<h4>Question</h4>"
            "<blockquote>Which operation?<br><br>And when?</blockquote>"
            "<p><strong>Network:</strong> ERN CRANIO<br><strong>Confidence:</strong> 4<br>"
            "<strong>Remark:</strong> one<br>two</p>"
            "<p>This needs the patient’s consent to care first. Record it with <code>!consent give</code>.</p>"
            "<ul><li><code>!panel</code> Panel</li><li>of &lt;ours&gt;</li></ul>"
            "<p><strong>confidence</strong> takes one of: a, b.</p>"
        ),
    )


@pytest.mark.parametrize(
    ("value", "english", "danish"),
    [
        (12_000, "12,000", "12.000"),
        (date(2026, 3, 5), "5 March 2026", "5. marts 2026"),
        (datetime(2026, 3, 5, 13, 7, tzinfo=UTC), "5 March 2026, 13:07 UTC", "5. marts 2026 kl. 13.07 UTC"),
        (Labels({"en": "Cleft", "da": "Spalte"}), "Cleft", "Spalte"),
        (Labels({"de": "Spalte"}), "Spalte", "Spalte"),
        (Symbol("purpose", "care"), "care", "behandling"),
        ("12000", "12000", "12000"),
    ],
)
def test_values_follow_the_reader(value: Value, english: str, danish: str) -> None:
    for language, expected in (("en", english), ("da", danish)):
        assert render(Reply((Fact(Labels({"en": "L"}), value),)), language).body == f"L: {expected}"
        reply = say(KEY, user=value, centre="C")
        assert render(reply, language).body.startswith(f"{expected} (C)")


def test_code_may_hold_a_value_and_strong_may_hold_code() -> None:
    assert _html_markup("**a `b`** \ue0000\ue001 `c`") == (
        "<strong>a <code>b</code></strong> \ue0000\ue001 <code>c</code>"
    )
    assert _plain_markup("**a `b`** `c`") == "a `b` `c`"


def test_what_a_sentence_lacks_is_an_error_and_never_a_hole() -> None:
    empty: tuple[Part, ...] = (Text("no-such-sentence"), Text(KEY), Fact(Labels({"en": "L"}), Symbol("no", "word")))
    for part in empty:
        with pytest.raises(KeyError):
            render(Reply((part,)), "da")


def test_an_unknown_language_is_english() -> None:
    assert render(say("document-panel"), "xx") == render(say("document-panel"), "en")


def test_an_empty_reply_is_empty() -> None:
    assert render(Reply(()), "en") == Rendered("", "")


def test_catalogues_hold_no_private_use_characters() -> None:
    for path in Path(ernbot.locales.__file__).parent.glob("*/*.ftl"):
        assert not re.search("[\ue000-\uf8ff]", path.read_text(encoding="utf-8"))


def test_a_refusal_is_its_sentence_with_our_words_translated() -> None:
    error = Refused("wrong-state", state="draft", action=Action.GIVE_OPINION)
    assert render(refusal(error), "en").body == (
        "You cannot give an opinion now. State of the case: waiting for consent."
    )
    assert render(refusal(error), "da").body == (
        "Du kan ikke afgive en vurdering nu. Sagens status: afventer samtykke."
    )


def test_a_word_of_a_refusal_chooses_its_sentence() -> None:
    said = [refusal(Refused("file-slide-part", maker=maker)) for maker in ("MIRAX", "VMS", "<b>")]
    bodies = [render(reply, "en").body for reply in said]
    assert [".mrxs" in body for body in bodies] == [True, False, False]
    unsupported = refusal(Refused("file-unsupported", syntax="TIFF"))
    assert "this slide" in render(unsupported, "en").body
    assert "helglasskanning" in render(unsupported, "da").body


def test_a_refusal_takes_any_field() -> None:
    fields = {"maximum": 3, "purpose": Purpose.CARE, "signed": date(2026, 1, 2), "path": Path("a/b"), "flag": True}
    (part,) = refusal(BadInput("some-code", **fields)).parts
    assert part == Text(
        "refused-some-code",
        {
            "maximum": 3,
            "purpose": Symbol("purpose", "care"),
            "signed": date(2026, 1, 2),
            "path": "a/b",
            "flag": "True",
        },
    )


def test_every_word_of_ours_has_a_name_in_the_catalogue() -> None:
    for action in Action:
        assert catalogue("en").text(f"action-{action}")
    for purpose in Purpose:
        assert catalogue("en").text(f"purpose-{purpose}")


def test_a_line_leads_to_its_room_and_to_nothing_else() -> None:
    name = Text("cases-name", {"nickname": "Amber <b>Heron</b>"})
    line = Item(Line((name, Text("cases-state", {"state": Symbol("state", "open")}))), room='!a"b:hospital.example')
    rendered = render(Reply((line,)), "en")
    address = "https://matrix.to/#/%21a%22b%3Ahospital.example"
    assert rendered.body == f"- Amber <b>Heron</b> · open {address}"
    linked = f'<a href="{address}"><strong>Amber &lt;b&gt;Heron&lt;/b&gt;</strong></a>'
    assert rendered.formatted_body == f"<ul><li>{linked} · open</li></ul>"


def test_a_sentence_that_is_said_again_has_its_own_words() -> None:
    def said(nickname: str) -> str:
        return render(Reply((Text("cases-name", {"nickname": nickname}),)), "en").body

    assert [said("Amber Heron 1"), said("Jade Crane 2")] == ["Amber Heron 1", "Jade Crane 2"]
