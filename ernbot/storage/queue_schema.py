"""The tables of procrastinate, in a schema of their own: made where there are none, and brought up to date.

They belong to the library, which ships them and their changes as SQL. Nothing of ours is in there but ids of jobs.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
from procrastinate.schema import SchemaManager
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ernbot.storage.errors import StorageError
from ernbot.storage.migrations import ADVISORY_LOCK


def _changes() -> dict[str, str]:
    """What the library has changed in its tables so far, in that order."""
    return {each.stem: each.read_text() for each in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))}


async def prepare(connection: AsyncConnection) -> str:
    """Make or update the queue's schema within the transaction of this connection; its name.

    It is called `ernbot_queue`, or after the schema that our own tables are in unless that is `public`. The comment on
    it says which of the library's changes was the last.

    Raises:
        StorageError: the role may not make it, or a newer version of the library has been here.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
    ours = await connection.scalar(text("SELECT current_schema()"))
    name = "ernbot_queue" if ours == "public" else f"{ours}_queue"
    changes = _changes()
    newest = max(changes)
    query = text("SELECT obj_description(oid, 'pg_namespace') AS last FROM pg_namespace WHERE nspname = :name")
    found = (await connection.execute(query, {"name": name})).one_or_none()
    last = found.last if found is not None else None
    if last == newest:
        return name
    if last is not None and last > newest:
        raise StorageError("A newer version of this program made the queue of files: install that version.")
    quoted = '"' + name.replace('"', '""') + '"'
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    newer = [script for change, script in changes.items() if last is not None and change > last]
    scripts = newer or [SchemaManager.get_schema()]
    try:
        if found is None:
            await driver.execute(f"CREATE SCHEMA {quoted}")
        await driver.execute(f"SET LOCAL search_path TO {quoted}")
        for script in scripts:
            await driver.execute(script)
        await driver.execute(f"COMMENT ON SCHEMA {quoted} IS '{newest}'")
    except asyncpg.InsufficientPrivilegeError:
        raise StorageError(
            f"The queue of files needs the schema {name}, which the role of storage.database may not make: "
            f"run CREATE SCHEMA {quoted} AUTHORIZATION that role, as the owner of the database."
        ) from None
    return name
