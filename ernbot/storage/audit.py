"""The audit chain: append-only entries, each bound to the one before it by a keyed hash, and a sealed head.

Who can write to the database but does not hold the master key can neither change, remove nor reorder an entry, nor cut
the end, without `verify_audit` finding it. Putting back an old copy of the whole database is the one thing it cannot
see: note `AuditReport.entries` and `AuditReport.head` elsewhere to notice that too. Entries hold nothing clinical.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ernbot.storage.database import snapshot
from ernbot.storage.errors import Tampered
from ernbot.storage.tables import audit, audit_head

if TYPE_CHECKING:
    from ernbot.storage.store import Store

PURPOSE = "audit"
GENESIS = "0" * 64
"""What the first entry names as its predecessor."""

HEAD_ID = 1
BATCH = 1_000

CHANGED = "The head of the audit chain was changed: run `ernbot audit verify` and restore a backup."

LOCKED_HEAD = select(audit_head).with_for_update()
ADD = insert(audit)
MOVE_HEAD = update(audit_head)


@dataclass(frozen=True)
class AuditEntry:
    """One decision: who asked for what, when, on which case, and what was decided."""

    at: datetime
    actor: str
    action: str
    case_id: str | None
    decision: str
    detail: dict[str, str | int]


FaultKind = Literal["changed", "missing", "out-of-order", "cut", "head"]


@dataclass(frozen=True)
class AuditFault:
    """Where the chain does not hold.

    `changed`: this entry is not what was written. `missing`: entries before this one are gone. `out-of-order`: this
    entry does not follow the one before it. `cut`: entries at the end are gone. `head`: the head itself was changed.
    """

    seq: int
    kind: FaultKind


@dataclass(frozen=True)
class AuditReport:
    """How many entries there are, the last hash, and every fault found."""

    entries: int
    head: str
    faults: tuple[AuditFault, ...]

    @property
    def intact(self) -> bool:
        return not self.faults


def _mac(key: bytes, *parts: object) -> str:
    return hmac.new(key, json.dumps(parts, separators=(",", ":")).encode(), sha256).hexdigest()


def _entry_hash(key: bytes, values: dict[str, Any]) -> str:
    fields = ("seq", "actor", "action", "case_id", "decision", "detail", "previous")
    at = values["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return _mac(key, "entry", at, *(values[field] for field in fields))


def _head(key: bytes, entries: int, last_hash: str) -> dict[str, Any]:
    return {"entries": entries, "last_hash": last_hash, "mac": _mac(key, "head", entries, last_hash)}


async def begin_chain(connection: AsyncConnection, key: bytes) -> None:
    """An empty chain; called once, when the database is made."""
    await connection.execute(insert(audit_head).values(id=HEAD_ID, **_head(key, 0, GENESIS)))


async def append(connection: AsyncConnection, key: bytes, entries: Sequence[AuditEntry]) -> None:
    """Add entries at the end of the chain, which stays locked until the transaction ends.

    Raises:
        Tampered: the head was changed or removed; going on would hide that.
    """
    if not entries:
        return
    head = (await connection.execute(LOCKED_HEAD)).one_or_none()
    if head is None or not _is_genuine(key, head):
        raise Tampered(CHANGED)
    seq, previous = head.entries, head.last_hash
    rows = []
    for entry in entries:
        seq += 1
        row = {
            "seq": seq,
            "at": entry.at,
            "actor": entry.actor,
            "action": entry.action,
            "case_id": entry.case_id,
            "decision": entry.decision,
            "detail": json.dumps(entry.detail, sort_keys=True, separators=(",", ":")),
            "previous": previous,
        }
        previous = row["hash"] = _entry_hash(key, row)
        rows.append(row)
    await connection.execute(ADD, rows)
    await connection.execute(MOVE_HEAD, _head(key, seq, previous))


async def head_of(connection: AsyncConnection) -> tuple[int, str]:
    """How many entries the chain has, and its last hash; it stays locked until the transaction ends."""
    head = (await connection.execute(LOCKED_HEAD)).one_or_none()
    if head is None:
        raise Tampered(CHANGED)
    return head.entries, head.last_hash


def _is_genuine(key: bytes, head: Any) -> bool:
    return hmac.compare_digest(head.mac, _head(key, head.entries, head.last_hash)["mac"])


async def verify_audit(store: Store) -> AuditReport:
    """Walk the whole chain as it is at this moment."""
    key = store.vault.derive(PURPOSE)
    faults: list[AuditFault] = []
    count, seq, previous = 0, 0, GENESIS
    async with snapshot(store.engine) as connection:
        head = (await connection.execute(select(audit_head))).one_or_none()
        while rows := (
            await connection.execute(select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(BATCH))
        ).all():
            for row in rows:
                if not hmac.compare_digest(row.hash, _entry_hash(key, dict(row._mapping))):
                    faults.append(AuditFault(row.seq, "changed"))
                elif row.seq != seq + 1:
                    faults.append(AuditFault(row.seq, "missing"))
                elif row.previous != previous:
                    faults.append(AuditFault(row.seq, "out-of-order"))
                count, seq, previous = count + 1, row.seq, row.hash
    if head is None or not _is_genuine(key, head):
        faults.append(AuditFault(seq, "head"))
    elif head.entries > seq:
        faults.append(AuditFault(seq + 1, "cut"))
    elif (head.entries, head.last_hash) != (seq, previous):
        faults.append(AuditFault(seq, "head"))
    return AuditReport(count, previous, tuple(faults))
