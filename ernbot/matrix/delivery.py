"""Carrying out one effect: say it, show it, change the room. Each is safe to repeat after a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from ernbot.commands.dialogue import keycaps
from ernbot.commands.effects import (
    Access,
    Announce,
    Card,
    CreateCaseRoom,
    Effect,
    EndPoll,
    FileInSpace,
    Invite,
    Join,
    Leave,
    Message,
    OpenDirectChat,
    Outbox,
    PassOn,
    React,
    Redact,
    Remove,
    SendDelphiReport,
    SendOutcome,
    SendPoll,
    ShowFile,
    TakeBack,
    load,
)
from ernbot.commands.office import Office
from ernbot.commands.reply import say
from ernbot.commands.steps import UNDO_SIGN
from ernbot.matrix import caseroom, polls
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine
from ernbot.matrix.papers import Papers
from ernbot.matrix.render import render
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.showing import Showing
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

WAIT_FOR_PERSON = 5.0
WAIT_FOR_ROOM = 1.0


class NotYet(Exception):
    """The effect has to wait for somebody or something that is not there yet."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Delivery:
    """Carries out effects and marks them done."""

    def __init__(
        self,
        gateway: Gateway,
        machine: Machine,
        rooms: Rooms,
        store: Store,
        office: Office,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._machine = machine
        self._rooms = rooms
        self._store = store
        self._office = office
        self._clock = clock
        self._showing = Showing(self, gateway, store)
        self._papers = Papers(self, gateway, store, office, clock)

    async def deliver(self, item: OutboxItem, effect: Effect) -> None:
        """Carry out one effect and commit that it is done.

        Raises:
            MatrixError, Unreachable: the homeserver did not do it. NotYet: it is too early.
        """
        match effect:
            case Message():
                await self._message(item, effect)
            case Card():
                await self._card(item, effect)
            case Announce() | ShowFile() | PassOn():
                await self._showing.deliver(item, effect)
            case React(event_id, sign):
                relation = {"rel_type": "m.annotation", "event_id": event_id, "key": sign}
                content = {"m.relates_to": relation}
                await self.done(
                    item, await self._gateway.send(await self.room_of(item), "m.reaction", content, item.id)
                )
            case TakeBack(tag):
                await self._take_back(item, tag)
            case SendOutcome() | SendDelphiReport():
                await self._papers.deliver(item, effect)
            case SendPoll():
                event_id = await self.send(await self.room_of(item), polls.start(effect), item.id, polls.START)
                await self.done(item, event_id)
            case EndPoll():
                await self._end_poll(item, effect)
            case CreateCaseRoom():
                await self._create_case_room(item, effect)
            case FileInSpace():
                space = await self._gateway.resolve_alias(f"#{effect.network}:{self._gateway.server_name}")
                via = {} if effect.gone else {"via": [self._gateway.server_name]}
                await self._gateway.put_state(space, "m.space.child", via, effect.child)
                await self.done(item)
            case Access():
                await self._access(item, effect)
            case Invite(user_id):
                await self._invite(item, user_id)
            case Remove(user_id):
                await self._remove(item, user_id)
            case Redact(event_id):
                await self._gateway.redact(await self.room_of(item), event_id, item.id)
                await self.done(item)
            case Join():
                await self._gateway.join(await self.room_of(item))
                await self.done(item)
            case Leave():
                await self._gateway.leave(await self.room_of(item))
                await self.done(item)
            case OpenDirectChat(user_id):
                await self._open_direct_chat(item, user_id)

    async def mourn(self, tx: Transaction, item: OutboxItem) -> None:
        """Tell whoever has to know that an effect was given up."""
        if item.kind == "invite" and item.case_id is not None:
            effect = load(item.payload)
            place = await tx.case_place(item.case_id)
            if isinstance(effect, Invite) and place is not None:
                name = self._office.directory.name_of(effect.user_id)
                message = Message(say("panel-not-reached", name=name), place.requester)
                await Outbox(tx, self._clock()).to_case(item.case_id, message)

    async def done(self, item: OutboxItem, event_id: str | None = None) -> None:
        """Commit that an effect has happened, and the event that it became."""
        async with self._store.transaction() as tx:
            await tx.sent(item.id, event_id)

    async def room_of(self, item: OutboxItem) -> str:
        """The room of an effect: its own, its case's, or the direct chat that its lane is named after."""
        if item.room_id is not None:
            return item.room_id
        async with self._store.transaction() as tx:
            if item.case_id is not None:
                place = await tx.case_place(item.case_id)
                room = place.room_id if place is not None else None
            else:
                room = await tx.direct_room(item.lane.partition(":")[2])
        if room is None:
            raise NotYet(WAIT_FOR_ROOM)
        return room

    async def language(self, reader: str) -> str:
        """What somebody reads; English where they have not said."""
        async with self._store.transaction() as tx:
            return await tx.language(reader) or "en"

    async def send(self, room_id: str, content: dict[str, Any], txn_id: str, kind: str = "m.room.message") -> str:
        """Send a message, or another kind of event, encrypted for the people who are in the room now."""
        view = await self._rooms.view(room_id)
        encrypted = await self._machine.encrypt(room_id, view.joined, kind, content, rotation=view.rotation)
        return await self._gateway.send(room_id, "m.room.encrypted", encrypted, txn_id)

    async def _message(self, item: OutboxItem, effect: Message) -> None:
        room_id = await self.room_of(item)
        content = {**_text(effect, await self.language(effect.reader)), **_relation(effect)}
        if effect.plain:
            event_id = await self._gateway.send(room_id, "m.room.message", content, item.id)
        else:
            event_id = await self.send(room_id, content, item.id)
        # A question must be known as ours before anybody can answer it by a reaction that we add.
        await self.done(item, event_id)
        # They only spare people typing: a question without them is asked all the same.
        with contextlib.suppress(MatrixError, Unreachable):
            signs = [*keycaps(effect.choices), *([UNDO_SIGN] if effect.undo else [])]
            for number, key in enumerate(signs, start=1):
                relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
                await self._gateway.send(room_id, "m.reaction", {"m.relates_to": relation}, f"{item.id}-{number}")

    async def _card(self, item: OutboxItem, effect: Card) -> None:
        """Edit the pinned card; a fresh one is posted and pinned, and the old one taken away."""
        assert item.case_id is not None
        room_id = await self.room_of(item)
        async with self._store.transaction() as tx:
            place = await tx.case_place(item.case_id)
        old = place.card_event_id if place is not None else None
        content = _text(effect, await self.language(effect.reader))
        if not effect.fresh:
            if old is not None:
                edit = {"m.new_content": content, "m.relates_to": {"rel_type": "m.replace", "event_id": old}}
                await self.send(room_id, {**content, "body": f"* {content['body']}", **edit}, item.id)
            await self.done(item)
            return
        event_id = await self.send(room_id, content, item.id)
        await self._gateway.put_state(room_id, "m.room.pinned_events", {"pinned": [event_id]})
        if old is not None and old != event_id:
            await self._gateway.redact(room_id, old, f"{item.id}-old")
        async with self._store.transaction() as tx:
            await tx.set_card(item.case_id, event_id)
            await tx.sent(item.id, event_id)

    async def _take_back(self, item: OutboxItem, tag: str) -> None:
        async with self._store.transaction() as tx:
            shown = await tx.tagged(item.lane, tag)
        room_id = await self.room_of(item)
        for number, sent in enumerate(shown):
            await self._gateway.redact(room_id, sent.event_id, f"{item.id}-{number}")
        await self.done(item)

    async def _end_poll(self, item: OutboxItem, effect: EndPoll) -> None:
        async with self._store.transaction() as tx:
            asked = next((sent for sent in await tx.tagged(item.lane, effect.tag) if sent.kind == "poll"), None)
        event_id = None
        if asked is not None:
            words = render(effect.result, await self.language(effect.reader)).body
            end = polls.end(asked.event_id, words)
            event_id = await self.send(await self.room_of(item), end, item.id, polls.END)
        await self.done(item, event_id)

    async def _create_case_room(self, item: OutboxItem, effect: CreateCaseRoom) -> None:
        """Create the room. `createRoom` has no transaction id, so an attempt is noted first and looked for later."""
        assert item.case_id is not None
        room_id = await self._unseen_room(partial(_is_room_of, item.case_id)) if item.attempts else None
        if room_id is None:
            async with self._store.transaction() as tx:
                await tx.retry(item.id, self._clock())
            room_id = await self._gateway.create_room(caseroom.creation(item.case_id, effect))
        else:
            view = await self._rooms.view(room_id)
            if effect.requester not in view.having("invite", "join"):
                await self._gateway.invite(room_id, effect.requester)
        async with self._store.transaction() as tx:
            await tx.set_case_room(item.case_id, room_id)
            await tx.sent(item.id, None)
            await Outbox(tx, self._clock()).to_space(FileInSpace(effect.network, room_id))

    async def _unseen_room(self, fits: Callable[[list[dict[str, Any]]], bool]) -> str | None:
        """A room that an earlier attempt created before we could note it, known by its state."""
        async with self._store.transaction() as tx:
            noted = {place.room_id for place in await tx.places()}
        for room_id in await self._gateway.joined_rooms():
            if room_id not in noted and fits(await self._gateway.state(room_id)):
                return room_id
        return None

    async def _access(self, item: OutboxItem, effect: Access) -> None:
        assert item.case_id is not None
        content = caseroom.access_content(item.case_id, effect)
        await self._gateway.put_state(await self.room_of(item), caseroom.ACCESS, content)
        await self.done(item)

    async def _invite(self, item: OutboxItem, user_id: str) -> None:
        room_id = await self.room_of(item)
        view = await self._rooms.view(room_id)
        if user_id not in view.having("invite", "join"):
            await self._gateway.invite(room_id, user_id)
        await self.done(item)

    async def _remove(self, item: OutboxItem, user_id: str) -> None:
        room_id = await self.room_of(item)
        try:
            await self._gateway.kick(room_id, user_id)
        except MatrixError as error:
            # Whoever has left by themselves cannot be removed; everybody else must be.
            self._rooms.forget(room_id)
            view = await self._rooms.view(room_id)
            if error.passing or user_id in view.having("invite", "join"):
                raise
        self._rooms.forget(room_id)
        await self.done(item)

    async def _open_direct_chat(self, item: OutboxItem, user_id: str) -> None:
        async with self._store.transaction() as tx:
            room_id = await tx.direct_room(user_id)
        if room_id is None:
            if item.attempts:
                room_id = await self._unseen_room(partial(_is_chat_of, self._gateway.user_id, user_id))
            if room_id is None:
                async with self._store.transaction() as tx:
                    await tx.retry(item.id, self._clock())
                room_id = await self._gateway.create_room(caseroom.direct_chat(user_id))
            async with self._store.transaction() as tx:
                await tx.set_direct_room(user_id, room_id)
        if user_id not in (await self._rooms.view(room_id)).joined:
            raise NotYet(WAIT_FOR_PERSON)
        await self.done(item)


def _is_room_of(case_id: str, state: list[dict[str, Any]]) -> bool:
    return any(event["type"] == caseroom.ACCESS and event["content"].get("case") == case_id for event in state)


def _is_chat_of(me: str, user_id: str, state: list[dict[str, Any]]) -> bool:
    """Whether we made this room to talk with somebody, who is in it or may come."""
    there = {
        event["state_key"]
        for event in state
        if event["type"] == "m.room.member" and event["content"].get("membership") in ("invite", "join")
    }
    made = any(event["type"] == "m.room.create" and event["sender"] == me for event in state)
    return made and there == {me, user_id} and all(event["type"] != caseroom.ACCESS for event in state)


def _text(effect: Message | Card, language: str) -> dict[str, Any]:
    rendered = render(effect.reply, language)
    return {
        "msgtype": "m.notice",
        "body": rendered.body,
        "format": "org.matrix.custom.html",
        "formatted_body": rendered.formatted_body,
        "m.mentions": {},
    }


def _relation(effect: Message) -> dict[str, Any]:
    """Reply and thread, and the mention that makes the reader's client ring."""
    if effect.reply_to is None and effect.thread is None:
        return {}
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": effect.reply_to or effect.thread}}
    if effect.thread is not None:
        relation |= {"rel_type": "m.thread", "event_id": effect.thread, "is_falling_back": True}
    return {"m.relates_to": relation, "m.mentions": {"user_ids": [effect.reader]}}
