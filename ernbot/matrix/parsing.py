"""JSON from the network. What a stranger put into one event must not cost the answer that it came in.

Python's parser gives up on JSON that is nested too deep (`RecursionError`) or has a number of too many digits, and then
nothing at all of a sync would be read, now or ever again. So what it cannot read is cut out, and only that.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""Levels that are left when something is too deep: those around an event and `events.MAX_NESTING` inside of it."""

MAX_DIGITS = 400
"""Digits of a number that are read; a longer one is taken for zero."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def parse(data: bytes) -> Any:
    """The value of a JSON text; null stands for whatever is nested beyond all reason.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(data)
    except (RecursionError, ValueError):
        return json.loads(_shallow(data.decode(errors="replace")), parse_int=_number)


def _shallow(text: str) -> str:
    """A JSON text without what lies deeper than `MAX_DEPTH`."""
    kept, depth, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += [text[start : token.start()], "null"]
                start = len(text)
        elif token[0] in "]}":
            if depth == MAX_DEPTH + 1:
                start = token.end()
            depth -= 1
    return "".join(kept) + text[start:]


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= MAX_DIGITS else 0
