"""The stage on which the holes are tried: people with phones, rooms of the real homeserver, forged messages."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import vodozemac
from aiohttp import ClientPayloadError

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import Undecryptable
from ernbot.matrix.identity import Identity, ensure_identity
from ernbot.matrix.keys import encode
from tests.fixtures_homeserver import Account
from tests.matrix.devices import ENCRYPTED, Phone, log_in, phone, switched_on
from tests.matrix.implementations import AnyBot

CLIENT = "/_matrix/client/v3"
OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"

NewAccount = Callable[[str], Awaitable[Account]]


class Stage:
    """A bot of either kind, and people with phones, in rooms of the real homeserver."""

    def __init__(self, homeserver: Homeserver, new_account: NewAccount, folder: Path) -> None:
        self._homeserver = homeserver
        self._new_account = new_account
        self._folder = folder
        self.stack = AsyncExitStack()
        self._running = AsyncExitStack()

    async def start(self, kind: type[AnyBot]) -> AnyBot:
        account = await self._new_account("bot")
        return await kind.start(self._running, self._homeserver, account, self._folder)

    async def restart(self, bot: AnyBot) -> AnyBot:
        """The same bot in a new process, on what the old one left on the disk."""
        await self._running.aclose()
        return await type(bot).start(self._running, self._homeserver, bot.account, self._folder)

    async def close(self) -> None:
        await self._running.aclose()
        await self.stack.aclose()

    async def phone(self, name: str) -> Phone:
        account = await self._new_account(name)
        return await self.stack.enter_async_context(phone(self._homeserver, account, self._folder))

    async def phone_without_keys(self, name: str) -> Phone:
        """A signed device that has published no one-time key."""
        gateway = await log_in(self._homeserver, await self._new_account(name))
        device = await self.stack.enter_async_context(switched_on(gateway, self._folder))
        await gateway.request("POST", f"{CLIENT}/keys/upload", {"device_keys": device.machine.olm.device_keys})
        await ensure_identity(gateway, device.machine.olm, Identity.generate(gateway.user_id))
        return device


async def meet(bot: AnyBot, *members: Phone, asleep: Phone | None = None) -> str:
    """An encrypted room in which the bot and these people are, and know that they are."""
    host, *others = members
    users = [bot.user_id, *(other.user_id for other in others)]
    room = await host.gateway.create_room({"invite": users, "initial_state": [ENCRYPTED]})
    for line in (bot.line, *(other.gateway for other in others)):
        await line.join(room)
    for member in members:
        if member is not asleep:
            await member.sync()
    await bot.turn()
    return room


async def send(speaker: Phone, room: str, content: dict[str, Any]) -> str:
    return await speaker.gateway.send(room, "m.room.encrypted", content, secrets.token_hex(8))


async def say(speaker: Phone, room: str, body: str, bot: AnyBot) -> str:
    content = {"msgtype": "m.text", "body": body}
    users = {speaker.user_id, bot.user_id}
    return await send(speaker, room, await speaker.machine.encrypt(room, users, "m.room.message", content))


async def share(speaker: Phone, room: str, bot: AnyBot) -> vodozemac.GroupSession:
    """A room key that the bot is given, for whatever its owner wants to encrypt with it."""
    group = vodozemac.GroupSession()
    devices = await speaker.trust.devices([bot.user_id])
    message = speaker.machine.megolm.key_message(room, group)
    assert await speaker.machine.channels.send(devices, "m.room_key", message)
    return group


def sealed(speaker: Phone, group: vodozemac.GroupSession, plaintext: bytes) -> dict[str, Any]:
    """The content of an event with any plaintext."""
    return {
        "algorithm": MEGOLM,
        "sender_key": speaker.key,
        "device_id": speaker.gateway.device_id,
        "session_id": group.session_id,
        "ciphertext": group.encrypt(plaintext).to_base64(),
    }


def plaintext(room: str, body: str = "forged", **changes: Any) -> bytes:
    frame = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": body}}
    return json.dumps({**frame, **changes}).encode()


async def read(reader: Phone, room: str, bot: AnyBot) -> list[str]:
    """What the bot said in a room, as this person's phone reads it; `?` for what it cannot read."""
    await reader.sync()
    said = []
    for event in await timeline(reader, room, bot):
        try:
            said.append(str((await reader.decrypt(room, event)).content["body"]))
        except Undecryptable:
            said.append("?")
    return said


