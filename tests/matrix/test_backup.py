"""The key backup: what other clients read, and what the homeserver cannot slip in."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
import vodozemac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from ernbot.matrix.backup import BackupKey
from ernbot.matrix.keys import decode, encode
from ernbot.matrix.megolm import Megolm
from ernbot.matrix.olm import MEGOLM, Olm
from ernbot.storage.records import RoomKey

PRIVATE = bytes(range(32))
SESSIONS = Megolm(Olm("@bot:hospital.example", "ERNBOT", bytes(32)), bytes(32))
KEY = BackupKey(PRIVATE, SESSIONS)
MAC = "org.matrix.msc4048.backup_mac"
ROOM, OTHER_ROOM = "!case:hospital.example", "!other:hospital.example"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def room_key(
    source: str = "direct",
    *,
    room_id: str = ROOM,
    index: int = 0,
    of: vodozemac.InboundGroupSession | None = None,
    sessions: Megolm = SESSIONS,
) -> RoomKey:
    """The key of a Megolm session, a new one unless given, from some message on."""
    whole = of or vodozemac.InboundGroupSession(vodozemac.GroupSession().session_key)
    exported = whole.export_at(index)
    assert exported is not None
    session = vodozemac.InboundGroupSession.import_session(exported)
    return RoomKey(
        room_id=room_id,
        session_id=session.session_id,
        sender_key=encode(bytes([5]) * 32),
        user_id="@ida:hospital.example",
        ed25519=encode(bytes([6]) * 32),
        source=source,
        first_index=index,
        pickle=sessions.pickled(session),
    )


def same(one: RoomKey, other: RoomKey | None) -> bool:
    """Equal apart from the pickles, which are random, and whose sessions must be the same."""
    if other is None:
        return False
    exported = [SESSIONS.session(key).export_at(one.first_index) for key in (one, other)]
    fields = [{**vars(key), "pickle": None} for key in (one, other)]
    return fields[0] == fields[1] and exported[0].to_base64() == exported[1].to_base64()  # type: ignore[union-attr]


def unlock(entry: object, key: RoomKey, *, room_id: str | None = None) -> RoomKey | None:
    return KEY.unlock(room_id or key.room_id, key.session_id, entry)


def opened(entry: dict[str, Any], private: bytes = PRIVATE) -> tuple[dict[str, Any], bytes]:
    """The text of an entry and its MAC key, by the specification's steps and none of our code."""
    data = entry["session_data"]
    theirs = X25519PublicKey.from_public_bytes(decode(data["ephemeral"]))
    shared = X25519PrivateKey.from_private_bytes(private).exchange(theirs)
    keys = HKDF(algorithm=SHA256(), length=80, salt=bytes(32), info=b"").derive(shared)
    decryptor = Cipher(AES256(keys[:32]), CBC(keys[64:])).decryptor()
    padded = decryptor.update(decode(data["ciphertext"])) + decryptor.finalize()
    return json.loads(padded[: -padded[-1]]), keys[32:64]


def forged(plain: object, mac_of: BackupKey | None = None, *, public: str = KEY.public) -> dict[str, Any]:
    """What somebody who knows the public key alone can put into the backup, or with `mac_of`, an insider."""
    theirs = vodozemac.Curve25519PublicKey.from_base64(public)
    text = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    message = vodozemac.PkEncryption.from_key(theirs).encrypt(text)
    data = {"ciphertext": message.ciphertext, "ephemeral": message.ephemeral_key, "mac": message.mac}
    encoded: dict[str, Any] = {name: encode(value) for name, value in data.items()}
    if mac_of is not None:
        encoded["unsigned"] = {MAC: encode(mac_of._mac(encoded))}
    return {"first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": encoded}


def repr_of(value: object) -> str:
    return repr(value)[:20]


# --- what is written


@pytest.mark.parametrize("source", ["direct", "forwarded", "backup"])
@pytest.mark.parametrize("index", [0, 3])
def test_a_session_comes_back_with_its_origin(source: str, index: int) -> None:
    key = room_key(source, index=index)
    assert same(key, unlock(KEY.lock(key), key))


