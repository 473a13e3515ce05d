"""`!cases`: the worklist, in the direct chat. Who must act, by when, and the way to the room, on one screen."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ernbot.commands.context import Context
from ernbot.commands.registry import PREFIX, Rest, command
from ernbot.commands.reply import Heading, Item, Line, Part, Reply, Symbol, Text
from ernbot.core.directory import Role
from ernbot.core.errors import BadInput
from ernbot.core.states import Action
from ernbot.core.worklist import Brief, Which, arrange, sees
from ernbot.core.worklist import Line as Row

LINES = 10
"""Lines of a page: one screen."""

FEW = 5
"""With no more cases than that there is room for how their questions begin."""

ALIKE = 0.7

WORDS: Mapping[str, Which] = {
    **{str(which): which for which in Which if which is not Which.NEXT},
    **dict.fromkeys(("my", "own", "mit", "mine"), Which.MINE),
    **dict.fromkeys(("wait", "waits", "me", "todo", "venter", "afventer"), Which.WAITING),
    **dict.fromkeys(("due", "late", "forsinket", "forfaldne", "overskredet"), Which.OVERDUE),
    **dict.fromkeys(("open", "new", "ubesvaret", "ubesvarede"), Which.UNANSWERED),
    **dict.fromkeys(("everything", "alle", "alt"), Which.ALL),
}
"""What people type, in English and Danish."""


@dataclass(frozen=True)
class Wanted:
    """Which cases, of which network, and which page of them, from 1."""

    which: Which = Which.NEXT
    network: str | None = None
    page: int = 1

    @property
    def command(self) -> str:
        """What to type for the next page."""
        words = [] if self.which is Which.NEXT else [str(self.which)]
        return " ".join([f"{PREFIX}cases", *words, *([self.network] if self.network else []), str(self.page + 1)])


def understand(ctx: Context, line: str) -> Wanted:
    """What somebody wants to see; words may come in any order.

    Raises:
        BadInput: `cases-which` for a word that means nothing here.
    """
    which, network, page = None, None, 1
    named = _networks(ctx)
    rest = " ".join(line.casefold().split())
    for name in sorted(named, key=len, reverse=True):
        if re.search(rf"(?:^|\s){re.escape(name)}(?:\s|$)", rest):
            network = named[name]
            rest = re.sub(rf"(?:^|\s){re.escape(name)}(?=\s|$)", " ", rest, count=1)
            break
    for word in re.split(r"[\s,;]+", rest.strip()) if rest.strip() else ():
        if word.isdecimal() and word.isascii():
            page = max(1, int(word[:6]))
        elif close := difflib.get_close_matches(word, WORDS, n=1, cutoff=ALIKE):
            which = WORDS[close[0]]
        elif network is None and (close := difflib.get_close_matches(word, named, n=1, cutoff=ALIKE)):
            network = named[close[0]]
        else:
            words = ", ".join(str(each) for each in Which if each is not Which.NEXT)
            networks = ", ".join(n.id for n, _ in ctx.office.directory.memberships(ctx.actor))
            raise BadInput("cases-which", word=word, words=words, networks=networks)
    return Wanted(which or Which.NEXT, network, page)


def _networks(ctx: Context) -> dict[str, str]:
    """Networks by what they are called."""
    return {
        name.casefold(): network.id
        for network in ctx.office.directory.networks
        for name in (network.id, network.name, network.id.removeprefix("ern-"))
    }


@command("cases", where="direct", action=Action.READ, changes="nothing", shape="[which]")
async def cases(ctx: Context, line: Rest = Rest("")) -> Reply:
    """List cases: what waits for this person first."""
    wanted = understand(ctx, line)
    today = ctx.now.date()
    lines = [line for line in await _lines(ctx, wanted) if sees(ctx.actor, line, ctx.office.directory, today)]
    rows = arrange(lines, wanted.which, today)
    start = (wanted.page - 1) * LINES
    page = rows[start : start + LINES]
    briefs = await ctx.tx.briefs([row.case_id for row in page])
    if any(row.part is None for row in page):
        detail: dict[str, str | int] = {"network": wanted.network or "", "cases": len(page)}
        ctx.tx.audit(at=ctx.now, actor=ctx.actor, action="list-cases", decision="shown", detail=detail)
    unready = () if await ctx.tx.is_indexed() else (Text("cases-unready"),)
    if not page:
        key = "cases-none" if not rows else "cases-no-page"
        return Reply((Text(key), *unready))
    waiting = sum(bool(row.waits) for row in rows)
    parts: list[Part] = [Heading("cases-title", {"count": len(rows), "waiting": waiting})]
    parts += _items(ctx, page, briefs, today)
    if more := len(rows) - start - len(page):
        parts.append(Text("cases-more", {"count": more, "command": wanted.command}))
    return Reply((*parts, *unready))


async def _lines(ctx: Context, wanted: Wanted) -> Sequence[Row]:
    """One's own cases; a coordinator who names the network gets all of it."""
    if wanted.network is None:
        return await ctx.tx.lines_of(ctx.actor)
    network = ctx.office.directory.network(wanted.network)
    person = network.person(ctx.actor) if network is not None else None
    if person is not None and person.role is Role.COORDINATOR and wanted.which is not Which.MINE:
        return await ctx.tx.lines_in(wanted.network, ctx.actor)
    return [line for line in await ctx.tx.lines_of(ctx.actor) if line.network == wanted.network]


def _items(ctx: Context, page: Sequence[Row], briefs: Mapping[str, Brief], today: date) -> list[Item]:
    questions = len(page) <= FEW
    return [
        Item(_line(ctx, row, briefs[row.case_id], today, question=questions and row.part is not None), room=_room(row))
        for row in page
        if row.case_id in briefs
    ]


def _room(row: Row) -> str | None:
    """Where the line leads: nowhere for somebody who is not in the room."""
    return row.room_id if row.part is not None else None


def _line(ctx: Context, row: Row, brief: Brief, today: date, *, question: bool) -> Line:
    name = Text("cases-urgent" if row.urgent else "cases-name", {"nickname": brief.nickname})
    texts = [name]
    if question and brief.question:
        texts.append(Text("cases-question", {"question": brief.question}))
    if row.waits and brief.need is not None:
        texts.append(Text("cases-yours", {"what": Symbol("due", brief.need)}))
    elif brief.who:
        first, *others = (ctx.office.directory.name_of(user) for user in brief.who)
        texts.append(Text("cases-others", {"name": first, "count": len(others)}))
    if row.due is not None and not row.is_over:
        texts.append(Text("cases-late" if row.due < today else "cases-due", {"date": row.due}))
    texts.append(Text("cases-state", {"state": Symbol("state", row.state)}))
    return Line(tuple(texts))
