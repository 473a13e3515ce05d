"""Votes and signatures: each is one person's, on one text, and together they close a case once."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import select

from ernbot.commands.effects import Access, SendOutcome
from ernbot.core import ending
from ernbot.core.directory import Directory
from ernbot.core.outcome import Outcome
from ernbot.core.signature import countersigned, short
from ernbot.core.states import Closed, Signing
from ernbot.storage.audit import verify_audit
from ernbot.storage.records import StoredIdentity
from ernbot.storage.store import Store
from ernbot.storage.tables import audit
from ernbot.verify import verify
from tests.fixtures_database import MASTER_KEY, Database

from .chat import ANDERS, CONSENT, DIRECTORY, FREJA, NOTARY, OPINION, PIOTR, SASKIA, Chat

PEOPLE = (ANDERS, SASKIA, PIOTR, FREJA)


def key_of(user: str) -> str:
    """Something that looks like a key of somebody."""
    return re.sub("[^a-z]", "x", user).ljust(43, "A")[:43]


async def known(chat: Chat) -> None:
    """Everybody has an identity and a device that it signed."""
    async with chat.store.transaction() as tx:
        for user in PEOPLE:
            device = ("DEVICE", "curve", key_of(user), True)
            await tx.save_identity(StoredIdentity(user, key_of(user), key_of(user), None, (device,)))


async def voted(chat: Chat) -> None:
    """One member agrees, the other dissents."""
    await known(chat)
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(PIOTR, "!outcome dissent Too early.")


async def code(chat: Chat) -> str:
    """The beginning of the digest of the present text."""
    return short((await chat.case()).outcome().digest())


async def signing(chat: Chat) -> None:
    """The lead has signed, the members have not."""
    await voted(chat)
    await chat.here(ANDERS, "!outcome sign")


def record(chat: Chat, effect: SendOutcome) -> bytes:
    """What goes into the document that is sent."""
    return NOTARY.record(effect.outcome, nickname=effect.nickname, network=effect.network)


def assert_proved(data: bytes) -> None:
    assert [finding.text for finding in verify(data, NOTARY.key) if finding.holds is False] == []


async def test_the_whole_way_to_a_signature_is_three_messages(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, OPINION)
    typed = ["!outcome draft", "!outcome recommend 1 Operate before nine months. strength=strong", "!outcome sign"]
    answers = [await chat.here(ANDERS, line) for line in typed]
    assert answers[-1].startswith("Signed. ")
    assert (await chat.case()).state.kind == "closed"
    assert all(answer.count("\n") < 30 for answer in answers), "each fits one screen"


async def test_the_lead_signs_first_and_the_last_of_those_who_voted_closes_the_case(chat: Chat) -> None:
    await voted(chat)
    answer = await chat.here(ANDERS, "!outcome sign")
    start = await code(chat)
    assert answer == (
        "Signed. Version 2 still needs the signature of Saskia de Vries, Piotr Zieliński.\n\n"
        f"To sign, read it with `!outcome show`, then type `!sign {start}`. "
        "Signing says that it is recorded as the panel reached it, dissent included."
    )
    assert "Who must act: Saskia de Vries, Piotr Zieliński" in chat.card
    assert chat.effects(SendOutcome) == []
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, "!sign") == (
            f"Read version 2 with `!outcome show`, then sign it with `!sign {start}`."
        )
        assert "That is the code of another text" in await chat.here(SASKIA, "!sign 00000000")
        assert "Type it like this: `!sign <code>`" in await chat.here(SASKIA, "!sign yes please")
        assert await chat.here(ANDERS, f"!sign {start}") == "You have signed already."
        assert await chat.here(ANDERS, "!outcome sign") == "You have signed already."
        assert "You cannot vote on the outcome now" in await chat.here(SASKIA, "!outcome agree")
    assert (await chat.here(PIOTR, f"!outcome sign {start.upper()}")).startswith("Signed. Version 2 still needs")
    assert "Not signed yet: Saskia de Vries" in await chat.here(SASKIA, "!outcome show")
    assert "is closed" in await chat.here(SASKIA, f"!sign `{start}`")
    (effect,) = chat.new_effects(SendOutcome)
    assert [signature.by for signature in effect.outcome.signatures] == [ANDERS, PIOTR, SASKIA]
    assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS, SASKIA, PIOTR), open=True)]
    assert_proved(record(chat, effect))
    signatures = [entry for entry in await chat.audit() if entry[1:] == ("sign", "signed")]
    assert [entry[0] for entry in signatures] == [ANDERS, PIOTR, SASKIA]


async def test_a_signature_names_person_device_identity_event_and_text(chat: Chat) -> None:
    await signing(chat)
    event = chat.event
    outcome = (await chat.case()).outcome()
    (signature,) = outcome.signatures
    assert (signature.by, signature.device_id, signature.event_id) == (ANDERS, "DEVICE", event)
    assert (signature.device_key, signature.master, signature.assurance) == (key_of(ANDERS),) * 2 + ("unchanged",)
    assert (signature.digest, signature.at) == (outcome.digest(), chat.now)
    assert countersigned(signature, NOTARY.key)


async def test_each_signature_names_the_place_in_the_chain_that_its_entry_follows(chat: Chat) -> None:
    await signing(chat)
    await chat.here(SASKIA, f"!sign {await code(chat)}")
    await chat.here(PIOTR, f"!sign {await code(chat)}")
    async with chat.store.engine.connect() as connection:
        rows = {row.seq: row for row in await connection.execute(select(audit))}
    outcome = (await chat.case()).outcome()
    assert len(outcome.signatures) == 3
    for signature in outcome.signatures:
        assert rows[signature.audit_entries].hash == signature.audit_head
        later = [row for seq, row in sorted(rows.items()) if seq > signature.audit_entries]
        entry = next(row for row in later if row.decision == "signed")
        assert entry.actor == signature.by
        assert json.loads(entry.detail)["digest"] == signature.digest
        assert json.loads(entry.detail)["event"] == signature.event_id
    assert (await verify_audit(chat.store)).intact


async def test_two_people_signing_at_once_both_count_and_the_case_closes_once(chat: Chat, database: Database) -> None:
    await signing(chat)
    start = await code(chat)
    store = await Store.open(database.url, MASTER_KEY)
    try:
        other = Chat(store, room=chat.room, delivers=False, _numbers=count(1_000))
        chat.delivers = False
        await asyncio.gather(
            chat.say(SASKIA, f"!sign {start}", room=chat.room),
            other.say(PIOTR, f"!sign {start}", room=chat.room),
        )
        chat.delivers = True
        await chat.deliver()
    finally:
        await store.close()
    case = await chat.case()
    assert isinstance(case.state, Closed)
    assert {signature.by for signature in case.outcome().signatures} == {ANDERS, SASKIA, PIOTR}
    (effect,) = chat.effects(SendOutcome)
    assert_proved(record(chat, effect))
    assert (await verify_audit(chat.store)).intact


async def test_a_change_while_it_is_being_signed_voids_votes_and_signatures_and_says_so(chat: Chat) -> None:
    await signing(chat)
    start = await code(chat)
    await chat.here(SASKIA, f"!sign {start}")
    answer = await chat.here(ANDERS, "!outcome followup MRI in three months.")
    assert "The outcome has changed, so the votes and signatures given before no longer count." in answer
    case = await chat.case()
    assert (case.state.kind, case.outcome().votes, case.outcome().signatures) == ("drafting", (), ())
    async with chat.nothing_changes():
        assert "You cannot sign the outcome now" in await chat.here(PIOTR, f"!sign {start}")
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(ANDERS, "!outcome sign")
    async with chat.nothing_changes():
        assert "That is the code of another text" in await chat.here(SASKIA, f"!sign {start}")
        assert await chat.here(PIOTR, f"!sign {await code(chat)}") == "Your signature is not needed here."


async def test_the_lead_closes_without_somebody_who_does_not_sign(chat: Chat) -> None:
    await signing(chat)
    await chat.here(PIOTR, f"!sign {await code(chat)}")
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome close") == (
            "These signatures are missing: Saskia de Vries. Close without them with `!outcome close confirm`; "
            "the document will name who did not sign."
        )
        assert "does not let you" in await chat.here(SASKIA, "!outcome close confirm")
    assert await chat.here(ANDERS, "!outcome close confirm") == (
        f"{(await chat.case()).nickname} is closed, by Anders Kjær, without the signature of: Saskia de Vries. "
        "The outcome follows as a document that says so; the treating clinician decides. "
        "`!case reopen` takes the case up again."
    )
    assert (ANDERS, "sign", "waived") in await chat.audit()
    (effect,) = chat.new_effects(SendOutcome)
    assert effect.outcome.waived == (SASKIA,)
    assert_proved(record(chat, effect))
    assert "Closed without the signature of: Saskia de Vries" in await chat.here(PIOTR, "!outcome show")


async def test_an_identity_that_changed_since_the_vote_does_not_sign(chat: Chat) -> None:
    await signing(chat)
    start = await code(chat)
    await chat.resets(SASKIA)
    async with chat.nothing_changes():
        assert "identity" in await chat.here(SASKIA, f"!sign {start}")
    assert (SASKIA, "sign", "identity-changed") in await chat.audit()


async def test_an_expert_who_left_does_not_sign_and_does_not_hold_the_case(chat: Chat) -> None:
    await signing(chat)
    start = await code(chat)
    chat.directory = Directory(
        tuple(
            replace(network, people=tuple(person for person in network.people if person.user_id != SASKIA))
            for network in DIRECTORY.networks
        )
    )
    await chat.say(SASKIA, f"!sign {start}", room=chat.room)
    assert isinstance((await chat.case()).state, Signing)
    await chat.here(PIOTR, f"!sign {start}")
    await chat.here(ANDERS, "!outcome close confirm")
    assert (await chat.case()).state.kind == "closed"


async def test_a_network_may_want_the_signature_of_its_lead_alone(chat: Chat) -> None:
    chat.directory = Directory(tuple(replace(network, signers="lead") for network in DIRECTORY.networks))
    await voted(chat)
    assert "is closed" in await chat.here(ANDERS, "!outcome sign")
    (effect,) = chat.new_effects(SendOutcome)
    assert effect.outcome.asked == (ANDERS,)
    assert_proved(record(chat, effect))


# --- amendments


async def amended(chat: Chat) -> tuple[Outcome, Outcome]:
    """A signed outcome and the signed one that took its place."""
    await known(chat)
    await chat.closed()
    first = (await chat.case()).outcome()
    answer = await chat.here(ANDERS, "!outcome amend The new scan shows more.")
    assert f"The signed outcome {short(first.digest())}… stays as it is." in answer
    assert "Takes the place of a signed outcome, because: The new scan shows more." in answer
    await chat.here(ANDERS, "!outcome recommend 1 Operate at once.")
    await chat.here(ANDERS, "!outcome sign")
    return first, (await chat.case()).outcome()


async def test_an_amendment_names_the_outcome_before_which_stays_as_it_was_signed(chat: Chat) -> None:
    first, second = await amended(chat)
    case = await chat.case()
    assert (case.state.kind, case.amended) == ("closed", (first,))
    assert (second.amends, second.version) == (first.digest(), first.version + 2)
    assert [line.text for line in first.recommendations] == ["Operate before nine months."]
    assert [line.text for line in second.recommendations] == ["Operate at once."]
    shown = await chat.here(SASKIA, "!outcome show")
    assert f"- `{first.version}` of 5 March 2026, SHA-256 {short(first.digest())}…" in shown


@pytest.mark.parametrize("which", [0, 1])
async def test_each_signed_version_can_be_had_again_and_is_proved(chat: Chat, which: int) -> None:
    outcome = (await amended(chat))[which]
    assert "follows" in await chat.here(SASKIA, f"!outcome export pdf {outcome.version}")
    (effect,) = chat.new_effects(SendOutcome)
    assert effect.outcome == outcome
    assert_proved(record(chat, effect))
    await chat.here(SASKIA, "!outcome export")
    (latest,) = chat.new_effects(SendOutcome)
    assert latest.outcome == (await chat.case()).outcome()
    async with chat.nothing_changes():
        assert "There is no version of that number." in await chat.here(SASKIA, "!outcome export pdf 99")


async def test_a_reopened_case_amends_its_outcome(chat: Chat) -> None:
    await chat.closed()
    before = (await chat.case()).outcome()
    reopened = ending.reopen(await chat.case(), ANDERS, "New fits.", at=chat.now)
    assert reopened.amended == (before,)
    drafted = reopened.draft_outcome().outcome()
    assert (drafted.amends, drafted.why) == (before.digest(), "New fits.")
    assert drafted.recommendations == before.recommendations


# --- dissent without names


async def unnamed(chat: Chat) -> None:
    """The panel has decided that dissent bears no names."""
    await known(chat)
    await chat.drafting()
    answer = await chat.here(ANDERS, "!outcome names off")
    assert "in your direct chat with me" in answer


async def test_dissent_without_a_name_is_said_alone_and_shown_nowhere(chat: Chat) -> None:
    await unnamed(chat)
    for line in ("!outcome agree", "!outcome dissent Too early."):
        async with chat.nothing_changes():
            assert "vote in your direct chat with me" in await chat.here(SASKIA, line)
    assert await chat.alone(PIOTR, "!outcome agree") == "Recorded without your name: you agree with version 3."
    assert (await chat.alone(SASKIA, "!outcome dissent Too early.")).endswith("your name does not.")
    shown = await chat.here(ANDERS, "!outcome show")
    assert "Votes that agree: 1\nDissents: Too early.\n\nDissent is shown without names." in shown
    assert "Saskia" not in shown
    assert {entry[2] for entry in await chat.audit() if entry[1] == "vote"} <= {"allowed", "voted", "vote-alone"}
    await chat.here(ANDERS, "!outcome sign")
    outcome = (await chat.case()).outcome()
    assert outcome.asked == (ANDERS, SASKIA, PIOTR), "whoever voted signs, so that nobody tells who dissented"
    assert outcome.document()["dissents"] == [{"reason": "Too early."}]
    async with chat.nothing_changes():
        assert await chat.alone(SASKIA, "!outcome agree") == "No outcome waits for your vote."


async def test_without_names_nothing_is_told_of_votes_before_all_are_in(chat: Chat) -> None:
    """Whoever looks after each vote would know whose it was."""
    await chat.drafting()
    await chat.here(ANDERS, "!outcome names off")
    await chat.alone(SASKIA, "!outcome dissent Too early.")
    shown = await chat.here(ANDERS, "!outcome show")
    assert "Votes given: 1\nNot voted: Piotr Zieliński\n\nDissent is shown without names, and only once" in shown
    assert not any(word in shown for word in ("agree:", "Dissents", "Too early"))
    await chat.here(PIOTR, "!conflict I am paid by the maker.")
    assert "Dissents: Too early." in await chat.here(ANDERS, "!outcome show"), "nobody else may vote"


async def test_names_are_decided_before_anybody_votes(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    async with chat.nothing_changes():
        assert "Somebody has voted already" in await chat.here(ANDERS, "!outcome names off")


async def test_a_network_may_leave_names_out_by_default(chat: Chat) -> None:
    chat.directory = Directory(tuple(replace(network, anonymous_dissent=True) for network in DIRECTORY.networks))
    await chat.assessing()
    assert "Dissent is shown without names." in await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome names on")
    assert "Dissent is shown without names." not in await chat.here(ANDERS, "!outcome draft"), "the choice stays"


async def test_who_is_asked_in_several_cases_says_which(chat: Chat) -> None:
    await chat.drafting()
    first = (await chat.case()).nickname
    await chat.drafting()
    second = (await chat.case()).nickname
    answer = await chat.alone(SASKIA, "!outcome agree")
    assert answer.startswith("You are asked in several cases.")
    assert first in answer
    assert second in answer
    assert (await chat.alone(SASKIA, f"!outcome dissent {second.upper()}: Too early.")).startswith("Recorded")
    assert [vote.reason for vote in (await chat.case()).outcome().votes] == ["Too early."]
    assert await chat.alone(ANDERS, "!outcome agree") == "No outcome waits for your vote."


async def test_a_vote_goes_past_a_case_whose_consent_has_run_out(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("2026-03-01", "2011-03-06"))
    await chat.here(ANDERS, "!panel invite saskia.devries")
    await chat.here(SASKIA, OPINION)
    await chat.here(ANDERS, "!outcome draft")
    old = (await chat.case()).nickname
    chat.later(days=1)
    await chat.drafting()
    assert (await chat.alone(SASKIA, "!outcome agree")).startswith("Recorded")
    assert len((await chat.case()).outcome().votes) == 1
    assert "needs the patient’s consent" in await chat.alone(SASKIA, f"!outcome agree {old}")


# --- what goes wrong in between


async def test_a_crash_between_signing_and_sending_loses_and_doubles_nothing(chat: Chat) -> None:
    await signing(chat)
    start = await code(chat)
    await chat.here(SASKIA, f"!sign {start}")
    chat.delivers = False
    await chat.say(PIOTR, f"!sign {start}", room=chat.room)
    again = Chat(chat.store, now=chat.now, room=chat.room, _numbers=count(2_000))
    assert isinstance((await again.case()).state, Closed)
    await again.deliver()
    (effect,) = again.effects(SendOutcome)
    assert_proved(record(again, effect))
    assert "You cannot sign the outcome now" in await again.here(PIOTR, f"!sign {start}")
    assert len(again.effects(SendOutcome)) == 1, "the message that comes again signs nothing twice"


async def test_the_panel_stays_as_it_is_while_signatures_are_given(chat: Chat) -> None:
    await signing(chat)
    async with chat.nothing_changes():
        for line in ("!panel remove piotr.zielinski", "!panel keep piotr.zielinski", "!panel invite freja.lund"):
            assert await chat.here(ANDERS, line) == (
                "You cannot change the panel now. State of the case: being signed.\n\n"
                "Who does not sign does not hold you up: `!outcome close`. Or change a line of the outcome first, "
                "for example with `!outcome recommend`: votes and signatures begin anew, and the panel can change."
            )
    await chat.here(ANDERS, "!outcome recommend 1 Operate before eight months.")
    assert "Piotr" in await chat.here(ANDERS, "!panel remove piotr.zielinski")
