"""What we know of other people's keys: kept sealed, marked when it may be out of date, and not to be slipped in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from ernbot.storage.errors import Tampered
from ernbot.storage.records import StoredIdentity
from ernbot.storage.store import Store
from ernbot.storage.tables import identities

from .samples import EXPERT, NOW, REQUESTER, STRANGER

IDA = StoredIdentity(
    REQUESTER, "master", "master", None, (("PHONE", "curve", "ed", True), ("LAPTOP", "curve-2", "ed-2", False))
)
OTTO = StoredIdentity(EXPERT, "new", "old", "old", (), changed_at=NOW)
NOBODY = StoredIdentity(STRANGER, None, None, None, ())


class Crash(Exception):
    """Stands for the process dying."""


async def keep(store: Store, *people: StoredIdentity) -> None:
    async with store.transaction() as tx:
        for identity in people:
            await tx.save_identity(identity)


async def test_what_is_kept_comes_back(store: Store) -> None:
    await keep(store, IDA, OTTO, NOBODY)
    async with store.transaction() as tx:
        assert await tx.identities([REQUESTER, EXPERT, STRANGER, "@unknown:hospital.example"]) == {
            REQUESTER: IDA,
            EXPERT: OTTO,
            STRANGER: NOBODY,
        }
        assert await tx.identities([EXPERT]) == {EXPERT: OTTO}
        assert await tx.identities([]) == {}
        assert sorted(await tx.known_users()) == sorted([REQUESTER, EXPERT, STRANGER])


async def test_keeping_again_replaces(store: Store) -> None:
    await keep(store, IDA)
    changed = replace(IDA, master="other", verified="master", devices=IDA.devices[:1], stale=True, changed_at=NOW)
    await keep(store, changed)
    async with store.transaction() as tx:
        assert await tx.identities([REQUESTER]) == {REQUESTER: changed}
        assert await tx.known_users() == [REQUESTER]
    await keep(store, IDA)
    async with store.transaction() as tx:
        assert await tx.identities([REQUESTER]) == {REQUESTER: IDA}, "a change that was taken back has no time"


async def test_a_rollback_undoes_it(store: Store) -> None:
    await keep(store, IDA)

    async def work() -> None:
        async with store.transaction() as tx:
            await tx.save_identity(replace(IDA, master="other"))
            await tx.save_identity(OTTO)
            await tx.mark_all_stale()
            raise Crash

    with pytest.raises(Crash):
        await work()
    async with store.transaction() as tx:
        assert await tx.identities([REQUESTER, EXPERT]) == {REQUESTER: IDA}


async def test_what_changed_is_marked_and_nothing_else(store: Store) -> None:
    await keep(store, IDA, OTTO)
    async with store.transaction() as tx:
        await tx.mark_stale([EXPERT, STRANGER])
        await tx.mark_stale([])
    async with store.transaction() as tx:
        assert await tx.identities([REQUESTER, EXPERT, STRANGER]) == {REQUESTER: IDA, EXPERT: replace(OTTO, stale=True)}
        await tx.mark_all_stale()
        assert all(identity.stale for identity in (await tx.identities([REQUESTER, EXPERT])).values())


async def test_a_sealed_identity_does_not_open_as_somebody_elses(store: Store) -> None:
    """Who can write to the database cannot make their own devices those of another."""
    await keep(store, OTTO)
    async with store.engine.begin() as connection:
        await connection.execute(update(identities).values(user_id=REQUESTER))
    async with store.transaction() as tx:
        with pytest.raises(Tampered):
            await tx.identities([REQUESTER])
