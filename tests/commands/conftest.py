"""The chat that every conversation here takes place in, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from ernbot.storage.store import Store

from .chat import Chat


@pytest.fixture
def chat(store: Store) -> Chat:
    """A bot whom nobody has talked to yet."""
    return Chat(store)


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden chats are written anew instead of compared."""
    return bool(request.config.getoption("--golden"))
