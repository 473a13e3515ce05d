"""Bringing a case, its card, and every way in which that can go wrong."""

from __future__ import annotations

from ernbot.commands.case import nickname
from ernbot.commands.effects import CreateCaseRoom
from ernbot.core.case import MAX_QUESTION

from .chat import ANDERS, BRAM, KASPER, METTE, NORA, PIOTR, QUESTION, SASKIA, SIGNE, STRANGER, Chat

USAGE = "Type it like this: `!case new <network> <question …> [why=…] [new=…] [due=…] [urgent=yes]`"
OWN = "You belong to no network of that name. Yours: `ern-cranio`\n\n" + USAGE


LINES = [
    f"!case new ern-cranio {QUESTION}",
    f"  !Case   NEW  ERN-Cranio   {QUESTION}  ",
    f"!case new ern-cranio\n{QUESTION}",
    f"! case new\tern-cranio\n\n{QUESTION}\n",
]


async def test_however_it_is_spaced_a_case_is_opened(chat: Chat) -> None:
    for line in LINES:
        answer = await chat.alone(ANDERS, line)
        case = await chat.case()
        assert answer.startswith(f"Your case {case.nickname} has a room")
        assert (case.question, case.network, case.requester) == (QUESTION, "ern-cranio", ANDERS)


async def test_a_question_keeps_its_lines_and_loses_what_misleads(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new ern-cranio Operate?\r\nOr \u202ewait\u202c?\x00\ud800")
    assert (await chat.case()).question == "Operate?\nOr \ufffdwait\ufffd?\ufffd\ufffd"


MISTAKES = [
    (ANDERS, f"!case new {QUESTION}", OWN),
    (ANDERS, f"!case new ecnm {QUESTION}", OWN),
    (ANDERS, f"!case new nowhere {QUESTION}", OWN),
    (KASPER, f"!case new ern-cranio {QUESTION}", OWN.replace("ern-cranio", "ecnm")),
    (BRAM, f"!case new ern-cranio {QUESTION}", "Only clinicians who see patients can open a case in ERN CRANIO."),
    (NORA, f"!case new ern-cranio {QUESTION}", "Only clinicians who see patients can open a case in ERN CRANIO."),
    (SIGNE, f"!case new ern-cranio {QUESTION}", "Only clinicians who see patients can open a case in ERN CRANIO."),
    (
        STRANGER,
        f"!case new ern-cranio {QUESTION}",
        "No network lists you. Please ask the helpdesk of your network for access.",
    ),
    (
        ANDERS,
        "!case new ern-cranio " + "x" * (MAX_QUESTION + 1),
        f"A question has 1 to 2,000 characters.\n\n{USAGE}",
    ),
    (
        ANDERS,
        "!case",
        "`!case` needs one more word: new, show, why, news, due, urgent, handover, takeover, answer, forward, "
        "archive, reopen, erase.",
    ),
    (ANDERS, "!case nwe x y", "I do not know `!case nwe`. Did you mean `!case new`?"),
    (
        ANDERS,
        "!case show",
        "This works in the room of a case only. `!case new` opens one, in your direct chat with me.",
    ),
]


async def test_what_does_not_fit_opens_nothing(chat: Chat) -> None:
    for user, line, answer in MISTAKES:
        assert await chat.alone(user, line) == answer
        assert chat.effects(CreateCaseRoom) == []
        async with chat.store.transaction() as tx:
            assert await tx.places() == []


async def test_refused_cases_are_audited(chat: Chat) -> None:
    await chat.alone(KASPER, f"!case new ern-cranio {QUESTION}")
    await chat.alone(BRAM, f"!case new ern-cranio {QUESTION}")
    assert await chat.audit() == [(KASPER, "create", "network-unknown"), (BRAM, "create", "not-a-clinician")]


async def test_a_case_is_opened_in_the_direct_chat_only(chat: Chat) -> None:
    await chat.draft()
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, f"!case new ern-cranio {QUESTION}") == (
            "This works in your direct chat with me only, not in a case room."
        )
        assert await chat.here(ANDERS, "!case nwe") == "I do not know `!case nwe`. Did you mean `!case new`?"


async def test_the_card_is_shown_to_the_people_of_the_case(chat: Chat) -> None:
    await chat.assessing()
    for reader in (ANDERS, SASKIA, PIOTR):
        assert await chat.here(reader, "!case show") == chat.card
    for other in (METTE, BRAM, KASPER):
        assert await chat.here(other, "!case show") == "There is no case here that you take part in."
    assert await chat.here(STRANGER, "!case show") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )
    assert await chat.here(ANDERS, "!case show please") == "Type it like this: `!case show`"


async def test_a_room_without_a_case_gives_nothing_away(chat: Chat) -> None:
    await chat.draft()
    real = chat.room
    chat.room = "!elsewhere:hospital.example"
    (elsewhere,) = await chat.say(METTE, "!consent", room=chat.room)
    chat.room = real
    assert await chat.here(METTE, "!case show") == "There is no case here that you take part in."
    assert elsewhere.startswith("This works in the room of a case only.")


async def test_the_card_asks_for_a_new_consent_when_it_is_due(chat: Chat) -> None:
    await chat.drafting()
    chat.later(days=16 * 366)
    card = await chat.here(ANDERS, "!case show")
    assert "Consent: care: given on 1 March 2026 by parent, form 2.1: to be renewed" in card
    assert "Who must act: Anders Kjær\n" in card
    assert "Next step: The consent to care has to be renewed with `!consent`. Nothing else can be done before." in card
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome sign") == (
            "This needs the patient’s consent to care first. Record it with `!consent give`."
        )


async def test_talk_among_people_gets_no_answer(chat: Chat) -> None:
    await chat.assessing()
    for text in ("What do you think?", "", "!", "!!!", " ! ! ", "1", "yes", "-", "see `!help`"):
        assert await chat.say(SASKIA, text, room=chat.room) == []


async def test_in_a_direct_chat_talk_is_told_about_commands(chat: Chat) -> None:
    assert await chat.alone(ANDERS, "good morning") == "I answer commands. `!help` lists what you can do here."
    assert await chat.alone(ANDERS, "!") == "I answer commands. `!help` lists what you can do here."


def test_nicknames_say_nothing_and_differ() -> None:
    names = {nickname() for _ in range(50)}
    assert len(names) > 45
    assert all(len(name.split()) == 3 for name in names)
