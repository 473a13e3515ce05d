"""The one form of JSON in which outcomes and what is signed of them are hashed. It must never change: digests stand."""

from __future__ import annotations

import json
from datetime import date
from typing import Any


def plain(content: Any) -> Any:
    """Values of dataclasses as JSON values."""
    return json.loads(json.dumps(content, default=_plain))


def canonical(content: Any) -> bytes:
    """JSON values in the one form in which they are hashed: ASCII, sorted keys, no space."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def filled(content: Any) -> Any:
    """JSON values without those of an object that are empty; a number never is."""
    if isinstance(content, list):
        return [filled(value) for value in content]
    if not isinstance(content, dict):
        return content
    return {key: filled(value) for key, value in content.items() if value or type(value) in (int, float)}


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"an outcome holds no {type(value).__name__}")
