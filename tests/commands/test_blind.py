"""Sealed opinions: nobody reads one before all are in or the lead reveals them, whatever anybody types where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ernbot.commands import conversation
from ernbot.commands.dialogue import KEYCAP
from ernbot.commands.effects import Card, Message, Redact
from ernbot.core.blind import blind
from ernbot.core.directory import Directory
from ernbot.core.states import Action
from ernbot.matrix.render import render
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY, Database

from .chat import ANDERS, FREJA, METTE, OPINION, PIOTR, SASKIA, Chat, direct_room

SECRET = "endoscopic strip craniectomy"
GIVEN = f"diagnosis=ORPHA:2343 recommendation=surgery confidence=4 remarks={SECRET}"
TAKEN_OUT = (
    "Opinions in this case are sealed, so I have taken your message out of the room. "
    "Your draft waits in your direct chat with me."
)
CLUES = (SECRET, "ORPHA:2343", "surgery", "Surgery", "Operation")
"""What would tell something of Saskia's opinion; the form itself names the later ones to everybody who is asked."""


@pytest.fixture
async def sealed(chat: Chat) -> Chat:
    """A case with two experts and sealed opinions; both have a direct chat with the bot."""
    await chat.opened()
    await chat.here(ANDERS, "!panel blind on")
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    async with chat.store.transaction() as tx:
        for user in (ANDERS, SASKIA, PIOTR):
            await tx.set_direct_room(user, direct_room(user))
    return chat


def in_the_room(chat: Chat) -> str:
    """Everything that the room of the case shows, in both languages."""
    replies = [
        done.effect.reply for done in chat.done if done.room == chat.room and isinstance(done.effect, Message | Card)
    ]
    return "\n".join(render(reply, language).body for reply in replies for language in ("en", "da"))


def said_to(chat: Chat, user: str) -> str:
    """Everything that somebody reads in their direct chat."""
    return "\n".join(
        render(done.effect.reply, "en").body
        for done in chat.done
        if done.room == direct_room(user) and isinstance(done.effect, Message)
    )


def assert_nothing_leaks(chat: Chat) -> None:
    for clue in CLUES:
        assert clue not in in_the_room(chat)
    for clue in CLUES[:2]:
        assert clue not in said_to(chat, PIOTR)


async def test_an_opinion_is_sealed_in_the_direct_chat(sealed: Chat) -> None:
    answer = await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    assert answer.startswith("Your opinion is recorded.")
    assert answer.endswith("before all are in, or the lead reveals them.\n\n1 of 2 in")
    assert "It is sealed: nobody but the lead reads it before all are in" in answer
    assert "Sealed opinions: 1 of 2 in" in sealed.card
    assert "Saskia de Vries: has given an opinion" in sealed.card
    assert_nothing_leaks(sealed)
    assert (await sealed.case()).blind.hides


async def test_every_way_of_asking_leaks_nothing(sealed: Chat) -> None:
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    for user in (ANDERS, SASKIA, PIOTR):
        for line in ("!opinion show", "!opinion show saskia", "!case show", "!panel show", "!help", "!outcome show"):
            await sealed.say(user, line, room=sealed.room)
    await sealed.arrive(PIOTR)
    for line in ("!opinion show", "!opinion show Saskia", "!opinion", "!opinion form", "!help", "!cancel"):
        await sealed.say(PIOTR, line)
    assert_nothing_leaks(sealed)
    assert await sealed.here(ANDERS, "!outcome draft") == (
        "The opinions are still sealed: 1 in, 1 missing. Wait for them, or open them now with `!reveal`."
    )
    assert (await sealed.case()).state.kind == "assessing"


async def test_the_lead_reads_in_the_direct_chat_unless_it_is_sealed_for_them_too(sealed: Chat) -> None:
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    assert SECRET in await sealed.alone(ANDERS, "!opinion show")
    assert SECRET in await sealed.alone(SASKIA, "!opinion show")
    assert SECRET not in await sealed.alone(PIOTR, "!opinion show")
    case = await sealed.case()
    async with sealed.store.transaction() as tx:
        await tx.case_in(sealed.room, ANDERS, Action.READ, sealed.directory, sealed.now)
        await tx.save_case(replace(case, blind=blind("lead")))
    assert SECRET not in await sealed.alone(ANDERS, "!opinion show")
    assert SECRET in await sealed.alone(SASKIA, "!opinion show")


LEAD = "Opinions are sealed. As the lead you read them in your direct chat with me: `!opinion show`."
MISSING = "Opinions are sealed. Yours is still missing: give it in your direct chat with me, with `!opinion`."
OWN = "Opinions are sealed. Yours is in your direct chat with me: `!opinion show`."
FOR_LEAD = "Opinions are sealed, for you as well, until all are in or you write `!reveal` in the room of the case."


