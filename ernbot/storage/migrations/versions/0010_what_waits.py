"""What waits is found without reading all that does not.

Which cases are to be planned is a table of its own: to mark one, the whole row of the case was written. And SQLite
takes the indexes of what waits: it compares their condition with that of a query word by word, queries say
`handled = 0` there, and the indexes said `NOT handled`. PostgreSQL knows that both mean the same.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, ForeignKey, Text, text

revision = "0010"
down_revision = "0009"

INDEXES = (
    ("ix_inbox_pending", "inbox", ["seq"], "handled = 0"),
    ("ix_inbox_waiting", "inbox", ["session_id"], "session_id IS NOT NULL AND handled = 0"),
    ("ix_outbox_waiting", "outbox", ["lane", "seq"], "done = 0"),
    ("ix_room_keys_not_backed_up", "room_keys", ["session_id"], "backed_up = 0"),
)


def upgrade() -> None:
    op.create_table("unplanned", Column("case_id", Text, ForeignKey("cases.id"), primary_key=True))
    op.execute("INSERT INTO unplanned (case_id) SELECT id FROM cases WHERE NOT planned")
    op.drop_index("ix_cases_unplanned", "cases")
    op.drop_column("cases", "planned")
    if op.get_bind().dialect.name == "sqlite":
        for name, table, columns, condition in INDEXES:
            op.drop_index(name, table)
            op.create_index(name, table, columns, sqlite_where=text(condition))
