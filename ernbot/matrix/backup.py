"""The key backup on the homeserver: every room key, locked so that only the owner of the identity can read it again.

Algorithm `m.megolm_backup.v1.curve25519-aes-sha2` of the specification, "Server-side key backups". Whoever knows the
public backup key, the homeserver above all, can put sessions of their own there, and the algorithm's own MAC covers
nothing (libolm took it over no data, and everybody follows). So each session of ours carries a MAC under a key that is
derived from the private backup key (MSC4048), over a text that names room and sender too. What comes back without it
decrypts, and authorises nothing.

A backup is never made here, nor another one when ours is gone: that is for the administrator to decide
(`ernbot identity create`). Writing holds up nobody, and never ends the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import quote

import vodozemac
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ernbot.matrix.errors import BackupLost, MatrixError, Unreachable
from ernbot.matrix.events import as_dict, is_id
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import canonical, decode, encode
from ernbot.matrix.megolm import Megolm
from ernbot.matrix.olm import MEGOLM
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import RoomKey
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
SECRET = "backup-key"  # noqa: S105
"""Name of the stored private key."""

BATCH = 200
"""Room keys in one request, or in one transaction."""

LINGER = 1.0
"""Seconds that a new key waits for others: they come in bursts."""

IDLE = 60.0
"""Seconds after which it is looked without being woken: our own new keys come without a sync."""

FIRST_PAUSE, MAX_PAUSE = 1.0, 300.0
_BREATH = 20
"""Sessions after which everybody else gets a turn."""

_RESTORE_TIMEOUT = 600.0
_ROOM_KEYS = "/_matrix/client/v3/room_keys"
_MAC = "org.matrix.msc4048.backup_mac"
_UNAUTHENTICATED = "org.matrix.msc4048.unauthenticated"
_CONTEXT = "eu.ern.backup"
"""Whose session in which room, inside the encrypted text: the specification's format leaves that to the server."""

_ORIGINS = {"direct": None, "forwarded": "m.forwarded_room_key", "backup": "m.undefined"}
"""How MSC4048 writes the sources of a room key."""


class BackupKey:
    """The private key of a backup, and what only its owner can do: lock with proof, and unlock."""

    def __init__(self, private: bytes, megolm: Megolm) -> None:
        """
        Raises:
            ValueError: these are not 32 bytes.
        """
        self._megolm = megolm
        self._decryption = vodozemac.PkDecryption.from_key(vodozemac.Curve25519SecretKey.from_bytes(private))
        self._encryption = vodozemac.PkEncryption.from_key(self._decryption.public_key)
        self._mac_key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"MATRIX_BACKUP_MAC_KEY").derive(private)

    @property
    def public(self) -> str:
        """The public key as `auth_data` names it."""
        return self._decryption.public_key.to_base64()

    def lock(self, key: RoomKey) -> dict[str, Any]:
        """A session as `PUT /room_keys/keys` takes it."""
        exported = self._megolm.session(key).export_at(key.first_index)
        assert exported is not None
        plain: dict[str, Any] = {
            "algorithm": MEGOLM,
            "forwarding_curve25519_key_chain": [],
            "sender_claimed_keys": {"ed25519": key.ed25519},
            "sender_key": key.sender_key,
            "session_key": exported.to_base64(),
            _CONTEXT: {"room_id": key.room_id, "user_id": key.user_id},
        }
        origin = _ORIGINS[key.source]
        if origin is not None:
            plain[_UNAUTHENTICATED] = origin
        message = self._encryption.encrypt(json.dumps(plain).encode())
        # Named, not unpacked: the library's own base64 form gives the parts in another order than it takes them.
        data = {
            "ciphertext": encode(message.ciphertext),
            "ephemeral": encode(message.ephemeral_key),
            "mac": encode(message.mac),
        }
        return {
            "first_message_index": key.first_index,
            "forwarded_count": 0 if key.source == "direct" else 1,
            "is_verified": key.source == "direct",
            "session_data": {**data, "unsigned": {_MAC: encode(self._mac(data))}},
        }

    def unlock(self, room_id: str, session_id: str, entry: object) -> RoomKey | None:
        """A session that the server says is this one; None when it is another, or nothing.

        Its source is `backup`, and nothing is known of its sender, unless our MAC covers it and says otherwise.
        """
        try:
            return self._unlock(room_id, session_id, as_dict(as_dict(entry).get("session_data")))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # vodozemac's are ValueErrors
            return None

    def _unlock(self, room_id: str, session_id: str, data: Mapping[str, Any]) -> RoomKey | None:
        message = vodozemac.Message(*(decode(data[part]) for part in ("ciphertext", "mac", "ephemeral")))
        plain = json.loads(self._decryption.decrypt(message))
        session = vodozemac.InboundGroupSession.import_session(vodozemac.ExportedSessionKey(plain["session_key"]))
        sender_key, ed25519 = plain["sender_key"], plain["sender_claimed_keys"]["ed25519"]
        context = plain.get(_CONTEXT, {"room_id": room_id, "user_id": ""})
        user_id = context["user_id"]
        told = (plain["algorithm"], session.session_id, context["room_id"])
        if told != (MEGOLM, session_id, room_id) or not is_id(sender_key) or not is_id(ed25519):
            return None
        if not is_id(user_id) and user_id != "":
            return None
        proved = _CONTEXT in plain and self._is_ours(data)
        origin = plain.get(_UNAUTHENTICATED)
        source = next((name for name, value in _ORIGINS.items() if proved and value == origin), "backup")
        first_index, pickle = session.first_known_index, self._megolm.pickled(session)
        return RoomKey(room_id, session_id, sender_key, user_id, ed25519, source, first_index, pickle)

    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        """Whether somebody with the private key locked this."""
        mac = as_dict(data.get("unsigned")).get(_MAC)
        return isinstance(mac, str) and compare_digest(decode(mac), self._mac(data))

    def _mac(self, data: Mapping[str, Any]) -> bytes:
        mac = HMAC(self._mac_key, SHA256())
        mac.update(canonical(data))
        return mac.finalize()


