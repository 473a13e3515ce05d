"""Whom to ask: what clinicians type is understood, and people are ranked as a good coordinator would."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ernbot.core.directory import Absence, Centre, CentreKind, Competence, Directory, Network, Person, Role
from ernbot.core.ranking import Index, Wish, folded

TODAY = date(2026, 3, 5)
SKULL = Competence(
    "craniosynostosis",
    {"en": "Craniosynostosis", "da": "Kraniosynostose"},
    ("ORPHA:3366", "trigonocephaly", "Apert syndrome", "Sæthre-Chotzens syndrom"),
)
CLEFT = Competence("cleft", {"en": "Cleft lip and palate", "da": "Læbe-ganespalte"}, ("ORPHA:199306",))
CENTRES = (
    Centre("a", "Alpha", "DK", CentreKind.MEMBER),
    Centre("b", "Beta", "NL", CentreKind.REFERENCE, ("craniosynostosis", "cleft"), ("craniosynostosis",)),
    Centre("c", "Gamma", "NL", CentreKind.REFERENCE, ("craniosynostosis",)),
    Centre("d", "Delta", "SE", CentreKind.EXCELLENCE, ("craniosynostosis",)),
    Centre("e", "Epsilon", "SE", CentreKind.RESEARCH, ("craniosynostosis",)),
    Centre("f", "Zeta", "PL", CentreKind.HUB, ("craniosynostosis",), ("craniosynostosis",)),
)


def person(name: str, centre: str, *competences: str, **more: object) -> Person:
    return Person(f"@{name}:x", name, centre, competences=competences or ("craniosynostosis",), **more)  # type: ignore[arg-type]


PEOPLE = (
    person("member", "a"),
    person("beta", "b"),
    person("bea", "b"),
    person("gamma", "c"),
    person("delta", "d"),
    person("lab", "e"),
    person("hub", "f"),
    person("palate", "b", "cleft"),
    person("nurse", "c", role=Role.HELPDESK),
)
NETWORK = Network("skulls", "Skulls", "form", (SKULL, CLEFT), CENTRES, PEOPLE)
OTHER = replace(NETWORK, id="faces", name="Faces", competences=(SKULL,), people=(person("faces", "c"),))
DIRECTORY = Directory((NETWORK, OTHER))
WISH = Wish(TODAY, "skulls")


def found(text: str, directory: Directory = DIRECTORY) -> list[tuple[str, str]]:
    return [(field.network.id, field.competence.id) for field in Index(directory).find(text)]


def names(wish: Wish = WISH, count: int = 20, network: Network = NETWORK, text: str = "trigonocephaly") -> list[str]:
    index = Index(Directory((network, OTHER)))
    return [each.person.name for each in index.suggest(index.find(text), wish, count)]


BOTH = [("skulls", "craniosynostosis"), ("faces", "craniosynostosis")]


@pytest.mark.parametrize(
    "text",
    [
        *("craniosynostosis", "Craniosynostosis", " KRANIOSYNOSTOSE ", "trigonocephaly", "Trigonocéphaly"),
        *("orpha:3366", "ORPHA 3366", "Orpha3366", "ORPHA: 3366", "orpha-3366"),
        *("saethre chotzens", "SÆTHRE-CHOTZEN", "apert", "Apert's syndrome", "syndrome apert"),
        *("trigonocefaly", "trigonocephalie", "cranosynostosis", "craniosynostoses", "cranio"),
    ],
)
def test_a_competence_is_found_by_every_name_however_it_is_typed(text: str) -> None:
    assert found(text) == BOTH


@pytest.mark.parametrize("text", ["", "  ", "?!", "ORPHA:3367", "ORPHA:33", "haemophilia", "xyz", "a", "é" * 5_000])
def test_what_nobody_does_is_not_found(text: str) -> None:
    assert found(text) == []


def test_a_code_is_never_guessed() -> None:
    """The neighbour of a code is another disease."""
    assert found("ORPHA:199306") == [("skulls", "cleft")]
    assert found("ORPHA:199305") == []


def test_a_competence_is_recognised_in_a_question() -> None:
    index = Index(DIRECTORY)
    question = "Trigonocephaly: a boy of 4 months (ORPHA: 3366). Operate, or wait for the cleft lip?"
    assert {field.competence.id for field in index.mentioned(question, NETWORK)} == {"craniosynostosis", "cleft"}
    assert [field.competence.id for field in index.mentioned("Trigonocephalyx, ORPHA3366?", NETWORK)] == [SKULL.id]
    assert index.mentioned("Is this a rash?", NETWORK) == ()
    assert {field.network.id for field in index.mentioned(question, OTHER)} == {"faces"}


def test_reference_centres_come_first_and_countries_are_spread() -> None:
    """The second expert of a hospital comes after all other hospitals of the network."""
    assert names() == ["beta", "hub", "gamma", "delta", "member", "bea", "faces"]


def test_research_centres_and_people_who_see_no_patients_are_never_suggested() -> None:
    assert not {"lab", "nurse"} & set(names())
    assert "palate" not in names()


def test_a_centre_is_reference_for_some_and_member_for_other_competences() -> None:
    beta = NETWORK.centre("b")
    assert beta.is_reference("craniosynostosis")
    assert not beta.is_reference("cleft")
    assert NETWORK.centre("c").is_reference("craniosynostosis")
    assert not replace(CENTRES[4], reference_for=("craniosynostosis",)).is_reference("craniosynostosis")


def test_whoever_is_in_the_case_or_in_conflict_is_not_suggested() -> None:
    assert not {"beta", "hub"} & set(names(replace(WISH, without=("@beta:x", "@hub:x"))))


def test_who_has_much_to_do_comes_later() -> None:
    busy = names(replace(WISH, load={"@hub:x": 9}))
    assert busy.index("hub") > names().index("hub")


def test_the_panel_that_is_there_counts_when_countries_are_spread() -> None:
    there = replace(WISH, panel=(NETWORK.centre("f"),), without=("@hub:x",))
    more = replace(NETWORK, people=(*PEOPLE, person("hub2", "f")))
    assert names(there, network=more).index("hub2") > names(WISH, network=more).index("hub")


def test_whoever_is_away_comes_last_and_is_still_named() -> None:
    away = replace(NETWORK.people[6], away=(Absence(TODAY, date(2026, 3, 20)),))
    later = replace(NETWORK.people[1], away=(Absence(date(2026, 4, 1), date(2026, 4, 2)),))
    silent = replace(NETWORK.people[4], available=False)
    people = (later, away, silent, NETWORK.people[0])
    assert names(network=replace(NETWORK, people=people)) == ["beta", "member", "faces", "hub", "delta"]
    index = Index(Directory((replace(NETWORK, people=(away,)),)))
    (only,) = index.suggest(index.find("apert"), WISH, 3)
    assert only.away_until == date(2026, 3, 20)


def test_filters_and_languages() -> None:
    polish = replace(NETWORK.people[6], languages=("pl",))
    network = replace(NETWORK, people=(*NETWORK.people[:6], polish))
    assert names(replace(WISH, country="SE"), network=network) == ["delta"]
    assert names(replace(WISH, speaking="pl"), network=network) == ["hub"]
    assert names(replace(WISH, speaking="fr"), network=network) == []
    two = replace(NETWORK, people=(NETWORK.people[3], polish))
    assert names(network=two) == ["gamma", "hub", "faces"], "no language in common"
    assert names(replace(WISH, languages=("en", "pl")), network=two) == ["hub", "gamma", "faces"]


def test_the_own_network_comes_before_others_and_nobody_twice() -> None:
    assert names()[-1] == "faces"
    twice = replace(OTHER, people=(person("beta", "c"),))
    index = Index(Directory((NETWORK, twice)))
    users = [each.person.user_id for each in index.suggest(index.find("apert"), WISH, 20)]
    assert len(users) == len(set(users))


def test_as_many_as_asked_and_no_more() -> None:
    assert len(names(count=3)) == 3
    assert names(count=0) == []
    assert Index(Directory(())).find("apert") == ()


def test_the_ranking_is_the_same_each_time() -> None:
    assert names() == names()


def test_greedy_choice_is_that_of_weighing_everybody_each_time() -> None:
    """What is saved by not weighing everybody anew changes nothing."""
    index = Index(DIRECTORY)
    chosen = [each.person.name for each in index.suggest(index.find("apert"), WISH, 20)]
    again: list[str] = []
    for _ in chosen:
        there = [NETWORK.centre(p.centre) for name in again for p in (*PEOPLE, *OTHER.people) if p.name == name]
        wish = replace(WISH, panel=there, without=[f"@{name}:x" for name in again])
        again += [index.suggest(index.find("apert"), wish, 1)[0].person.name]
    assert again == chosen


@pytest.mark.parametrize(
    ("text", "plain"),
    [("  Øre-Næse–HALS ", "ore naese hals"), ("Zieliński", "zielinski"), ("ORPHA:0099", "orpha:99"), ("a_b", "a b")],
)
def test_names_are_compared_without_case_accents_and_marks(text: str, plain: str) -> None:
    assert folded(text) == plain
