"""The vault: values open in their own place alone, keys can be destroyed, and the master key can change."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from ernbot.config import ConfigError, VaultSettings
from ernbot.storage.errors import Shredded, Tampered, WrongKey
from ernbot.storage.vault import (
    CACHED_KEYS,
    DataKey,
    Keyring,
    Vault,
    bound,
    generate_master_key,
    parse_master_key,
    read_master_keys,
    seal,
    unseal,
)

KEY = DataKey.of(b"k" * 32, b"")
PLACE = bound("cases", "content", ["c-1"], "case:c-1")


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_in_its_place(plaintext: bytes) -> None:
    sealed = seal(KEY, plaintext, PLACE)
    assert unseal(KEY, sealed, PLACE) == plaintext
    assert seal(KEY, plaintext, PLACE) != sealed


@pytest.mark.parametrize(
    "other",
    [
        bound("inbox", "content", ["c-1"], "case:c-1"),
        bound("cases", "facts", ["c-1"], "case:c-1"),
        bound("cases", "content", ["c-2"], "case:c-1"),
        bound("cases", "content", ["c-1"], "case:c-2"),
    ],
)
def test_a_moved_value_does_not_open(other: str) -> None:
    with pytest.raises(Tampered, match="changed or moved"):
        unseal(KEY, seal(KEY, b"word", PLACE), other)


def test_keys_of_rows_with_odd_ids_do_not_run_together() -> None:
    assert bound("dialogues", "data", ["!a|b", "c"], "s") != bound("dialogues", "data", ["!a", "b|c"], "s")


def test_every_changed_byte_is_noticed() -> None:
    sealed = seal(KEY, b"word", PLACE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises((Tampered, Shredded)):
            unseal(KEY, bytes(changed), PLACE)


@pytest.mark.parametrize("length", [0, 1, 9, 20, 36])
def test_a_shortened_value_is_noticed(length: int) -> None:
    with pytest.raises((Tampered, Shredded)):
        unseal(KEY, seal(KEY, b"word", PLACE)[:length], PLACE)


def test_a_successor_of_a_destroyed_key_says_so() -> None:
    with pytest.raises(Shredded, match="gone for good"):
        unseal(DataKey.of(b"n" * 32, b""), seal(KEY, b"word", PLACE), PLACE)


def test_a_wrapped_key_opens_for_its_scope_alone() -> None:
    ring = Keyring(b"m" * 32)
    wrapped = ring.wrap("case:1", b"d" * 32)
    assert ring.unwrap("case:1", wrapped, ring.current_id) == b"d" * 32
    with pytest.raises(Tampered):
        ring.unwrap("case:2", wrapped, ring.current_id)


def test_an_unknown_master_key_is_one_sentence_without_key_material() -> None:
    old, new = Keyring(b"o" * 32), Keyring(b"n" * 32)
    wrapped = old.wrap("root", b"d" * 32)
    with pytest.raises(WrongKey) as caught:
        new.unwrap("root", wrapped, old.current_id)
    text = str(caught.value)
    assert "vault.previous_key_files" in text
    assert old.current_id in text
    assert text.count(".") == 2  # one dotted setting, one full stop
    assert not isinstance(caught.value.__cause__, InvalidTag)


def test_previous_master_keys_open_and_the_current_one_wraps() -> None:
    old = Keyring(b"o" * 32)
    ring = Keyring(b"n" * 32, [b"o" * 32])
    assert ring.unwrap("root", old.wrap("root", b"d" * 32), old.current_id) == b"d" * 32
    assert ring.current_id != old.current_id


def test_derived_secrets_differ_by_purpose_and_not_by_master_key() -> None:
    vault = Vault(Keyring(b"m" * 32), b"r" * 32)
    assert len(vault.derive("audit")) == 32
    assert vault.derive("audit") != vault.derive("crypto-store")
    assert vault.derive("audit") == Vault(Keyring(b"x" * 32), b"r" * 32).derive("audit")


def test_the_memory_of_keys_is_bounded_and_keeps_those_in_use() -> None:
    vault = Vault(Keyring(b"m" * 32), b"r" * 32)
    vault.remember("first", KEY)
    for number in range(CACHED_KEYS - 1):
        vault.remember(f"room:{number}", KEY)
    assert vault.cached("first") is KEY
    vault.remember("one more", KEY)
    assert vault.cached("first") is KEY
    assert vault.cached("room:0") is None


def test_a_generated_master_key_can_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = generate_master_key(), generate_master_key()
    assert old != new
    (tmp_path / "new").write_text(new + "\n")
    (tmp_path / "old").write_text(old)
    settings = VaultSettings(key_file=tmp_path / "new", previous_key_files=(tmp_path / "old",))
    assert read_master_keys(settings) == (base64.b64decode(new), (base64.b64decode(old),))
    monkeypatch.setenv("MASTER", new)
    assert read_master_keys(VaultSettings(key_env="MASTER")) == (base64.b64decode(new), ())


@pytest.mark.parametrize("text", ["", "no base64!", "c2hvcnQ=", base64.b64encode(b"x" * 33).decode(), "ключ"])
def test_what_is_no_master_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^key\.txt: the master key must be 32 random bytes in base64$"):
        parse_master_key(text, "key.txt")
