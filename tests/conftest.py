"""What all tests share: the database, homeserver and installation fixtures."""

pytest_plugins = ["tests.fixtures_database", "tests.fixtures_homeserver", "tests.fixtures_installation"]
