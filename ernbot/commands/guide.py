"""`!help` and `!tour`: what this person can do here and now, on one screen, and what a case is on the first day.

Only what may be used is listed. Commands that begin with the same word are one line of the list; `!help <word>` shows
them one by one.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from ernbot.commands.context import Context
from ernbot.commands.registry import PREFIX, Command, Rest, command, without_prefix
from ernbot.commands.reply import Fact, Heading, Item, Part, Reply, Text
from ernbot.core.access import check_case, check_new_case
from ernbot.core.assurance import RECORDS
from ernbot.core.directory import Role
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import FITS, Action
from ernbot.core.turn import turn
from ernbot.core.worklist import Part as Seat
from ernbot.core.worklist import sees

FEW = 9
"""Commands that are listed one by one: more are grouped, so that the list fits a telephone."""

ANSWERS = frozenset({Action.VOTE, Action.ANSWER_INVITATION, Action.GIVE_OPINION, Action.READ_OPINIONS, Action.RATE})
"""What is asked of people in a case and may be answered in the direct chat as well."""

EXAMPLES = 2
TOUR = 5
"""Pages of the tour."""

ALIKE = 0.6
"""Likeness from which a mistyped topic is recognised (0 to 1, as difflib counts)."""


async def usable(ctx: Context, commands: Sequence[Command]) -> list[Command]:
    """The commands that this person may use here and now; nothing for people whom no network lists."""
    if ctx.place is None and not ctx.office.directory.knows(ctx.actor):
        return []
    if await ctx.tx.dialogue(ctx.room_id, ctx.actor) is None:
        commands = [c for c in commands if c.words != ("cancel",)]
    if ctx.place is None:
        asked = await _asked(ctx)
        return [c for c in commands if c.where != "case" and _fits_direct_chat(ctx, c, asked)]
    case = await ctx.case(Action.READ)

    def fits(action: Action) -> bool:
        try:
            check_case(ctx.actor, action, case, ctx.office.directory, ctx.now)
        except Refused:
            return False
        return ctx.assurance >= ctx.office.policy.needs(action)

    return [c for c in commands if c.where != "direct" and (c.action is None or fits(c.action))]


async def _asked(ctx: Context) -> set[Action]:
    """What this person is asked in some case, and may answer from the direct chat."""
    today = ctx.now.date()
    lines = [line for line in await ctx.tx.lines_of(ctx.actor) if sees(ctx.actor, line, ctx.office.directory, today)]
    asked = set()
    if any(line.waits and line.part != Seat.LEAD and line.state in FITS[Action.VOTE] for line in lines):
        asked.add(Action.VOTE)
    if any(line.part in (Seat.EXPERT, Seat.GUEST) and line.state in FITS[Action.ANSWER_INVITATION] for line in lines):
        asked.add(Action.ANSWER_INVITATION)
    if any(line.part in (Seat.EXPERT, Seat.GUEST) and line.state in FITS[Action.GIVE_OPINION] for line in lines):
        asked |= {Action.GIVE_OPINION, Action.READ_OPINIONS}
    if any(line.part in (Seat.EXPERT, Seat.GUEST) and line.state in FITS[Action.RATE] for line in lines):
        asked.add(Action.RATE)
    return asked


def _fits_direct_chat(ctx: Context, command: Command, asked: Collection[Action]) -> bool:
    """Whether a command of direct chats is for this person. What few ever need is told them when they do."""
    if command.action in ANSWERS:
        return command.action in asked
    memberships = list(ctx.office.directory.memberships(ctx.actor))
    if command.dispatcher:
        return any(network.triage and network.triages(ctx.actor) for network, _ in memberships)
    if command.coordinator or (command.where == "anywhere" and command.action is not None):
        return any(person.role is Role.COORDINATOR for _, person in memberships)
    return command.action is not Action.CREATE or may_open_cases(ctx)


def may_open_cases(ctx: Context) -> bool:
    """Whether this person may open a case, for themselves or for somebody whom they assist."""
    for user in (ctx.actor, *ctx.office.directory.assisted_by(ctx.actor)):
        for network, _ in ctx.office.directory.memberships(user):
            try:
                check_new_case(user, network)
            except Refused:
                continue
            return True
    return False


def listing(commands: Sequence[Command]) -> tuple[Part, ...]:
    """Commands one by one, or grouped when they are many."""
    if len(commands) <= FEW:
        return tuple(Item(Text(each.help_key), code=each.usage) for each in commands)
    parts: list[Part] = []
    for noun, group in groups(commands).items():
        if len(group) == 1:
            parts.append(Item(Text(group[0].help_key), code=group[0].name))
        else:
            verbs = ", ".join(" ".join(each.words[1:]) for each in group if len(each.words) > 1)
            parts.append(Item(Text(f"help-group-{noun}", {"verbs": verbs}), code=PREFIX + noun))
    return tuple(parts)


def groups(commands: Sequence[Command]) -> dict[str, list[Command]]:
    """Commands by their first word, in their order."""
    found: dict[str, list[Command]] = {}
    for each in commands:
        found.setdefault(each.words[0], []).append(each)
    return found


@command("help", where="anywhere", changes="nothing", shape="[<word>]")
async def help_(ctx: Context, word: Rest = Rest("")) -> Reply:
    """List what this person may do here, or more about one of it."""
    from ernbot.commands import COMMANDS

    can = await usable(ctx, COMMANDS)
    if about := _about(can, without_prefix(word)):
        return Reply((Heading("help-title"), *about))
    doubted = ctx.assurance < max(ctx.office.policy.needs(action) for action in RECORDS)
    many = len(can) > FEW
    return Reply(
        (
            Heading("help-title"),
            *(await _next(ctx)),
            *listing(can),
            *_examples(can),
            *((Text("help-doubted"),) if doubted else ()),
            *((Text("help-words"),) if many else ()),
            Text("help-more"),
        )
    )


async def _next(ctx: Context) -> tuple[Part, ...]:
    """What comes next in the case of this room."""
    if ctx.place is None:
        return ()
    case = await ctx.case(Action.READ)
    return (Fact(Text("card-next"), Text(f"next-{turn(case, ctx.office.directory, ctx.now).next}")),)


def _examples(can: Sequence[Command]) -> tuple[Part, ...]:
    """How the first commands that do something are typed."""
    found = [each.example for each in can if each.example and each.changes != "nothing"][:EXAMPLES]
    return tuple(Text("help-example", {"example": example}) for example in found)


def _about(can: Sequence[Command], topic: str) -> tuple[Part, ...]:
    """The commands that begin with some words, one by one; nothing when there are none like it."""
    words = tuple(topic.casefold().split())
    if not words:
        return ()
    by_noun = groups(can)
    near = difflib.get_close_matches(words[0], list(by_noun), n=1, cutoff=ALIKE)
    found = [each for each in can if each.words[: len(words)] == words] or by_noun[near[0]] if near else []
    parts: list[Part] = []
    for each in found:
        parts.append(Item(Text(each.help_key), code=each.usage))
        if each.example:
            parts.append(Text("help-example", {"example": each.example}))
    return tuple(parts)


@command("tour", where="direct", changes="nothing", shape="[<page>]")
async def tour(ctx: Context, page: str = "1") -> Reply:
    """Show in a few short pages what a case is."""
    if not page.isascii() or not page.isdecimal() or not 1 <= int(page) <= TOUR:
        raise BadInput("tour-page", pages=TOUR)
    number = int(page)
    onward = Text("tour-next", {"page": number + 1}) if number < TOUR else Text("tour-end")
    return Reply((Heading("tour-title", {"page": number, "pages": TOUR}), Text(f"tour-{number}"), onward))
