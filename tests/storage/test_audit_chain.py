"""The audit chain: append-only by trigger, and every kind of tampering by someone without the key is found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ernbot.storage.audit import AuditFault, FaultKind, verify_audit
from ernbot.storage.errors import Tampered
from ernbot.storage.store import Store

from .samples import EXPERT, NOW, REQUESTER

DROP_TRIGGERS = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"),
    "postgresql": ("DROP TRIGGER audit_append_only ON audit",),
}


async def _fill(store: Store, entries: int = 6) -> None:
    for number in range(entries):
        async with store.transaction() as tx:
            tx.audit(
                at=NOW,
                actor=REQUESTER if number % 2 else EXPERT,
                action="read",
                case_id=f"c-{number}",
                decision="allowed",
                detail={"number": number, "word": "ø"},
            )


async def _tamper(store: Store, *statements: str) -> None:
    async with store.engine.begin() as connection:
        for statement in (*DROP_TRIGGERS[store.engine.dialect.name], *statements):
            await connection.execute(text(statement))


async def test_an_untouched_chain_is_intact(store: Store) -> None:
    empty = await verify_audit(store)
    assert (empty.entries, empty.intact) == (0, True)
    await _fill(store)
    report = await verify_audit(store)
    assert (report.entries, report.faults) == (6, ())
    assert len(report.head) == 64


async def test_entries_of_one_transaction_are_chained_in_order(store: Store) -> None:
    async with store.transaction() as tx:
        for action in ("read", "sign"):
            tx.audit(at=NOW, actor=REQUESTER, action=action, decision="allowed")
    assert (await verify_audit(store)).intact
    async with store.engine.connect() as connection:
        rows = await connection.execute(text("SELECT action FROM audit ORDER BY seq"))
        assert [row.action for row in rows] == ["read", "sign"]


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = '@eve:x' WHERE seq = 2", "DELETE FROM audit"])
async def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    await _fill(store, 3)
    with pytest.raises(DBAPIError, match="audit entries are never"):
        async with store.engine.begin() as connection:
            await connection.execute(text(statement))
    assert (await verify_audit(store)).entries == 3


COLUMNS = {
    "at": "'2020-01-01 00:00:00'",
    "actor": "'@eve:x'",
    "action": "'sign'",
    "case_id": "NULL",
    "decision": "'no-case'",
    "detail": "'{}'",
    "previous": "hash",
}


@pytest.mark.parametrize("column", COLUMNS)
async def test_no_column_can_be_changed_unseen(store: Store, column: str) -> None:
    await _fill(store, 3)
    await _tamper(store, f"UPDATE audit SET {column} = {COLUMNS[column]} WHERE seq = 2")
    assert (await verify_audit(store)).faults == (AuditFault(2, "changed"),)


TAMPERING: list[tuple[str, Sequence[str], Sequence[tuple[int, FaultKind]]]] = [
    ("changed hash", ["UPDATE audit SET hash = previous WHERE seq = 3"], [(3, "changed"), (4, "out-of-order")]),
    ("first removed", ["DELETE FROM audit WHERE seq = 1"], [(2, "missing")]),
    ("one removed", ["DELETE FROM audit WHERE seq = 3"], [(4, "missing")]),
    (
        "one removed and the rest moved up",
        ["DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = 5 WHERE seq = 6"],
        [(5, "changed"), (6, "cut")],
    ),
    (
        "two exchanged",
        [
            "UPDATE audit SET seq = 99 WHERE seq = 2",
            "UPDATE audit SET seq = 2 WHERE seq = 3",
            "UPDATE audit SET seq = 3 WHERE seq = 99",
        ],
        [(2, "changed"), (3, "changed"), (4, "out-of-order")],
    ),
    ("end cut", ["DELETE FROM audit WHERE seq > 4"], [(5, "cut")]),
    ("all removed", ["DELETE FROM audit"], [(1, "cut")]),
    (
        "end cut and head moved back",
        [
            "DELETE FROM audit WHERE seq > 4",
            "UPDATE audit_head SET entries = 4, last_hash = (SELECT hash FROM audit WHERE seq = 4)",
        ],
        [(4, "head")],
    ),
    ("all removed with the head", ["DELETE FROM audit", "DELETE FROM audit_head"], [(0, "head")]),
    (
        "one put at the end",
        [
            "INSERT INTO audit SELECT 7, at, actor, action, case_id, decision, detail, hash, hash "
            "FROM audit WHERE seq = 6"
        ],
        [(7, "changed"), (7, "head")],
    ),
]


@pytest.mark.parametrize(
    ("statements", "faults"), [case[1:] for case in TAMPERING], ids=[case[0] for case in TAMPERING]
)
async def test_tampering_is_found(
    store: Store, statements: Sequence[str], faults: Sequence[tuple[int, FaultKind]]
) -> None:
    await _fill(store)
    await _tamper(store, *statements)
    assert (await verify_audit(store)).faults == tuple(AuditFault(*fault) for fault in faults)


async def test_an_entry_replayed_from_the_same_chain_is_found(store: Store) -> None:
    """A genuine entry put where another one was keeps neither its number nor its predecessor."""
    await _fill(store)
    copy = ", ".join(
        f"{column} = (SELECT {column} FROM audit WHERE seq = 2)"
        for column in ("at", "actor", "action", "case_id", "decision", "detail", "previous", "hash")
    )
    await _tamper(store, f"UPDATE audit SET {copy} WHERE seq = 4")
    assert not (await verify_audit(store)).intact


async def test_a_forged_head_is_not_built_upon(store: Store) -> None:
    """Going on after a cut end would make the chain genuine again."""
    await _fill(store, 3)
    await _tamper(
        store,
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit_head SET entries = 2, last_hash = (SELECT hash FROM audit WHERE seq = 2)",
    )
    with pytest.raises(Tampered, match="ernbot audit verify"):
        await _fill(store, 1)
    assert (await verify_audit(store)).faults == (AuditFault(2, "head"),)


async def test_what_is_written_after_a_cut_does_not_hide_it(store: Store) -> None:
    await _fill(store, 3)
    await _tamper(store, "DELETE FROM audit WHERE seq = 3")
    await _fill(store, 2)
    assert (await verify_audit(store)).faults == (AuditFault(4, "missing"),)


async def test_verifying_sees_one_moment_while_others_write(store: Store) -> None:
    await _fill(store, 3)
    writing = asyncio.create_task(_fill(store, 20))
    reports = await asyncio.gather(*(verify_audit(store) for _ in range(5)))
    await writing
    assert [report.faults for report in reports] == [()] * 5
    assert (await verify_audit(store)).entries == 23
