"""What the code says exists in English, with the fields that the code gives.

The sources are read, not run: every literal key of a `Text`, `Heading` or `say`, and every code of a refusal.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ernbot.locales import keys, placeholders

TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(Path("ernbot").rglob("*.py"))}
REFUSALS = {"Refused", "BadInput"}
SENTENCES = {"Text", "Heading", "say"}

COMPLETED_LATER = {
    "refused-usage": "said as `usage` with the usage line of the command",
    "refused-network-unknown": "the command adds the networks of the person",
}


def calls() -> Iterator[tuple[str, set[str] | None, str]]:
    """Each sentence with a literal key: its key, the names of its fields (None when not literal), and its place."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    if node.func.id in REFUSALS:
                        yield f"refused-{first.value}", fields(node), f"{path}:{node.lineno}"
                    elif node.func.id in SENTENCES:
                        yield first.value, fields(node), f"{path}:{node.lineno}"


def fields(node: ast.Call) -> set[str] | None:
    names: set[object] = {keyword.arg for keyword in node.keywords}
    if len(node.args) == 2 and isinstance(node.args[1], ast.Dict):
        names |= {key.value if isinstance(key, ast.Constant) else None for key in node.args[1].keys}
    elif len(node.args) > 1:
        return None
    return None if None in names else {str(name) for name in names}


def test_what_the_code_says_has_a_sentence_and_its_fields() -> None:
    faults = []
    for key, given, place in calls():
        if key in COMPLETED_LATER:
            continue
        if key not in keys("en"):
            faults.append(f"{place}: there is no sentence {key!r}")
        elif given is not None and not placeholders("en", key) <= given:
            faults.append(f"{place}: {key!r} also asks for {sorted(placeholders('en', key) - given)}")
    assert not faults, "\n".join(faults)
