"""Arbitrary JSON and mutated real events at every door: what is wrong with one thing never costs another."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
import vodozemac
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import MatrixError, Undecryptable
from ernbot.matrix.olm import MEGOLM
from ernbot.matrix.parsing import parse
from ernbot.matrix.rooms import Rooms, RoomView
from ernbot.matrix.trust import read_identity
from ernbot.storage.store import Store
from tests.matrix.devices import Forge, NewAccount, NewPhone, Phone, come_up, log_in, started
from tests.matrix.forging import crafted, nested, payload, to_device, whispered
from tests.matrix.mutation import JSON, MANY, ODD, TAMPER, Tamper, changed, nodes
from tests.matrix.test_sync import Receiver

pytestmark = pytest.mark.homeserver

ROOM = "!mutants:ern.localhost"

_numbers = itertools.count()


def room_key(room: str = ROOM) -> dict[str, Any]:
    group = vodozemac.GroupSession()
    key = group.session_key.to_base64()
    return {"algorithm": MEGOLM, "room_id": room, "session_id": group.session_id, "session_key": key}


class Door:
    """Our sync on a real device and a database, a correspondent of it, and real events of theirs to tamper with."""

    def __init__(self, ours: Phone, ida: Phone) -> None:
        self.ours = ours
        self.ida = ida
        self.receiver = Receiver(ours)
        self.to_device: list[dict[str, Any]] = []
        self.timeline: list[dict[str, Any]] = []

    async def capture(self) -> None:
        """A channel that was used both ways, and one event of each kind."""
        await self.ida.encrypt(ROOM, self.ours)
        first = await self.ours.pull()
        self.to_device += first["to_device"]["events"]
        await self.ours.receive(first)
        await self.ours.encrypt(ROOM, self.ida)
        await self.ida.sync()
        exported = room_key() | {"sender_key": self.ida.key, "sender_claimed_ed25519_key": self.ida.machine.olm.ed25519}
        verification = {"from_device": "X", "methods": ["m.sas.v1"], "timestamp": 1, "transaction_id": "t"}
        for kind, content in (
            ("m.room_key", room_key()),
            ("m.forwarded_room_key", exported | {"forwarding_curve25519_key_chain": []}),
            ("m.key.verification.request", verification),
            ("m.dummy", {}),
        ):
            self.to_device.append(await self.whisper(kind, content))
        withheld = {"algorithm": MEGOLM, "room_id": ROOM, "session_id": "s", "code": "m.unverified", "sender_key": "k"}
        for kind, content in (
            ("m.room_key.withheld", withheld),
            ("m.key.verification.request", verification),
            ("m.room_key_request", {"action": "request", "body": room_key(), "request_id": "r"}),
        ):
            self.to_device.append({"type": kind, "sender": self.ida.user_id, "content": content})
        relation = {"rel_type": "m.thread", "event_id": "$root"}
        body = {"msgtype": "m.text", "body": "x", "m.relates_to": relation}
        member = {"membership": "join", "displayname": "Ida"}
        self.timeline += [
            self.ida.event(await self.ida.encrypt(ROOM, self.ours)),
            self.event("m.room.message", body),
            self.event("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": "1"}}),
            self.event("m.room.member", member, state_key=self.ida.user_id, unsigned={"prev_content": {}}),
            self.event("m.room.encryption", {"algorithm": MEGOLM, "rotation_period_msgs": 5}, state_key=""),
        ]

    async def whisper(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        return await whispered(self.ida, self.ours.key, payload(self.ida, self.ours, kind, content))

    def event(self, kind: str, content: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {**self.ida.event(content), "type": kind, **fields}

    def response(self, to_device: list[Any], timeline: list[Any]) -> dict[str, Any]:
        room = {"timeline": {"events": timeline, "limited": False, "prev_batch": "p"}, "state": {"events": timeline}}
        invited = {"!invited:ern.localhost": {"invite_state": {"events": timeline}}}
        return {
            "next_batch": f"s{next(_numbers)}",
            "to_device": {"events": to_device},
            "device_lists": {"changed": ["@nobody:ern.localhost"], "left": []},
            "device_one_time_keys_count": {"signed_curve25519": 50},
            "device_unused_fallback_key_types": ["signed_curve25519"],
            "rooms": {"join": {ROOM: room}, "invite": invited, "leave": {"!left:ern.localhost": {}}},
        }

    async def takes(self, to_device: list[Any], timeline: list[Any]) -> None:
        """Receive a batch in which a good room key and a good message stand in the middle; both must arrive."""
        place = f"!good-{next(_numbers)}:ern.localhost"
        key = room_key(place)
        text = {"type": "m.room.message", "room_id": ROOM, "content": {"msgtype": "m.text", "body": "good"}}
        # In the first session: a new one after a hundred messages would come through the homeserver.
        good = self.ida.event(await crafted(self.ida, ROOM, json.dumps(text).encode()))
        letter = await self.whisper("m.room_key", key)
        response = self.response([*to_device, letter, *to_device], [*timeline, good, *timeline])
        await self.receiver.sync.receive(response, "s")
        items = await self.receiver.inbox()
        assert (good["event_id"], "message") in [(item.event_id, item.kind) for item in items]
        async with self.ours.store.transaction() as tx:
            assert [it.user_id for it in await tx.room_keys(place, key["session_id"])] == [self.ida.user_id]
            for item in items:
                await tx.handled(item.event_id)


@pytest_asyncio.fixture(loop_scope="session")
async def door(homeserver: Homeserver, new_account: NewAccount, store: Store, ida: Phone) -> AsyncIterator[Door]:
    """On each kind of database."""
    gateway = await log_in(homeserver, await new_account("door"))
    try:
        ours = await started(gateway, store)
        await come_up(ours)
        door = Door(ours, ida)
        await door.capture()
        yield door
    finally:
        await gateway.close()


@pytest_asyncio.fixture(loop_scope="session")
async def quick(new_phone: NewPhone, ida: Phone) -> Door:
    """For what is not about rows, on SQLite alone."""
    door = Door(await new_phone("quick"), ida)
    await door.capture()
    return door


@pytest.fixture(autouse=True)
def nothing_unforeseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Each fault has its own refusal. The net below them, which reports what nobody foresaw, catches nothing."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelname == "ERROR"] == []


# --- what a sync brings


@MANY
@given(tamper=TAMPER)
async def test_tampered_events_cost_nobody_else_anything(door: Door, tamper: Tamper) -> None:
    every = [*door.to_device, *door.timeline]
    hostile = [tamper(tamper.random.choice(every), every) for _ in range(3)]
    await door.takes(hostile, hostile)


async def test_nothing_that_breaks_programs_costs_anything(door: Door) -> None:
    """At each node of each event three odd values, another three at the next one."""
    odd = itertools.cycle(ODD)
    every = [*door.to_device, *door.timeline]
    hostile = [changed(event, path, [next(odd)]) for event in every for path, _ in nodes(event) for _ in range(3)]
    await door.takes(hostile, hostile)


@MANY
@given(tamper=TAMPER)
async def test_a_tampered_response_is_received_or_refused(door: Door, tamper: Tamper) -> None:
    response = tamper(door.response(door.to_device, door.timeline))
    if isinstance(response, dict):
        with suppress(MatrixError):
            await door.receiver.sync.receive(response, "s")
    await door.takes([], [])


@MANY
@given(tamper=TAMPER, room=st.sampled_from([ROOM, "", "!other:ern.localhost"]))
async def test_a_tampered_event_is_decrypted_or_refused(quick: Door, tamper: Tamper, room: str) -> None:
    event = tamper(quick.timeline[0], quick.to_device)
    if isinstance(event, dict):
        try:
            decrypted = await quick.ours.decrypt(room, event)
        except Undecryptable:
            return
        assert (room, decrypted.content["body"], decrypted.curve25519) == (ROOM, "hello", quick.ida.key)


@MANY
@given(tamper=TAMPER)
async def test_a_tampered_plaintext_is_read_or_refused(quick: Door, tamper: Tamper) -> None:
    """What a member encrypts is seen by nobody before us."""
    honest = {"type": "m.room.message", "room_id": ROOM, "content": quick.timeline[1]["content"]}
    text = json.dumps(tamper(honest, quick.timeline)).encode()
    event = quick.ida.event(await crafted(quick.ida, ROOM, text))
    letter = await whispered(quick.ida, quick.ours.key, text)
    await quick.ours.take(letter)
    assert await quick.ours.reads(ROOM, event) in ("ok", "broken", "forged")


# --- a hostile homeserver


@MANY
@given(tamper=TAMPER)
async def test_tampered_identities_are_never_signed(tamper: Tamper) -> None:
    forge = Forge.of("@ida:ern.localhost")
    answer = forge.answer()
    (genuine,) = read_identity(forge.user_id, answer).devices
    tampered = tamper(answer, [Forge.of(forge.user_id).answer()])
    if isinstance(tampered, dict):
        found = read_identity(forge.user_id, tampered)
        if found.master == forge.identity.fingerprint:
            assert all(device == genuine for device in found.devices if device[-1])


@pytest.mark.parametrize("path", ["/keys/query", "/keys/claim", "/keys/upload", "/sendToDevice/"])
@MANY
@given(tamper=TAMPER)
async def test_a_tampered_answer_is_used_or_refused(quick: Door, path: str, tamper: Tamper) -> None:
    """Of the homeserver, to whatever we ask while we encrypt, tend and publish."""
    ours, ida = quick.ours, quick.ida
    request = ours.gateway.request

    async def tampering(method: str, where: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        answer = await request(method, where, *arguments, **options)
        if path not in where:
            return answer
        return {key: tamper(value) for key, value in answer.items()}

    setattr(ours.gateway, "request", tampering)  # noqa: B010
    room = f"!tampered-{next(_numbers)}:ern.localhost"
    try:
        ours.trust.forget([ida.user_id])
        async with ours.store.transaction() as tx:
            await tx.mark_stale([ida.user_id])
        await ours.encrypt(room, ida)
        with suppress(Refused):
            await ours.trust.owner(ida.user_id, ida.key, ida.machine.olm.ed25519)
        await ours.take(to_device(ida, {ours.key: {"type": 1, "body": "AwogAAAA"}}))
        with suppress(MatrixError):
            await ours.machine.tend()
        await ours.receive({"device_one_time_keys_count": {"signed_curve25519": 0}})
        with suppress(MatrixError):
            await ours.machine.upload_keys()
    finally:
        setattr(ours.gateway, "request", request)  # noqa: B010
    ours.trust.forget([ida.user_id])
    async with ours.store.transaction() as tx:
        await tx.mark_stale([ida.user_id])
    event = ours.event(await ours.encrypt(room, ida))
    await ida.sync()
    if path != "/keys/claim":
        assert await ida.reads(room, event) == "ok"


# --- rooms and answers


@MANY
@given(tamper=TAMPER)
async def test_any_state_makes_a_view(quick: Door, tamper: Tamper) -> None:
    view, rooms = RoomView(ROOM), Rooms(quick.ours.gateway)
    for event in quick.timeline:
        tampered = tamper(event, quick.timeline)
        if isinstance(tampered, dict):
            view.apply(tampered)
            rooms.notice(ROOM, tampered)
    assert all(isinstance(user, str) for user in view.joined)
    assert view.rotation.messages >= 1
    assert view.rotation.age.total_seconds() >= 3600


@MANY
@given(JSON, st.integers(0, 5000), st.integers(1, 6000))
def test_any_json_is_parsed(value: Any, levels: int, digits: int) -> None:
    """What cannot be kept is cut out alone."""
    text = json.dumps({"good": value})
    deep, long = "[" * levels + "]" * levels, "9" * digits
    parsed = parse(f'{{"deep": {deep or 0}, "long": {long}, "all": {text}}}'.encode())
    assert json.dumps(parsed["all"]) == text


@MANY
@given(st.binary() | st.text(alphabet='[]{}",:\\ab1', max_size=300).map(str.encode))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for text in (data, data * 500, b"[" * 5000 + data):
        try:
            parse(text)
        except ValueError:
            continue


def test_a_value_that_was_cut_out_is_null() -> None:
    deep = json.dumps(nested(300)).encode()
    assert parse(deep) == nested(300)
    assert parse(b"[1," + b"[" * 5000 + b"]" * 5000 + b',{"]": "["}]')[2] == {"]": "["}
