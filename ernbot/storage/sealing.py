"""Sealed values on an open connection: which scope a row belongs to, its data key, sealing and opening.

Reading always takes the wrapped key from the database together with the row, so that a key destroyed by another
process is gone here too. Writing may use a remembered key: what a destroyed key seals is lost, never laid bare.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Row, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from ernbot.storage.errors import Shredded
from ernbot.storage.tables import cases, vault_keys
from ernbot.storage.vault import DataKey, Vault, bound, seal, unseal

# Statements that run for every command are made once: building one costs more than running it.
CASE_OF_ROOM = select(cases.c.id).where(cases.c.room_id == bindparam("room"))
STORED_KEYS = select(vault_keys).where(vault_keys.c.scope.in_(bindparam("of", expanding=True)))
STORED_KEY = select(vault_keys.c.wrapped, vault_keys.c.master_key_id).where(vault_keys.c.scope == bindparam("of"))


KEY = (vault_keys.c.wrapped.label("key_wrapped"), vault_keys.c.master_key_id.label("key_master"))
"""The wrapped key of a row as `_open` wants it, which is null once it was destroyed."""


def sealed(table: Table) -> Select[Any]:
    """All columns of a table with the wrapped key of each row."""
    return select(table, *KEY).outerjoin_from(table, vault_keys, vault_keys.c.scope == table.c.scope)


def case_scope(case_id: str) -> str:
    return f"case:{case_id}"


def case_of(scope: str) -> str | None:
    """The case that a scope belongs to; None for one of no case."""
    kind, _, case_id = scope.partition(":")
    return case_id if kind == "case" else None


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT and asks for nothing back."""
    return postgresql.insert(table).inline() if dialect == "postgresql" else sqlite.insert(table).inline()


@cache
def _insert_once(dialect: str, table: Table, *key: str) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing(index_elements=key)


@cache
def _upsert(dialect: str, table: Table) -> Insert:
    statement = _insert(dialect, table)
    others = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=others)


def batches(values: Iterable[str], size: int = 1000) -> Iterator[list[str]]:
    """Values in lists short enough for one statement: databases bound how many parameters it may have."""
    remaining = sorted(set(values))
    for start in range(0, len(remaining), size):
        yield remaining[start : start + size]


def to_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(value: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(value)
    return parsed


class SealedRows:
    """What every part of a transaction needs: the connection, the vault, and what this transaction changed in it."""

    def __init__(self, connection: AsyncConnection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self._keys: dict[str, DataKey | None] = {}  # made here; None when destroyed here
        self._room_scopes: dict[str, str] = {}

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that is undone alone when it raises; audit entries recorded in it survive.

        Raises:
            whatever its body raises.
        """
        keys, rooms = dict(self._keys), dict(self._room_scopes)
        try:
            async with self._connection.begin_nested():
                yield
        except BaseException:
            self._keys, self._room_scopes = keys, rooms
            raise

    async def _add(self, table: Table, *key: str, **values: Any) -> bool:
        """Insert a row, unless there is one with this key; whether it was inserted."""
        statement = _insert_once(self._connection.dialect.name, table, *key)
        result = await self._connection.execute(statement, values)
        return result.rowcount == 1

    async def _add_all(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """`_add` for many rows in one statement."""
        if rows:
            await self._connection.execute(_insert_once(self._connection.dialect.name, table, key), rows)

    async def _put(self, table: Table, **values: Any) -> None:
        """Insert a row, or replace the one with the same primary key; `values` holds all columns."""
        await self._connection.execute(_upsert(self._connection.dialect.name, table), values)

    async def _put_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """`_put` for many rows in one statement."""
        if rows:
            await self._connection.execute(_upsert(self._connection.dialect.name, table), rows)

    async def scope_of(self, room_id: str) -> str:
        """`case:<id>` for the room of a case, else `room:<room id>`."""
        if room_id not in self._room_scopes:
            case_id = await self._connection.scalar(CASE_OF_ROOM, {"room": room_id})
            self._room_scopes[room_id] = case_scope(case_id) if case_id is not None else f"room:{room_id}"
        return self._room_scopes[room_id]

    async def _seal(self, scope: str, plaintext: bytes, table: Table, column: str, *key: str) -> bytes:
        return seal(await self._key(scope), plaintext, bound(table.name, column, key, scope))

    def _open(self, row: Row[Any], table: Table, column: str, *key: str) -> bytes:
        """A sealed column of a row that was read by `sealed`.

        Raises:
            Shredded: its key was destroyed.
            Tampered: it was changed or moved.
        """
        values = row._mapping
        return unseal(self._row_key(row), values[column], bound(table.name, column, key, values["scope"]))

    def _row_key(self, row: Row[Any]) -> DataKey:
        if row.key_wrapped is None:
            self._vault.forget(row.scope)
            raise Shredded(f"The key of {row.scope} was destroyed: its content is gone for good.")
        return self._keys.get(row.scope) or self._vault.open_key(row.scope, row.key_wrapped, row.key_master)

    async def _key(self, scope: str) -> DataKey:
        """The data key of a scope, made when there is none yet."""
        return self._at_hand(scope) or await self._stored_key(scope) or await self._make_key(scope)

    def _at_hand(self, scope: str) -> DataKey | None:
        return self._keys[scope] if scope in self._keys else self._vault.cached(scope)

    async def _prepare_keys(self, scopes: Iterable[str]) -> None:
        """Have the data keys of many scopes at hand: a few statements find them, and make those that are missing."""
        wanted = [scope for scope in dict.fromkeys(scopes) if self._at_hand(scope) is None]
        for row in await self._connection.execute(STORED_KEYS, {"of": wanted}):
            self._vault.open_key(row.scope, row.wrapped, row.master_key_id)
        made = {scope: self._vault.new_key(scope) for scope in wanted if self._at_hand(scope) is None}
        same = {"master_key_id": self._vault.keyring.current_id, "created_at": datetime.now(UTC)}
        rows = [{"scope": scope, "wrapped": key.wrapped, **same} for scope, key in made.items()]
        await self._add_all(vault_keys, "scope", rows)
        # Another process may have been faster with some: what the table holds counts.
        for row in await self._connection.execute(STORED_KEYS, {"of": list(made)}):
            if row.wrapped == made[row.scope].wrapped:
                self._keys[row.scope] = made[row.scope]

    async def _stored_key(self, scope: str) -> DataKey | None:
        row = (await self._connection.execute(STORED_KEY, {"of": scope})).one_or_none()
        return None if row is None else self._vault.open_key(scope, row.wrapped, row.master_key_id)

    async def _make_key(self, scope: str) -> DataKey:
        key = self._vault.new_key(scope)
        is_ours = await self._add(
            vault_keys,
            "scope",
            scope=scope,
            wrapped=key.wrapped,
            master_key_id=self._vault.keyring.current_id,
            created_at=datetime.now(UTC),
        )
        if not is_ours:
            # Another process was faster; its commit is visible once our insert has waited for it.
            other = await self._stored_key(scope)
            assert other is not None
            return other
        self._keys[scope] = key
        return key
