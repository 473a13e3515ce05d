"""The public keys of other people as we know them: sealed, since a device slipped in here would be given room keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from ernbot.storage.records import StoredIdentity
from ernbot.storage.sealing import SealedRows, batches, from_json, sealed, to_json
from ernbot.storage.tables import identities
from ernbot.storage.vault import SYSTEM

IDENTITIES = sealed(identities).where(identities.c.user_id.in_(bindparam("users", expanding=True)))
IDENTITY_CHANGED, IDENTITY_CONFIRMED = "identity", "identity-confirmed"
"""Kinds of the inbox rows that tell of a changed identity, and of one that was confirmed since."""

STALE = update(identities).where(identities.c.user_id.in_(bindparam("users", expanding=True))).values(stale=True)


class IdentityRows(SealedRows):
    """The part of a transaction that holds the identities of others."""

    async def identities(self, user_ids: Collection[str]) -> dict[str, StoredIdentity]:
        """What we know of these people, by user id; nothing of those we never asked about."""
        found = {}
        for users in batches(user_ids):
            for row in await self._connection.execute(IDENTITIES, {"users": users}):
                found[row.user_id] = self._identity(row)
        return found

    def _identity(self, row: Row[Any]) -> StoredIdentity:
        content = from_json(self._open(row, identities, "content", row.user_id))
        return StoredIdentity(
            row.user_id,
            content["master"],
            content["accepted"],
            content["verified"],
            tuple((device, curve, ed, is_signed) for device, curve, ed, is_signed in content["devices"]),
            row.stale,
            row.changed_at,
        )

    async def save_identity(self, identity: StoredIdentity) -> None:
        content = {
            "master": identity.master,
            "accepted": identity.accepted,
            "verified": identity.verified,
            "devices": identity.devices,
        }
        await self._put(
            identities,
            user_id=identity.user_id,
            stale=identity.stale,
            changed_at=identity.changed_at,
            scope=SYSTEM,
            content=await self._seal(SYSTEM, to_json(content), identities, "content", identity.user_id),
        )

    async def mark_stale(self, user_ids: Iterable[str]) -> None:
        """The homeserver says that the keys of these people changed; those whom we do not know stay unknown."""
        for users in batches(user_ids):
            await self._connection.execute(STALE, {"users": users})

    async def mark_all_stale(self) -> None:
        """What changed is not known, as after a first sync."""
        await self._connection.execute(update(identities).values(stale=True))

    async def stale_users(self) -> list[str]:
        """Those of whom the homeserver says that something changed, and who were not asked about since."""
        return list(await self._connection.scalars(select(identities.c.user_id).where(identities.c.stale)))

    async def known_users(self) -> list[str]:
        return list(await self._connection.scalars(select(identities.c.user_id)))
