"""What an administrator writes into bridge.toml, and the state of the homeserver that follows from it.

Secrets are never in the file: each is named as `{ file = "..." }` or `{ env = "..." }`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ernbot.config import ConfigError, Strict, read, read_secret
from ernbot.core.directory import Directory
from ernbot.network_files import load_directory


class Secret(Strict):
    """Where a secret is: a file (seen from the folder of bridge.toml) or an environment variable."""

    file: Path | None = None
    env: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if (self.file is None) == (self.env is None):
            raise ValueError("give either file or env")
        return self


class HomeserverTable(Strict):
    """The homeserver and the three tokens: two of the registration, one of a server administrator."""

    url: Annotated[str, Field(pattern=r"^https?://")]
    server_name: str
    as_token: Secret
    hs_token: Secret
    admin_token: Secret


class ServiceTable(Strict):
    """Where we listen (`host`, `port`), and the address by which the homeserver finds us there (`url`)."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 29331
    url: Annotated[str, Field(pattern=r"^https?://")] = "http://127.0.0.1:29331"
    registration: Path = Path("synapse/registration.yaml")


class BotTable(Strict):
    """The bot's account; `token_file` is written by `apply` and read by the bot."""

    user: Annotated[str, Field(pattern=r"^[a-z0-9._=-]+$")] = "ernbot"
    device_id: str = "ERNBOT"
    display_name: str = "Case rooms"
    token_file: Path


class StorageTable(Strict):
    database: str = "sqlite+aiosqlite:///data/ernbot.db"


class Settings(Strict):
    """The whole of bridge.toml, with its paths as written."""

    homeserver: HomeserverTable
    service: ServiceTable = ServiceTable()
    bot: BotTable
    storage: StorageTable = StorageTable()
    networks: Path = Path("networks")


class Configuration:
    """Settings together with the folder that their relative paths start from."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigError` with the dotted path of what is wrong."""
        self.settings = read(path, Settings)
        self._base = path.resolve().parent

    @property
    def bot_user_id(self) -> str:
        return f"@{self.settings.bot.user}:{self.settings.homeserver.server_name}"

    @property
    def token_file(self) -> Path:
        return self._base / self.settings.bot.token_file

    @property
    def registration_template(self) -> Path:
        return self._base / self.settings.service.registration

    def secret(self, name: str) -> str:
        """The secret of `homeserver.<name>`. Raises `ConfigError` when it is missing or empty."""
        source: Secret = getattr(self.settings.homeserver, name)
        where = f"homeserver.{name}"
        return read_secret(self._base / source.file if source.file else None, source.env, where)

    def directory(self) -> Directory:
        """Raises `ConfigError`, also for people of another server: case rooms are not federated."""
        server_name = self.settings.homeserver.server_name
        directory = load_directory(self._base / self.settings.networks, server_name)
        for network in directory.networks:
            for person in network.people:
                if person.user_id.partition(":")[2] != server_name:
                    raise ConfigError(
                        f"network {network.id!r}: {person.user_id} is not of {server_name}, "
                        "and case rooms are not federated"
                    )
        return directory
