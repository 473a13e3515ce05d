"""Verifications with the bot, in rooms and by to-device: whom it answers, what it says, signs and forgets."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernbot.commands.effects import Message, load
from ernbot.core.assurance import Assurance
from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.carrier import Place
from ernbot.matrix.emoji import EMOJI
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.identity import SECRET, Identity, ensure_identity
from ernbot.matrix.keys import public, verifies
from ernbot.matrix.machine import ToDevice
from ernbot.matrix.render import render
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sas import HESITATION, LIMIT, NAMESPACE, Outgoing, Party, concerns
from ernbot.matrix.verification import MAX_ANSWERED, MAX_REMEMBERED, MAX_TALKS, MAX_WAITING, Verification
from tests.fixtures_homeserver import Account
from tests.matrix.comparer import MESSAGE, Client
from tests.matrix.devices import ENCRYPTED, Phone, phone
from tests.matrix.test_sas import ARBITRARY, JSON, NAMES

pytestmark = pytest.mark.homeserver

NOW = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
NewAccount = Callable[[str], Awaitable[Account]]


class Desk:
    """The bot with its verification, Ida on her phone, their direct chat, and a clock that goes on by hand."""

    def __init__(self, bot: Phone, ida: Phone, ours: Identity, theirs: Identity, room: str) -> None:
        self.bot = bot
        self.ida = ida
        self.room = room
        self.ours = ours
        self.time = NOW
        self.woken = 0
        self.known = {ida.user_id}
        self.rooms = Rooms(bot.gateway)
        self.start_again()
        self.bot_party = Party(bot.user_id, bot.gateway.device_id, bot.machine.olm.ed25519, ours.fingerprint)
        self.ida_party = Party(ida.user_id, ida.gateway.device_id, ida.machine.olm.ed25519, theirs.fingerprint)
        self._said: list[str] = []

    def start_again(self) -> None:
        """The bot, as after a restart."""
        self.verification = Verification(
            *(self.bot.gateway, self.bot.machine, self.bot.trust, self.rooms, self.bot.store),
            knows=lambda user_id: user_id in self.known,
            clock=lambda: self.time,
            wake_sender=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    def client(self, transaction: str, *, in_room: bool = True) -> Client:
        return Client(self.ida_party, self.bot_party, transaction, in_room=in_room)

    # --- what Ida's phone sends

    async def event(self) -> str:
        """The id of an event of Ida in the chat, for a request: a relation needs something that is there."""
        content = {"msgtype": "m.notice", "body": "a request"}
        return await self.ida.gateway.send(self.room, "m.room.message", content, secrets.token_hex(8))

    def request(self, **changes: Any) -> MESSAGE:
        return {
            "msgtype": "m.key.verification.request",
            "body": "please verify",
            "to": self.bot.user_id,
            "from_device": self.ida_party.device_id,
            "methods": ["m.sas.v1", "m.qr_code.show.v1"],
            "timestamp": int(self.time.timestamp() * 1000),
            **changes,
        }

    async def in_room(
        self, kind: str, content: MESSAGE, event_id: str = "$another", *, plain: bool = False, **changes: Any
    ) -> list[Outgoing]:
        """The bot's answers, as Ida's phone reads them."""
        olm = self.ida.machine.olm
        keys = {} if plain else {"curve25519": olm.curve25519, "ed25519": olm.ed25519, "authentic": True}
        payload = {"type": kind, "content": content, **keys, **changes}
        await self.verification.in_room(self.room, event_id, self.ida.user_id, payload)
        return await self.answers(plain=plain)

    async def ask(self, event_id: str, *, plain: bool = False, **changes: Any) -> list[Outgoing]:
        return await self.in_room("m.room.message", self.request(**changes), event_id, plain=plain)

    async def answers(self, *, plain: bool = False) -> list[Outgoing]:
        response = await self.ida.pull()
        await self.ida.receive(response)
        timeline = response.get("rooms", {}).get("join", {}).get(self.room, {}).get("timeline", {"events": []})
        found = []
        for event in timeline["events"]:
            if event["sender"] != self.bot.user_id or "state_key" in event:
                continue
            assert (event["type"] != "m.room.encrypted") is plain
            if plain:
                found.append((event["type"], event["content"]))
            else:
                inner = await self.ida.decrypt(self.room, event)
                found.append((inner.type, inner.content))
        return found

    async def by_device(self, kind: str, content: MESSAGE, sender: str | None = None) -> list[Outgoing]:
        await self.verification.by_device(ToDevice(sender or self.ida.user_id, kind, content))
        received = await self.ida.receive(await self.ida.pull())
        assert all(message.sender == self.bot.user_id for message in received.messages)
        return [(message.type, message.content) for message in received.messages]

    async def ask_by_device(self, transaction: str, **changes: Any) -> list[Outgoing]:
        content = {**self.request(), "transaction_id": transaction, **changes}
        return await self.by_device("m.key.verification.request", content)

    # --- what the bot did

    async def said(self) -> list[str]:
        """What the bot has told Ida since this was last asked."""
        found = []
        async with self.bot.store.transaction() as tx:
            while items := await tx.due(self.time + timedelta(days=1)):
                for item in items:
                    effect = load(item.payload)
                    if isinstance(effect, Message):
                        found.append(render(effect.reply, "en").body)
                    await tx.sent(item.id, None)
        return found

    async def is_signed(self) -> bool:
        """Whether the bot's signature on Ida's master key is on the homeserver, and the bot knows her as verified."""
        body: MESSAGE = {"device_keys": {self.ida.user_id: []}}
        answer = await self.bot.gateway.request("POST", "/_matrix/client/v3/keys/query", body)
        signer = public(self.ours.user_signing)
        published = verifies(answer["master_keys"][self.ida.user_id], self.bot.user_id, signer, signer)
        known = await self.bot.trust.identity(self.ida.user_id)
        assert known is not None
        assert (known.verified == self.ida_party.master_key) is published
        devices = await self.bot.trust.devices([self.ida.user_id])
        assert all((device.assurance is Assurance.VERIFIED) is published for device in devices if device.signed)
        return published


@pytest_asyncio.fixture(loop_scope="session")
async def desk(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        accounts = [await new_account(name) for name in ("bot", "ida")]
        bot, ida = [
            await stack.enter_async_context(phone(homeserver, account, tmp_path, signed=False)) for account in accounts
        ]

        ours, theirs = Identity.generate(bot.user_id), Identity.generate(ida.user_id)
        async with bot.store.transaction() as tx:
            await tx.set_secret(SECRET, ours.to_bytes())
        for device, identity in ((bot, ours), (ida, theirs)):
            await ensure_identity(device.gateway, device.machine.olm, identity)
        state = [{**ENCRYPTED, "state_key": ""}]
        room = await ida.gateway.create_room({"invite": [bot.user_id], "initial_state": state})
        await bot.gateway.join(room)
        await ida.sync()
        yield Desk(bot, ida, ours, theirs, room)


def only(messages: list[Outgoing], name: str) -> MESSAGE:
    assert [kind for kind, _ in messages] == [NAMESPACE + name]
    return messages[0][1]


def assert_cancelled(messages: list[Outgoing], code: str) -> None:
    assert only(messages, "cancel")["code"] == code


async def compare(desk: Desk, client: Client, *, plain: bool = False) -> None:
    """From `ready` to the emoji, in the room; both sides see the same."""
    only(await desk.in_room(*client.begin(), plain=plain), "accept")
    key, mac = await desk.in_room(*client.key(), plain=plain)
    client.establish(key[1]["key"])
    client.check(mac[1])
    [said] = await desk.said()
    assert [line[2:].partition(" ")[0] for line in said.splitlines() if line.startswith("- ")] == [
        EMOJI[place].partition(" ")[0] for place in client.emoji
    ]


# --- as it should be


@pytest.mark.parametrize("plain", [False, True], ids=["encrypted", "plain"])
async def test_a_verification_in_the_direct_chat_is_answered_as_it_is_asked(desk: Desk, plain: bool) -> None:
    asked = await desk.event()
    ready = only(await desk.ask(asked, plain=plain), "ready")
    assert ready["from_device"] == desk.bot_party.device_id
    assert ready["methods"] == ["m.sas.v1"]
    assert ready["m.relates_to"] == {"rel_type": "m.reference", "event_id": asked}
    client = desk.client(asked)
    await compare(desk, client, plain=plain)
    assert not await desk.is_signed()
    only(await desk.in_room(*client.mac(), plain=plain), "done")
    assert await desk.is_signed()
    [said] = await desk.said()
    assert said.startswith("Done")
    assert desk.woken == 2
    assert await desk.in_room(*client.say("done"), plain=plain) == []
    assert await desk.said() == []


async def test_a_verification_by_to_device(desk: Desk) -> None:
    ready = only(await desk.ask_by_device("T1"), "ready")
    assert ready == {"from_device": desk.bot_party.device_id, "methods": ["m.sas.v1"], "transaction_id": "T1"}
    client = desk.client("T1", in_room=False)
    only(await desk.by_device(*client.begin()), "accept")
    key, mac = await desk.by_device(*client.key())
    client.establish(key[1]["key"])
    client.check(mac[1])
    only(await desk.by_device(*client.mac()), "done")
    assert await desk.is_signed()
    compared, done = await desk.said()
    assert compared.startswith("Compare")
    assert done.startswith("Done")


async def test_the_loop_answers_and_watches_the_clock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ernbot.matrix.verification.TICK", 0.01)
    running = asyncio.create_task(desk.verification.run())
    try:
        content = {**desk.request(), "transaction_id": "T1"}
        desk.verification.hear(ToDevice(desk.ida.user_id, "org.example.other", content))
        desk.verification.hear(ToDevice(desk.ida.user_id, "m.key.verification.request", content))
        names: list[str] = []
        async with asyncio.timeout(20):
            while len(names) < 2:
                received = await desk.ida.receive(await desk.ida.pull())
                names += [message.type for message in received.messages]
                if names:
                    desk.time = NOW + HESITATION
        assert names == [NAMESPACE + "ready", NAMESPACE + "start"]
    finally:
        running.cancel()


async def test_what_takes_too_long_is_given_up(desk: Desk) -> None:
    asked = await desk.event()
    await desk.ask(asked)
    await compare(desk, desk.client(asked))
    desk.time += LIMIT + timedelta(seconds=1)
    await desk.verification.tick()
    assert_cancelled(await desk.answers(), "m.timeout")
    [said] = await desk.said()
    assert "longer than 10 minutes" in said


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("m.mismatched_sas", "Somebody may have come between us"),
        ("m.key_mismatch", "your client proved other keys"),
        ("m.user", "nothing has changed"),
    ],
)
async def test_a_person_who_cancels_is_told_what_it_means(desk: Desk, code: str, sentence: str) -> None:
    asked = await desk.event()
    await desk.ask(asked)
    client = desk.client(asked)
    await compare(desk, client)
    assert await desk.in_room(*client.say("cancel", code=code)) == []
    [said] = await desk.said()
    assert sentence in said
    assert await desk.in_room(*client.mac()) == []
    assert not await desk.is_signed()


async def test_who_cancels_before_there_are_emoji_is_told_nothing(desk: Desk) -> None:
    asked = await desk.event()
    await desk.ask(asked)
    assert await desk.in_room(*desk.client(asked).say("cancel", code="m.user")) == []
    assert await desk.said() == []


async def test_a_proof_of_other_keys_signs_nothing(desk: Desk) -> None:
    asked = await desk.event()
    await desk.ask(asked)
    client = desk.client(asked)
    await compare(desk, client)
    keys = {f"ed25519:{key_id}": "evil" for key_id, _ in client.names(desk.ida_party)}
    assert_cancelled(await desk.in_room(*client.mac(**keys)), "m.key_mismatch")
    assert not await desk.is_signed()
    [said] = await desk.said()
    assert "other keys" in said


# --- whom the bot does not answer, or not as they want


async def test_only_the_direct_chat_is_for_verifying(
    desk: Desk, homeserver: Homeserver, new_account: NewAccount
) -> None:
    asked = await desk.event()
    not_us = await desk.event()
    of_others = await desk.event()
    third = await new_account("eve")
    await desk.ida.gateway.invite(desk.room, third.user_id)
    desk.rooms.forget(desk.room)
    with pytest.raises(Refused, match="verify-not-direct"):
        await desk.ask(asked)
    assert_cancelled(await desk.answers(), "m.user")
    assert await desk.ask(not_us, to=third.user_id) == []
    assert await desk.in_room(*desk.client(of_others).begin()) == []


async def test_a_room_without_encryption_is_not_for_verifying(desk: Desk) -> None:
    asked = await desk.event()
    room = await desk.ida.gateway.create_room({"invite": [desk.bot.user_id]})
    await desk.bot.gateway.join(room)
    desk.room = room
    assert await desk.ask(asked, plain=True) == []
    assert await desk.said() == []


async def test_an_unsigned_device_cannot_verify(desk: Desk) -> None:
    asked = await desk.event()
    more = await desk.event()
    plain = await desk.event()
    with pytest.raises(Refused, match="device-unknown"):
        await desk.in_room("m.room.message", desk.request(), asked, ed25519="another")
    assert await desk.answers() == []
    assert_cancelled(await desk.ask(more, from_device="TABLET"), "m.user_mismatch")
    assert_cancelled(await desk.ask(plain, plain=True, from_device="TABLET"), "m.key_mismatch")
    [said] = await desk.said()
    assert said


async def test_a_changed_identity_is_not_verified_before_it_is_confirmed(desk: Desk) -> None:
    asked = await desk.event()
    again = await desk.event()
    known = await desk.bot.trust.identity(desk.ida.user_id)
    assert known is not None
    async with desk.bot.store.transaction() as tx:
        await tx.save_identity(replace(known, accepted="the first one"))
    assert_cancelled(await desk.ask(asked), "m.key_mismatch")
    [said] = await desk.said()
    assert "your identity has changed" in said

    async with desk.bot.store.transaction() as tx:
        await tx.save_identity(known)
    await desk.ask(again)
    client = desk.client(again)
    await compare(desk, client)
    async with desk.bot.store.transaction() as tx:
        await tx.save_identity(replace(known, accepted="changed in the middle"))
    assert_cancelled(await desk.in_room(*client.mac()), "m.user")
    [said] = await desk.said()
    assert "nothing has changed" in said
    stored = await desk.bot.trust.identity(desk.ida.user_id)
    assert stored is not None
    assert stored.verified is None


async def test_a_request_of_no_use_is_cancelled(desk: Desk) -> None:
    first = await desk.event()
    second = await desk.event()
    third = await desk.event()
    fourth = await desk.event()
    fifth = await desk.event()
    assert_cancelled(await desk.ask(first, methods=["m.qr_code.show.v1"]), "m.unknown_method")
    assert_cancelled(await desk.ask(second, methods="m.sas.v1"), "m.invalid_message")
    assert_cancelled(await desk.ask(third, from_device=None), "m.invalid_message")
    assert await desk.ask(fourth, to="@another:hospital.example") == []
    assert await desk.in_room("m.room.message", desk.request(), fifth, authentic=False) == []


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        "now",
        10**400,
        int((NOW - LIMIT - timedelta(seconds=1)).timestamp() * 1000),
        int((NOW + timedelta(minutes=6)).timestamp() * 1000),
    ],
)
async def test_an_old_request_by_to_device_is_not_answered(desk: Desk, timestamp: Any) -> None:
    assert await desk.ask_by_device("T1", timestamp=timestamp) == []


async def test_strangers_are_not_answered_by_to_device(desk: Desk) -> None:
    desk.known.clear()
    assert await desk.ask_by_device("T1") == []
    assert await desk.by_device(*desk.client("T1", in_room=False).key()) == []


async def test_nobody_can_go_on_with_the_verification_of_another(desk: Desk) -> None:
    asked = await desk.event()
    await desk.ask(asked)
    client = desk.client(asked)
    assert await desk.in_room(*client.begin(), ed25519="another") == []
    only(await desk.in_room(*client.begin()), "accept")

    await desk.ask_by_device("T1")
    desk.known.add("@eve:hospital.example")
    stolen = desk.client("T1", in_room=False)
    await desk.verification.by_device(ToDevice("@eve:hospital.example", *stolen.say("cancel", code="m.user")))
    only(await desk.by_device(*stolen.begin()), "accept")


async def test_after_a_restart_what_was_under_way_is_unknown(desk: Desk) -> None:
    asked = await desk.event()
    other = await desk.event()
    again = await desk.event()
    await desk.ask(asked)
    client = desk.client(asked)
    await compare(desk, client)
    desk.start_again()
    assert_cancelled(await desk.in_room(*client.mac()), "m.unknown_transaction")
    assert await desk.in_room(*client.mac()) == []
    for name in ("cancel", "done"):
        assert await desk.in_room(*desk.client(other).say(name)) == []
    assert_cancelled(await desk.by_device(*desk.client("T", in_room=False).key()), "m.unknown_transaction")
    only(await desk.ask(again), "ready")


async def test_a_message_about_nothing_is_no_trouble(desk: Desk) -> None:
    assert await desk.in_room(*desk.client("$nowhere").begin()) == []
    assert await desk.in_room(NAMESPACE + "start", {"m.relates_to": {"rel_type": "m.reference", "event_id": 1}}) == []
    assert await desk.by_device(NAMESPACE + "start", {"transaction_id": ["T"]}) == []
    assert await desk.said() == []


async def test_a_new_request_takes_the_place_of_the_old_one(desk: Desk) -> None:
    first = await desk.event()
    second = await desk.event()
    only(await desk.ask(first), "ready")
    (kind, cancel), (ready, _) = await desk.ask(second)
    assert (kind, ready) == (NAMESPACE + "cancel", NAMESPACE + "ready")
    assert cancel["m.relates_to"]["event_id"] == first
    assert await desk.ask(second) == []
    assert await desk.ask(first) == []
    assert await desk.in_room(*desk.client(first).begin()) == []
    only(await desk.in_room(*desk.client(second).begin()), "accept")


async def test_a_person_who_asks_too_often_is_not_answered(desk: Desk) -> None:
    for number in range(MAX_ANSWERED):
        assert await desk.ask_by_device(f"T{number}")
    for number in range(MAX_ANSWERED, 5 * MAX_ANSWERED):
        assert await desk.ask_by_device(f"T{number}") == []
        assert await desk.by_device(*desk.client(f"U{number}", in_room=False).key()) == []
    assert await desk.said() == []
    desk.time += LIMIT + timedelta(seconds=1)
    assert NAMESPACE + "ready" in [kind for kind, _ in await desk.ask_by_device("later")]


async def test_what_is_kept_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Outgoing] = []

    async def send(place: Place, messages: list[Outgoing]) -> None:
        sent.extend(messages)

    monkeypatch.setattr(desk.verification._carrier, "send", send)
    monkeypatch.setattr(desk.verification, "_theirs", lambda place: asyncio.sleep(0, desk.ida_party))
    people = [f"@{number}:hospital.example" for number in range(MAX_REMEMBERED + 50)]
    desk.known.update(people)
    for person in people:
        content = {**desk.request(), "transaction_id": "T"}
        await desk.verification.by_device(ToDevice(person, "m.key.verification.request", content))
    assert len(desk.verification._talks) == MAX_TALKS
    assert len(desk.verification._answered) == len(desk.verification._ended) + MAX_TALKS - 50 == MAX_REMEMBERED
    assert len([kind for kind, _ in sent if kind == NAMESPACE + "ready"]) == MAX_TALKS
    for _ in range(MAX_WAITING + 50):
        desk.verification.hear(ToDevice(desk.ida.user_id, "m.key.verification.key", {}))
    assert desk.verification._waiting.qsize() == MAX_WAITING


# --- a homeserver that is away


async def test_a_busy_homeserver_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await desk.event()
    monkeypatch.setattr("ernbot.matrix.carrier.PAUSES", (0.0, 0.0, 0.0))
    failures: list[Exception] = [Unreachable("away"), MatrixError(429, "M_LIMIT_EXCEEDED", 0.0), MatrixError(502, "x")]
    send = desk.bot.gateway.send

    async def sometimes(*arguments: Any) -> str:
        if failures:
            raise failures.pop()
        return await send(*arguments)

    monkeypatch.setattr(desk.bot.gateway, "send", sometimes)
    only(await desk.ask(asked), "ready")


async def test_a_homeserver_that_stays_away_ends_it_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await desk.event()
    again = await desk.event()
    monkeypatch.setattr("ernbot.matrix.carrier.PAUSES", (0.0,))
    await desk.ask(asked)
    client = desk.client(asked)
    await compare(desk, client)
    with monkeypatch.context() as away:

        async def fails(*_: Any, **__: Any) -> Any:
            raise Unreachable("away")

        away.setattr(desk.bot.gateway, "request", fails)
        await desk.in_room(*client.mac())
    [said] = await desk.said()
    assert "nothing has changed" in said
    assert not await desk.is_signed()
    only(await desk.ask(again), "ready")


async def test_what_is_signed_stays_signed_when_the_last_word_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ernbot.matrix.carrier.PAUSES", ())
    asked = await desk.event()
    await desk.ask(asked)
    client = desk.client(asked)
    await compare(desk, client)

    async def fails(*_: Any) -> str:
        raise Unreachable("away")

    monkeypatch.setattr(desk.bot.gateway, "send", fails)
    assert await desk.in_room(*client.mac()) == []
    assert await desk.is_signed()
    [said] = await desk.said()
    assert said.startswith("Done")


# --- anything at all


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    messages=st.lists(
        st.tuples(st.sampled_from(NAMES), ARBITRARY | st.dictionaries(st.text(), JSON, max_size=3)), max_size=6
    ),
    honest=st.booleans(),
)
async def test_no_message_raises(desk: Desk, messages: list[tuple[str, MESSAGE]], honest: bool) -> None:
    desk.start_again()
    desk.time += timedelta(hours=1)

    async def send(place: Place, messages: list[Outgoing]) -> None:
        assert len(messages) <= 2

    desk.verification._carrier.send = send  # type: ignore[method-assign]
    tie = {"m.relates_to": {"rel_type": "m.reference", "event_id": "$asked"}, "transaction_id": "$asked"}
    if honest:
        messages = [("request", desk.request()), *messages]
    for name, content in messages:
        content = {**content, **tie} if honest else content
        await desk.verification.by_device(ToDevice(desk.ida.user_id, NAMESPACE + name, content))
        olm = desk.ida.machine.olm
        payload = {"content": content, "curve25519": olm.curve25519, "ed25519": olm.ed25519, "authentic": True}
        kind = "m.room.message" if name == "request" else NAMESPACE + name
        await desk.verification.in_room(desk.room, "$asked", desk.ida.user_id, {"type": kind, **payload})
    await desk.verification.tick()


def test_what_concerns_a_verification() -> None:
    assert concerns("m.key.verification.start", {})
    assert concerns("m.room.message", {"msgtype": "m.key.verification.request"})
    assert not concerns("m.room.message", {"msgtype": "m.text"})
    assert not concerns("m.room.message", {"msgtype": ["m.key.verification.request"]})
