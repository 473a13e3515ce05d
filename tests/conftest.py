"""What all tests share: the database and homeserver fixtures."""

pytest_plugins = ["tests.fixtures_database", "tests.fixtures_homeserver"]
