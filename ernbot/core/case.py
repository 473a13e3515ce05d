"""A case: what is known of it, and its way from consent to the signed outcome through its states (`core.states`).

A transition takes the time as an argument and returns a new case or raises. Those beside the way have modules of their
own: `core.inviting`, `core.leading`, `core.requesting`, `core.rounds` and `core.ending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from ernbot.core import invitation
from ernbot.core.background import Background, Offer, Reopening, Topic
from ernbot.core.blind import Blind, Mode, missing
from ernbot.core.clocks import Clocks
from ernbot.core.consent import Ledger, Paper, Purpose
from ernbot.core.dates import check_due
from ernbot.core.delphi import Study, present
from ernbot.core.errors import BadInput, Refused
from ernbot.core.followup import FollowUp
from ernbot.core.form import Value
from ernbot.core.invitation import Invitation, InvitationState
from ernbot.core.opinion import Opinion, latest, revise
from ernbot.core.outcome import Outcome, Signature
from ernbot.core.poll import Poll
from ernbot.core.states import (
    ALLOWED,
    About,
    Action,
    Archived,
    Assessing,
    Closed,
    Draft,
    Drafting,
    Open,
    Signing,
    State,
    Withdrawn,
)
from ernbot.core.triage import Triage

MAX_QUESTION = 2_000


@dataclass(frozen=True)
class Case:
    """One case. `requester` brought it and answers for the patient's consent; `leader` leads the panel instead of them.

    `panel` holds everybody of the panel but the lead. `assistants` are let in because somebody who is in has them act
    for them; `opened_by` is the one who opened the case like this. `suggested` are the people of the last suggestion in
    their numbers, `set_aside` the opinions of people who then declared a conflict of interest: kept, never counted.
    `outside` are people of the case who have no part in it for now, such as whoever left the directory.
    """

    id: str
    network: str
    nickname: str
    requester: str
    question: str
    opened_at: datetime
    state: Annotated[State, Field(discriminator="kind")] = Draft()  # read as what it is, not tried as each of them
    consent: Ledger = Ledger()
    panel: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    leader: str | None = None
    about: About = About.PATIENT
    urgent: bool = False
    due: date | None = None
    background: Background = Background()
    triage: Triage = Triage()
    offer: Offer | None = None
    reopened: tuple[Reopening, ...] = ()
    assistants: tuple[str, ...] = ()
    opened_by: str | None = None
    amended: tuple[Outcome, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    suggested: tuple[str, ...] = ()
    set_aside: tuple[Opinion, ...] = ()
    clocks: Clocks = Clocks()
    follow_up: FollowUp | None = None
    blind: Blind = Blind()
    question_type: str = ""
    delphi: tuple[Study, ...] = ()
    polls: tuple[Poll, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def lead(self) -> str:
        return self.leader or self.requester

    @property
    def members(self) -> tuple[str, ...]:
        """The lead and the panel."""
        return (self.lead, *self.panel)

    @property
    def admitted(self) -> tuple[str, ...]:
        """Everyone who may be in the room besides the bot."""
        return tuple(user for user in self.people if user not in self.outside)

    @property
    def people(self) -> tuple[str, ...]:
        """Everyone of the case, also those who have no part in it for now."""
        offered = (self.offer.to,) if self.offer is not None else ()
        return tuple(dict.fromkeys((*self.members, self.requester, *self.observers, *offered, *self.assistants)))

    def covered(self, at: datetime) -> bool:
        """Whether the case may be worked on: the patient consents to care, or there is no patient."""
        return self.about is About.QUESTION or self.consent.covers(Purpose.CARE, at)

    @property
    def answered(self) -> frozenset[str]:
        """Who has given an opinion since the case was opened, or taken up again."""
        since = self.reopened[-1].at if self.reopened else None
        return frozenset(opinion.author for opinion in self.opinions if since is None or opinion.at > since)

    @property
    def signed_at(self) -> datetime | None:
        """When the outcome in force was signed; None while there is none, and while it is written anew."""
        match self.state:
            case Closed(_, closed_at):
                return closed_at
            case Archived(outcome) if outcome is not None:
                return self.clocks.signed
            case _:
                return None

    @property
    def observers(self) -> tuple[str, ...]:
        """Who stays with a conflict of interest, to listen and to answer questions, without a voice."""
        return tuple(each.user_id for each in self.invitations if each.observes)

    def invitation(self, user_id: str) -> Invitation | None:
        """Somebody's invitation; whoever was asked before invitations were kept has one that stands."""
        found = invitation.find(self.invitations, user_id)
        if found is None and user_id in self.panel:
            return Invitation(user_id, InvitationState.INVITED, self.requester, self.opened_at)
        return found

    @property
    def study(self) -> Study:
        """The Delphi study that is spoken of. Raises Refused `delphi-none` before there is one."""
        return present(self.delphi)

    @property
    def conflicts(self) -> dict[str, str]:
        """Who has a conflict of interest, with the reason; it is empty where the latest opinion alone says so."""
        declared = {each.user_id: each.conflict for each in self.invitations if each.conflict is not None}
        return {opinion.author: "" for opinion in latest(self.opinions) if opinion.conflict} | declared

    @property
    def conflicted(self) -> frozenset[str]:
        """Who has a conflict of interest, and is heard but never counted."""
        return frozenset(self.conflicts)

    def permits(self, action: Action) -> bool:
        return action in ALLOWED[self.state.kind]

    def require(self, action: Action) -> None:
        """Raise Refused `wrong-state` for an action that does not fit the state."""
        if not self.permits(action):
            raise Refused("wrong-state", state=self.state.kind, action=action)

    def outcome(self) -> Outcome:
        """The drafted or signed outcome.

        Raises:
            Refused: `outcome-none` when nothing has been drafted.
        """
        if isinstance(self.state, Drafting | Signing | Closed | Archived) and self.state.outcome is not None:
            return self.state.outcome
        raise Refused("outcome-none")

    def give_consent(
        self, purposes: tuple[Purpose, ...], paper: Paper, *, by: str, at: datetime, on_behalf_of: str | None = None
    ) -> Case:
        self.require(Action.GIVE_CONSENT)
        ledger = self.consent
        for purpose in purposes:
            ledger = ledger.give(purpose, paper, by=by, at=at, on_behalf_of=on_behalf_of)
        opens = isinstance(self.state, Draft) and ledger.covers(Purpose.CARE, at)
        return replace(self, consent=ledger, state=Open() if opens else self.state)

    def withdraw_consent(self, purpose: Purpose, *, by: str, at: datetime, on_behalf_of: str | None = None) -> Case:
        """A case with one consent less; without consent to care it is withdrawn and its panel dissolved."""
        self.require(Action.WITHDRAW_CONSENT)
        ledger = self.consent.withdraw(purpose, by=by, at=at, on_behalf_of=on_behalf_of)
        if purpose is not Purpose.CARE:
            return replace(self, consent=ledger)
        return replace(
            self,
            consent=ledger,
            state=Withdrawn(at),
            panel=(),
            leader=None,
            offer=None,
            assistants=(),
            invitations=(),
            suggested=(),
            amended=(),
        )

    def invite(self, experts: tuple[str, ...]) -> Case:
        """A case with more experts; those already invited stay once."""
        self.require(Action.INVITE)
        new = tuple(expert for expert in experts if expert not in self.members)
        state = Assessing() if isinstance(self.state, Open) and new else self.state
        return replace(self, panel=(*self.panel, *dict.fromkeys(new)), state=state)

    def record_opinion(
        self,
        author: str,
        form_id: str,
        form_version: str,
        answers: dict[str, Value],
        *,
        at: datetime,
        certainty: Mapping[str, tuple[str, ...]] | None = None,
        conflict: bool = False,
        words: Mapping[str, dict[str, str]] | None = None,
    ) -> Case:
        """A case with one opinion more; in blind mode the last one that was waited for reveals them all."""
        self.require(Action.GIVE_OPINION)
        opinion = revise(
            self.opinions,
            author,
            form_id,
            form_version,
            answers,
            at,
            certainty=certainty,
            conflict=conflict,
            after_reveal=self.blind.on and not self.blind.hides,
            words=words,
        )
        opinions = (*self.opinions, opinion)
        return replace(self, opinions=opinions, blind=self.blind.settle(opinions, self.panel, at))

    def draft_outcome(self) -> Case:
        """A case whose outcome gathers the latest opinions; texts already written stay.

        Raises:
            Refused: `no-opinions` when nobody has given an opinion, `blind-sealed` while opinions are hidden.
        """
        self.require(Action.DRAFT_OUTCOME)
        if self.blind.hides:
            given = len(self.answered)
            raise Refused("blind-sealed", given=given, missing=len(missing(self.opinions, self.panel)))
        opinions = latest(self.opinions)
        if not opinions:
            raise Refused("no-opinions")
        if isinstance(self.state, Drafting):
            outcome = self.state.outcome.gather(self.members, opinions)
        elif self.amended:
            outcome = self.amended[-1].amend(self.reopened[-1].reason).gather(self.members, opinions)
        else:
            outcome = Outcome(self.question, self.members, opinions, case_id=self.id)
        return replace(self, state=Drafting(outcome))

    def recommend(self, text: str, **details: Any) -> Case:
        return self.rewrite(self.outcome().recommend(text, **details))

    def rewrite(self, outcome: Outcome) -> Case:
        """A case with another text of its outcome, which is no longer out for signature."""
        self.require(Action.WRITE_OUTCOME)
        return replace(self, state=Drafting(outcome))

    def vote(self, by: str, *, agrees: bool, reason: str, at: datetime, recommendation: int | None = None) -> Case:
        """A case with somebody's vote.

        Raises:
            Refused: `vote-conflict` for who has declared a conflict of interest; else see `Outcome.vote`.
        """
        self.require(Action.VOTE)
        if by in self.conflicted:
            raise Refused("vote-conflict")
        outcome = self.outcome().vote(by, agrees=agrees, reason=reason, at=at, recommendation=recommendation)
        return replace(self, state=Drafting(outcome))

    @property
    def silent(self) -> tuple[str, ...]:
        """Who may vote on the outcome and has not."""
        return tuple(member for member in self.outcome().silent if member not in self.conflicted)

    def has_gathered_all(self) -> bool:
        """Whether the outcome holds the opinions and the panel as they are now.

        Raises:
            Refused: `outcome-none` when nothing has been drafted.
        """
        outcome = self.outcome()
        return (outcome.panel, outcome.opinions) == (self.members, latest(self.opinions))

    def send_to_signing(self, signers: tuple[str, ...]) -> Case:
        """A case whose outcome waits for the signatures of these people.

        Raises:
            Refused: `outcome-empty` while there is no recommendation, `outcome-stale` when opinions or panel have
                changed since they were gathered: nobody has voted on the outcome as it would be.
        """
        self.require(Action.SEND_TO_SIGNING)
        asked = self.outcome().ask(signers)
        if not self.has_gathered_all():
            raise Refused("outcome-stale")
        return replace(self, state=Signing(asked))

    def sign(self, signature: Signature) -> Case:
        """A case with one more signature; the last one closes it."""
        self.require(Action.SIGN)
        return self._signed(self.outcome().sign(signature), signature.at)

    def waive(self, *, at: datetime) -> Case:
        """A case that is closed without the signatures that are missing; see `Outcome.waive`."""
        self.require(Action.BACK_TO_DRAFTING)
        return self._signed(self.outcome().waive(), at)

    def _signed(self, outcome: Outcome, at: datetime) -> Case:
        return replace(self, state=Signing(outcome) if outcome.unsigned else Closed(outcome, at))

    def back_to_drafting(self) -> Case:
        self.require(Action.BACK_TO_DRAFTING)
        return replace(self, state=Drafting(self.outcome().recall()))

    # --- the background, and by when

    def describe(self, topic: Topic, text: str) -> Case:
        self.require(Action.DESCRIBE)
        return replace(self, background=self.background.tell(topic, text))

    def plan(self, due: date | None, *, at: datetime) -> Case:
        """A case that is due on a day, or on none."""
        self.require(Action.PLAN)
        if due is not None:
            check_due(due, at.date())
        return replace(self, due=due)

    def mark(self, *, urgent: bool) -> Case:
        self.require(Action.PLAN)
        return replace(self, urgent=urgent)

    # --- how opinions are asked for

    def keep_apart(self, mode: Mode) -> Case:
        """A case with blind mode set anew, before the first opinion."""
        self.require(Action.ARRANGE)
        return replace(self, blind=self.blind.switch(mode, self.opinions))

    def ask_for(self, question_type: str) -> Case:
        """A case whose experts answer the form for this type of question."""
        self.require(Action.ARRANGE)
        return replace(self, question_type=question_type)

    def reveal(self, by: str, *, at: datetime) -> Case:
        self.require(Action.REVEAL)
        return replace(self, blind=self.blind.reveal(self.opinions, by=by, at=at))


def question_of(text: str) -> str:
    """The question of a case as it is kept.

    Raises:
        BadInput: `question-length` when it is empty or longer than `MAX_QUESTION` characters.
    """
    question = text.strip()
    if not question or len(question) > MAX_QUESTION:
        raise BadInput("question-length", maximum=MAX_QUESTION)
    return question


def new_case(
    id: str,
    network: str,
    nickname: str,
    requester: str,
    question: str,
    at: datetime,
    *,
    about: About = About.PATIENT,
    background: Background = Background(),
    opened_by: str | None = None,
    blind: Blind = Blind(),
) -> Case:
    """A draft; a question without a patient is open from the start.

    Raises:
        BadInput: see `question_of`.
    """
    question = question_of(question)
    state: State = Open() if about is About.QUESTION else Draft()
    case = Case(id, network, nickname, requester, question, at, state, about=about, opened_by=opened_by)
    return replace(case, background=background, blind=blind)
