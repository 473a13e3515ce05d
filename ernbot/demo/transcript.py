"""The rooms of the story as one readable page, each as the client of somebody in it shows it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.stage import Step

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #8886; }
h3 { text-align: center; margin: 2rem 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; vertical-align: top; }
tr + tr { border-top: 1px solid #8883; } td ul { margin: 0; padding-left: 1.1rem; }
article { margin: .8rem 0; padding: .5rem .9rem; border-left: 4px solid #2a6f97; background: #8881; }
article.person { border-color: #b5651d; }
article header { font-size: .85rem; opacity: .75; } article p { margin: .3rem 0; }
article h4 { margin: .3rem 0; } blockquote { margin: .3rem 0; padding-left: .8rem; border-left: 3px solid #8886; }
img { max-width: 100%; height: auto; border-radius: 4px; } .gone { font-style: italic; opacity: .7; }
"""


@dataclass(frozen=True)
class Room:
    """A room of the page, as a person sees it."""

    title: str
    person: Clinician
    room_id: str


async def transcript(
    rooms: Sequence[Room], names: Mapping[str, str], steps: Sequence[Step], *, bot: str, marks: Mapping[str, str]
) -> str:
    """An HTML page: the steps, then each room.

    `names` maps user ids to names, `marks` event ids to the headings that stand before them.
    """
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>The story of a case</title>",
        "<meta name='viewport' content='width=device-width'>",
        f"<style>{_STYLE}</style><h1>The story of a case</h1>",
        "<table><thead><tr><th scope='col'>Step</th><th scope='col'>Seconds</th><th scope='col'>Seen to be true</th>"
        "</tr></thead><tbody>",
        *(_step(step) for step in steps),
        "</tbody></table>",
    ]
    for room in rooms:
        parts.append(f"<h2>{html.escape(room.title)}</h2>")
        for seen in _shown(room.person, room.room_id):
            if seen.event_id in marks:
                parts.append(f"<h3>{html.escape(marks[seen.event_id])}</h3>")
            parts.append(await _message(room.person, seen, names, bot))
    return "\n".join(parts) + "</html>"


def _step(step: Step) -> str:
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in step.asserted)
    mark = "✓" if step.ok else "✗"
    error = f"<p><strong>{html.escape(step.error)}</strong></p>" if step.error else ""
    cells = f"<td>{mark} {html.escape(step.name)}{error}</td><td>{step.seconds:.1f}</td><td><ul>{facts}</ul></td>"
    return f"<tr>{cells}</tr>"


def _shown(person: Clinician, room_id: str) -> list[Seen]:
    """The messages of a room as they stand at the end: edits applied, what was redacted marked."""
    events = [seen for seen in person.seen if seen.room_id == room_id]
    gone = {str(seen.content.get("redacts")) for seen in events if seen.type == "m.room.redaction"}
    latest: dict[str, Seen] = {}
    for seen in events:
        if seen.type != "m.room.message":
            continue
        relation = seen.content.get("m.relates_to") or {}
        if relation.get("rel_type") == "m.replace":
            target = str(relation.get("event_id"))
            if target in latest:
                latest[target] = Seen(
                    room_id, target, seen.sender, seen.type, seen.content["m.new_content"], seen.encrypted, seen.trusted
                )
            continue
        latest[seen.event_id] = seen
    return [
        Seen(room_id, seen.event_id, seen.sender, "removed", {}) if seen.event_id in gone else seen
        for seen in latest.values()
    ]


async def _message(person: Clinician, seen: Seen, names: Mapping[str, str], bot: str) -> str:
    kind = "bot" if seen.sender == bot else "person"
    name = "Case rooms" if kind == "bot" else html.escape(names.get(seen.sender, seen.sender))
    lock = "encrypted, signed device" if seen.encrypted and seen.trusted else ""
    if seen.type == "removed":
        body = "<p class='gone'>removed</p>"
    elif seen.content.get("msgtype") == "m.image":
        picture = base64.b64encode(await person.open_file(seen)).decode()
        caption = html.escape(seen.body)
        mimetype = html.escape(seen.content["info"]["mimetype"])
        body = f"<img alt='{caption}' src='data:{mimetype};base64,{picture}'><p>{caption}</p>"
    elif kind == "bot" and "formatted_body" in seen.content:
        body = str(seen.content["formatted_body"])
    else:
        body = "<p>" + html.escape(seen.body).replace("\n", "<br>") + "</p>"
    return f"<article class='{kind}'><header>{name} <small>{lock}</small></header>{body}</article>"
