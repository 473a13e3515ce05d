"""Polls on the wire: what a client's answer means, and what is none whatever it looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ernbot.commands.effects import SendPoll
from ernbot.matrix import polls
from ernbot.matrix.events import Words
from ernbot.matrix.intake import Intake
from ernbot.storage.store import Store

RESPONSE = "org.matrix.msc3381.poll.response"
TO_POLL = {"rel_type": "m.reference", "event_id": "$poll"}


def test_an_answer_is_a_number_replied_to_the_poll() -> None:
    wanted = Words("2", None, None, "$poll", ())
    assert polls.response(RESPONSE, {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["2"]}}) == wanted
    assert polls.response("m.poll.response", {"m.relates_to": TO_POLL, "m.selections": ["2"]}) == wanted
    assert polls.response(RESPONSE, {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["2", "1"]}}) == wanted


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"m.relates_to": TO_POLL},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": []}},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["0"]}},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["9" * 100_000]}},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": [2]}},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": {"2": "2"}}},
        {"m.relates_to": TO_POLL, RESPONSE: "2"},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["!outcome sign"]}},
        {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["٢"]}},
        {"m.relates_to": {"rel_type": "m.thread", "event_id": "$poll"}, RESPONSE: {"answers": ["2"]}},
        {"m.relates_to": {"rel_type": "m.reference", "event_id": 7}, RESPONSE: {"answers": ["2"]}},
        {"m.relates_to": "$poll", RESPONSE: {"answers": ["2"]}},
    ],
)
def test_what_is_no_answer(content: dict[str, Any]) -> None:
    assert polls.response(RESPONSE, content) is None


def test_other_events_are_no_answers() -> None:
    content = {"m.relates_to": TO_POLL, RESPONSE: {"answers": ["2"]}, "m.selections": ["2"]}
    for kind in ("m.room.message", "m.reaction", polls.START, polls.END, ""):
        assert polls.response(kind, content) is None


def test_a_poll_as_clients_read_it() -> None:
    content = polls.start(SendPoll("When\u202e?", ("Tuesday", "Thursday"), False, "@lead:example.org"))
    assert content["org.matrix.msc1767.text"] == "When\ufffd?\n1. Tuesday\n2. Thursday"
    assert content[polls.START]["kind"] == "org.matrix.msc3381.poll.undisclosed"
    assert content[polls.START]["max_selections"] == 1
    assert polls.end("$poll", "Two of three.")["m.relates_to"] == TO_POLL


async def test_an_answer_that_was_not_encrypted_is_never_taken(sqlite_store: Store) -> None:
    machine: Any = SimpleNamespace(olm=SimpleNamespace(user_id="@bot:example.org"))
    intake = Intake(machine, clock=lambda: datetime(2026, 3, 5, tzinfo=UTC))
    events = [
        {
            "event_id": f"$vote-{number}",
            "sender": "@expert:example.org",
            "type": kind,
            "content": {"m.relates_to": TO_POLL, kind: {"answers": ["2"]}, "m.selections": ["2"]},
        }
        for number, kind in enumerate(polls.RESPONSES)
    ]
    async with sqlite_store.transaction() as tx:
        assert await intake.take(tx, "!room:example.org", events) is False
        assert await tx.pending(at=datetime(2026, 3, 6, tzinfo=UTC)) == []
