"""Whom to ask: from what a clinician types to a competence, and from a competence to people, best first.

The score adds up what a good coordinator weighs; it never hides why. Names are looked up forgivingly, because nobody
spells a rare disease right on a telephone. The index is made once; looking up may not walk the directory again.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from rapidfuzz import fuzz, process

from ernbot.core.directory import Centre, CentreKind, Competence, Directory, Network, Person

LIKENESS = 82.0
"""How alike a mistyped name must be (0 to 100, as rapidfuzz counts)."""

SHORTEST = 4
"""Characters from which a word may be mistyped: three letters are like too many other three letters."""

REFERENCE, EXCELLENCE, COMPETENT_CENTRE = 40, 15, 5
OWN_NETWORK = 25
MOTHER_TONGUE, NO_LANGUAGE = 5, -15
"""Panels are held in English: another language in common helps, none at all is an obstacle."""

LOAD, HEAVIEST_LOAD = -6, 10
SAME_COUNTRY, SAME_CENTRE = -20, -60
AWAY, NOT_NOW = -1_000, -2_000
"""Whoever cannot be asked comes after everybody else, and is still named: there may be nobody else."""

_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_CODE = re.compile(r"\b(orpha|omim|hp|icd10)[\s:]*(\d+)\b")


def folded(text: str) -> str:
    """A name without case, accents and punctuation; a code as `orpha:3366`, however it was typed."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    plain = "".join(character for character in letters if not unicodedata.combining(character))
    plain = _CODE.sub(lambda code: f"{code[1]}:{int(code[2])}", re.sub(r"[^\w:]|_|:(?!\d)", " ", plain))
    return " ".join(plain.split())


