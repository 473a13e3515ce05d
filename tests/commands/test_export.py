"""The outcome as a file: in the form that was asked for, proved, and only while consent and standing cover it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pypdf
import pytest

from ernbot.commands.effects import SendOutcome
from ernbot.core.outcome import Outcome
from ernbot.matrix import papers
from ernbot.matrix.papers import Papers
from ernbot.storage.records import OutboxItem
from ernbot.verify import verify
from tests.core.test_signature import NOTARY, given

from .chat import ANDERS, BRAM, OPINION, PIOTR, SASKIA, SERVER, STRANGER, Chat

FORMATS = pytest.mark.parametrize("format", ["pdf", "html", "fhir"])
STARTS = {"pdf": b"%PDF-", "html": b"<!DOCTYPE html>", "fhir": b'{"resourceType":"Bundle",'}


class Desk:
    """A delivery that keeps what it sends; `made` are the files, before they are encrypted."""

    def __init__(self, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chat = chat
        self.made: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        self.finished: list[str | None] = []
        monkeypatch.setattr(papers, "put", self._put)

    async def _put(self, _gateway: object, data: bytes) -> dict[str, Any]:
        self.made.append(data)
        return {"url": "mxc://hospital.example/file"}

    async def room_of(self, _item: OutboxItem) -> str:
        return self.chat.room

    async def language(self, reader: str) -> str:
        return "da" if reader == ANDERS else "en"

    async def send(self, _room_id: str, content: dict[str, Any], _txn_id: str) -> str:
        self.sent.append(content)
        return "$file"

    async def done(self, _item: OutboxItem, event_id: str | None = None) -> None:
        self.finished.append(event_id)

    async def deliver(self, effect: SendOutcome) -> bytes | None:
        """The file that an effect becomes, None when nothing is sent."""
        office = replace(self.chat.office, notary=NOTARY)
        item = OutboxItem("t", "case:c", effect.kind, "c", None, {}, self.chat.now, None)
        before = len(self.made)
        await Papers(self, None, self.chat.store, office, lambda: self.chat.now).deliver(item, effect)  # type: ignore[arg-type]
        return self.made[-1] if len(self.made) > before else None


@pytest.fixture
def desk(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(chat, monkeypatch)


def proved(outcome: Outcome) -> Outcome:
    """The outcome signed by its lead, as the bot would have it."""
    asked = replace(outcome, signatures=(), asked=(ANDERS,))
    return asked.sign(given(ANDERS, asked))


async def signed(chat: Chat, format: str = "pdf", reader: str = ANDERS) -> SendOutcome:
    case = await chat.case()
    return SendOutcome(proved(case.outcome()), case.nickname, case.network, reader, format)  # type: ignore[arg-type]


@FORMATS
async def test_whoever_may_read_the_outcome_gets_it_as_a_file(chat: Chat, desk: Desk, format: str) -> None:
    await chat.closed()
    answer = await chat.here(SASKIA, f"!outcome export {format.upper()}")
    assert answer.startswith(f"The outcome follows as {format.upper()}.")
    (effect,) = chat.new_effects(SendOutcome)
    assert (effect.format, effect.reader) == (format, SASKIA)
    document = await desk.deliver(effect)
    assert document is not None
    assert document.startswith(STARTS[format])
    (content,) = desk.sent
    nickname = (await chat.case()).nickname
    assert content["body"] == f"Outcome {nickname}." + {"pdf": "pdf", "html": "html", "fhir": "fhir.json"}[format]
    assert content["info"]["size"] == len(document)
    assert desk.finished == ["$file"]


@FORMATS
async def test_a_signed_outcome_proves_itself(chat: Chat, desk: Desk, format: str) -> None:
    await chat.closed()
    document = await desk.deliver(await signed(chat, format))
    assert document is not None
    findings = list(verify(document, NOTARY.key))
    assert [finding.text for finding in findings if finding.holds is False] == []
    middle = len(document) // 2
    changed = document[:middle] + bytes([document[middle] ^ 1]) + document[middle + 1 :]
    assert [finding for finding in verify(changed, NOTARY.key) if finding.holds is False]


async def test_the_record_inside_proves_itself_when_it_was_taken_out(chat: Chat, desk: Desk) -> None:
    await chat.closed()
    document = await desk.deliver(await signed(chat))
    assert document is not None
    (record,) = pypdf.PdfReader(io.BytesIO(document)).attachments["outcome.json"]
    assert [finding for finding in verify(record, NOTARY.key) if finding.holds is False] == []


async def test_the_same_signed_outcome_is_the_same_file(chat: Chat, desk: Desk) -> None:
    await chat.closed()
    first = await desk.deliver(await signed(chat))
    chat.later(days=1)
    assert await desk.deliver(await signed(chat)) == first


async def test_a_file_speaks_the_language_of_its_reader(chat: Chat, desk: Desk) -> None:
    await chat.closed()
    danish = await desk.deliver(await signed(chat, "html"))
    english = await desk.deliver(await signed(chat, "html", SASKIA))
    assert danish is not None
    assert english is not None
    assert "Til drøftelse; den behandlende læge beslutter.".encode() in danish
    assert b"For discussion; the treating clinician decides." in english
    assert desk.sent[0]["filename"].startswith("Konklusion ")


async def test_a_draft_is_exported_as_a_draft(chat: Chat, desk: Desk) -> None:
    await chat.drafting()
    assert await chat.here(ANDERS, "!outcome export fhir") == "The draft follows as FHIR. It is not signed."
    document = await desk.deliver(chat.new_effects(SendOutcome)[0])
    assert document is not None
    assert json.loads(document)["entry"][0]["resource"]["status"] == "preliminary"
    assert "signature" not in json.loads(document)


@pytest.mark.parametrize("format", ["html", "fhir"])
async def test_a_guest_is_named_with_their_hospital(chat: Chat, desk: Desk, format: str) -> None:
    guest = f"@oksana.koval:{SERVER}"
    await chat.opened()
    line = "!panel guest oksana.koval name Oksana Koval hospital Nordlys Hospital country Norway"
    assert (await chat.here(ANDERS, line)).startswith("Oksana Koval is invited")
    await chat.arrive(guest)
    await chat.here(guest, OPINION)
    await chat.here(ANDERS, "!outcome draft")
    assert "Not voted: Oksana Koval" in await chat.here(ANDERS, "!outcome recommend Wait.")
    await chat.here(guest, "!outcome agree")
    assert "Agrees: Oksana Koval" in await chat.here(guest, "!outcome show")
    await chat.here(ANDERS, "!outcome sign")
    assert "still needs the signature of Oksana Koval." in await chat.here(ANDERS, "!outcome sign confirm")
    document = await desk.deliver(await signed(chat, format))
    assert document is not None
    assert b"Oksana Koval" in document
    assert b"Nordlys Hospital" in document


async def test_a_pdf_is_what_most_people_want(chat: Chat) -> None:
    await chat.closed()
    await chat.here(ANDERS, "!outcome export")
    assert [effect.format for effect in chat.new_effects(SendOutcome)] == ["pdf"]


async def test_an_unknown_form_is_refused(chat: Chat) -> None:
    await chat.closed()
    answer = await chat.here(ANDERS, "!outcome export docx")
    assert answer.startswith("I can make these: pdf, html, fhir.")
    assert chat.new_effects(SendOutcome) == []


@pytest.mark.parametrize(("user", "answer"), [(STRANGER, "No network lists you."), (BRAM, "There is no case here")])
async def test_nobody_else_gets_anything(chat: Chat, user: str, answer: str) -> None:
    await chat.closed()
    async with chat.nothing_changes():
        assert (await chat.here(user, "!outcome export pdf")).startswith(answer)


async def test_before_the_draft_there_is_nothing_to_export(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, "!outcome export pdf")).startswith("You cannot read the outcome now.")


async def test_after_withdrawal_nothing_is_exported(chat: Chat) -> None:
    await chat.closed()
    await chat.here(ANDERS, "!consent withdraw care")
    async with chat.nothing_changes():
        assert "withdrawn" in await chat.here(ANDERS, "!outcome export pdf")


@FORMATS
async def test_a_file_that_waited_is_not_sent_once_consent_is_withdrawn(chat: Chat, desk: Desk, format: str) -> None:
    await chat.closed()
    effect = await signed(chat, format)
    await chat.here(ANDERS, "!consent withdraw care")
    assert await desk.deliver(effect) is None
    assert desk.sent == []
    assert desk.finished == [None]


async def test_a_file_that_waited_is_not_sent_once_consent_has_run_out(chat: Chat, desk: Desk) -> None:
    await chat.closed()
    effect = await signed(chat)
    chat.later(days=16 * 365)
    assert await desk.deliver(effect) is None


async def test_a_file_that_waited_is_not_sent_to_a_reader_who_has_left(chat: Chat, desk: Desk) -> None:
    await chat.closed()
    effect = await signed(chat, reader=PIOTR)
    (network, *others) = (n for n in chat.directory.networks)
    networks = [replace(n, people=tuple(p for p in n.people if p.user_id != PIOTR)) for n in (network, *others)]
    chat.directory = replace(chat.directory, networks=tuple(networks))
    assert await desk.deliver(effect) is None
