"""How the rooms that the bot creates are set up. Nothing here names or describes a patient."""

from __future__ import annotations

from typing import Any

from ernbot.commands.effects import Access, CreateCaseRoom

ACCESS = "eu.ern.case.access"
"""State that the homeserver's policy module (bridge/policy.py) enforces."""

ENCRYPTION = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}

ROOM_VERSION = "12"
"""The first version in which a creator's power is no entry in the power levels that could be taken away (MSC4289)."""

_BOT_ONLY = 100
POWER = {
    "users_default": 0,
    "events_default": 0,
    "state_default": _BOT_ONLY,
    "invite": _BOT_ONLY,
    "kick": _BOT_ONLY,
    "ban": _BOT_ONLY,
    "redact": _BOT_ONLY,
    "notifications": {"room": _BOT_ONLY},
    "events": {
        # Only encrypted messages: what was typed in the clear never enters the room.
        "m.room.message": _BOT_ONLY,
        "m.room.encrypted": 0,
        "m.reaction": 0,
        "m.room.redaction": 0,
    },
}
"""Invitations and state at the bot's power alone, which as the only creator it holds for ever."""


def access_content(case_id: str, access: Access) -> dict[str, Any]:
    """Content of the `ACCESS` state; the case id lets us find a room whose creation we did not see succeed."""
    return {
        "case": case_id,
        "open": access.open,
        "closed": access.closed,
        "requester": access.requester,
        "admitted": list(access.admitted),
        **({"assistants": list(access.assistants)} if access.assistants else {}),
    }


def creation(case_id: str, effect: CreateCaseRoom) -> dict[str, Any]:
    """The body of `createRoom` for a case room."""
    admitted = Access(effect.requester, (effect.requester,), open=False)
    return {
        "name": effect.nickname,
        "invite": [effect.requester],
        "room_version": ROOM_VERSION,
        "preset": "private_chat",
        "visibility": "private",
        "creation_content": {"m.federate": False, "eu.ern.room": "case"},
        "power_level_content_override": POWER,
        "initial_state": [
            ENCRYPTION,
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
            {"type": "m.room.join_rules", "content": {"join_rule": "invite"}},
            {"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}},
            {"type": ACCESS, "content": access_content(case_id, admitted)},
        ],
    }


def direct_chat(user_id: str) -> dict[str, Any]:
    """The body of `createRoom` for a direct chat that the bot opens."""
    return {
        "invite": [user_id],
        "is_direct": True,
        "room_version": ROOM_VERSION,
        "preset": "private_chat",
        "visibility": "private",
        "creation_content": {"m.federate": False},
        "initial_state": [
            ENCRYPTION,
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
        ],
    }
