"""Messages to devices, each encrypted on the channel (Olm session) to that device alone.

Opens channels with one-time keys that were claimed, and stores every turned ratchet before anything goes out. Whom to
write to is for others to say.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ernbot.matrix.events import as_dict
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.olm import Olm
from ernbot.matrix.trust import Device
from ernbot.storage.records import OlmSession
from ernbot.storage.store import Store

_CLIENT = "/_matrix/client/v3"

_MAX_TO_DEVICE = 20
"""Devices per `/sendToDevice` request."""


class Channels:
    """The channels of one device to others."""

    def __init__(self, gateway: Gateway, store: Store, olm: Olm, clock: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._store = store
        self._olm = olm
        self._clock = clock

    async def send(
        self, devices: Sequence[Device], type: str, content: dict[str, Any], *, known: Collection[str] | None = None
    ) -> set[Device]:
        """Send one message to each device, encrypted for it; those that it went to.

        The others have no channel and no one-time key. `known` are the Curve25519 keys that there is a channel to, None
        to look; to all others a new channel is opened.
        """
        if known is None:
            async with self._store.transaction() as tx:
                known = await tx.olm_channels(device.curve25519 for device in devices)
        reached: set[Device] = set()
        for start in range(0, len(devices), _MAX_TO_DEVICE):
            some = devices[start : start + _MAX_TO_DEVICE]
            claimed = await self._claim([device for device in some if device.curve25519 not in known])
            messages = await self._sealed(some, claimed, type, content)
            if messages:
                await self.send_plainly(
                    "m.room.encrypted", {(device.user_id, device.device_id): it for device, it in messages.items()}
                )
            reached |= messages.keys()
        return reached

    async def _sealed(
        self, devices: Sequence[Device], claimed: Mapping[Device, object], type: str, content: dict[str, Any]
    ) -> dict[Device, dict[str, Any]]:
        """A message encrypted for each device that there is a channel to; the turned ratchets are stored."""
        messages: dict[Device, dict[str, Any]] = {}
        turned: list[OlmSession] = []
        opened = await self._olm.open_sessions(claimed)
        async with self._store.transaction() as tx:
            await tx.lock_crypto()
            stored = await tx.olm_sessions([device.curve25519 for device in devices if device not in opened])
            for device in devices:
                session = opened.get(device)
                if session is None and device.curve25519 in stored:
                    session = self._olm.session(stored[device.curve25519][0])
                if session is None:
                    continue
                messages[device] = self._olm.seal(session, device, type, content)
                turned.append(self._olm.stored(device.curve25519, session))
                await asyncio.sleep(0)
            await tx.save_olm_sessions(turned, self._clock())
        return messages

    async def _claim(self, devices: Sequence[Device]) -> dict[Device, object]:
        """A one-time key of each device, as far as they have one; not yet checked."""
        if not devices:
            return {}
        wanted: dict[str, dict[str, str]] = {}
        for device in devices:
            wanted.setdefault(device.user_id, {})[device.device_id] = "signed_curve25519"
        answer = await self._gateway.request("POST", f"{_CLIENT}/keys/claim", {"one_time_keys": wanted})
        claimed = as_dict(answer.get("one_time_keys"))
        keys = {
            device: next(iter(as_dict(as_dict(claimed.get(device.user_id)).get(device.device_id)).values()), None)
            for device in devices
        }
        return {device: key for device, key in keys.items() if key is not None}

    async def send_plainly(self, type: str, messages: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        """Send to-device messages as they are, by (user id, device id)."""
        by_user: dict[str, dict[str, Any]] = {}
        for (user_id, device_id), message in messages.items():
            by_user.setdefault(user_id, {})[device_id] = message
        # Never the id of another request: what looks sent before is not sent. A key that comes twice does no harm.
        path = f"{_CLIENT}/sendToDevice/{type}/{secrets.token_hex(16)}"
        await self._gateway.request("PUT", path, {"messages": by_user})
