"""Values of FHIR R4 (4.0.1): resources of a document with their addresses, references, codes, narratives.

A document is read without a server, so every resource has a `urn:uuid:` address (R4, 2.1.0.7). It is made from the case
and from what the resource stands for: the same document gives the same addresses, and they tell nothing by themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Resource = dict[str, Any]

_SPACE = uuid.UUID("6f0c7ab5-0a0c-5a55-9a5c-0d1f5f1f7a10")
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
URI = "urn:ietf:rfc:3986"
XHTML = "http://www.w3.org/1999/xhtml"


class Collection:
    """The resources of one document, in the order in which they were added."""

    def __init__(self, case_id: str) -> None:
        self._case_id = case_id
        self._resources: dict[str, Resource] = {}

    def urn(self, *names: str) -> str:
        """The address of what these names stand for in this case."""
        return f"urn:uuid:{uuid.uuid5(_SPACE, chr(0).join((self._case_id, *names)))}"

    def add(self, kind: str, name: str, content: Resource, *, display: str = "") -> Resource:
        """Take in a resource; gives a reference to it."""
        address = self.urn(kind, name)
        self._resources[address] = {"resourceType": kind, "id": address.removeprefix("urn:uuid:"), **content}
        return reference(address, display)

    def entries(self) -> Iterator[Resource]:
        """The entries of a bundle."""
        for address, resource in self._resources.items():
            yield {"fullUrl": address, "resource": resource}


def reference(address: str, display: str = "") -> Resource:
    return {"reference": address, "display": display} if display else {"reference": address}


def concept(text: str, *codings: Resource) -> Resource:
    """Something that has a code in some systems, and words in the reader's language."""
    return {"coding": list(codings), "text": text} if codings else {"text": text}


def coding(system: str, code: str, display: str = "") -> Resource:
    return {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}


EVIDENCE_QUALITY = {
    code: coding(f"{TERMINOLOGY}evidence-quality", code, display)
    for code, display in (
        ("high", "High quality"),
        ("moderate", "Moderate quality"),
        ("low", "Low quality"),
        ("very-low", "Very low quality"),
    )
}
"""The four grades of GRADE in the terminology that HL7 has for them (R4, evidence-quality), by their code."""


def instant(at: datetime) -> str:
    """A time as FHIR writes it, in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def narrative(markup: str, language: str) -> Resource:
    """Markup of ours as the text of a resource."""
    return {
        "status": "generated",
        "div": f'<div xmlns="{XHTML}" lang="{language}" xml:lang="{language}">{markup}</div>',
    }
