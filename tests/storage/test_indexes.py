"""What waits is found by its index on SQLite, however much has been handled before.

SQLite takes a partial index only when a query says its condition in the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event

from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

from .samples import NOW

Read = Callable[[Transaction], Awaitable[object]]

READS: dict[str, Read] = {
    "ix_inbox_pending": lambda tx: tx.pending(),
    "ix_inbox_waiting": lambda tx: tx.hurry_events("session"),
    "ix_outbox_waiting": lambda tx: tx.due(NOW),
    "ix_room_keys_not_backed_up": lambda tx: tx.room_keys_to_back_up(1),
}


async def _plan(store: Store, read: Read) -> str:
    """How SQLite finds the rows of the first statement that is asked for."""
    asked: list[tuple[str, Any]] = []
    engine = store.engine.sync_engine

    def hear(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    async with store.transaction() as tx:
        event.listen(engine, "before_cursor_execute", hear)
        try:
            await read(tx)
        finally:
            event.remove(engine, "before_cursor_execute", hear)
    statement, parameters = asked[0]
    async with store.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row.detail for row in rows)


@pytest.mark.parametrize("index", READS)
async def test_what_waits_is_found_by_its_index(sqlite_store: Store, index: str) -> None:
    assert f"INDEX {index}" in await _plan(sqlite_store, READS[index])
