"""Delphi rounds: a panel rates statements from 1 to 9, alone, and again once it has seen how the others rated.

What counts as consensus is set before the first round and stands from then on. Nobody's rating is ever shown with a
name. What a round has found is fixed when it closes, for those who counted at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ernbot.core.accord import BY_ID, MAX_NOTE
from ernbot.core.consensus import Alpha, counting, krippendorff_alpha
from ernbot.core.errors import BadInput, Refused
from ernbot.core.rating import HIGHEST, LOWEST, MIN_RATERS, Result, Thresholds, Verdict, summarise

MAX_STATEMENTS = 60
MAX_TEXT = 500
MAX_ROUNDS = 6
ALPHA_SEED = 1
"""The interval of the same ratings must be the same in every copy of a report."""


@dataclass(frozen=True)
class Statement:
    """A statement; `suggested_by` is the rater it came from, and then it counts once the lead has taken it."""

    id: int
    text: str
    suggested_by: str | None = None
    taken: bool = True


@dataclass(frozen=True)
class Rating:
    """One rater's last word on one statement in one round."""

    statement: int
    by: str
    value: int
    comment: str
    at: datetime


@dataclass(frozen=True)
class Round:
    """One round. `counted` are the raters who counted when it was closed."""

    number: int
    statements: tuple[int, ...]
    invited: tuple[str, ...]
    opened_at: datetime
    ratings: tuple[Rating, ...] = ()
    closed_at: datetime | None = None
    counted: tuple[str, ...] = ()

    @property
    def raters(self) -> tuple[str, ...]:
        """Who has rated anything, in the order of the invitation."""
        return tuple(user for user in self.invited if any(rating.by == user for rating in self.ratings))

    def own(self, user: str) -> dict[int, Rating]:
        """What somebody has rated, by statement."""
        return {rating.statement: rating for rating in self.ratings if rating.by == user}

    def of_statement(self, statement: int) -> dict[str, int]:
        """The ratings that count for a statement, by rater."""
        return {r.by: r.value for r in self.ratings if r.statement == statement and r.by in self.counted}

    def comments(self, statement: int) -> tuple[str, ...]:
        """What was said about a statement, in an order that tells nothing of who said it."""
        return tuple(
            sorted(r.comment for r in self.ratings if r.statement == statement and r.comment and r.by in self.counted)
        )


@dataclass(frozen=True)
class Standing:
    """Where a statement stands: its last result, and the round of it."""

    statement: Statement
    round: int
    result: Result


