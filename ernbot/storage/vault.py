"""Encryption at rest: one data key per scope, each wrapped by the master key, and secrets derived from a root.

A scope is `case:<id>`, `room:<room id>`, `lane:<lane>`, `system` or `root`. Deleting a scope's wrapped key makes all
that it sealed unreadable for good. Values are AES-256-GCM with random 96-bit nonces (NIST SP 800-38D) and the identity
of their row as associated data, so that a value moved to another row does not open. This module does no I/O on the
database; keys in the clear never leave memory.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from json.encoder import encode_basestring_ascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ernbot.config import ConfigError, VaultSettings, read_secret
from ernbot.storage.errors import Shredded, Tampered, WrongKey

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 8
VERSION = b"\x01"
"""First byte of everything sealed or wrapped; another one is a format that this program does not know."""

CACHED_KEYS = 1024

ROOT = "root"
SYSTEM = "system"


def generate_master_key() -> str:
    """A new master key as base64, as `key_file` holds it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def parse_master_key(text: str, source: str) -> bytes:
    """The 32 bytes of a master key.

    Raises:
        ConfigError: the text is not 32 bytes in base64.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{source}: the master key must be {KEY_BYTES} random bytes in base64")
    return key


def read_master_keys(settings: VaultSettings) -> tuple[bytes, tuple[bytes, ...]]:
    """The current master key and the previous ones.

    Raises:
        ConfigError: one is missing or is no key.
    """
    source = str(settings.key_file or f"environment variable {settings.key_env}")
    current = parse_master_key(read_secret(settings.key_file, settings.key_env, "master key"), source)
    previous = tuple(
        parse_master_key(read_secret(file, None, "previous master key"), str(file))
        for file in settings.previous_key_files
    )
    return current, previous


def _expand(key: bytes, purpose: str, length: int = KEY_BYTES) -> bytes:
    """A key derived by HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"ernbot|{purpose}".encode()).derive(key)


@dataclass(frozen=True)
class DataKey:
    """A data key ready for use; `wrapped` is how the table holds it."""

    cipher: AESGCM
    wrapped: bytes
    _key: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes, wrapped: bytes) -> DataKey:
        return cls(AESGCM(key), wrapped, key)

    @cached_property
    def id(self) -> bytes:
        """Names it in all that it seals, so that a successor is never mistaken for it."""
        return _expand(self._key, "data-key-id", KEY_ID_BYTES)

    @property
    def secret(self) -> bytes:
        """32 bytes derived from it, for what has to fit together within its scope; few scopes are asked for it."""
        return _expand(self._key, "data-key-secret")


def bound(table: str, column: str, key: Sequence[str], scope: str) -> str:
    """The identity of one stored value, as a list in JSON, which keeps ids with odd characters apart."""
    return _listed(table, column, *key, scope)


def _listed(*texts: str) -> str:
    """Texts as `json.dumps` writes a list of them, in a third of the time: every value that is opened needs one."""
    return f"[{', '.join(map(encode_basestring_ascii, texts))}]"


def seal(key: DataKey, plaintext: bytes, bound: str) -> bytes:
    """`version | key id | nonce | ciphertext and tag`, bound to its place."""
    nonce = os.urandom(NONCE_BYTES)
    head = VERSION + key.id
    return head + nonce + key.cipher.encrypt(nonce, plaintext, head + bound.encode())


def unseal(key: DataKey, sealed: bytes, bound: str) -> bytes:
    """What was sealed for this place.

    Raises:
        Shredded: it was sealed with an earlier key of this scope, which was destroyed.
        Tampered: it was changed, or belongs to another place.
    """
    head, rest = sealed[: 1 + KEY_ID_BYTES], sealed[1 + KEY_ID_BYTES :]
    if head[:1] != VERSION:
        raise Tampered(f"The stored value {bound} has an unknown format: restore it from a backup.")
    try:
        return key.cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + bound.encode())
    except (InvalidTag, ValueError):
        if head[1:] != key.id:
            raise Shredded(
                f"The key of the stored value {bound} was destroyed: its content is gone for good."
            ) from None
        raise Tampered(f"The stored value {bound} was changed or moved: restore it from a backup.") from None


class Keyring:
    """The master keys: the current one wraps, all of them unwrap."""

    def __init__(self, current: bytes, previous: Sequence[bytes] = ()) -> None:
        self._masters = {_master_id(key): AESGCM(key) for key in (current, *previous)}
        self.current_id = _master_id(current)

    def wrap(self, scope: str, key: bytes) -> bytes:
        """A data key as the table holds it, under the current master key."""
        nonce = os.urandom(NONCE_BYTES)
        aad = _wrap_aad(scope, self.current_id)
        return VERSION + nonce + self._masters[self.current_id].encrypt(nonce, key, aad)

    def unwrap(self, scope: str, wrapped: bytes, master_id: str) -> bytes:
        """The data key in the clear.

        Raises:
            WrongKey: none of the master keys is the one that wrapped it.
            Tampered: the stored key was changed or belongs to another scope.
        """
        master = self._masters.get(master_id)
        if master is None:
            raise WrongKey(
                f"The database was encrypted with another master key (its id is {master_id}): "
                "put that key in place, or name its file in vault.previous_key_files."
            )
        try:
            nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
            return master.decrypt(nonce, sealed, _wrap_aad(scope, master_id))
        except (InvalidTag, ValueError):
            raise Tampered(f"The stored key of {scope} was changed or moved: restore it from a backup.") from None


def _master_id(key: bytes) -> str:
    return _expand(key, "master-key-id", KEY_ID_BYTES).hex()


def _wrap_aad(scope: str, master_id: str) -> bytes:
    return VERSION + _listed("vault_keys", scope, master_id).encode()


class Vault:
    """The master keys, the root secret, and the data keys in use, of which at most `CACHED_KEYS` are remembered."""

    def __init__(self, keyring: Keyring, root: bytes) -> None:
        self.keyring = keyring
        self._root = root
        self._keys: OrderedDict[str, DataKey] = OrderedDict()

    def derive(self, purpose: str) -> bytes:
        """32 bytes for a purpose such as `audit` or `crypto-store`; the same under every master key."""
        return _expand(self._root, f"derive|{purpose}")

    def new_key(self, scope: str) -> DataKey:
        """A fresh data key, which is remembered only once its row is committed."""
        key = os.urandom(KEY_BYTES)
        return DataKey.of(key, self.keyring.wrap(scope, key))

    def open_key(self, scope: str, wrapped: bytes, master_id: str) -> DataKey:
        """The data key that a committed row holds.

        Raises:
            WrongKey, Tampered: see `Keyring.unwrap`.
        """
        known = self.cached(scope)
        if known is None or known.wrapped != wrapped:
            known = DataKey.of(self.keyring.unwrap(scope, wrapped, master_id), wrapped)
            self.remember(scope, known)
        return known

    def cached(self, scope: str) -> DataKey | None:
        if scope in self._keys:
            self._keys.move_to_end(scope)
        return self._keys.get(scope)

    def remember(self, scope: str, key: DataKey) -> None:
        self._keys[scope] = key
        self._keys.move_to_end(scope)
        if len(self._keys) > CACHED_KEYS:
            self._keys.popitem(last=False)

    def forget(self, scope: str) -> None:
        self._keys.pop(scope, None)
