"""Events that lie about who sent them, where, or what they are, and events made to break whoever reads them.

Each is followed by proof that the same bot process still answers and that the case is as it was.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import vodozemac

from ernbot.core.case import Case
from ernbot.demo.clinician import Clinician
from ernbot.demo.installation import DEVICE_ID
from ernbot.matrix.keys import encode
from tests.fixtures_installation import House
from tests.matrix.forging import crafted, own_session, whispered

pytestmark = pytest.mark.homeserver

LEAD, MEMBER = "jonas.reuter", "aino.laaksonen"
KNOWN = "an event of the bot"
WITHDRAW = {"msgtype": "m.text", "body": "!consent withdraw care"}


class Target:
    """A case whose lead is honest and whose other member is not."""

    def __init__(self, house: House, room: str, lead: Clinician, member: Clinician) -> None:
        self.house, self.room, self.lead, self.member = house, room, lead, member

    async def case(self) -> Case:
        return (await self.house.look(self.room, LEAD))[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(shared_house: House) -> Target:
    room = await shared_house.case(LEAD, "Is the airway at risk?", panel=[MEMBER])
    await shared_house.chat(MEMBER)
    return Target(shared_house, room, await shared_house.person(LEAD), await shared_house.person(MEMBER))


@pytest_asyncio.fixture(loop_scope="session")
async def target(made: Target) -> AsyncIterator[Target]:
    """The case; afterwards the same process must answer in it, and the case be unchanged."""
    assert made.house.place.bot is not None
    pid, before = made.house.place.bot.pid, await made.case()
    yield made
    for person in (made.lead, made.member):
        assert "Question" in (await made.house.ask(person, made.room, "!case show")).body
    assert await made.case() == before
    assert made.house.place.bot.running
    assert made.house.place.bot.pid == pid


async def sealed(person: Clinician, room: str, plaintext: bytes) -> dict[str, Any]:
    """The content of an encrypted event with any plaintext at all, in the session that the room has."""
    view = await person.rooms.view(room)
    await person.machine.encrypt(room, view.joined, "m.room.message", {"msgtype": "m.text", "body": "-"})
    return await crafted(person, room, plaintext)


async def post(person: Clinician, room: str, content: dict[str, Any]) -> str:
    return await person.gateway.send(room, "m.room.encrypted", content, secrets.token_hex(8))


async def post_plaintext(person: Clinician, room: str, plaintext: bytes) -> str:
    return await post(person, room, await sealed(person, room, plaintext))


def payload(room: str, content: object = None, **fields: object) -> bytes:
    whole = {"type": "m.room.message", "room_id": room, "content": content or WITHDRAW, **fields}
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


# Who, where, what


async def test_state_inside_an_encrypted_event_is_no_state(target: Target) -> None:
    bot, member = target.house.bot, target.member.user_id
    power = {"users": {member: 100}, "invite": 0}
    outsider = target.house.user("ida.bruun")
    for kind, key, content in (
        ("m.room.power_levels", "", power),
        ("m.room.member", outsider, {"membership": "join"}),
        ("m.room.member", target.lead.user_id, {"membership": "leave"}),
        ("m.room.member", bot, {"membership": "leave"}),
        ("m.room.encryption", "", {}),
    ):
        for state_key in (key, None):
            await post_plaintext(
                target.member, target.room, payload(target.room, content, type=kind, state_key=state_key)
            )
    answer = await target.house.ask(target.lead, target.room, "!panel show")
    assert "Aino" in answer.body
    # The lead still gets the keys of what the bot says: they are in the room for it.
    assert answer.encrypted


async def test_a_command_with_a_state_key_is_not_taken(target: Target) -> None:
    event_id = await post_plaintext(target.lead, target.room, payload(target.room, state_key=""))
    await target.house.ask(target.lead, target.room, "!panel show")
    assert target.house.answers(target.lead, event_id) == []


@pytest.mark.parametrize("elsewhere", ["!elsewhere:ern.localhost", None, 7, ["!a"]])
async def test_a_command_meant_for_another_room_is_not_taken(target: Target, elsewhere: object) -> None:
    event_id = await post_plaintext(target.lead, target.room, payload(target.room, room_id=elsewhere))
    await target.house.ask(target.lead, target.room, "!panel show")
    assert target.house.answers(target.lead, event_id) == []


async def test_another_persons_words_are_not_taken_from_me(target: Target) -> None:
    """The lead wrote it, the member sends it: the member has given us no key for it."""
    view = await target.lead.rooms.view(target.room)
    stolen = await target.lead.machine.encrypt(target.room, view.joined, "m.room.message", WITHDRAW)
    event_id = await post(target.member, target.room, stolen)
    await target.house.ask(target.lead, target.room, "!panel show")
    assert target.house.answers(target.member, event_id) == []
    async with target.house.store() as store, store.transaction() as tx:
        waiting = {item.event_id: item.kind for item in await tx.pending(at=datetime.max.replace(tzinfo=UTC))}
    assert waiting[event_id] == "encrypted", "until its sender is told that the key does not come"


async def test_a_replayed_event_is_not_taken_again(target: Target) -> None:
    asked = await target.lead.say(target.room, "!panel show")
    await target.house.answer(target.lead, asked)
    timeline = await target.house.timeline(target.lead, target.room)
    [original] = [event["content"] for event in timeline if event["event_id"] == asked]
    for person in (target.lead, target.member):
        again = await post(person, target.room, original)
        await target.house.ask(target.lead, target.room, "!panel show")
        assert target.house.answers(target.lead, again) == []
    assert len(target.house.answers(target.lead, asked)) == 1


async def test_an_event_from_one_room_is_not_taken_in_another(target: Target) -> None:
    lead, chat = await target.house.chat(LEAD)
    view = await lead.rooms.view(target.room)
    command = await lead.machine.encrypt(target.room, view.joined, "m.room.message", WITHDRAW)
    moved = await post(lead, chat, command)
    await target.house.is_well(LEAD)
    assert "!consent" not in "".join(seen.body for seen in target.house.answers(lead, moved))


# What breaks whoever reads it


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "not UTF-8": b"\xff\xfe\x00\x80",
    "not JSON": b"hello",
    "a list": b"[1, 2, 3]",
    "a text": b'"hello"',
    "null": b"null",
    "a number with five thousand digits": b"9" * 5000,
    "no type": b'{"room_id": "ROOM", "content": {}}',
    "a number for a type": b'{"room_id": "ROOM", "type": 7, "content": {}}',
    "no content": b'{"room_id": "ROOM", "type": "m.room.message"}',
    "a list for content": b'{"room_id": "ROOM", "type": "m.room.message", "content": []}',
    "a number for the words": b'{"room_id": "ROOM", "type": "m.room.message", "content": '
    b'{"msgtype": "m.text", "body": 7}}',
    "half a letter": b'{"room_id": "ROOM", "type": "m.room.message", "content": '
    b'{"msgtype": "m.text", "body": "!help \\ud800"}}',
    "half a letter as a key": b'{"room_id": "ROOM", "type": "m.room.message", "content": '
    b'{"msgtype": "m.text", "body": "!help", "\\udfff": 1}}',
    "not a number": b'{"room_id": "ROOM", "type": "m.room.message", "content": '
    b'{"msgtype": "m.text", "body": "!case show", "z": [NaN, Infinity, 1e999, -0.0]}}',
    **{
        f"{depth} levels deep": (
            b'{"room_id": "ROOM", "type": "m.room.message", "content": {"msgtype": "m.text", "body": "!xyzzy", "z": '
            + nested(depth).encode()
            + b"}}"
        )
        for depth in (90, 500, 920, 940, 950, 960, 970, 980, 5_000)
    },
    "brackets without end": b"[" * 40_000,
}


@pytest.mark.parametrize("plaintext", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_plaintext_that_is_no_event(target: Target, plaintext: bytes) -> None:
    await post_plaintext(target.member, target.room, plaintext.replace(b"ROOM", target.room.encode()))


@pytest.mark.parametrize(
    "change",
    [
        {"ciphertext": "AAAA"},
        {"ciphertext": "not base64 ø"},
        {"ciphertext": ""},
        {"ciphertext": 7},
        {"ciphertext": {}},
        {"sender_key": None},
        {"sender_key": 7},
        {"sender_key": "A" * 43},
        {"session_id": None},
        {"session_id": ["x"]},
        {"device_id": None},
        {"device_id": "ELSEWHERE"},
        {"algorithm": "m.megolm.v2"},
        {"algorithm": "m.olm.v1.curve25519-aes-sha2"},
        {"m.relates_to": "x"},
        {"m.relates_to": {"m.in_reply_to": "x", "rel_type": [], "event_id": {}}},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": 7}},
        {"m.relates_to": {"rel_type": "m.thread"}},
    ],
    ids=str,
)
async def test_a_malformed_encrypted_event(target: Target, change: dict[str, Any]) -> None:
    content = await sealed(target.member, target.room, payload(target.room, {"msgtype": "m.text", "body": "hello"}))
    await post(
        target.member, target.room, {key: value for key, value in {**content, **change}.items() if value is not None}
    )


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"m.relates_to": "x"},
        {"m.relates_to": []},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": 7, "key": "1️⃣"}},
        {"m.relates_to": {"rel_type": "m.annotation", "event_id": KNOWN, "key": "1️⃣"}},
    ],
    ids=str,
)
async def test_a_malformed_reaction(target: Target, content: dict[str, Any]) -> None:
    known = (await target.house.ask(target.member, target.room, "!panel show")).event_id
    relates = content.get("m.relates_to")
    if isinstance(relates, dict) and relates.get("event_id") == KNOWN:
        content = {"m.relates_to": {**relates, "event_id": known}}
    await target.member.gateway.send(target.room, "m.reaction", content, secrets.token_hex(8))


# Messages straight to the device


async def to_device(person: Clinician, house: House, kind: str, content: object) -> None:
    """Anybody on the homeserver can send this to the bot's device, without sharing a room with it."""
    path = f"/_matrix/client/v3/sendToDevice/{kind}/{secrets.token_hex(8)}"
    body = content if isinstance(content, str) else json.dumps(content)
    headers = {"Authorization": f"Bearer {person.gateway.nio.access_token}", "Content-Type": "application/json"}
    data = f'{{"messages": {{"{house.bot}": {{"{DEVICE_ID}": {body}}}}}}}'
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.put(f"{house.url}{path}", data=data.encode()) as response,
    ):
        await response.read()  # the homeserver itself refuses some


