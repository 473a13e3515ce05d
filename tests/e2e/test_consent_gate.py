"""Consent comes before everything: the homeserver itself holds the door, and withdrawal empties the room."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from ernbot.core.states import Assessing, Draft, Open, Withdrawn
from ernbot.demo.clinician import Clinician
from ernbot.matrix.errors import MatrixError
from tests.fixtures_installation import PATIENCE, House, eventually
from tests.imaging.imaging_samples import nameless, photograph

pytestmark = pytest.mark.homeserver

LEAD, EXPERT, COORDINATOR = "freja.lund", "claire.fontaine", "mette.holm"
PICTURE = photograph(Image.new("RGB", (64, 48), "tan"), "PNG")


async def invite(house: House, room: str, name: str) -> tuple[int, dict[str, Any]]:
    """An invitation with the bot's own token, as a broken or stolen bot would send it."""
    body = {"user_id": house.user(name)}
    return await house.request("POST", f"/_matrix/client/v3/rooms/{room}/invite", body, token=house.secret("bot_token"))


async def is_redacted(reader: Clinician, room: str, event_id: str) -> None:
    """Wait until the homeserver has taken the content of an event away."""
    await reader.wait(
        lambda: any(seen.type == "m.room.redaction" and event_id in str(seen.content) for seen in reader.seen) or None,
        "the redaction",
        PATIENCE,
    )
    event = await reader.gateway.request("GET", f"/_matrix/client/v3/rooms/{room}/event/{event_id}")
    assert "ciphertext" not in event["content"]


async def membership(house: House, room: str, name: str) -> str | None:
    members = {
        event["state_key"]: event["content"]["membership"]
        for event in await house.state(room)
        if event["type"] == "m.room.member"
    }
    return members.get(house.user(name))


async def is_removed(house: House, room: str) -> None:
    """Wait until the expert is out."""

    async def check() -> bool:
        return await membership(house, room, EXPERT) == "leave"

    await eventually(check, "the removal of the expert")


async def test_nobody_and_nothing_comes_in_before_consent(shared_house: House) -> None:
    house = shared_house
    lead, _ = await house.chat(LEAD)
    room = await house.case(LEAD, consent=None)

    status, refusal = await invite(house, room, EXPERT)
    assert (status, refusal["errcode"]) == (403, "M_FORBIDDEN")
    assert "not open" in refusal["error"]
    assert "consent to care first" in (await house.ask(lead, room, f"!panel invite {EXPERT}")).body

    dropped = await lead.drop(room, "profile.png", "image/png", PICTURE)
    answer = await house.answer(lead, dropped)
    assert "consent to care first" in answer.body
    assert "taken the file out" in answer.body
    await is_redacted(lead, room, dropped)

    case, files = await house.look(room, LEAD)
    assert (case.state, case.panel, files) == (Draft(), (), [])
    assert await membership(house, room, EXPERT) is None


async def test_consent_to_care_alone_opens_the_room_but_not_for_faces(shared_house: House) -> None:
    house = shared_house
    lead, _ = await house.chat(LEAD)
    room = await house.case(LEAD, consent="care")

    dropped = await lead.drop(room, "profile.png", "image/png", PICTURE)
    assert "consent to identifiable images" in (await house.answer(lead, dropped)).body
    await is_redacted(lead, room, dropped)

    scan = await lead.drop(room, "head.dcm", "application/dicom", nameless("phantom/ct_phantom_explicit.dcm"))
    assert "DICOM" in (await house.answer(lead, scan)).body
    case, files = await house.look(room, LEAD)
    assert (case.state, [file.event_id for file in files]) == (Open(), [scan])
    # Consent lets in whom the bot names, and nobody else, whoever asks.
    assert (await invite(house, room, EXPERT))[0] == 403


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed in the middle"])
async def test_withdrawal_empties_the_room(shared_house: House, *, killed: bool) -> None:
    house = shared_house
    lead, _ = await house.chat(LEAD)
    coordinator = await house.person(COORDINATOR)
    room = await house.case(LEAD, panel=[EXPERT])
    expert = await house.person(EXPERT)
    assert isinstance((await house.look(room, LEAD))[0].state, Assessing)
    nickname = (await house.look(room, LEAD))[0].nickname

    withdrawn = await lead.say(room, "!consent withdraw care")
    if killed:
        await is_removed(house, room)
        await house.kill_bot()
        await house.place.start_bot()

    told = await house.answer(lead, withdrawn)
    assert f"Consent to care was withdrawn for {nickname}" in told.body.replace("*", "")
    assert "cannot be recalled" in told.body
    await is_removed(house, room)
    with pytest.raises(MatrixError, match="403"):
        await expert.gateway.join(room)
    assert (await invite(house, room, EXPERT))[0] == 403
    with pytest.raises(MatrixError, match="403"):
        await expert.say(room, "One more thing.")
    with pytest.raises(MatrixError, match="403"):
        await lead.say(room, "!outcome draft")

    chat = await the_only_chat(house, coordinator)
    note = await coordinator.hears(chat, nickname, sender=house.bot, patience=PATIENCE)
    assert note.encrypted
    assert "One expert was removed" in note.body
    case, _ = await house.look(room, LEAD)
    assert (isinstance(case.state, Withdrawn), case.panel) == (True, ())
    assert len(house.answers(lead, withdrawn)) == 1
    assert sum(nickname in seen.body for seen in coordinator.seen if seen.room_id == chat) == 1


async def the_only_chat(house: House, coordinator: Clinician) -> str:
    """The direct chat of the bot with the coordinator, opened now if there was none, and no second one."""
    [chat] = await eventually(lambda: _direct_chats(house), "a direct chat")
    if await membership(house, chat, COORDINATOR) == "invite":
        await coordinator.join(chat)
    return chat


async def _direct_chats(house: House) -> list[str]:
    """The rooms of the bot and the coordinator alone."""
    found = []
    for room in await house.rooms():
        state = await house.state(room)
        people = {event["state_key"] for event in state if event["type"] == "m.room.member"}
        if people == {house.bot, house.user(COORDINATOR)}:
            found.append(room)
    return found
