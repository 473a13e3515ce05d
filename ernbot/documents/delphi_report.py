"""The report of Delphi rounds: what was asked, what was found, and the ACCORD checklist, as PDF/UA and as Markdown.

Both say the same, from one structure. What the system knows of the checklist is filled in, the rest is in the lead's
words or stands there as not recorded. Nobody's rating is told with a name. Nothing here knows a language: the caller
brings the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ernbot.core.accord import ITEMS
from ernbot.core.characters import harmless
from ernbot.core.consensus import Share
from ernbot.core.delphi import Standing, Study
from ernbot.core.directory import Network
from ernbot.core.rating import HIGHEST, LOWEST, MIN_RATERS, STABLE_PERCENT
from ernbot.documents.agreement import Sentences, caution, decimal, reliability
from ernbot.documents.press import Page

TEMPLATE = Path(__file__).with_name("delphi_report.typ")
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """`widths` are fractions of the line, 0 for as narrow as the cells are."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs and, below them, a table."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Report:
    """What the report says, in one language."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    disclaimer: str


def report(study: Study, conflicts: Mapping[str, str], *, nickname: str, network: Network, text: Sentences) -> Report:
    """Everything about a study whose first round is closed; a round that is still open is left out.

    `conflicts` are the reasons of those of the case by user id, empty where none was given; `text(key, **fields)` gives
    the sentences of `delphi.ftl` and `documents.ftl`.
    """
    writer = _Writer(study, conflicts, nickname, network, text)
    return writer.report()


def page(report: Report, *, language: str, network: str, created: datetime) -> Page:
    """The report ready for the press; `created` is when the last round was closed."""
    content: dict[str, Any] = {
        "language": language,
        "title": report.title,
        "network": network,
        "facts": [list(pair) for pair in report.facts],
        "sections": [
            {
                "heading": section.heading,
                "paragraphs": list(section.paragraphs),
                "table": None
                if section.table is None
                else {
                    "columns": list(section.table.columns),
                    "rows": [list(row) for row in section.table.rows],
                    "widths": list(section.table.widths),
                },
            }
            for section in report.sections
        ],
        "disclaimer": report.disclaimer,
    }
    return Page(TEMPLATE, _clean(content), int(created.timestamp()))


def markdown(report: Report) -> str:
    """The report as Markdown that is readable as it stands; what people wrote cannot become markup."""
    lines = [f"# {_escaped(report.title)}", ""]
    lines += [f"- **{_escaped(name)}:** {_escaped(value)}" for name, value in report.facts]
    for section in report.sections:
        lines += ["", f"## {_escaped(section.heading)}"]
        lines += [line for paragraph in section.paragraphs for line in ("", _escaped(paragraph))]
        if section.table is not None and section.table.rows:
            lines += ["", _row(section.table.columns), _row(("---",) * len(section.table.columns), escape=False)]
            lines += [_row(row) for row in section.table.rows]
    return "\n".join([*lines, "", f"*{_escaped(report.disclaimer)}*", ""])


def _row(cells: Sequence[str], *, escape: bool = True) -> str:
    return "| " + " | ".join(_escaped(cell) if escape else cell for cell in cells) + " |"


def _escaped(text: str) -> str:
    words = " ".join(harmless(text).split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in words)


class _Writer:
    """Writes the sections in one language."""

    def __init__(
        self, study: Study, conflicts: Mapping[str, str], nickname: str, network: Network, text: Sentences
    ) -> None:
        self.study = study
        self.conflicts = conflicts
        self.nickname = nickname
        self.network = network
        self.text = text
        self.held = tuple(held for held in study.rounds if held.closed_at is not None)

    def report(self) -> Report:
        text, study = self.text, self.study
        first, last = self.held[0], self.held[-1]
        assert last.closed_at is not None
        facts = (
            (text("document-network"), self.network.name),
            (text("document-nickname"), self.nickname),
            (text("report-lead"), self._name(study.by)),
            (text("report-time"), text("report-from-to", start=first.opened_at.date(), end=last.closed_at.date())),
        )
        sections = (
            Section(text("report-definition"), (self._rules(), text("report-stability", percent=STABLE_PERCENT))),
            Section(text("report-results"), self._summary(), self._results()),
            Section(text("report-distribution"), (text("report-distribution-how"),), self._distribution()),
            *self._remarks(),
            Section(text("report-rounds"), tuple(self._reliability()), self._rounds()),
            Section(text("report-panel"), (), self._panel()),
            Section(text("report-checklist"), (text("report-checklist-source"),), self._checklist()),
        )
        title = text("report-title", title=study.title)
        return Report(title, facts, sections, text("document-outcome-disclaimer"))

    def _name(self, user_id: str) -> str:
        person = self.network.person(user_id)
        return person.name if person else user_id

    def _rules(self) -> str:
        thresholds = self.study.thresholds
        return self.text(
            "delphi-rules",
            agree=thresholds.agree,
            against=thresholds.against,
            rounds=self.study.max_rounds,
            minimum=MIN_RATERS,
        )

    def _summary(self) -> tuple[str, ...]:
        """How many statements were settled, and how little that means when only few rated last."""
        standings = self.study.standings()
        reached = sum(found.result.verdict == "for" for found in standings)
        against = sum(found.result.verdict == "against" for found in standings)
        summary = self.text("report-summary", count=len(standings), reached=reached, against=against)
        few = caution(len(self.held[-1].counted), self.text)
        return (summary, few) if few is not None else (summary,)

    def _results(self) -> Table:
        columns = ("number", "statement", "result", "round", "agree", "reject", "median", "ratings")
        rows = tuple(self._result(found) for found in self.study.standings())
        return Table(tuple(self.text(f"report-{name}") for name in columns), rows, (0, 5, 3, 0, 0, 0, 0, 0))

    def _result(self, found: Standing) -> tuple[str, ...]:
        result = found.result
        verdict = "stable" if result.stable and result.verdict == "open" else str(result.verdict)
        spread = result.spread
        median = NOTHING
        if spread is not None:
            lower, middle, upper = (decimal(each, self.text) for each in (spread.lower, spread.median, spread.upper))
            median = f"{middle} ({lower}–{upper})"
        return (
            str(found.statement.id),
            found.statement.text,
            self.text(f"report-verdict-{verdict}"),
            str(found.round),
            self._percent(result.high),
            self._percent(result.low),
            median,
            str(result.high.of),
        )

    def _percent(self, share: Share) -> str:
        return self.text("report-percent", percent=share.percent) if share.of else NOTHING

    def _distribution(self) -> Table:
        points = tuple(str(point) for point in range(LOWEST, HIGHEST + 1))
        rows = tuple(
            (
                str(result.statement),
                str(held.number),
                *(str(count) if count else NOTHING for count in result.distribution),
            )
            for held in self.held
            for result in self.study.results(held.number)
        )
        columns = (self.text("report-number"), self.text("report-round"), *points)
        return Table(columns, rows, (1,) * len(columns))

    def _remarks(self) -> tuple[Section, ...]:
        rows = tuple(
            (str(statement), str(held.number), remark)
            for held in self.held
            for statement in held.statements
            for remark in held.comments(statement)
        )
        if not rows:
            return ()
        columns = tuple(self.text(f"report-{name}") for name in ("number", "round", "remark"))
        return (Section(self.text("report-remarks"), (), Table(columns, rows, (0, 0, 1))),)

    def _reliability(self) -> list[str]:
        return [
            self.text("report-round-says", round=held.number, sentence=reliability(alpha, self.text))
            for held in self.held
            for alpha in (self.study.reliability(held.number),)
        ]

    def _rounds(self) -> Table:
        columns = ("round", "opened", "closed", "statements", "invited", "rated", "response", "counted")
        rows = tuple(
            (
                str(held.number),
                self.text("value", value=held.opened_at.date()),
                self.text("value", value=held.closed_at.date()) if held.closed_at else NOTHING,
                str(len(held.statements)),
                str(len(held.invited)),
                str(len(held.raters)),
                self._percent(Share(len(held.raters), len(held.invited))),
                str(len(held.counted)),
            )
            for held in self.held
        )
        return Table(tuple(self.text(f"report-{name}") for name in columns), rows, (0, 2, 2, 0, 0, 0, 0, 0))

    def _panel(self) -> Table:
        people = dict.fromkeys(user for held in self.held for user in held.invited)
        rows = []
        for user in people:
            person = self.network.person(user)
            centre = self.network.centre(person.centre) if person else None
            rated = ", ".join(str(held.number) for held in self.held if user in held.raters)
            rows.append(
                (
                    self._name(user),
                    centre.name if centre else NOTHING,
                    centre.country if centre else NOTHING,
                    rated or NOTHING,
                )
            )
        columns = (
            *(self.text(f"document-{name}") for name in ("name", "centre", "country")),
            self.text("report-rated-in"),
        )
        return Table(columns, tuple(rows), (3, 4, 0, 0))

    def _checklist(self) -> Table:
        columns = tuple(self.text(f"report-{name}") for name in ("number", "asked", "answer"))
        rows = tuple((item.id, self.text(f"accord-{item.id}"), self._answer(item.id, item.known)) for item in ITEMS)
        return Table(columns, rows, (0, 2, 4))

    def _answer(self, item: str, known: bool) -> str:
        """What we know, and behind it what the lead wrote."""
        note = self.study.notes.get(item)
        if not known:
            return note or self.text("report-not-recorded")
        answer = {
            "T1": lambda: self.text("report-title", title=self.study.title),
            "M12": self._rules,
            "R5": self._suggested,
            "O2": self._conflicts,
        }.get(item, lambda: self.text(f"accord-answer-{item}", rounds=len(self.held)))()
        return f"{answer} {note}" if note else answer

    def _suggested(self) -> str:
        suggested = [statement for statement in self.study.statements if statement.suggested_by is not None]
        return self.text(
            "accord-answer-R5", suggested=len(suggested), taken=sum(statement.taken for statement in suggested)
        )

    def _conflicts(self) -> str:
        if not self.conflicts:
            return self.text("accord-answer-O2-none")
        declared = "; ".join(
            f"{self._name(user)}: {reason}" if reason else self._name(user) for user, reason in self.conflicts.items()
        )
        return self.text("accord-answer-O2", declared=declared)


def _clean(content: Any) -> Any:
    """The content with every text harmless; a tab has no width on paper."""
    if isinstance(content, str):
        return harmless(content).replace("\t", "    ")
    if isinstance(content, list):
        return [_clean(item) for item in content]
    if isinstance(content, dict):
        return {key: _clean(value) for key, value in content.items()}
    return content
