"""When a question of a form is asked: a closed grammar over the answers given before, never evaluated as a program.

    condition   = conjunction *( "or" conjunction )
    conjunction = atom *( "and" atom )
    atom        = "(" condition ")" / "answered" "(" field ")"
                / field "==" value / field "in" "(" value *( "," value ) ")"

`==` and `in` look for a value among the values of an answer, so they also fit questions with several choices. A field
that was not asked has no answer. Which fields and values exist is checked where the form is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

MAX_LENGTH = 500
"""Characters of a condition; a longer one belongs into two questions."""

_TOKEN = re.compile(r"\s*(?:(?P<sign>==|[(),])|(?P<word>[A-Za-z0-9][A-Za-z0-9:._-]*)|(?P<bad>\S))")
_RESERVED = frozenset({"and", "or", "in", "answered"})


@dataclass(frozen=True)
class Answered:
    """There is an answer."""

    field: str


@dataclass(frozen=True)
class Among:
    """One of these values is the answer, or among its values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Every:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """At least one part holds."""

    parts: tuple[Condition, ...]


Condition = Answered | Among | Every | Either
Atom = Answered | Among


def parse(text: str) -> Condition:
    """The condition that a text means.

    Raises:
        ValueError: it is none; says what was expected and what is there.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a condition has at most {MAX_LENGTH} characters")
    reader = _Reader(text)
    condition = reader.condition()
    if reader.ahead:
        raise ValueError(f"and, or, or the end expected at {reader.ahead!r}")
    return condition


class _Reader:
    """Reads tokens from left to right; `ahead` is the next one, empty at the end."""

    def __init__(self, text: str) -> None:
        self._tokens = [match[match.lastgroup or "bad"] for match in _TOKEN.finditer(text)]
        self._next = 0

    @property
    def ahead(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self.ahead
        if token not in wanted:
            raise ValueError(f"{' or '.join(wanted)} expected at {token or 'the end'!r}")
        self._next += 1
        return token

    def _word(self, what: str) -> str:
        token = self.ahead
        if not re.fullmatch(r"[A-Za-z0-9].*", token) or token in _RESERVED:
            raise ValueError(f"{what} expected at {token or 'the end'!r}")
        self._next += 1
        return token

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self.ahead == "or":
            self._next += 1
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = [self._atom()]
        while self.ahead == "and":
            self._next += 1
            parts.append(self._atom())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _atom(self) -> Condition:
        if self.ahead == "(":
            self._take("(")
            inner = self.condition()
            self._take(")")
            return inner
        if self.ahead == "answered":
            self._take("answered")
            self._take("(")
            field = self._word("a field")
            self._take(")")
            return Answered(field)
        field = self._word("a field")
        if self._take("==", "in") == "==":
            return Among(field, (self._word("a value"),))
        self._take("(")
        values = [self._word("a value")]
        while self._take(",", ")") == ",":
            values.append(self._word("a value"))
        return Among(field, tuple(values))


def written(condition: Condition) -> str:
    """The condition as text, which means the same when it is parsed."""
    match condition:
        case Answered(field):
            return f"answered({field})"
        case Among(field, (value,)):
            return f"{field} == {value}"
        case Among(field, values):
            return f"{field} in ({', '.join(values)})"
        case Every(parts):
            return " and ".join(_enclosed(part) for part in parts)
        case Either(parts):
            return " or ".join(_enclosed(part) for part in parts)


def _enclosed(part: Condition) -> str:
    return f"({written(part)})" if isinstance(part, Every | Either) else written(part)


def holds(condition: Condition, answers: Mapping[str, object]) -> bool:
    """Whether it holds for answers by field id: a str, an int, or a tuple of several."""
    match condition:
        case Answered(field):
            return field in answers
        case Among(field, values):
            given = answers.get(field, ())
            return any(str(value) in values for value in (given if isinstance(given, tuple) else (given,)))
        case Every(parts):
            return all(holds(part, answers) for part in parts)
        case Either(parts):
            return any(holds(part, answers) for part in parts)


def atoms(condition: Condition) -> Iterator[Atom]:
    """Everything that a condition asks of fields."""
    if isinstance(condition, Every | Either):
        for part in condition.parts:
            yield from atoms(part)
    else:
        yield condition


def renamed(condition: Condition, names: Mapping[str, str]) -> Condition:
    """The same condition with other names for some fields."""
    match condition:
        case Answered(field):
            return Answered(names.get(field, field))
        case Among(field, values):
            return Among(names.get(field, field), values)
        case Every(parts):
            return Every(tuple(renamed(part, names) for part in parts))
        case Either(parts):
            return Either(tuple(renamed(part, names) for part in parts))


def clauses(condition: Condition) -> tuple[tuple[Atom, ...], ...]:
    """The condition as clauses of which each needs at least one of its atoms (conjunctive normal form)."""
    match condition:
        case Every(parts):
            return tuple(dict.fromkeys(clause for part in parts for clause in clauses(part)))
        case Either(parts):
            combined = product(*(clauses(part) for part in parts))
            return tuple(dict.fromkeys(tuple(dict.fromkeys(a for c in chosen for a in c)) for chosen in combined))
        case atom:
            return ((atom,),)
