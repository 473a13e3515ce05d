"""Room keys between real devices: who gets them, who does not, and what is left of it after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import channels
from ernbot.matrix.errors import Unreachable
from ernbot.matrix.identity import Identity, ensure_identity
from ernbot.matrix.keys import signed
from ernbot.matrix.machine import FIRST_RETRY, now
from ernbot.matrix.olm import ONE_TIME_KEYS
from ernbot.storage.tables import olm_sessions
from tests.matrix.devices import NewAccount, NewPhone, Phone, log_in, new_token, noted, phone, restarted, switched_on
from tests.matrix.forging import crafted

pytestmark = pytest.mark.homeserver


def types(response: dict[str, Any]) -> list[str]:
    """Of the to-device events of a sync."""
    return [event["type"] for event in response.get("to_device", {}).get("events", [])]


class Cut(Exception):
    """Where a test ends the program."""


async def cut_off(device: Phone, response: dict[str, Any]) -> None:
    """Take a response, and end before the commit."""
    async with device.store.transaction() as tx:
        await device.machine.receive(tx, response)
        raise Cut


# --- between people


async def test_both_ways(bot: Phone, ida: Phone, room: str) -> None:
    question = ida.event(await ida.encrypt(room, bot, text="which operation?"))
    await bot.sync()
    decrypted = await bot.decrypt(room, question)
    assert (decrypted.type, decrypted.content["body"]) == ("m.room.message", "which operation?")
    owner = await bot.trust.owner(ida.user_id, decrypted.curve25519, decrypted.ed25519)
    assert (owner.device_id, owner.signed) == (ida.gateway.device_id, True)

    answer = bot.event(await bot.encrypt(room, ida, text="none yet"))
    assert "none yet" not in json.dumps(answer)
    await ida.sync()
    assert await ida.body(room, answer) == "none yet"


async def test_one_session_for_many_messages_at_once(bot: Phone, ida: Phone, room: str) -> None:
    sent = await asyncio.gather(*(bot.encrypt(room, ida, text=str(number)) for number in range(5)))
    assert len({content["session_id"] for content in sent}) == 1
    response = await ida.sync()
    assert len(response["to_device"]["events"]) == 1
    assert sorted([await ida.body(room, bot.event(content)) for content in sent]) == ["0", "1", "2", "3", "4"]


async def test_a_session_is_replaced_after_a_hundred_messages(bot: Phone, ida: Phone, room: str) -> None:
    sent = [await bot.encrypt(room, ida, text=str(number)) for number in range(101)]
    assert sent[99]["session_id"] == sent[0]["session_id"] != sent[100]["session_id"]
    await ida.sync()
    assert [await ida.body(room, bot.event(sent[number])) for number in (0, 99, 100)] == ["0", "99", "100"]


async def test_relations_are_in_the_clear_and_only_those_count(bot: Phone, ida: Phone, room: str) -> None:
    relation = {"rel_type": "m.thread", "event_id": "$root"}
    content = {"msgtype": "m.text", "body": "x", "m.relates_to": relation}
    encrypted = await bot.machine.encrypt(room, [ida.user_id], "m.room.message", content)
    assert encrypted["m.relates_to"] == relation
    await ida.sync()
    assert (await ida.decrypt(room, bot.event(encrypted))).content["m.relates_to"] == relation
    plaintext = {"type": "m.room.message", "room_id": room, "content": content}
    smuggled = bot.event(await crafted(bot, room, json.dumps(plaintext).encode()))
    assert "m.relates_to" not in (await ida.decrypt(room, smuggled)).content


async def test_an_unsigned_device_gets_no_key(bot: Phone, new_account: NewAccount, new_phone: NewPhone) -> None:
    account = await new_account("mia")
    signed_one = await new_phone(account=account)
    unsigned = await new_phone(account=account, signed=False, token=await new_token(signed_one.gateway, account))
    event = bot.event(await bot.encrypt("!r", signed_one))
    assert types(await unsigned.sync()) == ["m.room_key.withheld"], "it is told so"
    assert await unsigned.reads("!r", event) == "no-key"
    await signed_one.sync()
    assert await signed_one.reads("!r", event) == "ok"


async def test_a_device_that_is_signed_later_reads_on(bot: Phone, new_phone: NewPhone, room: str) -> None:
    """Without a new room key, which nobody else would need."""
    late = await new_phone(signed=False)
    before = bot.event(await bot.encrypt(room, late))
    assert types(await late.sync()) == ["m.room_key.withheld"]
    await ensure_identity(late.gateway, late.machine.olm, Identity.generate(late.user_id))
    await bot.trust.devices([late.user_id])
    async with bot.store.transaction() as tx:
        await tx.mark_stale([late.user_id])
    bot.trust.forget([late.user_id])
    after = bot.event(await bot.encrypt(room, late))
    assert after["content"]["session_id"] == before["content"]["session_id"]
    await late.sync()
    assert (await late.reads(room, before), await late.reads(room, after)) == ("no-key", "ok")


async def test_a_device_named_like_ours_is_somebody_elses(
    bot: Phone, homeserver: Homeserver, new_account: NewAccount, new_phone: NewPhone, room: str
) -> None:
    account = await new_account("mia")
    token = await new_token(bot.gateway, account, bot.gateway.device_id)
    mia = await new_phone(account=account, token=token)
    assert mia.gateway.device_id == bot.gateway.device_id
    event = bot.event(await bot.encrypt(room, mia))
    await mia.sync()
    assert await mia.reads(room, event) == "ok"


async def test_devices_of_the_same_name_in_different_requests_are_all_reached(
    bot: Phone, new_account: NewAccount, new_phone: NewPhone, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_MAX_TO_DEVICE", 1)
    readers = []
    for name in ("mia", "otto"):
        account = await new_account(name)
        readers.append(await new_phone(account=account, token=await new_token(bot.gateway, account, "PHONE")))
    event = bot.event(await bot.encrypt(room, *readers))
    for reader in readers:
        await reader.sync()
        assert await reader.reads(room, event) == "ok"


async def test_who_comes_later_gets_the_session_from_then_on(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    before = bot.event(await bot.encrypt(room, ida))
    mia = await new_phone("mia")
    after = bot.event(await bot.encrypt(room, ida, mia))
    assert before["content"]["session_id"] == after["content"]["session_id"]
    await mia.sync()
    assert await mia.reads(room, after) == "ok"
    assert await mia.reads(room, before) == "no-key", "a key that reaches further back could still come"


async def test_who_leaves_reads_nothing_that_comes_later(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    mia = await new_phone("mia")
    before = bot.event(await bot.encrypt(room, ida, mia))
    after = bot.event(await bot.encrypt(room, ida))
    for reader in (ida, mia):
        await reader.sync()
    assert (await mia.reads(room, before), await mia.reads(room, after)) == ("ok", "no-key")
    assert (await ida.reads(room, before), await ida.reads(room, after)) == ("ok", "ok")


async def test_a_device_that_is_replaced_forces_a_new_session(
    bot: Phone, new_account: NewAccount, new_phone: NewPhone, room: str
) -> None:
    account = await new_account("mia")
    mia = await new_phone(account=account)
    before = await bot.encrypt(room, mia)
    token = await new_token(mia.gateway, account)
    await mia.gateway.request("POST", "/_matrix/client/v3/logout", {})
    await new_phone(account=account, signed=False, token=token)
    await bot.receive({"device_lists": {"changed": [mia.user_id]}})
    after = await bot.encrypt(room, mia)
    assert before["session_id"] != after["session_id"]


# --- keys for strangers to begin with


async def without_one_time_keys(device: Phone) -> None:
    """Publish a signed device without a single one-time key, and without a fallback key."""
    body = {"device_keys": device.machine.olm.device_keys}
    await device.gateway.request("POST", "/_matrix/client/v3/keys/upload", body)
    await ensure_identity(device.gateway, device.machine.olm, Identity.generate(device.user_id))


async def test_a_device_without_one_time_keys_is_passed_over_and_reached_later(
    bot: Phone,
    ida: Phone,
    homeserver: Homeserver,
    new_account: NewAccount,
    tmp_path: Path,
    room: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with switched_on(await log_in(homeserver, await new_account("mia")), tmp_path) as mia:
        await without_one_time_keys(mia)
        first = bot.event(await bot.encrypt(room, ida, mia))
        await ida.sync()
        assert await ida.reads(room, first) == "ok", "the others do not wait"
        # The homeserver counts no keys, upon which new ones are published.
        assert (await mia.sync())["device_one_time_keys_count"] == {"signed_curve25519": 0}
        later = now() + FIRST_RETRY
        monkeypatch.setattr(bot.machine, "_clock", lambda: later)
        await bot.machine.tend()
        response = await mia.sync()
        assert response["device_one_time_keys_count"]["signed_curve25519"] >= 49
        second = bot.event(await bot.encrypt(room, ida, mia))
        assert [await mia.reads(room, event) for event in (first, second)] == ["ok", "ok"], "it missed nothing"
        assert first["content"]["session_id"] == second["content"]["session_id"]


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "arrived"])
async def test_a_used_fallback_key_outlives_restarts(
    ida: Phone, homeserver: Homeserver, new_account: NewAccount, tmp_path: Path, room: str, *, lost: bool
) -> None:
    """An account knows its last fallback key and the one before: no start may replace it once more."""
    async with phone(homeserver, await new_account("mia"), tmp_path) as mia:
        wanted = {"one_time_keys": {mia.user_id: {mia.gateway.device_id: "signed_curve25519"}}}
        for _ in range(ONE_TIME_KEYS):
            await ida.gateway.request("POST", "/_matrix/client/v3/keys/claim", wanted)
        event = ida.event(await ida.encrypt(room, mia))
        for _ in range(3):
            async with restarted(mia, tmp_path) as again:
                if lost:
                    _lose_uploads(again)
                with contextlib.suppress(Unreachable):
                    await again.machine.upload_keys()
        async with restarted(mia, tmp_path) as again:
            await again.sync()
            assert await again.reads(room, event) == "ok"


def _lose_uploads(device: Phone) -> None:
    request = device.gateway.request

    async def lose(method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        if path.endswith("/keys/upload") and "device_keys" not in body:
            raise Unreachable("lost")
        return await request(method, path, body, **options)

    device.gateway.request = lose  # type: ignore[method-assign]


@pytest.mark.parametrize("counts", [{}, {"signed_curve25519": 0}])
async def test_no_count_is_a_count_of_none(new_phone: NewPhone, counts: dict[str, int]) -> None:
    mia = await new_phone("mia")
    asked = noted(mia.gateway)
    await mia.receive({"device_one_time_keys_count": counts})
    for _ in range(2):
        await mia.machine.upload_keys()
    assert asked == ["/keys/upload"], "the homeserver says at once that it has enough"


@pytest.mark.parametrize("counts", [None, [], {"signed_curve25519": None}, {"signed_curve25519": "many"}])
async def test_a_count_that_is_no_number_changes_nothing(new_phone: NewPhone, counts: Any) -> None:
    mia = await new_phone("mia")
    asked = noted(mia.gateway)
    await mia.receive({"device_one_time_keys_count": counts})
    await mia.machine.upload_keys()
    assert asked == []


async def test_one_time_keys_that_their_device_did_not_sign_are_not_used(
    bot: Phone, new_phone: NewPhone, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A homeserver that hands out its own one-time keys would read along."""
    mia = await new_phone("mia")
    request = bot.gateway.request
    own = {"key": vodozemac.Curve25519SecretKey().public_key().to_base64()}
    forged: list[Any] = [
        own,
        signed(own, mia.user_id, mia.gateway.device_id, Ed25519PrivateKey.generate()),
        {**own, "signatures": {mia.user_id: {f"ed25519:{mia.gateway.device_id}": "A" * 86}}},
        "text",
        None,
    ]

    async def dishonest(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        if path.endswith("/keys/claim"):
            return {"one_time_keys": {mia.user_id: {mia.gateway.device_id: {"signed_curve25519:X": forged.pop()}}}}
        return await request(method, path, *args, **options)

    monkeypatch.setattr(bot.gateway, "request", dishonest)
    while forged:
        await bot.encrypt(f"{room}-{len(forged)}", mia)
        assert await bot.channels(mia.key) == []
    assert set(types(await mia.sync())) == {"m.room_key.withheld"}, "it is told so, and given nothing"


@pytest.mark.parametrize("answer", [{}, {"one_time_keys": []}, {"one_time_keys": {"@x": []}}])
async def test_an_empty_answer_reaches_nobody(
    bot: Phone, new_phone: NewPhone, room: str, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    mia = await new_phone("mia")
    request = bot.gateway.request

    async def empty(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        return answer if path.endswith("/keys/claim") else await request(method, path, *args, **options)

    monkeypatch.setattr(bot.gateway, "request", empty)
    await bot.encrypt(room, mia)
    assert await bot.channels(mia.key) == []


@pytest.mark.parametrize("path", ["/keys/claim", "/sendToDevice/", "/keys/query"])
@pytest.mark.parametrize("arrived", [False, True])
async def test_a_key_that_may_not_have_arrived_is_sent_again(
    bot: Phone, new_phone: NewPhone, room: str, monkeypatch: pytest.MonkeyPatch, path: str, arrived: bool
) -> None:
    mia = await new_phone("mia")
    request = bot.gateway.request

    async def away(method: str, where: str, *args: Any, **options: Any) -> dict[str, Any]:
        if path not in where:
            return await request(method, where, *args, **options)
        if arrived:
            await request(method, where, *args, **options)
        raise Unreachable("gone")

    monkeypatch.setattr(bot.gateway, "request", away)
    with pytest.raises(Unreachable):
        await bot.encrypt(room, mia)
    monkeypatch.undo()
    event = bot.event(await bot.encrypt(room, mia))
    await mia.sync()
    assert await mia.reads(room, event) == "ok"


# --- restarts


async def test_the_same_response_twice_keeps_the_key(bot: Phone, new_phone: NewPhone, room: str) -> None:
    mia = await new_phone("mia")
    event = bot.event(await bot.encrypt(room, mia))
    response = await mia.pull()
    for _ in range(2):
        await mia.receive(response)
        assert await mia.reads(room, event) == "ok"


async def test_a_crash_before_the_commit_keeps_the_key(
    bot: Phone, new_phone: NewPhone, tmp_path: Path, room: str
) -> None:
    """The response comes again after the restart; nothing of it was stored the first time."""
    mia = await new_phone("mia")
    event = bot.event(await bot.encrypt(room, mia))
    response = await mia.pull()
    with pytest.raises(Cut):
        await cut_off(mia, response)
    async with restarted(mia, tmp_path) as again:
        await again.receive(response)
        assert await again.reads(room, event) == "ok"
        later = bot.event(await bot.encrypt(room, again, text="later"))
        assert await again.reads(room, later) == "ok"


async def test_a_crash_after_the_commit_keeps_the_key(
    bot: Phone, new_phone: NewPhone, tmp_path: Path, room: str
) -> None:
    mia = await new_phone("mia")
    event = bot.event(await bot.encrypt(room, mia))
    response = await mia.pull()
    await mia.receive(response)
    async with restarted(mia, tmp_path) as again:
        await again.receive(response)
        assert await again.reads(room, event) == "ok"
        later = bot.event(await bot.encrypt(room, again, text="later"))
        assert await again.reads(room, later) == "ok"


async def test_a_first_message_cannot_be_used_twice_after_a_restart(
    bot: Phone, new_phone: NewPhone, tmp_path: Path, room: str
) -> None:
    mia = await new_phone("mia")
    await bot.encrypt(room, mia)
    response = await mia.pull()
    await mia.receive(response)
    assert len(await mia.channels(bot.key)) == 1
    async with restarted(mia, tmp_path) as again:
        await again.receive(response)
        assert len(await again.channels(bot.key)) == 1
        # Not even without the session that recognises it: its one-time key is gone for good.
        async with again.store.engine.begin() as connection:
            await connection.execute(delete(olm_sessions))
        assert (await again.receive(response)).failures == 1
        assert await again.channels(bot.key) == []


async def test_keys_published_right_before_a_crash_work(
    bot: Phone,
    homeserver: Homeserver,
    new_account: NewAccount,
    tmp_path: Path,
    room: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with switched_on(await log_in(homeserver, await new_account("mia")), tmp_path) as before:
        request = before.gateway.request

        async def dying(method: str, path: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
            answer = await request(method, path, body, **options)
            if "one_time_keys" in body:
                raise Unreachable("gone")
            return answer

        monkeypatch.setattr(before.gateway, "request", dying)
        with pytest.raises(Unreachable):
            await before.machine.upload_keys()
        async with restarted(before, tmp_path) as mia:
            await mia.machine.upload_keys()
            await ensure_identity(mia.gateway, mia.machine.olm, Identity.generate(mia.user_id))
            event = bot.event(await bot.encrypt(room, mia))
            await mia.sync()
            assert await mia.reads(room, event) == "ok"
