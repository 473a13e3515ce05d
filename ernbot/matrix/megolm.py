"""Room sessions (Megolm): those that others gave us, and our own.

Stateless like `olm`: read from the transaction at hand, used, written back to it. A room key of another device belongs
to that device, and to the room that it was given for; the same key claimed by somebody else is another row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import vodozemac

from ernbot.matrix.errors import Unacceptable, Undecryptable
from ernbot.matrix.events import as_dict, is_id, well_formed
from ernbot.matrix.olm import MEGOLM, Olm, Opened
from ernbot.storage.records import OwnRoomKey, RoomKey
from ernbot.storage.transaction import Transaction

AUTHENTIC = ("direct", "forwarded")
"""Sources of a room key that came from the device to which it belongs."""

_BETTER = ("backup", "forwarded", "direct")
"""Sources, the most trustworthy last."""


@dataclass(frozen=True)
class Rotation:
    """When a room key is replaced by a new one."""

    messages: int
    age: timedelta


DEFAULT_ROTATION = Rotation(100, timedelta(days=7))
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=30)
_MOST_MESSAGES = 10_000


def rotation(content: Mapping[str, Any]) -> Rotation:
    """The settings in an `m.room.encryption` event, within reason: new keys all the time would stop a bot."""
    messages, milliseconds = content.get("rotation_period_msgs"), content.get("rotation_period_ms")
    age = DEFAULT_ROTATION.age
    if isinstance(milliseconds, int) and not isinstance(milliseconds, bool):
        age = timedelta(milliseconds=min(max(milliseconds, 0), _LONGEST / timedelta(milliseconds=1)))
    count = DEFAULT_ROTATION.messages
    if isinstance(messages, int) and not isinstance(messages, bool):
        count = min(max(messages, 1), _MOST_MESSAGES)
    return Rotation(count, max(age, _SHORTEST))


@dataclass(frozen=True)
class Decrypted:
    """The content of an encrypted event and the keys of the device that sent it, not yet checked for whose it is.

    `authentic` unless the room key came from a backup that does not prove where it was from.
    """

    type: str
    content: dict[str, Any]
    curve25519: str
    ed25519: str
    authentic: bool = True


class Megolm:
    """The room sessions of one device."""

    def __init__(self, olm: Olm, pickle_key: bytes) -> None:
        self._olm = olm
        self._pickle_key = pickle_key

    # --- keys that others give us

    async def take(self, tx: Transaction, opened: Opened) -> str:
        """Keep the key in an `m.room_key` message; its session id.

        Raises:
            Unacceptable: it is none.
        """
        room_id, session_id = _named(opened.content)
        try:
            session = vodozemac.InboundGroupSession(vodozemac.SessionKey(opened.content["session_key"]))
        except (ValueError, KeyError, TypeError):
            raise Unacceptable("no session key") from None
        await self._keep(tx, room_id, session_id, session, opened, "direct")
        return session_id

    async def take_forwarded(self, tx: Transaction, opened: Opened) -> str:
        """Keep the key in an `m.forwarded_room_key` message that the device sent to which the session belongs.

        Raises:
            Unacceptable: it is none, or somebody else's, who could name any sender for it.
        """
        room_id, session_id = _named(opened.content)
        claimed = (opened.content.get("sender_key"), opened.content.get("sender_claimed_ed25519_key"))
        if claimed != (opened.curve25519, opened.ed25519) or opened.content.get("forwarding_curve25519_key_chain"):
            raise Unacceptable("a room key of somebody else")
        try:
            exported = vodozemac.ExportedSessionKey(opened.content["session_key"])
            session = vodozemac.InboundGroupSession.import_session(exported)
        except (ValueError, KeyError, TypeError):
            raise Unacceptable("no session key") from None
        await self._keep(tx, room_id, session_id, session, opened, "forwarded")
        return session_id

    async def _keep(
        self,
        tx: Transaction,
        room_id: str,
        session_id: str,
        session: vodozemac.InboundGroupSession,
        opened: Opened,
        source: str,
    ) -> None:
        if session.session_id != session_id:
            raise Unacceptable("another session's key")
        if await tx.has_too_many_unused_keys(opened.sender):
            raise Unacceptable("one of too many room keys that open nothing")
        key = RoomKey(
            room_id,
            session_id,
            opened.curve25519,
            opened.sender,
            opened.ed25519,
            source,
            session.first_known_index,
            self.pickled(session),
        )
        await self.add(tx, key)

    async def add(self, tx: Transaction, key: RoomKey, *, backed_up: bool = False) -> None:
        """Keep a room key, or the best of it and the one that we have of the same device for the same session."""
        for known in await tx.room_keys(key.room_id, key.session_id):
            if known.sender_key == key.sender_key:
                best = self._best(known, key)
                if best != known:
                    await tx.save_room_key(best, backed_up=backed_up and best == key)
                return
        await tx.save_room_key(key, backed_up=backed_up)

    def _best(self, known: RoomKey, new: RoomKey) -> RoomKey:
        """The one that reaches further back, when both are one session; else the more certain."""
        later = max(known.first_index, new.first_index)
        exports = [self.session(key).export_at(later) for key in (known, new)]
        if len({export.to_base64() for export in exports if export is not None}) != 1:
            return new if _BETTER.index(new.source) > _BETTER.index(known.source) else known
        source = max(known.source, new.source, key=_BETTER.index)
        certain = known if known.source == source else new
        earlier = known if known.first_index <= new.first_index else new
        return replace(earlier, source=source, user_id=certain.user_id, ed25519=certain.ed25519)

    def session(self, key: RoomKey) -> vodozemac.InboundGroupSession:
        return vodozemac.InboundGroupSession.from_pickle(key.pickle.decode(), self._pickle_key)

    def pickled(self, session: vodozemac.InboundGroupSession) -> bytes:
        """A session as a `RoomKey` holds it."""
        return session.pickle(self._pickle_key).encode()

    # --- events of others

    async def decrypt(self, tx: Transaction, room_id: str, event: Mapping[str, Any]) -> Decrypted:
        """The content of an `m.room.encrypted` event; that it was used is noted in the transaction.

        Since version 1.3 of the specification an event need not name the sending device: the session does.

        Raises:
            Undecryptable: `no-key` when the key may still come, otherwise never.
        """
        content = as_dict(event.get("content"))
        session_id, ciphertext = content.get("session_id"), content.get("ciphertext")
        sender, event_id = event.get("sender"), event.get("event_id")
        if "state_key" in event or not is_id(sender) or not is_id(event_id):
            raise Undecryptable("forged")
        if content.get("algorithm") != MEGOLM or not is_id(session_id) or not isinstance(ciphertext, str):
            raise Undecryptable("broken")
        try:
            message = vodozemac.MegolmMessage.from_base64(ciphertext)
        except ValueError:
            raise Undecryptable("broken") from None
        keys = await tx.room_keys(room_id, session_id)
        theirs = sorted((key for key in keys if key.user_id in (sender, "")), key=lambda key: key.user_id == "")
        if not theirs:
            # Others may claim the session before its owner's key comes: their word must not cost an event.
            raise Undecryptable("no-key")
        for key in theirs:
            session = self.session(key)
            if message.message_index() < session.first_known_index:
                continue
            try:
                opened = session.decrypt(message)
            except ValueError:
                continue
            decrypted = _read(room_id, content, opened.plaintext, key)
            if not await tx.use_room_key(session_id, key.sender_key, opened.message_index, event_id):
                raise Undecryptable("replay")
            return decrypted
        early = all(message.message_index() < key.first_index for key in theirs)
        raise Undecryptable("no-key" if early else "broken")

    # --- our own

    async def new(self, tx: Transaction, room_id: str, at: datetime) -> OwnRoomKey:
        """A new session of a room; what it encrypts we can read like everybody who is given its key."""
        session = vodozemac.GroupSession()
        key = OwnRoomKey(room_id, session.session_id, at, 0, session.pickle(self._pickle_key).encode())
        inbound = vodozemac.InboundGroupSession(session.session_key)
        olm = self._olm
        names = (room_id, session.session_id, olm.curve25519, olm.user_id, olm.ed25519)
        await tx.save_room_key(RoomKey(*names, "direct", 0, self.pickled(inbound)))
        await tx.save_own_room_key(key)
        return key

    def own(self, key: OwnRoomKey) -> vodozemac.GroupSession:
        return vodozemac.GroupSession.from_pickle(key.pickle.decode(), self._pickle_key)

    def key_message(self, room_id: str, session: vodozemac.GroupSession) -> dict[str, Any]:
        """The content of an `m.room_key` message, from which its reader can decrypt from now on."""
        return {
            "algorithm": MEGOLM,
            "room_id": room_id,
            "session_id": session.session_id,
            "session_key": session.session_key.to_base64(),
        }

    def encrypt(self, key: OwnRoomKey, type: str, content: Mapping[str, Any]) -> tuple[OwnRoomKey, dict[str, Any]]:
        """The session after one more message, and the content of the `m.room.encrypted` event.

        Relations stay in the clear, where the specification wants them.
        """
        session = self.own(key)
        inner = {name: value for name, value in content.items() if name != "m.relates_to"}
        payload = {"type": type, "content": inner, "room_id": key.room_id}
        encrypted: dict[str, Any] = {
            "algorithm": MEGOLM,
            "ciphertext": session.encrypt(json.dumps(payload).encode()).to_base64(),
            "session_id": session.session_id,
            "sender_key": self._olm.curve25519,
            "device_id": self._olm.device_id,
        }
        if "m.relates_to" in content:
            encrypted["m.relates_to"] = content["m.relates_to"]
        return replace(key, messages=key.messages + 1, pickle=session.pickle(self._pickle_key).encode()), encrypted


def _named(content: Mapping[str, Any]) -> tuple[str, str]:
    """Room and session of a key message."""
    room_id, session_id = content.get("room_id"), content.get("session_id")
    if content.get("algorithm") != MEGOLM or not is_id(room_id) or not is_id(session_id):
        raise Unacceptable("malformed")
    return room_id, session_id


def _read(room_id: str, outer: Mapping[str, Any], plaintext: bytes, key: RoomKey) -> Decrypted:
    """What an event says, when it is what it should be."""
    try:
        payload = json.loads(plaintext)
    except (ValueError, RecursionError):
        raise Undecryptable("broken") from None
    if not isinstance(payload, dict) or not well_formed(payload):
        raise Undecryptable("broken")
    if payload.get("room_id") != room_id or "state_key" in payload:
        raise Undecryptable("forged")
    kind, content = payload.get("type"), payload.get("content")
    if not isinstance(kind, str) or not isinstance(content, dict):
        raise Undecryptable("broken")
    content.pop("m.relates_to", None)
    if isinstance(relates := outer.get("m.relates_to"), dict):
        content["m.relates_to"] = relates
    return Decrypted(kind, content, key.sender_key, key.ed25519, key.source in AUTHENTIC)
