"""The bot is killed with SIGKILL at twenty points of one story, and nothing is lost, said twice or done twice."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from ernbot.core.case import Case
from ernbot.core.states import Closed
from ernbot.demo.clinician import Clinician, Seen
from ernbot.storage.audit import verify_audit
from tests.fixtures_installation import PATIENCE, House, eventually
from tests.imaging.imaging_samples import nameless, photograph

pytestmark = pytest.mark.homeserver

LEAD, FIRST, SECOND, BYSTANDER = "anders.kjaer", "saskia.devries", "piotr.zielinski", "freja.lund"
KILLS = 20
SEED = 20
SPREAD = 1.5
"""How far the kills reach behind a message, in round trips: before it arrived, in the work, after the answer."""


class Story:
    """One case from the first hello to the signed outcome, with the bot killed after every single step."""

    def __init__(self, house: House, round_trip: float) -> None:
        self.house = house
        self._soon = SPREAD * round_trip
        self.kills = 0
        self.asked: list[tuple[Clinician, str, str]] = []
        self._chance = random.Random(SEED)

    async def killed_after(self, act: Awaitable[str]) -> str:
        """Do something, kill the bot a moment later, and start it again."""
        result = await act
        await asyncio.sleep(self._chance.uniform(0, self._soon))
        await self.house.kill_bot()
        self.kills += 1
        await self.house.place.start_bot()
        return result

    async def ask(self, person: Clinician, room: str, text: str, answer: str) -> Seen:
        """A command whose sender sees the bot die, and gets the answer all the same."""
        return await self._answered(person, room, await self.killed_after(person.say(room, text)), answer)

    async def drop(self, person: Clinician, room: str, name: str, mimetype: str, data: bytes, answer: str) -> Seen:
        return await self._answered(
            person, room, await self.killed_after(person.drop(room, name, mimetype, data)), answer
        )

    async def _answered(self, person: Clinician, room: str, event_id: str, answer: str) -> Seen:
        self.asked.append((person, room, event_id))
        seen = await self.house.answer(person, event_id)
        assert answer in seen.body
        assert seen.encrypted
        assert seen.trusted
        return seen

    async def come(self, person: Clinician, room: str) -> None:
        """Somebody accepts an invitation while the bot dies, and is shown the case."""
        await person.wait(lambda: room in person.invitations or None, "an invitation", PATIENCE)

        async def join() -> str:
            await person.join(room)
            return room

        await self.killed_after(join())
        await person.hears(room, "Question", sender=self.house.bot, patience=PATIENCE)


async def play(story: Story) -> str:
    """The story; the id of its case room."""
    house, ask = story.house, story.ask
    lead, first, second = [await house.person(name) for name in (LEAD, FIRST, SECOND)]
    chat = await story.killed_after(lead.open_chat(house.bot))
    await lead.hears(chat, "Hello", patience=PATIENCE)
    await ask(lead, chat, "!help", "What you can do")
    known = set(lead.invitations)
    await ask(lead, chat, "!case new ern-cranio Is this sagittal synostosis?", "has a room of its own")
    room = await lead.invited(known, PATIENCE)
    await lead.join(room)
    await lead.hears(room, "Question", patience=PATIENCE)
    await ask(lead, room, "!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-31", "Recorded")
    scan = nameless("phantom/ct_phantom_explicit.dcm")
    await story.drop(lead, room, "head.dcm", "application/dicom", scan, "DICOM")
    picture = photograph(Image.new("RGB", (64, 48), "tan"), "PNG")
    await story.drop(lead, room, "profile.png", "image/png", picture, "Photograph")
    await ask(lead, room, f"!panel invite {FIRST} {SECOND}", "Invited")
    await story.come(first, room)
    # Who comes in between the encryption and the arrival of a message cannot read it: let the files arrive first.
    await everything_is_sent(house)
    await story.come(second, room)
    await everything_is_sent(house)
    await ask(first, room, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=4", "is recorded")
    await ask(second, room, "!opinion diagnosis=ORPHA:35093 recommendation=watch confidence=3", "is recorded")
    await ask(first, room, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=5", "version 2")
    await ask(lead, room, "!opinion show", "Piotr")
    await ask(lead, room, "!outcome draft", "gathered")
    await ask(lead, room, "!outcome recommend Vault remodelling at eight months.", "Vault")
    await ask(lead, room, "!outcome evidence Two series of patients.", "Two series")
    await ask(lead, room, "!outcome followup Ophthalmology after three months.", "Ophthalmology")
    await ask(first, room, "!outcome agree", "you agree")
    await ask(second, room, "!outcome dissent I would wait.", "you dissent")
    answer = await ask(lead, room, "!outcome sign", "Signed")
    line = re.search("!sign [0-9a-f]{8}", answer.body)
    assert line is not None
    await ask(first, room, line[0], "Signed")
    await ask(second, room, line[0], "is closed")
    await lead.wait(lambda: documents(lead, room) or None, "the outcome", PATIENCE)
    return room


def documents(person: Clinician, room: str) -> list[Seen]:
    return [
        seen
        for seen in person.seen
        if seen.room_id == room and _info(seen).get("mimetype") == "application/pdf" and seen.trusted
    ]


def _info(seen: Seen) -> dict[str, Any]:
    info = seen.content.get("info")
    return info if isinstance(info, dict) else {}


async def round_trip(house: House) -> float:
    """Seconds from a command to its answer on this machine at this time."""
    await house.is_well(BYSTANDER)
    start = time.monotonic()
    await house.is_well(BYSTANDER)
    return time.monotonic() - start


async def identity(house: House, who: Clinician) -> dict[str, Any]:
    """What the homeserver publishes of the bot's keys."""
    body: dict[str, Any] = {"device_keys": {house.bot: []}}
    answer = await who.gateway.request("POST", "/_matrix/client/v3/keys/query", body)
    return {kind: answer[kind][house.bot] for kind in ("device_keys", "master_keys", "self_signing_keys")}


