"""The gate, exhaustively: standing x action x state x consent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from ernbot.core.access import BY_STANDING, Standing, check_case, check_expert, check_new_case, standing
from ernbot.core.case import Action, Case, StateKind
from ernbot.core.consent import Ledger
from ernbot.core.directory import Network
from ernbot.core.errors import Refused

from .samples import (
    CASES,
    COLLEAGUE,
    COORDINATOR,
    EXPERT,
    EXPIRED,
    HELPDESK,
    LABORATORY,
    LATER,
    LEAD,
    NETWORK,
    NOW,
    REPRESENTATIVE,
    RESEARCHER,
    SECOND,
    STRANGER,
    drafting,
)

MAY: dict[Standing, dict[StateKind, set[Action]]] = {
    Standing.REQUESTER: {
        "draft": {Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT},
        "open": {Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH, Action.INVITE},
        "assessing": {
            *(Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH, Action.INVITE),
            *(Action.READ_OPINIONS, Action.DRAFT_OUTCOME),
            *(Action.RUN_ROUNDS, Action.ASK_POLL, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
        },
        "drafting": {
            *(Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH, Action.INVITE),
            *(Action.READ_OPINIONS, Action.DRAFT_OUTCOME, Action.WRITE_OUTCOME, Action.READ_OUTCOME, Action.SIGN),
            *(Action.RUN_ROUNDS, Action.ASK_POLL, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
        },
        "closed": {Action.READ, Action.WITHDRAW_CONSENT, Action.READ_OPINIONS, Action.READ_OUTCOME},
        "withdrawn": {Action.READ},
    },
    Standing.EXPERT: {
        "draft": {Action.READ},
        "open": {Action.READ, Action.ATTACH},
        "assessing": {
            *(Action.READ, Action.ATTACH, Action.GIVE_OPINION, Action.READ_OPINIONS),
            *(Action.RATE, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
        },
        "drafting": {
            *(Action.READ, Action.ATTACH, Action.GIVE_OPINION, Action.READ_OPINIONS),
            *(Action.READ_OUTCOME, Action.VOTE),
            *(Action.RATE, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
        },
        "closed": {Action.READ, Action.READ_OPINIONS, Action.READ_OUTCOME},
        "withdrawn": {Action.READ},
    },
    Standing.COLLEAGUE: {},
    Standing.OUTSIDER: {},
}
"""Who may do what in which state while consent to care holds, written down apart from the code."""

WITHOUT_CONSENT = {Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT}

PEOPLE = {
    Standing.REQUESTER: LEAD,
    Standing.EXPERT: EXPERT,
    Standing.COLLEAGUE: COLLEAGUE,
    Standing.OUTSIDER: STRANGER,
}

CONSENT = ("covered", "never-given", "expired", "not-yet")


def code_of(check: Callable[..., None], *arguments: object) -> str | None:
    """The code with which the gate refuses, or None when it lets pass."""
    try:
        check(*arguments)
    except Refused as refusal:
        return refusal.code
    return None


def situation(kind: StateKind, consent: str) -> tuple[Case, datetime]:
    """A case in a state with the expert on its panel, and the time at which the gate is asked."""
    case = replace(CASES[kind], panel=(EXPERT, SECOND))
    if consent == "never-given":
        return replace(case, consent=Ledger()), LATER
    if consent == "expired":
        return case, EXPIRED
    if consent == "not-yet":
        return case, NOW.replace(year=2025)
    return case, LATER


@pytest.mark.parametrize(("who", "consent"), list(product(Standing, CONSENT)))
def test_every_action_in_every_state(who: Standing, consent: str) -> None:
    for kind, action in product(CASES, Action):
        case, at = situation(kind, consent)
        allowed = action in MAY[who].get(kind, set()) and (consent == "covered" or action in WITHOUT_CONSENT)
        expected = None if allowed else expected_code(who, action, kind, consent)
        assert code_of(check_case, PEOPLE[who], action, case, NETWORK, at) == expected, (who, consent, kind, action)


def expected_code(who: Standing, action: Action, kind: StateKind, consent: str) -> str:
    if who in (Standing.COLLEAGUE, Standing.OUTSIDER):
        return "no-case"
    if not any(action in actions for actions in MAY[who].values()) and action is not Action.CREATE:
        return "not-yours"
    if kind == "withdrawn":
        return "withdrawn"
    if action not in WITHOUT_CONSENT | {Action.CREATE} and (kind == "draft" or consent != "covered"):
        return "consent-needed"
    return "wrong-state"


def test_withdrawn_consent_is_no_consent() -> None:
    case = replace(CASES["withdrawn"], panel=(EXPERT,))
    for user, action in product((LEAD, EXPERT), set(Action) - {Action.READ}):
        with pytest.raises(Refused) as refusal:
            check_case(user, action, case, NETWORK, LATER)
        assert refusal.value.code in {"withdrawn", "not-yours"}


def test_the_gate_never_tells_whether_a_case_exists() -> None:
    for user, kind, action in product((COLLEAGUE, STRANGER, LABORATORY, HELPDESK), CASES, Action):
        with pytest.raises(Refused) as refusal:
            check_case(user, action, CASES[kind], NETWORK, LATER)
        assert (refusal.value.code, refusal.value.fields) == ("no-case", {})


@pytest.mark.parametrize(
    ("user", "what"),
    [
        (LEAD, Standing.REQUESTER),
        (EXPERT, Standing.EXPERT),
        (COLLEAGUE, Standing.COLLEAGUE),
        (COORDINATOR, Standing.COLLEAGUE),
        (RESEARCHER, Standing.OUTSIDER),
        (REPRESENTATIVE, Standing.OUTSIDER),
        (HELPDESK, Standing.OUTSIDER),
        (LABORATORY, Standing.OUTSIDER),
        (STRANGER, Standing.OUTSIDER),
        ("", Standing.OUTSIDER),
        (LEAD.upper(), Standing.OUTSIDER),
        (f"{LEAD} ", Standing.OUTSIDER),
    ],
)
def test_standing(user: str, what: Standing) -> None:
    assert standing(user, CASES["assessing"], NETWORK) is what


def test_whoever_left_the_directory_is_an_outsider_whatever_the_case_says() -> None:
    left = replace(NETWORK, people=tuple(p for p in NETWORK.people if p.user_id not in (LEAD, EXPERT)))
    for user in (LEAD, EXPERT):
        assert standing(user, drafting(), left) is Standing.OUTSIDER


def test_whoever_cannot_read_can_do_nothing() -> None:
    for actions in BY_STANDING.values():
        assert Action.READ in actions or actions <= {Action.CREATE}


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
