"""Polls as clients know them (MSC3381), in the names that clients use today and in those of the specification.

They are encrypted events like messages. An option is known by its number, so that an answer is read like a number that
somebody replied. What does not name one of the nine options is no answer at all.
"""

from __future__ import annotations

import re
from typing import Any

from ernbot.commands.effects import SendPoll
from ernbot.core.characters import harmless
from ernbot.matrix.events import Words, as_dict, as_list

_UNSTABLE = "org.matrix.msc3381.poll"
_TEXT = "org.matrix.msc1767.text"
START = f"{_UNSTABLE}.start"
END = f"{_UNSTABLE}.end"
RESPONSES = frozenset({f"{_UNSTABLE}.response", "m.poll.response"})


def start(poll: SendPoll) -> dict[str, Any]:
    """The content of the event that asks; votes of a poll without names are shown by clients at its end only."""
    question = harmless(poll.question)
    options = [harmless(option) for option in poll.options]
    lines = [question, *(f"{number}. {option}" for number, option in enumerate(options, start=1))]
    return {
        START: {
            "question": {_TEXT: question},
            "kind": f"{_UNSTABLE}.{'disclosed' if poll.named else 'undisclosed'}",
            "max_selections": 1,
            "answers": [{"id": str(number), _TEXT: option} for number, option in enumerate(options, start=1)],
        },
        _TEXT: "\n".join(lines),
    }


def end(event_id: str, words: str) -> dict[str, Any]:
    """The content of the event that closes a poll."""
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": event_id}, END: {}, _TEXT: words}


def response(kind: str, content: dict[str, Any]) -> Words | None:
    """A vote in a poll, as if its number had been replied to the poll; None for anything else, and for no vote."""
    if kind not in RESPONSES:
        return None
    relates = as_dict(content.get("m.relates_to"))
    target = relates.get("event_id")
    chosen = as_list(content.get("m.selections")) or as_list(as_dict(content.get(kind)).get("answers"))
    if relates.get("rel_type") != "m.reference" or not isinstance(target, str) or not chosen:
        return None
    if not isinstance(chosen[0], str) or not re.fullmatch("[1-9]", chosen[0]):
        return None
    return Words(chosen[0], None, None, target, ())
