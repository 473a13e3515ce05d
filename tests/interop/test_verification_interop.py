"""Verification of the bot by emoji with a client that is not ours: what its person sees, presses and gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ernbot.demo.installation import DEVICE_ID, Installation, installation
from ernbot.matrix.keys import verifies
from tests.interop.strict_client import CLEAN, StrictClient, strict_client

pytestmark = pytest.mark.homeserver

COMPARE = "Compare with your screen"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation of its own with a running bot."""
    async with installation(tmp_path_factory.mktemp("verification")) as running:
        await running.start_bot()
        yield running


def _person(place: Installation, localpart: str) -> AbstractAsyncContextManager[StrictClient]:
    user_id = f"@{localpart}:{place.homeserver.server_name}"
    log = place.folder / "log" / f"{localpart}.log"
    return strict_client(place.homeserver.url, user_id, place.passwords[user_id], log)


async def _chat(place: Installation, person: StrictClient) -> str:
    chat = str(await person.ask("open_chat", user=place.homeserver.bot_user_id))
    await person.hears(chat, "Hello")
    return chat


async def _ask(place: Installation, person: StrictClient, chat: str) -> str:
    """Press "verify" on the bot in the direct chat; the name of the verification."""
    return str(await person.ask("ask_to_verify", user=place.homeserver.bot_user_id, room=chat))


async def _compare(person: StrictClient, name: str, *, start: bool = True) -> None:
    """Look at the emoji on the screen: the bot says that it sees the same ones, by the same names."""
    sas: dict[str, Any] = await person.ask("see_emoji", name=name, start=start)
    shown = [f"{symbol} {word}" for symbol, word in sas["emoji"]]
    assert len(shown) == 7
    said = await person.sees(
        lambda event: [line[2:] for line in event.body.splitlines() if line.startswith("- ")] == shown, str(shown)
    )
    assert said.body.startswith(COMPARE)
    assert said.verdict == CLEAN


async def _is_signed(place: Installation, localpart: str) -> bool:
    """Whether the bot's user-signing signature on somebody's master key is on the homeserver, which shows it to us."""
    user_id, bot = f"@{localpart}:{place.homeserver.server_name}", place.homeserver.bot_user_id
    token = (place.folder / "secrets" / "bot_token").read_text().strip()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.post(
            f"{place.homeserver.url}/_matrix/client/v3/keys/query", json={"device_keys": {user_id: [], bot: []}}
        ) as reply,
    ):
        answer = await reply.json()
    signer = next(iter(answer["user_signing_keys"][bot]["keys"].values()))
    return verifies(answer["master_keys"][user_id], bot, signer, signer)


async def _assert_verified(place: Installation, person: StrictClient, localpart: str, chat: str, name: str) -> None:
    await person.ask("decide", name=name, what="confirm")
    assert await person.ask("verification_ends", name=name) is None
    await person.hears(chat, "Done: your client knows")
    assert await person.ask("has_verified", user=place.homeserver.bot_user_id) is True
    assert await _is_signed(place, localpart)


async def test_a_person_verifies_the_bot_by_emoji(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "anders.kjaer") as anders:
        chat = await _chat(place, anders)
        assert await anders.ask("has_verified", user=bot) is False
        assert not await _is_signed(place, "anders.kjaer")
        name = await _ask(place, anders, chat)
        await _compare(anders, name)
        await _assert_verified(place, anders, "anders.kjaer", chat, name)
        await anders.converse(chat, "!help", "What you can do here")


async def test_the_bot_starts_when_the_client_does_not(place: Installation) -> None:
    async with _person(place, "mette.holm") as mette:
        chat = await _chat(place, mette)
        name = await _ask(place, mette, chat)
        await _compare(mette, name, start=False)
        await _assert_verified(place, mette, "mette.holm", chat, name)


async def test_a_device_is_verified_without_a_room(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "freja.lund") as freja:
        chat = await _chat(place, freja)
        name = await freja.ask("ask_to_verify", user=bot, device=DEVICE_ID)
        await _compare(freja, name)
        await _assert_verified(place, freja, "freja.lund", chat, name)


async def test_emoji_that_do_not_match_verify_nothing(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "saskia.devries") as saskia:
        chat = await _chat(place, saskia)
        name = await _ask(place, saskia, chat)
        await _compare(saskia, name)
        await saskia.ask("decide", name=name, what="mismatch")
        assert await saskia.ask("verification_ends", name=name) == "m.mismatched_sas"
        await saskia.hears(chat, "The emoji did not match")

        name = await _ask(place, saskia, chat)
        await _compare(saskia, name)
        await saskia.ask("decide", name=name, what="cancel")
        assert await saskia.ask("verification_ends", name=name) == "m.user"
        await saskia.hears(chat, "was given up, and nothing has changed")

        assert await saskia.ask("has_verified", user=bot) is False
        assert not await _is_signed(place, "saskia.devries")

        name = await _ask(place, saskia, chat)
        await _compare(saskia, name)
        await _assert_verified(place, saskia, "saskia.devries", chat, name)


async def test_two_people_verify_at_once(place: Installation) -> None:
    async with _person(place, "jonas.reuter") as jonas, _person(place, "claire.fontaine") as claire:
        of_jonas, of_claire = await asyncio.gather(_chat(place, jonas), _chat(place, claire))
        # The library itself gives up two verifications of one person at once; what comes after works.
        for name in [await _ask(place, jonas, of_jonas) for _ in range(2)]:
            assert await jonas.ask("verification_ends", name=name) == "m.user"

        name, another = await asyncio.gather(_ask(place, jonas, of_jonas), _ask(place, claire, of_claire))
        await asyncio.gather(_compare(jonas, name), _compare(claire, another))
        await _assert_verified(place, claire, "claire.fontaine", of_claire, another)
        await _assert_verified(place, jonas, "jonas.reuter", of_jonas, name)


async def test_after_a_restart_in_the_middle_the_person_can_begin_again(place: Installation) -> None:
    async with _person(place, "signe.thomsen") as signe:
        chat = await _chat(place, signe)
        name = await _ask(place, signe, chat)
        await _compare(signe, name)
        assert place.bot is not None
        await place.bot.kill()
        await signe.ask("decide", name=name, what="confirm")
        await place.start_bot()
        assert await signe.ask("verification_ends", name=name) == "m.unknown_transaction"
        assert not await _is_signed(place, "signe.thomsen")

        name = await _ask(place, signe, chat)
        await _compare(signe, name)
        await _assert_verified(place, signe, "signe.thomsen", chat, name)
