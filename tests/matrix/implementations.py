"""Two bots behind one face: ours, and one on plain matrix-nio 0.26.0 as its documentation writes them.

Both are accounts of the real homeserver. They are stepped by hand, one sync at a time, so that a test says when
something happens and what is in a response.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nio import (
    AsyncClient,
    AsyncClientConfig,
    KeysQueryResponse,
    MatrixRoom,
    RoomKeyEvent,
    RoomMemberEvent,
    RoomMessageText,
    RoomSendResponse,
    SyncResponse,
)

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.delivery import Delivery
from ernbot.matrix.dispatch import Dispatcher
from ernbot.matrix.gaps import Gaps
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import SECRET, Identity, ensure_identity
from ernbot.matrix.intake import Intake
from ernbot.matrix.keys import public, signed
from ernbot.matrix.machine import now
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sync import Sync
from ernbot.storage.records import InboxItem
from tests.fixtures_homeserver import Account
from tests.matrix.devices import Phone, log_in, switched_on

_CLIENT = "/_matrix/client/v3"


class Died(AssertionError):
    """What one response brought ended the loop that receives."""


class Crash(BaseException):
    """The power is cut."""


@dataclass(frozen=True)
class Heard:
    """A message that was decrypted and handed on."""

    event_id: str
    sender: str
    body: str


class Bot:
    """What both have in common: where they live, and what they heard."""

    def __init__(self, account: Account, folder: Path, line: Gateway) -> None:
        self.account = account
        self.folder = folder
        self.line = line
        """Requests to the homeserver that the bot itself knows nothing of."""
        self.since: str | None = None
        self.heard: list[Heard] = []
        self.keys_heard = 0
        self.greets = False
        """Whether it greets whoever comes into a room."""
        self.on_message: Callable[[Heard], Awaitable[None]] = self._note

    @property
    def user_id(self) -> str:
        return self.line.user_id

    @property
    def device_id(self) -> str:
        return self.line.device_id

    async def _note(self, message: Heard) -> None:
        self.heard.append(message)

    def hears(self, *bodies: str) -> bool:
        """Whether it heard exactly these messages, in this order."""
        return [message.body for message in self.heard] == list(bodies)


class Ours(Bot):
    """Our gateway, machine, sync, dispatcher and delivery on a database of SQLite."""

    phone: Phone

    @classmethod
    async def start(cls, stack: AsyncExitStack, homeserver: Homeserver, account: Account, folder: Path) -> Ours:
        bot = cls(account, folder, await log_in(homeserver, account))
        stack.push_async_callback(bot.line.close)
        bot.phone = await stack.enter_async_context(switched_on(await log_in(homeserver, account), folder))
        machine, store, gateway = bot.phone.machine, bot.phone.store, bot.phone.gateway
        await machine.upload_keys()

        async with store.transaction() as tx:
            if await tx.secret(SECRET) is None:
                await tx.set_secret(SECRET, Identity.generate(gateway.user_id).to_bytes())
            seeds, bot.since = await tx.secret(SECRET), await tx.sync_token()
        assert seeds is not None
        await ensure_identity(gateway, machine.olm, Identity.from_bytes(gateway.user_id, seeds))
        rooms = Rooms(gateway)
        trust, intake, unused = bot.phone.trust, Intake(machine, clock=now), cast(Any, None)
        bot.sync = Sync(gateway, machine, intake, trust, rooms, store, clock=now, wake=lambda: None)
        bot.delivery = Delivery(gateway, machine, rooms, store, unused, clock=now)
        bot.dispatcher = _Listener(
            gateway,
            machine,
            Gaps(gateway, intake, store),
            trust,
            rooms,
            store,
            unused,
            unused,
            clock=now,
            wake_sender=lambda: None,
            wake_jobs=lambda: None,
            restore=unused,
        )
        bot.dispatcher.bot = bot
        bot._count_keys()
        return bot

    sync: Sync
    delivery: Delivery
    dispatcher: _Listener

    def _count_keys(self) -> None:
        megolm = self.phone.machine.megolm
        take = megolm.take

        async def counted(*arguments: Any) -> str:
            session_id = await take(*arguments)
            self.keys_heard += 1
            return session_id

        setattr(megolm, "take", counted)  # noqa: B010

    @property
    def nio(self) -> AsyncClient:
        return self.phone.gateway.nio

    @property
    def keys(self) -> tuple[str, str]:
        """Curve25519 and Ed25519 of the device."""
        return self.phone.key, self.phone.machine.olm.ed25519

    async def pull(self) -> dict[str, Any]:
        return await self.line.sync(self.since, timeout_ms=0)

    async def feed(self, response: dict[str, Any]) -> None:
        """What the loop does with a response, and what it wakes."""
        try:
            self.since = await self.sync.receive(response, self.since)
        except Exception as error:
            raise Died(type(error).__name__) from error
        async with self.phone.store.transaction() as tx:
            pending = await tx.pending()
        for item in pending:
            await self.dispatcher._handle(item)
        await self.phone.machine.tend()

    async def turn(self) -> None:
        await self.feed(await self.pull())

    async def send(self, room: str, body: str) -> None:
        await self.delivery.send(room, {"msgtype": "m.text", "body": body}, secrets.token_hex(8))

    def crash_at_the_first_key(self) -> None:
        async def crash(*_arguments: object) -> str:
            raise Crash

        setattr(self.phone.machine.megolm, "take", crash)  # noqa: B010


class _Listener(Dispatcher):
    """Hands on what was said instead of answering it."""

    bot: Ours

    async def _by_kind(self, item: InboxItem) -> None:
        if item.kind == "message":
            await self.bot.on_message(Heard(item.event_id, item.sender, item.payload["content"].get("body", "")))
        elif item.kind == "join" and self.bot.greets and item.payload["user"] != self.bot.user_id:
            await self.bot.send(item.room_id, "welcome")
        await self._done(item)


class PlainNio(Bot):
    """A client of matrix-nio with its own store, its device signed by the recipe that clients ask for."""

    client: AsyncClient

    @classmethod
    async def start(cls, stack: AsyncExitStack, homeserver: Homeserver, account: Account, folder: Path) -> PlainNio:
        bot = cls(account, folder, await log_in(homeserver, account))
        stack.push_async_callback(bot.line.close)
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True, pickle_key="0" * 32)
        client = bot.client = AsyncClient(homeserver.url, bot.user_id, bot.device_id, str(folder), config)
        stack.push_async_callback(client.close)
        client.restore_login(bot.user_id, bot.device_id, account.token)
        bot.since = client.loaded_sync_token or None
        if client.should_upload_keys:
            await client.keys_upload()
            await bot._sign()
        client.add_event_callback(bot._on_text, RoomMessageText)
        client.add_event_callback(bot._on_member, RoomMemberEvent)
        client.add_to_device_callback(bot._on_key, RoomKeyEvent)
        return bot

    async def _sign(self) -> None:
        """An identity for the account, and its signature on the device."""
        identity = Identity.generate(self.user_id)
        await self.line.request("POST", f"{_CLIENT}/keys/device_signing/upload", identity.upload_body())
        answer = await self.line.request("POST", f"{_CLIENT}/keys/query", {"device_keys": {self.user_id: []}})
        device = answer["device_keys"][self.user_id][self.device_id]
        bare = {key: value for key, value in device.items() if key != "unsigned"}
        vouched = signed(bare, self.user_id, public(identity.self_signing), identity.self_signing)
        body = {self.user_id: {self.device_id: vouched}}
        await self.line.request("POST", f"{_CLIENT}/keys/signatures/upload", body)

    async def _on_text(self, _room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != self.user_id and event.decrypted:
            await self.on_message(Heard(event.event_id, event.sender, event.body))

    async def _on_member(self, room: MatrixRoom, event: RoomMemberEvent) -> None:
        if self.greets and event.membership == "join" and event.state_key != self.user_id:
            await self.send(room.room_id, "welcome")

    async def _on_key(self, _event: RoomKeyEvent) -> None:
        self.keys_heard += 1

    @property
    def nio(self) -> AsyncClient:
        return self.client

    @property
    def keys(self) -> tuple[str, str]:
        names = self.client.olm.account.identity_keys
        return names["curve25519"], names["ed25519"]

    async def pull(self) -> dict[str, Any]:
        since = {"since": self.since} if self.since else {}
        return await self.line.request("GET", f"{_CLIENT}/sync", query={"timeout": "0", **since})

    async def feed(self, response: dict[str, Any]) -> None:
        """What `sync_forever` does with a response, and what it sends before the next one."""
        parsed = SyncResponse.from_dict(copy.deepcopy(response))
        if not isinstance(parsed, SyncResponse):
            raise Died("the response was refused as a whole")
        client = self.client
        try:
            await client.receive_response(parsed)
            self.since = client.next_batch
            await client.send_to_device_messages()
            if client.should_upload_keys:
                await client.keys_upload()
            if client.should_query_keys:
                assert isinstance(await client.keys_query(), KeysQueryResponse)
            if client.should_claim_keys:
                await client.keys_claim(client.get_users_for_key_claiming())
        except Exception as error:
            raise Died(type(error).__name__) from error

    async def turn(self) -> None:
        await self.feed(await self.pull())

    async def send(self, room: str, body: str) -> None:
        content = {"msgtype": "m.text", "body": body}
        answer = await self.client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        assert isinstance(answer, RoomSendResponse), answer

    def crash_at_the_first_key(self) -> None:
        async def crash(_event: object) -> None:
            raise Crash

        self.client.add_to_device_callback(crash, RoomKeyEvent)


AnyBot = Ours | PlainNio
IMPLEMENTATIONS = SimpleNamespace(ours=Ours, nio=PlainNio)
