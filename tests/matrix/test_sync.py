"""From a sync to the inbox: each event once, none lost, and nothing that anybody sends can stop it."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import gateway as gateway_module
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.gaps import GAP, Gaps
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.intake import GRACE, Intake
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sync import Sync
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store
from ernbot.storage.tables import inbox
from ernbot.storage.tables import settings as settings_table
from ernbot.storage.transaction import Transaction
from tests.matrix.devices import ENCRYPTED, NewAccount, Phone, come_up, log_in, noted, started
from tests.matrix.forging import crafted

pytestmark = pytest.mark.homeserver

ROOM = "!room:hospital.example"
IDA = "@ida:hospital.example"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


class Receiver:
    """A sync on a real device and a real database; what it waked and where it is are noted."""

    def __init__(self, device: Phone) -> None:
        self.device = device
        self.store = device.store
        self.woken = 0
        self.rooms = Rooms(device.gateway)
        self.intake = Intake(device.machine, clock=lambda: NOW)
        self.gaps = Gaps(device.gateway, self.intake, self.store)
        self.sync = Sync(
            device.gateway,
            device.machine,
            self.intake,
            device.trust,
            self.rooms,
            self.store,
            clock=lambda: NOW,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def receive(self, response: dict[str, Any], since: str | None = "s1") -> list[InboxItem]:
        """Everything that is in the inbox afterwards, gaps filled."""
        await self.sync.receive(response, since)
        for item in await self.inbox():
            if item.kind == GAP:
                await self.gaps.fill(item)
        return await self.inbox()

    async def inbox(self) -> list[InboxItem]:
        async with self.store.transaction() as tx:
            return await tx.pending(at=NOW + GRACE)

    async def token(self) -> str | None:
        async with self.store.transaction() as tx:
            return await tx.sync_token()


@pytest_asyncio.fixture(loop_scope="session")
async def receiver(homeserver: Homeserver, new_account: NewAccount, store: Store) -> AsyncIterator[Receiver]:
    """A device of its own on each kind of database."""
    gateway = await log_in(homeserver, await new_account("bot"))
    try:
        device = await started(gateway, store)
        await come_up(device)
        yield Receiver(device)
    finally:
        await gateway.close()


@pytest.fixture
async def quick(bot: Phone) -> Receiver:
    """The bot's device with an empty inbox, for tests that are about the events and not about the rows."""
    async with bot.store.engine.begin() as connection:
        for table in (inbox, settings_table):
            await connection.execute(delete(table))
    return Receiver(bot)


def joined(*events: Any, room: str = ROOM, token: str = "s2", **timeline: Any) -> dict[str, Any]:
    return {"next_batch": token, "rooms": {"join": {room: {"timeline": {"events": list(events), **timeline}}}}}


def plain(event_id: str, text: str = "hello", **changes: Any) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": text}
    return {"type": "m.room.message", "event_id": event_id, "sender": IDA, "content": content} | changes


def member(user_id: str, membership: str, before: str | None = None, event_id: str = "$member") -> dict[str, Any]:
    previous = {"unsigned": {"prev_content": {"membership": before}}} if before else {}
    return {
        "type": "m.room.member",
        "event_id": event_id,
        "sender": user_id,
        "state_key": user_id,
        "content": {"membership": membership},
        **previous,
    }


def ids(items: list[InboxItem]) -> list[str]:
    return [item.event_id for item in items]


# --- once


async def test_the_same_response_twice_gives_each_event_once(receiver: Receiver, ida: Phone) -> None:
    room, bot = f"!once:{receiver.store.engine.dialect.name}", receiver.device
    encrypted = ida.event(await ida.encrypt(room, bot, text="!help"), event_id="$encrypted")
    response = joined(plain("$a"), encrypted, plain("$b"), room=room)
    response["to_device"] = (await bot.pull())["to_device"]
    again = copy.deepcopy(response)
    again["rooms"]["join"][room]["timeline"]["events"][1]["origin_server_ts"] = 2
    first = await receiver.receive(response)
    assert [(item.event_id, item.kind) for item in first] == [
        ("$a", "plaintext"),
        ("$encrypted", "message"),
        ("$b", "plaintext"),
    ]
    assert first[1].payload["content"]["body"] == "!help"
    assert await receiver.receive(response) == first
    assert await receiver.receive(again) == first, "not even when the homeserver gives it another time"


