"""The outcome of a case: what the panel answers to the question, who agrees, and who signed.

Its parts follow the minimum record of a tumour board: panel, question, opinions, recommendation, dissent, evidence,
follow-up. A changed text voids the votes given on the text before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import MAX_TEXT
from ernbot.core.opinion import Opinion

MIN_OPINIONS = 2
"""A panel counts in the network's monitoring only with at least two contributions [ERN-RITA helpdesk]."""


class Section(StrEnum):
    """The parts of an outcome that the lead writes."""

    RECOMMENDATION = "recommendation"
    EVIDENCE = "evidence"
    FOLLOW_UP = "follow-up"


@dataclass(frozen=True)
class Vote:
    """A panel member's word on the recommendation; dissent carries its reason."""

    by: str
    agrees: bool
    reason: str
    at: datetime


@dataclass(frozen=True)
class Signature:
    """Who signed which text: `digest` is `Outcome.digest` at that moment, `device_id` the sending device."""

    by: str
    device_id: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """A drafted or signed outcome. `version` counts the texts, from 1."""

    question: str
    panel: tuple[str, ...]
    opinions: tuple[Opinion, ...]
    recommendation: str = ""
    evidence: str = ""
    follow_up: str = ""
    votes: tuple[Vote, ...] = ()
    version: int = 1
    signature: Signature | None = None

    @property
    def counts_in_monitoring(self) -> bool:
        return len(self.opinions) >= MIN_OPINIONS

    def write(self, section: Section, text: str) -> Outcome:
        """The next version with one section rewritten and no votes.

        Raises:
            BadInput: `outcome-text` when the text is empty or longer than `MAX_TEXT` characters.
        """
        text = text.strip()
        if not text or len(text) > MAX_TEXT:
            raise BadInput("outcome-text", maximum=MAX_TEXT)
        changed = {
            Section.RECOMMENDATION: replace(self, recommendation=text),
            Section.EVIDENCE: replace(self, evidence=text),
            Section.FOLLOW_UP: replace(self, follow_up=text),
        }[section]
        return replace(changed, version=self.version + 1, votes=())

    def gather(self, panel: tuple[str, ...], opinions: tuple[Opinion, ...]) -> Outcome:
        """The next version with panel and opinions brought up to date, texts kept, votes void."""
        return replace(self, panel=panel, opinions=opinions, version=self.version + 1, votes=())

    def vote(self, by: str, *, agrees: bool, reason: str, at: datetime) -> Outcome:
        """The outcome with this member's vote, which replaces an earlier one.

        Raises:
            Refused: `outcome-empty` while there is no recommendation.
            BadInput: `dissent-reason` for dissent without a reason.
        """
        if not self.recommendation:
            raise Refused("outcome-empty")
        reason = reason.strip()
        if not agrees and not reason:
            raise BadInput("dissent-reason")
        if len(reason) > MAX_TEXT:
            raise BadInput("outcome-text", maximum=MAX_TEXT)
        others = tuple(vote for vote in self.votes if vote.by != by)
        return replace(self, votes=(*others, Vote(by, agrees, reason, at)))

    def digest(self) -> str:
        """SHA-256, in hex, of the outcome without its signature, as JSON with sorted keys."""
        content = asdict(replace(self, signature=None))
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()

    def sign(self, by: str, device_id: str, at: datetime) -> Outcome:
        """The signed outcome.

        Raises:
            Refused: `outcome-empty` while there is no recommendation.
        """
        if not self.recommendation:
            raise Refused("outcome-empty")
        return replace(self, signature=Signature(by, device_id, self.digest(), at))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"an outcome holds no {type(value).__name__}")
