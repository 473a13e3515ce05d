"""`!help` lists what this person may do here and now, and nothing else; mistyped commands are recognised."""

from __future__ import annotations

import re

import pytest

from ernbot.commands import COMMANDS
from ernbot.locales import keys
from ernbot.storage.store import Store

from .chat import ANDERS, BRAM, KASPER, METTE, NORA, SASKIA, SCREEN, SIGNE, STRANGER, Chat, height


@pytest.fixture
def chat(sqlite_store: Store) -> Chat:
    """On SQLite alone: this is about words, and rows are the same on both."""
    return Chat(sqlite_store)


ALWAYS = {"!help", "!language", "!who"}
VOTES = {"!outcome agree", "!outcome dissent"}
ALONE = ALWAYS | {"!identity", "!tour", "!question new", "!cases", "!reminders"}
IN_A_CASE = ALWAYS | {"!case show", "!panel show"}
CONSENTS = {"!consent", "!consent give", "!consent withdraw"}
OUTCOME = {
    "!outcome show",
    "!outcome recommend",
    "!outcome template",
    "!outcome evidence",
    "!outcome followup",
    "!outcome sign",
    "!outcome export",
    *("!outcome drop", "!outcome alternatives", "!outcome trials", "!outcome open", "!outcome summary"),
    "!outcome names",
}

ARRANGING = {"!panel blind", "!panel question"}
PANEL = {
    "!panel suggest",
    "!panel invite",
    "!panel remove",
    "!panel keep",
    "!panel guest",
}
ANSWERS = {"!accept", "!decline", "!conflict"}
TOLD = {"!case why", "!case news", "!case due", "!case urgent"}
LEADS = TOLD | {"!case handover", "!case archive"} | PANEL
READ_TOGETHER = {"!consensus", "!delphi show", "!poll show"}
TOGETHER = READ_TOGETHER | {"!poll", "!poll vote"}
ASK = TOGETHER | {"!delphi", "!poll close"}

REQUESTER = {
    "draft": IN_A_CASE | CONSENTS | TOLD | {"!case archive", "!case erase"},
    "opened": IN_A_CASE | CONSENTS | LEADS | ARRANGING | {"!case forward"},
    "assessing": IN_A_CASE
    | ASK
    | CONSENTS
    | LEADS
    | ARRANGING
    | {"!case forward", "!opinion show", "!outcome draft", "!reveal"},
    "drafting": IN_A_CASE | ASK | CONSENTS | LEADS | OUTCOME | {"!opinion show", "!outcome draft"},
    "closed": IN_A_CASE
    | READ_TOGETHER
    | {"!consent withdraw", "!opinion show", "!outcome show", "!case archive", "!case reopen", "!followup"}
    | {"!outcome export", "!outcome amend"},
    "withdrawn": IN_A_CASE | {"!case erase"},
}
OPINION = {"!opinion", "!opinion form", "!opinion show"}
EXPERT = {
    "assessing": IN_A_CASE | TOGETHER | ANSWERS | OPINION,
    "drafting": IN_A_CASE
    | TOGETHER
    | ANSWERS
    | OPINION
    | {"!outcome show", "!outcome export", "!outcome agree", "!outcome dissent"},
    "closed": IN_A_CASE | READ_TOGETHER | {"!opinion show", "!outcome show", "!outcome export"},
}


def listed(answer: str) -> set[str]:
    """The names of the commands in a list, which may be grouped by their first word."""
    names = {command.usage: command.name for command in COMMANDS} | {each.name: each.name for each in COMMANDS}
    found = set()
    for code, text in re.findall(r"^- `([^`]+)` (.*)$", answer, re.MULTILINE):
        verbs = re.split(": |, ", text)
        found |= {f"{code} {verb}" for verb in verbs} & names.keys() | {names[it] for it in (code,) if it in names}
    return found


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
            if command.where != "direct" and command.name not in allowed:
                words = " ".join("x" for parameter in command.parameters if parameter.required)
                async with chat.nothing_changes():
                    assert re.match(
                        "Your part in this case|You cannot|You lead this panel|"
                        "Type it like this|Nobody has asked|There is nothing",
                        await chat.here(user, f"{command.name} {words}"),
                    )


async def test_help_in_a_direct_chat(chat: Chat) -> None:
    assert listed(await chat.alone(ANDERS, "!help")) == ALONE | {"!case new"}
    assert listed(await chat.alone(METTE, "!HELP")) == ALONE | {
        "!case new",
        "!directory report",
        "!figures",
        "!identity confirm",
        "!case takeover",
        "!case erase",
    }
    for user in (BRAM, NORA, SIGNE):
        assert listed(await chat.alone(user, "!help")) == ALONE
    assert await chat.alone(STRANGER, "!help") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )


