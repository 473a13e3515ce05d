"""What the people of a network are called, and whom somebody probably meant. Nobody is invited by half a name."""

from __future__ import annotations

from rapidfuzz import fuzz

from ernbot.core.directory import Directory, Network, Person, localpart
from ernbot.core.ranking import LIKENESS, SHORTEST
from ernbot.core.ranking import folded as plain

MAX_MEANT = 3
"""People who are named to somebody who typed a part of a name."""


def folded(text: str) -> str:
    return " ".join(text.casefold().split())


def people(network: Network) -> dict[str, str]:
    """People by what they are called; a name that two of them share means neither."""
    named: dict[str, set[str]] = {}
    for person in network.people:
        local = localpart(person.user_id)
        for name in (person.user_id, local, f"@{local}", person.name):
            named.setdefault(folded(name), set()).add(person.user_id)
    return {name: users.pop() for name, users in named.items() if len(users) == 1}


def everybody(directory: Directory, network: Network) -> dict[str, str]:
    """People of all networks by what they are called; those of one network before namesakes of others."""
    named: dict[str, str] = {}
    for other in sorted(directory.networks, key=lambda each: each.id == network.id):
        named |= people(other)
    return named


def alike(word: str, network: Network) -> str:
    """Who may be meant by a part of a name or by a mistyped one, as `Name (user.name)`; empty when nobody."""
    wanted = plain(word)
    meant = [person for person in network.people if wanted in _parts(person)]
    if not meant and len(wanted) >= SHORTEST:
        meant = [person for person in network.people if _likeness(wanted, person) >= LIKENESS]
    named = [f"{person.name} ({localpart(person.user_id)})" for person in meant[:MAX_MEANT]]
    return ", ".join(named) if wanted else ""


def _parts(person: Person) -> list[str]:
    return [*plain(person.name).split(), plain(localpart(person.user_id))]


def _likeness(wanted: str, person: Person) -> float:
    return max(fuzz.ratio(wanted, part) for part in _parts(person) if len(part) >= SHORTEST)
