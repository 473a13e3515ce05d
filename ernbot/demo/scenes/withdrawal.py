"""Consent is withdrawn while an outcome is being signed: the panel is gone at once, and the coordinator hears of it."""

from __future__ import annotations

from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.stage import COORDINATOR, NETWORK, REQUESTER, SURGEON, Stage


async def withdrawn(stage: Stage) -> None:
    me, expert, coordinator = stage.requester, stage.people[SURGEON], stage.people[COORDINATOR]
    before = set(coordinator.invitations)
    known = set(me.invitations)
    await me.say(stage.chats[REQUESTER], f"!case new {NETWORK} A second child, a second question.")
    room = await me.invited(known)
    await me.join(room)
    await me.hears(room, "second question")
    line = "!consent give care form=2.1 lang=da signer=guardian signed=2026-04-01"
    await stage.answer(me, room, line, "Care is covered")
    await stage.answer(me, room, f"!panel invite {SURGEON}", "Invited")
    await expert.invited_to(room)
    await expert.join(room)
    await expert.hears(room, "second question")
    await stage.answer(expert, room, "!opinion diagnosis=ORPHA:3366 recommendation=watch confidence=2", "recorded")
    await stage.answer(me, room, "!outcome draft", "gathered")
    await stage.answer(me, room, "!outcome recommend Watch.", "Watch.")
    await stage.answer(me, room, "!outcome sign", "will not count")
    await stage.answer(me, room, "!consent withdraw care", "cannot be recalled")
    await me.wait(lambda: _left(me, room), "the expert's removal")
    view = await me.rooms.view(room)
    stage.check(view.joined == {me.user_id, stage.bot}, "the panel is removed")
    await stage.refused("the room is closed to them", expert.gateway.join(room))
    await stage.refused("nothing more is written in it", me.say(room, "!outcome sign confirm"))
    chat = await coordinator.invited(before)
    await coordinator.join(chat)
    told = await coordinator.hears(chat, "Consent to care was withdrawn")
    stage.check("cannot be recalled" in told.body, "the coordinator is told what was done, and what cannot be recalled")


def _left(person: Clinician, room_id: str) -> Seen | None:
    return next((s for s in person.seen if s.room_id == room_id and s.content.get("membership") == "leave"), None)
