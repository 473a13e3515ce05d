"""`!help`, the greeting and `!language`: the way in."""

from __future__ import annotations

from collections.abc import Sequence

from ernbot.commands.context import Context
from ernbot.commands.registry import Command, command
from ernbot.commands.reply import Heading, Item, Part, Reply, Text, say
from ernbot.core.access import check_case, check_new_case
from ernbot.core.assurance import RECORDS
from ernbot.core.case import Action
from ernbot.core.directory import Role
from ernbot.core.errors import BadInput, Refused


async def usable(ctx: Context, commands: Sequence[Command]) -> list[Command]:
    """The commands that this person may use here and now; nothing for people whom no network lists."""
    if not ctx.office.directory.knows(ctx.actor):
        return []
    if ctx.place is None:
        coordinates = any(person.role is Role.COORDINATOR for _, person in ctx.office.directory.memberships(ctx.actor))
        # What is said about a case helps nobody who is in none.
        offered: set[Action | None] = {None} | ({Action.CREATE} if _may_open_cases(ctx) else set())
        if any(c.where == "anywhere" and c.action is not None for c in commands) and await ctx.tx.places_of(ctx.actor):
            offered |= {c.action for c in commands if c.where == "anywhere"}
        return [c for c in commands if c.where != "case" and c.action in offered and (coordinates or not c.coordinator)]
    case = await ctx.case(Action.READ)

    def fits(action: Action) -> bool:
        try:
            check_case(ctx.actor, action, case, ctx.office.directory, ctx.now)
        except Refused:
            return False
        return ctx.assurance >= ctx.office.policy.needs(action)

    return [c for c in commands if c.where != "direct" and (c.action is None or fits(c.action))]


def _may_open_cases(ctx: Context) -> bool:
    for network, _ in ctx.office.directory.memberships(ctx.actor):
        try:
            check_new_case(ctx.actor, network)
        except Refused:
            continue
        return True
    return False


def listing(commands: Sequence[Command]) -> tuple[Part, ...]:
    return tuple(Item(Text(c.help_key), code=c.usage) for c in commands)


async def greeting(ctx: Context, commands: Sequence[Command]) -> Reply:
    """What the bot says first in a direct chat."""
    can = await usable(ctx, commands)
    if not can:
        return say("greeting-unknown")
    networks = [network for network, _ in ctx.office.directory.memberships(ctx.actor)]
    key = "greeting" if _may_open_cases(ctx) else "greeting-without-cases"
    return Reply(
        (
            Text(key, {"name": ctx.office.directory.name_of(ctx.actor)}),
            *listing(can),
            Text("greeting-networks"),
            *(Item(Text("network-name", {"name": network.name}), code=network.id) for network in networks),
            Text("greeting-secrecy"),
        )
    )


@command("help", where="anywhere")
async def help_(ctx: Context) -> Reply:
    """List what this person may do here."""
    from ernbot.commands import COMMANDS

    doubted = ctx.assurance < max(ctx.office.policy.needs(action) for action in RECORDS)
    return Reply(
        (
            Heading("help-title"),
            *listing(await usable(ctx, COMMANDS)),
            *((Text("help-doubted"),) if doubted else ()),
            Text("help-more"),
        )
    )


@command("language", where="anywhere")
async def language(ctx: Context, language: str) -> Reply:
    """Choose the language in which the bot speaks to this person."""
    wanted = language.casefold()
    if wanted not in ctx.office.languages:
        raise BadInput("language-unknown", languages=", ".join(ctx.office.languages))
    await ctx.tx.set_language(ctx.actor, wanted)
    return say("language-set")
