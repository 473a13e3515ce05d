"""The seal of a file: a short text inside it that answers for every other byte of it.

The seal stands where the format lets a remark stand that changes nothing: in a PDF as a comment before `startxref`
(ISO 32000-1, 7.2.3 and 7.5.5), so that offsets, tags and the end of the file stay as they are; in HTML as the last
comment; in a FHIR document as `Bundle.signature`. Whoever takes it out again has the bytes that were sealed. Nothing
here knows keys: what a seal says, and whether it is true, is a matter of who signs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

Words = Mapping[str, str]
"""What a seal says. `at` (an instant of FHIR, like `2026-03-05T13:07:00Z`) and `by` (a name) are always there."""

PDF = b"%PDF-"
HTML = b"<!DOCTYPE html>"
FHIR = b'{"resourceType":"Bundle",'

_PDF_END = re.compile(rb"startxref\r?\n\d+\r?\n%%EOF\r?\n?\Z")
_SEALS = {
    PDF: re.compile(rb"%ernbot-seal ([A-Za-z0-9+/=]+)\n(?=" + _PDF_END.pattern + rb")"),
    HTML: re.compile(rb"<!--ernbot-seal ([A-Za-z0-9+/=]+)-->\n\Z"),
    FHIR: re.compile(rb',"signature":\{"type":[^\n]*"data":"([A-Za-z0-9+/=]+)"\}(?=\}\n\Z)'),
}
"""How a seal is found in each kind of document; the first group is what it says."""


@dataclass(frozen=True)
class Opened:
    """A document without its seal: the bytes that were sealed, and what the seal says (None when there is none)."""

    content: bytes
    words: Words | None


def seal(document: bytes, words: Words) -> bytes:
    """The document with its seal.

    Raises:
        ValueError: it is no PDF, HTML or FHIR document of ours.
    """
    data = base64.b64encode(json.dumps(words, sort_keys=True, separators=(",", ":")).encode()).decode()
    match _kind(document):
        case b"%PDF-" if end := _PDF_END.search(document):
            return document[: end.start()] + f"%ernbot-seal {data}\n".encode() + document[end.start() :]
        case b"<!DOCTYPE html>":
            return document + f"<!--ernbot-seal {data}-->\n".encode()
        case _ if document.startswith(FHIR) and document.endswith(b"}\n"):
            return document[:-2] + b',"signature":' + _signature(words, data) + b"}\n"
    raise ValueError("no document of a kind that can be sealed")


def open_seal(document: bytes) -> Opened:
    """The document without its seal. What `seal` would not have written is no seal, and stays where it is."""
    kind = _kind(document)
    found = _SEALS[kind].search(document) if kind else None
    if found is None:
        return Opened(document, None)
    content = document[: found.start()] + document[found.end() :]
    try:
        words = json.loads(base64.b64decode(found[1]))
        genuine = isinstance(words, dict) and seal(content, words) == document
    except (ValueError, TypeError, KeyError, RecursionError):
        genuine = False
    return Opened(content, words) if genuine else Opened(document, None)


def _kind(document: bytes) -> bytes | None:
    return next((kind for kind in _SEALS if document.startswith(kind)), None)


def _signature(words: Words, data: str) -> bytes:
    """A FHIR Signature (R4, 2.24.0.11); its type is "verification" of ASTM E1762-95, which FHIR prefers."""
    kind = {
        "system": "urn:iso-astm:E1762-95:2013",
        "code": "1.2.840.10065.1.12.1.5",
        "display": "Verification Signature",
    }
    signature = {
        "type": [kind],
        "when": words["at"],
        "who": {"display": words["by"]},
        "sigFormat": "application/json",
        "data": data,
    }
    return json.dumps(signature, ensure_ascii=True, separators=(",", ":")).encode()
