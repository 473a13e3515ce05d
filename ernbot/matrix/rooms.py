"""What we know of a room, read from the homeserver's state, again after each change. Never from decrypted events.

Views are loaded when first needed and bounded in number, so that starting does not depend on how many rooms there are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ernbot.matrix.gateway import Gateway
from ernbot.matrix.megolm import DEFAULT_ROTATION, Rotation, rotation

MAX_VIEWS = 1_000


@dataclass
class RoomView:
    """Encryption and membership of one room."""

    room_id: str
    encrypted: bool = False
    rotation: Rotation = DEFAULT_ROTATION
    members: dict[str, str] = field(default_factory=dict)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one unencrypted state event into account."""
        content, state_key = event.get("content"), event.get("state_key")
        if not isinstance(content, dict) or not isinstance(state_key, str):
            return
        if event.get("type") == "m.room.member" and isinstance(content.get("membership"), str):
            self.members[state_key] = content["membership"]
        elif event.get("type") == "m.room.encryption" and state_key == "":
            # Encryption is never turned off again, whatever a later event says.
            self.encrypted = True
            self.rotation = rotation(content)

    def having(self, *memberships: str) -> set[str]:
        return {user for user, membership in self.members.items() if membership in memberships}

    @property
    def joined(self) -> set[str]:
        return self.having("join")

    def is_direct(self, a: str, b: str) -> bool:
        """Whether these two are alone here, also counting who is invited."""
        return self.having("join", "invite") == {a, b}


class Rooms:
    """Views by room id, the most recently used ones."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._views: OrderedDict[str, RoomView] = OrderedDict()
        self._changes = 0

    async def view(self, room_id: str) -> RoomView:
        """The room as the homeserver has it, or had it when it last changed.

        Raises:
            MatrixError: we are not in it.
        """
        while room_id not in self._views:
            changes = self._changes
            view = RoomView(room_id)
            for event in await self._gateway.state(room_id):
                view.apply(event)
            if changes == self._changes:
                self._views[room_id] = view
        self._views.move_to_end(room_id)
        if len(self._views) > MAX_VIEWS:
            self._views.popitem(last=False)
        return self._views[room_id]

    def notice(self, room_id: str, event: Mapping[str, Any]) -> None:
        """An event of a sync: one about members or encryption makes us ask the homeserver again.

        It is not applied, since a sync can show an older state after a newer one when events crossed (MSC4222).
        """
        if event.get("type") in ("m.room.member", "m.room.encryption"):
            self.forget(room_id)

    def forget(self, room_id: str) -> None:
        self._views.pop(room_id, None)
        self._changes += 1
