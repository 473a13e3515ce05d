"""How rooms are set up, and what of that the homeserver enforces; nothing in it describes a patient."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ernbot.commands.effects import Access, CreateCaseRoom
from ernbot.demo.homeserver import BOT_LOCALPART, Homeserver
from ernbot.matrix.caseroom import ACCESS, access_content, creation, direct_chat
from ernbot.matrix.errors import MatrixError
from tests.fixtures_homeserver import Account
from tests.matrix.devices import Phone, phone

NewAccount = Callable[[str], Awaitable[Account]]


def test_the_access_state_names_the_case_and_who_may_be_there() -> None:
    access = Access("@ida:h", ("@ida:h", "@otto:h"), open=True)
    assert access_content("c-1", access) == {
        "case": "c-1",
        "open": True,
        "closed": False,
        "requester": "@ida:h",
        "admitted": ["@ida:h", "@otto:h"],
    }


def test_a_new_case_room_admits_only_its_requester_and_is_not_open() -> None:
    body = creation("c-1", CreateCaseRoom("Quiet Heron", "cranio", "@ida:h"))
    (access,) = (state["content"] for state in body["initial_state"] if state["type"] == ACCESS)
    assert (access["admitted"], access["open"], access["closed"]) == (["@ida:h"], False, False)
    assert (body["invite"], body["name"]) == (["@ida:h"], "Quiet Heron")
    assert not body.keys() & {"topic", "room_alias_name", "is_direct"}
    assert body["creation_content"]["m.federate"] is False


async def refused(attempt: Awaitable[Any]) -> bool:
    """Whether the homeserver says no."""
    try:
        await attempt
    except MatrixError as error:
        return (error.status, error.errcode) == (403, "M_FORBIDDEN")
    return False


async def keeper(homeserver: Homeserver) -> Account:
    """The bot's own account on a device of this test, as the bridge logs it in: only it may make case rooms."""
    headers = {"Authorization": f"Bearer {homeserver.as_token}"}
    service = {"type": "m.login.application_service"}
    user = {"type": "m.id.user", "user": BOT_LOCALPART}
    async with aiohttp.ClientSession(f"{homeserver.url}/_matrix/client/v3/", headers=headers) as session:
        await session.post("register", json={**service, "username": BOT_LOCALPART, "inhibit_login": True})
        async with session.post("login", json={**service, "identifier": user}) as reply:
            token = (await reply.json())["access_token"]
    return Account(homeserver.bot_user_id, BOT_LOCALPART, token)


async def state(device: Phone, room: str, type: str) -> dict[str, Any]:
    events = await device.gateway.state(room)
    return next(dict(event["content"]) for event in events if event["type"] == type)


@pytest.mark.homeserver
async def test_a_case_room_on_the_homeserver(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> None:
    ida, otto, bot = await new_account("ida"), await new_account("otto"), await keeper(homeserver)
    async with phone(homeserver, bot, tmp_path, signed=False) as ours, phone(homeserver, ida, tmp_path) as hers:
        room = await ours.gateway.create_room(creation("c-1", CreateCaseRoom("Quiet Heron", "cranio", ida.user_id)))
        await hers.gateway.join(room)

        assert (await state(ours, room, "m.room.encryption"))["algorithm"] == "m.megolm.v1.aes-sha2"
        assert (await state(ours, room, "m.room.history_visibility"))["history_visibility"] == "joined"
        assert (await state(ours, room, "m.room.join_rules"))["join_rule"] == "invite"
        assert (await state(ours, room, "m.room.guest_access"))["guest_access"] == "forbidden"
        create = await state(ours, room, "m.room.create")
        assert (create["m.federate"], create["room_version"]) == (False, "12")
        assert bot.user_id not in json.dumps((await state(ours, room, "m.room.power_levels"))["users"])

        theirs = hers.gateway
        message = {"msgtype": "m.text", "body": "hello"}
        attempts: dict[str, Awaitable[Any]] = {
            "plain words": theirs.send(room, "m.room.message", message, "1"),
            "an invitation": theirs.invite(room, otto.user_id),
            "a removal": theirs.kick(room, bot.user_id),
            "a name": theirs.put_state(room, "m.room.name", {"name": "the boy from room 4"}),
            "a topic": theirs.put_state(room, "m.room.topic", {"topic": "turricephaly"}),
            "access": theirs.put_state(room, ACCESS, {"open": True}),
            "power": theirs.put_state(room, "m.room.power_levels", {"users": {ida.user_id: 100}}),
            "visibility": theirs.put_state(room, "m.room.history_visibility", {"history_visibility": "shared"}),
            "plain state": theirs.put_state(room, "m.room.encryption", {}),
            "a pin": theirs.put_state(room, "m.room.pinned_events", {"pinned": []}),
        }
        for what, attempt in attempts.items():
            assert await refused(attempt), what
        encrypted = await hers.encrypt(room, ours)
        event_id = await theirs.send(room, "m.room.encrypted", encrypted, "2")
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": "1"}
        await theirs.send(room, "m.reaction", {"m.relates_to": relation}, "3")
        await theirs.redact(room, event_id, "4")
        ours_event = await ours.gateway.send(room, "m.room.encrypted", await ours.encrypt(room, hers), "5")
        assert await refused(theirs.redact(room, ours_event, "6"))


@pytest.mark.homeserver
async def test_a_direct_chat_is_encrypted_from_its_first_event(
    homeserver: Homeserver, new_account: NewAccount, tmp_path: Path
) -> None:
    ida, bot = await new_account("ida"), await new_account("keeper")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        room = await ours.gateway.create_room(direct_chat(ida.user_id))
        await hers.gateway.join(room)
        assert (await state(ours, room, "m.room.encryption"))["algorithm"] == "m.megolm.v1.aes-sha2"
        assert (await state(ours, room, "m.room.history_visibility"))["history_visibility"] == "joined"
        assert (await state(ours, room, "m.room.create"))["m.federate"] is False
