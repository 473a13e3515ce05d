"""What all tests share: the database, homeserver and installation fixtures."""

import signal
from collections import defaultdict
from pathlib import Path
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
    _put_long_stories_first(items)


def _put_long_stories_first(items: list[pytest.Item]) -> None:
    """Two processes that take file after file end together only when the longest files begin.

    A file that needs the homeserver is the longer, the fewer tests it has: each is a whole story. Of the others, that
    with the most tests is.
    """
    counts: dict[Path, int] = defaultdict(int)
    stories = {item.path for item in items if item.get_closest_marker("homeserver")}
    for item in items:
        counts[item.path] += 1
    items.sort(
        key=lambda item: (
            item.path not in stories,
            counts[item.path] if item.path in stories else -counts[item.path],
            item.path,
        )
    )
