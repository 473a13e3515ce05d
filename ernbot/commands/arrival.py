"""What happens when somebody comes into a room: a greeting in a direct chat, the case file in a case room.

History is visible from joining only, so whoever comes later is shown the card and the files anew: the first at once,
those who come shortly after together. That somebody came in stays in the inbox until it was done, so it outlives a
restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ernbot.commands import COMMANDS, invitations
from ernbot.commands.card import card
from ernbot.commands.context import Context
from ernbot.commands.effects import Card
from ernbot.commands.files import is_identifiable, show, together
from ernbot.commands.welcome import greeting
from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.errors import Refused
from ernbot.core.invitation import InvitationState
from ernbot.core.states import Action, Draft, Withdrawn
from ernbot.storage.records import InboxItem

LONGEST = timedelta(minutes=1)
"""Nobody looks at an empty room for longer, however many others come in."""


async def greet(ctx: Context) -> None:
    """Say in a direct chat what this person can do."""
    if not ctx.office.directory.knows(ctx.actor) and await ctx.tx.places_of(ctx.actor):
        # A guest, who comes for the invitation that follows.
        return
    await ctx.say(await greeting(ctx, COMMANDS))


async def came_in(ctx: Context, item: InboxItem) -> datetime | None:
    """Show the case to somebody who has come in, and to all who wait for it; or until when to wait for others.

    People who may not read it are shown nothing.
    """
    waiting = await ctx.tx.arrivals(ctx.room_id)
    if item.attempts and item.event_id not in waiting:
        # It was shown together with somebody else's arrival, a moment ago.
        return None
    try:
        case = await ctx.case(Action.READ, said=False)
    except Refused:
        return None
    case = await invitations.came(ctx, case)
    until = await _until(ctx, case, item, waiting.values())
    if until is None:
        await _show(ctx, case)
        if ctx.actor != case.requester:
            await ctx.tx.settle_arrivals(ctx.room_id)
    return until


async def _until(ctx: Context, case: Case, item: InboxItem, waiting: Iterable[datetime]) -> datetime | None:
    """Until when others may come in who are expected; None when nobody is, or it has been long enough."""
    if not item.attempts:
        quiet = timedelta(seconds=ctx.office.arrival_seconds)
        # Whoever brought the case has its files, and is shown the card alone.
        may_wait = quiet and ctx.actor != case.requester and _expects_more(case, ctx.actor)
        return ctx.now + quiet if may_wait and await ctx.tx.came_since(ctx.room_id, ctx.now - quiet) > 1 else None
    last = max(waiting)
    return last if last > ctx.now and ctx.now - item.at < LONGEST else None


def _expects_more(case: Case, user: str) -> bool:
    return any(asked.state is InvitationState.INVITED and asked.user_id != user for asked in case.invitations)


async def _show(ctx: Context, case: Case) -> None:
    await ctx.outbox.to_case(case.id, Card(card(case, ctx.office, ctx.now), case.requester, fresh=True))
    if ctx.actor == case.requester or isinstance(case.state, Draft | Withdrawn) or not case.covered(ctx.now):
        return
    images = case.consent.covers(Purpose.IMAGES, ctx.now)
    for files in together(await ctx.tx.files(case.id)):
        if images or not is_identifiable(files):
            await show(ctx, case, files, originals=True)
