"""One-to-one channels: everything that a hostile device can send to break them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ernbot.matrix.keys import encode
from ernbot.matrix.olm import MEGOLM
from ernbot.storage.tables import room_keys
from tests.matrix.devices import NewPhone, Phone, restarted
from tests.matrix.forging import nested, payload, to_device, whispered

pytestmark = pytest.mark.homeserver

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MANY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stranger_message(reader: Phone) -> str:
    """A message that begins a session with a one-time key that the reader never had."""
    account = vodozemac.Account()
    session = account.create_outbound_session(
        vodozemac.Curve25519PublicKey.from_base64(reader.key), vodozemac.Curve25519SecretKey().public_key()
    )
    return encode(session.encrypt(b"{}").to_parts()[1])


def hostile_events(mallory: Phone, reader: Phone) -> dict[str, Any]:
    """To-device events by what is wrong with them."""
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
    }


def hostile_payloads(mallory: Phone, reader: Phone) -> dict[str, bytes]:
    """What an encrypted to-device event says, by what is wrong with it."""

    def room_key(kind: Any = "m.room_key", content: Any = None, **changes: Any) -> bytes:
        session = vodozemac.GroupSession()
        key = {
            "algorithm": MEGOLM,
            "room_id": "!hostile",
            "session_id": session.session_id,
            "session_key": session.session_key.to_base64(),
        }
        return payload(mallory, reader, kind, {**key, **(content or {})}, **changes)

    return {
        "payload is no JSON": b"no JSON",
        "payload is a list": b"[]",
        "payload is null": b"null",
        "payload is deep": b"[" * 20_000 + b"]" * 20_000,
        "payload is empty": b"{}",
        "session key is no key": room_key(content={"session_key": "***"}),
        "session key is empty": room_key(content={"session_key": ""}),
        "session key is cut": room_key(content={"session_key": "AgAAAAA"}),
        "session key is a number": room_key(content={"session_key": 5}),
        "session id of another session": room_key(content={"session_id": "other"}),
        "session id is a list": room_key(content={"session_id": []}),
        "room is a list": room_key(content={"room_id": []}),
        "room is a surrogate": room_key(content={"room_id": "\ud800"}),
        "unknown key algorithm": room_key(content={"algorithm": "m.megolm.v9"}),
        "content is null": payload(mallory, reader, "m.room_key", None),
        "for somebody else": room_key(recipient=mallory.user_id),
        "for another device of ours": room_key(recipient_keys={"ed25519": "other"}),
        "from somebody else": room_key(sender=reader.user_id),
        "without keys": room_key(keys={}),
        "keys are a list": room_key(keys=[]),
        "fingerprint is a list": room_key(keys={"ed25519": []}),
        "forwarded": room_key("m.forwarded_room_key"),
        "type is null": room_key(None),
    }


async def hostile(mallory: Phone, reader: Phone) -> dict[str, Any]:
    """All of them as events; these two have a channel already."""
    inside = hostile_payloads(mallory, reader)
    encrypted = {name: await whispered(mallory, reader.key, plaintext) for name, plaintext in inside.items()}
    return {**hostile_events(mallory, reader), **encrypted}


async def owners(device: Phone, rooms: Iterable[str]) -> set[str]:
    """The Curve25519 keys of the devices whose room keys a device has, apart from those of some rooms."""
    query = select(room_keys.c.sender_key).where(room_keys.c.room_id.not_in(rooms))
    async with device.store.engine.connect() as connection:
        return set(await connection.scalars(query))


async def test_hostile_to_device_events_break_nothing(new_phone: NewPhone, room: str) -> None:
    """Each of them before and after a room key that must arrive, in one batch, so that none stops the others."""
    ours, ida, mallory = await new_phone("bot"), await new_phone("ida"), await new_phone("mallory")
    await mallory.encrypt(room, ours)
    await ours.sync()
    events = await hostile(mallory, ours)
    places = [f"{room}-{number}" for number in range(len(events))]
    messages = [ida.event(await ida.encrypt(place, ours)) for place in places]
    keys = (await ours.pull())["to_device"]["events"]
    for name, place, message, key in zip(events, places, messages, keys, strict=True):
        received = await ours.take(events[name], key, events[name])
        assert (received.failures, len(received.sessions)) == (2, 1), name
        assert await ours.reads(place, message) == "ok", name
    assert await owners(ours, [room]) == {ida.key}, "no key for any other room came from them"


async def test_they_break_nothing_in_one_batch_either(new_phone: NewPhone, tmp_path: Path, room: str) -> None:
    ours, ida, mallory = await new_phone("bot"), await new_phone("ida"), await new_phone("mallory")
    await mallory.encrypt(room, ours)
    await ours.sync()
    message = ida.event(await ida.encrypt(room, ours))
    keys = (await ours.pull())["to_device"]["events"]
    events = (await hostile(mallory, ours)).values()
    received = await ours.take(*events, *keys, *events)
    assert received.failures == 2 * len(events)
    assert await ours.reads(room, message) == "ok"
    async with restarted(ours, tmp_path) as again:
        assert await again.reads(room, message) == "ok", "it was committed"


@MANY
@given(st.lists(JSON, max_size=3))
async def test_any_to_device_event_raises_nothing(bot: Phone, events: list[Any]) -> None:
    await bot.take(*events)


@MANY
@given(JSON, JSON)
async def test_any_encrypted_to_device_event_raises_nothing(bot: Phone, ciphertext: Any, other: Any) -> None:
    await bot.take(
        to_device(bot, ciphertext),
        to_device(bot, {bot.key: ciphertext}),
        to_device(bot, {bot.key: {"type": 0, "body": ciphertext}}),
        to_device(bot, {bot.key: {"type": other, "body": "AwogAAAA"}}),
        to_device(bot, {bot.key: {"type": 0, "body": stranger_message(bot)}}, sender_key=other),
    )


@MANY
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("to_device", "device_lists", "other"), JSON)))
async def test_any_response_raises_nothing(bot: Phone, response: dict[str, Any]) -> None:
    await bot.receive(response)
