"""Whose device is it: the cross-signing chains of other people, master key to self-signing key to device.

A device counts only when its owner's identity signed it. Identities are fetched when first needed and again after the
homeserver says that they changed. The first one is trusted; one that replaces it is known to be another one, here and
after a restart, until somebody confirms it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ernbot.core.assurance import Assurance
from ernbot.core.errors import Refused
from ernbot.matrix.events import is_id
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import verifies
from ernbot.storage.identities import IDENTITY_CHANGED
from ernbot.storage.records import InboxItem, StoredIdentity
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

MAX_KNOWN = 2_000
"""People whose devices are remembered; the others are read from the database again."""

MAX_DEVICES = 200
"""Devices of one person that are looked at; nobody has so many, and each costs a signature to check."""


REFRESHED_AT_ONCE = 50
"""People about whom one question is asked that nobody waits for."""

LEFT_ALONE = timedelta(minutes=10)
"""How long nobody is asked about whose homeserver did not answer, unless somebody needs to know."""


@dataclass(frozen=True)
class Device:
    """One device of one user with its public keys, and how far its owner's identity vouches for it."""

    user_id: str
    device_id: str
    curve25519: str
    ed25519: str
    assurance: Assurance = Assurance.SIGNED

    @property
    def signed(self) -> bool:
        return self.assurance >= Assurance.SIGNED

    @property
    def key(self) -> tuple[str, str, str]:
        """What the device is known by where room keys are shared."""
        return self.user_id, self.device_id, self.curve25519


@dataclass(frozen=True)
class Identity:
    """What `/keys/query` says of somebody, checked: their master key and (device id, Curve25519, Ed25519, signed)."""

    master: str | None
    devices: tuple[tuple[str, str, str, bool], ...]


def read_identity(user_id: str, answer: dict[str, Any]) -> Identity:
    """A user out of a `/keys/query` answer; malformed or self-contradicting devices are left out."""
    master, self_signing = _chain(user_id, answer)
    devices = _of(user_id, "device_keys", answer)
    found = []
    for device_id, raw in list(devices.items())[:MAX_DEVICES] if isinstance(devices, dict) else ():
        device = _device(user_id, device_id, raw, self_signing)
        if device is not None:
            found.append(device)
    return Identity(master, tuple(found))


def _of(user_id: str, part: str, answer: dict[str, Any]) -> object:
    """What a part of the answer says of a user."""
    entries = answer.get(part)
    return entries.get(user_id) if isinstance(entries, dict) else None


def _chain(user_id: str, answer: dict[str, Any]) -> tuple[str | None, str | None]:
    """The master key, and the self-signing key when the master key vouches for it."""
    master = _only_key(user_id, "master", _of(user_id, "master_keys", answer))
    raw = _of(user_id, "self_signing_keys", answer)
    key = _only_key(user_id, "self_signing", raw)
    if master is None or key is None or not verifies(raw, user_id, master, master):
        return master, None
    return master, key


def _only_key(user_id: str, usage: str, raw: object) -> str | None:
    if not isinstance(raw, dict) or raw.get("user_id") != user_id:
        return None
    usages, keys = raw.get("usage"), raw.get("keys")
    if not isinstance(usages, list) or usage not in usages:
        return None
    if not isinstance(keys, dict) or len(keys) != 1:
        return None
    key_id, key = next(iter(keys.items()))
    return key if is_id(key) and key_id == f"ed25519:{key}" else None


def _device(user_id: str, device_id: str, raw: object, self_signing: str | None) -> tuple[str, str, str, bool] | None:
    if not isinstance(raw, dict) or (raw.get("user_id"), raw.get("device_id")) != (user_id, device_id):
        return None
    keys = raw.get("keys")
    if not is_id(device_id) or not isinstance(keys, dict):
        return None
    curve25519, ed25519 = keys.get(f"curve25519:{device_id}"), keys.get(f"ed25519:{device_id}")
    if not is_id(curve25519) or not is_id(ed25519) or not verifies(raw, user_id, device_id, ed25519):
        return None
    signed = self_signing is not None and verifies(raw, user_id, self_signing, self_signing)
    return device_id, curve25519, ed25519, signed


def merge(user_id: str, known: StoredIdentity | None, found: Identity, at: datetime) -> StoredIdentity:
    """What we know of somebody after asking again: the identity first seen stays the accepted one."""
    if known is None:
        return StoredIdentity(user_id, found.master, found.master, None, found.devices)
    accepted = known.accepted or found.master
    changed_at = None if found.master == accepted else known.changed_at or at
    return replace(
        known, master=found.master, accepted=accepted, devices=found.devices, stale=False, changed_at=changed_at
    )


def assurance(identity: StoredIdentity, *, signed: bool) -> Assurance:
    """How sure we are of a device of this identity."""
    if not signed or identity.master is None:
        return Assurance.NONE
    if identity.master != identity.accepted:
        return Assurance.SIGNED
    return Assurance.VERIFIED if identity.master == identity.verified else Assurance.UNCHANGED


def devices_of(identity: StoredIdentity) -> tuple[Device, ...]:
    return tuple(
        Device(identity.user_id, device_id, curve25519, ed25519, assurance(identity, signed=signed))
        for device_id, curve25519, ed25519, signed in identity.devices
    )


