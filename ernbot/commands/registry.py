"""What a command is, and how typed words become its arguments.

The arguments come from the annotations of the function: `str` is one word, `Rest` the rest of the line, `Words` one or
more words up to the first `key=`, `Answers` any number of `key=value`, `Confirm` the word `confirm`. What does not fit
is `BadInput("usage")` with the command's usage line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NewType, get_type_hints

from ernbot.commands.reply import Reply
from ernbot.core.errors import BadInput
from ernbot.core.states import Action

PREFIX = "!"
WIDE_PREFIX = "\N{FULLWIDTH EXCLAMATION MARK}"
"""What keyboards for East Asian scripts make of the prefix."""

CONFIRM = "confirm"

Rest = NewType("Rest", str)
Words = NewType("Words", tuple[str, ...])
Answers = NewType("Answers", dict[str, str])
Confirm = NewType("Confirm", bool)

Where = Literal["case", "direct", "anywhere"]
Changes = Literal["nothing", "case", "more"]
Handler = Callable[..., Awaitable[Reply | None]]

_KEY = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_-]*)=")
_SHAPES: Mapping[Any, str] = {
    str: "<{}>",
    Rest: "<{} …>",
    Words: "<{} …>",
    Answers: "<key>=<value> …",
    Confirm: "confirm",
}


@dataclass(frozen=True)
class Parameter:
    """One argument; `takes` is `str`, `Rest`, `Words`, `Answers` or `Confirm`."""

    name: str
    takes: Any
    required: bool

    @property
    def shape(self) -> str:
        text = _SHAPES[self.takes].format(self.name)
        return text if self.required else f"[{text}]"


@dataclass(frozen=True)
class Command:
    """A command by its words. `action` is what the access gate is asked; None needs no case.

    `shape` is how its arguments are shown where their own shapes say too little. `coordinator`: for coordinators only;
    `dispatcher`: for them and for dispatchers. `changes` is what it changes: `nothing` of a case, the `case` alone and
    no record in it, so that it can be taken back, or `more`. `example` is how it may be typed.
    """

    words: tuple[str, ...]
    run: Handler
    where: Where
    action: Action | None
    parameters: tuple[Parameter, ...]
    shape: str | None = None
    coordinator: bool = False
    dispatcher: bool = False
    changes: Changes = "more"
    example: str | None = None

    @property
    def name(self) -> str:
        return PREFIX + " ".join(self.words)

    @property
    def usage(self) -> str:
        shapes = [self.shape] if self.shape else [parameter.shape for parameter in self.parameters]
        return " ".join([self.name, *shapes])

    @property
    def help_key(self) -> str:
        return "help-" + "-".join(self.words)

    def arguments(self, text: str) -> dict[str, Any]:
        """The arguments in what was typed behind the name.

        Raises:
            BadInput: `usage` when a required one is missing or something is left over.
        """
        values: dict[str, Any] = {}
        rest = text.strip()
        for parameter in self.parameters:
            if not rest:
                if parameter.required:
                    raise BadInput("usage")
                break
            if parameter.takes is str:
                values[parameter.name], rest = _word(rest)
            elif parameter.takes is Confirm:
                word, rest = _word(rest)
                if word.casefold() != CONFIRM:
                    raise BadInput("usage")
                values[parameter.name] = True
            elif parameter.takes is Words:
                values[parameter.name], rest = _words(rest)
            elif parameter.takes is Answers:
                values[parameter.name], rest = key_values(rest), ""
            else:
                values[parameter.name], rest = rest, ""
        if rest:
            raise BadInput("usage")
        return values


def _word(text: str) -> tuple[str, str]:
    """The first word and the rest; a line break ends a word as well as a space."""
    word, *rest = text.split(maxsplit=1)
    return word, rest[0] if rest else ""


def _words(text: str) -> tuple[tuple[str, ...], str]:
    """The words before the first `key=`, with spaces, commas or both between them, and the rest.

    Raises:
        BadInput: `usage` when there is none.
    """
    before, after = before_keys(text)
    words = tuple(word for word in re.split(r"[\s,;]+", before) if word)
    if not words:
        raise BadInput("usage")
    return words, after


def before_keys(text: str) -> tuple[str, str]:
    """What stands before the first `key=`, and the rest."""
    key = _KEY.search(text)
    end = key.start() if key else len(text)
    return text[:end].strip(), text[end:].strip()


def key_values(text: str) -> dict[str, str]:
    """`a=1 b=two words c="x=y"` as a mapping; a value runs to the next key, quotes protect what looks like one.

    Raises:
        BadInput: `usage` for text before the first key; `answer-twice` for a key given twice.
    """
    kept: list[str] = []

    def protect(match: re.Match[str]) -> str:
        kept.append(match[1])
        return f"=\ue000{len(kept) - 1}\ue001"

    text = re.sub(r'=["“”]([^"“”]*)["“”]', protect, text.replace("\ue000", "").replace("\ue001", ""))
    keys = list(_KEY.finditer(text))
    if not keys or text[: keys[0].start()].strip():
        raise BadInput("usage")
    values: dict[str, str] = {}
    for match, following in zip(keys, [*keys[1:], None], strict=True):
        key = match[1].casefold()
        if key in values:
            raise BadInput("answer-twice", field=key)
        value = text[match.end() : following.start() if following else len(text)].strip()
        values[key] = re.sub("\ue000(\\d+)\ue001", lambda m: kept[int(m[1])], value)
    return values


def command(
    name: str,
    *,
    where: Where,
    action: Action | None = None,
    shape: str | None = None,
    coordinator: bool = False,
    dispatcher: bool = False,
    changes: Changes = "more",
    example: str | None = None,
) -> Callable[[Handler], Command]:
    """Make a command of a function whose first argument is the context."""

    def wrap(run: Handler) -> Command:
        hints = get_type_hints(run)
        parameters = tuple(
            Parameter(parameter.name, hints[parameter.name], parameter.default is inspect.Parameter.empty)
            for parameter in list(inspect.signature(run).parameters.values())[1:]
        )
        return Command(
            tuple(name.split()), run, where, action, parameters, shape, coordinator, dispatcher, changes, example
        )

    return wrap


def find(commands: Sequence[Command], text: str) -> tuple[Command, str] | None:
    """The command with the longest name that the text begins with, and the rest of the text.

    Case does not matter, nor spaces, hyphens or nothing between the words of a name, nor a colon behind it: who types
    `!Case-new`, `!casenew` or `!case new:` means the same.
    """
    body = without_prefix(text)
    best: tuple[Command, str] | None = None
    for candidate in commands:
        match = _pattern(candidate.words).match(body)
        if match and (best is None or len(candidate.words) > len(best[0].words)):
            best = (candidate, body[match.end() :])
    return best


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """A name as it may be typed; a word such as `followup` also with hyphens within."""
    spelt = ("[-_]?".join(map(re.escape, word)) for word in words)
    return re.compile(r"[\s_-]*".join(spelt) + r"(?:\s*:)?(?:\s+|$)", re.IGNORECASE)


def has_prefix(text: str) -> bool:
    """Whether somebody means a command, and no other: an exclamation mark of any width begins one."""
    return text.startswith((PREFIX, WIDE_PREFIX))


def without_prefix(text: str) -> str:
    return re.sub(rf"\A[{PREFIX}{WIDE_PREFIX}\s]+", "", text).strip()
