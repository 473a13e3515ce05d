"""Opinions as FHIR QuestionnaireResponses: each answer where its Questionnaire asks for it, with the same codes.

The Questionnaire is walked, so that a program finds the same groups, links and systems in both. An opinion whose form
is gone keeps its answers as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ernbot.core.codes import CODE_SYSTEMS
from ernbot.core.field import Field
from ernbot.core.opinion import Opinion
from ernbot.documents.answers import Answers
from ernbot.documents.dossier import Dossier
from ernbot.documents.fhir_people import People
from ernbot.documents.fhir_values import EVIDENCE_QUALITY, UCUM, Collection, Resource, coding, instant
from ernbot.documents.paper import clean
from ernbot.documents.questionnaire import CERTAINTY, canonical, option_system, questionnaire


def responses(dossier: Dossier, collection: Collection, people: People) -> list[Resource]:
    """References to one response for each opinion."""
    return [_response(dossier, collection, people, opinion) for opinion in dossier.outcome.opinions]


def _response(dossier: Dossier, collection: Collection, people: People, opinion: Opinion) -> Resource:
    content: Resource = {
        "questionnaire": canonical(opinion.form_id, opinion.form_version),
        "status": "completed" if opinion.version == 1 else "amended",
        "subject": people.patient,
        "authored": instant(opinion.at),
        "author": people.person(opinion.author),
        "item": list(Response(dossier, opinion).items()),
    }
    if not dossier.about_patient:
        del content["subject"]
    return collection.add("QuestionnaireResponse", opinion.author, content)


class Response:
    """The answers of one opinion, in the places where its Questionnaire asks for them."""

    def __init__(self, dossier: Dossier, opinion: Opinion) -> None:
        self._answers = Answers(dossier, opinion)
        self._opinion = opinion
        self._sure = dossier.text("document-opinion-certainty")
        form = self._answers.form
        self._questions: list[dict[str, Any]] = questionnaire(form, dossier.language)["item"] if form else []
        self._fields = {(field.origin or field.id, field.occurrence): field for field in (form.fields if form else ())}
        self._times = {group.id: group.repeats.maximum for group in (form.groups if form else ())}

    def items(self) -> Iterator[Resource]:
        """The items of the response; answers that no question explains come last."""
        yield from self._items(self._questions, 1)
        explained = {field.id for field in self._fields.values()}
        for key in self._opinion.answers:
            if key not in explained:
                yield self._item(key, key, None)

    def _items(self, questions: list[dict[str, Any]], occurrence: int) -> Iterator[Resource]:
        for question in questions:
            link_id = question["linkId"]
            if question["type"] == "group":
                rounds = range(1, self._times[link_id] + 1) if link_id in self._times else (occurrence,)
                for number in rounds:
                    if inside := list(self._items(question["item"], number)):
                        named = {"text": clean(question["text"])} if "text" in question else {}
                        yield {"linkId": link_id, **named, "item": inside}
            elif (field := self._fields[link_id, occurrence]).id in self._opinion.answers:
                yield self._item(link_id, field.id, field)

    def _item(self, link_id: str, key: str, field: Field | None) -> Resource:
        """The answers to one question, each with how sure the expert is of it."""
        value = self._opinion.answers[key]
        certain = self._opinion.certainty.get(key, ())
        given = []
        for number, each in enumerate(value if isinstance(value, tuple) else (value,)):
            answer = self._value(field, each)
            if number < len(certain) and certain[number]:
                how = [self._certainty(certain[number])]
                answer["item"] = [{"linkId": f"{link_id}.certainty", "text": self._sure, "answer": how}]
            given.append(answer)
        return {"linkId": link_id, "text": clean(self._answers.names[key]), "answer": given}

    def _certainty(self, word: str) -> Resource:
        """How sure the expert is: one of the words that are asked for, or a percentage."""
        if word.endswith("%"):
            return {"valueString": word}
        return {"valueCoding": coding(CERTAINTY, word, clean(self._answers.word(f"certainty={word}", word)))}

    def _value(self, field: Field | None, value: str | int) -> Resource:
        """One answer with the kind of its question; what no question explains is text."""
        if isinstance(value, int):
            return {"valueInteger": value}
        if field is None:
            return {"valueString": clean(value)}
        match field.kind:
            case "boolean" | "conflict":
                return {"valueBoolean": value == "yes"}
            case "choice" | "choices" | "evidence":
                if field.kind == "evidence" and value in EVIDENCE_QUALITY:
                    return {"valueCoding": EVIDENCE_QUALITY[value]}
                display = clean(self._answers.word(f"{field.id}={value}", value))
                return {"valueCoding": coding(option_system(self._opinion.form_id, field, value), value, display)}
            case "date":
                return {"valueDate": value}
            case "quantity":
                return _quantity(value)
            case "code":
                name, _, rest = value.partition(":")
                system = CODE_SYSTEMS[name]
                return {"valueCoding": coding(system.uri, system.prefix + rest)}
            case _:
                return {"valueString": clean(value)}


def _quantity(value: str) -> Resource:
    """`12.5 mm` as a quantity, and a number without a unit as a decimal."""
    text, _, unit = value.partition(" ")
    number = float(text) if "." in text else int(text)
    if not unit:
        return {"valueDecimal": number}
    return {"valueQuantity": {"value": number, "unit": unit, "system": UCUM, "code": unit}}
