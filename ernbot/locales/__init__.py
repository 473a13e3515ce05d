"""Everything the system says, in every language it speaks: Fluent catalogues, one folder per language.

`bot.ftl` holds our own words and the refusals of the rules, `commands.ftl` what the commands say, `documents.ftl` the
headings of documents, `files.ftl` what a file is. A sentence that a language lacks is said in English. A sentence that
would come out with a hole is an error: no clinician ever reads `{$user}`. Nothing here knows Matrix or HTML; a str
that fills a placeholder comes out as it went in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle
from fluent.runtime.types import fluent_date
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

LANGUAGES = ("en", "da")
FALLBACK = "en"
FOLDER = Path(__file__).parent

_REGIONS = {"en": "en-GB"}
"""Where a language alone would give the dates of another continent."""


class Catalogue:
    """The sentences of one language, filled up with those of English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._bundles = [_bundle(language)] if language == FALLBACK else [_bundle(language), _bundle(FALLBACK)]

    def text(self, key: str, **fields: object) -> str:
        """A sentence, its placeholders filled.

        Fields are str, int, float, date or datetime; dates and times are written as the language does, times in UTC.

        Raises:
            KeyError: there is no such sentence, or a placeholder of it has no field.
            TypeError: a field is of another type, or a time without its zone.
        """
        bundle = next((bundle for bundle in self._bundles if bundle.has_message(key)), None)
        if bundle is None:
            raise KeyError(key)
        return _format(bundle, key, {name: _argument(bundle, value) for name, value in fields.items()})


@cache
def catalogue(language: str | None) -> Catalogue:
    """The catalogue of a language, or English for one that the system does not speak."""
    return Catalogue(language if language in LANGUAGES else FALLBACK)


def keys(language: str) -> frozenset[str]:
    """The keys that a language has of its own."""
    return frozenset(_messages(language))


def placeholders(language: str, key: str) -> frozenset[str]:
    """The names of the fields that a sentence of a language asks for, also those of the sentences that it quotes.

    Raises:
        KeyError: the language has no such sentence of its own.
    """
    found = _References()
    found.visit(_messages(language)[key])
    quoted = (placeholders(language, reference) for reference in found.messages)
    return frozenset(found.variables).union(*quoted)


@cache
def choices(language: str, key: str) -> frozenset[str]:
    """The words by which a sentence chooses between its forms, those for numbers among them.

    Raises:
        KeyError: no language has such a sentence.
    """
    found = _References()
    found.visit(_messages(language).get(key) or _messages(FALLBACK)[key])
    return frozenset(found.choices)


class _References(Visitor):
    """Collects which variables and which other messages an entry refers to, and the words by which it chooses."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.messages: set[str] = set()
        self.choices: set[str] = set()

    def visit_Variant(self, node: ast.Variant) -> None:  # noqa: N802 - the library's naming
        if isinstance(node.key, ast.Identifier):
            self.choices.add(node.key.name)
        self.generic_visit(node)

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - the library's naming
        self.variables.add(node.id.name)

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802 - the library's naming
        self.messages.add(node.id.name)


def parse(name: str, source: str) -> ast.Resource:
    """A catalogue file.

    Raises:
        ValueError: a part of it is no Fluent, or a key is there twice; names the file and the place.
    """
    resource = FluentParser().parse(source)
    seen: set[str] = set()
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            line = source.count("\n", 0, entry.span.start if entry.span else 0) + 1
            raise ValueError(f"{name}: line {line}: {entry.annotations[0].message}")
        if isinstance(entry, ast.Message):
            if entry.id.name in seen:
                raise ValueError(f"{name}: {entry.id.name!r} is there twice")
            seen.add(entry.id.name)
    return resource


@cache
def _resources(language: str) -> tuple[ast.Resource, ...]:
    paths = sorted((FOLDER / language).glob("*.ftl"))
    return tuple(parse(f"{language}/{path.name}", path.read_text(encoding="utf-8")) for path in paths)


@cache
def _messages(language: str) -> Mapping[str, ast.Message]:
    return dict(_entries(language))


def _entries(language: str) -> Iterator[tuple[str, ast.Message]]:
    for resource in _resources(language):
        for entry in resource.body:
            if isinstance(entry, ast.Message):
                yield entry.id.name, entry


@cache
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([_REGIONS.get(language, language)], use_isolating=False)
    for resource in _resources(language):
        bundle.add_resource(resource)
    return bundle


def _argument(bundle: FluentBundle, value: object) -> object:
    """A field as Fluent takes it; a time becomes text, because without its zone it would mislead."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a sentence cannot hold a time without its zone")
        return _format(bundle, "moment", {"at": value.astimezone(UTC)})
    if isinstance(value, date):
        return fluent_date(value, dateStyle="long")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"a sentence cannot hold a {type(value).__name__}")
    return value


def _format(bundle: FluentBundle, key: str, fields: Mapping[str, object]) -> str:
    pattern = bundle.get_message(key).value
    if pattern is None:
        raise KeyError(key)
    text, errors = bundle.format_pattern(pattern, dict(fields))
    if errors:
        raise KeyError(f"{key}: {errors[0]}")
    return str(text)
