"""Who belongs to which network, and who may therefore do what.

The directory is configuration (`config/networks/*.toml`), read once and never changed at run time. The kinds of
centre follow the competence distribution published by the ECNM and the membership rules of the European Reference
Networks: research centres study without seeing patients, so they never enter a case room. What is looked up for every
message is indexed once, because a directory may hold twenty thousand people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal

from ernbot.core.blind import Mode
from ernbot.core.intervals import Intervals


class CentreKind(StrEnum):
    """What a centre is within its network."""

    EXCELLENCE = "centre-of-excellence"
    REFERENCE = "reference-centre"
    MEMBER = "member-hospital"
    AFFILIATED = "affiliated-partner"
    HUB = "national-hub"
    RESEARCH = "research-centre"
    PARTNER = "partner"
    PATIENT_ORGANISATION = "patient-organisation"


SEES_PATIENTS = frozenset(
    {CentreKind.EXCELLENCE, CentreKind.REFERENCE, CentreKind.MEMBER, CentreKind.AFFILIATED, CentreKind.HUB}
)
"""Only staff of a member or affiliated partner reach a patient's case [EC, "How to access CPMS 2.0"]; a national
coordination hub is an affiliated partner."""


class Role(StrEnum):
    """A person's standing in one network."""

    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    DISPATCHER = "dispatcher"
    ASSISTANT = "assistant"
    RESEARCHER = "researcher"
    HELPDESK = "helpdesk"
    REPRESENTATIVE = "patient-representative"


CLINICIANS = frozenset({Role.CLINICIAN, Role.COORDINATOR, Role.DISPATCHER})
"""Being a health professional is a prerequisite for coordinator and dispatcher [ERN-EURO-NMD, CPMS roles]."""

TRIAGE = frozenset({Role.COORDINATOR, Role.DISPATCHER})
"""Who looks at requests to a network."""


@dataclass(frozen=True)
class Competence:
    """A distinct issue or discipline of a network; `labels` maps a language tag to its name.

    `diseases` are the codes and words by which clinicians look for it: `ORPHA:3366`, `trigonocephaly`.
    """

    id: str
    labels: dict[str, str]
    diseases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Centre:
    """A hospital, institute or organisation of a network; `country` is ISO 3166-1 alpha-2.

    A reference centre is one for all its `competences`, unless `reference_for` names some of them; a centre of
    excellence, member or partner that sees patients is one for what `reference_for` names.
    """

    id: str
    name: str
    country: str
    kind: CentreKind
    competences: tuple[str, ...] = ()
    reference_for: tuple[str, ...] = ()

    @property
    def sees_patients(self) -> bool:
        return self.kind in SEES_PATIENTS

    def is_reference(self, competence: str) -> bool:
        """Whether this is a reference centre for a competence."""
        if self.kind is CentreKind.REFERENCE and not self.reference_for:
            return competence in self.competences
        return self.sees_patients and competence in self.reference_for


@dataclass(frozen=True)
class Absence:
    """Days on which somebody cannot be asked, both included."""

    first: date
    last: date


def localpart(user_id: str) -> str:
    """The user name: what stands before the homeserver in a Matrix user id, without the sigil."""
    return user_id.removeprefix("@").partition(":")[0]


@dataclass(frozen=True)
class Person:
    """One person in one network. `user_id` is a full Matrix user id; `languages` are BCP 47 tags.

    `assists` are the clinicians of the same centre for whom this person may act. `available` is false for whoever asks
    not to be invited for now.
    """

    user_id: str
    name: str
    centre: str
    role: Role = Role.CLINICIAN
    competences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    assists: tuple[str, ...] = ()
    away: tuple[Absence, ...] = ()
    available: bool = True

    def away_until(self, on: date) -> date | None:
        """The last day of the absence that a day falls into; None for somebody who is there."""
        return max((absence.last for absence in self.away if absence.first <= on <= absence.last), default=None)