async def test_what_was_handled_does_not_come_back(receiver: Receiver) -> None:
    await receiver.receive(joined(plain("$a"), plain("$b")))
    async with receiver.store.transaction() as tx:
        await tx.handled("$a")
    assert ids(await receiver.receive(joined(plain("$a"), plain("$b")))) == ["$b"]


async def test_rows_and_token_are_committed_together(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    await receiver.receive(joined(plain("$a"), token="s2"))
    assert await receiver.token() == "s2"

    class Cut(Exception):
        pass

    async def die(*_arguments: object) -> None:
        raise Cut

    monkeypatch.setattr("ernbot.storage.transaction.Transaction.set_sync_token", die)
    with pytest.raises(Cut):
        await receiver.receive(joined(plain("$b"), token="s3"))
    monkeypatch.undo()
    assert (await receiver.token(), ids(await receiver.inbox())) == ("s2", ["$a"])
    assert receiver.woken == 1, "nobody is woken for what was not committed"
    await receiver.receive(joined(plain("$b"), token="s3"))
    assert (await receiver.token(), ids(await receiver.inbox())) == ("s3", ["$a", "$b"])


async def test_an_empty_response_moves_the_token_and_wakes_nobody(receiver: Receiver) -> None:
    assert await receiver.receive({"next_batch": "s9"}) == []
    assert (await receiver.token(), receiver.woken) == ("s9", 0)


async def test_a_key_that_comes_later_leaves_the_event_for_later(quick: Receiver, bot: Phone, ida: Phone) -> None:
    event = ida.event(await ida.encrypt("!late", bot), event_id="$late")
    (item,) = await quick.receive(joined(event, room="!late"))
    assert (item.kind, item.payload) == ("encrypted", {"event": event})
    assert item.session_id == event["content"]["session_id"]
    await bot.sync()
    assert await bot.body("!late", item.payload["event"]) == "hello"


async def test_fake_state_inside_an_encrypted_event_is_dropped(quick: Receiver, bot: Phone, ida: Phone) -> None:
    """Hazard: a member sends power levels or a membership as the plaintext of a message."""
    await ida.encrypt("!fake", bot)
    await bot.sync()
    events = []
    for number, kind in enumerate(("m.room.member", "m.room.power_levels")):
        state = {"type": kind, "room_id": "!fake", "state_key": ida.user_id, "content": {"membership": "join"}}
        content = await crafted(ida, "!fake", json.dumps(state).encode())
        events.append(ida.event(content, event_id=f"$fake-{number}"))
    assert await quick.receive(joined(*events, room="!fake")) == []


async def test_devices_that_are_looked_up_during_the_commit_are_not_remembered(
    receiver: Receiver, ida: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows them as they were until the commit."""
    trust = receiver.device.trust
    await trust.devices([ida.user_id])
    looking: list[asyncio.Task[Any]] = []
    set_token = Transaction.set_sync_token

    async def look(tx: Transaction, token: str) -> None:
        looking.append(asyncio.create_task(trust.devices([ida.user_id])))
        await asyncio.wait(looking, timeout=0.3)
        await set_token(tx, token)

    monkeypatch.setattr(Transaction, "set_sync_token", look)
    await receiver.receive({"next_batch": "s2", "device_lists": {"changed": [ida.user_id]}})
    await looking[0]
    asked = noted(receiver.device.gateway)
    await trust.devices([ida.user_id])
    async with receiver.store.transaction() as tx:
        assert not (await tx.identities([ida.user_id]))[ida.user_id].stale
    assert asked in (["/keys/query"], []), "once, by whoever looked first after the commit"


# --- what concerns us


async def test_kinds_of_events(quick: Receiver, bot: Phone) -> None:
    events = [
        plain("$plain"),
        plain("$reaction", type="m.reaction"),
        member(IDA, "join", "invite", "$join"),
        member(IDA, "join", "join", "$renamed"),
        member(IDA, "leave", "join", "$left"),
        member(IDA, "ban", "join", "$banned"),
        member(IDA, "leave", "invite", "$declined"),
        member(IDA, "invite", None, "$invited"),
        {"type": "m.room.encryption", "event_id": "$on", "sender": IDA, "state_key": "", "content": {}},
        {"type": "m.room.encryption", "event_id": "$no-state", "sender": IDA, "content": {}},
        {"type": "m.room.topic", "event_id": "$topic", "sender": IDA, "state_key": "", "content": {"topic": "x"}},
        plain("$redacted", content={}),
        plain("$own", sender=bot.user_id),
        plain("$own-reaction", sender=bot.user_id, type="m.reaction"),
        plain("$own-encrypted", sender=bot.user_id, type="m.room.encrypted"),
    ]
    items = await quick.receive(joined(*events))
    assert [(item.event_id, item.kind) for item in items] == [
        ("$plain", "plaintext"),
        ("$reaction", "reaction"),
        ("$join", "join"),
        ("$left", "left"),
        ("$banned", "left"),
        ("$declined", "left"),
        ("$on", "encryption"),
        ("$redacted", "plaintext"),
    ]


async def test_nothing_from_before_our_own_arrival(quick: Receiver, bot: Phone) -> None:
    arrival = member(bot.user_id, "join", "invite", "$arrival")
    events = [plain("$before"), member(IDA, "join", None, "$ida"), arrival, plain("$after")]
    assert ids(await quick.receive(joined(*events))) == ["$arrival", "$after"]


async def test_our_own_new_name_is_no_arrival(quick: Receiver, bot: Phone) -> None:
    renamed = member(bot.user_id, "join", "join", "$renamed")
    assert ids(await quick.receive(joined(plain("$before"), renamed, plain("$after")))) == ["$before", "$after"]


async def test_what_a_sync_shows_of_a_room_makes_us_ask_again(quick: Receiver, bot: Phone, ida: Phone) -> None:
    room = await ida.gateway.create_room({"invite": [bot.user_id]})
    await bot.gateway.join(room)
    await bot.pull()
    view = await quick.rooms.view(room)
    assert view.joined == {bot.user_id, ida.user_id}
    await quick.receive(joined(plain("$a"), room=room))
    assert await quick.rooms.view(room) is view, "words change nobody's membership"
    await ida.gateway.leave(room)
    await quick.receive(await bot.pull())
    assert (await quick.rooms.view(room)).joined == {bot.user_id}
    for part in ("join", "leave"):
        view = await quick.rooms.view(room)
        state = {"events": [member(ida.user_id, "leave")]}
        await quick.receive({"next_batch": "s3", "rooms": {part: {room: {"state": state}}}})
        assert await quick.rooms.view(room) is not view


# --- gaps


class Pages(Gateway):
    """Only what fills a gap: pages of history, the oldest first, `size` events each."""

    def __init__(self, events: list[Any], size: int = 3) -> None:
        self._events = events
        self._size = size
        self.asked: list[tuple[str, str]] = []

    async def messages(self, room_id: str, start: str, end: str) -> dict[str, Any]:
        self.asked.append((start, end))
        at = int(start.removeprefix("s"))
        chunk = self._events[at : at + self._size]
        following = at + len(chunk)
        return {"chunk": chunk, **({"end": f"s{following}"} if following < len(self._events) else {})}


def paged(receiver: Receiver, pages: Pages) -> None:
    receiver.gaps._gateway = pages


async def test_a_gap_is_filled_in_order(receiver: Receiver) -> None:
    pages = Pages([plain(f"${number}") for number in range(7)])
    paged(receiver, pages)
    items = await receiver.receive(joined(plain("$7"), plain("$8"), limited=True, prev_batch="p"), "s0")
    assert ids(items) == [f"${number}" for number in range(9)]
    assert pages.asked == [("s0", "p"), ("s3", "p"), ("s6", "p")]


async def test_our_own_new_name_does_not_hide_a_gap(quick: Receiver, bot: Phone) -> None:
    paged(quick, Pages([plain("$old")]))
    renamed = member(bot.user_id, "join", "join", "$renamed")
    response = joined(renamed, plain("$new"), limited=True, prev_batch="p")
    assert ids(await quick.receive(response, "s0")) == ["$old", "$new"]


async def test_what_is_before_our_arrival_is_no_gap(quick: Receiver, bot: Phone) -> None:
    pages = Pages([plain("$old")])
    paged(quick, pages)
    arrival = member(bot.user_id, "join", "invite", "$arrival")
    response = joined(arrival, plain("$new"), limited=True, prev_batch="p")
    assert ids(await quick.receive(response, "s0")) == ["$arrival", "$new"]
    assert pages.asked == []


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_an_arrival_inside_a_gap_ends_it(quick: Receiver, bot: Phone, size: int) -> None:
    arrival = member(bot.user_id, "join", "invite", "$arrival")
    paged(quick, Pages([plain("$long-before"), plain("$before"), arrival, plain("$since")], size))
    items = await quick.receive(joined(plain("$new"), limited=True, prev_batch="p"), "s0")
    assert ids(items) == ["$arrival", "$since", "$new"]


async def test_the_first_sync_asks_for_no_history(quick: Receiver) -> None:
    pages = Pages([plain("$old")])
    paged(quick, pages)
    assert ids(await quick.receive(joined(plain("$new"), limited=True, prev_batch="p"), since=None)) == ["$new"]
    assert pages.asked == []


@pytest.mark.parametrize("error", [MatrixError(403, "M_FORBIDDEN"), MatrixError(404, "M_NOT_FOUND")])
async def test_a_gap_that_we_may_not_see_stops_nothing(quick: Receiver, error: MatrixError) -> None:
    """The room was purged, or we were removed from it, right after the sync."""

    class Refusing(Pages):
        async def messages(self, room_id: str, start: str, end: str) -> dict[str, Any]:
            raise error

    paged(quick, Refusing([]))
    assert ids(await quick.receive(joined(plain("$new"), limited=True, prev_batch="p"))) == ["$new"]


@pytest.mark.parametrize("error", [MatrixError(429, "M_LIMIT_EXCEEDED"), MatrixError(502, "M_UNKNOWN"), Unreachable()])
async def test_a_gap_that_cannot_be_filled_now_is_tried_again(quick: Receiver, error: Exception) -> None:
    class Away(Pages):
        async def messages(self, room_id: str, start: str, end: str) -> dict[str, Any]:
            raise error

    paged(quick, Away([]))
    with pytest.raises(type(error)):
        await quick.receive(joined(plain("$new"), limited=True, prev_batch="p"))
    assert [item.kind for item in await quick.inbox()] == [GAP, "plaintext"], "it waits, before what came after it"


async def test_a_night_away_from_a_busy_room(
    quick: Receiver, bot: Phone, ida: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than a timeline holds, on the homeserver itself."""
    monkeypatch.setattr(gateway_module, "_FILTER", json.dumps({"room": {"timeline": {"limit": 3}}}))
    room = await ida.gateway.create_room({"invite": [bot.user_id], "initial_state": [ENCRYPTED]})
    await bot.gateway.join(room)
    since = str((await bot.pull())["next_batch"])
    sent = [await ida.gateway.send(room, "m.reaction", {"n": n}, f"{room}-{n}") for n in range(8)]
    response = await bot.pull()
    timeline = response["rooms"]["join"][room]["timeline"]
    assert (timeline["limited"], len(timeline["events"])) == (True, 3)
    items = [item for item in await quick.receive(response, since) if item.kind == "reaction"]
    assert ids(items) == sent
    await ida.gateway.leave(room)


# --- invitations


def invited(*events: Any, room: str = ROOM, token: str = "s2") -> dict[str, Any]:
    return {"next_batch": token, "rooms": {"invite": {room: {"invite_state": {"events": list(events)}}}}}


def invitation(me: str, by: str = IDA) -> dict[str, Any]:
    return {"type": "m.room.member", "state_key": me, "sender": by, "content": {"membership": "invite"}}


async def test_an_invitation_comes_once_and_again_when_it_is_another(receiver: Receiver) -> None:
    me = receiver.device.user_id
    response = invited(invitation(me))
    for _ in range(2):
        (item,) = await receiver.receive(response, "s1")
        assert (item.kind, item.sender, item.room_id) == ("invite", IDA, ROOM)
    # Declined or removed, then invited again: the homeserver shows nothing that tells it from the first.
    assert len(await receiver.receive(invited(invitation(me), token="s6"), "s5")) == 2


async def test_who_invites_is_what_our_own_homeserver_says(quick: Receiver, bot: Phone) -> None:
    """All but the last event was made up by the inviter's homeserver."""
    forged = invitation(bot.user_id, by="@known:hospital.example")
    genuine = invitation(bot.user_id, by="@eve:elsewhere.example")
    (item,) = await quick.receive(invited(forged, genuine))
    assert item.sender == "@eve:elsewhere.example"


@pytest.mark.parametrize("events", [[], [None], [5, {}], [{"type": []}], [{"type": "m.room.member", "sender": []}]])
async def test_an_invitation_of_nobody_is_nobodys(quick: Receiver, events: list[Any]) -> None:
    (item,) = await quick.receive(invited(*events))
    assert (item.kind, item.sender) == ("invite", "")


async def test_a_real_invitation(quick: Receiver, bot: Phone, ida: Phone) -> None:
    since = bot.since
    room = await ida.gateway.create_room({"invite": [bot.user_id], "is_direct": True})
    response = await bot.pull()
    for _ in range(2):
        (item,) = [item for item in await quick.receive(response, since) if item.room_id == room]
        assert (item.kind, item.sender) == ("invite", ida.user_id)
    await bot.gateway.leave(room)
    since = str((await bot.pull())["next_batch"])
    await ida.gateway.invite(room, bot.user_id)
    items = await quick.receive(await bot.pull(), since)
    assert [item.kind for item in items if item.room_id == room] == ["invite", "invite"]
    await bot.gateway.leave(room)


# --- hostile


MALFORMED: list[Any] = [
    None,
    "text",
    5,
    [],
    {},
    {**plain("$x"), "event_id": None},
    {**plain("$x"), "event_id": []},
    plain("$x", sender=5),
    plain("$x", content=None),
    plain("$x", content=[]),
    plain("$x", type=None),
    plain("$x", type=[]),
    plain("$x", type="m.room.encrypted"),
    plain("$x", type="m.room.encrypted", content={"algorithm": [], "ciphertext": {}}),
    plain("$x", type="m.room.member", state_key=[]),
    plain("$x", type="m.room.member", state_key=5, content={"membership": "join"}),
    plain("$x", type="m.room.member", state_key=IDA, content={"membership": ["join"]}),
    member(IDA, "join") | {"event_id": "$m", "unsigned": None, "state_key": None},
    plain("$x", unsigned=5, type="m.room.member", state_key={}),
    plain("$x", content={"body": "\ud800"}),
    plain("$x", content={"\udfff": 1}),
]


async def test_malformed_events_stop_nothing(receiver: Receiver) -> None:
    items = await receiver.receive(joined(*MALFORMED, plain("$good"), *MALFORMED))
    assert ids(items) == ["$good"]


@pytest.mark.parametrize("unsigned", [None, 5, [], {"prev_content": None}, {"prev_content": {"membership": []}}])
async def test_a_membership_with_a_malformed_past_is_one(quick: Receiver, bot: Phone, unsigned: Any) -> None:
    arrival = {**member(bot.user_id, "join", event_id="$own"), "unsigned": unsigned}
    assert ids(await quick.receive(joined({**member(IDA, "join"), "unsigned": unsigned}, arrival))) == ["$own"]


@pytest.mark.parametrize("levels", [100, 300, 800, 900, 940, 960, 980])
async def test_deep_content_stops_nothing(quick: Receiver, levels: int) -> None:
    deep: Any = []
    for _ in range(levels):
        deep = [deep]
    items = await quick.receive(joined(plain("$deep", content={"body": deep}), plain("$good")))
    assert ids(items) == ["$good"]


async def test_deep_and_odd_plaintext_stops_nothing(quick: Receiver, bot: Phone, ida: Phone) -> None:
    """What a member encrypts is seen by nobody before us."""
    await ida.encrypt("!odd", bot)
    await bot.sync()
    frame = '{"type":"m.room.message","room_id":"!odd","content":{"msgtype":"m.text","body":%s}}'
    odd = ['"\\ud800"', *("[" * levels + "]" * levels for levels in range(80, 980, 60))]
    events = []
    for number, body in enumerate(odd):
        content = await crafted(ida, "!odd", (frame % body).encode())
        events.append(ida.event(content, event_id=f"$odd-{number}"))
    items = await quick.receive(joined(*events, plain("$good"), room="!odd"))
    assert ids(items) == ["$good"]


FIELDS = ["type", "event_id", "sender", "content", "unsigned", "state_key", "origin_server_ts"]
TYPES = ["m.room.message", "m.room.encrypted", "m.room.member", "m.reaction", "m.room.encryption"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        JSON | st.dictionaries(st.sampled_from(FIELDS), JSON),
        max_size=3,
    ),
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(["content", "unsigned", "state_key"]), JSON),
)
async def test_any_event_gives_a_row_or_none(
    quick: Receiver, events: list[Any], type: str, changes: dict[str, Any]
) -> None:
    async with quick.store.transaction() as tx:
        for event in [*events, {**plain("$x", type=type), **changes}]:
            if isinstance(event, dict):
                item = await quick.intake._item(tx, ROOM, event)
                assert item is None or (isinstance(item.sender, str) and isinstance(item.event_id, str))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON), max_size=3), JSON)
