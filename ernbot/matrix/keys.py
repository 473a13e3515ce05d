"""Signatures on JSON objects, as the Matrix specification defines them (appendix "Signing JSON")."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import vodozemac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON of an object, without its signatures and what the server added."""
    bare = {key: entry for key, entry in value.items() if key not in ("signatures", "unsigned")}
    return json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def encode(data: bytes) -> str:
    """Unpadded base64; padded key ids are dropped silently by other clients."""
    return base64.b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Bytes from base64, padded or not.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def public(key: Ed25519PrivateKey) -> str:
    return encode(key.public_key().public_bytes_raw())


def signed(value: dict[str, Any], user_id: str, key_id: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The object with one more signature."""
    signature = encode(key.sign(canonical(value)))
    signatures = {user: dict(keys) for user, keys in value.get("signatures", {}).items()}
    signatures.setdefault(user_id, {})[f"ed25519:{key_id}"] = signature
    return {**value, "signatures": signatures}


def verifies(value: object, user_id: str, key_id: str, public_key: str) -> bool:
    """Whether an object carries a valid signature; anything malformed does not."""
    if not isinstance(value, dict):
        return False
    try:
        signature = vodozemac.Ed25519Signature.from_base64(value["signatures"][user_id][f"ed25519:{key_id}"])
        vodozemac.Ed25519PublicKey.from_base64(public_key).verify_signature(canonical(value), signature)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):  # vodozemac's are ValueErrors
        return False
    return True
