"""Verification of the bot by emoji: carries the messages of `sas`, shows the emoji, signs whoever proved their keys.

The bot accepts whenever it is asked, and leaves the comparing to the person: it writes what it sees into the direct
chat. So this proves the bot to the person. In the other direction it proves no more than that whoever asked holds the
identity that the bot knows already, which is why one that has changed is not verified before somebody confirmed it.

What is under way lives in memory; after a restart its messages are answered as unknown. How often a person is answered
is bounded, and so is everything that is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ernbot.commands.effects import Message, Outbox
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Reply, Text, say
from ernbot.core.errors import Refused
from ernbot.matrix.carrier import CLIENT, Carrier, Key, Place, patiently
from ernbot.matrix.emoji import comparison
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.events import as_dict, is_id
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import SECRET, Identity
from ernbot.matrix.keys import public, signed
from ernbot.matrix.machine import Machine, ToDevice
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sas import (
    LIMIT,
    METHOD,
    NAMESPACE,
    REQUEST,
    Flow,
    Mismatch,
    Outgoing,
    Party,
    State,
    cancellation,
    read_request,
)
from ernbot.matrix.trust import Trust
from ernbot.storage.errors import StorageError
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

_MILLISECOND = timedelta(milliseconds=1)
TICK = 1.0
"""Seconds between two looks at the clock."""

MAX_TALKS = 100
MAX_ANSWERED = 10
"""Verifications that one person may begin in the time that one may take; further ones are not answered at all."""

MAX_REMEMBERED = 1_000
"""People, and verifications that have ended, that are remembered."""

MAX_WAITING = 1_000
"""To-device messages that may wait; more are dropped."""

CLOCK_DRIFT = timedelta(minutes=5)
"""How far in the future a request may seem to be made (`m.key.verification.request`, `timestamp`)."""

_SENTENCES = {
    "m.mismatched_sas": "verification-mismatch",
    "m.key_mismatch": "verification-keys-differ",
    "m.mismatched_commitment": "verification-keys-differ",
    "m.timeout": "verification-too-late",
}
"""What a person who saw emoji is told about a cancellation; about any other that nothing has changed."""


@dataclass
class Talk:
    """A verification that is under way; its steps are taken one after the other."""

    place: Place
    flow: Flow
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    shown: bool = False


class Verification:
    """Every verification of the bot. `knows` says whether somebody is a person of the directory."""

    def __init__(
        self,
        gateway: Gateway,
        machine: Machine,
        trust: Trust,
        rooms: Rooms,
        store: Store,
        *,
        knows: Callable[[str], bool],
        clock: Callable[[], datetime],
        wake_sender: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._machine = machine
        self._trust = trust
        self._rooms = rooms
        self._carrier = Carrier(gateway, machine, rooms)
        self._store = store
        self._knows = knows
        self._clock = clock
        self._wake_sender = wake_sender
        self._talks: dict[Key, Talk] = {}
        self._ended: OrderedDict[Key, None] = OrderedDict()
        self._answered: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._waiting: asyncio.Queue[ToDevice] = asyncio.Queue(MAX_WAITING)

    # --- what comes in

    def hear(self, message: ToDevice) -> None:
        """Keep a to-device message for `run`: the sync does not wait for its answer."""
        if not message.type.startswith(NAMESPACE):
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("a verification message was dropped: too many are waiting")

    async def run(self) -> None:
        """Answer to-device messages one after the other and watch the clock, for ever."""
        while True:
            try:
                async with asyncio.timeout(TICK):
                    message = await self._waiting.get()
            except TimeoutError:
                pass
            else:
                await self._guard(self.by_device(message))
            await self.tick()

    async def tick(self) -> None:
        """Start or give up what has waited too long."""
        for talk in list(self._talks.values()):
            if not talk.turn.locked():
                await self._guard(self._advance(talk, partial(talk.flow.tick, self._clock())))

    async def _guard(self, work: Awaitable[None]) -> None:
        """Whatever goes wrong with one message stays with it."""
        try:
            await work
        except Exception as error:  # what a stranger sent, and what nobody foresaw, must not end the loop
            log.warning("a verification message was not handled: %s", type(error).__name__)

    async def by_device(self, message: ToDevice) -> None:
        """Answer one to-device message, of a person of the directory.

        Raises:
            MatrixError, Unreachable, StorageError: it could not be answered.
        """
        content = message.content
        transaction, device_id = content.get("transaction_id"), content.get("from_device")
        if not is_id(transaction) or not self._knows(message.sender):
            return
        place = Place(message.sender, transaction, device_id=device_id if is_id(device_id) else "*")
        if message.type != REQUEST:
            await self._continue(place, message.type, content)
        elif self._is_recent(content.get("timestamp")) and self._may_answer(place):
            await self._begin(place, content)

    def _is_recent(self, timestamp: object) -> bool:
        """Whether a request was made within the time that a verification may take (milliseconds of the epoch)."""
        if not isinstance(timestamp, int):
            return False
        age = int(self._clock().timestamp() * 1000) - timestamp
        return -CLOCK_DRIFT // _MILLISECOND <= age <= LIMIT // _MILLISECOND

    async def in_room(self, room_id: str, event_id: str, sender: str, payload: dict[str, Any]) -> None:
        """Answer one event that `concerns` a verification: decrypted (`intake.as_payload`), or with no keys if plain.

        Raises:
            Refused: we were asked to verify, and the sentence says why we do not: `verify-not-direct`, or `device-...`
                when the device is not one that its owner signed.
            MatrixError, Unreachable, StorageError: the homeserver or the database is away, and nothing was done.
        """
        kind, content, device_key = payload["type"], payload["content"], payload.get("ed25519")
        me, view = self._gateway.user_id, await self._rooms.view(room_id)
        if not view.encrypted or not payload.get("authentic", True):
            return
        async with self._store.transaction() as tx:
            # A case room has no third person yet when it is new.
            direct = view.is_direct(sender, me) and await tx.place_of_room(room_id) is None
        if kind == "m.room.message":
            place = Place(sender, event_id, room_id, plain=device_key is None)
            if content.get("to") != me or not self._may_answer(place):
                return
            if not direct:
                await self._refuse(place, "m.user")
                raise Refused("verify-not-direct")
            device_id = content.get("from_device")
            if device_key is not None:
                device_id = (await self._trust.owner(sender, payload["curve25519"], device_key)).device_id
            await self._begin(replace(place, device_id=device_id if is_id(device_id) else "*"), content)
            return
        relation = as_dict(content.get("m.relates_to"))
        transaction = relation.get("event_id")
        if direct and relation.get("rel_type") == "m.reference" and is_id(transaction):
            place = Place(sender, transaction, room_id, plain=device_key is None)
            await self._continue(place, kind, content, device_key)

    # --- what becomes of it

    async def _begin(self, place: Place, content: dict[str, Any]) -> None:
        """Answer a request, which takes the place of an older one of the same person."""
        for older in [talk for talk in self._talks.values() if talk.place.user_id == place.user_id]:
            await self._advance(older, partial(older.flow.cancel, "m.user"))
        try:
            asked = read_request(content)
            if asked.device_id != place.device_id:
                raise Mismatch("m.user_mismatch")
            if METHOD not in asked.methods:
                raise Mismatch("m.unknown_method")
            if len(self._talks) >= MAX_TALKS:
                raise Mismatch("m.user")
            ours, theirs = await self._ours(), await self._theirs(place)
            flow = Flow(ours, theirs, place.transaction, in_room=place.room_id is not None, at=self._clock())
        except Mismatch as mismatch:
            await self._refuse(place, mismatch.code)
        except Refused as refused:
            await self._refuse(place, "m.key_mismatch")
            await self._say(place, refusal(refused), plain=refused.code.startswith("device-"))
        else:
            talk = self._talks[place.key] = Talk(place, flow)
            await self._advance(talk, flow.ready)

    async def _continue(self, place: Place, kind: str, content: dict[str, Any], device_key: str | None = None) -> None:
        """Go on with what is under way. `device_key` is the Ed25519 key of the device that sent an event in a room."""
        talk = self._talks.get(place.key)
        if talk is None:
            if kind not in (NAMESPACE + "cancel", NAMESPACE + "done") and self._may_answer(place):
                await self._refuse(place, "m.unknown_transaction")
        elif device_key is None or device_key == talk.flow.theirs.device_key:
            await self._advance(talk, lambda: talk.flow.receive(kind, content, self._clock()))

    def _may_answer(self, place: Place) -> bool:
        """Whether something new is answered: nothing that was answered before, and nobody too often."""
        if place.key in self._talks or place.key in self._ended:
            return False
        now = self._clock()
        answered = self._answered.setdefault(place.user_id, deque())
        self._answered.move_to_end(place.user_id)
        if len(self._answered) > MAX_REMEMBERED:
            self._answered.popitem(last=False)
        while answered and now - answered[0] > LIMIT:
            answered.popleft()
        if len(answered) >= MAX_ANSWERED:
            return False
        answered.append(now)
        return True

    async def _advance(self, talk: Talk, step: Callable[[], list[Outgoing]]) -> None:
        """Take one step and do all that follows from it."""
        async with talk.turn:
            flow = talk.flow
            if flow.ended:
                return
            try:
                messages = step()
                if flow.decimals is not None and not talk.shown:
                    talk.shown = True
                    await self._say(talk.place, comparison(flow.emoji, flow.decimals))
                await self._carrier.send(talk.place, messages)
                if flow.state is State.PROVEN:
                    await self._sign(flow.theirs)
                    await self._carrier.send(talk.place, flow.finish())
            except (MatrixError, Unreachable, StorageError, Mismatch) as error:
                log.warning("a verification was given up (%s)", type(error).__name__)
                # What is signed stays signed, also when we could not say so.
                if not flow.ended:
                    with suppress(MatrixError, Unreachable):
                        await self._carrier.send(talk.place, flow.cancel("m.user"))
            if flow.ended:
                await self._end(talk)

    async def _end(self, talk: Talk) -> None:
        del self._talks[talk.place.key]
        self._remember(talk.place)
        if talk.flow.state is State.DONE:
            await self._say(talk.place, say("verification-done"))
        elif talk.shown:
            key = _SENTENCES.get(talk.flow.cancelled or "", "verification-cancelled")
            minutes = int(LIMIT.total_seconds()) // 60
            await self._say(talk.place, Reply((Text(key, {"minutes": minutes}),)))

    async def _refuse(self, place: Place, code: str) -> None:
        """Cancel what we do not go into."""
        self._remember(place)
        try:
            await self._carrier.send(place, [cancellation(place.transaction, code, in_room=place.room_id is not None)])
        except MatrixError as error:  # as when there is no such event to relate to
            log.warning("a verification was not refused (%s)", error)

    def _remember(self, place: Place) -> None:
        """That this has ended, and what still comes of it is not answered."""
        self._ended[place.key] = None
        if len(self._ended) > MAX_REMEMBERED:
            self._ended.popitem(last=False)

    # --- what we do

    async def _say(self, place: Place, reply: Reply, *, plain: bool = False) -> None:
        """Tell the person, in the direct chat."""
        async with self._store.transaction() as tx:
            outbox = Outbox(tx, self._clock())
            if place.room_id is None:
                await outbox.to_person(place.user_id, reply, plain=plain)
            else:
                await outbox.to_room(place.room_id, Message(reply, place.user_id, plain=plain))
        self._wake_sender()

    async def _identity(self) -> Identity:
        async with self._store.transaction() as tx:
            seeds = await tx.secret(SECRET)
        assert seeds is not None  # the bot does not run without
        return Identity.from_bytes(self._gateway.user_id, seeds)

    async def _ours(self) -> Party:
        device_id, device_key = self._gateway.device_id, self._machine.olm.ed25519
        return Party(self._gateway.user_id, device_id, device_key, (await self._identity()).fingerprint)

    async def _theirs(self, place: Place) -> Party:
        """The keys that they have to prove, as we know them.

        Raises:
            Refused: `device-unknown`, `device-unsigned`, or `verify-identity-changed` until somebody confirmed it.
        """
        known = await self._trust.identity(place.user_id)
        if known is None or place.device_id not in [device_id for device_id, *_ in known.devices]:
            async with self._store.transaction() as tx:
                await tx.mark_stale([place.user_id])
            self._trust.forget([place.user_id])
            known = await self._trust.identity(place.user_id)
        for device_id, _, ed25519, is_signed in known.devices if known is not None else ():
            if known is not None and device_id == place.device_id:
                if not is_signed or known.master is None:
                    raise Refused("device-unsigned", device=device_id)
                if known.master != known.accepted:
                    raise Refused("verify-identity-changed")
                return Party(place.user_id, device_id, ed25519, known.master)
        raise Refused("device-unknown")

    async def _sign(self, theirs: Party) -> None:
        """Sign the master key that was proven, publish the signature, and record it.

        Raises:
            Mismatch: their identity has changed in the meantime.
        """
        ours, master = await self._identity(), theirs.master_key
        signer = public(ours.user_signing)
        key = {"user_id": theirs.user_id, "usage": ["master"], "keys": {f"ed25519:{master}": master}}
        body = {theirs.user_id: {master: signed(key, ours.user_id, signer, ours.user_signing)}}
        path = f"{CLIENT}/keys/signatures/upload"
        answer = await patiently(partial(self._gateway.request, "POST", path, body))
        async with self._store.transaction() as tx:
            await tx.lock_crypto()
            known = (await tx.identities([theirs.user_id])).get(theirs.user_id)
            if answer.get("failures") or known is None or known.accepted != master:
                raise Mismatch("m.key_mismatch")
            await tx.save_identity(replace(known, verified=master))
        self._trust.forget([theirs.user_id])
