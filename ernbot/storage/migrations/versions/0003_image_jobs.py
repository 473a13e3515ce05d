"""Files are looked at by jobs, several together; what is shown of them may be a card without a picture."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, LargeBinary, Text, text

revision = "0003"
down_revision = "0002"

MOMENT = DateTime(timezone=True)


def upgrade() -> None:
    # SQLite changes no column in place: the table is copied, sealed values as they are.
    with op.batch_alter_table("case_files") as table:
        table.alter_column("preview_mimetype", existing_type=Text(), nullable=True)
        table.alter_column("preview_width", existing_type=Integer(), nullable=True)
        table.alter_column("preview_height", existing_type=Integer(), nullable=True)
        table.alter_column("preview", existing_type=LargeBinary(), nullable=True)
        for name in ("thumbnail", "animation", "about", "others"):
            table.add_column(Column(name, LargeBinary))
        table.add_column(Column("leader_id", Text))
    op.create_table(
        "image_jobs",
        Column("id", Text, primary_key=True),
        Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
        Column("room_id", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("due_at", MOMENT, nullable=False),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("files", Integer, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("worker", Text),
        Column("scope", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )
    op.create_index("ix_image_jobs_due_at", "image_jobs", ["due_at"])
    op.create_index("ix_image_jobs_room_id", "image_jobs", ["room_id", "sender"])
    op.create_table(
        "image_job_files",
        Column("event_id", Text, primary_key=True),
        Column("job_id", Text, ForeignKey("image_jobs.id"), nullable=False),
        Column("number", Integer, nullable=False),
        Column("scope", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
    )
    op.create_index("ix_image_job_files_job_id", "image_job_files", ["job_id"])
