"""All or nothing: what a transaction, a savepoint and two writers at once leave behind."""

from __future__ import annotations

import asyncio

import pytest

from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.storage.audit import verify_audit
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction
from tests.fixtures_database import MASTER_KEY, Database

from .samples import DIRECTORY, EXPERT, NOW, REQUESTER, ROOM, STRANGER, draft, drafting, received, to_send


class Crash(Exception):
    """Stands for the process dying."""


async def test_a_crash_leaves_nothing_behind(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.add_case(draft())
            await tx.set_case_room("c-1", ROOM)
            await tx.receive(received())
            await tx.send(to_send())
            tx.audit(at=NOW, actor=REQUESTER, action="create", decision="allowed")
            raise Crash

    with pytest.raises(Crash):
        await work()
    async with store.transaction() as tx:
        assert await tx.case_place("c-1") is None
        assert await tx.pending() == []
        assert await tx.due(NOW) == []
    assert (await verify_audit(store)).entries == 0


async def test_a_key_made_before_a_crash_is_not_used_afterwards(store: Store, database: Database) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.receive(received())
            await tx.pending()
            raise Crash

    with pytest.raises(Crash):
        await work()
    async with store.transaction() as tx:
        await tx.receive(received())
    await store.close()
    again = await Store.open(database.url, MASTER_KEY)
    async with again.transaction() as tx:
        assert await tx.pending() == [received()]
    await again.close()


async def test_a_savepoint_is_undone_alone_and_keeps_its_audit(store: Store) -> None:
    async def part(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.add_case(draft())
            await tx.set_case_room("c-1", ROOM)
            await tx.send(to_send())
            tx.audit(at=NOW, actor=REQUESTER, action="create", decision="allowed")
            raise Crash

    async with store.transaction() as tx:
        await tx.receive(received())
        with pytest.raises(Crash):
            await part(tx)
        # The key and the room of the case went with it: neither may be remembered.
        await tx.add_case(draft("c-2"))
        await tx.set_case_room("c-2", ROOM)
        await tx.send(to_send("out-2", case_id=None))
    async with store.transaction() as tx:
        assert await tx.case_place("c-1") is None
        assert [item.id for item in await tx.due(NOW)] == ["out-2"]
        assert await tx.scope_of(ROOM) == "case:c-2"
        await tx.add_case(draft("c-1"))
    assert (await verify_audit(store)).entries == 1


async def test_a_savepoint_that_ends_well_stays(store: Store) -> None:
    async with store.transaction() as tx, tx.savepoint():
        await tx.set_language(REQUESTER, "da")
    async with store.transaction() as tx:
        assert await tx.language(REQUESTER) == "da"


async def test_a_refusal_that_leaves_the_transaction_is_still_audited(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.set_language(STRANGER, "da")
            await tx.case_in(ROOM, STRANGER, Action.READ, DIRECTORY, NOW)

    with pytest.raises(Refused, match="no-case"):
        await work()
    async with store.transaction() as tx:
        assert await tx.language(STRANGER) is None
    report = await verify_audit(store)
    assert (report.entries, report.intact) == (1, True)


async def test_two_experts_answer_at_once_and_both_opinions_stay(store: Store, database: Database) -> None:
    """Two processes read, change and write the same case at the same time; neither overwrites the other."""
    other = await Store.open(database.url, MASTER_KEY)
    async with store.transaction() as tx:
        await tx.add_case(drafting())
        await tx.set_case_room("c-1", ROOM)
    before = len(drafting().opinions)

    async def answer(at: Store, answers: int) -> None:
        for number in range(answers):
            async with at.transaction() as tx:
                case = await tx.case_in(ROOM, EXPERT, Action.GIVE_OPINION, DIRECTORY, NOW)
                await asyncio.sleep(0.002)
                await tx.save_case(case.record_opinion(EXPERT, "f", "1", {"n": number}, at=NOW))

    await asyncio.gather(answer(store, 8), answer(other, 8), answer(store, 8))
    async with store.transaction() as tx:
        case = await tx.case_in(ROOM, EXPERT, Action.READ, DIRECTORY, NOW)
    assert len(case.opinions) == before + 24
    versions = [opinion.version for opinion in case.opinions if opinion.author == EXPERT]
    assert versions == list(range(1, 26))
    report = await verify_audit(store)
    assert (report.entries, report.intact) == (25, True)
    await other.close()


async def test_two_processes_may_make_the_same_key_at_once(store: Store, database: Database) -> None:
    other = await Store.open(database.url, MASTER_KEY)

    async def write(at: Store, event_id: str) -> None:
        async with at.transaction() as tx:
            await tx.receive(received(event_id))
            await asyncio.sleep(0.05)

    await asyncio.gather(write(store, "$1"), write(other, "$2"))
    async with other.transaction() as tx:
        assert {item.event_id for item in await tx.pending()} == {"$1", "$2"}
    await other.close()


async def test_two_processes_may_open_a_new_database_at_once(database: Database) -> None:
    one, two = await asyncio.gather(Store.open(database.url, MASTER_KEY), Store.open(database.url, MASTER_KEY))
    assert one.vault.derive("audit") == two.vault.derive("audit")
    await one.close()
    await two.close()


async def test_a_task_that_would_wait_for_itself_is_told(store: Store) -> None:
    async with store.transaction():
        with pytest.raises(RuntimeError, match="savepoint"):
            async with store.transaction():
                raise AssertionError("not reached")
    async with store.transaction() as tx:
        assert await tx.sync_token() is None


async def test_a_cancelled_transaction_is_undone_and_frees_the_database(store: Store) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with store.transaction() as tx:
            await tx.set_language(REQUESTER, "da")
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.transaction() as tx:
        assert await tx.language(REQUESTER) is None
