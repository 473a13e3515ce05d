"""The outcome as a FHIR document: accepted by validators that are not ours, and silent where nobody is named."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernbot.core.consent import Ledger, Paper, Purpose, Signer
from ernbot.core.form import Form
from ernbot.core.outcome import Outcome
from ernbot.core.recommendation import Recommendation
from ernbot.documents import outcome_fhir
from ernbot.documents.dossier import Member
from ernbot.documents.seal import open_seal, seal
from ernbot.locales import LANGUAGES, catalogue
from tests.documents.conftest import Validate
from tests.documents.samples import (
    ANNA,
    AT,
    BRAM,
    CHIARA,
    CONSENT,
    DORA,
    FULL,
    NETWORK,
    dossier,
    drafted,
    empty,
    opinion,
    sign,
    signed,
)
from tests.documents.test_outcome_pdf import HOSTILE

WORDS = {"at": "2026-03-05T13:07:00Z", "by": "@ernbot:example.org"}
KINDS = {
    "Composition",
    "ServiceRequest",
    "CarePlan",
    "Consent",
    "CareTeam",
    "Provenance",
    "QuestionnaireResponse",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Patient",
    "Binary",
}


def bundle(outcome: Outcome, language: str = "en", **changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(outcome_fhir.render(dossier(outcome, language, **changed)))
    return made


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def one(bundle: dict[str, Any], kind: str) -> dict[str, Any]:
    (resource,) = resources(bundle, kind)
    return resource


def plan(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The proposals of the plan, in its order."""
    by_address = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    return [by_address[activity["reference"]["reference"]] for activity in one(bundle, "CarePlan")["activity"]]


AMENDED = sign(replace(drafted(), amends="ab" * 32, why="The scan was read again."))
OUTCOMES = {
    "empty": empty(),
    "alone": Outcome("Why?", (ANNA,), ()),
    "draft": drafted(),
    "signed": signed(),
    "signed by three": sign(drafted(), ANNA, BRAM, CHIARA),
    "anonymous": signed(anonymous=True),
    "amended": AMENDED,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_validators_accept_it(validate: Validate, outcome: Outcome, language: str) -> None:
    assert validate("fhir", bundle(outcome, language)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda b: one(b, "CarePlan").pop("intent"), "CarePlan.intent"),
        (lambda b: one(b, "CarePlan").update(intent="wish"), "not found in value set"),
        (lambda b: one(b, "Composition").update(colour="red"), "colour"),
        (lambda b: one(b, "CareTeam").update(subject={"reference": "urn:uuid:nobody"}), "nothing has the address"),
        (lambda b: one(b, "CareTeam").update(subject=one(b, "CarePlan")["careTeam"][0]), "Invalid reference"),
        (lambda b: resources(b, "Consent")[0].pop("policy"), "ppc-1"),
        (lambda b: one(b, "Composition").update(date="yesterday"), "Composition.date"),
        (lambda b: b.pop("identifier"), "bdl-9"),
        (lambda b: b["entry"].append(b["entry"].pop(0)), "bdl-11"),
    ],
)
def test_the_validators_find_what_is_wrong(validate: Validate, change: Any, complaint: str) -> None:
    broken = bundle(signed())
    change(broken)
    assert complaint in " ".join(validate("fhir", broken))


def test_a_guest_comes_with_their_hospital(validate: Validate) -> None:
    outcome = drafted()
    guest = "@oksana:example.org"
    others = {guest: Member("Oksana Koval", "Nordlys Hospital", "NO")}
    made = bundle(replace(outcome, panel=(*outcome.panel, guest)), others=others)
    assert validate("fhir", made) == []
    (hospital,) = [each for each in resources(made, "Organization") if each["name"] == "Nordlys Hospital"]
    assert hospital["address"] == [{"country": "NO"}]
    assert "partOf" not in hospital, "it is no centre of the network"


def test_a_document_has_everything_that_was_asked_for() -> None:
    made = bundle(sign(drafted(), ANNA, BRAM))
    assert {entry["resource"]["resourceType"] for entry in made["entry"]} == KINDS
    assert made["entry"][0]["resource"]["resourceType"] == "Composition"
    assert (made["type"], made["timestamp"]) == ("document", "2026-03-05T13:07:00Z")
    assert one(made, "Composition")["status"] == "final"
    titles = [section["title"] for section in one(made, "Composition")["section"]]
    assert titles[:3] == ["Question", "Recommendations", "Agreement and dissent"]
    assert titles[-1] == "Consent"


def test_every_resource_is_reached_from_the_composition() -> None:
    made = bundle(signed())
    text = {entry["fullUrl"]: json.dumps(entry["resource"]) for entry in made["entry"]}
    reached, new = set(), {made["entry"][0]["fullUrl"]}
    while new:
        reached |= new
        new = {address for known in new for address in re.findall(r"urn:uuid:[0-9a-f-]{36}", text[known])}
        new = (new & text.keys()) - reached
    assert reached == text.keys()


