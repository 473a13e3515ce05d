"""How sure we have to be: every combination of policy, action and sender, and what is told of a fingerprint."""

from __future__ import annotations

from itertools import product

from ernbot.core.assurance import RECORDS, Assurance, Policy, beginning, doubt, grouped
from ernbot.core.states import Action

NONE, SIGNED, UNCHANGED, VERIFIED = Assurance
SETTABLE = (SIGNED, UNCHANGED, VERIFIED)
POLICIES = [Policy(*values) for values in product(SETTABLE, SETTABLE, (SIGNED, UNCHANGED))]
ACTIONS: tuple[Action | None, ...] = (None, *Action)


def test_by_default_only_what_counts_as_a_signature_or_cannot_be_undone_asks_for_more_than_a_signed_device() -> None:
    asks_more = {action for action in ACTIONS if Policy().needs(action) is not SIGNED}
    assert asks_more == RECORDS
    assert asks_more == {
        *(Action.GIVE_CONSENT, Action.VOTE, Action.SEND_TO_SIGNING, Action.SIGN),
        *(Action.TAKE_OVER, Action.ERASE),
        *(Action.RATE, Action.ANSWER_POLL),
    }
    assert {Policy().needs(action) for action in asks_more} == {UNCHANGED}


def test_no_policy_lets_an_unsigned_device_do_anything() -> None:
    for policy, action in product(POLICIES, ACTIONS):
        assert doubt(NONE, policy.needs(action)) == "device-unknown"


def test_withdrawing_consent_is_never_harder_than_asking_for_help() -> None:
    for policy in POLICIES:
        assert policy.needs(Action.WITHDRAW_CONSENT) is policy.needs(None)


def test_a_record_is_never_easier_than_a_command_and_neither_than_reading_the_answer() -> None:
    for policy, record in product(POLICIES, RECORDS):
        assert policy.needs(record) == max(policy.records, policy.needs(None))
        assert policy.needs(None) == max(policy.commands, policy.room_keys)


def test_more_includes_less_and_each_doubt_has_its_reason() -> None:
    for sure, needed in product(Assurance, SETTABLE):
        reason = doubt(sure, needed)
        if sure >= needed:
            assert reason is None
        else:
            assert (
                reason == {NONE: "device-unknown", SIGNED: "identity-changed", UNCHANGED: "identity-unverified"}[sure]
            )


def test_a_fingerprint_is_told_by_its_beginning_and_shown_in_groups() -> None:
    assert beginning("abcdefghijk") == "abcdefgh"
    assert (beginning(None), beginning("")) == ("–", "–")
    assert grouped("abcdefghijk") == "abcd efgh ijk"
