"""The core journey takes as few messages as it says, and no answer is longer than one screen."""

from __future__ import annotations

import pytest

from ernbot.core.states import Closed
from ernbot.demo.journey import AIMS, CORE, Step, effort

from .chat import ANDERS, SASKIA, SCREEN, Chat, height

PEOPLE = {"requester": ANDERS, "expert": SASKIA}


async def test_the_core_journey_ends_signed_and_every_answer_fits_one_screen(chat: Chat) -> None:
    for typed in CORE:
        who, before = PEOPLE[typed.who], len(chat.done)
        await chat.say(who, typed.text, room=chat.room if typed.where == "case" else None)
        texts = [answer.text for answer in chat.answers(before)]
        assert texts, f"nothing answers {typed.text}"
        if typed is CORE[0]:
            await chat.arrive(who)
        for text in (*texts, chat.card):
            assert height(text) <= SCREEN, f"{height(text)} lines after {typed.text}:\n{text}"
    case = await chat.case()
    assert isinstance(case.state, Closed)
    assert [signature.by for signature in case.state.outcome.signatures] == [ANDERS]


@pytest.mark.parametrize("step", AIMS)
def test_no_step_takes_more_than_it_may(step: Step) -> None:
    assert 0 < effort()[step] <= AIMS[step]