@pytest.mark.parametrize(
    ("mode", "user", "room", "alone"),
    [
        ("on", ANDERS, LEAD, "Sealed: you read them as the lead, the experts see nothing yet."),
        ("lead", ANDERS, FOR_LEAD, FOR_LEAD),
        ("on", SASKIA, OWN, "Sealed: the others see nothing yet."),
        ("on", PIOTR, MISSING, "Opinions are sealed. Yours is still missing: give it with `!opinion`."),
    ],
)
async def test_who_asks_for_sealed_opinions_is_told_what_is_true_for_them(
    chat: Chat, mode: str, user: str, room: str, alone: str
) -> None:
    await chat.opened()
    await chat.here(ANDERS, f"!panel blind {mode}")
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    await chat.alone(SASKIA, f"!opinion {GIVEN}")
    assert await chat.here(user, "!opinion show") == f"{room}\n\n1 of 2 in"
    assert (await chat.alone(user, "!opinion show")).endswith(f"{alone}\n\n1 of 2 in")


async def test_an_observer_is_told_when_they_can_read(sealed: Chat) -> None:
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    await sealed.here(PIOTR, "!conflict I am paid by the maker.")
    await sealed.here(ANDERS, "!panel keep piotr.zielinski")
    told = "Opinions are sealed: you can read them once all are in, or the lead reveals them.\n\n1 of 1 in"
    assert await sealed.here(PIOTR, "!opinion show") == told
    assert await sealed.alone(PIOTR, "!opinion show") == told


TYPED = [
    f"!opinion {GIVEN}",
    f"!OPINION   {GIVEN}",
    f"!opnion {GIVEN}",
    f"!opinion\n{GIVEN}",
    f"!opinion I would say {GIVEN}",
    f"opinion {GIVEN}",
    f"[diagnosis] ORPHA:2343\n[recommendation]: surgery\n[confidence]: 4\n[remarks]: {SECRET}",
    f"> [recommendation]: surgery\n> [remarks]: {SECRET}",
    f"Anbefalet næste skridt: Operation\nBegrundelse og bemærkninger: {SECRET}",
    f"!opinion surgery, {SECRET}",
]


@pytest.mark.parametrize("typed", TYPED)
async def test_what_is_typed_into_the_room_is_taken_out_and_waits(sealed: Chat, typed: str) -> None:
    assert await sealed.say(SASKIA, typed, room=sealed.room) == [TAKEN_OUT, *sealed.texts()[-1:]]
    assert sealed.new_effects(Redact) == [Redact(sealed.event)]
    assert sealed.done[-1].room == direct_room(SASKIA)
    assert "waits here, sealed and not recorded yet." in sealed.last.text
    moved = sealed.last.text
    assert SECRET in moved + await sealed.alone(SASKIA, "!opinion form"), "not a word is lost"
    assert (await sealed.case()).opinions == ()
    assert_nothing_leaks(sealed)


async def test_a_draft_that_was_taken_out_is_finished_in_the_direct_chat(sealed: Chat) -> None:
    await sealed.say(SASKIA, f"!opinion {GIVEN}", room=sealed.room)
    answer = await sealed.alone(SASKIA, "yes")
    assert answer.startswith("Your opinion is recorded.")
    (opinion,) = (await sealed.case()).opinions
    assert opinion.answers["remarks"] == SECRET
    assert_nothing_leaks(sealed)


async def test_an_edit_brings_no_opinion_into_the_room(sealed: Chat) -> None:
    async with sealed._heard(SASKIA, sealed.room, None, ()) as ctx:
        await conversation.hear_edit(ctx, f"!opinion {GIVEN}", "$the-message")
    await sealed.deliver()
    assert sealed.new_effects(Redact) == [Redact(sealed.event), Redact("$the-message")]
    assert_nothing_leaks(sealed)


async def test_talk_and_other_commands_stay(sealed: Chat) -> None:
    assert await sealed.say(SASKIA, "Has the child fits?", room=sealed.room) == []
    assert await sealed.here(SASKIA, "!panel show") != ""
    assert await sealed.say(ANDERS, "recommendation=surgery confidence=4", room=sealed.room) == []
    assert sealed.effects(Redact) == []
    assert await sealed.say(SASKIA, "!opinion", room=sealed.room) == [
        "Opinions in this case are sealed, so I ask you in your direct chat with me.",
        sealed.last.text,
    ]
    assert "Most likely diagnosis" in sealed.last.text
    assert sealed.effects(Redact) == []


