"""From the inbox to the commands: whose message is it, where was it written, and what does it want?

Each room's rows are handled one after the other, rooms side by side. A row is done in the transaction that holds its
consequences: state, audit and everything to be sent. What goes wrong unexpectedly changes nothing and gets a reference.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ernbot.commands import (
    arrival,
    conversation,
    files,
    followup,
    identity,
    invitations,
    outcome_template,
    panel,
    poll,
    questions,
)
from ernbot.commands.context import Context
from ernbot.commands.effects import Join, Leave, Message, Outbox, direct_lane
from ernbot.commands.office import Office
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import has_prefix
from ernbot.commands.reply import Reply, say
from ernbot.core.assurance import Assurance
from ernbot.core.errors import Refused
from ernbot.matrix import polls
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.events import Words, attachment, words
from ernbot.matrix.gaps import GAP, Gaps
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.late import LateKeys, Restore
from ernbot.matrix.machine import Machine
from ernbot.matrix.rooms import Rooms, RoomView
from ernbot.matrix.sas import concerns
from ernbot.matrix.trust import Device, Trust
from ernbot.matrix.verification import Verification
from ernbot.storage.errors import StorageBusy
from ernbot.storage.identities import IDENTITY_CHANGED
from ernbot.storage.records import CasePlace, InboxItem
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)
"""How long an event waits for a homeserver that is away, before the next try."""


class Dispatcher:
    """Handles the rows of the inbox."""

    def __init__(
        self,
        gateway: Gateway,
        machine: Machine,
        gaps: Gaps,
        trust: Trust,
        rooms: Rooms,
        store: Store,
        office: Office,
        verification: Verification,
        *,
        clock: Callable[[], datetime],
        wake_sender: Callable[[], None],
        wake_jobs: Callable[[], None],
        restore: Restore,
    ) -> None:
        self._gateway = gateway
        self._gaps = gaps
        self._trust = trust
        self._rooms = rooms
        self._store = store
        self._office = office
        self._verification = verification
        self._clock = clock
        self._wake_sender = wake_sender
        self._wake_jobs = wake_jobs
        self._late = LateKeys(machine, store, tell=self._tell_plainly, restore=restore, clock=clock)
        self._awake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._awake.set()

    async def run(self) -> None:
        """Handle for ever, woken by the sync and by the clock."""
        try:
            while True:
                self._awake.clear()
                await self._start_rooms()
                try:
                    async with asyncio.timeout(PATIENCE.total_seconds()):
                        await self._awake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _start_rooms(self) -> None:
        # A room that is at work while we look may finish its rows before we start: they must not be handled again.
        at_work = set(self._busy)
        try:
            async with self._store.transaction() as tx:
                pending = await tx.pending(at=self._clock(), busy=at_work)
        except StorageBusy:
            return
        by_room: dict[str, list[InboxItem]] = {}
        for item in pending:
            by_room.setdefault(item.room_id, []).append(item)
        for room_id, items in by_room.items():
            self._busy[room_id] = asyncio.create_task(self._handle_room(room_id, items))

    async def _handle_room(self, room_id: str, items: list[InboxItem]) -> None:
        try:
            for item in items:
                if not await self._handle(item):
                    break
                self._wake_sender()
                if item.kind == GAP:
                    # What was found in it comes before what follows it.
                    break
        finally:
            del self._busy[room_id]
            self._awake.set()

    async def _handle(self, item: InboxItem) -> bool:
        """One row; whether the next one of its room may follow."""
        try:
            await self._by_kind(item)
        except (StorageBusy, Unreachable) as error:
            log.warning("an event waits (%s)", type(error).__name__)
            await asyncio.sleep(PATIENCE.total_seconds())
            return False
        except MatrixError as error:
            if error.passing or error.status == 401:
                await asyncio.sleep(error.retry_after or PATIENCE.total_seconds())
                return False
            await self._give_up(item, error)
        except Exception as error:
            await self._give_up(item, error)
        return True

    async def _give_up(self, item: InboxItem, error: Exception) -> None:
        """Something that nobody foresaw: nothing is changed, the sender gets a reference, the log the place."""
        ref = secrets.token_hex(2).upper()
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("ref %s: %s at %s:%s (%s)", ref, type(error).__name__, place.filename, place.lineno, item.kind)
        async with self._store.transaction() as tx:
            await tx.handled(item.event_id)
            if item.kind in ("message", "encrypted"):
                await self._tell(tx, item, say("unexpected", ref=ref))

    async def _tell(self, tx: Transaction, item: InboxItem, reply: Reply, *, plain: bool = False) -> None:
        """Answer an event outside of any command.

        A plain answer is for a device that no key is given to. Nothing plain enters a case room, so there it goes to
        the direct chat.
        """
        place = await tx.place_of_room(item.room_id)
        message = Message(reply, item.sender, reply_to=item.event_id, plain=plain)
        outbox = Outbox(tx, self._clock())
        if place is not None and plain:
            await outbox.to_person(item.sender, reply, plain=True)
        elif place is not None:
            await outbox.to_case(place.case_id, message)
        else:
            await outbox.to_room(item.room_id, message)

    async def _by_kind(self, item: InboxItem) -> None:
        match item.kind:
            case "message":
                await self._message(item, item.payload)
            case "encrypted":
                await self._encrypted(item)
            case "gap":
                await self._gaps.fill(item)
            case "plaintext":
                await self._plaintext(item)
            case "verification":
                await self._verify(item, item.payload)
            case "reaction":
                await self._reaction(item)
            case "left":
                await self._departure(item)
            case "join" | "encryption":
                await self._arrival(item)
            case "invite":
                await self._invitation(item)
            case "identity" | "identity-confirmed":
                await self._identity(item)
            case _:
                await self._done(item)

    async def _done(self, item: InboxItem) -> None:
        async with self._store.transaction() as tx:
            await tx.handled(item.event_id)

    # --- messages

    async def _encrypted(self, item: InboxItem) -> None:
        """An event whose key was late."""
        payload = await self._late.read(item)
        if payload is not None:
            await self._message(item, payload)

    async def _tell_plainly(self, tx: Transaction, item: InboxItem, reply: Reply) -> None:
        await self._tell(tx, item, reply, plain=True)

    async def _message(self, item: InboxItem, payload: dict[str, Any]) -> None:
        content = payload["content"]
        if concerns(payload["type"], content):
            await self._verify(item, payload)
            return
        said = polls.response(payload["type"], content)
        if payload["type"] == "m.room.message":
            said = words(content, self._gateway.user_id)
        file = attachment(content) if payload["type"] == "m.room.message" else None
        if said is None and file is None:
            await self._done(item)
            return
        view = await self._rooms.view(item.room_id)
        async with self._store.transaction() as tx:
            place = await tx.place_of_room(item.room_id)
            open_dialogue = await tx.dialogue(item.room_id, item.sender)
            unheard = await self._context(tx, item, place, None, said)
            asked = await questions.find(unheard, said.text, said.replies_to) if said is not None else None
            followed = await followup.asked(unheard, said.replies_to) if said is not None else None
            numbers = said is not None and await panel.are_numbers(unheard, said.text, said.replies_to)
            template = said is not None and await outcome_template.meant(unheard, said.text, said.replies_to)
            votes = said is not None and await poll.meant(unheard, said.text, said.replies_to) is not None
            # An opinion may have to be taken out of the room, whatever it looks like.
            for_sealing = said is not None and place is not None and conversation.concerns_us(self._office, said.text)
        answers = for_sealing or numbers or template or votes or asked is not None or followed is not None
        # Rooms of a network are for people to talk in: there only what is said to us is ours.
        alone = place is None and view.is_direct(item.sender, self._gateway.user_id)
        for_us = alone or (place is not None and file is not None) or open_dialogue is not None or answers
        called = said is not None and (said.addressed or has_prefix(said.text))
        if not for_us and not called:
            await self._done(item)
            return
        try:
            device = await self._trust.owner(item.sender, payload["curve25519"], payload["ed25519"])
            self._check_room(view, item, place)
            if payload.get("authentic") is not True:
                raise Refused("key-unproven")
        except Refused as error:
            async with self._store.transaction() as tx:
                await tx.handled(item.event_id)
                await self._tell(tx, item, refusal(error), plain=error.code.startswith("device-"))
            return
        async with self._store.transaction() as tx:
            context = await self._context(tx, item, place, device, said)
            doubt = await context.doubt(self._office.policy.room_keys)
            if doubt is not None:
                # They are given no room keys, so they could not read an encrypted answer.
                await self._tell(tx, item, refusal(doubt), plain=True)
            elif said is not None:
                await self._hear(context, said)
            else:
                await files.collect(context, content)
            await tx.handled(item.event_id)
        if file is not None or asked is not None:
            self._wake_jobs()

    async def _hear(self, context: Context, said: Words) -> None:
        if said.edits is None:
            await conversation.hear(context, said.text, said.replies_to, addressed=said.addressed)
        else:
            await conversation.hear_edit(context, said.text, said.edits, addressed=said.addressed)

    async def _verify(self, item: InboxItem, payload: dict[str, Any]) -> None:
        """A message of a verification by emoji, which no command ever sees."""
        refused: Refused | None = None
        try:
            await self._verification.in_room(item.room_id, item.event_id, item.sender, payload)
        except Refused as error:
            refused = error
        async with self._store.transaction() as tx:
            await tx.handled(item.event_id)
            if refused is not None:
                await self._tell(tx, item, refusal(refused), plain=refused.code.startswith("device-"))

    def _check_room(self, view: RoomView, item: InboxItem, place: CasePlace | None) -> None:
        """Commands are taken in case rooms and in direct chats, and only from who is there."""
        if item.sender not in view.joined:
            raise Refused("no-case")
        if place is None and not view.is_direct(item.sender, self._gateway.user_id):
            raise Refused("not-direct")

    async def _context(
        self,
        tx: Transaction,
        item: InboxItem,
        place: CasePlace | None,
        device: Device | None,
        said: Words | None = None,
    ) -> Context:
        """What a command sees. How sure we are of the device is asked in the transaction in which it counts."""
        sure = (await self._trust.as_stored(tx, device)).assurance if device is not None else Assurance.NONE
        return Context(
            tx=tx,
            office=self._office,
            actor=item.sender,
            device_id=device.device_id if device is not None else "",
            room_id=item.room_id,
            event_id=item.event_id,
            now=self._clock(),
            thread=said.thread if said else None,
            place=place,
            mentions=said.mentions if said else (),
            assurance=sure,
        )

    async def _plaintext(self, item: InboxItem) -> None:
        """A command that was not encrypted is not taken; talk is nobody's business."""
        said = words(item.payload["content"], self._gateway.user_id)
        view = await self._rooms.view(item.room_id)
        direct = view.is_direct(item.sender, self._gateway.user_id)
        async with self._store.transaction() as tx:
            await tx.handled(item.event_id)
            if said is not None and (direct or said.addressed or has_prefix(said.text)):
                await self._tell(tx, item, say("room-not-encrypted"), plain=True)

    async def _reaction(self, item: InboxItem) -> None:
        relates = item.payload["content"].get("m.relates_to")
        relates = relates if isinstance(relates, dict) else {}
        key, target = relates.get("key"), relates.get("event_id")
        async with self._store.transaction() as tx:
            await tx.handled(item.event_id)
            if isinstance(key, str) and isinstance(target, str):
                place = await tx.place_of_room(item.room_id)
                dialogue = await tx.dialogue(item.room_id, item.sender)
                said = Words("", None, dialogue.thread if dialogue else None, None, ())
                await conversation.hear_reaction(await self._context(tx, item, place, None, said), key, target)

    # --- people coming in

    async def _arrival(self, item: InboxItem) -> None:
        """Somebody came into a room, or a direct chat was encrypted."""
        view = await self._rooms.view(item.room_id)
        me = self._gateway.user_id
        user = item.payload.get("user", item.sender)
        devices = await self._trust.devices(view.joined - {me})
        async with self._store.transaction() as tx:
            place = await tx.place_of_room(item.room_id)
            if place is not None and item.kind == "join" and user != me and user in view.joined:
                until = await arrival.came_in(self._arrived(tx, item, place, user), item)
                if until is not None:
                    await tx.postpone(item.event_id, until, attempts=1)
                    return
            await tx.handled(item.event_id)
            others = view.having("join", "invite") - {me}
            if place is not None:
                return
            if len(others) == 1 and me in view.joined and (other := next(iter(others))) in view.joined:
                if not view.encrypted:
                    await self._tell(tx, item, say("room-not-encrypted"), plain=True)
                    return
                theirs = [device.assurance for device in devices if device.user_id == other]
                if max(theirs, default=Assurance.NONE) < self._office.policy.room_keys:
                    # They could not read an encrypted greeting: no device of theirs is given our keys.
                    await self._tell(tx, item, say("no-verified-device"), plain=True)
                    return
                await tx.set_direct_room(other, item.room_id)
                await tx.hurry(direct_lane(other))
                await arrival.greet(self._arrived(tx, item, None, other))

    async def _departure(self, item: InboxItem) -> None:
        """Somebody left a room or declined to come into it; whoever was removed from a case room is off its panel."""
        user = item.payload.get("user", item.sender)
        async with self._store.transaction() as tx:
            if item.payload.get("was", "join") == "join":
                # Whoever declines a direct chat is not asked into another one.
                await tx.forget_direct_room(item.room_id)
            place = await tx.place_of_room(item.room_id)
            if place is not None and user == item.sender:
                await invitations.went(self._arrived(tx, item, place, user))
            await tx.handled(item.event_id)

    def _arrived(self, tx: Transaction, item: InboxItem, place: CasePlace | None, user: str) -> Context:
        return Context(tx, self._office, user, "", item.room_id, item.event_id, self._clock(), place=place)

    async def _identity(self, item: InboxItem) -> None:
        """Somebody's identity changed, or a new one was confirmed; the latter may have been another program."""
        async with self._store.transaction() as tx:
            context = self._arrived(tx, item, None, item.sender)
            if item.kind == IDENTITY_CHANGED:
                await identity.changed(context, item.payload["before"], item.payload["now"])
            else:
                await identity.confirmed(context, item.payload["by"])
            await tx.handled(item.event_id)
        self._trust.forget([item.sender])

    async def _invitation(self, item: InboxItem) -> None:
        """Come when a person of the directory calls; decline everybody else."""
        known = self._office.directory.knows(item.sender)
        async with self._store.transaction() as tx:
            await Outbox(tx, self._clock()).to_room(item.room_id, Join() if known else Leave())
            await tx.handled(item.event_id)