async def _bots_key(person: Clinician, house: House) -> str:
    devices = await person.trust.devices([house.bot])
    return devices[0].curve25519


def _first_message(bots_key: str, text: bytes) -> dict[str, Any]:
    """The first message of an Olm session for which the bot never published the one-time key."""
    account = vodozemac.Account()
    account.generate_one_time_keys(1)
    unknown = next(iter(account.one_time_keys.values()))
    session = account.create_outbound_session(vodozemac.Curve25519PublicKey.from_base64(bots_key), unknown)
    kind, ciphertext = session.encrypt(text).to_parts()
    return {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": account.curve25519_key.to_base64(),
        "ciphertext": {bots_key: {"type": kind, "body": encode(ciphertext)}},
    }


async def test_a_flood_of_malformed_messages_to_the_device(target: Target) -> None:
    house, member = target.house, target.member
    key = await _bots_key(member, house)
    good = _first_message(key, b"{}")

    def olm(body: object, kind: object = 0, sender_key: object = good["sender_key"]) -> dict[str, Any]:
        return {**good, "sender_key": sender_key, "ciphertext": {key: {"type": kind, "body": body}}}

    encrypted: list[object] = [
        good,
        olm("not base64 ø"),
        olm("A"),
        olm(""),
        olm(7),
        olm(None),
        olm("AAAA", 1),
        olm("AAAA", 2),
        olm("AAAA", "0"),
        olm(secrets.token_urlsafe(200)),
        olm(secrets.token_urlsafe(200), 1),
        olm(good["ciphertext"][key]["body"], 0, "short"),
        olm(good["ciphertext"][key]["body"], 0, "A" * 43),
        olm(good["ciphertext"][key]["body"], 0, 7),
        olm(good["ciphertext"][key]["body"], 1),
        {**good, "ciphertext": {key: []}},
        {**good, "ciphertext": []},
        {**good, "ciphertext": {}},
        {**good, "algorithm": 7},
        {"algorithm": "m.olm.v1.curve25519-aes-sha2"},
        {},
        [],
        "null",
        '"text"',
        '{"algorithm": "\\ud800"}',
        nested(500),
        nested(900),
        nested(935),
    ]
    for content in encrypted:
        await to_device(member, house, "m.room.encrypted", content)
    for kind in (
        "m.room_key",
        "m.forwarded_room_key",
        "m.room_key_request",
        "m.room_key.withheld",
        "m.dummy",
        "m.secret.request",
        "m.secret.send",
        "m.key.verification.request",
        "m.key.verification.start",
        "m.key.verification.mac",
        "m.key.verification.cancel",
        "x.unknown",
    ):
        for content in ({}, [], good, {"transaction_id": 7, "from_device": []}, {"session_id": None, "room_id": {}}):
            await to_device(member, house, kind, content)


