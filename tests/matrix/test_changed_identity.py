"""An identity takes the place of another: noticed once, not forgotten, and refused or let through as the policy says.

First with forged answers of the homeserver and a dispatcher on a real database, then with real identities.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ernbot.commands.effects import Message, load
from ernbot.commands.identity import accept
from ernbot.commands.office import Office
from ernbot.core.assurance import Assurance, Policy
from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.locales import LANGUAGES
from ernbot.matrix.dispatch import Dispatcher
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.gaps import Gaps
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.intake import Intake
from ernbot.matrix.keys import public
from ernbot.matrix.machine import Machine
from ernbot.matrix.render import render
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import LEFT_ALONE, REFRESHED_AT_ONCE, Trust
from ernbot.matrix.verification import Verification
from ernbot.storage.identities import IDENTITY_CHANGED
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store
from tests.commands.chat import ANDERS, BOT, DIRECTORY, FORMS, METTE, direct_room
from tests.fixtures_homeserver import PASSWORD, Account
from tests.matrix.devices import Forge, Phone, new_token, phone, reset_identity

NONE, SIGNED, UNCHANGED, VERIFIED = Assurance
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FIRST, SECOND = Forge.of(ANDERS), Forge.of(ANDERS)
ROOM = direct_room(ANDERS)


class World(Gateway):
    """A homeserver that says of people what `people` says; in every room Anders and the bot are alone."""

    def __init__(self, *people: Forge) -> None:
        self.user_id, self.device_id = BOT, "ERNBOT"
        self.people = {person.user_id: person for person in people}
        self.asked: list[set[str]] = []

    async def request(self, method: str, path: str, body: Any = None, **_options: Any) -> dict[str, Any]:
        assert (method, path) == ("POST", "/_matrix/client/v3/keys/query")
        self.asked.append(set(body["device_keys"]))
        answer: dict[str, Any] = {"device_keys": {}, "master_keys": {}, "self_signing_keys": {}}
        for user_id in body["device_keys"]:
            if user_id in self.people:
                for part, known in self.people[user_id].answer().items():
                    answer[part] |= known
        return answer

    async def state(self, room_id: str) -> list[dict[str, Any]]:
        members = [
            {"type": "m.room.member", "state_key": user, "content": {"membership": "join"}} for user in (BOT, ANDERS)
        ]
        return [*members, {"type": "m.room.encryption", "state_key": "", "content": {}}]


class Desk:
    """Trust and the dispatcher on a real database, as a program that has just started."""

    def __init__(self, store: Store, world: World, policy: Policy = Policy()) -> None:
        self.store, self.world, self.time = store, world, NOW
        self.trust = Trust(world, store, self.clock)
        machine, rooms = Machine(world, store, self.trust, clock=self.clock), Rooms(world)
        office = Office(BOT, DIRECTORY, FORMS, LANGUAGES, policy=policy)
        verification = Verification(
            *(world, machine, self.trust, rooms, store),
            knows=DIRECTORY.knows,
            clock=self.clock,
            wake_sender=lambda: None,
        )
        self.dispatcher = Dispatcher(
            world,
            machine,
            Gaps(world, Intake(machine, clock=self.clock), store),
            self.trust,
            rooms,
            store,
            office,
            verification,
            clock=self.clock,
            wake_sender=lambda: None,
            wake_jobs=lambda: None,
            restore=self._restore,
        )
        self.messages = 0

    def clock(self) -> datetime:
        return self.time

    async def _restore(self, _room_id: str, _session_id: str) -> bool:
        return False

    async def becomes(self, forge: Forge) -> None:
        """The homeserver shows another identity, and says that something changed."""
        self.world.people[forge.user_id] = forge
        self.trust.forget([forge.user_id])
        async with self.store.transaction() as tx:
            await tx.mark_stale([forge.user_id])

    async def work(self) -> None:
        """Handle everything in the inbox."""
        while True:
            await self.dispatcher._start_rooms()
            if not self.dispatcher._busy:
                return
            await asyncio.gather(*self.dispatcher._busy.values())

    async def news(self) -> list[dict[str, Any]]:
        """What waits in the inbox about identities."""
        async with self.store.transaction() as tx:
            return [item.payload for item in await tx.pending(at=self.time) if item.kind == IDENTITY_CHANGED]

    async def hears(
        self, text: str, by: Forge = FIRST, *, authentic: bool | None = True, msgtype: str = "m.text"
    ) -> list[tuple[str, bool]]:
        """What the bot answers to a message of Anders, and whether it answers in the clear."""
        self.messages += 1
        payload: dict[str, Any] = {
            "type": "m.room.message",
            "content": {"msgtype": msgtype, "body": text},
            "curve25519": "curve",
            "ed25519": public(by.device_key),
            "authentic": authentic,
        }
        if authentic is None:
            del payload["authentic"]
        event_id = f"$message-{self.messages}"
        async with self.store.transaction() as tx:
            await tx.receive(InboxItem(event_id, ROOM, ANDERS, "message", payload, self.time))
        await self.work()
        return [(text, plain) for lane, text, plain in await self.said() if lane == f"room:{ROOM}"]

    async def said(self) -> list[tuple[str, str, bool]]:
        """All messages in the outbox, with their lane, which are taken out of it."""
        found: list[tuple[str, str, bool]] = []
        async with self.store.transaction() as tx:
            while due := await tx.due(self.time):
                for item in due:
                    effect = load(item.payload)
                    if isinstance(effect, Message):
                        found.append((item.lane, render(effect.reply, "en").body, effect.plain))
                    await tx.sent(item.id, None)
        return found

    async def sure(self) -> Assurance:
        """How sure the bot is of the device of Anders' present identity."""
        (device,) = await self.trust.devices([ANDERS])
        async with self.store.transaction() as tx:
            return (await self.trust.as_stored(tx, device)).assurance


