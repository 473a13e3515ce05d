"""Anybody does anything in any order, and nobody ever sees what consent and their part in a case do not cover.

A Hypothesis state machine over the real commands, store and calendar, on both databases. What may be seen is decided by
the small model in `witness`, which asks the access gate nothing.

CI plays the same short games each time. `ERNBOT_GAMES=500 pytest tests/commands/test_case_machine.py` plays that many
longer ones, new each time; Hypothesis prints the steps of a game that somebody lost, as short as it can make them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ernbot.commands import arrival, conversation, files, invitations
from ernbot.commands.effects import Message, direct_lane
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Network, Person, Role
from ernbot.core.errors import Refused
from ernbot.matrix.calendar import Calendar
from ernbot.storage.records import InboxItem, Original
from ernbot.storage.store import Store
from ernbot.storage.tables import metadata

from .chat import (
    ANDERS,
    BOT,
    BRAM,
    DIRECTORY,
    FREJA,
    KASPER,
    METTE,
    PIOTR,
    SASKIA,
    SERVER,
    SIGNE,
    STRANGER,
    direct_room,
)
from .test_files import CONTENT, face, scan
from .witness import Act, Secret, Watched, Witness, insiders

MARIA, LOTTE, JENS, DORTE, OKSANA, LEOPOLD = (
    f"@{name}:{SERVER}"
    for name in ("maria.lund", "lotte.bakker", "jens.bach", "dorte.friis", "oksana.koval", "leopold.haas")
)
"""Assistants of Anders and of Saskia, a colleague of Anders, a dispatcher, a guest, the other network's coordinator."""

EVERYBODY = (
    *(ANDERS, SASKIA, PIOTR, FREJA, METTE, MARIA, LOTTE, JENS),
    *(DORTE, OKSANA, LEOPOLD, KASPER, BRAM, SIGNE, STRANGER),
)
PARTS = ("lead", "requester", "expert", "waiting", "guest", "offered", "assistant")
"""Whoever is that in the case at hand; most rules fail for most people, so that these are drawn more often."""

WHO = st.sampled_from(PARTS * 3 + EVERYBODY)
GAMES = int(os.environ.get("ERNBOT_GAMES", "0"))
PATIENCE = 60
"""Seconds for one act, which takes some hundredths of one."""

WHOLE = 500 + 10 * GAMES
"""Seconds for all games of a database, finding the shortest lost one included."""

KEPT = frozenset({"alembic_version", "vault_keys", "audit", "audit_head", "settings"})


def staffed(*, triage: bool, blind: str, gone: frozenset[str] = frozenset()) -> Directory:
    """The example directory with more people, without those who are gone."""
    more = (
        Person(MARIA, "Maria Lund", "strandmark", Role.ASSISTANT, assists=(ANDERS,)),
        Person(LOTTE, "Lotte Bakker", "zonneveer", Role.ASSISTANT, assists=(SASKIA,)),
        Person(JENS, "Jens Bach", "strandmark"),
        Person(DORTE, "Dorte Friis", "havblik", Role.DISPATCHER),
    )

    def changed(network: Network) -> Network:
        home = network.id == "ern-cranio"
        people = tuple(p for p in (*network.people, *(more if home else ())) if p.user_id not in gone)
        return replace(network, people=people, triage=triage and home, blind=blind if home else "off")  # type: ignore[arg-type]

    return Directory(tuple(map(changed, DIRECTORY.networks)))


class Stuck(BaseException):
    """An act hangs, or the games take too long. No `Exception`, so that Hypothesis does not play it over and over."""


