"""Rooms of version 12, whose creators hold a power that nobody can take from them: what they can do to us.

A direct chat is made by the person who writes to the bot, and may have further creators. Nothing is authorised by
anybody's power: what counts is who is in the room, read from the homeserver, and who signed the device.
"""

from __future__ import annotations

from typing import Any

import pytest

from ernbot.commands.effects import CreateCaseRoom
from ernbot.matrix.caseroom import ROOM_VERSION, creation, direct_chat
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.rooms import Rooms
from tests.matrix.devices import ENCRYPTED, NewPhone, Phone

pytestmark = pytest.mark.homeserver


async def chat(ida: Phone, bot: Phone, *creators: str) -> str:
    """A direct chat that Ida made, with further creators, who are not in it yet."""
    body = {
        "room_version": ROOM_VERSION,
        "is_direct": True,
        "invite": [bot.user_id],
        "initial_state": [ENCRYPTED],
        "creation_content": {"additional_creators": list(creators)},
    }
    room = await ida.gateway.create_room(body)
    await bot.gateway.join(room)
    return room


async def state(device: Phone, room: str, type: str) -> dict[str, Any]:
    events = await device.gateway.state(room)
    return next(dict(event["content"]) for event in events if event["type"] == type)


async def test_a_room_without_a_domain_in_its_id_is_a_room(bot: Phone, ida: Phone) -> None:
    room = await chat(ida, bot)
    assert ":" not in room
    view = await Rooms(bot.gateway).view(room)
    assert (view.encrypted, view.joined, view.is_direct(ida.user_id, bot.user_id)) == (
        True,
        {ida.user_id, bot.user_id},
        True,
    )
    for speaker, reader in ((ida, bot), (bot, ida)):
        content = await speaker.encrypt(room, reader)
        event_id = await speaker.gateway.send(room, "m.room.encrypted", content, "1")
        response = await reader.sync()
        events = response["rooms"]["join"][room]["timeline"]["events"]
        (event,) = (event for event in events if event["event_id"] == event_id)
        assert await reader.body(room, event) == "hello"


async def test_a_further_creator_who_comes_in_ends_the_privacy_of_a_chat(
    bot: Phone, ida: Phone, new_phone: NewPhone
) -> None:
    otto = await new_phone("otto")
    room, rooms = await chat(ida, bot, otto.user_id), Rooms(bot.gateway)
    assert (await rooms.view(room)).is_direct(ida.user_id, bot.user_id), "to be a creator is not to be there"
    await bot.sync()
    await ida.gateway.invite(room, otto.user_id)
    await otto.gateway.join(room)
    for event in (await bot.pull())["rooms"]["join"][room]["timeline"]["events"]:
        rooms.notice(room, event)
    assert not (await rooms.view(room)).is_direct(ida.user_id, bot.user_id)


async def test_a_creator_can_silence_us_and_we_do_not_insist(bot: Phone, ida: Phone) -> None:
    room = await chat(ida, bot)
    await ida.gateway.put_state(room, "m.room.power_levels", {"events_default": 100, "users": {}})
    with pytest.raises(MatrixError, match="403 M_FORBIDDEN") as refused:
        await bot.gateway.send(room, "m.room.encrypted", await bot.encrypt(room, ida), "1")
    assert not refused.value.passing, "what is refused for good is given up"


async def test_a_creator_can_put_us_out_and_the_room_is_closed_to_us(bot: Phone, ida: Phone) -> None:
    room, rooms = await chat(ida, bot), Rooms(bot.gateway)
    await rooms.view(room)
    await bot.sync()
    await ida.gateway.kick(room, bot.user_id)
    assert room in (await bot.pull())["rooms"]["leave"]
    rooms.forget(room)
    assert bot.user_id not in (await rooms.view(room)).joined


async def test_our_rooms_have_no_creator_but_us(bot: Phone, ida: Phone) -> None:
    bodies = (creation("c-1", CreateCaseRoom("Quiet Heron", "cranio", ida.user_id)), direct_chat(ida.user_id))
    for body in bodies:
        assert body["room_version"] == ROOM_VERSION
        assert "additional_creators" not in body["creation_content"]
    room = await bot.gateway.create_room(bodies[1])
    await ida.gateway.join(room)
    create = await state(bot, room, "m.room.create")
    assert (create["room_version"], create.get("additional_creators", [])) == (ROOM_VERSION, [])
    assert bot.user_id not in (await state(bot, room, "m.room.power_levels"))["users"]
    takeover = {"users": {ida.user_id: 100}}
    with pytest.raises(MatrixError, match="403 M_FORBIDDEN"):
        await ida.gateway.put_state(room, "m.room.power_levels", takeover)
    # Not even we could share our power, or lose it.
    with pytest.raises(MatrixError):
        await bot.gateway.put_state(room, "m.room.power_levels", {"users": {bot.user_id: 0}})