@dataclass(frozen=True)
class Field:
    """A competence of a network."""

    network: Network
    competence: Competence


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be asked about a competence; `worth` is the part of the score that never changes."""

    person: Person
    centre: Centre
    network: Network
    competence: str
    worth: int


@dataclass(frozen=True)
class Wish:
    """What is asked of the people: never `without`, in a `country` and with a language of `speaking` when named.

    `languages` are those of whoever asks, `load` the open cases by person, `panel` the centres that are there already.
    """

    on: date
    network: str | None = None
    without: Collection[str] = ()
    country: str | None = None
    speaking: str | None = None
    languages: tuple[str, ...] = ("en",)
    load: Mapping[str, int] = field(default_factory=dict)
    panel: Iterable[Centre] = ()


@dataclass(frozen=True)
class Suggestion:
    """Somebody to ask, and the facts that speak for and against it."""

    person: Person
    centre: Centre
    network: Network
    competence: str
    reference: bool
    load: int
    shared: tuple[str, ...]
    away_until: date | None


class Index:
    """Competences by every name, and the people behind them."""

    def __init__(self, directory: Directory) -> None:
        self._fields: dict[str, list[Field]] = {}
        self._candidates: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        for network in directory.networks:
            for competence in network.competences:
                for name in (competence.id, *competence.labels.values(), *competence.diseases):
                    fields = self._fields.setdefault(folded(name), [])
                    if Field(network, competence) not in fields:
                        fields.append(Field(network, competence))
                self._candidates[network.id, competence.id] = tuple(candidates(network, competence))
        self._names = list(self._fields)
        self._words = {name: list(fields) for name, fields in self._fields.items()}
        for name, fields in self._fields.items():
            for word in name.split():
                if len(word) >= SHORTEST and word != name:
                    self._words.setdefault(word, []).extend(fields)

    def knows(self, text: str) -> bool:
        """Whether a text is exactly a name of a competence."""
        return folded(text) in self._fields

    def find(self, text: str) -> tuple[Field, ...]:
        """The competences that a text names: exactly, else by its words, else by likeness; empty for none.

        A code is never guessed: its neighbour is another disease.
        """
        wanted = folded(text)
        if not wanted:
            return ()
        if wanted in self._fields or _CODE.search(wanted):
            return tuple(self._fields.get(wanted, ()))
        first = wanted.split()[0]
        names = [name for name in self._names if first in name and _begins(wanted, name)]
        if not names and len(wanted) >= SHORTEST:
            return self._alike(wanted)
        return _once(field for name in names for field in self._fields[name])

    def _alike(self, wanted: str) -> tuple[Field, ...]:
        """The competences with the name most alike; one word is also compared with each word of a longer name."""
        known = self._fields if " " in wanted else self._words
        near = process.extract(wanted, known.keys(), scorer=fuzz.ratio, score_cutoff=LIKENESS, limit=3)
        return _once(field for name, likeness, _ in near if likeness == near[0][1] for field in known[name])

    def mentioned(self, text: str, network: Network) -> tuple[Field, ...]:
        """The competences of a network of which a name stands in a text."""
        words = f" {folded(text)} "
        names = (name for name in self._names if f" {name} " in words)
        return _once(field for name in names for field in self._fields[name] if field.network.id == network.id)

    def suggest(self, fields: Iterable[Field], wish: Wish, count: int) -> tuple[Suggestion, ...]:
        """Up to `count` people, best first, each one weighed against those before: countries and centres are spread.

        Lazily greedy: a score only falls while others are chosen, so that most are never weighed twice. A hospital is
        the same one in two networks when it has the same name.
        """
        eligible = list(self._eligible(fields, wish))
        # One number for value and place: 20,000 pairs would have the garbage collector walk the whole directory.
        size = max(len(eligible), 1)
        heap = [number - value * size for number, value in enumerate(scores(eligible, wish))]
        heapq.heapify(heap)
        centres = Counter(centre.name for centre in wish.panel)
        countries = Counter(centre.country for centre in wish.panel)
        chosen: dict[str, Suggestion] = {}
        weighed: dict[int, int] = {}
        while heap and len(chosen) < count:
            least = heapq.heappop(heap)
            number = least % size
            candidate = eligible[number]
            if candidate.person.user_id in chosen:
                continue
            spread = SAME_CENTRE * centres[candidate.centre.name] + SAME_COUNTRY * countries[candidate.centre.country]
            if spread != weighed.get(number, 0):
                heapq.heappush(heap, least + (weighed.get(number, 0) - spread) * size)
                weighed[number] = spread
                continue
            chosen[candidate.person.user_id] = _suggestion(candidate, wish)
            centres[candidate.centre.name] += 1
            countries[candidate.centre.country] += 1
        return tuple(chosen.values())

    def _eligible(self, fields: Iterable[Field], wish: Wish) -> Iterator[Candidate]:
        wants_all = not wish.without and wish.country is None and wish.speaking is None
        for each in fields:
            candidates = self._candidates[each.network.id, each.competence.id]
            if wants_all:
                yield from candidates
                continue
            for candidate in candidates:
                if (
                    candidate.person.user_id not in wish.without
                    and wish.country in (None, candidate.centre.country)
                    and (wish.speaking is None or wish.speaking in candidate.person.languages)
                ):
                    yield candidate


def _once(fields: Iterable[Field]) -> tuple[Field, ...]:
    return tuple({(field.network.id, field.competence.id): field for field in fields}.values())


def _begins(wanted: str, name: str) -> bool:
    """Whether every word that is wanted begins a word of the name."""
    words = name.split()
    return all(len(part) >= SHORTEST - 1 and any(word.startswith(part) for word in words) for part in wanted.split())


def candidates(network: Network, competence: Competence) -> Iterator[Candidate]:
    """Everybody of a network who may be asked about a competence."""
    for person in network.able(competence.id):
        centre = network.centre(person.centre)
        worth = 0
        if centre.is_reference(competence.id):
            worth = REFERENCE
        elif competence.id in centre.competences:
            worth = EXCELLENCE if centre.kind is CentreKind.EXCELLENCE else COMPETENT_CENTRE
        yield Candidate(person, centre, network, competence.id, worth)


def scores(candidates: Iterable[Candidate], wish: Wish) -> list[int]:
    """What speaks for each of them, whoever else is asked. Thousands are weighed: no object is made for any."""
    common: dict[tuple[str, ...], int] = {}
    found = []
    for candidate in candidates:
        person = candidate.person
        languages = person.languages
        if languages not in common:
            common[languages] = _common(languages, wish.languages)
        total = candidate.worth + common[languages]
        if candidate.network.id == wish.network:
            total += OWN_NETWORK
        if load := wish.load.get(person.user_id):
            total += LOAD * min(load, HEAVIEST_LOAD)
        if person.away and person.away_until(wish.on) is not None:
            total += AWAY
        found.append(total if person.available else total + NOT_NOW)
    return found


def _common(theirs: tuple[str, ...], ours: tuple[str, ...]) -> int:
    shared = set(theirs).intersection(ours)
    if not shared:
        return NO_LANGUAGE
    return MOTHER_TONGUE if shared != {"en"} else 0


def _suggestion(candidate: Candidate, wish: Wish) -> Suggestion:
    person = candidate.person
    return Suggestion(
        person,
        candidate.centre,
        candidate.network,
        candidate.competence,
        reference=candidate.centre.is_reference(candidate.competence),
        load=wish.load.get(person.user_id, 0),
        shared=tuple(language for language in person.languages if language in wish.languages and language != "en"),
        away_until=person.away_until(wish.on),
    )
