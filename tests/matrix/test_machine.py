"""Encryption between real devices, and everything that a hostile device can send to break it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import vodozemac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nio import KeysUploadResponse
from nio.crypto.sessions import InboundGroupSession

from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import machine as machine_module
from ernbot.matrix.errors import Undecryptable, Unreachable
from ernbot.matrix.events import MAX_NESTING
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import ensure_identity
from ernbot.matrix.keys import encode, signed
from ernbot.matrix.machine import MEGOLM, Machine
from ernbot.matrix.trust import Trust
from tests.fixtures_homeserver import Account
from tests.matrix.devices import PICKLE_KEY, Phone, log_in, new_token, phone

pytestmark = pytest.mark.homeserver

NewAccount = Callable[[str], Awaitable[Account]]
NewPhone = Callable[..., Awaitable[Phone]]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_rooms = itertools.count(1)


@pytest.fixture
def room() -> str:
    """A room of this test alone; keys are sent to devices, so that nobody has to be in it."""
    return f"!room-{next(_rooms)}:ern.localhost"


async def _phone(
    stack: AsyncExitStack, homeserver: Homeserver, account: Account, folder: Path, **options: Any
) -> Phone:
    return await stack.enter_async_context(phone(homeserver, account, folder, **options))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(
    homeserver: Homeserver, new_account: NewAccount, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Phone, Phone]]:
    """The bot's device and Ida's, shared by the tests that leave them whole."""
    folder = tmp_path_factory.mktemp("pair")
    async with AsyncExitStack() as stack:
        bot, ida = [await _phone(stack, homeserver, await new_account(name), folder) for name in ("bot", "ida")]
        yield bot, ida


@pytest.fixture
def bot(pair: tuple[Phone, Phone]) -> Phone:
    return pair[0]


@pytest.fixture
def ida(pair: tuple[Phone, Phone]) -> Phone:
    return pair[1]


@pytest_asyncio.fixture(loop_scope="session")
async def new_phone(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[NewPhone]:
    """`await new_phone("mia")` logs in somebody new; options as for `phone`."""
    async with AsyncExitStack() as stack:

        async def make(name: str = "mia", account: Account | None = None, **options: Any) -> Phone:
            return await _phone(stack, homeserver, account or await new_account(name), tmp_path, **options)

        yield make


def body(reader: Phone, room: str, event: dict[str, Any]) -> Any:
    return reader.machine.decrypt(room, event).content["body"]


def reads(reader: Phone, room: str, event: dict[str, Any]) -> str:
    """What a reader gets out of an event: `ok`, or why not."""
    try:
        reader.machine.decrypt(room, event)
    except Undecryptable as error:
        return error.why
    return "ok"


# --- between people


async def test_both_ways(bot: Phone, ida: Phone, room: str) -> None:
    question = ida.event(await ida.encrypt(room, bot, text="which operation?"))
    await bot.sync()
    decrypted = bot.machine.decrypt(room, question)
    assert (decrypted.type, decrypted.content["body"]) == ("m.room.message", "which operation?")
    owner = await bot.trust.owner(ida.user_id, decrypted.curve25519, decrypted.ed25519)
    assert (owner.device_id, owner.signed) == (ida.gateway.device_id, True)

    answer = bot.event(await bot.encrypt(room, ida, text="none yet"))
    assert "none yet" not in json.dumps(answer)
    await ida.sync()
    assert body(ida, room, answer) == "none yet"


async def test_one_session_for_many_messages_at_once(bot: Phone, ida: Phone, room: str) -> None:
    sent = await asyncio.gather(*(bot.encrypt(room, ida, text=str(number)) for number in range(5)))
    assert len({content["session_id"] for content in sent}) == 1
    response = await ida.sync()
    assert len(response["to_device"]["events"]) == 1
    assert sorted(body(ida, room, bot.event(content)) for content in sent) == ["0", "1", "2", "3", "4"]


async def test_a_session_is_replaced_after_a_hundred_messages(bot: Phone, ida: Phone, room: str) -> None:
    sent = [await bot.encrypt(room, ida, text=str(number)) for number in range(101)]
    assert sent[99]["session_id"] == sent[0]["session_id"] != sent[100]["session_id"]
    await ida.sync()
    assert [body(ida, room, bot.event(sent[number])) for number in (0, 99, 100)] == ["0", "99", "100"]


async def test_relations_are_in_the_clear_and_only_those_count(bot: Phone, ida: Phone, room: str) -> None:
    relation = {"rel_type": "m.thread", "event_id": "$root"}
    content = {"msgtype": "m.text", "body": "x", "m.relates_to": relation}
    encrypted = await bot.machine.encrypt(room, [ida.user_id], "m.room.message", content)
    assert encrypted["m.relates_to"] == relation
    await ida.sync()
    assert ida.machine.decrypt(room, bot.event(encrypted)).content["m.relates_to"] == relation
    plaintext = {"type": "m.room.message", "room_id": room, "content": content}
    smuggled = bot.event(crafted(bot, room, json.dumps(plaintext).encode()))
    assert "m.relates_to" not in ida.machine.decrypt(room, smuggled).content


async def test_an_unsigned_device_gets_no_key(bot: Phone, new_account: NewAccount, new_phone: NewPhone) -> None:
    account = await new_account("mia")
    signed_one = await new_phone(account=account)
    unsigned = await new_phone(account=account, signed=False, token=await new_token(signed_one.gateway, account))
    event = bot.event(await bot.encrypt("!r", signed_one))
    assert "to_device" not in await unsigned.sync()
    assert reads(unsigned, "!r", event) == "no-key"
    await signed_one.sync()
    assert reads(signed_one, "!r", event) == "ok"


async def test_a_device_named_like_ours_is_somebody_elses(
    bot: Phone, homeserver: Homeserver, new_account: NewAccount, new_phone: NewPhone, room: str
) -> None:
    account = await new_account("mia")
    token = await new_token(bot.gateway, account, bot.gateway.device_id)
    mia = await new_phone(account=account, token=token)
    assert mia.gateway.device_id == bot.gateway.device_id
    event = bot.event(await bot.encrypt(room, mia))
    await mia.sync()
    assert reads(mia, room, event) == "ok"


async def test_devices_of_the_same_name_in_different_requests_are_all_reached(
    bot: Phone, new_account: NewAccount, new_phone: NewPhone, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_module, "_MAX_TO_DEVICE", 1)
    readers = []
    for name in ("mia", "otto"):
        account = await new_account(name)
        readers.append(await new_phone(account=account, token=await new_token(bot.gateway, account, "PHONE")))
    event = bot.event(await bot.encrypt(room, *readers))
    for reader in readers:
        await reader.sync()
        assert reads(reader, room, event) == "ok"


async def test_who_comes_later_gets_the_session_from_then_on(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    before = bot.event(await bot.encrypt(room, ida))
    mia = await new_phone("mia")
    after = bot.event(await bot.encrypt(room, ida, mia))
    assert before["content"]["session_id"] == after["content"]["session_id"]
    await mia.sync()
    assert reads(mia, room, after) == "ok"
    assert reads(mia, room, before) == "broken"


async def test_who_leaves_reads_nothing_that_comes_later(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    mia = await new_phone("mia")
    before = bot.event(await bot.encrypt(room, ida, mia))
    after = bot.event(await bot.encrypt(room, ida))
    for reader in (ida, mia):
        await reader.sync()
    assert (reads(mia, room, before), reads(mia, room, after)) == ("ok", "no-key")
    assert (reads(ida, room, before), reads(ida, room, after)) == ("ok", "ok")


async def test_a_device_that_is_replaced_forces_a_new_session(
    bot: Phone, new_account: NewAccount, new_phone: NewPhone, room: str
) -> None:
    account = await new_account("mia")
    mia = await new_phone(account=account)
    before = await bot.encrypt(room, mia)
    token = await new_token(mia.gateway, account)
    await mia.gateway.request("POST", "/_matrix/client/v3/logout", {})
    await new_phone(account=account, signed=False, token=token)
    bot.trust.forget([mia.user_id])
    after = await bot.encrypt(room, mia)
    assert before["session_id"] != after["session_id"]


# --- keys for strangers to begin with


async def without_one_time_keys(gateway: Gateway) -> Phone:
    """A device that was published without a single one-time key."""
    trust = Trust(gateway)
    device = Phone(gateway, trust, Machine(gateway, trust))
    upload = gateway.olm.share_keys()
    await gateway.request("POST", "/_matrix/client/v3/keys/upload", {"device_keys": upload["device_keys"]})
    gateway.olm.handle_response(KeysUploadResponse(0, 0))
    await ensure_identity(gateway, None, _keep)
    return device


async def _keep(_seeds: bytes) -> None:
    pass


async def test_a_device_without_one_time_keys_is_passed_over_and_reached_later(
    bot: Phone, ida: Phone, homeserver: Homeserver, new_account: NewAccount, tmp_path: Path, room: str
) -> None:
    gateway = await log_in(homeserver, await new_account("mia"), tmp_path)
    try:
        mia = await without_one_time_keys(gateway)
        first = bot.event(await bot.encrypt(room, ida, mia))
        await ida.sync()
        assert reads(ida, room, first) == "ok", "the others do not wait"
        # The homeserver counts no keys, upon which new ones are published.
        assert (await mia.sync())["device_one_time_keys_count"] == {"signed_curve25519": 0}
        second = bot.event(await bot.encrypt(room, ida, mia))
        response = await mia.sync()
        assert response["device_one_time_keys_count"]["signed_curve25519"] >= 49
        assert reads(mia, room, second) == "ok"
        assert first["content"]["session_id"] == second["content"]["session_id"]
    finally:
        await gateway.close()


@pytest.mark.parametrize("counts", [{}, {"signed_curve25519": 0}])
async def test_no_count_is_a_count_of_none(new_phone: NewPhone, counts: dict[str, int]) -> None:
    mia = await new_phone("mia")
    mia.machine.receive({"device_one_time_keys_count": counts})
    assert mia.gateway.olm.should_upload_keys
    await mia.machine.upload_keys()
    assert not mia.gateway.olm.should_upload_keys


@pytest.mark.parametrize("counts", [None, [], {"signed_curve25519": None}, {"signed_curve25519": "many"}])
async def test_a_count_that_is_no_number_changes_nothing(bot: Phone, counts: Any) -> None:
    before = bot.gateway.olm.uploaded_key_count
    bot.machine.receive({"device_one_time_keys_count": counts})
    assert bot.gateway.olm.uploaded_key_count == before


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
        await bot.encrypt(room, mia)
        assert bot.gateway.olm.session_store.get(mia.key) is None
    assert "to_device" not in await mia.sync()


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
    assert bot.gateway.olm.session_store.get(mia.key) is None


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
    assert reads(mia, room, event) == "ok"


# --- restarts


def reopened(gateway: Gateway, folder: Path) -> Phone:
    """The device of a program that started again on the same crypto store."""
    again = Gateway(
        gateway.nio.homeserver,
        gateway.user_id,
        gateway.device_id,
        gateway.nio.access_token,
        crypto_store=folder / gateway.device_id,
        pickle_key=PICKLE_KEY,
    )
    trust = Trust(again)
    return Phone(again, trust, Machine(again, trust))


async def test_the_same_response_twice_keeps_the_key(bot: Phone, new_phone: NewPhone, room: str) -> None:
    mia = await new_phone("mia")
    event = bot.event(await bot.encrypt(room, mia))
    response = await mia.pull()
    for _ in range(2):
        mia.machine.receive(response)
        assert reads(mia, room, event) == "ok"


async def test_a_crash_before_the_commit_keeps_the_key(
    bot: Phone, new_phone: NewPhone, tmp_path: Path, room: str
) -> None:
    """The response comes again after the restart; its keys were stored the first time."""
    mia = await new_phone("mia")
    event = bot.event(await bot.encrypt(room, mia))
    response = await mia.pull()
    mia.machine.receive(response)
    await mia.gateway.close()
    again = reopened(mia.gateway, tmp_path)
    try:
        again.machine.receive(response)
        assert reads(again, room, event) == "ok"
        later = bot.event(await bot.encrypt(room, again, text="later"))
        assert reads(again, room, later) == "ok"
    finally:
        await again.gateway.close()


async def test_a_first_message_cannot_be_used_twice_after_a_restart(
    bot: Phone, new_phone: NewPhone, tmp_path: Path, room: str
) -> None:
    mia = await new_phone("mia")
    await bot.encrypt(room, mia)
    response = await mia.pull()
    mia.machine.receive(response)
    assert len(mia.gateway.olm.session_store[bot.key]) == 1
    await mia.gateway.close()
    again = reopened(mia.gateway, tmp_path)
    try:
        again.machine.receive(response)
        assert len(again.gateway.olm.session_store[bot.key]) == 1
        # Not even without the session that recognises it: its one-time key is gone for good.
        again.gateway.olm.session_store[bot.key].clear()
        again.machine.receive(response)
        assert again.gateway.olm.session_store[bot.key] == []
    finally:
        await again.gateway.close()


async def test_keys_published_right_before_a_crash_work(
    bot: Phone,
    homeserver: Homeserver,
    new_account: NewAccount,
    tmp_path: Path,
    room: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = await log_in(homeserver, await new_account("mia"), tmp_path)
    request = gateway.request

    async def dying(*args: Any, **options: Any) -> dict[str, Any]:
        await request(*args, **options)
        raise Unreachable("gone")

    monkeypatch.setattr(gateway, "request", dying)
    with pytest.raises(Unreachable):
        await Machine(gateway, Trust(gateway)).upload_keys()
    await gateway.close()
    mia = reopened(gateway, tmp_path)
    try:
        await mia.machine.upload_keys()
        await ensure_identity(mia.gateway, None, _keep)
        event = bot.event(await bot.encrypt(room, mia))
        await mia.sync()
        assert reads(mia, room, event) == "ok"
    finally:
        await mia.gateway.close()


# --- hostile devices


def olm_message(sender: Phone, reader: Phone, plaintext: str) -> dict[str, Any]:
    """A to-device message with any plaintext, in the session that these two have."""
    session = sender.gateway.olm.session_store.get(reader.key)
    assert session is not None
    kind, ciphertext = session.encrypt(plaintext).to_parts()
    return to_device(sender, {reader.key: {"type": kind, "body": encode(ciphertext)}})


def to_device(sender: Phone, ciphertext: Any, **content: Any) -> dict[str, Any]:
    algorithm = "m.olm.v1.curve25519-aes-sha2"
    return {
        "type": "m.room.encrypted",
        "sender": sender.user_id,
        "content": {"algorithm": algorithm, "sender_key": sender.key, "ciphertext": ciphertext, **content},
    }


def stranger_message(reader: Phone) -> str:
    """A message that begins a session with a one-time key that the reader never had."""
    account = vodozemac.Account()
    session = account.create_outbound_session(
        vodozemac.Curve25519PublicKey.from_base64(reader.key), vodozemac.Curve25519SecretKey().public_key()
    )
    return encode(session.encrypt(b"{}").to_parts()[1])


def nested(levels: int) -> Any:
    value: Any = "inside"
    for _ in range(levels):
        value = [value]
    return value


def hostile_to_device(mallory: Phone, reader: Phone) -> dict[str, Any]:
    """To-device events by what is wrong with them."""

    def room_key(sender: Phone = mallory, **changes: Any) -> dict[str, Any]:
        session = vodozemac.GroupSession()
        content = {
            "algorithm": MEGOLM,
            "room_id": "!hostile",
            "session_id": session.session_id,
            "session_key": session.session_key.to_base64(),
        }
        payload = {
            "sender": sender.user_id,
            "keys": {"ed25519": sender.gateway.olm.account.identity_keys["ed25519"]},
            "recipient": reader.user_id,
            "recipient_keys": {"ed25519": reader.gateway.olm.account.identity_keys["ed25519"]},
            "type": "m.room_key",
            "content": {**content, **changes.pop("content", {})},
            **changes,
        }
        return olm_message(mallory, reader, json.dumps(payload))

    good = stranger_message(reader)
    return {
        "null": None,
        "text": "text",
        "list": [[]],
        "nothing": {},
        "no content": {"type": "m.room.encrypted", "sender": mallory.user_id},
        "content is a list": {"type": "m.room.encrypted", "sender": mallory.user_id, "content": []},
        "type is a number": {"type": 1, "sender": mallory.user_id, "content": {"a": 1}},
        "sender is null": {**to_device(mallory, {}), "sender": None},
        "sender is nobody": {**to_device(mallory, {}), "sender": "nobody"},
        "not base64": to_device(mallory, {reader.key: {"type": 0, "body": "***"}}),
        "not base64, later message": to_device(mallory, {reader.key: {"type": 1, "body": "***"}}),
        "empty": to_device(mallory, {reader.key: {"type": 0, "body": ""}}),
        "empty, later message": to_device(mallory, {reader.key: {"type": 1, "body": ""}}),
        "cut": to_device(mallory, {reader.key: {"type": 0, "body": good[:40]}}),
        "unknown type": to_device(mallory, {reader.key: {"type": 2, "body": good}}),
        "type is a text": to_device(mallory, {reader.key: {"type": "0", "body": good}}),
        "body is a list": to_device(mallory, {reader.key: {"type": 0, "body": []}}),
        "no body": to_device(mallory, {reader.key: {}}),
        "ciphertext is a list": to_device(mallory, []),
        "for another device": to_device(mallory, {"other": {"type": 0, "body": good}}),
        "unknown one-time key": to_device(mallory, {reader.key: {"type": 0, "body": good}}),
        "sender key is no key": to_device(mallory, {reader.key: {"type": 0, "body": good}}, sender_key="***"),
        "sender key is empty": to_device(mallory, {reader.key: {"type": 0, "body": good}}, sender_key=""),
        "sender key is a number": to_device(mallory, {reader.key: {"type": 0, "body": good}}, sender_key=5),
        "sender key of somebody else": to_device(
            mallory, {reader.key: {"type": 0, "body": good}}, sender_key=reader.key
        ),
        "unknown algorithm": to_device(mallory, {}, algorithm="m.olm.v9"),
        "algorithm is a list": to_device(mallory, {}, algorithm=[]),
        "deep": to_device(mallory, nested(900)),
        "very deep": {"type": "m.room.encrypted", "sender": mallory.user_id, "content": nested(100_000)},
        "payload is no JSON": olm_message(mallory, reader, "no JSON"),
        "payload is a list": olm_message(mallory, reader, "[]"),
        "payload is null": olm_message(mallory, reader, "null"),
        "payload is deep": olm_message(mallory, reader, "[" * 20_000 + "]" * 20_000),
        "payload is empty": olm_message(mallory, reader, "{}"),
        "session key is no key": room_key(content={"session_key": "***"}),
        "session key is empty": room_key(content={"session_key": ""}),
        "session key is cut": room_key(content={"session_key": "AgAAAAA"}),
        "session key is a number": room_key(content={"session_key": 5}),
        "session id of another session": room_key(content={"session_id": "other"}),
        "session id is a list": room_key(content={"session_id": []}),
        "room is a list": room_key(content={"room_id": []}),
        "room is a surrogate": room_key(content={"room_id": "\ud800"}),
        "unknown key algorithm": room_key(content={"algorithm": "m.megolm.v9"}),
        "content is null": room_key(content={}) | {"content": None},
        "for somebody else": room_key(recipient=mallory.user_id),
        "for another device of ours": room_key(recipient_keys={"ed25519": "other"}),
        "from somebody else": room_key(sender=reader),
        "without keys": room_key(keys={}),
        "keys are a list": room_key(keys=[]),
        "fingerprint is a list": room_key(keys={"ed25519": []}),
        "forwarded": room_key(type="m.forwarded_room_key"),
        "type is null": room_key(type=None),
    }


async def test_hostile_to_device_events_break_nothing(new_phone: NewPhone, room: str) -> None:
    """Each of them before and after a room key that must arrive, in one batch, so that none stops the others."""
    ours, ida, mallory = await new_phone("bot"), await new_phone("ida"), await new_phone("mallory")
    await mallory.encrypt(room, ours)
    await ours.sync()
    sessions = {session.id for session in ours.gateway.olm.inbound_group_store}
    hostile = hostile_to_device(mallory, ours)
    places = [f"{room}-{number}" for number in range(len(hostile))]
    messages = [ida.event(await ida.encrypt(place, ours)) for place in places]
    keys = (await ours.pull())["to_device"]["events"]
    for name, place, message, key in zip(hostile, places, messages, keys, strict=True):
        ours.machine.receive({"to_device": {"events": [hostile[name], key, hostile[name]]}})
        assert reads(ours, place, message) == "ok", name
    new = [session for session in ours.gateway.olm.inbound_group_store if session.id not in sessions]
    learned = {session.sender_key for session in new if session.room_id.startswith("!")}
    assert learned == {ida.key}, "no key for any room came from them"


async def test_they_break_nothing_in_one_batch_either(new_phone: NewPhone, tmp_path: Path, room: str) -> None:
    ours, ida, mallory = await new_phone("bot"), await new_phone("ida"), await new_phone("mallory")
    await mallory.encrypt(room, ours)
    await ours.sync()
    message = ida.event(await ida.encrypt(room, ours))
    response = await ours.pull()
    hostile = list(hostile_to_device(mallory, ours).values())
    response["to_device"]["events"] = [*hostile, *response["to_device"]["events"], *hostile]
    ours.machine.receive(response)
    assert reads(ours, room, message) == "ok"
    await ours.gateway.close()
    again = reopened(ours.gateway, tmp_path)
    try:
        assert reads(again, room, message) == "ok", "it was committed to the crypto store"
    finally:
        await again.gateway.close()


@MANY
@given(st.lists(JSON, max_size=3))
def test_any_to_device_event_raises_nothing(bot: Phone, events: list[Any]) -> None:
    bot.machine.receive({"to_device": {"events": events}})


@MANY
@given(JSON, JSON)
def test_any_encrypted_to_device_event_raises_nothing(bot: Phone, ciphertext: Any, other: Any) -> None:
    for event in (
        to_device(bot, ciphertext),
        to_device(bot, {bot.key: ciphertext}),
        to_device(bot, {bot.key: {"type": 0, "body": ciphertext}}),
        to_device(bot, {bot.key: {"type": other, "body": "AwogAAAA"}}),
        to_device(bot, {bot.key: {"type": 0, "body": stranger_message(bot)}}, sender_key=other),
    ):
        bot.machine.receive({"to_device": {"events": [event]}})


@MANY
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("to_device", "device_lists", "other"), JSON)))
def test_any_response_raises_nothing(bot: Phone, response: dict[str, Any]) -> None:
    bot.machine.receive(response)


# --- hostile members of a room


def crafted(sender: Phone, room: str, plaintext: bytes) -> dict[str, Any]:
    """The content of an event with any plaintext, in the session that the sender shared before."""
    session = sender.gateway.olm.outbound_group_sessions[room]
    return {
        "algorithm": MEGOLM,
        "sender_key": sender.key,
        "device_id": sender.gateway.device_id,
        "session_id": session.id,
        "ciphertext": session._session.encrypt(plaintext).to_base64(),
    }


@pytest.fixture
async def shared(bot: Phone, ida: Phone, room: str) -> str:
    """A room in which the bot has Ida's key."""
    await ida.encrypt(room, bot)
    await bot.sync()
    return room


