"""The outcome of a case as a document that a hospital can file: an accessible PDF (PDF/UA-1, ISO 14289-1).

`outcome_paper` decides what it says, `outcome.typ` how it looks. What people wrote goes there as data and is never part
of a program. The signed record goes along as an embedded file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ernbot.documents.dossier import Dossier
from ernbot.documents.outcome_paper import paper
from ernbot.documents.paper import Paper, right_to_left
from ernbot.documents.press import Page, press

RIGHT_TO_LEFT_MARK = "\u200f"
TEMPLATE = Path(__file__).with_name("outcome.typ")


def render(dossier: Dossier) -> bytes:
    """A drafted or signed outcome as PDF; the same input on the same machine gives the same bytes.

    A character that no font of the machine can draw is replaced by its Unicode name in brackets.
    """
    return press(content(dossier))


def content(dossier: Dossier) -> Page:
    """What the document says, ready for the press."""
    document: Paper = paper(dossier)
    values = _directed(document.plain()) | {"record": dossier.record, "record_words": dossier.text("document-record")}
    return Page(TEMPLATE, values, int(document.created.timestamp()))


def _directed(content: Any) -> Any:
    """The content with a mark before each paragraph that starts from the right, which the template takes off again."""
    if isinstance(content, str):
        paragraphs = content.split("\n\n")
        return "\n\n".join(RIGHT_TO_LEFT_MARK + each if right_to_left(each) else each for each in paragraphs)
    if isinstance(content, list):
        return [_directed(item) for item in content]
    if isinstance(content, dict):
        return {key: _directed(value) for key, value in content.items()}
    return content