class Trust:
    """The devices of everybody we deal with, fetched on demand."""

    def __init__(self, gateway: Gateway, store: Store, clock: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, tuple[Device, ...]] = OrderedDict()
        self._changed: set[str] = set()
        self._left_out: dict[str, datetime] = {}
        self._fetching = asyncio.Lock()

    def forget(self, user_ids: Iterable[str]) -> None:
        """These users' devices changed. That they did is in the database; here only what is remembered goes."""
        for user_id in user_ids:
            self._known.pop(user_id, None)
            self._changed.add(user_id)

    def forget_all(self) -> None:
        self.forget(list(self._known))

    async def devices(self, user_ids: Iterable[str]) -> list[Device]:
        """All devices of these users, signed or not."""
        wanted = sorted(set(user_ids))
        found = self._remembered(wanted)
        if len(found) < len(wanted):
            async with self._fetching:
                found |= self._remembered(wanted)
                found |= await self._read([user_id for user_id in wanted if user_id not in found])
                found |= await self._fetch([user_id for user_id in wanted if user_id not in found])
        return [device for user_id in wanted for device in found[user_id]]

    def _remembered(self, user_ids: Iterable[str]) -> dict[str, tuple[Device, ...]]:
        found = {user_id: self._known[user_id] for user_id in user_ids if user_id in self._known}
        for user_id in found:
            self._known.move_to_end(user_id)
        return found

    def _remember(self, user_id: str, devices: tuple[Device, ...]) -> None:
        self._known[user_id] = devices
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    async def _read(self, user_ids: list[str]) -> dict[str, tuple[Device, ...]]:
        """Those whom the database knows well."""
        if not user_ids:
            return {}
        self._changed.clear()
        async with self._store.transaction() as tx:
            stored = await tx.identities(user_ids)
        found = {user_id: devices_of(identity) for user_id, identity in stored.items() if not identity.stale}
        for user_id, devices in found.items():
            if user_id not in self._changed:
                self._remember(user_id, devices)
        return found

    async def _fetch(self, user_ids: list[str]) -> dict[str, tuple[Device, ...]]:
        """The others, from the homeserver."""
        if not user_ids:
            return {}
        self._changed.clear()
        body: dict[str, Any] = {"device_keys": {user_id: [] for user_id in user_ids}}
        answer = await self._gateway.request("POST", "/_matrix/client/v3/keys/query", body)
        now = self._clock()
        found: dict[str, tuple[Device, ...]] = {}
        async with self._store.transaction() as tx:
            await tx.lock_crypto()
            stored = await tx.identities(user_ids)
            for user_id in user_ids:
                known = stored.get(user_id)
                # Whom a homeserver that is away left out is as before, and asked for again.
                if _of(user_id, "device_keys", answer) is None:
                    self._left_out[user_id] = now + LEFT_ALONE
                    found[user_id] = devices_of(known) if known is not None else ()
                    continue
                identity = merge(user_id, known, read_identity(user_id, answer), now)
                found[user_id] = devices_of(identity)
                await tx.save_identity(replace(identity, stale=user_id in self._changed))
                if known is not None and identity.changed_at is not None and identity.master != known.master:
                    # One that comes back is news again, so its name alone does not do.
                    news = f"{IDENTITY_CHANGED}:{user_id}:{identity.master}:{now.isoformat()}"
                    change = {"before": known.master, "now": identity.master}
                    await tx.receive(InboxItem(news, "", user_id, IDENTITY_CHANGED, change, now))
        for user_id, devices in found.items():
            if user_id not in self._changed and _of(user_id, "device_keys", answer) is not None:
                self._remember(user_id, devices)
        return found

    async def owner(self, user_id: str, curve25519: str, ed25519: str) -> Device:
        """The signed device of this user that has these keys.

        Raises:
            Refused: `device-unknown` when the user has no such device, `device-unsigned` when they did not sign it.
        """
        for attempt in ("known", "fresh"):
            if attempt == "fresh":
                async with self._store.transaction() as tx:
                    await tx.mark_stale([user_id])
                self.forget([user_id])
            for device in await self.devices([user_id]):
                if (device.curve25519, device.ed25519) == (curve25519, ed25519) and device.signed:
                    return device
        for device in await self.devices([user_id]):
            if (device.curve25519, device.ed25519) == (curve25519, ed25519):
                raise Refused("device-unsigned", device=device.device_id)
        raise Refused("device-unknown")

    async def as_stored(self, tx: Transaction, device: Device) -> Device:
        """The device as the transaction sees it: what changed or was confirmed meanwhile counts already."""
        stored = (await tx.identities([device.user_id])).get(device.user_id)
        now = [known for known in devices_of(stored) if known.key == device.key] if stored is not None else []
        known = next((known for known in now if known.ed25519 == device.ed25519), None)
        return known or replace(device, assurance=Assurance.NONE)

    async def refresh(self) -> None:
        """Ask about some of those who changed, though nobody needs their devices: a new identity is news by itself."""
        now = self._clock()
        self._left_out = {user_id: until for user_id, until in self._left_out.items() if until > now}
        async with self._store.transaction() as tx:
            stale = [user_id for user_id in await tx.stale_users() if user_id not in self._left_out]
        await self.devices(stale[:REFRESHED_AT_ONCE])

    async def identity(self, user_id: str) -> StoredIdentity | None:
        """What is stored of somebody, after asking the homeserver when it is due."""
        await self.devices([user_id])
        async with self._store.transaction() as tx:
            return (await tx.identities([user_id])).get(user_id)
