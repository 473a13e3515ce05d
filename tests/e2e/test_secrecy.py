"""After a whole story nothing clinical lies anywhere but on the devices of the people in the room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.fixtures_installation import PATIENCE, House, eventually
from tests.imaging.imaging_samples import nameless, photograph

pytestmark = pytest.mark.homeserver

LEAD, FIRST, SECOND, OUTSIDE = "lucia.ortega", "giulia.marchetti", "saskia.devries", "jonas.reuter"

WORDS = {
    "question": "quokkabulge",
    "form": "7.3-kakapo",
    "scan": "platypusscan",
    "picture": "echidnaface",
    "talk": "bilbychat",
    "opinion": "wombatfusion",
    "code": "ORPHA:987123",
    "revision": "numbatdoubt",
    "recommendation": "tasmanotomy",
    "evidence": "possumseries",
    "followup": "dingoreview",
    "agreement": "koalayes",
    "dissent": "emunay",
    "mistake": "cassowarytypo",
}
"""One word for each place in which people write, none of which is anywhere else."""

SIGNATURES = (b"\x89PNG\r\n", b"DICM", b"%PDF-", b"JFIF", b"Exif")
"""How pictures and documents begin, which nothing uploaded may show."""


@dataclass(frozen=True)
class Told:
    """Where the story happened."""

    house: House
    room: str
    nickname: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(shared_house: House) -> Told:
    """A story in which every clinical word is one of `WORDS`."""
    house, w = shared_house, WORDS
    room = await house.case(LEAD, f"Is this {w['question']}?", consent=None)
    lead, chat = await house.chat(LEAD)
    consent = f"!consent give care,images form={w['form']} lang=da signer=parent signed=2026-03-31"
    assert "Recorded" in (await house.ask(lead, room, consent)).body
    scan = await lead.drop(room, f"{w['scan']}.dcm", "application/dicom", nameless("phantom/ct_phantom_explicit.dcm"))
    picture = photograph(Image.new("RGB", (640, 480), "tan"))
    face = await lead.drop(room, f"{w['picture']}.jpg", "image/jpeg", picture)
    for dropped in (scan, face):  # what they are called could be a name
        question = await house.answer(lead, dropped)
        assert "FileName" in question.body
        copied = await lead.say(room, "yes", reply_to=question.event_id)
        assert "follows in a moment" in (await house.answer(lead, copied)).body
    await lead.hears(room, "Photograph, preview follows.", sender=house.bot, patience=PATIENCE)
    await house.ask(lead, room, f"!panel invite {FIRST} {SECOND}")
    first, second = [await house.come(name, room) for name in (FIRST, SECOND)]
    await lead.say(room, f"Between us: {w['talk']}.")
    told = {
        first: [
            f"!opinion diagnosis={w['code']} recommendation=surgery confidence=4 remarks={w['opinion']}",
            f"!opinion diagnosis={w['code']} recommendation=watch confidence=2 remarks={w['revision']}",
        ],
        second: [f"!opinion diagnosis={w['code']} recommendation=watch confidence=3 remarks={w['opinion']}"],
    }
    for expert, opinions in told.items():
        for opinion in opinions:
            assert "recorded" in (await house.ask(expert, room, opinion)).body
    for command in (
        "draft",
        f"recommend {w['recommendation']}",
        f"evidence {w['evidence']}",
        f"followup {w['followup']}",
    ):
        assert "Outcome, version" in (await house.ask(lead, room, f"!outcome {command}")).body
    assert "you agree" in (await house.ask(first, room, f"!outcome agree {w['agreement']}")).body
    assert "you dissent" in (await house.ask(second, room, f"!outcome dissent {w['dissent']}")).body
    assert "I do not know" in (await house.ask(lead, chat, f"!{w['mistake']}")).body
    line = re.search("!sign [0-9a-f]{8}", (await house.ask(lead, room, "!outcome sign")).body)
    assert line is not None
    for expert in (first, second):
        assert "Signed" in (await house.ask(expert, room, line[0])).body
    await lead.hears(room, ".pdf", sender=house.bot, patience=PATIENCE)
    case, _ = await house.look(room, LEAD)
    return Told(house, room, case.nickname)


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file in a folder, with all its bytes; journals of databases are files of their own."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()


def found(data: bytes, words: list[str]) -> list[str]:
    """Which words are in these bytes, whatever their case, in UTF-8 or UTF-16."""
    lower = data.lower()
    return [word for word in words if any(word.lower().encode(code) in lower for code in ("utf-8", "utf-16-le"))]


async def test_no_file_on_the_servers_holds_a_clinical_word(told: Told) -> None:
    place = told.house.place
    await told.house.place.stop_bot()
    try:
        parts = [place.folder / part for part in ("data", "log", "homeserver", "secrets", "config")]
        scanned = [(path, data) for part in parts for path, data in files(part)]
        guilty = {path.name: hits for path, data in scanned if (hits := found(data, list(WORDS.values())))}
    finally:
        await place.start_bot()
    assert guilty == {}
    names = {path.relative_to(place.folder).as_posix() for path, _ in scanned}
    assert {"data/ernbot.db", "log/bot-1.log", "log/bridge.log", "homeserver/homeserver.db"} <= names
    kept = {name for name in names if name.startswith("data/")}
    assert kept <= {f"data/ernbot.db{journal}" for journal in ("", "-wal", "-shm")}, "keys lie in the database too"
    # The nickname is the name of the room, which the homeserver knows; nobody else has it in the clear.
    named = {path.relative_to(place.folder).parts[0] for path, data in scanned if found(data, [told.nickname])}
    assert named == {"homeserver"}


async def test_uploaded_files_are_ciphertext(told: Told) -> None:
    uploads = list(files(told.house.place.folder / "homeserver" / "media"))
    assert len(uploads) >= 5  # two files, two previews, the outcome
    for path, data in uploads:
        assert not [mark for mark in SIGNATURES if mark in data[:4096]], path


async def test_no_state_of_any_room_says_anything(told: Told) -> None:
    rooms = await told.house.rooms()
    assert told.room in rooms
    for room in rooms:
        for event in await told.house.state(room):
            text = str(event)
            assert not found(text.encode(), list(WORDS.values())), event["type"]
            if told.nickname in text:
                assert (room, event["type"]) == (told.room, "m.room.name")


async def test_the_case_room_belongs_to_the_bot_alone(told: Told) -> None:
    state = {(event["type"], event["state_key"]): event for event in await told.house.state(told.room)}

    def content(kind: str) -> dict[str, Any]:
        return dict(state[(kind, "")]["content"])

    assert {kind for kind, _ in state} == {
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.encryption",
        "m.room.name",
        "m.room.pinned_events",
        "eu.ern.case.access",
    }
    assert {event["sender"] for (kind, _), event in state.items() if kind != "m.room.member"} == {told.house.bot}
    assert content("m.room.create")["m.federate"] is False
    assert "additional_creators" not in content("m.room.create")
    assert content("m.room.encryption")["algorithm"] == "m.megolm.v1.aes-sha2"
    assert content("m.room.history_visibility") == {"history_visibility": "joined"}
    assert content("m.room.join_rules") == {"join_rule": "invite"}
    assert content("m.room.guest_access") == {"guest_access": "forbidden"}
    power = content("m.room.power_levels")
    assert {power[name] for name in ("invite", "kick", "ban", "redact", "state_default")} == {100}
    # The creator of a room of version 12 is not listed: nobody else has any power.
    assert content("m.room.create")["room_version"] == "12"
    assert all(level == 0 for level in [power["users_default"], *power.get("users", {}).values()])


async def test_members_of_the_network_learn_no_more_than_that_a_room_exists(told: Told) -> None:
    house = told.house
    outside = await house.person(OUTSIDE)
    alias = f"%23ern-cranio:{house.place.homeserver.server_name}"
    answer = await outside.gateway.request("GET", f"/_matrix/client/v3/directory/room/{alias}")
    space = answer["room_id"]
    if space in outside.invitations:
        await outside.join(space)

    async def look() -> list[dict[str, Any]]:
        tree = await outside.gateway.request("GET", f"/_matrix/client/v1/rooms/{space}/hierarchy")
        assert told.room not in {room["room_id"] for room in tree["rooms"]}
        children = [child for room in tree["rooms"] for child in room["children_state"]]
        return [child for child in children if child["state_key"] == told.room]

    [child] = await eventually(look, "the case room in the space")
    assert child["content"] == {"via": [house.place.homeserver.server_name]}
    assert child["sender"] == house.bot
    path = f"/_matrix/client/v3/rooms/{told.room}"
    for what in ("state", "members", "messages?dir=b", "state/m.room.name/"):
        status, _ = await house.request("GET", f"{path}/{what}", token=outside.gateway.nio.access_token)
        assert status == 403
