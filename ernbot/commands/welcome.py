"""The greeting and `!language`: the way in."""

from __future__ import annotations

from collections.abc import Sequence

from ernbot.commands.context import Context
from ernbot.commands.guide import listing, may_open_cases, usable
from ernbot.commands.registry import Command, command
from ernbot.commands.reply import Item, Reply, Text, say
from ernbot.core.errors import BadInput

FIRST = ("tour", "case new", "question new", "help")
"""What somebody needs on the first day; `!help` lists the rest."""


async def greeting(ctx: Context, commands: Sequence[Command]) -> Reply:
    """What the bot says first in a direct chat."""
    can = [each for each in await usable(ctx, commands) if " ".join(each.words) in FIRST]
    if not can:
        return say("greeting-unknown")
    networks = [network for network, _ in ctx.office.directory.memberships(ctx.actor)]
    key = "greeting" if may_open_cases(ctx) else "greeting-without-cases"
    return Reply(
        (
            Text(key, {"name": ctx.office.directory.name_of(ctx.actor)}),
            *listing(can),
            Text("greeting-networks"),
            *(Item(Text("network-name", {"name": network.name}), code=network.id) for network in networks),
            Text("greeting-secrecy"),
        )
    )


@command("language", where="anywhere", changes="nothing")
async def language(ctx: Context, language: str) -> Reply:
    """Choose the language in which the bot speaks to this person."""
    wanted = language.casefold()
    if wanted not in ctx.office.languages:
        raise BadInput("language-unknown", languages=", ".join(ctx.office.languages))
    await ctx.tx.set_language(ctx.actor, wanted)
    return say("language-set")
