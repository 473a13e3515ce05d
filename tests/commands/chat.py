"""Chat in, chat out: conversations with the bot on a real store and the real configuration, without Matrix.

What people type goes in as dispatch hands it on; what the bot answers comes out as a reader sees it. Delivery is
pretended in the order of the lanes: each effect is done and gets an event id, and rooms come to be.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from ernbot.commands import arrival, conversation, identity
from ernbot.commands.context import Context
from ernbot.commands.effects import Card, CreateCaseRoom, Effect, Message, OpenDirectChat, direct_lane, load
from ernbot.commands.office import Office
from ernbot.commands.reply import Part, Text
from ernbot.core.assurance import Assurance, Policy
from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.form import Form
from ernbot.core.signature import Notary
from ernbot.core.states import Action
from ernbot.form_files import load_forms
from ernbot.locales import LANGUAGES
from ernbot.matrix.render import render
from ernbot.matrix.trust import assurance
from ernbot.network_files import load_directory
from ernbot.storage.identities import IDENTITY_CHANGED
from ernbot.storage.records import InboxItem, OutboxItem, StoredIdentity
from ernbot.storage.store import Store
from ernbot.storage.tables import audit
from ernbot.storage.transaction import Transaction

SERVER = "hospital.example"
BOT = f"@ernbot:{SERVER}"

ANDERS = f"@anders.kjaer:{SERVER}"
"""Brings the case: a clinician of a member hospital."""

SASKIA = f"@saskia.devries:{SERVER}"
PIOTR = f"@piotr.zielinski:{SERVER}"
FREJA = f"@freja.lund:{SERVER}"
METTE = f"@mette.holm:{SERVER}"
"""The coordinator of ERN CRANIO, a clinician as well."""

BRAM = f"@bram.visser:{SERVER}"
"""A researcher at a research centre."""

NORA = f"@nora.peeters:{SERVER}"
SIGNE = f"@signe.thomsen:{SERVER}"
KASPER = f"@kasper.friis:{SERVER}"
"""A clinician of the other network."""

STRANGER = f"@stranger:{SERVER}"

FINGERPRINT = "BotsFingerprint"
NOTARY = Notary(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NEW = "NewMasterKeyOfSomebody"
"""The fingerprint of an identity that replaced another one."""

QUESTION = "Operate on the sagittal suture now, or wait?"
CONSENT = "!consent give care form=2.1 lang=da signer=parent signed=2026-03-01"
OPINION = "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=4"

DIRECTORY = load_directory(Path("config/networks"), SERVER)
FORMS = load_forms(Path("config/forms"))

Wanted = TypeVar("Wanted", bound=Effect)


@dataclass(frozen=True)
class Done:
    """An effect that was carried out; `event_id` is the event that it became, `room` where it was."""

    lane: str
    effect: Effect
    event_id: str
    room: str = ""


@dataclass(frozen=True)
class Answer:
    """A message of the bot."""

    event_id: str
    message: Message

    @property
    def text(self) -> str:
        return render(self.message.reply, "en").body

    @property
    def danish(self) -> str:
        return render(self.message.reply, "da").body

    @property
    def reader(self) -> str:
        return self.message.reader

    @property
    def thread(self) -> str | None:
        return self.message.thread

    @property
    def choices(self) -> int:
        return self.message.choices


@dataclass(repr=False)
class Chat:
    """A bot and the people who talk to it; `now` is its clock, `room` the latest case room."""

    store: Store
    now: datetime = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    directory: Directory = DIRECTORY
    forms: dict[str, Form] = field(default_factory=lambda: dict(FORMS))
    policy: Policy = Policy()
    viewer_url: str | None = None
    arrival_seconds: float = 0
    room: str = ""
    event: str = ""
    delivers: bool = True
    done: list[Done] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __repr__(self) -> str:
        """Short: all that it holds would fill the report of a failed test."""
        return f"Chat({self.room!r})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """The same for Hypothesis."""
        printer.text(repr(self))

    @property
    def office(self) -> Office:
        return Office(
            BOT,
            self.directory,
            self.forms,
            LANGUAGES,
            policy=self.policy,
            fingerprint=FINGERPRINT,
            viewer_url=self.viewer_url,
            arrival_seconds=self.arrival_seconds,
            notary=NOTARY,
        )

    def later(self, **by: int) -> None:
        self.now += timedelta(**by)

    # --- what people do

    async def say(
        self,
        user: str,
        text: str,
        *,
        room: str | None = None,
        thread: str | None = None,
        replies_to: str | None = None,
        mentions: tuple[str, ...] = (),
        addressed: bool = False,
    ) -> list[str]:
        """What the bot answers to a message in a room, by default the direct chat of its author with the bot."""
        async with self._heard(user, room or direct_room(user), thread, mentions) as ctx:
            await conversation.hear(ctx, text, replies_to, addressed=addressed)
        return await self._answers(user)

    async def edit(self, user: str, text: str, event: str, *, room: str | None = None) -> list[str]:
        """What the bot answers when somebody changes a message, by default one in the case room."""
        async with self._heard(user, room or self.room, None, ()) as ctx:
            await conversation.hear_edit(ctx, text, event)
        return await self._answers(user)

    async def here(self, user: str, text: str, **relation: str | None) -> str:
        """The one answer to a message in the case room."""
        (answer,) = await self.say(user, text, room=self.room, **relation)  # type: ignore[arg-type]
        return answer

    async def alone(self, user: str, text: str) -> str:
        """The one answer to a message in the direct chat."""
        (answer,) = await self.say(user, text)
        return answer

    async def react(self, user: str, key: str, target: str) -> list[str]:
        """What the bot answers to a reaction in the case room."""
        async with self.store.transaction() as tx:
            dialogue = await tx.dialogue(self.room, user)
        async with self._heard(user, self.room, dialogue.thread if dialogue else None, (), device="") as ctx:
            await conversation.hear_reaction(ctx, key, target)
        return await self._answers(user)

    async def arrive(self, user: str) -> list[Effect]:
        """What the bot does when somebody comes into the case room."""
        before = len(self.done)
        async with self._heard(user, self.room, None, (), device="") as ctx:
            item = InboxItem(ctx.event_id, self.room, user, "join", {"user": user}, self.now)
            await ctx.tx.receive(item)
            await self._came_in(ctx, item)
        await self.deliver()
        return [done.effect for done in self.done[before:]]

    async def wait(self, **by: int) -> list[Effect]:
        """Let time pass, and take up again what was put off of arrivals, as dispatch does; what the bot does then."""
        before = len(self.done)
        self.later(**by)
        async with self.store.transaction() as tx:
            for item in await tx.pending(at=self.now):
                context = await self.context(tx, item.sender, item.room_id, device="")
                await self._came_in(replace(context, event_id=item.event_id), item)
        await self.deliver()
        return [done.effect for done in self.done[before:]]

    async def _came_in(self, ctx: Context, item: InboxItem) -> None:
        until = await arrival.came_in(ctx, item)
        if until is not None:
            await ctx.tx.postpone(item.event_id, until, attempts=1)
        else:
            await ctx.tx.handled(item.event_id)

    async def greet(self, user: str) -> str:
        """What the bot says first in a direct chat."""
        async with self._heard(user, direct_room(user), None, (), device="") as ctx:
            await arrival.greet(ctx)
        (answer,) = await self._answers(user)
        return answer

    async def meets(self, user: str, master: str = "first", *, verified: bool = False) -> None:
        """The bot sees this person's identity for the first time."""
        known = StoredIdentity(user, master, master, master if verified else None, ())
        async with self.store.transaction() as tx:
            await tx.save_identity(known)

    async def resets(self, user: str, master: str | None = NEW) -> None:
        """This person's identity is another one now; nobody has been told of it yet."""
        async with self.store.transaction() as tx:
            known = (await tx.identities([user]))[user]
            await tx.save_identity(replace(known, master=master, changed_at=self.now))
            change = {"before": known.master, "now": master}
            await tx.receive(
                InboxItem(f"$identity-{next(self._numbers)}", "", user, IDENTITY_CHANGED, change, self.now)
            )

    async def hears_of_identities(self) -> None:
        """Handle what the inbox says of identities, as dispatch does."""
        async with self.store.transaction() as tx:
            for item in await tx.pending(at=self.now):
                context = await self.context(tx, item.sender, "", device="")
                if item.kind == IDENTITY_CHANGED:
                    await identity.changed(context, item.payload["before"], item.payload["now"])
                else:
                    await identity.confirmed(context, item.payload["by"])
                await tx.handled(item.event_id)
        await self.deliver()

    def told(self, user: str) -> list[Answer]:
        """What the bot said to somebody alone, by itself, apart from invitations."""
        return [answer for answer in self._alone(user) if answer.message.reply.parts[0] not in self._invitations(user)]

    def invited(self, user: str) -> list[Answer]:
        """The invitations into cases that the bot told somebody alone."""
        return [answer for answer in self._alone(user) if answer.message.reply.parts[0] in self._invitations(user)]

    def _invitations(self, user: str) -> list[Part]:
        parts = (answer.message.reply.parts[0] for answer in self._alone(user))
        return [part for part in parts if isinstance(part, Text) and part.key == "invitation"]

    def _alone(self, user: str) -> list[Answer]:
        return [
            Answer(done.event_id, done.effect)
            for done in self.done
            if done.lane == direct_lane(user) and isinstance(done.effect, Message)
        ]

    @asynccontextmanager
    async def _heard(
        self, user: str, room: str, thread: str | None, mentions: tuple[str, ...], *, device: str = "DEVICE"
    ) -> AsyncIterator[Context]:
        self.event = f"$heard-{next(self._numbers)}"
        self._first = len(self.done)
        async with self.store.transaction() as tx:
            yield await self.context(tx, user, room, thread, mentions, device)

    async def context(
        self,
        tx: Transaction,
        user: str,
        room: str,
        thread: str | None = None,
        mentions: tuple[str, ...] = (),
        device: str = "DEVICE",
    ) -> Context:
        """What a command sees of the latest event."""
        place = await tx.place_of_room(room)
        known = (await tx.identities([user])).get(user)
        sure = assurance(known, signed=True) if known is not None else Assurance.UNCHANGED
        sure = sure if device else Assurance.NONE
        return Context(tx, self.office, user, device, room, self.event, self.now, thread, place, mentions, sure)

    async def _answers(self, user: str) -> list[str]:
        await self.deliver()
        return [answer.text for answer in self.answers(self._first) if answer.reader == user]

    # --- what the bot does

    async def deliver(self) -> None:
        """Do everything that waits, unless delivery is held up."""
        if not self.delivers:
            return
        async with self.store.transaction() as tx:
            while due := await tx.due(self.now):
                for item in due:
                    self.done.append(await self._do(tx, item))

    async def _do(self, tx: Transaction, item: OutboxItem) -> Done:
        effect, event_id = load(item.payload), f"$bot-{next(self._numbers)}"
        match effect:
            case CreateCaseRoom():
                assert item.case_id is not None
                self.room = f"!case-{next(self._numbers)}:{SERVER}"
                await tx.set_case_room(item.case_id, self.room)
            case OpenDirectChat(user_id):
                await tx.set_direct_room(user_id, direct_room(user_id))
        await tx.sent(item.id, event_id)
        return Done(item.lane, effect, event_id, item.room_id or self._room_of(item.lane))

    def _room_of(self, lane: str) -> str:
        kind, _, of = lane.partition(":")
        return direct_room(of) if kind == "direct" else self.room

    def answers(self, since: int = 0) -> list[Answer]:
        """The messages among what was done, from a place on."""
        return [Answer(done.event_id, done.effect) for done in self.done[since:] if isinstance(done.effect, Message)]

    def texts(self, since: int = 0) -> list[str]:
        """The messages as they are read, from a place on."""
        return [answer.text for answer in self.answers(since)]

    @property
    def last(self) -> Answer:
        return self.answers()[-1]

    def effects(self, kind: type[Wanted]) -> list[Wanted]:
        """Everything of a kind that was done."""
        return [done.effect for done in self.done if isinstance(done.effect, kind)]

    def new_effects(self, kind: type[Wanted]) -> list[Wanted]:
        """What of a kind the latest event led to."""
        return [done.effect for done in self.done[self._first :] if isinstance(done.effect, kind)]

    @property
    def card(self) -> str:
        """The card as it stands."""
        return render(self.effects(Card)[-1].reply, "en").body

    # --- what is kept

    async def case(self, reader: str = ANDERS) -> Case:
        async with self.store.transaction() as tx:
            return await tx.case_in(self.room, reader, Action.READ, self.directory, self.now)

    async def audit(self) -> list[tuple[str, str, str]]:
        """Who wanted what, and what was decided, apart from looking at the case."""
        async with self.store.engine.connect() as connection:
            query = select(audit.c.actor, audit.c.action, audit.c.decision).order_by(audit.c.seq)
            rows = await connection.execute(query)
            return [(row.actor, row.action, row.decision) for row in rows if row.action != Action.READ]

    @asynccontextmanager
    async def nothing_changes(self) -> AsyncIterator[None]:
        """Whatever happens in here leaves the case as it was and does nothing but talk."""
        before, done = await self.case(), len(self.done)
        yield
        assert await self.case() == before
        assert {type(each.effect) for each in self.done[done:]} <= {Message}

    # --- how far a case has come

    async def draft(self) -> None:
        await self.alone(ANDERS, f"!case new ern-cranio {QUESTION}")

    async def opened(self) -> None:
        await self.draft()
        await self.here(ANDERS, CONSENT)

    async def assessing(self) -> None:
        """Two experts were asked, one has answered."""
        await self.opened()
        await self.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
        await self.here(SASKIA, OPINION)

    async def drafting(self) -> None:
        """Both have answered, and there is a recommendation."""
        await self.assessing()
        await self.here(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
        await self.here(ANDERS, "!outcome draft")
        await self.here(ANDERS, "!outcome recommend Operate before nine months.")

    async def closed(self) -> None:
        await self.drafting()
        await self.here(ANDERS, "!outcome sign")

    async def withdrawn(self) -> None:
        await self.assessing()
        await self.here(ANDERS, "!consent withdraw care")


WIDTH, SCREEN = 44, 34
"""Characters in a line of a telephone, and lines that it shows at once."""


def height(answer: str) -> int:
    """Lines on a telephone, empty ones not counted."""
    return sum(-(-len(line) // WIDTH) for line in answer.splitlines() if line.strip())


def direct_room(user: str) -> str:
    """The room in which somebody talks to the bot alone."""
    return f"!direct-{user[1:].partition(':')[0]}:{SERVER}"
