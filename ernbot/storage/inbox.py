"""The inbox: every event is a row, keyed by its id, before it is handled. A handled row keeps its id, not its words."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, or_, select, update

from ernbot.storage.errors import Shredded
from ernbot.storage.records import InboxItem
from ernbot.storage.sealing import SealedRows, from_json, sealed, to_json
from ernbot.storage.tables import inbox

PENDING = (
    sealed(inbox)
    .where(~inbox.c.handled, or_(inbox.c.not_before.is_(None), inbox.c.not_before <= bindparam("at")))
    .order_by(inbox.c.seq)
    .limit(bindparam("limit"))
)
ONE = update(inbox).where(inbox.c.event_id == bindparam("event"))
HANDLED = ONE.values(handled=True, payload=None)
POSTPONE = ONE.values(not_before=bindparam("not_before"), attempts=inbox.c.attempts + 1)
HURRY = update(inbox).where(inbox.c.session_id == bindparam("session"), ~inbox.c.handled).values(not_before=None)


class InboxRows(SealedRows):
    """The part of a transaction that holds received events."""

    async def receive(self, item: InboxItem) -> bool:
        """Keep an event until it is handled; False when it was received before."""
        scope = await self.scope_of(item.room_id)
        return await self._add(
            inbox,
            "event_id",
            event_id=item.event_id,
            room_id=item.room_id,
            sender=item.sender,
            kind=item.kind,
            at=item.at,
            scope=scope,
            payload=await self._seal(scope, to_json(item.payload), inbox, "payload", item.event_id),
            session_id=item.session_id,
        )

    async def pending(self, limit: int = 1000, *, at: datetime | None = None) -> list[InboxItem]:
        """Events not yet handled and not postponed beyond `at` (now), in the order in which they came.

        Those whose key was destroyed can never be handled; they are settled and left out.
        """
        rows = (await self._connection.execute(PENDING, {"at": at or datetime.now(UTC), "limit": limit})).all()
        items = []
        for row in rows:
            try:
                payload = from_json(self._open(row, inbox, "payload", row.event_id))
            except Shredded:
                await self.handled(row.event_id)
                continue
            items.append(InboxItem(row.event_id, row.room_id, row.sender, row.kind, payload, row.at, row.session_id))
        return items

    async def handled(self, event_id: str) -> None:
        await self._connection.execute(HANDLED, {"event": event_id})

    async def postpone(self, event_id: str, until: datetime) -> None:
        await self._connection.execute(POSTPONE, {"event": event_id, "not_before": until})

    async def hurry_events(self, session_id: str) -> None:
        """The key of this session came: what waits for it is handled at once."""
        await self._connection.execute(HURRY, {"session": session_id})

    async def inbox_attempts(self, event_id: str) -> int:
        """How often an event was postponed; 0 for an unknown one."""
        attempts: int | None = await self._connection.scalar(
            select(inbox.c.attempts).where(inbox.c.event_id == event_id)
        )
        return attempts or 0
