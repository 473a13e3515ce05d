"""The template of a form: a plain text to be copied, filled in behind the colons and sent back.

What comes back has been through a telephone, a mail program or a translation, so the reader is tolerant: `>` of a
quoted reply, bullets, lines in another order or missing, labels in any language of the form or in none, curly quotes.
It never drops a line silently: what belongs to no question is handed back as `unplaced`. What fits is the business of
the form.

One line asks one question: `[diagnosis] Most likely diagnosis (ORPHA:…): `. The id in brackets is what counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ernbot.core.form import Field, Form

_PLAINER = str.maketrans("\u00a0\u202f", "  ", "\u200b\u200e\u200f\u2060\u061c\ufeff")
_QUOTED = re.compile(r"(?:\s*>)+\s?")
_BULLET = re.compile(r"\s*(?:[-*•–—·◦▪]|\d{1,2}[.)])\s+")
_BRACKETED = re.compile(r"\s*\[\s*(?P<id>[A-Za-z][A-Za-z0-9-]{0,60})\s*\](?P<rest>.*)")
_HINT = re.compile(r"\s*\([^()]*\)\s*(?=[:=：])")
_COLON = re.compile(r"[:=：]\s?(?P<rest>.*)")
_TRANSLATED = re.compile(r"(?:[^:=：()]|\([^()]*\))*(?=[:=：])")
_PLAIN = re.compile(r"(?P<id>[A-Za-z][A-Za-z0-9-]{0,60})\s*\*?\s*[:=：]\s?(?P<rest>.*)")
_QUOTES = re.compile(r"[\"“”„«»‘’‚'](?P<inner>.*)[\"“”„«»‘’‚']")


@dataclass(frozen=True)
class Line:
    """One question of a template in the words of one language; `hint` says what fits, `value` is filled in already."""

    id: str
    label: str
    hint: str = ""
    value: str = ""
    required: bool = False


@dataclass(frozen=True)
class Reading:
    """What a filled template says: texts by field id, and the lines that belong to no question."""

    texts: dict[str, str]
    unplaced: tuple[str, ...] = ()


def written(preamble: str, lines: Sequence[Line]) -> str:
    """A template as plain text."""
    shown = [f"# {line}" for line in preamble.split("\n")]
    for line in lines:
        star = "*" if line.required else ""
        hint = f" ({line.hint.replace('(', '').replace(')', '')})" if line.hint else ""
        first, *more = line.value.split("\n")
        shown.append(f"[{line.id}] {line.label}{star}{hint}: {first}".rstrip())
        shown += [_escaped(text) for text in more]
    return "\n".join(shown)


def _escaped(text: str) -> str:
    """A further line of an answer, protected where it would be read as something else."""
    misread = text[:1] in ("\\", "#") or _QUOTED.match(text) or _bracketed(text)
    return f"\\{text}" if misread else text


def _bracketed(text: str) -> re.Match[str] | None:
    return _BRACKETED.fullmatch(_bare(text))


def _bare(line: str) -> str:
    """A line without what telephones and mail programs put before it."""
    plain = line.translate(_PLAINER)
    bullet = _BULLET.match(plain)
    return plain[bullet.end() :] if bullet else plain


def _fresh(line: str) -> str:
    """A line without the mark of a quoted reply."""
    quoted = _QUOTED.match(line)
    return line[quoted.end() :] if quoted else line


def looks_filled(text: str, form: Form) -> bool:
    """Whether a message is a template of this form, filled or not, rather than talk."""
    return _Reader(form, text).is_template


def read(text: str, form: Form) -> Reading:
    """What a filled template says. A question that is there twice gives all its answers, one under the other."""
    reader = _Reader(form, text)
    return Reading(reader.texts(), tuple(reader.unplaced))


class _Reader:
    """Goes through the lines; `answers` has the lines of each answer as far as they are known."""

    def __init__(self, form: Form, text: str) -> None:
        self._form = form
        labels = ((label, field) for field in form.fields for label in field.labels.values())
        self._labels = [
            (_label(text), field) for text, field in sorted(labels, key=lambda entry: len(entry[0]), reverse=True)
        ]
        self.unplaced: list[str] = []
        self._answers: dict[str, list[str]] = {}
        self._field: Field | None = None
        lines = text.split("\n")
        fresh = [line for line in lines if not _QUOTED.match(line)]
        # A reply quotes the empty template above what was filled in; without anything filled in, the quote is all.
        if any(self._opens(line, strict=True) for line in fresh):
            lines = fresh
        self._strict = any(self._opens(_fresh(line), strict=True) for line in lines)
        for line in lines:
            self._line(line)

    @property
    def is_template(self) -> bool:
        return self._strict or len(self._answers) > 1

    def texts(self) -> dict[str, str]:
        """The answers that have any words, by field id."""
        whole = {field_id: "\n".join(lines).strip() for field_id, lines in self._answers.items()}
        return {
            field_id: self._unquoted(field_id, text).strip()
            for field_id, text in whole.items()
            if self._unquoted(field_id, text).strip()
        }

    def _unquoted(self, field_id: str, text: str) -> str:
        field = self._form.field(field_id)
        match = _QUOTES.fullmatch(text)
        return match["inner"] if match and field is not None and field.kind != "text" else text

    def _line(self, line: str) -> None:
        inner = _fresh(line)
        in_text = self._field is not None and self._field.kind == "text"
        opened = self._opens(inner, strict=in_text and self._strict)
        if opened is not None:
            self._field, rest = opened
            if self._field is None:
                self.unplaced.append(inner.strip())
            else:
                self._answers.setdefault(self._field.id, []).append(rest)
        elif self._field is not None and in_text:
            self._answers[self._field.id].append(inner.removeprefix("\\"))
        elif inner.strip() and not inner.lstrip().startswith("#"):
            self._further(inner)

    def _further(self, line: str) -> None:
        """A line behind a question that takes no long text: its answer on a line of its own, one more, or talk."""
        field = self._field
        said = _bare(line).strip().removeprefix("\\")
        if field is None:
            self.unplaced.append(line.strip())
        elif field.repeats or field.kind == "choices" or not any(self._answers[field.id]):
            self._answers[field.id].append(said)
        else:
            self.unplaced.append(line.strip())

    def _opens(self, line: str, *, strict: bool) -> tuple[Field | None, str] | None:
        """The question that a line opens with what follows the colon; a question that the form lacks is None.

        `strict` takes the id in brackets only, so that an answer over several lines may have a colon in it.
        """
        bare = _bare(line).strip()
        if (match := _BRACKETED.fullmatch(bare)) is not None:
            field = self._form.field(match["id"])
            if field is None:
                return None if strict else (None, "")
            return field, self._behind(field, match["rest"].strip())
        if strict:
            return None
        if (match := _PLAIN.fullmatch(bare)) is not None and (field := self._form.field(match["id"])):
            return field, match["rest"]
        for label, field in self._labels:
            if (match := label.match(bare)) is not None and (colon := _COLON.match(_unhinted(bare[match.end() :]))):
                return field, colon["rest"]
        return None

    def _behind(self, field: Field, rest: str) -> str:
        """What stands behind the label and its colon; the label may be in any language, changed, or gone."""
        known = (label.match(rest) for label, of in self._labels if of is field)
        # A label of somebody's own goes up to the first colon, brackets left aside.
        label = next(filter(None, known), None) or _TRANSLATED.match(rest)
        behind = _unhinted(rest[label.end() :] if label else rest)
        colon = _COLON.match(behind)
        return colon["rest"] if colon else behind.strip()


def _label(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(":", "[:：]"), re.IGNORECASE)


def _unhinted(text: str) -> str:
    """What follows a label, without the star and the hint."""
    text = text.strip().removeprefix("*").strip()
    hint = _HINT.match(text)
    return text[hint.end() :] if hint else text
