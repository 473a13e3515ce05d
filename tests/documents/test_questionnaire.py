"""The FHIR Questionnaire asks what the form asks, under the same conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ernbot.__main__ import run_command
from ernbot.core import condition
from ernbot.core.form import Field, Form, Group, Option, Repeats, expand
from ernbot.documents.questionnaire import questionnaire
from ernbot.form_files import EVIDENCE, load_forms

FORMS = load_forms(Path("config/forms"))
TYPES = {"group", "choice", "open-choice", "boolean", "integer", "decimal", "quantity", "text", "date"}
STEPS = tuple(Option(name, {"en": name}) for name in ("surgery", "watch", "wait"))


def items(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in resource.get("item", []):
        yield item
        yield from items(item)


def ask(field_id: str, when: str | None = None) -> Field:
    parsed = condition.parse(when) if when is not None else None
    return Field(field_id, "choice", {"en": field_id}, options=STEPS, when=parsed)


def written(*fields: Field, groups: tuple[Group, ...] = ()) -> dict[str, Any]:
    return questionnaire(Form("small", "1.2", {"en": "Small", "da": "Lille"}, fields, groups))


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_the_rules_of_the_specification_hold(form: Form) -> None:
    """que-1 to que-12 of FHIR R4, as far as they concern what a form can say."""
    resource = json.loads(json.dumps(questionnaire(form)))
    everything = list(items(resource))
    link_ids = [item["linkId"] for item in everything]
    assert len(link_ids) == len(set(link_ids)), "que-2"
    contained = {f"#{each['id']}" for each in resource["contained"]}
    for item in everything:
        assert item["type"] in TYPES
        assert (item["type"] != "group") or item.get("item"), "que-1"
        assert not ("answerOption" in item and "answerValueSet" in item), "que-4"
        assert item["type"] in ("choice", "open-choice") or not {"answerOption", "answerValueSet"} & item.keys(), (
            "que-5"
        )
        assert item.get("answerValueSet", next(iter(contained))) in contained
        assert "maxLength" not in item or item["type"] == "text", "que-10"
        assert len(item.get("enableWhen", ())) < 2 or item["enableBehavior"] in ("all", "any"), "que-12"
        for test in item.get("enableWhen", ()):
            assert test["question"] in link_ids
            assert sum(key.startswith("answer") for key in test) == 1
            assert test["operator"] != "exists" or "answerBoolean" in test, "que-7"


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_every_question_is_asked_once(form: Form) -> None:
    asked = {item["linkId"] for item in items(questionnaire(form))}
    assert {field.origin for field in form.fields} <= asked
    required = {item["linkId"] for item in items(questionnaire(form)) if item.get("required")}
    assert required >= {field.id for field in form.asked({}) if field.required}


def test_a_condition_becomes_enable_when() -> None:
    resource = written(ask("step"), ask("again", "answered(step)"), ask("then", "step in (watch, wait)"))
    _, again, then = resource["item"]
    assert again["enableWhen"] == [{"question": "step", "operator": "exists", "answerBoolean": True}]
    assert "enableBehavior" not in again
    assert then["enableBehavior"] == "any"
    assert [test["answerCoding"]["code"] for test in then["enableWhen"]] == ["watch", "wait"]


def test_and_with_or_becomes_a_group_around_the_question() -> None:
    resource = written(ask("step"), ask("other"), ask("then", "answered(step) and (other == watch or step == wait)"))
    outer = resource["item"][2]
    assert (outer["linkId"], outer["type"], len(outer["enableWhen"])) == ("then.all", "group", 1)
    (inner,) = outer["item"]
    assert (inner["linkId"], inner["enableBehavior"], len(inner["enableWhen"])) == ("then", "any", 2)
    twice = written(ask("step"), ask("other"), ask("then", "step in (watch, wait) and other in (watch, wait)"))["item"][
        2
    ]
    assert (twice["type"], twice["enableBehavior"], len(twice["enableWhen"])) == ("group", "any", 2)
    assert twice["item"][0]["linkId"] == "then"


def test_a_group_repeats_instead_of_being_spelt_out() -> None:
    group = Group("tests", {"en": "Tests"}, Repeats(1, 3))
    size = Field("size", "quantity", {"en": "Size"}, unit="mm", minimum=Decimal("0.5"))
    fields = expand(group, [ask("test"), size], condition.parse("step == watch"))
    item = written(ask("step"), *fields, groups=(group,))["item"][1]
    assert (item["linkId"], item["repeats"], item["required"]) == ("tests", True, True)
    assert [extension["valueInteger"] for extension in item["extension"]] == [1, 3]
    assert [test["question"] for test in item["enableWhen"]] == ["step"]
    opening, following = item["item"]
    assert (opening["linkId"], "enableWhen" in opening) == ("test", False)
    assert [test["question"] for test in following["enableWhen"]] == ["test"]
    assert following["extension"][0]["valueQuantity"]["value"] == 0.5
    assert following["extension"][1]["valueCoding"]["code"] == "mm"


def test_languages_are_translations() -> None:
    resource = written(ask("step"))
    assert (resource["title"], resource["version"], resource["language"]) == ("Small", "1.2", "en")
    (translation,) = resource["_title"]["extension"]
    assert [part.get("valueCode") or part["valueString"] for part in translation["extension"]] == ["da", "Lille"]


def test_the_command_line_exports_a_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command(["form", "export", "cranio-opinion", "--fhir", "--config", "config/ernbot.toml"]) == 0
    assert json.loads(capsys.readouterr().out)["resourceType"] == "Questionnaire"
    assert run_command(["form", "export", "cranio-opinion@1", "--config", "config/ernbot.toml"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "1"
    assert run_command(["form", "export", "none", "--config", "config/ernbot.toml"]) == 2
    assert "there is no form 'none'; there are cranio-opinion," in capsys.readouterr().err


def test_the_same_word_in_two_forms_is_not_the_same_code() -> None:
    options = [
        questionnaire(Form(form_id, "1", {"en": form_id}, (ask("step"),)))["item"][0]["answerOption"][0]["valueCoding"]
        for form_id in ("cranio", "mast")
    ]
    assert [each["system"] for each in options] == ["urn:ernbot:form:cranio:step", "urn:ernbot:form:mast:step"]


@pytest.mark.parametrize("language", ["en", "da"])
def test_grades_of_evidence_are_those_of_the_terminology(language: str) -> None:
    field = Field("proof", "evidence", {"en": "Proof"}, options=EVIDENCE)
    (item,) = questionnaire(Form("small", "1", {"en": "Small"}, (field,)), language)["item"]
    codings = [option["valueCoding"] for option in item["answerOption"]]
    quality = "http://terminology.hl7.org/CodeSystem/evidence-quality"
    assert [(each["system"], each["code"]) for each in codings] == [
        (quality, "high"),
        (quality, "moderate"),
        (quality, "low"),
        (quality, "very-low"),
        ("urn:ernbot:evidence", "expert-opinion"),
    ]
    assert codings[0]["display"] == "High quality", "a terminology is shown in its own words"
    assert codings[0]["_display"]["extension"][0]["extension"][1]["valueString"] == "Høj sikkerhed"
