"""A reply as one Matrix message: plain text and HTML from the same parts, in the reader's language.

Markup belongs to the catalogue's sentences alone. A sentence is formatted with a token in the place of every value,
its markup is read, and only then do the values take the places of their tokens, escaped. So nothing that anybody typed
is ever read as Fluent, markup or HTML. Only tags of the list that the Matrix specification permits are written
(Client-Server API, `m.room.message`), without attributes but for the link to a room of ours (Appendices, "matrix.to
navigation"); hence no link that a client would show as a mention of somebody.
Legacy push rules look for names and `@room` in the body: the sender switches them off with an empty `m.mentions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from html import escape
from itertools import groupby
from urllib.parse import quote

from ernbot.commands.reply import Fact, Heading, Item, Labels, Line, Part, Quote, Reply, Sheet, Symbol, Text, Value
from ernbot.core import sheet
from ernbot.core.characters import harmless, right_to_left
from ernbot.core.form import label
from ernbot.locales import Catalogue, catalogue, choices

_MARKUP = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*")
_TOKEN = re.compile("\ue000(\\d+)\ue001")
"""Stands for a value while its sentence is formatted. Catalogues hold no private-use character; a test says so."""


@dataclass(frozen=True)
class Rendered:
    """Two forms of one message: `body`, and `formatted_body` in the format `org.matrix.custom.html`."""

    body: str
    formatted_body: str


@dataclass(frozen=True)
class _Inline:
    """A stretch of text in both forms."""

    plain: str
    html: str


def render(reply: Reply, language: str) -> Rendered:
    """A reply in a language.

    Raises:
        KeyError: the catalogue lacks a sentence of the reply, or the reply a field of the sentence.
    """
    sentences = catalogue(language)
    blocks = [
        block
        for together, parts in groupby(reply.parts, key=lambda part: part.kind if part.kind in _JOINED else None)
        for block in _blocks(together, list(parts), sentences)
    ]
    return Rendered("\n\n".join(block.plain for block in blocks), "".join(block.html for block in blocks))


_JOINED = frozenset({"item", "fact"})
"""Kinds of parts that make one list or one paragraph with their neighbours."""


def _blocks(together: str | None, parts: list[Part], sentences: Catalogue) -> list[_Inline]:
    lines = [_part(part, sentences) for part in parts]
    if together is None:
        return lines
    plain = "\n".join(line.plain for line in lines)
    if together == "item":
        return [_Inline(plain, "<ul>" + "".join(line.html for line in lines) + "</ul>")]
    return [_Inline(plain, "<p>" + "<br>".join(line.html for line in lines) + "</p>")]


def _part(part: Part, sentences: Catalogue) -> _Inline:
    match part:
        case Text():
            line = _sentence(part.key, part.fields, sentences)
            return _Inline(line.plain, f"<p>{line.html}</p>")
        case Heading():
            line = _sentence(part.key, part.fields, sentences)
            return _Inline(line.plain, f"<h4>{line.html}</h4>")
        case Quote():
            text = harmless(part.text)
            plain = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
            return _Inline(plain, f"<blockquote>{_html(text)}</blockquote>")
        case Fact():
            return _fact(part, sentences)
        case Item():
            return _item(part, sentences)
        case Line():
            line = _joined([_sentence(text.key, text.fields, sentences) for text in part.texts])
            return _Inline(line.plain, f"<p>{line.html}</p>")
        case Sheet():
            text = _template(part, sentences)
            return _Inline(text, f"<pre><code>{escape(text)}</code></pre>")


def _template(part: Sheet, sentences: Catalogue) -> str:
    """A template in plain text, so that what is copied is what is read."""

    def hint(value: Text | Labels | str) -> str:
        if isinstance(value, Text):
            return _sentence(value.key, value.fields, sentences).plain
        return _words(value, sentences)

    lines = [
        sheet.Line(
            blank.id,
            hint(blank.label),
            " / ".join(map(hint, blank.hints)),
            harmless(blank.value),
            blank.required,
        )
        for blank in part.blanks
    ]
    return sheet.written(_sentence(part.preamble.key, part.preamble.fields, sentences).plain, lines)


def _fact(fact: Fact, sentences: Catalogue) -> _Inline:
    name = (
        _sentence(fact.label.key, fact.label.fields, sentences)
        if isinstance(fact.label, Text)
        else _line(_words(fact.label, sentences))
    )
    value = (
        _sentence(fact.value.key, fact.value.fields, sentences)
        if isinstance(fact.value, Text)
        else _value(fact.value, sentences)
    )
    colon = "" if name.plain.endswith("?") else ":"
    return _Inline(f"{name.plain}{colon} {_indented(value.plain)}", f"<strong>{name.html}{colon}</strong> {value.html}")


def _joined(texts: list[_Inline]) -> _Inline:
    return _Inline(" · ".join(text.plain for text in texts), " · ".join(text.html for text in texts))


def _item(item: Item, sentences: Catalogue) -> _Inline:
    match item.text:
        case Line(texts):
            first, *others = (_sentence(text.key, text.fields, sentences) for text in texts)
        case Text(key, fields):
            first, others = _sentence(key, fields, sentences), []
        case Quote(words):
            first, others = _verbatim(words), []
    address = f"https://matrix.to/#/{quote(item.room, safe='')}" if item.room is not None else None
    if address is not None:
        first = _Inline(first.plain, f'<a href="{escape(address)}">{first.html}</a>')
    text = _joined([first, *others])
    if address is not None:
        text = _Inline(f"{text.plain} {address}", text.html)
    if item.code is not None:
        code = _line(item.code)
        text = _Inline(f"`{code.plain}` {text.plain}", f"<code>{code.html}</code> {text.html}")
    return _Inline(f"- {_indented(text.plain)}", f"<li>{text.html}</li>")


def _sentence(key: str, fields: dict[str, Value], sentences: Catalogue) -> _Inline:
    values: list[_Inline] = []
    arguments: list[tuple[str, date | float | str]] = []
    chosen = choices(sentences.language, key)  # a token in the place of such a word would choose nothing
    for name, value in fields.items():
        if isinstance(value, date | int | float) or (isinstance(value, str) and value in chosen):
            arguments.append((name, value))
        else:
            arguments.append((name, f"\ue000{len(values)}\ue001"))
            values.append(_line(_words(value, sentences)))
    pattern = _pattern(sentences.language, key, tuple(arguments))
    return _Inline(
        _filled(pattern.plain, lambda number: values[number].plain),
        _filled(pattern.html, lambda number: values[number].html),
    )


@lru_cache(maxsize=2048)
def _pattern(language: str, key: str, arguments: tuple[tuple[str, date | float | str], ...]) -> _Inline:
    """A sentence with tokens in the place of everybody's words: a list says the same one for each of its lines."""
    pattern = catalogue(language).text(key, **dict(arguments))
    return _Inline(_plain_markup(pattern), _html_markup(pattern))


