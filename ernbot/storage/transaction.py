"""The transaction: the only door to data. State, audit and everything to be sent commit together or not at all."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ernbot.core.case import Case
from ernbot.storage.agenda import AgendaRows
from ernbot.storage.audit import AuditEntry, head_of
from ernbot.storage.crypto import CryptoRows
from ernbot.storage.identities import IdentityRows
from ernbot.storage.inbox import InboxRows
from ernbot.storage.outbox import OutboxRows
from ernbot.storage.people import PeopleRows
from ernbot.storage.queued_jobs import QueuedJobRows
from ernbot.storage.sealing import case_scope, sealed
from ernbot.storage.tables import (
    agenda,
    case_people,
    cases,
    dialogues,
    image_job_files,
    image_jobs,
    inbox,
    last_steps,
    missed_shares,
    outbox,
    own_room_keys,
    room_keys,
    secrets,
    settings,
    vault_keys,
)
from ernbot.storage.vault import SYSTEM, Vault

SYNC_TOKEN = "sync-token"  # noqa: S105 - the name of a setting
BACKUP_VERSION = "backup-version"
PLANNED_BY = "planned-by"


class Transaction(AgendaRows, QueuedJobRows, PeopleRows, InboxRows, OutboxRows, CryptoRows, IdentityRows):
    """Everything that can be read and written, on one connection; made by `Store.transaction`."""

    def __init__(self, connection: AsyncConnection, vault: Vault) -> None:
        super().__init__(connection, vault)
        self._audited: list[AuditEntry] = []
        self.destroyed_keys = False

    async def shred(self, scope: str) -> None:
        """Destroy the key of a scope: its content can never be read again, and what waited in it is settled."""
        await self._connection.execute(delete(vault_keys).where(vault_keys.c.scope == scope))
        for table in (dialogues, last_steps, image_job_files, image_jobs, room_keys, own_room_keys, missed_shares):
            await self._connection.execute(delete(table).where(table.c.scope == scope))
        of_scope = select(cases.c.id).where(cases.c.scope == scope)
        for table in (agenda, case_people):
            await self._connection.execute(delete(table).where(table.c.case_id.in_(of_scope)))
        await self._connection.execute(
            update(inbox).where(inbox.c.scope == scope, ~inbox.c.handled).values(handled=True, payload=None)
        )
        await self._connection.execute(
            update(outbox)
            .where(outbox.c.scope == scope, ~outbox.c.done)
            .values(done=True, payload=None, reason="shredded")
        )
        self._keys[scope] = None
        self.destroyed_keys = True

    async def erase_case(self, case: Case) -> None:
        """Destroy what was kept of a case, but for what `ending.erase` leaves of it, and the audit."""
        await self.shred(case_scope(case.id))
        await self.forget_room(case.id)
        await self.save_case(case)

    async def sync_token(self) -> str | None:
        return await self._setting(SYNC_TOKEN)

    async def set_sync_token(self, token: str) -> None:
        await self._put(settings, name=SYNC_TOKEN, value=token)

    async def backup_version(self) -> str | None:
        """The key backup that room keys are written to; None when there is none."""
        return await self._setting(BACKUP_VERSION)

    async def set_backup_version(self, version: str) -> None:
        await self._put(settings, name=BACKUP_VERSION, value=version)

    async def planned_by(self) -> str | None:
        """Under which directory and rules the agendas were planned."""
        return await self._setting(PLANNED_BY)

    async def set_planned_by(self, stamp: str) -> None:
        await self._put(settings, name=PLANNED_BY, value=stamp)

    async def _setting(self, name: str) -> str | None:
        value: str | None = await self._connection.scalar(select(settings.c.value).where(settings.c.name == name))
        return value

    async def secret(self, name: str) -> bytes | None:
        """A secret of the program itself, such as a signing key."""
        row = (await self._connection.execute(sealed(secrets).where(secrets.c.name == name))).one_or_none()
        return self._open(row, secrets, "value", name) if row is not None else None

    async def set_secret(self, name: str, value: bytes) -> None:
        sealed_value = await self._seal(SYSTEM, value, secrets, "value", name)
        await self._put(secrets, name=name, scope=SYSTEM, value=sealed_value)

    async def drop_secret(self, name: str) -> None:
        await self._connection.execute(delete(secrets).where(secrets.c.name == name))

    def audit(
        self,
        *,
        at: datetime,
        actor: str,
        action: str,
        case_id: str | None = None,
        decision: str,
        detail: dict[str, str | int] | None = None,
    ) -> None:
        """Record a decision; it joins the chain when the transaction commits. Nothing in it may be clinical.

        What an assistant does for somebody bears the name of both.
        """
        if self.acting_for is not None:
            detail = {**(detail or {}), "for": self.acting_for}
        self._audited.append(AuditEntry(at, actor, action, case_id, decision, detail or {}))

    async def audit_head(self) -> tuple[int, str]:
        """How many entries the audit chain has before those of this transaction, and its last hash.

        Nobody else adds to the chain until this transaction ends. It is asked for last, after the case.
        """
        return await head_of(self._connection)

    @property
    def audited(self) -> tuple[AuditEntry, ...]:
        """What was recorded, for the chain."""
        return tuple(self._audited)

    def settle_keys(self) -> None:
        """Once committed: let the vault know what is now true of its keys."""
        for scope, key in self._keys.items():
            if key is None:
                self._vault.forget(scope)
            else:
                self._vault.remember(scope, key)
