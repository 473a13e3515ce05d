"""Journeys as their people read them, in every language that the system speaks."""

from __future__ import annotations

import pytest

from ernbot.locales import LANGUAGES

from .chat import ANDERS, OPINION, PIOTR, SASKIA, Chat
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
