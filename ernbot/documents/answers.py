"""The opinions of a panel as tables: one column for each expert, so that where they differ is seen at a glance.

Long answers do not fit into columns side by side; opinions with such answers get a table each. What an answer is called
is taken from the form, then from the words that the opinion brought along, and at last the ids are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ernbot.core.form import Form, find_form, label
from ernbot.core.opinion import Opinion
from ernbot.documents.dossier import Dossier
from ernbot.documents.paper import NOTHING, Block, Prose, Table

SIDE_BY_SIDE = 3
"""Columns of experts that a page holds with readable lines."""

LONG = 160
"""Characters of an answer that make a column too long."""


def opinion_tables(dossier: Dossier) -> tuple[Block, ...]:
    """The opinions, grouped by the form that they answer."""
    opinions = dossier.outcome.opinions
    if not opinions:
        return (Prose(dossier.text("document-no-opinions")),)
    blocks: list[Block] = []
    for _, group in groupby(sorted(opinions, key=_form), key=_form):
        same = list(group)
        long = any(len(text) > LONG for opinion in same for text in Answers(dossier, opinion).texts.values())
        width = 1 if long else SIDE_BY_SIDE
        blocks += [_table(dossier, same[start : start + width]) for start in range(0, len(same), width)]
    return tuple(blocks)


def _form(opinion: Opinion) -> tuple[str, str]:
    return (opinion.form_id, opinion.form_version)


def _table(dossier: Dossier, opinions: Sequence[Opinion]) -> Table:
    columns = [Answers(dossier, opinion) for opinion in opinions]
    form = columns[0].form
    ids = dict.fromkeys([*(field.id for field in form.fields)] if form else [])
    ids |= dict.fromkeys(key for column in columns for key in column.texts)
    names = {key: column.names[key] for column in columns for key in column.texts}
    rows = [
        (names[key], *(column.texts.get(key, NOTHING) for column in columns))
        for key in ids
        if any(key in column.texts for column in columns)
    ]
    given = (dossier.text("document-opinion-given"), *(column.given for column in columns))
    caption = dossier.text("document-opinion-form", form=columns[0].title, version=opinions[0].form_version)
    header = (dossier.text("document-opinion-field"), *(dossier.name(opinion.author) for opinion in opinions))
    return Table(caption, header, (*rows, given))


class Answers:
    """One opinion in words: `texts` the answers by field id, `names` what each field asks."""

    def __init__(self, dossier: Dossier, opinion: Opinion) -> None:
        self._dossier = dossier
        self._opinion = opinion
        self.form: Form | None = find_form(dossier.forms, opinion.form_id, opinion.form_version)
        named = self.form or dossier.forms.get(opinion.form_id)
        self.title = label(named.labels, dossier.language) if named else opinion.form_id
        self.names = {key: self.word(key, key) for key in opinion.answers}
        self.texts = {key: self._answer(key) for key in opinion.answers}

    @property
    def given(self) -> str:
        """Which version this is, of when, and what a reader must know of it."""
        opinion, text = self._opinion, self._dossier.text
        remarks = [text("document-opinion-version", version=opinion.version, on=opinion.at.date())]
        if opinion.after_reveal:
            remarks.append(text("document-opinion-after-reveal"))
        if opinion.conflict:
            remarks.append(text("document-opinion-conflict"))
        return " ".join(remarks)

    def _answer(self, key: str) -> str:
        value = self._opinion.answers[key]
        values = value if isinstance(value, tuple) else (str(value),)
        certain = self._opinion.certainty.get(key, ())
        words = [self.word(f"{key}={each}", each) for each in values]
        sure = [self.word(f"certainty={each}", each) if each else "" for each in certain]
        sure += [""] * (len(words) - len(sure))
        return ", ".join(f"{word} ({how})" if how else word for word, how in zip(words, sure, strict=False))

    def word(self, key: str, otherwise: str) -> str:
        """What a field (`<field>`) or a choice (`<field>=<option>`) is called, in the form or as the opinion has it."""
        field_id, _, option_id = key.partition("=")
        field = self.form.field(field_id) if self.form else None
        labels = field.labels if field and not option_id else None
        if field and option_id:
            labels = next((option.labels for option in field.options if option.id == option_id), None)
        labels = labels or self._opinion.words.get(key)
        return label(labels, self._dossier.language) if labels else otherwise
