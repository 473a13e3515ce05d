"""From events of a room to rows of the inbox. What is nobody's business here is left out, and nothing raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ernbot.matrix.errors import Undecryptable, place
from ernbot.matrix.events import as_dict, is_id, well_formed
from ernbot.matrix.machine import Machine
from ernbot.matrix.megolm import Decrypted
from ernbot.matrix.sas import concerns
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import InboxItem
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=3)
"""How long an event waits for its key before anybody is asked for it: keys often come a moment after."""

MAX_WAITING = 500
"""Events of one room that wait for their keys; a flood of more is not kept. Its senders are told with the first."""

_BREATH = 50
"""Events after which everybody else gets a turn."""


class Intake:
    """Keeps what members of a room said and did."""

    def __init__(self, machine: Machine, *, clock: Callable[[], datetime]) -> None:
        self._machine = machine
        self._me = machine.olm.user_id
        self._clock = clock

    def arrival(self, events: Sequence[Mapping[str, Any]]) -> int | None:
        """Where among these events we came in; our own new name looks the same but for what was before."""
        return next((index for index, event in enumerate(events) if self._is_own_arrival(event)), None)

    def _is_own_arrival(self, event: Mapping[str, Any]) -> bool:
        return (
            event.get("type") == "m.room.member"
            and event.get("state_key") == self._me
            and as_dict(event.get("content")).get("membership") == "join"
            and _membership_before(event) != "join"
        )

    async def take(
        self, tx: Transaction, room_id: str, events: Iterable[Mapping[str, Any]], turn: int | None = None
    ) -> bool:
        """Keep the events of a room, in the turn of another row if one is named; whether there was anything new."""
        taken = False
        for number, event in enumerate(events, start=1):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            taken |= await self._keep(tx, room_id, event, turn)
        return taken

    async def _keep(self, tx: Transaction, room_id: str, event: Mapping[str, Any], turn: int | None) -> bool:
        """Keep one event; whatever goes wrong with it stays with it."""
        try:
            async with tx.savepoint():
                item = await self._item(tx, room_id, event)
                return item is not None and await tx.receive(replace(item, turn=turn))
        except StorageBusy:
            raise
        except Exception as error:
            log.error("an event was dropped: %s", place(error))
            return False

    async def _item(self, tx: Transaction, room_id: str, event: Mapping[str, Any]) -> InboxItem | None:
        """The row for one event, or None for what is nobody's business here or could not be kept."""
        if not well_formed(event):
            log.warning("a malformed event was dropped")
            return None
        event_id, sender, kind_of, content = (event.get(key) for key in ("event_id", "sender", "type", "content"))
        if not is_id(event_id) or not is_id(sender) or not isinstance(content, dict):
            return None
        others = sender != self._me
        if kind_of == "m.room.encrypted" and others:
            return await self._encrypted(tx, InboxItem(event_id, room_id, sender, "message", {}, self._clock()), event)
        kind: str | None = None
        payload: dict[str, Any] = {}
        if is_id(kind_of) and concerns(kind_of, content) and others and "state_key" not in event:
            # Some clients do not encrypt these, which the specification allows.
            kind, payload = "verification", {"type": kind_of, "content": content}
        elif kind_of == "m.room.message" and others:
            kind, payload = "plaintext", {"content": content}
        elif kind_of == "m.reaction" and others:
            kind, payload = "reaction", {"content": content}
        elif kind_of == "m.room.member":
            kind, payload = _membership(event, content)
        elif kind_of == "m.room.encryption" and "state_key" in event:
            kind = "encryption"
        return InboxItem(event_id, room_id, sender, kind, payload, self._clock()) if kind is not None else None

    async def _encrypted(self, tx: Transaction, item: InboxItem, event: Mapping[str, Any]) -> InboxItem | None:
        try:
            return replace(item, payload=as_payload(await self._machine.decrypt(tx, item.room_id, event)))
        except Undecryptable as error:
            if error.why != "no-key":
                log.warning("an event was dropped: %s", error.why)
                return None
        if (await tx.waiting(item.room_id)).events >= MAX_WAITING:
            log.warning("an event without a key was dropped: too many wait already")
            return None
        return replace(
            item,
            kind="encrypted",
            payload={"event": dict(event)},
            session_id=event["content"]["session_id"],
            not_before=item.at + GRACE,
        )


def _membership_before(event: Mapping[str, Any]) -> object:
    """What somebody was to the room before a membership event."""
    return as_dict(as_dict(event.get("unsigned")).get("prev_content")).get("membership")


def _membership(event: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    before = _membership_before(event)
    membership, who = content.get("membership"), event.get("state_key")
    if not is_id(who) or membership == before:
        return None, {}
    if membership == "join":
        return "join", {"user": who}
    if membership in ("leave", "ban") and before in ("join", "invite"):
        return "left", {"user": who, "was": before}
    return None, {}


def as_payload(decrypted: Decrypted) -> dict[str, Any]:
    """What the inbox keeps of a decrypted event."""
    return {
        "type": decrypted.type,
        "content": decrypted.content,
        "curve25519": decrypted.curve25519,
        "ed25519": decrypted.ed25519,
        "authentic": decrypted.authentic,
    }
