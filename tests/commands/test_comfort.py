"""Commands without a prefix, messages corrected by editing, steps undone by one reaction."""

from __future__ import annotations

import pytest

from ernbot.commands.effects import Message
from ernbot.core.outcome import Outcome

from .chat import ANDERS, CONSENT, OPINION, PIOTR, SASKIA, Chat

FIRST = "!outcome recommend Operate before nine months."


async def outcome(chat: Chat) -> Outcome:
    return (await chat.case()).outcome()


# --- without a prefix


@pytest.mark.parametrize("typed", ["help", "Help", "!help", "\uff01help", "! help", "help:", "!HELP"])
async def test_in_a_direct_chat_a_command_needs_no_prefix(chat: Chat, typed: str) -> None:
    assert (await chat.alone(ANDERS, typed)).startswith("What you can do here")


async def test_a_case_is_opened_in_plain_words(chat: Chat) -> None:
    assert "has a room of its own" in await chat.alone(ANDERS, "Case new ern-cranio Operate now, or wait?")
    assert (await chat.case()).question == "Operate now, or wait?"


@pytest.mark.parametrize("typed", ["!case-show", "!caseshow", "!Case_Show", "!case  show", "!case show:"])
async def test_spaces_and_hyphens_between_the_words_do_not_matter(chat: Chat, typed: str) -> None:
    await chat.draft()
    assert "Question" in await chat.here(ANDERS, typed)


@pytest.mark.parametrize("typed", ["hlep", "halp me", "opinon", "case nwe x"])
async def test_what_is_nearly_a_command_gets_a_suggestion(chat: Chat, typed: str) -> None:
    assert "Did you mean `!" in await chat.alone(ANDERS, typed)


@pytest.mark.parametrize("typed", ["thank you", "good morning", "?", "æøå", "…"])
async def test_other_talk_in_a_direct_chat_gets_one_sentence(chat: Chat, typed: str) -> None:
    assert await chat.alone(ANDERS, typed) == "I answer commands. `!help` lists what you can do here."


async def test_in_a_case_room_people_talk_undisturbed(chat: Chat) -> None:
    await chat.assessing()
    for talk in ("help", "case show", "I would show the case again", "opinion diagnosis=ORPHA:2343"):
        assert await chat.say(SASKIA, talk, room=chat.room) == []


async def test_whoever_addresses_the_bot_needs_no_prefix(chat: Chat) -> None:
    await chat.assessing()
    (shown,) = await chat.say(SASKIA, "case show", room=chat.room, addressed=True)
    assert "Question" in shown
    (listed,) = await chat.say(SASKIA, "", room=chat.room, addressed=True)
    assert "What you can do here" in listed
    (answer,) = await chat.say(SASKIA, "what do you think?", room=chat.room, addressed=True)
    assert answer == "I answer commands. `!help` lists what you can do here."


# --- corrected by editing


