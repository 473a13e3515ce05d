"""Documents are made when their turn comes, for whoever may still read them then, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ernbot.commands.effects import SendDelphiReport, SendOutcome, dump
from ernbot.core.directory import Directory
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.papers import Papers
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store
from tests.commands.chat import ANDERS, FREJA, PIOTR, SASKIA, Chat

FIFTEEN_YEARS_LATER = datetime(2041, 3, 2, 12, 0, tzinfo=UTC)


class _Media(Gateway):
    """A media repository that takes everything."""

    def __init__(self) -> None:
        self.uploaded = 0

    async def upload(self, data: AsyncIterable[bytes], size: int) -> str:
        self.uploaded += len(b"".join([piece async for piece in data]))
        return "mxc://hospital.example/paper"


class _Desk:
    """Where documents are handed over: what was sent, and what is done."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.sent: list[dict[str, Any]] = []
        self.finished: list[str] = []

    async def room_of(self, item: OutboxItem) -> str:
        return self.room

    async def language(self, reader: str) -> str:
        return "da"

    async def send(self, room_id: str, content: dict[str, Any], txn_id: str) -> str:
        self.sent.append(content)
        return "$sent"

    async def done(self, item: OutboxItem, event_id: str | None = None) -> None:
        self.finished.append(item.id)


@pytest.fixture
async def chat(sqlite_store: Store) -> Chat:
    """A case with an outcome in the making and a Delphi round that is closed."""
    chat = Chat(sqlite_store)
    await chat.drafting()
    for text in ("!panel invite freja.lund", "!delphi new When", "!delphi add Operate early.", "!delphi start"):
        await chat.here(ANDERS, text)
    for rater in (SASKIA, PIOTR, FREJA):
        await chat.say(rater, "!rate 1=8")
    await chat.here(ANDERS, "!delphi close")
    return chat


async def delivered(chat: Chat, effect: SendOutcome | SendDelphiReport, at: datetime | None = None) -> list[str]:
    """The names of the files that came of it."""
    desk, gateway = _Desk(chat.room), _Media()
    item = OutboxItem("item", "case:x", effect.kind, None, chat.room, dump(effect), chat.now)
    papers = Papers(desk, gateway, chat.store, chat.office, lambda: at or chat.now)
    await papers.deliver(item, effect)
    assert desk.finished == ["item"], "it is not tried again"
    assert bool(gateway.uploaded) == bool(desk.sent)
    return [content["filename"] for content in desk.sent]


async def ordered(chat: Chat) -> list[SendOutcome | SendDelphiReport]:
    """What waits to be sent once the outcome and the report were asked for."""
    for text in ("!outcome export fhir", "!delphi report"):
        await chat.say(ANDERS, text, room=chat.room)
    return [*chat.effects(SendOutcome), *(each for each in chat.effects(SendDelphiReport) if each.form == "md")]


async def test_a_document_is_made_when_its_turn_comes(chat: Chat) -> None:
    outcome, report = await ordered(chat)
    (name,) = await delivered(chat, outcome)
    assert name.endswith(".fhir.json")
    (name,) = await delivered(chat, report)
    assert name.endswith(".md")


async def test_after_a_withdrawal_nothing_is_made(chat: Chat) -> None:
    documents = await ordered(chat)
    await chat.here(ANDERS, "!consent withdraw care")
    for document in documents:
        assert await delivered(chat, document) == []


async def test_a_consent_that_has_run_out_covers_no_document(chat: Chat) -> None:
    """Nobody withdrew it, so that nothing took the document out of the outbox."""
    for document in await ordered(chat):
        assert await delivered(chat, document, FIFTEEN_YEARS_LATER) == []


async def test_whoever_left_the_network_gets_no_document(chat: Chat) -> None:
    documents = await ordered(chat)
    networks = chat.directory.networks
    left = {network.id: tuple(p for p in network.people if p.user_id != ANDERS) for network in networks}
    chat.directory = Directory(tuple(replace(network, people=left[network.id]) for network in networks))
    for document in documents:
        assert await delivered(chat, document) == []
