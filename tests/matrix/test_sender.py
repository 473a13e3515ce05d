"""The outbox is worked off in order, lane by lane, whatever the homeserver answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ernbot.commands.effects import Effect, Invite, Leave, Message, Outbox, Redact
from ernbot.commands.office import Office
from ernbot.commands.reply import say
from ernbot.core.case import new_case
from ernbot.core.directory import Directory
from ernbot.locales import LANGUAGES
from ernbot.matrix import sender as sender_module
from ernbot.matrix.delivery import Delivery, NotYet
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sender import MAX_ATTEMPTS, Sender
from ernbot.matrix.trust import Trust
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store
from ernbot.storage.tables import outbox
from ernbot.storage.transaction import Transaction

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BOT = "@ernbot:hospital.example"
IDA = "@ida:hospital.example"
OTTO = "@otto:clinic.example"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Fake(Delivery):
    """The outside world: what was carried out, in order, and faults for what the test names.

    A fault stands for a room; a list of them is used up one by one. What it tells whom after giving up is real.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        nobody = _Nobody()
        trust = Trust(nobody, store, clock)
        office = Office(BOT, Directory(()), {}, LANGUAGES, 10)
        super().__init__(nobody, Machine(nobody, store, trust), Rooms(nobody), store, office, clock=clock)
        self.carried_out: list[str] = []
        self.faults: dict[str, list[Exception]] = {}
        self.held: dict[str, asyncio.Event] = {}

    async def deliver(self, item: OutboxItem, effect: Effect) -> None:
        name = effect.event_id if isinstance(effect, Redact) else effect.kind
        if event := self.held.get(item.lane):
            await event.wait()
        if faults := self.faults.get(item.lane):
            raise faults.pop(0)
        self.carried_out.append(name)
        await self.done(item)


class _Nobody(Gateway):
    def __init__(self) -> None:
        self.user_id, self.device_id = BOT, "DEVICE"


class World:
    """A sender on a real database, at a time that stands still."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()
        self.delivery = Fake(store, self.clock)
        self.sender = Sender(store, self.delivery, clock=self.clock)

    async def add(self, room: str, *names: str) -> None:
        async with self.store.transaction() as tx:
            for name in names:
                await Outbox(tx, self.clock()).to_room(room, Redact(name))

    def fail(self, room: str, *faults: Exception) -> None:
        self.delivery.faults[f"room:{room}"] = list(faults)

    async def settle(self, rounds: int = 1) -> list[str]:
        """Everything carried out once all that is due now was tried so often; a lane's next item is another round."""
        for _ in range(rounds):
            await self.sender._start_lanes()
            await asyncio.gather(*self.sender._busy.values())
        return self.delivery.carried_out

    async def rows(self) -> Sequence[Any]:
        columns = (outbox.c.done, outbox.c.attempts, outbox.c.not_before, outbox.c.reason, outbox.c.payload)
        async with self.store.engine.connect() as connection:
            return (await connection.execute(select(*columns).order_by(outbox.c.seq))).all()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def quick(sqlite_store: Store) -> World:
    """For what is not about the rows."""
    return World(sqlite_store)


async def test_a_lane_is_worked_off_in_order(world: World) -> None:
    await world.add("!a", "1", "2", "3")
    assert await world.settle(4) == ["1", "2", "3"]
    assert [(row.done, row.payload) for row in await world.rows()] == [(True, None)] * 3


async def test_lanes_run_side_by_side(quick: World) -> None:
    await quick.add("!slow", "slow")
    await quick.add("!a", "1")
    held = quick.delivery.held["room:!slow"] = asyncio.Event()
    await quick.sender._start_lanes()
    fast = [task for lane, task in quick.sender._busy.items() if lane == "room:!a"]
    await asyncio.gather(*fast)
    assert quick.delivery.carried_out == ["1"]
    await quick.add("!a", "2")
    await quick.sender._start_lanes()
    assert len(quick.sender._busy) == 2, "what is under way is not started again"
    held.set()
    await asyncio.gather(*quick.sender._busy.values())
    assert sorted(quick.delivery.carried_out) == ["1", "2", "slow"]


@pytest.mark.parametrize(
    "fault",
    [
        Unreachable("TimeoutError"),
        MatrixError(500, "M_UNKNOWN"),
        MatrixError(502, "M_NOT_JSON"),
        MatrixError(429, "M_LIMIT_EXCEEDED"),
        MatrixError(401, "M_UNKNOWN_TOKEN"),
        ValueError("unforeseen"),
    ],
    ids=repr,
)
async def test_a_failing_lane_holds_its_own_and_no_other(quick: World, fault: Exception) -> None:
    """A token that is no longer valid is no reason to throw an answer away: the next one will be."""
    await quick.add("!a", "1", "2")
    await quick.add("!b", "3", "4")
    quick.fail("!a", fault, fault)
    assert await quick.settle(3) == ["3", "4"]
    assert [row.attempts for row in await quick.rows()][:2] == [1, 0]
    quick.clock.forward(0.5)
    await quick.settle()
    quick.clock.forward(1)
    assert await quick.settle(3) == ["3", "4", "1", "2"]


