"""What happens when somebody comes into a room: a greeting in a direct chat, the case file in a case room.

History is visible from joining only, so whoever comes later is shown the card and the files anew.
"""

from __future__ import annotations

from ernbot.commands import COMMANDS
from ernbot.commands.card import card
from ernbot.commands.context import Context
from ernbot.commands.effects import Card, ShowFile
from ernbot.commands.files import PHOTOGRAPHS, describe, file_tag
from ernbot.commands.welcome import greeting
from ernbot.core.case import Action, Draft, Withdrawn
from ernbot.core.consent import Purpose
from ernbot.core.errors import Refused
from ernbot.imaging import Facts


async def greet(ctx: Context) -> None:
    """Say in a direct chat what this person can do."""
    await ctx.say(await greeting(ctx, COMMANDS))


async def brief(ctx: Context) -> None:
    """Show the case to somebody who has just come in. People who may not read it are shown nothing."""
    try:
        case = await ctx.case(Action.READ, said=False)
    except Refused:
        return
    await ctx.outbox.to_case(case.id, Card(card(case, ctx.office, ctx.now), case.requester, fresh=True))
    if ctx.actor == case.requester or isinstance(case.state, Draft | Withdrawn):
        return
    photographs = case.consent.covers(Purpose.IMAGES, ctx.now)
    for file in await ctx.tx.files(case.id):
        facts = Facts(**file.facts)
        if facts.format not in PHOTOGRAPHS or photographs:
            show = ShowFile(file.id, describe(facts), case.requester, original=True)
            await ctx.outbox.to_case(case.id, show, tag=file_tag(file.id))