async def test_a_story_with_twenty_kills(shared_house: House) -> None:
    house = shared_house
    lead = await house.person(LEAD)
    before = await identity(house, lead)
    story = Story(house, await round_trip(house))
    for name in (FIRST, SECOND):
        # An invitation is said in the direct chat as well, and waits there until somebody comes.
        await house.chat(name)
    rooms = set(await house.rooms())

    room = await play(story)

    assert story.kills >= KILLS
    await everything_is_sent(house)
    # Whatever was said twice must have reached the clients: it came before a last word.
    for name in (LEAD, FIRST, SECOND):
        person = await house.person(name)
        await house.ask(person, room, "!case show")
        assert not person._locked, "a message of the bot cannot be read"
    for person, where, event_id in story.asked:
        assert len(house.answers(person, event_id)) == 1
        assert await _replies(house, person, where, event_id) == 1
    assert len(documents(lead, room)) == 1
    ours = [seen for seen in lead.seen if seen.room_id == room and seen.sender == house.bot]
    shown = [seen.content.get("m.new_content", seen.content) for seen in ours]
    # Two files shown once, and again to each of two people who came later, the original beside the preview.
    assert len([content for content in shown if content.get("filename", "").startswith("preview")]) == 2 * (1 + 2)
    assert await identity(house, lead) == before
    assert await _new_rooms(house, rooms) == {"case": 1, "direct": 1}
    await _the_case_is_whole(house, room)


async def _replies(house: House, reader: Clinician, room: str, event_id: str) -> int:
    """Replies of the bot as the homeserver counts them, also any that nobody could decrypt."""
    return sum(
        event["sender"] == house.bot
        and event["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id") == event_id
        for event in await house.timeline(reader, room)
    )


async def everything_is_sent(house: House) -> None:
    """Nothing waits for the people of this story; others may be asked in a direct chat that they never come into."""
    people = {house.user(name) for name in (LEAD, FIRST, SECOND)}
    async with house.store() as store:

        async def check() -> bool:
            async with store.transaction() as tx:
                lanes = [item.lane for item in await tx.due(datetime.now(UTC) + timedelta(days=1))]
            return all(lane.startswith("direct:") and lane.removeprefix("direct:") not in people for lane in lanes)

        await eventually(check, "an empty outbox")


async def _new_rooms(house: House, before: set[str]) -> dict[str, int]:
    """How many rooms of each kind there are that were not there before."""
    kinds: dict[str, int] = {}
    for room in set(await house.rooms()) - before:
        creation = next(event for event in await house.state(room) if event["type"] == "m.room.create")
        kind = creation["content"].get("eu.ern.room", "direct")
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


async def _the_case_is_whole(house: House, room: str) -> None:
    """The database as an administrator finds it: every opinion once, a signed outcome, an unbroken audit chain."""
    await house.place.stop_bot()
    try:
        case, files = await house.look(room, LEAD)
        async with house.store() as store:
            report = await verify_audit(store)
    finally:
        await house.place.start_bot()
    assert report.intact
    assert len(files) == 2
    _check(house, case)


def _check(house: House, case: Case) -> None:
    first, second = house.user(FIRST), house.user(SECOND)
    given = [(opinion.author, opinion.version, opinion.answers["confidence"]) for opinion in case.opinions]
    assert given == [(first, 1, 4), (second, 1, 3), (first, 2, 5)]
    assert isinstance(case.state, Closed)
    assert [(vote.by, vote.agrees) for vote in case.state.outcome.votes] == [(first, True), (second, False)]
    assert case.panel == (first, second)
    assert len(case.consent.entries) == 2
