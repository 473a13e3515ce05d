"""`!case new` alone: what a new case needs is asked in the direct chat, and nothing opens before it is confirmed."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from ernbot.commands.effects import CreateCaseRoom
from ernbot.core.directory import Directory, Person, Role

from .chat import ANDERS, BRAM, OPINION, QUESTION, SASKIA, SERVER, SIGNE, STRANGER, Chat

MARIA = f"@maria.lund:{SERVER}"
"""The assistant of Anders Kjær."""


def in_two_networks(chat: Chat, *more: Person) -> None:
    """Anders Kjær is listed in both networks, as are others in the first."""
    entry = Person(ANDERS, "Anders Kjær", "fjordhus")
    chat.directory = Directory(
        tuple(replace(n, people=(*n.people, *((entry,) if n.id == "ecnm" else more))) for n in chat.directory.networks)
    )


async def test_the_question_why_and_what_is_new_are_asked_one_by_one(chat: Chat) -> None:
    assert (await chat.alone(ANDERS, "!case new")).startswith("What is your question?")
    assert (await chat.alone(ANDERS, QUESTION)).startswith("Why do you present it?")
    assert (await chat.alone(ANDERS, "A second opinion.")).startswith("What is new since it was last discussed?")
    read = await chat.alone(ANDERS, "The pressure has risen.")
    assert read.startswith(
        f"Network: ERN CRANIO\nQuestion: {QUESTION}\nWhy it is presented: A second opinion.\n"
        "What is new: The pressure has risen.\n\nIs this right?"
    )
    assert chat.effects(CreateCaseRoom) == []
    assert "has a room of its own" in await chat.alone(ANDERS, "yes")
    case = await chat.case()
    assert (case.question, case.network, case.requester) == (QUESTION, "ern-cranio", ANDERS)
    assert (case.background.why, case.background.new) == ("A second opinion.", "The pressure has risen.")
    assert (ANDERS, "create", "allowed") in await chat.audit()


async def test_what_was_said_is_not_asked_again_and_the_rest_may_be_left_out(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new ern-cranio why=Second opinion due=2 weeks urgent=yes")
    assert (await chat.alone(ANDERS, QUESTION)).startswith("What is new")
    await chat.alone(ANDERS, "-")
    await chat.alone(ANDERS, "ja")
    case = await chat.case()
    assert (case.background.why, case.background.new, case.urgent) == ("Second opinion", "", True)
    assert str(case.due) == "2026-03-19"


async def test_a_restart_loses_nothing(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new")
    await chat.alone(ANDERS, QUESTION)
    again = Chat(chat.store, now=chat.now, _numbers=count(1_000))
    for text in ("done", "yes"):
        await again.alone(ANDERS, text)
    assert (await again.case()).question == QUESTION


async def test_who_is_in_several_networks_says_which(chat: Chat) -> None:
    in_two_networks(chat)
    answer = await chat.alone(ANDERS, "!case new")
    assert "- `1` ECNM\n- `2` ERN CRANIO" in answer
    assert (await chat.alone(ANDERS, "7")).startswith("network takes one of")
    assert (await chat.alone(ANDERS, "2")).startswith("What is your question?")


async def test_an_assistant_opens_it_for_the_clinician(chat: Chat) -> None:
    in_two_networks(chat, Person(MARIA, "Maria Lund", "strandmark", Role.ASSISTANT, assists=(ANDERS,)))
    await chat.alone(MARIA, "!case new ern-cranio for=anders.kjaer")
    for text in (QUESTION, "done", "yes"):
        await chat.alone(MARIA, text)
    case = await chat.case()
    assert (case.requester, case.opened_by) == (ANDERS, MARIA)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("x" * 4_001, "A question has 1 to"),
        ("-", "question cannot be left out."),
        ("🧠" * 4_001, "A question has 1 to"),
    ],
)
async def test_a_question_that_does_not_fit_is_asked_again(chat: Chat, text: str, answer: str) -> None:
    await chat.alone(ANDERS, "!case new")
    assert (await chat.alone(ANDERS, text)).startswith(answer)
    assert (await chat.alone(ANDERS, QUESTION)).startswith("Why do you present it?")


async def test_a_detail_that_does_not_fit_is_said_before_anything_is_asked(chat: Chat) -> None:
    assert (await chat.alone(ANDERS, "!case new ern-cranio due=2020-01-01")).startswith("1 January 2020 has passed.")
    assert (await chat.alone(ANDERS, "!case new ern-cranio for=freja.lund")).startswith(
        "For whom do you open this case?"
    )


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        (BRAM, "Only clinicians who see patients can open a case in ERN CRANIO."),
        (SIGNE, "Only clinicians who see patients can open a case in ERN CRANIO."),
        (STRANGER, "No network lists you."),
    ],
)
async def test_who_may_open_no_case_is_asked_nothing(chat: Chat, user: str, answer: str) -> None:
    assert (await chat.alone(user, "!case new")).startswith(answer)


async def test_it_can_be_left_and_throws_no_draft_away(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new")
    assert await chat.alone(ANDERS, "!cancel") == "Nothing was recorded."
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    await chat.alone(SASKIA, "!opinion recommendation=surgery")
    assert (await chat.alone(SASKIA, "!case new")).startswith("Something else is unfinished here.")
    assert (await chat.alone(SASKIA, OPINION)).startswith("Your opinion is recorded")


async def test_who_left_the_network_meanwhile_opens_nothing(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new")
    for text in (QUESTION, "done"):
        await chat.alone(ANDERS, text)
    chat.directory = Directory(
        tuple(replace(n, people=tuple(p for p in n.people if p.user_id != ANDERS)) for n in chat.directory.networks)
    )
    await chat.alone(ANDERS, "yes")
    assert chat.effects(CreateCaseRoom) == []
