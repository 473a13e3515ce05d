"""The life of a case: the transitions between its states (`core.states`).

A transition takes the time as an argument and returns a new case or raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ernbot.core import invitation, poll
from ernbot.core.background import Background, Offer, Reopening, Topic
from ernbot.core.blind import Blind, Mode, missing
from ernbot.core.clocks import Clocks
from ernbot.core.consent import Ledger, Paper, Purpose
from ernbot.core.dates import check_due
from ernbot.core.delphi import Study, begin, present
from ernbot.core.errors import BadInput, Refused
from ernbot.core.followup import FollowUp, Report, asked, reported
from ernbot.core.form import Value
from ernbot.core.invitation import Guest, Invitation, InvitationState
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
    Erased,
    Open,
    Signing,
    State,
    Withdrawn,
)
from ernbot.core.triage import Triage, Verdict, given

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
    state: State = Draft()
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
        if isinstance(self.state, Drafting | Signing | Closed | Archived) and self.state.outcome is not None:
            return self.state.outcome
        raise Refused("outcome-none")

    def give_consent(
        self, purposes: tuple[Purpose, ...], paper: Paper, *, by: str, at: datetime, on_behalf_of: str | None = None
    ) -> Case:
        self._require(Action.GIVE_CONSENT)
        ledger = self.consent
        for purpose in purposes:
            ledger = ledger.give(purpose, paper, by=by, at=at, on_behalf_of=on_behalf_of)
        opens = isinstance(self.state, Draft) and ledger.covers(Purpose.CARE, at)
        return replace(self, consent=ledger, state=Open() if opens else self.state)

    def withdraw_consent(self, purpose: Purpose, *, by: str, at: datetime, on_behalf_of: str | None = None) -> Case:
        """A case with one consent less; without consent to care it is withdrawn and its panel dissolved."""
        self._require(Action.WITHDRAW_CONSENT)
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
        self._require(Action.INVITE)
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
        self._require(Action.GIVE_OPINION)
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
        self._require(Action.DRAFT_OUTCOME)
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
        self._require(Action.WRITE_OUTCOME)
        return replace(self, state=Drafting(outcome))

    def vote(self, by: str, *, agrees: bool, reason: str, at: datetime, recommendation: int | None = None) -> Case:
        """A case with somebody's vote.

        Raises:
            Refused: `vote-conflict` for who has declared a conflict of interest; else see `Outcome.vote`.
        """
        self._require(Action.VOTE)
        if by in self.recused:
            raise Refused("vote-conflict")
        outcome = self.outcome().vote(by, agrees=agrees, reason=reason, at=at, recommendation=recommendation)
        return replace(self, state=Drafting(outcome))

    @property
    def recused(self) -> frozenset[str]:
        """Who has declared a conflict of interest, by itself or in the latest opinion, and does not vote."""
        declared = (each.user_id for each in self.invitations if each.conflict is not None)
        return frozenset((*declared, *(opinion.author for opinion in latest(self.opinions) if opinion.conflict)))

    @property
    def silent(self) -> tuple[str, ...]:
        """Who may vote on the outcome and has not."""
        return tuple(member for member in self.outcome().silent if member not in self.recused)

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
        self._require(Action.SEND_TO_SIGNING)
        asked = self.outcome().ask(signers)
        if not self.has_gathered_all():
            raise Refused("outcome-stale")
        return replace(self, state=Signing(asked))

    def sign(self, signature: Signature) -> Case:
        """A case with one more signature; the last one closes it."""
        self._require(Action.SIGN)
        return self._signed(self.outcome().sign(signature), signature.at)

    def waive(self, *, at: datetime) -> Case:
        """A case that is closed without the signatures that are missing; see `Outcome.waive`."""
        self._require(Action.BACK_TO_DRAFTING)
        return self._signed(self.outcome().waive(), at)

    def _signed(self, outcome: Outcome, at: datetime) -> Case:
        return replace(self, state=Signing(outcome) if outcome.unsigned else Closed(outcome, at))

    def back_to_drafting(self) -> Case:
        self._require(Action.BACK_TO_DRAFTING)
        return replace(self, state=Drafting(self.outcome().recall()))

    # --- the background, and by when

    def describe(self, topic: Topic, text: str) -> Case:
        self._require(Action.DESCRIBE)
        return replace(self, background=self.background.tell(topic, text))

    def plan(self, due: date | None, *, at: datetime) -> Case:
        """A case that is due on a day, or on none."""
        self._require(Action.PLAN)
        if due is not None:
            check_due(due, at.date())
        return replace(self, due=due)

    def mark(self, *, urgent: bool) -> Case:
        self._require(Action.PLAN)
        return replace(self, urgent=urgent)

    # --- who leads

    def offer_lead(self, to: str, by: str, *, at: datetime) -> Case:
        """A case whose lead somebody was asked to take over."""
        self._require(Action.HAND_OVER)
        if to == self.lead:
            raise Refused("lead-already")
        return replace(self, offer=Offer(to, by, at))

    def take_lead(self, *, hospital: bool) -> Case:
        """A case led by the one whom the lead was offered to; the one before stays in the panel.

        `hospital` when both work at the same hospital, whose consent it is: then the case is theirs altogether.

        Raises:
            Refused: `lead-not-offered` when there is no offer (any more).
        """
        self._require(Action.TAKE_LEAD)
        if self.offer is None:
            raise Refused("lead-not-offered")
        return self._led_by(self.offer.to, hospital=hospital and self.lead == self.requester)

    def decline_lead(self) -> Case:
        self._require(Action.TAKE_LEAD)
        if self.offer is None:
            raise Refused("lead-not-offered")
        return replace(self, offer=None)

    def take_over(self, by: str, *, gone: bool) -> Case:
        """A case led by its coordinator; `gone` when the lead before is no longer in the directory.

        Raises:
            Refused: `lead-already` for the lead.
        """
        self._require(Action.TAKE_OVER)
        if by == self.lead:
            raise Refused("lead-already")
        led = replace(self._led_by(by), due=None)
        if gone:
            led = replace(led, panel=tuple(member for member in led.panel if member != self.lead))
        return led.back_to_drafting() if isinstance(self.state, Signing) else led

    def _led_by(self, lead: str, *, hospital: bool = False) -> Case:
        requester = lead if hospital else self.requester
        panel = (*(member for member in self.panel if member != lead), self.lead)
        return replace(self, requester=requester, leader=None if lead == requester else lead, panel=panel, offer=None)

    # --- requests to networks

    def submit(self, by: str, *, at: datetime) -> Case:
        """A case that waits for the dispatchers of its network."""
        return replace(self, triage=self.triage.submit(self.network, by, at))

    def forward(self, network: str, by: str, words: str, *, at: datetime) -> Case:
        """A case that waits for the dispatchers of another network."""
        self._require(Action.FORWARD)
        return replace(self, triage=self.triage.submit(network, by, at, words))

    def answer_request(self, by: str, words: str, *, at: datetime) -> Case:
        self._require(Action.ANSWER_TRIAGE)
        return replace(self, triage=self.triage.answer(self.network, by, at, words))

    def decide_request(self, verdict: Verdict, by: str, words: str, *, at: datetime) -> Case:
        """A case with a decision on its request."""
        self._require(Action.TRIAGE)
        return replace(self, triage=self.triage.decide(verdict, self.network, by, at, words))

    def forward_request(self, network: str, by: str, words: str, *, at: datetime) -> Case:
        """A case whose request those for whom it waited have sent on to another network."""
        self._require(Action.TRIAGE)
        return replace(self, triage=self.triage.forward(self.network, network, by, at, words))

    def move(self, network: str, staying: frozenset[str]) -> Case:
        """A case of another network. Of its panel only these people stay; without its lead, the requester leads."""
        panel = tuple(member for member in self.panel if member in staying or member == self.requester)
        leader = self.leader if self.leader in staying else None
        if leader is None:
            panel = tuple(member for member in panel if member != self.requester)
        return replace(self, network=network, leader=leader, panel=panel, offer=None)

    # --- over, and not

    def reopen(self, by: str, reason: str, *, at: datetime) -> Case:
        """A case that is taken up again: with its panel, or as far as it had come without one."""
        self._require(Action.REOPEN)
        reason = given(reason)
        state: State = Assessing() if self.panel else Open() if self.covered(at) else Draft()
        background = self.background.tell("new", reason)
        reopened = (*self.reopened, Reopening(by, at, reason))
        kept = self._kept()
        return replace(self, state=state, background=background, due=None, reopened=reopened, amended=kept)

    def amend(self, why: str) -> Case:
        """A case whose signed outcome gets a next version; the one before is kept as it was signed."""
        self._require(Action.AMEND)
        return replace(self, state=Drafting(self.outcome().amend(why)), amended=self._kept())

    def _kept(self) -> tuple[Outcome, ...]:
        """The signed outcomes so far, which stay when another one takes their place."""
        outcome = self.state.outcome if isinstance(self.state, Closed | Archived) else None
        return (*self.amended, outcome) if outcome is not None else self.amended

    def archive(self, reason: str, *, at: datetime) -> Case:
        """A case that is put away; one without a signed outcome needs a reason."""
        self._require(Action.ARCHIVE)
        outcome = self.state.outcome if isinstance(self.state, Closed) else None
        reason = reason.strip() if outcome is not None else given(reason)
        return replace(self, state=Archived(outcome, at, reason), due=None, urgent=False, offer=None)

    def erase(self, *, at: datetime) -> Case:
        """What is known of a case after its erasure: that there was one, and nothing clinical."""
        self._require(Action.ERASE)
        return Case(self.id, self.network, self.nickname, self.requester, "", self.opened_at, Erased(at))

    # --- what became of the patient

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

    def ask_follow_up(self, *, at: datetime) -> Case:
        """A case whose clinician was asked what became of the patient."""
        return replace(self, follow_up=asked(self.follow_up, self._followed(), at))

    def record_follow_up(self, report: Report) -> Case:
        return replace(self, follow_up=reported(self.follow_up, self._followed(), report))

    def _followed(self) -> datetime:
        self._require(Action.FOLLOW_UP)
        if self.signed_at is None:
            raise Refused("outcome-none")
        return self.signed_at

    # --- who was asked (core/invitation.py)

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

    def ask(self, experts: tuple[str, ...], *, by: str, at: datetime) -> Case:
        """A case whose panel has more experts, each with an invitation."""
        asked = self.invite(experts)
        return replace(asked, invitations=invitation.ask(self.invitations, experts, by=by, at=at), suggested=())

    def suggest(self, experts: tuple[str, ...]) -> Case:
        """A case that remembers who was suggested, in their order, so that the lead can name them by number."""
        self._require(Action.INVITE)
        return replace(self, suggested=experts)

    def answer_invitation(self, user_id: str, *, accepts: bool, reason: str, at: datetime) -> Case:
        """A case with an answer; whoever declines is off the panel.

        Raises:
            Refused: `not-on-panel` for anybody but an expert of the panel, `requester-stays`, `invitation-none`.
        """
        self._require(Action.ANSWER_INVITATION)
        asked = self._of_panel(user_id)
        answered = invitation.answer(asked, accepts=accepts, reason=reason, at=at)
        return self._with(answered) if accepts else self._without(answered)

    def admit_guest(
        self, user_id: str, guest: Guest, until: date, arrangement: str | None, *, by: str, at: datetime
    ) -> Case:
        """A case with a guest among its experts until the end of a day; for one who is there, the day is changed."""
        self._require(Action.ADMIT_GUEST)
        before = self.invitation(user_id)
        if before is not None and before.stands(at.date()) and user_id in self.panel:
            return self._with(replace(before, until=until, guest=guest, arrangement=arrangement))
        asked = Invitation(user_id, InvitationState.INVITED, by, at, until=until, arrangement=arrangement, guest=guest)
        return replace(self.invite((user_id,)), invitations=invitation.put(self.invitations, asked))

    def remove_expert(self, user_id: str, *, at: datetime) -> Case:
        """A case without an expert or observer; what they said stays.

        Raises:
            Refused: `not-on-panel` for anybody else, `requester-stays`.
        """
        self._require(Action.INVITE)
        asked = self._of_panel(user_id, *self.observers)
        return self._without(invitation.close(asked, InvitationState.REMOVED, at))

    def declare_conflict(self, user_id: str, reason: str) -> Case:
        """A case in which an expert with a conflict of interest has no voice, whatever they said before.

        Raises:
            Refused: `not-on-panel` for anybody but an expert of the panel, `requester-stays`.
            BadInput: `reason-length`.
        """
        self._require(Action.DECLARE_CONFLICT)
        declared = replace(self._of_panel(user_id), conflict=invitation.check_reason(reason))
        theirs = tuple(opinion for opinion in self.opinions if opinion.author == user_id)
        others = tuple(opinion for opinion in self.opinions if opinion.author != user_id)
        silent = replace(self._without(declared), opinions=others, set_aside=(*self.set_aside, *theirs))
        if not isinstance(self.state, Drafting | Signing):
            return silent
        return replace(silent, state=Drafting(self.state.outcome.recall().without_votes_of(user_id)))

    def let_observe(self, user_id: str) -> Case:
        """A case in which somebody with a conflict of interest stays, without a voice.

        Raises:
            Refused: `no-conflict` for anybody who has declared none.
        """
        self._require(Action.INVITE)
        asked = self.invitation(user_id)
        if asked is None or asked.conflict is None or asked.state not in invitation.STANDS:
            raise Refused("no-conflict")
        return self._with(replace(asked, observes=True))

    def end_guests(self, at: datetime) -> Case:
        """A case without the guests whose time is over."""
        over = [each for each in self.invitations if each.state in invitation.STANDS and not each.stands(at.date())]
        case = self
        for each in over:
            case = case._without(invitation.close(each, InvitationState.EXPIRED, at))
        return case

    def _of_panel(self, user_id: str, *more: str) -> Invitation:
        """The invitation of an expert. Whoever brought the case may be on its panel, and was not invited."""
        asked = self.invitation(user_id)
        if asked is None or user_id not in (*self.panel, *more):
            raise Refused("not-on-panel")
        if user_id == self.requester:
            raise Refused("requester-stays")
        return asked

    def _with(self, asked: Invitation) -> Case:
        return replace(self, invitations=invitation.put(self.invitations, asked))

    def _without(self, asked: Invitation) -> Case:
        panel = tuple(expert for expert in self.panel if expert != asked.user_id)
        return replace(self._with(asked), panel=panel)

    # --- how opinions are asked for

    def keep_apart(self, mode: Mode) -> Case:
        """A case with blind mode set anew, before the first opinion."""
        self._require(Action.ARRANGE)
        return replace(self, blind=self.blind.switch(mode, self.opinions))

    def ask_for(self, question_type: str) -> Case:
        """A case whose experts answer the form for this type of question."""
        self._require(Action.ARRANGE)
        return replace(self, question_type=question_type)

    def reveal(self, by: str, *, at: datetime) -> Case:
        self._require(Action.REVEAL)
        return replace(self, blind=self.blind.reveal(self.opinions, by=by, at=at))

    # --- rounds and polls

    @property
    def conflicts(self) -> dict[str, str]:
        """Who has a conflict of interest, with the reason; it is empty where the latest opinion alone says so."""
        declared = {each.user_id: each.conflict for each in self.invitations if each.conflict is not None}
        return {opinion.author: "" for opinion in latest(self.opinions) if opinion.conflict} | declared

    @property
    def conflicted(self) -> frozenset[str]:
        """Who has a conflict of interest, and is heard but never counted."""
        return frozenset(self.conflicts)

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

    def suggest_statement(self, by: str, statement: str) -> Case:
        self._require(Action.RATE)
        return replace(self, delphi=(*self.delphi[:-1], self.study.suggest(statement, by)))

    def ask_poll(self, text: str, *, by: str, named: bool, at: datetime) -> Case:
        self._require(Action.ASK_POLL)
        return replace(self, polls=poll.ask(self.polls, text, by, at, named=named))

    def answer_poll(self, number: int | None, by: str, option: int, *, at: datetime) -> Case:
        self._require(Action.ANSWER_POLL)
        voted = poll.find(self.polls, number).vote(by, option, self.conflicted, at)
        return replace(self, polls=poll.put(self.polls, voted))

    def close_poll(self, *, at: datetime) -> Case:
        self._require(Action.ASK_POLL)
        closed = poll.find(self.polls).close(self.members, self.conflicted, at)
        return replace(self, polls=poll.put(self.polls, closed))


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
        BadInput: `question-length` when the question is empty or longer than `MAX_QUESTION` characters.
    """
    question = question.strip()
    if not question or len(question) > MAX_QUESTION:
        raise BadInput("question-length", maximum=MAX_QUESTION)
    state: State = Open() if about is About.QUESTION else Draft()
    case = Case(id, network, nickname, requester, question, at, state, about=about, opened_by=opened_by)
    return replace(case, background=background, blind=blind)
