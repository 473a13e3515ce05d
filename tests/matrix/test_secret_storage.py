"""Secret storage: what other clients wrote is read, what we write they can read, and nothing wrong ever opens."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import secret_storage
from ernbot.matrix.errors import RecoveryRefused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import decode, encode
from ernbot.matrix.secret_storage import (
    decode_recovery_key,
    decrypt,
    default_key_id,
    describe,
    encode_recovery_key,
    encrypt,
    fits,
    key_id,
    set_up,
    unlock,
)
from tests.fixtures_homeserver import Account
from tests.matrix.devices import log_in

KEY = bytes(range(32))
WORDS = "EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1"
SECRETS = {"m.cross_signing.master": bytes([1]) * 32, "m.megolm_backup.v1": bytes([2]) * 32}

keys = st.binary(min_size=32, max_size=32)

# The three below were made by matrix-js-sdk 43 with KEY.
THEIR_NAME, THEIR_SECRET = "m.cross_signing.master", "a secret of many words, ümläut"
THEIRS = {
    "iv": "z0Mm3LTXr5MgSTNnprpZAQ==",
    "ciphertext": "hN6+mlBtNUHhAdDUfHJmde7ExIyaIvD5i3gChjNa9f8=",
    "mac": "DPjViMFeeljoOfUV/CAKERpEKbcKIkiXJ2IvTRVEXjo=",
}
THEIR_DESCRIPTION = {
    "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
    "iv": "T7mNiDnNzjoJO9qXUEXXbQ==",
    "mac": "MoKnm1RVY8lrsKcMCbljtsMrcdaUR3dIvphkLPn6htE=",
}


def unpadded(value: dict[str, str]) -> dict[str, str]:
    return {name: text.rstrip("=") for name, text in value.items()}


# --- the recovery key


def test_a_recovery_key_is_written_as_other_clients_write_it() -> None:
    assert encode_recovery_key(KEY) == WORDS
    # The private key of Alice in RFC 7748, section 6.1, as matrix-js-sdk's own tests write it.
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    assert encode_recovery_key(alice).replace(" ", "") == "EsTcLW2KPGiFwKEA3As5g5c4BXwkqeeJZJV8Q9fugUMNUE4d"


@given(keys)
def test_a_recovery_key_comes_back(key: bytes) -> None:
    words = encode_recovery_key(key)
    assert [len(word) for word in words.split(" ")] == [4] * 12
    assert decode_recovery_key(words) == key


@pytest.mark.parametrize("text", [WORDS.replace(" ", ""), f"\n {WORDS.replace(' ', chr(9))}\r\n", " ".join(WORDS)])
def test_space_in_a_recovery_key_means_nothing(text: str) -> None:
    assert decode_recovery_key(text) == KEY


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_recovery_key_is_said_so(text: str) -> None:
    with pytest.raises(RecoveryRefused, match=r"^There is no recovery key: give it on the standard input\.$"):
        decode_recovery_key(text)


@pytest.mark.parametrize("letter", "0OIl-æ")
def test_a_letter_that_no_key_has_is_pointed_out(letter: str) -> None:
    with pytest.raises(RecoveryRefused, match=r"none of them 0, O, I or l\.$") as refused:
        decode_recovery_key(WORDS[:6] + letter + WORDS[7:])
    assert WORDS[:4] not in str(refused.value), "the key is not repeated"


@pytest.mark.parametrize(
    "text", [WORDS[:-1], WORDS + "1", "1" + WORDS, WORDS[5:], "hxyz", "z" * 48, "z" * 5000, WORDS[::-1]]
)
def test_what_is_no_key_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(RecoveryRefused, match=r"mistyped: compare it with the key as it was printed\.$"):
        decode_recovery_key(text)


@given(keys, st.data())
def test_a_mistyped_character_never_gives_the_key(key: bytes, data: st.DataObject) -> None:
    words = encode_recovery_key(key).replace(" ", "")
    place = data.draw(st.integers(0, len(words) - 1))
    letter = data.draw(st.sampled_from([letter for letter in secret_storage._BASE58 if letter != words[place]]))
    with contextlib.suppress(RecoveryRefused):
        assert decode_recovery_key(words[:place] + letter + words[place + 1 :]) != key


def test_most_mistyped_characters_are_noticed_at_once() -> None:
    """One byte of parity misses one mistake in 256; the check in the storage notices the rest."""
    words = WORDS.replace(" ", "")
    tries = refused = 0
    for place in range(len(words)):
        for letter in secret_storage._BASE58.replace(words[place], ""):
            tries += 1
            try:
                decode_recovery_key(words[:place] + letter + words[place + 1 :])
            except RecoveryRefused:
                refused += 1
    assert refused / tries > 0.98


# --- one secret


@given(keys, st.text(max_size=80), st.text(max_size=80))
def test_a_secret_comes_back(key: bytes, name: str, secret: str) -> None:
    stored = encrypt(key, name, secret)
    assert decrypt(key, name, stored) == secret
    assert not any("=" in text for text in stored.values())


def test_a_secret_of_another_client_is_read_padded_or_not() -> None:
    for stored in (THEIRS, unpadded(THEIRS)):
        assert decrypt(KEY, THEIR_NAME, stored) == THEIR_SECRET


def test_the_same_secret_never_looks_the_same() -> None:
    assert encrypt(KEY, "name", "secret") != encrypt(KEY, "name", "secret")


def test_bit_63_of_the_counter_is_clear() -> None:
    ivs = [decode(encrypt(KEY, "name", "secret")["iv"]) for _ in range(64)]
    assert not any(iv[8] & 0x80 for iv in ivs)


@pytest.mark.parametrize("part", ["iv", "ciphertext", "mac"])
@pytest.mark.parametrize("wrong", ["missing", "number", "base64", "short", "changed", "empty"])
def test_a_broken_secret_is_a_value_error(part: str, wrong: str) -> None:
    stored: dict[str, Any] = copy.deepcopy(THEIRS)
    values = {"number": 7, "base64": "*", "short": "YQ", "changed": encrypt(KEY, "else", "x" * 32)[part], "empty": ""}
    if wrong == "missing":
        del stored[part]
    else:
        stored[part] = values[wrong]
    if (part, wrong) == ("iv", "changed"):
        # The iv is not authenticated by the specification's MAC: another one gives another text, or none.
        with contextlib.suppress(ValueError):
            assert decrypt(KEY, THEIR_NAME, stored) != THEIR_SECRET
        return
    with pytest.raises(ValueError, match=r"."):
        decrypt(KEY, THEIR_NAME, stored)


@pytest.mark.parametrize("stored", [None, [], "text", {}, 7])
def test_what_is_no_secret_is_a_value_error(stored: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        decrypt(KEY, THEIR_NAME, stored)


def test_a_secret_opens_under_its_own_name_and_key_alone() -> None:
    for key, name in ((KEY, "m.cross_signing.self_signing"), (bytes(32), THEIR_NAME)):
        with pytest.raises(ValueError, match="does not belong to this key and name"):
            decrypt(key, name, THEIRS)


# --- the description of a key


@given(keys, keys)
def test_a_key_is_recognised_by_its_description(key: bytes, other: bytes) -> None:
    description = describe(key)
    assert set(description) == {"algorithm", "iv", "mac"}
    assert fits(key, description)
    assert fits(other, description) == (other == key)


def test_the_description_of_another_client_is_understood() -> None:
    for description in (THEIR_DESCRIPTION, unpadded(THEIR_DESCRIPTION)):
        assert fits(KEY, description)
        assert not fits(bytes(32), description)


@pytest.mark.parametrize(
    "change",
    [{"algorithm": "m.other"}, {"iv": 7}, {"iv": "YQ"}, {"mac": None}, {"mac": "*"}, {"mac": ""}, {"iv": ""}],
)
def test_a_broken_description_fits_no_key(change: dict[str, Any]) -> None:
    assert not fits(KEY, {**THEIR_DESCRIPTION, **change})
    without = {name: value for name, value in THEIR_DESCRIPTION.items() if name not in change}
    assert not fits(KEY, without)


def test_a_description_without_a_check_fits_as_the_specification_says() -> None:
    assert fits(KEY, {"algorithm": secret_storage.ALGORITHM})


# --- on the homeserver


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]]) -> AsyncIterator[Gateway]:
    gateway = await log_in(homeserver, await new_account("bot"))
    yield gateway
    await gateway.close()


@pytest.mark.homeserver
async def test_account_data_comes_back(gateway: Gateway) -> None:
    assert await gateway.account_data("eu.ern.test/with a slash") is None
    await gateway.put_account_data("eu.ern.test/with a slash", {"words": "blå"})
    assert await gateway.account_data("eu.ern.test/with a slash") == {"words": "blå"}


@pytest.mark.homeserver
async def test_what_was_locked_is_unlocked_with_the_same_key(gateway: Gateway) -> None:
    assert await default_key_id(gateway) is None
    await set_up(gateway, KEY, SECRETS)
    assert await default_key_id(gateway) == key_id(KEY)
    assert await unlock(gateway, KEY, SECRETS) == SECRETS
    kept = [await gateway.account_data(name) for name in SECRETS]
    for secret in SECRETS.values():
        assert encode(secret) not in str(kept), "the homeserver cannot read it"


@pytest.mark.homeserver
async def test_setting_up_again_is_the_same_storage(gateway: Gateway) -> None:
    await set_up(gateway, KEY, SECRETS)
    await set_up(gateway, KEY, SECRETS)
    assert await unlock(gateway, KEY, SECRETS) == SECRETS


@pytest.mark.homeserver
async def test_a_storage_of_another_key_is_left_alone(gateway: Gateway) -> None:
    await set_up(gateway, KEY, SECRETS)
    with pytest.raises(RecoveryRefused, match=r"locked with another recovery key\. Run `ernbot identity recover`"):
        await set_up(gateway, bytes(32), {name: bytes(32) for name in SECRETS})
    assert await unlock(gateway, KEY, SECRETS) == SECRETS


@pytest.mark.homeserver
async def test_a_half_made_storage_is_no_default(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    put = gateway.put_account_data

    async def dying(type: str, content: dict[str, Any]) -> None:
        if type == list(SECRETS)[-1]:
            raise KeyboardInterrupt
        await put(type, content)

    monkeypatch.setattr(gateway, "put_account_data", dying)
    with pytest.raises(KeyboardInterrupt):
        await set_up(gateway, KEY, SECRETS)
    monkeypatch.undo()
    assert await default_key_id(gateway) is None
    await set_up(gateway, KEY, SECRETS)
    assert await unlock(gateway, KEY, SECRETS) == SECRETS


@pytest.mark.homeserver
async def test_nothing_to_unlock_is_said_so(gateway: Gateway) -> None:
    with pytest.raises(RecoveryRefused, match=r"holds no secret storage of @bot.* Restore the database"):
        await unlock(gateway, KEY, SECRETS)


@pytest.mark.homeserver
async def test_the_wrong_key_is_said_so(gateway: Gateway) -> None:
    await set_up(gateway, KEY, SECRETS)
    with pytest.raises(RecoveryRefused, match="not the recovery key of @bot"):
        await unlock(gateway, bytes(32), SECRETS)


@pytest.mark.homeserver
@pytest.mark.parametrize("what", ["missing", "swapped", "short", "text", "no description", "no check", "default"])
async def test_a_storage_that_the_homeserver_changed_is_refused(gateway: Gateway, what: str) -> None:
    await set_up(gateway, KEY, SECRETS)
    ours, (first, second) = key_id(KEY), SECRETS
    broken: dict[str, tuple[str, dict[str, Any]]] = {
        "missing": (second, {}),
        "swapped": (second, await gateway.account_data(first) or {}),
        "short": (second, {"encrypted": {ours: encrypt(KEY, second, "YQ")}}),
        "text": (second, {"encrypted": "text"}),
        "no description": (f"m.secret_storage.key.{ours}", {}),
        "no check": (f"m.secret_storage.key.{ours}", {"algorithm": secret_storage.ALGORITHM}),
        "default": ("m.secret_storage.default_key", {"key": ["list"]}),
    }
    await gateway.put_account_data(*broken[what])
    key = bytes(32) if what == "no check" else KEY
    with pytest.raises(RecoveryRefused, match=r"\.$"):
        await unlock(gateway, key, SECRETS)
