"""What somebody probably meant who mistyped a command. It only names a command; nothing runs that was not typed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ernbot.commands import COMMANDS
from ernbot.commands.registry import PREFIX, Command, without_prefix
from ernbot.core.errors import BadInput

ALIKE = 0.6
"""Likeness from which a mistyped command is recognised (0 to 1, as difflib counts)."""

VERY_ALIKE = 0.7
"""The same for words that could also be arguments of a shorter command."""

PLAINLY_ALIKE = 0.8
"""The same for what somebody says without a prefix."""

MAX_ECHO = 40
"""Characters of a mistyped command that are repeated."""


def meant_another(command: Command, rest: str) -> bool:
    """Whether what follows a command of one word is rather a mistyped second word than an argument."""
    second = rest.split(maxsplit=1)[0].casefold() if rest else ""
    verbs = _verbs(command.name.removeprefix(PREFIX))
    return "=" not in second and bool(difflib.get_close_matches(second, verbs, n=1, cutoff=VERY_ALIKE))


def unknown(text: str) -> BadInput:
    """The refusal for what is no command: with the one probably meant, or with the words that can follow the first."""
    words = without_prefix(text).split()[:2]
    typed = (PREFIX + " ".join(words))[:MAX_ECHO]
    noun, *second = (word.casefold() for word in words)
    if verbs := _verbs(noun):
        close = difflib.get_close_matches(second[0], verbs, n=1, cutoff=ALIKE) if second else []
        if not close:
            return BadInput("command-incomplete", command=PREFIX + noun, words=", ".join(verbs))
        return BadInput("command-unknown", command=typed, nearest=f"{PREFIX}{noun} {close[0]}")
    nearest = _nearest([PREFIX + " ".join([noun, *second]), PREFIX + noun], ALIKE)
    return BadInput("command-unknown", command=typed, nearest=nearest or f"{PREFIX}help")


def plainly(text: str) -> str | None:
    """The command that somebody plainly meant who typed no prefix; None when there is none."""
    return _nearest([PREFIX + word for word in (" ".join(text.split()[:2]), *text.split()[:1])], PLAINLY_ALIKE)


def _nearest(typed: Sequence[str], likeness: float) -> str | None:
    """The name of the command that one of these is most like, the first that is like any."""
    names = [command.name for command in COMMANDS]
    for wanted in typed:
        if close := difflib.get_close_matches(wanted.casefold(), names, n=1, cutoff=likeness):
            return close[0]
    return None


def _verbs(noun: str) -> list[str]:
    """The words that can follow the first word of a command."""
    return [command.words[1] for command in COMMANDS if command.words[0] == noun and len(command.words) > 1]