# --- noticed


async def test_the_first_identity_is_trusted_and_another_one_is_known_to_be_another(store: Store) -> None:
    desk = Desk(store, World(FIRST))
    assert await desk.sure() is UNCHANGED
    assert await desk.news() == []
    await desk.becomes(SECOND)
    assert await desk.sure() is SIGNED
    change = {"before": FIRST.identity.fingerprint, "now": SECOND.identity.fingerprint}
    assert await desk.news() == [change]

    again = Desk(store, desk.world)
    assert await again.sure() is SIGNED, "not forgotten by a restart"
    await again.becomes(SECOND)
    assert await again.sure() is SIGNED
    assert await again.news() == [change], "and told once"


async def test_an_identity_that_goes_and_comes_back_is_news_each_time(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST))
    await desk.sure()
    for forge, sure, told in ((SECOND, SIGNED, 1), (FIRST, UNCHANGED, 1), (SECOND, SIGNED, 2), (SECOND, SIGNED, 2)):
        desk.time += timedelta(seconds=1)
        await desk.becomes(forge)
        assert await desk.sure() is sure
        assert len(await desk.news()) == told


async def test_what_is_confirmed_counts_at_once_whatever_is_remembered(store: Store) -> None:
    desk = Desk(store, World(FIRST))
    await desk.sure()
    await desk.becomes(SECOND)
    await desk.sure()
    (remembered,) = await desk.trust.devices([ANDERS])
    async with store.transaction() as tx:
        await accept(tx, ANDERS, SECOND.identity.fingerprint, name="Anders", by=METTE, at=NOW)
        assert (await desk.trust.as_stored(tx, remembered)).assurance is UNCHANGED
    assert remembered.assurance is SIGNED
    await desk.work()
    assert [device.assurance for device in await desk.trust.devices([ANDERS])] == [UNCHANGED]


async def test_a_device_that_is_not_stored_proves_nothing(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST))
    (device,) = await desk.trust.devices([ANDERS])
    await desk.becomes(Forge.of(ANDERS, "OTHER"))
    await desk.trust.devices([ANDERS])
    async with sqlite_store.transaction() as tx:
        assert (await desk.trust.as_stored(tx, device)).assurance is NONE


# --- asked for though nobody needs it


async def test_who_changed_is_asked_about_though_nobody_writes(sqlite_store: Store) -> None:
    other = Forge.of(METTE)
    desk = Desk(sqlite_store, World(FIRST, other))
    await desk.trust.devices([ANDERS, METTE])
    desk.world.asked.clear()
    await desk.trust.refresh()
    assert desk.world.asked == [], "nothing changed"
    await desk.becomes(SECOND)
    await desk.trust.refresh()
    await desk.trust.refresh()
    assert desk.world.asked == [{ANDERS}]
    assert len(await desk.news()) == 1


