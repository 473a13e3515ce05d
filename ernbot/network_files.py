"""Network files: what a network writes into `config/networks/*.toml`, checked and read into the directory.

A network has a file that is edited by hand and may have one that `ernbot directory import` writes. Nobody is in both.
This module only reads; what people may do follows from the directory elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ernbot.config import ConfigError, Identifier, Labels, Strict, Words, read
from ernbot.core.blind import Mode
from ernbot.core.consent import FORM_VERSION
from ernbot.core.directory import (
    CLINICIANS,
    SEES_PATIENTS,
    Absence,
    Arrangement,
    Centre,
    CentreKind,
    Competence,
    Directory,
    Group,
    Network,
    Person,
    Role,
    Signers,
)
from ernbot.core.intervals import Intervals

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
UserName = Annotated[str, Field(pattern=r"^(@[^:\s]+:\S+|[a-z0-9._=/-]+)$")]
Days = Annotated[int, Field(ge=1, le=365)]

PEOPLE = ".people.toml"
"""How the name of a file ends that the import of a directory writes."""


class _CompetenceTable(Strict):
    id: Identifier
    labels: Labels
    diseases: tuple[Words, ...] = ()


class _CentreTable(Strict):
    id: Identifier
    name: str
    country: Country
    kind: CentreKind
    competences: tuple[Identifier, ...] = ()
    reference_for: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _reference(self) -> _CentreTable:
        if self.reference_for and self.kind not in SEES_PATIENTS:
            raise ValueError(f"a {self.kind} sees no patients and cannot be a reference centre")
        for competence in self.reference_for:
            if competence not in self.competences:
                raise ValueError(f"reference_for names {competence!r}, which is not among its competences")
        return self


class AbsenceTable(Strict):
    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> AbsenceTable:
        if self.last < self.first:
            raise ValueError("the last day of an absence comes before its first")
        return self


class PersonTable(Strict):
    """One `[[person]]`, of a network file or of a people file."""

    user: UserName
    name: str
    centre: Identifier
    role: Role = Role.CLINICIAN
    competences: tuple[Identifier, ...] = ()
    languages: tuple[str, ...] = ("en",)
    assists: tuple[UserName, ...] = ()
    away: tuple[AbsenceTable, ...] = ()
    available: bool = True


class _OpinionFormTable(Strict):
    """Which form answers which type of question."""

    question: Identifier
    form: Identifier


class _RemindersTable(Strict):
    """After how many days somebody is reminded; see `core.intervals.Intervals`."""

    invitation: Days = 3
    request: Days = 2
    opinion: Days = 7
    before_due: Days = 3
    lead: Days = 1
    signature: Days = 3
    urgent: Days = 1
    consent_review: Days = 30


class _GroupTable(Strict):
    id: Identifier
    labels: Labels
    members: Annotated[tuple[UserName, ...], Field(min_length=1)]


class _ArrangementTable(Strict):
    id: Identifier
    name: Words
    countries: Annotated[tuple[Country, ...], Field(min_length=1)]
    consent_form: Annotated[str, Field(pattern=f"^(?:{FORM_VERSION.pattern})$")]


class PeopleFile(Strict):
    """`<network>.people.toml`: people whom `ernbot directory import` wrote, beside the file that is edited by hand."""

    person: tuple[PersonTable, ...] = ()


class NetworkFile(Strict):
    """`<network>.toml`, which is edited by hand."""

    id: Identifier
    name: str
    opinion_form: Identifier | Annotated[tuple[_OpinionFormTable, ...], Field(min_length=1)]
    blind: Mode = "off"
    signers: Signers = "lead-and-panel"
    dissent: Literal["named", "anonymous"] = "named"
    competence: tuple[_CompetenceTable, ...]
    centre: tuple[_CentreTable, ...]
    reminders: _RemindersTable = _RemindersTable()
    follow_up_months: Annotated[int, Field(ge=1, le=60)] = 3
    triage: bool = False
    take_over_days: Annotated[int, Field(ge=0, le=365)] = 14
    person: tuple[PersonTable, ...] = ()
    group: tuple[_GroupTable, ...] = ()
    arrangement: tuple[_ArrangementTable, ...] = ()
    joining_accepts: bool = True

    @model_validator(mode="after")
    def _references(self) -> NetworkFile:
        _unique("competence", (c.id for c in self.competence))
        _unique("centre", (c.id for c in self.centre))
        _unique("group", (g.id for g in self.group))
        _unique("arrangement", (a.id for a in self.arrangement))
        _unique("country of an arrangement", (country for a in self.arrangement for country in a.countries))
        for centre in self.centre:
            self._check_competences(f"centre {centre.id!r}", centre.competences)
        if isinstance(self.opinion_form, tuple):
            _unique("question", (entry.question for entry in self.opinion_form))
        self.check_people(self.person)
        return self

    def _check_competences(self, who: str, used: Iterable[str]) -> None:
        known = {competence.id for competence in self.competence}
        for competence in used:
            if competence not in known:
                raise ValueError(f"{who} names the unknown competence {competence!r}")

    def check_people(self, people: Iterable[PersonTable]) -> None:
        """Raise ValueError for people of a centre or with a competence that the network does not have."""
        people = tuple(people)
        _unique("person", (p.user for p in people))
        centres = {centre.id for centre in self.centre}
        for person in people:
            self._check_competences(f"person {person.user!r}", person.competences)
            if person.centre not in centres:
                raise ValueError(f"person {person.user!r} names the unknown centre {person.centre!r}")


def _unique(what: str, ids: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for identifier in ids:
        if identifier in seen:
            raise ValueError(f"{what} {identifier!r} is there twice")
        seen.add(identifier)
    return seen


def network_files(folder: Path) -> Iterator[Path]:
    """The files of a folder that are edited by hand, one for each network."""
    return (path for path in sorted(folder.glob("*.toml")) if not path.name.endswith(PEOPLE))


def load_directory(folder: Path, server_name: str) -> Directory:
    """All networks of a folder with their people files; `server_name` completes user names without a server.

    Raises:
        ConfigError: see `read`; also when two files define one network, there is none, or a people file has none.
    """
    networks = [_checked_network(path, folder, server_name) for path in network_files(folder)]
    if not networks:
        raise ConfigError(f"{folder}: holds no network (*.toml)")
    try:
        ids = _unique("network", (network.id for network in networks))
    except ValueError as error:
        raise ConfigError(f"{folder}: {error}") from None
    for path in sorted(folder.glob(f"*{PEOPLE}")):
        if path.name.removesuffix(PEOPLE) not in ids:
            raise ConfigError(f"{path}: there is no network {path.name.removesuffix(PEOPLE)!r}")
    return Directory(tuple(networks))


def read_people(folder: Path, file: NetworkFile, server_name: str) -> tuple[PersonTable, ...]:
    """The people of a network's people file; none where there is no such file.

    Raises:
        ConfigError: see `read`; also for an unknown centre or competence, and for somebody who is in both files.
    """
    path = folder / f"{file.id}{PEOPLE}"
    if not path.exists():
        return ()
    imported = read(path, PeopleFile).person
    by_hand = {full_user_id(person.user, server_name) for person in file.person}
    try:
        file.check_people(imported)
        for person in imported:
            if full_user_id(person.user, server_name) in by_hand:
                raise ValueError(f"person {person.user!r} is in the file of the network as well")
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    return imported


def full_user_id(user: str, server_name: str) -> str:
    """A Matrix user id; a user name without a server belongs to the bot's own homeserver."""
    return user if user.startswith("@") else f"@{user}:{server_name}"


