"""What the homeserver should hold, what it holds, and the changes that lead from one to the other.

Everything here is pure: `bridge.provisioning` observes and applies. Nothing here knows of cases: their rooms are
the bot's. People who left the directory lose the network's rooms, never their account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ernbot.core.directory import Directory


@dataclass(frozen=True)
class Room:
    """A room as it should be. `parent` is the alias of its space; a space is a room without one."""

    alias: str
    name: str
    topic: str
    parent: str | None
    members: frozenset[str]


@dataclass(frozen=True)
class Desired:
    """The bot, all accounts (user id to display name, the bot's among them), and rooms with spaces first."""

    bot: str
    accounts: Mapping[str, str]
    rooms: tuple[Room, ...]


@dataclass(frozen=True)
class FoundAccount:
    name: str
    active: bool


@dataclass(frozen=True)
class FoundRoom:
    """A room as it is: its children's room ids, who is there or invited, and who left of their own will."""

    room_id: str
    name: str
    children: frozenset[str]
    present: frozenset[str]
    left: frozenset[str]


@dataclass(frozen=True)
class Actual:
    accounts: Mapping[str, FoundAccount]
    rooms: Mapping[str, FoundRoom]
    bot_exempt: bool
    bot_signed_in: bool


@dataclass(frozen=True)
class MakeBot:
    user_id: str

    def __str__(self) -> str:
        return f"account of the bot {self.user_id}"


@dataclass(frozen=True)
class ExemptBot:
    user_id: str

    def __str__(self) -> str:
        return f"no rate limit for {self.user_id}"


@dataclass(frozen=True)
class SignInBot:
    user_id: str

    def __str__(self) -> str:
        return f"device and access token for {self.user_id}"


@dataclass(frozen=True)
class MakeAccount:
    user_id: str
    name: str

    def __str__(self) -> str:
        return f"account {self.user_id} ({self.name})"


@dataclass(frozen=True)
class NameAccount:
    user_id: str
    name: str

    def __str__(self) -> str:
        return f"name of {self.user_id}: {self.name}"


@dataclass(frozen=True)
class MakeRoom:
    room: Room

    def __str__(self) -> str:
        return f"{'room' if self.room.parent else 'space'} {self.room.alias} ({self.room.name})"


@dataclass(frozen=True)
class NameRoom:
    alias: str
    name: str

    def __str__(self) -> str:
        return f"name of {self.alias}: {self.name}"


@dataclass(frozen=True)
class FileRoom:
    parent: str
    alias: str

    def __str__(self) -> str:
        return f"{self.alias} filed in {self.parent}"


@dataclass(frozen=True)
class Invite:
    alias: str
    user_id: str

    def __str__(self) -> str:
        return f"invitation of {self.user_id} into {self.alias}"


@dataclass(frozen=True)
class Remove:
    alias: str
    user_id: str

    def __str__(self) -> str:
        return f"removal of {self.user_id} from {self.alias}"


Change = MakeBot | ExemptBot | SignInBot | MakeAccount | NameAccount | MakeRoom | NameRoom | FileRoom | Invite | Remove


def desired(directory: Directory, bot: str, bot_name: str) -> Desired:
    """What the directory asks for: per network a space `#<id>`, in it `#<id>-lobby` and `#<id>-helpdesk`."""
    server = bot.partition(":")[2]
    accounts = {bot: bot_name}
    rooms: list[Room] = []
    for network in directory.networks:
        members = frozenset(person.user_id for person in network.people)
        accounts |= {person.user_id: person.name for person in network.people}
        space, topic = f"#{network.id}:{server}", f"Rooms of {network.name}."
        lobby = "Exchange among members. Nothing about a patient belongs here: open a case for that."
        helpdesk = "Questions about access and use. Nothing about a patient belongs here."
        rooms += [
            Room(space, network.name, topic, None, members),
            Room(f"#{network.id}-lobby:{server}", f"{network.name} lobby", lobby, space, members),
            Room(f"#{network.id}-helpdesk:{server}", f"{network.name} helpdesk", helpdesk, space, members),
        ]
    return Desired(bot, accounts, tuple(rooms))


def plan(desired: Desired, actual: Actual) -> list[Change]:
    """The changes, in the order in which they can be made; empty when nothing differs.

    Two things are respected rather than repaired: an account that an administrator deactivated, and a member
    who left a room of their own will.
    """
    changes: list[Change] = []
    if desired.bot not in actual.accounts:
        changes.append(MakeBot(desired.bot))
    if not actual.bot_exempt:
        changes.append(ExemptBot(desired.bot))
    if not actual.bot_signed_in:
        changes.append(SignInBot(desired.bot))
    for user_id, name in desired.accounts.items():
        found = actual.accounts.get(user_id)
        if found is None and user_id != desired.bot:
            changes.append(MakeAccount(user_id, name))
        elif found is None or (found.active and found.name != name):
            changes.append(NameAccount(user_id, name))
    for room in desired.rooms:
        changes += _room_changes(room, desired, actual)
    return changes


def _room_changes(room: Room, desired: Desired, actual: Actual) -> list[Change]:
    changes: list[Change] = []
    found = actual.rooms.get(room.alias)
    if found is None:
        changes.append(MakeRoom(room))
    elif found.name != room.name:
        changes.append(NameRoom(room.alias, room.name))
    if room.parent is not None:
        parent = actual.rooms.get(room.parent)
        if found is None or parent is None or found.room_id not in parent.children:
            changes.append(FileRoom(room.parent, room.alias))
    present, left = (found.present, found.left) if found else (frozenset[str](), frozenset[str]())
    inactive = {user_id for user_id, account in actual.accounts.items() if not account.active}
    changes += [Invite(room.alias, user) for user in sorted(room.members - present - left - inactive)]
    changes += [Remove(room.alias, user) for user in sorted(present - room.members - {desired.bot})]
    return changes
