"""What happens when somebody comes into a room: a greeting in a direct chat, the case file in a case room.

History is visible from joining only, so whoever comes later is shown the card and the files anew.
"""

from __future__ import annotations

from ernbot.commands import COMMANDS
from ernbot.commands.card import card
from ernbot.commands.context import Context
from ernbot.commands.effects import Card, ShowFile
from ernbot.commands.files import describe
from ernbot.commands.welcome import greeting
from ernbot.core.case import Action, Draft, Withdrawn
from ernbot.core.errors import Refused
from ernbot.imaging import Facts


async def greet(ctx: Context) -> None:
    """Say in a direct chat what this person can do."""
    await ctx.say(await greeting(ctx, COMMANDS))


async def brief(ctx: Context) -> None:
    """Show the case to somebody who has just come in. People who may not read it are shown nothing."""
    try:
        case = await ctx.case(Action.READ)
    except Refused:
        return
    await ctx.outbox.to_case(case.id, Card(card(case, ctx.office, ctx.now), case.requester, fresh=True))
    if ctx.actor == case.requester or isinstance(case.state, Draft | Withdrawn):
        return
    for file in await ctx.tx.files(case.id):
        caption = describe(Facts(**file.facts))
        await ctx.outbox.to_case(case.id, ShowFile(file.id, caption, case.requester, original=True))
