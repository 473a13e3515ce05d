"""Accounts with a device that other people's clients trust, and nothing behind it: no sync, no store, no machine.

They are whom a room key is shared with, who fills rooms, and, in the flood, who attacks.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp
from vodozemac import Account

from ernbot.demo.homeserver import Homeserver, register
from ernbot.matrix.identity import Identity
from ernbot.matrix.keys import canonical, public, signed

CLIENT = "/_matrix/client/v3"
ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]


@dataclass(frozen=True)
class Caller:
    """Requests with one access token."""

    http: aiohttp.ClientSession
    token: str
    user_id: str
    device_id: str

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request; what the homeserver refuses raises `aiohttp.ClientResponseError`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body)
        async with self.http.request(method, CLIENT + path, data=data, headers=headers) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
        return found

    async def send(self, room_id: str, type: str, content: object) -> str:
        """Send an event as it is; its id."""
        answer = await self.call("PUT", f"/rooms/{room_id}/send/{type}/{secrets.token_hex(8)}", content)
        return str(answer["event_id"])

    async def send_to_device(self, user_id: str, device_id: str, type: str, content: object) -> None:
        body = {"messages": {user_id: {device_id: content}}}
        await self.call("PUT", f"/sendToDevice/{type}/{secrets.token_hex(8)}", body)


@dataclass(frozen=True)
class Device:
    """A device with published keys. `olm` is its account."""

    caller: Caller
    olm: Account

    @property
    def user_id(self) -> str:
        return self.caller.user_id

    @property
    def curve25519(self) -> str:
        return self.olm.curve25519_key.to_base64()

    @property
    def ed25519(self) -> str:
        return self.olm.ed25519_key.to_base64()


async def whoami(http: aiohttp.ClientSession, token: str) -> Caller:
    """Whose token it is."""
    answer = await Caller(http, token, "", "").call("GET", "/account/whoami")
    return Caller(http, token, answer["user_id"], answer["device_id"])


async def new_account(hs: Homeserver, http: aiohttp.ClientSession, localpart: str) -> Caller:
    """A new account, logged in, without keys."""
    return await whoami(http, await register(hs, localpart, secrets.token_hex(16)))


async def log_in(http: aiohttp.ClientSession, user_id: str, password: str) -> Caller:
    """A new device of an account, without keys."""
    identifier = {"type": "m.id.user", "user": user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": password}
    answer = await Caller(http, "", "", "").call("POST", "/login", body)
    return Caller(http, answer["access_token"], answer["user_id"], answer["device_id"])


async def new_device(hs: Homeserver, http: aiohttp.ClientSession, localpart: str, one_time_keys: int) -> Device:
    """A new account whose device is signed by its identity and can be given room keys `one_time_keys` times."""
    return await equip(await new_account(hs, http, localpart), one_time_keys)


async def equip(caller: Caller, one_time_keys: int) -> Device:
    """Publish keys for a device that has none, and an identity that vouches for it."""
    olm = Account()
    user_id, device_id = caller.user_id, caller.device_id

    def with_signature(value: dict[str, Any]) -> dict[str, Any]:
        signature = olm.sign(canonical(value)).to_base64()
        return {**value, "signatures": {user_id: {f"ed25519:{device_id}": signature}}}

    keys = {
        f"curve25519:{device_id}": olm.curve25519_key.to_base64(),
        f"ed25519:{device_id}": olm.ed25519_key.to_base64(),
    }
    device = {
        "user_id": user_id,
        "device_id": device_id,
        "algorithms": ALGORITHMS,
        "keys": keys,
    }
    olm.generate_one_time_keys(min(one_time_keys, olm.max_number_of_one_time_keys))
    prepared = {
        f"signed_curve25519:{name}": with_signature({"key": key.to_base64()}) for name, key in olm.one_time_keys.items()
    }
    olm.mark_keys_as_published()
    await caller.call("POST", "/keys/upload", {"device_keys": with_signature(device), "one_time_keys": prepared})
    await sign_device(caller)
    return Device(caller, olm)


async def sign_device(caller: Caller) -> None:
    """Give the account an identity that vouches for its device; nobody needs the identity again."""
    user_id, device_id = caller.user_id, caller.device_id
    identity = Identity.generate(user_id)
    await caller.call("POST", "/keys/device_signing/upload", identity.upload_body())
    answer = await caller.call("POST", "/keys/query", {"device_keys": {user_id: []}})
    device = answer["device_keys"][user_id][device_id]
    device.pop("unsigned", None)
    vouched = signed(device, user_id, public(identity.self_signing), identity.self_signing)
    await caller.call("POST", "/keys/signatures/upload", {user_id: {device_id: vouched}})
