"""One verification by short authentication string (`m.sas.v1`), as a state machine without I/O, clock or language.

The other side asked, and `ready` was answered. From there either side may start: both derive the same seven emoji from
a fresh shared secret, people compare them, and both prove with it that they hold the keys that they claim (Matrix
Client-Server API, "Key verification framework" and "Short Authentication String (SAS) verification"). Nothing here
looks up keys or signs any: whoever drives it does, before it and after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from vodozemac import Curve25519PublicKey, Sas

from ernbot.matrix.events import well_formed
from ernbot.matrix.keys import encode

METHOD = "m.sas.v1"
NAMESPACE = "m.key.verification."
REQUEST = NAMESPACE + "request"
LIMIT = timedelta(minutes=10)
"""Time that a verification may take (section "General key verification error handling")."""

HESITATION = timedelta(seconds=5)
"""Time that the other side has to start, before we do."""

_PROTOCOLS = _AGREEMENT, _HASH, _MAC = "curve25519-hkdf-sha256", "sha256", "hkdf-hmac-sha256.v2"
_STRINGS = ("decimal", "emoji")

REASONS = {
    "m.user": "The verification was declined.",
    "m.timeout": "The verification took too long.",
    "m.unknown_transaction": "This verification is not known here.",
    "m.unknown_method": "The two sides have no method in common.",
    "m.unexpected_message": "A message came out of turn.",
    "m.key_mismatch": "The keys are not those that were expected.",
    "m.user_mismatch": "This is not who began the verification.",
    "m.invalid_message": "A message was malformed.",
    "m.mismatched_commitment": "The key is not the one that was promised.",
    "m.mismatched_sas": "The short authentication strings differ.",
}
"""Codes of `m.key.verification.cancel`, with what is said beside each; people read a sentence of the catalogue."""

Outgoing = tuple[str, dict[str, Any]]
"""Type and content of a message for the other side."""


class State(StrEnum):
    """Where a verification is; the first five wait for the other side."""

    READY = "ready"  # for a start
    STARTED = "started"  # we started: for their accept
    KEY_SENT = "key-sent"  # we started and gave our key: for theirs
    ACCEPTED = "accepted"  # they started, and we promised our key: for theirs
    COMPARING = "comparing"  # both sides show the string: for their MAC
    PROVEN = "proven"  # their MAC holds: for `finish`
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Party:
    """One side: who, on which device, with the public Ed25519 keys of that device and of their identity (base64)."""

    user_id: str
    device_id: str
    device_key: str
    master_key: str

    @property
    def keys(self) -> dict[str, str]:
        """The keys to be proven, by key id."""
        return {f"ed25519:{self.device_id}": self.device_key, f"ed25519:{self.master_key}": self.master_key}


class Mismatch(Exception):
    """The other side has to be told that this cannot go on; `code` is one of `REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """What a request says: the device that asks, and the methods that it knows."""

    device_id: str
    methods: tuple[str, ...]


def concerns(type: str, content: dict[str, Any]) -> bool:
    """Whether an event of a room belongs to a verification."""
    return type.startswith(NAMESPACE) or (type == "m.room.message" and content.get("msgtype") == REQUEST)


def read_request(content: dict[str, Any]) -> Asked:
    """The content of `m.key.verification.request`, in a room or by to-device.

    Raises:
        Mismatch: it is malformed.
    """
    return Asked(_text(content, "from_device"), _texts(content, "methods"))


def related(transaction: str, *, in_room: bool) -> dict[str, Any]:
    """What ties a message to its verification."""
    if in_room:
        return {"m.relates_to": {"rel_type": "m.reference", "event_id": transaction}}
    return {"transaction_id": transaction}


def cancellation(transaction: str, code: str, *, in_room: bool) -> Outgoing:
    """The message that ends a verification, known or not."""
    content = {"code": code, "reason": REASONS[code], **related(transaction, in_room=in_room)}
    return NAMESPACE + "cancel", content


class Flow:
    """One verification, from `ready` to `done` or `cancel`.

    `transaction` is the event id of the request in a room, the `transaction_id` by to-device. Every method gives the
    messages that must be sent now, in their order.
    """

    def __init__(self, ours: Party, theirs: Party, transaction: str, *, in_room: bool, at: datetime) -> None:
        """Ready at `at`.

        Raises:
            Mismatch: their device is named like their master key, so that a proof of one would pass for the other
                (CVE-2022-39250).
        """
        if theirs.device_id == theirs.master_key:
            raise Mismatch("m.key_mismatch")
        self.ours = ours
        self.theirs = theirs
        self.transaction = transaction
        self.in_room = in_room
        self.state = State.READY
        self.cancelled: str | None = None
        """The code of the cancellation, ours or theirs."""
        self.emoji: tuple[int, ...] = ()
        """Seven places in `emoji.EMOJI`, once there is something to compare and both sides can show them."""
        self.decimals: tuple[int, int, int] | None = None
        """Three numbers from 1000 to 9191, once there is something to compare."""
        self._begun = at
        self._sas = Sas()
        self._public: str = self._sas.public_key.to_base64()
        self._start: dict[str, Any] = {}
        self._commitment = ""
        self._strings: tuple[str, ...] = ()
        self._secret: Any = None

    @property
    def ended(self) -> bool:
        return self.state in (State.DONE, State.CANCELLED)

    def ready(self) -> list[Outgoing]:
        """The answer to the request."""
        return [self._message("ready", {"from_device": self.ours.device_id, "methods": [METHOD]})]

    def tick(self, at: datetime) -> list[Outgoing]:
        """Time has passed: start when the other side does not, give up when it takes too long."""
        if self.ended:
            return []
        if at - self._begun > LIMIT:
            return self.cancel("m.timeout")
        if self.state is State.READY and at - self._begun >= HESITATION:
            return self.start()
        return []

    def start(self) -> list[Outgoing]:
        """Begin to compare; only while `READY`."""
        message = self._message(
            "start",
            {
                "from_device": self.ours.device_id,
                "method": METHOD,
                "key_agreement_protocols": [_AGREEMENT],
                "hashes": [_HASH],
                "message_authentication_codes": [_MAC],
                "short_authentication_string": list(_STRINGS),
            },
        )
        self._start = message[1]
        self.state = State.STARTED
        return [message]

    def receive(self, type: str, content: dict[str, Any], at: datetime) -> list[Outgoing]:
        """Take one message of the other side; what is wrong with it ends the verification."""
        if self.ended:
            return []
        if at - self._begun > LIMIT:
            return self.cancel("m.timeout")
        try:
            if not well_formed(content):
                raise Mismatch("m.invalid_message")
            step = _STEPS.get((None, type)) or _STEPS.get((self.state, type))
            if step is None:
                raise Mismatch("m.unexpected_message")
            return step(self, content)
        except Mismatch as mismatch:
            return self.cancel(mismatch.code)

    def cancel(self, code: str) -> list[Outgoing]:
        """End it; `code` is one of `REASONS`."""
        self._end(code)
        return [cancellation(self.transaction, code, in_room=self.in_room)]

    def finish(self) -> list[Outgoing]:
        """Say that it is done; only while `PROVEN`, once their master key is signed."""
        self.state = State.DONE
        return [self._message("done", {})]

    # --- the steps

    def _receive_start(self, content: dict[str, Any]) -> list[Outgoing]:
        if _text(content, "method") != METHOD:
            raise Mismatch("m.unknown_method")
        if _text(content, "from_device") != self.theirs.device_id:
            raise Mismatch("m.user_mismatch")
        offered = ("key_agreement_protocols", "hashes", "message_authentication_codes")
        if not all(ours in _texts(content, field) for field, ours in zip(offered, _PROTOCOLS, strict=True)):
            raise Mismatch("m.unknown_method")
        self._agree_on_strings(_texts(content, "short_authentication_string"))
        self._start = content
        self.state = State.ACCEPTED
        accept = {
            "method": METHOD,
            "key_agreement_protocol": _AGREEMENT,
            "hash": _HASH,
            "message_authentication_code": _MAC,
            "short_authentication_string": list(self._strings),
            "commitment": _commitment(self._public, content),
        }
        return [self._message("accept", accept)]

    def _receive_start_too(self, content: dict[str, Any]) -> list[Outgoing]:
        """Both started: the one whose id is smaller in the order of code points did."""
        if _text(content, "method") != METHOD:
            raise Mismatch("m.unexpected_message")
        ours, theirs = self.ours, self.theirs
        if (ours.user_id, ours.device_id) < (theirs.user_id, theirs.device_id):
            return []
        return self._receive_start(content)

    def _receive_accept(self, content: dict[str, Any]) -> list[Outgoing]:
        chosen = ("key_agreement_protocol", "hash", "message_authentication_code")
        if tuple(_text(content, field) for field in chosen) != _PROTOCOLS:
            raise Mismatch("m.unknown_method")
        self._agree_on_strings(_texts(content, "short_authentication_string"))
        self._commitment = _text(content, "commitment")
        self.state = State.KEY_SENT
        return [self._message("key", {"key": self._public})]

    def _receive_key_as_starter(self, content: dict[str, Any]) -> list[Outgoing]:
        key = _curve25519(content)
        if _commitment(key.to_base64(), self._start) != self._commitment.rstrip("="):
            raise Mismatch("m.mismatched_commitment")
        return self._compare(key, we_started=True)

    def _receive_key_as_accepter(self, content: dict[str, Any]) -> list[Outgoing]:
        return [self._message("key", {"key": self._public}), *self._compare(_curve25519(content), we_started=False)]

    def _compare(self, key: Curve25519PublicKey, *, we_started: bool) -> list[Outgoing]:
        """Derive what people compare. Our own proof goes out at once: the eyes are all on the other side."""
        try:
            self._secret = self._sas.diffie_hellman(key)
        except ValueError:  # a key with which every secret is the same
            raise Mismatch("m.invalid_message") from None
        ours = f"{self.ours.user_id}|{self.ours.device_id}|{self._public}"
        theirs = f"{self.theirs.user_id}|{self.theirs.device_id}|{key.to_base64()}"
        first, second = (ours, theirs) if we_started else (theirs, ours)
        string = self._secret.bytes(f"MATRIX_KEY_VERIFICATION_SAS|{first}|{second}|{self.transaction}")
        self.decimals = string.decimals
        if "emoji" in self._strings:
            self.emoji = tuple(string.emoji_indices)
        self.state = State.COMPARING
        info = self._mac_info(self.ours, self.theirs)
        macs = {key_id: self._secret.calculate_mac(key, info + key_id) for key_id, key in self.ours.keys.items()}
        keys = self._secret.calculate_mac(",".join(sorted(macs)), info + "KEY_IDS")
        return [self._message("mac", {"mac": macs, "keys": keys})]

    def _receive_mac(self, content: dict[str, Any]) -> list[Outgoing]:
        """Their proof must cover the device that asked and their master key; keys that we do not know are left out."""
        macs = content.get("mac")
        if not isinstance(macs, dict) or not all(isinstance(mac, str) for mac in macs.values()):
            raise Mismatch("m.invalid_message")
        info = self._mac_info(self.theirs, self.ours)
        self._check_mac(",".join(sorted(macs)), info + "KEY_IDS", _text(content, "keys"))
        for key_id, key in self.theirs.keys.items():
            self._check_mac(key, info + key_id, macs.get(key_id, ""))
        self.state = State.PROVEN
        return []

    def _receive_cancel(self, content: dict[str, Any]) -> list[Outgoing]:
        code = content.get("code")
        self._end(code if isinstance(code, str) and code in REASONS else "m.user")
        return []

    # --- their parts

    def _end(self, code: str) -> None:
        self.state = State.CANCELLED
        self.cancelled = code

    def _message(self, name: str, content: dict[str, Any]) -> Outgoing:
        return NAMESPACE + name, {**content, **related(self.transaction, in_room=self.in_room)}

    def _agree_on_strings(self, theirs: tuple[str, ...]) -> None:
        self._strings = tuple(string for string in _STRINGS if string in theirs)
        if not self._strings:
            raise Mismatch("m.unknown_method")

    def _mac_info(self, owner: Party, reader: Party) -> str:
        """Section "MAC calculation", without the name of the key at its end."""
        return (
            f"MATRIX_KEY_VERIFICATION_MAC{owner.user_id}{owner.device_id}{reader.user_id}{reader.device_id}"
            f"{self.transaction}"
        )

    def _check_mac(self, value: str, info: str, mac: str) -> None:
        try:
            self._secret.verify_mac(value, info, mac)
        except ValueError:
            raise Mismatch("m.key_mismatch") from None


_STEPS: dict[tuple[State | None, str], Callable[[Flow, dict[str, Any]], list[Outgoing]]] = {
    (None, NAMESPACE + "cancel"): Flow._receive_cancel,
    (State.READY, NAMESPACE + "start"): Flow._receive_start,
    (State.STARTED, NAMESPACE + "start"): Flow._receive_start_too,
    (State.STARTED, NAMESPACE + "accept"): Flow._receive_accept,
    (State.KEY_SENT, NAMESPACE + "key"): Flow._receive_key_as_starter,
    (State.ACCEPTED, NAMESPACE + "key"): Flow._receive_key_as_accepter,
    (State.COMPARING, NAMESPACE + "mac"): Flow._receive_mac,
}
"""What may come when; anything else is out of turn. A cancellation may always come."""


def _commitment(public_key: str, start: dict[str, Any]) -> str:
    """The hash by which the accepting side promises its key, over the whole `start` (`m.key.verification.accept`)."""
    canonical = json.dumps(start, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return encode(sha256((public_key + canonical).encode()).digest())


def _curve25519(content: dict[str, Any]) -> Curve25519PublicKey:
    try:
        return Curve25519PublicKey.from_base64(_text(content, "key"))
    except ValueError:
        raise Mismatch("m.invalid_message") from None


def _text(content: dict[str, Any], field: str) -> str:
    value = content.get(field)
    if not isinstance(value, str):
        raise Mismatch("m.invalid_message")
    return value


def _texts(content: dict[str, Any], field: str) -> tuple[str, ...]:
    value = content.get(field)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise Mismatch("m.invalid_message")
    return tuple(value)
