"""The outbox: every effect on the outside world is a row before it happens, and its id is the Matrix transaction id.

A lane is worked off strictly in order: its first unsent row holds all behind it. What was sent or given up keeps its
ids, not its words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select, update

from ernbot.storage.errors import Shredded
from ernbot.storage.records import OutboxItem, SentItem
from ernbot.storage.sealing import SealedRows, case_scope, from_json, sealed, to_json
from ernbot.storage.tables import outbox

CONTENT_KINDS = (
    "message",
    "card",
    "announcement",
    "file",
    "original",
    "outcome",
    "delphi-report",
    "poll",
    "poll-end",
    "invite",
)
"""Kinds that carry words or pictures of a case, or bring somebody to them; a withdrawal takes these back."""

SENT = (outbox.c.id, outbox.c.lane, outbox.c.kind, outbox.c.tag, outbox.c.case_id, outbox.c.event_id)

FIRST = select(func.min(outbox.c.seq)).where(~outbox.c.done).group_by(outbox.c.lane)
DUE = (
    sealed(outbox)
    .where(outbox.c.seq.in_(FIRST), or_(outbox.c.not_before.is_(None), outbox.c.not_before <= bindparam("at")))
    .order_by(outbox.c.seq)
    .limit(bindparam("limit"))
)
ONE = update(outbox).where(outbox.c.id == bindparam("item"))
SETTLE = ONE.values(done=True, payload=None, event_id=bindparam("event_id"), reason=bindparam("reason"))
RETRY = ONE.values(not_before=bindparam("not_before"), attempts=outbox.c.attempts + 1)


class OutboxRows(SealedRows):
    """The part of a transaction that holds what is to be sent."""

    async def send(self, item: OutboxItem) -> None:
        """Put an item at the end of its lane; nothing happens when its id was added before."""
        scope = await self._outbox_scope(item)
        await self._add(
            outbox,
            "id",
            id=item.id,
            lane=item.lane,
            kind=item.kind,
            tag=item.tag,
            case_id=item.case_id,
            room_id=item.room_id,
            at=item.at,
            not_before=item.not_before,
            attempts=item.attempts,
            scope=scope,
            payload=await self._seal(scope, to_json(item.payload), outbox, "payload", item.id),
        )

    async def _outbox_scope(self, item: OutboxItem) -> str:
        if item.case_id is not None:
            return case_scope(item.case_id)
        return await self.scope_of(item.room_id) if item.room_id is not None else f"lane:{item.lane}"

    async def due(self, at: datetime, limit: int = 500) -> list[OutboxItem]:
        """The first unsent item of each lane that is due, in the order of addition.

        Those whose key was destroyed are given up and left out.
        """
        rows = (await self._connection.execute(DUE, {"at": at, "limit": limit})).all()
        items = []
        for row in rows:
            try:
                items.append(self._item(row))
            except Shredded:
                await self.give_up(row.id, "shredded")
        return items

    def _item(self, row: Row[Any]) -> OutboxItem:
        return OutboxItem(
            id=row.id,
            lane=row.lane,
            kind=row.kind,
            case_id=row.case_id,
            room_id=row.room_id,
            payload=from_json(self._open(row, outbox, "payload", row.id)),
            at=row.at,
            not_before=row.not_before,
            attempts=row.attempts,
            tag=row.tag,
        )

    async def sent(self, id: str, event_id: str | None) -> None:
        await self._connection.execute(SETTLE, {"item": id, "event_id": event_id, "reason": None})

    async def retry(self, id: str, until: datetime) -> None:
        """Hold an item, and its lane with it, until a later time."""
        await self._connection.execute(RETRY, {"item": id, "not_before": until})

    async def hurry(self, lane: str) -> None:
        """What holds a lane has come: its items are due at once."""
        await self._connection.execute(
            update(outbox).where(outbox.c.lane == lane, ~outbox.c.done).values(not_before=None)
        )

    async def give_up(self, id: str, reason: str) -> None:
        """Never send an item; `reason` is a code without a clinical word."""
        await self._connection.execute(SETTLE, {"item": id, "event_id": None, "reason": reason})

    async def drop_lane_content(self, lane: str) -> int:
        """Give up every unsent message and file of a lane; how many there were."""
        result = await self._connection.execute(
            update(outbox)
            .where(outbox.c.lane == lane, ~outbox.c.done, outbox.c.kind.in_(CONTENT_KINDS))
            .values(done=True, payload=None, reason="withdrawn")
        )
        return result.rowcount

    async def replace_tagged(self, lane: str, tag: str) -> None:
        """Give up what has not gone out of a lane and bears a tag: something newer takes its place."""
        mine = (outbox.c.lane == lane, outbox.c.tag == tag, ~outbox.c.done)
        await self._connection.execute(update(outbox).where(*mine).values(done=True, payload=None, reason="replaced"))

    async def sent_item(self, event_id: str) -> SentItem | None:
        """Which of our messages an event is."""
        row = (await self._connection.execute(select(*SENT).where(outbox.c.event_id == event_id))).first()
        return SentItem(*row) if row is not None else None

    async def tagged(self, lane: str, tag: str) -> list[SentItem]:
        """The items of a lane with this tag that became events, newest first."""
        query = select(*SENT).where(outbox.c.lane == lane, outbox.c.tag == tag, outbox.c.event_id.is_not(None))
        return [SentItem(*row) for row in await self._connection.execute(query.order_by(outbox.c.seq.desc()))]
