"""Who treats patients, who is an expert for what, and who is known at all."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from ernbot.core.directory import Centre, CentreKind, Directory, Network, Person, Role

from .samples import COORDINATOR, EXPERT, LEAD, NETWORK, SECOND, STRANGER

OTHER = replace(NETWORK, id="ecnm", name="ECNM", people=(replace(NETWORK.people[0], name="Anna J."),))
DIRECTORY = Directory((NETWORK, OTHER))

CLINICIANS = (Role.CLINICIAN, Role.COORDINATOR, Role.DISPATCHER)
TREATING = {
    *product(CLINICIANS, (CentreKind.EXCELLENCE, CentreKind.REFERENCE)),
    *product(CLINICIANS, (CentreKind.MEMBER, CentreKind.AFFILIATED)),
}


@pytest.mark.parametrize(("role", "kind"), list(product(Role, CentreKind)))
def test_only_clinicians_of_centres_that_see_patients_treat_them(role: Role, kind: CentreKind) -> None:
    network = Network("n", "N", "f", (), (Centre("c", "C", "DK", kind),), (Person(LEAD, "A", "c", role),))
    assert network.treats_patients(LEAD) == ((role, kind) in TREATING)
    assert not network.treats_patients(STRANGER)


def test_experts_of_reference_centres_come_first_and_others_never() -> None:
    assert [person.user_id for person in NETWORK.experts("cleft")] == [COORDINATOR, EXPERT, LEAD, SECOND]
    assert [person.user_id for person in NETWORK.experts("skull")] == [SECOND]
    assert NETWORK.experts("unknown") == ()


def test_coordinators() -> None:
    assert NETWORK.coordinators() == (COORDINATOR,)


def test_people_are_found_in_every_network() -> None:
    assert [network.id for network, _ in DIRECTORY.memberships(LEAD)] == ["ern-cranio", "ecnm"]
    assert [network.id for network, _ in DIRECTORY.memberships(EXPERT)] == ["ern-cranio"]
    assert list(DIRECTORY.memberships(STRANGER)) == []
    assert DIRECTORY.knows(EXPERT)
    assert not DIRECTORY.knows(STRANGER)


def test_names_are_those_of_the_directory() -> None:
    assert DIRECTORY.name_of(LEAD) == "Anna Jensen"
    assert DIRECTORY.name_of(STRANGER) == STRANGER


def test_networks_are_found_by_id() -> None:
    assert DIRECTORY.network("ecnm") is OTHER
    assert DIRECTORY.network("ECNM") is None
    assert NETWORK.person(LEAD) is NETWORK.people[0]
    assert NETWORK.centre("member").country == "DK"
