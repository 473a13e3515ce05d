"""`!delphi …`: the lead has statements rated in rounds. Nobody's rating is told with a name, not even to the lead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from ernbot.commands.consensus import cautioned, spoken
from ernbot.commands.context import Context
from ernbot.commands.effects import SendDelphiReport
from ernbot.commands.registry import PREFIX, Rest, command
from ernbot.commands.reply import Fact, Heading, Item, Labels, Part, Reply, Symbol, Text, Value, say
from ernbot.core import rounds
from ernbot.core.accord import ITEMS
from ernbot.core.case import Case
from ernbot.core.consensus import counting
from ernbot.core.delphi import Round, Standing, Study
from ernbot.core.errors import BadInput, Refused
from ernbot.core.rating import MIN_RATERS, Thresholds
from ernbot.core.states import Action
from ernbot.documents.agreement import decimal, reliability

SHAPE = "[new, add, threshold, start, close, next, take, end, note or report …]"

Verb = Callable[[Context, Case, str], Awaitable[Reply | None]]


def _decimal(value: float) -> Labels:
    return spoken(lambda text: decimal(value, text))


def standing(found: Standing) -> Part:
    """Where a statement stands, as one line of a list."""
    result = found.result
    fields: dict[str, Value] = {
        "number": found.statement.id,
        "text": found.statement.text,
        "round": found.round,
        "count": result.high.of,
        "minimum": MIN_RATERS,
        "high": result.high.percent,
        "low": result.low.percent,
    }
    if result.spread is not None:
        spread = result.spread
        fields |= {
            "median": _decimal(spread.median),
            "lower": _decimal(spread.lower),
            "upper": _decimal(spread.upper),
        }
    word = "stable" if result.stable and result.verdict == "open" else str(result.verdict)
    return Item(Text(f"delphi-statement-{word}", fields))


def rules(study: Study) -> Text:
    """What counts as consensus."""
    thresholds = study.thresholds
    return Text(
        "delphi-rules",
        {"agree": thresholds.agree, "against": thresholds.against, "rounds": study.max_rounds, "minimum": MIN_RATERS},
    )


def overview(ctx: Context, case: Case) -> tuple[Part, ...]:
    """The present study: rules, statements, what was found, and what comes next."""
    study = case.study
    parts: list[Part] = [Heading("delphi-title", {"title": study.title}), rules(study)]
    parts += [standing(found) for found in study.standings()]
    rated = {found.statement.id for found in study.standings()}
    fresh = [statement for statement in study.statements if statement.taken and statement.id not in rated]
    parts += [Item(Text("delphi-statement", {"number": statement.id, "text": statement.text})) for statement in fresh]
    now = study.open_round
    if now is not None:
        awaited = counting(now.invited, conflicted=case.conflicted, present=case.panel)
        missing = ", ".join(ctx.office.directory.name_of(user) for user in awaited if user not in now.raters)
        parts.append(_progress(now))
        if missing:
            parts.append(Fact(Text("delphi-missing"), missing))
    return (*parts, *_suggestions(study), next_step(study))


def _progress(now: Round) -> Text:
    return Text("delphi-progress", {"round": now.number, "rated": len(now.raters), "invited": len(now.invited)})


def _suggestions(study: Study) -> list[Part]:
    """What raters suggested, once the first round is closed: who reads it earlier could guess whose it is."""
    waiting = [statement for statement in study.statements if not statement.taken]
    if not waiting or study.ended_at is not None or study.open_round is not None:
        return []
    shown = [Item(Text("delphi-statement", {"number": statement.id, "text": statement.text})) for statement in waiting]
    return [Text("delphi-suggested", {"number": waiting[0].id}), *shown]


def next_step(study: Study) -> Text:
    """What to type next."""
    if study.ended_at is not None:
        return Text("delphi-next-report")
    if study.open_round is not None:
        return Text("delphi-next-close")
    if study.rounds:
        count = len(study.left_over())
        return Text("delphi-next-round", {"count": count}) if count else Text("delphi-next-end")
    return Text("delphi-next-start") if study.statements else Text("delphi-next-add")


@command("delphi show", where="case", action=Action.READ_OPINIONS, changes="nothing")
async def show(ctx: Context) -> Reply:
    """Show the statements, what was found, and what comes next."""
    return Reply(overview(ctx, await ctx.case(Action.READ_OPINIONS)))


@command("delphi", where="case", action=Action.RUN_ROUNDS, shape=SHAPE)
async def delphi(ctx: Context, what: Rest = Rest("")) -> Reply | None:
    """Run Delphi rounds; alone, it shows how far they are."""
    case = await ctx.case(Action.RUN_ROUNDS)
    if not what:
        return Reply(overview(ctx, case))
    verb, *rest = what.split(maxsplit=1)
    if verb.casefold() not in VERBS:
        raise BadInput("delphi-verb", verbs=", ".join(VERBS))
    return await VERBS[verb.casefold()](ctx, case, rest[0] if rest else "")


async def _new(ctx: Context, case: Case, title: str) -> Reply:
    changed = rounds.begin_study(case, title, by=ctx.actor, at=ctx.now)
    return await _kept(ctx, changed)


async def _add(ctx: Context, case: Case, statements: str) -> Reply:
    """One statement to a line."""
    study = case.study
    for statement in statements.strip().split("\n"):
        study = study.add(statement)
    return await _kept(ctx, rounds.with_study(case, study))


async def _threshold(ctx: Context, case: Case, numbers: str) -> Reply:
    words = numbers.replace("%", " ").split()
    if not 2 <= len(words) <= 3 or not all(word.isascii() and word.isdigit() and len(word) < 4 for word in words):
        raise BadInput("delphi-threshold")
    agree, against, *most = map(int, words)
    study = case.study
    changed = study.set_up(Thresholds(agree, against), most[0] if most else study.max_rounds)
    return await _kept(ctx, rounds.with_study(case, changed))


async def _take(ctx: Context, case: Case, number: str) -> Reply:
    return await _kept(ctx, rounds.with_study(case, case.study.take(_number(number))))


async def _end(ctx: Context, case: Case, _: str) -> Reply:
    _audit(ctx, case, "rounds-ended")
    return await _kept(ctx, rounds.with_study(case, case.study.end(ctx.now)))


async def _kept(ctx: Context, changed: Case) -> Reply:
    await ctx.save(changed)
    return Reply(overview(ctx, changed))


def _number(text: str) -> int:
    word = text.strip().rstrip(".")
    if not (word.isascii() and word.isdigit() and len(word) < 4):
        raise BadInput("delphi-statement", statement=word[:10])
    return int(word)


async def _start(ctx: Context, case: Case, _: str) -> Reply:
    return await _opened(ctx, rounds.with_study(case, case.study.start(case.panel, case.conflicted, ctx.now)))


async def _next(ctx: Context, case: Case, _: str) -> Reply:
    return await _opened(ctx, rounds.with_study(case, case.study.next(case.panel, case.conflicted, ctx.now)))


async def _opened(ctx: Context, case: Case) -> Reply:
    """Ask each rater alone. What they are told there first says nothing clinical: it may wait for days."""
    now = case.study.open_round
    assert now is not None
    _audit(ctx, case, "round-opened")
    await ctx.save(case)
    fields: dict[str, Value] = {"nickname": case.nickname, "round": now.number, "count": len(now.statements)}
    for rater in now.invited:
        await ctx.outbox.to_person(rater, say("rate-invited", **fields))
    opened = Text("delphi-opened", {"round": now.number, "count": len(now.statements), "invited": len(now.invited)})
    without = [user for user in case.panel if user in case.conflicted]
    names = ", ".join(map(ctx.office.directory.name_of, without))
    left_out = (Text("delphi-left-out", {"names": names}),) if names else ()
    return Reply((opened, rules(case.study), *left_out, Text("delphi-alone")))


async def _close(ctx: Context, case: Case, _: str) -> Reply:
    study = case.study.close(case.panel, case.conflicted, ctx.now)
    changed = rounds.with_study(case, study)
    _audit(ctx, changed, "round-closed")
    await ctx.save(changed)
    return Reply(round_report(study))


def round_report(study: Study) -> tuple[Part, ...]:
    """What the last closed round has found."""
    last = study.rounds[-1]
    counts: dict[str, Value] = {
        "round": last.number,
        "invited": len(last.invited),
        "rated": len(last.raters),
        "counted": len(last.counted),
    }
    found = [standing(each) for each in study.standings() if each.round == last.number]
    alpha = study.reliability(last.number)
    about = Text("delphi-reliability", {"sentence": spoken(lambda text: reliability(alpha, text))})
    return (
        Heading("delphi-closed", {"round": last.number}),
        Text("delphi-attrition", counts),
        *found,
        *cautioned(len(last.counted)),
        about,
        *_suggestions(study),
        next_step(study),
    )


async def _note(ctx: Context, case: Case, text: str) -> Reply:
    """The lead's words for an item of the checklist, or what is still missing."""
    study = case.study
    item, *words = text.split(maxsplit=1) if text else ("",)
    if item:
        study = study.note(item, words[0] if words else "")
        await ctx.save(rounds.with_study(case, study))
    missing = [item for item in ITEMS if not item.known and item.id not in study.notes]
    asked = [Item(Text("delphi-asked", {"what": Symbol("accord", item.id)}), code=item.id) for item in missing[:SHOWN]]
    return Reply((Text("delphi-notes", {"count": len(missing), "command": f"{PREFIX}delphi note"}), *asked))


