"""The homeserver's own guard over case rooms: what a bug in the bot, or a stolen bot, may still not do.

Synapse loads this one file into its own environment (it is copied or mounted beside the configuration), so it
imports nothing of ours and nothing but the standard library and `synapse.module_api`. It only ever refuses:
it must not change events, keep state, or write what an event contains into a log or an error.

A room is a case room when its creation content says `"eu.ern.room": "case"`. Who may be there is written by
the bot in the state event `eu.ern.case.access`:

    {"requester": "@a:s", "admitted": ["@a:s", "@b:s"], "open": true, "closed": false}

`open` is true once the patient's consent covers care. Until then, and after a withdrawal, only the requester is
admitted, whatever the list says, and whoever of it the optional list `assistants` names: they act for the requester, at
the same hospital. `closed` ends all writing by people. A missing or malformed event admits
nobody but the bot.

Synapse runs these checks for events made on this server and not for those of other servers (callback
`check_event_allowed`), hence the demand that case rooms are not federated.
"""

from collections.abc import Mapping
from typing import Any

ROOM_KIND = "eu.ern.room"
ACCESS = "eu.ern.case.access"

Event = Any  # synapse.events.EventBase
State = Mapping[tuple[str, str], Event]

# What people and the bot write is encrypted. Reactions, redactions and verification have no encrypted form.
MESSAGE_TYPES = frozenset({"m.room.encrypted", "m.reaction", "m.room.redaction"})
VERIFICATION_PREFIX = "m.key.verification."
CREATION_KEYS = frozenset({"room_version", "creator", "m.federate", ROOM_KIND})
# Written once, when the room is made, and never again: not even by the bot.
FROZEN = frozenset({"m.room.encryption", "m.room.history_visibility", "m.room.join_rules", "m.room.power_levels"})
# A successor room, a public alias or an invitation by mail would lead around the list of the admitted.
NEVER = frozenset({"m.room.tombstone", "m.room.canonical_alias", "m.room.third_party_invite"})
BOT_ALONE = 50  # the power level that nobody but the bot reaches


