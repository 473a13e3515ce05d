"""The first schema, and triggers that keep the audit chain append-only."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Integer, LargeBinary, Text, text

revision = "0001"
down_revision = None

MOMENT = DateTime(timezone=True)
COUNTER = BigInteger().with_variant(Integer(), "sqlite")

APPEND_ONLY_SQLITE = (
    """
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END
    """,
    """
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END
    """,
)

APPEND_ONLY_POSTGRESQL = (
    """
    CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit entries are never changed or removed'; END $$
    """,
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
    """,
)


def upgrade() -> None:
    _create_tables()
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in APPEND_ONLY_POSTGRESQL if on_postgresql else APPEND_ONLY_SQLITE:
        op.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "vault_keys",
        Column("scope", Text, primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
        Column("master_key_id", Text, nullable=False),
        Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "cases",
        Column("id", Text, primary_key=True),
        Column("network", Text, nullable=False),
        Column("requester", Text, nullable=False, index=True),
        Column("state", Text, nullable=False),
        Column("opened_at", MOMENT, nullable=False),
        Column("room_id", Text, unique=True),
        Column("card_event_id", Text),
        Column("scope", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
    )
    op.create_table(
        "case_files",
        Column("id", Text, primary_key=True),
        Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
        Column("event_id", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("preview_mimetype", Text, nullable=False),
        Column("preview_width", Integer, nullable=False),
        Column("preview_height", Integer, nullable=False),
        Column("scope", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("facts", LargeBinary, nullable=False),
        Column("preview", LargeBinary, nullable=False),
    )
    op.create_table(
        "people",
        Column("user_id", Text, primary_key=True),
        Column("language", Text, nullable=False),
    )
    op.create_table(
        "direct_rooms",
        Column("user_id", Text, primary_key=True),
        Column("room_id", Text, nullable=False, unique=True),
    )
    op.create_table(
        "dialogues",
        Column("room_id", Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("thread", Text),
        Column("at", MOMENT, nullable=False),
        Column("scope", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )
    op.create_table(
        "inbox",
        Column("seq", COUNTER, primary_key=True),
        Column("event_id", Text, nullable=False, unique=True),
        Column("room_id", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("not_before", MOMENT),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("handled", Boolean, nullable=False, server_default=text("false")),
        Column("scope", Text, nullable=False),
        Column("payload", LargeBinary),
    )
    op.create_index("ix_inbox_pending", "inbox", ["seq"], **_where("NOT handled"))
    op.create_table(
        "outbox",
        Column("seq", COUNTER, primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("lane", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("tag", Text),
        Column("case_id", Text),
        Column("room_id", Text),
        Column("at", MOMENT, nullable=False),
        Column("not_before", MOMENT),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("done", Boolean, nullable=False, server_default=text("false")),
        Column("event_id", Text, index=True),
        Column("reason", Text),
        Column("scope", Text, nullable=False),
        Column("payload", LargeBinary),
    )
    op.create_index("ix_outbox_waiting", "outbox", ["lane", "seq"], **_where("NOT done"))
    op.create_index("ix_outbox_tag", "outbox", ["lane", "tag"])
    op.create_table(
        "settings",
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
    op.create_table(
        "secrets",
        Column("name", Text, primary_key=True),
        Column("scope", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
    )
    op.create_table(
        "audit",
        Column("seq", COUNTER, primary_key=True, autoincrement=False),
        Column("at", MOMENT, nullable=False),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("case_id", Text),
        Column("decision", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("previous", Text, nullable=False),
        Column("hash", Text, nullable=False),
    )
    op.create_table(
        "audit_head",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("entries", BigInteger, nullable=False),
        Column("last_hash", Text, nullable=False),
        Column("mac", Text, nullable=False),
    )
    op.create_table(
        "appservice_transactions",
        Column("txn_id", Text, primary_key=True),
        Column("received_at", MOMENT, nullable=False),
    )
    op.create_table(
        "appservice_events",
        Column("event_id", Text, primary_key=True),
        Column("room_id", Text),
        Column("type", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("origin_server_ts", BigInteger, nullable=False),
        Column("handled_at", MOMENT),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