async def test_a_mistyped_command_is_corrected_by_editing(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recomend Operate.")
    typed = chat.event
    chat.later(minutes=2)
    (answer,) = await chat.edit(ANDERS, "!outcome recommend Operate.", typed)
    assert "Did you mean" not in answer
    assert (await outcome(chat)).recommendations[-1].text == "Operate."
    assert chat.answers()[-1].message.reply_to == typed


async def test_a_text_is_replaced_by_what_it_was_changed_to(chat: Chat) -> None:
    await chat.drafting()
    before = (await outcome(chat)).version
    await chat.here(ANDERS, "!outcome evidence One sires.")
    typed = chat.event
    await chat.edit(ANDERS, "!outcome evidence One series.", typed)
    await chat.edit(ANDERS, "!outcome evidence Two series.", typed)
    now = await outcome(chat)
    assert (now.evidence, now.version) == ("Two series.", before + 1)


async def test_an_opinion_that_was_refused_is_corrected(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, OPINION.replace("surgery", "surgry"))
    typed = chat.event
    await chat.edit(PIOTR, OPINION, typed)
    assert [opinion.author for opinion in (await chat.case()).opinions] == [SASKIA, PIOTR]


async def test_what_was_recorded_is_not_changed_by_editing(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, OPINION)
    typed = chat.event
    async with chat.nothing_changes():
        (answer,) = await chat.edit(PIOTR, OPINION.replace("surgery", "watch"), typed)
    assert answer.startswith("That was carried out already")


async def test_after_two_minutes_an_edit_changes_nothing(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recomend Operate.")
    typed = chat.event
    chat.later(minutes=2, seconds=1)
    async with chat.nothing_changes():
        (answer,) = await chat.edit(ANDERS, "!outcome recommend Operate.", typed)
    assert "within 2 minutes" in answer


async def test_only_the_last_message_is_corrected(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome evidence One series.")
    first = chat.event
    await chat.here(ANDERS, "!outcome followup MRI.")
    async with chat.nothing_changes():
        (answer,) = await chat.edit(ANDERS, "!outcome evidence Two series.", first)
    assert "only when it was your last one" in answer


async def test_somebody_else_corrects_nothing(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, FIRST)
    typed = chat.event
    async with chat.nothing_changes():
        (answer,) = await chat.edit(SASKIA, "!outcome recommend Nothing.", typed)
    assert "only when it was your last one" in answer


async def test_an_edit_of_talk_is_nobodys_business(chat: Chat) -> None:
    await chat.drafting()
    await chat.say(SASKIA, "I think so too", room=chat.room)
    assert await chat.edit(SASKIA, "I think so, too", chat.event) == []


async def test_a_command_changed_into_talk_changes_nothing(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, FIRST)
    typed = chat.event
    async with chat.nothing_changes():
        (answer,) = await chat.edit(ANDERS, "never mind", typed)
    assert "is no command" in answer


OWN = (
    "Consent and signatures need a message of their own, so this change does nothing. Please send it as a new message."
)


@pytest.mark.parametrize("typed", ["!outcome recomend Operate.", "!panel show", "!outcome evidence One series."])
@pytest.mark.parametrize(
    "edited", ["!outcome sign", "!outcome sign confirm", "!sign 0123abcd", "!consent withdraw care", CONSENT]
)
async def test_nothing_becomes_a_signature_or_a_consent_by_an_edit(chat: Chat, typed: str, edited: str) -> None:
    await chat.drafting()
    await chat.here(ANDERS, typed)
    message = chat.event
    async with chat.nothing_changes():
        assert await chat.edit(ANDERS, edited, message) == [OWN]


async def test_no_case_is_closed_by_an_edit(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(ANDERS, "!outcome sign")
    await chat.here(ANDERS, "!outcome close")
    message = chat.event
    async with chat.nothing_changes():
        (answer,) = await chat.edit(ANDERS, "!outcome close confirm", message)
    assert answer.startswith("That was carried out already")


async def test_the_yes_that_records_a_consent_is_a_message_of_its_own(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, "!consent")
    thread = chat.event
    for answer in ("care", "2.1", "da", "parent", "2026-03-01", "yess"):
        await chat.say(ANDERS, answer, room=chat.room, thread=thread)
    message = chat.event
    async with chat.nothing_changes():
        assert await chat.edit(ANDERS, "yes", message) == [OWN]
    await chat.say(ANDERS, "yes", room=chat.room, thread=thread)
    assert (await chat.case()).state.kind == "open"


async def test_an_answer_to_a_question_is_corrected_by_editing(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, "!opinion")
    async with chat.store.transaction() as tx:
        dialogue = await tx.dialogue(chat.room, PIOTR)
    assert dialogue is not None
    await chat.say(PIOTR, "ORPHA:1", room=chat.room, thread=dialogue.thread)
    typed = chat.event
    (answer,) = await chat.edit(PIOTR, "ORPHA:2343", typed)
    assert "Changed:" in answer
    async with chat.store.transaction() as tx:
        dialogue = await tx.dialogue(chat.room, PIOTR)
    assert dialogue is not None
    assert list(dialogue.data["answers"].values()) == ["ORPHA:2343"]


# --- undone by one reaction


async def test_one_reaction_undoes_the_last_step(chat: Chat) -> None:
    await chat.drafting()
    before = await chat.case()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    answer = chat.last
    assert answer.message.undo, "the bot offers the reaction itself"
    (said,) = await chat.react(ANDERS, "↩️", answer.event_id)
    assert said == "Undone: `!outcome recommend`. Everything is as it was before."
    assert await chat.case() == before
    assert (ANDERS, "write-outcome", "undone") in await chat.audit()
    assert await chat.react(ANDERS, "↩️", answer.event_id) == [], "once"


async def test_the_reaction_may_be_on_the_command_itself(chat: Chat) -> None:
    await chat.drafting()
    before = await chat.case()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    await chat.react(ANDERS, "↩", chat.event)
    assert await chat.case() == before


async def test_a_votes_come_back_with_the_text_that_they_were_given_on(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(ANDERS, "!outcome recommend Wait.")
    assert (await outcome(chat)).votes == ()
    await chat.react(ANDERS, "↩️", chat.last.event_id)
    assert [vote.by for vote in (await outcome(chat)).votes] == [SASKIA]


async def test_what_somebody_has_changed_since_is_not_undone(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    answer = chat.last.event_id
    await chat.here(SASKIA, "!outcome agree")
    async with chat.nothing_changes():
        (said,) = await chat.react(ANDERS, "↩️", answer)
    assert "Somebody has changed the case since" in said


async def test_half_an_hour_later_nothing_is_undone(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    chat.later(minutes=31)
    async with chat.nothing_changes():
        (said,) = await chat.react(ANDERS, "↩️", chat.last.event_id)
    assert "too long ago" in said


async def test_a_reaction_of_somebody_else_or_on_something_else_says_nothing(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    answer = chat.last.event_id
    async with chat.nothing_changes():
        assert await chat.react(SASKIA, "↩️", answer) == []
        assert await chat.react(ANDERS, "↩️", "$something-else") == []
        assert await chat.react(ANDERS, "👍", answer) == []


async def test_a_record_is_never_undone(chat: Chat) -> None:
    await chat.drafting()
    for who, said in ((SASKIA, "!outcome agree"), (PIOTR, "!outcome dissent Too early."), (PIOTR, OPINION)):
        await chat.here(who, said)
        assert not chat.last.message.undo
        assert await chat.react(who, "↩️", chat.last.event_id) == []


async def test_nothing_is_put_back_after_consent_was_withdrawn(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recommend Wait.")
    answer = chat.last.event_id
    await chat.here(ANDERS, "!consent withdraw care")
    assert await chat.react(ANDERS, "↩️", answer) == []
    assert (await chat.case()).state.kind == "withdrawn"


async def test_only_what_can_be_undone_offers_it(chat: Chat) -> None:
    await chat.closed()
    offered = [m.reply for m in chat.effects(Message) if m.undo]
    assert len(offered) == 2, "the draft and the recommendation"