class CaseRoomPolicy:
    """Entry point named in Synapse's `modules:`; its only setting is `bot_user_id`."""

    @staticmethod
    def parse_config(config: Mapping[str, Any]) -> str:
        """The bot's user id. Raises `ValueError` for anything but exactly that one setting."""
        bot = config.get("bot_user_id")
        if set(config) != {"bot_user_id"} or not isinstance(bot, str) or not bot.startswith("@") or ":" not in bot:
            raise ValueError("set bot_user_id, and nothing else, to the bot's full user id")
        return bot

    def __init__(self, config: str, api: Any) -> None:
        self._bot = config
        api.register_third_party_rules_callbacks(
            check_event_allowed=self.check_event_allowed,
            on_create_room=self.on_create_room,
            check_visibility_can_be_modified=self.check_visibility_can_be_modified,
        )

    async def check_event_allowed(self, event: Event, state: State) -> tuple[bool, None]:
        """Called for every new event with the state before it; raises Synapse's 403 with a clear sentence."""
        create = event if event.type == "m.room.create" else state.get(("m.room.create", ""))
        if create is None or create.content.get(ROOM_KIND) != "case":
            return True, None
        if refusal := self._refusal(event, state):
            raise _forbidden(refusal)
        return True, None

    async def on_create_room(self, requester: Any, config: Mapping[str, Any], is_admin: bool) -> None:
        """Refuse an ill-made case room as a whole, before half of it exists. `is_admin` makes no difference."""
        creation = config.get("creation_content", {})
        if not isinstance(creation, Mapping) or creation.get(ROOM_KIND) != "case":
            return
        if requester.user.to_string() != self._bot:
            raise _forbidden("Only the bot opens case rooms.")
        if config.get("visibility", "private") != "private" or config.get("preset", "private_chat") != "private_chat":
            raise _forbidden("A case room is made with the preset private_chat and is not published.")
        if config.get("room_alias_name") or config.get("invite_3pid"):
            raise _forbidden("A case room has no alias and no invitations by mail.")
        given = {event.get("type") for event in config.get("initial_state", [])}
        if missing := {"m.room.encryption", "m.room.history_visibility"} - given:
            raise _forbidden(f"The initial state of a case room lacks {', '.join(sorted(missing))}.")

    async def check_visibility_can_be_modified(self, room_id: str, state: State, visibility: str) -> bool:
        """A case room never enters the public room list."""
        create = state.get(("m.room.create", ""))
        return visibility == "private" or create is None or create.content.get(ROOM_KIND) != "case"

    def _refusal(self, event: Event, state: State) -> str | None:
        """Why this event may not enter a case room, or None. `state` is the state before the event."""
        if event.type == "m.room.create":
            return self._about_creation(event)
        if event.type == "m.room.member" and event.is_state():
            return self._about_membership(event, state)
        if event.is_state():
            return self._about_state(event, state)
        return self._about_message(event, state)

    def _about_creation(self, event: Event) -> str | None:
        if event.sender != self._bot:
            return "Only the bot opens case rooms."
        if event.content.get("m.federate") is not False:
            return "A case room must not be federated: set m.federate to false."
        if not set(event.content) <= CREATION_KEYS:
            return "A case room has no room type, no predecessor and no further creators."
        return None

    def _about_membership(self, event: Event, state: State) -> str | None:
        membership, person = event.content.get("membership"), event.state_key
        if membership == "leave":
            return None if event.sender in (person, self._bot) else "Only the bot removes people from a case room."
        if membership == "ban":
            return None if event.sender == self._bot else "Only the bot bans people from a case room."
        if membership == "invite":
            if event.sender != self._bot or "third_party_invite" in event.content:
                return "Only the bot invites into a case room."
        elif membership != "join":
            return "Nobody can knock on a case room."
        return None if self._admits(person, state) else "The case is not open to this person."

    def _about_state(self, event: Event, state: State) -> str | None:
        if event.sender != self._bot:
            return "Only the bot changes the state of a case room."
        if event.type in NEVER:
            return f"A case room has no {event.type}."
        if event.type in FROZEN:
            before = state.get((event.type, event.state_key))
            if before is not None:
                same = dict(before.content) == dict(event.content)
                return None if same else f"{event.type} of a case room never changes."
            return self._about_first(event.type, event.content)
        if event.type == ACCESS and not _is_access(event.content):
            return f"{ACCESS} needs requester, admitted and open, and may have closed and assistants."
        return None

    def _about_first(self, kind: str, content: Mapping[str, Any]) -> str | None:
        """Why a case room may not start like this; the defaults are those of the Matrix specification."""
        if kind == "m.room.encryption" and content.get("algorithm") != "m.megolm.v1.aes-sha2":
            return "A case room is encrypted with m.megolm.v1.aes-sha2."
        if kind == "m.room.history_visibility" and content.get("history_visibility") != "joined":
            return "The history of a case room is visible from joining only."
        if kind == "m.room.join_rules" and content.get("join_rule") != "invite":
            return "A case room is joined by invitation only."
        if kind == "m.room.power_levels":
            reserved = {"invite": 0, "kick": 50, "ban": 50, "redact": 50, "state_default": 50}
            if any(content.get(name, default) < BOT_ALONE for name, default in reserved.items()):
                return f"In a case room {', '.join(reserved)} need power {BOT_ALONE}."
            users = {**content.get("users", {}), "everybody else": content.get("users_default", 0)}
            if any(level > 0 for person, level in users.items() if person != self._bot):
                return "Nobody but the bot has power in a case room."
        return None

    def _about_message(self, event: Event, state: State) -> str | None:
        if event.type not in MESSAGE_TYPES and not event.type.startswith(VERIFICATION_PREFIX):
            return "Messages in a case room must be encrypted."
        if event.type == "m.room.redaction":
            target = event.content.get("redacts") or event.redacts
            if any(entry.event_id == target for entry in state.values()):
                return "The state of a case room is not redacted."
        if event.sender == self._bot:
            return None
        if not self._admits(event.sender, state):
            return "The case is not open to this person."
        if state[(ACCESS, "")].content.get("closed"):
            return "The case is closed."
        return None

    def _admits(self, person: str, state: State) -> bool:
        if person == self._bot:
            return True
        access = state.get((ACCESS, ""))
        if access is None or not _is_access(access.content):
            return False
        hospital = (access.content["requester"], *access.content.get("assistants", ()))
        if access.content["open"] is not True and person not in hospital:
            return False
        return person in access.content["admitted"]


def _is_access(content: Mapping[str, Any]) -> bool:
    lists: tuple[Any, ...] = (content.get("admitted"), content.get("assistants", []))
    return (
        isinstance(content.get("requester"), str)
        and isinstance(content.get("open"), bool)
        and isinstance(content.get("closed", False), bool)
        and all(isinstance(people, (list, tuple)) for people in lists)
        and all(isinstance(person, str) for people in lists for person in people)
    )


def _forbidden(sentence: str) -> Exception:
    # Imported late: this file is also read where Synapse is not installed.
    from synapse.module_api.errors import Codes, SynapseError  # type: ignore[import-not-found]

    refusal: Exception = SynapseError(403, sentence, Codes.FORBIDDEN)
    return refusal