async def timeline(reader: Phone, room: str, bot: AnyBot) -> list[dict[str, Any]]:
    """The encrypted events of the bot in a room, the oldest first."""
    path = f"{CLIENT}/rooms/{room}/messages"
    page = await reader.gateway.request("GET", path, query={"dir": "b", "limit": "100"})
    events = [event for event in page["chunk"] if event["type"] == "m.room.encrypted"]
    return [event for event in events if event["sender"] == bot.user_id][::-1]


async def claim(claimant: Phone, bot: AnyBot) -> dict[str, Any] | None:
    """A one-time key of the bot's; None when there is none left but a fallback key."""
    body = {"one_time_keys": {bot.user_id: {bot.device_id: "signed_curve25519"}}}
    answer = await claimant.gateway.request("POST", f"{CLIENT}/keys/claim", body)
    keys = answer["one_time_keys"].get(bot.user_id, {}).get(bot.device_id, {})
    return next((key for key in keys.values() if not key.get("fallback")), None)


def letter(writer: Phone, bot: AnyBot, one_time_key: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content of a first to-device message of a new device, which says that it is a room key."""
    account = vodozemac.Account()
    theirs, key = (vodozemac.Curve25519PublicKey.from_base64(it) for it in (bot.keys[0], one_time_key))
    payload = {
        "sender": writer.user_id,
        "keys": {"ed25519": account.ed25519_key.to_base64()},
        "recipient": bot.user_id,
        "recipient_keys": {"ed25519": bot.keys[1]},
        "type": "m.room_key",
        "content": {"algorithm": MEGOLM, "room_id": "!letter:ern.localhost", **content},
    }
    _, body = account.create_outbound_session(theirs, key).encrypt(json.dumps(payload).encode()).to_parts()
    return envelope(bot, encode(body), account.curve25519_key.to_base64())


def envelope(bot: AnyBot, body: str, sender_key: str) -> dict[str, Any]:
    return {"algorithm": OLM, "sender_key": sender_key, "ciphertext": {bot.keys[0]: {"type": 0, "body": body}}}


def room_key() -> dict[str, Any]:
    group = vodozemac.GroupSession()
    return {"session_id": group.session_id, "session_key": group.session_key.to_base64()}


async def post(writer: Phone, bot: AnyBot, content: dict[str, Any]) -> None:
    """Send a to-device message as it is."""
    path = f"{CLIENT}/sendToDevice/m.room.encrypted/{secrets.token_hex(8)}"
    await writer.gateway.request("PUT", path, {"messages": {bot.user_id: {bot.device_id: content}}})


def to_device(writer: Phone, content: dict[str, Any]) -> dict[str, Any]:
    """A sync response with one to-device message, as a homeserver may make it."""
    event = {"type": "m.room.encrypted", "sender": writer.user_id, "content": content}
    return {"next_batch": secrets.token_hex(8), "to_device": {"events": [event]}}


@contextmanager
def line_cut(bot: AnyBot, part: str, *, silent: bool = False) -> Iterator[None]:
    """Requests whose path has this part are lost: the connection breaks, or with `silent` nobody ever answers."""
    real = bot.nio.send

    async def cut(method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if part in path and silent:
            await asyncio.Event().wait()
        if part in path:
            raise ClientPayloadError
        return await real(method, path, *arguments, **options)

    setattr(bot.nio, "send", cut)  # noqa: B010
    try:
        yield
    finally:
        delattr(bot.nio, "send")


async def in_time(work: Awaitable[None], seconds: float = 5) -> None:
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise AssertionError("it hangs") from None
