"""A message whose key is late: asked for, searched for, told of once, and handled when the key comes after all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ernbot.commands.reply import Reply
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import Unreachable
from ernbot.matrix.intake import GRACE, MAX_WAITING, Intake
from ernbot.matrix.late import ASKED, KEEP, PATIENCE, STALE, TOLD, LateKeys
from ernbot.storage.records import InboxItem
from ernbot.storage.transaction import Transaction
from tests.fixtures_homeserver import Account
from tests.matrix.devices import Phone, phone

pytestmark = pytest.mark.homeserver

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ROOM = "!late:hospital.example"

NewAccount = Callable[[str], Awaitable[Account]]


class Desk:
    """The bot's device, its inbox, and a clock that goes on by hand."""

    def __init__(self, bot: Phone, ida: Phone) -> None:
        self.bot = bot
        self.ida = ida
        self.time = NOW
        self.told: list[str] = []
        self.in_backup = False
        self.asked = 0
        self.intake = Intake(bot.machine, clock=self.clock)
        self.late = LateKeys(bot.machine, bot.store, tell=self._tell, restore=self._restore, clock=self.clock)

    def clock(self) -> datetime:
        return self.time

    async def _tell(self, tx: Transaction, item: InboxItem, reply: Reply) -> None:
        self.told.append(str(reply))

    async def _restore(self, room_id: str, session_id: str) -> bool:
        self.asked += 1
        return self.in_backup

    async def says(self, text: str = "hello") -> dict[str, Any]:
        """Ida's message comes into the inbox; her key stays on the homeserver until `sync`."""
        event = self.ida.event(await self.ida.encrypt(ROOM, self.bot, text=text))
        async with self.bot.store.transaction() as tx:
            await self.intake.take(tx, ROOM, [event])
        return event

    async def due(self) -> list[InboxItem]:
        async with self.bot.store.transaction() as tx:
            return await tx.pending(at=self.time)

    async def one(self) -> InboxItem:
        [item] = await self.due()
        return item

    async def waiting(self) -> int:
        async with self.bot.store.transaction() as tx:
            return (await tx.waiting(ROOM)).events


