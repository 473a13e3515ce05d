"""Whom to ask and who answers, as the lead and the experts read it, in every language."""

from __future__ import annotations

import pytest

from ernbot.locales import LANGUAGES
from ernbot.matrix.calendar import Calendar
from ernbot.storage.store import Store

from .chat import ANDERS, CONSENT, KASPER, METTE, SASKIA, SERVER, Chat, direct_room
from .golden import Transcript

OKSANA = f"@oksana.koval:{SERVER}"


@pytest.fixture
async def chat(sqlite_store: Store) -> Chat:
    """A case of a girl with trigonocephaly; on SQLite alone, because this is about words."""
    chat = Chat(sqlite_store)
    await chat.alone(ANDERS, "!case new ern-cranio Trigonocephaly at 4 months: operate, or watch?")
    await chat.here(ANDERS, CONSENT)
    return chat


def begin(chat: Chat, language: str) -> Transcript:
    told = Transcript(chat, language)
    told.skip()
    return told


@pytest.mark.parametrize("language", LANGUAGES)
async def test_whom_to_ask(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language)
    await told.direct(ANDERS, "!who scaphocephaly")
    await told.direct(ANDERS, "!who cleft lip Germany")
    await told.direct(ANDERS, "!who ingrown toenail")
    await told.direct(METTE, "!directory report")
    await told.room(ANDERS, "!panel suggest")
    await told.room(ANDERS, "1, 3", replies_to=chat.last.event_id)
    await told.room(ANDERS, "!panel invite 7")
    told.matches("panel-whom", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_group_is_asked_and_one_declines(chat: Chat, language: str, rewrite: bool) -> None:
    async with chat.store.transaction() as tx:
        await tx.set_direct_room(SASKIA, direct_room(SASKIA))
    told = begin(chat, language)
    await told.room(ANDERS, "!panel invite group:skull")
    await told.direct(SASKIA, "!decline")
    await told.direct(SASKIA, "!decline on leave until May")
    await told.room(ANDERS, "!panel show")
    await told.room(ANDERS, "!panel invite kasper.friis")
    await told.direct(KASPER, "!accept")
    await told.room(ANDERS, "!panel remove kasper.friis")
    told.matches("panel-group", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_guest_comes_until_a_day(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language)
    line = "!panel guest oksana.koval name Oksana Koval hospital Dnipro Clinic country Ukraine"
    await told.room(ANDERS, "!panel guest oksana.koval country Ukraine")
    await told.room(ANDERS, line)
    await told.room(ANDERS, "!consent give care form=2.1-ua lang=da signer=parent signed=2026-03-01")
    await told.room(ANDERS, f"{line} until 2026-05-01")
    await told.direct(OKSANA, "!accept")
    await told.room(ANDERS, "!panel show")
    chat.now = chat.now.replace(month=5, day=2)

    async def turn() -> None:
        await Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0).turn()
        await chat.deliver()

    await told.waits(turn, "the day after her last one")
    told.matches("panel-guest", rewrite=rewrite)
