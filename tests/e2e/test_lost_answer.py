"""The homeserver did what it was asked, and the answer got lost: no second room comes of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from ernbot.__main__ import office
from ernbot.commands.effects import CreateCaseRoom, Effect, OpenDirectChat, dump
from ernbot.config import load_settings
from ernbot.core.case import new_case
from ernbot.demo.installation import DEVICE_ID
from ernbot.matrix.delivery import Delivery, NotYet
from ernbot.matrix.errors import Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import Trust
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store
from tests.fixtures_installation import House

pytestmark = pytest.mark.homeserver

SOMEBODY, NETWORK = "agata.nowicka", "ecnm"
"""Somebody of whom no other test on this installation wants anything."""


class LossyGateway(Gateway):
    """A connection that breaks each time after a room was made."""

    async def create_room(self, body: Mapping[str, Any]) -> str:
        await super().create_room(body)
        raise Unreachable("lost")


class Hands:
    """The bot's own delivery, with what it needs, in this process."""

    def __init__(self, house: House, store: Store) -> None:
        self.store = store
        self.gateway = LossyGateway(
            house.url,
            house.bot,
            DEVICE_ID,
            house.secret("bot_token"),
        )
        workplace = office(load_settings(house.place.settings))
        machine = Machine(self.gateway, store, Trust(self.gateway, store, _now))
        self.delivery = Delivery(self.gateway, machine, Rooms(self.gateway), store, workplace, clock=_now)

    async def add(self, effect: Effect, *, lane: str, case_id: str | None = None) -> None:
        item = OutboxItem(secrets.token_hex(8), lane, effect.kind, case_id, None, dump(effect), _now())
        async with self.store.transaction() as tx:
            await tx.send(item)

    async def deliver(self, effect: Effect, lane: str) -> None:
        """One try of what stands first in a lane, as the sender makes it."""
        async with self.store.transaction() as tx:
            [item] = [item for item in await tx.due(_now()) if item.lane == lane]
        await self.delivery.deliver(item, effect)


def _now() -> datetime:
    return datetime.now(UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def hands(shared_house: House) -> AsyncIterator[Hands]:
    """The bot's process rests while we act in its place."""
    await shared_house.place.stop_bot()
    try:
        async with shared_house.store() as store:
            acting = Hands(shared_house, store)
            yield acting
            await acting.gateway.close()
    finally:
        await shared_house.place.start_bot()


async def test_a_case_room_is_found_again(shared_house: House, hands: Hands) -> None:
    requester = shared_house.user(SOMEBODY)
    case = new_case(secrets.token_hex(8), NETWORK, "Jade Heron 100", requester, "What is this?", _now())
    async with hands.store.transaction() as tx:
        await tx.add_case(case)
    effect, lane = CreateCaseRoom(case.nickname, case.network, requester), f"case:{case.id}"
    await hands.add(effect, lane=lane, case_id=case.id)
    before = set(await shared_house.rooms())

    with pytest.raises(Unreachable):
        await hands.deliver(effect, lane)
    await hands.deliver(effect, lane)

    async with hands.store.transaction() as tx:
        place = await tx.case_place(case.id)
    assert place is not None
    assert {place.room_id} == set(await shared_house.rooms()) - before


async def test_a_direct_chat_is_found_again(shared_house: House, hands: Hands) -> None:
    user = shared_house.user(SOMEBODY)
    effect, lane = OpenDirectChat(user), f"direct:{user}"
    await hands.add(effect, lane=lane)
    before = set(await shared_house.rooms())

    with pytest.raises(Unreachable):
        await hands.deliver(effect, lane)
    with pytest.raises(NotYet):  # they have not come in
        await hands.deliver(effect, lane)

    async with hands.store.transaction() as tx:
        assert {await tx.direct_room(user)} == set(await shared_house.rooms()) - before