def message(room: str, **changes: Any) -> bytes:
    plaintext = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "x"}}
    return json.dumps({**plaintext, **changes}).encode()


HOSTILE: dict[str, tuple[Callable[[str], bytes], str]] = {
    "not UTF-8": (lambda room: b"\xff\xfe", "broken"),
    "not JSON": (lambda room: b"{", "broken"),
    "empty": (lambda room: b"", "broken"),
    "a list": (lambda room: b"[]", "broken"),
    "a number": (lambda room: b"5", "broken"),
    "a text": (lambda room: b'"room_id"', "broken"),
    "null": (lambda room: b"null", "broken"),
    "very deep": (lambda room: b"[" * 20_000 + b"]" * 20_000, "broken"),
    "deep": (lambda room: message(room, content={"body": nested(900)}), "broken"),
    "too deep": (lambda room: message(room, content={"body": nested(MAX_NESTING)}), "broken"),
    "a huge number": (lambda room: message(room).replace(b'"x"', b"9" * 5000), "broken"),
    "no Unicode": (lambda room: message(room, content={"msgtype": "m.text", "body": "\ud800"}), "broken"),
    "no Unicode in a key": (lambda room: message(room, content={"\udfff": 1}), "broken"),
    "no Unicode in the type": (lambda room: message(room, type="\ud800"), "broken"),
    "no type": (lambda room: message(room).replace(b'"type"', b'"kind"'), "broken"),
    "type is a list": (lambda room: message(room, type=[]), "broken"),
    "no content": (lambda room: message(room).replace(b'"content"', b'"contents"'), "broken"),
    "content is null": (lambda room: message(room, content=None), "broken"),
    "content is a list": (lambda room: message(room, content=[]), "broken"),
    "no room": (lambda room: message(room).replace(b'"room_id"', b'"room"'), "broken"),
    "another room": (lambda room: message("!other:ern.localhost"), "forged"),
    "room is null": (lambda room: message(room, room_id=None), "forged"),
    "a state key": (lambda room: message(room, type="m.room.member", state_key="@eve:ern.localhost"), "forged"),
    "an empty state key": (lambda room: message(room, type="m.room.power_levels", state_key=""), "forged"),
    "a state key that is null": (lambda room: message(room, state_key=None), "forged"),
}


