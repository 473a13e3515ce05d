"""Who reads which opinion while they are sealed, and what old rows mean."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from pydantic import TypeAdapter

from ernbot.core.blind import Blind, blind, missing, visible
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.opinion import Opinion, counted, latest

from .samples import EXPERT, FORM, LATER, LEAD, NOW, SECOND, assessing, opened, opined

OWN = Opinion(EXPERT, "small", "1", {"step": "watch"}, 1, NOW)
OTHER = Opinion(SECOND, "small", "1", {"step": "surgery"}, 1, NOW)
PANEL = (EXPERT, SECOND)


@pytest.mark.parametrize(("mode", "reader"), list(product(("off", "on", "lead"), (LEAD, EXPERT, SECOND, "@x:y"))))
def test_who_reads_what(mode: str, reader: str) -> None:
    state = {"off": Blind(), "on": blind("on"), "lead": blind("lead")}[mode]
    everything = mode == "off" or (mode == "on" and reader == LEAD)
    expected = [each for each in (OWN, OTHER) if everything or each.author == reader]
    assert list(visible((OWN, OTHER), reader, LEAD, state, PANEL)) == expected
    revealed = state.reveal((OWN,), by=LEAD, at=LATER) if state.on else state
    assert visible((OWN, OTHER), reader, LEAD, revealed, PANEL) == (OWN, OTHER)


def test_a_lead_who_was_asked_too_gives_an_opinion_first() -> None:
    state = blind("on")
    assert visible((OTHER,), EXPERT, EXPERT, state, PANEL) == ()
    assert visible((OTHER, OWN), EXPERT, EXPERT, state, PANEL) == (OTHER, OWN)


def test_blind_mode_is_set_before_the_first_opinion_and_ends_once() -> None:
    assert Blind().switch("lead", ()) == Blind(on=True, from_lead=True)
    assert [blind(mode).mode for mode in ("off", "on", "lead")] == ["off", "on", "lead"]
    revealed = blind("on").reveal((OWN,), by=LEAD, at=NOW)
    assert (revealed.hides, revealed.revealed_at, revealed.revealed_by) == (False, NOW, LEAD)
    with pytest.raises(Refused, match="blind-too-late"):
        blind("on").switch("off", (OWN,))
    with pytest.raises(Refused, match="no-opinions"):
        blind("on").reveal((), by=LEAD, at=NOW)
    for state in (Blind(), revealed):
        with pytest.raises(Refused, match="blind-off"):
            state.reveal((OWN,), by=LEAD, at=NOW)


def test_it_ends_by_itself_when_nobody_is_missing() -> None:
    assert missing((OTHER,), PANEL) == (EXPERT,)
    assert blind("on").settle((OTHER,), PANEL, NOW).hides
    settled = blind("on").settle((OTHER, OWN), PANEL, NOW)
    assert (settled.hides, settled.revealed_by) == (False, None)
    assert settled.settle((OTHER, OWN), PANEL, LATER) == settled


def test_a_case_marks_what_comes_after_the_reveal() -> None:
    case = opened().keep_apart("on").invite(PANEL)
    case = opined(opined(case, EXPERT), SECOND)
    assert [opinion.after_reveal for opinion in case.opinions] == [False, False]
    assert opined(case, EXPERT).opinions[-1].after_reveal
    assert case.draft_outcome().state.kind == "drafting"


def test_no_outcome_is_drafted_from_sealed_opinions() -> None:
    case = opined(opened().keep_apart("lead").invite(PANEL), EXPERT)
    with pytest.raises(Refused) as refusal:
        case.draft_outcome()
    assert (refusal.value.code, refusal.value.fields) == ("blind-sealed", {"given": 1, "missing": 1})
    assert case.reveal(LEAD, at=LATER).draft_outcome().outcome().opinions == case.opinions


def test_a_conflict_of_interest_does_not_count() -> None:
    conflicted = replace(OWN, version=2, conflict=True)
    assert latest((OWN, OTHER, conflicted)) == (conflicted, OTHER)
    assert counted((OWN, OTHER, conflicted)) == (OTHER,)


def test_a_case_stored_before_there_was_blind_mode_still_loads() -> None:
    adapter = TypeAdapter(Case)
    stored = adapter.dump_python(assessing(), mode="json")
    for name in ("blind", "question_type"):
        del stored[name]
    for opinion in stored["opinions"]:
        for name in ("certainty", "conflict", "after_reveal", "words"):
            del opinion[name]
    case = adapter.validate_python(stored)
    assert case == assessing()
    assert not case.blind.hides
    assert FORM.parse({"step": "1", "confidence": "4"}).keys() == case.opinions[0].answers.keys()
