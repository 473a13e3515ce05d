"""The tables, for SQLite and PostgreSQL alike.

Columns in the clear hold ids, times and kinds, and nothing clinical. What may be clinical is a `LargeBinary` sealed by
the vault, and such a row names the `scope` whose data key seals it. A change here needs a migration.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)


class Instant(TypeDecorator[datetime]):
    """A moment, kept in UTC to the microsecond; SQLite keeps no time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value if value.tzinfo is UTC else value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """SQLite gets the text that SQLAlchemy would make, in a third of the time."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)

        def as_text(value: datetime | None) -> str | None:
            utc = self.process_bind_param(value, dialect)
            return _text_of(utc) if utc is not None else None

        return as_text

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


@lru_cache(maxsize=256)
def _text_of(utc: datetime) -> str:
    """Thousands of rows bear the same few times. In UTC equal times are the same; where clocks go back they are not."""
    return utc.isoformat(" ", "microseconds")[: len("2026-03-02 10:00:00.000000")]


Counter = BigInteger().with_variant(Integer(), "sqlite")
"""A number that SQLite can use as its row id."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
    """An index of the rows that fulfil a condition.

    It is written as queries write it: SQLite takes such an index only for the very same condition.
    """
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


vault_keys = Table(
    "vault_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master_key_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("requester", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("room_id", Text, unique=True),
    Column("card_event_id", Text),
    Column("scope", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    Column("due", Date),
    Column("answered", Boolean, nullable=False, server_default=text("false")),
    Column("active_at", Instant),
    Column("brief", LargeBinary),
)

unplanned = Table(
    "unplanned",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
)

case_people = Table(
    "case_people",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("user_id", Text, primary_key=True, index=True),
    Column("part", Text, nullable=False),
    Column("waits", Boolean, nullable=False),
    Column("until", Date),
)

agenda = Table(
    "agenda",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("due_at", Instant, index=True),
    Column("again_at", Instant),
    Column("said_at", Instant),
)

reminders = Table(
    "reminders",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("every", Text, nullable=False, server_default=text("'daily'")),
    Column("said_at", Instant),
)

case_files = Table(
    "case_files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("event_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("preview_mimetype", Text),
    Column("preview_width", Integer),
    Column("preview_height", Integer),
    Column("scope", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("preview", LargeBinary),
    Column("thumbnail", LargeBinary),
    Column("animation", LargeBinary),
    Column("about", LargeBinary),
    Column("others", LargeBinary),
    Column("leader_id", Text),
)

image_jobs = Table(
    "image_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("room_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("files", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("worker", Text),
    Column("scope", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Index("ix_image_jobs_room_id", image_jobs.c.room_id, image_jobs.c.sender)

image_job_files = Table(
    "image_job_files",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("image_jobs.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("language", Text, nullable=False),
)

direct_rooms = Table(
    "direct_rooms",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("room_id", Text, nullable=False, unique=True),
)

dialogues = Table(
    "dialogues",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("thread", Text),
    Column("at", Instant, nullable=False),
    Column("scope", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

last_steps = Table(
    "last_steps",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("what", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("before", LargeBinary),
    Column("after", LargeBinary),
)

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Counter, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("room_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("handled", Boolean, nullable=False, server_default=text("false")),
    Column("scope", Text, nullable=False),
    Column("payload", LargeBinary),
    Column("session_id", Text),
    Column("turn", BigInteger),
)
_partial_index("ix_inbox_pending", inbox.c.seq, where=~inbox.c.handled)
_partial_index("ix_inbox_waiting", inbox.c.session_id, where=inbox.c.session_id.is_not(None) & ~inbox.c.handled)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Counter, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tag", Text),
    Column("case_id", Text),
    Column("room_id", Text),
    Column("at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("done", Boolean, nullable=False, server_default=text("false")),
    Column("event_id", Text, index=True),
    Column("reason", Text),
    Column("scope", Text, nullable=False),
    Column("payload", LargeBinary),
)
_partial_index("ix_outbox_waiting", outbox.c.lane, outbox.c.seq, where=~outbox.c.done)
Index("ix_outbox_tag", outbox.c.lane, outbox.c.tag)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
)

olm_sessions = Table(
    "olm_sessions",
    metadata,
    Column("curve25519", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("used_at", Instant, nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("pickle", LargeBinary, nullable=False),
)

room_keys = Table(
    "room_keys",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("sender_key", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("ed25519", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("first_index", BigInteger, nullable=False),
    Column("backed_up", Boolean, nullable=False, server_default=text("false")),
    Column("scope", Text, nullable=False),
    Column("pickle", LargeBinary, nullable=False),
)
_partial_index("ix_room_keys_not_backed_up", room_keys.c.session_id, where=~room_keys.c.backed_up)

room_key_uses = Table(
    "room_key_uses",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("sender_key", Text, primary_key=True),
    Column("message_index", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
)

own_room_keys = Table(
    "own_room_keys",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

missed_shares = Table(
    "missed_shares",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Instant, nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("session_key", LargeBinary, nullable=False),
)

withheld_keys = Table(
    "withheld_keys",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True, index=True),
    Column("code", Text, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("stale", Boolean, nullable=False),
    Column("changed_at", Instant),
    Column("scope", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("case_id", Text),
    Column("decision", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("last_hash", Text, nullable=False),
    Column("mac", Text, nullable=False),
)

appservice_transactions = Table(
    "appservice_transactions",
    metadata,
    Column("txn_id", Text, primary_key=True),
    Column("received_at", Instant, nullable=False),
)

appservice_events = Table(
    "appservice_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("room_id", Text),
    Column("type", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("origin_server_ts", BigInteger, nullable=False),
    Column("handled_at", Instant),
)
