"""The state of end-to-end encryption, in the same transaction as what depends on it.

These are rows of bytes: what they mean is the business of whoever writes them. Room keys are sealed under the scope of
their room, so that destroying a case's key destroys its room keys with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, exists, func, select, text, update

from ernbot.storage.errors import Shredded
from ernbot.storage.records import MissedShare, OlmSession, OwnRoomKey, RoomKey
from ernbot.storage.sealing import SealedRows, batches, from_json, sealed, to_json
from ernbot.storage.tables import (
    missed_shares,
    olm_sessions,
    own_room_keys,
    room_key_uses,
    room_keys,
    withheld_keys,
)
from ernbot.storage.vault import SYSTEM

ADVISORY_LOCK = 0x6F6C6D
"""Ratchets are turned by one transaction at a time; any number that nobody else uses."""

MAX_OLM_SESSIONS = 8
"""Channels kept for one device: two devices that write first at once have two, a device that lost its own makes one
more. Older ones are forgotten."""

MAX_CHANNELS = 10_000
"""Channels kept in all. Anybody can make up devices and write from each; a channel that was forgotten is replaced."""

MAX_UNUSED_KEYS = 1_000
"""Room keys kept of one person that have opened nothing yet; more of theirs are not taken."""

MAX_WITHHELD = 1_000
"""Keys kept in mind that one person says we will not get."""

DEVICES = ("shared", "missed", "withheld")
"""The sets of devices of an `OwnRoomKey`, in their order."""

OLM_SESSIONS = (
    sealed(olm_sessions)
    .where(olm_sessions.c.curve25519.in_(bindparam("keys", expanding=True)))
    .order_by(olm_sessions.c.used_at.desc(), olm_sessions.c.session_id)
)
OLM_CHANNELS = select(olm_sessions.c.curve25519).where(olm_sessions.c.curve25519.in_(bindparam("keys", expanding=True)))
ROOM_KEYS = sealed(room_keys).where(
    room_keys.c.room_id == bindparam("room"), room_keys.c.session_id == bindparam("session")
)
NOT_BACKED_UP = sealed(room_keys).where(~room_keys.c.backed_up).order_by(room_keys.c.session_id)
OWN_ROOM_KEY = sealed(own_room_keys).where(own_room_keys.c.room_id == bindparam("room"))
MISSED = sealed(missed_shares).where(missed_shares.c.not_before <= bindparam("at")).limit(bindparam("limit"))
USE = select(room_key_uses.c.event_id).where(
    room_key_uses.c.session_id == bindparam("session_id"),
    room_key_uses.c.sender_key == bindparam("sender_key"),
    room_key_uses.c.message_index == bindparam("message_index"),
)


def _is(key: RoomKey | Row[Any]) -> tuple[ColumnElement[bool], ...]:
    """What finds the row of a room key."""
    return (
        room_keys.c.room_id == key.room_id,
        room_keys.c.session_id == key.session_id,
        room_keys.c.sender_key == key.sender_key,
    )


class CryptoRows(SealedRows):
    """The part of a transaction that holds sessions and room keys."""

    async def lock_crypto(self) -> None:
        """Keep ratchets and identities to this transaction until it ends. SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})

    async def forget_device(self) -> None:
        """Begin as another device, to which the channels and our own room keys of the one before do not belong."""
        for table in (olm_sessions, own_room_keys, missed_shares):
            await self._connection.execute(delete(table))

    # --- channels between two devices

    async def olm_sessions(self, keys: Collection[str]) -> dict[str, list[OlmSession]]:
        """The channels with the devices that have these Curve25519 keys, the last used one first."""
        found: dict[str, list[OlmSession]] = {}
        for batch in batches(keys):
            for row in await self._connection.execute(OLM_SESSIONS, {"keys": batch}):
                pickle = self._open(row, olm_sessions, "pickle", row.curve25519, row.session_id)
                found.setdefault(row.curve25519, []).append(OlmSession(row.curve25519, row.session_id, pickle))
        return found

    async def olm_channels(self, keys: Iterable[str]) -> set[str]:
        """Those of these Curve25519 keys that there is a channel to."""
        found: set[str] = set()
        for batch in batches(keys):
            found.update((await self._connection.scalars(OLM_CHANNELS, {"keys": batch})).all())
        return found

    async def save_olm_session(self, session: OlmSession, used_at: datetime) -> None:
        await self.save_olm_sessions([session], used_at)

    async def save_olm_sessions(self, sessions: Iterable[OlmSession], used_at: datetime) -> None:
        """Keep channels as they are after a message; many at once, since a room key goes to many devices."""
        rows = []
        for session in sessions:
            key = (session.curve25519, session.session_id)
            pickle = await self._seal(SYSTEM, session.pickle, olm_sessions, "pickle", *key)
            rows.append({**dataclasses.asdict(session), "used_at": used_at, "scope": SYSTEM, "pickle": pickle})
        await self._put_all(olm_sessions, rows)

    async def forget_old_olm_sessions(self, curve25519: str) -> None:
        """Keep the `MAX_OLM_SESSIONS` channels last used with a device, and `MAX_CHANNELS` with all of them."""
        kept = (
            select(olm_sessions.c.session_id)
            .where(olm_sessions.c.curve25519 == curve25519)
            .order_by(olm_sessions.c.used_at.desc(), olm_sessions.c.session_id)
            .limit(MAX_OLM_SESSIONS)
        )
        await self._connection.execute(
            delete(olm_sessions).where(
                olm_sessions.c.curve25519 == curve25519, olm_sessions.c.session_id.not_in(kept.scalar_subquery())
            )
        )
        last_used = select(olm_sessions.c.used_at).order_by(olm_sessions.c.used_at.desc())
        too_old = last_used.offset(MAX_CHANNELS).limit(1).scalar_subquery()
        await self._connection.execute(delete(olm_sessions).where(olm_sessions.c.used_at <= too_old))

    # --- room keys of others

    async def room_keys(self, room_id: str, session_id: str) -> list[RoomKey]:
        """The keys of one session, one for each device that claims it; none of a room whose key was destroyed."""
        rows = await self._connection.execute(ROOM_KEYS, {"room": room_id, "session": session_id})
        return [key for row in rows if (key := self._room_key(row)) is not None]

    def _room_key(self, row: Row[Any]) -> RoomKey | None:
        owner = (row.room_id, row.session_id, row.sender_key, row.user_id, row.ed25519, row.source)
        try:
            pickle = self._open(row, room_keys, "pickle", *owner)
        except Shredded:
            return None
        return RoomKey(*owner, row.first_index, pickle)

    async def save_room_key(self, key: RoomKey, *, backed_up: bool = False) -> None:
        """Keep a room key, in place of the one that this device gave us for the session before."""
        scope = await self.scope_of(key.room_id)
        # Whose it is and how we know is bound to the key: who can write here must not make it somebody else's.
        owner = (key.room_id, key.session_id, key.sender_key, key.user_id, key.ed25519, key.source)
        pickle = await self._seal(scope, key.pickle, room_keys, "pickle", *owner)
        values = {**dataclasses.asdict(key), "pickle": pickle}
        await self._put(room_keys, **values, backed_up=backed_up, scope=scope)

    async def has_too_many_unused_keys(self, user_id: str) -> bool:
        """Whether somebody gave us `MAX_UNUSED_KEYS` room keys that have opened nothing."""
        used = exists().where(
            room_key_uses.c.session_id == room_keys.c.session_id, room_key_uses.c.sender_key == room_keys.c.sender_key
        )
        theirs = select(func.count()).select_from(room_keys).where(room_keys.c.user_id == user_id)
        # Counting all is quick, and nearly always enough.
        for count in (theirs, theirs.where(~used)):
            if (await self._connection.scalar(count) or 0) < MAX_UNUSED_KEYS:
                return False
        return True

    async def use_room_key(self, session_id: str, sender_key: str, message_index: int, event_id: str) -> bool:
        """Note that an event was encrypted with this index of a session; False when another event was."""
        place = {"session_id": session_id, "sender_key": sender_key, "message_index": message_index}
        if await self._add(room_key_uses, *place, **place, event_id=event_id):
            return True
        return bool(await self._connection.scalar(USE, place) == event_id)

    async def room_keys_to_back_up(self, limit: int) -> list[RoomKey]:
        """Room keys that are not in the backup; those whose room's key was destroyed are forgotten."""
        found = []
        for row in (await self._connection.execute(NOT_BACKED_UP.limit(limit))).all():
            key = self._room_key(row)
            if key is not None:
                found.append(key)
            else:
                await self._connection.execute(delete(room_keys).where(*_is(row)))
        return found

    async def mark_backed_up(self, keys: Iterable[RoomKey]) -> None:
        """These are in the backup, unless they were replaced by better ones since."""
        for key in keys:
            await self._connection.execute(
                update(room_keys)
                .where(
                    *_is(key),
                    room_keys.c.first_index == key.first_index,
                    room_keys.c.source == key.source,
                )
                .values(backed_up=True)
            )

    async def back_up_everything(self) -> None:
        """There is a new backup with nothing in it."""
        await self._connection.execute(update(room_keys).values(backed_up=False))

    async def withhold(self, room_id: str, session_id: str, user_id: str, code: str) -> None:
        """Somebody says that they will not give us the key of their session. Of too many, the earlier are forgotten."""
        theirs = withheld_keys.c.user_id == user_id
        if (await self._connection.scalar(select(func.count()).where(theirs)) or 0) >= MAX_WITHHELD:
            await self._connection.execute(delete(withheld_keys).where(theirs))
        await self._put(withheld_keys, room_id=room_id, session_id=session_id, user_id=user_id, code=code)

    async def withheld_code(self, room_id: str, session_id: str, user_id: str) -> str | None:
        code: str | None = await self._connection.scalar(
            select(withheld_keys.c.code).where(
                withheld_keys.c.room_id == room_id,
                withheld_keys.c.session_id == session_id,
                withheld_keys.c.user_id == user_id,
            )
        )
        return code

    # --- our own room keys

    async def own_room_key(self, room_id: str) -> OwnRoomKey | None:
        """Our session of a room; None when there is none, or its key was destroyed."""
        row = (await self._connection.execute(OWN_ROOM_KEY, {"room": room_id})).one_or_none()
        if row is None:
            return None
        try:
            content = from_json(self._open(row, own_room_keys, "content", room_id))
        except Shredded:
            return None
        return OwnRoomKey(
            room_id,
            row.session_id,
            row.created_at,
            row.messages,
            content["pickle"].encode(),
            *(frozenset(tuple(device) for device in content[name]) for name in DEVICES),
        )

    async def save_own_room_key(self, key: OwnRoomKey) -> None:
        scope = await self.scope_of(key.room_id)
        content = {"pickle": key.pickle.decode(), **{name: sorted(getattr(key, name)) for name in DEVICES}}
        await self._put(
            own_room_keys,
            room_id=key.room_id,
            session_id=key.session_id,
            created_at=key.created_at,
            messages=key.messages,
            scope=scope,
            content=await self._seal(scope, to_json(content), own_room_keys, "content", key.room_id),
        )

    async def miss(self, share: MissedShare) -> None:
        """A device has to be given a room key later."""
        scope = await self.scope_of(share.room_id)
        name = (share.room_id, share.session_id, share.user_id, share.device_id)
        await self._put(
            missed_shares,
            room_id=share.room_id,
            session_id=share.session_id,
            user_id=share.user_id,
            device_id=share.device_id,
            attempts=share.attempts,
            not_before=share.not_before,
            scope=scope,
            session_key=await self._seal(scope, share.session_key.encode(), missed_shares, "session_key", *name),
        )

    async def missed_shares(self, at: datetime, limit: int = 100) -> list[MissedShare]:
        """Devices whose turn it is again; those whose room key was destroyed are forgotten."""
        found = []
        for row in (await self._connection.execute(MISSED, {"at": at, "limit": limit})).all():
            name = (row.room_id, row.session_id, row.user_id, row.device_id)
            try:
                key = self._open(row, missed_shares, "session_key", *name).decode()
            except Shredded:
                await self._forget_missed(*name)
                continue
            found.append(MissedShare(*name, key, row.attempts, row.not_before))
        return found

    async def forget_missed_of_others(self, room_id: str, users: Collection[str]) -> None:
        """Whoever is not among these has left the room, and gets no key of it any more."""
        of_room = missed_shares.c.room_id == room_id
        waiting = await self._connection.scalars(select(missed_shares.c.user_id).distinct().where(of_room))
        for batch in batches(set(waiting) - set(users)):
            await self._connection.execute(delete(missed_shares).where(of_room, missed_shares.c.user_id.in_(batch)))

    async def forget_missed(self, share: MissedShare) -> None:
        await self._forget_missed(share.room_id, share.session_id, share.user_id, share.device_id)

    async def _forget_missed(self, room_id: str, session_id: str, user_id: str, device_id: str) -> None:
        await self._connection.execute(
            delete(missed_shares).where(
                missed_shares.c.room_id == room_id,
                missed_shares.c.session_id == session_id,
                missed_shares.c.user_id == user_id,
                missed_shares.c.device_id == device_id,
            )
        )
