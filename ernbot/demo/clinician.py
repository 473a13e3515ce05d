"""A person with a Matrix client: the counterpart of the bot in the demo, the tests and the benchmarks.

It encrypts for signed devices only and shows only what signed devices sent, as strict clients do. It is a client of its
own account, with its own identity and its own sync; it never looks into the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from ernbot.core.errors import Refused
from ernbot.matrix.caseroom import ENCRYPTION
from ernbot.matrix.errors import MatrixError, Undecryptable, Unreachable
from ernbot.matrix.events import attachment
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity, ensure_identity
from ernbot.matrix.machine import Machine, now
from ernbot.matrix.media import fetch, put
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import Trust
from ernbot.storage.store import Store

PATIENCE = 90.0
T = TypeVar("T")
MAX_FILE = 2**28


@dataclass(frozen=True)
class Seen:
    """One event as this person's client shows it. `encrypted` says how it came; `trusted`, from a signed device."""

    room_id: str
    event_id: str
    sender: str
    type: str
    content: dict[str, Any]
    encrypted: bool = False
    trusted: bool = False

    @property
    def body(self) -> str:
        return str(self.content.get("body", ""))


class Clinician:
    """One person, logged in on one device."""

    def __init__(self, gateway: Gateway, store: Store) -> None:
        self.gateway = gateway
        self.store = store
        self.trust = Trust(gateway, store, now)
        self.machine = Machine(gateway, store, self.trust)
        self.rooms = Rooms(gateway)
        self.seen: list[Seen] = []
        self.invitations: list[str] = []
        self._changed = asyncio.Condition()
        self._locked: list[tuple[str, dict[str, Any]]] = []
        self._syncing: asyncio.Task[None] | None = None

    @classmethod
    async def login(cls, url: str, user_id: str, password: str, folder: Path, *, signed: bool = True) -> Clinician:
        """Log in on a new device and start receiving; without `signed`, the device stays unverified."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user_id},
            "password": password,
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/_matrix/client/v3/login", json=body) as reply,
        ):
            answer = await reply.json()
        if "access_token" not in answer:
            raise MatrixError(reply.status, str(answer.get("errcode")))
        gateway = Gateway(url, answer["user_id"], answer["device_id"], answer["access_token"])
        database = f"sqlite+aiosqlite:///{folder / answer['device_id']}.db"
        person = cls(gateway, await Store.open(database, secrets.token_bytes(32)))
        await person.machine.open()
        await person.machine.upload_keys()
        if signed:
            await ensure_identity(gateway, person.machine.olm, Identity.generate(gateway.user_id))
        await person._receive(await gateway.sync(None, timeout_ms=0))
        person._syncing = asyncio.create_task(person._sync())
        return person

    @property
    def user_id(self) -> str:
        return self.gateway.user_id

    async def close(self) -> None:
        if self._syncing is not None:
            self._syncing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._syncing
        await self.gateway.close()
        await self.store.close()

    # --- receiving

    async def _sync(self) -> None:
        while True:
            try:
                await self._receive(await self.gateway.sync(self._token, timeout_ms=20_000))
            except (MatrixError, Unreachable):
                await asyncio.sleep(0.3)

    async def _receive(self, response: dict[str, Any]) -> None:
        async with self.store.transaction() as tx:
            await self.machine.receive(tx, response)
        rooms = response.get("rooms", {})
        for room_id, room in rooms.get("join", {}).items():
            for event in [*room.get("state", {}).get("events", []), *room["timeline"]["events"]]:
                self.rooms.notice(room_id, event)
            for event in room["timeline"]["events"]:
                await self._show(room_id, event)
        for room_id in rooms.get("leave", {}):
            self.rooms.forget(room_id)
        if response.get("to_device", {}).get("events"):  # which is how a key comes
            locked, self._locked = self._locked, []
            for room_id, event in locked:
                await self._show(room_id, event)
        self._token = response["next_batch"]
        await self.machine.upload_keys()
        async with self._changed:
            self.invitations += [room for room in rooms.get("invite", {}) if room not in self.invitations]
            self._changed.notify_all()

    async def _show(self, room_id: str, event: dict[str, Any]) -> None:
        if event["type"] != "m.room.encrypted":
            self.seen.append(Seen(room_id, event["event_id"], event["sender"], event["type"], event["content"]))
            return
        try:
            async with self.store.transaction() as tx:
                inner = await self.machine.decrypt(tx, room_id, event)
        except Undecryptable as error:
            if error.why == "no-key" and event["content"].get("ciphertext"):
                self._locked.append((room_id, event))
            return
        trusted = True
        try:
            await self.trust.owner(event["sender"], inner.curve25519, inner.ed25519)
        except Refused:
            trusted = False
        self.seen.append(
            Seen(
                room_id, event["event_id"], event["sender"], inner.type, inner.content, encrypted=True, trusted=trusted
            )
        )

    async def wait(self, what: Callable[[], T | None], description: str, patience: float = PATIENCE) -> T:
        """Wait until something is there to see.

        Raises:
            AssertionError: it did not come, with its description.
        """
        async with self._changed:
            try:
                async with asyncio.timeout(patience):
                    while not (found := what()):
                        await self._changed.wait()
                    return found
            except TimeoutError:
                raise AssertionError(f"{self.user_id} waited in vain for {description}") from None

    async def hears(
        self,
        room_id: str,
        text: str,
        *,
        after: str | None = None,
        sender: str | None = None,
        patience: float = PATIENCE,
    ) -> Seen:
        """The first message in a room that contains a text, after an event of ours when one is named."""

        def look() -> Seen | None:
            events = [seen for seen in self.seen if seen.room_id == room_id]
            if after is not None:
                places = [index for index, seen in enumerate(events) if seen.event_id == after]
                if not places:
                    return None
                events = events[places[0] + 1 :]
            return next(
                (
                    seen
                    for seen in events
                    if seen.type == "m.room.message" and text in seen.body and sender in (None, seen.sender)
                ),
                None,
            )

        return await self.wait(look, f"{text!r}", patience)

    async def invited(self, known: Collection[str], patience: float = PATIENCE) -> str:
        """The next room that this person is invited to, apart from those `known` before."""
        return await self.wait(
            lambda: next((room for room in self.invitations if room not in known), None), "an invitation", patience
        )

    async def invited_to(self, room_id: str) -> None:
        """Wait for the invitation into a room."""
        await self.wait(lambda: room_id in self.invitations or None, "the invitation")

    # --- acting

    async def open_chat(self, other: str, *, encrypted: bool = True) -> str:
        """Start a direct chat, as clients do."""
        body = {
            "invite": [other],
            "is_direct": True,
            "preset": "trusted_private_chat",
            "initial_state": [ENCRYPTION] if encrypted else [],
        }
        return await self.gateway.create_room(body)

    async def join(self, room_id: str) -> None:
        await self.gateway.join(room_id)
        await self.wait(lambda: room_id in self._joined() or None, f"its own arrival in {room_id}")

    def _joined(self) -> set[str]:
        return {
            seen.room_id
            for seen in self.seen
            if seen.type == "m.room.member" and seen.content.get("membership") == "join"
        }

    async def send(self, room_id: str, content: dict[str, Any], type: str = "m.room.message") -> str:
        """Send an encrypted event to everybody in the room."""
        view = await self.rooms.view(room_id)
        encrypted = await self.machine.encrypt(room_id, view.joined, type, content, rotation=view.rotation)
        return await self.gateway.send(room_id, "m.room.encrypted", encrypted, secrets.token_hex(8))

    async def say(self, room_id: str, text: str, *, thread: str | None = None, reply_to: str | None = None) -> str:
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        relation: dict[str, Any] = {}
        if reply_to is not None:
            relation["m.in_reply_to"] = {"event_id": reply_to}
        if thread is not None:
            relation |= {"rel_type": "m.thread", "event_id": thread}
        if relation:
            content["m.relates_to"] = relation
        return await self.send(room_id, content)

    async def ask(self, room_id: str, text: str, answer: str, *, thread: str | None = None) -> Seen:
        """Say something and wait for the bot's answer with a text in it."""
        return await self.hears(room_id, answer, after=await self.say(room_id, text, thread=thread))

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.gateway.send(room_id, "m.reaction", {"m.relates_to": relation}, secrets.token_hex(8))

    async def drop(self, room_id: str, name: str, mimetype: str, data: bytes) -> str:
        """Drop a file into a room."""
        content = {
            "msgtype": "m.image" if mimetype.startswith("image/") else "m.file",
            "body": name,
            "filename": name,
            "file": await put(self.gateway, data),
            "info": {"mimetype": mimetype, "size": len(data)},
        }
        return await self.send(room_id, content)

    async def open_file(self, seen: Seen) -> bytes:
        """The plaintext of a file message."""
        file = attachment(seen.content)
        assert file is not None
        return await fetch(self.gateway, file, limit=MAX_FILE)
