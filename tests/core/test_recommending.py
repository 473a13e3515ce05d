"""What people type becomes a recommendation, and what they meant as text stays text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form, Option
from ernbot.core.opinion import Opinion
from ernbot.core.recommendation import MAX_DETAIL, Direction, Evidence, Strength
from ernbot.core.recommending import numbered, parse_line, propose

from .samples import EXPERT, LEAD, NOW, SECOND

TODAY = date(2026, 3, 5)
PEOPLE = {"anna jensen": LEAD, "@anna": LEAD}
ALL: dict[str, Any] = {
    "strength": Strength.STRONG,
    "direction": Direction.AGAINST,
    "evidence": Evidence.VERY_LOW,
    "owner": LEAD,
    "due": date(2026, 3, 19),
    "preference": "wants to wait",
}


def parse(text: str) -> tuple[str, dict[str, Any]]:
    return parse_line(text, today=TODAY, people=PEOPLE)


def test_details_stand_behind_the_text_in_any_order_and_spelling() -> None:
    line = "Operate.\nSoon. strength=strong direction=against evidence=Very Low owner=Anna  Jensen due=2 weeks "
    assert parse(f'{line} preference="wants to wait"') == ("Operate.\nSoon.", ALL)
    assert parse("Due = 19.3. EVIDENCE=very-low Strength = stærk owner=@anna") == (
        "",
        {name: ALL[name] for name in ("due", "evidence", "strength", "owner")},
    )


@pytest.mark.parametrize("text", ["pH=7.4", "a=b", "x strengths=strong", "undue=1", "", "due", "= strength"])
def test_what_is_no_detail_stays_text(text: str) -> None:
    assert parse(text) == (text, {})


WORDS: dict[str, dict[Any, str]] = {
    "strength": {Strength.STRONG: "strong stærk", Strength.CONDITIONAL: "conditional weak betinget svag"},
    "direction": {Direction.FOR: "for", Direction.AGAINST: "against imod mod"},
    "evidence": {
        Evidence.HIGH: "high høj",
        Evidence.MODERATE: "moderate moderat",
        Evidence.LOW: "low lav",
        Evidence.VERY_LOW: "very-low very_low meget-lav",
        Evidence.EXPERT_OPINION: "expert-opinion expert ekspert",
    },
}


def test_every_word_of_every_detail_is_understood() -> None:
    for key, meanings in WORDS.items():
        for meaning, words in meanings.items():
            for word in words.split():
                assert parse(f"{key}={word.upper()}") == ("", {key: meaning})
    assert {meaning for meanings in WORDS.values() for meaning in meanings} == {*Strength, *Direction, *Evidence}


@pytest.mark.parametrize(("key", "dash"), list(product(ALL, ("-", "–", ""))))
def test_a_detail_is_taken_away_by_a_dash(key: str, dash: str) -> None:
    nothing = {"strength": Strength.CONDITIONAL, "direction": Direction.FOR, "preference": ""}
    assert parse(f"{key}={dash}") == ("", {key: nothing.get(key)})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("strength=very", "outcome-detail"),
        ("evidence=a", "outcome-detail"),
        ("direction=up", "outcome-detail"),
        ("owner=Nobody", "outcome-owner"),
        ("due=never", "due"),
        ("due=1.1.2020", "due-past"),
        ("due=1.1.2036", "due-far"),
        ("due=- due=-", "answer-twice"),
        ("preference=" + "x" * (MAX_DETAIL + 1), "outcome-text"),
    ],
)
def test_what_a_detail_does_not_take_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(text)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("2 Operate", 2, "Operate"),
        ("2. Operate", 2, "Operate"),
        ("#2) Operate", 2, "Operate"),
        ("2", 2, ""),
        ("12:Operate", 12, "Operate"),
        ("2nd look", None, "2nd look"),
        ("2.5 mg", None, "2.5 mg"),
        ("123 days", None, "123 days"),
        (" Operate ", None, "Operate"),
        ("", None, ""),
    ],
)
def test_a_number_at_the_beginning_names_a_recommendation(text: str, number: int | None, rest: str) -> None:
    assert numbered(text) == (number, rest)


OPTIONS = (Option("cut", {"en": "Cut", "da": "Skær"}), Option("wait", {"en": "Wait"}))
FORM = Form(
    "f",
    "1",
    {"en": "F"},
    (
        Field(
            "recommendation",
            "choice",
            {},
            options=(Option("cut", {"en": "Cut", "da": "Skær"}), Option("wait", {"en": "Wait"})),
        ),
    ),
)


def opinions(**steps: str) -> tuple[Opinion, ...]:
    people = {"lead": LEAD, "expert": EXPERT, "second": SECOND}
    return tuple(Opinion(people[who], "f", "1", {"recommendation": step}, 1, NOW) for who, step in steps.items())


@pytest.mark.parametrize(
    ("given", "proposal"),
    [
        (opinions(), ("", "")),
        (opinions(lead="cut"), ("Cut", "")),
        (opinions(lead="cut", expert="cut", second="wait"), ("Cut", "Wait (1/3)")),
        (opinions(lead="cut", expert="wait"), ("", "Cut (1/2)\nWait (1/2)")),
        (opinions(lead="gone", expert="gone"), ("gone", "")),
        ((*opinions(lead="cut"), replace(opinions(expert="wait")[0], conflict=True)), ("Cut", "")),
        ((replace(opinions(lead="cut")[0], answers={"other": "x"}),), ("", "")),
    ],
)
def test_what_most_recommend_is_proposed_and_a_tie_is_not_decided(
    given: tuple[Opinion, ...], proposal: tuple[str, str]
) -> None:
    assert propose(given, FORM, "en") == proposal


def test_a_proposal_speaks_the_language_of_the_lead_and_needs_a_question_about_it() -> None:
    assert propose(opinions(lead="cut"), FORM, "da") == ("Skær", "")
    assert propose(opinions(lead="cut"), replace(FORM, fields=()), "en") == ("", "")