@dataclass(frozen=True)
class Version:
    """One backup of the account, as the homeserver describes it."""

    id: str
    public_key: object


async def current_version(gateway: Gateway) -> Version | None:
    """The account's current backup; None when there is none of a kind that we know."""
    try:
        answer = await gateway.request("GET", f"{_ROOM_KEYS}/version")
    except MatrixError as error:
        if error.status == 404:
            return None
        raise
    described = as_dict(answer)
    if described.get("algorithm") != ALGORITHM:
        return None
    return Version(str(described.get("version")), as_dict(described.get("auth_data")).get("public_key"))


async def new_version(gateway: Gateway, auth_data: Mapping[str, Any]) -> str:
    """Make a backup, which becomes the account's current one; its version."""
    body = {"algorithm": ALGORITHM, "auth_data": auth_data}
    return str(as_dict(await gateway.request("POST", f"{_ROOM_KEYS}/version", body)).get("version"))


@dataclass(frozen=True)
class Restored:
    """What came out of a backup: sessions that were kept, those of them without proof, and those that did not open."""

    kept: int = 0
    unproved: int = 0
    refused: int = 0


class Backup:
    """Writes new room keys into the backup as they come, and reads them back."""

    def __init__(self, gateway: Gateway, store: Store, megolm: Megolm) -> None:
        self._gateway = gateway
        self._store = store
        self._megolm = megolm
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """There may be new room keys."""
        self._awake.set()

    async def _ours(self) -> tuple[BackupKey, str] | None:
        """Our key and the version of our backup; None when there is none."""
        async with self._store.transaction() as tx:
            private, version = await tx.secret(SECRET), await tx.backup_version()
        return None if private is None or version is None else (BackupKey(private, self._megolm), version)

    # --- writing

    async def run(self) -> None:
        """Write for ever, or until the backup turns out not to be ours: that is logged, and the bot goes on without."""
        pause, checked = FIRST_PAUSE, False
        while True:
            self._awake.clear()
            try:
                if not checked:
                    await self.check()
                    checked = True
                while await self._write_some():
                    pass
            except BackupLost as error:
                log.error("%s", error)
                return
            except Exception as error:
                wait = max(pause, getattr(error, "retry_after", None) or 0.0)
                _report(error, wait)
                await asyncio.sleep(min(wait, MAX_PAUSE))
                pause = min(pause * 2, MAX_PAUSE)
                continue
            pause = FIRST_PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE):
                    await self._awake.wait()
            await asyncio.sleep(LINGER)

    async def check(self) -> None:
        """Make sure that the account's current backup is the one that we write to.

        Raises:
            BackupLost: it is not, or we have none.
        """
        ours = await self._ours()
        if ours is None:
            raise BackupLost("There is no key backup: run `ernbot identity create` to have one.")
        key, version = ours
        current = await current_version(self._gateway)
        if current != Version(version, key.public):
            raise self._lost("is gone" if current is None else "was replaced by one that is not the bot's")

    def _lost(self, what: str) -> BackupLost:
        return BackupLost(
            f"The key backup of {self._gateway.user_id} {what}: new room keys are not backed up. Find out who used the "
            "bot's account; `ernbot identity create` makes a new backup."
        )

    async def _write_some(self) -> bool:
        """One request; whether there was anything to write."""
        ours = await self._ours()
        async with self._store.transaction() as tx:
            keys = await tx.room_keys_to_back_up(BATCH)
        if ours is None or not keys:
            return False
        backup_key, version = ours
        rooms: dict[str, dict[str, dict[str, Any]]] = {}
        for number, key in enumerate(keys, start=1):
            entry = backup_key.lock(key)
            rooms.setdefault(key.room_id, {"sessions": {}})["sessions"][key.session_id] = entry
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        try:
            await self._gateway.request("PUT", f"{_ROOM_KEYS}/keys", {"rooms": rooms}, query={"version": version})
        except MatrixError as error:
            if error.status == 404 or error.errcode == "M_WRONG_ROOM_KEYS_VERSION":
                raise self._lost("is gone" if error.status == 404 else "was replaced") from None
            raise
        async with self._store.transaction() as tx:
            await tx.mark_backed_up(keys)
        return True

    # --- reading

    async def fetch(self, room_id: str, session_id: str) -> bool:
        """Look for one session in the backup; whether it was there and is kept now.

        Raises:
            Unreachable, MatrixError: it cannot be said.
        """
        ours = await self._ours()
        if ours is None:
            return False
        key, version = ours
        path = f"{_ROOM_KEYS}/keys/{quote(room_id, safe='')}/{quote(session_id, safe='')}"
        try:
            entry = await self._gateway.request("GET", path, query={"version": version})
        except MatrixError as error:
            if error.status == 404:
                return False
            raise
        found = key.unlock(room_id, session_id, entry)
        await self._keep([found] if found is not None else [])
        return found is not None

    async def restore(self) -> Restored:
        """Take everything out of the backup.

        Raises:
            Unreachable, MatrixError: it cannot be had.
        """
        ours = await self._ours()
        if ours is None:
            return Restored()
        key, version = ours
        path, query = f"{_ROOM_KEYS}/keys", {"version": version}
        answer = await self._gateway.request("GET", path, query=query, timeout=_RESTORE_TIMEOUT)
        total = kept = unproved = 0
        some: list[RoomKey] = []
        for total, (room_id, session_id, entry) in enumerate(_entries(answer), start=1):
            found = key.unlock(room_id, session_id, entry)
            if found is not None:
                some.append(found)
                kept += 1
                unproved += found.source == "backup"
            if len(some) == BATCH:
                await self._keep(some)
                some = []
            if total % _BREATH == 0:
                await asyncio.sleep(0)
        await self._keep(some)
        return Restored(kept, unproved, total - kept)

    async def _keep(self, keys: Sequence[RoomKey]) -> None:
        async with self._store.transaction() as tx:
            await tx.lock_crypto()
            for key in keys:
                await self._megolm.add(tx, key, backed_up=True)
                await tx.hurry_events(key.session_id)


def _entries(answer: object) -> Iterator[tuple[str, str, object]]:
    """Room, session and entry of everything in a backup. What was given is let go of: backups can be large."""
    rooms = as_dict(as_dict(answer).get("rooms"))
    while rooms:
        room_id, room = rooms.popitem()
        sessions = as_dict(as_dict(room).get("sessions"))
        while sessions:
            session_id, entry = sessions.popitem()
            if is_id(room_id) and is_id(session_id):
                yield room_id, session_id, entry


def _report(error: Exception, wait: float) -> None:
    """What went wrong and, when it was not foreseen, where; never its text."""
    place = ""
    if not isinstance(error, Unreachable | MatrixError | StorageBusy):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f" at {frame.filename}:{frame.lineno}"
    log.warning("the key backup could not be written (%s%s), next try in %.0f s", type(error).__name__, place, wait)
