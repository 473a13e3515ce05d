"""Carries the messages of a verification to where it happens: a room, encrypted or not, or a device.

A homeserver that is away or busy is asked again for a few seconds; what to do when it stays away is for `verification`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sas import Outgoing

CLIENT = "/_matrix/client/v3"

PAUSES = (0.5, 2.0, 8.0)
"""Seconds before a homeserver that is away or busy is asked again."""

MAX_PAUSE = 30.0

Key = tuple[str, str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where a verification happens: with whom, under which transaction id, in which room or by to-device (None).

    `device_id` is theirs; `*` stands for all of them when the message did not say which. In a room we answer as we were
    asked, encrypted or `plain`: clients do either (section "Key verification framework").
    """

    user_id: str
    transaction: str
    room_id: str | None = None
    device_id: str = "*"
    plain: bool = False

    @property
    def key(self) -> Key:
        """By to-device a transaction id is anybody's choice: it says nothing without the user."""
        return (self.room_id or "", self.user_id, self.transaction)


class Carrier:
    """Sends what is said in verifications."""

    def __init__(self, gateway: Gateway, machine: Machine, rooms: Rooms) -> None:
        self._gateway = gateway
        self._machine = machine
        self._rooms = rooms

    async def send(self, place: Place, messages: list[Outgoing]) -> None:
        """Send messages one after the other.

        Raises:
            MatrixError, Unreachable: the homeserver does not take one.
        """
        for kind, content in messages:
            send = self._send_in_room if place.room_id is not None else self._send_to_device
            await patiently(partial(send, place, kind, content, secrets.token_hex(16)))

    async def _send_in_room(self, place: Place, kind: str, content: dict[str, Any], txn_id: str) -> None:
        assert place.room_id is not None
        if not place.plain:
            readers = (await self._rooms.view(place.room_id)).joined
            content = await self._machine.encrypt(place.room_id, readers, kind, content)
            kind = "m.room.encrypted"
        await self._gateway.send(place.room_id, kind, content, txn_id)

    async def _send_to_device(self, place: Place, kind: str, content: dict[str, Any], txn_id: str) -> None:
        path = f"{CLIENT}/sendToDevice/{quote(kind, safe='')}/{txn_id}"
        body = {"messages": {place.user_id: {place.device_id: content}}}
        await self._gateway.request("PUT", path, body)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Ask a homeserver that is away or busy again, a few times."""
    for pause in PAUSES:
        try:
            return await work()
        except Unreachable:
            await asyncio.sleep(pause)
        except MatrixError as error:
            if not error.passing:
                raise
            await asyncio.sleep(min(max(pause, error.retry_after or 0), MAX_PAUSE))
    return await work()
