"""The index of cases: who takes part in which, and a sealed brief of each, so that a worklist opens no whole case.

It is written in the transaction that writes the case. A case of an earlier version has no brief until the calendar, or
the first change, has written its index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import and_, bindparam, delete, insert, literal, or_, select

from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.states import OVER
from ernbot.core.worklist import Brief, Index, Line, is_called
from ernbot.storage.errors import Shredded
from ernbot.storage.sealing import KEY, SealedRows, batches, case_scope
from ernbot.storage.tables import case_people, cases, unplanned, vault_keys

BRIEF = TypeAdapter(Brief)
SEATS_OF = delete(case_people).where(case_people.c.case_id == bindparam("case"))

IN_LINE = (
    cases.c.id,
    cases.c.network,
    cases.c.room_id,
    cases.c.state,
    cases.c.urgent,
    cases.c.due,
    cases.c.answered,
    cases.c.opened_at,
)
"""The columns of a `Line` that belong to the case, in its order."""

LINES_OF = (
    select(*IN_LINE, case_people.c.part, case_people.c.waits, case_people.c.until)
    .join_from(case_people, cases, cases.c.id == case_people.c.case_id)
    .where(case_people.c.user_id == bindparam("user"))
)
LINES_IN = (
    select(*IN_LINE, case_people.c.part, case_people.c.waits, case_people.c.until)
    .outerjoin_from(
        cases,
        case_people,
        and_(case_people.c.case_id == cases.c.id, case_people.c.user_id == bindparam("user")),
    )
    .where(cases.c.network == bindparam("network"), cases.c.state.not_in(OVER))
)
SEALED_BRIEF = select(cases.c.id, cases.c.scope, cases.c.brief, *KEY).outerjoin_from(
    cases, vault_keys, vault_keys.c.scope == cases.c.scope
)
"""The brief of a case without the case."""

NOT_INDEXED = (
    select(literal(1))
    .join_from(unplanned, cases, cases.c.id == unplanned.c.case_id)
    .where(cases.c.brief.is_(None))
    .limit(1)
)


class IndexRows(SealedRows):
    """The part of a transaction that holds the index."""

    async def _index_of(self, case: Case, known: Index | None) -> dict[str, Any]:
        """The columns of a case that belong to the index."""
        columns: dict[str, Any] = {"urgent": case.urgent, "due": case.due, "brief": None}
        if known is not None:
            scope = case_scope(case.id)
            columns["brief"] = await self._seal(scope, BRIEF.dump_json(known.brief), cases, "brief", case.id)
            columns["answered"] = known.answered
        return columns

    async def _seat(self, case_id: str, known: Index | None) -> None:
        """Write who takes part in a case."""
        await self._connection.execute(SEATS_OF, {"case": case_id})
        if known is not None:
            await self._connection.execute(insert(case_people), seats(case_id, known))

    async def lines_of(self, user_id: str) -> list[Line]:
        """The cases in which somebody takes part, those that are over too; in no order."""
        return [Line._make(row) for row in await self._connection.execute(LINES_OF, {"user": user_id})]

    async def lines_in(self, network: str, user_id: str) -> list[Line]:
        """All cases of a network that are not over, with the part that somebody has in them."""
        rows = await self._connection.execute(LINES_IN, {"network": network, "user": user_id})
        return [Line._make(row) for row in rows]

    async def briefs(self, case_ids: Iterable[str]) -> dict[str, Brief]:
        """The briefs of cases; those whose key was destroyed are left out."""
        found = {}
        for batch in batches(case_ids):
            for row in await self._connection.execute(SEALED_BRIEF.where(cases.c.id.in_(batch))):
                brief = self._brief(row)
                if brief is not None:
                    found[row.id] = brief
        return found

    async def _called(self, name: str, user_id: str, directory: Directory) -> list[str]:
        """The cases that this person may know of and would call so, by their briefs.

        Those without a brief are among them: whether they are meant is seen once they are opened.
        """
        users = (user_id, *directory.assisted_by(user_id))
        seated = select(case_people.c.case_id).where(case_people.c.user_id.in_(users))
        listed = [network.id for network in directory.networks if not set(users).isdisjoint(network.coordinators())]
        query = SEALED_BRIEF
        if not any(network.triages(user) for network in directory.networks for user in users):
            # Requests go to dispatchers of any network, so those may know of any case.
            query = query.where(or_(cases.c.id.in_(seated), cases.c.network.in_(listed), cases.c.brief.is_(None)))
        found = []
        for row in await self._connection.execute(query):
            brief = self._brief(row)
            if brief is None or is_called(name, row.id, brief.nickname):
                found.append(row.id)
        return found

    def _brief(self, row: Any) -> Brief | None:
        """The brief in a row of `SEALED_BRIEF`; None when there is none, or none any more."""
        if row.brief is None:
            return None
        try:
            return BRIEF.validate_json(self._open(row, cases, "brief", row.id))
        except Shredded:
            return None

    async def is_indexed(self) -> bool:
        """Whether all cases have their index: those of an earlier version get it after the start."""
        return await self._connection.scalar(NOT_INDEXED) is None


def seats(case_id: str, known: Index) -> Sequence[dict[str, Any]]:
    """The rows of those who take part in a case."""
    return [
        {"case_id": case_id, "user_id": seat.user_id, "part": seat.part, "waits": seat.waits, "until": seat.until}
        for seat in known.seats
    ]
