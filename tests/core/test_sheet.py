"""A template comes back as it went out, however it was treated on its way; what cannot be placed is handed back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.form import Field, Form, Option, Repeats
from ernbot.core.sheet import Line, looks_filled, read, written

FORM = Form(
    "opinion",
    "1",
    {"en": "Opinion"},
    (
        Field(
            "diagnosis",
            "code",
            {"en": "Most likely diagnosis", "da": "Mest sandsynlige diagnose"},
            systems=("ORPHA",),
            repeats=Repeats(1, 3),
        ),
        Field(
            "step",
            "choice",
            {"en": "Next step", "da": "Næste skridt"},
            options=(Option("surgery", {"en": "Surgery"}), Option("watch", {"en": "Watch"})),
        ),
        Field(
            "confidence",
            "scale",
            {"en": "Confidence, from 1 (low) to 5 (high)", "da": "Sikkerhed, fra 1 (lav) til 5 (høj)"},
            minimum=Decimal(1),
            maximum=Decimal(5),
        ),
        Field("size", "quantity", {"en": "Size: in mm"}, required=False, unit="mm"),
        Field("remarks", "text", {"en": "Remarks", "da": "Bemærkninger"}, required=False),
        Field("reasons", "text", {"en": "Reasons", "da": "Begrundelse"}, required=False),
    ),
)
HINTS = {"diagnosis": "ORPHA:…", "step": "surgery, watch", "confidence": "1–5"}


def template(language: str = "en", **values: str) -> str:
    lines = [
        Line(f.id, f.labels.get(language, f.labels["en"]), HINTS.get(f.id, ""), values.get(f.id, ""), f.required)
        for f in FORM.fields
    ]
    return written("Fill this in.\nSend it as a reply.", lines)


def test_a_template_is_one_line_for_each_question() -> None:
    assert template(step="watch") == (
        "# Fill this in.\n"
        "# Send it as a reply.\n"
        "[diagnosis] Most likely diagnosis* (ORPHA:…):\n"
        "[step] Next step* (surgery, watch): watch\n"
        "[confidence] Confidence, from 1 (low) to 5 (high)* (1–5):\n"
        "[size] Size: in mm:\n"
        "[remarks] Remarks:\n"
        "[reasons] Reasons:"
    )


GIVEN = {"diagnosis": "ORPHA:2343", "step": "watch", "confidence": "4", "remarks": "Too early.\n\nSee the MRI."}
FILLED = template(**GIVEN)


@pytest.mark.parametrize(
    ("treated", "what"),
    [
        (FILLED, "as it was"),
        (template("da", **GIVEN), "in Danish"),
        ("\n".join(f"> {line}" for line in FILLED.split("\n")), "quoted"),
        ("\n".join(f">> {line}" for line in FILLED.split("\n")), "quoted twice"),
        ("> <@bot:example.org> " + template().replace("\n", "\n> ") + "\n\n" + FILLED, "under its own quote"),
        (FILLED.replace("[", "- ["), "as a list"),
        (FILLED.replace("[", "• ["), "as bullets"),
        (FILLED.replace("[", "\u200e[").replace(": ", ":\u00a0"), "with marks of direction and hard spaces"),
        (FILLED.replace("watch\n", "“watch”\n"), "in curly quotes"),
        (FILLED.replace(": ", "： "), "with colons of another script"),
        (FILLED.replace("Next step", "Nächster Schritt"), "with labels translated by hand"),
        (FILLED.replace(" Next step* (surgery, watch)", ""), "with labels taken out"),
        (FILLED.replace("[step]", "[ STEP ]"), "with another spelling of an id"),
        (FILLED.replace("(surgery, watch): watch", "(surgery, watch):\nwatch"), "with an answer on its own line"),
        ("\n".join(reversed(FILLED.split("\n")[2:6])) + "\n" + "\n".join(FILLED.split("\n")[6:]), "in another order"),
        (
            f"diagnosis: {GIVEN['diagnosis']}\nstep = watch\nconfidence:4\nremarks: {GIVEN['remarks']}",
            "without brackets",
        ),
        (
            f"Mest sandsynlige diagnose: {GIVEN['diagnosis']}\nNÆSTE SKRIDT: watch\n"
            f"Sikkerhed, fra 1 (lav) til 5 (høj): 4\nBemærkninger: {GIVEN['remarks']}",
            "by its labels alone",
        ),
    ],
    ids=lambda value: value if len(value) < 50 else "",
)
def test_a_template_is_read_however_it_was_treated(treated: str, what: str) -> None:
    reading = read(treated, FORM)
    assert reading.texts == GIVEN, what
    assert looks_filled(treated, FORM)


def test_half_of_it_may_be_missing() -> None:
    assert read("[step] : watch", FORM).texts == {"step": "watch"}
    assert read(template(), FORM).texts == {}


def test_several_answers_stand_under_one_another() -> None:
    several = "[diagnosis] x: ORPHA:1\n- ORPHA:2\n[step]: watch\n[diagnosis]: ORPHA:3"
    assert read(several, FORM).texts == {"diagnosis": "ORPHA:1\nORPHA:2\nORPHA:3", "step": "watch"}


def test_what_belongs_to_no_question_is_handed_back() -> None:
    reading = read("Dear bot,\nhere it is:\n[step]: watch\nor maybe not\n[colour]: red\n[size]: 4 mm\nroughly", FORM)
    assert reading.texts == {"step": "watch", "size": "4 mm"}
    assert reading.unplaced == ("Dear bot,", "here it is:", "or maybe not", "[colour]: red", "roughly")


def test_a_long_text_may_look_like_anything() -> None:
    text = "First: wait.\n- step: one\n# 1 is the airway\n> quoted\n[confidence] is not meant\n\\backslash\n😀 שלום"
    assert read(template(remarks=text), FORM).texts == {"remarks": text}


def test_fifty_pages_are_read_at_once() -> None:
    pages = "\n".join(["A line of a long letter, with a colon: and more."] * 1200)
    assert len(pages) > 55_000
    assert read(template(remarks=pages), FORM).texts == {"remarks": pages}
    assert len(read(pages, FORM).unplaced) == 1200
    for hostile in ("(" * 60_000, "[" * 60_000, "> " * 30_000, "[step] " + "(" * 60_000, "[step] " + "()" * 30_000):
        read(hostile, FORM)
        looks_filled(hostile, FORM)


def test_talk_is_no_template() -> None:
    for talk in ("I think: wait.", "[sic] he said", "step: by step", "", "confidence is all", "[x] done: yes"):
        assert not looks_filled(talk, FORM)


LONG = st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Zl", "Zp"]) | st.sampled_from("\n:#>[]\\-*=")).map(
    lambda text: text.translate(str.maketrans("\u00a0\u202f", "  ", "\u200b\u200e\u200f\u2060\u061c\ufeff")).strip()
)
SHORT = st.text("abcxyzæøåשλ0123456789.,;%:()[]=* ", max_size=30).map(lambda text: " ".join(text.split()))


@given(
    st.fixed_dictionaries({}, optional={"remarks": LONG, "reasons": LONG, "size": SHORT, "step": SHORT}),
    st.sampled_from(["en", "da"]),
)
def test_whatever_is_filled_in_comes_back(values: dict[str, str], language: str) -> None:
    said = {field_id: text for field_id, text in values.items() if text}
    reading = read(template(language, **said), FORM)
    assert reading.texts == said
    assert reading.unplaced == ()


@given(st.text())
def test_any_text_is_read_and_no_line_is_lost(text: str) -> None:
    reading = read(text, FORM)
    kept = " ".join([*reading.texts.values(), *reading.unplaced])
    for line in text.split("\n"):
        words = line.split()
        if words and words[-1].isalnum() and not line.lstrip().startswith("#"):
            assert words[-1] in kept
