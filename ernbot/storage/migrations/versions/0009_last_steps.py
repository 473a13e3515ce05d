"""The last command of each person in each room is remembered, so that it can be corrected or undone."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, LargeBinary, Text

revision = "0009"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "last_steps",
        Column("room_id", Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("event_id", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("what", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("before", LargeBinary),
        Column("after", LargeBinary),
    )
