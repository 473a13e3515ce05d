"""`!help` lists what this person may do here and now, and nothing else; mistyped commands are recognised."""

from __future__ import annotations

import re

import pytest

from ernbot.commands import COMMANDS
from ernbot.locales import keys
from ernbot.storage.store import Store

from .chat import ANDERS, BRAM, KASPER, METTE, NORA, SASKIA, SIGNE, STRANGER, Chat


@pytest.fixture
def chat(sqlite_store: Store) -> Chat:
    """On SQLite alone: this is about words, and rows are the same on both."""
    return Chat(sqlite_store)


ALWAYS = {"!help", "!language"}
ALONE = ALWAYS | {"!identity", "!rate"}
IN_A_CASE = ALWAYS | {"!cancel", "!case show", "!panel show"}
CONSENTS = {"!consent", "!consent give", "!consent withdraw"}
OUTCOME = {"!outcome show", "!outcome recommend", "!outcome evidence", "!outcome followup", "!outcome sign"}

ARRANGING = {"!panel blind", "!panel question"}
OPINION = {"!opinion", "!opinion form"}
READ_TOGETHER = {"!consensus", "!delphi show", "!poll show"}
TOGETHER = READ_TOGETHER | {"!conflict", "!poll vote"}
ASK = TOGETHER | {"!delphi", "!poll", "!poll close"}
ASKED = TOGETHER | OPINION

REQUESTER = {
    "draft": IN_A_CASE | CONSENTS,
    "opened": IN_A_CASE | CONSENTS | {"!panel invite"} | ARRANGING,
    "assessing": IN_A_CASE
    | TOGETHER
    | ASK
    | CONSENTS
    | {"!panel invite", "!opinion show", "!outcome draft", "!reveal"}
    | ARRANGING,
    "drafting": IN_A_CASE | ASK | CONSENTS | OUTCOME | {"!panel invite", "!opinion show", "!outcome draft"},
    "closed": IN_A_CASE | READ_TOGETHER | {"!consent withdraw", "!opinion show", "!outcome show"},
    "withdrawn": IN_A_CASE,
}
EXPERT = {
    "assessing": IN_A_CASE | ASKED | {"!opinion show"},
    "drafting": IN_A_CASE
    | TOGETHER
    | OPINION
    | {"!opinion show", "!outcome show", "!outcome agree", "!outcome dissent"},
    "closed": IN_A_CASE | READ_TOGETHER | {"!opinion show", "!outcome show"},
}


def listed(answer: str) -> set[str]:
    """The names of the commands in a list."""
    usages = re.findall(r"^- `([^`]+)`", answer, re.MULTILINE)
    names = {command.usage: command.name for command in COMMANDS}
    return {names[usage] for usage in usages if usage in names}


@pytest.mark.parametrize("state", REQUESTER)
async def test_help_in_a_case_room(chat: Chat, state: str) -> None:
    await getattr(chat, state)()
    assert listed(await chat.here(ANDERS, "!help")) == REQUESTER[state]
    if state in EXPERT:
        assert listed(await chat.here(SASKIA, "!help")) == EXPERT[state]
    for other in (METTE, BRAM, KASPER):
        assert await chat.here(other, "!help") == "There is no case here that you take part in."


async def test_everything_listed_may_be_done_and_nothing_else(chat: Chat) -> None:
    """What is not listed is refused: in each state, `!help` and the gate say the same."""
    await chat.assessing()
    for user, allowed in ((ANDERS, REQUESTER["assessing"]), (SASKIA, EXPERT["assessing"])):
        for command in COMMANDS:
            if command.where == "case" and command.name not in allowed:
                words = " ".join("x" for parameter in command.parameters if parameter.required)
                async with chat.nothing_changes():
                    assert re.match(
                        "Your part in this case|You cannot|Type it like this",
                        await chat.here(user, f"{command.name} {words}"),
                    )


async def test_help_in_a_direct_chat(chat: Chat) -> None:
    assert listed(await chat.alone(ANDERS, "!help")) == ALONE | {"!case new"}
    assert listed(await chat.alone(METTE, "!HELP")) == ALONE | {"!case new", "!identity confirm"}
    for user in (BRAM, NORA, SIGNE):
        assert listed(await chat.alone(user, "!help")) == ALONE
    await chat.assessing()
    assert listed(await chat.alone(SASKIA, "!help")) == ALONE | OPINION | {"!case new", "!opinion show", "!cancel"}
    assert await chat.alone(STRANGER, "!help") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )


async def test_a_greeting_says_what_is_true_of_the_person(chat: Chat) -> None:
    for user in (BRAM, NORA, SIGNE):
        greeting = await chat.greet(user)
        assert "Cases are opened by clinicians who see patients, so you cannot open one here." in greeting
        assert listed(greeting) == ALONE
    assert await chat.greet(STRANGER) == (
        "Hello. No network lists you yet, so there is nothing that you can do here. "
        "Please ask the helpdesk of your network for access."
    )


MISTAKES = [
    ("!halp", "I do not know `!halp`. Did you mean `!help`?"),
    ("!Lanuage da", "I do not know `!Lanuage da`. Did you mean `!language`?"),
    ("!casenew ern-cranio Why?", "I do not know `!casenew ern-cranio`. Did you mean `!case new`?"),
    ("!opinon diagnosis=1", "I do not know `!opinon diagnosis=1`. Did you mean `!opinion`?"),
    ("!opinion shwo", "I do not know `!opinion shwo`. Did you mean `!opinion show`?"),
    ("!consent widthdraw care", "I do not know `!consent widthdraw`. Did you mean `!consent withdraw`?"),
    ("!outcome follow-up x", "I do not know `!outcome follow-up`. Did you mean `!outcome followup`?"),
    ("!panel", "`!panel` needs one more word: invite, show, blind, question."),
    ("!panel 7", "`!panel` needs one more word: invite, show, blind, question."),
    (
        "!outcome",
        "`!outcome` needs one more word: draft, show, recommend, evidence, followup, agree, dissent, sign.",
    ),
    ("!xyzzy", "I do not know `!xyzzy`. Did you mean `!help`?"),
    ("!" + "é" * 100, f"I do not know `!{'é' * 39}`. Did you mean `!help`?"),
    ("!help me", "Type it like this: `!help`"),
    ("!language", "Type it like this: `!language <language>`"),
    ("!language klingon", "I speak: en, da\n\nType it like this: `!language <language>`"),
    ("!`code` **x**", "I do not know `!`code` **x**`. Did you mean `!help`?"),
]


async def test_a_mistake_is_met_with_what_was_meant(chat: Chat) -> None:
    for typed, answer in MISTAKES:
        assert await chat.alone(ANDERS, typed) == answer


async def test_a_language_is_for_one_person(chat: Chat) -> None:
    await chat.alone(ANDERS, "!language da")
    async with chat.store.transaction() as tx:
        assert (await tx.language(ANDERS), await tx.language(SASKIA)) == ("da", None)
    await chat.alone(ANDERS, "!language EN")
    assert chat.last.text == "I speak English to you from now on."


def test_every_command_has_its_help() -> None:
    assert {command.help_key for command in COMMANDS} <= keys("en")
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


async def test_a_question_that_looks_like_markup_stays_words(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new ern-cranio <b>**now** `or` { $x }</b>")
    assert "> <b>**now** `or` { $x }</b>" in await chat.here(ANDERS, "!case show")