async def test_pauses_grow_up_to_a_minute(world: World) -> None:
    await world.add("!a", "1")
    world.fail("!a", *[Unreachable("gone")] * 10)
    pauses: list[float] = []
    for _ in range(10):
        assert await world.settle() == []
        (row,) = await world.rows()
        pauses.append((row.not_before - world.clock.now).total_seconds())
        world.clock.now = row.not_before
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert await world.settle() == ["1"]


async def test_the_homeserver_says_how_long_to_wait(world: World) -> None:
    await world.add("!a", "1")
    world.fail("!a", MatrixError(429, "M_LIMIT_EXCEEDED", 7.0))
    await world.settle()
    world.clock.forward(6.9)
    assert await world.settle() == []
    world.clock.forward(0.1)
    assert await world.settle() == ["1"]


async def test_what_is_too_early_waits_as_long_as_it_says(world: World) -> None:
    await world.add("!a", "1", "2")
    world.fail("!a", NotYet(5.0))
    await world.settle()
    world.clock.forward(4.9)
    assert await world.settle() == []
    world.clock.forward(0.1)
    assert await world.settle(2) == ["1", "2"]


@pytest.mark.parametrize("error", [MatrixError(403, "M_FORBIDDEN"), MatrixError(404, "M_NOT_FOUND")])
async def test_what_is_refused_for_good_is_given_up_and_holds_nothing(world: World, error: MatrixError) -> None:
    await world.add("!a", "1", "2")
    world.fail("!a", error)
    assert await world.settle(2) == ["2"]
    first, _ = await world.rows()
    assert (first.done, first.reason, first.payload) == (True, error.errcode, None)


async def test_an_unforeseen_fault_is_given_up_in_the_end(quick: World, caplog: pytest.LogCaptureFixture) -> None:
    await quick.add("!a", "1", "2")
    quick.fail("!a", *[KeyError("a word of the patient")] * (MAX_ATTEMPTS + 1))
    for _ in range(MAX_ATTEMPTS + 1):
        await quick.settle()
        quick.clock.forward(60)
    assert await quick.settle() == ["2"]
    first, _ = await quick.rows()
    assert (first.attempts, first.reason) == (MAX_ATTEMPTS, "KeyError")
    assert "patient" not in caplog.text


async def test_a_row_that_cannot_be_read_is_given_up_in_the_end(quick: World) -> None:
    async with quick.store.transaction() as tx:
        await tx.send(OutboxItem("bad", "room:!a", "unknown", None, "!a", {"kind": "unknown"}, START))
    await quick.add("!a", "2")
    for _ in range(MAX_ATTEMPTS + 1):
        await quick.settle()
        quick.clock.forward(60)
    assert await quick.settle() == ["2"]


async def test_a_refused_invitation_is_told_to_the_lead(world: World) -> None:
    case = new_case("c-1", "cranio", "Quiet Heron", IDA, "Operate?", START)
    async with world.store.transaction() as tx:
        await tx.add_case(case)
        await tx.set_case_room("c-1", "!case")
        await Outbox(tx, START).to_case("c-1", Invite(OTTO))
    world.delivery.faults["case:c-1"] = [MatrixError(403, "M_FORBIDDEN")]
    await world.settle()
    async with world.store.transaction() as tx:
        (waiting,) = await tx.due(START)
    assert waiting.lane == "case:c-1"
    assert waiting.payload["kind"] == "message"
    assert waiting.payload["reader"] == IDA
    assert waiting.payload["reply"]["parts"], "with words"
    assert "panel-not-reached" in str(waiting.payload)
    assert OTTO in str(waiting.payload)


