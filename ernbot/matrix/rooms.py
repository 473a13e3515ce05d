"""What we know of a room, read from the homeserver's state and kept current from the sync. Never from decrypted events.

Views are loaded when first needed and bounded in number, so that starting does not depend on how many rooms there are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ernbot.matrix.gateway import Gateway

MAX_VIEWS = 1_000


@dataclass
class RoomView:
    """Encryption and membership of one room."""

    room_id: str
    encrypted: bool = False
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
        self._arriving: dict[str, list[Mapping[str, Any]]] = {}

    async def view(self, room_id: str) -> RoomView:
        """The view of a room we are in, loaded when it is not known.

        Raises:
            MatrixError: we are not in it.
        """
        view = self._views.get(room_id)
        if view is None:
            # Somebody else may have loaded it meanwhile: theirs is the one that has been kept current.
            view = self._views.setdefault(room_id, await self._load(room_id))
            if len(self._views) > MAX_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(room_id)
        return view

    async def _load(self, room_id: str) -> RoomView:
        """A view from the server's state, and from what the sync brought while that was on its way."""
        arriving = self._arriving.setdefault(room_id, [])
        try:
            state = await self._gateway.state(room_id)
        finally:
            self._arriving.pop(room_id, None)
        view = RoomView(room_id)
        for event in [*state, *arriving]:
            view.apply(event)
        return view

    def apply(self, room_id: str, event: Mapping[str, Any]) -> None:
        """Keep a known view current."""
        if room_id in self._arriving:
            self._arriving[room_id].append(event)
        view = self._views.get(room_id)
        if view is not None:
            view.apply(event)

    def forget(self, room_id: str) -> None:
        self._views.pop(room_id, None)
