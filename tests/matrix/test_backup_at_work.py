"""The backup on the real homeserver: written as keys come, stopped when it is not ours, read back with suspicion."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import backup
from ernbot.matrix.backup import ALGORITHM, Backup, BackupKey, Restored, Version, current_version, new_version
from ernbot.matrix.errors import BackupLost, MatrixError, Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import decode, encode
from ernbot.matrix.machine import Machine, now
from ernbot.matrix.trust import Trust
from ernbot.storage.errors import StorageBusy
from ernbot.storage.records import RoomKey
from ernbot.storage.store import Store
from tests.fixtures_homeserver import Account
from tests.matrix.devices import log_in
from tests.matrix.test_backup import forged, opened, room_key

pytestmark = pytest.mark.homeserver

ROOM, OTHER_ROOM = "!case:hospital.example", "!other:hospital.example"
PRIVATE = bytes(range(32))
ROOM_KEYS = "/_matrix/client/v3/room_keys"


class Desk:
    """A device with a backup of its own, and what the homeserver has of it."""

    def __init__(self, gateway: Gateway, store: Store) -> None:
        self.gateway = gateway
        self.store = store
        self.machine = Machine(gateway, store, Trust(gateway, store, now))
        self.backup = Backup(gateway, store, self.machine.megolm)
        self.key = BackupKey(PRIVATE, self.machine.megolm)

    async def begin(self) -> str:
        """Make the backup."""
        version = await new_version(self.gateway, {"public_key": self.key.public})
        await self.remember(version)
        return version

    async def remember(self, version: str) -> None:
        async with self.store.transaction() as tx:
            await tx.set_secret(backup.SECRET, PRIVATE)
            await tx.set_backup_version(version)

    async def take(self, *keys: RoomKey) -> None:
        async with self.store.transaction() as tx:
            for key in keys:
                await self.machine.megolm.add(tx, key)

    async def waiting(self) -> int:
        async with self.store.transaction() as tx:
            return len(await tx.room_keys_to_back_up(1000))

    async def kept(self, key: RoomKey) -> list[RoomKey]:
        async with self.store.transaction() as tx:
            return await tx.room_keys(key.room_id, key.session_id)

    async def on_server(self, version: str) -> dict[str, Any]:
        answer = await self.gateway.request("GET", f"{ROOM_KEYS}/keys", query={"version": version})
        return {room: set(entry["sessions"]) for room, entry in answer["rooms"].items()}

    async def put(self, version: str, key: RoomKey, entry: dict[str, Any]) -> None:
        path = f"{ROOM_KEYS}/keys/{quote(key.room_id)}/{quote(key.session_id, safe='')}"
        await self.gateway.request("PUT", path, entry, query={"version": version})

    async def versions(self) -> list[str]:
        """All backups that were ever made and are there."""
        found = []
        for number in range(1, 6):
            try:
                await self.gateway.request("GET", f"{ROOM_KEYS}/version/{number}")
            except MatrixError:
                continue
            found.append(str(number))
        return found

    async def write(self) -> None:
        """Let the backup write until nothing waits."""
        async with asyncio.timeout(20), running(self.backup):
            await self.all_written()

    async def all_written(self) -> None:
        while True:
            if not await self.waiting():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(service: Backup) -> AsyncIterator[asyncio.Task[None]]:
    """The writer for as long as the context is open."""
    task = asyncio.create_task(service.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def account(new_account: Callable[[str], Awaitable[Account]]) -> Account:
    return await new_account("bot")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(homeserver: Homeserver, account: Account, store: Store) -> AsyncIterator[Desk]:
    gateway = await log_in(homeserver, account)
    made = Desk(gateway, store)
    await made.machine.open()
    yield made
    await gateway.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "LINGER", 0.0)
    monkeypatch.setattr(backup, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(backup, "MAX_PAUSE", 0.05)


def own(desk: Desk, source: str = "direct", **options: Any) -> RoomKey:
    """A room key as this desk's machine pickles it."""
    return room_key(source, sessions=desk.machine.megolm, **options)


# --- writing


async def test_every_new_key_is_written_once(desk: Desk) -> None:
    version = await desk.begin()
    keys = [own(desk), own(desk, "forwarded"), own(desk, room_id=OTHER_ROOM)]
    await desk.take(*keys)
    await desk.write()
    assert await desk.on_server(version) == {
        ROOM: {keys[0].session_id, keys[1].session_id},
        OTHER_ROOM: {keys[2].session_id},
    }


async def test_a_key_that_comes_later_is_written_when_it_comes(desk: Desk) -> None:
    version = await desk.begin()
    async with asyncio.timeout(20), running(desk.backup):
        await asyncio.sleep(0.1)
        key = own(desk)
        await desk.take(key)
        desk.backup.wake()
        await desk.all_written()
    assert await desk.on_server(version) == {ROOM: {key.session_id}}


