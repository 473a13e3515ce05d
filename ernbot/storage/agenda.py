"""What is due by itself, and what people want to hear of it. When it is due is for `core.agenda` to say.

A row is one thing of one case for one person: `due_at` is when it is due next, `again_at` when it is due once more
after that, and `said_at` when it was said last. What is said moves on to `again_at`; where there is none, or it has
passed as well, nothing is due until the case is planned anew. So is a case after every change of it. Whoever says or
does what is due marks it in the transaction that queues the message, so that it happens once whatever crashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from ernbot.core.agenda import SAID, Due, Task
from ernbot.core.case import Case
from ernbot.core.worklist import Index
from ernbot.storage.cases import CASE, CaseRows
from ernbot.storage.errors import Shredded
from ernbot.storage.sealing import KEY, batches
from ernbot.storage.tables import agenda, case_people, cases, reminders, vault_keys
from ernbot.storage.worklist import seats

DONE = (Task.ASK, Task.GUEST, Task.LOOK)
"""Kinds for which a case is looked at, instead of something being said to a person."""

UNPLANNED = (
    select(cases.c.id, cases.c.scope, cases.c.content, cases.c.room_id, cases.c.card_event_id)
    .add_columns(cases.c.brief.is_not(None).label("indexed"), *KEY)
    .outerjoin_from(cases, vault_keys, vault_keys.c.scope == cases.c.scope)
    .where(~cases.c.planned)
    .order_by(cases.c.id)
    .limit(bindparam("limit"))
    .with_for_update(of=cases, skip_locked=True)
)
MARK = (
    update(agenda)
    .where(agenda.c.user_id == bindparam("who"), agenda.c.case_id.in_(bindparam("of", expanding=True)))
    .where(agenda.c.kind.not_in(DONE), agenda.c.due_at <= bindparam("by"))
    .values(due_at=agenda.c.again_at, again_at=None, said_at=bindparam("at"))
)
"""Somebody was told all that is due of these cases by a time."""


@dataclass(frozen=True)
class Unplanned:
    """A case to be planned, with what was said of it before, by kind and person. `case` is None once it is shredded.

    `is_indexed` is false for a case of an earlier version.
    """

    case_id: str
    case: Case | None
    room_id: str | None
    card_event_id: str | None
    is_indexed: bool
    said: dict[tuple[str, str], datetime]


@dataclass(frozen=True)
class Plan:
    """The agenda of a case as it was planned; `index` is given where it has to be written as well."""

    case: Case
    due: Sequence[Due]
    said: dict[tuple[str, str], datetime]
    index: Index | None = None


@dataclass(frozen=True)
class Listener:
    """How somebody wants to be reminded (`off`, `daily` or `weekly`), and when they were last."""

    user_id: str
    every: str = "daily"
    said_at: datetime | None = None


@dataclass(frozen=True)
class Reminder:
    """One thing that somebody is to be reminded of, and when once more; `due` is by when the panel answers.

    `readable` while the case has a brief.
    """

    case_id: str
    kind: str
    network: str
    room_id: str | None
    urgent: bool
    due: date | None
    again_at: datetime | None
    readable: bool


class AgendaRows(CaseRows):
    """The part of a transaction that holds what is due."""

    async def unplanned(self, limit: int) -> list[Unplanned]:
        """Cases to be planned, each held until the transaction ends; those that another process holds are left out."""
        rows = (await self._connection.execute(UNPLANNED, {"limit": limit})).all()
        said: dict[str, dict[tuple[str, str], datetime]] = {row.id: {} for row in rows}
        known = select(agenda).where(agenda.c.case_id.in_(list(said)), agenda.c.said_at.is_not(None))
        for row in await self._connection.execute(known):
            said[row.case_id][(row.kind, row.user_id)] = row.said_at
        found = []
        for row in rows:
            try:
                case = CASE.validate_json(self._open(row, cases, "content", row.id))
            except Shredded:
                case = None
            found.append(Unplanned(row.id, case, row.room_id, row.card_event_id, row.indexed, said[row.id]))
        return found

    async def plan(self, plans: Sequence[Plan], dropped: Sequence[str] = ()) -> None:
        """Write the agendas of cases that were read by `unplanned`, and nothing for those that are dropped."""
        ids = [*(plan.case.id for plan in plans), *dropped]
        if not ids:
            return
        await self._connection.execute(delete(agenda).where(agenda.c.case_id.in_(ids)))
        if rows := [row for plan in plans for row in _rows(plan)]:
            await self._connection.execute(insert(agenda), rows)
        await self._connection.execute(update(cases).where(cases.c.id.in_(ids)).values(planned=True))
        if indexed := [(plan.case, plan.index) for plan in plans if plan.index is not None]:
            await self._write_indexes(indexed)

    async def _write_indexes(self, indexed: Sequence[tuple[Case, Index]]) -> None:
        for case, known in indexed:
            await self._change_case(case.id, **await self._index_of(case, known))
        of = case_people.c.case_id.in_([case.id for case, _ in indexed])
        await self._connection.execute(delete(case_people).where(of))
        if rows := [row for case, known in indexed for row in seats(case.id, known)]:
            await self._connection.execute(insert(case_people), rows)

    async def plan_all_anew(self) -> None:
        """The configuration has changed: who may see what is found anew for every case, and until then nobody does."""
        await self._connection.execute(delete(case_people))
        await self._connection.execute(update(cases).values(planned=False, brief=None))

    async def look_at_due(self, at: datetime) -> None:
        """Have those cases planned anew for which something is to be done by now."""
        due = select(agenda.c.case_id).where(agenda.c.due_at <= at, agenda.c.kind.in_(DONE))
        await self._connection.execute(update(cases).where(cases.c.id.in_(due), cases.c.planned).values(planned=False))

    async def next_due_at(self, after: datetime) -> datetime | None:
        """When something is due next after a time."""
        query = select(func.min(agenda.c.due_at)).where(agenda.c.due_at > after)
        due_at: datetime | None = await self._connection.scalar(query)
        return due_at

    async def listeners(self, at: datetime) -> list[Listener]:
        """Everybody for whom there is something to be said by now, whatever they want to hear."""
        query = (
            select(agenda.c.user_id, reminders.c.every, reminders.c.said_at)
            .distinct()
            .join_from(agenda, cases, cases.c.id == agenda.c.case_id)
            .outerjoin(reminders, reminders.c.user_id == agenda.c.user_id)
            .where(agenda.c.due_at <= at, agenda.c.kind.in_(SAID), cases.c.planned)
            .order_by(agenda.c.user_id)
        )
        rows = await self._connection.execute(query)
        return [Listener(row.user_id, row.every or "daily", row.said_at) for row in rows]

    async def reminders_for(self, users: Sequence[str], at: datetime) -> dict[str, list[Reminder]]:
        """What is to be said to each of them by now, urgent cases first; held until the transaction ends."""
        of_case = (cases.c.network, cases.c.room_id, cases.c.urgent, cases.c.due)
        readable = and_(cases.c.brief.is_not(None), vault_keys.c.scope.is_not(None))
        query = (
            select(agenda.c.user_id, agenda.c.case_id, agenda.c.kind, *of_case, agenda.c.again_at, readable)
            .join_from(agenda, cases, cases.c.id == agenda.c.case_id)
            .outerjoin(vault_keys, vault_keys.c.scope == cases.c.scope)
            .where(agenda.c.user_id.in_(users), agenda.c.due_at <= at, agenda.c.kind.in_(SAID), cases.c.planned)
            .order_by(cases.c.urgent.desc(), agenda.c.due_at, agenda.c.case_id, agenda.c.kind)
            .with_for_update(of=agenda)
        )
        found: dict[str, list[Reminder]] = {user: [] for user in users}
        for user, *rest in await self._connection.execute(query):
            found[user].append(Reminder(*rest))
        return found

    async def said(self, told: Mapping[Listener, Sequence[Reminder]], at: datetime) -> None:
        """Note what people were reminded of; cases of which it is not known what comes next are planned anew."""
        if not told:
            return
        for who, what in told.items():
            for batch in batches(each.case_id for each in what):
                await self._connection.execute(MARK, {"who": who.user_id, "of": batch, "by": at, "at": at})
        anew = (each.case_id for what in told.values() for each in what if not each.again_at or each.again_at <= at)
        for batch in batches(anew):
            await self._connection.execute(update(cases).where(cases.c.id.in_(batch)).values(planned=False))
        await self._add_all(reminders, "user_id", [{"user_id": who.user_id, "every": who.every} for who in told])
        people = [{"who": who.user_id} for who in told]
        await self._connection.execute(
            update(reminders).where(reminders.c.user_id == bindparam("who")).values(said_at=at), people
        )

    async def listener(self, user_id: str) -> Listener:
        """How somebody wants to be reminded."""
        row = (await self._connection.execute(select(reminders).where(reminders.c.user_id == user_id))).one_or_none()
        return Listener(user_id, row.every, row.said_at) if row is not None else Listener(user_id)

    async def set_reminders(self, user_id: str, every: str) -> None:
        known = await self.listener(user_id)
        await self._put(reminders, user_id=user_id, every=every, said_at=known.said_at)


def _rows(plan: Plan) -> list[dict[str, Any]]:
    """The rows of an agenda: what is due, and what was said and may matter for what is due later."""
    due = {(str(each.kind), each.who): each for each in plan.due}
    return [
        {
            "case_id": plan.case.id,
            "kind": kind,
            "user_id": who,
            "due_at": coming.at if coming is not None else None,
            "again_at": coming.again if coming is not None else None,
            "said_at": plan.said.get((kind, who)),
        }
        for kind, who in {**due, **plan.said}
        for coming in (due.get((kind, who)),)
    ]