SHOWN = 8
"""Items of the checklist that are asked for at a time: what fits on a telephone."""


async def _report(ctx: Context, case: Case, _: str) -> Reply:
    """Post the report as a document; what is missing of the checklist is asked for."""
    study = case.study
    if not any(held.closed_at for held in study.rounds):
        raise Refused("delphi-nothing-to-report")
    _audit(ctx, case, "rounds-reported")
    report = SendDelphiReport(study, case.conflicts, case.nickname, case.network, case.lead)
    for form in ("pdf", "md"):
        await ctx.outbox.to_case(case.id, replace(report, form=form), tag="delphi-report")
    missing = sum(not item.known and item.id not in study.notes for item in ITEMS)
    more = (Text("delphi-report-missing", {"count": missing}),) if missing else ()
    return Reply((Text("delphi-report-follows"), *more))


def _audit(ctx: Context, case: Case, decision: str) -> None:
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.RUN_ROUNDS,
        case_id=case.id,
        decision=decision,
        detail={"round": len(case.study.rounds), "event": ctx.event_id, "device": ctx.device_id},
    )


VERBS: Mapping[str, Verb] = {
    "new": _new,
    "add": _add,
    "threshold": _threshold,
    "start": _start,
    "close": _close,
    "next": _next,
    "take": _take,
    "end": _end,
    "note": _note,
    "report": _report,
}
