"""End-to-end encryption behind a door that no event can break.

Takes what a sync brings, decrypts, encrypts for signed devices only, and keeps the homeserver supplied with our keys.
What it knows lies in the database and changes in the transaction of what it belongs to; what goes out to the homeserver
was stored before.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ernbot.core.assurance import Assurance
from ernbot.matrix.channels import Channels
from ernbot.matrix.errors import Unacceptable, Undecryptable, place
from ernbot.matrix.events import as_dict, as_list, is_id, well_formed
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.megolm import DEFAULT_ROTATION, Decrypted, Megolm, Rotation
from ernbot.matrix.olm import MEGOLM, ONE_TIME_KEYS, PICKLES, Olm
from ernbot.matrix.trust import Device, Trust
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import MissedShare, OwnRoomKey
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

_CLIENT = "/_matrix/client/v3"
_BREATH = 50
"""To-device messages after which everybody else gets a turn."""

NEW_CHANNEL_EVERY = timedelta(hours=1)
"""How soon a broken channel to a device may be replaced again (spec, "Recovering from undecryptable messages")."""

MAX_WEDGED = 100
"""Broken channels that are replaced at a time."""

FIRST_RETRY, LAST_RETRY = timedelta(seconds=10), timedelta(hours=6)
MAX_RETRIES = 24
"""Tries to give a room key to a device that has no one-time key, some four days in all."""


UNVERIFIED = "This device is not verified by its owner, or its owner's identity has changed."


@dataclass(frozen=True)
class ToDevice:
    """A to-device message that is not about room keys. `curve25519` is of the device that encrypted it, if any did."""

    sender: str
    type: str
    content: dict[str, Any]
    curve25519: str | None = None


@dataclass
class Received:
    """What a sync brought: messages for others to handle, sessions whose key came, people whose devices changed."""

    messages: list[ToDevice] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    failures: int = 0


def now() -> datetime:
    return datetime.now(UTC)


class Machine:
    """Encrypts and decrypts for one device. `open` it before anything else."""

    def __init__(
        self,
        gateway: Gateway,
        store: Store,
        trust: Trust,
        *,
        clock: Callable[[], datetime] = now,
        room_keys: Assurance = Assurance.SIGNED,
    ) -> None:
        """`room_keys` is how sure we have to be of a device before it is given any."""
        pickle_key = store.vault.derive(PICKLES)
        self._gateway = gateway
        self._store = store
        self._trust = trust
        self._clock = clock
        self._room_keys = max(room_keys, Assurance.SIGNED)
        self.olm = Olm(gateway.user_id, gateway.device_id, pickle_key)
        self.megolm = Megolm(self.olm, pickle_key)
        self.channels = Channels(gateway, store, self.olm, clock)
        self._rooms: dict[str, asyncio.Lock] = {}
        self._keys_there: int | None = None
        self._fallback_wanted = False
        self._published = False
        self._wedged: set[tuple[str, str]] = set()
        self._renewed: dict[tuple[str, str], datetime] = {}

    def _trusts(self, device: Device) -> bool:
        """Whether a device is given room keys."""
        return device.assurance >= self._room_keys

    async def open(self) -> None:
        """Read our account from the database, or make it."""
        async with self._store.transaction() as tx:
            await tx.lock_crypto()
            await self.olm.open(tx)
        self._fallback_wanted = self.olm.fallback_pending

    # --- what a sync brings

    async def receive(self, tx: Transaction, response: Mapping[str, Any]) -> Received:
        """Take to-device messages, key counts and changed devices from a sync, within its transaction."""
        await tx.lock_crypto()
        received = Received()
        for number, raw in enumerate(as_list(as_dict(response.get("to_device")).get("events"))):
            if number % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            await self._receive_one(tx, raw, received)
        for session_id in received.sessions:
            await tx.hurry_events(session_id)
        self._take_counts(response)
        lists = as_dict(response.get("device_lists"))
        received.changed = [user for part in ("changed", "left") for user in as_list(lists.get(part)) if is_id(user)]
        if received.changed:
            self._trust.forget(received.changed)
            await tx.mark_stale(received.changed)
        return received

    def _take_counts(self, response: Mapping[str, Any]) -> None:
        """A count of zero means that keys are needed, and is left out by some servers."""
        counts = response.get("device_one_time_keys_count")
        if isinstance(counts, dict) and isinstance(counts.get("signed_curve25519", 0), int):
            self._keys_there = _count(counts)
        unused = response.get("device_unused_fallback_key_types")
        if isinstance(unused, list):
            self._fallback_wanted = self.olm.fallback_pending or "signed_curve25519" not in unused

    async def _receive_one(self, tx: Transaction, raw: object, received: Received) -> None:
        """One message; whatever is wrong with it stays with it."""
        try:
            if not isinstance(raw, dict) or not well_formed(raw) or not is_id(raw.get("sender")):
                raise Unacceptable("malformed")
            async with tx.savepoint():
                await self._take(tx, raw, received)
        except Unacceptable as error:
            received.failures += 1
            log.warning("a to-device message was dropped: %s", error)
            if error.wedged and isinstance(raw, dict):
                self._wedge(raw["sender"], raw["content"]["sender_key"])
        except StorageBusy:
            raise
        except Exception as error:
            # Not even what nobody foresaw may cost the rest of the batch.
            received.failures += 1
            log.error("a to-device message was dropped: %s", place(error))

    def _wedge(self, user_id: str, curve25519: str) -> None:
        """Note a broken channel; a flood of more than can be seen to soon is left to its senders, who will write."""
        if len(self._wedged) < MAX_WEDGED:
            self._wedged.add((user_id, curve25519))

    async def _take(self, tx: Transaction, raw: Mapping[str, Any], received: Received) -> None:
        kind, content = raw.get("type"), as_dict(raw.get("content"))
        if not is_id(kind):
            raise Unacceptable("malformed")
        if kind != "m.room.encrypted":
            await self._take_plain(tx, ToDevice(raw["sender"], kind, content), received)
            return
        opened = await self.olm.decrypt(tx, raw, self._clock())
        if opened.type == "m.room_key":
            received.sessions.add(await self.megolm.take(tx, opened))
        elif opened.type == "m.forwarded_room_key":
            received.sessions.add(await self.megolm.take_forwarded(tx, opened))
        elif opened.type != "m.dummy":
            await self._take_plain(
                tx, ToDevice(opened.sender, opened.type, opened.content, opened.curve25519), received
            )

    async def _take_plain(self, tx: Transaction, message: ToDevice, received: Received) -> None:
        if message.type in ("m.room_key", "m.forwarded_room_key"):
            raise Unacceptable("a room key that is not encrypted")
        if message.type == "m.room_key.withheld":
            room_id, session_id, code = (message.content.get(key) for key in ("room_id", "session_id", "code"))
            if is_id(room_id) and is_id(session_id) and is_id(code):
                await tx.withhold(room_id, session_id, message.sender, code)
                received.sessions.add(session_id)
            elif code == "m.no_olm" and is_id(theirs := message.content.get("sender_key")):
                self._wedge(message.sender, theirs)
            return
        received.messages.append(message)

    async def decrypt(self, tx: Transaction, room_id: str, raw: Mapping[str, Any]) -> Decrypted:
        """The content of an `m.room.encrypted` event; see `Megolm.decrypt`.

        Raises:
            Undecryptable: `no-key` when the key may still come, otherwise never.
        """
        if not well_formed(raw):
            raise Undecryptable("broken")
        return await self.megolm.decrypt(tx, room_id, raw)

    # --- what we publish

    async def upload_keys(self) -> None:
        """Publish device keys, one-time keys and a fallback key when the homeserver needs them."""
        plenty = self._keys_there is not None and self._keys_there >= ONE_TIME_KEYS // 2
        if self._published and plenty and not self._fallback_wanted:
            return
        path = f"{_CLIENT}/keys/upload"
        # Asked first: a homeserver that is away must not cost a set of keys with each try.
        body = {} if self._published else {"device_keys": self.olm.device_keys}
        answer = await self._gateway.request("POST", path, body)
        there = _count(as_dict(answer.get("one_time_key_counts")))
        self._published = True
        # Without any one-time key there is no fallback key either, or it was used; otherwise a sync tells.
        if self._fallback_wanted or there == 0:
            async with self._store.transaction() as tx:
                await tx.lock_crypto()
                body = await self.olm.new_fallback_key(tx)
            await self._gateway.request("POST", path, body)
            async with self._store.transaction() as tx:
                await tx.lock_crypto()
                await self.olm.fallback_is_there(tx)
            self._fallback_wanted = False
        if there < ONE_TIME_KEYS:
            async with self._store.transaction() as tx:
                await tx.lock_crypto()
                body = await self.olm.new_keys(tx, ONE_TIME_KEYS - there)
            answer = await self._gateway.request("POST", path, body)
            there = _count(as_dict(answer.get("one_time_key_counts")))
        self._keys_there = there

    # --- what we send

    async def encrypt(
        self,
        room_id: str,
        users: Iterable[str],
        type: str,
        content: Mapping[str, Any],
        *,
        rotation: Rotation = DEFAULT_ROTATION,
    ) -> dict[str, Any]:
        """The content of an `m.room.encrypted` event that the devices of `users` can read that we trust."""
        async with self._rooms.setdefault(room_id, asyncio.Lock()):
            ours = (self._gateway.user_id, self._gateway.device_id)
            devices = {
                device.key: device
                for device in await self._trust.devices(users)
                if (device.user_id, device.device_id) != ours
            }
            signed = {key for key, device in devices.items() if self._trusts(device)}
            async with self._store.transaction() as tx:
                key = await self._valid(tx, room_id, signed, rotation) or await self._renew(tx, room_id, signed)
                if signed <= key.shared | key.missed and devices.keys() - signed <= key.withheld:
                    return await self._encrypt(tx, key, type, content)
                wanting = [devices[name] for name in sorted(signed - key.shared - key.missed)]
                known = await tx.olm_channels(device.curve25519 for device in wanting)
            reached = await self._share(key, wanting, known)
            missed = [device for device in wanting if device not in reached]
            refused = [devices[name] for name in sorted(devices.keys() - signed - key.withheld)]
            await self._withhold(key, refused, missed)
            async with self._store.transaction() as tx:
                await tx.lock_crypto()
                for device in missed:
                    await self._miss(tx, key, device)
                key = replace(
                    key,
                    shared=key.shared | {device.key for device in reached},
                    missed=key.missed | {device.key for device in missed},
                    withheld=(key.withheld - signed) | {device.key for device in refused},
                )
                return await self._encrypt(tx, key, type, content)

    async def _valid(
        self, tx: Transaction, room_id: str, signed: set[tuple[str, str, str]], rotation: Rotation
    ) -> OwnRoomKey | None:
        """Our session of a room, unless its time is up or somebody has it who should not have the next message."""
        await tx.lock_crypto()
        key = await tx.own_room_key(room_id)
        if key is None or key.messages >= rotation.messages or self._clock() - key.created_at >= rotation.age:
            return None
        return key if key.shared | key.missed <= signed else None

    async def _encrypt(self, tx: Transaction, key: OwnRoomKey, type: str, content: Mapping[str, Any]) -> dict[str, Any]:
        key, encrypted = self.megolm.encrypt(key, type, content)
        await tx.save_own_room_key(key)
        return encrypted

    async def _renew(self, tx: Transaction, room_id: str, signed: set[tuple[str, str, str]]) -> OwnRoomKey:
        """Another session of a room, which nobody has yet."""
        await tx.forget_missed_of_others(room_id, {user_id for user_id, _, _ in signed})
        return await self.megolm.new(tx, room_id, self._clock())

    async def _share(self, key: OwnRoomKey, devices: Sequence[Device], known: Collection[str]) -> set[Device]:
        """Give a room key to devices; those that got it."""
        message = self.megolm.key_message(key.room_id, self.megolm.own(key))
        return await self.channels.send(devices, "m.room_key", message, known=known)

    async def request_key(self, user_id: str, room_id: str, session_id: str) -> None:
        """Ask the devices of a session's sender for its key; only from the one it belongs to is it taken."""
        body = {"algorithm": MEGOLM, "room_id": room_id, "session_id": session_id}
        request = {
            "action": "request",
            "body": body,
            "request_id": secrets.token_hex(16),
            "requesting_device_id": self._gateway.device_id,
        }
        devices = [device for device in await self._trust.devices([user_id]) if device.signed]
        if devices:
            await self.channels.send_plainly(
                "m.room_key_request", {(user_id, device.device_id): request for device in devices}
            )

    async def _withhold(self, key: OwnRoomKey, unsigned: Sequence[Device], unreached: Sequence[Device]) -> None:
        """Tell devices why they will not get a room key (spec, "Reporting that decryption keys are withheld")."""
        common = {"algorithm": MEGOLM, "sender_key": self.olm.curve25519}
        session = {"room_id": key.room_id, "session_id": key.session_id}
        unverified = {**common, **session, "code": "m.unverified", "reason": UNVERIFIED}
        no_olm = {**common, "code": "m.no_olm", "reason": "This device has no one-time key left."}
        messages = {(device.user_id, device.device_id): unverified for device in unsigned}
        messages |= {(device.user_id, device.device_id): no_olm for device in unreached}
        if messages:
            await self.channels.send_plainly("m.room_key.withheld", messages)

    async def _miss(self, tx: Transaction, key: OwnRoomKey, device: Device) -> None:
        log.warning("a device of %s has no one-time key: it gets the room key later", device.user_id)
        share = MissedShare(
            key.room_id,
            key.session_id,
            device.user_id,
            device.device_id,
            self.megolm.own(key).session_key.to_base64(),
            attempts=0,
            not_before=self._clock() + FIRST_RETRY,
        )
        await tx.miss(share)

    # --- what is left to do later

    async def tend(self) -> None:
        """Replace broken channels, and give room keys to devices that could not be reached before."""
        await self._renew_channels()
        async with self._store.transaction() as tx:
            shares = await tx.missed_shares(self._clock())
        for share in shares:
            await self._retry(share)

    async def _renew_channels(self) -> None:
        wedged, self._wedged = self._wedged, set()
        at = self._clock()
        self._renewed = {who: when for who, when in self._renewed.items() if at - when < NEW_CHANNEL_EVERY}
        due = wedged - self._renewed.keys()
        if not due:
            return
        devices = [
            device
            for device in await self._trust.devices({user_id for user_id, _ in due})
            if device.signed and (device.user_id, device.curve25519) in due
        ]
        self._renewed |= dict.fromkeys(((device.user_id, device.curve25519) for device in devices), at)
        await self.channels.send(devices, "m.dummy", {}, known=())

    async def _retry(self, share: MissedShare) -> None:
        """Give a device the key that it missed, unless it is no longer to have it."""
        devices = await self._trust.devices([share.user_id])
        device = next((it for it in devices if it.device_id == share.device_id and self._trusts(it)), None)
        reached = False
        if device is not None:
            content = {
                "algorithm": MEGOLM,
                "room_id": share.room_id,
                "session_id": share.session_id,
                "session_key": share.session_key,
            }
            reached = bool(await self.channels.send([device], "m.room_key", content))
        async with self._rooms.setdefault(share.room_id, asyncio.Lock()), self._store.transaction() as tx:
            await tx.lock_crypto()
            if device is not None and not reached and share.attempts < MAX_RETRIES:
                wait = min(FIRST_RETRY * 2**share.attempts, LAST_RETRY)
                await tx.miss(replace(share, attempts=share.attempts + 1, not_before=self._clock() + wait))
                return
            await tx.forget_missed(share)
            key = await tx.own_room_key(share.room_id)
            if reached and device is not None and key is not None and key.session_id == share.session_id:
                missed, shared = key.missed - {device.key}, key.shared | {device.key}
                await tx.save_own_room_key(replace(key, missed=missed, shared=shared))


def _count(counts: Mapping[str, Any]) -> int:
    """How many one-time keys a homeserver says that it has of ours; none when that is no sensible number."""
    count = counts.get("signed_curve25519", 0)
    return max(count, 0) if isinstance(count, int) else 0
