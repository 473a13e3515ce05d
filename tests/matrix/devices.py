"""Real devices on the real homeserver, and forged keys, for the tests of the Matrix edge."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import Undecryptable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity, ensure_identity
from ernbot.matrix.keys import public, signed
from ernbot.matrix.machine import Machine, Received, now
from ernbot.matrix.megolm import Decrypted
from ernbot.matrix.olm import MEGOLM, OLM, Olm
from ernbot.matrix.trust import Trust
from ernbot.storage.records import OlmSession
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY
from tests.fixtures_homeserver import PASSWORD, Account

NewAccount = Callable[[str], Awaitable[Account]]
NewPhone = Callable[..., Awaitable["Phone"]]

ENCRYPTED = {"type": "m.room.encryption", "content": {"algorithm": MEGOLM}}


@dataclass
class Phone:
    """One device of one account, synchronised by hand: nothing happens between two calls."""

    gateway: Gateway
    store: Store
    trust: Trust
    machine: Machine
    since: str | None = None

    @property
    def user_id(self) -> str:
        return self.gateway.user_id

    @property
    def key(self) -> str:
        """The device's Curve25519 key, which other devices know it by."""
        return self.machine.olm.curve25519

    async def pull(self) -> dict[str, Any]:
        """One sync, not yet looked at."""
        response = await self.gateway.sync(self.since, timeout_ms=0)
        self.since = response["next_batch"]
        return response

    async def sync(self) -> dict[str, Any]:
        """One sync, with everything in it given to the machine."""
        response = await self.pull()
        await self.receive(response)
        await self.machine.upload_keys()
        return response

    async def receive(self, response: dict[str, Any]) -> Received:
        async with self.store.transaction() as tx:
            return await self.machine.receive(tx, response)

    async def take(self, *events: Any) -> Received:
        """To-device events, in one batch."""
        return await self.receive({"to_device": {"events": list(events)}})

    async def decrypt(self, room_id: str, event: dict[str, Any]) -> Decrypted:
        async with self.store.transaction() as tx:
            return await self.machine.decrypt(tx, room_id, event)

    async def body(self, room_id: str, event: dict[str, Any]) -> Any:
        """The words of an event."""
        return (await self.decrypt(room_id, event)).content["body"]

    async def reads(self, room_id: str, event: dict[str, Any]) -> str:
        """What this device gets out of an event: `ok`, or why not."""
        try:
            await self.decrypt(room_id, event)
        except Undecryptable as error:
            return error.why
        return "ok"

    async def encrypt(self, room_id: str, *readers: Phone, text: str = "hello") -> dict[str, Any]:
        users = {self.user_id, *(reader.user_id for reader in readers)}
        return await self.machine.encrypt(room_id, users, "m.room.message", {"msgtype": "m.text", "body": text})

    def event(self, content: dict[str, Any], event_id: str | None = None, **fields: Any) -> dict[str, Any]:
        """An encrypted event of this device as another device's timeline shows it."""
        return {
            "type": "m.room.encrypted",
            "event_id": event_id or f"${secrets.token_hex(8)}",
            "sender": self.user_id,
            "origin_server_ts": 1,
            "content": content,
            **fields,
        }

    async def channels(self, key: str) -> list[OlmSession]:
        """The channels with the device of a Curve25519 key."""
        async with self.store.transaction() as tx:
            return (await tx.olm_sessions([key])).get(key, [])


async def log_in(homeserver: Homeserver, account: Account, *, token: str | None = None) -> Gateway:
    """A gateway for the device of an access token, by default the account's own."""
    token = token or account.token
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"{homeserver.url}/_matrix/client/v3/account/whoami") as reply,
    ):
        device_id = (await reply.json())["device_id"]
    return Gateway(homeserver.url, account.user_id, device_id, token)


async def started(gateway: Gateway, store: Store, clock: Callable[[], datetime] = now) -> Phone:
    """A device on a database: a new one, or as it was left."""
    trust = Trust(gateway, store, clock)
    device = Phone(gateway, store, trust, Machine(gateway, store, trust, clock=clock))
    await device.machine.open()
    return device