@pytest.mark.parametrize(("plaintext", "why"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_plaintext_is_refused(
    bot: Phone, ida: Phone, shared: str, plaintext: Callable[[str], bytes], why: str
) -> None:
    assert reads(bot, shared, ida.event(crafted(ida, shared, plaintext(shared)))) == why
    assert reads(bot, shared, ida.event(crafted(ida, shared, message(shared)))) == "ok", "the next one is read"


async def test_a_state_key_around_the_ciphertext_is_refused(bot: Phone, ida: Phone, shared: str) -> None:
    for key in ("", "@eve:ern.localhost", None):
        assert reads(bot, shared, ida.event(await ida.encrypt(shared, bot), state_key=key)) == "forged"


@pytest.mark.parametrize("field", ["sender_key", "device_id", "session_id", "ciphertext", "algorithm"])
@pytest.mark.parametrize("value", [..., None, 5, [], {}, "", "***", "\ud800"])
async def test_a_damaged_envelope_is_refused(bot: Phone, ida: Phone, shared: str, field: str, value: Any) -> None:
    content = await ida.encrypt(shared, bot)
    if value is ...:
        del content[field]
    else:
        content[field] = value
    if field == "device_id" and isinstance(value, str):
        assert reads(bot, shared, ida.event(content)) == "ok", "the key says whose device it is, not this field"
    else:
        assert reads(bot, shared, ida.event(content)) in ("broken", "no-key")


@pytest.mark.parametrize("field", ["event_id", "sender", "origin_server_ts", "content", "type"])
@pytest.mark.parametrize("value", [..., None, -5, [], {}])
async def test_a_damaged_event_is_refused(bot: Phone, ida: Phone, shared: str, field: str, value: Any) -> None:
    event = ida.event(await ida.encrypt(shared, bot))
    if value is ...:
        del event[field]
    else:
        event[field] = value
    assert reads(bot, shared, event) == "broken"


async def test_a_replay_is_refused_and_the_same_event_is_not_one(bot: Phone, ida: Phone, shared: str) -> None:
    event = ida.event(await ida.encrypt(shared, bot), event_id="$once")
    assert [reads(bot, shared, event) for _ in range(2)] == ["ok", "ok"]
    assert reads(bot, shared, {**event, "event_id": "$again"}) == "replay"
    assert reads(bot, shared, {**event, "origin_server_ts": 2}) == "replay"


async def test_an_event_of_another_room_has_no_key_here(bot: Phone, ida: Phone, shared: str) -> None:
    event = ida.event(await ida.encrypt(shared, bot))
    assert reads(bot, "!other:ern.localhost", event) == "no-key"
    assert reads(bot, shared, event) == "ok"


async def test_the_words_of_one_are_not_those_of_another(
    bot: Phone, ida: Phone, new_phone: NewPhone, shared: str
) -> None:
    """Mallory sends Ida's ciphertext as her own: it opens, and its keys say whose it is."""
    mallory = await new_phone("mallory")
    event = ida.event(await ida.encrypt(shared, bot)) | {"sender": mallory.user_id}
    decrypted = bot.machine.decrypt(shared, event)
    with pytest.raises(Refused) as refused:
        await bot.trust.owner(mallory.user_id, decrypted.curve25519, decrypted.ed25519)
    assert refused.value.code == "device-unknown"
    assert (await bot.trust.owner(ida.user_id, decrypted.curve25519, decrypted.ed25519)).signed


async def test_claimed_keys_of_somebody_else_are_nobodys(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    """Mallory sends her own room key and says that it is signed with Ida's key."""
    mallory = await new_phone("mallory")
    await mallory.encrypt(room, bot)
    await bot.sync()
    session = mallory.gateway.olm.outbound_group_sessions[room]
    payload = {
        "sender": mallory.user_id,
        "keys": {"ed25519": ida.gateway.olm.account.identity_keys["ed25519"]},
        "recipient": bot.user_id,
        "recipient_keys": {"ed25519": bot.gateway.olm.account.identity_keys["ed25519"]},
        "type": "m.room_key",
        "content": {
            "algorithm": MEGOLM,
            "room_id": "!claimed",
            "session_id": session.id,
            "session_key": session.session_key,
        },
    }
    bot.machine.receive({"to_device": {"events": [olm_message(mallory, bot, json.dumps(payload))]}})
    content = crafted(mallory, room, message("!claimed"))
    decrypted = bot.machine.decrypt("!claimed", mallory.event(content))
    for user_id in (ida.user_id, mallory.user_id):
        with pytest.raises(Refused, match="device-unknown"):
            await bot.trust.owner(user_id, decrypted.curve25519, decrypted.ed25519)


async def test_an_exported_session_of_somebody_is_not_taken_for_theirs(bot: Phone, ida: Phone, room: str) -> None:
    """What was forwarded proves nothing about who wrote it."""
    await ida.encrypt(room, bot)
    await bot.sync()
    store = bot.gateway.olm.inbound_group_store
    content = await ida.encrypt(room, bot)
    session: InboundGroupSession = store.get(room, ida.key, content["session_id"])
    session.forwarding_chain.append("somebody")
    assert reads(bot, room, ida.event(content)) == "replay"


@MANY
@given(st.dictionaries(st.sampled_from(["type", "event_id", "sender", "content", "unsigned", "room_id"]), JSON), JSON)
def test_any_event_is_decrypted_or_refused(bot: Phone, changes: dict[str, Any], content: Any) -> None:
    event = bot.event({"algorithm": MEGOLM, "sender_key": "x", "session_id": "x", "device_id": "x", "ciphertext": "x"})
    for damaged in ({**event, **changes}, {**event, "content": content}, changes):
        with pytest.raises(Undecryptable):
            bot.machine.decrypt("!r", damaged)


@MANY
@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_plaintext_is_read_or_refused(bot: Phone, plaintext: bytes) -> None:
    room = "!own"
    if room not in bot.gateway.olm.outbound_group_sessions:
        bot.gateway.olm.create_outbound_group_session(room)
    with pytest.raises(Undecryptable):
        bot.machine.decrypt(room, bot.event(crafted(bot, room, plaintext)))
