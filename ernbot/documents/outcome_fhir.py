"""The outcome of a case as a FHIR R4 document: a Bundle whose Composition says what the paper says.

Machines find the question as a ServiceRequest, the recommendations as a CarePlan of proposals, opinions, consents, team
and signatures as resources of their own; people read the narratives. Dissent is said in the narrative alone, so that
no resource, address or order tells who dissented where the panel named nobody.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from typing import Any

from ernbot.core.canonical import canonical, plain
from ernbot.core.outcome import Signature
from ernbot.documents.dossier import Dossier
from ernbot.documents.fhir_answers import responses
from ernbot.documents.fhir_care import consents, plan, request
from ernbot.documents.fhir_people import People
from ernbot.documents.fhir_values import (
    LOINC,
    TERMINOLOGY,
    URI,
    Collection,
    Resource,
    coding,
    concept,
    instant,
    narrative,
    reference,
)
from ernbot.documents.markup import blocks, element, paragraphs
from ernbot.documents.outcome_paper import paper
from ernbot.documents.paper import Section, clean

SIGNATURES = "urn:iso-astm:E1762-95:2013"
AUTHOR = coding(SIGNATURES, "1.2.840.10065.1.12.1.1", "Author's Signature")
COAUTHOR = coding(SIGNATURES, "1.2.840.10065.1.12.1.2", "Coauthor's Signature")
CODES = {
    "question": coding(LOINC, "42349-1", "Reason for referral (narrative)"),
    "recommendations": coding(LOINC, "18776-5", "Plan of care note"),
}
"""What sections are called elsewhere, where they have a name."""


def render(dossier: Dossier) -> bytes:
    """A drafted or signed outcome as FHIR JSON in one line of UTF-8; the same input gives the same bytes."""
    return json.dumps(bundle(dossier), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def bundle(dossier: Dossier) -> dict[str, Any]:
    """The document as JSON values."""
    collection = Collection(dossier.case_id)
    collection.add("Composition", "outcome", {})  # a document begins with it, and it refers to all that follows
    people = People(dossier, collection)
    team = people.team()
    asked = request(dossier, collection, people, team)
    signed = [_provenance(dossier, collection, people, signature) for signature in dossier.outcome.signatures]
    entries = {
        "question": [asked],
        "recommendations": plan(dossier, collection, people, team, asked),
        "panel": [team],
        "opinions": responses(dossier, collection, people),
        "signatures": [*signed, *_record(dossier, collection)],
    }
    sections = [_section(dossier, section, entries.get(section.id, [])) for section in paper(dossier).sections]
    if covered := consents(dossier, collection, people):
        words = "".join(element("li", consent["display"]) for consent in covered)
        title = dossier.text("document-consents")
        sections.append({"title": title, "text": narrative(f"<ul>{words}</ul>", dossier.language), "entry": covered})
    collection.add("Composition", "outcome", _composition(dossier, collection, people, sections))
    identifier = _identifier(dossier, collection, dossier.outcome.signed_digest)
    return {
        "resourceType": "Bundle",
        "id": identifier["value"].removeprefix("urn:uuid:"),
        "language": dossier.language,
        "identifier": identifier,
        "type": "document",
        "timestamp": instant(dossier.created),
        "entry": list(collection.entries()),
    }


def _identifier(dossier: Dossier, collection: Collection, digest: str) -> Resource:
    return {"system": URI, "value": collection.urn("document", dossier.language, digest)}


def _composition(dossier: Dossier, collection: Collection, people: People, sections: list[Resource]) -> Resource:
    outcome = dossier.outcome
    document = paper(dossier)
    notes = "".join(paragraphs(note, strong=True) for note in (document.disclaimer, *document.notes))
    content: Resource = {
        "language": dossier.language,
        "text": narrative(element("h1", document.title) + notes, dossier.language),
        "identifier": _identifier(dossier, collection, outcome.signed_digest),
        "status": "final" if dossier.signed else "preliminary",
        "type": concept(dossier.text("document-consultation"), coding(LOINC, "11488-4", "Consult note")),
        "subject": people.patient,
        "date": instant(dossier.created),
        "author": [people.person(dossier.lead)],
        "title": clean(document.title),
        "confidentiality": "R",
        "custodian": people.network,
        "section": sections,
    }
    if not dossier.about_patient:
        del content["subject"]
    if outcome.amends is not None:
        replaced = _identifier(dossier, collection, outcome.amends)
        content["relatesTo"] = [{"code": "replaces", "targetIdentifier": replaced}]
        content["status"] = "amended" if dossier.signed else "preliminary"
    if outcome.signatures:
        content["attester"] = [
            {"mode": "professional", "time": instant(signature.at), "party": people.person(signature.by)}
            for signature in outcome.signatures
        ]
    return content


def _section(dossier: Dossier, section: Section, entries: list[Resource]) -> Resource:
    title = clean(section.title)
    said = paragraphs(dossier.disclaimer, strong=True) if section.id == "recommendations" else ""
    content: Resource = {"title": title}
    if section.id in CODES:
        content["code"] = concept(title, CODES[section.id])
    content["text"] = narrative(said + blocks(section.blocks), dossier.language)
    return content | ({"entry": entries} if entries else {})


def _provenance(dossier: Dossier, collection: Collection, people: People, signature: Signature) -> Resource:
    """Who signed, and how that is known: the whole signature with the countersignature as its data."""
    kind = AUTHOR if signature.by == dossier.lead else COAUTHOR
    signer = people.person(signature.by)
    attester = coding(f"{TERMINOLOGY}provenance-participant-type", "attester", "Attester")
    content: Resource = {
        "target": [reference(collection.urn("Composition", "outcome")), reference(collection.urn("CarePlan", "plan"))],
        "recorded": instant(signature.at),
        "agent": [{"type": concept(dossier.text("document-signed-by"), attester), "who": signer}],
        "signature": [
            {
                "type": [kind],
                "when": instant(signature.at),
                "who": signer,
                "targetFormat": "application/json",
                "sigFormat": "application/json",
                "data": base64.b64encode(canonical(plain(asdict(signature)))).decode(),
            }
        ],
    }
    return collection.add("Provenance", f"signature {signature.by}", content)


def _record(dossier: Dossier, collection: Collection) -> list[Resource]:
    if dossier.record is None:
        return []
    data = base64.b64encode(dossier.record.encode("ascii")).decode()
    content = {"contentType": "application/json", "data": data}
    return [collection.add("Binary", "record", content, display=dossier.text("document-record"))]
