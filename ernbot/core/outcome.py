"""The outcome of a case: what the panel recommends, who agrees and who does not, and who signed it.

Its parts follow the minimum record of a tumour board: panel, question, opinions, recommendations, dissent, evidence,
follow-up. A changed text voids the votes and signatures given on the text before. How an outcome looks is no matter of
this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import model_validator

from ernbot.core.canonical import canonical, filled, plain
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import MAX_TEXT
from ernbot.core.opinion import Opinion
from ernbot.core.recommendation import Recommendation

MIN_OPINIONS = 2
"""A panel counts in the network's monitoring only with at least two contributions [ERN-RITA helpdesk]."""

MAX_RECOMMENDATIONS = 20
"""More than a reader keeps apart."""


class Section(StrEnum):
    """The texts of an outcome besides its recommendations."""

    ALTERNATIVES = "alternatives"
    EVIDENCE = "evidence"
    TRIALS = "trials"
    OPEN_QUESTIONS = "open-questions"
    FOLLOW_UP = "follow-up"
    SUMMARY = "summary"

    @property
    def attribute(self) -> str:
        """The attribute of `Outcome` that holds it."""
        return self.value.replace("-", "_")


@dataclass(frozen=True)
class Vote:
    """A panel member's word on one recommendation, or on all of them where `recommendation` is None."""

    by: str
    agrees: bool
    reason: str
    at: datetime
    recommendation: int | None = None


@dataclass(frozen=True)
class Dissent:
    """A dissent as readers see it: `by` is None where the panel decided to name nobody."""

    by: str | None
    reason: str
    recommendation: int | None = None


@dataclass(frozen=True)
class Signature:
    """Who signed which text, how that is known, and what the bot answers for.

    `digest` is `Outcome.digest` at that moment, `said` what of it stood in the message. `device_key` is the Ed25519 key
    of the device that sent the event `event_id`, `master` the fingerprint of the identity that vouches for the device,
    both as Matrix writes keys (base64 without padding), `assurance` how sure the bot was of that. `audit_entries` and
    `audit_head` are the length and the last hash of the audit chain just before. `key` is the bot's, and
    `countersignature` its Ed25519 signature of all of this (`core.signature`). Signatures of before version 0.2 have
    none of what follows `at`.
    """

    by: str
    device_id: str
    digest: str
    at: datetime
    said: str = ""
    device_key: str = ""
    master: str = ""
    assurance: str = ""
    event_id: str = ""
    audit_entries: int = 0
    audit_head: str = ""
    key: str = ""
    countersignature: str = ""


