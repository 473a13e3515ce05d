"""Polls: asked in a line, answered in every way a client has, changed until the end, and told in words."""

from __future__ import annotations

import pytest

from ernbot.commands.effects import Card, EndPoll, Message, React, SendPoll
from ernbot.matrix import polls

from .chat import ANDERS, FREJA, KASPER, METTE, PIOTR, SASKIA, Chat

LINE = "!poll When do we meet? | Tuesday | Thursday"


@pytest.fixture
async def asked(chat: Chat) -> Chat:
    """A poll in a case with three experts; `event` of the poll is the last that bears its tag."""
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    await chat.say(ANDERS, LINE, room=chat.room)
    return chat


def native(chat: Chat) -> str:
    """The event that clients show as a poll."""
    return next(done.event_id for done in chat.done if isinstance(done.effect, SendPoll))


async def test_everybody_answers_in_their_own_way(asked: Chat) -> None:
    shown = asked.last
    assert shown.text == (
        "When do we meet?\n\n- `1` Tuesday\n- `2` Thursday\n\n"
        "Vote in the poll above, or reply to this with a number. You can change it until the poll is closed; "
        "then names are shown."
    )
    assert shown.choices == 2
    content = polls.start(asked.effects(SendPoll)[0])
    assert [answer["id"] for answer in content[polls.START]["answers"]] == ["1", "2"]
    assert await asked.say(SASKIA, "2", room=asked.room, replies_to=native(asked)) == []
    assert [each.sign for each in asked.new_effects(React)] == ["✅"]
    assert await asked.say(PIOTR, "1.", room=asked.room, replies_to=shown.event_id) == []
    assert await asked.here(FREJA, "!poll vote 1") == (
        "Your vote: “Tuesday”. You can change it until the poll is closed."
    )
    await asked.here(FREJA, "!poll vote 2")
    assert "Open: 3 of 4 have voted." in await asked.here(ANDERS, "!poll show")
    closed = await asked.here(ANDERS, "!poll close")
    assert closed == (
        "When do we meet?\n\nTwo of three are for “Thursday”, one “Tuesday”.\n\n"
        "Tuesday: Piotr Zieliński\nThursday: Saskia de Vries, Freja Lund\n\n"
        "3 of 4 voted. A poll decides nothing; the outcome does."
    )
    assert "To af tre er for “Thursday”, én “Tuesday”." in asked.last.danish
    assert [end.tag for end in asked.effects(EndPoll)] == [f"poll:{(await asked.case()).id}:1"]
    assert await asked.here(SASKIA, "!poll show") == closed


async def test_a_tap_asks_for_a_word(asked: Chat) -> None:
    poll = asked.last.event_id
    async with asked.nothing_changes():
        (question,) = await asked.react(SASKIA, "2️⃣", poll)
        assert question == (
            "You tapped “Thursday”. A tap is not encrypted, so it does not count yet: reply yes to this."
        )
        tapped = asked.last.event_id
        assert await asked.say(PIOTR, "yes", room=asked.room, replies_to=tapped) == []
        assert await asked.react(SASKIA, "9️⃣", poll) == ["Vote with a number from 1 to 2."]
        assert await asked.react(KASPER, "1️⃣", poll) == ["There is no case here that you take part in."]
    await asked.say(SASKIA, "Ja", room=asked.room, replies_to=tapped)
    assert [(b.by, b.option) for b in (await asked.case()).polls[0].ballots] == [(SASKIA, 2)]


async def test_a_poll_without_names(asked: Chat) -> None:
    await asked.here(ANDERS, "!poll close")
    await asked.say(ANDERS, "!poll anonymous Who should lead? | Saskia | Piotr", room=asked.room)
    assert "I tell no names" in asked.last.text
    await asked.here(FREJA, "!poll vote 1")
    closed = await asked.here(ANDERS, "!poll close")
    assert "The only vote is for “Saskia”." in closed
    assert "Freja" not in closed


async def test_votes_that_do_not_count(asked: Chat) -> None:
    poll = asked.last.event_id
    await asked.here(SASKIA, "!poll vote 1")
    await asked.here(PIOTR, "!conflict I own the clinic.")
    async with asked.nothing_changes():
        assert await asked.say(FREJA, "3", room=asked.room, replies_to=poll) == ["Vote with a number from 1 to 2."]
        for user in (PIOTR, METTE, KASPER):
            assert await asked.say(user, "1", room=asked.room, replies_to=poll) == [
                "There is no case here that you take part in."
            ]
        for text in ("maybe 2", "22", "٢", "2.5", "-1"):
            assert await asked.say(FREJA, text, room=asked.room, replies_to=poll) == [], "talk among people"
        for number in ("0", "3", "two", "11"):
            assert (await asked.here(FREJA, f"!poll vote {number}")).startswith("Vote with a number from 1 to 2.")


async def test_an_answer_to_the_poll_of_another_case_is_no_vote(asked: Chat) -> None:
    first, foreign = asked.room, native(asked)
    await asked.opened()
    await asked.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    async with asked.nothing_changes():
        assert await asked.say(SASKIA, "1", room=asked.room, replies_to=foreign) == []
        assert await asked.react(SASKIA, "1️⃣", foreign) == []
    asked.room = first
    assert (await asked.case()).polls[0].ballots == ()


async def test_nothing_after_the_end(asked: Chat) -> None:
    poll = asked.last.event_id
    await asked.here(ANDERS, "!poll close")
    async with asked.nothing_changes():
        assert await asked.here(ANDERS, "!poll close") == "This poll is closed."
        assert await asked.say(SASKIA, "1", room=asked.room, replies_to=poll) == ["This poll is closed."]


async def test_a_withdrawn_consent_ends_the_poll(asked: Chat) -> None:
    poll = asked.last.event_id
    await asked.here(ANDERS, "!consent withdraw care")
    async with asked.nothing_changes():
        assert await asked.say(SASKIA, "1", room=asked.room, replies_to=poll) == [
            "There is no case here that you take part in."
        ]


async def test_only_the_lead_asks_and_only_one_at_a_time(asked: Chat) -> None:
    async with asked.nothing_changes():
        assert await asked.here(SASKIA, LINE) == "Your part in this case does not let you hold a poll."
        assert await asked.here(ANDERS, LINE) == "A poll is open already. Close it first with `!poll close`."
    await asked.here(ANDERS, "!poll close")
    async with asked.nothing_changes():
        for line in ("!poll When?", "!poll When? | a", "!poll anonymous", f"!poll {'x' * 301} | a | b"):
            assert "poll" in (await asked.here(ANDERS, line)).casefold()


async def test_talk_about_a_poll_is_nobodys_business(asked: Chat) -> None:
    before = len(asked.done)
    await asked.say(SASKIA, "2", room=asked.room)
    assert [done for done in asked.done[before:] if isinstance(done.effect, Message)] == []


async def test_a_vote_does_not_move_the_card(asked: Chat) -> None:
    cards = len(asked.effects(Card))
    await asked.here(FREJA, "!poll vote 1")
    await asked.say(SASKIA, "2", room=asked.room, replies_to=native(asked))
    assert len(asked.effects(Card)) == cards
