"""Changing the master key: every data key is wrapped anew, and what they sealed stays as it is.

The bot is stopped for it, as a process that holds only the old key cannot open what was wrapped with the new one.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from ernbot.storage.database import connected, flush_journal
from ernbot.storage.store import Store
from ernbot.storage.tables import vault_keys


async def rotate(store: Store) -> int:
    """Wrap all data keys with the current master key; how many were not yet. All of them change, or none.

    Raises:
        WrongKey: a key was wrapped by a master key that is neither the current nor a previous one.
        StorageBusy: the database is in use.
    """
    ring = store.vault.keyring
    async with connected(store.engine) as connection:
        query = select(vault_keys).where(vault_keys.c.master_key_id != ring.current_id).with_for_update()
        rows = (await connection.execute(query)).all()
        if not rows:
            return 0
        await connection.execute(
            update(vault_keys).where(vault_keys.c.scope == bindparam("of")).values(wrapped=bindparam("anew")),
            [
                {"of": row.scope, "anew": ring.wrap(row.scope, ring.unwrap(row.scope, row.wrapped, row.master_key_id))}
                for row in rows
            ],
        )
        stale = vault_keys.c.master_key_id != ring.current_id
        await connection.execute(update(vault_keys).where(stale).values(master_key_id=ring.current_id))
    if store.engine.dialect.name == "sqlite":
        await flush_journal(store.engine)
    return len(rows)
