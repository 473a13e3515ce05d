"""The networks that come with the system have the structure that their seed documents describe."""

from ernbot.core.directory import Centre, CentreKind, Network, Role
from ernbot.demo.homeserver import CONFIG
from ernbot.network_files import load_directory

DIRECTORY = load_directory(CONFIG / "networks", "ern.localhost")


def network(network_id: str) -> Network:
    found = DIRECTORY.network(network_id)
    assert found
    return found


def of_kind(network: Network, *kinds: CentreKind) -> list[Centre]:
    return [centre for centre in network.centres if centre.kind in kinds]


def test_every_competence_has_two_reference_centres_and_an_expert_there() -> None:
    for net in DIRECTORY.networks:
        for competence in net.competences:
            centres = {c.id for c in of_kind(net, CentreKind.REFERENCE) if competence.id in c.competences}
            assert len(centres) >= 2, competence.id
            assert net.experts(competence.id)[0].centre in centres
            assert set(competence.labels) == {"en", "da"}


def test_cranio_has_22_member_hospitals_in_10_countries_partners_and_patients() -> None:
    cranio = network("ern-cranio")
    hospitals = of_kind(cranio, CentreKind.MEMBER, CentreKind.REFERENCE, CentreKind.EXCELLENCE)
    assert (len(hospitals), len({hospital.country for hospital in hospitals})) == (22, 10)
    for kind in (CentreKind.AFFILIATED, CentreKind.RESEARCH, CentreKind.PARTNER, CentreKind.PATIENT_ORGANISATION):
        assert of_kind(cranio, kind)


def test_ecnm_has_centres_of_excellence_and_research_centres_without_patients() -> None:
    ecnm = network("ecnm")
    for centre in of_kind(ecnm, CentreKind.EXCELLENCE):
        assert {"dermatology", "haematology", "pathology", "laboratory"} <= set(centre.competences)
    assert all(not centre.sees_patients for centre in of_kind(ecnm, CentreKind.RESEARCH))


def test_each_network_has_what_the_story_needs() -> None:
    for net in DIRECTORY.networks:
        assert {person.role for person in net.people} == set(Role)
        assert net.coordinators()
        assert len({net.centre(person.centre).country for person in net.people}) >= 8
