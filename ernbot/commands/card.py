"""The card of a case: one message, edited in place, that a newcomer to the room understands in ten seconds.

Who must act and by when come first, then the question and the next step, then the rest.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from ernbot.commands.office import Office
from ernbot.commands.reply import Fact, Heading, Part, Quote, Reply, Symbol, Text, Value
from ernbot.core.blind import missing
from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.invitation import InvitationState
from ernbot.core.states import About, Draft, Erased, Withdrawn
from ernbot.core.turn import Next, Turn, turn


def card(case: Case, office: Office, at: datetime) -> Reply:
    """The card as it stands at a time. Without consent it repeats nothing clinical outside the hospital."""
    told = isinstance(case.state, Draft) or (case.covered(at) and not isinstance(case.state, Withdrawn | Erased))
    now = turn(case, office.directory, at)
    parts: list[Part] = [Heading("card-title", {"nickname": case.nickname})]
    if case.urgent and now.who:
        parts.append(Text("card-urgent"))
    parts.append(Fact(Text("card-must-act"), names(case, now, office)))
    if now.by is not None:
        overdue = at.date() > now.by
        parts.append(Fact(Text("card-by"), Text("card-overdue" if overdue else "card-day", {"date": now.by})))
    if told:
        parts += [Text("card-question"), Quote(case.question)]
    sealed = "-sealed" if case.blind.hides and now.next is Next.OPINION else ""
    parts.append(Fact(Text("card-next"), Text(f"next-{now.next}{sealed}")))
    if case.blind.hides and case.panel:
        parts.append(Fact(Text("card-blind"), sealed_count(case)))
    if told:
        parts += _background(case)
    network = office.directory.network(case.network)
    parts += [
        Fact(Text("card-state"), Symbol("state", case.state.kind)),
        Fact(Text("card-network"), network.name if network is not None else case.network),
        *_people(case, office),
    ]
    if case.about is About.QUESTION:
        parts.append(Text("card-no-patient"))
    elif not isinstance(case.state, Erased):
        parts += [consent_fact(case, purpose, at, office) for purpose in Purpose]
    return Reply(tuple(parts))


def sealed_count(case: Case) -> Text:
    """How many opinions are in, and never what they say."""
    absent = len(missing(case.opinions, case.panel))
    return Text("blind-count", {"given": len(case.panel) - absent, "asked": len(case.panel)})


def names(case: Case, now: Turn, office: Office) -> str | Text:
    """Whose turn it is, by name."""
    if now.next is Next.DECIDE:
        step = case.triage.current(case.network)
        network = office.directory.network(step.network) if step is not None else None
        return Text("card-dispatchers", {"network": network.name if network is not None else case.network})
    return ", ".join(office.name_in(case, user) for user in now.who) or Text("card-nobody")


def _background(case: Case) -> list[Part]:
    texts = (("card-why", case.background.why), ("card-new", case.background.new))
    return [part for key, text in texts if text for part in (Text(key), Quote(text))]


def _people(case: Case, office: Office) -> list[Fact]:
    """Who brought the case, who leads its panel, who is on it, and who acts for whom."""
    name = partial(office.name_in, case)
    requester: str | Text = name(case.requester)
    if case.opened_by is not None:
        requester = Text("acting-for", {"name": name(case.opened_by), "clinician": name(case.requester)})
    if case.lead == case.requester:
        people = [Fact(Text("card-requester"), requester)]
    else:
        people = [Fact(Text("card-brought-by"), requester), Fact(Text("card-lead"), name(case.lead))]
    for expert in case.panel:
        asked = case.invitation(expert)
        accepted = asked is not None and asked.state is InvitationState.ACCEPTED
        state = Symbol("panelist", "answered" if expert in case.answered else "accepted" if accepted else "asked")
        people.append(Fact(Text("card-expert", {"name": name(expert)}), state))
    for observer in case.observers:
        people.append(Fact(Text("card-expert", {"name": name(observer)}), Symbol("panelist", "observes")))
    for assistant in case.assistants:
        clinicians = ", ".join(name(user) for user in office.directory.assisted_by(assistant) if user in case.admitted)
        people.append(Fact(Text("card-expert", {"name": name(assistant)}), Text("card-assists", {"names": clinicians})))
    return people


def consent_fact(case: Case, purpose: Purpose, at: datetime, office: Office) -> Fact:
    """What the ledger says of a purpose, and who recorded it for whom."""
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
    if entry.on_behalf_of is not None:
        name = office.directory.name_of
        fields |= {"name": name(entry.recorded_by), "clinician": name(entry.on_behalf_of)}
        key += "-by"
    return Fact(label, Text(key, fields))
