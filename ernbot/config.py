"""Settings, networks and forms: what an administrator edits, read into typed values.

An unknown key or a bad value is an error that names the file and the dotted path, so that a typo never passes unseen.
Secrets are never in these files: a setting names the file or the environment variable that holds one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ernbot.core.assurance import Assurance, Policy
from ernbot.core.directory import Centre, CentreKind, Competence, Directory, Network, Person, Role
from ernbot.core.form import CODE_SYSTEMS, Form, Kind, Option
from ernbot.core.form import Field as FormField


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


class Settings(Strict):
    """The whole of ernbot.toml."""

    homeserver: HomeserverSettings
    storage: StorageSettings = StorageSettings()
    vault: VaultSettings
    files: FileSettings = FileSettings()
    trust: TrustSettings = TrustSettings()
    networks: Path = Path("networks")
    forms: Path = Path("forms")

    @property
    def bot_user_id(self) -> str:
        return f"@{self.homeserver.user}:{self.homeserver.server_name}"


class _CompetenceTable(Strict):
    id: Identifier
    labels: Labels


class _CentreTable(Strict):
    id: Identifier
    name: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    kind: CentreKind
    competences: tuple[Identifier, ...] = ()


class _PersonTable(Strict):
    user: Annotated[str, Field(pattern=r"^(@[^:\s]+:\S+|[a-z0-9._=/-]+)$")]
    name: str
    centre: Identifier
    role: Role = Role.CLINICIAN
    competences: tuple[Identifier, ...] = ()
    languages: tuple[str, ...] = ("en",)


class _NetworkFile(Strict):
    id: Identifier
    name: str
    opinion_form: Identifier
    competence: tuple[_CompetenceTable, ...]
    centre: tuple[_CentreTable, ...]
    person: tuple[_PersonTable, ...] = ()

    @model_validator(mode="after")
    def _references(self) -> _NetworkFile:
        competences = _unique("competence", (c.id for c in self.competence))
        centres = _unique("centre", (c.id for c in self.centre))
        _unique("person", (p.user for p in self.person))
        for kind, entry, used in [
            *(("centre", c.id, c.competences) for c in self.centre),
            *(("person", p.user, p.competences) for p in self.person),
        ]:
            for competence in used:
                if competence not in competences:
                    raise ValueError(f"{kind} {entry!r} names the unknown competence {competence!r}")
        for person in self.person:
            if person.centre not in centres:
                raise ValueError(f"person {person.user!r} names the unknown centre {person.centre!r}")
        return self


SCALE_POINTS = range(1000)


class _OptionTable(Strict):
    id: Identifier
    labels: Labels


class _FieldTable(Strict):
    id: Identifier
    kind: Kind
    labels: Labels
    required: bool = True
    option: tuple[_OptionTable, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: str | None = None
    systems: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> _FieldTable:
        if self.kind in ("choice", "choices") and len(self.option) < 2:
            raise ValueError("a choice needs at least two options")
        _unique("option", (option.id for option in self.option))
        if self.kind == "scale" and not all(bound in SCALE_POINTS for bound in (self.minimum, self.maximum)):
            raise ValueError("a scale needs minimum and maximum, whole numbers from 0 to 999")
        if self.kind == "code" and not self.systems:
            raise ValueError("a code needs at least one of the systems " + ", ".join(CODE_SYSTEMS))
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        for system in self.systems:
            if system not in CODE_SYSTEMS:
                raise ValueError(f"unknown code system {system!r}; known are {', '.join(CODE_SYSTEMS)}")
        return self


class _FormFile(Strict):
    id: Identifier
    version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    labels: Labels
    field: Annotated[tuple[_FieldTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique_fields(self) -> _FormFile:
        _unique("field", (f.id for f in self.field))
        return self


def _unique(what: str, ids: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for identifier in ids:
        if identifier in seen:
            raise ValueError(f"{what} {identifier!r} is there twice")
        seen.add(identifier)
    return seen


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


def load_directory(folder: Path, server_name: str) -> Directory:
    """All networks of a folder; `server_name` completes user names without a server.

    Raises:
        ConfigError: see `read`; also when two files define one network, or there is none.
    """
    networks = [_network(read(path, _NetworkFile), server_name) for path in sorted(folder.glob("*.toml"))]
    if not networks:
        raise ConfigError(f"{folder}: holds no network (*.toml)")
    try:
        _unique("network", (network.id for network in networks))
    except ValueError as error:
        raise ConfigError(f"{folder}: {error}") from None
    return Directory(tuple(networks))


def _network(file: _NetworkFile, server_name: str) -> Network:
    return Network(
        id=file.id,
        name=file.name,
        opinion_form=file.opinion_form,
        competences=tuple(Competence(c.id, c.labels) for c in file.competence),
        centres=tuple(Centre(c.id, c.name, c.country, c.kind, c.competences) for c in file.centre),
        people=tuple(
            Person(
                user_id=p.user if p.user.startswith("@") else f"@{p.user}:{server_name}",
                name=p.name,
                centre=p.centre,
                role=p.role,
                competences=p.competences,
                languages=p.languages,
            )
            for p in file.person
        ),
    )


def load_forms(folder: Path) -> dict[str, Form]:
    """All forms of a folder by id.

    Raises:
        ConfigError: see `read`; also when two files define one form.
    """
    forms: dict[str, Form] = {}
    for path in sorted(folder.glob("*.toml")):
        form = _form(read(path, _FormFile))
        if form.id in forms:
            raise ConfigError(f"{path}: form {form.id!r} is there twice")
        forms[form.id] = form
    return forms


def _form(file: _FormFile) -> Form:
    return Form(
        id=file.id,
        version=file.version,
        labels=file.labels,
        fields=tuple(
            FormField(
                id=f.id,
                kind=f.kind,
                labels=f.labels,
                required=f.required,
                options=tuple(Option(o.id, o.labels) for o in f.option),
                minimum=f.minimum,
                maximum=f.maximum,
                unit=f.unit,
                systems=f.systems,
            )
            for f in file.field
        ),
    )


def check_forms(directory: Directory, forms: dict[str, Form]) -> None:
    """Raise ConfigError for a network whose opinion form does not exist."""
    for network in directory.networks:
        if network.opinion_form not in forms:
            raise ConfigError(f"network {network.id!r}: at 'opinion_form': there is no form {network.opinion_form!r}")


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
