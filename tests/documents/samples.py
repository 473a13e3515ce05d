"""An outcome as a panel would write it, for the tests of all documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ernbot.core.canonical import canonical
from ernbot.core.consent import Ledger, Paper, Purpose, Signer
from ernbot.core.directory import Centre, CentreKind, Network, Person
from ernbot.core.opinion import Opinion
from ernbot.core.outcome import Outcome, Section, Signature
from ernbot.core.recommendation import Direction, Evidence, Strength
from ernbot.documents.dossier import Dossier
from ernbot.form_files import load_forms
from ernbot.locales import catalogue

AT = datetime(2026, 3, 5, 13, 7, tzinfo=UTC)
FORMS = load_forms(Path("config/forms"))
ANNA, BRAM, CHIARA, DORA = "@lead:example.org", "@bram:example.org", "@chiara:example.org", "@dora:example.org"
NETWORK = Network(
    id="ern-cranio",
    name="ERN CRANIO",
    opinion_form="cranio-opinion",
    competences=(),
    centres=(
        Centre("rotterdam", "Erasmus MC", "NL", CentreKind.EXCELLENCE),
        Centre("copenhagen", "Rigshospitalet", "DK", CentreKind.MEMBER),
    ),
    people=(
        Person(ANNA, "Anna Jensen", "copenhagen"),
        Person(BRAM, "Bram de Vries", "rotterdam"),
        Person(CHIARA, "Chiara Rossi", "rotterdam"),
        Person(DORA, "Dóra Kovács", "rotterdam"),
    ),
)
FULL = {
    "diagnosis": "ORPHA:2343",
    "recommendation": "surgery",
    "confidence": "4",
    "concerns": "airway,pressure",
    "age": "9",
    "remarks": "Raised pressure on imaging.",
}
CONSENT = (
    Ledger()
    .give(Purpose.CARE, Paper("2.1", "da", Signer.PARENT, date(2026, 3, 1)), by=ANNA, at=AT)
    .give(Purpose.REGISTRY, Paper("2.1", "da", Signer.PARENT, date(2026, 3, 1)), by=ANNA, at=AT)
)
KEY = "M8n5sV0wq3F1xjv1sJ2p9m0b6n1Qh5rY2s3t4u5v6w8"


def opinion(author: str, texts: dict[str, str], version: int = 1) -> Opinion:
    form = FORMS["cranio-opinion"]
    return Opinion(author, form.id, form.version, form.parse(texts), version, AT)


def empty() -> Outcome:
    """Nothing written, one opinion on each side."""
    return Outcome(
        "Operate now or wait?",
        tuple(person.user_id for person in NETWORK.people),
        (opinion(BRAM, FULL, version=2), opinion(CHIARA, {**FULL, "recommendation": "watch"})),
        case_id="K7Q2",
    )


def written() -> Outcome:
    """Everything written, nobody has voted."""
    outcome = empty().recommend(
        "Operate within eight weeks.\n\nThen follow the pressure.",
        strength=Strength.STRONG,
        evidence=Evidence.LOW,
        owner=ANNA,
        due=date(2026, 5, 1),
        preference="The parents want one operation only.",
    )
    outcome = outcome.recommend("Spring distraction.", direction=Direction.AGAINST, evidence=Evidence.EXPERT_OPINION)
    for section, text in {
        Section.SUMMARY: "A boy of seven months with a closed sagittal suture.",
        Section.ALTERNATIVES: "Helmet therapy.",
        Section.EVIDENCE: "Two retrospective series.",
        Section.TRIALS: "None recruits at this age.",
        Section.OPEN_QUESTIONS: "Is the pressure raised in sleep?",
        Section.FOLLOW_UP: "Ask again at three months.",
    }.items():
        outcome = outcome.write(section, text)
    return outcome


def drafted(*, anonymous: bool = False) -> Outcome:
    outcome = written().name_dissent(anonymous=anonymous)
    outcome = outcome.vote(BRAM, agrees=True, reason="", at=AT)
    return outcome.vote(CHIARA, agrees=False, reason="The pressure is borderline.", at=AT, recommendation=1)


def sign(outcome: Outcome, *signers: str) -> Outcome:
    """The outcome signed by these people, or by the lead alone."""
    signers = signers or (ANNA,)
    outcome = outcome.ask(signers)
    for number, signer in enumerate(signers, start=1):
        signature = Signature(
            signer,
            f"DEVICE{number}",
            outcome.digest(),
            AT,
            device_key=KEY,
            master=KEY,
            event_id=f"$event{number}",
            audit_entries=17,
            audit_head="ab" * 32,
            key=KEY,
            countersignature="c2lnbmF0dXJl" * 7 + "YWI",
        )
        outcome = outcome.sign(signature)
    return outcome


def signed(*, anonymous: bool = False) -> Outcome:
    return sign(drafted(anonymous=anonymous))


def dossier(outcome: Outcome, language: str = "en", **changed: Any) -> Dossier:
    record = canonical(outcome.document()).decode() if outcome.signatures else None
    made = Dossier(
        outcome,
        case_id="K7Q2",
        nickname="Quiet Heron",
        network=NETWORK,
        forms=FORMS,
        text=catalogue(language).text,
        language=language,
        at=AT,
        consent=CONSENT,
        record=record,
    )
    return replace(made, **changed)