@dataclass(frozen=True)
class Group:
    """Experts of a network who are invited in one step, by user id."""

    id: str
    labels: dict[str, str]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Arrangement:
    """Under which clinicians of countries outside the networks come in as guests.

    `consent_form` is the version of the consent form that the patient signed, which tells them so.
    """

    id: str
    name: str
    countries: tuple[str, ...]
    consent_form: str


Signers = Literal["lead", "lead-and-panel"]


@dataclass(frozen=True)
class Network:
    """A network with its centres and people.

    `opinion_form` names the form that its experts answer; `opinion_forms` has another one for a type of question.
    `blind` is how opinions are kept apart unless the lead says otherwise. With `triage`, its dispatchers and
    coordinators look at each new case before experts are asked. A coordinator may take a case over `take_over_days`
    after its due date has passed. `joining_accepts`: whether an invited expert who comes into the room has thereby
    accepted. `intervals` say when somebody is reminded. `signers` are asked to sign an outcome: its lead alone, or
    also everybody who voted. With `anonymous_dissent`, dissent bears no names unless a lead decides so.
    """

    id: str
    name: str
    opinion_form: str
    competences: tuple[Competence, ...]
    centres: tuple[Centre, ...]
    people: tuple[Person, ...]
    triage: bool = False
    take_over_days: int = 14
    opinion_forms: dict[str, str] = field(default_factory=dict)
    blind: Mode = "off"
    groups: tuple[Group, ...] = ()
    arrangements: tuple[Arrangement, ...] = ()
    joining_accepts: bool = True
    intervals: Intervals = Intervals()
    signers: Signers = "lead-and-panel"
    anonymous_dissent: bool = False

    @cached_property
    def _centres(self) -> Mapping[str, Centre]:
        return {centre.id: centre for centre in self.centres}

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {person.user_id: person for person in self.people}

    @cached_property
    def _clinicians(self) -> frozenset[str]:
        return frozenset(
            person.user_id
            for person in self.people
            if person.role in CLINICIANS and self.centre(person.centre).sees_patients
        )

    @cached_property
    def _experts(self) -> Mapping[str, tuple[Person, ...]]:
        """Who may be asked about each competence."""
        found: dict[str, list[Person]] = {}
        for person in self.people:
            if self.treats_patients(person.user_id):
                for competence in person.competences:
                    found.setdefault(competence, []).append(person)
        return {competence: tuple(people) for competence, people in found.items()}

    def form_for(self, question_type: str) -> str:
        """The form for a type of question; the one of the network where there is none of its own."""
        return self.opinion_forms.get(question_type, self.opinion_form)

    def centre(self, centre_id: str) -> Centre:
        return self._centres[centre_id]

    def person(self, user_id: str) -> Person | None:
        return self._people.get(user_id)

    def competence(self, competence_id: str) -> Competence:
        return next(competence for competence in self.competences if competence.id == competence_id)

    def group(self, name: str) -> Group | None:
        """A group by its id or by a label in any language."""
        wanted = name.casefold()
        return next((g for g in self.groups if wanted in {g.id, *(s.casefold() for s in g.labels.values())}), None)

    def arrangement_for(self, country: str) -> Arrangement | None:
        """The arrangement for clinicians of a country."""
        return next((a for a in self.arrangements if country in a.countries), None)

    def treats_patients(self, user_id: str) -> bool:
        """Whether this is a clinician, coordinator or dispatcher of a centre of this network that sees patients."""
        return user_id in self._clinicians

    def triages(self, user_id: str) -> bool:
        """Whether this person looks at requests to this network."""
        person = self.person(user_id)
        return person is not None and person.role in TRIAGE and self.treats_patients(user_id)

    def dispatchers(self) -> tuple[str, ...]:
        """Everybody who looks at requests to this network."""
        return tuple(person.user_id for person in self.people if self.triages(person.user_id))

    def coordinators(self) -> tuple[str, ...]:
        return self._coordinators

    @cached_property
    def _coordinators(self) -> tuple[str, ...]:
        return tuple(person.user_id for person in self.people if person.role is Role.COORDINATOR)

    def able(self, competence: str) -> tuple[Person, ...]:
        """People who may be asked about a competence, in the order of the directory."""
        return self._experts.get(competence, ())

    def experts(self, competence: str) -> tuple[Person, ...]:
        """People who may be asked about a competence, those of its reference centres first."""

        def order(person: Person) -> tuple[bool, str]:
            return not self.centre(person.centre).is_reference(competence), person.user_id

        return tuple(sorted(self.able(competence), key=order))