async def test_people_whose_homeserver_is_away_are_left_alone_for_a_while(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST))
    await desk.trust.devices([ANDERS])
    await desk.becomes(SECOND)
    del desk.world.people[ANDERS]
    desk.world.asked.clear()
    for _ in range(3):
        await desk.trust.refresh()
    assert desk.world.asked == [{ANDERS}]
    desk.world.people[ANDERS] = SECOND
    desk.time += LEFT_ALONE
    await desk.trust.refresh()
    assert len(await desk.news()) == 1


async def test_many_who_changed_are_asked_about_some_at_a_time(sqlite_store: Store) -> None:
    people = [Forge.of(f"@p{number}:hospital.example") for number in range(REFRESHED_AT_ONCE + 1)]
    desk = Desk(sqlite_store, World(*people))
    await desk.trust.devices([person.user_id for person in people])
    desk.trust.forget_all()
    async with sqlite_store.transaction() as tx:
        await tx.mark_all_stale()
    desk.world.asked.clear()
    for _ in range(3):
        await desk.trust.refresh()
    assert [len(asked) for asked in desk.world.asked] == [REFRESHED_AT_ONCE, 1]


# --- told, refused and let through


async def test_a_change_is_told_and_confirmed_through_the_inbox(store: Store) -> None:
    desk = Desk(store, World(FIRST))
    await desk.hears("!help")
    await desk.becomes(SECOND)
    await desk.trust.refresh()
    await desk.work()
    told = await desk.said()
    assert {lane for lane, _, _ in told} == {f"direct:{ANDERS}", f"direct:{METTE}"}
    assert not any(plain for _, _, plain in told)
    await desk.work()
    assert await desk.said() == []

    ((answer, plain),) = await desk.hears("!help", SECOND)
    assert "What you can do here" in answer
    assert "not sure enough" in answer
    async with store.transaction() as tx:
        await accept(tx, ANDERS, SECOND.identity.fingerprint, name="Anders", by=METTE, at=NOW)
    await desk.work()
    ((_, confirmed, plain),) = await desk.said()
    assert "confirmed by Mette Holm" in confirmed
    ((answer, plain),) = await desk.hears("!help", SECOND)
    assert "not sure enough" not in answer
    assert not plain


async def test_a_device_of_the_identity_before_is_not_taken_any_more(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST))
    await desk.hears("!help")
    await desk.becomes(SECOND)
    await desk.trust.refresh()
    await desk.work()
    await desk.said()
    ((answer, plain),) = await desk.hears("!help", FIRST)
    assert "cannot tell which of your devices" in answer
    assert plain


async def test_who_gets_no_room_keys_is_answered_in_the_clear_and_commands_nothing(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST), Policy(room_keys=UNCHANGED))
    ((answer, plain),) = await desk.hears("!help")
    assert ("What you can do here" in answer, plain) == (True, False)
    await desk.becomes(SECOND)
    await desk.trust.refresh()
    await desk.work()
    assert [(lane, plain) for lane, _, plain in await desk.said()] == [
        (f"direct:{ANDERS}", True),
        (f"direct:{METTE}", False),
    ]
    for text, msgtype in (
        ("!help", "m.text"),
        ("!language da", "m.text"),
        ("!case new ern-cranio Why?", "m.text"),
        ("scan.dcm", "m.file"),
    ):
        ((answer, plain),) = await desk.hears(text, SECOND, msgtype=msgtype)
        assert answer.startswith("Your encryption identity changed on 4 March 2026")
        assert SECOND.identity.fingerprint[:8] in answer
        assert plain


async def test_with_the_default_nothing_less_than_a_verified_sender_is_set_by_mistake(sqlite_store: Store) -> None:
    desk = Desk(sqlite_store, World(FIRST), Policy(commands=VERIFIED))
    ((answer, plain),) = await desk.hears("!help")
    assert (answer.startswith("You and I have to compare emoji first."), plain) == (True, False)


