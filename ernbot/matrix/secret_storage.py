"""Secret storage (4S): the bot's private keys on the homeserver, locked with a key that only the administrator has.

Whoever has the recovery key is the bot, and without it the homeserver has noise. The recovery key is made here, printed
by the command line, and must never be kept beside what it locks or reach a log. Specification: client-server API,
"Secrets", algorithm `m.secret_storage.v1.aes-hmac-sha2`; the key's words: appendix "Cryptographic key representation".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import reduce
from hmac import compare_digest
from operator import xor
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ernbot.matrix.errors import RecoveryRefused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import decode, encode

ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2"
KEY_BYTES = 32
_DEFAULT_KEY = "m.secret_storage.default_key"
_KEY = "m.secret_storage.key."
_ZEROS = bytes(32)

_PREFIX = b"\x8b\x01"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = 48
"""Characters of a recovery key without its spaces."""


def generate_recovery_key() -> bytes:
    """A new key for the secret storage, 32 bytes."""
    return os.urandom(KEY_BYTES)


def encode_recovery_key(key: bytes) -> str:
    """The key as people keep it: base58 in groups of four characters, with a byte that shows mistakes."""
    data = _PREFIX + key
    number = int.from_bytes(data + bytes([reduce(xor, data)]))
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def decode_recovery_key(text: str) -> bytes:
    """The key out of what somebody typed, with whatever space between the characters.

    Raises:
        RecoveryRefused: it is no recovery key.
    """
    digits = "".join(text.split())
    if not digits:
        raise RecoveryRefused("There is no recovery key: give it on the standard input.")
    if not all(digit in _BASE58 for digit in digits):
        raise RecoveryRefused("This is no recovery key: it has letters and digits only, none of them 0, O, I or l.")
    number = reduce(lambda value, digit: value * 58 + _BASE58.index(digit), digits[:_DIGITS], 0)
    key = number.to_bytes(KEY_BYTES + 4)[-KEY_BYTES - 1 : -1]
    # Prefix, parity and length are right when this is how the key is written.
    if encode_recovery_key(key).replace(" ", "") != digits:
        raise RecoveryRefused(
            "This is no recovery key, or one of its characters was mistyped: compare it with the key as it was printed."
        )
    return key


# --- one secret


def encrypt(key: bytes, name: str, secret: str) -> dict[str, str]:
    """A secret as it is stored; the name is part of the encryption, so that no secret can be passed off as another."""
    cipher_key, mac_key = _derive(key, name)
    iv = bytearray(os.urandom(16))
    iv[8] &= 0x7F  # implementations of AES-CTR differ in how they count beyond bit 63
    encryptor = Cipher(AES256(cipher_key), CTR(bytes(iv))).encryptor()
    ciphertext = encryptor.update(secret.encode()) + encryptor.finalize()
    return {"iv": encode(bytes(iv)), "ciphertext": encode(ciphertext), "mac": encode(_mac(mac_key, ciphertext))}


def decrypt(key: bytes, name: str, stored: object) -> str:
    """The secret of this name.

    Raises:
        ValueError: it was locked with another key or under another name, was changed, or is malformed.
    """
    if not isinstance(stored, Mapping):
        raise ValueError("a stored secret is an object")
    iv, ciphertext, mac = (_bytes(stored.get(part)) for part in ("iv", "ciphertext", "mac"))
    cipher_key, mac_key = _derive(key, name)
    if len(iv) != 16 or not compare_digest(mac, _mac(mac_key, ciphertext)):
        raise ValueError("a stored secret does not belong to this key and name")
    decryptor = Cipher(AES256(cipher_key), CTR(iv)).decryptor()
    return (decryptor.update(ciphertext) + decryptor.finalize()).decode()


def describe(key: bytes) -> dict[str, Any]:
    """The description of a key, by which it is recognised: 32 zero bytes, encrypted under an empty name."""
    check = encrypt(key, "", _ZEROS.decode())
    return {"algorithm": ALGORITHM, "iv": check["iv"], "mac": check["mac"]}


def fits(key: bytes, description: Mapping[str, Any]) -> bool:
    """Whether a description is the one of this key. One without a check fits any key, as the specification says."""
    if description.get("algorithm") != ALGORITHM:
        return False
    if "iv" not in description and "mac" not in description:
        return True
    try:
        iv, mac = _bytes(description.get("iv")), _bytes(description.get("mac"))
        cipher_key, mac_key = _derive(key, "")
        encryptor = Cipher(AES256(cipher_key), CTR(iv)).encryptor()
    except ValueError:
        return False
    return compare_digest(mac, _mac(mac_key, encryptor.update(_ZEROS) + encryptor.finalize()))


def _derive(key: bytes, name: str) -> tuple[bytes, bytes]:
    """The keys of encryption and of authentication for a secret."""
    both = HKDF(algorithm=SHA256(), length=64, salt=_ZEROS, info=name.encode()).derive(key)
    return both[:32], both[32:]


def _mac(key: bytes, data: bytes) -> bytes:
    mac = HMAC(key, SHA256())
    mac.update(data)
    return mac.finalize()


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("base64 is text")
    return decode(value)


# --- the storage of an account


async def default_key_id(gateway: Gateway) -> str | None:
    """The id of the key that locks the account's secrets; None when nobody has set up a secret storage."""
    key_id = (await gateway.account_data(_DEFAULT_KEY) or {}).get("key")
    return key_id if isinstance(key_id, str) else None


