"""The rounds of a panel besides its opinions: Delphi studies (`core.delphi`) and polls (`core.poll`) of a case.

Each function takes a case and returns a new one or raises. Whoever has a conflict of interest is heard, never counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ernbot.core import delphi, poll
from ernbot.core.case import Case
from ernbot.core.delphi import Study
from ernbot.core.states import Action


def begin_study(case: Case, title: str, *, by: str, at: datetime) -> Case:
    case.require(Action.RUN_ROUNDS)
    return replace(case, delphi=delphi.begin(case.delphi, title, by, at))


def with_study(case: Case, study: Study) -> Case:
    """A case whose present study is this one."""
    case.require(Action.RUN_ROUNDS)
    return replace(case, delphi=(*case.delphi[:-1], study))


def rate(case: Case, by: str, ratings: Mapping[int, tuple[int, str]], *, at: datetime) -> Case:
    case.require(Action.RATE)
    rated = case.study.rate(by, ratings, case.conflicted, at)
    return replace(case, delphi=(*case.delphi[:-1], rated))


def suggest_statement(case: Case, by: str, statement: str) -> Case:
    case.require(Action.RATE)
    return replace(case, delphi=(*case.delphi[:-1], case.study.suggest(statement, by)))


def ask_poll(case: Case, text: str, *, by: str, named: bool, at: datetime) -> Case:
    case.require(Action.ASK_POLL)
    return replace(case, polls=poll.ask(case.polls, text, by, at, named=named))


def answer_poll(case: Case, number: int | None, by: str, option: int, *, at: datetime) -> Case:
    case.require(Action.ANSWER_POLL)
    voted = poll.find(case.polls, number).vote(by, option, case.conflicted, at)
    return replace(case, polls=poll.put(case.polls, voted))


def close_poll(case: Case, *, at: datetime) -> Case:
    case.require(Action.ASK_POLL)
    closed = poll.find(case.polls).close(case.members, case.conflicted, at)
    return replace(case, polls=poll.put(case.polls, closed))
