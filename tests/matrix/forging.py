"""What no honest device sends: any plaintext at all, in the channels and sessions that a real device has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import vodozemac

from ernbot.demo.clinician import Clinician
from ernbot.matrix.keys import encode
from ernbot.matrix.machine import now
from ernbot.matrix.olm import MEGOLM, OLM
from tests.matrix.devices import Phone

Sender = Phone | Clinician


def to_device(sender: Sender, ciphertext: Any, **changes: Any) -> dict[str, Any]:
    """An encrypted to-device event as its reader gets it."""
    content = {"algorithm": OLM, "sender_key": sender.machine.olm.curve25519, "ciphertext": ciphertext, **changes}
    return {"type": "m.room.encrypted", "sender": sender.user_id, "content": content}


async def whispered(sender: Sender, key: str, plaintext: bytes) -> dict[str, Any]:
    """A to-device event with any plaintext, in the channel that there is with the device of a Curve25519 key."""
    olm = sender.machine.olm
    async with sender.store.transaction() as tx:
        session = olm.session((await tx.olm_sessions([key]))[key][0])
        kind, ciphertext = session.encrypt(plaintext).to_parts()
        await olm.save_session(tx, key, session, now())
    return to_device(sender, {key: {"type": kind, "body": encode(ciphertext)}})


def payload(sender: Sender, reader: Phone, type: str, content: Any, /, **changes: Any) -> bytes:
    """What an encrypted to-device event to a device says, with changes to it."""
    honest = {
        "type": type,
        "content": content,
        "sender": sender.user_id,
        "keys": {"ed25519": sender.machine.olm.ed25519},
        "recipient": reader.user_id,
        "recipient_keys": {"ed25519": reader.machine.olm.ed25519},
    }
    return json.dumps({**honest, **changes}).encode()


async def own_session(sender: Sender, room_id: str) -> vodozemac.GroupSession:
    """A copy of the session with which a device encrypts for a room."""
    async with sender.store.transaction() as tx:
        key = await tx.own_room_key(room_id)
    assert key is not None
    return sender.machine.megolm.own(key)


async def crafted(sender: Sender, room_id: str, plaintext: bytes) -> dict[str, Any]:
    """The content of an event with any plaintext, in the session that a device shared before."""
    async with sender.store.transaction() as tx:
        key = await tx.own_room_key(room_id)
        assert key is not None
        session = sender.machine.megolm.own(key)
        ciphertext = session.encrypt(plaintext).to_base64()
        pickle = session.pickle(sender.store.vault.derive("pickles")).encode()
        await tx.save_own_room_key(replace(key, pickle=pickle))
    return {
        "algorithm": MEGOLM,
        "sender_key": sender.machine.olm.curve25519,
        "device_id": sender.gateway.device_id,
        "session_id": session.session_id,
        "ciphertext": ciphertext,
    }


def nested(levels: int) -> Any:
    value: Any = "inside"
    for _ in range(levels):
        value = [value]
    return value
