"""The policy module inside a real Synapse: each rule, and who tries to get around it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.client import Client, path
from bridge.errors import Rejected
from bridge.policy import CaseRoomPolicy
from ernbot.demo.homeserver import Homeserver
from tests.fixtures_homeserver import Account

pytestmark = pytest.mark.homeserver

MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
CIPHERTEXT = {**MEGOLM, "ciphertext": "AwgA", "session_id": "s", "sender_key": "k", "device_id": "D"}
NewAccount = Callable[[str], Awaitable[Account]]


class Rooms:
    """The bot and others acting on the shared homeserver, in as few words as the tests need."""

    def __init__(self, hs: Homeserver, session: aiohttp.ClientSession) -> None:
        self.hs, self.session = hs, session
        self.service = Client(session, hs.url, hs.as_token)

    async def bot(self, method: str, where: str, body: object = None) -> Any:
        return await self.service.call(method, where, body, as_user=self.hs.bot_user_id)

    async def by(self, who: Account | str, method: str, where: str, body: object = None) -> Any:
        token = who if isinstance(who, str) else who.token
        return await Client(self.session, self.hs.url, token).call(method, where, body)

    async def case(self, requester: Account, *, admitted: list[str] | None = None, **access: object) -> str:
        """A case room as the bot makes it; the requester is invited and has joined."""
        listed = [requester.user_id] if admitted is None else admitted
        state = {"requester": requester.user_id, "admitted": listed, "open": False, **access}
        room = await self.bot("POST", "/_matrix/client/v3/createRoom", creation(self.hs, state))
        await self.invite(room["room_id"], requester)
        await self.join(room["room_id"], requester)
        return str(room["room_id"])

    async def access(self, room: str, requester: Account, *others: Account, **more: object) -> None:
        content = {
            "requester": requester.user_id,
            "admitted": [requester.user_id, *(other.user_id for other in others)],
            **more,
        }
        await self.bot("PUT", state_path(room, "eu.ern.case.access"), content)

    async def invite(self, room: str, who: Account) -> None:
        where = path("_matrix", "client", "v3", "rooms", room, "invite")
        await self.bot("POST", where, {"user_id": who.user_id})

    async def join(self, room: str, who: Account) -> None:
        await self.by(who, "POST", path("_matrix", "client", "v3", "join", room), {})

    async def kick(self, room: str, who: Account) -> None:
        where = path("_matrix", "client", "v3", "rooms", room, "kick")
        await self.bot("POST", where, {"user_id": who.user_id})


def creation(hs: Homeserver, access: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of createRoom for a well-made case room."""
    body: dict[str, Any] = {
        "preset": "private_chat",
        "name": "Amber Finch",
        "creation_content": {"m.federate": False, "eu.ern.room": "case"},
        "power_level_content_override": {"invite": 100, "kick": 100, "ban": 100, "redact": 100, "state_default": 100},
        "initial_state": [
            {"type": "m.room.encryption", "content": MEGOLM},
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
        ],
    }
    if access is not None:
        body["initial_state"].append({"type": "eu.ern.case.access", "content": access})
    return body


def state_path(room: str, kind: str, key: str = "") -> str:
    return path("_matrix", "client", "v3", "rooms", room, "state", kind, key)


def send_path(room: str, kind: str, txn: str) -> str:
    return path("_matrix", "client", "v3", "rooms", room, "send", kind, txn)


async def refused(attempt: Awaitable[object], why: str) -> None:
    with pytest.raises(Rejected, match=why) as refusal:
        await attempt
    assert (refusal.value.status, refusal.value.errcode) == (403, "M_FORBIDDEN")


@pytest_asyncio.fixture(loop_scope="session")
async def rooms(homeserver: Homeserver) -> AsyncIterator[Rooms]:
    async with aiohttp.ClientSession() as session:
        rooms = Rooms(homeserver, session)
        with suppress(Rejected):  # made by an earlier test
            body = {"type": "m.login.application_service", "username": "ernbot"}
            await rooms.service.call("POST", "/_matrix/client/v3/register", body)
        yield rooms


