"""A changed identity: who is told, who may confirm it, and what is written down."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from ernbot.commands.effects import Message
from ernbot.core.assurance import Assurance, Policy
from ernbot.storage.store import Store
from ernbot.storage.tables import audit

from .chat import ANDERS, BRAM, FREJA, KASPER, METTE, NEW, PIOTR, SASKIA, STRANGER, Chat

NEWER = "NewerMasterKeyOfSomebody"
CONFIRM = f"!identity confirm anders.kjaer {NEW[:8]}"
CONFIRMED = "Confirmed. I take the new encryption identity of Anders Kjær for theirs from now on."
CHANGED = "Your encryption identity changed on 5 March 2026"
WRONG = "The new fingerprint of Anders Kjær does not begin like this."


@pytest.fixture
def quick(sqlite_store: Store) -> Chat:
    """On SQLite alone: this is about words, and rows are the same on both."""
    return Chat(sqlite_store)


async def written(chat: Chat, decision: str) -> list[tuple[str, str | None, dict[str, str]]]:
    """Actor, case and detail of the audit entries with a decision."""
    async with chat.store.engine.connect() as connection:
        rows = await connection.execute(select(audit).where(audit.c.decision == decision).order_by(audit.c.seq))
        return [(row.actor, row.case_id, json.loads(row.detail)) for row in rows]


# --- who is told


async def test_a_change_is_written_down_and_told_in_every_open_case_of_the_person(chat: Chat) -> None:
    await chat.meets(SASKIA)
    rooms = []
    for state in (chat.assessing, chat.closed, chat.withdrawn, chat.drafting):
        await state()
        rooms.append((await chat.case(), chat.room))
    await chat.opened()  # a case that Saskia has no part in
    since = len(chat.done)

    await chat.resets(SASKIA)
    await chat.hears_of_identities()

    open_cases = {rooms[0][0].id, rooms[3][0].id}
    change = {"before": "first", "now": NEW[:8]}
    entries = await written(chat, "identity-changed")
    assert {(actor, case) for actor, case, _ in entries} == {(SASKIA, case) for case in (None, *open_cases)}
    assert [detail for _, _, detail in entries] == [change] * 3
    told = [done for done in chat.done[since:] if done.lane.startswith("case:")]
    assert {done.lane for done in told} == {f"case:{case}" for case in open_cases}
    for done in told:
        assert isinstance(done.effect, Message)
        assert done.effect.reader == ANDERS, "in the language of the requester"
    (notice, _) = [text for text in chat.texts(since) if text.startswith("The encryption identity of Saskia")][:2]
    assert "changed on 5 March 2026" in notice
    assert "I take no consent, vote or signature" in notice


async def test_a_requester_whose_room_is_not_there_yet_is_told_once_it_is(quick: Chat) -> None:
    await quick.meets(ANDERS)
    quick.delivers = False
    await quick.say(ANDERS, "!case new ern-cranio Why?")
    await quick.resets(ANDERS)
    await quick.hears_of_identities()
    quick.delivers = True
    await quick.deliver()
    lanes = [done.lane for done in quick.done if isinstance(done.effect, Message)]
    assert any(lane.startswith("case:") for lane in lanes)


async def test_the_person_and_their_coordinators_are_told_what_to_do(quick: Chat) -> None:
    await quick.assessing()
    await quick.meets(ANDERS)
    await quick.resets(ANDERS)
    await quick.hears_of_identities()
    (own,) = quick.told(ANDERS)
    assert own.text.startswith(CHANGED)
    assert f"`{NEW[:8]}`" in own.text
    assert f"`!identity confirm {ANDERS} {NEW[:8]}`" in own.text
    assert "Mette Holm" in own.text
    assert not own.message.plain
    (hers,) = quick.told(METTE)
    assert "The encryption identity of Anders Kjær changed" in hers.text
    assert NEW[:8] not in hers.text, "she has to hear it from him"
    assert quick.told(SASKIA) == quick.told(KASPER) == []
    assert own.danish != own.text
    assert hers.danish != hers.text


async def test_a_coordinator_whose_own_identity_changed_is_told_as_a_person(quick: Chat) -> None:
    await quick.meets(METTE)
    await quick.resets(METTE)
    await quick.hears_of_identities()
    (own,) = quick.told(METTE)
    assert own.text.startswith(CHANGED)
    assert "Coordinators" not in own.text


async def test_nobody_is_told_of_people_whom_no_network_lists(quick: Chat) -> None:
    await quick.meets(STRANGER)
    await quick.resets(STRANGER)
    await quick.hears_of_identities()
    assert quick.done == []
    assert await written(quick, "identity-changed") == [(STRANGER, None, {"before": "first", "now": NEW[:8]})]


async def test_each_change_is_told_once(quick: Chat) -> None:
    await quick.assessing()
    await quick.meets(ANDERS)
    for master, told in ((NEW, 1), (NEWER, 2)):
        await quick.resets(ANDERS, master)
        for _ in range(3):
            await quick.hears_of_identities()
        assert len(quick.told(ANDERS)) == len(quick.told(METTE)) == told
    changes = [detail for _, case, detail in await written(quick, "identity-changed") if case is None]
    assert changes == [{"before": "first", "now": NEW[:8]}, {"before": NEW[:8], "now": NEWER[:8]}]


async def test_who_gets_no_room_keys_any_more_is_told_in_the_clear(quick: Chat) -> None:
    quick.policy = Policy(room_keys=Assurance.UNCHANGED)
    await quick.meets(ANDERS)
    await quick.resets(ANDERS)
    await quick.hears_of_identities()
    (own,) = quick.told(ANDERS)
    assert own.message.plain
    (hers,) = quick.told(METTE)
    assert not hers.message.plain


async def test_an_identity_that_was_taken_away_is_a_change_as_well(quick: Chat) -> None:
    await quick.assessing()
    await quick.meets(ANDERS)
    await quick.resets(ANDERS, None)
    await quick.hears_of_identities()
    (own,) = quick.told(ANDERS)
    assert own.message.plain, "without an identity no device of theirs is signed"
    assert (await written(quick, "identity-changed"))[0][2] == {"before": "first", "now": "–"}
    await quick.meets(METTE)
    assert "has no encryption identity now" in await quick.alone(METTE, "!identity confirm anders.kjaer –")


async def test_what_is_not_refused_is_not_announced(quick: Chat) -> None:
    quick.policy = Policy(records=Assurance.SIGNED)
    await quick.assessing()
    await quick.meets(ANDERS)
    await quick.resets(ANDERS)
    await quick.hears_of_identities()
    assert not any("I take no consent" in answer.text for answer in quick.answers())


# --- confirming


async def test_a_coordinator_confirms_and_everything_goes_on(chat: Chat) -> None:
    await chat.drafting()
    for user in (ANDERS, METTE):
        await chat.meets(user)
    await chat.resets(ANDERS)
    await chat.hears_of_identities()
    assert (await chat.here(ANDERS, "!outcome sign")).startswith(CHANGED)

    assert await chat.alone(METTE, CONFIRM) == CONFIRMED
    await chat.hears_of_identities()
    assert "The new encryption identity of Anders Kjær was confirmed by Mette Holm." in chat.texts()
    assert chat.told(ANDERS)[-1].text == (
        "Your new encryption identity was confirmed by Mette Holm. You can go on as before."
    )
    detail = {"user": ANDERS, "before": "first", "now": NEW[:8]}
    assert await written(chat, "identity-confirmed") == [(METTE, None, detail)]
    assert (await chat.here(ANDERS, "!outcome sign")).startswith("Signed.")


TYPED = [
    f"anders.kjaer {NEW[:8]}",
    f"{ANDERS} {NEW[:8]}",
    f"@Anders.Kjaer {NEW[:8]}",
    f"Anders Kjær {NEW[:8]}",
    f"anders   KJÆR {NEW}",
    f"anders.kjaer {NEW[:4]} {NEW[4:8]}",
    f"Anders Kjær {NEW[:4]} {NEW[4:8]} {NEW[8:12]}",
]


@pytest.mark.parametrize("typed", TYPED)
async def test_a_person_by_every_name_and_a_fingerprint_in_groups(quick: Chat, typed: str) -> None:
    for user in (ANDERS, METTE):
        await quick.meets(user)
    await quick.resets(ANDERS)
    assert await quick.alone(METTE, f"!identity confirm {typed}") == CONFIRMED


REFUSED = [
    (METTE, f"anders.kjaer {NEW[:7]}", WRONG),
    (METTE, f"anders.kjaer {NEWER[:8]}", WRONG),
    (METTE, f"anders.kjaer {NEW[:8].lower()}", WRONG),
    (METTE, f"anders.kjaer {NEW}x", WRONG),
    (METTE, "anders.kjaer firstxxx", WRONG),
    (METTE, f"nobody.here {NEW[:8]}", "No network that you coordinate lists nobody.here."),
    (METTE, f"kasper.friis {NEW[:8]}", "No network that you coordinate lists kasper.friis."),
    (METTE, f"piotr.zielinski {NEW[:8]}", "I have not seen any encryption identity of Piotr Zieliński yet"),
    (METTE, "saskia.devries firstxxx", "The encryption identity of Saskia de Vries has not changed"),
    (METTE, f"mette.holm {NEW[:8]}", "Nobody confirms their own identity."),
    (METTE, "anders.kjaer", "Type it like this: `!identity confirm <person>"),
    (METTE, NEW[:8], "Type it like this: `!identity confirm <person>"),
    (METTE, "", "Type it like this: `!identity confirm <person>"),
    (SASKIA, f"anders.kjaer {NEW[:8]}", "Only a coordinator of a network can confirm"),
    (ANDERS, f"anders.kjaer {NEW[:8]}", "Only a coordinator of a network can confirm"),
    (BRAM, f"anders.kjaer {NEW[:8]}", "Only a coordinator of a network can confirm"),
    (STRANGER, f"anders.kjaer {NEW[:8]}", "No network lists you."),
]


@pytest.mark.parametrize(("user", "typed", "answer"), REFUSED)
async def test_what_is_not_confirmed(quick: Chat, user: str, typed: str, answer: str) -> None:
    for known in (ANDERS, METTE, SASKIA, BRAM, STRANGER):
        await quick.meets(known)
    await quick.resets(ANDERS)
    assert answer in await quick.alone(user, f"!identity confirm {typed}")
    async with quick.store.transaction() as tx:
        stored = (await tx.identities([ANDERS]))[ANDERS]
    assert (stored.master, stored.accepted) == (NEW, "first")
    assert await written(quick, "identity-confirmed") == []


async def test_a_coordinator_whose_own_identity_changed_confirms_nobody(quick: Chat) -> None:
    """Not even where records ask for no more than a signed device."""
    for policy in (Policy(), Policy(records=Assurance.SIGNED)):
        quick.policy = policy
        for user in (ANDERS, METTE):
            await quick.meets(user)
            await quick.resets(user)
        assert (await quick.alone(METTE, CONFIRM)).startswith(CHANGED)


async def test_a_wrong_guess_is_written_down(quick: Chat) -> None:
    for user in (ANDERS, METTE):
        await quick.meets(user)
    await quick.resets(ANDERS)
    await quick.alone(METTE, f"!identity confirm anders.kjaer {NEWER}")
    assert await written(quick, "identity-fingerprint") == [(METTE, None, {"user": ANDERS})]


async def test_only_what_is_stored_now_is_confirmed(quick: Chat) -> None:
    """The identity changed once more while she talked to him."""
    for user in (ANDERS, METTE):
        await quick.meets(user)
    await quick.resets(ANDERS)
    await quick.resets(ANDERS, NEWER)
    assert WRONG in await quick.alone(METTE, CONFIRM)
    assert await quick.alone(METTE, f"!identity confirm anders.kjaer {NEWER[:8]}") == CONFIRMED
    await quick.resets(ANDERS)
    assert WRONG in await quick.alone(METTE, f"!identity confirm anders.kjaer {NEWER[:8]}")


async def test_confirming_is_for_the_direct_chat(quick: Chat) -> None:
    await quick.opened()
    for typed in ("!identity", CONFIRM):
        assert await quick.here(ANDERS, typed) == "This works in your direct chat with me only, not in a case room."


# --- looking


async def test_everybody_sees_both_fingerprints_and_how_they_are_known(quick: Chat) -> None:
    await quick.meets(FREJA, "FrejasMasterKey")
    shown = await quick.alone(FREJA, "!identity")
    assert "My fingerprint: Bots Fing erpr int" in shown
    assert "Your fingerprint: Frej asMa ster Key" in shown
    assert "since I first saw it" in shown
    await quick.meets(FREJA, "FrejasMasterKey", verified=True)
    assert "You and I have compared emoji." in await quick.alone(FREJA, "!identity")
    await quick.resets(FREJA)
    shown = await quick.alone(FREJA, "!identity")
    assert CHANGED in shown
    assert "NewM aste rKey" in shown
    assert "emoji" not in shown
    quick.policy = Policy(records=Assurance.VERIFIED)
    await quick.meets(PIOTR)
    assert "press Verify" in await quick.alone(PIOTR, "!identity")
