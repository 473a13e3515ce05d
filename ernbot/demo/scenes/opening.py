"""How a case begins: people log in, a room is made, and nobody and nothing comes into it before consent."""

from __future__ import annotations

import asyncio

from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.stage import COORDINATOR, DATA, EXPERTS, NETWORK, REQUESTER, RESEARCHER, SURGEON, Stage
from ernbot.matrix.gateway import Gateway

QUESTION = "Girl of 4 months, ridged metopic suture: operate before the age of one, or watch?"


async def log_in(stage: Stage) -> None:
    hs = stage.place.homeserver

    async def one(localpart: str) -> None:
        user = stage.user(localpart)
        folder = stage.place.folder / "people"
        stage.people[localpart] = await Clinician.login(hs.url, user, stage.place.passwords[user], folder)

    await asyncio.gather(*(one(name) for name in (REQUESTER, COORDINATOR, RESEARCHER, *EXPERTS)))
    devices = await stage.requester.trust.devices([hs.bot_user_id])
    stage.check(len(devices) == 1 and devices[0].signed, "the bot has one device, signed by its own identity")


async def greeting(stage: Stage) -> None:
    me = stage.requester
    seen = await stage.chat(REQUESTER)
    room = stage.chats[REQUESTER]
    stage.check("Anders" in seen.body, "the bot greets by name")
    stage.check(seen.encrypted and seen.trusted, "the greeting is encrypted and from a signed device")
    stage.check("!case new" in seen.body and "!outcome" not in seen.body, "it names only what can be done here")
    help_ = await stage.answer(me, room, "!help", "What you can do here")
    stage.check("!consent" not in help_.body, "!help lists only what this person may do here")
    await stage.answer(me, room, "!case new", "leaves")
    stage.check(True, "without more it asks question by question")
    await stage.answer(me, room, "!cancel", "Nothing was recorded")
    await stage.answer(me, room, "!kase new", "Did you mean")
    seen = await stage.chat(RESEARCHER)
    stage.check("!case new" not in seen.body, "a researcher is offered no cases")


async def open_case(stage: Stage) -> None:
    me = stage.requester
    known = set(me.invitations)
    await me.say(stage.chats[REQUESTER], f"!case new {NETWORK} {QUESTION}")
    stage.case = await me.invited(known)
    await me.join(stage.case)
    card = await me.hears(stage.case, QUESTION)
    stage.check("not recorded" in card.body and "Next step" in card.body, "the card shows consent and next step")
    state = {(event["type"], event["state_key"]): event for event in await me.gateway.state(stage.case)}
    create, power = state[("m.room.create", "")], state[("m.room.power_levels", "")]["content"]
    stage.check(create["sender"] == stage.bot, "the room was created by the bot")
    stage.check(create["content"]["m.federate"] is False, "it is not federated")
    stage.check(("m.room.encryption", "") in state, "it is encrypted")
    history = state[("m.room.history_visibility", "")]["content"]["history_visibility"]
    stage.check(history == "joined", "history is visible from joining only")
    stage.check(
        power["invite"] == power["state_default"] == 100 and not power["users"],
        "invitations and state are at the bot's power alone",
    )
    words = [word for word in QUESTION.lower().replace(",", "").split() if len(word) > 5]
    told = str([event["content"] for event in state.values()]).lower()
    stage.check(not any(word in told for word in words), "no state holds a word of the question")
    pinned = await me.wait(lambda: _pinned(stage), "the pinned card")
    stage.check(pinned == card.event_id, "the card is pinned")
    await _space(stage)


def _pinned(stage: Stage) -> str | None:
    pins = [s for s in stage.requester.seen if s.room_id == stage.case and s.type == "m.room.pinned_events"]
    return str(pins[-1].content["pinned"][0]) if pins else None


async def _space(stage: Stage) -> None:
    """A member of the network sees that a room exists, and nothing more."""
    member = stage.people[SURGEON]
    space = await member.gateway.resolve_alias(f"#{NETWORK}:{stage.place.homeserver.server_name}")
    await member.join(space)

    def filed() -> Seen | None:
        return next((s for s in member.seen if s.room_id == space and s.type == "m.space.child"), None)

    await member.wait(filed, "the rooms of the space")
    for _ in range(50):
        children = {e["state_key"] for e in await member.gateway.state(space) if e["type"] == "m.space.child"}
        if stage.case in children:
            break
        await asyncio.sleep(0.1)
    stage.check(stage.case in children, "the room is filed in the space of the network")
    hierarchy = await member.gateway.request("GET", f"/_matrix/client/v1/rooms/{space}/hierarchy")
    known = {room["room_id"] for room in hierarchy["rooms"]}
    stage.check(stage.case not in known, "members of the space learn no more than that a room exists")


async def closed_before_consent(stage: Stage) -> None:
    me, expert = stage.requester, stage.user(SURGEON)
    await stage.answer(me, stage.case, f"!panel invite {expert}", "consent to care first")
    await stage.refused("the homeserver refuses the requester's invitation", me.gateway.invite(stage.case, expert))
    await stage.refused("it refuses the bot's invitation too", _as_bot_invite(stage, expert))
    dropped = await me.drop(stage.case, "scan.dcm", "application/dicom", (DATA / "head_ct.dcm").read_bytes())
    await me.hears(stage.case, "taken the file out", after=dropped)
    stage.check(await stage.is_redacted(me, dropped), "a file before consent is redacted and explained")


async def _as_bot_invite(stage: Stage, user_id: str) -> None:
    """What a faulty or stolen bot would try."""
    place = stage.place
    thief = Gateway(place.homeserver.url, stage.bot, "thief", place.secret("bot_token"))
    try:
        await thief.invite(stage.case, user_id)
    finally:
        await thief.close()


async def consent(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    root = await me.say(room, "!consent")
    await me.hears(room, "What did the patient consent to", after=root)
    await stage.answer(me, room, "1, 2", "Which version", thread=root)
    await stage.answer(me, room, "2.1", "which language", thread=root)
    asked = await stage.answer(me, room, "da", "Who signed it", thread=root)
    await me.react(room, asked.event_id, "2️⃣")
    await me.hears(room, "On which day", after=asked.event_id)
    stage.check(True, "a question can be answered by a reaction")
    await stage.answer(me, room, "31.3.2026", "yes", thread=root)
    await stage.answer(me, room, "yes", "Care is covered", thread=root)
    line = "!consent give images form=2.1 lang=da signer=parent signed=2026-03-31"
    await stage.answer(me, room, line, "Recorded")
    await stage.answer(me, room, "!consent give contact form=2.1", "lang, signer, signed")
