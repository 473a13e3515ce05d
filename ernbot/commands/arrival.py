"""What happens when somebody comes into a room: a greeting in a direct chat, the case file in a case room.

History is visible from joining only, so whoever comes later is shown the card and the files anew.
"""

from __future__ import annotations

from ernbot.commands import COMMANDS, invitations
from ernbot.commands.card import card
from ernbot.commands.context import Context
from ernbot.commands.effects import Card
from ernbot.commands.files import is_identifiable, show, together
from ernbot.commands.welcome import greeting
from ernbot.core.consent import Purpose
from ernbot.core.errors import Refused
from ernbot.core.states import Action, Draft, Withdrawn


async def greet(ctx: Context) -> None:
    """Say in a direct chat what this person can do."""
    if not ctx.office.directory.knows(ctx.actor) and await ctx.tx.places_of(ctx.actor):
        # A guest, who comes for the invitation that follows.
        return
    await ctx.say(await greeting(ctx, COMMANDS))


async def brief(ctx: Context) -> None:
    """Show the case to somebody who has just come in. People who may not read it are shown nothing."""
    try:
        case = await ctx.case(Action.READ, said=False)
    except Refused:
        return
    case = await invitations.came(ctx, case)
    await ctx.outbox.to_case(case.id, Card(card(case, ctx.office, ctx.now), case.requester, fresh=True))
    if ctx.actor == case.requester or isinstance(case.state, Draft | Withdrawn) or not case.covered(ctx.now):
        return
    images = case.consent.covers(Purpose.IMAGES, ctx.now)
    for files in together(await ctx.tx.files(case.id)):
        if images or not is_identifiable(files):
            await show(ctx, case, files, originals=True)
