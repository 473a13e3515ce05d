"""Texts, votes and signatures of an outcome belong together, and a digest tells when they do not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import MAX_TEXT
from ernbot.core.opinion import Opinion, latest, revise
from ernbot.core.outcome import MIN_OPINIONS, Outcome, Section

from .samples import EXPERT, LATER, LEAD, NOW, SECOND

OPINION = Opinion(EXPERT, "small", "1", {"step": "watch", "concerns": ("a", "b"), "confidence": 4}, 1, NOW)
EMPTY = Outcome("Operate now or wait?", (LEAD, EXPERT, SECOND), (OPINION,))
WRITTEN = EMPTY.write(Section.RECOMMENDATION, "Wait.")
VOTED = WRITTEN.vote(EXPERT, agrees=True, reason="", at=NOW).vote(SECOND, agrees=False, reason="Too late.", at=NOW)


@pytest.mark.parametrize(
    ("section", "name"),
    [(Section.RECOMMENDATION, "recommendation"), (Section.EVIDENCE, "evidence"), (Section.FOLLOW_UP, "follow_up")],
)
def test_each_section_is_written_alone_and_voids_the_votes(section: Section, name: str) -> None:
    written: dict[str, Any] = {name: "New text."}
    assert VOTED.write(section, "  New text.\n") == replace(VOTED, version=VOTED.version + 1, votes=(), **written)


@pytest.mark.parametrize("text", ["", " \n", "x" * (MAX_TEXT + 1)])
def test_a_section_is_neither_empty_nor_endless(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        EMPTY.write(Section.EVIDENCE, text)
    assert (refusal.value.code, refusal.value.fields) == ("outcome-text", {"maximum": MAX_TEXT})


def test_gathering_keeps_the_texts_and_voids_the_votes() -> None:
    newer = replace(OPINION, version=2)
    gathered = VOTED.gather((LEAD, EXPERT), (newer,))
    assert gathered == replace(VOTED, panel=(LEAD, EXPERT), opinions=(newer,), version=VOTED.version + 1, votes=())


def test_the_last_vote_of_a_member_counts() -> None:
    changed = VOTED.vote(EXPERT, agrees=False, reason=" I changed my mind. ", at=LATER)
    assert [(vote.by, vote.agrees, vote.reason) for vote in changed.votes] == [
        (SECOND, False, "Too late."),
        (EXPERT, False, "I changed my mind."),
    ]
    assert changed.version == VOTED.version


def test_a_vote_needs_a_recommendation_and_dissent_a_reason() -> None:
    with pytest.raises(Refused) as refusal:
        EMPTY.vote(EXPERT, agrees=True, reason="", at=NOW)
    assert refusal.value.code == "outcome-empty"
    for reason, code in (("", "dissent-reason"), (" ", "dissent-reason"), ("x" * (MAX_TEXT + 1), "outcome-text")):
        with pytest.raises(BadInput) as bad:
            WRITTEN.vote(EXPERT, agrees=False, reason=reason, at=NOW)
        assert bad.value.code == code


def test_a_signature_holds_the_digest_of_what_was_signed() -> None:
    signed = VOTED.sign(LEAD, "DEVICE", LATER)
    assert signed.signature is not None
    assert signed.signature.digest == VOTED.digest() == signed.digest()
    assert (signed.signature.by, signed.signature.device_id, signed.signature.at) == (LEAD, "DEVICE", LATER)
    with pytest.raises(Refused) as refusal:
        EMPTY.sign(LEAD, "DEVICE", LATER)
    assert refusal.value.code == "outcome-empty"


@pytest.mark.parametrize(
    "change",
    [
        {"question": "Operate now or wait!"},
        {"panel": (LEAD, EXPERT)},
        {"opinions": (replace(OPINION, answers={**OPINION.answers, "confidence": 5}),)},
        {"opinions": (replace(OPINION, at=LATER),)},
        {"recommendation": "Wait"},
        {"evidence": "x"},
        {"follow_up": "x"},
        {"votes": VOTED.votes[:1]},
        {"votes": tuple(reversed(VOTED.votes))},
        {"version": 99},
    ],
)
def test_any_change_changes_the_digest(change: dict[str, Any]) -> None:
    assert replace(VOTED, **change).digest() != VOTED.digest()


def test_the_digest_is_sha256_of_sorted_json_and_the_same_in_every_process() -> None:
    digest = EMPTY.digest()
    assert len(bytes.fromhex(digest)) == 32
    program = "from tests.core.test_outcome import EMPTY; print(EMPTY.digest())"
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert again.stdout.strip() == digest
    reordered = replace(OPINION, answers=dict(reversed(OPINION.answers.items())))
    assert replace(EMPTY, opinions=(reordered,)).digest() == digest


def test_two_opinions_count_in_monitoring() -> None:
    for count in range(4):
        opinions = tuple(replace(OPINION, author=f"@{n}:example.org") for n in range(count))
        assert replace(EMPTY, opinions=opinions).counts_in_monitoring == (count >= MIN_OPINIONS == 2)


def test_opinions_are_revised_by_version_and_all_are_kept() -> None:
    opinions: tuple[Opinion, ...] = ()
    for author, step in ((EXPERT, "watch"), (SECOND, "surgery"), (EXPERT, "surgery")):
        opinions = (*opinions, revise(opinions, author, "small", "1", {"step": step}, NOW))
    assert [(o.author, o.version) for o in opinions] == [(EXPERT, 1), (SECOND, 1), (EXPERT, 2)]
    assert [(o.author, o.version, o.answers["step"]) for o in latest(opinions)] == [
        (EXPERT, 2, "surgery"),
        (SECOND, 1, "surgery"),
    ]
    assert latest(()) == ()
