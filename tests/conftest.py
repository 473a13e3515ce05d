"""What all tests share: the database, homeserver and installation fixtures."""

import pytest

pytest_plugins = ["tests.fixtures_database", "tests.fixtures_homeserver", "tests.fixtures_installation"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs the homeserver carries its mark, so that `make check` can leave it out."""
    for item in items:
        if "homeserver" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.homeserver)
