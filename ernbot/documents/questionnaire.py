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

BASE = "urn:ernbot:form"
"""Where canonical names of forms and of their options begin; they are names, not addresses."""

CERTAINTY = f"{BASE}:certainty"
"""Names the words for how sure an expert is."""

EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION = EXTENSION + "translation"
UCUM = "http://unitsofmeasure.org"
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
    fields = {field.id: field for field in form.fields}
    groups = {group.id: group for group in form.groups}
    for group_id, together in groupby(form.fields, key=lambda field: field.group):
        if group_id is None:
            for field in together:
                yield _conditional(_question(field, language), field.when, fields)
        else:
            first = [field for field in together if field.occurrence == 1]
            yield _group(groups[group_id], first, fields, language)


def _group(group: Group, members: list[Field], fields: dict[str, Field], language: str) -> Json:
    """A group with its first round of questions; that it repeats is said, not spelt out."""
    opening = members[0]
    items = [_question(opening, language)]
    for field in members[1:]:
        own = field.when
        shared = clauses(opening.when) if opening.when else ()
        rest = [clause for clause in (clauses(own) if own else ()) if clause not in shared]
        items.append(_wrapped(_question(field, language), rest, fields))
    item: Json = {
        "linkId": group.id,
        **_text("text", group.labels, language),
        "type": "group",
        "required": group.repeats.minimum > 0,
        "repeats": group.repeats.maximum > 1,
        "extension": _occurs(group.repeats.minimum, group.repeats.maximum),
        "item": items,
    }
    return _conditional(item, opening.when, fields)


def _conditional(item: Json, when: Condition | None, fields: dict[str, Field]) -> Json:
    return _wrapped(item, list(clauses(when)) if when else [], fields)


def _wrapped(item: Json, needed: list[tuple[Atom, ...]], fields: dict[str, Field]) -> Json:
    """The item with its conditions. All clauses of one test each join with `all`; any other clause needs a group."""
    tests = [tuple(test for atom in clause for test in _tests(atom, fields)) for clause in needed]
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


def _tests(atom: Atom, fields: dict[str, Field]) -> Iterator[Json]:
    """What an atom asks, as conditions of which one is enough."""
    if isinstance(atom, Answered):
        yield {"question": atom.field, "operator": "exists", "answerBoolean": True}
        return
    field = fields[atom.field]
    for value in atom.values:
        test: Json = {"question": atom.field, "operator": "="}
        if field.kind == "scale":
            yield {**test, "answerInteger": int(value)}
        elif field.kind in ("boolean", "conflict"):
            yield {**test, "answerBoolean": value == "yes"}
        else:
            yield {**test, "answerCoding": {"system": option_system(field), "code": value}}


def _question(field: Field, language: str) -> Json:
    repeats = field.kind == "choices" or (field.repeats is not None and field.repeats.maximum > 1)
    item: Json = {
        "linkId": field.origin or field.id,
        **_text("text", field.labels, language),
        "type": _type(field),
        "required": field.required,
        "repeats": repeats,
    }
    if field.options and field.kind not in ("boolean", "conflict"):
        item["answerOption"] = [{"valueCoding": _coding(option_system(field), o, language)} for o in field.options]
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


def option_system(field: Field) -> str:
    """The name of the options of a field; those that all forms share have one name."""
    return f"{BASE}:evidence" if field.kind == "evidence" else f"{BASE}:option:{field.origin or field.id}"


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
