"""Documents and models that travel inside DICOM: shown as the same file is outside of it, or a card.

Runs in the sandbox only. A page may name the patient in its own words, so it always asks for a person to look.
"""

from dataclasses import replace
from io import BytesIO

from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging import document as pdf_document
from ernbot.imaging import stl_model
from ernbot.imaging.model import Options, Preview
from ernbot.imaging.objects import card, class_name, wrapping

_PDF = b"%PDF-"
_PDF_STARTS_WITHIN = 1024


def document(dataset: Dataset, options: Options) -> Preview:
    """The first pages of a PDF, or a card for other documents; PS3.3 sections A.45.1 and A.45.2.

    Raises `Refused` `file-broken` for a PDF that cannot be opened.
    """
    data = _document(dataset)
    if _PDF not in data[:_PDF_STARTS_WITHIN]:
        return _unshown(dataset, "encapsulated-document")
    (inner,) = pdf_document.previews([BytesIO(data)], options)
    return replace(wrapping(inner, dataset, "encapsulated-document"), writing=max(1, inner.writing))


def model(dataset: Dataset, options: Options) -> Preview:
    """An STL model from four sides, PS3.3 section A.85.1. A model of a scan shows the face as it is.

    Raises `Refused`: `file-names-patient` (kinds), `file-broken`, `file-too-complex`.
    """
    (inner,) = stl_model.previews([BytesIO(_document(dataset))], options)
    return wrapping(inner, dataset, "encapsulated-model")


def other_model(dataset: Dataset, _options: Options) -> Preview:
    """A card for models in other formats, and for the surfaces that they are painted with; PS3.3 A.85.2, A.85.3."""
    preview = _unshown(dataset, "encapsulated-model")
    return replace(preview, facts=replace(preview.facts, identifiable=True))


def _unshown(dataset: Dataset, kind: str) -> Preview:
    named = class_name(dataset)
    return card(dataset, kind, *([named] if named else []), reason="no-preview")


def _document(dataset: Dataset) -> bytes:
    """The encapsulated bytes; Encapsulated Document Length leaves out the padding, PS3.3 C.24.2."""
    data = bytes(dataset.get("EncapsulatedDocument") or b"")
    if not data:
        raise Refused("file-broken")
    length = int(dataset.get("EncapsulatedDocumentLength") or 0)
    return data[:length] if 0 < length < len(data) else data
