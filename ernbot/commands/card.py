"""The card of a case: question, consent, who must act, and the next step, in one pinned message."""

from __future__ import annotations

from datetime import datetime

from ernbot.commands.office import Office
from ernbot.commands.reply import Fact, Heading, Part, Quote, Reply, Symbol, Text, Value
from ernbot.core.case import Assessing, Case, Closed, Draft, Drafting, Open, Withdrawn
from ernbot.core.consent import Purpose
from ernbot.core.opinion import latest


def card(case: Case, office: Office, at: datetime) -> Reply:
    """The card as it stands at a time. After withdrawal it repeats nothing clinical."""
    network = office.network(case)
    parts: list[Part] = [Heading("card-title", {"nickname": case.nickname})]
    if not isinstance(case.state, Withdrawn):
        parts += [Text("card-question"), Quote(case.question)]
    parts += [
        Fact(Text("card-network"), network.name),
        Fact(Text("card-state"), Symbol("state", case.state.kind)),
        Fact(Text("card-requester"), office.directory.name_of(case.requester)),
        *(consent_fact(case, purpose, at) for purpose in Purpose),
    ]
    if case.panel:
        answered = {opinion.author for opinion in case.opinions}
        for expert in case.panel:
            state = Symbol("panelist", "answered" if expert in answered else "asked")
            parts.append(Fact(Text("card-expert", {"name": office.directory.name_of(expert)}), state))
    parts += [
        Fact(Text("card-must-act"), must_act(case, office, at)),
        Fact(Text("card-next"), next_step(case, at)),
    ]
    return Reply(tuple(parts))


def consent_fact(case: Case, purpose: Purpose, at: datetime) -> Fact:
    """What the ledger says of a purpose."""
    entry = case.consent.last(purpose, at)
    label = Text("card-consent", {"purpose": Symbol("purpose", purpose)})
    if entry is None:
        return Fact(label, Text("card-consent-none"))
    if entry.paper is None:
        return Fact(label, Text("card-consent-withdrawn", {"date": entry.recorded_at.date()}))
    key = "card-consent-given" if case.consent.covers(purpose, at) else "card-consent-expired"
    fields: dict[str, Value] = {
        "version": entry.paper.form_version,
        "signer": Symbol("signer", entry.paper.signer),
        "date": entry.paper.signed_on,
    }
    return Fact(label, Text(key, fields))


def _needs_renewal(case: Case, at: datetime) -> bool:
    """Whether a case under way waits for a new consent to care."""
    under_way = isinstance(case.state, Open | Assessing | Drafting)
    return under_way and not case.consent.covers(Purpose.CARE, at)


def must_act(case: Case, office: Office, at: datetime) -> str | Text:
    """Who the case is waiting for, by name."""
    lead = office.directory.name_of(case.lead)
    if _needs_renewal(case, at):
        return lead
    match case.state:
        case Draft() | Open():
            return lead
        case Assessing():
            answered = {opinion.author for opinion in latest(case.opinions)}
            waiting = [office.directory.name_of(expert) for expert in case.panel if expert not in answered]
            return ", ".join(waiting) or lead
        case Drafting(outcome):
            voted = {vote.by for vote in outcome.votes}
            waiting = [office.directory.name_of(expert) for expert in case.panel if expert not in voted]
            return ", ".join(waiting) if outcome.recommendations and waiting and case.has_gathered_all() else lead
        case Closed() | Withdrawn():
            return Text("card-nobody")


def next_step(case: Case, at: datetime) -> Text:
    """What to type next, as a sentence."""
    if _needs_renewal(case, at):
        return Text("next-renew")
    match case.state:
        case Draft():
            return Text("next-consent")
        case Open():
            return Text("next-invite")
        case Assessing():
            answered = {opinion.author for opinion in case.opinions}
            return Text("next-draft" if answered.issuperset(case.panel) else "next-opinion")
        case Drafting(outcome):
            if not case.has_gathered_all():
                return Text("next-gather")
            return Text("next-vote" if outcome.recommendations else "next-recommend")
        case Closed():
            return Text("next-closed")
        case Withdrawn():
            return Text("next-withdrawn")
