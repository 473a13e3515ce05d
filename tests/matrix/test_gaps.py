"""What a sync left out of a room is fetched from the homeserver, in order, once, and beside the other rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.gaps import GAP, Gaps
from ernbot.matrix.intake import Intake
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sync import Sync
from ernbot.storage.records import InboxItem
from tests.fixtures_homeserver import Account
from tests.matrix.devices import ENCRYPTED, Phone, phone

pytestmark = pytest.mark.homeserver

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MISSED = 230
"""Messages while the bot is away: more than a sync shows, and more than two pages."""

NewAccount = Callable[[str], Awaitable[Account]]


class Receiver:
    """The receiving half of a bot, step by step."""

    def __init__(self, device: Phone) -> None:
        self.device = device
        intake = Intake(device.machine, clock=lambda: NOW)
        rooms = Rooms(device.gateway)
        self.gaps = Gaps(device.gateway, intake, device.store)
        self.sync = Sync(
            device.gateway,
            device.machine,
            intake,
            device.trust,
            rooms,
            device.store,
            clock=lambda: NOW,
            wake=lambda: None,
        )

    async def step(self) -> None:
        response = await self.device.gateway.sync(self.device.since, timeout_ms=0)
        self.device.since = await self.sync.receive(response, self.device.since)

    async def pending(self) -> list[InboxItem]:
        async with self.device.store.transaction() as tx:
            return await tx.pending(10_000)

    async def settle(self) -> None:
        async with self.device.store.transaction() as tx:
            for item in await tx.pending(10_000):
                await tx.handled(item.event_id)


@pytest_asyncio.fixture(loop_scope="session")
async def pair(
    homeserver: Homeserver, new_account: NewAccount, tmp_path: Path
) -> AsyncIterator[tuple[Receiver, Phone, str]]:
    """The bot's receiving half, Ida, and an encrypted room of the two, up to date."""
    async with AsyncExitStack() as stack:
        accounts = [await new_account(name) for name in ("bot", "ida")]
        bot, ida = [await stack.enter_async_context(phone(homeserver, account, tmp_path)) for account in accounts]
        room = await ida.gateway.create_room(
            {"invite": [bot.user_id], "initial_state": [{**ENCRYPTED, "state_key": ""}]}
        )
        await bot.gateway.join(room)
        receiver = Receiver(bot)
        await receiver.step()
        await receiver.settle()
        yield receiver, ida, room


async def say(ida: Phone, bot: Phone, room: str, text: str) -> None:
    content = await ida.encrypt(room, bot, text=text)
    await ida.gateway.send(room, "m.room.encrypted", content, text.replace(" ", "-"))


def texts(items: list[InboxItem]) -> list[str]:
    return [item.payload["content"]["body"] for item in items if item.kind == "message"]


async def test_nothing_is_skipped_however_much_was_said(pair: tuple[Receiver, Phone, str]) -> None:
    receiver, ida, room = pair
    said = [f"message {number}" for number in range(MISSED)]
    for text in said:
        await say(ida, receiver.device, room, text)
    await receiver.step()
    gap, *shown = await receiver.pending()
    assert gap.kind == GAP
    assert texts(shown) == said[-100:]
    await receiver.gaps.fill(gap)
    items = await receiver.pending()
    assert texts(items) == said
    assert [item.kind for item in items if item.kind != "message"] == []


async def test_a_crash_in_the_middle_costs_one_page(
    pair: tuple[Receiver, Phone, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, ida, room = pair
    said = [f"page {number}" for number in range(MISSED)]
    for text in said:
        await say(ida, receiver.device, room, text)
    await receiver.step()
    gap, *_ = await receiver.pending()
    pages = 0
    original = receiver.device.gateway.messages

    async def breaks_once(*arguments: str) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise Unreachable("away")
        return await original(*arguments)

    monkeypatch.setattr(receiver.device.gateway, "messages", breaks_once)
    with pytest.raises(Unreachable):
        await receiver.gaps.fill(gap)
    again, *_ = await receiver.pending()
    assert again.event_id == gap.event_id
    assert again.payload != gap.payload
    await receiver.gaps.fill(again)
    assert texts(await receiver.pending()) == said
    assert pages <= 5


async def test_another_room_goes_on_beside_a_gap(pair: tuple[Receiver, Phone, str]) -> None:
    receiver, ida, room = pair
    other = await ida.gateway.create_room(
        {"invite": [receiver.device.user_id], "initial_state": [{**ENCRYPTED, "state_key": ""}]}
    )
    await receiver.device.gateway.join(other)
    await receiver.step()
    await receiver.settle()
    for number in range(120):
        await say(ida, receiver.device, room, f"flood {number}")
    await say(ida, receiver.device, other, "quiet")
    await receiver.step()
    async with receiver.device.store.transaction() as tx:
        assert texts(await tx.pending(busy=[room])) == ["quiet"]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_room_that_is_closed_to_us_gives_its_gap_up(
    pair: tuple[Receiver, Phone, str], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    receiver, _, room = pair

    async def closed(*_: str) -> dict[str, Any]:
        raise MatrixError(status, "M_FORBIDDEN")

    monkeypatch.setattr(receiver.device.gateway, "messages", closed)
    async with receiver.device.store.transaction() as tx:
        await tx.receive(InboxItem("gap:x", room, "", GAP, {"from": "a", "to": "b"}, NOW))
        [gap] = await tx.pending()
    await receiver.gaps.fill(gap)
    assert await receiver.pending() == []


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"chunk": None},
        {"chunk": "x"},
        {"chunk": [1, None, []], "end": "a"},
        {"chunk": [{"type": 1}], "end": ["a"]},
        {"chunk": [{}], "end": "from"},
    ],
)
async def test_a_page_of_nonsense_ends_the_gap(
    pair: tuple[Receiver, Phone, str], monkeypatch: pytest.MonkeyPatch, page: dict[str, Any]
) -> None:
    receiver, _, room = pair

    async def nonsense(*_: str) -> dict[str, Any]:
        return page

    monkeypatch.setattr(receiver.device.gateway, "messages", nonsense)
    async with receiver.device.store.transaction() as tx:
        await tx.receive(InboxItem("gap:x", room, "", GAP, {"from": "from", "to": "b"}, NOW))
        [gap] = await tx.pending()
    await receiver.gaps.fill(gap)
    assert await receiver.pending() == []
