"""Thirteen holes of matrix-nio 0.26.0, each closed here: every test runs against our bot and against plain matrix-nio.

Where plain nio is expected to fail, the mark is strict: a version of nio that closes the hole makes the test fail here,
and the table in docs/encryption.md, which is compared with this module, can be shortened.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import vodozemac
from aiohttp import web
from aiohttp.test_utils import TestServer

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import machine as machine_module
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.keys import encode
from tests.matrix.devices import Phone
from tests.matrix.implementations import AnyBot, Crash, Heard, Ours, PlainNio
from tests.matrix.stage import (
    CLIENT,
    NewAccount,
    Stage,
    claim,
    envelope,
    in_time,
    letter,
    line_cut,
    meet,
    plaintext,
    post,
    read,
    room_key,
    say,
    sealed,
    send,
    share,
    timeline,
    to_device,
)

pytestmark = pytest.mark.homeserver


def both(hole: int, happens: str) -> pytest.MarkDecorator:
    """Run a test against both; `happens` is what happens in plain nio."""
    fails = pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"hole {hole}: {happens}")
    kinds = [pytest.param(Ours, id="ours"), pytest.param(PlainNio, id="nio", marks=fails)]
    return pytest.mark.parametrize("kind", kinds)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(homeserver, new_account, tmp_path)
    yield stage
    await stage.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(
    homeserver: Homeserver, new_account: NewAccount, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    stage = Stage(homeserver, new_account, tmp_path_factory.mktemp("people"))
    yield stage
    await stage.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ida(people: Stage) -> Phone:
    return await people.phone("ida")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mallory(people: Stage) -> Phone:
    return await people.phone("mallory")


# --- 1


def _stranger(bot: AnyBot) -> str:
    """A first message by a one-time key that nobody has."""
    theirs = vodozemac.Curve25519PublicKey.from_base64(bot.keys[0])
    session = vodozemac.Account().create_outbound_session(theirs, vodozemac.Curve25519SecretKey().public_key())
    return encode(session.encrypt(b"{}").to_parts()[1])


async def _bad_room_key(writer: Phone, bot: AnyBot) -> dict[str, Any]:
    key = await claim(writer, bot)
    assert key is not None
    return letter(writer, bot, key["key"], {"session_id": "x", "session_key": "***"})


async def _bad_base64(writer: Phone, bot: AnyBot) -> dict[str, Any]:
    return envelope(bot, "***", writer.key)


async def _bad_sender_key(_writer: Phone, bot: AnyBot) -> dict[str, Any]:
    return envelope(bot, _stranger(bot), "***")


async def _unknown_one_time_key(writer: Phone, bot: AnyBot) -> dict[str, Any]:
    return envelope(bot, _stranger(bot), writer.key)


@both(1, "it ends `sync_forever`, and the room keys that came with it are lost")
@pytest.mark.parametrize(
    "malformed",
    [_bad_base64, _bad_sender_key, _unknown_one_time_key, _bad_room_key],
    ids=["base64", "sender-key", "one-time-key", "session-key"],
)
async def test_a_malformed_to_device_message_takes_nothing_with_it(
    kind: type[AnyBot], malformed: Any, stage: Stage, ida: Phone, mallory: Phone
) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    await post(mallory, bot, await malformed(mallory, bot))
    await say(ida, room, "can you read this?", bot)
    await bot.turn()
    assert bot.hears("can you read this?")


# --- 2


@both(2, "it ends `sync_forever`")
@pytest.mark.parametrize("odd", [b"\xff\xfe", b"[]", b"[" * 20_000 + b"]" * 20_000], ids=["bytes", "list", "deep"])
async def test_a_plaintext_that_is_no_message_takes_nothing_with_it(
    kind: type[AnyBot], odd: bytes, stage: Stage, ida: Phone, mallory: Phone
) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida, mallory)
    group = await share(mallory, room, bot)
    await send(mallory, room, sealed(mallory, group, odd))
    await say(ida, room, "can you read this?", bot)
    await bot.turn()
    assert bot.hears("can you read this?")


# --- 3


def membership(room: str, who: Phone, membership: str) -> bytes:
    return plaintext(room, type="m.room.member", state_key=who.user_id, content={"membership": membership})


@both(3, "whoever is in the room decides who else is given its key")
async def test_an_encrypted_membership_lets_nobody_in(
    kind: type[AnyBot], stage: Stage, ida: Phone, mallory: Phone
) -> None:
    bot, eve = await stage.start(kind), await stage.phone("eve")
    room = await meet(bot, ida, mallory)
    await bot.send(room, "hello")
    group = await share(mallory, room, bot)
    await send(mallory, room, sealed(mallory, group, membership(room, eve, "join")))
    await bot.turn()
    await bot.send(room, "between us")
    assert await read(ida, room, bot) == ["hello", "between us"]
    assert "to_device" not in await eve.sync()


@both(3, "whoever is in the room decides who is no longer given its key")
async def test_an_encrypted_membership_puts_nobody_out(
    kind: type[AnyBot], stage: Stage, ida: Phone, mallory: Phone
) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida, mallory)
    await bot.send(room, "hello")
    group = await share(mallory, room, bot)
    await send(mallory, room, sealed(mallory, group, membership(room, ida, "leave")))
    await bot.turn()
    await bot.send(room, "between us")
    assert await read(ida, room, bot) == ["hello", "between us"]


# --- 4


@both(4, "a message for one room is heard in another")
async def test_a_message_is_heard_in_the_room_that_it_names(kind: type[AnyBot], stage: Stage, mallory: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, mallory)
    group = await share(mallory, room, bot)
    await send(mallory, room, sealed(mallory, group, plaintext("!other:ern.localhost", "of another room")))
    await send(mallory, room, sealed(mallory, group, plaintext(room, "of this room")))
    await bot.turn()
    assert bot.hears("of this room")


@both(4, "what one person encrypted is heard as the words of another who sends it")
async def test_words_are_those_of_the_person_who_encrypted_them(
    kind: type[AnyBot], stage: Stage, ida: Phone, mallory: Phone
) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida, mallory)
    group = await share(ida, room, bot)
    await send(mallory, room, sealed(ida, group, plaintext(room, "I consent")))
    await send(ida, room, sealed(ida, group, plaintext(room, "I do not")))
    await bot.turn()
    assert [(message.sender, message.body) for message in bot.heard] == [(ida.user_id, "I do not")]


# --- 5


@both(5, "after a restart the same key opens a second message")
async def test_a_one_time_key_is_used_once(kind: type[AnyBot], stage: Stage, ida: Phone, mallory: Phone) -> None:
    bot = await stage.start(kind)
    await bot.turn()
    key = await claim(ida, bot)
    assert key is not None
    # A hostile homeserver hands the key out twice.
    first, second = (letter(writer, bot, key["key"], room_key()) for writer in (ida, mallory))
    await bot.feed(to_device(ida, first))
    assert bot.keys_heard == 1
    bot = await stage.restart(bot)
    await bot.feed(to_device(mallory, second))
    assert bot.keys_heard == 0


# --- 6


@both(6, "no new ones are ever published, and nobody new can send a room key")
async def test_one_time_keys_that_were_used_up_are_replaced(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    await bot.turn()
    while await claim(ida, bot) is not None:
        pass
    await bot.turn()
    await bot.turn()
    assert await claim(ida, bot) is not None


# --- 7


@both(7, "the keys of who comes in are asked for after they were greeted")
async def test_a_greeting_can_be_read_by_who_is_greeted(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot, mia = await stage.start(kind), await stage.phone("mia")
    room = await meet(bot, ida)
    await bot.send(room, "hello")
    bot.greets = True
    await ida.gateway.invite(room, mia.user_id)
    await mia.gateway.join(room)
    await bot.turn()
    assert (await read(mia, room, bot))[-1] == "welcome"


# --- 8


@both(8, "a device without one-time keys is passed over for good")
async def test_a_device_that_was_missed_is_given_the_key_later(
    kind: type[AnyBot], stage: Stage, ida: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_module, "FIRST_RETRY", timedelta())
    bot, mia = await stage.start(kind), await stage.phone_without_keys("mia")
    room = await meet(bot, ida, mia, asleep=mia)
    await bot.send(room, "are you there?")
    assert await read(ida, room, bot) == ["are you there?"]
    await mia.machine.upload_keys()
    await bot.turn()
    assert await read(mia, room, bot) == ["are you there?"]


@both(8, "the key counts as shared though the request that carries it was lost")
async def test_a_key_that_was_not_passed_on_is_sent_again(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    with line_cut(bot, "/sendToDevice/"), suppress(Unreachable):
        await bot.send(room, "not yet")
    await bot.send(room, "now")
    assert (await read(ida, room, bot))[-1] == "now"


@both(8, "after it was cancelled while it claimed keys, sending into the room hangs")
async def test_sending_that_was_cancelled_can_be_tried_again(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    with line_cut(bot, "/keys/claim", silent=True), pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send(room, "not yet"), 1)
    await in_time(bot.send(room, "now"))
    assert (await read(ida, room, bot))[-1] == "now"


# --- 9


@both(9, "it is not decrypted, though these fields are optional since version 1.3 of the specification")
@pytest.mark.parametrize("field", ["sender_key", "device_id"])
async def test_an_event_need_not_name_the_device(kind: type[AnyBot], field: str, stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    content = sealed(ida, await share(ida, room, bot), plaintext(room, "it is me"))
    del content[field]
    await send(ida, room, content)
    await bot.turn()
    assert bot.hears("it is me")


# --- 10


@both(10, "it ends `sync_forever`")
async def test_a_handler_that_fails_takes_nothing_with_it(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    note = bot.on_message

    async def fail_at_first(message: Heard) -> None:
        if message.body == "first":
            raise ValueError
        await note(message)

    bot.on_message = fail_at_first
    await say(ida, room, "first", bot)
    await say(ida, room, "second", bot)
    await bot.turn()
    assert bot.hears("second")


# --- 11


@both(11, "a request is repeated for ever inside the call that made it")
async def test_a_homeserver_that_always_says_wait_does_not_hold_a_request(
    kind: type[AnyBot], stage: Stage, ida: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    await bot.send(room, "hello")
    asked = 0

    async def wait(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 5000}, status=429)

    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds: sleep(0.01))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", wait)
    async with TestServer(app) as busy:
        bot.nio.homeserver = f"http://{busy.host}:{busy.port}"
        with suppress(MatrixError):
            await in_time(bot.send(room, "are you there?"), 2)
    assert asked == 1


# --- 12


@both(12, "every room shared with them gets a new room key")
async def test_a_device_that_got_another_name_changes_no_room_key(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    await bot.send(room, "before")
    device = f"{CLIENT}/devices/{ida.gateway.device_id}"
    await ida.gateway.request("PUT", device, {"display_name": secrets.token_hex(4)})
    await bot.turn()
    await bot.send(room, "after")
    before, after = [event["content"]["session_id"] for event in await timeline(ida, room, bot)]
    assert before == after


# --- 13


@both(13, "the response is not asked for again")
async def test_a_crash_in_the_middle_of_a_response_loses_nothing(kind: type[AnyBot], stage: Stage, ida: Phone) -> None:
    bot = await stage.start(kind)
    room = await meet(bot, ida)
    await say(ida, room, "can you read this?", bot)
    bot.crash_at_the_first_key()
    with pytest.raises(Crash):
        await bot.turn()
    bot = await stage.restart(bot)
    await bot.turn()
    assert bot.hears("can you read this?")
