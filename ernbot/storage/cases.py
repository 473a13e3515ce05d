"""Cases and the files shown in them. A case leaves the database only through `case_in` and its access gate."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update

from ernbot.core.access import check_case
from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.errors import Refused
from ernbot.core.states import FITS, OVER, Action, Erased
from ernbot.core.worklist import Index, is_called
from ernbot.storage.audit import AuditEntry
from ernbot.storage.errors import Shredded, StorageError
from ernbot.storage.records import CaseFile, CasePlace, Original, StoredPicture
from ernbot.storage.sealing import batches, case_scope, from_json, sealed, to_json
from ernbot.storage.tables import case_files, case_people, cases, unplanned
from ernbot.storage.vault import SYSTEM
from ernbot.storage.worklist import IndexRows

CASE = TypeAdapter(Case)
PLACE = (cases.c.id, cases.c.network, cases.c.room_id, cases.c.state, cases.c.requester, cases.c.card_event_id)

PLACE_OF_ROOM = select(*PLACE).where(cases.c.room_id == bindparam("room"))
PLACE_OF_CASE = select(*PLACE).where(cases.c.id == bindparam("case"))
CASE_IN = sealed(cases).where(cases.c.room_id == bindparam("room")).with_for_update(of=cases)
CASE_BY_ID = sealed(cases).where(cases.c.id == bindparam("case")).with_for_update(of=cases)
CHANGE = update(cases).where(cases.c.id == bindparam("case"))


class CaseRows(IndexRows):
    """The part of a transaction that holds cases.

    `_audited` is what the audit chain gets at commit. `acting_for` is the clinician on whose behalf an assistant acts,
    as the gate found last.
    """

    _audited: list[AuditEntry]
    acting_for: str | None = None

    async def add_case(self, case: Case, *, index: Index | None = None) -> None:
        scope = case_scope(case.id)
        await self._connection.execute(
            insert(cases).values(
                id=case.id,
                network=case.network,
                requester=case.requester,
                state=case.state.kind,
                opened_at=case.opened_at,
                scope=scope,
                content=await self._seal(scope, CASE.dump_json(case), cases, "content", case.id),
                active_at=case.opened_at,
                **await self._index_of(case, index),
            )
        )
        await self._seat(case.id, index)
        await self._plan_anew([case.id])

    async def case_in(
        self,
        room_id: str,
        user_id: str,
        action: Action,
        network_of: Directory,
        at: datetime,
        *,
        doubt: Refused | None = None,
    ) -> Case:
        """The case of a room, if this person may do this with it now. The decision is audited either way.

        `doubt` is why we are not sure enough that it is this person; who may not do it anyway is not told of it.

        Raises:
            Refused: `no-case` when the room has none (or its key was destroyed, or its network is gone), else what
                `ernbot.core.access.check_case` says, else the doubt.
        """
        row = (await self._connection.execute(CASE_IN, {"room": room_id})).one_or_none()
        return self._given(row, room_id, user_id, action, network_of, at, doubt)

    def _given(
        self,
        row: Row[Any] | None,
        room_id: str,
        user_id: str,
        action: Action,
        directory: Directory,
        at: datetime,
        doubt: Refused | None,
    ) -> Case:
        """The case of a row through the gate, with the decision written down."""
        self.acting_for = None
        try:
            case = self._checked(row, user_id, action, directory, at)
            if doubt is not None:
                raise doubt
        except Refused as refusal:
            self._decided(row, room_id, user_id, action, refusal.code, at)
            raise
        self._decided(row, room_id, user_id, action, "allowed", at)
        return case

    async def case_named(
        self,
        name: str,
        user_id: str,
        action: Action,
        directory: Directory,
        at: datetime,
        *,
        doubt: Refused | None = None,
    ) -> Case:
        """The case of this nickname, number or id, if this person may do this with it now; audited like `case_in`.

        Raises:
            Refused: `case-unknown` when nobody who knows of it would call a case so, `case-ambiguous` when several fit,
                else what `ernbot.core.access.check_case` says, else the doubt.
        """
        found: list[tuple[Row[Any], Refused | None]] = []
        rows: list[Row[Any]] = []
        for batch in batches(await self._called(name, user_id, directory)):
            rows += await self._connection.execute(sealed(cases).where(cases.c.id.in_(batch)))
        for each in sorted(rows, key=lambda row: (row.opened_at, row.id)):
            await asyncio.sleep(0)
            try:
                case = CASE.validate_json(self._open(each, cases, "content", each.id))
                if not is_called(name, case.id, case.nickname):
                    continue
                check_case(user_id, action, case, directory, at)
            except Shredded:
                continue
            except Refused as refusal:
                if refusal.code != "no-case":
                    found.append((each, refusal))
                continue
            found.append((each, None))
        allowed = [row for row, refusal in found if refusal is None]
        if len(allowed) > 1:
            raise Refused("case-ambiguous", name=name)
        if not allowed:
            row, refused = found[0] if found else (None, Refused("case-unknown", name=name))
            assert refused is not None
            self._decided(row, "", user_id, action, refused.code, at)
            raise refused
        (row,) = allowed
        locked = (await self._connection.execute(CASE_BY_ID, {"case": row.id})).one_or_none()
        return self._given(locked, "", user_id, action, directory, at, doubt)

    async def requests(self, user_id: str, directory: Directory, at: datetime) -> list[Case]:
        """The requests that wait for this dispatcher, oldest first."""
        query = sealed(cases).where(cases.c.state.in_(FITS[Action.TRIAGE])).order_by(cases.c.opened_at, cases.c.id)
        found = []
        for row in (await self._connection.execute(query)).all():
            await asyncio.sleep(0)
            with suppress(Refused):
                case = self._checked(row, user_id, Action.TRIAGE, directory, at)
                self._decided(row, "", user_id, Action.TRIAGE, "allowed", at)
                found.append(case)
        return found

    def _checked(self, row: Row[Any] | None, user_id: str, action: Action, directory: Directory, at: datetime) -> Case:
        if row is None or directory.network(row.network) is None:
            raise Refused("no-case")
        try:
            case = CASE.validate_json(self._open(row, cases, "content", row.id))
        except Shredded:
            raise Refused("no-case") from None
        self.acting_for = check_case(user_id, action, case, directory, at)
        return case

    def _decided(
        self, row: Row[Any] | None, room_id: str, user_id: str, action: Action, decision: str, at: datetime
    ) -> None:
        case_id = row.id if row is not None else None
        detail: dict[str, str | int] = {} if row is not None else {"room": room_id}
        if self.acting_for is not None:
            detail["for"] = self.acting_for
        self._audited.append(AuditEntry(at, user_id, str(action), case_id, decision, detail))

    async def save_case(self, case: Case, *, index: Index | None = None, at: datetime | None = None) -> None:
        """Write a case that was read in this transaction, and its index; its agenda is to be planned anew.

        Without an index it has none until it is planned. `at` is when somebody did something with it.

        Raises:
            StorageError: its row is gone.
        """
        scope = SYSTEM if isinstance(case.state, Erased) else case_scope(case.id)
        content = await self._seal(scope, CASE.dump_json(case), cases, "content", case.id)
        place: dict[str, Any] = {"network": case.network, "requester": case.requester, "state": case.state.kind}
        if at is not None:
            place["active_at"] = at
        index_of = await self._index_of(case, index)
        await self._change_case(case.id, **place, scope=scope, content=content, **index_of)
        await self._seat(case.id, index)
        await self._plan_anew([case.id])

    async def _plan_anew(self, case_ids: Iterable[str]) -> None:
        """Have the agendas of cases planned."""
        await self._add_all(unplanned, "case_id", [{"case_id": case_id} for case_id in case_ids])

    async def forget_room(self, case_id: str) -> None:
        """Forget the room of a case that was erased, and what is left of the files in it."""
        await self._connection.execute(delete(case_files).where(case_files.c.case_id == case_id))
        await self._change_case(case_id, room_id=None, card_event_id=None)
        self._room_scopes.clear()

    async def case_as_stored(self, case_id: str) -> bytes:
        """A case for what undoes a step, to be compared and put back; whoever reads one asks `case_in`.

        Raises:
            Shredded: its key was destroyed.
        """
        row = (await self._connection.execute(sealed(cases).where(cases.c.id == case_id))).one()
        return self._open(row, cases, "content", case_id)

    def case_of(self, stored: bytes) -> Case:
        """The case that `case_as_stored` gave."""
        return CASE.validate_json(stored)

    async def _change_case(self, case_id: str, **values: Any) -> None:
        result = await self._connection.execute(CHANGE, {"case": case_id, **values})
        if result.rowcount != 1:
            raise StorageError(f"The case {case_id} is no longer in the database.")

    async def set_case_room(self, case_id: str, room_id: str) -> None:
        await self._change_case(case_id, room_id=room_id)
        self._room_scopes[room_id] = case_scope(case_id)

    async def set_card(self, case_id: str, event_id: str) -> None:
        await self._change_case(case_id, card_event_id=event_id)

    async def case_place(self, case_id: str) -> CasePlace | None:
        return await self._place(PLACE_OF_CASE, case=case_id)

    async def place_of_room(self, room_id: str) -> CasePlace | None:
        return await self._place(PLACE_OF_ROOM, room=room_id)

    async def _place(self, query: Select[Any], **which: str) -> CasePlace | None:
        row = (await self._connection.execute(query, which)).one_or_none()
        return CasePlace(*row) if row is not None else None

    async def places(self, *, requester: str | None = None) -> list[CasePlace]:
        """Where cases are, oldest first; all, or those of one requester."""
        query = select(*PLACE).order_by(cases.c.opened_at, cases.c.id)
        if requester is not None:
            query = query.where(cases.c.requester == requester)
        return [CasePlace(*row) for row in await self._connection.execute(query)]

    async def places_of(self, user_id: str) -> list[CasePlace]:
        """Where the cases are that somebody takes part in and that are not over, oldest first.

        Cases that have no index yet are opened.
        """
        mine = select(*PLACE, cases.c.opened_at).join_from(case_people, cases, cases.c.id == case_people.c.case_id)
        mine = mine.where(case_people.c.user_id == user_id, cases.c.state.not_in(OVER))
        found = [(row[-1], CasePlace(*row[:-1])) for row in await self._connection.execute(mine)]
        query = sealed(cases).where(cases.c.state.not_in(OVER), cases.c.brief.is_(None))
        for row in await self._connection.execute(query):
            try:
                case = CASE.validate_json(self._open(row, cases, "content", row.id))
            except Shredded:
                continue
            if user_id in case.admitted:
                place = (row.id, row.network, row.room_id, row.state, row.requester, row.card_event_id)
                found.append((row.opened_at, CasePlace(*place)))
            await asyncio.sleep(0)
        return [place for _, place in sorted(found, key=lambda each: (each[0], each[1].case_id))]

    async def open_cases(self) -> Counter[str]:
        """In how many cases that are not over each person is on the panel or leads; every case is opened."""
        found: Counter[str] = Counter()
        for row in await self._connection.execute(sealed(cases).where(cases.c.state.not_in(OVER))):
            try:
                found.update(CASE.validate_json(self._open(row, cases, "content", row.id)).members)
            except Shredded:
                continue
            await asyncio.sleep(0)
        return found

    async def states_in(self, network: str) -> Counter[str]:
        """How many cases of a network are in each state."""
        query = (
            select(cases.c.state, func.count().label("found")).where(cases.c.network == network).group_by(cases.c.state)
        )
        return Counter({row.state: row.found for row in await self._connection.execute(query)})

    async def cases_to_count(self, network: str) -> AsyncIterator[Case]:
        """Every case of a network that was neither withdrawn nor erased, opened one by one; for counting, never for
        showing."""
        gone = cases.c.state.in_(("withdrawn", "erased"))
        for row in (await self._connection.execute(sealed(cases).where(cases.c.network == network, ~gone))).all():
            await asyncio.sleep(0)
            with suppress(Shredded):
                yield CASE.validate_json(self._open(row, cases, "content", row.id))

    async def add_file(self, file: CaseFile) -> None:
        scope = case_scope(file.case_id)
        sealed_values = {
            name: await self._seal(scope, value, case_files, name, file.id)
            for name, value in _to_columns(file).items()
            if value is not None
        }
        await self._connection.execute(
            insert(case_files).values(
                id=file.id,
                case_id=file.case_id,
                event_id=file.event_id,
                sender=file.sender,
                at=file.at,
                preview_mimetype=file.preview.mimetype if file.preview else None,
                preview_width=file.preview.width if file.preview else None,
                preview_height=file.preview.height if file.preview else None,
                leader_id=file.leader_id,
                scope=scope,
                **sealed_values,
            )
        )

    async def files(self, case_id: str) -> list[CaseFile]:
        """The files of a case, oldest first.

        Raises:
            Shredded: the key of the case was destroyed.
        """
        query = sealed(case_files).where(case_files.c.case_id == case_id)
        rows = await self._connection.execute(query.order_by(case_files.c.at, case_files.c.id))
        return [self._file(row) for row in rows]

    async def file(self, file_id: str) -> CaseFile | None:
        """One file of any case; only what the program itself has queued may ask for it.

        Raises:
            Shredded: the key of the case was destroyed.
        """
        row = (await self._connection.execute(sealed(case_files).where(case_files.c.id == file_id))).one_or_none()
        return self._file(row) if row is not None else None

    def _file(self, row: Row[Any]) -> CaseFile:
        def opened(name: str) -> bytes | None:
            return None if row._mapping[name] is None else self._open(row, case_files, name, row.id)

        about = from_json(opened("about") or b"{}")
        preview = opened("preview")
        others = from_json(opened("others") or b'{"others": []}')["others"]
        return CaseFile(
            id=row.id,
            case_id=row.case_id,
            event_id=row.event_id,
            sender=row.sender,
            content=from_json(self._open(row, case_files, "content", row.id)),
            facts=from_json(self._open(row, case_files, "facts", row.id)),
            preview=None
            if preview is None
            else StoredPicture(preview, row.preview_mimetype, row.preview_width, row.preview_height),
            at=row.at,
            thumbnail=_picture(opened("thumbnail"), about.get("thumbnail")),
            animation=_picture(opened("animation"), about.get("animation")),
            blurhash=about.get("blurhash"),
            uids=tuple(about.get("uids", ())),
            refers=tuple(about.get("refers", ())),
            others=tuple(Original(event_id, content) for event_id, content in others),
            leader_id=row.leader_id,
        )

    async def secret_of_case(self, case_id: str) -> bytes:
        """32 bytes that belong to a case and go with its key: what makes replacements of one patient fit together.

        Raises:
            Shredded: the key of the case was destroyed.
        """
        key = await self._stored_key(case_scope(case_id))
        if key is None:
            raise Shredded(f"The key of {case_scope(case_id)} was destroyed: its content is gone for good.")
        return key.secret


def _to_columns(file: CaseFile) -> dict[str, bytes | None]:
    """The sealed columns of a file in the clear; None for one that stays empty."""
    pictures = {"thumbnail": file.thumbnail, "animation": file.animation}
    about: dict[str, Any] = {
        name: [picture.mimetype, picture.width, picture.height] for name, picture in pictures.items() if picture
    }
    about |= {"blurhash": file.blurhash, "uids": file.uids, "refers": file.refers}
    others = [[original.event_id, original.content] for original in file.others]
    return {
        "content": to_json(file.content),
        "facts": to_json(file.facts),
        "preview": file.preview.data if file.preview else None,
        **{name: picture.data if picture else None for name, picture in pictures.items()},
        "about": to_json(about),
        "others": to_json({"others": others}) if others else None,
    }


def _picture(data: bytes | None, about: list[Any] | None) -> StoredPicture | None:
    return StoredPicture(data, *about) if data is not None and about is not None else None
