"""A clinician verifies the bot with a client that encrypts what belongs to it, on a whole installation."""

from __future__ import annotations

from typing import Any

import pytest

from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.installation import DEVICE_ID
from ernbot.matrix.emoji import EMOJI
from ernbot.matrix.sas import NAMESPACE, Outgoing, Party
from tests.fixtures_installation import PATIENCE, House
from tests.matrix.comparer import Client

pytestmark = pytest.mark.homeserver

SOMEBODY = "paolo.ferri"


async def _party(person: Clinician, user_id: str, device_id: str) -> Party:
    """Somebody's keys as the homeserver gives them to this person."""
    known = await person.trust.identity(user_id)
    assert known is not None
    assert known.master is not None
    device_key = next(ed25519 for device, _, ed25519, _ in known.devices if device == device_id)
    return Party(user_id, device_id, device_key, known.master)


async def _ask(house: House, person: Clinician, room: str) -> str:
    content = {
        "msgtype": "m.key.verification.request",
        "body": "Please verify me.",
        "to": house.bot,
        "from_device": person.gateway.device_id,
        "methods": ["m.sas.v1"],
    }
    return await person.send(room, content)


async def _say(person: Clinician, room: str, message: Outgoing) -> str:
    return await person.send(room, message[1], message[0])


async def _next(house: House, person: Clinician, transaction: str, name: str) -> dict[str, Any]:
    """What the bot says in a verification."""

    def look() -> Seen | None:
        for seen in person.seen:
            relation = seen.content.get("m.relates_to")
            tied = relation == {"rel_type": "m.reference", "event_id": transaction}
            if tied and seen.sender == house.bot and seen.type == NAMESPACE + name:
                return seen
        return None

    return (await person.wait(look, name, PATIENCE)).content


async def test_a_client_that_encrypts_verifies_the_bot(shared_house: House) -> None:
    house = shared_house
    person, chat = await house.chat(SOMEBODY)
    transaction = await _ask(house, person, chat)
    bot = await _party(person, house.bot, DEVICE_ID)
    client = Client(await _party(person, person.user_id, person.gateway.device_id), bot, transaction, in_room=True)
    await _next(house, person, transaction, "ready")
    await _say(person, chat, client.begin())
    await _next(house, person, transaction, "accept")
    await _say(person, chat, client.key())
    client.establish((await _next(house, person, transaction, "key"))["key"])
    client.check(await _next(house, person, transaction, "mac"))

    said = await person.hears(chat, "Compare with your screen", sender=house.bot, patience=PATIENCE)
    lines = [line.removeprefix("- ") for line in said.body.splitlines() if line.startswith("- ")]
    symbols = [EMOJI[place].partition(" ")[0] for place in client.emoji]
    assert [line.partition(" ")[0] for line in lines] == symbols
    await house.ask(person, chat, "!help")  # nothing else waits for it

    last = await _say(person, chat, client.mac())
    await _next(house, person, transaction, "done")
    await person.hears(chat, "Done", after=last, sender=house.bot, patience=PATIENCE)
    async with house.store() as store, store.transaction() as tx:
        known = (await tx.identities([person.user_id]))[person.user_id]
    assert known.verified == known.master == client.me.master_key


async def test_in_a_case_room_the_bot_says_where_it_can_be_verified(shared_house: House) -> None:
    house = shared_house
    room = await house.case("liga.berzina")
    person = await house.person("liga.berzina")
    transaction = await _ask(house, person, room)
    assert (await _next(house, person, transaction, "cancel"))["code"] == "m.user"
    assert "in our direct chat only" in (await house.answer(person, transaction)).body
