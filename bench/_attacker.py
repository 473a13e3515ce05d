"""A hostile member: sends what matrix-nio 0.26.0 stumbles over, to one device, in one room.

The kinds are those that end a plain nio bot (broken Olm, a room key that is none, Megolm plaintext that is no event),
and the one that it cannot read although it is legal (no `sender_key` and `device_id`, since version 1.3 of the
specification). All is encrypted correctly as far as it is encrypted at all: only a real member can send it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from vodozemac import Account, AnyOlmMessage, Curve25519PublicKey, GroupSession, Session

from bench._devices import Device
from ernbot.matrix.keys import encode

_OLM = "m.olm.v1.curve25519-aes-sha2"
_MEGOLM = "m.megolm.v1.aes-sha2"
_DEPTH = 2_000
"""Lists in each other, more than Python's JSON parser follows."""


@dataclass(frozen=True)
class Target:
    """The device under attack, and a room that its owner shares with the attacker."""

    user_id: str
    device_id: str
    curve25519: str
    ed25519: str
    room_id: str


class Attacker:
    """One member with a signed device, an Olm session with the target and a room key that the target has been given."""

    def __init__(self, device: Device, target: Target, channel: Session) -> None:
        self._device = device
        self._target = target
        self._channel = channel
        self._group = GroupSession()
        self.kinds: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "Olm message that is no base64": self._broken_olm,
            "sender_key that is no key": self._broken_sender_key,
            "pre-key message for a one-time key that never was": self._unknown_one_time_key,
            "room key that is no key": self._broken_room_key,
            "Megolm plaintext that is not UTF-8": lambda: self._group_message(b'{"type": "\xff\xfe"}'),
            "Megolm plaintext that is no object": lambda: self._group_message(b"[1, 2, 3]"),
            "Megolm plaintext that is too deep": lambda: self._group_message(b"[" * _DEPTH + b"]" * _DEPTH),
            "event without sender_key and device_id": self._bare_event,
        }

    @classmethod
    async def of(cls, device: Device, user_id: str, room_id: str) -> Attacker:
        """Get ready: look up the only device of a user, open an Olm session with it and share a room key."""
        answer = await device.caller.call("POST", "/keys/query", {"device_keys": {user_id: []}})
        ((device_id, found),) = answer["device_keys"][user_id].items()
        keys = found["keys"]
        target = Target(user_id, device_id, keys[f"curve25519:{device_id}"], keys[f"ed25519:{device_id}"], room_id)
        wanted = {"one_time_keys": {user_id: {device_id: "signed_curve25519"}}}
        answer = await device.caller.call("POST", "/keys/claim", wanted)
        (key,) = answer["one_time_keys"][user_id][device_id].values()
        channel = device.olm.create_outbound_session(_curve(target.curve25519), _curve(key["key"]))
        attacker = cls(device, target, channel)
        await attacker._give_room_key(attacker._group.session_id, attacker._group.session_key.to_base64())
        return attacker

    # --- to-device messages

    async def _broken_olm(self) -> None:
        await self._olm(self._device.curve25519, {"type": 0, "body": "%%% no base64 %%%"})

    async def _broken_sender_key(self) -> None:
        await self._olm("no key", self._pre_key_message())

    async def _unknown_one_time_key(self) -> None:
        await self._olm(self._device.curve25519, self._pre_key_message())

    def _pre_key_message(self) -> dict[str, Any]:
        """A well-made message for a one-time key that nobody has published."""
        stranger = Account().curve25519_key
        session = self._device.olm.create_outbound_session(_curve(self._target.curve25519), stranger)
        return _parts(session.encrypt(b"{}"))

    async def _broken_room_key(self) -> None:
        await self._give_room_key(secrets.token_urlsafe(32), "AAAA")

    async def _give_room_key(self, session_id: str, session_key: str) -> None:
        content = {
            "algorithm": _MEGOLM,
            "room_id": self._target.room_id,
            "session_id": session_id,
            "session_key": session_key,
        }
        payload = {
            "type": "m.room_key",
            "content": content,
            "sender": self._device.user_id,
            "sender_device": self._device.caller.device_id,
            "keys": {"ed25519": self._device.ed25519},
            "recipient": self._target.user_id,
            "recipient_keys": {"ed25519": self._target.ed25519},
        }
        await self._olm(self._device.curve25519, _parts(self._channel.encrypt(json.dumps(payload).encode())))

    async def _olm(self, sender_key: str, message: dict[str, Any]) -> None:
        content = {"algorithm": _OLM, "sender_key": sender_key, "ciphertext": {self._target.curve25519: message}}
        await self._device.caller.send_to_device(
            self._target.user_id, self._target.device_id, "m.room.encrypted", content
        )

    # --- room events

    async def _group_message(self, plaintext: bytes, *, bare: bool = False) -> None:
        content = {
            "algorithm": _MEGOLM,
            "session_id": self._group.session_id,
            "ciphertext": self._group.encrypt(plaintext).to_base64(),
        }
        if not bare:
            content |= {"sender_key": self._device.curve25519, "device_id": self._device.caller.device_id}
        await self._device.caller.send(self._target.room_id, "m.room.encrypted", content)

    async def _bare_event(self) -> None:
        event = {"type": "org.example.noise", "content": {}, "room_id": self._target.room_id}
        await self._group_message(json.dumps(event).encode(), bare=True)


def _curve(key: str) -> Curve25519PublicKey:
    return Curve25519PublicKey.from_base64(key)


def _parts(message: AnyOlmMessage) -> dict[str, Any]:
    kind, ciphertext = message.to_parts()
    return {"type": kind, "body": encode(ciphertext)}