async def test_the_story_that_must_work(rooms: Rooms, new_account: NewAccount) -> None:
    requester, expert = await new_account("requester"), await new_account("expert")
    room = await rooms.case(requester)
    await rooms.by(requester, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    await rooms.access(room, requester, expert, open=True)
    await rooms.invite(room, expert)
    await rooms.join(room, expert)
    sent = await rooms.by(expert, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": sent["event_id"], "key": "👍"}}
    await rooms.by(requester, "PUT", send_path(room, "m.reaction", "2"), reaction)
    await rooms.by(expert, "PUT", send_path(room, "m.key.verification.done", "3"), {"m.relates_to": {}})
    await rooms.bot("PUT", send_path(room, "m.room.encrypted", "4"), CIPHERTEXT)
    await rooms.bot("PUT", state_path(room, "m.room.pinned_events"), {"pinned": [sent["event_id"]]})
    await rooms.by(expert, "POST", path("_matrix", "client", "v3", "rooms", room, "leave"), {})


async def test_only_the_bot_opens_case_rooms(
    rooms: Rooms, homeserver: Homeserver, new_account: NewAccount, admin_token: str
) -> None:
    for somebody in ((await new_account("somebody")).token, admin_token):
        attempt = rooms.by(somebody, "POST", "/_matrix/client/v3/createRoom", creation(homeserver))
        await refused(attempt, "Only the bot opens case rooms")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"creation_content": {"eu.ern.room": "case"}}, "must not be federated"),
        ({"creation_content": {"eu.ern.room": "case", "m.federate": True}}, "must not be federated"),
        (
            {"creation_content": {"eu.ern.room": "case", "m.federate": False, "type": "m.space"}},
            "no room type",
        ),
        (
            {
                "creation_content": {
                    "eu.ern.room": "case",
                    "m.federate": False,
                    "additional_creators": ["@mallory:ern.localhost"],
                }
            },
            "further creators",
        ),
        ({"visibility": "public"}, "not published"),
        ({"preset": "trusted_private_chat"}, "preset"),
        ({"room_alias_name": "case-amber-finch"}, "no alias"),
        ({"initial_state": []}, "lacks m.room.encryption, m.room.history_visibility"),
        ({"power_level_content_override": {}}, "need power"),
        (
            {
                "power_level_content_override": {
                    "invite": 100,
                    "users": {"@mallory:ern.localhost": 50},
                }
            },
            "Nobody but the bot has power",
        ),
        ({"power_level_content_override": {"invite": 100, "users_default": 50}}, "Nobody but the bot has power"),
    ],
)
async def test_an_ill_made_case_room_is_refused(
    rooms: Rooms, homeserver: Homeserver, change: dict[str, Any], why: str
) -> None:
    body = {**creation(homeserver), **change}
    await refused(rooms.bot("POST", "/_matrix/client/v3/createRoom", body), why)


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        ("m.room.history_visibility", {"history_visibility": "shared"}, "from joining only"),
        ("m.room.encryption", {"algorithm": "none"}, "is encrypted with"),
        ("m.room.join_rules", {"join_rule": "public"}, "by invitation only"),
        ("m.room.join_rules", {"join_rule": "knock"}, "by invitation only"),
        ("eu.ern.case.access", {"admitted": []}, "needs requester"),
    ],
)
async def test_a_case_room_never_starts_weaker(
    rooms: Rooms, homeserver: Homeserver, kind: str, content: dict[str, Any], why: str
) -> None:
    body = creation(homeserver)
    body["initial_state"] = [event for event in body["initial_state"] if event["type"] != kind]
    body["initial_state"].append({"type": kind, "content": content})
    with pytest.raises(Rejected, match=f"{why}|lacks"):
        await rooms.bot("POST", "/_matrix/client/v3/createRoom", body)


async def test_until_consent_the_bot_itself_invites_nobody_but_the_requester(
    rooms: Rooms, new_account: NewAccount
) -> None:
    requester, expert = await new_account("requester"), await new_account("expert")
    room = await rooms.case(requester, admitted=[requester.user_id, expert.user_id])
    await refused(rooms.invite(room, expert), "not open to this person")


