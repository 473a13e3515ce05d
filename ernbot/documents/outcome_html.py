"""The outcome of a case as one file that any browser opens: nothing else is loaded, and no script runs.

Semantic elements carry the structure; `outcome.css` gives it a light and a dark look and one for paper. A policy inside
the file forbids everything but that style, so that words of people could do nothing even if they came out as markup.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path

from ernbot.documents.dossier import Dossier
from ernbot.documents.markup import blocks, element, facts, paragraphs
from ernbot.documents.outcome_paper import paper
from ernbot.documents.paper import Section, clean


def render(dossier: Dossier) -> bytes:
    """A drafted or signed outcome as HTML in UTF-8."""
    document = paper(dossier)
    style, policy = _style()
    notes = "\n".join(paragraphs(note, strong=True) for note in (document.disclaimer, *document.notes))
    parts = [
        f'<!DOCTYPE html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8" />',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}" />',
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        '<meta name="color-scheme" content="light dark" />',
        f"<title>{escape(' '.join(clean(document.title).split()))}</title>\n<style>{style}</style>\n</head>",
        f"<body>\n<header>\n{element('h1', document.title)}\n{notes}\n{facts(document.facts)}\n</header>\n<main>",
        *map(_section, document.sections),
        f"</main>\n<footer>\n{_record(dossier)}{element('p', document.disclaimer)}\n</footer>\n</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _section(section: Section) -> str:
    heading = element("h2", section.title, f' id="{section.id}"')
    return f'<section aria-labelledby="{section.id}">\n{heading}\n{blocks(section.blocks)}\n</section>'


def _record(dossier: Dossier) -> str:
    """A link that saves the signed record, which is inside its address."""
    if dossier.record is None:
        return ""
    data = base64.b64encode(dossier.record.encode("ascii")).decode()
    link = f'<a download="outcome.json" href="data:application/json;base64,{data}">'
    return f"<p>{link}{dossier.text('document-record-save')}</a></p>\n"


@cache
def _style() -> tuple[str, str]:
    """The style, and the policy that allows it and nothing else (Content Security Policy Level 3)."""
    style = Path(__file__).with_name("outcome.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"default-src 'none'; style-src 'sha256-{digest}'"
