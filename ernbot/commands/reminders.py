"""`!reminders`: how often somebody is reminded of what waits for them. Urgent cases are always said."""

from __future__ import annotations

from ernbot.commands.context import Context
from ernbot.commands.registry import command
from ernbot.commands.reply import Reply, Symbol, say
from ernbot.core.agenda import Every
from ernbot.core.errors import BadInput
from ernbot.core.states import Action

OFTEN = {
    **{str(every): every for every in Every},
    **dict.fromkeys(("no", "none", "stop", "never", "fra", "nej", "aldrig"), Every.OFF),
    **dict.fromkeys(("on", "yes", "day", "til", "ja", "dagligt", "daglig"), Every.DAILY),
    **dict.fromkeys(("week", "ugentligt", "ugentlig", "uge"), Every.WEEKLY),
}
"""What people type, in English and Danish."""


@command("reminders", where="direct", action=Action.READ, changes="nothing", shape="[how often]")
async def reminders(ctx: Context, every: str = "") -> Reply:
    """Show how often this person is reminded, or change it."""
    if every:
        wanted = OFTEN.get(every.casefold())
        if wanted is None:
            raise BadInput("reminders-which", word=every)
        await ctx.tx.set_reminders(ctx.actor, wanted)
    known = await ctx.tx.listener(ctx.actor)
    return say("reminders-set", every=Symbol("every", known.every), hour=ctx.office.reminder_hour)
