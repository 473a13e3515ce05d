"""What an opinion answers in FHIR is what its Questionnaire asks: the same places, kinds, codes and units.

The rules are those of FHIR R4 for a QuestionnaireResponse (its invariants and the notes on `linkId`), checked from the
two resources alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ernbot.core.form import Form
from ernbot.core.opinion import Opinion
from ernbot.documents import outcome_fhir
from ernbot.documents.questionnaire import questionnaire
from ernbot.form_files import load_forms
from ernbot.locales import LANGUAGES
from tests.documents.conftest import Validate
from tests.documents.samples import AT, BRAM, FORMS, dossier, drafted, sign

EVERYTHING = """
id = "everything"
version = "3"
labels = { en = "Everything", da = "Alt" }

[[field]]
id = "step"
kind = "choice"
certainty = true
labels = { en = "Next step", da = "Næste skridt" }
option = [{ id = "operate", labels = { en = "Operate" } }, { id = "wait", labels = { en = "Wait" } }]

[[field]]
id = "watch"
kind = "choices"
when = "step in (operate, wait) and answered(step)"
labels = { en = "Watch" }
option = [{ id = "airway", labels = { en = "Airway" } }, { id = "vision", labels = { en = "Vision" } }]

[[field]]
id = "why"
kind = "text"
when = "(watch == airway or step == operate) and (watch == vision or step == wait or step == operate)"
labels = { en = "Why" }

[[field]]
id = "score"
kind = "scale"
minimum = 0
maximum = 10
labels = { en = "Score" }

[[field]]
id = "weight"
kind = "quantity"
unit = "kg"
certainty = true
repeats = { maximum = 2 }
labels = { en = "Weight" }

[[field]]
id = "count"
kind = "quantity"
minimum = 0
labels = { en = "How many" }

[[field]]
id = "sign"
kind = "code"
systems = ["HP", "ORPHA", "SNOMED"]
certainty = true
repeats = { maximum = 3 }
labels = { en = "Sign" }

[[field]]
id = "seen"
kind = "date"
partial = true
labels = { en = "Seen" }

[[field]]
id = "known"
kind = "boolean"
labels = { en = "Known" }

[[field]]
id = "grade"
kind = "evidence"
labels = { en = "Evidence" }

[[field]]
id = "conflict"
kind = "conflict"
labels = { en = "Conflict of interest" }

[[group]]
id = "tests"
labels = { en = "Tests", da = "Prøver" }
repeats = { minimum = 1, maximum = 3 }
before = "known"

[[group.field]]
id = "test"
kind = "choice"
labels = { en = "Test" }
option = [{ id = "scan", labels = { en = "Scan" } }, { id = "blood", labels = { en = "Blood" } }]

