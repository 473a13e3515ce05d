"""Polls: one question, a few options, one vote for each person, which can be changed until the poll is closed.

A poll is quick and informal: it decides nothing by itself, and its statement is no more than a count in words. Whether
names are told is set when it is asked. Whoever has a conflict of interest has no vote.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from ernbot.core.consensus import Share, counting
from ernbot.core.errors import BadInput, Refused

MAX_OPTIONS = 9
"""As many as there are digits: each option is answered by its number."""

MAX_QUESTION = 300
MAX_OPTION = 100
"""Characters; clients show options as buttons."""

MAX_POLLS = 50


@dataclass(frozen=True)
class Ballot:
    """Somebody's present vote: the number of an option, from 1."""

    by: str
    option: int
    at: datetime


@dataclass(frozen=True)
class Poll:
    """One poll; `id` counts the polls of a case from 1. `named`: the result says who voted for what."""

    id: int
    question: str
    options: tuple[str, ...]
    by: str
    named: bool
    asked_at: datetime
    ballots: tuple[Ballot, ...] = ()
    closed_at: datetime | None = None

    def vote(self, by: str, option: int, conflicted: Collection[str], at: datetime) -> Poll:
        """The poll with somebody's vote, which replaces an earlier one.

        Raises:
            Refused: `poll-closed`, `poll-conflict` for somebody with a conflict of interest.
            BadInput: `poll-option` for an option that there is not.
        """
        if self.closed_at is not None:
            raise Refused("poll-closed")
        if by in conflicted:
            raise Refused("poll-conflict")
        if not 1 <= option <= len(self.options):
            raise BadInput("poll-option", maximum=len(self.options))
        others = tuple(ballot for ballot in self.ballots if ballot.by != by)
        return replace(self, ballots=(*others, Ballot(by, option, at)))

    def close(self, present: Collection[str], conflicted: Collection[str], at: datetime) -> Poll:
        """The poll closed, with the ballots of those who count: still there, and without a conflict of interest.

        Raises:
            Refused: `poll-closed` when somebody closed it before.
        """
        if self.closed_at is not None:
            raise Refused("poll-closed")
        count = counting((ballot.by for ballot in self.ballots), conflicted=conflicted, present=present)
        return replace(self, ballots=tuple(b for b in self.ballots if b.by in count), closed_at=at)

    def shares(self) -> dict[int, Share]:
        """Votes by option, in the order of the options; those without any are there as well."""
        numbers = range(1, len(self.options) + 1)
        return {
            number: Share(sum(ballot.option == number for ballot in self.ballots), len(self.ballots))
            for number in numbers
        }

    def voters(self, option: int) -> tuple[str, ...]:
        return tuple(ballot.by for ballot in self.ballots if ballot.option == option)


def ask(polls: tuple[Poll, ...], text: str, by: str, at: datetime, *, named: bool) -> tuple[Poll, ...]:
    """The polls of a case with a new one, written as `question | option | option`.

    Raises:
        Refused: `poll-open` while another one is open, `poll-many` after `MAX_POLLS`.
        BadInput: `poll-form` for anything but one question and 2 to 9 different options, `poll-long` for a long one.
    """
    if polls and polls[-1].closed_at is None:
        raise Refused("poll-open")
    if len(polls) >= MAX_POLLS:
        raise Refused("poll-many", maximum=MAX_POLLS)
    question, *options = (" ".join(part.split()) for part in text.split("|"))
    distinct = {option.casefold() for option in options}
    if not question or not all(options) or not 2 <= len(options) <= MAX_OPTIONS or len(distinct) < len(options):
        raise BadInput("poll-form", maximum=MAX_OPTIONS)
    if len(question) > MAX_QUESTION or any(len(option) > MAX_OPTION for option in options):
        raise BadInput("poll-long", question=MAX_QUESTION, option=MAX_OPTION)
    return (*polls, Poll(len(polls) + 1, question, tuple(options), by, named, at))


def find(polls: tuple[Poll, ...], number: int | None = None) -> Poll:
    """A poll by its number, or the latest. Raises Refused `poll-none` when there is none."""
    found = next((poll for poll in reversed(polls) if number in (None, poll.id)), None)
    if found is None:
        raise Refused("poll-none")
    return found


def put(polls: tuple[Poll, ...], changed: Poll) -> tuple[Poll, ...]:
    """The polls with one of them changed."""
    return tuple(changed if poll.id == changed.id else poll for poll in polls)
