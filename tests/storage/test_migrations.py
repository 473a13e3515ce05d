"""Opening a database: made when missing, migrated to exactly the tables of the code, refused when it does not fit."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text

from ernbot.storage import migrations
from ernbot.storage.database import make_engine
from ernbot.storage.errors import StorageBusy, StorageError, WrongKey
from ernbot.storage.store import Store
from ernbot.storage.tables import metadata, unplanned
from tests.fixtures_database import MASTER_KEY, Cluster, Database


def _differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
}
"""What Alembic does not compare: the whole definition of a table, the condition of an index."""


async def _definitions(store: Store) -> dict[str, str]:
    async with store.engine.connect() as connection:
        rows = await connection.execute(text(DEFINITIONS[store.engine.dialect.name]))
        # A column that was added later stands on the line of the one before it; SQLite quotes a table that was copied.
        return {
            name: " ".join(definition.replace('"', "").split()) for name, definition in rows if "alembic" not in name
        }


async def test_the_migrated_schema_is_that_of_the_code(store: Store) -> None:
    async with store.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    migrated = await _definitions(store)
    async with store.engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    assert await _definitions(store) == migrated


async def test_opening_again_changes_nothing(database: Database) -> None:
    first = await Store.open(database.url, MASTER_KEY)
    secret = first.vault.derive("audit")
    await first.close()
    second = await Store.open(database.url, MASTER_KEY)
    assert second.vault.derive("audit") == secret
    await second.close()


OLD_CASE = """
INSERT INTO cases (id, network, requester, state, opened_at, scope, content, planned)
VALUES (:id, 'ern-cranio', '@a:hospital.example', 'draft', '2026-03-02 10:00:00+00', 'case:1', :content, {planned})
"""


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)


async def test_what_was_to_be_planned_still_is_after_an_update(database: Database) -> None:
    engine = make_engine(database.url)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0009")
        for case, planned in (("old", "false"), ("planned", "true")):
            await connection.execute(text(OLD_CASE.format(planned=planned)), {"id": case, "content": b"sealed"})
    await engine.dispose()
    store = await Store.open(database.url, MASTER_KEY)
    async with store.engine.connect() as connection:
        assert (await connection.scalars(select(unplanned.c.case_id))).all() == ["old"]
        assert await connection.run_sync(_differences) == []
    await store.close()


async def test_a_wrong_master_key_is_one_clear_sentence(database: Database) -> None:
    await (await Store.open(database.url, MASTER_KEY)).close()
    with pytest.raises(WrongKey, match=r"^The database was encrypted with another master key"):
        await Store.open(database.url, b"x" * 32)


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    store = await Store.open(database.url, MASTER_KEY)
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(StorageError, match="newer version"):
        await Store.open(database.url, MASTER_KEY)


async def test_a_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/new/deep/ernbot.db", MASTER_KEY)
    async with store.transaction() as tx:
        await tx.set_sync_token("s1")
    assert stat.S_IMODE((tmp_path / "new" / "deep").stat().st_mode) == 0o700
    files = list((tmp_path / "new" / "deep").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await store.close()


async def test_sqlite_is_durable_and_checks_references(sqlite_store: Store) -> None:
    async with sqlite_store.engine.connect() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "storage.database is no database address"),
        ("mysql://somewhere/db", "storage.database must begin with one of sqlite"),
        ("sqlite+aiosqlite://", "storage.database names no file"),
        ("sqlite+aiosqlite:////proc/none/ernbot.db", "the database cannot be opened"),
    ],
)
async def test_a_bad_address_is_one_clear_sentence(url: str, sentence: str) -> None:
    with pytest.raises(StorageError, match=sentence):
        await Store.open(url, MASTER_KEY)


async def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database " * 300)
    with pytest.raises(StorageError, match="The database cannot be used: file is not a database"):
        await Store.open(f"sqlite+aiosqlite:///{tmp_path}/x.db", MASTER_KEY)


async def test_a_server_that_is_not_there_is_busy() -> None:
    with pytest.raises(StorageBusy):
        await Store.open("postgresql+asyncpg://ernbot@127.0.0.1:9/none", MASTER_KEY)


async def test_a_server_that_refuses_us_is_one_clear_sentence(postgresql: Cluster) -> None:
    with pytest.raises(StorageError, match='cannot be used: role "missing" does not exist'):
        await Store.open(postgresql.url("missing"), MASTER_KEY)
