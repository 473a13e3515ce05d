"""What we know of a room is what the homeserver's state says, also while it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import rooms as rooms_module
from ernbot.matrix.caseroom import ENCRYPTION
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.rooms import Rooms, RoomView
from tests.fixtures_homeserver import Account
from tests.matrix.devices import phone

ROOM = "!room:hospital.example"
IDA = "@ida:hospital.example"
BOT = "@bot:hospital.example"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def member(user_id: str, membership: str) -> dict[str, Any]:
    return {"type": "m.room.member", "state_key": user_id, "content": {"membership": membership}}


def encryption(content: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "m.room.encryption", "state_key": "", "content": content or ENCRYPTION["content"]}


def test_membership_follows_the_last_event() -> None:
    view = RoomView(ROOM)
    for event in (member(IDA, "invite"), member(BOT, "join")):
        view.apply(event)
    assert (view.joined, view.having("invite", "join")) == ({BOT}, {IDA, BOT})
    assert view.is_direct(IDA, BOT)
    view.apply(member(IDA, "join"))
    assert view.joined == {IDA, BOT}
    view.apply(member("@third:hospital.example", "invite"))
    assert not view.is_direct(IDA, BOT)
    view.apply(member("@third:hospital.example", "leave"))
    view.apply(member(IDA, "ban"))
    assert (view.joined, view.is_direct(IDA, BOT)) == ({BOT}, False)


def test_encryption_is_never_turned_off() -> None:
    view = RoomView(ROOM)
    assert not view.encrypted
    view.apply(encryption())
    for content in ({}, {"algorithm": None}, {"algorithm": "none"}):
        view.apply({"type": "m.room.encryption", "state_key": "", "content": content})
        assert view.encrypted


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "m.room.member", "content": {"membership": "join"}},
        {"type": "m.room.member", "state_key": IDA, "content": None},
        {"type": "m.room.member", "state_key": IDA, "content": {}},
        {"type": "m.room.member", "state_key": IDA, "content": {"membership": ["join"]}},
        {"type": "m.room.member", "state_key": [], "content": {"membership": "join"}},
        {"type": "m.room.member", "state_key": None, "content": {"membership": "join"}},
        {"type": [], "state_key": IDA, "content": {"membership": "join"}},
        {"type": "m.room.encryption", "content": {"algorithm": "x"}},
        {"type": "m.room.encryption", "state_key": "x", "content": {"algorithm": "x"}},
        {"type": "m.room.encryption", "state_key": "", "content": []},
    ],
)
def test_what_is_no_state_changes_nothing(event: dict[str, Any]) -> None:
    view = RoomView(ROOM)
    view.apply(event)
    assert view == RoomView(ROOM)


@given(st.dictionaries(st.sampled_from(["type", "state_key", "content"]), JSON), JSON)
def test_no_event_raises(event: dict[str, Any], state_key: Any) -> None:
    view = RoomView(ROOM)
    view.apply(event)
    view.apply({**member(IDA, "join"), "state_key": state_key})
    assert all(isinstance(user, str) for user in view.members)


class Loading(Gateway):
    """A homeserver whose answers about state the test hands out, in the order of the questions."""

    def __init__(self) -> None:
        self.questions: list[asyncio.Future[list[dict[str, Any]]]] = []
        self.asked = asyncio.Condition()

    async def state(self, room_id: str) -> list[dict[str, Any]]:
        answer = asyncio.get_running_loop().create_future()
        self.questions.append(answer)
        async with self.asked:
            self.asked.notify_all()
        return list(await answer)

    async def question(self, number: int) -> asyncio.Future[list[dict[str, Any]]]:
        async with self.asked:
            await self.asked.wait_for(lambda: len(self.questions) >= number)
        return self.questions[number - 1]


async def test_a_change_while_the_state_is_under_way_makes_us_ask_again() -> None:
    gateway = Loading()
    rooms = Rooms(gateway)
    loading = asyncio.create_task(rooms.view(ROOM))
    question = await gateway.question(1)
    rooms.notice(ROOM, member(IDA, "leave"))
    question.set_result([member(IDA, "join"), member(BOT, "join"), encryption()])
    (await gateway.question(2)).set_result([member(IDA, "leave"), member(BOT, "join"), encryption()])
    view = await loading
    assert (view.joined, view.encrypted) == ({BOT}, True)
    assert await rooms.view(ROOM) is view, "a known view costs no question"


async def test_an_older_state_that_a_sync_shows_late_changes_nothing() -> None:
    """Synapse shows the invitation after the arrival when our own event crossed with it."""
    gateway = Loading()
    rooms = Rooms(gateway)
    loading = asyncio.create_task(rooms.view(ROOM))
    (await gateway.question(1)).set_result([member(IDA, "join"), member(BOT, "join")])
    await loading
    rooms.notice(ROOM, member(IDA, "invite"))
    loading = asyncio.create_task(rooms.view(ROOM))
    (await gateway.question(2)).set_result([member(IDA, "join"), member(BOT, "join")])
    assert (await loading).joined == {BOT, IDA}


async def test_two_who_load_at_once_miss_nothing() -> None:
    """The answer to the second may be older than what came with the sync after the first one."""
    gateway = Loading()
    rooms = Rooms(gateway)
    old_state = [member(IDA, "join"), member(BOT, "join")]
    first = asyncio.create_task(rooms.view(ROOM))
    await gateway.question(1)
    second = asyncio.create_task(rooms.view(ROOM))
    await gateway.question(2)
    gateway.questions[0].set_result(old_state)
    await first
    rooms.notice(ROOM, member(IDA, "leave"))
    gateway.questions[1].set_result(old_state)
    (await gateway.question(3)).set_result([member(BOT, "join")])
    assert (await second).joined == {BOT}
    assert (await rooms.view(ROOM)).joined == {BOT}


async def test_a_failed_load_leaves_nothing_behind() -> None:
    gateway = Loading()
    rooms = Rooms(gateway)
    loading = asyncio.create_task(rooms.view(ROOM))
    (await gateway.question(1)).set_exception(MatrixError(403, "M_FORBIDDEN"))
    with pytest.raises(MatrixError):
        await loading
    loading = asyncio.create_task(rooms.view(ROOM))
    (await gateway.question(2)).set_result([member(BOT, "join")])
    assert (await loading).joined == {BOT}


async def test_only_the_most_recent_views_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Gateway):
        asked: tuple[str, ...] = ()

        def __init__(self) -> None:
            pass

        async def state(self, room_id: str) -> list[dict[str, Any]]:
            self.asked += (room_id,)
            return []

    monkeypatch.setattr(rooms_module, "MAX_VIEWS", 2)
    gateway = Counting()
    rooms = Rooms(gateway)
    for room_id in ("!a", "!b", "!a", "!c", "!a", "!b"):
        await rooms.view(room_id)
    assert list(gateway.asked) == ["!a", "!b", "!c", "!b"], "the one used longest ago is loaded again"
    rooms.forget("!a")
    await rooms.view("!a")
    assert len(gateway.asked) == 5, "one that was forgotten as well"


@pytest.mark.homeserver
async def test_the_view_is_the_state_of_the_homeserver(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> None:
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        room = await hers.gateway.create_room({"invite": [bot.user_id], "initial_state": [ENCRYPTION]})
        with pytest.raises(MatrixError) as refused:
            await Rooms(ours.gateway).view(room)
        assert refused.value.status == 403
        await ours.gateway.join(room)
        view = await Rooms(ours.gateway).view(room)
        assert (view.encrypted, view.joined) == (True, {ida.user_id, bot.user_id})
