"""A client that verifies by emoji, written from the specification: it shares no line with ours but the parties."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from vodozemac import Curve25519PublicKey, Sas

from ernbot.matrix.sas import Outgoing, Party

MESSAGE = dict[str, Any]


def hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Client:
    """The other side of a verification. What it is given it checks; what it says can be tampered with."""

    def __init__(self, me: Party, bot: Party, transaction: str, *, in_room: bool) -> None:
        self.me = me
        self.bot = bot
        self.transaction = transaction
        self.tie: MESSAGE = (
            {"m.relates_to": {"rel_type": "m.reference", "event_id": transaction}}
            if in_room
            else {"transaction_id": transaction}
        )
        self.sas = Sas()
        self.public = self.sas.public_key.to_base64()
        self.start: MESSAGE = {}
        self.started_by = bot
        self.emoji: list[int] = []
        self.decimals: tuple[int, ...] = ()

    def say(self, name: str, **content: Any) -> Outgoing:
        return f"m.key.verification.{name}", {**content, **self.tie}

    def begin(self) -> Outgoing:
        message = self.say(
            "start",
            from_device=self.me.device_id,
            method="m.sas.v1",
            key_agreement_protocols=["curve25519-hkdf-sha256", "curve25519"],
            hashes=["sha256"],
            message_authentication_codes=["hkdf-hmac-sha256", "hkdf-hmac-sha256.v2"],
            short_authentication_string=["decimal", "emoji"],
        )
        self.start, self.started_by = message[1], self.me
        return message

    def accept(self, start: MESSAGE) -> Outgoing:
        assert start["method"] == "m.sas.v1"
        self.start, self.started_by = start, self.bot
        return self.say(
            "accept",
            method="m.sas.v1",
            key_agreement_protocol="curve25519-hkdf-sha256",
            hash="sha256",
            message_authentication_code="hkdf-hmac-sha256.v2",
            short_authentication_string=["emoji", "decimal"],
            commitment=hashed(self.public + canonical(start)),
        )

    def key(self) -> Outgoing:
        return self.say("key", key=self.public)

    def establish(self, key: str) -> None:
        self.secret = self.sas.diffie_hellman(Curve25519PublicKey.from_base64(key))
        mine = [self.me.user_id, self.me.device_id, self.public]
        theirs = [self.bot.user_id, self.bot.device_id, key]
        order = [*mine, *theirs] if self.started_by == self.me else [*theirs, *mine]
        string = self.secret.bytes("|".join(["MATRIX_KEY_VERIFICATION_SAS", *order, self.transaction]))
        self.emoji, self.decimals = list(string.emoji_indices), string.decimals

    def mac(self, **keys: str) -> Outgoing:
        """The proof over our keys, or over those given by key id."""
        keys = keys or {f"ed25519:{key_id}": key for key_id, key in self.names(self.me)}
        info = (
            "MATRIX_KEY_VERIFICATION_MAC" + self.me.user_id + self.me.device_id + self.bot.user_id + self.bot.device_id
        )
        info += self.transaction
        macs = {key_id: self.secret.calculate_mac(key, info + key_id) for key_id, key in keys.items()}
        return self.say("mac", mac=macs, keys=self.secret.calculate_mac(",".join(sorted(keys)), info + "KEY_IDS"))

    def info(self, owner: Party, reader: Party) -> str:
        parts = (owner.user_id, owner.device_id, reader.user_id, reader.device_id, self.transaction)
        return "".join(["MATRIX_KEY_VERIFICATION_MAC", *parts])

    @staticmethod
    def names(party: Party) -> list[tuple[str, str]]:
        return [(party.device_id, party.device_key), (party.master_key, party.master_key)]

    def check(self, mac: MESSAGE) -> None:
        """The bot's proof covers its device and its master key, and nothing else."""
        info = (
            "MATRIX_KEY_VERIFICATION_MAC" + self.bot.user_id + self.bot.device_id + self.me.user_id + self.me.device_id
        )
        info += self.transaction
        keys = {f"ed25519:{key_id}": key for key_id, key in self.names(self.bot)}
        assert mac["mac"].keys() == keys.keys()
        for key_id, key in keys.items():
            self.secret.verify_mac(key, info + key_id, mac["mac"][key_id])
        self.secret.verify_mac(",".join(sorted(keys)), info + "KEY_IDS", mac["keys"])
