"""Whose device is it: the cross-signing chains of other people, master key to self-signing key to device.

A device counts only when its owner's identity signed it. Identities are fetched when first needed and again after the
homeserver says that they changed; first use is trusted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ernbot.core.errors import Refused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import verifies


@dataclass(frozen=True)
class Device:
    """One device of one user with its public keys; `signed` when its owner's identity vouches for it."""

    user_id: str
    device_id: str
    curve25519: str
    ed25519: str
    signed: bool


def read_identity(user_id: str, answer: dict[str, Any]) -> tuple[Device, ...]:
    """The devices of a user out of a `/keys/query` answer; malformed or self-contradicting ones are left out."""
    self_signing = _self_signing_key(user_id, answer)
    devices = _of(user_id, "device_keys", answer)
    found = []
    for device_id, raw in devices.items() if isinstance(devices, dict) else ():
        device = _device(user_id, device_id, raw, self_signing)
        if device is not None:
            found.append(device)
    return tuple(found)


def _of(user_id: str, part: str, answer: dict[str, Any]) -> object:
    """What a part of the answer says of a user."""
    entries = answer.get(part)
    return entries.get(user_id) if isinstance(entries, dict) else None


def _self_signing_key(user_id: str, answer: dict[str, Any]) -> str | None:
    """The self-signing key, when the master key vouches for it."""
    master = _only_key(user_id, "master", _of(user_id, "master_keys", answer))
    raw = _of(user_id, "self_signing_keys", answer)
    key = _only_key(user_id, "self_signing", raw)
    if master is None or key is None or not verifies(raw, user_id, master, master):
        return None
    return key


def _only_key(user_id: str, usage: str, raw: object) -> str | None:
    if not isinstance(raw, dict) or raw.get("user_id") != user_id:
        return None
    usages, keys = raw.get("usage"), raw.get("keys")
    if not isinstance(usages, list) or usage not in usages:
        return None
    if not isinstance(keys, dict) or len(keys) != 1:
        return None
    key_id, key = next(iter(keys.items()))
    return key if isinstance(key, str) and key_id == f"ed25519:{key}" else None


def _device(user_id: str, device_id: str, raw: object, self_signing: str | None) -> Device | None:
    if not isinstance(raw, dict) or (raw.get("user_id"), raw.get("device_id")) != (user_id, device_id):
        return None
    keys = raw.get("keys")
    if not isinstance(keys, dict):
        return None
    curve25519, ed25519 = keys.get(f"curve25519:{device_id}"), keys.get(f"ed25519:{device_id}")
    if not isinstance(curve25519, str) or not isinstance(ed25519, str):
        return None
    if not verifies(raw, user_id, device_id, ed25519):
        return None
    signed = self_signing is not None and verifies(raw, user_id, self_signing, self_signing)
    return Device(user_id, device_id, curve25519, ed25519, signed)


class Trust:
    """The devices of everybody we deal with, fetched on demand."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: dict[str, tuple[Device, ...]] = {}
        self._changed: set[str] = set()
        self._fetching = asyncio.Lock()

    def forget(self, user_ids: Iterable[str]) -> None:
        """The homeserver says that these users' devices changed."""
        for user_id in user_ids:
            self._known.pop(user_id, None)
            self._changed.add(user_id)

    async def devices(self, user_ids: Iterable[str]) -> list[Device]:
        """All devices of these users, signed or not."""
        wanted = set(user_ids)
        async with self._fetching:
            found = {user_id: self._known[user_id] for user_id in wanted & self._known.keys()}
            missing = sorted(wanted - found.keys())
            if missing:
                self._changed.clear()
                body: dict[str, Any] = {"device_keys": {user_id: [] for user_id in missing}}
                answer = await self._gateway.request("POST", "/_matrix/client/v3/keys/query", body)
                for user_id in missing:
                    found[user_id] = read_identity(user_id, answer)
                    # Not kept: what changed while it was under way, and whom a homeserver that is away left out.
                    if user_id not in self._changed and _of(user_id, "device_keys", answer) is not None:
                        self._known[user_id] = found[user_id]
        return [device for user_id in sorted(wanted) for device in found[user_id]]

    async def owner(self, user_id: str, curve25519: str, ed25519: str) -> Device:
        """The signed device of this user that has these keys.

        Raises:
            Refused: `device-unknown` when the user has no such device, `device-unsigned` when they did not sign it.
        """
        for attempt in ("known", "fresh"):
            if attempt == "fresh":
                self.forget([user_id])
            for device in await self.devices([user_id]):
                if (device.curve25519, device.ed25519) == (curve25519, ed25519) and device.signed:
                    return device
        for device in await self.devices([user_id]):
            if (device.curve25519, device.ed25519) == (curve25519, ed25519):
                raise Refused("device-unsigned", device=device.device_id)
        raise Refused("device-unknown")