@pytest.mark.parametrize("authentic", [False, None, 1, "yes"])
async def test_a_message_whose_key_proves_nothing_is_not_acted_upon(sqlite_store: Store, authentic: Any) -> None:
    """Its key came out of a backup: whoever can write there could have made it, and the message with it."""
    desk = Desk(sqlite_store, World(FIRST))
    for text in ("!help", "!language da", "!case new ern-cranio Why?", "hello"):
        ((answer, plain),) = await desk.hears(text, authentic=authentic)
        assert answer.endswith("Please send it again.")
        assert "comes from a backup" in answer
        assert not plain
    async with sqlite_store.transaction() as tx:
        assert await tx.language(ANDERS) is None
        assert await tx.places() == []
    ((answer, _),) = await desk.hears("scan.dcm", authentic=authentic, msgtype="m.file")
    assert "comes from a backup" in answer
    ((answer, _),) = await desk.hears("!help")
    assert "What you can do here" in answer


# --- real identities


async def identity_news(bot: Phone) -> list[dict[str, Any]]:
    async with bot.store.transaction() as tx:
        return [item.payload for item in await tx.pending() if item.kind == IDENTITY_CHANGED]


@pytest.mark.homeserver
async def test_a_reset_on_the_homeserver_is_noticed_and_confirmed(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> None:
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        room = await hers.gateway.create_room({"invite": [bot.user_id]})
        await ours.gateway.join(room)
        await ours.sync()
        (before,) = await ours.trust.devices([ida.user_id])
        assert before.assurance is UNCHANGED

        identity = await reset_identity(hers.gateway, hers.machine.olm, PASSWORD)
        await ours.sync()
        await ours.trust.refresh()
        (after,) = await ours.trust.devices([ida.user_id])
        assert (after.key, after.assurance) == (before.key, SIGNED)
        (news,) = await identity_news(ours)
        assert news["now"] == identity.fingerprint != news["before"]

        # A message from the device that is signed anew is still read, and taken for what it is.
        event = hers.event(await hers.encrypt(room, ours))
        await ours.sync()
        decrypted = await ours.decrypt(room, event)
        owner = await ours.trust.owner(ida.user_id, decrypted.curve25519, decrypted.ed25519)
        assert owner.assurance is SIGNED
        async with ours.store.transaction() as tx:
            await accept(tx, ida.user_id, identity.fingerprint[:8], name="Ida", by=METTE, at=NOW)
            assert (await ours.trust.as_stored(tx, owner)).assurance is UNCHANGED


@pytest.mark.homeserver
@pytest.mark.parametrize("room_keys", [SIGNED, UNCHANGED])
async def test_room_keys_after_a_reset_go_where_the_policy_says(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path, room_keys: Assurance
) -> None:
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        ours.machine = Machine(ours.gateway, ours.store, ours.trust, room_keys=room_keys)
        await ours.machine.open()
        room = await hers.gateway.create_room({"invite": [bot.user_id]})
        await ours.gateway.join(room)
        await ours.sync()
        first = ours.event(await ours.encrypt(room, hers, text="before"))
        await hers.sync()
        assert await hers.body(room, first) == "before"

        identity = await reset_identity(hers.gateway, hers.machine.olm, PASSWORD)
        await ours.sync()
        second = ours.event(await ours.encrypt(room, hers, text="changed"))
        await hers.sync()
        if room_keys is SIGNED:
            assert await hers.body(room, second) == "changed"
        else:
            assert await hers.reads(room, second) == "no-key"
            assert second["content"]["session_id"] != first["content"]["session_id"]
            async with hers.store.transaction() as tx:
                assert await tx.withheld_code(room, second["content"]["session_id"], bot.user_id) == "m.unverified"

        async with ours.store.transaction() as tx:
            await accept(tx, ida.user_id, identity.fingerprint, name="Ida", by=METTE, at=NOW)
        ours.trust.forget([ida.user_id])  # as the dispatcher does
        third = ours.event(await ours.encrypt(room, hers, text="confirmed"))
        await hers.sync()
        assert await hers.body(room, third) == "confirmed"


@pytest.mark.homeserver
async def test_a_stolen_token_resets_nothing(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> None:
    """An identity is replaced with the password; what has only a token can at most add a device that nobody signed."""
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        await ours.trust.devices([ida.user_id])
        token = await new_token(hers.gateway, ida)
        async with phone(homeserver, ida, tmp_path, signed=False, token=token) as thief:
            with pytest.raises(MatrixError, match=r"401|403"):
                await reset_identity(thief.gateway, thief.machine.olm, "a guess")
            with pytest.raises(Refused, match="device-unsigned"):
                await ours.trust.owner(ida.user_id, thief.machine.olm.curve25519, thief.machine.olm.ed25519)
        assert await identity_news(ours) == []