def test_recommendations_are_proposals() -> None:
    made = bundle(signed())
    assert one(made, "CarePlan")["intent"] == "proposal"
    first, second = plan(made)
    assert {first["intent"], second["intent"]} == {"proposal"}
    assert first["code"]["text"] == "Operate within eight weeks.\n\nThen follow the pressure."
    assert (first["doNotPerform"], second["doNotPerform"]) == (False, True)
    assert first["occurrencePeriod"] == {"end": "2026-05-01"}
    assert first["performer"][0]["display"] == "Anna Jensen"
    assert [category["coding"][0]["code"] for category in first["category"]] == ["strong", "low"]
    assert second["category"][1] == {"text": "Certainty of the evidence: expert opinion"}
    assert "one operation only" in first["note"][1]["text"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_disclaimer_is_on_the_document_the_plan_and_each_proposal(language: str) -> None:
    made = bundle(signed(), language)
    disclaimer = catalogue(language).text("document-outcome-disclaimer")
    assert disclaimer in one(made, "Composition")["text"]["div"]
    assert disclaimer in one(made, "Composition")["section"][1]["text"]["div"]
    assert all(one_["note"][0]["text"] == disclaimer for one_ in [one(made, "CarePlan"), *plan(made)])


def coded(field: str, code: str, display: str) -> dict[str, Any]:
    return {"valueCoding": {"system": f"urn:ernbot:form:cranio-opinion:{field}", "code": code, "display": display}}


def test_an_opinion_keeps_the_kind_of_each_answer() -> None:
    response = resources(bundle(signed()), "QuestionnaireResponse")[0]
    answers = {item["linkId"]: item["answer"] for item in response["item"]}
    assert answers == {
        "diagnosis": [{"valueCoding": {"system": "http://www.orpha.net", "code": "2343"}}],
        "recommendation": [coded("recommendation", "surgery", "Surgery")],
        "confidence": [{"valueInteger": 4}],
        "concerns": [
            coded("concerns", "airway", "Airway"),
            coded("concerns", "pressure", "Raised intracranial pressure"),
        ],
        "age": [{"valueQuantity": {"value": 9, "unit": "mo", "system": "http://unitsofmeasure.org", "code": "mo"}}],
        "remarks": [{"valueString": "Raised pressure on imaging."}],
    }
    assert (response["status"], response["author"]["display"]) == ("amended", "Bram de Vries")


def test_an_opinion_whose_form_is_gone_is_still_valid(validate: Validate) -> None:
    forms: dict[str, Form] = {}
    certain = replace(opinion(BRAM, FULL), certainty={"diagnosis": ("70 %",)}, conflict=True, after_reveal=True)
    made = bundle(sign(replace(drafted(), opinions=(certain,))), forms=forms)
    assert validate("fhir", made) == []
    (item, *_) = one(made, "QuestionnaireResponse")["item"]
    assert item["answer"][0]["valueString"] == "ORPHA:2343"
    assert item["answer"][0]["item"][0]["answer"] == [{"valueString": "70 %"}]


def test_the_patient_is_a_nickname() -> None:
    patient = one(bundle(signed()), "Patient")
    assert patient.keys() == {"resourceType", "id", "identifier"}
    (identifier,) = patient["identifier"]
    assert identifier["value"] == "Quiet Heron"
    assert identifier["type"]["coding"][0]["code"] == "ANON"


def test_a_case_without_a_patient_has_none(validate: Validate) -> None:
    made = bundle(signed(), about_patient=False, consent=Ledger())
    assert validate("fhir", made) == []
    assert resources(made, "Patient") == resources(made, "Consent") == []


def test_only_consent_that_is_in_force_is_there() -> None:
    covered = [consent["provision"]["purpose"][0]["code"] for consent in resources(bundle(signed()), "Consent")]
    assert covered == ["TREAT", "HRESCH"]
    later = CONSENT.withdraw(Purpose.REGISTRY, by=ANNA, at=AT)
    assert len(resources(bundle(signed(), consent=later), "Consent")) == 1
    assert resources(bundle(signed(), at=AT + timedelta(days=16 * 365)), "Consent") == []
    assert "Registry" not in json.dumps(bundle(signed(), consent=later))


def test_a_patient_who_signed_consent_is_its_performer(validate: Validate) -> None:
    own = Ledger().give(Purpose.CONTACT, Paper("1", "en", Signer.PATIENT, date(2026, 1, 1)), by=ANNA, at=AT)
    made = bundle(signed(), consent=own)
    assert validate("fhir", made) == []
    consent = one(made, "Consent")
    assert consent["performer"] == [consent["patient"]]


def test_each_signature_is_there_whole() -> None:
    outcome = sign(drafted(), ANNA, BRAM, CHIARA)
    made = bundle(outcome)
    found = resources(made, "Provenance")
    kinds = [one_["signature"][0]["type"][0]["display"] for one_ in found]
    assert kinds == ["Author's Signature", "Coauthor's Signature", "Coauthor's Signature"]
    for provenance, signature in zip(found, outcome.signatures, strict=True):
        data = json.loads(base64.b64decode(provenance["signature"][0]["data"]))
        assert data == asdict(signature) | {"at": signature.at.isoformat()}
    assert len(one(made, "Composition")["attester"]) == 3
    assert json.loads(base64.b64decode(one(made, "Binary")["data"])) == outcome.document()


def test_a_draft_says_so() -> None:
    made = bundle(drafted())
    assert one(made, "Composition")["status"] == "preliminary"
    assert one(made, "CarePlan")["status"] == "draft"
    assert "not signed" in one(made, "Composition")["text"]["div"]
    assert resources(made, "Provenance") == resources(made, "Binary") == []


def test_an_amendment_replaces_the_earlier_document() -> None:
    (relation,) = one(bundle(AMENDED), "Composition")["relatesTo"]
    assert relation["code"] == "replaces"
    assert one(bundle(AMENDED), "Composition")["status"] == "amended"
    first = signed()
    follower = sign(replace(drafted(), amends=first.digest(), why="Read again."))
    (relation,) = one(bundle(follower), "Composition")["relatesTo"]
    assert relation["targetIdentifier"] == bundle(first)["identifier"]


def test_where_dissent_is_anonymous_nothing_tells_who_it_was() -> None:
    """Whoever of two dissents, the documents differ in nothing, the record and its digest included."""
    chiara = drafted(anonymous=True)
    swapped = {BRAM: CHIARA, CHIARA: BRAM}
    bram = replace(chiara, votes=tuple(replace(vote, by=swapped[vote.by]) for vote in chiara.votes))
    bram_last = replace(bram, votes=bram.votes[::-1])
    files = {outcome_fhir.render(dossier(sign(each))) for each in (chiara, bram, bram_last)}
    assert len(files) == 1
    made = bundle(sign(chiara))
    section = one(made, "Composition")["section"][2]
    assert "entry" not in section
    assert "The pressure is borderline." in section["text"]["div"]
    assert not any(name in section["text"]["div"] for name in ("Bram", "Chiara", "Dóra", BRAM, CHIARA, DORA))


@pytest.mark.parametrize("words", [*HOSTILE, "<script>alert(1)</script>", "a\u200bb \u202e5.1 mg", "😀 שלום"])
def test_words_of_people_stay_words(validate: Validate, words: str) -> None:
    said = words.strip() or "x"
    outcome = replace(
        signed(),
        question=said,
        summary=words,
        evidence=words,
        recommendations=(Recommendation(1, said, preference=words),),
        votes=(replace(drafted().votes[1], reason=said),),
        opinions=(replace(opinion(BRAM, FULL), answers={"remarks": said}),),
    )
    people = tuple(replace(person, name=said) for person in NETWORK.people)
    made = bundle(outcome, network=replace(NETWORK, name=said, people=people), nickname=said)
    assert validate("fhir", made) == []
    narratives(made)


ELEMENTS = {"div", "h1", "p", "strong", "br", "dl", "dt", "dd", "ul", "ol", "li"}
ELEMENTS |= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"lang", "{http://www.w3.org/XML/1998/namespace}lang", "dir", "scope", "value"}
"""What of ours FHIR allows in a narrative: HTML 4.0, chapters 7 to 11 (R4, 2.4.0)."""


