"""The checklist for reports of consensus methods: which items there are, and which of them we know by ourselves.

ACCORD, Gattrell et al. 2024, PLoS Med 21(1):e1004326: 35 items. What each asks for is said in our own words, in the
catalogue message `accord-<id>`. This module must not answer any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_NOTE = 2_000

Section = Literal["title", "introduction", "methods", "results", "discussion", "other"]


@dataclass(frozen=True)
class AccordItem:
    """One item; `known` when the system fills it in, else the lead is asked."""

    id: str
    section: Section
    known: bool = False


_KNOWN = frozenset({"T1", "M9", "M10", "M12", "M13", "M14", "M15", "M17", "M18", "R1", "R3", "R4", "R5", "O2"})
_SECTIONS: dict[Section, tuple[str, ...]] = {
    "title": ("T1",),
    "introduction": tuple(f"I{number}" for number in range(1, 4)),
    "methods": tuple(f"M{number}" for number in range(1, 22)),
    "results": tuple(f"R{number}" for number in range(1, 6)),
    "discussion": ("D1", "D2"),
    "other": ("O1", "O2", "O3"),
}

ITEMS = tuple(AccordItem(name, section, name in _KNOWN) for section, names in _SECTIONS.items() for name in names)
BY_ID = {item.id: item for item in ITEMS}
