"""The outcome of a case as a document: what it says, and in which order.

Whoever reads it at the bedside wants the question and the recommendations, and then what speaks against them; who
said what stands at the end. Where the panel decided that dissent bears no names, no name of a voter appears at all,
because who agreed would tell who did not. Nothing here knows a language: the caller brings the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable

from ernbot.core.outcome import MIN_OPINIONS, Dissent, Recommendation
from ernbot.core.outcome import Section as Text
from ernbot.documents.answers import opinion_tables
from ernbot.documents.case_file import CaseFile
from ernbot.documents.paper import EPOCH, NOTHING, Block, Facts, Item, Items, Pair, Paper, Prose, Section, Table

TEXTS: tuple[Text, ...] = (Text.ALTERNATIVES, Text.EVIDENCE, Text.TRIALS, Text.OPEN_QUESTIONS, Text.FOLLOW_UP)
"""The written parts, in the order in which they follow the recommendations."""


def paper(file: CaseFile) -> Paper:
    """The document. Parts that nobody wrote are named in one line, so that nobody looks for them."""
    outcome, text = file.outcome, file.text
    sections = [
        Section("question", text("document-question"), _question(file)),
        Section("recommendations", text("document-recommendations"), _recommendations(file)),
        Section("agreement", text("document-agreement"), _agreement(file)),
    ]
    for part in TEXTS:
        if words := getattr(outcome, part.attribute):
            sections.append(Section(part.value, text(f"document-{part.value}"), (Prose(words),)))
    sections += [
        Section("panel", text("document-panel"), (_panel(file), Prose(_monitoring(file)))),
        Section("opinions", text("document-opinions"), opinion_tables(file)),
        Section("signatures", text("document-signatures"), _signatures(file)),
    ]
    return Paper(
        language=file.language,
        title=file.title,
        author=file.network.name,
        reference=file.case_id,
        disclaimer=file.disclaimer,
        facts=(
            (text("document-network"), file.network.name),
            (text("document-nickname"), file.nickname),
            (text("document-case-id"), file.case_id),
        ),
        notes=tuple(_notes(file)),
        sections=tuple(sections),
        signed=file.signed,
        created=max((signature.at for signature in outcome.signatures), default=EPOCH),
    )


def _notes(file: CaseFile) -> Iterable[str]:
    """What a reader must know before all else."""
    outcome, text = file.outcome, file.text
    if not file.signed:
        yield text("document-outcome-draft", version=outcome.version)
    if outcome.amends is not None:
        yield text("document-amends", digest=outcome.amends[:16])
        if outcome.why:
            yield text("document-amends-why", reason=outcome.why)


def _question(file: CaseFile) -> tuple[Block, ...]:
    outcome = file.outcome
    summary = (Prose(outcome.summary),) if outcome.summary else ()
    return (Prose(outcome.question, strong=True), *summary)


def _recommendations(file: CaseFile) -> tuple[Block, ...]:
    outcome, text = file.outcome, file.text
    lines = Items(tuple(_recommendation(file, line) for line in outcome.recommendations))
    missing = ", ".join(text(f"document-{part.value}") for part in TEXTS if not getattr(outcome, part.attribute))
    return (
        lines if lines.items else Prose(text("document-not-written")),
        *([Prose(text("document-missing", parts=missing))] if missing else []),
    )


def _recommendation(file: CaseFile, line: Recommendation) -> Item:
    text = file.text
    details: list[Pair] = []
    if line.evidence:
        details.append((text("document-certainty"), text(f"document-certainty-{line.evidence.value}")))
    if line.owner:
        details.append((text("document-owner"), file.name(line.owner)))
    if line.due:
        details.append((text("document-due"), text("value", value=line.due)))
    if line.preference:
        details.append((text("document-preference"), line.preference))
    return Item(text(f"document-{line.strength.value}-{line.direction.value}"), line.text, tuple(details), line.id)


def _agreement(file: CaseFile) -> tuple[Block, ...]:
    outcome, text = file.outcome, file.text
    against = {vote.by for vote in outcome.votes if not vote.agrees}
    groups = {
        "document-agree": [voter for voter in outcome.voted if voter not in against],
        "document-dissent": [voter for voter in outcome.voted if voter in against],
        "document-not-voted": outcome.silent,
    }
    if not any(groups.values()):
        return (Prose(text("document-no-voters")),)
    counts = tuple((text(key), str(len(people))) for key, people in groups.items())
    dissents = tuple(_dissent(file, dissent) for dissent in outcome.dissents)
    if outcome.anonymous:
        return (Prose(text("document-anonymous")), Facts(counts), *([Items(dissents)] if dissents else []))
    named = tuple(
        (f"{name} ({number})", ", ".join(map(file.name, people)) or NOTHING)
        for (name, number), people in zip(counts, groups.values(), strict=True)
    )
    remarks = tuple(
        Item(text("document-agrees-with-remark", name=file.name(vote.by)), vote.reason)
        for vote in outcome.votes
        if vote.agrees and vote.reason
    )
    return (Facts(named), *([Items(dissents + remarks)] if dissents or remarks else []))


def _dissent(file: CaseFile, dissent: Dissent) -> Item:
    name = file.text("document-somebody") if dissent.by is None else file.name(dissent.by)
    if dissent.recommendation is None:
        return Item(file.text("document-dissents", name=name), dissent.reason)
    return Item(file.text("document-dissents-on", name=name, number=dissent.recommendation), dissent.reason)


def _panel(file: CaseFile) -> Table:
    text = file.text
    rows = []
    for member in file.outcome.panel:
        person = file.network.person(member)
        name = file.name(member)
        if member == file.lead:
            name = f"{name} ({text('document-lead')})"
        if person is None:
            rows.append((name, text("document-not-listed"), NOTHING))
        else:
            centre = file.network.centre(person.centre)
            rows.append((name, centre.name, centre.country))
    header = (text("document-name"), text("document-centre"), text("document-country"))
    return Table(text("document-panel"), header, tuple(rows))


def _signatures(file: CaseFile) -> tuple[Block, ...]:
    outcome, text = file.outcome, file.text
    if not outcome.signatures:
        return (Prose(text("document-outcome-draft", version=outcome.version)),)
    missing = ", ".join(map(file.name, outcome.unsigned))
    header = (text("document-signed-by"), text("document-signed-at"), text("document-signed-device"))
    rows = tuple((file.name(s.by), text("value", value=s.at), s.device_id) for s in outcome.signatures)
    facts = [(text("document-signed-digest"), outcome.signatures[-1].digest)]
    if missing:
        facts.insert(0, (text("document-not-signed"), missing))
    return (Table(text("document-signatures"), header, rows), Facts(tuple(facts)), Prose(text("document-prove")))


def _monitoring(file: CaseFile) -> str:
    outcome = file.outcome
    key = "document-counts" if outcome.counts_in_monitoring else "document-counts-not"
    return file.text(key, opinions=len(outcome.opinions), minimum=MIN_OPINIONS)