def narratives(bundle: dict[str, Any]) -> list[Element]:
    """The narratives of a document, each well-formed and of nothing but what FHIR allows."""
    composition = one(bundle, "Composition")
    found = [fromstring(text["text"]["div"]) for text in (composition, *composition["section"])]
    for div in found:
        for element in div.iter():
            assert element.tag.removeprefix("{http://www.w3.org/1999/xhtml}") in ELEMENTS
            assert set(element.attrib) <= ATTRIBUTES
    return found


@settings(max_examples=60)
@given(st.text(min_size=1))
def test_any_text_gives_narratives(words: str) -> None:
    narratives(bundle(replace(drafted(), evidence=words)))


def test_it_is_small_even_with_fifty_pages(validate: Validate) -> None:
    made = bundle(replace(signed(), evidence="The pressure was measured again.\n\n" * 5_000))
    assert validate("fhir", made) == []


def test_the_same_outcome_gives_the_same_bytes() -> None:
    assert outcome_fhir.render(dossier(signed())) == outcome_fhir.render(dossier(signed()))


def test_a_seal_leaves_the_bundle_valid(validate: Validate) -> None:
    document = outcome_fhir.render(dossier(signed()))
    sealed = seal(document, WORDS)
    assert validate("fhir", json.loads(sealed)) == []
    assert open_seal(sealed).content == document
