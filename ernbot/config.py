"""Settings: what an administrator edits, read into typed values. `form_files` and `network_files` read the rest.

An unknown key or a bad value is an error that names the file and the dotted path, so that a typo never passes unseen.
Secrets are never in these files: a setting names the file or the environment variable that holds one.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ernbot.core.assurance import Assurance, Policy


class ConfigError(Exception):
    """A configuration that cannot be used; its text says where and what, for an administrator to read."""


class Strict(BaseModel):
    """A table of a configuration file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
Words = Annotated[str, Field(pattern=r"\S")]
Labels = Annotated[dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Words], Field(min_length=1)]


class HomeserverSettings(Strict):
    """How the bot reaches its homeserver. `token_file` holds the access token that `bridge apply` wrote."""

    url: Annotated[str, Field(pattern=r"^https?://")]
    server_name: str
    user: str = "ernbot"
    device_id: str = "ERNBOT"
    token_file: Path


class StorageSettings(Strict):
    """Where data rest: a SQLAlchemy address (sqlite+aiosqlite or postgresql+asyncpg)."""

    database: str = "sqlite+aiosqlite:///data/ernbot.db"


class VaultSettings(Strict):
    """The master key: a file, or an environment variable; `previous_key_files` still open what they wrapped."""

    key_file: Path | None = None
    key_env: str | None = None
    previous_key_files: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> VaultSettings:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("give either key_file or key_env")
        return self


class FileSettings(Strict):
    """What may be dropped into a case room, and what becomes of it.

    `workers` is how many sandboxed processes look at files. `viewer_url` has `{room}` and `{event}` in it.
    """

    max_megabytes: Annotated[int, Field(ge=1, le=2000)] = 1024
    preview_seconds: Annotated[float, Field(gt=0, le=120)] = 20.0
    quiet_seconds: Annotated[float, Field(ge=0, le=30)] = 2.0
    arrival_seconds: Annotated[float, Field(ge=0, le=30)] = 20.0
    workers: Annotated[int, Field(ge=1, le=32)] = 2
    identified: Literal["refuse", "ask", "clean"] = "ask"
    viewer_url: str = ""

    @model_validator(mode="after")
    def _viewer(self) -> FileSettings:
        if self.viewer_url:
            try:
                address = self.viewer_url.format(room="room", event="event")
            except (LookupError, ValueError):
                address = ""
            if not address.startswith(("https://", "http://")) or "event" not in address:
                raise ValueError("viewer_url must be a web address with {event} and, if wanted, {room} in it")
        return self


class TrustSettings(Strict):
    """How sure the bot has to be of a sender, and of whoever is given room keys; see `core.assurance`."""

    commands: Literal["signed", "unchanged", "verified"] = "signed"
    records: Literal["signed", "unchanged", "verified"] = "unchanged"
    room_keys: Literal["signed", "unchanged"] = "signed"

    @property
    def policy(self) -> Policy:
        return Policy(*(Assurance[name.upper()] for name in (self.commands, self.records, self.room_keys)))


class ReminderSettings(Strict):
    """At which hour people are reminded, in UTC; what, and after how many days, is for their network to say."""

    hour: Annotated[int, Field(ge=0, le=13)] = 8


class Settings(Strict):
    """The whole of ernbot.toml."""

    homeserver: HomeserverSettings
    storage: StorageSettings = StorageSettings()
    vault: VaultSettings
    files: FileSettings = FileSettings()
    trust: TrustSettings = TrustSettings()
    reminders: ReminderSettings = ReminderSettings()
    networks: Path = Path("networks")
    forms: Path = Path("forms")

    @property
    def bot_user_id(self) -> str:
        return f"@{self.homeserver.user}:{self.homeserver.server_name}"


Model = TypeVar("Model", bound=BaseModel)


def read(path: Path, model: type[Model]) -> Model:
    """A TOML file as a model.

    Raises:
        ConfigError: the file is missing, is no TOML, or does not fit; one line per fault with its dotted path.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(path, fault) for fault in error.errors())) from None


def _sentence(path: Path, fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    message = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
    return f"{path}: at {where!r}: {message}" if where else f"{path}: {message}"


def load_settings(path: Path) -> Settings:
    """Settings with every path made absolute, seen from the folder of the file.

    Raises:
        ConfigError: see `read`.
    """
    settings = read(path, Settings)
    base = path.resolve().parent
    return settings.model_copy(
        update={
            "networks": base / settings.networks,
            "forms": base / settings.forms,
            "homeserver": _anchor(settings.homeserver, base, "token_file"),
            "vault": _anchor(settings.vault, base, "key_file", "previous_key_files"),
        }
    )


def _anchor(table: Model, base: Path, *names: str) -> Model:
    anchored: dict[str, Any] = {}
    for name in names:
        value = getattr(table, name)
        if isinstance(value, tuple):
            anchored[name] = tuple(base / item for item in value)
        elif value is not None:
            anchored[name] = base / value
    return table.model_copy(update=anchored)


def read_secret(file: Path | None, env: str | None, what: str) -> str:
    """A secret from the file or the environment variable that the settings name.

    Raises:
        ConfigError: it is missing or empty.
    """
    if file is not None:
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{file}: cannot read the {what}: {error.strerror}") from None
        source = str(file)
    else:
        secret = os.environ.get(env or "", "").strip()
        source = f"environment variable {env}"
    if not secret:
        raise ConfigError(f"{source}: the {what} is empty")
    return secret
