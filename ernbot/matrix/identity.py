"""The bot's own cross-signing identity: three keys, made once, kept for ever.

A client that talks only to signed devices (MSC4153) talks to the bot because its device is signed by its self-signing
key, and that by its master key. The keys are stored before they are published; they are never replaced silently, since
every member's client would rightly warn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ernbot.matrix.errors import IdentityLost
from ernbot.matrix.events import as_dict
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import decode, encode, public, signed, verifies
from ernbot.matrix.olm import Olm

_KEYS = "/_matrix/client/v3/keys"
USAGES = ("master", "self_signing", "user_signing")
SECRET = "cross-signing"  # noqa: S105
"""Name of the stored seeds."""

NONE = (
    "The bot has no identity yet: run `ernbot identity create` to make one, or `ernbot identity recover` when it had "
    "one in another database."
)


@dataclass(frozen=True)
class Identity:
    """The private keys of one user."""

    user_id: str
    master: Ed25519PrivateKey
    self_signing: Ed25519PrivateKey
    user_signing: Ed25519PrivateKey

    @classmethod
    def generate(cls, user_id: str) -> Identity:
        return cls(user_id, *(Ed25519PrivateKey.generate() for _ in range(3)))

    @classmethod
    def from_seeds(cls, user_id: str, seeds: Mapping[str, bytes]) -> Identity:
        """The keys of these seeds, 32 bytes each, by usage."""
        return cls(user_id, *(Ed25519PrivateKey.from_private_bytes(seeds[usage]) for usage in USAGES))

    @classmethod
    def from_bytes(cls, user_id: str, data: bytes) -> Identity:
        return cls.from_seeds(user_id, {usage: decode(seed) for usage, seed in json.loads(data).items()})

    @property
    def _keys(self) -> dict[str, Ed25519PrivateKey]:
        return dict(zip(USAGES, (self.master, self.self_signing, self.user_signing), strict=True))

    def seeds(self) -> dict[str, bytes]:
        """The private keys by usage, 32 bytes each."""
        return {usage: key.private_bytes_raw() for usage, key in self._keys.items()}

    def to_bytes(self) -> bytes:
        """The three seeds as JSON."""
        return json.dumps({usage: encode(seed) for usage, seed in self.seeds().items()}).encode()

    def public_keys(self) -> dict[str, str]:
        """The public keys by usage."""
        return {usage: public(key) for usage, key in self._keys.items()}

    @property
    def fingerprint(self) -> str:
        """The public master key, which a hospital can publish and compare."""
        return public(self.master)

    def key_object(self, usage: str, key: Ed25519PrivateKey) -> dict[str, Any]:
        name = public(key)
        return {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{name}": name}}

    def upload_body(self) -> dict[str, Any]:
        """The body of `POST /keys/device_signing/upload`."""
        master = self.key_object("master", self.master)
        body = {"master_key": master}
        for usage, key in (("self_signing", self.self_signing), ("user_signing", self.user_signing)):
            body[f"{usage}_key"] = signed(self.key_object(usage, key), self.user_id, self.fingerprint, self.master)
        return body


async def published_keys(gateway: Gateway) -> dict[str, str]:
    """The public keys of our identity as the homeserver shows them, by usage; empty when there is none."""
    answer = as_dict(await gateway.request("POST", f"{_KEYS}/query", {"device_keys": {gateway.user_id: []}}))
    return _published(answer, gateway.user_id)


def _published(answer: Mapping[str, Any], user_id: str) -> dict[str, str]:
    found = {}
    for usage in USAGES:
        keys = as_dict(as_dict(as_dict(answer.get(f"{usage}_keys")).get(user_id)).get("keys"))
        if keys:
            found[usage] = str(next(iter(keys.values())))
    return found


def _shown_device(answer: Mapping[str, Any], user_id: str, device_id: str) -> Any:
    """What the homeserver shows as a device of ours, whatever it is; None when there is none."""
    return as_dict(as_dict(answer.get("device_keys")).get(user_id)).get(device_id)


async def ensure_identity(gateway: Gateway, olm: Olm, ours: Identity) -> None:
    """Make sure that our identity is published and has signed this device, which is published already.

    The keys must be stored by then. Another identity is never replaced.

    Raises:
        IdentityLost: the homeserver has an identity of ours with other keys, or shows another device as ours.
    """
    user_id, device_id = gateway.user_id, gateway.device_id
    answer = as_dict(await gateway.request("POST", f"{_KEYS}/query", {"device_keys": {user_id: []}}))
    theirs = _published(answer, user_id).get("master")
    if theirs not in (None, ours.fingerprint):
        raise IdentityLost(
            f"The homeserver knows a cross-signing identity of {user_id} whose keys are not in this database. "
            "Restore the database that holds them; a new identity would make every member's client warn."
        )
    device = _shown_device(answer, user_id, device_id)
    if device is None:
        raise IdentityLost(
            f"The homeserver does not know the device {device_id} of {user_id}; start again to upload it."
        )
    _check_ours(olm, device)
    if theirs is None:
        await gateway.request("POST", f"{_KEYS}/device_signing/upload", ours.upload_body())
    signer = public(ours.self_signing)
    if not verifies(device, user_id, signer, signer):
        bare = {key: value for key, value in device.items() if key != "unsigned"}
        body = {user_id: {device_id: signed(bare, user_id, signer, ours.self_signing)}}
        await gateway.request("POST", f"{_KEYS}/signatures/upload", body)


async def check_device(gateway: Gateway, olm: Olm) -> bool:
    """Make sure, before any key is published, that the homeserver does not know this device by other keys; whether it
    knows it at all.

    Raises:
        IdentityLost: it does, as when the database was lost; publishing new ones would make every client warn.
    """
    user_id, device_id = gateway.user_id, gateway.device_id
    answer = as_dict(await gateway.request("POST", f"{_KEYS}/query", {"device_keys": {user_id: [device_id]}}))
    device = _shown_device(answer, user_id, device_id)
    if device is not None:
        _check_ours(olm, device)
    return device is not None


def _check_ours(olm: Olm, device: object) -> None:
    """Raise IdentityLost unless a key object is the one of this device: our signature says to everybody that it is."""
    if (
        not isinstance(device, dict)
        or device.get("keys") != olm.device_keys["keys"]
        or not verifies(device, olm.user_id, olm.device_id, olm.ed25519)
    ):
        raise IdentityLost(
            f"The homeserver knows the device {olm.device_id} of {olm.user_id} by other keys than those in this "
            "database. Restore the database that holds them, import them with `ernbot identity import` if version 0.1 "
            "or another bot on matrix-nio kept them, or remove the device from the account and give the bot another "
            "homeserver.device_id."
        )
