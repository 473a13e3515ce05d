"""The outcome of a case as a document: what it says, and in which order.

Whoever reads it at the bedside wants the question and the recommendations, and then what speaks against them; who
said what stands at the end. Where the panel decided that dissent bears no names, no name of a voter appears at all,
because who agreed would tell who did not. Nothing here knows a language: the caller brings the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable

from ernbot.core.outcome import MIN_OPINIONS, Dissent
from ernbot.core.outcome import Section as Text
from ernbot.core.recommendation import Recommendation
from ernbot.documents.answers import opinion_tables
from ernbot.documents.dossier import Dossier
from ernbot.documents.paper import NOTHING, Block, Facts, Item, Items, Pair, Paper, Prose, Section, Table

TEXTS: tuple[Text, ...] = (Text.ALTERNATIVES, Text.EVIDENCE, Text.TRIALS, Text.OPEN_QUESTIONS, Text.FOLLOW_UP)
"""The written parts, in the order in which they follow the recommendations."""


def paper(dossier: Dossier) -> Paper:
    """The document. Parts that nobody wrote are named in one line, so that nobody looks for them."""
    outcome, text = dossier.outcome, dossier.text
    sections = [
        Section("question", text("document-question"), _question(dossier)),
        Section("recommendations", text("document-recommendations"), _recommendations(dossier)),
        Section("agreement", text("document-agreement"), _agreement(dossier)),
    ]
    for part in TEXTS:
        if words := getattr(outcome, part.attribute):
            sections.append(Section(part.value, text(f"document-{part.value}"), (Prose(words),)))
    sections += [
        Section("panel", text("document-panel"), (_panel(dossier), Prose(_monitoring(dossier)))),
        Section("opinions", text("document-opinions"), opinion_tables(dossier)),
        Section("signatures", text("document-signatures"), _signatures(dossier)),
    ]
    return Paper(
        language=dossier.language,
        title=dossier.title,
        author=dossier.network.name,
        reference=dossier.case_id,
        disclaimer=dossier.disclaimer,
        facts=(
            (text("document-network"), dossier.network.name),
            (text("document-nickname"), dossier.nickname),
            (text("document-case-id"), dossier.case_id),
        ),
        notes=tuple(_notes(dossier)),
        sections=tuple(sections),
        signed=dossier.signed,
        created=dossier.created,
    )


def _notes(dossier: Dossier) -> Iterable[str]:
    """What a reader must know before all else."""
    outcome, text = dossier.outcome, dossier.text
    if not dossier.signed:
        yield text("document-outcome-draft", version=outcome.version)
    if outcome.amends is not None:
        yield text("document-amends", digest=outcome.amends[:16])
        if outcome.why:
            yield text("document-amends-why", reason=outcome.why)


def _question(dossier: Dossier) -> tuple[Block, ...]:
    outcome = dossier.outcome
    summary = (Prose(outcome.summary),) if outcome.summary else ()
    return (Prose(outcome.question, strong=True), *summary)


def _recommendations(dossier: Dossier) -> tuple[Block, ...]:
    outcome, text = dossier.outcome, dossier.text
    lines = Items(tuple(_recommendation(dossier, line) for line in outcome.recommendations))
    missing = ", ".join(text(f"document-{part.value}") for part in TEXTS if not getattr(outcome, part.attribute))
    return (
        lines if lines.items else Prose(text("document-not-written")),
        *([Prose(text("document-missing", parts=missing))] if missing else []),
    )


def _recommendation(dossier: Dossier, line: Recommendation) -> Item:
    text = dossier.text
    details: list[Pair] = []
    if line.evidence:
        details.append((text("document-certainty"), text(f"document-certainty-{line.evidence.value}")))
    if line.owner:
        details.append((text("document-owner"), dossier.name(line.owner)))
    if line.due:
        details.append((text("document-due"), text("value", value=line.due)))
    if line.preference:
        details.append((text("document-preference"), line.preference))
    return Item(text(f"document-{line.strength.value}-{line.direction.value}"), line.text, tuple(details), line.id)


def _agreement(dossier: Dossier) -> tuple[Block, ...]:
    outcome, text = dossier.outcome, dossier.text
    against = {vote.by for vote in outcome.votes if not vote.agrees}
    groups = {
        "document-agree": [voter for voter in outcome.voted if voter not in against],
        "document-dissent": [voter for voter in outcome.voted if voter in against],
        "document-not-voted": outcome.silent,
    }
    if not any(groups.values()):
        return (Prose(text("document-no-voters")),)
    if outcome.withholds_votes():
        counted = (("document-voted", outcome.voted), ("document-not-voted", outcome.silent))
        return (Prose(text("document-anonymous")), Facts(tuple((text(key), str(len(each))) for key, each in counted)))
    counts = tuple((text(key), str(len(people))) for key, people in groups.items())
    dissents = tuple(_dissent(dossier, dissent) for dissent in outcome.dissents)
    if outcome.anonymous:
        return (Prose(text("document-anonymous")), Facts(counts), *([Items(dissents)] if dissents else []))
    named = tuple(
        (f"{name} ({number})", ", ".join(map(dossier.name, people)) or NOTHING)
        for (name, number), people in zip(counts, groups.values(), strict=True)
    )
    remarks = tuple(
        Item(text("document-agrees-with-remark", name=dossier.name(vote.by)), vote.reason)
        for vote in outcome.votes
        if vote.agrees and vote.reason
    )
    return (Facts(named), *([Items(dissents + remarks)] if dissents or remarks else []))


def _dissent(dossier: Dossier, dissent: Dissent) -> Item:
    name = dossier.text("document-somebody") if dissent.by is None else dossier.name(dissent.by)
    if dissent.recommendation is None:
        return Item(dossier.text("document-dissents", name=name), dissent.reason)
    return Item(dossier.text("document-dissents-on", name=name, number=dissent.recommendation), dissent.reason)


def _panel(dossier: Dossier) -> Table:
    text = dossier.text
    rows = []
    for member in dossier.outcome.panel:
        known = dossier.member(member)
        name = dossier.name(member)
        if member == dossier.lead:
            name = f"{name} ({text('document-lead')})"
        if known is None:
            rows.append((name, text("document-not-listed"), NOTHING))
        else:
            rows.append((name, known.hospital, known.country))
    header = (text("document-name"), text("document-centre"), text("document-country"))
    return Table("", header, tuple(rows))


def _signatures(dossier: Dossier) -> tuple[Block, ...]:
    outcome, text = dossier.outcome, dossier.text
    if not outcome.signatures:
        return (Prose(text("document-outcome-draft", version=outcome.version)),)
    header = (text("document-signed-by"), text("document-signed-at"), text("document-signed-device"))
    rows = tuple((dossier.name(s.by), text("value", value=s.at), s.device_id) for s in outcome.signatures)
    facts = (
        *_named(dossier, "document-not-signed", outcome.unsigned),
        *_named(dossier, "document-waived", outcome.waived),
        (text("document-signed-digest"), outcome.signed_digest),
    )
    return (Table("", header, rows), Facts(facts), Prose(text("document-prove")))


def _named(dossier: Dossier, key: str, people: tuple[str, ...]) -> tuple[Pair, ...]:
    return ((dossier.text(key), ", ".join(map(dossier.name, people))),) if people else ()


def _monitoring(dossier: Dossier) -> str:
    outcome = dossier.outcome
    key = "document-counts" if outcome.counts_in_monitoring else "document-counts-not"
    return dossier.text(key, opinions=len(outcome.opinions), minimum=MIN_OPINIONS)
