"""End-to-end encryption: nio's Olm machine behind a door that no event can break.

What it adds to nio: every event is handled by itself and can neither stop a batch nor end the loop; what was decrypted
must belong to its room and may not be state; a session is shared with signed devices only, later with those who came,
and replaced when one of them is gone; key material is stored before it is published.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nio import KeysUploadResponse, MegolmEvent, ToDeviceEvent
from nio.crypto import OlmDevice
from nio.crypto.sessions import OutboundGroupSession
from nio.events.to_device import EncryptedToDeviceEvent

from ernbot.matrix.errors import Undecryptable
from ernbot.matrix.events import well_formed
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import verifies
from ernbot.matrix.trust import Device, Trust

log = logging.getLogger(__name__)

_CLIENT = "/_matrix/client/v3"
MEGOLM = "m.megolm.v1.aes-sha2"
_MAX_TO_DEVICE = 20
"""Devices per `/sendToDevice` request."""


@dataclass(frozen=True)
class Decrypted:
    """The content of an encrypted event and the keys of the device that sent it, not yet checked for whose it is."""

    type: str
    content: dict[str, Any]
    curve25519: str
    ed25519: str


class Machine:
    """Encrypts and decrypts for one device."""

    def __init__(self, gateway: Gateway, trust: Trust) -> None:
        self._gateway = gateway
        self._trust = trust
        self._rooms: dict[str, asyncio.Lock] = {}
        self._shared: dict[str, set[Device]] = {}
        self._counts_known = False

    # --- what a sync brings

    def receive(self, response: Mapping[str, Any]) -> None:
        """Take to-device messages, key counts and changed devices from a sync, in one crypto store transaction."""
        olm = self._gateway.olm
        events = _list(_dict(response.get("to_device")).get("events"))
        if events:
            with olm.store.database.atomic():
                for raw in events:
                    self._receive_to_device(raw)
                olm.save_account()
        counts = response.get("device_one_time_keys_count")
        # A count of zero means that keys are needed, and is left out by some servers.
        if isinstance(counts, dict) and isinstance(count := counts.get("signed_curve25519", 0), int):
            olm.uploaded_key_count = count
        lists = _dict(response.get("device_lists"))
        changed = [user for user in [*_list(lists.get("changed")), *_list(lists.get("left"))] if isinstance(user, str)]
        self._trust.forget(changed)

    def _receive_to_device(self, raw: object) -> None:
        """One message; whatever is wrong with it stays with it."""
        try:
            event = ToDeviceEvent.parse_event(raw)
            if isinstance(event, EncryptedToDeviceEvent):
                self._gateway.olm.handle_to_device_event(event)
        except (Exception, RecursionError) as error:  # vodozemac's errors share no base class
            log.warning("a to-device message was dropped: %s", type(error).__name__)

    def decrypt(self, room_id: str, raw: Mapping[str, Any]) -> Decrypted:
        """The content of an `m.room.encrypted` event.

        Raises:
            Undecryptable: `no-key` when the key may still come, otherwise never.
        """
        if "state_key" in raw:
            raise Undecryptable("forged")
        try:
            event = MegolmEvent.from_dict(dict(raw))
            if not isinstance(event, MegolmEvent) or not isinstance(event.sender_key, str):
                raise Undecryptable("broken")
            return self._decrypt(room_id, event)
        except Undecryptable:
            raise
        except (Exception, RecursionError) as error:
            log.warning("an event could not be decrypted: %s", type(error).__name__)
            raise Undecryptable("broken") from None

    def _decrypt(self, room_id: str, event: MegolmEvent) -> Decrypted:
        olm = self._gateway.olm
        session = olm.inbound_group_store.get(room_id, event.sender_key, event.session_id)
        if session is None:
            raise Undecryptable("no-key")
        plaintext, index = session.decrypt(event.ciphertext)
        if session.forwarding_chain or not olm.message_index_ok(index, event):
            raise Undecryptable("replay")
        payload = json.loads(plaintext)
        content = payload["content"]
        if payload["room_id"] != room_id or "state_key" in payload:
            raise Undecryptable("forged")
        if not isinstance(payload["type"], str) or not isinstance(content, dict) or not well_formed(payload):
            raise Undecryptable("broken")
        relates = _dict(event.source.get("content")).get("m.relates_to")
        content.pop("m.relates_to", None)
        if isinstance(relates, dict):
            content["m.relates_to"] = relates
        return Decrypted(payload["type"], content, event.sender_key, session.ed25519)

    # --- what we publish

    async def upload_keys(self) -> None:
        """Publish device keys and one-time keys when the server needs them."""
        olm = self._gateway.olm
        if not olm.should_upload_keys:
            return
        body = olm.share_keys()
        # Their private halves must survive a crash that comes right after the upload.
        olm.save_account()
        answer = await self._gateway.request("POST", f"{_CLIENT}/keys/upload", body)
        count = int(_dict(answer.get("one_time_key_counts")).get("signed_curve25519", 0))
        olm.handle_response(KeysUploadResponse(0, count))

    # --- what we send

    async def encrypt(self, room_id: str, users: Iterable[str], type: str, content: dict[str, Any]) -> dict[str, Any]:
        """The content of an `m.room.encrypted` event that the signed devices of `users` can read.

        Relations stay in the clear, where the specification wants them.
        """
        async with self._rooms.setdefault(room_id, asyncio.Lock()):
            ours = (self._gateway.user_id, self._gateway.device_id)
            devices = {
                device
                for device in await self._trust.devices(users)
                if device.signed and (device.user_id, device.device_id) != ours
            }
            await self._share(room_id, devices)
            inner = {key: value for key, value in content.items() if key != "m.relates_to"}
            encrypted: dict[str, Any] = self._gateway.olm.group_encrypt(room_id, {"type": type, "content": inner})
            if "m.relates_to" in content:
                encrypted["m.relates_to"] = content["m.relates_to"]
            return encrypted

    async def _share(self, room_id: str, devices: set[Device]) -> None:
        """Make sure that the room's session is with these devices, and with no others."""
        olm = self._gateway.olm
        session: OutboundGroupSession | None = olm.outbound_group_sessions.get(room_id)
        shared = self._shared.get(room_id, set())
        if session is None or session.expired or not shared <= devices:
            olm.create_outbound_group_session(room_id)
            session = olm.outbound_group_sessions[room_id]
            shared = self._shared[room_id] = set()
        missing = sorted(devices - shared, key=lambda device: (device.user_id, device.device_id))
        if missing:
            await self._claim([device for device in missing if olm.session_store.get(device.curve25519) is None])
        for start in range(0, len(missing), _MAX_TO_DEVICE):
            shared |= await self._send_key(room_id, session, missing[start : start + _MAX_TO_DEVICE])
        session.shared = True

    async def _send_key(self, room_id: str, session: OutboundGroupSession, devices: list[Device]) -> set[Device]:
        """Send the session key to devices; those without an Olm session are left for the next time."""
        olm = self._gateway.olm
        content = {
            "algorithm": MEGOLM,
            "room_id": room_id,
            "session_id": session.id,
            "session_key": session.session_key,
        }
        messages: dict[str, dict[str, Any]] = {}
        reached: set[Device] = set()
        with olm.store.database.atomic():
            for device in devices:
                channel = olm.session_store.get(device.curve25519)
                if channel is None:
                    log.warning("no one-time key for a device of %s", device.user_id)
                    continue
                encrypted = olm._olm_encrypt(channel, _olm_device(device), "m.room_key", content)
                messages.setdefault(device.user_id, {})[device.device_id] = encrypted
                reached.add(device)
        if messages:
            # Never the id of another request: what looks sent before is not sent. A key that comes twice does no harm.
            path = f"{_CLIENT}/sendToDevice/m.room.encrypted/{secrets.token_hex(16)}"
            await self._gateway.request("PUT", path, {"messages": messages})
        return reached

    async def _claim(self, devices: list[Device]) -> None:
        """Open Olm sessions with devices that we have none with."""
        if not devices:
            return
        wanted: dict[str, dict[str, str]] = {}
        for device in devices:
            wanted.setdefault(device.user_id, {})[device.device_id] = "signed_curve25519"
        answer = await self._gateway.request("POST", f"{_CLIENT}/keys/claim", {"one_time_keys": wanted})
        claimed = _dict(answer.get("one_time_keys"))
        olm = self._gateway.olm
        with olm.store.database.atomic():
            for device in devices:
                keys = _dict(_dict(claimed.get(device.user_id)).get(device.device_id))
                key = next(iter(keys.values()), None)
                if key is None or not verifies(key, device.user_id, device.device_id, device.ed25519):
                    continue
                try:
                    olm.create_session(key["key"], device.curve25519)
                except Exception as error:  # a key that is no key; vodozemac's errors share no base class
                    log.warning("a one-time key was refused: %s", type(error).__name__)


def _olm_device(device: Device) -> OlmDevice:
    keys = {"curve25519": device.curve25519, "ed25519": device.ed25519}
    return OlmDevice(device.user_id, device.device_id, keys)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