async def send_room_key(target: Target, content: dict[str, Any]) -> None:
    """Give the bot a room key through a good Olm session, so that it is decrypted and read."""
    member, house = target.member, target.house
    [device] = await member.trust.devices([house.bot])
    said = {
        "type": "m.room_key",
        "content": content,
        "sender": member.user_id,
        "keys": {"ed25519": member.machine.olm.ed25519},
        "recipient": house.bot,
        "recipient_keys": {"ed25519": device.ed25519},
    }
    event = await whispered(member, device.curve25519, json.dumps(said).encode())
    await to_device(member, house, "m.room.encrypted", event["content"])


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": None, "room_id": None, "session_id": None, "session_key": None},
        {"session_key": None},
        {"session_key": "not a key"},
        {"session_key": "AgAAAA" + "A" * 300},
        {"session_key": 7},
        {"session_id": ["x"]},
        {"room_id": 7},
        {"room_id": "\ud800"},
        {"algorithm": "m.megolm.v9"},
    ],
    ids=ascii,
)
async def test_a_room_key_that_is_none(target: Target, change: dict[str, Any]) -> None:
    key = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": target.room, "session_id": "x", "session_key": "x"}
    await send_room_key(target, {name: value for name, value in {**key, **change}.items() if value is not None})


async def test_somebody_elses_session_is_not_overwritten(target: Target) -> None:
    """A member hands the bot a key that claims to be of the lead's session; the lead's own goes on working."""
    session = await own_session(target.lead, target.room)
    key = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": target.room, "session_id": session.session_id}
    for claimed in (vodozemac.GroupSession().session_key, session.session_key):
        await send_room_key(target, {**key, "session_key": claimed.to_base64()})
    assert "Question" in (await target.house.ask(target.lead, target.room, "!case show")).body
