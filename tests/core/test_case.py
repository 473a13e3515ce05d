"""Every action in every state: what is allowed leads where it should, what is not is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import get_args, get_type_hints

import pytest
from pydantic import TypeAdapter

from ernbot.core import ending, inviting, leading, requesting, rounds
from ernbot.core.background import Background, Offer
from ernbot.core.blind import Blind
from ernbot.core.case import MAX_QUESTION, Case, new_case
from ernbot.core.clocks import Clocks
from ernbot.core.consent import Purpose
from ernbot.core.delphi import Study
from ernbot.core.errors import BadInput, Refused
from ernbot.core.invitation import Guest
from ernbot.core.outcome import Section, Signature
from ernbot.core.poll import Poll, ask
from ernbot.core.states import ALLOWED, About, Action, Closed, Drafting, State, StateKind
from ernbot.core.triage import Triage, Verdict

from .samples import CASES, COLLEAGUE, COORDINATOR, DISPATCHER, EXPERT, GUEST, LATER, LEAD, NOW, PAPER, SECOND, opined


def asked(case: Case) -> Case:
    """A case that waits for its dispatchers."""
    return requesting.submit(case, LEAD, at=NOW)


def questioned(case: Case) -> Case:
    """A case whose dispatchers asked something back."""
    triage = asked(case).triage.decide(Verdict.ASKED, case.network, DISPATCHER, NOW, "How old?")
    return replace(case, triage=triage)


DIGEST = CASES["signing"].outcome().digest()


def studied(case: Case) -> Case:
    """A case with statements that its panel could rate."""
    study = Study("Timing", LEAD, NOW).add("Operate early.")
    return replace(case, panel=(EXPERT, SECOND, COLLEAGUE), delphi=(study.start((EXPERT, SECOND, COLLEAGUE), (), NOW),))


POLLS: tuple[Poll, ...] = ask((), "When? | Now | Later", LEAD, NOW, named=True)

TRANSITIONS: dict[Action, Callable[[Case], Case]] = {
    Action.GIVE_CONSENT: lambda case: case.give_consent((Purpose.CARE,), PAPER, by=LEAD, at=LATER),
    Action.WITHDRAW_CONSENT: lambda case: case.withdraw_consent(Purpose.CARE, by=LEAD, at=LATER),
    Action.INVITE: lambda case: case.invite((COLLEAGUE,)),
    Action.GIVE_OPINION: lambda case: opined(case, SECOND),
    Action.DRAFT_OUTCOME: lambda case: case.draft_outcome(),
    Action.WRITE_OUTCOME: lambda case: case.rewrite(CASES["drafting"].outcome().write(Section.EVIDENCE, "Two series.")),
    Action.VOTE: lambda case: case.vote(EXPERT, agrees=True, reason="", at=LATER),
    Action.SEND_TO_SIGNING: lambda case: case.send_to_signing((LEAD,)),
    Action.SIGN: lambda case: case.sign(Signature(LEAD, "DEVICE", DIGEST, LATER)),
    Action.BACK_TO_DRAFTING: lambda case: case.back_to_drafting(),
    Action.AMEND: lambda case: ending.amend(case, "A new scan."),
    Action.DESCRIBE: lambda case: case.describe("why", "A second opinion."),
    Action.PLAN: lambda case: case.plan(LATER.date(), at=LATER),
    Action.HAND_OVER: lambda case: leading.offer(case, COLLEAGUE, LEAD, at=LATER),
    Action.TAKE_LEAD: lambda case: leading.take(replace(case, offer=Offer(COLLEAGUE, LEAD, NOW)), hospital=False),
    Action.TAKE_OVER: lambda case: leading.take_over(case, COORDINATOR, gone=False),
    Action.FORWARD: lambda case: requesting.forward(case, "ecnm", LEAD, "Their field.", at=LATER),
    Action.TRIAGE: lambda case: requesting.decide(asked(case), Verdict.ACCEPTED, DISPATCHER, "", at=LATER),
    Action.ANSWER_TRIAGE: lambda case: requesting.answer(questioned(case), LEAD, "Nine months.", at=LATER),
    Action.REOPEN: lambda case: ending.reopen(case, LEAD, "New fits.", at=LATER),
    Action.ARCHIVE: lambda case: ending.archive(case, "Solved at home.", at=LATER),
    Action.ERASE: lambda case: ending.erase(case, at=LATER),
    Action.ANSWER_INVITATION: lambda case: inviting.answer(
        with_expert(case), SECOND, accepts=False, reason="", at=LATER
    ),
    Action.DECLARE_CONFLICT: lambda case: inviting.declare_conflict(with_expert(case), SECOND, "My niece."),
    Action.ADMIT_GUEST: lambda case: inviting.admit_guest(
        case, GUEST, Guest("O", "H", "NO"), date(2026, 5, 1), None, by=LEAD, at=LATER
    ),
    Action.FOLLOW_UP: lambda case: ending.ask_follow_up(replace(case, clocks=Clocks(signed=LATER)), at=LATER),
    Action.ARRANGE: lambda case: replace(case, opinions=()).keep_apart("on"),
    Action.REVEAL: lambda case: replace(case, blind=Blind(on=True)).reveal(LEAD, at=LATER),
    Action.RUN_ROUNDS: lambda case: rounds.begin_study(case, "Timing of surgery", by=LEAD, at=LATER),
    Action.RATE: lambda case: rounds.rate(studied(case), EXPERT, {1: (8, "")}, at=LATER),
    Action.ASK_POLL: lambda case: rounds.ask_poll(case, "When? | Now | Later", by=LEAD, named=True, at=LATER),
    Action.ANSWER_POLL: lambda case: rounds.answer_poll(replace(case, polls=POLLS), 1, EXPERT, 2, at=LATER),
}
"""The actions that change a case; the others only look at it or change something else."""

AMONG_EXPERTS = (Action.RUN_ROUNDS, Action.RATE, Action.ASK_POLL, Action.ANSWER_POLL)
UNDER_WAY: tuple[StateKind, ...] = ("open", "assessing", "drafting")
STAYING = (
    *(Action.DESCRIBE, Action.HAND_OVER, Action.TAKE_LEAD, Action.TRIAGE, Action.ANSWER_TRIAGE),
    *(Action.TAKE_OVER, Action.ANSWER_INVITATION, Action.DECLARE_CONFLICT),
)


def with_expert(case: Case) -> Case:
    return replace(case, panel=(EXPERT, SECOND))


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
    ("drafting", Action.SEND_TO_SIGNING): "signing",
    ("signing", Action.GIVE_CONSENT): "signing",
    ("signing", Action.WITHDRAW_CONSENT): "withdrawn",
    ("signing", Action.WRITE_OUTCOME): "drafting",
    ("signing", Action.SIGN): "closed",
    ("signing", Action.BACK_TO_DRAFTING): "drafting",
    ("closed", Action.AMEND): "drafting",
    ("archived", Action.AMEND): "drafting",
    ("signing", Action.TAKE_OVER): "drafting",
    ("closed", Action.WITHDRAW_CONSENT): "withdrawn",
    ("signing", Action.DECLARE_CONFLICT): "drafting",
    ("open", Action.ADMIT_GUEST): "assessing",
    ("assessing", Action.ADMIT_GUEST): "assessing",
    ("drafting", Action.ADMIT_GUEST): "drafting",
    ("closed", Action.REOPEN): "assessing",
    ("archived", Action.WITHDRAW_CONSENT): "withdrawn",
    ("archived", Action.REOPEN): "assessing",
    **{(kind, Action.FOLLOW_UP): kind for kind in ("closed", "archived")},
    **{(kind, Action.ARCHIVE): "archived" for kind in ("draft", "open", "assessing", "drafting", "closed")},
    **{(kind, Action.ERASE): "erased" for kind in ("draft", "archived", "withdrawn")},
    **{(kind, Action.FORWARD): kind for kind in ("open", "assessing")},
    **{(kind, Action.PLAN): kind for kind in ("draft", *UNDER_WAY, "signing")},
    ("draft", Action.DESCRIBE): "draft",
    **{(kind, Action.ARRANGE): kind for kind in ("open", "assessing")},
    ("assessing", Action.REVEAL): "assessing",
    **{(kind, action): kind for kind in UNDER_WAY for action in STAYING},
    **{(kind, action): kind for kind in ("assessing", "drafting") for action in AMONG_EXPERTS},
}
"""The life of a case, written down apart from the code. A draft has no consent to care that could be withdrawn."""

PAIRS = [(kind, action) for kind in CASES for action in TRANSITIONS]


def test_the_samples_are_all_states_in_their_states() -> None:
    assert list(CASES) == list(ALLOWED) == [get_args(get_type_hints(state)["kind"])[0] for state in get_args(State)]
    assert all(case.state.kind == kind for kind, case in CASES.items())


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
        case.send_to_signing((LEAD,))
    assert (refusal.value.code, refusal.value.fields) == ("outcome-stale", {})
    gathered = case.draft_outcome()
    assert gathered.has_gathered_all()
    assert gathered.send_to_signing((LEAD,)).state.kind == "signing"


def test_what_was_not_drafted_is_not_out_of_date() -> None:
    assert CASES["drafting"].has_gathered_all()
    with pytest.raises(Refused) as refusal:
        CASES["assessing"].has_gathered_all()
    assert refusal.value.code == "outcome-none"


def test_who_has_a_conflict_of_interest_does_not_vote_and_is_not_waited_for() -> None:
    case = opined(CASES["assessing"], SECOND)
    case = replace(case, opinions=(case.opinions[0], replace(case.opinions[1], conflict=True)))
    case = case.draft_outcome().recommend("Wait.")
    assert (case.conflicted, case.silent) == (frozenset({SECOND}), (EXPERT,))
    with pytest.raises(Refused) as refusal:
        case.vote(SECOND, agrees=True, reason="", at=LATER)
    assert refusal.value.code == "vote-conflict"
    assert case.vote(EXPERT, agrees=True, reason="", at=LATER).silent == ()


def test_each_signature_is_kept_and_the_last_one_closes_the_case() -> None:
    case = CASES["drafting"].vote(EXPERT, agrees=False, reason="Too late.", at=NOW).send_to_signing((LEAD, EXPERT))
    digest = case.outcome().digest()
    first = case.sign(Signature(LEAD, "A", digest, NOW))
    assert (first.state.kind, first.outcome().unsigned) == ("signing", (EXPERT,))
    closed = first.sign(Signature(EXPERT, "B", digest, LATER))
    assert (closed.state.kind, [each.by for each in closed.outcome().signatures]) == ("closed", [LEAD, EXPERT])
    waived = first.waive(at=LATER)
    assert (waived.state.kind, waived.outcome().waived) == ("closed", (EXPERT,))
    back = first.back_to_drafting()
    assert (back.outcome().signatures, back.outcome().asked, len(back.outcome().votes)) == ((), (), 1)


def test_a_withdrawn_or_erased_case_keeps_no_outcome_of_before() -> None:
    amended = ending.amend(CASES["closed"], "A new scan.")
    assert len(amended.amended) == 1
    withdrawn = amended.withdraw_consent(Purpose.CARE, by=LEAD, at=LATER)
    assert (withdrawn.amended, ending.erase(withdrawn, at=LATER).amended) == ((), ())


OLD = """{"id": "c1", "network": "ern-cranio", "nickname": "Quiet Heron", "requester": "@lead:example.org",
"question": "Operate?", "opened_at": "2026-03-05T12:00:00Z", "state": {"outcome": {"question": "Operate?", "panel":
["@lead:example.org", "@expert:example.org"], "opinions": [], "recommendation": "Wait.", "evidence": "", "follow_up":
"MRI.", "votes": [{"by": "@expert:example.org", "agrees": true, "reason": "", "at": "2026-03-05T12:00:00Z"}],
"version": 3, "signature": {"by": "@lead:example.org", "device_id": "D", "digest": "ab", "at": "2026-03-05T13:00:00Z"}},
"closed_at": "2026-03-05T13:00:00Z", "kind": "closed"}, "consent": {"entries": []}, "panel": ["@expert:example.org"],
"opinions": []}"""


def test_a_case_that_was_signed_before_outcomes_had_several_recommendations_is_read_and_can_be_amended() -> None:
    case = TypeAdapter(Case).validate_json(OLD)
    assert isinstance(case.state, Closed)
    assert [line.text for line in case.outcome().recommendations] == ["Wait."]
    assert [each.by for each in case.outcome().signatures] == [LEAD]
    amended = ending.amend(case, "A new scan.")
    assert (amended.outcome().amends, amended.amended) == ("ab", (case.outcome(),))
    assert TypeAdapter(Case).validate_json(TypeAdapter(Case).dump_json(amended)) == amended


def test_a_question_is_open_from_the_start_and_keeps_what_was_said_of_it() -> None:
    told = Background().tell("why", " A guideline. ")
    case = new_case("c1", "n", "Quiet Heron", LEAD, "Which age?", NOW, about=About.QUESTION, background=told)
    assert (case.state.kind, case.covered(NOW), case.background.why) == ("open", True, "A guideline.")


@pytest.mark.parametrize("text", ["", "  ", "x" * 2_001])
def test_a_background_has_words(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        CASES["open"].describe("new", text)
    assert refusal.value.code == "background-length"


def test_whoever_takes_the_lead_leaves_the_panel_and_the_lead_before_joins_it() -> None:
    offered = leading.offer(CASES["assessing"], EXPERT, LEAD, at=NOW)
    led = leading.take(offered, hospital=False)
    assert (led.lead, led.requester, led.panel, led.offer) == (EXPERT, LEAD, (SECOND, LEAD), None)
    back = leading.take(leading.offer(led, LEAD, EXPERT, at=NOW), hospital=True)
    assert (back.leader, back.lead, back.panel) == (None, LEAD, (SECOND, EXPERT))
    same = leading.take(offered, hospital=True)
    assert (same.requester, same.leader, same.panel) == (EXPERT, None, (SECOND, LEAD))
    with pytest.raises(Refused):
        leading.take(led, hospital=False)


def test_another_lead_makes_a_drafted_outcome_out_of_date() -> None:
    assert not leading.take_over(CASES["drafting"], COORDINATOR, gone=False).has_gathered_all()


def test_a_case_that_moves_keeps_its_requester_and_its_consent() -> None:
    led = replace(CASES["assessing"], leader=SECOND, panel=(EXPERT, LEAD))
    stays = requesting.move(led, "ecnm", frozenset({SECOND}))
    assert (stays.lead, stays.panel, stays.consent) == (SECOND, (LEAD,), led.consent)
    leaves = requesting.move(led, "ecnm", frozenset({EXPERT}))
    assert (leaves.lead, leaves.panel, leaves.network) == (LEAD, (EXPERT,), "ecnm")


def test_a_case_without_an_outcome_is_archived_with_a_reason() -> None:
    with pytest.raises(BadInput) as refusal:
        ending.archive(CASES["assessing"], " ", at=LATER)
    assert refusal.value.code == "reason-length"
    with pytest.raises(Refused) as none:
        ending.archive(CASES["assessing"], "Moved away.", at=LATER).outcome()
    assert none.value.code == "outcome-none"
    assert CASES["archived"].outcome() == CASES["closed"].outcome()


@pytest.mark.parametrize(("kind", "back"), [("draft", "draft"), ("open", "open"), ("assessing", "assessing")])
def test_a_case_is_reopened_as_far_as_it_had_come(kind: StateKind, back: StateKind) -> None:
    archived = ending.archive(CASES[kind], "Set aside.", at=LATER)
    assert ending.reopen(archived, LEAD, "On again.", at=LATER).state.kind == back


def test_what_is_left_of_an_erased_case_says_nothing_clinical() -> None:
    case = ending.erase(CASES["archived"], at=LATER)
    rest = {field.name for field in fields(Case) if getattr(case, field.name) != field.default}
    assert rest == {"id", "network", "nickname", "requester", "question", "opened_at", "state"}
    assert case.question == ""


def test_a_case_as_it_was_stored_before_is_still_read() -> None:
    stored = """{
        "id": "c1", "network": "ern-cranio", "nickname": "Quiet Heron 412", "requester": "@lead:example.org",
        "question": "Operate now or wait?", "opened_at": "2026-03-05T12:00:00Z", "state": {"kind": "assessing"},
        "consent": {"entries": [{"purpose": "care", "paper": {"form_version": "2.1", "language": "da",
            "signer": "parent", "signed_on": "2026-03-01"}, "recorded_by": "@lead:example.org",
            "recorded_at": "2026-03-05T12:00:00Z"}]},
        "panel": ["@expert:example.org"],
        "opinions": [{"author": "@expert:example.org", "form_id": "small", "form_version": "1",
            "answers": {"step": "watch", "confidence": 4}, "version": 1, "at": "2026-03-05T12:00:00Z"}]
    }"""
    case = TypeAdapter(Case).validate_json(stored)
    assert case.permits(Action.DRAFT_OUTCOME)
    assert (case.lead, case.admitted) == (LEAD, (LEAD, EXPERT))
    assert (case.about, case.triage, case.due) == (About.PATIENT, Triage(), None)
    assert case.answered == {EXPERT}
