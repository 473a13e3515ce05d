"""Observes a homeserver and applies the changes of a plan: accounts by its administration interface, rooms as
the bot, by masquerading with the application service's token, so that the bot alone holds power in them.

It may be interrupted anywhere: what was done is seen by the next observation, and the rest is planned again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from bridge.client import Client, path
from bridge.errors import BridgeError, Rejected
from bridge.plan import (
    Actual,
    Change,
    Desired,
    ExemptBot,
    FileRoom,
    FoundAccount,
    FoundRoom,
    Invite,
    MakeAccount,
    MakeBot,
    MakeRoom,
    NameAccount,
    NameRoom,
    Remove,
    Room,
    SignInBot,
)

MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
UNLIMITED = {"messages_per_second": 0, "burst_count": 0}  # Synapse's way to say: exempt


async def bot_credentials(hs_url: str, as_token: str, localpart: str, device_id: str) -> str:
    """Sign the bot in as `device_id` without a password, making its account when needed; its access token.

    `localpart` must lie in the application service's namespace. Signing in again replaces the device's token
    and keeps its keys. Raises `Rejected` or `Unreachable`.
    """
    async with aiohttp.ClientSession() as session:
        service = Client(session, hs_url, as_token)
        await _register(service, localpart)
        return await _sign_in(service, localpart, device_id)


async def _register(service: Client, localpart: str) -> None:
    body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True}
    try:
        await service.call("POST", "/_matrix/client/v3/register", body)
    except Rejected as refusal:
        if refusal.errcode != "M_USER_IN_USE":
            raise


async def _sign_in(service: Client, localpart: str, device_id: str) -> str:
    body = {
        "type": "m.login.application_service",
        "identifier": {"type": "m.id.user", "user": localpart},
        "device_id": device_id,
        "initial_device_display_name": "Case rooms",
    }
    return str((await service.call("POST", "/_matrix/client/v3/login", body))["access_token"])


class Homeserver:
    """One homeserver, seen as its administrator and as the bot."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        as_token: str,
        admin_token: str,
        bot: str,
        device_id: str,
        token_file: Path,
    ) -> None:
        self._service = Client(session, url, as_token)
        self._admin = Client(session, url, admin_token)
        self._session, self._url = session, url
        self._bot, self._device_id, self._token_file = bot, device_id, token_file
        self._room_ids: dict[str, str] = {}

    async def observe(self, desired: Desired) -> Actual:
        """What there is of what is desired. Raises `Rejected` or `Unreachable`."""
        accounts: dict[str, FoundAccount] = {}
        for user_id in desired.accounts:
            if found := await self._admin.call_or_none("GET", path("_synapse", "admin", "v2", "users", user_id)):
                accounts[user_id] = FoundAccount(found.get("displayname") or "", not found["deactivated"])
        rooms: dict[str, FoundRoom] = {}
        for room in desired.rooms:
            where = path("_matrix", "client", "v3", "directory", "room", room.alias)
            if found := await self._service.call_or_none("GET", where):
                rooms[room.alias] = await self._observe_room(found["room_id"])
                self._room_ids[room.alias] = found["room_id"]
        exempt = self._bot in accounts and await self._is_exempt()
        return Actual(accounts, rooms, exempt, await self._is_signed_in())

    async def _observe_room(self, room_id: str) -> FoundRoom:
        where = path("_matrix", "client", "v3", "rooms", room_id, "state")
        state: list[dict[str, Any]] = await self._service.call("GET", where, as_user=self._bot)
        members = {event["state_key"]: event for event in state if event["type"] == "m.room.member"}
        return FoundRoom(
            room_id,
            next((event["content"].get("name", "") for event in state if event["type"] == "m.room.name"), ""),
            frozenset(e["state_key"] for e in state if e["type"] == "m.space.child" and e["content"].get("via")),
            frozenset(u for u, e in members.items() if e["content"].get("membership") in ("invite", "join")),
            frozenset(u for u, e in members.items() if e["content"].get("membership") == "leave" and e["sender"] == u),
        )

    async def _is_exempt(self) -> bool:
        return bool(await self._admin.call("GET", self._rate_limit_path()) == UNLIMITED)

    def _rate_limit_path(self) -> str:
        return path("_synapse", "admin", "v1", "users", self._bot, "override_ratelimit")

    async def _is_signed_in(self) -> bool:
        """Whether the token file still holds a token of the bot's own device."""
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
        except OSError:
            return False
        try:
            me = await Client(self._session, self._url, token).call("GET", "/_matrix/client/v3/account/whoami")
        except Rejected:
            return False
        return (me.get("user_id"), me.get("device_id")) == (self._bot, self._device_id)

    async def apply(self, change: Change, passwords: Passwords | None = None) -> None:
        """Make one change; those of a plan in its order, after `observe` on this object.

        New accounts get a password only when `passwords` takes it down. Raises `Rejected` or `Unreachable`.
        """
        match change:
            case MakeBot():
                await _register(self._service, self._localpart)
            case ExemptBot():
                await self._admin.call("POST", self._rate_limit_path(), UNLIMITED)
            case SignInBot():
                token = await _sign_in(self._service, self._localpart, self._device_id)
                _write_secret(self._token_file, token + "\n")
            case MakeAccount(user_id, name):
                password = {"password": passwords.new_for(user_id)} if passwords else {}
                await self._admin.call("PUT", _account(user_id), {"displayname": name, **password})
            case NameAccount(user_id, name):
                await self._admin.call("PUT", _account(user_id), {"displayname": name})
            case MakeRoom(room):
                self._room_ids[room.alias] = await self._make_room(room)
            case NameRoom(alias, name):
                await self._set_state(alias, "m.room.name", "", {"name": name})
            case FileRoom(parent, alias):
                via = {"via": [self._bot.partition(":")[2]]}
                await self._set_state(alias, "m.space.parent", self._room_ids[parent], {**via, "canonical": True})
                await self._set_state(parent, "m.space.child", self._room_ids[alias], {**via, "suggested": True})
            case Invite(alias, user_id):
                await self._in_room(alias, "invite", {"user_id": user_id})
            case Remove(alias, user_id):
                await self._in_room(alias, "kick", {"user_id": user_id, "reason": "No longer in the directory"})

    @property
    def _localpart(self) -> str:
        return self._bot[1:].partition(":")[0]

    async def _make_room(self, room: Room) -> str:
        # The preset private_chat would let everybody invite, and would encrypt a space, which holds only state.
        state: list[dict[str, Any]] = [
            {"type": "m.room.join_rules", "content": {"join_rule": "invite"}},
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
            {"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}},
        ]
        if room.parent is not None:
            state.append({"type": "m.room.encryption", "content": MEGOLM})
        body = {
            "preset": "public_chat",
            "visibility": "private",
            "room_alias_name": room.alias[1:].partition(":")[0],
            "name": room.name,
            "topic": room.topic,
            "creation_content": {"m.federate": False, **({} if room.parent else {"type": "m.space"})},
            "initial_state": state,
            "power_level_content_override": {
                "invite": 100,
                "state_default": 100,
                "events_default": 0 if room.parent else 100,
            },
        }
        made = await self._service.call("POST", "/_matrix/client/v3/createRoom", body, as_user=self._bot)
        return str(made["room_id"])

    async def _set_state(self, alias: str, kind: str, key: str, content: object) -> None:
        where = path("_matrix", "client", "v3", "rooms", self._room_ids[alias], "state", kind, key)
        await self._service.call("PUT", where, content, as_user=self._bot)

    async def _in_room(self, alias: str, verb: str, body: object) -> None:
        where = path("_matrix", "client", "v3", "rooms", self._room_ids[alias], verb)
        await self._service.call("POST", where, body, as_user=self._bot)


class Passwords:
    """A new file, readable by its owner alone, that takes down a first password for each new account.

    One line per account, `user id`, a tab, `password`. Each is on the disk before the account is made.
    """

    def __init__(self, file: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(12)) -> None:
        """Raises `BridgeError` when the file exists already."""
        if file.exists():
            raise BridgeError(f"{file} exists already. Name a new file for the passwords.")
        self._file, self._make = file, make

    def new_for(self, user_id: str) -> str:
        """Raises `BridgeError` when the file cannot be written."""
        password = self._make()
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise BridgeError(f"{self._file}: the passwords cannot be written: {error.strerror}.") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as book:
            book.write(f"{user_id}\t{password}\n")
            book.flush()
            os.fsync(descriptor)
        return password


def _account(user_id: str) -> str:
    return path("_synapse", "admin", "v2", "users", user_id)


def _write_secret(file: Path, text: str) -> None:
    """Replace the file as a whole, so that the bot never reads half a token."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)
