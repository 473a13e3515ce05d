"""The words under a preview, and of a card where there is none: what the file is, and what has to be known of it."""

from __future__ import annotations

from urllib.parse import quote

from ernbot.commands.reply import Line, Part, Reply, Symbol, Text, say
from ernbot.imaging import Facts
from ernbot.imaging.model import Fact
from ernbot.storage.records import CaseFile

_COUNTED = frozenset({"images", "slices"})
"""Details that already say how many pictures there are."""

_ABSURD = 1e7

_ALWAYS_PHOTOGRAPHS = frozenset({"JPEG", "PNG"})
"""Formats of photographs when facts did not say yet whether they show who somebody is."""


def stored_facts(file: CaseFile) -> Facts:
    """The facts of a stored file."""
    facts = dict(file.facts)
    facts.setdefault("identifiable", facts["format"] in _ALWAYS_PHOTOGRAPHS)
    return Facts(**{**facts, "details": tuple(Fact(**detail) for detail in facts.get("details", ()))})


def caption(facts: Facts, *, picture: bool = True, viewer: str | None = None) -> Reply:
    """What is said of a file; `picture` when there is one beside it, `viewer` is the address of the full viewer."""
    parts: list[Part] = [Line(tuple(_facts(facts)))]
    if facts.lossy:
        parts.append(Text("file-lossy"))
    if picture or facts.lossy:
        parts.append(Text("file-not-for-diagnosis"))
    if viewer is not None:
        parts.append(Text("file-viewer", {"url": viewer}))
    return Reply(tuple(parts))


def _facts(facts: Facts) -> list[Text]:
    said = [Text(f"kind-{facts.kind}")]
    said += [Text("value", {"value": word}) for word in (facts.format, facts.modality, facts.body_part) if word]
    if facts.width and facts.height:
        said.append(Text("file-size", {"width": str(facts.width), "height": str(facts.height)}))
    if facts.frames > 1 and not any(detail.name in _COUNTED for detail in facts.details):
        said.append(Text("file-frames", {"frames": facts.frames}))
    return said + [_detail(detail) for detail in facts.details]


def _detail(detail: Fact) -> Text:
    value = detail.value
    if isinstance(value, float):  # four digits, written as the reader's language does; an absurd one as it is
        value = float(f"{value:.4g}") if abs(value) < _ABSURD else f"{value:.4g}"
    return Text(f"fact-{detail.name}", {"value": value} if value is not None else {})


def film(facts: Facts) -> Reply:
    """What is said of the short film beside a preview."""
    return Reply((Text("file-film", {"kind": Symbol("kind", facts.kind)}), Text("file-not-for-diagnosis")))


def announcement(facts: Facts, *, moving: bool = False) -> Reply:
    """What is said before a picture of somebody is shown, or a film."""
    return say("file-film-announced" if moving else "file-announced", kind=Symbol("kind", facts.kind))


def viewer_address(template: str | None, room_id: str, event_id: str) -> str | None:
    """Where a file opens in the full viewer, when there is one."""
    if template is None:
        return None
    return template.format(room=quote(room_id, safe=""), event=quote(event_id, safe=""))
