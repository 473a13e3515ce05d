"""A statement is rated by three in two Delphi rounds; between them each sees how the others rated, and never who."""

from __future__ import annotations

import asyncio

from ernbot.demo.clinician import Seen
from ernbot.demo.stage import DISSENTER, EXPERTS, LATECOMER, REQUESTER, SURGEON, Stage

STATEMENT = "An ophthalmologist sees the child before any operation."
REMARK = "only where the pressure may be raised"
FIRST = {SURGEON: "1=9", DISSENTER: f"1=4 {REMARK}", LATECOMER: "1=8"}
SECOND = {SURGEON: "9", DISSENTER: "7", LATECOMER: "8"}


async def delphi(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    await stage.answer(me, room, "!delphi new Before the operation", "Next: add statements")
    rules = await stage.answer(me, room, f"!delphi add {STATEMENT}", STATEMENT)
    stage.check("75%" in rules.body and "15%" in rules.body, "what counts as consensus is said before anybody rates")
    opened = await stage.answer(me, room, "!delphi start", "Round 1 is open")
    stage.check("3 raters" in opened.body, "three are asked, each in their own chat")
    asked = await asyncio.gather(*(_rate(stage, name, FIRST[name]) for name in EXPERTS))
    stage.check(not any(STATEMENT in seen.body for seen in asked), "the invitation to rate says nothing clinical")
    await me.hears(stage.chats[REQUESTER], "everybody has rated. Close round 1")
    told = [seen.body for seen in me.seen if seen.room_id == room]
    stage.check(not any(REMARK in text for text in told), "before the round is closed its lead sees nothing")
    closed = await stage.answer(me, room, "!delphi close", "Round 1 is closed")
    stage.check("no consensus in round 1: 67% at 7–9" in closed.body, "two of three are no consensus")
    stage.check("Piotr" not in closed.body, "nobody is named")

    await stage.answer(me, room, "!delphi next", "Round 2 is open")
    read = await asyncio.gather(*(_rate_again(stage, name, SECOND[name]) for name in EXPERTS))
    spread = "Round 1: 0 at 1–3, 1 at 4–6, 2 at 7–9"
    stage.check(all(spread in seen.body for seen in read), "before they rate again, all see how all rated")
    own = [f"You rated {FIRST[name].removeprefix('1=')[0]}" for name in EXPERTS]
    stage.check(all(line in seen.body for line, seen in zip(own, read, strict=True)), "and what they rated themselves")
    stage.check(all(REMARK in seen.body for seen in read), "and what was remarked")
    stage.check(not any("Piotr" in seen.body for seen in read), "and not by whom")
    await me.hears(stage.chats[REQUESTER], "everybody has rated. Close round 2")
    closed = await stage.answer(me, room, "!delphi close", "Round 2 is closed")
    stage.check(
        "consensus** in round 2" in closed.body or "consensus in round 2: 100%" in closed.body, "all three agree"
    )
    stage.check("!delphi report" in closed.body, "nothing is left to rate, so the rounds are over")


async def _rate(stage: Stage, name: str, ratings: str) -> Seen:
    """Rate in one line; the invitation to it."""
    expert, chat = stage.people[name], stage.chats[name]
    asked = await expert.hears(chat, "asks you to rate")
    await stage.answer(expert, chat, f"!rate {ratings}", "That is all")
    return asked


async def _rate_again(stage: Stage, name: str, rating: str) -> Seen:
    """Rate when asked; the question, with how the others rated."""
    expert, chat = stage.people[name], stage.chats[name]
    await expert.hears(chat, "round 2 asks you")
    question = await stage.answer(expert, chat, "!rate", STATEMENT)
    await stage.answer(expert, chat, rating, "Is this right?")
    await stage.answer(expert, chat, "yes", "Recorded for")
    return question
