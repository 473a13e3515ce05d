"""The worklist: which cases somebody sees, in which order, from an index that says nothing clinical in the clear.

`index` is written with every case; `Line` is what comes back of it, and `arrange` is what a person sees of that.
Whoever lost access is shown nothing: the directory is asked each time, and a guest's last day counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from ernbot.core.access import check_case
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Role
from ernbot.core.errors import Refused
from ernbot.core.invitation import find
from ernbot.core.states import OVER, Action, Draft, StateKind
from ernbot.core.turn import turn

BEGINNING = 60
"""Characters of the question that the index keeps, sealed."""


class Part(StrEnum):
    """What somebody is to a case, as its index keeps it."""

    REQUESTER = "requester"
    LEAD = "lead"
    EXPERT = "expert"
    GUEST = "guest"
    SUCCESSOR = "successor"
    ASSISTANT = "assistant"
    DISPATCHER = "dispatcher"
    NONE = "none"
    """In the room once, and may not read the case any more."""


OWN = frozenset({Part.REQUESTER, Part.LEAD, Part.ASSISTANT})
"""Parts whose cases are one's own."""

IN_ROOM = frozenset(set(Part) - {Part.DISPATCHER, Part.NONE})
"""Parts of those who read the case; others are shown nothing of it but that it waits."""


@dataclass(frozen=True)
class Seat:
    """One person of a case; `until` is a guest's last day."""

    user_id: str
    part: Part
    waits: bool
    until: date | None = None


@dataclass(frozen=True)
class Brief:
    """What a line says of a case: its nickname, how its question begins, what is missing, and of whom."""

    nickname: str
    question: str
    need: str | None
    who: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """What is kept of a case beside it; `brief` is sealed."""

    seats: tuple[Seat, ...]
    answered: bool
    brief: Brief


class Line(NamedTuple):
    """A case as the index knows it; `part` is None for a coordinator who has no part in it.

    A tuple, because a worklist goes through hundreds of them.
    """

    case_id: str
    network: str
    room_id: str | None
    state: StateKind
    urgent: bool
    due: date | None
    answered: bool
    opened_at: datetime
    part: str | None
    waits: bool | None
    until: date | None = None

    @property
    def is_over(self) -> bool:
        return self.state in OVER


class Which(StrEnum):
    """What may be asked of the worklist."""

    NEXT = "next"
    MINE = "mine"
    WAITING = "waiting"
    OVERDUE = "overdue"
    UNANSWERED = "unanswered"
    ALL = "all"


def index(case: Case, directory: Directory, at: datetime) -> Index:
    """The index of a case at a time. Without consent it repeats nothing clinical, nor once the case is over."""
    now = turn(case, directory, at)
    people = dict.fromkeys((case.requester, *case.admitted, *now.who))
    told = case.state.kind not in OVER and (isinstance(case.state, Draft) or case.covered(at))
    question = beginning(case.question) if told else ""
    return Index(
        seats=tuple(_seat(user, user in now.who, case, directory, at) for user in people),
        answered=bool(case.answered),
        brief=Brief(case.nickname, question, str(now.next) if now.who else None, now.who),
    )


def _seat(user_id: str, waits: bool, case: Case, directory: Directory, at: datetime) -> Seat:
    part, asked = _part(user_id, case, directory, at), find(case.invitations, user_id)
    if part is Part.EXPERT and asked is not None and asked.guest is not None:
        return Seat(user_id, Part.GUEST, waits, asked.until)
    return Seat(user_id, part, waits)


def _part(user_id: str, case: Case, directory: Directory, at: datetime) -> Part:
    if user_id not in (case.requester, *case.admitted):
        return Part.DISPATCHER
    try:
        check_case(user_id, Action.READ, case, directory, at)
    except Refused:
        return Part.NONE
    if user_id == case.lead:
        return Part.LEAD
    if user_id == case.requester:
        return Part.REQUESTER
    if user_id in (*case.panel, *case.observers):
        return Part.EXPERT
    return Part.ASSISTANT if user_id in case.assistants else Part.SUCCESSOR


def is_called(name: str, case_id: str, nickname: str) -> bool:
    """Whether somebody who types a name means this case: by its nickname, the number of it, or its id."""
    return name.casefold() in (case_id, nickname.casefold(), nickname.split()[-1])


def beginning(text: str) -> str:
    """How a text begins, on one line, cut between words."""
    words = " ".join(text.split())
    if len(words) <= BEGINNING:
        return words
    return words[: BEGINNING + 1].rsplit(" ", 1)[0][:BEGINNING] + "…"


def sees(user_id: str, line: Line, directory: Directory, today: date) -> bool:
    """Whether somebody may see a line now: they take part and still may, or they coordinate its network."""
    network = directory.network(line.network)
    if network is None:
        return False
    if line.part is None:
        person = network.person(user_id)
        return person is not None and person.role is Role.COORDINATOR and not line.is_over
    if line.part == Part.DISPATCHER:
        return any(each.triages(user_id) for each in directory.networks)
    if line.until is not None:
        return today <= line.until
    return line.part in IN_ROOM and directory.knows(user_id)


def arrange(lines: Iterable[Line], which: Which, today: date) -> list[Line]:
    """The lines that are asked for, in their order: what waits for one first, then urgent, due and old ones."""
    chosen = [line for line in lines if _fits(line, which, today)]
    if which is Which.ALL:
        return sorted(chosen, key=lambda line: (line.is_over, -line.opened_at.timestamp()))
    return sorted(chosen, key=_order)


def _fits(line: Line, which: Which, today: date) -> bool:
    match which:
        case Which.ALL:
            return True
        case Which.WAITING:
            return bool(line.waits)
        case Which.MINE:
            return line.part in OWN and not line.is_over
        case Which.OVERDUE:
            return line.due is not None and line.due < today and not line.is_over
        case Which.UNANSWERED:
            return not line.answered and not line.is_over
        case Which.NEXT:
            return bool(line.waits) or not line.is_over


def _order(line: Line) -> tuple[object, ...]:
    return (not line.waits, not line.urgent, line.due or date.max, line.opened_at.astimezone(UTC), line.case_id)
