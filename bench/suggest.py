"""How long it takes to say whom to ask, in a directory of 1,600 centres and 20,000 people.

Ours is all that the program does between the words that somebody typed and the ranked people: the mistyped name of a
disease is found, everybody who may be asked is weighed, the best ten are spread over countries. The reference of the
first line is a plain sort of the whole directory by the same score, without spreading; that of the second is the
limit of 100 ms, with a competence that every single person has, so that no index helps.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date

from bench._common import Samples, report, rounds, state
from ernbot.core.directory import Absence, Centre, CentreKind, Competence, Directory, Network, Person
from ernbot.core.ranking import Candidate, Index, Wish, scores

NETWORKS, CENTRES, PEOPLE = 24, 1_600, 20_000
"""The European Reference Networks: 24 of them, with about 1,600 specialised centres."""

COMPETENCES, ALIASES = 15, 20
LIMIT_MS = 100.0
TODAY = date(2026, 3, 5)
COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL NO PL PT RO SE SI SK"
LANGUAGES = "bg cs da de el es et fi fr hr hu it lt lv nl no pl pt ro sk sl sv"
KINDS = (CentreKind.MEMBER, CentreKind.MEMBER, CentreKind.AFFILIATED, CentreKind.REFERENCE, CentreKind.EXCELLENCE)
SYLLABLES = "tri gono cranio syn ost osis micro ceph aly hemi fac ial dys pla sia trich neur oma lip o my el"


def directory(seed: int = 1) -> Directory:
    """A directory of the size of all networks; everybody has the competence `everything` of their network."""
    chance = random.Random(seed)
    centres, people = CENTRES // NETWORKS + 1, PEOPLE // NETWORKS + 1
    return Directory(tuple(_network(number, centres, people, chance) for number in range(NETWORKS)))


def _network(number: int, centres: int, people: int, chance: random.Random) -> Network:
    ids = [f"competence-{each}" for each in range(COMPETENCES)]
    named = [Competence(each, {"en": f"{_word(chance)} {each}"}, tuple(_words(chance))) for each in ids]
    named.append(Competence("everything", {"en": "Every rare thing"}, ("trigonocephaly",)))
    houses = [
        Centre(
            f"c{each}",
            f"Centre {each}",
            chance.choice(COUNTRIES.split()),
            chance.choice(KINDS),
            tuple(chance.sample(ids, 3)),
        )
        for each in range(centres)
    ]
    staff = [
        Person(
            f"@u{number}.{each}:example.org",
            f"Person {each}",
            chance.choice(houses).id,
            competences=("everything", *chance.sample(ids, 2)),
            languages=("en", chance.choice(LANGUAGES.split())),
            away=(Absence(TODAY, TODAY),) if each % 10 == 0 else (),
        )
        for each in range(people)
    ]
    return Network(f"n{number}", f"Network {number}", "form", tuple(named), tuple(houses), tuple(staff))


def _word(chance: random.Random) -> str:
    return "".join(chance.sample(SYLLABLES.split(), 4))


def _words(chance: random.Random) -> list[str]:
    return [f"ORPHA:{chance.randrange(1, 700_000)}", *(_word(chance) for _ in range(ALIASES - 1))]


def main() -> None:
    asked = rounds(20)
    everybody = directory()
    began = time.perf_counter()
    index = Index(everybody)
    print(f"index of {PEOPLE} people made in {(time.perf_counter() - began) * 1000:.0f} ms, once", flush=True)
    chance = random.Random(2)
    load = {person.user_id: chance.randrange(5) for network in everybody.networks for person in network.people}
    wish = Wish(TODAY, "n3", languages=("en", "da"), load=load)
    one = next(c for c in everybody.networks[3].competences if c.id == "competence-5")
    mistyped = one.diseases[1][:-1] + "q"
    assert any(field.competence is one for field in index.find(mistyped)), mistyped

    ours, plain, worst = Samples(), Samples(), Samples()
    for _ in range(asked):
        ours.seconds.append(_seconds(lambda: index.suggest(index.find(mistyped), wish, 10)))
        plain.seconds.append(_seconds(lambda: _plain_sort(everybody, wish)[:10]))
        worst.seconds.append(_seconds(lambda: index.suggest(index.find("trigonocefaly"), wish, 10)))
    report("whom to ask about a mistyped disease, against a plain sort of everybody", ours, plain)
    state("ten of 20,000 experts of one competence, against the limit", worst.median * 1000, LIMIT_MS, "ms")
    slowest = max(worst.seconds) * 1000
    state(f"the same, the slowest of {asked}, against the limit", slowest, LIMIT_MS, "ms")


def _plain_sort(everybody: Directory, wish: Wish) -> list[Person]:
    """Every person of every network, sorted by the same score, as if they had one competence in common."""
    found = [
        Candidate(person, network.centre(person.centre), network, "everything", 0)
        for network in everybody.networks
        for person in network.people
        if network.treats_patients(person.user_id)
    ]
    values = scores(found, wish)
    return [found[number].person for number in sorted(range(len(found)), key=values.__getitem__, reverse=True)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