def _filled(pattern: str, value: Callable[[int], str]) -> str:
    return _TOKEN.sub(lambda token: value(int(token[1])), pattern)


def _plain_markup(pattern: str) -> str:
    return _MARKUP.sub(lambda found: found["strong"] or found[0], pattern)


def _html_markup(pattern: str) -> str:
    """The pattern in HTML; the tokens pass unharmed."""
    html, end = "", 0
    for found in _MARKUP.finditer(pattern):
        html += _html(pattern[end : found.start()])
        if found["code"]:
            html += f"<code>{_html(found['code'])}</code>"
        else:
            html += f"<strong>{_html_markup(found['strong'])}</strong>"
        end = found.end()
    return html + _html(pattern[end:])


def _words(value: str | Labels | Symbol, sentences: Catalogue) -> str:
    match value:
        case Labels():
            return label(value.labels, sentences.language)
        case Symbol():
            return sentences.text(f"{value.group}-{value.word}")
        case str():
            return value


def _value(value: Value, sentences: Catalogue) -> _Inline:
    """A value that stands alone."""
    if isinstance(value, date | int | float):
        return _verbatim(sentences.text("value", value=value))
    return _verbatim(_words(value, sentences))


def _line(text: str) -> _Inline:
    """Somebody's words within a sentence: on one line, lest they pass for a line of ours."""
    return _verbatim(" ".join(harmless(text).split("\n")))


def _verbatim(text: str) -> _Inline:
    """Somebody's words, isolated when they run from right to left, so that they do not turn around what follows."""
    text = harmless(text)
    if right_to_left(text):
        text = f"\u2068{text}\u2069"
    return _Inline(text, _html(text))


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
