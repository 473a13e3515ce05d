"""The proof of an outcome: who signed which text, countersigned by the bot, for anybody to check without us.

The bot has no private key of a person. What it can do is what a notary does: write down which event of which device of
whose identity asked for the signature, and sign that with a key that a hospital can publish. This module makes and
reads such records; it must not decide who signs, and knows no file format.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ernbot.core.canonical import canonical, plain
from ernbot.core.outcome import Outcome, Signature

FORMAT = "eu.ern.outcome.1"
"""What a record says that it is."""

SHORT = 8
"""Characters of a digest that people type and compare: 32 bits, enough to tell the versions of one outcome apart."""

_SIGNATURE = b"eu.ern.outcome.signature.1\n"
_RECORD = b"eu.ern.outcome.record.1\n"
_DOCUMENT = b"eu.ern.outcome.document.1\n"
"""What stands before the JSON that is signed, so that no signature is taken for one of another kind, or of Matrix."""


def short(digest: str) -> str:
    """The beginning of a digest that people type and compare."""
    return digest[:SHORT]


@dataclass(frozen=True)
class Notary:
    """The bot's own signing key: the master key of its Matrix identity, whose fingerprint hospitals can publish."""

    private: Ed25519PrivateKey

    @property
    def key(self) -> str:
        """The public key, as Matrix writes it: base64 without padding."""
        return _text(self.private.public_key().public_bytes_raw())

    def sign(self, kind: bytes, content: Any) -> str:
        """The Ed25519 signature of JSON values, in base64 without padding."""
        return _text(self.private.sign(kind + canonical(content)))

    def countersign(self, signature: Signature) -> Signature:
        """A person's signature with ours on it."""
        signature = replace(signature, key=self.key)
        return replace(signature, countersignature=self.sign(_SIGNATURE, _bare(signature)))

    def record(self, outcome: Outcome, *, nickname: str, network: str) -> bytes:
        """The signed record of an outcome: canonical JSON in one line, a file by itself. `network` is its name."""
        content = {
            "format": FORMAT,
            "nickname": nickname,
            "network": network,
            "outcome": outcome.document(),
            "asked": list(outcome.asked),
            "waived": list(outcome.waived),
            "signatures": [plain(asdict(signature)) for signature in outcome.signatures],
            "key": self.key,
        }
        return canonical({**content, "seal": self.sign(_RECORD, content)}) + b"\n"

    def words(self, document: bytes, record: bytes, *, at: datetime, by: str) -> Mapping[str, str]:
        """What the seal of a document says (`ernbot.documents.seal`): the record, and that both belong together.

        `document` are the bytes without the seal, `at` is when the last signature was given, `by` our user id.
        """
        instant = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = {"at": instant, "by": by, "record": record.decode("ascii")}
        return {**content, "signature": self.sign(_DOCUMENT, _bound(content, document))}


def _bare(signature: Signature) -> dict[str, Any]:
    """What a countersignature covers."""
    content: dict[str, Any] = plain(asdict(signature))
    del content["countersignature"]
    return content


def _bound(words: Mapping[str, str], document: bytes) -> dict[str, str]:
    """What the seal of a document covers."""
    content = {name: words[name] for name in ("at", "by", "record")}
    return {**content, "sha256": hashlib.sha256(document).hexdigest()}


def countersigned(signature: Signature, key: str) -> bool:
    """Whether this key countersigned a signature just as it is."""
    return signature.key == key and _verifies(key, signature.countersignature, _SIGNATURE, _bare(signature))


def sealed(record: Mapping[str, Any]) -> bool:
    """Whether a record carries the seal of the key that it names."""
    content = {name: value for name, value in record.items() if name != "seal"}
    return _verifies(record.get("key"), record.get("seal"), _RECORD, content)


def belongs(words: Mapping[str, str], document: bytes, key: str) -> bool:
    """Whether this key sealed these bytes together with the record in the words."""
    if set(words) != {"at", "by", "record", "signature"}:
        return False
    return _verifies(key, words["signature"], _DOCUMENT, _bound(words, document))


def read(data: bytes) -> dict[str, Any]:
    """A record out of its bytes.

    Raises:
        ValueError: they are no JSON object, or not in the one form in which records are written.
    """
    try:
        content = json.loads(data)
        if not isinstance(content, dict) or canonical(content) + b"\n" != data:
            raise ValueError("not canonical")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def digest(document: object) -> str:
    """SHA-256, in hex, of the document of an outcome as its record holds it."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _verifies(key: object, signature: object, kind: bytes, content: Any) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(_bytes(key))
        public.verify(_bytes(signature), kind + canonical(content))
    except (ValueError, TypeError, RecursionError, InvalidSignature):
        return False
    return True


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: object) -> bytes:
    """Bytes from base64 without padding; of the several texts that decoders take for the same bytes, only ours."""
    if not isinstance(text, str):
        raise ValueError("no base64")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if _text(data) != text:
        raise ValueError("no base64")
    return data