@dataclass(frozen=True)
class Study:
    """All rounds about one set of statements; `notes` are the lead's words for the report, by ACCORD item."""

    title: str
    by: str
    begun_at: datetime
    thresholds: Thresholds = Thresholds()
    max_rounds: int = 3
    statements: tuple[Statement, ...] = ()
    rounds: tuple[Round, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    ended_at: datetime | None = None

    @property
    def open_round(self) -> Round | None:
        """The round that takes ratings now."""
        return self.rounds[-1] if self.rounds and self.rounds[-1].closed_at is None else None

    @property
    def last_closed_at(self) -> datetime:
        """When the last round that is over was closed; when the study began, before there is one."""
        return max((held.closed_at for held in self.rounds if held.closed_at is not None), default=self.begun_at)

    def statement(self, number: int) -> Statement:
        """A statement by its number.

        Raises:
            BadInput: `delphi-statement` when there is none.
        """
        found = next((statement for statement in self.statements if statement.id == number), None)
        if found is None:
            raise BadInput("delphi-statement", statement=str(number)[:10])
        return found

    def set_up(self, thresholds: Thresholds, max_rounds: int) -> Study:
        """Raises Refused `delphi-started` once a round was opened, BadInput `delphi-rounds` for too many rounds."""
        self._not_started()
        if not 1 <= max_rounds <= MAX_ROUNDS:
            raise BadInput("delphi-rounds", maximum=MAX_ROUNDS)
        return replace(self, thresholds=thresholds, max_rounds=max_rounds)

    def add(self, text: str) -> Study:
        """Raises Refused `delphi-started` or `delphi-full`, BadInput `delphi-text`."""
        self._not_started()
        return self._with_statement(text, None)

    def suggest(self, text: str, by: str) -> Study:
        """The study with somebody's own statement, which waits for the lead.

        Raises:
            Refused: `delphi-no-suggestions` but in the first round, `delphi-not-invited`, `delphi-full`.
            BadInput: `delphi-text`.
        """
        now = self.open_round
        if now is None or now.number != 1:
            raise Refused("delphi-no-suggestions")
        if by not in now.invited:
            raise Refused("delphi-not-invited")
        return self._with_statement(text, by)

    def take(self, number: int) -> Study:
        """The study with a suggestion made a statement to rate.

        Raises:
            BadInput: `delphi-statement` when there is none. Refused: `delphi-ended`.
        """
        self._not_ended()
        taken = self.statement(number)
        return replace(
            self, statements=tuple(replace(i, taken=True) if i.id == taken.id else i for i in self.statements)
        )

    def note(self, item: str, text: str) -> Study:
        """The study with the lead's words on an ACCORD item. Raises BadInput `accord-item`, `accord-note`."""
        wanted = item.upper()
        if wanted not in BY_ID:
            raise BadInput("accord-item", item=item[:10], items=", ".join(BY_ID))
        text = text.strip()
        if not text or len(text) > MAX_NOTE:
            raise BadInput("accord-note", maximum=MAX_NOTE)
        return replace(self, notes={**self.notes, wanted: text})

    def start(self, panel: Collection[str], conflicted: Collection[str], at: datetime) -> Study:
        """The study with its first round open for the panel without those who have a conflict of interest.

        Raises:
            Refused: `delphi-started`, `delphi-no-statements`, `delphi-no-raters` when there are fewer than
                `MIN_RATERS`.
        """
        self._not_started()
        return self._open(tuple(panel), panel, conflicted, at)

    def next(self, panel: Collection[str], conflicted: Collection[str], at: datetime) -> Study:
        """The study with its next round open, for those of the first round who are still there.

        Raises:
            Refused: `delphi-not-started`, `delphi-round-open`, `delphi-ended` when nothing is left to rate or all
                rounds were held, `delphi-no-raters`.
        """
        self._between_rounds()
        return self._open(self.rounds[0].invited, panel, conflicted, at)

    def _open(
        self, people: tuple[str, ...], panel: Collection[str], conflicted: Collection[str], at: datetime
    ) -> Study:
        statements = self.left_over()
        if not statements:
            raise Refused("delphi-ended" if self.rounds else "delphi-no-statements")
        invited = counting(people, conflicted=conflicted, present=panel)
        if len(invited) < MIN_RATERS:
            raise Refused("delphi-no-raters", minimum=MIN_RATERS, count=len(invited))
        return replace(self, rounds=(*self.rounds, Round(len(self.rounds) + 1, statements, invited, at)))

    def rate(self, by: str, ratings: Mapping[int, tuple[int, str]], conflicted: Collection[str], at: datetime) -> Study:
        """The study with somebody's ratings and comments by statement, which replace their earlier ones of this round.

        Raises:
            Refused: `delphi-closed` while no round is open, `delphi-not-invited`, `delphi-conflict`.
            BadInput: `delphi-statement` for one that there is not, `delphi-statement-done` for one that this round does
                not ask for, `delphi-rating` for a value that is not 1 to 9, `delphi-text` for a long comment.
        """
        now = self.open_round
        if now is None:
            raise Refused("delphi-closed")
        if by not in now.invited:
            raise Refused("delphi-not-invited")
        if by in conflicted:
            raise Refused("delphi-conflict")
        for number, (value, comment) in ratings.items():
            if self.statement(number).id not in now.statements:
                raise BadInput("delphi-statement-done", statement=number)
            if not LOWEST <= value <= HIGHEST:
                raise BadInput("delphi-rating", statement=number, value=str(value)[:10])
            if len(comment) > MAX_TEXT:
                raise BadInput("delphi-text", maximum=MAX_TEXT)
        kept = tuple(rating for rating in now.ratings if rating.by != by or rating.statement not in ratings)
        new = tuple(Rating(number, by, value, comment, at) for number, (value, comment) in ratings.items())
        return self._with_last(replace(now, ratings=(*kept, *new)))

    def end(self, at: datetime) -> Study:
        """The study without any further round.

        Raises:
            Refused: `delphi-not-started`, `delphi-round-open`, `delphi-ended`.
        """
        self._between_rounds()
        return replace(self, ended_at=at)

    def close(self, panel: Collection[str], conflicted: Collection[str], at: datetime) -> Study:
        """The study with its round closed; it ends when nothing is left to rate or the last round was held.

        Raises:
            Refused: `delphi-closed` when no round is open: somebody may have closed it a moment before.
        """
        now = self.open_round
        if now is None:
            raise Refused("delphi-closed")
        counted = counting(now.raters, conflicted=conflicted, present=panel)
        closed = self._with_last(replace(now, closed_at=at, counted=counted))
        waits = (
            any(statement.suggested_by is not None and not statement.taken for statement in self.statements)
            and now.number == 1
        )
        over = now.number >= self.max_rounds or not (closed.left_over() or waits)
        return replace(closed, ended_at=at) if over else closed

    def left_over(self) -> tuple[int, ...]:
        """The statements that the next round asks for: without consensus and not stable, and those never asked yet."""
        if self.ended_at is not None or len(self.rounds) >= self.max_rounds:
            return ()
        settled = {
            standing.statement.id
            for standing in self.standings()
            if standing.result.stable or standing.result.verdict in (Verdict.FOR, Verdict.AGAINST)
        }
        return tuple(statement.id for statement in self.statements if statement.taken and statement.id not in settled)

    def result(self, number: int, statement: int) -> Result:
        """What round `number`, counted from 1, says of a statement."""
        this = self.rounds[number - 1].of_statement(statement)
        before = self.rounds[number - 2].of_statement(statement) if number > 1 else {}
        return summarise(statement, this, before, self.thresholds)

    def results(self, number: int) -> tuple[Result, ...]:
        return tuple(self.result(number, statement) for statement in self.rounds[number - 1].statements)

    def standings(self) -> tuple[Standing, ...]:
        """The last result of every statement that a closed round has asked for."""
        last = {statement: held.number for held in self.rounds if held.closed_at for statement in held.statements}
        return tuple(
            Standing(statement, last[statement.id], self.result(last[statement.id], statement.id))
            for statement in self.statements
            if statement.id in last
        )

    def reliability(self, number: int) -> Alpha | None:
        """Krippendorff's alpha of a closed round, for ordinal ratings."""
        this = self.rounds[number - 1]
        table = [[own[i].value if i in own else None for i in this.statements] for own in map(this.own, this.counted)]
        return krippendorff_alpha(table, "ordinal", ALPHA_SEED)

    def _with_last(self, round: Round) -> Study:
        return replace(self, rounds=(*self.rounds[:-1], round))

    def _with_statement(self, text: str, by: str | None) -> Study:
        text = " ".join(text.split())
        if not text or len(text) > MAX_TEXT:
            raise BadInput("delphi-text", maximum=MAX_TEXT)
        if len(self.statements) >= MAX_STATEMENTS:
            raise Refused("delphi-full", maximum=MAX_STATEMENTS)
        return replace(self, statements=(*self.statements, Statement(len(self.statements) + 1, text, by, by is None)))

    def _between_rounds(self) -> None:
        self._not_ended()
        if not self.rounds:
            raise Refused("delphi-not-started")
        if self.open_round is not None:
            raise Refused("delphi-round-open", round=self.open_round.number)

    def _not_started(self) -> None:
        self._not_ended()
        if self.rounds:
            raise Refused("delphi-started")

    def _not_ended(self) -> None:
        if self.ended_at is not None:
            raise Refused("delphi-ended")


def begin(studies: tuple[Study, ...], title: str, by: str, at: datetime) -> tuple[Study, ...]:
    """The studies with a new one, the last of which is the present one; one that was never started makes room.

    Raises:
        Refused: `delphi-running` while another is under way.
        BadInput: `delphi-text` for a title that is empty or too long.
    """
    title = " ".join(title.split())
    if not title or len(title) > MAX_TEXT:
        raise BadInput("delphi-text", maximum=MAX_TEXT)
    if studies and studies[-1].rounds and studies[-1].ended_at is None:
        raise Refused("delphi-running", title=studies[-1].title)
    kept = tuple(study for study in studies if study.rounds)
    return (*kept, Study(title, by, at))


def present(studies: tuple[Study, ...]) -> Study:
    """The study that is spoken of. Raises Refused `delphi-none` before there is one."""
    if not studies:
        raise Refused("delphi-none")
    return studies[-1]