def test_an_entry_is_what_the_specification_asks_for() -> None:
    key = room_key(index=2)
    entry = KEY.lock(key)
    assert set(entry) == {"first_message_index", "forwarded_count", "is_verified", "session_data"}
    assert (entry["first_message_index"], entry["forwarded_count"], entry["is_verified"]) == (2, 0, True)
    data = entry["session_data"]
    assert set(data) == {"ciphertext", "ephemeral", "mac", "unsigned"}
    assert "=" not in "".join(data[part] for part in ("ciphertext", "ephemeral", "mac"))
    plain, mac_key = opened(entry)
    assert plain["algorithm"] == MEGOLM
    assert plain["forwarding_curve25519_key_chain"] == []
    assert plain["sender_claimed_keys"] == {"ed25519": key.ed25519}
    assert plain["sender_key"] == key.sender_key
    session = vodozemac.InboundGroupSession.import_session(vodozemac.ExportedSessionKey(plain["session_key"]))
    assert (session.session_id, session.first_known_index) == (key.session_id, 2)
    # The MAC of the algorithm is over nothing: other clients would refuse one that is over the ciphertext.
    assert decode(data["mac"]) == hmac.new(mac_key, b"", hashlib.sha256).digest()[:8]


def test_our_mac_is_the_one_of_msc4048() -> None:
    data = KEY.lock(room_key())["session_data"]
    # HKDF (RFC 5869) by hand: extract without salt, expand to one block.
    extracted = hmac.new(bytes(32), PRIVATE, hashlib.sha256).digest()
    mac_key = hmac.new(extracted, b"MATRIX_BACKUP_MAC_KEY\x01", hashlib.sha256).digest()
    message = json.dumps({name: data[name] for name in ("ciphertext", "ephemeral", "mac")}, separators=(",", ":"))
    assert decode(data["unsigned"][MAC]) == hmac.new(mac_key, message.encode(), hashlib.sha256).digest()


def test_a_session_that_nobody_vouches_for_is_written_as_such() -> None:
    for source, said in (("direct", None), ("forwarded", "m.forwarded_room_key"), ("backup", "m.undefined")):
        entry = KEY.lock(room_key(source))
        assert opened(entry)[0].get("org.matrix.msc4048.unauthenticated") == said
        assert entry["is_verified"] is (source == "direct")


def test_the_server_learns_neither_session_nor_sender() -> None:
    key = room_key()
    text = json.dumps(KEY.lock(key))
    assert not any(secret in text for secret in (key.sender_key, key.ed25519, key.user_id, key.session_id))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_private_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        BackupKey(bytes(length), SESSIONS)


# --- what comes back from a homeserver that lies


def plain_of(key: RoomKey) -> dict[str, Any]:
    return opened(KEY.lock(key))[0]


def test_a_forged_session_without_mac_never_counts_as_received() -> None:
    key = room_key()
    found = unlock(forged(plain_of(key)), key)
    assert found is not None
    assert found.source == "backup"


def test_a_mac_of_another_session_or_another_key_is_none() -> None:
    key, other = room_key(), room_key()
    entry = forged(plain_of(key))
    macs = [
        KEY.lock(other)["session_data"]["unsigned"][MAC],
        KEY.lock(key)["session_data"]["unsigned"][MAC],
        forged(plain_of(key), BackupKey(bytes(32), SESSIONS))["session_data"]["unsigned"][MAC],
    ]
    for mac in macs:
        entry["session_data"]["unsigned"] = {MAC: mac}
        found = unlock(entry, key)
        assert found is not None
        assert found.source == "backup"


def test_a_session_under_the_name_of_another_is_refused() -> None:
    key, other = room_key(), room_key()
    assert KEY.unlock(ROOM, other.session_id, KEY.lock(key)) is None
    assert KEY.unlock(ROOM, other.session_id, forged(plain_of(key))) is None


