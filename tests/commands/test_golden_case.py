"""The life of a case as its people read it, in every language: from the question to the archive, and its other ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ernbot.core.directory import Directory, Person, Role
from ernbot.locales import LANGUAGES
from ernbot.matrix.calendar import Calendar
from ernbot.storage.store import Store

from .chat import ANDERS, FREJA, METTE, OPINION, PIOTR, SASKIA, SERVER, Chat
from .golden import Transcript

DORTE = f"@dorte.friis:{SERVER}"
"""A dispatcher of ERN CRANIO."""

DISPATCHER = Person(DORTE, "Dorte Friis", "havblik", Role.DISPATCHER)

LEOPOLD = f"@leopold.haas:{SERVER}"
"""The coordinator of the other network."""

QUESTION = "Girl of 4 months, ridged metopic suture: operate, or watch?"


@pytest.fixture
def chat(sqlite_store: Store) -> Chat:
    """On SQLite alone, because this is about words."""
    return Chat(sqlite_store)


async def turn(chat: Chat) -> None:
    """What the calendar does at this moment, and everything that it sends."""
    await Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0).turn()
    await chat.deliver()


def begin(chat: Chat, language: str, *, cards: bool = False) -> Transcript:
    told = Transcript(chat, language, cards=cards)
    told.skip()
    return told


def with_triage(chat: Chat) -> None:
    """The network looks at requests first, and has a dispatcher."""
    chat.directory = Directory(
        tuple(
            replace(network, triage=True, people=(*network.people, DISPATCHER))
            if network.id == "ern-cranio"
            else network
            for network in chat.directory.networks
        )
    )


async def number(chat: Chat) -> str:
    return (await chat.case()).nickname.split()[-1]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_case_is_brought(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language, cards=True)
    await told.waits(lambda: chat.greet(ANDERS), "Anders Kjær opens a direct chat with the bot")
    await told.direct(ANDERS, f"!case new ern-cranio {QUESTION}")
    await chat.arrive(ANDERS)
    await told.room(ANDERS, "!consent")
    thread = chat.event
    for text in ("1, 4", "2.1", "da", "2", "2026-03-01", "yes"):
        await told.room(ANDERS, text, thread=thread)
    await told.room(ANDERS, "!case why The parents ask for a second opinion.")
    await told.room(ANDERS, "!case due 2 weeks")
    await told.room(ANDERS, "!panel invite saskia.devries")
    told.matches("case-brought", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_case_is_asked_for_question_by_question(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language)
    for text in ("!case new", QUESTION, "The parents ask for a second opinion.", "-", "yes"):
        await told.direct(ANDERS, text)
    told.matches("case-asked", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_request_is_looked_at_first(chat: Chat, language: str, rewrite: bool) -> None:
    with_triage(chat)
    await chat.alone(ANDERS, f"!case new ern-cranio {QUESTION}")
    told = begin(chat, language)
    await told.room(ANDERS, "!consent give care form=2.1 lang=da signer=parent signed=2026-03-01")
    case = await number(chat)
    await told.direct(DORTE, "!triage")
    await told.direct(DORTE, f"!triage show {case}")
    await told.direct(DORTE, f"!triage ask {case} Has the pressure been measured?")
    await told.room(ANDERS, "!panel invite saskia.devries")
    await told.room(ANDERS, "!case answer No, only the CT is there.")
    await told.direct(METTE, f"!triage forward {case} ecnm")
    await told.direct(METTE, f"!triage forward {case} ecnm Looks like mastocytosis of the bone.")
    await told.direct(LEOPOLD, f"!triage decline {case} No mast cells here.")
    await told.direct(DORTE, f"!triage accept {case}")
    await told.direct(METTE, f"!triage decline {case} Not ours.")
    told.matches("case-request", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_request_is_declined(chat: Chat, language: str, rewrite: bool) -> None:
    with_triage(chat)
    await chat.opened()
    told = begin(chat, language, cards=True)
    case = await number(chat)
    await told.direct(DORTE, f"!triage decline {case}")
    await told.direct(DORTE, f"!triage decline {case} Adults are for another network.")
    await told.room(ANDERS, "!case forward ecnm")
    await told.room(ANDERS, "!case forward ecnm confirm")
    told.cards = False
    await told.direct(LEOPOLD, f"!triage accept {case}")
    told.matches("case-declined", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_lead_passes_on(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.assessing()
    told = begin(chat, language)
    await told.room(ANDERS, "!conflict I advise the maker of the helmet.")
    await told.room(ANDERS, "!case handover")
    await told.room(ANDERS, "!case handover freja.lund")
    await told.room(FREJA, "!lead decline I am away until May.")
    await told.room(ANDERS, "!case handover saskia.devries")
    await told.room(SASKIA, "!lead accept")
    await told.room(ANDERS, "!outcome draft")
    await told.room(ANDERS, "!conflict I advise the maker of the helmet.")
    await told.room(SASKIA, "!case due 1 week")
    case = await number(chat)
    await told.direct(METTE, f"!case takeover {case}")
    chat.later(days=22)
    told.note("three weeks later the lead has not been heard of")
    await told.direct(METTE, f"!case takeover {case}")
    told.matches("case-lead", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_case_waits(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    for user in (SASKIA, PIOTR):
        await chat.arrive(user)
    told = begin(chat, language)
    told.hidden[chat.room[1:].replace(":", "%3A")] = "case-room"

    async def morning() -> None:
        chat.now = chat.now.replace(hour=8, minute=0)
        await turn(chat)

    await told.room(ANDERS, "!case due 2 weeks")
    await told.room(ANDERS, "!case urgent")
    chat.later(days=7)
    await told.waits(morning, "a week later, in the morning")
    await told.room(SASKIA, OPINION)
    await told.direct(PIOTR, "!reminders weekly")
    await told.direct(PIOTR, "!cases")
    await told.direct(METTE, "!cases ern-cranio")
    chat.now += timedelta(days=8)
    await told.waits(morning, "the due date has passed")
    await told.direct(ANDERS, "!cases overdue")
    await told.room(ANDERS, "!case urgent off")
    await told.room(ANDERS, "!case due 2026-03-01")
    told.matches("case-waits", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_case_ends_and_begins_again(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.closed()
    told = begin(chat, language)
    await told.room(ANDERS, "!case reopen")
    await told.room(ANDERS, "!case reopen Seizures since May.")
    await told.room(SASKIA, OPINION)
    await told.room(ANDERS, "!case erase")
    await told.room(ANDERS, "!case archive")
    await told.room(ANDERS, "!case archive The family has moved.")
    await told.room(SASKIA, "!opinion")
    await told.room(ANDERS, "!case erase")
    nickname = (await chat.case()).nickname
    await told.room(ANDERS, f"!case erase {nickname} confirm")
    told.matches("case-ends", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_consent_is_withdrawn(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.assessing()
    told = begin(chat, language, cards=True)
    await told.room(ANDERS, "!consent withdraw")
    await told.room(ANDERS, "!consent withdraw care")
    await told.room(ANDERS, "!case due 2 weeks")
    nickname = (await chat.case()).nickname
    await told.direct(METTE, f"!case erase {nickname}")
    await told.direct(METTE, f"!case erase {nickname} confirm")
    told.matches("case-withdrawn", rewrite=rewrite)
