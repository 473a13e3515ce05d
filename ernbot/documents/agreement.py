"""What people agree and differ on, in words: the same sentences in the room, in the outcome and in reports.

Nothing here knows a language: the caller brings the sentences. Nothing sounds more certain than it is: each sentence
says how many it speaks of, and quartiles are given only where there are enough answers for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ernbot.core.consensus import FEW, Alpha, agreement, median_iqr
from ernbot.core.form import Field, Form, Value, label
from ernbot.core.opinion import Opinion

Sentences = Callable[..., str]
"""`text(key, **fields)` of a catalogue."""

SPELLED = 12
"""Numbers up to here are written as words."""

ENOUGH_FOR_QUARTILES = 4


@dataclass(frozen=True)
class Finding:
    """What the opinions say of one question of the form: its label in all languages, and a sentence about it."""

    label: dict[str, str]
    sentence: str


def number(count: int, text: Sentences) -> str:
    """`three`, or `13` from where words become harder to read than digits."""
    return text(f"number-{count}") if 0 <= count <= SPELLED else str(count)


def decimal(value: float, text: Sentences) -> str:
    """A number as the language writes it, without needless zeros; quartiles of whole numbers end in quarters."""
    shown = f"{value:.2f}"
    return shown.rstrip("0").rstrip(".").replace(".", text("decimal-point"))


def shares(answers: Sequence[str], text: Sentences, *, verb: str = "say") -> str:
    """Groups of the same answer in words: `Three of five say “Surgery”, one “Watchful waiting”.`"""
    groups = [(answer, share.count) for answer, share in agreement(answers).items()]
    if not groups:
        return text("consensus-nobody")
    (first, count), *rest = groups
    fields = {"answer": first, "count": number(count, text), "of": number(len(answers), text)}
    if len(answers) == 1:
        sentence = text(f"consensus-{verb}-one", answer=first)
    else:
        sentence = text(f"consensus-{verb}-all" if not rest else f"consensus-{verb}", **fields)
    more = [text("consensus-also", count=number(n, text), answer=answer) for answer, n in rest]
    return _sentence([sentence, *more])


def spread(values: Sequence[float], text: Sentences) -> str:
    """Median with the middle half in brackets, or with the range where there are too few answers for quartiles."""
    found = median_iqr(values)
    if found is None:
        return text("consensus-nobody")
    if found.count == 1:
        return text("consensus-one-value", value=decimal(found.median, text))
    quartiles = found.count >= ENOUGH_FOR_QUARTILES
    low, high = (found.lower, found.upper) if quartiles else (min(values), max(values))
    return text(
        "consensus-spread" if quartiles else "consensus-range",
        median=decimal(found.median, text),
        low=decimal(low, text),
        high=decimal(high, text),
        count=number(found.count, text),
    )


def reliability(alpha: Alpha | None, text: Sentences) -> str:
    """Krippendorff's alpha with its interval, and what there is too little of."""
    if alpha is None:
        return text("consensus-alpha-none")
    value = decimal(alpha.value, text)
    if alpha.low is None or alpha.high is None:
        return text("consensus-alpha-few", value=value, raters=alpha.raters, units=alpha.units)
    low, high = decimal(alpha.low, text), decimal(alpha.high, text)
    return text("consensus-alpha", value=value, low=low, high=high, raters=alpha.raters, units=alpha.units)


def caution(count: int, text: Sentences) -> str | None:
    """The sentence that belongs to so few answers; None when there are enough."""
    return text("consensus-few", count=number(count, text)) if count < FEW else None


def findings(opinions: Sequence[Opinion], form: Form, text: Sentences, language: str) -> list[Finding]:
    """What opinions that count and may be read say, question by question; free texts and quantities are left out."""
    found = []
    for field in form.fields:
        answers = [opinion.answers[field.id] for opinion in opinions if field.id in opinion.answers]
        sentence = _about(field, answers, text, language) if answers else None
        if sentence is not None:
            found.append(Finding(dict(field.labels), sentence))
    return found


def _about(field: Field, answers: Sequence[Value], text: Sentences, language: str) -> str | None:
    words = {option.id: label(option.labels, language) for option in field.options}
    if field.kind in ("choice", "code"):
        given = [one for answer in answers for one in (answer if isinstance(answer, tuple) else (str(answer),))]
        return shares(
            [words.get(one, one) for one in given], text, verb="advise" if field.id == "recommendation" else "say"
        )
    if field.kind == "choices":
        return _named(answers, words, text)
    if field.kind == "scale":
        return spread([float(answer) for answer in answers if isinstance(answer, int)], text)
    return None


def _named(answers: Sequence[Value], words: Mapping[str, str], text: Sentences) -> str:
    """Questions with several answers: how many of those who answered named each."""
    named = agreement(one for answer in answers if isinstance(answer, tuple) for one in answer)
    of = number(len(answers), text)
    parts = [
        text(
            "consensus-also" if position else "consensus-named",
            answer=words.get(one, one),
            count=number(share.count, text),
            **({} if position else {"of": of}),
        )
        for position, (one, share) in enumerate(named.items())
    ]
    return _sentence(parts)


def _sentence(parts: Sequence[str]) -> str:
    sentence = ", ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."
