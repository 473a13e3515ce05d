"""A form as an HL7 FHIR R4 Questionnaire, for systems that ask or answer it elsewhere.

The form stays the definition: this module only writes it down. What FHIR R4 has no element for stands in standard
extensions. The terminologies of a code are contained value sets. Conditions that mix `and` with `or` become groups
around the question, because an item joins all its conditions in one way only.

Source: HL7 FHIR R4 (4.0.1), Questionnaire, and its extensions registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

from ernbot.core.codes import CODE_SYSTEMS
from ernbot.core.condition import Answered, Atom, Condition, clauses
from ernbot.core.form import MAX_TEXT, Field, Form, Group, Option, label
from ernbot.documents.fhir_values import EVIDENCE_QUALITY, UCUM

BASE = "urn:ernbot:form"
"""Where canonical names of forms, and of the options of their fields, begin; they are names, not addresses."""

CERTAINTY = "urn:ernbot:certainty"
"""Names the words for how sure an expert is, which all forms share."""

NO_EVIDENCE = "urn:ernbot:evidence"
"""Names what stands beside the grades of evidence where there is none; see `form_files.EVIDENCE`."""

EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION = EXTENSION + "translation"
SURE = {"en": "How sure", "da": "Hvor sikker"}

Json = dict[str, Any]


def address(form_id: str) -> str:
    """The name of a form in whatever version: `Questionnaire.url`."""
    return f"{BASE}:{form_id}"


def canonical(form_id: str, version: str) -> str:
    """The name of a form in one version, as what answers it refers to it."""
    return f"{address(form_id)}|{version}"


def questionnaire(form: Form, language: str = "en") -> Json:
    """The form as a Questionnaire resource, with its other languages as translations."""
    return {
        "resourceType": "Questionnaire",
        "id": form.key.replace("@", "-"),
        "language": language,
        **({"contained": value_sets} if (value_sets := _value_sets(form)) else {}),
        "url": address(form.id),
        "version": form.version,
        "name": form.id.title().replace("-", ""),
        **_text("title", form.labels, language),
        "status": "active",
        "subjectType": ["Patient"],
        "item": list(_items(form, language)),
    }


def _items(form: Form, language: str) -> Iterator[Json]:
    """The questions in their order; those of a group together, once, as an item that repeats."""
    groups = {group.id: group for group in form.groups}
    for group_id, together in groupby(form.fields, key=lambda field: field.group):
        if group_id is None:
            for field in together:
                yield _conditional(_question(form, field, language), field.when, form)
        else:
            first = [field for field in together if field.occurrence == 1]
            yield _group(groups[group_id], first, form, language)


def _group(group: Group, members: list[Field], form: Form, language: str) -> Json:
    """A group with its first round of questions; that it repeats is said, not spelt out."""
    opening = members[0]
    items = [_question(form, opening, language)]
    for field in members[1:]:
        own = field.when
        shared = clauses(opening.when) if opening.when else ()
        rest = [clause for clause in (clauses(own) if own else ()) if clause not in shared]
        items.append(_wrapped(_question(form, field, language), rest, form))
    item: Json = {
        "linkId": group.id,
        **_text("text", group.labels, language),
        "type": "group",
        "required": group.repeats.minimum > 0,
        "repeats": group.repeats.maximum > 1,
        "extension": _occurs(group.repeats.minimum, group.repeats.maximum),
        "item": items,
    }
    return _conditional(item, opening.when, form)


def _conditional(item: Json, when: Condition | None, form: Form) -> Json:
    return _wrapped(item, list(clauses(when)) if when else [], form)


def _wrapped(item: Json, needed: list[tuple[Atom, ...]], form: Form) -> Json:
    """The item with its conditions. All clauses of one test each join with `all`; any other clause needs a group."""
    tests = [tuple(test for atom in clause for test in _tests(atom, form)) for clause in needed]
    single = [clause[0] for clause in tests if len(clause) == 1]
    several = [clause for clause in tests if len(clause) > 1]
    if not several:
        return _enabled(item, single, "all")
    inner = _enabled(item, several[-1], "any")
    for number, clause in enumerate(several[:-1]):
        inner = _around(inner, f"{item['linkId']}.any{number + 1}", clause, "any")
    return _around(inner, f"{item['linkId']}.all", single, "all") if single else inner


def _around(item: Json, link_id: str, tests: Iterable[Json], behavior: str) -> Json:
    return _enabled({"linkId": link_id, "type": "group", "item": [item]}, tests, behavior)


def _enabled(item: Json, tests: Iterable[Json], behavior: str) -> Json:
    listed = list(tests)
    if not listed:
        return item
    # The specification asks for enableBehavior where there is more than one condition.
    return {**item, "enableWhen": listed, **({"enableBehavior": behavior} if len(listed) > 1 else {})}


def _tests(atom: Atom, form: Form) -> Iterator[Json]:
    """What an atom asks, as conditions of which one is enough."""
    if isinstance(atom, Answered):
        yield {"question": atom.field, "operator": "exists", "answerBoolean": True}
        return
    field = form.field(atom.field)
    assert field is not None
    for value in atom.values:
        test: Json = {"question": atom.field, "operator": "="}
        if field.kind == "scale":
            yield {**test, "answerInteger": int(value)}
        elif field.kind in ("boolean", "conflict"):
            yield {**test, "answerBoolean": value == "yes"}
        else:
            yield {**test, "answerCoding": {"system": option_system(form.id, field, value), "code": value}}


def _question(form: Form, field: Field, language: str) -> Json:
    repeats = field.kind == "choices" or (field.repeats is not None and field.repeats.maximum > 1)
    item: Json = {
        "linkId": field.origin or field.id,
        **_text("text", field.labels, language),
        "type": _type(field),
        "required": field.required,
        "repeats": repeats,
    }
    if field.options and field.kind not in ("boolean", "conflict"):
        item["answerOption"] = [{"valueCoding": _option(form, field, o, language)} for o in field.options]
    if field.kind == "text":
        item["maxLength"] = MAX_TEXT
    if field.kind == "code":
        item["answerValueSet"] = f"#{_value_set(field)}"
    extension = [*_bounds(field), *_units(field)]
    if field.repeats is not None:
        extension += _occurs(field.repeats.minimum, field.repeats.maximum)
    if extension:
        item["extension"] = extension
    if field.certainties:
        item["item"] = [_certainty(field, language)]
    return item


def _type(field: Field) -> str:
    return {
        "choice": "choice",
        "choices": "choice",
        "evidence": "choice",
        "boolean": "boolean",
        "conflict": "boolean",
        "scale": "integer",
        "quantity": "quantity" if field.unit else "decimal",
        "code": "choice",
        "text": "text",
        "date": "date",
    }[field.kind]


def _certainty(field: Field, language: str) -> Json:
    """How sure the expert is of an answer: a question below it, answered with a word or a percentage."""
    options = [{"valueCoding": _coding(CERTAINTY, o, language)} for o in field.certainties]
    link_id = f"{field.origin or field.id}.certainty"
    text = _text("text", SURE, language)
    return {"linkId": link_id, **text, "type": "open-choice", "required": False, "answerOption": options}


def option_system(form_id: str, field: Field, code: str) -> str:
    """The system of an option: the name of its form with that of the field, as the same word may mean another thing
    elsewhere. Grades of evidence mean the same everywhere, and have a terminology.
    """
    if field.kind == "evidence":
        return EVIDENCE_QUALITY[code]["system"] if code in EVIDENCE_QUALITY else NO_EVIDENCE
    return f"{address(form_id)}:{field.origin or field.id}"


def _option(form: Form, field: Field, option: Option, language: str) -> Json:
    """An option as a coding; one of a terminology is shown by the words of that, which are English."""
    system = option_system(form.id, field, option.id)
    if field.kind == "evidence" and option.id in EVIDENCE_QUALITY:
        words = {**option.labels, "en": EVIDENCE_QUALITY[option.id]["display"]}
        return {"system": system, "code": option.id, **_text("display", words, "en")}
    return _coding(system, option, language)


def _coding(system: str, option: Option, language: str) -> Json:
    return {"system": system, "code": option.id, **_text("display", option.labels, language)}


def _bounds(field: Field) -> Iterator[Json]:
    for name, bound in (("minValue", field.minimum), ("maxValue", field.maximum)):
        if bound is None:
            continue
        if field.kind == "scale":
            yield {"url": EXTENSION + name, "valueInteger": int(bound)}
        elif field.unit is None:
            yield {"url": EXTENSION + name, "valueDecimal": _number(bound)}
        else:
            quantity = {"value": _number(bound), "unit": field.unit, "system": UCUM, "code": field.unit}
            sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
            name = {"minValue": "minQuantity", "maxValue": "maxQuantity"}[name]
            yield {"url": sdc + name, "valueQuantity": quantity}


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _units(field: Field) -> Iterator[Json]:
    if field.unit is not None:
        coding = {"system": UCUM, "code": field.unit, "display": field.unit}
        yield {"url": EXTENSION + "questionnaire-unit", "valueCoding": coding}


def _value_set(field: Field) -> str:
    return "codes-" + "-".join(name.lower() for name in field.systems)


def _value_sets(form: Form) -> list[Json]:
    """What the codes of an answer may be: all codes of the terminologies that a question names."""
    return [
        {
            "resourceType": "ValueSet",
            "id": name,
            "status": "active",
            "compose": {"include": [{"system": CODE_SYSTEMS[system].uri} for system in systems]},
        }
        for name, systems in {_value_set(f): f.systems for f in form.fields if f.kind == "code"}.items()
    ]


def _occurs(minimum: int, maximum: int) -> list[Json]:
    return [
        {"url": EXTENSION + "questionnaire-minOccurs", "valueInteger": minimum},
        {"url": EXTENSION + "questionnaire-maxOccurs", "valueInteger": maximum},
    ]


def _text(name: str, labels: dict[str, str], language: str) -> Json:
    """A text with its translations."""
    others = [
        {
            "url": TRANSLATION,
            "extension": [{"url": "lang", "valueCode": code}, {"url": "content", "valueString": text}],
        }
        for code, text in labels.items()
        if code != language
    ]
    texts: Json = {name: label(labels, language)}
    return {**texts, f"_{name}": {"extension": others}} if others else texts
