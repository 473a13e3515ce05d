"""Golden chats of rounds, polls and consensus, in both languages, to be read as their people would."""

from __future__ import annotations

import pytest

from ernbot.locales import LANGUAGES
from ernbot.storage.store import Store

from .chat import ANDERS, FREJA, OPINION, PIOTR, SASKIA, Chat
from .golden import Transcript


@pytest.fixture
async def panel(sqlite_store: Store) -> Chat:
    """A case with three experts; on SQLite alone, because this is about words."""
    chat = Chat(sqlite_store)
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    return chat


@pytest.mark.parametrize("language", LANGUAGES)
async def test_delphi_rounds(panel: Chat, language: str, rewrite: bool) -> None:
    told = Transcript(panel, language)
    told.skip()
    await told.room(ANDERS, "!delphi new When to operate")
    await told.room(ANDERS, "!delphi add Operate before nine months.\nMeasure the pressure first.")
    await told.room(ANDERS, "!delphi threshold 80 10")
    await told.room(ANDERS, "!delphi start")
    await told.direct(SASKIA, "!rate")
    await told.direct(SASKIA, "8")
    await told.direct(SASKIA, "3 only with signs")
    await told.direct(SASKIA, "yes")
    await told.direct(PIOTR, "!rate list")
    await told.direct(PIOTR, "1=9\n2=7", replies_to=panel.last.event_id)
    await told.direct(PIOTR, "!rate suggest Follow up to the age of six.")
    await told.direct(FREJA, "!rate 1=7 2=7.5")
    await told.direct(FREJA, "!rate 1=7 2=8")
    await told.room(ANDERS, "!delphi close")
    await told.room(ANDERS, "!delphi take 3")
    await told.room(ANDERS, "!delphi next")
    await told.direct(SASKIA, "!rate")
    await told.direct(SASKIA, "!rate 2=7 3=9")
    await told.direct(PIOTR, "!rate 2=7 3=9")
    await told.direct(FREJA, "!rate 2=8 3=8")
    await told.room(ANDERS, "!delphi close")
    await told.room(ANDERS, "!delphi report")
    told.matches("delphi-rounds", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_poll(panel: Chat, language: str, rewrite: bool) -> None:
    told = Transcript(panel, language)
    told.skip()
    await told.room(ANDERS, "!poll When do we meet? | Tuesday | Thursday")
    poll = panel.last.event_id
    await told.room(SASKIA, "2", replies_to=poll)
    await told.reacts(PIOTR, "1️⃣", poll)
    await told.room(PIOTR, "yes", replies_to=panel.last.event_id)
    await told.room(FREJA, "!poll vote 2")
    await told.room(ANDERS, "!poll close")
    told.matches("poll", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_the_panel_stands(panel: Chat, language: str, rewrite: bool) -> None:
    await panel.here(SASKIA, OPINION)
    await panel.here(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=5 concerns=airway")
    await panel.here(FREJA, "!opinion diagnosis=OMIM:123100 recommendation=watch confidence=3")
    told = Transcript(panel, language)
    told.skip()
    await told.room(ANDERS, "!consensus")
    await told.room(FREJA, "!conflict I advise the maker of the helmet.")
    await told.room(ANDERS, "!consensus")
    told.matches("consensus", rewrite=rewrite)
