"""Opinions as FHIR QuestionnaireResponses: each answer with the kind of value that its question asks for."""

from __future__ import annotations

from ernbot.core.opinion import Opinion
from ernbot.documents.answers import Answers
from ernbot.documents.dossier import Dossier
from ernbot.documents.fhir_people import People
from ernbot.documents.fhir_values import UCUM, Collection, Resource, coding, instant
from ernbot.documents.paper import clean

SYSTEMS = {
    "ORPHA": ("http://www.orpha.net", False),
    "HP": ("http://human-phenotype-ontology.org", True),
    "OMIM": ("http://www.omim.org", False),
    "ICD10": ("http://hl7.org/fhir/sid/icd-10", False),
    "ICD11": ("http://id.who.int/icd/release/11/mms", False),
    "HGNC": ("http://www.genenames.org", True),
    "HGVS": ("http://varnomen.hgvs.org", False),
    "LOINC": ("http://loinc.org", False),
    "SNOMED": ("http://snomed.info/sct", False),
}
"""The system of each kind of code, and whether its codes keep their prefix there (HL7 terminology)."""


def responses(dossier: Dossier, collection: Collection, people: People) -> list[Resource]:
    """References to one response for each opinion."""
    return [_response(dossier, collection, people, opinion) for opinion in dossier.outcome.opinions]


def _response(dossier: Dossier, collection: Collection, people: People, opinion: Opinion) -> Resource:
    answers = Answers(dossier, opinion)
    content: Resource = {
        "questionnaire": f"urn:ernbot:form:{opinion.form_id}|{opinion.form_version}",
        "status": "completed" if opinion.version == 1 else "amended",
        "subject": people.patient,
        "authored": instant(opinion.at),
        "author": people.person(opinion.author),
        "item": [_item(dossier, answers, opinion, key) for key in opinion.answers],
    }
    if not dossier.about_patient:
        del content["subject"]
    return collection.add("QuestionnaireResponse", opinion.author, content)


def _item(dossier: Dossier, answers: Answers, opinion: Opinion, key: str) -> Resource:
    value = opinion.answers[key]
    values = value if isinstance(value, tuple) else (value,)
    certain = opinion.certainty.get(key, ())
    given = []
    for number, each in enumerate(values):
        answer = _value(answers, key, each)
        if number < len(certain) and certain[number]:
            sure = {"linkId": f"{key}.certainty", "text": dossier.text("document-opinion-certainty")}
            said = answers.word(f"certainty={certain[number]}", certain[number])
            answer["item"] = [{**sure, "answer": [{"valueString": clean(said)}]}]
        given.append(answer)
    return {"linkId": key, "text": clean(answers.names[key]), "answer": given}


def _value(answers: Answers, key: str, value: str | int) -> Resource:
    """One answer of a field; what its form does not explain is text."""
    if isinstance(value, int):
        return {"valueInteger": value}
    field = answers.form.field(key) if answers.form else None
    kind: str = field.kind if field else "text"
    if kind == "boolean":
        return {"valueBoolean": value == "yes"}
    if field and field.options:
        return {"valueCoding": {"code": value, "display": clean(answers.word(f"{key}={value}", value))}}
    if kind == "date":
        return {"valueDate": value}
    if kind == "quantity":
        number, _, unit = value.partition(" ")
        quantity: Resource = {"value": float(number) if "." in number else int(number)}
        return {"valueQuantity": quantity | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})}
    prefix, _, rest = value.partition(":")
    if kind == "code" and prefix in SYSTEMS:
        system, whole = SYSTEMS[prefix]
        return {"valueCoding": coding(system, value if whole else rest)}
    return {"valueString": clean(value)}
