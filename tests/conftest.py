"""What all tests share: the database, homeserver and installation fixtures."""

import signal
from types import SimpleNamespace

import pytest
from hypothesis import settings

# How long one example takes says more of the machine than of the code; no test here measures time.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

pytest_plugins = ["tests.fixtures_database", "tests.fixtures_homeserver", "tests.fixtures_installation"]

NO_PARAMETERS = SimpleNamespace(params={})


# A shell starts what runs in its background deaf to Ctrl-C, and every program that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write golden files anew; read each difference")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the homeserver, or repeats on PostgreSQL, carries a mark, so that `make check` can leave it out."""
    for item in items:
        if "homeserver" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.homeserver)
        if "postgresql" in getattr(item, "callspec", NO_PARAMETERS).params.values():
            item.add_marker(pytest.mark.postgresql)