async def test_any_events_are_received(quick: Receiver, events: list[Any], state: Any) -> None:
    response = joined(*events, plain("$good"))
    response["rooms"]["join"][ROOM]["state"] = {"events": [state, {**member(IDA, "join"), "unsigned": state}]}
    response["rooms"]["invite"] = {"!i": {"invite_state": {"events": events}}}
    assert "$good" in ids(await quick.receive(response))


# --- the loop


class Script(Gateway):
    """Answers to syncs, one after the other; what was asked is noted."""

    def __init__(self, real: Gateway, *answers: dict[str, Any] | Exception) -> None:
        self.user_id = real.user_id
        self.answers = list(answers)
        self.asked: list[tuple[str | None, int]] = []
        self.used_up = asyncio.Event()

    async def sync(self, since: str | None, *, timeout_ms: int) -> dict[str, Any]:
        self.asked.append((since, timeout_ms))
        if not self.answers:
            self.used_up.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run(receiver: Receiver, script: Script) -> None:
    """Run until all answers of the script are used up, or until it ends by itself."""
    receiver.sync._gateway = script
    used_up = asyncio.create_task(script.used_up.wait())
    running = asyncio.create_task(receiver.sync.run())
    await asyncio.wait([running, used_up], timeout=10, return_when=asyncio.FIRST_COMPLETED)
    used_up.cancel()
    if not running.done():
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    else:
        await running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep

    async def shorter(seconds: float) -> None:
        await real(min(seconds, 0.01))

    monkeypatch.setattr(asyncio, "sleep", shorter)