async def test_many_keys_are_written_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "BATCH", 3)
    sizes = []
    request = desk.gateway.request

    async def noted(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        if method == "PUT":
            sizes.append(sum(len(room["sessions"]) for room in args[0]["rooms"].values()))
        return await request(method, path, *args, **options)

    monkeypatch.setattr(desk.gateway, "request", noted)
    version = await desk.begin()
    await desk.take(*(own(desk) for _ in range(7)))
    await desk.write()
    assert sizes == [3, 3, 1]
    assert len((await desk.on_server(version))[ROOM]) == 7


async def test_a_better_key_is_written_again(desk: Desk) -> None:
    version = await desk.begin()
    session = desk.machine.megolm.session(own(desk))
    earlier = own(desk, of=session, index=0)
    later = own(desk, of=session, index=2)
    await desk.take(later)
    await desk.write()
    await desk.take(earlier)
    await desk.write()
    answer = await desk.gateway.request("GET", f"{ROOM_KEYS}/keys", query={"version": version})
    assert answer["rooms"][ROOM]["sessions"][earlier.session_id]["first_message_index"] == 0


async def test_our_own_new_keys_are_written_although_nobody_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "IDLE", 0.05)
    version = await desk.begin()
    async with asyncio.timeout(20), running(desk.backup):
        await asyncio.sleep(0.1)
        async with desk.store.transaction() as tx:
            session_id = (await desk.machine.megolm.new(tx, ROOM, now())).session_id
        await desk.all_written()
    assert await desk.on_server(version) == {ROOM: {session_id}}


async def test_keys_of_a_destroyed_case_do_not_hold_up_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "BATCH", 2)
    version = await desk.begin()
    await desk.take(*(own(desk) for _ in range(5)))
    key = own(desk, room_id=OTHER_ROOM)
    await desk.take(key)
    async with desk.store.transaction() as tx:
        await tx.shred(f"room:{ROOM}")
    await desk.write()
    assert await desk.on_server(version) == {OTHER_ROOM: {key.session_id}}


async def test_a_homeserver_that_is_away_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    version = await desk.begin()
    key = own(desk)
    await desk.take(key)
    faults: list[Exception] = [
        Unreachable("gone"),
        MatrixError(502, "M_UNKNOWN"),
        MatrixError(429, "M_LIMIT_EXCEEDED", 0.02),
        StorageBusy("busy"),
        MatrixError(401, "M_UNKNOWN_TOKEN"),
        RuntimeError("a secret"),
    ]
    request = desk.gateway.request

    async def away(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        if faults:
            raise faults.pop()
        return await request(method, path, *args, **options)

    monkeypatch.setattr(desk.gateway, "request", away)
    await desk.write()
    assert await desk.on_server(version) == {ROOM: {key.session_id}}
    said = [record.getMessage() for record in caplog.records if record.name == backup.__name__]
    assert len(said) == 6
    assert "RuntimeError at " in said[0]
    assert not any("a secret" in text for text in said)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("what", ["deleted", "replaced"])
async def test_a_backup_that_is_not_ours_any_more_is_left_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture, what: str, when: str
) -> None:
    version = await desk.begin()
    foreign = BackupKey(bytes(32), desk.machine.megolm)

    async def meddle() -> None:
        if what == "deleted":
            await desk.gateway.request("DELETE", f"{ROOM_KEYS}/version/{version}")
        else:
            await new_version(desk.gateway, {"public_key": foreign.public})

    if when == "before":
        await meddle()
    async with asyncio.timeout(20), running(desk.backup) as task:
        if when == "meanwhile":
            await asyncio.sleep(0.2)
            await meddle()
        await desk.take(own(desk))
        desk.backup.wake()
        await task
    (said,) = [record for record in caplog.records if record.name == backup.__name__]
    assert said.levelno == logging.ERROR
    text = said.getMessage()
    assert f"The key backup of {desk.gateway.user_id} {'is gone' if what == 'deleted' else 'was replaced'}" in text
    assert text.endswith("`ernbot identity create` makes a new backup.")
    assert await desk.waiting() == 1
    assert await desk.versions() == ([] if what == "deleted" else ["1", "2"]), "none was made silently"
    if what == "replaced":
        assert await desk.on_server("2") == {}


async def test_nothing_is_written_under_a_key_that_is_not_ours(desk: Desk) -> None:
    foreign = BackupKey(bytes(32), desk.machine.megolm)
    version = await new_version(desk.gateway, {"public_key": foreign.public})
    await desk.remember(version)
    await desk.take(own(desk))
    with pytest.raises(BackupLost, match="was replaced by one that is not the bot's"):
        await desk.backup.check()
    async with asyncio.timeout(20):
        await desk.backup.run()
    assert await desk.on_server(version) == {}