async def test_before_consent_an_assistant_of_the_requester_comes_in_and_nobody_else(
    rooms: Rooms, new_account: NewAccount
) -> None:
    requester, assistant, expert = [await new_account(name) for name in ("requester", "assistant", "expert")]
    room = await rooms.case(requester)
    people = [account.user_id for account in (requester, assistant, expert)]
    access = {"requester": people[0], "admitted": people, "open": False}
    await rooms.bot("PUT", state_path(room, "eu.ern.case.access"), {**access, "assistants": people[1:2]})
    await rooms.invite(room, assistant)
    await rooms.join(room, assistant)
    await rooms.by(assistant, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    await refused(rooms.invite(room, expert), "not open to this person")
    malformed = rooms.bot("PUT", state_path(room, "eu.ern.case.access"), {**access, "assistants": people[1]})
    await refused(malformed, "needs requester, admitted and open")
    await rooms.bot("PUT", state_path(room, "eu.ern.case.access"), {**access, "admitted": people[:1]})
    write = rooms.by(assistant, "PUT", send_path(room, "m.room.encrypted", "2"), CIPHERTEXT)
    await refused(write, "not open to this person")


async def test_without_an_access_event_nobody_is_invited(
    rooms: Rooms, homeserver: Homeserver, new_account: NewAccount
) -> None:
    room = (await rooms.bot("POST", "/_matrix/client/v3/createRoom", creation(homeserver)))["room_id"]
    await refused(rooms.invite(room, await new_account("somebody")), "not open to this person")


async def test_an_open_case_still_admits_only_the_listed(rooms: Rooms, new_account: NewAccount) -> None:
    requester, expert, stranger = [await new_account(name) for name in ("requester", "expert", "stranger")]
    room = await rooms.case(requester)
    await rooms.access(room, requester, expert, open=True)
    await refused(rooms.invite(room, stranger), "not open to this person")
    await refused(rooms.join(room, stranger), "not open to this person")
    knock = path("_matrix", "client", "v3", "knock", room)
    await refused(rooms.by(stranger, "POST", knock, {}), "knock|cannot knock")
    where = path("_matrix", "client", "v3", "rooms", room, "invite")
    await refused(rooms.by(requester, "POST", where, {"user_id": expert.user_id}), "Only the bot invites")


async def test_an_invitation_dies_with_the_admission(rooms: Rooms, new_account: NewAccount) -> None:
    requester, expert = await new_account("requester"), await new_account("expert")
    room = await rooms.case(requester)
    await rooms.access(room, requester, expert, open=True)
    await rooms.invite(room, expert)
    await rooms.access(room, requester, expert, open=False)
    await refused(rooms.join(room, expert), "not open to this person")
    await rooms.by(expert, "POST", path("_matrix", "client", "v3", "rooms", room, "leave"), {})


async def test_withdrawal_silences_the_panel_before_it_is_removed(rooms: Rooms, new_account: NewAccount) -> None:
    requester, expert = await new_account("requester"), await new_account("expert")
    room = await rooms.case(requester)
    await rooms.access(room, requester, expert, open=True)
    await rooms.invite(room, expert)
    await rooms.join(room, expert)
    await rooms.access(room, requester, expert, open=False)
    write = rooms.by(expert, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    await refused(write, "not open to this person")
    await rooms.by(requester, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    await rooms.kick(room, expert)
    await refused(rooms.join(room, expert), "not open to this person")


async def test_a_closed_case_takes_nothing_from_people(rooms: Rooms, new_account: NewAccount) -> None:
    requester = await new_account("requester")
    room = await rooms.case(requester)
    await rooms.access(room, requester, open=True, closed=True)
    for kind in ("m.room.encrypted", "m.reaction"):
        await refused(rooms.by(requester, "PUT", send_path(room, kind, "1"), CIPHERTEXT), "is closed")
    await rooms.bot("PUT", send_path(room, "m.room.encrypted", "2"), CIPHERTEXT)
    await rooms.by(requester, "POST", path("_matrix", "client", "v3", "rooms", room, "leave"), {})


@pytest.mark.parametrize(
    "kind",
    ["m.room.message", "m.sticker", "org.matrix.msc3381.poll.start", "m.poll.start", "eu.ern.other", "m.call.invite"],
)
async def test_nothing_is_written_in_clear(rooms: Rooms, new_account: NewAccount, kind: str) -> None:
    requester = await new_account("requester")
    room = await rooms.case(requester)
    content = {"msgtype": "m.text", "body": "in clear"}
    await refused(rooms.by(requester, "PUT", send_path(room, kind, "1"), content), "must be encrypted")
    await refused(rooms.bot("PUT", send_path(room, kind, "2"), content), "must be encrypted")


async def test_people_change_no_state_and_forge_no_access(rooms: Rooms, new_account: NewAccount) -> None:
    requester, friend = await new_account("requester"), await new_account("friend")
    room = await rooms.case(requester)
    forged = {"requester": requester.user_id, "admitted": [requester.user_id, friend.user_id], "open": True}
    await refused(rooms.by(requester, "PUT", state_path(room, "eu.ern.case.access"), forged), "Only the bot changes")
    await refused(rooms.by(requester, "PUT", state_path(room, "m.room.name"), {"name": "x"}), "Only the bot changes")
    await refused(rooms.by(requester, "PUT", state_path(room, "eu.ern.any", "k"), {}), "Only the bot changes")


async def test_the_access_event_counts_only_under_the_empty_key(rooms: Rooms, new_account: NewAccount) -> None:
    requester, friend = await new_account("requester"), await new_account("friend")
    room = await rooms.case(requester)
    content = {"requester": friend.user_id, "admitted": [friend.user_id], "open": True}
    await rooms.bot("PUT", state_path(room, "eu.ern.case.access", "other"), content)
    await refused(rooms.invite(room, friend), "not open to this person")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.room.encryption", {**MEGOLM, "rotation_period_msgs": 1}),
        ("m.room.encryption", {}),
        ("m.room.history_visibility", {"history_visibility": "shared"}),
        ("m.room.join_rules", {"join_rule": "public"}),
        ("m.room.power_levels", {"invite": 0}),
        ("m.room.tombstone", {"body": "moved", "replacement_room": "!x:ern.localhost"}),
        ("m.room.canonical_alias", {}),
    ],
)
async def test_not_even_the_bot_weakens_a_case_room(
    rooms: Rooms, new_account: NewAccount, kind: str, content: dict[str, Any]
) -> None:
    room = await rooms.case(await new_account("requester"))
    await refused(rooms.bot("PUT", state_path(room, kind), content), "never changes|has no")


async def test_what_stays_the_same_may_be_sent_again(rooms: Rooms, new_account: NewAccount) -> None:
    room = await rooms.case(await new_account("requester"))
    levels = await rooms.bot("GET", state_path(room, "m.room.power_levels"))
    await rooms.bot("PUT", state_path(room, "m.room.power_levels"), levels)


async def test_the_state_is_not_redacted_and_messages_only_by_their_authors(
    rooms: Rooms, new_account: NewAccount
) -> None:
    requester = await new_account("requester")
    room = await rooms.case(requester)
    mine = await rooms.by(requester, "PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)
    bots = await rooms.bot("PUT", send_path(room, "m.room.encrypted", "1"), CIPHERTEXT)

    def redact(event_id: str) -> str:
        return path("_matrix", "client", "v3", "rooms", room, "redact", event_id, f"redact {event_id}")

    await rooms.by(requester, "PUT", redact(mine["event_id"]), {})
    await refused(rooms.by(requester, "PUT", redact(bots["event_id"]), {}), "permission to redact")
    await rooms.bot("PUT", redact(bots["event_id"]), {})
    again = await rooms.bot("PUT", state_path(room, "m.room.topic"), {"topic": "t"})
    await refused(rooms.bot("PUT", redact(again["event_id"]), {}), "not redacted")


async def test_a_server_administrator_gets_no_further(rooms: Rooms, new_account: NewAccount, admin_token: str) -> None:
    requester, stranger = await new_account("requester"), await new_account("stranger")
    room = await rooms.case(requester)
    admin = "@admin:ern.localhost"
    make_admin = path("_synapse", "admin", "v1", "rooms", room, "make_room_admin")
    for user in (admin, stranger.user_id):
        await refused(rooms.by(admin_token, "POST", make_admin, {"user_id": user}), "never changes")
        force_join = path("_synapse", "admin", "v1", "join", room)
        with pytest.raises(Rejected):
            await rooms.by(admin_token, "POST", force_join, {"user_id": user})
    members = await rooms.by(admin_token, "GET", path("_synapse", "admin", "v1", "rooms", room, "members"))
    assert sorted(members["members"]) == sorted([rooms.hs.bot_user_id, requester.user_id])


async def test_a_case_room_is_never_published(rooms: Rooms, new_account: NewAccount) -> None:
    room = await rooms.case(await new_account("requester"))
    where = path("_matrix", "client", "v3", "directory", "list", "room", room)
    with pytest.raises(Rejected, match="allowed"):
        await rooms.bot("PUT", where, {"visibility": "public"})
    assert (await rooms.bot("GET", where))["visibility"] == "private"


async def test_nobody_is_moved_by_an_upgrade(rooms: Rooms, new_account: NewAccount) -> None:
    requester = await new_account("requester")
    room = await rooms.case(requester)
    where = path("_matrix", "client", "v3", "rooms", room, "upgrade")
    with pytest.raises(Rejected):
        await rooms.by(requester, "POST", where, {"new_version": "12"})
    with pytest.raises(Rejected):
        await rooms.bot("POST", where, {"new_version": "12"})


async def test_other_rooms_are_left_alone(rooms: Rooms, new_account: NewAccount) -> None:
    owner, guest = await new_account("owner"), await new_account("guest")
    body = {"preset": "public_chat", "creation_content": {"eu.ern.room": "lobby"}}
    room = (await rooms.by(owner, "POST", "/_matrix/client/v3/createRoom", body))["room_id"]
    await rooms.join(room, guest)
    await rooms.by(guest, "PUT", send_path(room, "m.room.message", "1"), {"msgtype": "m.text", "body": "hello"})


@pytest.mark.parametrize(
    "config", [{}, {"bot_user_id": "ernbot"}, {"bot_user_id": "@b:s", "bot": 1}, {"bot_user_id": 7}]
)
def test_a_wrong_configuration_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="set bot_user_id"):
        CaseRoomPolicy.parse_config(config)
