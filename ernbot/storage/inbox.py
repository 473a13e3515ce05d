"""The inbox: every event is a row, keyed by its id, before it is handled. A handled row keeps its id, not its words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, or_, select, update

from ernbot.storage.errors import Shredded
from ernbot.storage.records import InboxItem, Waiting
from ernbot.storage.sealing import SealedRows, from_json, sealed, to_json
from ernbot.storage.tables import inbox

PENDING = (
    sealed(inbox)
    .where(
        ~inbox.c.handled,
        or_(inbox.c.not_before.is_(None), inbox.c.not_before <= bindparam("at")),
        inbox.c.room_id.not_in(bindparam("busy", expanding=True)),
    )
    .order_by(func.coalesce(inbox.c.turn, inbox.c.seq), inbox.c.seq)
    .limit(bindparam("limit"))
)
ONE = update(inbox).where(inbox.c.event_id == bindparam("event"))
HANDLED = ONE.values(handled=True, payload=None)
POSTPONE = ONE.values(not_before=bindparam("not_before"), attempts=bindparam("attempts"))
IS_WAITING = (inbox.c.session_id.is_not(None), ~inbox.c.handled)
LATELY = 1000
"""Events that are looked through for arrivals of the last seconds: no bot handles as many in them."""

IS_ARRIVING = (inbox.c.kind == "join", inbox.c.not_before.is_not(None), ~inbox.c.handled)
HURRY = update(inbox).where(inbox.c.session_id == bindparam("session"), *IS_WAITING).values(not_before=None)


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
            not_before=item.not_before,
            scope=scope,
            payload=await self._sealed_payload(scope, item.payload, item.event_id),
            session_id=item.session_id,
            turn=item.turn,
        )

    async def _sealed_payload(self, scope: str, payload: dict[str, Any], event_id: str) -> bytes:
        return await self._seal(scope, to_json(payload), inbox, "payload", event_id)

    async def rewrite(self, item: InboxItem, payload: dict[str, Any]) -> None:
        """Change what a row says that is not handled yet."""
        scope = await self.scope_of(item.room_id)
        values = {"scope": scope, "payload": await self._sealed_payload(scope, payload, item.event_id)}
        await self._connection.execute(update(inbox).where(inbox.c.event_id == item.event_id).values(**values))

    async def pending(
        self, limit: int = 1000, *, at: datetime | None = None, busy: Collection[str] = ()
    ) -> list[InboxItem]:
        """Events not yet handled, not postponed beyond `at` (now) and not in `busy` rooms, in the order of their turn.

        Those whose key was destroyed can never be handled; they are settled and left out.
        """
        place = {"at": at or datetime.now(UTC), "limit": limit, "busy": sorted(busy)}
        items = []
        for row in (await self._connection.execute(PENDING, place)).all():
            try:
                payload = from_json(self._open(row, inbox, "payload", row.event_id))
            except Shredded:
                await self.handled(row.event_id)
                continue
            items.append(
                InboxItem(
                    row.event_id,
                    row.room_id,
                    row.sender,
                    row.kind,
                    payload,
                    row.at,
                    session_id=row.session_id,
                    not_before=row.not_before,
                    attempts=row.attempts,
                    turn=row.turn,
                    seq=row.seq,
                )
            )
        return items

    async def handled(self, event_id: str) -> None:
        await self._connection.execute(HANDLED, {"event": event_id})

    async def drop_turn(self, turn: int) -> None:
        """Nothing that was received in the turn of another row is to be handled."""
        rows = update(inbox).where(inbox.c.turn == turn, ~inbox.c.handled)
        await self._connection.execute(rows.values(handled=True, payload=None))

    async def postpone(self, event_id: str, until: datetime, *, attempts: int) -> None:
        """Look at an event again later; `attempts` is how far its handling has come."""
        await self._connection.execute(POSTPONE, {"event": event_id, "not_before": until, "attempts": attempts})

    async def arrivals(self, room_id: str) -> dict[str, datetime]:
        """Who came into a room and was put off: the event, and until when."""
        query = select(inbox.c.event_id, inbox.c.not_before).where(inbox.c.room_id == room_id, *IS_ARRIVING)
        return {row.event_id: row.not_before for row in await self._connection.execute(query)}

    async def came_since(self, room_id: str, since: datetime) -> int:
        """How many arrivals in a room were noted since then, among the latest `LATELY` events of all rooms."""
        newest = select(func.max(inbox.c.seq)).scalar_subquery()
        query = select(func.count()).where(
            inbox.c.seq > newest - LATELY, inbox.c.room_id == room_id, inbox.c.kind == "join", inbox.c.at >= since
        )
        return int((await self._connection.execute(query)).scalar_one())

    async def settle_arrivals(self, room_id: str) -> None:
        """What those who came into a room were waiting for is done."""
        rows = update(inbox).where(inbox.c.room_id == room_id, *IS_ARRIVING)
        await self._connection.execute(rows.values(handled=True, payload=None))

    async def hurry_events(self, session_id: str) -> None:
        """There is news of this session: what waits for its key is looked at again."""
        await self._connection.execute(HURRY, {"session": session_id})

    async def waiting(self, room_id: str | None = None) -> Waiting:
        """The events that wait for their keys, everywhere or in one room."""
        query = select(func.count(), func.min(inbox.c.at)).where(*IS_WAITING)
        if room_id is not None:
            query = query.where(inbox.c.room_id == room_id)
        count, since = (await self._connection.execute(query)).one()
        return Waiting(count, since)

    async def was_told(self, item: InboxItem, attempts: int, since: datetime) -> bool:
        """Whether an event of the same sender that waits for the same key, or came after `since`, has got this far."""
        return await self._is_there(
            inbox.c.room_id == item.room_id,
            inbox.c.sender == item.sender,
            inbox.c.event_id != item.event_id,
            inbox.c.attempts >= attempts,
            or_(inbox.c.session_id == item.session_id, inbox.c.at >= since),
        )

    async def has_spoken_since(self, item: InboxItem) -> bool:
        """Whether the sender of an event wrote something readable in its room after it."""
        return await self._is_there(
            inbox.c.room_id == item.room_id,
            inbox.c.sender == item.sender,
            inbox.c.kind == "message",
            inbox.c.seq > item.seq,
        )

    async def _is_there(self, *conditions: Any) -> bool:
        found: bool | None = await self._connection.scalar(select(exists().where(*conditions)))
        return bool(found)
