"""Devices on the real homeserver that the tests of encryption share."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ernbot.demo.homeserver import Homeserver
from tests.fixtures_homeserver import Account
from tests.matrix.devices import NewAccount, NewPhone, Phone, phone

_rooms = itertools.count(1)


@pytest.fixture
def room() -> str:
    """A room of this test alone; keys are sent to devices, so that nobody has to be in it."""
    return f"!room-{next(_rooms)}:ern.localhost"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(
    homeserver: Homeserver, new_account: NewAccount, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Phone, Phone]]:
    """The bot's device and Ida's, shared by the tests of a module that leave them whole."""
    folder = tmp_path_factory.mktemp("pair")
    async with AsyncExitStack() as stack:
        accounts = [await new_account(name) for name in ("bot", "ida")]
        bot, ida = [await stack.enter_async_context(phone(homeserver, account, folder)) for account in accounts]
        yield bot, ida


@pytest.fixture
def bot(pair: tuple[Phone, Phone]) -> Phone:
    return pair[0]


@pytest.fixture
def ida(pair: tuple[Phone, Phone]) -> Phone:
    return pair[1]


@pytest_asyncio.fixture(loop_scope="session")
async def new_phone(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[NewPhone]:
    """`await new_phone("mia")` logs in somebody new with a database in `tmp_path`; options as for `phone`."""
    async with AsyncExitStack() as stack:

        async def make(name: str = "mia", account: Account | None = None, **options: Any) -> Phone:
            account = account or await new_account(name)
            return await stack.enter_async_context(phone(homeserver, account, tmp_path, **options))

        yield make
