"""Who may do what, by how sure we are that it is they: every role, assurance and action, asked at the one gate.

Then the commands themselves, dialogues and reactions: no way leads past the gate.
"""

from __future__ import annotations

import re
from itertools import product

import pytest
from sqlalchemy import select

from ernbot.commands.context import Context
from ernbot.core.access import BY_STANDING, Standing
from ernbot.core.assurance import RECORDS, Assurance, Policy
from ernbot.core.errors import Refused
from ernbot.core.states import ALLOWED, Action, Assessing, Draft, Drafting
from ernbot.storage.store import Store
from ernbot.storage.tables import audit

from .chat import ANDERS, BRAM, CONSENT, FREJA, METTE, NEW, SASKIA, Chat

NONE, SIGNED, UNCHANGED, VERIFIED = Assurance
PEOPLE = {
    ANDERS: {Standing.REQUESTER, Standing.LEAD},
    SASKIA: {Standing.EXPERT},
    METTE: {Standing.COORDINATOR},
    FREJA: {Standing.COLLEAGUE},
    BRAM: {Standing.OUTSIDER},
}
POLICIES = [
    Policy(),
    Policy(records=SIGNED),
    Policy(records=VERIFIED),
    Policy(commands=UNCHANGED),
    Policy(commands=VERIFIED),
    Policy(room_keys=UNCHANGED, records=SIGNED),
]
DOUBTS = {NONE: "device-unknown", SIGNED: "identity-changed", UNCHANGED: "identity-unverified"}


@pytest.fixture
async def chat(sqlite_store: Store) -> Chat:
    """A case whose outcome is being written, and whose people are all known to the bot."""
    chat = Chat(sqlite_store)
    await chat.drafting()
    for user in PEOPLE:
        await chat.meets(user)
    return chat


def expected(policy: Policy, who: str, sure: Assurance, action: Action) -> str:
    """What the gate says of an action on a case that is being drafted."""
    rights = {action for standing in PEOPLE[who] for action in BY_STANDING[standing]}
    if Action.READ not in rights and (action not in rights or action in (Action.CREATE, Action.ADMIT_GUEST)):
        return "no-case"
    if action not in rights:
        return "not-yours"
    if action not in ALLOWED["drafting"]:
        return "wrong-state"
    if action is Action.ANSWER_TRIAGE:
        return "request-not-asked"
    needed = max(policy.commands, policy.room_keys, policy.records if action in RECORDS else NONE)
    return "allowed" if sure >= needed else DOUBTS[sure]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
async def test_every_role_assurance_and_action(chat: Chat, policy: Policy) -> None:
    chat.policy = policy
    async with chat.store.transaction() as tx:
        seen = len(tx.audited)
        for who, sure, action in product(PEOPLE, Assurance, Action):
            place = await tx.place_of_room(chat.room)
            ctx = Context(tx, chat.office, who, "D", chat.room, "$e", chat.now, place=place, assurance=sure)
            try:
                await ctx.case(action)
                said = "allowed"
            except Refused as error:
                said = error.code
            assert said == expected(policy, who, sure, action), (who, sure, action)
            written = tx.audited[seen:]
            assert [(entry.actor, entry.action, entry.decision) for entry in written] == [(who, action, said)]
            seen = len(tx.audited)


