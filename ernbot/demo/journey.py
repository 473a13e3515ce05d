"""The core journey of a case as it is typed, from the question to the signature: the fewest messages that it takes.

A test plays it to its end, and `bench/effort.py` counts it. Nothing here runs by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Step = Literal["new case with consent", "panel", "an opinion", "outcome with signature"]
Who = Literal["requester", "expert"]


@dataclass(frozen=True)
class Typed:
    """One message of somebody: in the direct chat with the bot, or in the room of the case."""

    step: Step
    who: Who
    where: Literal["direct", "case"]
    text: str


CORE = (
    Typed(
        "new case with consent",
        "requester",
        "direct",
        "case new ern-cranio Girl of 4 months, ridged metopic suture: operate, or watch?",
    ),
    Typed(
        "new case with consent",
        "requester",
        "case",
        "!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-01",
    ),
    Typed("panel", "requester", "case", "!panel invite saskia.devries"),
    Typed("an opinion", "expert", "case", "!opinion diagnosis=ORPHA:3366 recommendation=surgery confidence=4"),
    Typed("outcome with signature", "requester", "case", "!outcome draft"),
    Typed("outcome with signature", "requester", "case", "!outcome recommend Operate between 9 and 12 months of age."),
    Typed("outcome with signature", "requester", "case", "!outcome sign confirm"),
)

AIMS: Mapping[Step, int] = {"new case with consent": 3, "an opinion": 1, "outcome with signature": 3}
"""Messages that a step may take at most. In today's system each is a form of several pages."""


def effort() -> dict[Step, int]:
    """How many messages are typed in each step that has an aim."""
    counted = Counter(typed.step for typed in CORE)
    return {step: counted[step] for step in AIMS}
