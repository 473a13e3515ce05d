"""Verification of the bot by emoji with a client that is not ours: what its person sees, presses and gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import pytest_asyncio

from ernbot.demo.installation import DEVICE_ID, Installation, installation
from ernbot.matrix.keys import verifies
from tests.interop.strict_client import StrictClient, strict_client

pytestmark = pytest.mark.homeserver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation of its own with a running bot."""
    async with installation(tmp_path_factory.mktemp("verification")) as running:
        await running.start_bot()
        yield running


def _user_id(place: Installation, localpart: str) -> str:
    return f"@{localpart}:{place.homeserver.server_name}"


def _person(place: Installation, localpart: str) -> AbstractAsyncContextManager[StrictClient]:
    user_id = _user_id(place, localpart)
    log = place.folder / "log" / f"{localpart}.log"
    return strict_client(place.homeserver.url, user_id, place.passwords[user_id], log)


async def _chat(place: Installation, person: StrictClient) -> str:
    chat = str(await person.ask("open_chat", user=place.homeserver.bot_user_id))
    await person.hears(chat, "Hello")
    return chat


async def _see(person: StrictClient, chat: str, name: str, *, start: bool = True) -> None:
    """Wait for the emoji on the screen; the bot sees the same ones by the same names in the same order."""
    seen = len(person.shown)
    sas: dict[str, Any] = await person.ask("see_emoji", name=name, start=start)
    said = await person.hears(chat, "Compare with your screen", after=seen - min(seen, 4))
    lines = [line.removeprefix("- ") for line in said.body.splitlines() if line.startswith("- ")]
    assert lines == [f"{symbol} {word}" for symbol, word in sas["emoji"]]
    assert len(lines) == 7


async def _keys(person: StrictClient, user_id: str) -> dict[str, Any]:
    """The keys of somebody as this person's homeserver gives them."""
    return dict(await person.ask("published_keys", user=user_id))


async def test_a_person_verifies_the_bot_by_emoji(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "anders.kjaer") as anders:
        chat = await _chat(place, anders)
        assert await anders.ask("has_verified", user=bot) is False
        name = await anders.ask("ask_to_verify", user=bot, room=chat)
        await _see(anders, chat, name)
        await anders.ask("decide", name=name, what="confirm")
        assert await anders.ask("verification_ends", name=name) is None
        await anders.hears(chat, "Done: your client knows")
        assert await anders.ask("has_verified", user=bot) is True
