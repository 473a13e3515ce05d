"""This device's account and its one-to-one channels to other devices (Olm).

Nothing is kept in memory but public keys: account and channels are read from the transaction at hand, used, and written
back to it, so that a rollback undoes them with everything else. Whatever another device sends can only raise
`Unacceptable`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import vodozemac

from ernbot.matrix.errors import Unacceptable
from ernbot.matrix.events import as_dict, is_id, well_formed
from ernbot.matrix.keys import canonical, decode, verifies
from ernbot.matrix.trust import Device
from ernbot.storage.records import OlmSession
from ernbot.storage.transaction import Transaction

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"
ACCOUNT = "olm-account"
"""Name of the stored account."""

PICKLES = "pickles"
"""Purpose of the vault's key for the states of accounts and sessions."""

ONE_TIME_KEYS = 50
"""How many the homeserver is to have for others to claim; half of what an account can hold."""


@dataclass(frozen=True)
class Opened:
    """What a to-device message says, and the keys of the device that sent it, which belongs to `sender` by its word."""

    sender: str
    type: str
    content: dict[str, Any]
    curve25519: str
    ed25519: str


class Olm:
    """The channels of one device. `open` it before anything else."""

    def __init__(self, user_id: str, device_id: str, pickle_key: bytes) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self.curve25519 = ""
        self.ed25519 = ""
        self.device_keys: dict[str, Any] = {}
        """The device's key object as it is published, signed by the device itself."""
        self.fallback_pending = False
        """Whether a fallback key was made that may not have reached the homeserver."""
        self._pickle_key = pickle_key
        self._keys: vodozemac.Account | None = None
        """The account as it was opened, for what needs its identity keys alone and changes nothing of it."""

    async def open(self, tx: Transaction) -> None:
        """Read the account, or make a new one."""
        if await tx.secret(ACCOUNT) is None:
            await self._save(tx, vodozemac.Account())
        account = self._keys = await self._account(tx)
        self.curve25519 = account.curve25519_key.to_base64()
        self.ed25519 = account.ed25519_key.to_base64()
        self.fallback_pending = bool(account.fallback_key)  # type: ignore[attr-defined]  # missing in the stubs
        names = {f"curve25519:{self.device_id}": self.curve25519, f"ed25519:{self.device_id}": self.ed25519}
        self.device_keys = self._signed(
            account,
            {"user_id": self.user_id, "device_id": self.device_id, "algorithms": [OLM, MEGOLM], "keys": names},
        )

    async def _account(self, tx: Transaction) -> vodozemac.Account:
        pickle = await tx.secret(ACCOUNT)
        assert pickle is not None
        return vodozemac.Account.from_pickle(pickle.decode(), self._pickle_key)

    async def _save(self, tx: Transaction, account: vodozemac.Account) -> None:
        await tx.set_secret(ACCOUNT, account.pickle(self._pickle_key).encode())

    def _signed(self, account: vodozemac.Account, value: dict[str, Any]) -> dict[str, Any]:
        signature = account.sign(canonical(value)).to_base64()
        return {**value, "signatures": {self.user_id: {f"ed25519:{self.device_id}": signature}}}

    async def sign(self, tx: Transaction, value: dict[str, Any]) -> dict[str, Any]:
        """An object with the signature of this device."""
        return self._signed(await self._account(tx), value)

    async def new_keys(self, tx: Transaction, count: int) -> dict[str, Any]:
        """New one-time keys as a part of the body of `/keys/upload`.

        They count as published from now on: a key whose upload failed is lost, and none is ever uploaded twice, which
        would let two devices claim it.
        """
        account = await self._account(tx)
        account.generate_one_time_keys(count)
        keys = self._signed_keys(account, account.one_time_keys)
        account.mark_keys_as_published()
        await self._save(tx, account)
        return {"one_time_keys": keys}

    async def new_fallback_key(self, tx: Transaction) -> dict[str, Any]:
        """The next fallback key as a part of the body of `/keys/upload`, the same one until `fallback_is_there`.

        An account knows the last key and the one before. If each try made a new one, that on the homeserver, which
        others use, would be forgotten with the second.
        """
        account = await self._account(tx)
        if not account.fallback_key:  # type: ignore[attr-defined]  # missing in the stubs
            account.generate_fallback_key()  # type: ignore[attr-defined]
            await self._save(tx, account)
        self.fallback_pending = True
        keys = account.fallback_key  # type: ignore[attr-defined]
        return {"fallback_keys": self._signed_keys(account, keys, fallback=True)}

    async def fallback_is_there(self, tx: Transaction) -> None:
        """The homeserver has the new fallback key. Ask for no one-time keys between the two."""
        account = await self._account(tx)
        account.mark_keys_as_published()
        await self._save(tx, account)
        self.fallback_pending = False

    def _signed_keys(
        self, account: vodozemac.Account, keys: Mapping[str, vodozemac.Curve25519PublicKey], *, fallback: bool = False
    ) -> dict[str, Any]:
        extra = {"fallback": True} if fallback else {}
        return {
            f"signed_curve25519:{name}": self._signed(account, {"key": key.to_base64(), **extra})
            for name, key in keys.items()
        }

    # --- what others send

    async def decrypt(self, tx: Transaction, event: Mapping[str, Any], at: datetime) -> Opened:
        """The content of an `m.room.encrypted` to-device event (spec, "m.olm.v1.curve25519-aes-sha2").

        Raises:
            Unacceptable: nothing of it may be used; `wedged` in it when the channel is broken and a new one would help.
        """
        content, sender = as_dict(event.get("content")), event.get("sender")
        sender_key = content.get("sender_key")
        if content.get("algorithm") != OLM or not is_id(sender) or not is_id(sender_key):
            raise Unacceptable("malformed")
        message = as_dict(as_dict(content.get("ciphertext")).get(self.curve25519))
        kind, body = message.get("type"), message.get("body")
        if kind not in (0, 1) or isinstance(kind, bool) or not isinstance(body, str):
            raise Unacceptable("not for this device")
        try:
            ciphertext = vodozemac.AnyOlmMessage.from_parts(kind, decode(body))
            their_key = vodozemac.Curve25519PublicKey.from_base64(sender_key)
        except ValueError:
            raise Unacceptable("malformed") from None
        plaintext = await self._open(tx, sender_key, their_key, ciphertext, at)
        return self._checked(sender, sender_key, plaintext)

    async def _open(
        self,
        tx: Transaction,
        sender_key: str,
        their_key: vodozemac.Curve25519PublicKey,
        message: vodozemac.AnyOlmMessage,
        at: datetime,
    ) -> bytes:
        pre_key = message.to_pre_key()
        for stored in (await tx.olm_sessions([sender_key])).get(sender_key, []):
            session = self.session(stored)
            if pre_key is not None and not session.session_matches(pre_key):
                continue
            try:
                plaintext = session.decrypt(message)
            except ValueError:
                continue
            await self.save_session(tx, sender_key, session, at)
            return plaintext
        if pre_key is None:
            raise Unacceptable("no channel", wedged=True)
        account = await self._account(tx)
        try:
            session, plaintext = account.create_inbound_session(their_key, pre_key)
        except ValueError:
            raise Unacceptable("no such one-time key", wedged=True) from None
        await self._save(tx, account)
        await self.save_session(tx, sender_key, session, at)
        await tx.forget_old_olm_sessions(sender_key)
        return plaintext

    def _checked(self, sender: str, sender_key: str, plaintext: bytes) -> Opened:
        try:
            payload = json.loads(plaintext)
        except (ValueError, RecursionError):
            raise Unacceptable("malformed") from None
        if not isinstance(payload, dict) or not well_formed(payload):
            raise Unacceptable("malformed")
        ed25519 = as_dict(payload.get("keys")).get("ed25519")
        kind, content = payload.get("type"), payload.get("content")
        if not is_id(ed25519) or not is_id(kind) or not isinstance(content, dict):
            raise Unacceptable("malformed")
        recipient = (payload.get("recipient"), as_dict(payload.get("recipient_keys")).get("ed25519"))
        if payload.get("sender") != sender or recipient != (self.user_id, self.ed25519):
            raise Unacceptable("of somebody else, or for somebody else")
        opened = Opened(sender, kind, content, sender_key, ed25519)
        # MSC4147: the sender's device may introduce itself; a contradiction is a forgery.
        device = payload.get("sender_device_keys", payload.get("org.matrix.msc4147.device_keys"))
        if device is not None and not _introduces(device, opened):
            raise Unacceptable("a device that contradicts itself")
        return opened

    # --- what we send

    def session(self, stored: OlmSession) -> vodozemac.Session:
        return vodozemac.Session.from_pickle(stored.pickle.decode(), self._pickle_key)

    async def save_session(self, tx: Transaction, curve25519: str, session: vodozemac.Session, at: datetime) -> None:
        await tx.save_olm_session(self.stored(curve25519, session), at)

    def stored(self, curve25519: str, session: vodozemac.Session) -> OlmSession:
        """A channel as it is kept; the other way round from `session`."""
        return OlmSession(curve25519, session.session_id, session.pickle(self._pickle_key).encode())

    async def open_sessions(self, claimed: Mapping[Device, object]) -> dict[Device, vodozemac.Session]:
        """Channels to devices by the one-time keys that were claimed from them; none by a key that is not theirs."""
        assert self._keys is not None
        sessions: dict[Device, vodozemac.Session] = {}
        for device, key in claimed.items():
            if not isinstance(key, dict) or not verifies(key, device.user_id, device.device_id, device.ed25519):
                continue
            try:
                theirs = vodozemac.Curve25519PublicKey.from_base64(device.curve25519)
                one_time_key = vodozemac.Curve25519PublicKey.from_base64(key["key"])
            except (ValueError, KeyError, TypeError):
                continue
            sessions[device] = self._keys.create_outbound_session(theirs, one_time_key)
            await asyncio.sleep(0)
        return sessions

    def seal(self, session: vodozemac.Session, device: Device, type: str, content: dict[str, Any]) -> dict[str, Any]:
        """The content of an `m.room.encrypted` to-device event for a device. The session has to be saved after it."""
        payload = {
            "type": type,
            "content": content,
            "sender": self.user_id,
            "keys": {"ed25519": self.ed25519},
            "sender_device_keys": self.device_keys,
            "recipient": device.user_id,
            "recipient_keys": {"ed25519": device.ed25519},
        }
        kind, ciphertext = session.encrypt(json.dumps(payload).encode()).to_parts()
        body = base64.b64encode(ciphertext).decode().rstrip("=")
        message = {device.curve25519: {"type": kind, "body": body}}
        return {"algorithm": OLM, "sender_key": self.curve25519, "ciphertext": message}


def _introduces(device: object, opened: Opened) -> bool:
    """Whether a key object is of the device that sent this."""
    if not isinstance(device, dict) or device.get("user_id") != opened.sender:
        return False
    device_id, keys = device.get("device_id"), as_dict(device.get("keys"))
    named = (keys.get(f"curve25519:{device_id}"), keys.get(f"ed25519:{device_id}"))
    return named == (opened.curve25519, opened.ed25519) and verifies(
        device, opened.sender, str(device_id), opened.ed25519
    )
