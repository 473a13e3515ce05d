"""Each kind of field takes what fits, refuses what does not, and says why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.errors import BadInput
from ernbot.core.form import MAX_TEXT, Field, Form, Kind, Option, Value, label

from .samples import FORM

OPTIONS = (
    Option("surgery", {"en": "Surgery", "da": "Operation"}),
    Option("watch", {"en": "Watchful waiting", "da": "Observation"}),
    Option("unsure", {"en": "Not sure"}),
)


def field(kind: Kind, *, unit: str | None = None, low: str | None = None, high: str | None = None) -> Field:
    return Field(
        "f",
        kind,
        {"en": "F"},
        options=OPTIONS if kind in ("choice", "choices") else (),
        minimum=Decimal(low) if low else None,
        maximum=Decimal(high) if high else None,
        unit=unit,
        systems=("ORPHA", "HP") if kind == "code" else (),
    )


SCALE = field("scale", low="1", high="5")
MILLIMETRES = field("quantity", unit="mm", low="0", high="300.5")

ACCEPTED: list[tuple[Field, str, Value]] = [
    (field("choice"), "surgery", "surgery"),
    (field("choice"), " SURGERY ", "surgery"),
    (field("choice"), "operation", "surgery"),
    (field("choice"), "Watchful waiting", "watch"),
    (field("choice"), "2", "watch"),
    (field("choices"), "surgery", ("surgery",)),
    (field("choices"), "Operation; 3,watch", ("surgery", "unsure", "watch")),
    (field("choices"), "watch, watch,,", ("watch",)),
    (SCALE, "1", 1),
    (SCALE, " 5 ", 5),
    (SCALE, "03", 3),
    (MILLIMETRES, "12.5 mm", "12.5 mm"),
    (MILLIMETRES, "12,5mm", "12.5 mm"),
    (MILLIMETRES, "0", "0 mm"),
    (MILLIMETRES, "300.5", "300.5 mm"),
    (field("quantity"), "-3", "-3"),
    (field("quantity", unit="ng/mL"), "7 ng/mL", "7 ng/mL"),
    (field("code"), "ORPHA:2343", "ORPHA:2343"),
    (field("code"), " orpha: 2343", "ORPHA:2343"),
    (field("code"), "hp:0000244", "HP:0000244"),
    (field("text"), "  two\nlines ", "two\nlines"),
    (field("text"), "x" * MAX_TEXT, "x" * MAX_TEXT),
]

REFUSED: list[tuple[Field, str]] = [
    *((field("choice"), text) for text in ("", "0", "4", "surgery,watch", "surg", "<b>surgery</b>", "２")),
    *((field("choices"), text) for text in ("", " , ;", "surgery, other", "1-2")),
    *((SCALE, text) for text in ("", "0", "6", "-1", "+3", "3.0", "3,5", "1e0", "٣", "３", "1000", "9" * 5000, "0x3")),
    *((MILLIMETRES, text) for text in ("", "mm", "300.6", "-0.1", "31 cm", "1 m m", "NaN", "Infinity", "1e2", "٣ mm")),
    *((MILLIMETRES, text) for text in ("1.2.3", "1'000", "9" * 5000, "0." + "0" * 5000 + "1", ".5", "5.", "- 5")),
    *((field("code"), text) for text in ("", "2343", "ORPHA:0", "ORPHA:02343", "ORPHA:23430000", "ORPHA:２")),
    *((field("code"), text) for text in ("HP:244", "HP:00002440", "OMIM:123456", "ORPHA:2343;HP:0000244", "ORPHA:")),
    *((field("text"), text) for text in ("", " \n\t ", "x" * (MAX_TEXT + 1))),
]


@pytest.mark.parametrize(("where", "text", "value"), ACCEPTED)
def test_what_fits_is_taken(where: Field, text: str, value: Value) -> None:
    assert where.parse(text) == value


@pytest.mark.parametrize(("where", "text"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_field(where: Field, text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        where.parse(text)
    assert refusal.value.code == f"answer-{where.kind}"
    assert refusal.value.fields["field"] == "f"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (field("choice"), {"options": "surgery, watch, unsure"}),
        (field("choices"), {"options": "surgery, watch, unsure"}),
        (SCALE, {"minimum": 1, "maximum": 5}),
        (MILLIMETRES, {"range": "0–300.5 mm"}),
        (field("quantity", low="0"), {"range": "≥ 0"}),
        (field("quantity", unit="mg", high="9"), {"range": "≤ 9 mg"}),
        (field("quantity", unit="mm"), {"range": "… mm"}),
        (field("quantity"), {"range": "…"}),
        (field("code"), {"systems": "ORPHA:…, HP:…"}),
        (field("text"), {"maximum": MAX_TEXT}),
    ],
)
def test_a_refusal_says_what_would_fit(where: Field, said: dict[str, object]) -> None:
    with pytest.raises(BadInput) as refusal:
        where.parse("")
    assert refusal.value.fields == {"field": "f", **said}


@pytest.mark.parametrize("system", ["ORPHA", "HP", "OMIM", "ICD10"])
def test_a_code_belongs_to_the_systems_of_its_field(system: str) -> None:
    codes = {"ORPHA": "ORPHA:2343", "HP": "HP:0000244", "OMIM": "OMIM:123456", "ICD10": "ICD10:Q75.0"}
    where = Field("f", "code", {"en": "F"}, systems=(system,))
    for name, code in codes.items():
        if name == system:
            assert where.parse(code) == code
        else:
            with pytest.raises(BadInput):
                where.parse(code)


@given(st.sampled_from([where for where, *_ in ACCEPTED]), st.text())
def test_any_text_is_taken_or_refused(where: Field, text: str) -> None:
    try:
        value = where.parse(text)
    except BadInput:
        return
    again = ",".join(value) if isinstance(value, tuple) else str(value)
    assert where.parse(again) == value, "a stored answer must fit again"


@given(st.dictionaries(st.text(max_size=12) | st.sampled_from(["step", "confidence", "remarks"]), st.text(max_size=30)))
def test_any_mapping_is_taken_or_refused(texts: dict[str, str]) -> None:
    try:
        answers = FORM.parse(texts)
    except BadInput:
        return
    assert {"step", "confidence"} <= answers.keys() <= {"step", "confidence", "remarks"}


def test_a_form_takes_its_fields_in_its_own_order() -> None:
    assert list(FORM.parse({"REMARKS": "r", "confidence": "4", "Step": "1"}).items()) == [
        ("step", "surgery"),
        ("confidence", 4),
        ("remarks", "r"),
    ]


def test_a_form_refuses_unknown_and_missing_fields_with_their_names() -> None:
    with pytest.raises(BadInput) as unknown:
        FORM.parse({"step": "1", "confidense": "4"})
    assert unknown.value.code == "answer-unknown"
    assert unknown.value.fields == {"field": "confidense", "fields": "step, confidence, remarks"}
    with pytest.raises(BadInput) as missing:
        FORM.parse({"remarks": "r"})
    assert missing.value.code == "answer-missing"
    assert missing.value.fields == {"field": "step, confidence"}


def test_a_form_finds_its_fields_in_any_case() -> None:
    assert FORM.field("STEP") is FORM.fields[0]
    assert FORM.field("other") is None


def test_a_label_falls_back_to_english_and_then_to_any() -> None:
    assert label({"en": "Cleft", "da": "Spalte"}, "da") == "Spalte"
    assert label({"en": "Cleft", "da": "Spalte"}, "fr") == "Cleft"
    assert label({"de": "Spalte"}, "fr") == "Spalte"


def test_a_form_is_of_its_fields() -> None:
    assert Form("f", "1", {}, ()).parse({}) == {}
