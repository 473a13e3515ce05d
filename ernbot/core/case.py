"""The life of a case: its states, and the transitions between them.

A frozen dataclass per state carries only that state's own facts. A transition takes the time as an argument and
returns a new case or raises. `ALLOWED` says which action fits which state; the exhaustive test, `!help` and the
diagram in docs/architecture.md are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ernbot.core.conflict import Conflict, declare
from ernbot.core.consent import Ledger, Paper, Purpose
from ernbot.core.delphi import Study, begin, present
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import Value
from ernbot.core.opinion import Opinion, latest, revise
from ernbot.core.outcome import Outcome, Section
from ernbot.core.poll import Poll, ask, find, put

MAX_QUESTION = 2_000


class Action(StrEnum):
    """Everything that someone can ask of a case."""

    CREATE = "create"
    READ = "read"
    GIVE_CONSENT = "give-consent"
    WITHDRAW_CONSENT = "withdraw-consent"
    ATTACH = "attach"
    INVITE = "invite"
    GIVE_OPINION = "give-opinion"
    READ_OPINIONS = "read-opinions"
    DRAFT_OUTCOME = "draft-outcome"
    WRITE_OUTCOME = "write-outcome"
    READ_OUTCOME = "read-outcome"
    VOTE = "vote"
    SIGN = "sign"
    RUN_ROUNDS = "run-rounds"
    RATE = "rate"
    ASK_POLL = "ask-poll"
    ANSWER_POLL = "answer-poll"
    DECLARE_CONFLICT = "declare-conflict"


@dataclass(frozen=True)
class Draft:
    """Waiting for consent to care; only the requester is in the room."""

    kind: Literal["draft"] = "draft"


@dataclass(frozen=True)
class Open:
    """Consent covers care; nobody has been asked yet."""

    kind: Literal["open"] = "open"


@dataclass(frozen=True)
class Assessing:
    """Experts have been asked."""

    kind: Literal["assessing"] = "assessing"


@dataclass(frozen=True)
class Drafting:
    """The lead writes the outcome and the panel votes on it."""

    outcome: Outcome
    kind: Literal["drafting"] = "drafting"


@dataclass(frozen=True)
class Closed:
    """The outcome is signed."""

    outcome: Outcome
    closed_at: datetime
    kind: Literal["closed"] = "closed"


@dataclass(frozen=True)
class Withdrawn:
    """Consent to care was withdrawn: nobody but the requester is left, nothing is processed."""

    withdrawn_at: datetime
    kind: Literal["withdrawn"] = "withdrawn"


State = Draft | Open | Assessing | Drafting | Closed | Withdrawn
StateKind = Literal["draft", "open", "assessing", "drafting", "closed", "withdrawn"]

ALLOWED: dict[StateKind, frozenset[Action]] = {
    "draft": frozenset({Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT}),
    "open": frozenset({Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH, Action.INVITE}),
    "assessing": frozenset(
        {
            Action.READ,
            Action.GIVE_CONSENT,
            Action.WITHDRAW_CONSENT,
            Action.ATTACH,
            Action.INVITE,
            Action.GIVE_OPINION,
            Action.READ_OPINIONS,
            Action.DRAFT_OUTCOME,
            Action.RUN_ROUNDS,
            Action.RATE,
            Action.ASK_POLL,
            Action.ANSWER_POLL,
            Action.DECLARE_CONFLICT,
        }
    ),
    "drafting": frozenset(set(Action) - {Action.CREATE}),
    "closed": frozenset({Action.READ, Action.WITHDRAW_CONSENT, Action.READ_OPINIONS, Action.READ_OUTCOME}),
    "withdrawn": frozenset({Action.READ}),
}
"""Which action fits which state. What is not here is refused."""

OVER: tuple[StateKind, ...] = ("closed", "withdrawn")
"""States of a case in which nobody is waited for any more."""


@dataclass(frozen=True)
class Case:
    """One case. `panel` holds the invited experts, without the requester, who leads the panel."""

    id: str
    network: str
    nickname: str
    requester: str
    question: str
    opened_at: datetime
    state: State = Draft()
    consent: Ledger = Ledger()
    panel: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    delphi: tuple[Study, ...] = ()
    polls: tuple[Poll, ...] = ()

    @property
    def lead(self) -> str:
        return self.requester

    @property
    def admitted(self) -> tuple[str, ...]:
        """Everyone who may be in the room besides the bot."""
        return (self.requester, *self.panel)

    def permits(self, action: Action) -> bool:
        return action in ALLOWED[self.state.kind]

    def _require(self, action: Action) -> None:
        if not self.permits(action):
            raise Refused("wrong-state", state=self.state.kind, action=action)

    def outcome(self) -> Outcome:
        """The drafted or signed outcome.

        Raises:
            Refused: `outcome-none` when nothing has been drafted.
        """
        if isinstance(self.state, Drafting | Closed):
            return self.state.outcome
        raise Refused("outcome-none")

    def give_consent(self, purposes: tuple[Purpose, ...], paper: Paper, *, by: str, at: datetime) -> Case:
        self._require(Action.GIVE_CONSENT)
        ledger = self.consent
        for purpose in purposes:
            ledger = ledger.give(purpose, paper, by=by, at=at)
        opens = isinstance(self.state, Draft) and ledger.covers(Purpose.CARE, at)
        return replace(self, consent=ledger, state=Open() if opens else self.state)

    def withdraw_consent(self, purpose: Purpose, *, by: str, at: datetime) -> Case:
        """A case with one consent less; without consent to care it is withdrawn and its panel dissolved."""
        self._require(Action.WITHDRAW_CONSENT)
        ledger = self.consent.withdraw(purpose, by=by, at=at)
        if purpose is not Purpose.CARE:
            return replace(self, consent=ledger)
        return replace(self, consent=ledger, state=Withdrawn(at), panel=())

    def invite(self, experts: tuple[str, ...]) -> Case:
        """A case with more experts; those already invited stay once."""
        self._require(Action.INVITE)
        new = tuple(expert for expert in experts if expert not in self.admitted)
        state = Assessing() if isinstance(self.state, Open) and new else self.state
        return replace(self, panel=(*self.panel, *dict.fromkeys(new)), state=state)

    def record_opinion(
        self, author: str, form_id: str, form_version: str, answers: dict[str, Value], *, at: datetime
    ) -> Case:
        self._require(Action.GIVE_OPINION)
        opinion = revise(self.opinions, author, form_id, form_version, answers, at)
        return replace(self, opinions=(*self.opinions, opinion))

    def draft_outcome(self) -> Case:
        """A case whose outcome gathers the latest opinions; texts already written stay.

        Raises:
            Refused: `no-opinions` when nobody has given an opinion.
        """
        self._require(Action.DRAFT_OUTCOME)
        opinions = latest(self.opinions)
        if not opinions:
            raise Refused("no-opinions")
        if isinstance(self.state, Drafting):
            outcome = self.state.outcome.gather(self.admitted, opinions)
        else:
            outcome = Outcome(self.question, self.admitted, opinions)
        return replace(self, state=Drafting(outcome))

    def write_outcome(self, section: Section, text: str) -> Case:
        self._require(Action.WRITE_OUTCOME)
        return replace(self, state=Drafting(self.outcome().write(section, text)))

    def vote(self, by: str, *, agrees: bool, reason: str, at: datetime) -> Case:
        self._require(Action.VOTE)
        return replace(self, state=Drafting(self.outcome().vote(by, agrees=agrees, reason=reason, at=at)))

    def has_gathered_all(self) -> bool:
        """Whether the outcome holds the opinions and the panel as they are now.

        Raises:
            Refused: `outcome-none` when nothing has been drafted.
        """
        outcome = self.outcome()
        return (outcome.panel, outcome.opinions) == (self.admitted, latest(self.opinions))

    def sign(self, by: str, device_id: str, *, at: datetime) -> Case:
        """A closed case.

        Raises:
            Refused: `outcome-empty` while there is no recommendation, `outcome-stale` when opinions or panel have
                changed since they were gathered: nobody has voted on the outcome as it would be.
        """
        self._require(Action.SIGN)
        signed = self.outcome().sign(by, device_id, at)
        if not self.has_gathered_all():
            raise Refused("outcome-stale")
        return replace(self, state=Closed(signed, at))

    @property
    def conflicted(self) -> frozenset[str]:
        """Who has declared a conflict of interest, by itself or with their latest opinion."""
        declared = {conflict.by for conflict in self.conflicts}
        return frozenset(declared | {opinion.author for opinion in latest(self.opinions) if opinion.conflict})

    def declare_conflict(self, by: str, reason: str, *, at: datetime) -> Case:
        self._require(Action.DECLARE_CONFLICT)
        return replace(self, conflicts=declare(self.conflicts, by, reason, at))

    @property
    def study(self) -> Study:
        """The Delphi study that is spoken of. Raises Refused `delphi-none` before there is one."""
        return present(self.delphi)

    def begin_study(self, title: str, *, by: str, at: datetime) -> Case:
        self._require(Action.RUN_ROUNDS)
        return replace(self, delphi=begin(self.delphi, title, by, at))

    def run_rounds(self, study: Study) -> Case:
        """A case whose present study is this one."""
        self._require(Action.RUN_ROUNDS)
        return replace(self, delphi=(*self.delphi[:-1], study))

    def rate(self, by: str, ratings: Mapping[int, tuple[int, str]], *, at: datetime) -> Case:
        self._require(Action.RATE)
        rated = self.study.rate(by, ratings, self.conflicted, at)
        return replace(self, delphi=(*self.delphi[:-1], rated))

    def suggest(self, by: str, statement: str) -> Case:
        self._require(Action.RATE)
        return replace(self, delphi=(*self.delphi[:-1], self.study.suggest(statement, by)))

    def ask_poll(self, text: str, *, by: str, named: bool, at: datetime) -> Case:
        self._require(Action.ASK_POLL)
        return replace(self, polls=ask(self.polls, text, by, at, named=named))

    def answer_poll(self, number: int | None, by: str, option: int, *, at: datetime) -> Case:
        self._require(Action.ANSWER_POLL)
        voted = find(self.polls, number).vote(by, option, self.conflicted, at)
        return replace(self, polls=put(self.polls, voted))

    def close_poll(self, *, at: datetime) -> Case:
        self._require(Action.ASK_POLL)
        return replace(self, polls=put(self.polls, find(self.polls).close(self.admitted, self.conflicted, at)))


def new_case(id: str, network: str, nickname: str, requester: str, question: str, at: datetime) -> Case:
    """A draft.

    Raises:
        BadInput: `question-length` when the question is empty or longer than `MAX_QUESTION` characters.
    """
    question = question.strip()
    if not question or len(question) > MAX_QUESTION:
        raise BadInput("question-length", maximum=MAX_QUESTION)
    return Case(id, network, nickname, requester, question, at)
