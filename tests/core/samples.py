"""One network, one form, and a case in each of its states, as the tests of the rules need them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ernbot.core import ending
from ernbot.core.case import Case, new_case
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.directory import Centre, CentreKind, Competence, Directory, Network, Person, Role
from ernbot.core.form import Field, Form, Option
from ernbot.core.outcome import Signature
from ernbot.core.states import StateKind

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
EXPIRED = datetime(2045, 1, 1, tzinfo=UTC)
"""After the review of every consent of these samples was due."""

LEAD = "@lead:example.org"
EXPERT = "@expert:example.org"
SECOND = "@second:example.org"
COLLEAGUE = "@colleague:example.org"
COORDINATOR = "@coordinator:example.org"
RESEARCHER = "@researcher:example.org"
REPRESENTATIVE = "@representative:example.org"
HELPDESK = "@helpdesk:example.org"
LABORATORY = "@laboratory:example.org"
DISPATCHER = "@dispatcher:example.org"
SECRETARY = "@secretary:example.org"
"""The assistant of the lead."""

REGISTRAR = "@registrar:example.org"
"""The assistant of an expert."""
ELSEWHERE = "@elsewhere:example.org"
"""An expert of another network."""

GUEST = "@guest:example.org"
STRANGER = "@stranger:example.org"

PAPER = Paper("2.1", "da", Signer.PARENT, date(2026, 3, 1))

NETWORK = Network(
    id="ern-cranio",
    name="ERN CRANIO",
    opinion_form="small",
    competences=(Competence("cleft", {"en": "Cleft"}), Competence("skull", {"en": "Skull"})),
    centres=(
        Centre("member", "Member Hospital", "DK", CentreKind.MEMBER),
        Centre("reference", "Reference Centre", "NL", CentreKind.REFERENCE, ("cleft",)),
        Centre("excellence", "Centre of Excellence", "AT", CentreKind.EXCELLENCE, ("cleft",)),
        Centre("research", "Research Centre", "SE", CentreKind.RESEARCH, ("cleft",)),
        Centre("patients", "Patient Organisation", "BE", CentreKind.PATIENT_ORGANISATION),
    ),
    people=(
        Person(LEAD, "Anna Jensen", "member", competences=("cleft",)),
        Person(EXPERT, "Bram de Vries", "reference", competences=("cleft",)),
        Person(SECOND, "Chiara Rossi", "excellence", competences=("cleft", "skull")),
        Person(COLLEAGUE, "Dóra Kovács", "member"),
        Person(COORDINATOR, "Eva Novak", "reference", Role.COORDINATOR, ("cleft",)),
        Person(RESEARCHER, "Finn Berg", "reference", Role.RESEARCHER, ("cleft",)),
        Person(REPRESENTATIVE, "Gerda Maes", "patients", Role.REPRESENTATIVE),
        Person(HELPDESK, "Hugo Lopes", "reference", Role.HELPDESK, ("cleft",)),
        Person(LABORATORY, "Ida Lind", "research", competences=("cleft",)),
        Person(DISPATCHER, "Jan Kok", "reference", Role.DISPATCHER),
        Person(SECRETARY, "Karla Moos", "member", Role.ASSISTANT, assists=(LEAD,)),
        Person(REGISTRAR, "Lena Falk", "reference", Role.ASSISTANT, assists=(EXPERT,)),
    ),
)

OTHER = Network(
    id="ern-skin",
    name="ERN Skin",
    opinion_form="small",
    competences=(Competence("skin", {"en": "Skin"}),),
    centres=(Centre("skin", "Skin Hospital", "FR", CentreKind.REFERENCE, ("skin",)),),
    people=(Person(ELSEWHERE, "Jeanne Petit", "skin", competences=("skin",)),),
)
DIRECTORY = Directory((NETWORK, OTHER))

FORM = Form(
    id="small",
    version="1",
    labels={"en": "Small form"},
    fields=(
        Field("step", "choice", {"en": "Step"}, options=(Option("surgery", {"da": "Operation"}), Option("watch", {}))),
        Field("confidence", "scale", {"en": "Confidence"}, minimum=Decimal(1), maximum=Decimal(5)),
        Field("remarks", "text", {"en": "Remarks"}, required=False),
    ),
)


def consented(case: Case, *purposes: Purpose) -> Case:
    return case.give_consent(purposes or (Purpose.CARE,), PAPER, by=LEAD, at=NOW)


def draft() -> Case:
    return new_case("c1", NETWORK.id, "Quiet Heron", LEAD, "Operate now or wait?", NOW)


def opined(case: Case, author: str, step: str = "watch") -> Case:
    answers = FORM.parse({"step": step, "confidence": "4"})
    return case.record_opinion(author, FORM.id, FORM.version, answers, at=NOW)


def assessing() -> Case:
    return opined(opened().invite((EXPERT, SECOND)), EXPERT)


def opened() -> Case:
    return consented(draft())


def drafting() -> Case:
    return assessing().draft_outcome().recommend("Wait.")


def signing() -> Case:
    return drafting().send_to_signing((LEAD,))


def closed() -> Case:
    case = signing()
    return case.sign(Signature(LEAD, "DEVICE", case.outcome().digest(), LATER))


def archived() -> Case:
    return ending.archive(closed(), "", at=LATER)


def withdrawn() -> Case:
    return assessing().withdraw_consent(Purpose.CARE, by=LEAD, at=LATER)


def erased() -> Case:
    return ending.erase(withdrawn(), at=LATER)


CASES: dict[StateKind, Case] = {
    "draft": draft(),
    "open": opened(),
    "assessing": assessing(),
    "drafting": drafting(),
    "signing": signing(),
    "closed": closed(),
    "archived": archived(),
    "withdrawn": withdrawn(),
    "erased": erased(),
}
