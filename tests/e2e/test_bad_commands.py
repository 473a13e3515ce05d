"""What does not fit, is not allowed, or comes from the wrong place: a clear sentence, and nothing has changed."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import pytest_asyncio

from ernbot.core.case import Case
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.homeserver import register
from ernbot.matrix.errors import MatrixError
from tests.fixtures_installation import PATIENCE, House

pytestmark = pytest.mark.homeserver

LEAD, FIRST, SECOND = "anders.kjaer", "saskia.devries", "piotr.zielinski"
COLLEAGUE, RESEARCHER = "freja.lund", "bram.visser"
CONSENT = "!consent give care form=2.1 lang=da signer=parent signed=2026-03-31"


@dataclass(frozen=True)
class Ward:
    """A case with two experts who have not answered yet."""

    house: House
    room: str
    lead: Clinician
    first: Clinician
    second: Clinician

    async def case(self) -> Case:
        return (await self.house.look(self.room, LEAD))[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ward(shared_house: House) -> Ward:
    house = shared_house
    room = await house.case(LEAD, "Which suture is it?", panel=[FIRST, SECOND])
    return Ward(house, room, *[await house.person(name) for name in (LEAD, FIRST, SECOND)])


@pytest.mark.parametrize(
    ("who", "text", "answer"),
    [
        (LEAD, "!panle invite saskia.devries", "I do not know !panle invite. Did you mean !panel invite?"),
        (LEAD, "!xyzzy", "Did you mean !help?"),
        (LEAD, "!consent give", "Type it like this: !consent give <purposes"),
        (LEAD, "!consent give care form=2.1", "Still missing: lang, sign"),
        (LEAD, "!consent give care form=2.1 lang=da signer=uncle signed=2026-03-31", "takes one of"),
        (LEAD, "!consent give care form=2.1 lang=da signer=parent signed=tomorrow", "is no date"),
        (LEAD, "!consent give care form=2.1 lang=da signer=parent signed=2199-01-01", "in the future"),
        (LEAD, "!case show now", "Type it like this: !case show"),
        (LEAD, "!panel invite nobody.here", "neither a person nor a competence"),
        (LEAD, "!panel invite @nobody:ern.localhost", "does not list @nobody:ern.localhost"),
        (LEAD, "!panel invite bram.visser", "does not see patients"),
        (LEAD, "!panel invite anders.kjaer", "lead this panel already"),
        (FIRST, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=9", "whole number from 1 to 5"),
        (FIRST, "!opinion diagnosis=nonsense recommendation=surgery confidence=3", "takes a code"),
        (FIRST, "!opinion diagnosis=ORPHA:2343 confidence=3", "Recommended next step"),
        (FIRST, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=3 mood=good", "no field mood"),
        (FIRST, CONSENT, "does not let you record consent"),
        (FIRST, "!consent withdraw care", "does not let you withdraw consent"),
        (FIRST, "!panel invite elin.sandberg", "does not let you change the panel"),
        (LEAD, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=3", "does not let you give an opinion"),
        (LEAD, "!outcome recommend Surgery.", "You cannot write the outcome now"),
        (LEAD, "!outcome sign", "You cannot sign the outcome now"),
        (FIRST, "!outcome agree", "You cannot vote on the outcome now"),
        (LEAD, "!outcome draft", "Nobody has given an opinion yet"),
        (LEAD, "!consent withdraw registry", "no consent to withdraw"),
        (LEAD, "!case new ern-cranio Another one?", "in your direct chat"),
        (LEAD, "!language klingon", "I speak"),
    ],
)
async def test_a_mistake_in_a_case_room(ward: Ward, who: str, text: str, answer: str) -> None:
    before = await ward.case()
    said = await ward.house.ask(await ward.house.person(who), ward.room, text)
    assert answer in said.body.replace("`", "").replace("*", "")
    assert said.encrypted
    assert await ward.case() == before


@pytest.mark.parametrize(
    ("who", "text", "answer"),
    [
        (COLLEAGUE, "!opinion show", "No open case of yours takes this now"),
        (COLLEAGUE, "!case new", "What is your question?"),
        (COLLEAGUE, "!cancel", "Nothing was recorded"),
        (COLLEAGUE, "!case new nowhere What is it?", "You belong to no network of that name. Yours: ern-cranio"),
        (COLLEAGUE, "!case new ecnm What is it?", "You belong to no network of that name. Yours: ern-cranio"),
        (COLLEAGUE, "What is it?", "I answer commands"),
        (RESEARCHER, "!case new ern-cranio What is it?", "Only clinicians who see patients"),
        (RESEARCHER, "!consent give care", "works in the room of a case only"),
    ],
)
async def test_a_mistake_in_a_direct_chat(ward: Ward, who: str, text: str, answer: str) -> None:
    person, chat = await ward.house.chat(who)
    rooms = await ward.house.rooms()
    assert answer in (await ward.house.ask(person, chat, text)).body.replace("`", "")
    await ward.house.is_well(who)
    assert await ward.house.rooms() == rooms


async def test_a_researcher_is_offered_no_case_of_a_patient(ward: Ward) -> None:
    person, chat = await ward.house.chat(RESEARCHER)
    offered = (await ward.house.ask(person, chat, "!help")).body
    assert "!language" in offered
    assert "!question new" in offered
    assert "!case new" not in offered


async def test_a_colleague_who_was_not_asked_stays_outside(ward: Ward) -> None:
    colleague = await ward.house.person(COLLEAGUE)
    before = await ward.case()
    with pytest.raises(MatrixError, match="403"):
        await colleague.gateway.join(ward.room)
    with pytest.raises(MatrixError, match="403"):
        await colleague.gateway.send(ward.room, "m.room.encrypted", {"algorithm": "none"}, secrets.token_hex(4))
    with pytest.raises(MatrixError, match="403"):
        await ward.first.gateway.invite(ward.room, colleague.user_id)
    assert await ward.case() == before


async def test_an_unknown_person_is_declined(ward: Ward) -> None:
    house = ward.house
    await register(house.place.homeserver, "stranger", "a demonstration password")
    stranger = await Clinician.login(
        house.url, house.user("stranger"), "a demonstration password", house.place.folder / "people"
    )
    house.stack.push_async_callback(stranger.close)
    chat = await stranger.open_chat(house.bot)

    def declined() -> bool | None:
        return (
            any(
                seen.room_id == chat
                and seen.type == "m.room.member"
                and (seen.sender, seen.content.get("membership")) == (house.bot, "leave")
                for seen in stranger.seen
            )
            or None
        )

    await stranger.wait(declined, "the refusal", PATIENCE)
    await house.is_well(COLLEAGUE)


async def test_an_unencrypted_room_gets_no_service(ward: Ward) -> None:
    house = ward.house
    lead = ward.lead
    # The homeserver encrypts private rooms by itself; a public one may still be without.
    chat = await lead.gateway.create_room({"invite": [house.bot], "is_direct": True, "preset": "public_chat"})
    await lead.hears(chat, "only work in encrypted rooms", sender=house.bot, patience=PATIENCE)
    known, rooms = set(lead.invitations), await house.rooms()
    text = {"msgtype": "m.text", "body": "!case new ern-cranio What is it?"}
    asked = await lead.gateway.send(chat, "m.room.message", text, secrets.token_hex(8))
    answer = await house.answer(lead, asked)
    assert "only work in encrypted rooms" in answer.body
    assert not answer.encrypted
    await house.is_well(LEAD)
    assert (set(lead.invitations), await house.rooms()) == (known, rooms)


async def test_a_plain_message_in_an_encrypted_chat_is_not_taken(ward: Ward) -> None:
    lead, chat = await ward.house.chat(LEAD)
    rooms = await ward.house.rooms()
    text = {"msgtype": "m.text", "body": "!case new ern-cranio What is it?"}
    asked = await lead.gateway.send(chat, "m.room.message", text, secrets.token_hex(8))
    assert "only work in encrypted rooms" in (await ward.house.answer(lead, asked)).body
    assert await ward.house.rooms() == rooms
    with pytest.raises(MatrixError, match="403"):
        await lead.gateway.send(ward.room, "m.room.message", text, secrets.token_hex(8))


async def test_people_talk_undisturbed_in_the_rooms_of_their_network(ward: Ward) -> None:
    house, first = ward.house, ward.first
    place = f"/_matrix/client/v3/directory/room/{quote('#ern-cranio-lobby:ern.localhost')}"
    lobby = (await first.gateway.request("GET", place))["room_id"]
    await first.join(lobby)
    said = await first.say(lobby, "Good morning! Who comes to the meeting in May?")
    await first.drop(lobby, "programme.txt", "text/plain", b"Programme of the meeting in May")
    asked = await first.say(lobby, "!cases")
    assert "no case, so I take no commands here" in (await house.answer(first, asked)).body
    assert not house.answers(first, said)
    assert len([seen for seen in first.seen if seen.room_id == lobby and seen.type == "m.room.message"]) == 4
    await house.is_well(COLLEAGUE)


async def test_a_device_that_its_owner_has_not_signed(ward: Ward) -> None:
    house = ward.house
    lead, chat = await house.chat(LEAD)
    before = await ward.case()
    device = await house.another_device(LEAD)
    for room in (ward.room, chat):
        said = await device.say(room, "!consent withdraw care")
        answer = await device.wait(
            lambda: next((seen for seen in device.seen if "has not been verified" in seen.body), None),
            "the explanation",
            PATIENCE,
        )
        assert (answer.room_id, answer.sender, answer.encrypted) == (chat, house.bot, False)
        assert device.gateway.device_id in answer.body
        device.seen.clear()
        assert len(house.answers(lead, said)) <= 1
    assert await ward.case() == before


async def test_an_older_command_that_is_edited_is_not_run(ward: Ward) -> None:
    before = await ward.case()
    first = await ward.lead.say(ward.room, "!case show")
    await ward.house.answer(ward.lead, first)
    await ward.house.ask(ward.lead, ward.room, "!panel show")
    command = {"msgtype": "m.text", "body": "!consent withdraw care"}
    edit = {
        **command,
        "m.new_content": command,
        "m.relates_to": {"rel_type": "m.replace", "event_id": first},
    }
    await ward.lead.send(ward.room, edit)

    def answers() -> list[Seen] | None:
        found = ward.house.answers(ward.lead, first)
        return found if len(found) == 2 else None

    _, refusal = await ward.lead.wait(answers, "the answer to the edit", PATIENCE)
    assert "only when it was your last one to me here" in refusal.body
    assert await ward.case() == before


async def test_two_experts_answer_at_the_same_time(ward: Ward) -> None:
    before = await ward.case()
    texts = {
        ward.first: "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=4",
        ward.second: "!opinion diagnosis=ORPHA:35093 recommendation=watch confidence=2",
    }
    said = await asyncio.gather(*(ward.house.ask(expert, ward.room, text) for expert, text in texts.items()))
    assert all("Your opinion is recorded." in answer.body for answer in said)
    after = await ward.case()
    new = after.opinions[len(before.opinions) :]
    assert {(opinion.author, opinion.answers["confidence"]) for opinion in new} == {
        (ward.first.user_id, 4),
        (ward.second.user_id, 2),
    }
