"""Schema changes, one module each in `versions`, applied when a store is opened. None is ever edited once released."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ernbot.storage.errors import StorageError

ADVISORY_LOCK = 0x65726E626F74
"""Two processes that start at once take turns; any number that nobody else uses."""


async def migrate(connection: AsyncConnection) -> None:
    """Bring the schema up to date inside the transaction of this connection.

    Raises:
        StorageError: a newer version of the program has been here.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
    await connection.run_sync(_upgrade)


def _newest() -> str:
    return max(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*.py")).partition("_")[0]


def _upgrade(connection: Connection) -> None:
    # Nearly every start finds the schema as it should be, and alembic takes half a second to load.
    if inspect(connection).has_table("alembic_version"):
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        if found == [_newest()]:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StorageError("A newer version of this program made the database: install that version.") from None
