"""One real homeserver for all tests of a session, and accounts on it that no other test has."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from ernbot.demo import homeserver as embedded
from ernbot.demo.homeserver import Homeserver

PASSWORD = "a demonstration password"


@dataclass(frozen=True)
class Account:
    """An ordinary user of the shared homeserver; log in with `localpart` and `PASSWORD`, or use the token."""

    user_id: str
    localpart: str
    token: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def homeserver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Homeserver]:
    """Running for the whole session. Never stop it in a test: open one of your own on a `tmp_path`."""
    async with embedded.homeserver(tmp_path_factory.mktemp("homeserver")) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def admin_token(homeserver: Homeserver) -> str:
    """The access token of a server administrator on the shared homeserver."""
    return await embedded.register(homeserver, "admin", PASSWORD, admin=True)


@pytest.fixture(scope="session")
def new_account(homeserver: Homeserver) -> Callable[[str], Awaitable[Account]]:
    """`await new_account("ada")` makes `@ada-<number>`: always new, so tests never share people."""
    numbers = itertools.count(1)

    async def make(name: str) -> Account:
        localpart = f"{name}-{next(numbers)}"
        token = await embedded.register(homeserver, localpart, PASSWORD)
        return Account(f"@{localpart}:{homeserver.server_name}", localpart, token)

    return make
