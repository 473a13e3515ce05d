"""Every action in every state: what is allowed leads where it should, what is not is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from ernbot.core.case import ALLOWED, MAX_QUESTION, Action, Case, Closed, Drafting, State, StateKind, new_case
from ernbot.core.consent import Purpose
from ernbot.core.errors import BadInput, Refused
from ernbot.core.outcome import Section

from .samples import CASES, COLLEAGUE, EXPERT, LATER, LEAD, NOW, PAPER, SECOND, opined

TRANSITIONS: dict[Action, Callable[[Case], Case]] = {
    Action.GIVE_CONSENT: lambda case: case.give_consent((Purpose.CARE,), PAPER, by=LEAD, at=LATER),
    Action.WITHDRAW_CONSENT: lambda case: case.withdraw_consent(Purpose.CARE, by=LEAD, at=LATER),
    Action.INVITE: lambda case: case.invite((COLLEAGUE,)),
    Action.GIVE_OPINION: lambda case: opined(case, SECOND),
    Action.DRAFT_OUTCOME: lambda case: case.draft_outcome(),
    Action.WRITE_OUTCOME: lambda case: case.write_outcome(Section.EVIDENCE, "Two series."),
    Action.VOTE: lambda case: case.vote(EXPERT, agrees=True, reason="", at=LATER),
    Action.SIGN: lambda case: case.sign(LEAD, "DEVICE", at=LATER),
}
"""The actions that change a case; the others only look at it or change something else."""

LEADS_TO: dict[tuple[StateKind, Action], StateKind] = {
    ("draft", Action.GIVE_CONSENT): "open",
    ("open", Action.GIVE_CONSENT): "open",
    ("open", Action.WITHDRAW_CONSENT): "withdrawn",
    ("open", Action.INVITE): "assessing",
    ("assessing", Action.GIVE_CONSENT): "assessing",
    ("assessing", Action.WITHDRAW_CONSENT): "withdrawn",
    ("assessing", Action.INVITE): "assessing",
    ("assessing", Action.GIVE_OPINION): "assessing",
    ("assessing", Action.DRAFT_OUTCOME): "drafting",
    ("drafting", Action.GIVE_CONSENT): "drafting",
    ("drafting", Action.WITHDRAW_CONSENT): "withdrawn",
    ("drafting", Action.INVITE): "drafting",
    ("drafting", Action.GIVE_OPINION): "drafting",
    ("drafting", Action.DRAFT_OUTCOME): "drafting",
    ("drafting", Action.WRITE_OUTCOME): "drafting",
    ("drafting", Action.VOTE): "drafting",
    ("drafting", Action.SIGN): "closed",
    ("closed", Action.WITHDRAW_CONSENT): "withdrawn",
}
"""The life of a case, written down apart from the code. A draft has no consent to care that could be withdrawn."""

PAIRS = [(kind, action) for kind in CASES for action in TRANSITIONS]


def test_the_samples_are_all_states_in_their_states() -> None:
    assert (
        set(CASES)
        == set(ALLOWED)
        == set(get_args(StateKind))
        == {state().kind for state in _simple_states()}
        | {
            "drafting",
            "closed",
            "withdrawn",
        }
    )
    assert all(case.state.kind == kind for kind, case in CASES.items())


def _simple_states() -> list[Callable[[], State]]:
    return [state for state in get_args(State) if state.__name__ in ("Draft", "Open", "Assessing")]


@pytest.mark.parametrize(("kind", "action"), PAIRS)
def test_each_action_in_each_state(kind: StateKind, action: Action) -> None:
    case = CASES[kind]
    before = repr(case)
    if (kind, action) in LEADS_TO:
        assert action in ALLOWED[kind]
        assert TRANSITIONS[action](case).state.kind == LEADS_TO[kind, action]
    elif (kind, action) == ("draft", Action.WITHDRAW_CONSENT):
        with pytest.raises(Refused) as nothing:
            TRANSITIONS[action](case)
        assert nothing.value.code == "consent-not-given"
    else:
        assert action not in ALLOWED[kind]
        with pytest.raises(Refused) as refusal:
            TRANSITIONS[action](case)
        assert (refusal.value.code, refusal.value.fields) == ("wrong-state", {"state": kind, "action": action})
    assert repr(case) == before, "a transition returns a new case"


def test_a_case_says_what_it_permits() -> None:
    for kind, case in CASES.items():
        assert {action for action in Action if case.permits(action)} == ALLOWED[kind]
    assert all(Action.CREATE not in allowed and Action.READ in allowed for allowed in ALLOWED.values())


def test_only_consent_to_care_opens_a_draft() -> None:
    case = CASES["draft"].give_consent((Purpose.REGISTRY, Purpose.IMAGES), PAPER, by=LEAD, at=NOW)
    assert case.state.kind == "draft"
    assert case.give_consent((Purpose.CONTACT, Purpose.CARE), PAPER, by=LEAD, at=NOW).state.kind == "open"


def test_consents_on_one_paper_are_recorded_together_or_not_at_all() -> None:
    with pytest.raises(BadInput):
        CASES["draft"].give_consent((Purpose.CARE,), replace(PAPER, language="?"), by=LEAD, at=NOW)
    assert CASES["draft"].consent.entries == ()


def test_withdrawing_another_consent_keeps_the_case_open() -> None:
    case = CASES["assessing"].give_consent((Purpose.IMAGES,), PAPER, by=LEAD, at=NOW)
    case = case.withdraw_consent(Purpose.IMAGES, by=LEAD, at=LATER)
    assert case.state.kind == "assessing"
    assert case.panel == CASES["assessing"].panel
    assert case.consent.covers(Purpose.CARE, LATER)


@pytest.mark.parametrize("kind", ["open", "assessing", "drafting", "closed"])
def test_withdrawing_care_dissolves_the_panel(kind: StateKind) -> None:
    case = CASES[kind].withdraw_consent(Purpose.CARE, by=LEAD, at=LATER)
    assert (case.panel, case.admitted) == ((), (LEAD,))
    assert not case.consent.covers(Purpose.CARE, LATER)
    with pytest.raises(Refused):
        case.outcome()


def test_experts_are_invited_once_and_the_lead_never() -> None:
    case = CASES["open"].invite((SECOND, LEAD, SECOND, EXPERT))
    assert case.panel == (SECOND, EXPERT)
    assert case.invite((EXPERT, COLLEAGUE)).panel == (SECOND, EXPERT, COLLEAGUE)
    assert CASES["open"].invite((LEAD,)) == CASES["open"]
    assert case.lead == LEAD
    assert case.admitted == (LEAD, SECOND, EXPERT)


def test_opinions_need_no_outcome_but_an_outcome_needs_opinions() -> None:
    with pytest.raises(Refused) as refusal:
        CASES["open"].invite((EXPERT,)).draft_outcome()
    assert refusal.value.code == "no-opinions"
    for kind in ("draft", "open", "assessing", "withdrawn"):
        with pytest.raises(Refused) as none:
            CASES[kind].outcome()
        assert none.value.code == "outcome-none"


def test_an_outcome_gathers_the_latest_opinions_and_keeps_its_texts() -> None:
    case = opined(opined(CASES["drafting"], EXPERT, "surgery"), SECOND)
    assert [o.version for o in case.outcome().opinions] == [1], "the draft is what was gathered"
    gathered = case.draft_outcome().outcome()
    assert [(o.author, o.version) for o in gathered.opinions] == [(EXPERT, 2), (SECOND, 1)]
    assert [line.text for line in gathered.recommendations] == ["Wait."]
    assert gathered.panel == (LEAD, EXPERT, SECOND)
    assert [o.version for o in case.opinions] == [1, 2, 1], "every version is kept"


def test_the_signed_outcome_is_the_drafted_one() -> None:
    drafted, closed = CASES["drafting"], CASES["closed"]
    assert isinstance(drafted.state, Drafting)
    assert isinstance(closed.state, Closed)
    assert closed.state.closed_at == LATER
    assert replace(closed.outcome(), signatures=(), asked=()) == drafted.outcome()


@pytest.mark.parametrize("question", ["", " \n\t ", "x" * (MAX_QUESTION + 1)])
def test_a_case_needs_a_question(question: str) -> None:
    with pytest.raises(BadInput) as refusal:
        new_case("c1", "n", "Quiet Heron", LEAD, question, NOW)
    assert (refusal.value.code, refusal.value.fields) == ("question-length", {"maximum": MAX_QUESTION})


def test_a_new_case_is_an_empty_draft() -> None:
    case = new_case("c1", "n", "Quiet Heron", LEAD, f" {'x' * MAX_QUESTION} ", NOW)
    assert case == Case("c1", "n", "Quiet Heron", LEAD, "x" * MAX_QUESTION, NOW)
    assert (case.state.kind, case.admitted, case.opinions) == ("draft", (LEAD,), ())


@pytest.mark.parametrize(
    "change",
    [
        lambda case: opined(case, EXPERT, "surgery"),
        lambda case: opined(case, SECOND),
        lambda case: case.invite((COLLEAGUE,)),
    ],
    ids=["revised", "another", "panel"],
)
def test_an_outcome_that_is_out_of_date_is_not_signed(change: Callable[[Case], Case]) -> None:
    case = change(CASES["drafting"])
    assert not case.has_gathered_all()
    with pytest.raises(Refused) as refusal:
        case.sign(LEAD, "DEVICE", at=LATER)
    assert (refusal.value.code, refusal.value.fields) == ("outcome-stale", {})
    gathered = case.draft_outcome()
    assert gathered.has_gathered_all()
    assert gathered.sign(LEAD, "DEVICE", at=LATER).state.kind == "closed"


def test_what_was_not_drafted_is_not_out_of_date() -> None:
    assert CASES["drafting"].has_gathered_all()
    with pytest.raises(Refused) as refusal:
        CASES["assessing"].has_gathered_all()
    assert refusal.value.code == "outcome-none"
