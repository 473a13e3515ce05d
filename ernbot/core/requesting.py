"""The request of a case to a network (`core.triage`): put, answered, decided, sent on, and the case moved.

Each function takes a case and returns a new one or raises. Who is told of it is no matter of this module.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ernbot.core.case import Case
from ernbot.core.states import Action
from ernbot.core.triage import Verdict


def submit(case: Case, by: str, *, at: datetime) -> Case:
    """A case that waits for the dispatchers of its network."""
    return replace(case, triage=case.triage.submit(case.network, by, at))


def forward(case: Case, network: str, by: str, words: str, *, at: datetime) -> Case:
    """A case that waits for the dispatchers of another network."""
    case.require(Action.FORWARD)
    return replace(case, triage=case.triage.submit(network, by, at, words))


def answer(case: Case, by: str, words: str, *, at: datetime) -> Case:
    case.require(Action.ANSWER_TRIAGE)
    return replace(case, triage=case.triage.answer(case.network, by, at, words))


def decide(case: Case, verdict: Verdict, by: str, words: str, *, at: datetime) -> Case:
    """A case with a decision on its request."""
    case.require(Action.TRIAGE)
    return replace(case, triage=case.triage.decide(verdict, case.network, by, at, words))


def redirect(case: Case, network: str, by: str, words: str, *, at: datetime) -> Case:
    """A case whose request those for whom it waited have sent on to another network."""
    case.require(Action.TRIAGE)
    return replace(case, triage=case.triage.forward(case.network, network, by, at, words))


def move(case: Case, network: str, staying: frozenset[str]) -> Case:
    """A case of another network. Of its panel only these people stay; without its lead, the requester leads."""
    panel = tuple(member for member in case.panel if member in staying or member == case.requester)
    leader = case.leader if case.leader in staying else None
    if leader is None:
        panel = tuple(member for member in panel if member != case.requester)
    return replace(case, network=network, leader=leader, panel=panel, offer=None)
