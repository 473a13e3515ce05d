"""Texts, votes and signatures of an outcome belong together, and a digest tells when they do not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from pydantic import TypeAdapter

from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import MAX_TEXT
from ernbot.core.opinion import Opinion, latest, revise
from ernbot.core.outcome import MAX_RECOMMENDATIONS, MIN_OPINIONS, Dissent, Outcome, Section, Signature, Vote
from ernbot.core.recommendation import Direction, Evidence, Recommendation, Strength

from .samples import EXPERT, LATER, LEAD, NOW, SECOND

OPINION = Opinion(EXPERT, "small", "1", {"step": "watch", "concerns": ("a", "b"), "confidence": 4}, 1, NOW)
EMPTY = Outcome("Operate now or wait?", (LEAD, EXPERT, SECOND), (OPINION,), case_id="c1")
WRITTEN = EMPTY.recommend("Wait.").recommend("Scan again.", due=date(2026, 6, 1), owner=LEAD)
VOTED = WRITTEN.vote(EXPERT, agrees=True, reason="", at=NOW).vote(SECOND, agrees=False, reason="Too late.", at=NOW)
ASKED = VOTED.ask((LEAD, EXPERT))


def signature(by: str, outcome: Outcome) -> Signature:
    return Signature(by, "DEVICE", outcome.digest(), LATER)


SIGNED = ASKED.sign(signature(LEAD, ASKED)).sign(signature(EXPERT, ASKED))


@pytest.mark.parametrize("section", list(Section))
def test_each_section_is_written_alone_and_voids_votes_and_signatures(section: Section) -> None:
    written: dict[str, Any] = {section.attribute: "New text."}
    after = replace(SIGNED, version=SIGNED.version + 1, votes=(), signatures=(), asked=(), **written)
    assert SIGNED.write(section, "  New text.\n") == after


@pytest.mark.parametrize("text", ["", " \n", "x" * (MAX_TEXT + 1)])
def test_no_text_is_empty_or_endless(text: str) -> None:
    writing: tuple[Callable[[], Outcome], ...] = (
        lambda: EMPTY.write(Section.EVIDENCE, text),
        lambda: EMPTY.recommend(text),
        lambda: WRITTEN.change(1, text=text),
    )
    for write in writing:
        with pytest.raises(BadInput) as refusal:
            write()
        assert (refusal.value.code, refusal.value.fields) == ("outcome-text", {"maximum": MAX_TEXT})


def test_a_recommendation_keeps_its_number_whatever_becomes_of_the_others() -> None:
    changed = WRITTEN.drop(1).recommend("Ask the family.", direction=Direction.AGAINST, strength=Strength.STRONG)
    assert [(line.id, line.text) for line in changed.recommendations] == [(2, "Scan again."), (3, "Ask the family.")]
    changed = changed.change(2, evidence=Evidence.VERY_LOW, text=" Scan in June. ")
    assert changed.recommendation(2) == Recommendation(
        2, "Scan in June.", evidence=Evidence.VERY_LOW, due=date(2026, 6, 1), owner=LEAD
    )
    assert changed.version == WRITTEN.version + 3
    wrong: tuple[Callable[[], object], ...] = (
        lambda: changed.drop(1),
        lambda: changed.change(9, text="x"),
        lambda: changed.recommendation(0),
    )
    for act in wrong:
        with pytest.raises(BadInput) as refusal:
            act()
        assert refusal.value.code == "outcome-number"
        assert refusal.value.fields["numbers"] == "2, 3"


def test_nobody_reads_more_recommendations_than_a_page_holds() -> None:
    full = EMPTY
    for _ in range(MAX_RECOMMENDATIONS):
        full = full.recommend("Wait.")
    with pytest.raises(BadInput) as refusal:
        full.recommend("Wait.")
    assert refusal.value.code == "outcome-many"


@pytest.mark.parametrize(
    "change",
    [
        lambda outcome: outcome.recommend("More."),
        lambda outcome: outcome.change(1, due=None),
        lambda outcome: outcome.drop(2),
        lambda outcome: outcome.gather((LEAD, EXPERT), (replace(OPINION, version=2),)),
    ],
)
def test_every_change_is_a_new_version_without_votes_and_signatures(change: Any) -> None:
    after = change(SIGNED)
    assert (after.version, after.votes, after.signatures, after.asked) == (SIGNED.version + 1, (), (), ())


def test_the_last_vote_of_a_member_counts() -> None:
    changed = VOTED.vote(EXPERT, agrees=False, reason=" I changed my mind. ", at=LATER)
    assert [(vote.by, vote.agrees, vote.reason) for vote in changed.votes] == [
        (SECOND, False, "Too late."),
        (EXPERT, False, "I changed my mind."),
    ]
    assert changed.version == VOTED.version


def test_a_vote_on_one_recommendation_leaves_the_others_and_a_vote_on_all_takes_their_place() -> None:
    voted = WRITTEN.vote(EXPERT, agrees=True, reason="", at=NOW)
    voted = voted.vote(EXPERT, agrees=False, reason="Why scan?", at=NOW, recommendation=2)
    voted = voted.vote(EXPERT, agrees=True, reason="", at=NOW, recommendation=1)
    assert [(vote.recommendation, vote.agrees) for vote in voted.votes] == [(None, True), (2, False), (1, True)]
    assert voted.dissents == (Dissent(EXPERT, "Why scan?", 2),)
    assert voted.voted == (EXPERT,)
    assert voted.silent == (SECOND,)
    assert voted.vote(EXPERT, agrees=True, reason="", at=LATER).votes == (Vote(EXPERT, True, "", LATER),)
    with pytest.raises(BadInput) as refusal:
        voted.vote(EXPERT, agrees=True, reason="", at=NOW, recommendation=7)
    assert refusal.value.code == "outcome-number"


def test_a_vote_needs_a_recommendation_and_dissent_a_reason() -> None:
    with pytest.raises(Refused) as refusal:
        EMPTY.vote(EXPERT, agrees=True, reason="", at=NOW)
    assert refusal.value.code == "outcome-empty"
    for reason, code in (("", "dissent-reason"), (" ", "dissent-reason"), ("x" * (MAX_TEXT + 1), "outcome-text")):
        with pytest.raises(BadInput) as bad:
            WRITTEN.vote(EXPERT, agrees=False, reason=reason, at=NOW)
        assert bad.value.code == code
    with pytest.raises(Refused) as refusal:
        ASKED.vote(EXPERT, agrees=True, reason="", at=NOW)
    assert refusal.value.code == "outcome-out-for-signature"


def test_an_anonymous_dissent_is_named_nowhere_in_what_is_signed() -> None:
    quiet = WRITTEN.name_dissent(anonymous=True)
    digests = set()
    for members in permutations((EXPERT, SECOND)):
        voted = quiet
        for member, agrees in zip(members, (True, False), strict=True):
            voted = voted.vote(member, agrees=agrees, reason="" if agrees else "Too late.", at=NOW)
        assert voted.dissents == (Dissent(None, "Too late."),)
        document = voted.document()
        assert (document["dissents"], document["agreements"]) == ([{"reason": "Too late."}], 1)
        assert "agreed" not in document
        digests.add(voted.digest())
    assert len(digests) == 1, "the document tells who dissented"
    with pytest.raises(Refused) as refusal:
        VOTED.name_dissent(anonymous=True)
    assert refusal.value.code == "outcome-voted"


def test_only_who_was_asked_signs_once_and_only_this_text() -> None:
    assert ASKED.unsigned == (LEAD, EXPERT)
    signed = ASKED.sign(signature(LEAD, ASKED))
    assert signed.unsigned == (EXPERT,)
    assert SIGNED.unsigned == ()
    assert {each.digest for each in SIGNED.signatures} == {SIGNED.digest()}
    for outcome, given, code in (
        (ASKED, signature(SECOND, ASKED), "sign-not-asked"),
        (VOTED, signature(LEAD, VOTED), "sign-not-asked"),
        (signed, signature(LEAD, ASKED), "sign-again"),
        (signed, signature(EXPERT, WRITTEN), "sign-other"),
    ):
        with pytest.raises(Refused) as refusal:
            outcome.sign(given)
        assert refusal.value.code == code
    with pytest.raises(Refused) as refusal:
        EMPTY.ask((LEAD,))
    assert refusal.value.code == "outcome-empty"


def test_a_missing_signature_can_be_waived_and_stays_known() -> None:
    signed = ASKED.sign(signature(LEAD, ASKED))
    closed = signed.waive()
    assert (closed.unsigned, closed.asked, closed.waived) == ((), (LEAD, EXPERT), (EXPERT,))
    for outcome in (VOTED, ASKED, SIGNED, closed):
        with pytest.raises(Refused) as refusal:
            outcome.waive()
        assert refusal.value.code == "waive-nobody"
    assert signed.recall() == VOTED


def test_a_proposal_gives_way_to_what_the_lead_writes() -> None:
    proposed = EMPTY.propose("Surgery", "Waiting (1/3)")
    assert (proposed.version, proposed.alternatives) == (EMPTY.version, "Waiting (1/3)")
    assert proposed.recommendations == (Recommendation(1, "Surgery", proposed=True),)
    written = proposed.recommend("Operate before nine months.")
    assert written.recommendations == (Recommendation(1, "Operate before nine months."),)
    taken = proposed.change(1, strength=Strength.STRONG).recommend("Scan.")
    assert [(line.id, line.text, line.proposed) for line in taken.recommendations] == [
        (1, "Surgery", False),
        (2, "Scan.", False),
    ]
    assert WRITTEN.propose("Surgery", "").recommendations == WRITTEN.recommendations
    assert WRITTEN.write(Section.ALTERNATIVES, "None.").propose("", "Waiting").alternatives == "None."


CHANGES: dict[str, Any] = {
    "question": "Operate now or wait!",
    "panel": (LEAD, EXPERT),
    "opinions": (replace(OPINION, answers={**OPINION.answers, "confidence": 5}),),
    "recommendations": (replace(WRITTEN.recommendations[0], text="Wait"), WRITTEN.recommendations[1]),
    "votes": VOTED.votes[:1],
    "version": 99,
    "amends": "00",
    "anonymous": True,
}
PROOF = {"signatures", "asked", "waived"}
"""What does not belong to the text: who has to sign it, and who has."""


@pytest.mark.parametrize("name", [field.name for field in fields(Outcome) if field.name not in PROOF])
def test_any_change_changes_the_digest(name: str) -> None:
    change: dict[str, Any] = {name: CHANGES.get(name, "x")}
    assert replace(VOTED, **change).digest() != VOTED.digest()


@pytest.mark.parametrize("field", fields(Recommendation), ids=lambda field: field.name)
def test_any_detail_of_a_recommendation_changes_the_digest(field: Any) -> None:
    values: dict[str, Any] = {
        "id": 9,
        "strength": Strength.STRONG,
        "direction": Direction.AGAINST,
        "evidence": Evidence.HIGH,
        "due": date(2027, 1, 1),
        "proposed": True,
    }
    changed = (
        WRITTEN.recommendations[1],
        replace(WRITTEN.recommendations[0], **{field.name: values.get(field.name, "x")}),
    )
    assert replace(VOTED, recommendations=changed[::-1]).digest() != VOTED.digest()


def test_signatures_are_no_part_of_what_is_signed() -> None:
    assert SIGNED.digest() == ASKED.digest() == VOTED.digest()


def test_the_digest_is_sha256_of_canonical_json_and_the_same_in_every_process() -> None:
    digest = VOTED.digest()
    assert len(bytes.fromhex(digest)) == 32
    program = "from tests.core.test_outcome import VOTED; print(VOTED.digest())"
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert again.stdout.strip() == digest
    reordered = replace(OPINION, answers=dict(reversed(OPINION.answers.items())))
    assert replace(VOTED, opinions=(reordered,)).digest() == digest


def test_an_amendment_names_what_it_takes_the_place_of() -> None:
    amended = SIGNED.amend(" The new scan. ")
    assert (amended.amends, amended.why, amended.version) == (SIGNED.digest(), "The new scan.", SIGNED.version + 1)
    assert (amended.votes, amended.signatures, amended.asked) == ((), (), ())
    assert amended.recommendations == SIGNED.recommendations
    assert amended.recommend("More.").amends == SIGNED.digest(), "the name of the one before stays"
    with pytest.raises(Refused) as refusal:
        VOTED.amend("Why?")
    assert refusal.value.code == "amend-unsigned"
    with pytest.raises(BadInput):
        SIGNED.amend(" ")


def test_what_is_empty_is_no_part_of_the_text_so_that_a_later_version_of_the_program_agrees() -> None:
    document = VOTED.document()
    assert "alternatives" not in document
    assert document["recommendations"][0] == {"id": 1, "text": "Wait.", "strength": "conditional", "direction": "for"}
    none = replace(OPINION, answers={"confidence": 0, "remarks": ""})
    assert replace(EMPTY, opinions=(none,)).document()["opinions"][0]["answers"] == {"confidence": 0}


OLD = """{"question": "Operate?", "panel": ["@lead:example.org", "@expert:example.org"], "opinions": [{"author":
"@expert:example.org", "form_id": "small", "form_version": "1", "answers": {"step": "watch", "concerns": ["a"],
"confidence": 4}, "version": 1, "at": "2026-03-05T12:00:00Z"}], "recommendation": %s, "evidence": "Two series.",
"follow_up": "", "votes": [{"by": "@expert:example.org", "agrees": false, "reason": "Too late.",
"at": "2026-03-05T12:00:00Z"}], "version": 3, "signature": %s}"""
OLD_SIGNATURE = '{"by": "@lead:example.org", "device_id": "D", "digest": "ab", "at": "2026-03-05T13:00:00Z"}'
STORED = TypeAdapter(Outcome)


def test_an_outcome_stored_with_one_text_and_one_signature_is_read() -> None:
    outcome = STORED.validate_json(OLD % ('"Wait."', OLD_SIGNATURE))
    assert outcome.recommendations == (Recommendation(1, "Wait."),)
    assert [(each.by, each.device_id, each.digest) for each in outcome.signatures] == [("@lead:example.org", "D", "ab")]
    assert outcome.dissents == (Dissent("@expert:example.org", "Too late."),)
    assert (outcome.evidence, outcome.version) == ("Two series.", 3)
    draft = STORED.validate_json(OLD % ('""', "null"))
    assert (draft.recommendations, draft.signatures) == ((), ())
    for each in (outcome, draft, SIGNED):
        assert STORED.validate_json(STORED.dump_json(each)) == each


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
