"""What the homeserver has told us already, so that nothing is taken twice, whatever crashes in between.

It keeps envelopes only (ids, kinds, times): never the content of an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

LONGEST = 255  # bytes of an id or a type, by the Matrix specification ("Size limits")


@dataclass(frozen=True)
class Envelope:
    """The outside of an event; `origin_server_ts` is in milliseconds since 1970."""

    event_id: str
    room_id: str
    type: str
    sender: str
    origin_server_ts: int


class Ledger:
    """Transactions and events that were accepted, in two tables of the bot's database."""

    def __init__(self, engine: AsyncEngine, transactions: Table, events: Table) -> None:
        self._engine, self._transactions, self._events = engine, transactions, events
        self._one_at_a_time = asyncio.Lock()

    async def accept(self, txn_id: str, envelopes: Iterable[Envelope], at: datetime) -> Sequence[Envelope]:
        """Record a transaction, durably when this returns; the envelopes that were never seen before.

        A transaction that is known already yields nothing. Raises what the database raises, having recorded
        nothing: the homeserver then sends the same transaction again.
        """
        async with self._one_at_a_time, self._engine.begin() as connection:
            if await self._known(connection, self._transactions.c.txn_id, [txn_id]):
                return ()
            by_id = {envelope.event_id: envelope for envelope in envelopes}
            known = await self._known(connection, self._events.c.event_id, list(by_id))
            new = [envelope for event_id, envelope in by_id.items() if event_id not in known]
            await connection.execute(insert(self._transactions), {"txn_id": txn_id, "received_at": at})
            if new:
                # For the bridge, to have recorded the envelope is to have handled the event.
                await connection.execute(insert(self._events), [vars(e) | {"handled_at": at} for e in new])
            return new

    @staticmethod
    async def _known(connection: Any, column: Any, ids: Sequence[str]) -> set[str]:
        return set(await connection.scalars(select(column).where(column.in_(ids))))


def envelope(event: object) -> Envelope | None:
    """The envelope of an event as a homeserver sends it; None for what no homeserver may send."""
    if not isinstance(event, dict):
        return None
    event_id, kind, sender = event.get("event_id"), event.get("type"), event.get("sender")
    room_id, sent_at = event.get("room_id"), event.get("origin_server_ts")
    if not (_is_id(event_id) and _is_id(room_id) and _is_id(kind) and _is_id(sender)):
        return None
    if not isinstance(sent_at, int) or not 0 <= sent_at < 2**63:
        return None
    return Envelope(event_id, room_id, kind, sender, sent_at)


def _is_id(value: object) -> TypeGuard[str]:
    """Whether this can be an id: PostgreSQL stores no NUL and no lone surrogate."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        return len(value.encode()) <= LONGEST
    except UnicodeEncodeError:
        return False
