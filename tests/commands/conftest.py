"""The chat that every conversation here takes place in, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from ernbot.storage.store import Store

from .chat import Chat


@pytest.fixture
def chat(store: Store) -> Chat:
    """A bot whom nobody has talked to yet."""
    return Chat(store)
