"""A whole installation and the people who use it: homeserver, bridge and bot as an administrator starts them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import pytest_asyncio

from ernbot.core.case import Case
from ernbot.core.states import Action
from ernbot.demo import homeserver as embedded
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.installation import Installation
from ernbot.demo.installation import installation as install
from ernbot.storage.records import CaseFile
from ernbot.storage.store import Store

PATIENCE = 90.0
"""Seconds that a test waits for what must come; a loaded machine may need far more than is usual."""


MAX_MEGABYTES = 1
"""The limit of files in the shared installation."""

T = TypeVar("T")


async def eventually(check: Callable[[], Awaitable[T]], description: str) -> T:
    """Ask again until the answer is something: for what no client is told of by a sync."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if result := await check():
                    return result
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {description}") from None


@dataclass
class House:
    """An installation with its bot running, and its people, each logged in once on one signed device."""

    place: Installation
    stack: contextlib.AsyncExitStack
    _people: dict[str, Clinician] = field(default_factory=dict)
    _chats: dict[str, str] = field(default_factory=dict)

    @property
    def bot(self) -> str:
        return self.place.homeserver.bot_user_id

    @property
    def url(self) -> str:
        return self.place.homeserver.url

    def user(self, name: str) -> str:
        return f"@{name}:{self.place.homeserver.server_name}"

    # --- people

    async def person(self, name: str) -> Clinician:
        """Somebody of the networks by user name. Their device is signed, and stays for the whole session."""
        if name not in self._people:
            self._people[name] = await self.another_device(name, signed=True)
        return self._people[name]

    async def another_device(self, name: str, *, signed: bool = False) -> Clinician:
        """One more device of somebody; only the first one can be signed, whose keys nobody keeps."""
        user_id = self.user(name)
        password = self.place.passwords[user_id]
        device = await Clinician.login(self.url, user_id, password, self.place.folder / "people", signed=signed)
        self.stack.push_async_callback(device.close)
        return device

    async def chat(self, name: str) -> tuple[Clinician, str]:
        """Somebody and their direct chat with the bot, in which they have been greeted."""
        person = await self.person(name)
        if name not in self._chats:
            self._chats[name] = room = await person.open_chat(self.bot)
            await person.hears(room, "Hello", sender=self.bot, patience=PATIENCE)
        return person, self._chats[name]

    async def case(
        self,
        name: str,
        question: str = "What would you advise?",
        *,
        consent: str | None = "care,images",
        panel: Sequence[str] = (),
    ) -> str:
        """The room of a new case of somebody, with consent and experts who have come in."""
        lead, chat = await self.chat(name)
        known = set(lead.invitations)
        await lead.say(chat, f"!case new ern-cranio {question}")
        room = await lead.invited(known, PATIENCE)
        await lead.join(room)
        await lead.hears(room, "Question", sender=self.bot, patience=PATIENCE)
        if consent is not None:
            await self.ask(lead, room, f"!consent give {consent} form=2.1 lang=da signer=parent signed=2026-03-31")
        if panel:
            await self.ask(lead, room, f"!panel invite {' '.join(panel)}")
            for expert in panel:
                await self.come(expert, room)
        return room

    async def come(self, name: str, room: str) -> Clinician:
        """Somebody accepts their invitation to a room, and sees its card."""
        person = await self.person(name)
        await person.wait(lambda: room in person.invitations or None, "an invitation", PATIENCE)
        await person.join(room)
        await person.hears(room, "Question", sender=self.bot, patience=PATIENCE)
        return person

    # --- what the bot answers

    def answers(self, reader: Clinician, event_id: str) -> list[Seen]:
        """Every message of the bot that replies to an event, as this person's client shows it."""
        return [
            seen
            for seen in reader.seen
            if seen.sender == self.bot
            and seen.type == "m.room.message"
            and _dict(_dict(seen.content.get("m.relates_to")).get("m.in_reply_to")).get("event_id") == event_id
        ]

    async def answer(self, reader: Clinician, event_id: str, patience: float = PATIENCE) -> Seen:
        """The bot's answer to an event."""
        return await reader.wait(
            lambda: next(iter(self.answers(reader, event_id)), None), f"the answer to {event_id}", patience
        )

    async def ask(self, person: Clinician, room: str, text: str) -> Seen:
        """Say something in a room; the bot's answer to exactly that message."""
        return await self.answer(person, await person.say(room, text))

    async def is_well(self, name: str) -> None:
        """The bot still answers, so it lives, and it has handled everything that came before in this chat."""
        person, chat = await self.chat(name)
        assert "What you can do" in (await self.ask(person, chat, "!help")).body

    # --- the processes

    async def restart_bot(self) -> None:
        await self.place.stop_bot()
        await self.place.start_bot()

    async def kill_bot(self) -> None:
        """SIGKILL, in the middle of whatever it is doing."""
        assert self.place.bot is not None
        await self.place.bot.kill()
        await self.place.bot.stop()

    def store(self) -> contextlib.AbstractAsyncContextManager[Store]:
        """The bot's database, opened with the master key as an administrator could."""
        return self.place.store()

    async def look(self, room: str, requester: str) -> tuple[Case, list[CaseFile]]:
        """A case and its files as the database has them now, read as its requester."""
        async with self.store() as store, store.transaction() as tx:
            now = datetime.now(UTC)
            case = await tx.case_in(room, self.user(requester), Action.READ, self.place.directory, now)
            return case, await tx.files(case.id)

    async def kill_homeserver(self) -> None:
        """SIGKILL, and wait until nobody answers any more."""
        os.kill(self.place.homeserver.pid, signal.SIGKILL)
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            with contextlib.suppress(aiohttp.ClientConnectionError):
                while True:
                    async with session.get(f"{self.url}/health"):
                        await asyncio.sleep(0.05)

    async def revive_homeserver(self) -> None:
        """The same homeserver once more, on the same folder and ports."""
        folder = self.place.folder / "homeserver"
        self.place.homeserver = await self.stack.enter_async_context(embedded.homeserver(folder))

    # --- what the homeserver knows

    def secret(self, name: str) -> str:
        return self.place.secret(name)

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """A request with a token, the administrator's unless another is given; status and answer."""
        headers = {"Authorization": f"Bearer {token or self.secret('admin_token')}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.url}{path}", json=body) as response,
        ):
            return response.status, await response.json()

    async def state(self, room: str) -> list[dict[str, Any]]:
        """All state of a room, read with an administrator's rights."""
        status, answer = await self.request("GET", f"/_synapse/admin/v1/rooms/{room}/state")
        assert status == 200, answer
        return list(answer["state"])

    async def rooms(self) -> list[str]:
        """The ids of all rooms of the homeserver."""
        status, answer = await self.request("GET", "/_synapse/admin/v1/rooms?limit=5000")
        assert status == 200, answer
        return [room["room_id"] for room in answer["rooms"]]

    async def timeline(self, reader: Clinician, room: str) -> list[dict[str, Any]]:
        """What the homeserver has of a room for this person, oldest first, encrypted events as they are."""
        path = f"/_matrix/client/v3/rooms/{room}/messages"
        answer = await reader.gateway.request("GET", path, query={"dir": "f", "limit": "1000"})
        return list(answer["chunk"])


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@contextlib.asynccontextmanager
async def house(folder: Path, *, settings: str = "", database: str | None = None) -> AsyncIterator[House]:
    """An installation of one's own with `settings` added to ernbot.toml, at its [files], its bot running."""
    async with install(folder, database=database) as place, contextlib.AsyncExitStack() as stack:
        with place.settings.open("a") as file:
            file.write(settings)
        await place.start_bot()
        yield House(place, stack)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One installation for all tests of a session. Whoever stops a part of it starts it again."""
    # A small limit, so that a file beyond it need not be large.
    settings = f"max_megabytes = {MAX_MEGABYTES}\n"
    async with house(tmp_path_factory.mktemp("house"), settings=settings) as running:
        yield running
