"""`!case why|news|due|urgent|answer`: what the lead says about a case while it goes on. Nothing here holds it up."""

from __future__ import annotations

from ernbot.commands.context import Context
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Reply, Text, say
from ernbot.commands.requests import tell_dispatchers
from ernbot.core import requesting
from ernbot.core.background import Topic
from ernbot.core.dates import parse_due
from ernbot.core.errors import BadInput
from ernbot.core.states import Action
from ernbot.core.turn import turn

NONE = frozenset({"none", "never", "no", "ingen", "nej", "-"})
OFF = frozenset({"off", "no", "none", "fra", "nej"})
ON = frozenset({"", "on", "yes", "til", "ja"})


async def _describe(ctx: Context, topic: Topic, text: str) -> Reply:
    case = await ctx.case(Action.DESCRIBE)
    await ctx.save(case.describe(topic, text))
    return say("case-described")


@command("case why", where="case", action=Action.DESCRIBE, changes="case")
async def why(ctx: Context, reason: Rest) -> Reply:
    """Say why the case is presented."""
    return await _describe(ctx, "why", reason)


@command("case news", where="case", action=Action.DESCRIBE, changes="case")
async def news(ctx: Context, text: Rest) -> Reply:
    """Say what is new in the case."""
    return await _describe(ctx, "new", text)


@command(
    "case due",
    where="case",
    action=Action.PLAN,
    changes="case",
    shape="<day, or for example 2 weeks>",
)
async def due(ctx: Context, when: Rest) -> Reply:
    """Set by when the panel answers, or take the day away."""
    case = await ctx.case(Action.PLAN)
    day = None if when.casefold() in NONE else parse_due(when, ctx.now.date())
    await ctx.save(case.plan(day, at=ctx.now))
    return say("case-due", date=day) if day is not None else say("case-due-none")


@command("case urgent", where="case", action=Action.PLAN, shape="[off]")
async def urgent(ctx: Context, off: Rest = Rest("")) -> Reply:
    """Mark the case as urgent, and tell those who must act; or take the mark away."""
    case = await ctx.case(Action.PLAN)
    word = off.casefold()
    if word not in ON | OFF:
        raise BadInput("usage")
    changed = case.mark(urgent=word in ON)
    await ctx.save(changed)
    if not changed.urgent:
        return say("case-urgent-off")
    if not case.urgent:
        for user in turn(changed, ctx.office.directory, ctx.now).who:
            if user != ctx.actor:
                await ctx.outbox.to_person(user, say("case-urgent-yours", nickname=case.nickname))
    return Reply((Text("case-urgent"), *(() if changed.due is not None else (Text("case-urgent-due"),))))


@command("case answer", where="case", action=Action.ANSWER_TRIAGE)
async def answer(ctx: Context, words: Rest) -> Reply:
    """Answer what a dispatcher asked about the request."""
    case = await ctx.case(Action.ANSWER_TRIAGE)
    changed = requesting.answer(case, ctx.actor, words, at=ctx.now)
    await ctx.save(changed)
    await tell_dispatchers(ctx, changed)
    return say("request-answered")
