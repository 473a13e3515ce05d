"""Codes of clinical terminologies, by their shape: whether a code exists is not asked here.

A code is kept with the short name of its system before it, as it is typed: `ORPHA:2343`, `HP:0002676`. Other ways of
writing the system are understood. `uri` is how FHIR names the system, `code` what FHIR wants behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CodeSystem:
    """One terminology: `shape` is what follows `<name>:`. FHIR wants `prefix` before that in some systems."""

    name: str
    shape: re.Pattern[str]
    uri: str
    also: tuple[str, ...] = ()
    prefix: str = ""
    upper: bool = True

    def normal(self, text: str) -> str | None:
        """The code as it is kept, or None for what is no code of this system."""
        squeezed = re.sub(r"\s+", "", text)
        for name in sorted((self.name, *self.also), key=len, reverse=True):
            start = re.sub(r"\s+", "", name)
            if squeezed.upper().startswith(f"{start.upper()}:"):
                rest = squeezed[len(start) + 1 :]
                rest = rest.upper() if self.upper else rest
                return f"{self.name}:{rest}" if self.shape.fullmatch(rest) else None
        return None


_HGVS = r"(?:N[CGMPRTW]_\d{6,9}\.\d{1,3}|LRG_\d{1,5}(?:[tp]\d{1,2})?|ENS[GTP]\d{11}\.\d{1,3})(?:\([A-Za-z0-9-]+\))?"

CODE_SYSTEMS: Mapping[str, CodeSystem] = {
    system.name: system
    for system in (
        CodeSystem("ORPHA", re.compile(r"[1-9]\d{0,6}", re.ASCII), "http://www.orpha.net", ("ORPHANET",)),
        CodeSystem("HP", re.compile(r"\d{7}", re.ASCII), "http://human-phenotype-ontology.org", ("HPO",), "HP:"),
        CodeSystem("OMIM", re.compile(r"\d{6}", re.ASCII), "http://www.omim.org", ("MIM",)),
        CodeSystem(
            "ICD10", re.compile(r"[A-Z]\d{2}(\.\d{1,2})?", re.ASCII), "http://hl7.org/fhir/sid/icd-10", ("ICD-10",)
        ),
        CodeSystem(
            "ICD11",
            re.compile(r"[0-9A-Z][A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,2})?", re.ASCII),
            "http://id.who.int/icd/release/11/mms",
            ("ICD-11",),
        ),
        CodeSystem("HGNC", re.compile(r"[1-9]\d{0,5}", re.ASCII), "http://www.genenames.org", (), "HGNC:"),
        CodeSystem(
            "HGVS",
            re.compile(rf"{_HGVS}:[cgmnopr]\.[A-Za-z0-9_>+*?=()\[\];-]{{2,120}}", re.ASCII),
            "http://varnomen.hgvs.org",
            upper=False,
        ),
        CodeSystem("LOINC", re.compile(r"\d{1,7}-\d", re.ASCII), "http://loinc.org"),
        CodeSystem(
            "SNOMED", re.compile(r"[1-9]\d{5,17}", re.ASCII), "http://snomed.info/sct", ("SNOMED CT", "SCT", "SNOMEDCT")
        ),
    )
}
"""Every system by the name that stands before its codes."""


def normal(text: str, systems: tuple[str, ...]) -> str | None:
    """A code of one of these systems as it is kept; None for anything else.

    A variant in HGVS notation is known by itself, so nothing has to stand before it.
    """
    for name in systems:
        found = CODE_SYSTEMS[name].normal(text)
        if found is not None:
            return found
    if "HGVS" in systems:
        return CODE_SYSTEMS["HGVS"].normal(f"HGVS:{text}")
    return None