@dataclass
class Referee:
    """Runs acts in the loop of the store, whose connections live there, and ends games that do not end."""

    loop: asyncio.AbstractEventLoop
    until: float = field(default_factory=lambda: time.monotonic() + WHOLE)
    lost: Exception | None = None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Raises Stuck, with the last lost game as its cause."""
        left = self.until - time.monotonic()
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            future.result(max(0, min(PATIENCE, left)))
        except TimeoutError:
            future.cancel()
            raise Stuck("an act hangs" if left > PATIENCE else "the games take too long") from self.lost
        except Exception as error:
            self.lost = error
            raise


class CaseMachine(RuleBasedStateMachine):
    """One game: some cases, everybody, and the clock."""

    def __init__(self, store: Store, referee: Referee) -> None:
        super().__init__()
        self.store, self.referee = store, referee
        self.cases: dict[str, Case] = {}
        self.played = False
        self.words = count(1)
        self.gone: frozenset[str] = frozenset()
        self.setup = {"triage": False, "blind": "off"}
        self.messages: list[tuple[str, str, str]] = []

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Play a part of the game, which is over when it is lost."""
        self.played = False
        self.referee.run(work)
        self.played = True

    # --- one act

    async def act(self, actor: str, text: str, room: str, do: Callable[[], Awaitable[object]]) -> None:
        """Do something, and have the witness look at all that comes of it."""
        chat = self.chat
        chat.later(seconds=1)
        before, chat.event = self.cases, ""
        await do()
        after = self.cases = await chat.stored()
        async with self.store.transaction() as tx:
            step = await tx.last_step(room, actor)
        refused = step is not None and step.event_id == chat.event and step.result == "refused"
        act = Act(actor, text, chat.now, chat.directory, before, after, await chat.decided())
        self.witness.look(act, refused=refused, room=room)

    async def say(
        self, actor: str, text: str, *, aside: bool = False, opinion: bool = False, rating: bool = False, **how: Any
    ) -> None:
        """Somebody types something; `*` in it becomes a word that is found nowhere else."""
        room = direct_room(actor) if aside else self.room
        self.chat.later(seconds=1)
        while "*" in text:
            at = self.chat.now + timedelta(seconds=1)
            secret = Secret(f"zq{next(self.words)}x", actor, room, at, opinion, rating)
            self.witness.secrets.append(secret)
            text = text.replace("*", secret.word, 1)
        await self.act(actor, text, room, lambda: self.chat.say(actor, text, room=room, **how))
        self.messages.append((actor, room, self.chat.event))

    @property
    def room(self) -> str:
        return self.chat.room

    @property
    def case(self) -> Case | None:
        """The case at hand, as it is stored."""
        return next((self.cases[each] for each, room in self.chat.rooms.items() if room == self.room), None)

    async def who(self, part: str) -> str:
        """The person whom a part stands for in the case at hand; a name stands for itself."""
        if part not in PARTS:
            return part
        case = self.case
        if case is None:
            return ANDERS
        answered = {opinion.author for opinion in case.opinions}
        guests = [each.user_id for each in case.invitations if each.guest is not None]
        found = {
            "lead": [case.lead],
            "expert": list(case.panel),
            "waiting": [user for user in case.panel if user not in answered],
            "guest": guests,
            "offered": [case.offer.to] if case.offer is not None else [],
            "assistant": list(case.assistants),
        }.get(part, [])
        return (found or [case.requester])[-1]

    # --- the beginning

    @initialize(
        triage=st.sampled_from((False, False, True)),
        blind=st.sampled_from(("off", "on", "lead")),
        stage=st.sampled_from((0, 1, 2, 3, 3, 4, 4, 5)),
        asks=st.sampled_from(("", "", "rounds", "poll")),
    )
    def begin(self, triage: bool, blind: str, stage: int, asks: str) -> None:
        self.setup = {"triage": triage, "blind": blind}
        self.run(self._begin(stage, asks))

    async def _begin(self, stage: int, asks: str) -> None:
        async with self.store.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in KEPT:
                    await connection.execute(table.delete())
        alone = {direct_room(user): user for user in EVERYBODY}
        self.chat = Watched(self.store, directory=self._directory(), alone_in=alone)
        await self.chat.decided()
        self.witness = Witness(self.chat)
        async with self.store.transaction() as tx:
            for user in (ANDERS, SASKIA, METTE):
                await tx.set_direct_room(user, direct_room(user))
        await self.say(ANDERS, "!case new ern-cranio sagittal synostosis * why=* new=*", aside=True)
        if stage > 0:
            await self.say(ANDERS, "!consent give care form=2.1-ua lang=da signer=parent signed=2026-03-01")
            number = next(iter(self.cases.values())).nickname.split()[-1]
            await self.say(DORTE, f"!triage accept {number}", aside=True)
        if stage > 1:
            await self.say(ANDERS, "!panel invite saskia.devries piotr.zielinski")
        if stage > 2:
            await self._opinion(SASKIA, aside=True)
            await self._asks(asks)
        if stage > 3:
            await self._opinion(PIOTR, aside=True)
            await self.say(ANDERS, "!outcome draft")
            await self.say(ANDERS, "!outcome recommend * operate")
        if stage > 4:
            await self.say(ANDERS, "!outcome sign confirm")

    async def _asks(self, what: str) -> None:
        """Open a round, which somebody has begun to rate, or a poll."""
        if what == "rounds":
            await self.say(ANDERS, "!panel invite freja.lund")
            for text in ("!delphi new *", "!delphi add *\n*", "!delphi start"):
                await self.say(ANDERS, text)
            await self.say(SASKIA, "!rate 1=8 * 2=3", aside=True, rating=True)
        if what == "poll":
            await self.say(ANDERS, "!poll * | * | *")

    def _directory(self) -> Directory:
        return staffed(triage=bool(self.setup["triage"]), blind=str(self.setup["blind"]), gone=self.gone)

    # --- bringing a case

    @precondition(lambda self: len(self.chat.rooms) < 3)
    @rule(who=st.sampled_from((ANDERS, MARIA, *EVERYBODY)), kind=st.sampled_from(("case new", "question new")))
    def brings(self, who: str, kind: str) -> None:
        self.run(self.say(who, f"!{kind} ern-cranio sagittal synostosis * why=* new=*", aside=True))

    @precondition(lambda self: len(self.chat.rooms) > 1)
    @rule(number=st.integers(0, 2))
    def goes_to_another_room(self, number: int) -> None:
        rooms = list(self.chat.rooms.values())
        self.chat.room = rooms[number % len(rooms)]

    @rule(
        who=st.one_of(st.just("requester"), WHO),
        purpose=st.sampled_from(("care", "care,images", "images", "registry,contact")),
        form=st.sampled_from(("2.1", "2.1-ua")),
        days_ago=st.sampled_from((0, 1, 2000, 5440, 5470, 6000)),
    )
    def gives_consent(self, who: str, purpose: str, form: str, days_ago: int) -> None:
        signed = (self.chat.now - timedelta(days=days_ago)).date()
        self.run(self._says(who, f"!consent give {purpose} form={form} lang=da signer=parent signed={signed}"))

    @rule(who=st.one_of(st.just("requester"), WHO), purpose=st.sampled_from(("care", "images", "care,images")))
    def withdraws(self, who: str, purpose: str) -> None:
        self.run(self._withdraws(who, purpose))

    async def _withdraws(self, part: str, purpose: str) -> None:
        who, before = await self.who(part), self.cases
        await self.say(who, f"!consent withdraw {purpose}")
        case_id = next((each for each, room in self.chat.rooms.items() if room == self.room), None)
        if case_id is None or purpose != "care" or who != before[case_id].requester:
            return
        case = before[case_id]
        papers = [entry.paper for entry in case.consent.entries if entry.purpose == "care"]
        running = case.state.kind not in ("withdrawn", "erased") and case.about == "patient"
        if running and papers and papers[-1] and who in insiders(case, self.chat.directory, self.chat.now):
            assert self.cases[case_id].state.kind == "withdrawn", "a withdrawal that does not count"

    async def _says(self, part: str, text: str, **how: Any) -> None:
        await self.say(await self.who(part), text, **how)

    # --- the panel

    @rule(
        who=st.one_of(st.just("lead"), WHO),
        what=st.sampled_from(
            (
                "invite saskia.devries piotr.zielinski",
                "invite freja.lund",
                "invite group:skull",
                "invite craniosynostosis",
                "invite kasper.friis",
                "invite bram.visser",
                "invite signe.thomsen",
                "invite 1",
                "remove saskia.devries",
                "remove piotr.zielinski",
                "remove oksana.koval",
                "keep saskia.devries",
                "keep piotr.zielinski",
                "suggest",
                "suggest craniosynostosis",
                "guest oksana.koval until {day} name Oksana Koval hospital Kyiv country Ukraine",
                "guest oksana.koval until {day} name Oksana Koval hospital Oslo country Norway",
                "blind on",
                "blind lead",
                "blind off",
                "question rare",
                "show",
            )
        ),
        days=st.sampled_from((0, 3, 40)),
    )
    def arranges_the_panel(self, who: str, what: str, days: int) -> None:
        day = (self.chat.now + timedelta(days=days)).date()
        self.run(self._says(who, f"!panel {what.format(day=day)}"))

    @rule(
        who=st.one_of(st.just("expert"), WHO),
        what=st.sampled_from(("accept", "decline *", "conflict *")),
        aside=st.booleans(),
    )
    def answers_an_invitation(self, who: str, what: str, aside: bool) -> None:
        self.run(self._says(who, f"!{what}", aside=aside))

    @rule(who=WHO, how=st.sampled_from(("comes", "goes", "agrees")))
    def says_nothing_but(self, who: str, how: str) -> None:
        self.run(self._moves(who, how))

    async def _moves(self, part: str, how: str) -> None:
        who = await self.who(part)
        room = direct_room(who) if how == "agrees" else self.room
        sent = [d.event_id for d in self.chat.done if d.lane == direct_lane(who) and isinstance(d.effect, Message)]

        async def do() -> None:
            async with self.chat._heard(who, room, None, (), device="") as ctx:
                if how == "agrees":
                    await conversation.hear_reaction(ctx, "👍", sent[-1] if sent else "$none")
                elif how == "comes":
                    await arrival.came_in(ctx, InboxItem(ctx.event_id, ctx.room_id, who, "join", {}, ctx.now))
                else:
                    await invitations.went(ctx)
            await self.chat.deliver()

        await self.act(who, how, room, do)

    # --- opinions

    async def _opinion(self, who: str, *, aside: bool, what: str = "") -> None:
        text = what or "diagnosis=ORPHA:2343 recommendation=surgery confidence=4 remarks=*"
        await self.say(who, f"!opinion {text}", aside=aside, opinion=True)

    @rule(
        who=st.one_of(st.just("waiting"), WHO),
        what=st.sampled_from(
            (
                "",
                "",
                "",
                "diagnosis=ORPHA:1531 recommendation=watch confidence=2 remarks=* conflict=none",
                "recommendation=watch remarks=*",
                "remarks=* confidence=99",
                "* what do you think",
            )
        ),
        aside=st.booleans(),
    )
    def gives_an_opinion(self, who: str, what: str, aside: bool) -> None:
        self.run(self._gives(who, what, aside))

    async def _gives(self, part: str, what: str, aside: bool) -> None:
        await self._opinion(await self.who(part), aside=aside, what=what)

    @rule(
        who=st.one_of(st.just("expert"), WHO),
        what=st.sampled_from(
            (
                "!opinion",
                "!opinion form",
                "!opinion show",
                "!opinion show saskia",
                "!cancel",
                "!opnion recommendation=surgery remarks=*",
                "Diagnosis: ORPHA:2343\nRecommended next step: Surgery\nConfidence: 4\nReasons and remarks: *",
                "diagnosis=ORPHA:2343 recommendation=surgery remarks=*",
            )
        ),
        aside=st.booleans(),
    )
    def goes_about_an_opinion(self, who: str, what: str, aside: bool) -> None:
        self.run(self._says(who, what, aside=aside, opinion=True))

    @rule(
        who=st.one_of(st.just("waiting"), WHO),
        answers=st.lists(st.sampled_from(("ORPHA:2343", "1", "2", "4", "*", "skip", "done", "yes")), max_size=4),
        aside=st.booleans(),
    )
    def answers_the_questions(self, who: str, answers: list[str], aside: bool) -> None:
        self.run(self._answers(who, answers, aside))

    async def _answers(self, part: str, answers: list[str], aside: bool) -> None:
        who = await self.who(part)
        for answer in answers:
            async with self.store.transaction() as tx:
                dialogue = await tx.dialogue(direct_room(who) if aside else self.room, who)
            if dialogue is None:
                return
            kind = {"rating" if dialogue.kind.startswith("rating") else "opinion": True}
            await self.say(who, answer, aside=aside, thread=None if aside else dialogue.thread, **kind)

    @rule(who=st.one_of(st.just("lead"), WHO), sure=st.sampled_from(("", " confirm")))
    def reveals(self, who: str, sure: str) -> None:
        self.run(self._says(who, f"!reveal{sure}"))

    # --- rounds and polls

    @rule(
        who=st.one_of(st.just("lead"), WHO),
        what=st.sampled_from(
            (
                "delphi new *",
                "delphi add *\n*",
                "delphi start",
                "delphi close",
                "delphi close",
                "delphi next",
                "delphi take 3",
                "delphi end",
                "delphi note R1 *",
                "delphi report",
                "delphi",
                "poll * | * | *",
                "poll anonymous * | * | *",
                "poll close",
            )
        ),
    )
    def asks_the_panel(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!{what}"))

    @rule(
        who=st.one_of(st.just("expert"), WHO),
        what=st.sampled_from(
            ("rate 1=8 * 2=3", "rate 1=2 2=9 *", "rate", "rate list", "rate suggest *", "delphi show", "poll show")
        ),
    )
    def rates(self, who: str, what: str) -> None:
        aside = what.startswith("rate")
        self.run(self._says(who, f"!{what}", aside=aside, rating=aside))

    @rule(who=st.one_of(st.just("expert"), WHO), option=st.sampled_from("129"))
    def answers_a_poll(self, who: str, option: str) -> None:
        self.run(self._says(who, f"!poll vote {option}"))

    # --- the outcome and after it

    @rule(
        who=st.one_of(st.just("lead"), st.just("lead"), WHO),
        what=st.sampled_from(
            (
                *("draft", "draft", "recommend *", "evidence *", "followup *", "sign", "sign confirm", "show"),
                *("export", "export html", "export fhir 1"),
            )
        ),
    )
    def writes_the_outcome(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!outcome {what}"))

    @rule(who=st.one_of(st.just("expert"), WHO), what=st.sampled_from(("agree", "agree *", "dissent *", "show")))
    def votes(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!outcome {what}"))

    @rule(
        who=st.one_of(st.just("requester"), WHO), what=st.sampled_from(("", " followed=yes changed=nothing happened=*"))
    )
    def follows_up(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!followup{what}"))

    # --- the life of the case

    @rule(
        who=st.one_of(st.just("lead"), WHO),
        what=st.sampled_from(
            (
                "case why *",
                "case news *",
                "case due 2 weeks",
                "case due none",
                "case urgent",
                "case urgent off",
                "case answer *",
                "case handover saskia.devries",
                "case handover jens.bach",
                "case handover anders.kjaer",
                "case forward ecnm",
                "case forward ecnm confirm",
                "case archive *",
                "case reopen *",
                "lead accept",
                "lead decline *",
            )
        ),
    )
    def leads_on(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!{what}"))

    @rule(who=st.sampled_from(("offered", "offered", "lead")), what=st.sampled_from(("accept", "decline *")))
    def answers_the_offer(self, who: str, what: str) -> None:
        self.run(self._says(who, f"!lead {what}"))

    @rule(
        who=st.sampled_from((METTE, DORTE, LEOPOLD, *EVERYBODY)),
        what=st.sampled_from(
            (
                "triage",
                "triage show {case}",
                "triage accept {case}",
                "triage ask {case} *",
                "triage forward {case} ecnm *",
                "triage decline {case} *",
                "case takeover {case}",
                "case erase {case}",
                "case erase {name} confirm",
                "cases",
                "cases all",
                "cases ern-cranio",
                "cases waiting",
                "directory report",
            )
        ),
    )
    def works_from_outside(self, who: str, what: str) -> None:
        self.run(self._from_outside(who, what))

    async def _from_outside(self, who: str, what: str) -> None:
        name = self.case.nickname if self.case is not None else "Amber Heron 412"
        await self.say(who, "!" + what.format(case=name.split()[-1], name=name), aside=True)

    @rule(who=st.one_of(st.just("requester"), WHO))
    def erases(self, who: str) -> None:
        self.run(self._erases(who))

    async def _erases(self, part: str) -> None:
        if self.case is not None:
            await self._says(part, f"!case erase {self.case.nickname} confirm")

    # --- looking, correcting, files

    @rule(
        who=WHO,
        what=st.sampled_from(
            ("help", "case show", "panel show", "outcome show", "opinion show", "cases", "who ORPHA 3366")
        ),
        aside=st.booleans(),
    )
    def looks(self, who: str, what: str, aside: bool) -> None:
        self.run(self._says(who, f"!{what}", aside=aside))

    @rule(what=st.sampled_from(("case show", "outcome show", "opinion show", "cases all")), aside=st.booleans())
    def everybody_looks(self, what: str, aside: bool) -> None:
        for who in EVERYBODY:
            self.run(self._says(who, f"!{what}", aside=aside))

    @rule(part=st.sampled_from(("comes", "case show", "opinion show")), days=st.sampled_from((200, 5500)))
    def comes_back_much_later(self, part: str, days: int) -> None:
        self.run(self._calendar(days))
        self.run(self._moves("expert", part) if part == "comes" else self._says("expert", f"!{part}"))

    @precondition(lambda self: self.messages)
    @rule(
        back=st.integers(1, 3),
        text=st.sampled_from(("!case why *", "!outcome recommend *", "!opinion remarks=*", "* said", "!panel show")),
    )
    def edits(self, back: int, text: str) -> None:
        self.run(self._edits(back, text))

    async def _edits(self, back: int, text: str) -> None:
        who, room, event = self.messages[-min(back, len(self.messages))]
        opinion = "opinion" in text
        secret = Secret(f"zq{next(self.words)}x", who, room, self.chat.now + timedelta(seconds=1), opinion)
        self.witness.secrets.append(secret)
        words = text.replace("*", secret.word)
        await self.act(who, f"edit: {words}", room, lambda: self.chat.edit(who, words, event, room=room))

    @precondition(lambda self: self.messages)
    @rule(back=st.integers(1, 3), who=st.one_of(st.just(""), WHO), sign=st.sampled_from(("↩️", "1️⃣", "2️⃣")))
    def reacts(self, back: int, who: str, sign: str) -> None:
        self.run(self._reacts(back, who, sign))

    async def _reacts(self, back: int, part: str, sign: str) -> None:
        author, room, event = self.messages[-min(back, len(self.messages))]
        who = await self.who(part) if part else author
        asked = [each.event_id for each in self.chat.done if each.room == room and isinstance(each.effect, Message)]
        target = event if sign == "↩️" or not asked else asked[-1]

        async def do() -> None:
            async with self.store.transaction() as tx:
                dialogue = await tx.dialogue(room, who)
            thread = dialogue.thread if dialogue is not None else None
            async with self.chat._heard(who, room, thread, (), device="") as ctx:
                await conversation.hear_reaction(ctx, sign, target)
            await self.chat.deliver()

        await self.act(who, f"react: {sign}", room, do)

    @rule(who=st.one_of(st.just("lead"), WHO), is_face=st.booleans())
    def drops_a_file(self, who: str, is_face: bool) -> None:
        self.run(self._drops(who, is_face))

    async def _drops(self, part: str, is_face: bool) -> None:
        who = await self.who(part)
        preview = face() if is_face else scan()

        async def do() -> None:
            async with self.chat._heard(who, self.room, None, ()) as ctx:
                if is_face:
                    self.witness.faces.add(ctx.event_id)
                if ctx.place is not None and await files.collect(ctx, CONTENT):
                    originals = [Original(ctx.event_id, CONTENT)]
                    try:
                        async with ctx.tx.savepoint():
                            await files.accept(ctx, originals, [preview])
                    except Refused as error:
                        await files.refuse(ctx, error, originals)
            await self.chat.deliver()

        await self.act(who, "drops a face" if is_face else "drops a scan", self.room, do)

    # --- time, the directory, and a homeserver that does not answer

    @rule(days=st.sampled_from((0, 1, 1, 8, 20, 45, 100, 200, 5500)))
    def time_passes(self, days: int) -> None:
        self.run(self._calendar(days))

    async def _calendar(self, days: int) -> None:
        chat = self.chat
        chat.now = (chat.now + timedelta(days=days)).replace(hour=8 if days else chat.now.hour)
        chat.later(seconds=1)

        async def do() -> None:
            calendar = Calendar(self.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0)
            await calendar.begin()
            await calendar.turn()
            await chat.deliver()

        await self.act(BOT, f"the calendar after {days} days", "", do)

    @rule(who=st.sampled_from((ANDERS, SASKIA, PIOTR, METTE, LOTTE, MARIA)))
    def leaves_or_joins_the_directory(self, who: str) -> None:
        """The directory is read when the bot starts, which looks at every case first."""
        self.gone = self.gone ^ {who}
        self.chat.directory = self._directory()
        self.run(self._calendar(0))

    @rule()
    def the_homeserver_is_away_or_back(self) -> None:
        self.chat.delivers = not self.chat.delivers
        if self.chat.delivers:
            self.run(self.act(BOT, "everything is delivered", "", self.chat.deliver))

    def teardown(self) -> None:
        """Each game ends with a withdrawal while words are on their way."""
        if not self.played:
            return
        self.chat.delivers = False
        for who, what in (("lead", "case show"), ("expert", "opinion show"), ("requester", "outcome export fhir")):
            self.run(self._says(who, f"!{what}"))
        self.run(self._withdraws("requester", "care"))
        self.the_homeserver_is_away_or_back()


@pytest.mark.timeout(WHOLE + 60)
async def test_nobody_ever_sees_what_consent_and_their_part_do_not_cover(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count(100)
    monkeypatch.setattr("ernbot.commands.case.nickname", lambda: f"Amber Heron {next(numbers) % 900 + 100}")
    how = settings(
        # PostgreSQL is several times slower to ask, and plays the first of the same games.
        max_examples=GAMES or (25 if store.engine.dialect.name == "sqlite" else 8),
        stateful_step_count=60 if GAMES else 34,
        derandomize=not GAMES,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )

    referee = Referee(asyncio.get_running_loop())

    class Game(CaseMachine):
        def __init__(self) -> None:
            super().__init__(store, referee)

    await asyncio.to_thread(run_state_machine_as_test, Game, settings=how)
