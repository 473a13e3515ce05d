"""`!outcome template`: the whole outcome as one text to copy, fill in and send back."""

from __future__ import annotations

from ernbot.commands import outcome
from ernbot.commands.context import Context
from ernbot.commands.naming import people
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX, Rest, command
from ernbot.commands.reply import Blank, Fact, Part, Quote, Reply, Sheet, Text
from ernbot.core import outcome_sheet
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.outcome import MAX_RECOMMENDATIONS, Outcome, Section
from ernbot.core.states import Action

MAX_SHOWN = 600
"""Characters of a text that stand in the template. A longer one stays out of it, so that it fits into one message."""

MAX_UNPLACED = 500
"""Characters repeated of what belongs to no line; the message itself is still there to be read."""


@command("outcome template", where="case", action=Action.WRITE_OUTCOME, shape="[filled template]", changes="case")
async def template(ctx: Context, text: Rest = Rest("")) -> Reply | None:
    """Post the outcome as a template, or take a filled one."""
    case = await ctx.case(Action.WRITE_OUTCOME)
    if not text.strip():
        await ctx.say(Reply((_sheet(case),)))
        return None
    now = case.outcome()
    if outcome_sheet.stamped(text) not in (None, outcome_sheet.stamp(now)):
        raise Refused("outcome-sheet-old")
    reading = outcome_sheet.read(text)
    network = ctx.office.network(case)
    filled = outcome_sheet.fill(now, reading.texts, today=ctx.now.date(), people=people(network))
    if filled.wrong or reading.unplaced:
        return Reply((*_complaints(filled, reading.unplaced), Text("outcome-sheet-wrong")))
    if filled.outcome is now:
        raise Refused("outcome-sheet-same")
    return await outcome.rewrite(ctx, case, filled.outcome)


def _complaints(filled: outcome_sheet.Filled, unplaced: tuple[str, ...]) -> list[Part]:
    """Which lines do not fit, and why."""
    found: list[Part] = [
        Fact(_label(name), sentence)
        for name, misfit in filled.wrong.items()
        for sentence in refusal(misfit).parts
        if isinstance(sentence, Text)
    ]
    if unplaced:
        quoted = "\n".join(unplaced)
        found += [Text("outcome-sheet-unplaced"), Quote(quoted[:MAX_UNPLACED] + "…" * (len(quoted) > MAX_UNPLACED))]
    return found


def _sheet(case: Case) -> Sheet:
    """The template, with one empty line for a further recommendation."""
    now = case.outcome()
    blanks = [_blank(outcome_sheet.field_id(line.id), outcome_sheet.line(line)) for line in now.recommendations]
    if len(blanks) < MAX_RECOMMENDATIONS:
        blanks.append(_blank(outcome_sheet.field_id(_next_number(now)), ""))
    blanks += [_blank(section.value, getattr(now, section.attribute)) for section in Section]
    fields = {"nickname": case.nickname, "stamp": outcome_sheet.stamp(now)}
    return Sheet(Text("outcome-sheet-preamble", {**fields}), tuple(blanks))


def _next_number(now: Outcome) -> int:
    taken = {line.id for line in now.recommendations}
    return next(number for number in range(1, MAX_RECOMMENDATIONS + 1) if number not in taken)


def _blank(name: str, value: str) -> Blank:
    hints: list[Text] = []
    if len(value) > MAX_SHOWN:
        value, hints = "", [Text("outcome-sheet-long", {"count": len(value)})]
    elif name.startswith("recommendation-") and not value:
        hints = [Text("outcome-sheet-hint")]
    return Blank(name, _label(name), tuple(hints), value)


def _label(name: str) -> Text:
    kind, _, number = name.rpartition("-")
    return Text("outcome-sheet-line", {"number": int(number)}) if kind == "recommendation" else Text(f"outcome-{name}")


async def meant(ctx: Context, text: str, replies_to: str | None) -> str | None:
    """The command that a reply with filled lines stands for; None for any other message.

    Lines that could also be of an opinion count from the lead alone.
    """
    if ctx.place is None or replies_to is None or not outcome_sheet.has_lines(text):
        return None
    if await ctx.tx.sent_item(replies_to) is None:
        return None
    if "[recommendation-" not in text.casefold() and not await _leads(ctx):
        return None
    return f"{PREFIX}outcome template {text}"


async def _leads(ctx: Context) -> bool:
    try:
        return (await ctx.case(Action.READ, said=False)).lead == ctx.actor
    except Refused:
        return False
