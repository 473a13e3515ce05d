"""Run by Alembic for each command: hands it the connection that `migrate` opened, and its transaction."""

from __future__ import annotations

from alembic import context

from ernbot.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