@pytest_asyncio.fixture(loop_scope="session")
async def desk(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        accounts = [await new_account(name) for name in ("bot", "ida")]
        bot, ida = [await stack.enter_async_context(phone(homeserver, account, tmp_path)) for account in accounts]
        yield Desk(bot, ida)


async def test_a_key_that_comes_a_moment_later_makes_no_noise(desk: Desk) -> None:
    await desk.says("soon")
    assert await desk.due() == []
    assert await desk.waiting() == 1
    await desk.bot.sync()
    item = await desk.one()
    payload = await desk.late.read(item)
    assert payload is not None
    assert payload["content"]["body"] == "soon"
    assert (desk.told, desk.asked) == ([], 0)


async def test_after_a_moment_the_key_is_asked_for_and_looked_for(desk: Desk) -> None:
    await desk.says()
    await desk.ida.sync()
    desk.time += GRACE
    assert await desk.late.read(await desk.one()) is None
    assert desk.asked == 1
    asked = (await desk.ida.sync())["to_device"]["events"]
    [request] = [event for event in asked if event["type"] == "m.room_key_request"]
    assert request["sender"] == desk.bot.user_id
    assert request["content"]["body"]["room_id"] == ROOM
    assert await desk.due() == []
    assert desk.told == []


async def test_what_the_backup_gives_is_used_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.says("from the backup")
    desk.time += GRACE

    async def restore(_room: str, _session: str) -> bool:
        await desk.bot.sync()
        return True

    monkeypatch.setattr(desk.late, "_restore", restore)
    payload = await desk.late.read(await desk.one())
    assert payload is not None
    assert payload["content"]["body"] == "from the backup"


async def test_a_homeserver_that_is_away_costs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.says()
    desk.time += GRACE

    async def away(*_: str) -> None:
        raise Unreachable("away")

    monkeypatch.setattr(desk.bot.machine, "request_key", away)
    assert await desk.late.read(await desk.one()) is None
    assert await desk.waiting() == 1


async def tell(desk: Desk) -> None:
    """Let Ida's messages wait until she is told."""
    for step in (GRACE, PATIENCE):
        desk.time += step
        for item in await desk.due():
            await desk.late.read(item)


async def test_the_sender_is_told_once_for_each_session(desk: Desk) -> None:
    for text in ("one", "two", "three"):
        await desk.says(text)
    await tell(desk)
    assert len(desk.told) == 1
    assert "unreadable" in desk.told[0]
    desk.time += timedelta(hours=1)
    assert await desk.due() == []
    assert await desk.waiting() == 3


async def test_a_flood_of_sessions_gets_one_sentence(desk: Desk) -> None:
    sample = await desk.ida.encrypt(ROOM, desk.bot)
    flood = [desk.ida.event({**sample, "session_id": f"nobody-{number}"}) for number in range(5)]
    async with desk.bot.store.transaction() as tx:
        await desk.intake.take(tx, ROOM, flood)
    await tell(desk)
    assert (len(desk.told), await desk.waiting()) == (1, 5)


async def test_a_key_that_comes_after_that_still_counts(desk: Desk) -> None:
    await desk.says("after all")
    await tell(desk)
    await desk.bot.sync()
    item = await desk.one()
    assert item.attempts == TOLD
    payload = await desk.late.read(item)
    assert payload is not None
    assert payload["content"]["body"] == "after all"
    assert len(desk.told) == 1


async def test_who_has_gone_on_is_asked_whether_it_still_counts(desk: Desk) -> None:
    await desk.says("the first try")
    await tell(desk)
    async with desk.bot.store.transaction() as tx:
        await tx.receive(InboxItem("$later", ROOM, desk.ida.user_id, "message", {}, desk.time))
        await tx.handled("$later")
    await desk.bot.sync()
    assert await desk.late.read(await desk.one()) is None
    assert "late" in desk.told[-1]
    assert (len(desk.told), await desk.waiting()) == (2, 0)


async def test_an_old_message_is_not_acted_upon_unasked(desk: Desk) -> None:
    await desk.says()
    await tell(desk)
    desk.time += STALE
    await desk.bot.sync()
    assert await desk.late.read(await desk.one()) is None
    assert "late" in desk.told[-1]


async def test_a_week_later_it_is_given_up(desk: Desk) -> None:
    await desk.says()
    await tell(desk)
    desk.time = NOW + KEEP + PATIENCE + timedelta(seconds=1)
    assert await desk.late.read(await desk.one()) is None
    assert await desk.waiting() == 0
    assert len(desk.told) == 1


async def test_a_key_that_is_withheld_is_told_of_at_once(desk: Desk) -> None:
    event = await desk.says()
    content = {
        "room_id": ROOM,
        "session_id": event["content"]["session_id"],
        "code": "m.unverified",
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": desk.ida.key,
    }
    withheld = {"type": "m.room_key.withheld", "sender": desk.ida.user_id, "content": content}
    await desk.bot.receive({"to_device": {"events": [withheld]}})
    item = await desk.one()
    assert item.attempts < ASKED
    assert await desk.late.read(item) is None
    assert "unreadable-withheld" in desk.told[0]
    assert desk.asked == 0


async def test_somebody_elses_refusal_does_not_count(desk: Desk) -> None:
    event = await desk.says()
    content = {"room_id": ROOM, "session_id": event["content"]["session_id"], "code": "m.unverified"}
    withheld = {"type": "m.room_key.withheld", "sender": "@mallory:hospital.example", "content": content}
    await desk.bot.receive({"to_device": {"events": [withheld]}})
    await desk.late.read(await desk.one())
    assert (desk.told, desk.asked) == ([], 1)


async def test_a_flood_without_keys_is_bounded(desk: Desk) -> None:
    sample = await desk.ida.encrypt(ROOM, desk.bot)
    flood = [
        desk.ida.event({**sample, "session_id": f"nobody-{number}"}, event_id=f"$flood-{number}")
        for number in range(MAX_WAITING + 50)
    ]
    async with desk.bot.store.transaction() as tx:
        await desk.intake.take(tx, ROOM, flood)
    assert await desk.waiting() == MAX_WAITING
    async with desk.bot.store.transaction() as tx:
        elsewhere = desk.ida.event({**sample, "session_id": "another"}, event_id="$elsewhere")
        await desk.intake.take(tx, "!other:hospital.example", [elsewhere])
        assert (await tx.waiting("!other:hospital.example")).events == 1