def test_a_session_in_another_room_is_refused() -> None:
    """Our MAC is over a text that names the room, which the specification's format does not."""
    key = room_key()
    assert unlock(KEY.lock(key), key, room_id=OTHER_ROOM) is None


def test_a_session_that_names_no_room_is_never_vouched_for() -> None:
    """As another client with the private key would lock it: authentic, but the server chose the room."""
    key = room_key()
    plain = plain_of(key)
    del plain["eu.ern.backup"]
    found = unlock(forged(plain, KEY), key, room_id=OTHER_ROOM)
    assert found is not None
    assert (found.source, found.user_id) == ("backup", "")


def test_an_origin_that_we_do_not_know_is_none() -> None:
    key = room_key()
    origins: list[object] = ["org.example.somewhere", 7, [], ""]
    for origin in origins:
        found = unlock(forged({**plain_of(key), "org.matrix.msc4048.unauthenticated": origin}, KEY), key)
        assert found is not None
        assert found.source == "backup"


def test_a_changed_entry_never_counts_as_ours() -> None:
    key = room_key()
    for part in ("ciphertext", "ephemeral", "mac"):
        entry = KEY.lock(key)
        changed = bytearray(decode(entry["session_data"][part]))
        for place in range(len(changed)):
            changed[place] ^= 1
            entry["session_data"][part] = encode(bytes(changed))
            found = unlock(entry, key)
            assert found is None or found.source == "backup"
            changed[place] ^= 1


def test_what_is_added_to_an_entry_is_noticed() -> None:
    key = room_key()
    entry = KEY.lock(key)
    entry["session_data"]["more"] = 1
    found = unlock(entry, key)
    assert found is not None
    assert found.source == "backup"


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.pop("session_key"),
        lambda plain: plain.update(session_key="AQ"),
        lambda plain: plain.update(session_key=7),
        lambda plain: plain.pop("sender_key"),
        lambda plain: plain.update(sender_key=["list"]),
        lambda plain: plain.update(sender_claimed_keys={}),
        lambda plain: plain.update(sender_claimed_keys={"ed25519": 7}),
        lambda plain: plain.update(sender_claimed_keys="text"),
        lambda plain: plain.update(algorithm="m.other"),
        lambda plain: plain.update({"eu.ern.backup": "text"}),
        lambda plain: plain.update({"eu.ern.backup": {"room_id": ROOM}}),
        lambda plain: plain.update({"eu.ern.backup": {"room_id": ROOM, "user_id": 7}}),
    ],
)
def test_a_broken_text_is_no_session(change: Callable[[dict[str, Any]], object]) -> None:
    key = room_key()
    plain = plain_of(key)
    change(plain)
    assert unlock(forged(plain, KEY), key) is None


@pytest.mark.parametrize("plain", [None, 7, "text", [], {}, b"", b"\xff", b"{", b"[" * 100_000], ids=repr_of)
def test_a_text_that_is_no_object_is_no_session(plain: object) -> None:
    key = room_key()
    assert unlock(forged(plain, KEY), key) is None


@given(JSON)
def test_whatever_the_server_answers_is_a_session_or_nothing(entry: object) -> None:
    key = room_key()
    assert unlock(entry, key) is None
    assert unlock({"session_data": entry}, key) is None


@given(st.sampled_from(["ciphertext", "ephemeral", "mac", "unsigned"]), JSON)
def test_whatever_stands_in_for_a_part_is_survived(part: str, value: object) -> None:
    key = room_key()
    entry = copy.deepcopy(KEY.lock(key))
    entry["session_data"][part] = value
    found = unlock(entry, key)
    assert found is None or found.source == "backup"


def test_signatures_are_not_part_of_what_is_proved() -> None:
    """As the specification signs JSON: others may add signatures without breaking the MAC."""
    key = room_key()
    entry = KEY.lock(key)
    entry["session_data"]["signatures"] = {"@bot:hospital.example": {"ed25519:X": "abc"}}
    assert same(key, unlock(entry, key))
