"""Who reads what: a chat that knows who sits in which room, and a small model of what they may see there.

The model asks neither the access gate nor `core.blind`: from the plain facts of a case, the directory and the day it
says who has a part in it, whether consent to care is in force, and which opinions are sealed. Whatever people type
holds a word that is found nowhere else, so that a leak is found by looking for that word in everything that is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select

from ernbot.commands.effects import (
    Access,
    Announce,
    Card,
    CreateCaseRoom,
    Effect,
    EndPoll,
    Invite,
    Message,
    PassOn,
    React,
    Redact,
    Remove,
    SendDelphiReport,
    SendOutcome,
    SendPoll,
    ShowFile,
    dump,
)
from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.invitation import EEA
from ernbot.core.outcome import Outcome, Signature
from ernbot.documents import delphi_report
from ernbot.locales import LANGUAGES, catalogue
from ernbot.matrix.render import render
from ernbot.storage.records import OutboxItem
from ernbot.storage.tables import audit, cases
from ernbot.storage.transaction import Transaction

from .chat import BOT, DIRECTORY, Chat, Done

DOCTORS = {"clinician", "coordinator", "dispatcher"}
DESKS = {"coordinator", "dispatcher"}
NO_PATIENTS = {"research-centre", "partner", "patient-organisation"}
CONSENT_YEARS = 15
OVER = {"withdrawn", "erased"}
PERSONAL = {"give-opinion", "vote", "sign", "rate", "answer-poll", "declare-conflict"}
"""What nobody does for somebody else, as the gate writes it down."""

WORDS = (
    *(Message, Card, Announce, ShowFile, PassOn, Invite),
    *(SendOutcome, SendDelphiReport, SendPoll, EndPoll),
)
"""What says or shows something of a case, or brings somebody to it."""


# --- what may be seen


def listed(user: str, directory: Directory) -> bool:
    return any(person.user_id == user for network in directory.networks for person in network.people)


def doctor(user: str, directory: Directory, network_id: str | None = None, roles: set[str] = DOCTORS) -> bool:
    """Whether somebody has one of these roles at a centre that sees patients."""
    return any(
        person.user_id == user and person.role in roles and network.centre(person.centre).kind not in NO_PATIENTS
        for network in directory.networks
        if network_id in (None, network.id)
        for person in network.people
    )


def in_force(case: Case, purpose: str, at: datetime) -> bool:
    """Whether the last line of the ledger allows a purpose on this day."""
    papers = [entry.paper for entry in case.consent.entries if entry.purpose == purpose]
    if not papers or papers[-1] is None:
        return False
    signed = papers[-1].signed_on
    return (at.year, at.month, at.day) < (signed.year + CONSENT_YEARS, signed.month, signed.day)


def covered(case: Case, at: datetime) -> bool:
    """Whether the words of a case may be shown to anybody but whoever brings it."""
    return case.state.kind not in OVER and (case.about == "question" or in_force(case, "care", at))


def assistants(users: set[str], directory: Directory) -> set[str]:
    return {p.user_id for network in directory.networks for p in network.people if users & set(p.assists)}


def _guests(case: Case, directory: Directory, at: datetime) -> set[str]:
    """Who is let in until a day; from beyond the area of the GDPR, if the patient signed the form that says so."""
    papers = [e.paper.form_version for e in case.consent.entries if e.purpose == "care" and e.paper is not None]
    told = case.about == "question" or papers[-1:] == ["2.1-ua"]
    return {
        each.user_id
        for each in case.invitations
        if each.guest is not None
        and each.until is not None
        and each.state in ("invited", "accepted")
        and at.date() <= each.until
        and (each.guest.country in EEA or told)
        and not listed(each.user_id, directory)
    }


def insiders(case: Case, directory: Directory, at: datetime) -> set[str]:
    """Everybody who has a part in a case now, with those who assist them."""
    match case.state.kind:
        case "erased":
            return set()
        case "withdrawn":
            return {case.requester}
        case "draft":
            named = {case.requester}
        case _:
            observers = {each.user_id for each in case.invitations if each.conflict is not None and each.observes}
            offered = {case.offer.to} if case.offer is not None else set()
            named = {case.requester, case.lead, *case.panel, *observers, *offered}
    known = {u for u in named if doctor(u, directory) or (case.about == "question" and listed(u, directory))}
    return known | (named & _guests(case, directory, at)) | assistants(known, directory)


def deciders(case: Case, directory: Directory) -> set[str]:
    """Who decides on a request while it waits: they see the question, and are not in the room."""
    last = case.triage.steps[-1:]
    asked = {step.network for step in case.triage.steps} if last else set()
    users = {person.user_id for network in directory.networks for person in network.people}
    return {user for user in users for network in asked if doctor(user, directory, network, DESKS)}


def sealed(case: Case) -> bool:
    return case.blind.on and case.blind.revealed_at is None


def reads_sealed(reader: str, author: str, case: Case, directory: Directory) -> bool:
    """Whether somebody may read a sealed opinion, alone with the bot."""
    own = {author}
    if not case.blind.from_lead:
        answered = {opinion.author for opinion in case.opinions}
        own |= {case.lead} if case.lead not in case.panel or case.lead in answered else set()
    return reader in own | assistants(own, directory)


def told(word: str, case: Case) -> bool:
    """Whether a remark to a rating, or a statement that a rater suggested, is out: its round is closed."""
    for study in case.delphi:
        closed = [held for held in study.rounds if held.closed_at is not None]
        if any(word in rating.comment for held in closed for rating in held.ratings):
            return True
        if closed and any(word in statement.text for statement in study.statements):
            return True
    return False


# --- what is seen


@dataclass(frozen=True)
class Delivered:
    """An effect that was carried out, and who sits where it can be read."""

    item: OutboxItem
    effect: Effect
    room: str
    readers: frozenset[str]

    @property
    def text(self) -> str:
        """All that it says, as stored and as read in each language."""
        if isinstance(self.effect, SendDelphiReport):
            return "\n".join(_report(self.effect, language) for language in LANGUAGES)
        shown = [json.dumps(dump(self.effect), ensure_ascii=False)]
        if isinstance(self.effect, Message | Card | Announce):
            shown += [part for language in LANGUAGES for part in _rendered(self.effect, language)]
        if isinstance(self.effect, ShowFile):
            shown += [render(self.effect.caption, language).body for language in LANGUAGES]
        return "\n".join(shown)


def _rendered(effect: Message | Card | Announce, language: str) -> Iterator[str]:
    words = render(effect.reply, language)
    yield words.body
    yield words.formatted_body


def _report(effect: SendDelphiReport, language: str) -> str:
    network = DIRECTORY.network(effect.network)
    assert network is not None
    text = catalogue(language).text
    made = delphi_report.report(effect.study, effect.conflicts, nickname=effect.nickname, network=network, text=text)
    return delphi_report.markdown(made)


@dataclass
class Watched(Chat):
    """A chat with several cases, which remembers who was let into each room and has not been asked out."""

    rooms: dict[str, str] = field(default_factory=dict)
    inside: dict[str, set[str]] = field(default_factory=dict)
    delivered: list[Delivered] = field(default_factory=list)
    alone_in: dict[str, str] = field(default_factory=dict)
    audited: int = -1

    async def _do(self, tx: Transaction, item: OutboxItem) -> Done:
        here = self.room
        if item.case_id is not None:
            self.room = self.rooms.get(item.case_id, "")
        done = await super()._do(tx, item)
        match done.effect:
            case CreateCaseRoom(requester=requester):
                assert item.case_id is not None
                self.rooms[item.case_id], self.inside[self.room] = self.room, {requester}
                here, done = self.room, replace(done, room=self.room)
            case Invite(user):
                self.inside[done.room].add(user)
            case Remove(user):
                self.inside[done.room].discard(user)
        alone = self.alone_in.get(done.room)
        readers = {alone} if alone is not None else self.inside.get(done.room, set())
        self.room = here
        self.delivered.append(Delivered(item, done.effect, done.room, frozenset(readers)))
        return done

    async def stored(self) -> dict[str, Case]:
        """Every case as it is stored, whoever may read it."""
        async with self.store.engine.connect() as connection:
            ids = list(await connection.scalars(select(cases.c.id).order_by(cases.c.opened_at, cases.c.id)))
        async with self.store.transaction() as tx:
            return {each: tx.case_of(await tx.case_as_stored(each)) for each in ids}

    async def decided(self) -> list[Decision]:
        """What the gate has let pass since this was asked last."""
        columns = (audit.c.seq, audit.c.actor, audit.c.action, audit.c.case_id)
        query = select(*columns).where(audit.c.seq > self.audited, audit.c.decision == "allowed")
        async with self.store.engine.connect() as connection:
            rows = (await connection.execute(query.order_by(audit.c.seq))).all()
        if rows:
            self.audited = rows[-1].seq
        return [Decision(row.actor, row.action, row.case_id) for row in rows]


@dataclass(frozen=True)
class Decision:
    """Something that the gate let pass."""

    actor: str
    action: str
    case_id: str | None


@dataclass(frozen=True)
class Secret:
    """A word that somebody typed somewhere; `opinion` when it is part of an opinion, `rating` of what a rater says."""

    word: str
    author: str
    room: str
    at: datetime
    opinion: bool = False
    rating: bool = False


@dataclass(frozen=True)
class Act:
    """What somebody did, the cases before and after it, and what the gate let pass meanwhile.

    `actor` is the bot for what is done by itself.
    """

    actor: str
    text: str
    at: datetime
    directory: Directory
    before: dict[str, Case]
    after: dict[str, Case]
    passed: list[Decision]

    def has_part(self, case_id: str) -> set[str]:
        """Who has a part in a case when this is done, or once it is done."""
        found = (side.get(case_id) for side in (self.before, self.after))
        return {user for case in found if case is not None for user in insiders(case, self.directory, self.at)}

    def decide(self, case_id: str) -> set[str]:
        found = (side.get(case_id) for side in (self.before, self.after))
        return {user for case in found if case is not None for user in deciders(case, self.directory)}


@dataclass
class Witness:
    """Looks at everything that comes of what people do, and fails where somebody sees what they may not."""

    chat: Watched
    secrets: list[Secret] = field(default_factory=list)
    case_of: dict[str, str] = field(default_factory=dict)
    faces: set[str] = field(default_factory=set)
    acts: dict[datetime, Act] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    seen: int = 0

    def look(self, act: Act, *, refused: bool, room: str) -> None:
        """Judge what an act changed, what was sent since, and who is left in the rooms."""
        self.acts[act.at] = act
        for secret in self.secrets:
            if secret.word not in self.case_of:
                self._place(secret, act)
        new, self.seen = self.chat.delivered[self.seen :], len(self.chat.delivered)
        if refused:
            assert act.before == act.after, f"refused, and yet changed: {act.text}"
            made = [each.effect for each in new if each.item.at == act.at]
            assert all(isinstance(each, Message | Redact | React) for each in made), f"refused, and yet done: {made}"
        for decision in act.passed:
            _in_person(decision, act)
        for case_id, case in act.after.items():
            if case.state.kind in OVER:
                self.ended.setdefault(case_id, act.at)
            if (before := act.before.get(case_id)) is not None and before != case:
                justify(before, case, act)
        for each in new:
            self._judge(each, act)
        if self.chat.delivers:
            self._look_into_rooms(act)

    def _place(self, secret: Secret, act: Act) -> None:
        """Find out of which case a word is: of the room where it was typed, or where it was kept."""
        by_room = {room: case_id for case_id, room in self.chat.rooms.items()}
        if secret.room in by_room:
            self.case_of[secret.word] = by_room[secret.room]
            return
        for case_id, case in act.after.items():
            if secret.word in repr(case):
                self.case_of[secret.word] = case_id

    def _judge(self, sent: Delivered, now: Act) -> None:
        act = self.acts[sent.item.at]
        ended = self.ended.get(sent.item.case_id or "", sent.item.at)
        assert sent.item.at >= ended or not isinstance(sent.effect, WORDS), f"still sent after the end: {sent}"
        match sent.effect:
            case ShowFile(file_id=file_id) | PassOn(file_id=file_id):
                self._judge_file(sent, file_id, act, now)
            case SendOutcome():
                case_id = sent.item.case_id
                assert case_id is not None
                assert act.after[case_id].state.kind in ("drafting", "signing", "closed", "archived")
                self._judge_case(sent, case_id, sent.readers, act, now, "outcome")
            case SendDelphiReport() | SendPoll() | EndPoll():
                assert sent.item.case_id is not None
                self._judge_case(sent, sent.item.case_id, sent.readers, act, now, sent.effect.kind)
            case Access(admitted=admitted, open=True, closed=False) if sent.item.case_id is not None:
                case = act.after[sent.item.case_id]
                strangers = set(admitted) - act.has_part(case.id) - {case.requester}
                assert not strangers, f"the homeserver lets in {strangers} after {act.text}"
            case Invite(user) if sent.item.case_id is not None:
                assert user in act.has_part(sent.item.case_id), f"{user} is let in by {act.text}"
        text = sent.text
        for secret in self.secrets:
            if secret.word in text:
                for reader in sent.readers:
                    self._judge_word(secret, reader, sent, act, now)

    def _judge_file(self, sent: Delivered, file_id: str, act: Act, now: Act) -> None:
        case_id = sent.item.case_id
        assert case_id is not None
        self._judge_case(sent, case_id, sent.readers, act, now, "file")
        if file_id in self.faces:
            assert in_force(act.after[case_id], "images", act.at), "a face is shown without consent to images"

    def _judge_case(
        self, sent: Delivered, case_id: str, readers: frozenset[str], act: Act, now: Act, what: str
    ) -> None:
        case = act.after[case_id]
        assert covered(case, act.at), f"{what} without consent after {act.text}"
        assert now.after[case_id].state.kind not in OVER, f"{what} after the end of the case, {act.text}"
        left = readers - act.has_part(case_id)
        assert not left, f"{what} is seen by {left} after {act.text}"

    def _judge_word(self, secret: Secret, reader: str, sent: Delivered, act: Act, now: Act) -> None:
        said = f"{secret} is read by {reader} in {sent.room} after {act.actor}: {act.text} ({sent.effect})"
        alone = sent.room in self.chat.alone_in
        case_id = self.case_of.get(secret.word)
        case = act.after.get(case_id) if case_id is not None else None
        hidden = secret.rating
        if case is not None and secret.opinion:
            hidden = sealed(case) or sealed(act.before.get(case.id, case))
        # Whoever has just typed it there knows it.
        if secret.at == act.at and secret.room == sent.room and (alone or not hidden):
            return
        if case is None:
            assert (alone, reader) == (True, secret.author), said
            return
        assert now.after[case.id].state.kind not in OVER, said
        own_words = reader == secret.author and alone
        assert not sent.item.lane.startswith("direct:") or own_words, f"said by itself: {said}"
        assert reader in act.has_part(case.id) or (reader in act.decide(case.id) and alone and not secret.opinion), said
        assert case.state.kind == "draft" or covered(case, act.at), f"without consent: {said}"
        if secret.opinion and sealed(case):
            assert alone, f"sealed: {said}"
            assert reads_sealed(reader, secret.author, case, act.directory), f"sealed: {said}"
        if secret.rating and not told(secret.word, case):
            assert own_words, f"a rater's words: {said}"

    def _look_into_rooms(self, act: Act) -> None:
        for case_id, room in self.chat.rooms.items():
            left = self.chat.inside[room] - insiders(act.after[case_id], act.directory, act.at)
            assert not left, f"{left} still sit in the room after {act.actor}: {act.text}"


# --- who may change what


def _in_person(decision: Decision, act: Act) -> None:
    """What is personal was let pass for somebody of the case, not for one who assists them."""
    if decision.action in PERSONAL and decision.case_id is not None:
        sides = (side.get(decision.case_id) for side in (act.before, act.after))
        own = {user for case in sides if case is not None for user in (case.requester, case.lead, *case.panel)}
        assert decision.actor in own, f"{decision} in {act.actor}: {act.text}"


def justify(before: Case, after: Case, act: Act) -> None:
    """Every change of a case has somebody behind it who may make it, and consent where it needs that."""
    said = f"{act.actor}: {act.text}"
    inside = insiders(before, act.directory, act.at)
    coordinators = {
        p.user_id for n in act.directory.networks if n.id == before.network for p in n.people if p.role == "coordinator"
    }
    assert act.actor in {BOT, *inside, *deciders(before, act.directory), *coordinators}, f"changed by {said}"
    if after.state.kind == "erased":
        return
    if not covered(before, act.at):
        _without_consent(before, after, said)
    _ledger(before, after, act, said)
    _opinions(before, after, act, said)
    _rounds_and_polls(before, after, act, said)
    leads = {before.lead, *assistants({before.lead}, act.directory)}
    if set(after.panel) - set(before.panel) - {before.lead}:
        assert act.actor in leads | coordinators, f"invited by {said}"
    if before.blind.mode != after.blind.mode:
        assert act.actor in leads, f"sealed or not by {said}"
        assert not before.opinions, f"sealed or not by {said}"
    if before.blind.revealed_at is None and after.blind.revealed_at is not None:
        all_in = {opinion.author for opinion in after.opinions} >= set(after.panel)
        assert all_in or act.actor in leads, f"revealed by {said}"
    votes = [set(outcome.votes) if (outcome := _outcome(case)) is not None else set() for case in (before, after)]
    for vote in votes[1] - votes[0]:
        assert vote.by == act.actor, f"a vote by {said}"
        assert vote.by in before.panel, f"a vote by {said}"
    signatures = [_signatures(case) for case in (before, after)]
    for signature in signatures[1]:
        if signature not in signatures[0]:
            assert covered(before, act.at), f"signed without consent, {said}"
            assert signature.by == act.actor, f"signed by {said}"
            assert signature.by in {before.lead, *before.panel}, f"signed by {said}"
    if after.state.kind == "closed" and before.state.kind in ("drafting", "signing"):
        assert after.lead in {signature.by for signature in signatures[1]}, f"closed by {said}"


def _without_consent(before: Case, after: Case, said: str) -> None:
    """Consent comes and goes, people leave, a case is put away: nothing else happens without consent."""
    assert all(opinion in before.opinions for opinion in after.opinions), f"an opinion without consent, {said}"
    assert after.blind == before.blind, f"without consent, {said}"
    assert (after.delphi, after.polls) == (before.delphi, before.polls), f"a round or a poll without consent, {said}"
    if before.state.kind != "draft":
        assert after.state.kind in {before.state.kind, "archived", "assessing", "open", "draft", *OVER}, said
        assert set(after.panel) <= set(before.panel), f"invited without consent, {said}"
    texts = [_texts(case) for case in (before, after)]
    assert texts[1] in (texts[0], None), f"an outcome without consent, {said}"


def _outcome(case: Case) -> Outcome | None:
    return getattr(case.state, "outcome", None)


def _signatures(case: Case) -> tuple[Signature, ...]:
    outcome = _outcome(case)
    return () if outcome is None else outcome.signatures


def _texts(case: Case) -> tuple[str, ...] | None:
    outcome = _outcome(case)
    return None if outcome is None else (str(outcome.recommendations), outcome.evidence, outcome.follow_up)


def _ledger(before: Case, after: Case, act: Act, said: str) -> None:
    known = len(before.consent.entries)
    assert after.consent.entries[:known] == before.consent.entries, f"the ledger was rewritten by {said}"
    for entry in after.consent.entries[known:]:
        may = {before.requester} if entry.paper is not None else {before.requester, before.lead}
        assert entry.recorded_by == act.actor, f"consent by {said}"
        assert act.actor in may | assistants(may, act.directory), f"consent by {said}"


def _opinions(before: Case, after: Case, act: Act, said: str) -> None:
    for opinion in after.opinions:
        if opinion not in before.opinions:
            assert opinion.author == act.actor, f"an opinion for somebody else, {said}"
            assert act.actor in before.panel, f"an opinion from outside the panel, {said}"
            asked = next((each for each in before.invitations if each.user_id == act.actor), None)
            assert asked is None or asked.conflict is None, f"an opinion in spite of a conflict, {said}"


def _rounds_and_polls(before: Case, after: Case, act: Act, said: str) -> None:
    known = {rating for study in before.delphi for held in study.rounds for rating in held.ratings}
    conflicted = {each.user_id for each in before.invitations if each.conflict is not None}
    for study in after.delphi:
        for held in study.rounds:
            for rating in set(held.ratings) - known:
                assert rating.by == act.actor, f"a rating for somebody else, {said}"
                assert act.actor in {*before.panel} & {*held.invited} - conflicted, f"a rating from outside, {said}"
                assert held.closed_at is None, f"a rating after the end of its round, {said}"
    ballots = {(poll.id, ballot) for poll in before.polls for ballot in poll.ballots}
    for poll in after.polls:
        for ballot in poll.ballots:
            if (poll.id, ballot) not in ballots:
                assert ballot.by == act.actor, f"a ballot for somebody else, {said}"
                voices = {before.requester, before.lead, *before.panel}
                assert act.actor in voices - conflicted, f"a ballot from outside, {said}"
                assert poll.closed_at is None, f"a ballot after the end of its poll, {said}"
