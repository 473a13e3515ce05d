"""Documents and models that travel inside DICOM: the first page of a PDF, a card for the rest.

Runs in the sandbox only. A page may name the patient in its own words, so it always asks for a person to look.
"""

import struct
from dataclasses import replace

import pypdfium2
from PIL import Image
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging.model import LONGEST_SIDE, Fact, Options, Preview
from ernbot.imaging.objects import card, class_name, drawn

_PDF = b"%PDF-"
_PDF_STARTS_WITHIN = 1024
_STL_HEAD, _STL_TRIANGLE = 84, 50


def document(dataset: Dataset, _options: Options) -> Preview:
    """The first page of a PDF, or a card for other documents; PS3.3 sections A.45.1 and A.45.2.

    Raises `Refused` `file-broken` for a PDF that cannot be opened.
    """
    data = _document(dataset)
    if _PDF not in data[:_PDF_STARTS_WITHIN]:
        return _unshown(dataset, "encapsulated-document")
    try:
        with pypdfium2.PdfDocument(data) as opened:
            pages = len(opened)
            picture = _first_page(opened)
    except pypdfium2.PdfiumError:
        raise Refused("file-broken") from None
    return replace(drawn(picture, dataset, "encapsulated-document", Fact("pages", pages)), writing=1)


def _first_page(opened: pypdfium2.PdfDocument) -> Image.Image:
    page = opened[0]
    scale = LONGEST_SIDE / max(*page.get_size(), 1.0)
    bitmap = page.render(scale=scale, may_draw_forms=False)
    rendered: Image.Image = bitmap.to_pil().convert("RGB")
    grey = rendered.convert("L")
    return grey if rendered.tobytes() == grey.convert("RGB").tobytes() else rendered


def model(dataset: Dataset, _options: Options) -> Preview:
    """A card: how many triangles an STL model has; PS3.3 section A.85.1.

    A model made of a scan shows the face as it is.
    """
    data = _document(dataset)
    counted = []
    if len(data) >= _STL_HEAD:
        (triangles,) = struct.unpack_from("<I", data, _STL_HEAD - 4)
        if triangles and 0 <= len(data) - _STL_HEAD - _STL_TRIANGLE * triangles <= 1:
            counted = [Fact("triangles", triangles)]
    preview = _unshown(dataset, "encapsulated-model", *counted)
    return replace(preview, facts=replace(preview.facts, identifiable=True))


def _unshown(dataset: Dataset, kind: str, *details: Fact) -> Preview:
    named = class_name(dataset)
    return card(dataset, kind, *([named] if named else []), *details)


def _document(dataset: Dataset) -> bytes:
    """The encapsulated bytes; Encapsulated Document Length leaves out the padding, PS3.3 C.24.2."""
    data = bytes(dataset.get("EncapsulatedDocument") or b"")
    if not data:
        raise Refused("file-broken")
    length = int(dataset.get("EncapsulatedDocumentLength") or 0)
    return data[:length] if 0 < length < len(data) else data
