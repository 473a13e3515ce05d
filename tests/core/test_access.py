"""The gate, exhaustively: what somebody is to a case x action x state x consent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product

import pytest

from ernbot.core import inviting, requesting
from ernbot.core.access import (
    BY_STANDING,
    Standing,
    check_case,
    check_expert,
    check_guest,
    check_new_case,
    check_take_over,
    standings,
)
from ernbot.core.background import Offer
from ernbot.core.case import Case
from ernbot.core.consent import Ledger
from ernbot.core.directory import Arrangement, Directory, Network, Person, Role
from ernbot.core.errors import Refused
from ernbot.core.invitation import Guest, Invitation, InvitationState
from ernbot.core.states import STATES, About, Action, StateKind
from ernbot.core.triage import Triage, Verdict

from .samples import (
    CASES,
    COLLEAGUE,
    COORDINATOR,
    DIRECTORY,
    DISPATCHER,
    ELSEWHERE,
    EXPERT,
    EXPIRED,
    GUEST,
    HELPDESK,
    LABORATORY,
    LATER,
    LEAD,
    NETWORK,
    NOW,
    OTHER,
    REGISTRAR,
    REPRESENTATIVE,
    RESEARCHER,
    SECOND,
    SECRETARY,
    STRANGER,
    drafting,
)

ALL = " ".join(STATES)
UNDER_WAY = "open assessing drafting"
ANSWERS = {Action.ANSWER_INVITATION: UNDER_WAY, Action.DECLARE_CONFLICT: f"{UNDER_WAY} signing"}

MAY: dict[Standing, dict[Action, str]] = {
    Standing.REQUESTER: {
        Action.READ: ALL,
        Action.GIVE_CONSENT: f"draft {UNDER_WAY} signing",
        Action.WITHDRAW_CONSENT: f"draft {UNDER_WAY} signing closed archived",
        Action.ATTACH: UNDER_WAY,
        Action.READ_OPINIONS: "assessing drafting signing closed archived",
        Action.READ_OUTCOME: "drafting signing closed archived",
        Action.DESCRIBE: f"draft {UNDER_WAY}",
        Action.FORWARD: "open assessing",
        Action.ANSWER_TRIAGE: UNDER_WAY,
        Action.REOPEN: "closed archived",
        Action.ARCHIVE: f"draft {UNDER_WAY} closed",
        Action.ERASE: "draft archived withdrawn",
        Action.FOLLOW_UP: "closed archived",
        Action.ANSWER_POLL: "assessing drafting",
    },
    Standing.LEAD: {
        Action.READ: ALL,
        Action.WITHDRAW_CONSENT: f"draft {UNDER_WAY} signing closed archived",
        Action.ATTACH: UNDER_WAY,
        Action.INVITE: UNDER_WAY,
        Action.READ_OPINIONS: "assessing drafting signing closed archived",
        Action.DRAFT_OUTCOME: "assessing drafting",
        Action.WRITE_OUTCOME: "drafting signing",
        Action.READ_OUTCOME: "drafting signing closed archived",
        Action.SEND_TO_SIGNING: "drafting",
        Action.SIGN: "signing",
        Action.BACK_TO_DRAFTING: "signing",
        Action.AMEND: "closed archived",
        Action.DESCRIBE: f"draft {UNDER_WAY}",
        Action.PLAN: f"draft {UNDER_WAY} signing",
        Action.HAND_OVER: UNDER_WAY,
        Action.ANSWER_TRIAGE: UNDER_WAY,
        Action.REOPEN: "closed archived",
        Action.ARCHIVE: f"draft {UNDER_WAY} closed",
        Action.ADMIT_GUEST: UNDER_WAY,
        Action.ARRANGE: "open assessing",
        Action.REVEAL: "assessing",
        Action.RUN_ROUNDS: "assessing drafting",
        Action.ASK_POLL: "assessing drafting",
        Action.ANSWER_POLL: "assessing drafting",
    },
    Standing.EXPERT: {
        Action.READ: ALL,
        Action.ATTACH: UNDER_WAY,
        Action.GIVE_OPINION: "assessing drafting",
        Action.READ_OPINIONS: "assessing drafting signing closed archived",
        Action.READ_OUTCOME: "drafting signing closed archived",
        Action.VOTE: "drafting",
        Action.SIGN: "signing",
        Action.RATE: "assessing drafting",
        Action.ANSWER_POLL: "assessing drafting",
        **ANSWERS,
    },
    Standing.GUEST: {
        Action.READ: ALL,
        Action.ATTACH: UNDER_WAY,
        Action.GIVE_OPINION: "assessing drafting",
        Action.READ_OPINIONS: "assessing drafting signing closed archived",
        Action.READ_OUTCOME: "drafting signing closed archived",
        Action.VOTE: "drafting",
        Action.SIGN: "signing",
        Action.RATE: "assessing drafting",
        Action.ANSWER_POLL: "assessing drafting",
        **ANSWERS,
    },
    Standing.INVITED: {Action.READ: ALL, **ANSWERS},
    Standing.OBSERVER: {
        Action.READ: ALL,
        Action.READ_OPINIONS: "assessing drafting signing closed archived",
        Action.READ_OUTCOME: "drafting signing closed archived",
    },
    Standing.SUCCESSOR: {Action.READ: ALL, Action.TAKE_LEAD: UNDER_WAY},
    Standing.DISPATCHER: {Action.TRIAGE: UNDER_WAY},
    Standing.COORDINATOR: {
        Action.TAKE_OVER: f"{UNDER_WAY} signing",
        Action.ERASE: "draft archived withdrawn",
    },
    Standing.COLLEAGUE: {},
    Standing.OUTSIDER: {},
}
"""Who may do what in which state while consent to care holds, written down apart from the code."""

WITHOUT_CONSENT = {
    *(Action.CREATE, Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT),
    *(Action.REOPEN, Action.ARCHIVE, Action.ERASE, Action.ANSWER_INVITATION, Action.DECLARE_CONFLICT),
}
NOT_FOR_QUESTIONS = {Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH}
NOT_FOR_ASSISTANTS = {
    *(Action.GIVE_OPINION, Action.VOTE, Action.SIGN),
    *(Action.RATE, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
}

WHO: dict[str, tuple[str, set[Standing]]] = {
    "requester who leads": (LEAD, {Standing.REQUESTER, Standing.LEAD}),
    "requester whom somebody else leads": (LEAD, {Standing.REQUESTER, Standing.EXPERT}),
    "lead who is not the requester": (SECOND, {Standing.LEAD}),
    "expert": (EXPERT, {Standing.EXPERT}),
    "expert who was offered the lead": (EXPERT, {Standing.EXPERT, Standing.SUCCESSOR}),
    "colleague who was offered the lead": (COLLEAGUE, {Standing.SUCCESSOR}),
    "dispatcher of a request": (DISPATCHER, {Standing.DISPATCHER}),
    "dispatcher of nothing": (DISPATCHER, {Standing.COLLEAGUE}),
    "coordinator": (COORDINATOR, {Standing.COORDINATOR}),
    "coordinator of a request": (COORDINATOR, {Standing.COORDINATOR, Standing.DISPATCHER}),
    "colleague": (COLLEAGUE, {Standing.COLLEAGUE}),
    "stranger": (STRANGER, {Standing.OUTSIDER}),
    "helpdesk": (HELPDESK, {Standing.OUTSIDER}),
    "representative of patients": (REPRESENTATIVE, {Standing.OUTSIDER}),
    "researcher without patients": (LABORATORY, {Standing.OUTSIDER}),
    "guest": (GUEST, {Standing.GUEST}),
    "guest whose time is over": (GUEST, {Standing.OUTSIDER}),
    "guest of a country without arrangement": (GUEST, {Standing.OUTSIDER}),
    "expert with a conflict of interest": (EXPERT, {Standing.COLLEAGUE}),
    "expert who may listen": (EXPERT, {Standing.OBSERVER}),
    "expert who declined": (EXPERT, {Standing.COLLEAGUE}),
    "expert of another network": (ELSEWHERE, {Standing.EXPERT}),
    "clinician of another network": (ELSEWHERE, {Standing.OUTSIDER}),
    "assistant of the lead": (SECRETARY, {Standing.REQUESTER, Standing.LEAD}),
    "assistant of an expert": (REGISTRAR, {Standing.EXPERT}),
    "assistant of a requester who does not lead": (SECRETARY, {Standing.REQUESTER, Standing.EXPERT}),
}
"""People as the cases below know them; for an assistant, what the clinician is for whom they act."""

ASKED = Invitation(EXPERT, InvitationState.INVITED, LEAD, NOW)
VISITOR = replace(ASKED, user_id=GUEST, guest=Guest("Oksana Koval", "Hospital", "NO"), until=date(2099, 1, 1))

INVITATIONS: dict[str, tuple[Invitation, bool]] = {
    "guest": (VISITOR, True),
    "guest whose time is over": (replace(VISITOR, until=date(2020, 1, 1)), True),
    "guest of a country without arrangement": (replace(VISITOR, guest=Guest("Oksana Koval", "H", "UA")), True),
    "expert with a conflict of interest": (replace(ASKED, conflict="My niece."), False),
    "expert who may listen": (replace(ASKED, conflict="My niece.", observes=True), False),
    "expert who declined": (replace(ASKED, state=InvitationState.DECLINED), False),
    "expert of another network": (replace(ASKED, user_id=ELSEWHERE), True),
}
"""The invitation by which somebody has their part, and whether they are on the panel."""

CONSENT = ("covered", "never-given", "expired", "not-yet")


def code_of(check: Callable[..., object], *arguments: object) -> str | None:
    """The code with which the gate refuses, or None when it lets pass."""
    try:
        check(*arguments)
    except Refused as refusal:
        return refusal.code
    return None


def situation(who: str, kind: StateKind, consent: str) -> tuple[Case, datetime]:
    """A case in a state with experts on its panel, as somebody meets it, and the time at which the gate is asked."""
    case = replace(CASES[kind], panel=(EXPERT, SECOND))
    if "does not lead" in who or "whom somebody else leads" in who or "not the requester" in who:
        case = replace(case, leader=SECOND, panel=(EXPERT, LEAD))
    if "offered" in who:
        case = replace(case, offer=Offer(WHO[who][0], LEAD, NOW))
    if who in INVITATIONS:
        asked, on_panel = INVITATIONS[who]
        case = replace(case, panel=(asked.user_id, SECOND) if on_panel else (SECOND,), invitations=(asked,))
    if "request" in who.split() and "of" in who.split():
        case = replace(case, triage=Triage().submit(NETWORK.id, LEAD, NOW))
    if consent == "never-given":
        return replace(case, consent=Ledger()), LATER
    if consent == "expired":
        return case, EXPIRED
    if consent == "not-yet":
        return case, NOW.replace(year=2025)
    return case, LATER


@pytest.mark.parametrize(("who", "consent"), list(product(WHO, CONSENT)))
def test_every_action_in_every_state(who: str, consent: str) -> None:
    for kind, action in product(STATES, Action):
        case, at = situation(who, kind, consent)
        expected = expected_code(who, action, kind, consent)
        assert code_of(check_case, WHO[who][0], action, case, DIRECTORY, at) == expected, (who, consent, kind, action)


@pytest.mark.parametrize("who", WHO)
def test_every_action_on_a_question_without_a_patient(who: str) -> None:
    for kind, action in product(set(STATES) - {"draft", "withdrawn"}, Action):
        case, at = situation(who, kind, "never-given")
        expected = expected_code(who, action, kind, "question")
        case = replace(case, about=About.QUESTION)
        assert code_of(check_case, WHO[who][0], action, case, DIRECTORY, at) == expected, (who, kind, action)


def expected_code(who: str, action: Action, kind: StateKind, consent: str) -> str | None:
    part: dict[Action, set[str]] = {}
    for standing in WHO[who][1]:
        for one, states in MAY[standing].items():
            part.setdefault(one, set()).update(states.split())
    assists = who.startswith("assistant")
    if action not in part or (assists and action in NOT_FOR_ASSISTANTS):
        if Action.READ not in part:
            return "no-case"
        if action is not Action.CREATE:
            return "personal" if assists and action in part else "not-yours"
        if assists:
            return "not-yours"
    if kind == "erased" and action is not Action.READ:
        return "erased"
    if kind == "withdrawn" and action not in (Action.READ, Action.ERASE):
        return "withdrawn"
    if consent == "question":
        if action in NOT_FOR_QUESTIONS:
            return "no-patient-files" if action is Action.ATTACH else "no-patient"
    elif (kind == "draft" and action not in WITHOUT_CONSENT | {Action.DESCRIBE, Action.PLAN}) or (
        kind != "draft" and consent != "covered" and action not in WITHOUT_CONSENT
    ):
        return "consent-needed"
    if action not in part or kind not in part[action]:
        return "wrong-state"
    return "request-not-asked" if action is Action.ANSWER_TRIAGE else None


@pytest.mark.parametrize("who", WHO)
def test_what_somebody_is_to_a_case(who: str) -> None:
    user, expected = WHO[who]
    case, _ = situation(who, "assessing", "covered")
    if who.startswith("assistant"):
        assert standings(user, case, DIRECTORY) == {Standing.OUTSIDER}
        (user,) = DIRECTORY.assisted_by(user)
    assert standings(user, case, DIRECTORY, LATER) == expected


def test_where_joining_does_not_accept_an_expert_only_reads_until_they_have_accepted() -> None:
    asks = Directory((replace(NETWORK, joining_accepts=False), OTHER))
    case = replace(CASES["assessing"], invitations=(ASKED,))
    assert standings(EXPERT, case, asks, LATER) == {Standing.INVITED}
    assert code_of(check_case, EXPERT, Action.GIVE_OPINION, case, asks, LATER) == "not-yours"
    accepted = inviting.answer(case, EXPERT, accepts=True, reason="", at=LATER)
    assert standings(EXPERT, accepted, asks, LATER) == {Standing.EXPERT}
    assert standings(SECOND, case, asks, LATER) == {Standing.EXPERT}, "asked before invitations were kept"


def test_a_guest_goes_on_the_day_after_the_last() -> None:
    case = replace(CASES["assessing"], panel=(GUEST,), invitations=(replace(VISITOR, until=NOW.date()),))
    assert standings(GUEST, case, DIRECTORY, NOW) == {Standing.GUEST}
    assert standings(GUEST, case, DIRECTORY, NOW + timedelta(days=1)) == {Standing.OUTSIDER}
    assert standings(GUEST, case, DIRECTORY) == {Standing.OUTSIDER}, "without a time nobody is a guest"


def test_a_guest_under_an_arrangement_needs_the_form_that_tells_of_it() -> None:
    doctor = Guest("Oksana Koval", "Lviv Hospital", "UA")
    case = replace(CASES["assessing"], panel=(GUEST,), invitations=(replace(VISITOR, guest=doctor),))
    form = CASES["open"].consent.entries[0].paper
    assert form is not None
    fits = Directory((replace(NETWORK, arrangements=(Arrangement("ua", "A", ("UA",), form.form_version),)),))
    other = Directory((replace(NETWORK, arrangements=(Arrangement("ua", "A", ("UA",), "9.9"),)),))
    assert standings(GUEST, case, fits, LATER) == {Standing.GUEST}
    assert standings(GUEST, case, other, LATER) == {Standing.OUTSIDER}
    assert code_of(check_guest, GUEST, doctor, CASES["open"], fits.networks[0], fits, LATER) is None
    assert code_of(check_guest, GUEST, doctor, CASES["open"], NETWORK, DIRECTORY, LATER) == "guest-country"
    refused = code_of(check_guest, GUEST, doctor, CASES["open"], other.networks[0], other, LATER)
    assert refused == "guest-consent-form"
    assert code_of(check_guest, EXPERT, doctor, CASES["open"], NETWORK, DIRECTORY, LATER) == "guest-listed"


def test_whoever_has_a_conflict_is_not_invited_again() -> None:
    for name in ("expert with a conflict of interest", "expert who may listen"):
        case, _ = situation(name, "assessing", "covered")
        assert code_of(check_expert, EXPERT, case, NETWORK) == "expert-in-conflict"


def test_experts_of_other_networks_may_be_invited() -> None:
    assert code_of(check_expert, ELSEWHERE, CASES["open"], NETWORK) == "expert-unknown"
    assert code_of(check_expert, ELSEWHERE, CASES["open"], NETWORK, (OTHER,)) is None


@pytest.mark.parametrize("user", ["", LEAD.upper(), f"{LEAD} "])
def test_nobody_is_mistaken_for_somebody_else(user: str) -> None:
    assert standings(user, CASES["assessing"], DIRECTORY) == {Standing.OUTSIDER}


def test_the_gate_says_for_whom_an_assistant_acts() -> None:
    case = CASES["drafting"]
    assert check_case(SECRETARY, Action.WRITE_OUTCOME, case, DIRECTORY, LATER) == LEAD
    assert check_case(REGISTRAR, Action.READ_OPINIONS, case, DIRECTORY, LATER) == EXPERT
    assert check_case(LEAD, Action.WRITE_OUTCOME, case, DIRECTORY, LATER) is None


def test_an_assistant_with_a_part_of_their_own_acts_for_somebody_only_where_it_ends() -> None:
    both = replace(NETWORK, people=(*NETWORK.people, Person("@both:x", "Mia Ek", "member", assists=(LEAD,))))
    case = replace(CASES["assessing"], panel=(EXPERT, "@both:x"))
    assert check_case("@both:x", Action.GIVE_OPINION, case, Directory((both,)), LATER) is None
    assert check_case("@both:x", Action.DRAFT_OUTCOME, case, Directory((both,)), LATER) == LEAD


def test_an_assistant_of_somebody_who_left_the_case_is_nobody() -> None:
    assert code_of(check_case, REGISTRAR, Action.READ, CASES["open"], DIRECTORY, LATER) == "no-case"


def test_withdrawn_consent_is_no_consent() -> None:
    case = replace(CASES["withdrawn"], panel=(EXPERT,))
    for user, action in product((LEAD, EXPERT), set(Action) - {Action.READ, Action.ERASE}):
        with pytest.raises(Refused) as refusal:
            check_case(user, action, case, DIRECTORY, LATER)
        assert refusal.value.code in {"withdrawn", "not-yours"}


def test_the_gate_never_tells_whether_a_case_exists() -> None:
    people = (COLLEAGUE, STRANGER, LABORATORY, HELPDESK, DISPATCHER, REPRESENTATIVE, RESEARCHER)
    for user, kind, action in product(people, CASES, Action):
        with pytest.raises(Refused) as refusal:
            check_case(user, action, CASES[kind], DIRECTORY, LATER)
        assert (refusal.value.code, refusal.value.fields) == ("no-case", {})


def test_whoever_left_the_directory_is_an_outsider_whatever_the_case_says() -> None:
    left = replace(NETWORK, people=tuple(p for p in NETWORK.people if p.user_id not in (LEAD, EXPERT)))
    for user in (LEAD, EXPERT):
        assert standings(user, drafting(), Directory((left,))) == {Standing.OUTSIDER}
    assert code_of(check_case, SECRETARY, Action.READ, drafting(), Directory((left,)), LATER) == "no-case"


def test_people_of_another_network_keep_their_part_and_a_lost_network_ends_all() -> None:
    elsewhere = replace(NETWORK, id="ecnm", people=(Person(COLLEAGUE, "Dóra Kovács", "member"),))
    case = replace(CASES["assessing"], network="ecnm")
    both = Directory((NETWORK, elsewhere))
    assert standings(LEAD, case, both) == {Standing.REQUESTER, Standing.LEAD}
    assert standings(COORDINATOR, case, both) == {Standing.OUTSIDER}
    assert standings(LEAD, case, DIRECTORY) == {Standing.OUTSIDER}


def test_without_a_patient_everybody_of_the_network_can_take_part() -> None:
    case = replace(CASES["assessing"], about=About.QUESTION, consent=Ledger(), panel=(REPRESENTATIVE, RESEARCHER))
    for user in case.panel:
        assert standings(user, case, DIRECTORY) == {Standing.EXPERT}
        assert code_of(check_case, user, Action.GIVE_OPINION, case, DIRECTORY, LATER) is None
        with_patient = replace(case, about=About.PATIENT)
        assert code_of(check_case, user, Action.READ, with_patient, DIRECTORY, LATER) == "no-case"


def test_no_expert_is_asked_before_a_request_is_accepted() -> None:
    case = replace(CASES["open"], triage=Triage().submit(NETWORK.id, LEAD, NOW))
    assert code_of(check_case, LEAD, Action.INVITE, case, DIRECTORY, LATER) == "request-waits"
    declined = requesting.decide(case, Verdict.DECLINED, DISPATCHER, "Not ours.", at=LATER)
    assert code_of(check_case, LEAD, Action.INVITE, declined, DIRECTORY, LATER) == "request-waits"
    accepted = requesting.decide(case, Verdict.ACCEPTED, DISPATCHER, "", at=LATER)
    assert code_of(check_case, LEAD, Action.INVITE, accepted, DIRECTORY, LATER) is None


def test_the_slower_of_two_dispatchers_is_told_who_was_faster() -> None:
    case = replace(CASES["open"], triage=Triage().submit(NETWORK.id, LEAD, NOW))
    accepted = requesting.decide(case, Verdict.ACCEPTED, DISPATCHER, "", at=LATER)
    with pytest.raises(Refused) as refusal:
        check_case(COORDINATOR, Action.TRIAGE, accepted, DIRECTORY, LATER)
    assert (refusal.value.code, refusal.value.fields) == ("request-decided", {"name": "Jan Kok"})


@pytest.mark.parametrize(
    ("due", "after", "code"),
    [
        (None, 400, "take-over-no-due"),
        (NOW.date(), 0, "take-over-early"),
        (NOW.date(), 13, "take-over-early"),
        (NOW.date(), 14, None),
        (NOW.date() + timedelta(days=30), 14, "take-over-early"),
    ],
)
def test_a_case_is_taken_over_two_weeks_after_it_was_due(due: date | None, after: int, code: str | None) -> None:
    case = replace(CASES["assessing"], due=due)
    assert code_of(check_take_over, case, NETWORK, DIRECTORY, NOW + timedelta(days=after)) == code


def test_a_case_whose_lead_left_is_taken_over_at_once() -> None:
    left = Directory((replace(NETWORK, people=tuple(p for p in NETWORK.people if p.user_id != LEAD)),))
    assert check_take_over(CASES["assessing"], NETWORK, left, NOW)
    with pytest.raises(Refused):
        check_take_over(CASES["assessing"], NETWORK, DIRECTORY, NOW)


def test_only_clinicians_look_at_requests() -> None:
    office = Person("@office:x", "Nils Bo", "patients", Role.DISPATCHER)
    network = replace(NETWORK, people=(*NETWORK.people, office))
    assert network.dispatchers() == (COORDINATOR, DISPATCHER)
    assert not network.triages("@office:x")


def test_whoever_cannot_read_a_case_only_rescues_it_from_outside() -> None:
    outside = {Action.CREATE, Action.TRIAGE, Action.TAKE_OVER, Action.ERASE}
    for actions in BY_STANDING.values():
        assert Action.READ in actions or actions - {Action.ADMIT_GUEST} <= outside


def test_a_coordinator_brings_guests_only_into_a_case_that_they_are_in() -> None:
    case = CASES["assessing"]
    assert code_of(check_case, COORDINATOR, Action.ADMIT_GUEST, case, DIRECTORY, LATER) == "no-case"
    case = replace(case, panel=(*case.panel, COORDINATOR))
    assert code_of(check_case, COORDINATOR, Action.ADMIT_GUEST, case, DIRECTORY, LATER) is None
    assert code_of(check_case, EXPERT, Action.ADMIT_GUEST, case, DIRECTORY, LATER) == "not-yours"


@pytest.mark.parametrize(
    ("user", "network", "code"),
    [
        (LEAD, NETWORK, None),
        (COORDINATOR, NETWORK, None),
        (LEAD, None, "network-unknown"),
        (STRANGER, NETWORK, "network-unknown"),
        *((user, NETWORK, "not-a-clinician") for user in (RESEARCHER, REPRESENTATIVE, HELPDESK, LABORATORY)),
    ],
)
def test_who_may_open_a_case(user: str, network: Network | None, code: str | None) -> None:
    assert code_of(check_new_case, user, network) == code


@pytest.mark.parametrize(
    ("user", "code"),
    [
        (EXPERT, None),
        (COLLEAGUE, None),
        (COORDINATOR, None),
        (LEAD, "expert-is-lead"),
        (STRANGER, "expert-unknown"),
        *((user, "expert-no-patients") for user in (RESEARCHER, REPRESENTATIVE, HELPDESK, LABORATORY)),
    ],
)
def test_who_may_be_invited(user: str, code: str | None) -> None:
    assert code_of(check_expert, user, CASES["open"], NETWORK) == code