RECORDING = [
    (ANDERS, CONSENT, "Recorded"),
    (ANDERS, "!consent", "questions"),
    (ANDERS, "!outcome sign", "Signed"),
    (SASKIA, "!outcome agree", "Recorded: you agree"),
    (SASKIA, "!outcome dissent Too early.", "Recorded: you dissent"),
]
COMMANDS = [
    (ANDERS, "!help", "What you can do"),
    (ANDERS, "!case show", "Question"),
    (ANDERS, "!outcome recommend Wait.", "Outcome"),
    (ANDERS, "!panel show", "The panel"),
    (ANDERS, "!consent withdraw care", "Consent to care was withdrawn"),
    (SASKIA, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=5", "recorded as version 2"),
    (SASKIA, "!opinion show", "version 1"),
]
CHANGED = "Your encryption identity changed on 5 March 2026, and nobody has confirmed yet that this was you."
UNVERIFIED = "You and I have to compare emoji first."


@pytest.mark.parametrize(("user", "typed", "answer"), RECORDING + COMMANDS)
async def test_somebody_whose_identity_changed_talks_on_and_records_nothing(
    chat: Chat, user: str, typed: str, answer: str
) -> None:
    await chat.resets(user)
    refused = (user, typed, answer) in RECORDING
    before = await chat.case()
    said = await chat.here(user, typed)
    if refused:
        assert said.startswith(CHANGED)
        assert f"`!identity confirm {user} NewMaste`" in said
        assert await chat.case() == before
        assert "identity-changed" in {decision for _, _, decision in await chat.audit()}
    else:
        assert answer in said


@pytest.mark.parametrize(("user", "typed", "answer"), RECORDING + COMMANDS)
async def test_with_the_strictest_policy_only_who_compared_emoji_does_anything(
    chat: Chat, user: str, typed: str, answer: str
) -> None:
    chat.policy = Policy(VERIFIED, VERIFIED, UNCHANGED)
    async with chat.nothing_changes():
        assert (await chat.here(user, typed)).startswith(UNVERIFIED)
        await chat.meets(user, verified=True)
        await chat.resets(user)
        assert (await chat.here(user, typed)).startswith(CHANGED), "emoji were compared with another identity"
    await chat.meets(user, verified=True)
    assert answer in await chat.here(user, typed)


@pytest.mark.parametrize(("user", "typed", "answer"), RECORDING)
async def test_a_record_can_be_asked_for_more_than_a_command(chat: Chat, user: str, typed: str, answer: str) -> None:
    chat.policy = Policy(records=VERIFIED)
    async with chat.nothing_changes():
        assert (await chat.here(user, typed)).startswith(UNVERIFIED)
    assert "What you can do" in await chat.here(user, "!help")
    await chat.meets(user, verified=True)
    assert answer in await chat.here(user, typed)


async def test_with_records_as_easy_as_commands_a_changed_identity_signs(chat: Chat) -> None:
    chat.policy = Policy(records=SIGNED)
    await chat.resets(ANDERS)
    assert (await chat.here(ANDERS, "!outcome sign")).startswith("Signed.")


async def test_outside_of_cases_the_policy_of_commands_holds_as_well(chat: Chat) -> None:
    chat.policy = Policy(commands=UNCHANGED)
    await chat.resets(ANDERS)
    for typed in ("!help", "!language da", "!case new ern-cranio Why?", "!identity"):
        assert (await chat.alone(ANDERS, typed)).startswith(CHANGED)
    assert (await chat.here(ANDERS, "!cancel")).startswith(CHANGED)
    assert "Saskia" in await chat.here(SASKIA, "!panel show")


async def test_a_stranger_to_the_case_is_not_told_of_their_identity(chat: Chat) -> None:
    await chat.resets(FREJA)
    assert await chat.here(FREJA, "!outcome sign") == "There is no case here that you take part in."


async def test_help_leaves_out_what_the_person_may_not_do_now_and_says_why(chat: Chat) -> None:
    sure = await chat.here(ANDERS, "!help")
    await chat.resets(ANDERS)
    doubted = await chat.here(ANDERS, "!help")
    assert re.search(r"- `!outcome` .*\bsign\b", sure)
    assert re.search(r"- `!outcome` (?!.*\bsign\b)", doubted)
    assert "`!consent withdraw" in doubted
    assert "I am not sure enough yet that it is you" in doubted
    assert "not sure enough" not in sure


# --- dialogues and reactions


ANSWERS = ("care", "2.1", "da", "parent", "2026-03-01")


async def asked(chat: Chat, until: int) -> str:
    """A consent dialogue in a new case, answered up to a question; its thread."""
    await chat.draft()
    await chat.say(ANDERS, "!consent", room=chat.room)
    thread = chat.event
    for answer in ANSWERS[:until]:
        await chat.say(ANDERS, answer, room=chat.room, thread=thread)
    return thread


@pytest.mark.parametrize("until", range(len(ANSWERS) + 1))
async def test_an_identity_that_changes_within_a_dialogue_ends_nothing_and_records_nothing(
    chat: Chat, until: int
) -> None:
    thread = await asked(chat, until)
    await chat.resets(ANDERS)
    for answer in (*ANSWERS[until:], "yes"):
        assert (await chat.here(ANDERS, answer, thread=thread)).startswith(CHANGED)
    assert isinstance((await chat.case()).state, Draft)

    await chat.meets(ANDERS, NEW)  # confirmed
    for answer in ANSWERS[until:]:
        await chat.say(ANDERS, answer, room=chat.room, thread=thread)
    assert "Recorded" in await chat.here(ANDERS, "yes", thread=thread)


@pytest.mark.parametrize("sure", [SIGNED, UNCHANGED, VERIFIED])
async def test_a_reaction_completes_no_record_whoever_taps_it(chat: Chat, sure: Assurance) -> None:
    """It is not encrypted, so nothing is known of who tapped it; the yes is asked for in words."""
    await chat.meets(ANDERS, verified=sure is VERIFIED)
    await asked(chat, 3)
    signer = chat.last
    if sure is SIGNED:
        await chat.resets(ANDERS)
    for key in ("2️⃣", "1️⃣", "👍", "✅"):
        await chat.react(ANDERS, key, signer.event_id)
    for event_id in [answer.event_id for answer in chat.answers()]:
        await chat.react(ANDERS, "1️⃣", event_id)
    assert isinstance((await chat.case()).state, Draft)
    assert (await chat.case()).consent.entries == ()


async def test_without_knowing_the_sender_at_all_nothing_is_done(chat: Chat) -> None:
    """Fails closed: a context that nobody vouched for reads, records and opens nothing."""
    async with chat.store.transaction() as tx:
        ctx = await chat.context(tx, ANDERS, chat.room, device="")
        for action in Action:
            with pytest.raises(Refused):
                await ctx.case(action)


async def test_nothing_clinical_stands_in_the_audit_of_a_refusal(chat: Chat) -> None:
    await chat.resets(ANDERS)
    await chat.here(ANDERS, "!outcome sign")
    async with chat.store.engine.connect() as connection:
        [row] = await connection.execute(select(audit).where(audit.c.decision == "identity-changed"))
    assert (row.actor, row.action, row.detail) == (ANDERS, "send-to-signing", "{}")
    assert isinstance((await chat.case()).state, Assessing | Drafting)
