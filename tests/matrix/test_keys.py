"""Signed JSON: our own signatures verify, also by another library; whatever is malformed is simply not signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import vodozemac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ernbot.matrix.keys import canonical, decode, encode, public, signed, verifies

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
USER = "@ida:hospital.example"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def test_canonical_json_is_sorted_compact_utf8_without_what_was_added_later() -> None:
    value = {"b": "æ", "a": {"z": 1, "c": [True, None]}, "signatures": {}, "unsigned": {"age": 1}}
    assert canonical(value) == '{"a":{"c":[true,null],"z":1},"b":"æ"}'.encode()


def test_only_the_outermost_signatures_are_left_out() -> None:
    assert canonical({"inner": {"signatures": 1, "unsigned": 2}}) == b'{"inner":{"signatures":1,"unsigned":2}}'


@given(st.binary(max_size=80))
def test_base64_is_unpadded_and_comes_back_padded_or_not(data: bytes) -> None:
    text = encode(data)
    assert "=" not in text
    assert decode(text) == decode(text + "=" * (-len(text) % 4)) == data


@pytest.mark.parametrize("text", ["a", "*", "ab cd", "æøå", "YQ==YQ==", "YQ\n"])
def test_what_is_no_base64_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_a_signature_verifies_here_and_with_an_independent_implementation() -> None:
    value = signed({"user_id": USER, "words": "blå"}, USER, "DEVICE", KEY)
    assert verifies(value, USER, "DEVICE", public(KEY))
    signature = value["signatures"][USER]["ed25519:DEVICE"]
    vodozemac.Ed25519PublicKey.from_base64(public(KEY)).verify_signature(
        json.dumps({"user_id": USER, "words": "blå"}, ensure_ascii=False, separators=(",", ":")).encode(),
        vodozemac.Ed25519Signature.from_base64(signature),
    )


def test_signing_adds_to_the_signatures_and_leaves_the_original_alone() -> None:
    once = signed({"a": 1}, USER, "ONE", KEY)
    twice = signed(once, USER, "TWO", KEY)
    assert set(once["signatures"][USER]) == {"ed25519:ONE"}
    assert verifies(twice, USER, "ONE", public(KEY))
    assert verifies(twice, USER, "TWO", public(KEY))


def test_a_signature_does_not_hold_for_anything_else() -> None:
    value = signed({"a": 1}, USER, "DEVICE", KEY)
    other = public(Ed25519PrivateKey.generate())
    assert not verifies({**value, "a": 2}, USER, "DEVICE", public(KEY))
    assert not verifies({**value, "b": 2}, USER, "DEVICE", public(KEY))
    assert not verifies(value, "@eve:hospital.example", "DEVICE", public(KEY))
    assert not verifies(value, USER, "OTHER", public(KEY))
    assert not verifies(value, USER, "DEVICE", other)


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        "text",
        {USER: None},
        {USER: [1]},
        {USER: "text"},
        {USER: {"ed25519:DEVICE": None}},
        {USER: {"ed25519:DEVICE": {}}},
        {USER: {"ed25519:DEVICE": ["YQ"]}},
        {USER: {"ed25519:DEVICE": ""}},
        {USER: {"ed25519:DEVICE": "YQ"}},
        {USER: {"ed25519:DEVICE": "æøå"}},
        {USER: {"ed25519:DEVICE": "\ud800"}},
    ],
)
def test_a_malformed_signature_is_none(signatures: Any) -> None:
    assert not verifies({"a": 1, "signatures": signatures}, USER, "DEVICE", public(KEY))


@pytest.mark.parametrize(
    "hostile", [{"a": "\ud800"}, {"a": deep(5000)}, {"a": 10**5000}], ids=["surrogate", "nested", "huge number"]
)
def test_an_object_that_cannot_be_written_down_is_not_signed(hostile: dict[str, Any]) -> None:
    signatures = signed({}, USER, "DEVICE", KEY)["signatures"]
    assert not verifies({**hostile, "signatures": signatures}, USER, "DEVICE", public(KEY))


@pytest.mark.parametrize("key", ["", "YQ", "*", "æ", "\ud800"])
def test_a_malformed_public_key_verifies_nothing(key: str) -> None:
    assert not verifies(signed({"a": 1}, USER, "DEVICE", KEY), USER, "DEVICE", key)


@given(JSON)
def test_nothing_verifies_by_chance_and_nothing_raises(value: Any) -> None:
    assert not verifies(value, USER, "DEVICE", public(KEY))
    assert not verifies({"signatures": value}, USER, "DEVICE", public(KEY))
    assert not verifies({"signatures": {USER: {"ed25519:DEVICE": value}}}, USER, "DEVICE", public(KEY))