async def test_a_dialogue_begun_before_is_carried_over(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    async with chat.store.transaction() as tx:
        await tx.set_direct_room(SASKIA, direct_room(SASKIA))
    await chat.here(SASKIA, "!opinion")
    root = chat.event
    await chat.here(SASKIA, "ORPHA:2343", thread=root)
    question = chat.last.event_id
    assert "sealed" in await chat.here(ANDERS, "!panel blind on")
    assert await chat.react(SASKIA, f"1{KEYCAP}", question) == [
        "Opinions in this case are sealed and reactions are not encrypted. "
        "Please answer in words, in your direct chat with me."
    ]
    assert chat.new_effects(Redact) == [Redact(chat.event)], "the reaction itself would tell"
    assert (await chat.say(SASKIA, "surgery", room=chat.room, thread=root))[0] == TAKEN_OUT
    assert "Confidence" in chat.last.text
    for text in ("4", "done", "yes"):
        answer = await chat.alone(SASKIA, text)
    assert answer.startswith("Your opinion is recorded.")
    (opinion,) = (await chat.case()).opinions
    assert opinion.answers == {"diagnosis": "ORPHA:2343", "recommendation": "surgery", "confidence": 4}


async def test_no_reaction_counts_in_the_direct_chat_either(sealed: Chat) -> None:
    await sealed.alone(SASKIA, "!opinion")
    await sealed.alone(SASKIA, "ORPHA:2343")
    assert sealed.last.choices == 0
    question = sealed.last.event_id
    async with sealed._heard(SASKIA, direct_room(SASKIA), None, (), device="") as ctx:
        await conversation.hear_reaction(ctx, f"1{KEYCAP}", question)
    await sealed.deliver()
    assert "reactions are not encrypted" in sealed.last.text


async def test_the_questions_say_that_reactions_do_not_count(sealed: Chat) -> None:
    asked = await sealed.alone(SASKIA, "!opinion")
    assert asked.startswith("9 questions. Just write your answers here; reactions do not count")
    assert "thread" not in asked


async def test_the_last_opinion_reveals_all(sealed: Chat) -> None:
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    answer = await sealed.alone(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    assert answer.endswith("All opinions are in, so they are open now in the room.")
    assert SECRET in in_the_room(sealed)
    assert "Recommended next step\n\nSurgery: Saskia de Vries\nWatchful waiting: Piotr Zieliński" in in_the_room(sealed)
    case = await sealed.case()
    assert (case.blind.hides, case.blind.revealed_at, case.blind.revealed_by) == (False, sealed.now, None)
    assert [opinion.after_reveal for opinion in case.opinions] == [False, False]
    sealed.later(hours=1)
    await sealed.here(SASKIA, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=2")
    assert "version 2, 5 March 2026, 13:00 UTC\n\nRevised after the reveal." in await sealed.here(
        ANDERS, "!opinion show"
    )


async def test_the_lead_reveals_while_somebody_is_half_done(sealed: Chat) -> None:
    assert await sealed.here(ANDERS, "!reveal") == ("Nobody has given an opinion yet, so there is nothing to gather.")
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    await sealed.alone(PIOTR, "!opinion")
    await sealed.alone(PIOTR, "ORPHA:87")
    assert (
        await sealed.here(SASKIA, "!reveal confirm") == "Your part in this case does not let you reveal the opinions."
    )
    assert await sealed.here(ANDERS, "!reveal") == (
        "1 of 2 in\n\nNot in yet: Piotr Zieliński. What is revealed cannot be sealed again. "
        "Reveal all the same with `!reveal confirm`."
    )
    assert_nothing_leaks(sealed)
    assert "Not in yet: Piotr Zieliński" in await sealed.here(ANDERS, "!reveal confirm")
    assert SECRET in in_the_room(sealed)
    for text in ("watch", "3", "done", "yes"):
        await sealed.alone(PIOTR, text)
    assert "Given after the reveal." in await sealed.here(ANDERS, "!opinion show")
    assert await sealed.here(ANDERS, "!panel blind on") == (
        "There is an opinion already. Blind mode can only be changed before the first one."
    )
    assert await sealed.here(ANDERS, "!reveal") == "Opinions are not sealed, so there is nothing to reveal."


async def test_consent_withdrawn_while_a_form_is_half_filled(sealed: Chat) -> None:
    await sealed.alone(SASKIA, "!opinion")
    await sealed.alone(SASKIA, "ORPHA:2343")
    nickname = (await sealed.case()).nickname
    await sealed.here(ANDERS, "!consent withdraw care")
    async with sealed.store.transaction() as tx:
        assert await tx.dialogue(direct_room(SASKIA), SASKIA) is None, "what was answered is gone with the case"
    told = sealed.told(SASKIA)
    assert [answer.text for answer in told] == [
        f"{nickname} was withdrawn, so what you had begun to fill in for it is gone. "
        "There is nothing left for you to do."
    ]
    assert sealed.told(PIOTR) == [], "only who was filling something in is told"
    assert await sealed.alone(SASKIA, "surgery") == "I answer commands. `!help` lists what you can do here."
    assert await sealed.alone(SASKIA, f"!opinion {GIVEN}") == "No open case of yours takes this now."


async def test_an_expert_who_left_is_out_and_the_others_go_on(sealed: Chat) -> None:
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    networks = [
        replace(network, people=tuple(person for person in network.people if person.user_id != SASKIA))
        for network in sealed.directory.networks
    ]
    sealed.directory = Directory(tuple(networks))
    assert await sealed.alone(SASKIA, "!opinion show") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )
    await sealed.alone(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    assert f"{SASKIA}, version 1" in in_the_room(sealed), "an author whom the directory lost is shown by user id"


async def test_a_conflict_of_interest_is_shown_and_does_not_count(sealed: Chat) -> None:
    answer = await sealed.alone(SASKIA, f"!opinion {GIVEN} conflict=ja")
    assert "You have declared a conflict of interest: your opinion is shown, and does not count." in answer
    (opinion,) = (await sealed.case()).opinions
    assert opinion.conflict
    await sealed.alone(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    assert "Surgery: Saskia de Vries (*)" in in_the_room(sealed)


async def test_several_cases_wait_in_one_direct_chat(sealed: Chat) -> None:
    first = (await sealed.case()).nickname
    await sealed.alone(METTE, "!case new ern-cranio Wait or not?")
    await sealed.here(METTE, "!consent give care form=2.1 lang=da signer=parent signed=2026-03-01")
    await sealed.here(METTE, "!panel invite saskia.devries freja.lund")
    second = (await sealed.case(METTE)).nickname
    answer = await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    assert answer.startswith("Which case do you mean? Write its name behind the command. Open: ")
    assert first in answer
    assert second in answer
    assert (await sealed.alone(SASKIA, f"!opinion {first.upper()} {GIVEN}")).startswith("Your opinion is recorded.")
    await sealed.alone(SASKIA, "!opinion")
    await sealed.alone(SASKIA, "ORPHA:87")
    assert await sealed.alone(SASKIA, f"!opinion {first} diagnosis=ORPHA:2343") == (
        "You have an unfinished opinion on another case here. "
        "Go on with it by `!opinion`, or throw it away with `!cancel`."
    )
    assert FREJA in (await sealed.case(METTE)).panel


@pytest.fixture
async def reopened(database: Database, chat: Chat) -> AsyncIterator[Chat]:
    store = await Store.open(database.url, MASTER_KEY)
    yield Chat(store)
    await store.close()


async def test_a_sealed_draft_survives_a_restart(sealed: Chat, reopened: Chat) -> None:
    await sealed.alone(SASKIA, "!opinion")
    await sealed.alone(SASKIA, "ORPHA:2343 (likely)")
    await sealed.store.close()
    reopened.room, reopened._numbers = sealed.room, sealed._numbers
    assert (await reopened.alone(SASKIA, "!opinion")).startswith(
        "Your draft has one answer. We go on where you stopped."
    )
    for text in ("surgery", "4", "done"):
        answer = await reopened.alone(SASKIA, text)
    assert "Most likely diagnosis: ORPHA:2343 (Likely)" in answer
    await reopened.alone(SASKIA, "ja")
    (opinion,) = (await reopened.case()).opinions
    assert opinion.certainty == {"diagnosis": ("likely",)}


async def test_when_nobody_is_waited_for_any_more_the_lead_opens_them(chat: Chat) -> None:
    """Whoever was missing has a conflict of interest; somebody else may be asked before anything is opened."""
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    await chat.here(ANDERS, "!panel blind lead")
    await chat.alone(SASKIA, OPINION)
    await chat.here(PIOTR, "!conflict I am paid by the maker.")
    assert "Who must act: Anders Kjær" in chat.card
    assert "Next step: All opinions are in: open them with `!reveal`, or ask somebody else first." in chat.card
    assert await chat.here(ANDERS, "!outcome draft") == (
        "The opinions are still sealed. All are in: open them with `!reveal`."
    )
    assert "Surgery" in await chat.here(ANDERS, "!reveal")
    assert "gather them with `!outcome draft`" in chat.card


async def test_of_a_sealed_opinion_the_room_sees_whose_turn_it_is_and_nothing_of_its_revision(sealed: Chat) -> None:
    before = len(sealed.done)
    await sealed.alone(SASKIA, f"!opinion {GIVEN}")
    (seen,) = [done.effect for done in sealed.done[before:] if done.room == sealed.room]
    assert isinstance(seen, Card), "who must act is for everybody to see"
    before = len(sealed.done)
    await sealed.alone(SASKIA, f"!opinion {GIVEN} confidence=5".replace("confidence=4 ", ""))
    assert [done.effect for done in sealed.done[before:] if done.room == sealed.room] == []
    assert_nothing_leaks(sealed)
