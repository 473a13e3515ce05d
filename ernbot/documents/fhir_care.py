"""What an outcome asks for and proposes, in FHIR: the request, the plan with its proposals, the consent behind it.

A recommendation is a proposal, never an order: the treating clinician decides, and each proposal says so.
"""

from __future__ import annotations

from ernbot.core.consent import Paper, Purpose, Signer, review_due
from ernbot.core.recommendation import Direction, Recommendation, Strength
from ernbot.documents.dossier import Dossier
from ernbot.documents.fhir_people import People
from ernbot.documents.fhir_values import (
    EVIDENCE_QUALITY,
    LOINC,
    SNOMED,
    TERMINOLOGY,
    URI,
    Collection,
    Resource,
    coding,
    concept,
)
from ernbot.documents.paper import clean

CONSULTATION = coding(SNOMED, "11429006", "Consultation (procedure)")
STRENGTHS = {
    Strength.STRONG: coding(f"{TERMINOLOGY}recommendation-strength", "strong", "Strong"),
    Strength.CONDITIONAL: coding(f"{TERMINOLOGY}recommendation-strength", "weak", "Weak"),
}
"""GRADE says conditional or weak for the same."""

USES = {
    Purpose.CARE: coding(f"{TERMINOLOGY}v3-ActReason", "TREAT", "treatment"),
    Purpose.IMAGES: coding(f"{TERMINOLOGY}v3-ActReason", "TREAT", "treatment"),
    Purpose.REGISTRY: coding(f"{TERMINOLOGY}v3-ActReason", "HRESCH", "healthcare research"),
    Purpose.CONTACT: coding(f"{TERMINOLOGY}v3-ActReason", "HRESCH", "healthcare research"),
}
CONSENT_ACT = "http://data.europa.eu/eli/dec_del/2014/287/oj"


def request(dossier: Dossier, collection: Collection, people: People, team: Resource) -> Resource:
    """The question to the panel."""
    content = {
        "identifier": [{"system": URI, "value": collection.urn("case")}],
        "status": "completed" if dossier.signed else "active",
        "intent": "order",
        "category": [concept(dossier.text("document-consultation"), CONSULTATION)],
        "code": concept(dossier.text("document-consultation"), CONSULTATION),
        "subject": people.patient,
        "requester": people.person(dossier.lead),
        "performer": [team],
        "reasonCode": [concept(clean(dossier.outcome.question))],
    }
    return collection.add("ServiceRequest", "request", content)


def plan(dossier: Dossier, collection: Collection, people: People, team: Resource, asked: Resource) -> list[Resource]:
    """References to the plan and to its proposals."""
    proposals = [_proposal(dossier, collection, people, line) for line in dossier.outcome.recommendations]
    content: Resource = {
        "status": "active" if dossier.signed else "draft",
        "intent": "proposal",
        "title": clean(dossier.title),
        "subject": people.patient,
        "author": people.person(dossier.lead),
        "careTeam": [team],
        "supportingInfo": [asked],
        "note": [{"text": dossier.disclaimer}],
    }
    if proposals:
        content["activity"] = [{"reference": proposal} for proposal in proposals]
    return [collection.add("CarePlan", "plan", content), *proposals]


def _proposal(dossier: Dossier, collection: Collection, people: People, line: Recommendation) -> Resource:
    text = dossier.text
    against = line.direction is Direction.AGAINST
    category = [concept(text(f"document-{line.strength.value}-{line.direction.value}"), STRENGTHS[line.strength])]
    if line.evidence:
        certainty = f"{text('document-certainty')}: {text(f'document-certainty-{line.evidence.value}')}"
        quality = EVIDENCE_QUALITY.get(line.evidence)
        category.append(concept(certainty, *([quality] if quality else [])))
    content: Resource = {
        "status": "active" if dossier.signed else "draft",
        "intent": "proposal",
        "category": category,
        "doNotPerform": against,
        "code": concept(clean(line.text)),
        "subject": people.patient,
        "requester": people.person(dossier.lead),
        "note": [{"text": dossier.disclaimer}],
    }
    if line.due:
        content["occurrencePeriod"] = {"end": line.due.isoformat()}
    if line.owner:
        content["performer"] = [people.person(line.owner)]
    if line.preference:
        content["note"].append({"text": clean(f"{text('document-preference')}: {line.preference}")})
    return collection.add("ServiceRequest", f"recommendation {line.id}", content)


def consents(dossier: Dossier, collection: Collection, people: People) -> list[Resource]:
    """References to the consents that are in force when the document is made."""
    found = []
    for purpose in Purpose:
        entry = dossier.consent.last(purpose, dossier.at)
        if entry and entry.paper and dossier.consent.covers(purpose, dossier.at):
            found.append(_consent(dossier, collection, people, purpose, entry.paper))
    return found


def consent_words(dossier: Dossier, purpose: Purpose, paper: Paper) -> str:
    """One consent in words."""
    return dossier.text(
        "document-consent",
        purpose=dossier.text(f"document-consent-{purpose.value}"),
        version=paper.form_version,
        language=paper.language,
        signer=dossier.text(f"document-signer-{paper.signer.value}"),
        signed=paper.signed_on,
    )


def _consent(dossier: Dossier, collection: Collection, people: People, purpose: Purpose, paper: Paper) -> Resource:
    words = consent_words(dossier, purpose, paper)
    content: Resource = {
        "status": "active",
        "scope": concept(
            dossier.text("document-consents"),
            coding(f"{TERMINOLOGY}consentscope", "patient-privacy", "Privacy Consent"),
        ),
        "category": [concept(words, coding(LOINC, "59284-0", "Consent Document"))],
        "patient": people.patient,
        "dateTime": paper.signed_on.isoformat(),
        "organization": [people.network],
        "policy": [{"uri": CONSENT_ACT}],
        "provision": {
            "type": "permit",
            "period": {"start": paper.signed_on.isoformat(), "end": review_due(paper.signed_on).isoformat()},
            "purpose": [USES[purpose]],
        },
    }
    if paper.signer is Signer.PATIENT:
        content["performer"] = [people.patient]
    return collection.add("Consent", purpose.value, content, display=words)
