"""The state of end-to-end encryption moves into the database: sessions, room keys, identities of others."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Text, text

revision = "0002"
down_revision = "0001"

MOMENT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("inbox", Column("session_id", Text))
    op.add_column("inbox", Column("turn", BigInteger))
    waiting = text("session_id IS NOT NULL AND NOT handled")
    op.create_index("ix_inbox_waiting", "inbox", ["session_id"], sqlite_where=waiting, postgresql_where=waiting)
    _create_sessions()
    _create_shares()
    op.create_table(
        "identities",
        Column("user_id", Text, primary_key=True),
        Column("stale", Boolean, nullable=False),
        Column("changed_at", MOMENT),
        Column("scope", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
    )


def _create_sessions() -> None:
    op.create_table(
        "olm_sessions",
        Column("curve25519", Text, primary_key=True),
        Column("session_id", Text, primary_key=True),
        Column("used_at", MOMENT, nullable=False),
        Column("scope", Text, nullable=False),
        Column("pickle", LargeBinary, nullable=False),
    )
    op.create_table(
        "room_keys",
        Column("room_id", Text, primary_key=True),
        Column("session_id", Text, primary_key=True),
        Column("sender_key", Text, primary_key=True),
        Column("user_id", Text, nullable=False),
        Column("ed25519", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("first_index", BigInteger, nullable=False),
        Column("backed_up", Boolean, nullable=False, server_default=text("false")),
        Column("scope", Text, nullable=False),
        Column("pickle", LargeBinary, nullable=False),
    )
    op.create_index("ix_olm_sessions_used_at", "olm_sessions", ["used_at"])
    op.create_index("ix_room_keys_user_id", "room_keys", ["user_id"])
    missing = text("NOT backed_up")
    op.create_index(
        "ix_room_keys_not_backed_up", "room_keys", ["session_id"], sqlite_where=missing, postgresql_where=missing
    )
    op.create_table(
        "room_key_uses",
        Column("session_id", Text, primary_key=True),
        Column("sender_key", Text, primary_key=True),
        Column("message_index", BigInteger, primary_key=True, autoincrement=False),
        Column("event_id", Text, nullable=False),
    )


def _create_shares() -> None:
    op.create_table(
        "own_room_keys",
        Column("room_id", Text, primary_key=True),
        Column("session_id", Text, nullable=False),
        Column("created_at", MOMENT, nullable=False),
        Column("messages", Integer, nullable=False),
        Column("scope", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
    )
    op.create_table(
        "missed_shares",
        Column("room_id", Text, primary_key=True),
        Column("session_id", Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("device_id", Text, primary_key=True),
        Column("attempts", Integer, nullable=False),
        Column("not_before", MOMENT, nullable=False),
        Column("scope", Text, nullable=False),
        Column("session_key", LargeBinary, nullable=False),
    )
    op.create_index("ix_missed_shares_not_before", "missed_shares", ["not_before"])
    op.create_table(
        "withheld_keys",
        Column("room_id", Text, primary_key=True),
        Column("session_id", Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("code", Text, nullable=False),
    )
    op.create_index("ix_withheld_keys_user_id", "withheld_keys", ["user_id"])