@asynccontextmanager
async def switched_on(gateway: Gateway, folder: Path, clock: Callable[[], datetime] = now) -> AsyncIterator[Phone]:
    """A device with its database in `folder`."""
    store = await Store.open(f"sqlite+aiosqlite:///{folder / gateway.device_id}.db", MASTER_KEY)
    try:
        yield await started(gateway, store, clock)
    finally:
        await store.close()
        await gateway.close()


@asynccontextmanager
async def restarted(device: Phone, folder: Path, clock: Callable[[], datetime] = now) -> AsyncIterator[Phone]:
    """The device of a program that started again on what the last one left behind."""
    await device.store.close()
    await device.gateway.close()
    nio = device.gateway.nio
    gateway = Gateway(nio.homeserver, device.user_id, device.gateway.device_id, nio.access_token)
    async with switched_on(gateway, folder, clock) as again:
        again.since = device.since
        yield again


def noted(gateway: Gateway) -> list[str]:
    """What is asked of the homeserver from now on, endpoint by endpoint."""
    asked: list[str] = []
    request = gateway.request

    async def note(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        asked.append(path.removeprefix("/_matrix/client/v3"))
        return await request(method, path, *args, **options)

    gateway.request = note  # type: ignore[method-assign]
    return asked


async def new_token(gateway: Gateway, account: Account, device_id: str | None = None) -> str:
    """Log in once more: the access token of another device."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": account.localpart},
        "password": PASSWORD,
        **({"device_id": device_id} if device_id else {}),
    }
    return str((await gateway.request("POST", "/_matrix/client/v3/login", body))["access_token"])


@asynccontextmanager
async def phone(
    homeserver: Homeserver,
    account: Account,
    folder: Path,
    *,
    signed: bool = True,
    token: str | None = None,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[Phone]:
    """A device with published keys, signed by its owner's identity unless told otherwise."""
    async with switched_on(await log_in(homeserver, account, token=token), folder, clock) as device:
        await come_up(device, signed=signed)
        yield device


async def come_up(device: Phone, *, signed: bool = True) -> None:
    """Publish the keys of a device, sign it by a new identity, and see what there is."""
    await device.machine.upload_keys()
    if signed:
        await ensure_identity(device.gateway, device.machine.olm, Identity.generate(device.user_id))
    await device.sync()


async def reset_identity(gateway: Gateway, olm: Olm, password: str) -> Identity:
    """Put a new identity in the place of the old one, as its owner does with their password, and sign this device."""
    user_id, device_id = gateway.user_id, gateway.device_id
    identity = Identity.generate(user_id)
    auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user_id}, "password": password}
    keys = "/_matrix/client/v3/keys"
    await gateway.request("POST", f"{keys}/device_signing/upload", {**identity.upload_body(), "auth": auth})
    device = signed(olm.device_keys, user_id, public(identity.self_signing), identity.self_signing)
    answer = await gateway.request("POST", f"{keys}/signatures/upload", {user_id: {device_id: device}})
    assert answer.get("failures", {}) == {}, answer
    return identity


@dataclass(frozen=True)
class Forge:
    """Makes the answer of `/keys/query` about one user with one device, whose parts a test then breaks."""

    user_id: str
    device_id: str
    identity: Identity
    device_key: Ed25519PrivateKey

    @classmethod
    def of(cls, user_id: str, device_id: str = "DEVICE") -> Forge:
        return cls(user_id, device_id, Identity.generate(user_id), Ed25519PrivateKey.generate())

    def device(self, **changes: Any) -> dict[str, Any]:
        """The device's key object, signed by itself and by the self-signing key after the changes."""
        bare = {
            "user_id": self.user_id,
            "device_id": self.device_id,
            "algorithms": [OLM, MEGOLM],
            "keys": {f"curve25519:{self.device_id}": "curve", f"ed25519:{self.device_id}": public(self.device_key)},
            **changes,
        }
        own = signed(bare, self.user_id, self.device_id, self.device_key)
        return signed(own, self.user_id, public(self.identity.self_signing), self.identity.self_signing)

    def answer(self) -> dict[str, Any]:
        keys = self.identity.upload_body()
        return {
            "device_keys": {self.user_id: {self.device_id: self.device()}},
            "master_keys": {self.user_id: keys["master_key"]},
            "self_signing_keys": {self.user_id: keys["self_signing_key"]},
        }
