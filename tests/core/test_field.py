"""The newer kinds of answers: units that convert, dates, certainty, repeats, and what does not fit of each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.codes import CODE_SYSTEMS, normal
from ernbot.core.errors import BadInput
from ernbot.core.field import Answer, Field, Option, Repeats
from ernbot.core.units import UNITS, convert, relatives, unit

TODAY = date(2026, 3, 5)
SURE = (Option("sure", {"en": "Sure", "da": "Sikker"}), Option("likely", {"en": "Likely", "da": "Sandsynlig"}))
AGE = Field("age", "quantity", {"en": "Age"}, unit="mo", minimum=Decimal(0), maximum=Decimal(1200))
TRYPTASE = Field("tryptase", "quantity", {"en": "Tryptase"}, unit="ng/mL", minimum=Decimal(0))
FEVER = Field("fever", "quantity", {"en": "Fever"}, unit="Cel")
CODE = Field("code", "code", {"en": "Code"}, systems=("ORPHA", "HGVS"), certainties=SURE)
SEVERAL = Field("code", "code", {"en": "Code"}, systems=("ORPHA",), certainties=SURE, repeats=Repeats(1, 3))
SIZES = Field("size", "quantity", {"en": "Size"}, unit="mm", repeats=Repeats(2, 2))
STEP = Field("step", "choice", {"en": "Step"}, options=(Option("wait (long)", {"en": "Wait"}),), certainties=SURE)
DAY = Field("day", "date", {"en": "Day"})
PART = Field("day", "date", {"en": "Day"}, partial=True, future=True)


@pytest.mark.parametrize(
    ("field", "text", "answer"),
    [
        (AGE, "9 months", Answer("9 mo")),
        (AGE, "9 MDR", Answer("9 mo")),
        (AGE, "1,5 years", Answer("18 mo")),
        (AGE, "8 år", Answer("96 mo")),
        (AGE, "10 weeks", Answer("2.29979 mo")),
        (TRYPTASE, "48,5 µg/L", Answer("48.5 ng/mL")),
        (TRYPTASE, "48.5 ug/L", Answer("48.5 ng/mL")),
        (TRYPTASE, "0.0485 mg/L", Answer("48.5 ng/mL")),
        (FEVER, "101.3 °F", Answer("38.5 Cel")),
        (CODE, "ORPHA:2343 (likely)", Answer("ORPHA:2343", ("likely",))),
        (CODE, "orpha:2343 Sandsynlig", Answer("ORPHA:2343", ("likely",))),
        (CODE, "ORPHA:2343 (70%)", Answer("ORPHA:2343", ("70 %",))),
        (CODE, "ORPHA:2343, 70 %", Answer("ORPHA:2343", ("70 %",))),
        (CODE, "NM_000222.3(KIT):c.2447A>T (sure)", Answer("HGVS:NM_000222.3(KIT):c.2447A>T", ("sure",))),
        (SEVERAL, "ORPHA:1; ORPHA:2 (likely), ORPHA:1", Answer(("ORPHA:1", "ORPHA:2"), ("", "likely"))),
        (SEVERAL, "ORPHA:1\n\nORPHA:2", Answer(("ORPHA:1", "ORPHA:2"))),
        (SIZES, "1,5; 2 cm", Answer(("1.5 mm", "20 mm"))),
        (STEP, "wait (long)", Answer("wait (long)")),
        (STEP, "Wait (sikker)", Answer("wait (long)", ("sure",))),
        (DAY, "31.12.2025", Answer("2025-12-31")),
        (DAY, "2026-3-5", Answer("2026-03-05")),
        (PART, "2026", Answer("2026")),
        (PART, "3/2027", Answer("2027-03")),
        (PART, "2027-11", Answer("2027-11")),
    ],
)
def test_what_fits_is_understood(field: Field, text: str, answer: Answer) -> None:
    assert field.read(text, TODAY) == answer


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        (AGE, "9 kg", "answer-unit"),
        (AGE, "9 inches", "answer-unit"),
        (AGE, "101 years", "answer-quantity"),
        (AGE, "9 months or so", "answer-quantity"),
        (TRYPTASE, "5 nmol/L", "answer-unit"),
        (CODE, "ORPHA:2343 (perhaps)", "answer-certainty"),
        (CODE, "ORPHA:2343 (170 %)", "answer-certainty"),
        (CODE, "ORPHA:2343 perhaps", "answer-code"),
        (CODE, "(likely)", "answer-code"),
        (SEVERAL, "ORPHA:1; ORPHA:2; ORPHA:3; ORPHA:4", "answer-times"),
        (SEVERAL, " ; ", "answer-code"),
        (SIZES, "4 mm", "answer-times"),
        (DAY, "2026", "answer-date"),
        (DAY, "2026-02-30", "answer-date"),
        (DAY, "6.3.2026", "answer-future"),
        (PART, "soon", "answer-date-partial"),
        (PART, "2026-13", "answer-date-partial"),
        (PART, "0000", "answer-date-partial"),
    ],
)
def test_what_does_not_fit_is_refused(field: Field, text: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        field.read(text, TODAY)
    assert refusal.value.code == code
    assert refusal.value.fields["field"] == field.id


@given(st.sampled_from([AGE, TRYPTASE, FEVER, CODE, SEVERAL, SIZES, STEP, DAY, PART]), st.text(max_size=40))
def test_any_text_is_understood_or_refused(field: Field, text: str) -> None:
    try:
        answer = field.read(text, TODAY)
    except BadInput:
        return
    again = "; ".join(answer.value) if isinstance(answer.value, tuple) else str(answer.value)
    assert field.parse(again, TODAY) == answer.value


def test_hostile_lengths_take_no_time() -> None:
    for text in ("ORPHA:1 " * 8000, "(" * 60_000, "1 " * 30_000, "9" * 60_000, "likely " * 9000):
        for field in (AGE, CODE, SEVERAL, STEP, PART):
            with pytest.raises(BadInput):
                field.read(text, TODAY)


@pytest.mark.parametrize("code", UNITS)
def test_units_convert_there_and_back(code: str) -> None:
    assert unit(code) == UNITS[code]
    assert relatives(code)[0] == code
    for other in relatives(code):
        there = convert(Fraction(7), UNITS[code], UNITS[other])
        assert there is not None
        assert convert(there, UNITS[other], UNITS[code]) == 7


def test_a_spelling_never_means_two_units() -> None:
    spelled = [spelling for each in UNITS.values() for spelling in (each.code, *each.spellings)]
    assert len(spelled) == len(set(spelled))
    assert unit("MM") is None, "millimetre or millimole per litre: nobody guesses"
    assert convert(Fraction(1), UNITS["mg"], UNITS["mL"]) is None


@pytest.mark.parametrize(
    ("system", "text", "kept"),
    [
        ("ICD10", "icd-10: q75.0", "ICD10:Q75.0"),
        ("ICD11", "ICD-11:LD20.1", "ICD11:LD20.1"),
        ("HGNC", "HGNC:6342", "HGNC:6342"),
        ("LOINC", "loinc:21582-2", "LOINC:21582-2"),
        ("SNOMED", "SNOMED CT: 57219006", "SNOMED:57219006"),
        ("SNOMED", "sct:57219006", "SNOMED:57219006"),
        ("OMIM", "MIM:123100", "OMIM:123100"),
        ("HP", "hpo:0002676", "HP:0002676"),
        ("HGVS", "NM_000222.3:c.2447A>T", "HGVS:NM_000222.3:c.2447A>T"),
        ("HGVS", "HGVS:NP_000213.1:p.(Asp816Val)", "HGVS:NP_000213.1:p.(Asp816Val)"),
        ("HGVS", "c.2447A>T", None),
        ("LOINC", "21582", None),
        ("SNOMED", "SNOMED:5721", None),
        ("ICD11", "ICD11:Q75.0", None),
    ],
)
def test_codes_are_known_by_their_shape(system: str, text: str, kept: str | None) -> None:
    assert normal(text, (system,)) == kept
    assert kept is None or normal(kept, tuple(CODE_SYSTEMS)) == kept
