"""`!figures`: what the coordinators of a network may know of all its cases, in numbers that point at nobody."""

from __future__ import annotations

from ernbot.commands.context import Context
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Heading, Item, Line, Part, Reply, Symbol, Text, Value
from ernbot.core.directory import Network, Role
from ernbot.core.errors import BadInput, Refused
from ernbot.core.figures import Measured, Took, followed, measured, told, took
from ernbot.core.states import STATES


@command("figures", where="direct", coordinator=True, changes="nothing", shape="[<network>]")
async def figures(ctx: Context, network: Rest = Rest("")) -> Reply:
    """Show how many cases a network has, how long they take, and whether its advice was followed."""
    of = _chosen(ctx, network)
    states = await ctx.tx.states_in(of.id)
    found = [each async for case in ctx.tx.cases_to_count(of.id) if (each := measured(case, ctx.now)) is not None]
    ctx.tx.audit(at=ctx.now, actor=ctx.actor, action="read-figures", decision="shown", detail={"network": of.id})
    if not told(sum(states.values())):
        return Reply((Text("figures-few", {"network": of.name}),))
    counted = tuple(_counted("figures-state", Symbol("state", state), told(states[state])) for state in STATES)
    return Reply(
        (
            Heading("figures-title", {"network": of.name}),
            Text("figures-cases", {"count": told(sum(states.values()))}),
            Line(tuple(text for text in counted if text.fields["count"])),
            *_times(found),
            *_follow_ups(found),
            Text("figures-rule"),
        )
    )


def _chosen(ctx: Context, name: str) -> Network:
    """The network that is asked for, or the only one that this person coordinates.

    Raises:
        Refused: `coordinator-only` for anybody but a coordinator of it, whether or not there is such a network.
        BadInput: `figures-which` when it could be several.
    """
    memberships = ctx.office.directory.memberships(ctx.actor)
    mine = [network for network, person in memberships if person.role is Role.COORDINATOR]
    wanted = " ".join(name.split()).casefold()
    found = [network for network in mine if not wanted or wanted in (network.id, network.name.casefold())]
    if not found:
        raise Refused("coordinator-only")
    if len(found) > 1:
        raise BadInput("figures-which", networks=", ".join(network.id for network in found))
    return found[0]


def _counted(key: str, what: Symbol, count: int) -> Text:
    return Text(key, {"what": what, "count": count})


def _times(found: list[Measured]) -> list[Part]:
    times = took(found)
    if not times:
        return [Text("figures-no-times")]
    return [Text("figures-times"), *(Item(_time(each)) for each in times)]


def _time(each: Took) -> Text:
    fields: dict[str, Value] = {
        "clock": Symbol("clock", each.clock.replace("_", "-")),
        "median": each.median,
        "lower": each.lower,
        "upper": each.upper,
        "count": each.cases,
    }
    return Text("figures-took-urgent" if each.urgent else "figures-took", fields)


def _follow_ups(found: list[Measured]) -> list[Part]:
    said = followed(found)
    if not said.answered:
        return [Text("figures-no-follow-ups")]
    parts: list[Part] = [Text("figures-follow-ups", {"asked": said.asked, "answered": said.answered})]
    for group, numbers in (("followed", said.followed), ("why", said.why), ("changed", said.changed)):
        counted = tuple(
            _counted("figures-counted", Symbol(group, word), count) for word, count in numbers.items() if count
        )
        if counted:
            parts.append(Item(Line((Text(f"figures-{group}"), *counted))))
    return parts