@dataclass(frozen=True)
class Coverage:
    """How well a competence is covered: its reference centres, its experts, and the countries of both."""

    network: Network
    competence: Competence
    references: tuple[Centre, ...]
    experts: int
    countries: tuple[str, ...]

    @property
    def thin(self) -> bool:
        """A network wants at least one or two reference centres for each competence [ECNM]; one alone can be away."""
        return len(self.references) < 2


@dataclass(frozen=True)
class Directory:
    """All networks of this installation."""

    networks: tuple[Network, ...]

    @cached_property
    def _memberships(self) -> Mapping[str, tuple[tuple[Network, Person], ...]]:
        found: dict[str, list[tuple[Network, Person]]] = {}
        for network in self.networks:
            for person in network.people:
                found.setdefault(person.user_id, []).append((network, person))
        return {user: tuple(entries) for user, entries in found.items()}

    @cached_property
    def _clinicians(self) -> frozenset[str]:
        return frozenset[str]().union(*(network._clinicians for network in self.networks))

    @cached_property
    def _assistants(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for network in self.networks:
            for person in network.people:
                for clinician in person.assists:
                    if network.person(clinician) is not None:
                        found.setdefault(clinician, {})[person.user_id] = None
        return {clinician: tuple(assistants) for clinician, assistants in found.items()}

    @cached_property
    def _by_id(self) -> Mapping[str, Network]:
        return {network.id: network for network in self.networks}

    def network(self, network_id: str) -> Network | None:
        return self._by_id.get(network_id)

    def memberships(self, user_id: str) -> Iterator[tuple[Network, Person]]:
        """Every network that lists this person, with their entry there."""
        return iter(self._memberships.get(user_id, ()))

    def knows(self, user_id: str) -> bool:
        return user_id in self._memberships

    def name_of(self, user_id: str) -> str:
        """The person's name, or the user id of someone the directory does not list."""
        return next((person.name for _, person in self.memberships(user_id)), user_id)

    def expert_of(self, user_id: str, first: Network) -> tuple[Network, Person] | None:
        """The entry by which somebody may be asked: in a network before all others; None for who treats no patients."""
        entries = sorted(self.memberships(user_id), key=lambda entry: entry[0].id != first.id)
        return next((entry for entry in entries if entry[0].treats_patients(user_id)), None)

    def treats_patients(self, user_id: str) -> bool:
        """Whether this is a clinician of any network, at a centre that sees patients."""
        return user_id in self._clinicians

    def assisted_by(self, user_id: str) -> tuple[str, ...]:
        """The clinicians for whom this person may act."""
        entries = (person for _, person in self.memberships(user_id))
        return tuple(dict.fromkeys(clinician for person in entries for clinician in person.assists))

    def assistants_of(self, user_id: str) -> tuple[str, ...]:
        """Who may act for this clinician."""
        return self._assistants.get(user_id, ())


def coverage(network: Network) -> tuple[Coverage, ...]:
    """How well each competence of a network is covered."""
    found = []
    for competence in network.competences:
        people = network.able(competence.id)
        references = tuple(centre for centre in network.centres if centre.is_reference(competence.id))
        countries = {network.centre(person.centre).country for person in people} | {c.country for c in references}
        found.append(Coverage(network, competence, references, len(people), tuple(sorted(countries))))
    return tuple(found)