async def test_giving_up_and_telling_are_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the telling cannot be kept, the invitation stays where it was."""
    case = new_case("c-1", "cranio", "Quiet Heron", IDA, "Operate?", START)
    async with world.store.transaction() as tx:
        await tx.add_case(case)
        await Outbox(tx, START).to_case("c-1", Invite(OTTO))
    world.delivery.faults["case:c-1"] = [MatrixError(403, "M_FORBIDDEN")]

    async def busy(*_arguments: object) -> None:
        raise StorageBusy("locked")

    monkeypatch.setattr(world.delivery, "mourn", busy)
    monkeypatch.setattr(sender_module, "IDLE", 0.01)
    await world.settle()
    assert [row.done for row in await world.rows()] == [False]
    assert await world.settle() == ["invite"]


async def test_what_else_is_given_up_is_told_to_nobody(quick: World) -> None:
    async with quick.store.transaction() as tx:
        await Outbox(tx, START).to_room("!a", Leave())
    quick.fail("!a", MatrixError(403, "M_FORBIDDEN"))
    await quick.settle()
    assert len(await quick.rows()) == 1


async def test_a_busy_database_changes_nothing(quick: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "IDLE", 0.01)
    await quick.add("!a", "1")
    quick.fail("!a", StorageBusy("locked"))
    assert await quick.settle() == []
    assert [(row.done, row.attempts) for row in await quick.rows()] == [(False, 0)]
    assert await quick.settle() == ["1"]


async def test_the_loop_sends_what_it_is_woken_for_and_ends_cleanly(
    quick: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "IDLE", 60.0)
    sent = asyncio.Event()
    done = quick.delivery.done

    async def noting(item: OutboxItem, event_id: str | None = None) -> None:
        await done(item, event_id)
        if len(quick.delivery.carried_out) == 3:
            sent.set()

    monkeypatch.setattr(quick.delivery, "done", noting)
    await quick.add("!a", "1", "2")
    running = asyncio.create_task(quick.sender.run())
    await asyncio.sleep(0.05)
    await quick.add("!a", "3")
    quick.sender.wake()
    async with asyncio.timeout(10):
        await sent.wait()
    quick.delivery.held["room:!b"] = asyncio.Event()
    await quick.add("!b", "4")
    quick.sender.wake()
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert quick.sender._busy == {}, "what was under way was cut off with it"
    assert quick.delivery.carried_out == ["1", "2", "3"]
    assert [row.done for row in await quick.rows()] == [True, True, True, False]


async def test_a_fault_of_the_database_stops_no_other_lane(
    quick: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Noting the failure fails as well; the lane is tried again, and not a thousand times a second."""
    monkeypatch.setattr(sender_module, "IDLE", 0.01)
    await quick.add("!a", "1")
    await quick.add("!b", "2")
    quick.fail("!a", Unreachable("gone"))

    async def broken(*_arguments: object) -> None:
        raise RuntimeError("a word of the patient")

    monkeypatch.setattr(quick.sender, "_retry", broken)
    assert await quick.settle() == ["2"]
    assert "patient" not in caplog.text
    assert await quick.settle() == ["2", "1"]


def message(choices: int = 0) -> Message:
    return Message(say("unexpected", ref="K7Q2"), IDA, choices=choices)


async def test_a_question_stays_known_when_its_reactions_are_refused(
    quick: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a chat of somebody else's making the bot may be allowed to speak and not to react."""
    delivery = Delivery(
        quick.delivery._gateway,
        quick.delivery._machine,
        quick.delivery._rooms,
        quick.store,
        quick.delivery._office,
        clock=quick.clock,
    )

    async def sent(_room: str, _content: dict[str, Any], _txn: str) -> str:
        return "$question"

    async def refuse(*_arguments: object) -> str:
        raise MatrixError(403, "M_FORBIDDEN")

    monkeypatch.setattr(delivery, "send", sent)
    monkeypatch.setattr(delivery._gateway, "send", refuse)
    sender = Sender(quick.store, delivery, clock=quick.clock)
    async with quick.store.transaction() as tx:
        await Outbox(tx, START).to_room("!a", message(choices=2), tag="question")
    await sender._start_lanes()
    await asyncio.gather(*sender._busy.values())
    async with quick.store.transaction() as tx:
        known = await tx.sent_item("$question")
    assert known is not None
    assert known.tag == "question"


async def test_what_is_done_while_we_look_is_not_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are read before the lane's own transaction commits, and used after it."""
    await world.add("!a", "first")
    gate = world.delivery.held["room:!a"] = asyncio.Event()
    await world.sender._start_lanes()
    read = Transaction.due

    async def slow(tx: Transaction, at: datetime, limit: int = 500) -> list[OutboxItem]:
        return outdated

    async with world.store.transaction() as tx:
        outdated = await read(tx, world.clock())
    assert len(outdated) == 1
    gate.set()
    working = list(world.sender._busy.values())
    monkeypatch.setattr(Transaction, "due", slow)
    looking = asyncio.create_task(world.sender._start_lanes())
    await asyncio.gather(looking, *working)
    await asyncio.gather(*world.sender._busy.values())
    assert world.delivery.carried_out == ["first"]
