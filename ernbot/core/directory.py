"""Who belongs to which network, and who may therefore do what.

The directory is configuration (`config/networks/*.toml`), read once and never changed at run time. The kinds of
centre follow the competence distribution published by the ECNM and the membership rules of the European Reference
Networks: research centres study without seeing patients, so they never enter a case room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from ernbot.core.blind import Mode


class CentreKind(StrEnum):
    """What a centre is within its network."""

    EXCELLENCE = "centre-of-excellence"
    REFERENCE = "reference-centre"
    MEMBER = "member-hospital"
    AFFILIATED = "affiliated-partner"
    RESEARCH = "research-centre"
    PARTNER = "partner"
    PATIENT_ORGANISATION = "patient-organisation"


SEES_PATIENTS = frozenset({CentreKind.EXCELLENCE, CentreKind.REFERENCE, CentreKind.MEMBER, CentreKind.AFFILIATED})
"""Only staff of a member or affiliated partner reach a patient's case [EC, "How to access CPMS 2.0"]."""


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
    """A distinct issue or discipline of a network; `labels` maps a language tag to its name."""

    id: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Centre:
    """A hospital, institute or organisation of a network; `country` is ISO 3166-1 alpha-2."""

    id: str
    name: str
    country: str
    kind: CentreKind
    competences: tuple[str, ...] = ()

    @property
    def sees_patients(self) -> bool:
        return self.kind in SEES_PATIENTS


@dataclass(frozen=True)
class Person:
    """One person in one network. `user_id` is a full Matrix user id; `languages` are BCP 47 tags.

    `assists` are the clinicians of the same centre for whom this person may act.
    """

    user_id: str
    name: str
    centre: str
    role: Role = Role.CLINICIAN
    competences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    assists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A network with its centres and people.

    `opinion_form` names the form that its experts answer; `opinion_forms` has another one for a type of question.
    `blind` is how opinions are kept apart unless the lead says otherwise. With `triage`, its dispatchers and
    coordinators look at each new case before experts are asked. A coordinator may take a case over `take_over_days`
    after its due date has passed.
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

    def form_for(self, question_type: str) -> str:
        """The form for a type of question; the one of the network where there is none of its own."""
        return self.opinion_forms.get(question_type, self.opinion_form)

    def centre(self, centre_id: str) -> Centre:
        return next(centre for centre in self.centres if centre.id == centre_id)

    def person(self, user_id: str) -> Person | None:
        return next((person for person in self.people if person.user_id == user_id), None)

    def treats_patients(self, user_id: str) -> bool:
        """Whether this is a clinician, coordinator or dispatcher of a centre of this network that sees patients."""
        person = self.person(user_id)
        return person is not None and person.role in CLINICIANS and self.centre(person.centre).sees_patients

    def triages(self, user_id: str) -> bool:
        """Whether this person looks at requests to this network."""
        person = self.person(user_id)
        return person is not None and person.role in TRIAGE and self.treats_patients(user_id)

    def dispatchers(self) -> tuple[str, ...]:
        """Everybody who looks at requests to this network."""
        return tuple(person.user_id for person in self.people if self.triages(person.user_id))

    def coordinators(self) -> tuple[str, ...]:
        return tuple(person.user_id for person in self.people if person.role is Role.COORDINATOR)

    def experts(self, competence: str) -> tuple[Person, ...]:
        """People who may be asked about a competence, those of its reference centres first."""
        experts = [
            person
            for person in self.people
            if self.treats_patients(person.user_id) and competence in person.competences
        ]
        return tuple(sorted(experts, key=lambda person: (not self._is_reference(person, competence), person.user_id)))

    def _is_reference(self, person: Person, competence: str) -> bool:
        centre = self.centre(person.centre)
        return centre.kind is CentreKind.REFERENCE and competence in centre.competences


@dataclass(frozen=True)
class Directory:
    """All networks of this installation."""

    networks: tuple[Network, ...]

    def network(self, network_id: str) -> Network | None:
        return next((network for network in self.networks if network.id == network_id), None)

    def memberships(self, user_id: str) -> Iterator[tuple[Network, Person]]:
        """Every network that lists this person, with their entry there."""
        for network in self.networks:
            person = network.person(user_id)
            if person is not None:
                yield network, person

    def knows(self, user_id: str) -> bool:
        return any(True for _ in self.memberships(user_id))

    def name_of(self, user_id: str) -> str:
        """The person's name, or the user id of someone the directory does not list."""
        return next((person.name for _, person in self.memberships(user_id)), user_id)

    def treats_patients(self, user_id: str) -> bool:
        """Whether this is a clinician of any network, at a centre that sees patients."""
        return any(network.treats_patients(user_id) for network, _ in self.memberships(user_id))

    def assisted_by(self, user_id: str) -> tuple[str, ...]:
        """The clinicians for whom this person may act."""
        entries = (person for _, person in self.memberships(user_id))
        return tuple(dict.fromkeys(clinician for person in entries for clinician in person.assists))

    def assistants_of(self, user_id: str) -> tuple[str, ...]:
        """Who may act for this clinician."""
        people = (person for network, _ in self.memberships(user_id) for person in network.people)
        return tuple(dict.fromkeys(person.user_id for person in people if user_id in person.assists))
