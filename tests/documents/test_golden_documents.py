"""Whole documents, in both languages, compared with files that a clinician can read as well.

`pytest --golden` writes the files anew; read every difference before you commit it.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from ernbot.core.outcome import Outcome
from ernbot.documents import outcome_fhir, outcome_html, outcome_pdf
from ernbot.documents.dossier import Dossier
from ernbot.locales import LANGUAGES
from tests.documents.samples import ANNA, BRAM, CHIARA, dossier, drafted, sign, signed

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "documents"
OUTCOMES: dict[str, Outcome] = {
    "named": sign(drafted(), ANNA, BRAM, CHIARA),
    "anonymous": replace(signed(anonymous=True), amends="ab" * 32, why="The scan was read again."),
    "draft": drafted(),
}


def pdf_text(made: Dossier) -> str:
    """The words of the PDF in their order of reading."""
    pages = pypdf.PdfReader(io.BytesIO(outcome_pdf.render(made))).pages
    return "\n\n".join(page.extract_text() for page in pages) + "\n"


def fhir_text(made: Dossier) -> str:
    """The bundle, one value in a line; of long data, which other tests compare, only the beginning."""
    return json.dumps(_shortened(json.loads(outcome_fhir.render(made))), ensure_ascii=False, indent=1) + "\n"


def _shortened(value: object) -> object:
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if isinstance(value, dict):
        return {key: f"{each[:12]}…" if key == "data" else _shortened(each) for key, each in value.items()}
    return value


def html_text(made: Dossier) -> str:
    """The page without its style and the record in its link."""
    page = outcome_html.render(made).decode()
    before, style, rest = page.partition("<style>")
    rest = rest.partition("</style>")[2]
    link, address, tail = rest.partition("base64,")
    return before + style + "…</style>" + link + (f"{address}…" + '"' + tail.partition('"')[2] if address else "")


KINDS = {"pdf.txt": pdf_text, "html": html_text, "json": fhir_text}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", OUTCOMES)
def test_a_document_reads_like_its_golden_file(
    request: pytest.FixtureRequest, name: str, language: str, kind: str
) -> None:
    path = FOLDER / f"{name}.{language}.{kind}"
    made = KINDS[kind](dossier(OUTCOMES[name], language))
    if request.config.getoption("--golden"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "see `pytest --golden`"
