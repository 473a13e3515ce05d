"""Journeys as their people read them, in every language that the system speaks."""

from __future__ import annotations

import pytest

from ernbot.locales import LANGUAGES

from .chat import ANDERS, OPINION, PIOTR, SASKIA, Chat, direct_room
from .golden import Transcript


@pytest.fixture
async def asked(chat: Chat) -> Chat:
    """A case whose two experts have been asked."""
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    return chat


def begin(chat: Chat, language: str) -> Transcript:
    transcript = Transcript(chat, language)
    transcript.skip()
    return transcript


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_opinion_in_one_line(asked: Chat, language: str, rewrite: bool) -> None:
    transcript = begin(asked, language)
    await transcript.room(SASKIA, OPINION)
    await transcript.room(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    await transcript.room(ANDERS, "!opinion show")
    transcript.matches("opinion-one-line", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_opinion_question_by_question(asked: Chat, language: str, rewrite: bool) -> None:
    transcript = begin(asked, language)
    await transcript.room(SASKIA, "!opinion")
    thread = asked.event
    for text in ("ORPHA:2343 (80 %)", "surgery", "4", "1, 3", "endoscopic", "1 year", "done", "ja"):
        await transcript.room(SASKIA, text, thread=thread)
    transcript.matches("opinion-dialogue", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_opinion_by_template(asked: Chat, language: str, rewrite: bool) -> None:
    transcript = begin(asked, language)
    await transcript.room(SASKIA, "!opinion form")
    template = asked.last.text if language == "en" else asked.last.danish
    sheet = asked.last.event_id
    filled = "\n".join(
        line
        + {"[diagnosis]": " ORPHA:2343 (likely)", "[recommendation]": " 9", "[remarks]": " Raised pressure."}.get(
            line.split(" ")[0], ""
        )
        for line in template.split("\n")
    )
    await transcript.room(SASKIA, filled, replies_to=sheet)
    transcript.note("she answers what was wrong or missing")
    question = asked.last.event_id
    await transcript.room(SASKIA, "surgery", replies_to=question)
    await transcript.room(SASKIA, "4", replies_to=asked.last.event_id)
    await transcript.room(SASKIA, "yes", replies_to=asked.last.event_id)
    transcript.matches("opinion-template", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_blind_round_with_its_reveal(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.opened()
    async with chat.store.transaction() as tx:
        for user in (ANDERS, SASKIA, PIOTR):
            await tx.set_direct_room(user, direct_room(user))
    transcript = Transcript(chat, language, cards=True)
    transcript.skip()
    await transcript.room(ANDERS, "!panel blind lead")
    await transcript.room(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    transcript.cards = False
    await transcript.room(SASKIA, OPINION)
    await transcript.direct(SASKIA, "yes")
    await transcript.room(ANDERS, "!opinion show")
    await transcript.direct(ANDERS, "!opinion show")
    await transcript.room(ANDERS, "!outcome draft")
    await transcript.room(ANDERS, "!reveal")
    transcript.note("the second opinion is the last one that was waited for")
    await transcript.direct(
        PIOTR, "!opinion diagnosis=ORPHA:2343 (possible) recommendation=watch confidence=3 conflict=yes"
    )
    await transcript.room(SASKIA, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    await transcript.room(ANDERS, "!opinion show")
    transcript.matches("opinion-blind", rewrite=rewrite)
