"""An index of the cases of each person, and what is due by itself.

What is sealed cannot be opened here: `planned` is false for every case of before, and the calendar fills in its index
and its agenda after the start, a few cases at a time.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, Date, DateTime, ForeignKey, LargeBinary, Text, text

revision = "0004"
down_revision = "0003"

MOMENT = DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("cases", Column("urgent", Boolean, nullable=False, server_default=text("false")))
    op.add_column("cases", Column("due", Date))
    op.add_column("cases", Column("answered", Boolean, nullable=False, server_default=text("false")))
    op.add_column("cases", Column("active_at", MOMENT))
    op.add_column("cases", Column("planned", Boolean, nullable=False, server_default=text("false")))
    op.add_column("cases", Column("brief", LargeBinary))
    waiting = text("NOT planned")
    op.create_index("ix_cases_unplanned", "cases", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "case_people",
        Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("part", Text, nullable=False),
        Column("waits", Boolean, nullable=False),
        Column("until", Date),
    )
    op.create_index("ix_case_people_user_id", "case_people", ["user_id"])
    op.create_table(
        "agenda",
        Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("due_at", MOMENT),
        Column("again_at", MOMENT),
        Column("said_at", MOMENT),
    )
    op.create_index("ix_agenda_due_at", "agenda", ["due_at"])
    op.create_table(
        "reminders",
        Column("user_id", Text, primary_key=True),
        Column("every", Text, nullable=False, server_default=text("'daily'")),
        Column("said_at", MOMENT),
    )