[[group.field]]
id = "level"
kind = "quantity"
unit = "mm"
when = "test == scan"
labels = { en = "Level" }
"""

SAID = {
    "step": "operate (likely)",
    "watch": "airway, vision",
    "why": "The airway <b>first</b>.",
    "score": "7",
    "weight": "7.5 kg (70 %)\n8 kg",
    "count": "3",
    "sign": "HP:0002676, ORPHA:2343 (sure)",
    "seen": "2026-02",
    "test": "scan",
    "level": "1.2 cm",
    "test-2": "blood",
    "test-3": "scan",
    "level-3": "4",
    "known": "no",
    "grade": "low",
    "conflict": "no",
}


@pytest.fixture
def everything(tmp_path: Path) -> Form:
    """A form with every kind of question there is."""
    (tmp_path / "everything.toml").write_text(EVERYTHING, encoding="utf-8")
    return load_forms(tmp_path)["everything"]


def answered(form: Form, texts: dict[str, str]) -> Opinion:
    filled = form.read(texts, date(2026, 3, 5))
    certainty = {key: answer.certainty for key, answer in filled.answers.items() if answer.certainty}
    return Opinion(BRAM, form.id, form.version, filled.values, 1, AT, certainty, words=form.words(filled.answers))


def made(opinion: Opinion, forms: dict[str, Form], language: str = "en") -> tuple[dict[str, Any], dict[str, Any]]:
    """The document and the one response in it."""
    outcome = sign(replace(drafted(), opinions=(opinion,)))
    bundle = json.loads(outcome_fhir.render(dossier(outcome, language, forms=forms)))
    resources = [entry["resource"] for entry in bundle["entry"]]
    (response,) = [each for each in resources if each["resourceType"] == "QuestionnaireResponse"]
    return bundle, response


VALUES = {
    "boolean": "valueBoolean",
    "integer": "valueInteger",
    "decimal": "valueDecimal",
    "quantity": "valueQuantity",
    "text": "valueString",
    "date": "valueDate",
    "choice": "valueCoding",
}


def misfits(asked: list[dict[str, Any]], said: list[dict[str, Any]], contained: dict[str, set[str]]) -> Iterator[str]:
    """What is answered that is not asked, or not in that way."""
    questions = {item["linkId"]: item for item in asked}
    order = [item["linkId"] for item in said]
    if [link for link in questions if link in order] != list(dict.fromkeys(order)):
        yield f"another order: {order}"
    for item in said:
        question = questions.get(item["linkId"])
        if question is None:
            yield f"nobody asks {item['linkId']}"
            continue
        if order.count(item["linkId"]) > 1 and not (question["type"] == "group" and question["repeats"]):
            yield f"{item['linkId']} is there twice"
        if question["type"] == "group":
            yield from misfits(question["item"], item["item"], contained)
            continue
        if len(item["answer"]) > 1 and not question["repeats"]:
            yield f"several answers to {item['linkId']}"
        for answer in item["answer"]:
            yield from _misfits(question, answer, contained)


def _misfits(question: dict[str, Any], answer: dict[str, Any], contained: dict[str, set[str]]) -> Iterator[str]:
    (key,) = [key for key in answer if key.startswith("value")]
    fits = {VALUES[question["type"]]} if question["type"] in VALUES else {"valueCoding", "valueString"}
    if key not in fits:
        yield f"{key} for {question['linkId']}, which asks for {question['type']}"
    elif key == "valueCoding" and "answerOption" in question:
        options = {(o["valueCoding"]["system"], o["valueCoding"]["code"]) for o in question["answerOption"]}
        if (answer[key]["system"], answer[key]["code"]) not in options:
            yield f"{answer[key]} is no option of {question['linkId']}"
    elif key == "valueCoding" and answer[key]["system"] not in contained[question["answerValueSet"]]:
        yield f"{answer[key]} is of no system of {question['linkId']}"
    elif key == "valueQuantity":
        units = [each["valueCoding"] for each in question["extension"] if each["url"].endswith("questionnaire-unit")]
        if [(unit["system"], unit["code"]) for unit in units] != [(answer[key]["system"], answer[key]["code"])]:
            yield f"{answer[key]} in another unit than {units}"
    yield from misfits(question.get("item", []), answer.get("item", []), contained)


def fits(response: dict[str, Any], form: Form) -> list[str]:
    asks = json.loads(json.dumps(questionnaire(form)))
    assert response["questionnaire"] == f"{asks['url']}|{asks['version']}"
    systems = {
        f"#{each['id']}": {include["system"] for include in each["compose"]["include"]}
        for each in asks.get("contained", [])
    }
    return list(misfits(asks["item"], response["item"], systems))


def links(items: list[dict[str, Any]]) -> Iterator[str]:
    for item in items:
        yield item["linkId"]
        yield from links(item.get("item", []))
        for answer in item.get("answer", []):
            yield from links(answer.get("item", []))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_answer_fits_its_question(everything: Form, validate: Validate, language: str) -> None:
    bundle, response = made(answered(everything, SAID), {everything.id: everything}, language)
    assert fits(response, everything) == []
    assert validate("fhir", bundle) == []
    said = list(links(response["item"]))
    assert said.count("tests") == 3
    assert (said.count("test"), said.count("level")) == (3, 2)
    assert {field.origin for field in everything.fields} <= set(said), "every question is answered once"


def test_what_does_not_fit_is_found(everything: Form) -> None:
    """The check itself: it complains of what a response of another form would say."""
    _, response = made(answered(everything, SAID), {everything.id: everything})
    item = {each["linkId"]: each for each in response["item"]}
    item["step"]["answer"][0]["valueCoding"].pop("display")
    item["step"]["answer"][0]["valueCoding"]["system"] = "urn:ernbot:form:everything:other"
    item["score"]["answer"] = [{"valueString": "7"}]
    item["weight"]["answer"][0]["valueQuantity"]["code"] = "g"
    response["item"].append({"linkId": "test-2", "answer": [{"valueString": "x"}]})
    found = " / ".join(fits(response, everything))
    for complaint in ("no option of step", "valueString for score", "another unit", "nobody asks test-2"):
        assert complaint in found


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        (
            "cranio-opinion",
            {
                "diagnosis": "ORPHA:2343 (likely)",
                "recommendation": "surgery",
                "confidence": "4",
                "procedure": "springs",
                "differential": "OMIM:101600, ORPHA:1531 (20 %)",
                "sign": "HP:0002676",
                "evidence": "low",
                "conflict": "yes",
            },
        ),
        ("cranio-opinion@1", {"diagnosis": "ORPHA:2343", "recommendation": "surgery", "confidence": "4"}),
    ],
)
def test_the_forms_that_are_shipped_are_answered_in_their_own_version(key: str, texts: dict[str, str]) -> None:
    _, response = made(answered(FORMS[key], texts), FORMS)
    assert fits(response, FORMS[key]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_validators_accept_every_questionnaire(everything: Form, validate: Validate, language: str) -> None:
    for form in (*FORMS.values(), everything):
        assert validate("fhir", questionnaire(form, language)) == [], form.key


def test_the_validators_find_what_is_wrong_with_a_questionnaire(everything: Form, validate: Validate) -> None:
    def complaints(change: str) -> str:
        asks = json.loads(json.dumps(questionnaire(everything)))
        match change:
            case "status":
                asks["status"] = "ready"
            case "type":
                del asks["item"][0]["type"]
            case "both":
                asks["item"][0]["answerValueSet"] = "#codes-hp"
        return " ".join(validate("fhir", asks))

    assert "value set" in complaints("status")
    assert "Questionnaire.item[0].type: Missing" in complaints("type")
    assert "que-4" in complaints("both")