@dataclass(frozen=True)
class Outcome:
    """A drafted or signed outcome. `version` counts the texts, from 1.

    The first member of the panel is its lead. `asked` are those whose signatures are needed, once it has been sent to
    be signed, `waived` those of them without whom it was closed. `amends` is the digest of the signed outcome that this
    one takes the place of, `why` the reason. `anonymous`: dissent is shown without names.
    """

    question: str
    panel: tuple[str, ...]
    opinions: tuple[Opinion, ...]
    recommendations: tuple[Recommendation, ...] = ()
    alternatives: str = ""
    evidence: str = ""
    trials: str = ""
    open_questions: str = ""
    follow_up: str = ""
    summary: str = ""
    votes: tuple[Vote, ...] = ()
    version: int = 1
    signatures: tuple[Signature, ...] = ()
    amends: str | None = None
    why: str = ""
    anonymous: bool = False
    asked: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    case_id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _of_one_text(cls, stored: Any) -> Any:
        """What was stored when an outcome had one text as its recommendation and one signature."""
        if not isinstance(stored, Mapping) or not ("recommendation" in stored or "signature" in stored):
            return stored
        values = dict(stored)
        text, signature = values.pop("recommendation", ""), values.pop("signature", None)
        values.setdefault("recommendations", [{"id": 1, "text": text}] if text else [])
        values.setdefault("signatures", [signature] if signature else [])
        return values

    @property
    def counts_in_monitoring(self) -> bool:
        return len(self.opinions) >= MIN_OPINIONS

    @property
    def dissents(self) -> tuple[Dissent, ...]:
        """Every dissent, without names where the panel decided so, and then in no order that tells who it was."""
        against = [vote for vote in self.votes if not vote.agrees]
        if self.anonymous:
            against.sort(key=lambda vote: (vote.recommendation or 0, vote.reason))
        return tuple(Dissent(None if self.anonymous else v.by, v.reason, v.recommendation) for v in against)

    @property
    def voted(self) -> tuple[str, ...]:
        """Who has voted, in the order of the panel."""
        voters = {vote.by for vote in self.votes}
        return tuple(member for member in self.panel if member in voters)

    @property
    def signed_digest(self) -> str:
        """What people signed; before version 0.2 it was made in another way."""
        return self.signatures[0].digest if self.signatures else self.digest()

    def amend(self, why: str) -> Outcome:
        """The next version of a signed outcome, which names it and says why.

        Raises:
            Refused: `amend-unsigned` when nobody has signed.
            BadInput: `outcome-text`, see `write`.
        """
        if not self.signatures:
            raise Refused("amend-unsigned")
        return self._next(amends=self.signed_digest, why=_text(why))

    @property
    def silent(self) -> tuple[str, ...]:
        """Members of the panel, apart from its lead, who have not voted."""
        return tuple(member for member in self.panel[1:] if member not in self.voted)

    def withholds_votes(self, recused: Collection[str] = ()) -> bool:
        """Whether nobody is told yet how the votes fall: without names, each would be known by when it came.

        `recused` are those who have no vote, for whom nothing waits.
        """
        return self.anonymous and not self.asked and bool(set(self.silent) - set(recused))

    def write(self, section: Section, text: str) -> Outcome:
        """The next version with one section rewritten and no votes.

        Raises:
            BadInput: `outcome-text` when the text is empty or longer than `MAX_TEXT` characters.
        """
        changes: dict[str, Any] = {section.attribute: _text(text)}
        return self._next(**changes)

    def recommend(self, text: str, **details: Any) -> Outcome:
        """The next version with one more recommendation, which takes the place of what was only proposed.

        `details` are further attributes of it.

        Raises:
            BadInput: `outcome-text`, see `write`; `outcome-many` for more than `MAX_RECOMMENDATIONS`.
        """
        if len(self.recommendations) >= MAX_RECOMMENDATIONS:
            raise BadInput("outcome-many", maximum=MAX_RECOMMENDATIONS)
        kept = tuple(line for line in self.recommendations if not line.proposed)
        number = 1 + max((line.id for line in kept), default=0)
        return self._next(recommendations=(*kept, Recommendation(number, _text(text), **details)))

    def propose(self, text: str, alternatives: str) -> Outcome:
        """The outcome with a first proposal, which gives way to what the lead writes; nothing that is written changes.

        It is still the same version: nobody has seen it without.
        """
        if self.recommendations or not text:
            return replace(self, alternatives=self.alternatives or alternatives)
        line = Recommendation(1, text, proposed=True)
        return replace(self, recommendations=(line,), alternatives=self.alternatives or alternatives)

    def change(self, number: int, **details: Any) -> Outcome:
        """The next version with other details, or another text, of one recommendation.

        Raises:
            BadInput: `outcome-number` when there is no such recommendation; `outcome-text`, see `write`.
        """
        line = self.recommendation(number)
        if "text" in details:
            details["text"] = _text(details["text"])
        changed = replace(line, **details, proposed=False)
        return self._next(recommendations=tuple(changed if each is line else each for each in self.recommendations))

    def drop(self, number: int) -> Outcome:
        """The next version without one recommendation.

        Raises:
            BadInput: `outcome-number` when there is no such recommendation.
        """
        line = self.recommendation(number)
        return self._next(recommendations=tuple(each for each in self.recommendations if each is not line))

    def recommendation(self, number: int) -> Recommendation:
        """The recommendation of a number.

        Raises:
            BadInput: `outcome-number` when there is no such recommendation.
        """
        for line in self.recommendations:
            if line.id == number:
                return line
        numbers = ", ".join(str(line.id) for line in self.recommendations)
        raise BadInput("outcome-number", number=number, numbers=numbers or "0")

    def gather(self, panel: tuple[str, ...], opinions: tuple[Opinion, ...]) -> Outcome:
        """The next version with panel and opinions brought up to date, texts kept, votes void."""
        return self._next(panel=panel, opinions=opinions)

    def name_dissent(self, *, anonymous: bool) -> Outcome:
        """The next version in which dissent bears names or none; decided before anybody votes.

        Raises:
            Refused: `outcome-voted` once somebody has voted.
        """
        if self.votes:
            raise Refused("outcome-voted")
        return self._next(anonymous=anonymous)

    def _next(self, **changes: Any) -> Outcome:
        return replace(self, version=self.version + 1, votes=(), signatures=(), asked=(), waived=(), **changes)

    def vote(self, by: str, *, agrees: bool, reason: str, at: datetime, recommendation: int | None = None) -> Outcome:
        """The outcome with this member's vote, which replaces an earlier one.

        A vote on all recommendations replaces every vote of this member.

        Raises:
            Refused: `outcome-empty` while there is no recommendation, `outcome-out-for-signature` once it was sent to
                be signed.
            BadInput: `dissent-reason` for dissent without a reason, `outcome-number`, `outcome-text`.
        """
        self._written()
        if self.asked:
            raise Refused("outcome-out-for-signature")
        if recommendation is not None:
            self.recommendation(recommendation)
        reason = reason.strip()
        if not agrees and not reason:
            raise BadInput("dissent-reason")
        if len(reason) > MAX_TEXT:
            raise BadInput("outcome-text", maximum=MAX_TEXT)
        others = tuple(
            vote
            for vote in self.votes
            if vote.by != by or (recommendation is not None and vote.recommendation != recommendation)
        )
        return replace(self, votes=(*others, Vote(by, agrees, reason, at, recommendation)))

    def without_votes_of(self, member: str) -> Outcome:
        """The same text without the votes of somebody who has no voice any more."""
        return replace(self, votes=tuple(vote for vote in self.votes if vote.by != member))

    def _written(self) -> None:
        if not self.recommendations:
            raise Refused("outcome-empty")

    def ask(self, signers: tuple[str, ...]) -> Outcome:
        """The outcome on its way to be signed by these people; nobody votes on it any more.

        Raises:
            Refused: `outcome-empty` while there is no recommendation.
        """
        self._written()
        return replace(self, asked=signers, signatures=())

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Who was asked to sign and has not."""
        signed = {signature.by for signature in self.signatures}
        return tuple(signer for signer in self.asked if signer not in signed and signer not in self.waived)

    def waive(self) -> Outcome:
        """The outcome without the signatures that are missing; who did not sign stays named.

        Raises:
            Refused: `waive-nobody` before anybody has signed, and when nobody is missing.
        """
        if not self.signatures or not self.unsigned:
            raise Refused("waive-nobody")
        return replace(self, waived=(*self.waived, *self.unsigned))

    def recall(self) -> Outcome:
        """The same text, no longer out for signature; the votes stay."""
        return replace(self, asked=(), waived=(), signatures=())

    def sign(self, signature: Signature) -> Outcome:
        """The outcome with one more signature.

        Raises:
            Refused: `sign-not-asked` for somebody whose signature is not needed, `sign-again` for one who has signed,
                `sign-other` when the signature is of another text.
        """
        if signature.by not in self.asked:
            raise Refused("sign-not-asked")
        if signature.by not in self.unsigned:
            raise Refused("sign-again")
        if signature.digest != self.digest():
            raise Refused("sign-other")
        return replace(self, signatures=(*self.signatures, signature))

    def document(self) -> dict[str, Any]:
        """What is signed, as JSON values: everything but the signatures.

        Where dissent is anonymous, the votes are counted and nobody is named: who agreed would tell who did not. What
        is empty is left out, so that a later version of the program with more to say gives the same digest.
        """
        content = asdict(self)
        for proof in ("signatures", "asked", "waived", "votes"):
            del content[proof]
        content["dissents"] = [asdict(dissent) for dissent in self.dissents]
        content["agreed"] = sorted(vote.by for vote in self.votes if vote.agrees) if not self.anonymous else []
        content["agreements"] = sum(vote.agrees for vote in self.votes)
        content["voted"] = list(self.voted)
        document: dict[str, Any] = filled(plain(content))
        return document

    def digest(self) -> str:
        """SHA-256, in hex, of the document as canonical JSON."""
        return hashlib.sha256(canonical(self.document())).hexdigest()


def _text(text: str) -> str:
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise BadInput("outcome-text", maximum=MAX_TEXT)
    return text
