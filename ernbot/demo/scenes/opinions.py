"""A blind round: opinions are given in direct chats and hidden from everybody else, then revealed; one of them differs.

What must not be seen is looked for in everything that the other people's clients have shown.
"""

from __future__ import annotations

import asyncio

from ernbot.demo.clinician import Clinician
from ernbot.demo.stage import DISSENTER, EXPERTS, SURGEON, Stage, has_read

FIRST = "!opinion diagnosis=ORPHA:3366 recommendation=surgery confidence=4"
REASONS = "The forehead narrows, and the ridge will not soften."
WATCHING = "Many ridges of this kind soften in the first year."


async def sealed(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    surgeon, dissenter, latecomer = stage.experts
    await asyncio.gather(*(stage.chat(name) for name in EXPERTS))
    await stage.answer(me, room, "!panel blind lead", "sealed, for you as well")
    await stage.answer(surgeon, stage.chats[SURGEON], FIRST.replace("ORPHA:3366", "trigonocephaly"), "takes a code")
    await stage.answer(surgeon, stage.chats[SURGEON], f"{FIRST} remarks={REASONS}", "It is sealed")
    own = await stage.answer(surgeon, stage.chats[SURGEON], "!opinion show", "the others see nothing yet")
    stage.check(REASONS in own.body, "whoever gave an opinion reads their own")
    await _step_by_step(stage, dissenter, stage.chats[DISSENTER])
    own = await stage.answer(dissenter, stage.chats[DISSENTER], "!opinion show", "the others see nothing yet")
    stage.check("Saskia" not in own.body, "another expert is shown none but their own")
    counted = await stage.answer(me, room, "!opinion show", "Opinions are sealed")
    stage.check("2 of 3 in" in counted.body, "the lead learns how many are in, and nothing else")
    for reasons, author in ((REASONS, surgeon), (WATCHING, dissenter)):
        others = [person for person in stage.people.values() if person is not author]
        assert has_read(author, reasons)
        stage.check(
            not any(has_read(other, reasons) for other in others), f"{_name(author)}’s reasons are seen by nobody else"
        )
    stage.check(not has_read(latecomer, "ORPHA:3366"), "Giulia, who is still thinking, has seen no diagnosis either")


async def _step_by_step(stage: Stage, expert: Clinician, chat: str) -> None:
    """An opinion that begins as a draft; what is missing is asked, question by question."""
    await stage.answer(expert, chat, f"!opinion remarks={WATCHING}", "Nothing is recorded yet")
    await stage.answer(expert, chat, "ORPHA:3366", "Recommended next step")
    await stage.answer(expert, chat, "watch", "Confidence")
    await stage.answer(expert, chat, "9", "from 1 to 5")
    await stage.answer(expert, chat, "3", "Is this right?")
    await stage.answer(expert, chat, "yes", "It is sealed")


async def revealed(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    surgeon, dissenter, latecomer = stage.experts
    await stage.answer(me, room, "!reveal", "Not in yet: Giulia Marchetti")
    stage.check(not has_read(me, REASONS), "the lead is asked first: what is revealed cannot be sealed again")
    said = await me.say(room, "!reveal confirm")
    read = [await person.hears(room, "The opinions, revealed", after=said) for person in (me, *stage.experts)]
    stage.check(
        all(REASONS in shown.body and WATCHING in shown.body for shown in read), "now all four read both opinions"
    )
    stage.check("Watchful waiting: Piotr" in read[0].body, "who differs is named beside the recommendation")
    late = await stage.answer(latecomer, room, FIRST.replace("=4", "=3"), "is recorded")
    stage.check("ORPHA:3366" in late.body, "an opinion may still be given, in the room")
    await stage.answer(surgeon, room, f"{FIRST.replace('=4', '=5')} remarks={REASONS}", "version 2")
    every = await stage.answer(me, room, "!opinion show", "Saskia de Vries, version 2")
    stage.check("Given after the reveal" in every.body, "what was said after the reveal is marked so")
    stage.check("Revised after the reveal" in every.body, "and so is what was revised after it")
    await stage.answer(dissenter, room, "!consensus", "Watchful waiting")


def _name(person: Clinician) -> str:
    return person.user_id.removeprefix("@").partition(".")[0].capitalize()
