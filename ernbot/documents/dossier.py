"""What a document about an outcome may say, gathered in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ernbot.core.consent import Ledger
from ernbot.core.directory import Network
from ernbot.core.form import Form
from ernbot.core.outcome import Outcome


@dataclass(frozen=True)
class Member:
    """What a document says of somebody of a panel; `country` is ISO 3166-1 alpha-2."""

    name: str
    hospital: str
    country: str


@dataclass(frozen=True)
class Dossier:
    """What a document about an outcome may say.

    `forms` are the forms by id, `text(key, **fields)` gives the sentences of `documents.ftl`, `language` is theirs.
    `at` is when the document is asked for, `consent` what covers the case, `record` the signed record as JSON in ASCII,
    which a document carries along; a draft has none. The first member of the outcome's panel is its lead. The outcome's
    opinions are those that everybody of the panel may read. `others` are the guests, and the experts of other networks.
    """

    outcome: Outcome
    case_id: str
    nickname: str
    network: Network
    forms: Mapping[str, Form]
    text: Callable[..., str]
    language: str
    at: datetime
    consent: Ledger = Ledger()
    record: str | None = None
    about_patient: bool = True
    others: Mapping[str, Member] = field(default_factory=dict)

    def member(self, user_id: str) -> Member | None:
        """What is known of somebody; None of a person whom the network no longer lists."""
        person = self.network.person(user_id)
        if person is None:
            return self.others.get(user_id)
        centre = self.network.centre(person.centre)
        return Member(person.name, centre.name, centre.country)

    def name(self, user_id: str) -> str:
        """Somebody's name, or the id of a person whom the network no longer lists."""
        known = self.member(user_id)
        return known.name if known is not None else user_id

    @property
    def signed(self) -> bool:
        """Whether everybody has signed whose signature is needed."""
        return bool(self.outcome.signatures) and not self.outcome.unsigned

    @property
    def created(self) -> datetime:
        """When the text came to be: the last signature, for a draft what was said last; never when it was printed."""
        outcome = self.outcome
        signed = [signature.at for signature in outcome.signatures]
        said = [vote.at for vote in outcome.votes] + [opinion.at for opinion in outcome.opinions]
        return max(signed or said, default=self.at)

    @property
    def disclaimer(self) -> str:
        return self.text("document-outcome-disclaimer")

    @property
    def title(self) -> str:
        return self.text("document-outcome-title", nickname=self.nickname)

    @property
    def lead(self) -> str:
        return self.outcome.panel[0]