async def test_what_somebody_is_asked_is_listed_in_their_direct_chat_as_well(chat: Chat) -> None:
    invited = {"!accept", "!decline"}
    await chat.assessing()
    assert listed(await chat.alone(SASKIA, "!help")) == ALONE | {"!case new", "!rate"} | invited | OPINION
    await chat.drafting()
    assert listed(await chat.alone(SASKIA, "!help")) == ALONE | {"!case new", "!rate"} | invited | OPINION | VOTES
    await chat.here(SASKIA, "!outcome agree")
    assert not listed(await chat.alone(SASKIA, "!help")) & VOTES, "the case waits for her no longer"
    assert not listed(await chat.alone(ANDERS, "!help")) & (VOTES | invited), "the lead is not asked"


async def test_a_greeting_says_what_is_true_of_the_person(chat: Chat) -> None:
    for user in (BRAM, NORA, SIGNE):
        greeting = await chat.greet(user)
        assert "Cases are opened by clinicians who see patients, so you cannot open one here." in greeting
        assert listed(greeting) == {"!tour", "!question new", "!help"}
    assert await chat.greet(STRANGER) == (
        "Hello. No network lists you yet, so there is nothing that you can do here. "
        "Please ask the helpdesk of your network for access."
    )


MISTAKES = [
    ("!halp", "I do not know `!halp`. Did you mean `!help`?"),
    ("!Lanuage da", "I do not know `!Lanuage da`. Did you mean `!language`?"),
    ("!casse new ern-cranio Why?", "I do not know `!casse new`. Did you mean `!case new`?"),
    ("!opinon diagnosis=1", "I do not know `!opinon diagnosis=1`. Did you mean `!opinion`?"),
    ("!opinion shwo", "I do not know `!opinion shwo`. Did you mean `!opinion show`?"),
    ("!consent widthdraw care", "I do not know `!consent widthdraw`. Did you mean `!consent withdraw`?"),
    ("!outcome folow-up x", "I do not know `!outcome folow-up`. Did you mean `!outcome followup`?"),
    ("!panel", "`!panel` needs one more word: suggest, invite, show, remove, keep, guest, blind, question."),
    ("!panel 7", "`!panel` needs one more word: suggest, invite, show, remove, keep, guest, blind, question."),
    (
        "!outcome",
        "`!outcome` needs one more word: draft, show, template, recommend, drop, alternatives, evidence, trials, open, "
        "followup, summary, names, agree, dissent, sign, close, amend, export.",
    ),
    ("!xyzzy", "I do not know `!xyzzy`. Did you mean `!help`?"),
    ("!" + "é" * 100, f"I do not know `!{'é' * 39}`. Did you mean `!help`?"),
    (
        "!help language",
        "What you can do here\n\n- `!language <language>` choose the language that I speak to you: `en` or `da`",
    ),
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


async def screen(chat: Chat, user: str, *, room: str | None = None) -> str:
    (answer,) = await chat.say(user, "!help", room=room)
    return answer


async def test_help_fits_one_screen_in_every_state(chat: Chat) -> None:
    for state in ("draft", "opened", "assessing", "drafting", "closed", "withdrawn"):
        await getattr(chat, state)()
        for user in (ANDERS, SASKIA):
            for answer in await chat.say(user, "!help", room=chat.room):
                assert height(answer) <= SCREEN, f"{state}: {height(answer)} lines\n{answer}"
    for user in (ANDERS, METTE, BRAM):
        assert height(await screen(chat, user)) <= SCREEN


async def test_help_says_what_comes_next_and_shows_how_it_is_typed(chat: Chat) -> None:
    await chat.opened()
    answer = await chat.here(ANDERS, "!help")
    assert "bring experts in with `!panel invite`" in answer
    assert "For example: `!panel invite craniosynostosis saskia.devries`" in answer


@pytest.mark.parametrize("word", ["outcome", "!outcome", "Outcome", "outcomes", "outcome draft"])
async def test_a_word_shows_its_commands_in_full(chat: Chat, word: str) -> None:
    await chat.drafting()
    answer = await chat.here(ANDERS, f"!help {word}")
    assert "`!outcome draft`" in answer
    assert "`!consent" not in answer


@pytest.mark.parametrize("word", ["me", "xyzzy", "sign everything for me please", "!", "delete"])
async def test_a_word_that_means_nothing_here_shows_everything(chat: Chat, word: str) -> None:
    await chat.drafting()
    assert "`!consent`" in await chat.here(ANDERS, f"!help {word}")


async def test_the_tour_has_five_short_pages(chat: Chat) -> None:
    pages = [await chat.alone(ANDERS, "!tour" if number == 1 else f"tour {number}") for number in range(1, 6)]
    assert len(set(pages)) == 5
    for number, page in enumerate(pages, start=1):
        assert f"page {number} of 5" in page
        assert height(page) <= 20
        assert (f"!tour {number + 1}" in page) == (number < 5)
    for wrong in ("0", "6", "x", "²", "99999999999999999999"):
        assert "The tour has 5 pages" in await chat.alone(ANDERS, f"!tour {wrong}")


async def test_the_greeting_offers_the_tour(chat: Chat) -> None:
    assert "`!tour" in await chat.greet(ANDERS)