def key_id(key: bytes) -> str:
    """The id of a key of ours. It follows from the key, so that setting up once more sets up the same."""
    return HKDF(algorithm=SHA256(), length=16, salt=None, info=b"ernbot|secret-storage-key-id").derive(key).hex()


async def set_up(gateway: Gateway, key: bytes, secrets: Mapping[str, bytes]) -> None:
    """Lock these private keys with `key` and make it the account's default; harmless to repeat.

    Raises:
        RecoveryRefused: the account's secrets are locked with another key.
    """
    ours = key_id(key)
    if await default_key_id(gateway) not in (None, ours):
        raise RecoveryRefused(
            f"The account {gateway.user_id} has a secret storage already, locked with another recovery key. "
            "Run `ernbot identity recover` with that key."
        )
    await gateway.put_account_data(_KEY + ours, describe(key))
    for name, secret in secrets.items():
        await gateway.put_account_data(name, {"encrypted": {ours: encrypt(key, name, encode(secret))}})
    # Last: what is the default is complete.
    await gateway.put_account_data(_DEFAULT_KEY, {"key": ours})


async def unlock(gateway: Gateway, key: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """The private keys of these names, 32 bytes each.

    Raises:
        RecoveryRefused: there is no secret storage, `key` is not its key, or it lacks one of these.
    """
    default = await default_key_id(gateway)
    if default is None:
        raise RecoveryRefused(
            f"The homeserver holds no secret storage of {gateway.user_id}, so there is nothing to recover from. "
            "Restore the database, or check homeserver.user."
        )
    description = await gateway.account_data(_KEY + default)
    if description is None or not fits(key, description):
        raise RecoveryRefused(
            f"This is not the recovery key of {gateway.user_id}: it may be another installation's, or an older one."
        )
    found = {}
    for name in names:
        stored = await gateway.account_data(name) or {}
        encrypted = stored.get("encrypted")
        try:
            secret = decode(decrypt(key, name, encrypted.get(default) if isinstance(encrypted, dict) else None))
            if len(secret) != KEY_BYTES:
                raise ValueError("a private key has 32 bytes")
        except ValueError:
            raise RecoveryRefused(
                f"The secret storage of {gateway.user_id} lacks a readable {name}: somebody changed it. "
                "Restore the database instead."
            ) from None
        found[name] = secret
    return found