@pytest.mark.usefixtures("impatient")
async def test_a_homeserver_that_is_away_is_waited_for(quick: Receiver, bot: Phone) -> None:
    script = Script(
        bot.gateway,
        Unreachable(),
        MatrixError(502, "M_UNKNOWN"),
        MatrixError(429, "M_LIMIT_EXCEEDED", 1.0),
        joined(plain("$a")),
        Unreachable(),
        joined(plain("$b"), token="s3"),
    )
    await run(quick, script)
    assert [since for since, _ in script.asked] == [None, None, None, None, "s2", "s2", "s3"]
    assert [poll > 0 for _, poll in script.asked] == [False] * 4 + [True] * 3, "it catches up before it waits"
    assert ids(await quick.inbox()) == ["$a", "$b"]


@pytest.mark.usefixtures("impatient")
async def test_it_goes_on_where_it_stopped(receiver: Receiver) -> None:
    await receiver.receive(joined(plain("$a"), token="s7"))
    script = Script(receiver.device.gateway)
    await run(receiver, script)
    assert script.asked == [("s7", 0)]


@pytest.mark.usefixtures("impatient")
async def test_a_busy_database_brings_the_response_again(
    quick: Receiver, bot: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(bot.gateway, joined(plain("$a")), joined(plain("$a")))
    receive = quick.sync.receive
    failures = [StorageBusy("locked")]

    async def busy_once(response: dict[str, Any], since: str | None) -> str:
        if failures:
            raise failures.pop()
        return await receive(response, since)

    monkeypatch.setattr(quick.sync, "receive", busy_once)
    await run(quick, script)
    assert [since for since, _ in script.asked] == [None, None, "s2"]
    assert ids(await quick.inbox()) == ["$a"]


@pytest.mark.parametrize("status", [401, 403])
async def test_an_account_that_is_refused_ends_it(quick: Receiver, bot: Phone, status: int) -> None:
    with pytest.raises(MatrixError, match=str(status)):
        await run(quick, Script(bot.gateway, MatrixError(status, "M_UNKNOWN_TOKEN")))
    assert not quick.sync.caught_up.is_set()


async def test_a_listener_that_fails_loses_one_message_and_nothing_else(
    quick: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard = []

    def fail_at_the_first(message: Any) -> None:
        heard.append(message.content)
        if len(heard) == 1:
            raise KeyError("Jane")

    monkeypatch.setattr(quick.sync, "_hear", fail_at_the_first)
    events = [{"type": "m.key.verification.cancel", "sender": IDA, "content": {"n": n}} for n in range(2)]
    assert await quick.sync.receive({**joined(), "to_device": {"events": events}}, "s1") == "s2"
    assert heard == [{"n": 0}, {"n": 1}]
    assert await quick.token() == "s2"
    assert "Jane" not in caplog.text


async def test_a_gateway_that_was_closed_stays_closed(homeserver: Homeserver, new_account: NewAccount) -> None:
    gateway = await log_in(homeserver, await new_account("bot"))
    await gateway.sync(None, timeout_ms=0)
    await gateway.close()
    with pytest.raises(Unreachable):
        await gateway.sync(None, timeout_ms=0)
    assert gateway.nio.client_session is None
