"""Cases: only through the gate, whole after a round trip, audited whatever is decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.directory import Directory
from ernbot.core.errors import Refused
from ernbot.core.outcome import Signature
from ernbot.core.states import Action, Open
from ernbot.storage import tables
from ernbot.storage.errors import Shredded, StorageError, Tampered
from ernbot.storage.records import CasePlace
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

from .samples import (
    DIRECTORY,
    EXPERT,
    LATER,
    NOW,
    REQUESTER,
    ROOM,
    SECOND_EXPERT,
    STRANGER,
    case_file,
    dialogue,
    draft,
    drafting,
    received,
    to_send,
)


def _states() -> list[Case]:
    """A case in each of its states."""
    voted = drafting()
    signing = voted.send_to_signing((REQUESTER,))
    opened = replace(voted, state=Open(), panel=(), opinions=())
    return [
        draft(),
        opened,
        opened.invite((EXPERT,)),
        voted,
        signing,
        signing.sign(Signature(REQUESTER, "DEVICE", signing.outcome().digest(), LATER)),
        voted.withdraw_consent(Purpose.CARE, by=REQUESTER, at=LATER),
    ]


async def _add(store: Store, case: Case, room_id: str = ROOM) -> None:
    async with store.transaction() as tx:
        await tx.add_case(case)
        await tx.set_case_room(case.id, room_id)


async def _audit(store: Store) -> list[tuple[Any, ...]]:
    columns = tables.audit.c
    query = select(columns.actor, columns.action, columns.case_id, columns.decision, columns.detail)
    async with store.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(columns.seq))]


@pytest.mark.parametrize("case", _states(), ids=lambda case: case.state.kind)
async def test_a_case_comes_back_as_it_was(store: Store, case: Case) -> None:
    await _add(store, draft())
    async with store.transaction() as tx:
        await tx.save_case(case)
    async with store.transaction() as tx:
        assert await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, LATER) == case
        place = CasePlace("c-1", "cranio", ROOM, case.state.kind, REQUESTER, None)
        assert await tx.case_place("c-1") == place
        assert await tx.place_of_room(ROOM) == place


async def test_the_states_are_all_there() -> None:
    kinds = [case.state.kind for case in _states()]
    assert kinds == ["draft", "open", "assessing", "drafting", "signing", "closed", "withdrawn"]


async def test_every_decision_of_the_gate_is_audited(store: Store) -> None:
    await _add(store, drafting())
    asked = [
        (REQUESTER, ROOM, Action.READ, "allowed"),
        (EXPERT, ROOM, Action.PLAN, "not-yours"),
        (STRANGER, ROOM, Action.READ, "no-case"),
        (REQUESTER, "!other:x", Action.READ, "no-case"),
    ]
    for user, room, action, decision in asked:
        async with store.transaction() as tx:
            if decision == "allowed":
                await tx.case_in(room, user, action, DIRECTORY, NOW)
            else:
                with pytest.raises(Refused, match=f"^{decision}$"):
                    await tx.case_in(room, user, action, DIRECTORY, NOW)
    assert await _audit(store) == [
        (REQUESTER, "read", "c-1", "allowed", "{}"),
        (EXPERT, "plan", "c-1", "not-yours", "{}"),
        (STRANGER, "read", "c-1", "no-case", "{}"),
        (REQUESTER, "read", None, "no-case", '{"room":"!other:x"}'),
    ]


async def test_a_case_of_a_network_that_is_gone_is_no_case(store: Store) -> None:
    await _add(store, draft())
    async with store.transaction() as tx:
        with pytest.raises(Refused, match="no-case"):
            await tx.case_in(ROOM, REQUESTER, Action.READ, Directory(()), NOW)


async def test_a_case_that_is_gone_cannot_be_saved(store: Store) -> None:
    with pytest.raises(StorageError, match="c-1 is no longer"):
        async with store.transaction() as tx:
            await tx.save_case(draft())


async def test_places_are_listed_oldest_first(store: Store) -> None:
    await _add(store, replace(draft("c-late"), opened_at=LATER), "!late:x")
    await _add(store, draft("c-early"), "!early:x")
    await _add(store, replace(draft("c-other"), requester=EXPERT), "!other:x")
    async with store.transaction() as tx:
        await tx.set_card("c-early", "$card")
        assert [place.case_id for place in await tx.places()] == ["c-early", "c-other", "c-late"]
        mine = await tx.places(requester=REQUESTER)
        assert [(place.case_id, place.card_event_id) for place in mine] == [("c-early", "$card"), ("c-late", None)]
        assert await tx.place_of_room("!nowhere:x") is None


async def test_the_open_cases_of_a_person_are_found_whatever_their_part(store: Store) -> None:
    for number, case in enumerate(_states()):
        await _add(store, replace(case, id=f"c-{number}-{case.state.kind}"), f"!room-{number}:x")
    await _add(store, replace(draft("c-other"), requester=SECOND_EXPERT), "!other:x")
    await _add(store, draft("c-shredded"), "!shredded:x")
    async with store.transaction() as tx:
        await tx.shred("case:c-shredded")
    async with store.transaction() as tx:
        of_requester = await tx.places_of(REQUESTER)
        of_expert = await tx.places_of(EXPERT)
        assert await tx.places_of(STRANGER) == []
        assert tx.audited == (), "nobody asked for a case"
    assert {place.state for place in of_requester} == {"draft", "open", "assessing", "drafting", "signing"}
    assert {place.state for place in of_expert} == {"assessing", "drafting", "signing"}
    async with store.transaction() as tx:
        everything = await tx.places()
    assert of_requester == [place for place in everything if place in of_requester], "with all that is known, in order"


async def test_a_doubt_counts_only_for_whom_the_gate_would_let_pass(store: Store) -> None:
    await _add(store, draft())
    doubt = Refused("identity-changed")
    for user, action, code in (
        (REQUESTER, Action.GIVE_CONSENT, "identity-changed"),
        (REQUESTER, Action.SIGN, "consent-needed"),
        (STRANGER, Action.GIVE_CONSENT, "no-case"),
    ):
        with pytest.raises(Refused, match=f"^{code}$"):
            async with store.transaction() as tx:
                await tx.case_in(ROOM, user, action, DIRECTORY, NOW, doubt=doubt)
        assert [entry.decision for entry in tx.audited] == [code]


async def test_files_come_back_as_they_were(store: Store) -> None:
    await _add(store, draft())
    second = replace(case_file(file_id="f-2"), at=LATER)
    async with store.transaction() as tx:
        await tx.add_file(second)
        await tx.add_file(case_file())
    async with store.transaction() as tx:
        assert await tx.files("c-1") == [case_file(), second]
        assert await tx.files("c-2") == []


async def test_content_is_gone_once_its_key_is_destroyed(store: Store) -> None:
    await _add(store, drafting())
    await _add(store, draft("c-2"), "!second:x")
    async with store.transaction() as tx:
        await tx.add_file(case_file())
        await tx.save_dialogue(dialogue())
        await tx.receive(received())
        await tx.send(to_send())
    async with store.transaction() as tx:
        await tx.shred("case:c-1")
        with pytest.raises(Refused, match="no-case"):
            await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)
    async with store.transaction() as tx:
        with pytest.raises(Refused, match="no-case"):
            await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)
        with pytest.raises(Shredded, match="case:c-1 was destroyed"):
            await tx.files("c-1")
        assert await tx.dialogue(ROOM, EXPERT) is None
        assert await tx.pending() == []
        assert await tx.due(NOW) == []
        place = await tx.case_place("c-1")
        assert place is not None
        assert place.state == "drafting"
        assert await tx.case_in("!second:x", REQUESTER, Action.READ, DIRECTORY, NOW) == draft("c-2")


async def test_work_goes_on_in_the_room_of_a_destroyed_key(store: Store) -> None:
    """A message after the destruction gets a key of its own; what was before stays closed."""
    await _add(store, drafting())
    async with store.transaction() as tx:
        await tx.shred("case:c-1")
    async with store.transaction() as tx:
        await tx.send(to_send("gone"))
        assert await tx.receive(received())
    async with store.transaction() as tx:
        assert [item.id for item in await tx.due(NOW)] == ["gone"]
        assert await tx.pending() == [received()]
        with pytest.raises(Refused, match="no-case"):
            await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)


async def test_a_destruction_that_is_undone_destroys_nothing(store: Store) -> None:
    await _add(store, drafting())

    async def whole() -> None:
        async with store.transaction() as tx:
            await tx.shred("case:c-1")
            raise ZeroDivisionError

    async def part(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.shred("case:c-1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await whole()
    async with store.transaction() as tx:
        with pytest.raises(ZeroDivisionError):
            await part(tx)
        assert await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW) == drafting()


SWAPS = (
    "UPDATE cases SET content = (SELECT content FROM cases WHERE id = 'c-2') WHERE id = 'c-1'",
    "UPDATE cases SET content = (SELECT content FROM cases WHERE id = 'c-2'), scope = 'case:c-2' WHERE id = 'c-1'",
    "UPDATE vault_keys SET wrapped = (SELECT wrapped FROM vault_keys WHERE scope = 'case:c-2') "
    "WHERE scope = 'case:c-1'",
)


@pytest.mark.parametrize("swap", SWAPS)
async def test_rows_that_were_swapped_do_not_open(store: Store, swap: str) -> None:
    await _add(store, draft("c-1"))
    await _add(store, draft("c-2"), "!second:x")
    async with store.engine.begin() as connection:
        await connection.execute(text(swap))
    async with store.transaction() as tx:
        with pytest.raises((Tampered, Refused)):
            await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)


async def test_columns_that_were_swapped_do_not_open(store: Store) -> None:
    await _add(store, draft())
    async with store.transaction() as tx:
        await tx.add_file(case_file())
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE case_files SET facts = content, content = facts"))
    async with store.transaction() as tx:
        with pytest.raises(Tampered, match="changed or moved"):
            await tx.files("c-1")
