"""Cases by name, for direct chats: `Amber Heron 412`, `412`, or the case's id."""

from __future__ import annotations

import re

from ernbot.commands.context import Context
from ernbot.core.case import Case
from ernbot.core.errors import BadInput
from ernbot.core.states import Action

_NAME = re.compile(r"(?P<name>[0-9a-f]{16}|\d{3}|\w+\s+\w+\s+\d{3})(?=[\s:,.]|$)[:,.]?\s*(?P<rest>.*)", re.DOTALL)


def split(line: str) -> tuple[str, str]:
    """The name of a case at the beginning of a line, and what follows it.

    Raises:
        BadInput: `case-name` when the line does not begin with a name.
    """
    match = _NAME.fullmatch(line.strip())
    if match is None:
        raise BadInput("case-name")
    return " ".join(match["name"].split()), match["rest"].strip()


async def case_and_rest(ctx: Context, action: Action, line: str) -> tuple[Case, str]:
    """The case of this room, or in a direct chat the one that the line names, and the rest of the line.

    Raises:
        BadInput: see `split`. Refused: see `Context.case` and `Context.case_named`.
    """
    if ctx.place is not None:
        return await ctx.case(action), line.strip()
    name, rest = split(line)
    return await ctx.case_named(name, action), rest
