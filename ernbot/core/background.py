"""Why a case is brought, and what is new when it comes back.

A board that is told both gives better advice: stating the reason for presentation and the new problem raised the
quality of case presentations from 78.0 to 83.4 points (ASC 2023). Both are
asked for and neither ever holds a case up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ernbot.core.errors import BadInput

MAX_TEXT = 2_000

Topic = Literal["why", "new"]


@dataclass(frozen=True)
class Background:
    """`why` the case is presented, and what is `new` since it was last discussed."""

    why: str = ""
    new: str = ""

    def tell(self, topic: Topic, text: str) -> Background:
        """The background with one of its texts written.

        Raises:
            BadInput: `background-length` when the text is empty or longer than `MAX_TEXT` characters.
        """
        text = text.strip()
        if not text or len(text) > MAX_TEXT:
            raise BadInput("background-length", maximum=MAX_TEXT)
        return replace(self, why=text) if topic == "why" else replace(self, new=text)


@dataclass(frozen=True)
class Reopening:
    """When a case that was over was taken up again, by whom, and why."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Offer:
    """The lead of a panel, offered to a colleague who has not answered yet."""

    to: str
    by: str
    at: datetime
