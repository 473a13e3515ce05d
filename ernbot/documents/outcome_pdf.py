"""The outcome of a case as a document that a hospital can file: an accessible PDF (PDF/UA-1, ISO 14289-1).

This module decides what the document says and in which order; `outcome.typ` decides how it looks. What people wrote
goes there as data and is never part of a program. Nothing here knows a language: the caller brings the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ernbot.core.characters import harmless
from ernbot.core.directory import Network
from ernbot.core.form import Field, Form, Value, label
from ernbot.core.opinion import Opinion
from ernbot.core.outcome import MIN_OPINIONS, Outcome, Signature, Vote
from ernbot.documents.press import Page, press

TEMPLATE = Path(__file__).with_name("outcome.typ")
EPOCH = datetime.fromtimestamp(0, UTC)
"""What a draft carries as its time of creation, so that it does not change with each printing."""

NOTHING = "–"


def render(
    outcome: Outcome,
    *,
    case_id: str,
    nickname: str,
    network: Network,
    forms: Mapping[str, Form],
    text: Callable[..., str],
    language: str,
) -> bytes:
    """A drafted or signed outcome as PDF; the same input on the same machine gives the same bytes.

    `forms` are the forms by id, `text(key, **fields)` gives the sentences of `documents.ftl`, `language` is theirs.
    The first member of the panel is its lead (`Case.admitted`), who signs and does not vote. Answers whose form or
    field is no longer configured, and people whom the network no longer lists, are shown by their ids. A character
    that no font of the machine can draw is replaced by its Unicode name in brackets.
    """
    page = content(
        outcome, case_id=case_id, nickname=nickname, network=network, forms=forms, text=text, language=language
    )
    return press(page)


def content(
    outcome: Outcome,
    *,
    case_id: str,
    nickname: str,
    network: Network,
    forms: Mapping[str, Form],
    text: Callable[..., str],
    language: str,
) -> Page:
    """What the document says, ready for the press; the arguments are those of `render`."""
    paper = _Paper(outcome, network, forms, text, language)
    created = max((signature.at for signature in outcome.signatures), default=EPOCH)
    return Page(TEMPLATE, _clean(paper.content(case_id, nickname)), int(created.timestamp()))


class _Paper:
    """What the document says, in one language."""

    def __init__(
        self, outcome: Outcome, network: Network, forms: Mapping[str, Form], text: Callable[..., str], language: str
    ) -> None:
        self.outcome = outcome
        self.network = network
        self.forms = forms
        self.text = text
        self.language = language

    def content(self, case_id: str, nickname: str) -> dict[str, Any]:
        text, outcome = self.text, self.outcome
        return {
            "language": self.language,
            "title": text("document-outcome-title", nickname=nickname),
            "network": self.network.name,
            "case": case_id,
            "signed": bool(outcome.signatures),
            "facts": [
                [text("document-network"), self.network.name],
                [text("document-nickname"), nickname],
                [text("document-case-id"), case_id],
            ],
            "question": outcome.question,
            "panel": [self._member(member) for member in outcome.panel],
            "opinions": [self._opinion(opinion) for opinion in outcome.opinions],
            "recommendation": "\n\n".join(line.text for line in outcome.recommendations)
            or text("document-not-written"),
            "votes": [self._vote(member) for member in self._voters()],
            "evidence": outcome.evidence or text("document-not-written"),
            "follow_up": outcome.follow_up or text("document-not-written"),
            "signature": self._signature(),
            "words": self._words(),
        }

    def _recommendations(self) -> str:
        texts = [line.text for line in self.outcome.recommendations]
        return "\n\n".join(texts) or self.text("document-not-written")

    def _words(self) -> dict[str, Any]:
        text, outcome = self.text, self.outcome
        opinions = len(outcome.opinions)
        return {
            "disclaimer": text("document-outcome-disclaimer"),
            "draft": text("document-outcome-draft", version=outcome.version),
            "question": text("document-question"),
            "panel": text("document-panel"),
            "panel_columns": [text("document-name"), text("document-centre"), text("document-country")],
            "opinions": text("document-opinions"),
            "no_opinions": text("document-no-opinions"),
            "answer_columns": [text("document-opinion-field"), text("document-opinion-answer")],
            "recommendation": text("document-recommendation"),
            "agreement": text("document-agreement"),
            "vote_summary": self._vote_summary(),
            "vote_columns": [text("document-name"), text("document-vote"), text("document-reason")],
            "evidence": text("document-evidence"),
            "follow_up": text("document-follow-up"),
            "signature": text("document-signature"),
            "monitoring": text("document-monitoring"),
            "counts": text(
                "document-counts" if outcome.counts_in_monitoring else "document-counts-not",
                opinions=opinions,
                minimum=MIN_OPINIONS,
            ),
        }

    def _name(self, user_id: str) -> str:
        person = self.network.person(user_id)
        return person.name if person else user_id

    def _member(self, user_id: str) -> list[str]:
        name = self._name(user_id)
        if user_id == self.outcome.panel[0]:
            name = f"{name} ({self.text('document-lead')})"
        person = self.network.person(user_id)
        if person is None:
            return [name, self.text("document-not-listed"), NOTHING]
        centre = self.network.centre(person.centre)
        return [name, centre.name, centre.country]

    def _opinion(self, opinion: Opinion) -> dict[str, Any]:
        form = self.forms.get(opinion.form_id)
        fields = {field.id: field for field in form.fields} if form else {}
        return {
            "author": self._name(opinion.author),
            "form": self.text(
                "document-opinion-form",
                form=label(form.labels, self.language) if form else opinion.form_id,
                form_version=opinion.form_version,
                version=opinion.version,
                at=opinion.at,
            ),
            "answers": [self._answer(key, fields.get(key), value) for key, value in opinion.answers.items()],
        }

    def _answer(self, key: str, field: Field | None, value: Value) -> list[str]:
        values = value if isinstance(value, tuple) else (str(value),)
        if field is None:
            return [key, ", ".join(values)]
        options = {option.id: label(option.labels, self.language) for option in field.options}
        return [label(field.labels, self.language), ", ".join(options.get(word, word) for word in values)]

    def _voters(self) -> tuple[str, ...]:
        """Who may vote; a vote of somebody who has left the panel since is shown as well."""
        members = self.outcome.panel[1:]
        return (*members, *(vote.by for vote in self.outcome.votes if vote.by not in members))

    def _votes(self) -> dict[str, Vote]:
        return {vote.by: vote for vote in self.outcome.votes}

    def _vote(self, user_id: str) -> list[str]:
        vote = self._votes().get(user_id)
        if vote is None:
            return [self._name(user_id), self.text("document-not-voted"), NOTHING]
        word = self.text("document-agrees" if vote.agrees else "document-dissents")
        return [self._name(user_id), word, vote.reason or NOTHING]

    def _vote_summary(self) -> str:
        voters = self._voters()
        if not voters:
            return self.text("document-no-voters")
        agree = sum(vote.agrees for vote in self.outcome.votes)
        voted = len(self.outcome.votes)
        return self.text("document-vote-summary", agree=agree, dissent=voted - agree, silent=len(voters) - voted)

    def _signature(self) -> list[list[str]]:
        rows = []
        for signature in self.outcome.signatures:
            rows += self._signed(signature)
        return rows

    def _signed(self, signature: Signature) -> list[list[str]]:
        return [
            [self.text("document-signed-by"), f"{self._name(signature.by)} ({signature.by})"],
            [self.text("document-signed-at"), self.text("value", value=signature.at)],
            [self.text("document-signed-device"), signature.device_id],
            [self.text("document-signed-digest"), signature.digest],
        ]


def _clean(content: Any) -> Any:
    """The content with every text harmless; a tab has no width on paper."""
    if isinstance(content, str):
        return harmless(content).replace("\t", "    ")
    if isinstance(content, list):
        return [_clean(item) for item in content]
    if isinstance(content, dict):
        return {key: _clean(value) for key, value in content.items()}
    return content
