"""What is due by itself, and what people want to hear of it. When it is due is for `core.agenda` to say.

A row is one thing of one case for one person: `due_at` is when it is due next, `again_at` when it is due once more
after that, and `said_at` when it was said last. What is said moves on to `again_at`; where there is none, or it has
passed as well, nothing is due until the case is planned anew. So is a case after every change of it. Whoever says or
does what is due marks it in the transaction that queues the message, so that it happens once whatever crashes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, false, func, insert, select, update

from ernbot.core.agenda import SAID, Due, Task
from ernbot.core.case import Case
from ernbot.core.worklist import Index
from ernbot.storage.cases import CASE, CaseRows
from ernbot.storage.errors import Shredded
from ernbot.storage.sealing import KEY, batches
from ernbot.storage.tables import agenda, case_people, cases, reminders, unplanned, vault_keys
from ernbot.storage.worklist import seats

DONE = (Task.ASK, Task.GUEST, Task.LOOK)
"""Kinds for which a case is looked at, instead of something being said to a person."""

UNPLANNED = (
    select(cases.c.id, cases.c.scope, cases.c.content, cases.c.room_id, cases.c.card_event_id)
    .add_columns(cases.c.brief.is_not(None).label("indexed"), *KEY)
    .join_from(unplanned, cases, cases.c.id == unplanned.c.case_id)
    .outerjoin(vault_keys, vault_keys.c.scope == cases.c.scope)
    .order_by(unplanned.c.case_id)
    .limit(bindparam("limit"))
    .with_for_update(of=[cases, unplanned], skip_locked=True)
)
IS_PLANNED = agenda.c.case_id.not_in(select(unplanned.c.case_id))
MARK = (
    update(agenda)
    .where(agenda.c.user_id.in_(bindparam("who", expanding=True)))
    .where(agenda.c.case_id.in_(bindparam("of", expanding=True)))
    .where(agenda.c.kind.not_in(DONE), agenda.c.due_at <= bindparam("by"))
    .values(due_at=agenda.c.again_at, again_at=None, said_at=bindparam("at"))
)
"""People were told all that is due of these cases by a time."""


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
    """The agenda of a case as it was planned; `indexed` is the case and its index where that is to be written.

    It holds no case otherwise, so that hundreds of them need not be open at once.
    """

    case_id: str
    due: Sequence[Due]
    said: dict[tuple[str, str], datetime]
    indexed: tuple[Case, Index] | None = None


@dataclass(frozen=True)
class Listener:
    """How somebody wants to be reminded (`off`, `daily` or `weekly`), and when they were last."""

    user_id: str
    every: str = "daily"
    said_at: datetime | None = None


class Reminder(NamedTuple):
    """One thing that somebody is to be reminded of; `due` is by when the panel answers.

    `comes_again` when it is known for when it is planned once more; `readable` while the case has a brief.
    A tuple, because one morning may bring tens of thousands of them.
    """

    case_id: str
    kind: str
    network: str
    room_id: str | None
    urgent: bool
    due: date | None
    comes_again: bool
    readable: bool


class AgendaRows(CaseRows):
    """The part of a transaction that holds what is due."""

    async def unplanned(self, limit: int) -> AsyncIterator[Unplanned]:
        """Cases to be planned, each held until the transaction ends; those that another process holds are left out.

        They are opened one by one.
        """
        rows = (await self._connection.execute(UNPLANNED, {"limit": limit})).all()
        said: dict[str, dict[tuple[str, str], datetime]] = {row.id: {} for row in rows}
        known = select(agenda).where(agenda.c.case_id.in_(list(said)), agenda.c.said_at.is_not(None))
        for row in await self._connection.execute(known):
            said[row.case_id][(row.kind, row.user_id)] = row.said_at
        for row in rows:
            try:
                case = CASE.validate_json(self._open(row, cases, "content", row.id))
            except Shredded:
                case = None
            yield Unplanned(row.id, case, row.room_id, row.card_event_id, row.indexed, said[row.id])

    async def plan(self, plans: Sequence[Plan], dropped: Sequence[str] = ()) -> None:
        """Write the agendas of cases that were read by `unplanned`, and nothing for those that are dropped."""
        ids = [*(plan.case_id for plan in plans), *dropped]
        if not ids:
            return
        await self._connection.execute(delete(agenda).where(agenda.c.case_id.in_(ids)))
        if rows := [row for plan in plans for row in _rows(plan)]:
            await self._connection.execute(insert(agenda), rows)
        await self._connection.execute(delete(unplanned).where(unplanned.c.case_id.in_(ids)))
        if indexed := [plan.indexed for plan in plans if plan.indexed is not None]:
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
        await self._connection.execute(update(cases).values(brief=None))
        await self._connection.execute(delete(unplanned))
        await self._connection.execute(insert(unplanned).from_select(["case_id"], select(cases.c.id)))

    async def look_at_due(self, at: datetime) -> None:
        """Have those cases planned anew for which something is to be done by now."""
        due = select(agenda.c.case_id).distinct().where(agenda.c.due_at <= at, agenda.c.kind.in_(DONE), IS_PLANNED)
        await self._plan_anew((await self._connection.scalars(due)).all())

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
            .where(agenda.c.due_at <= at, agenda.c.kind.in_(SAID), IS_PLANNED)
            .order_by(agenda.c.user_id)
        )
        rows = await self._connection.execute(query)
        return [Listener(row.user_id, row.every or "daily", row.said_at) for row in rows]

    async def reminders_for(self, users: Sequence[str], at: datetime) -> dict[str, list[Reminder]]:
        """What is to be said to each of them by now, urgent cases first; held until the transaction ends."""
        of_case = (cases.c.network, cases.c.room_id, cases.c.urgent, cases.c.due)
        comes_again = func.coalesce(agenda.c.again_at > at, false())
        readable = and_(cases.c.brief.is_not(None), vault_keys.c.scope.is_not(None))
        query = (
            select(agenda.c.user_id, agenda.c.case_id, agenda.c.kind, *of_case, comes_again, readable)
            .join_from(agenda, cases, cases.c.id == agenda.c.case_id)
            .outerjoin(vault_keys, vault_keys.c.scope == cases.c.scope)
            .where(agenda.c.user_id.in_(users), agenda.c.due_at <= at, agenda.c.kind.in_(SAID), IS_PLANNED)
            .order_by(cases.c.urgent.desc(), agenda.c.due_at, agenda.c.case_id, agenda.c.kind)
            .with_for_update(of=agenda)
        )
        found: dict[str, list[Reminder]] = {user: [] for user in users}
        for user, *rest in await self._connection.execute(query):
            found[user].append(Reminder(*rest))
        return found

    async def said(self, told: Mapping[Listener, Sequence[Reminder]], at: datetime) -> None:
        """Note what people were reminded of; cases of which it is not known what comes next are planned anew.

        Each was told of all their cases, or of all that are urgent.
        """
        if not told:
            return
        for urgent in (True, False):
            group = [who for who, what in told.items() if all(each.urgent for each in what) is urgent]
            users = [who.user_id for who in group]
            for batch in batches(each.case_id for who in group for each in told[who]):
                await self._connection.execute(MARK, {"who": users, "of": batch, "by": at, "at": at})
        anew = {each.case_id for what in told.values() for each in what if not each.comes_again}
        await self._plan_anew(sorted(anew))
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
            "case_id": plan.case_id,
            "kind": kind,
            "user_id": who,
            "due_at": coming.at if coming is not None else None,
            "again_at": coming.again if coming is not None else None,
            "said_at": plan.said.get((kind, who)),
        }
        for kind, who in {**due, **plan.said}
        for coming in (due.get((kind, who)),)
    ]