async def test_without_a_backup_the_writer_says_what_to_do(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.take(own(desk))
    async with asyncio.timeout(20):
        await desk.backup.run()
    assert "There is no key backup: run `ernbot identity create`" in caplog.text
    assert await desk.versions() == []


async def test_the_version_tells_whose_it_is(desk: Desk) -> None:
    assert await current_version(desk.gateway) is None
    version = await desk.begin()
    assert await current_version(desk.gateway) == Version(version, desk.key.public)


@pytest.mark.parametrize(
    "answer", [[], {}, {"algorithm": "m.other"}, {"algorithm": ALGORITHM}, {"algorithm": ALGORITHM, "auth_data": 7}]
)
async def test_a_version_that_is_none_is_never_ours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    await desk.begin()

    async def lying(*_args: Any, **_options: Any) -> Any:
        return answer

    monkeypatch.setattr(desk.gateway, "request", lying)
    with pytest.raises(BackupLost, match="The key backup of"):
        await desk.backup.check()


# --- reading


async def test_everything_is_restored_with_its_origin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "BATCH", 3)
    version = await desk.begin()
    keys = [own(desk, source) for source in ("direct", "forwarded", "backup") for _ in range(3)]
    for key in keys:
        await desk.put(version, key, desk.key.lock(key))
    assert await desk.backup.restore() == Restored(kept=9, unproved=3, refused=0)
    for key in keys:
        (found,) = await desk.kept(key)
        assert (found.source, found.sender_key, found.user_id) == (key.source, key.sender_key, key.user_id)
    assert await desk.waiting() == 0, "what came from the backup is in it"


async def test_restoring_twice_is_restoring_once(desk: Desk) -> None:
    version = await desk.begin()
    key = own(desk)
    await desk.put(version, key, desk.key.lock(key))
    assert await desk.backup.restore() == await desk.backup.restore() == Restored(kept=1)
    assert len(await desk.kept(key)) == 1


async def test_what_the_server_slipped_in_never_counts_as_received(desk: Desk) -> None:
    version = await desk.begin()
    bare, swapped, garbage = own(desk), own(desk), own(desk)
    await desk.put(version, bare, forged(opened(desk.key.lock(bare))[0]))
    await desk.put(
        version, swapped, desk.key.lock(own(desk, room_id=OTHER_ROOM, of=desk.machine.megolm.session(swapped)))
    )
    entry = {"first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": {"ciphertext": 7}}
    await desk.put(version, garbage, entry)
    assert await desk.backup.restore() == Restored(kept=1, unproved=1, refused=2)
    assert [key.source for key in await desk.kept(bare)] == ["backup"]
    assert await desk.kept(swapped) == await desk.kept(garbage) == []


async def test_a_forged_session_does_not_replace_one_that_was_received(desk: Desk) -> None:
    version = await desk.begin()
    genuine = own(desk, index=2)
    await desk.take(genuine)
    plain = opened(desk.key.lock(genuine))[0]
    export = desk.machine.megolm.session(own(desk)).export_at(0)
    assert export is not None
    # Another session under this one's name: its last 32 bytes are the public key that is its id.
    head, name = decode(export.to_base64())[:-32], decode(plain["session_key"])[-32:]
    plain["session_key"] = encode(head + name)
    await desk.put(version, genuine, forged(plain))
    assert await desk.backup.restore() == Restored(kept=1, unproved=1)
    (found,) = await desk.kept(genuine)
    assert (found.source, found.first_index) == ("direct", 2)
    assert await desk.waiting() == 1


@pytest.mark.parametrize(
    "answer", [[], {}, {"rooms": 7}, {"rooms": {"!r:x": 7}}, {"rooms": {"!r:x": {"sessions": []}}}]
)
async def test_a_backup_of_nonsense_is_an_empty_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    await desk.begin()

    async def lying(*_args: Any, **_options: Any) -> Any:
        return answer

    monkeypatch.setattr(desk.gateway, "request", lying)
    assert await desk.backup.restore() == Restored()
    assert await desk.backup.fetch(ROOM, "session") is False


async def test_one_session_is_fetched_when_it_is_missed(desk: Desk) -> None:
    version = await desk.begin()
    key, other = own(desk), own(desk)
    for each in (key, other):
        await desk.put(version, each, desk.key.lock(each))
    assert await desk.backup.fetch(key.room_id, key.session_id) is True
    assert [found.source for found in await desk.kept(key)] == ["direct"]
    assert await desk.kept(other) == []


async def test_a_session_that_is_not_there_is_not_found(desk: Desk) -> None:
    key = own(desk)
    assert await desk.backup.fetch(key.room_id, key.session_id) is False, "without a backup"
    version = await desk.begin()
    assert await desk.backup.fetch(key.room_id, key.session_id) is False
    await desk.put(version, key, forged({"no": "session"}))
    assert await desk.backup.fetch(key.room_id, key.session_id) is False


async def test_a_fetch_that_the_homeserver_does_not_answer_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.begin()

    async def away(*_args: Any, **_options: Any) -> Any:
        raise Unreachable("gone")

    monkeypatch.setattr(desk.gateway, "request", away)
    with pytest.raises(Unreachable):
        await desk.backup.fetch(ROOM, "session")