def _checked_network(path: Path, folder: Path, server_name: str) -> Network:
    try:
        return _network(read(path, NetworkFile), folder, server_name)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _network(file: NetworkFile, folder: Path, server_name: str) -> Network:
    people = (*file.person, *read_people(folder, file, server_name))
    forms = file.opinion_form
    network = Network(
        id=file.id,
        name=file.name,
        opinion_form=forms if isinstance(forms, str) else forms[0].form,
        opinion_forms={entry.question: entry.form for entry in forms} if isinstance(forms, tuple) else {},
        blind=file.blind,
        competences=tuple(Competence(c.id, c.labels, c.diseases) for c in file.competence),
        centres=tuple(Centre(c.id, c.name, c.country, c.kind, c.competences, c.reference_for) for c in file.centre),
        people=tuple(
            Person(
                user_id=full_user_id(p.user, server_name),
                name=p.name,
                centre=p.centre,
                role=p.role,
                competences=p.competences,
                languages=p.languages,
                assists=tuple(full_user_id(clinician, server_name) for clinician in p.assists),
                away=tuple(Absence(a.first, a.last) for a in p.away),
                available=p.available,
            )
            for p in people
        ),
        intervals=Intervals(**file.reminders.model_dump(), follow_up_months=file.follow_up_months),
        triage=file.triage,
        take_over_days=file.take_over_days,
        groups=tuple(
            Group(g.id, g.labels, tuple(full_user_id(member, server_name) for member in g.members)) for g in file.group
        ),
        arrangements=tuple(Arrangement(a.id, a.name, a.countries, a.consent_form) for a in file.arrangement),
        joining_accepts=file.joining_accepts,
        signers=file.signers,
        anonymous_dissent=file.dissent == "anonymous",
    )
    _check_groups(network)
    _check_assistants(network)
    return network


def _check_groups(network: Network) -> None:
    for group in network.groups:
        for member in group.members:
            if network.person(member) is None:
                raise ValueError(f"group {group.id!r} names {member!r}, whom the network does not list")


def _check_assistants(network: Network) -> None:
    """An assistant acts for clinicians of the same hospital, and for nobody else."""
    for person in network.people:
        for name in person.assists:
            clinician = network.person(name)
            at_fault = f"person {person.user_id!r} assists {name!r}"
            if clinician is None or clinician.role not in CLINICIANS or name == person.user_id:
                raise ValueError(f"{at_fault}, who is no other clinician of this network")
            if clinician.centre != person.centre or network.centre(person.centre).kind not in SEES_PATIENTS:
                raise ValueError(f"{at_fault}, who does not work at the same hospital")
