"""Which case a message in a direct chat is about: the one that it names, or the only one that it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ernbot.commands.context import Context
from ernbot.core.access import able
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.storage.records import CasePlace

Found = TypeVar("Found")


async def _open_cases(ctx: Context, action: Action) -> list[tuple[CasePlace, Case]]:
    """The cases under way in which this person may do this, through the gate."""
    found = []
    for place in await ctx.tx.places_of(ctx.actor):
        try:
            case = await ctx.on(place).case(Action.READ, said=False)
        except Refused:
            continue
        asked = action is not Action.GIVE_OPINION or ctx.actor in case.panel
        if asked and case.permits(action):
            found.append((place, case))
    return found


def _behind(text: str, nickname: str) -> str | None:
    """What follows a nickname at the beginning of a text; None when it is not there."""
    count = len(nickname.split())
    words = text.split(maxsplit=count)
    if " ".join(words[:count]).casefold() != nickname.casefold():
        return None
    return words[count] if len(words) > count else ""


def usable(ctx: Context, action: Action, found: Sequence[Found], case_of: Callable[[Found], Case]) -> list[Found]:
    """Those of several cases that one may be asked to choose from: where the gate would let this person do it now.

    One whose consent has run out is not offered. Where none is left it is the first of all, so that the gate says why.
    """
    directory = ctx.office.directory
    able_in = [each for each in found if able((ctx.actor,), action, case_of(each), directory, ctx.now)]
    return able_in or list(found[:1])


async def choose(ctx: Context, text: str, action: Action) -> tuple[Context, str]:
    """The context of the case that is meant, and the text without its name. In a case room it is that case.

    Raises:
        Refused: `case-none` when no case is under way in which this person may do this.
        BadInput: `case-which` when there are several and none is named, or two have the name.
    """
    if ctx.place is not None:
        return ctx, text
    cases = await _open_cases(ctx, action)
    if not cases:
        raise Refused("case-none")
    named = [(place, rest) for place, case in cases if (rest := _behind(text, case.nickname)) is not None]
    if len(named) == 1:
        place, rest = named[0]
        return ctx.on(place), rest
    cases = usable(ctx, action, cases, lambda each: each[1])
    draft = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    likely = [place for place, _ in cases if draft is not None and place.case_id == draft.case_id]
    likely = likely or [place for place, case in cases if ctx.actor in case.panel and ctx.actor not in case.answered]
    if len(likely) != 1 and len(cases) == 1:
        likely = [cases[0][0]]
    if len(likely) != 1:
        waiting = [case for _, case in cases if ctx.actor in case.panel and ctx.actor not in case.answered]
        raise BadInput("case-which", cases=", ".join(case.nickname for case in waiting or [case for _, case in cases]))
    return ctx.on(likely[0]), text
