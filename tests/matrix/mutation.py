"""Arbitrary JSON, and real events that were tampered with: what Hypothesis throws at every door of the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.matrix.forging import nested

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ODD = [
    *(None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**30, 1e300, math.nan, math.inf, -math.inf),
    *("", "\0", "a\0b", "\ud800", "\u202e", "@", "!", "x" * 70_000, "𠜎" * 255, "AAAA", "***", "A" * 43),
    *([], {}, [[]], {"": {}}, {"\0": "\0"}, {"\ud800": 1}, nested(70), nested(500)),
]
"""What breaks programs."""

MANY = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

Path = tuple[str | int, ...]


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The nodes of a JSON value with the ways to them, those left out that are nested beyond all reason."""
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children if len(path) < 20 else ():
        yield from nodes(child, (*path, key))


def changed(value: Any, path: Path, new: list[Any]) -> Any:
    """A copy in which the values of `new` stand for a node: none to drop it, two to double it."""
    if not path:
        return new[0] if new else None
    key, *rest = path
    if rest:
        new = [changed(value[key], tuple(rest), new)]
    if isinstance(value, list):
        assert isinstance(key, int)
        return [*value[:key], *new, *value[key + 1 :]]
    others = {name: entry for name, entry in value.items() if name != key}
    # An object has no place for a second value: the node moves under a name that nobody knows.
    return others | ({key: new[-1]} if new else {}) | ({f"{key}~": new[0]} if len(new) > 1 else {})


@dataclass
class Tamper:
    """Tampers with values, in a way that depends on its seed alone: real events differ from one run to the next."""

    seed: int
    any_json: list[Any]

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def __call__(self, value: Any, others: Sequence[Any] = ()) -> Any:
        """A value with up to three nodes dropped, doubled, replaced, cut, or exchanged for one of another value."""
        donors = [node for other in (value, *others) for _, node in nodes(other)]
        for _ in range(self.random.randint(1, 3)):
            path, node = self.random.choice(list(nodes(value)))
            new = {
                "drop": [],
                "double": [node, node],
                "odd": [self.random.choice(ODD)],
                "any": [self.random.choice(self.any_json)],
                "swap": [self.random.choice(donors)],
                "cut": [self._cut(node)],
            }
            value = changed(value, path, new[self.random.choice(list(new))])
        return value

    def _cut(self, node: Any) -> Any:
        """A text with one character changed or its end cut off; anything else as it was."""
        if not isinstance(node, str) or not node:
            return node
        at = self.random.randrange(len(node))
        return node[:at] + self.random.choice(["", "A", "\0", "=" + node[at:], "z" + node[at + 1 :]])


TAMPER = st.builds(Tamper, st.integers(0, 2**32), st.lists(JSON, min_size=1, max_size=3))
