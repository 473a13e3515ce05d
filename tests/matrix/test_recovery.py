"""Making, recovering and showing the bot's identity: whole or refused, and repeated after any crash."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import backup, bot, identity, recovery
from ernbot.matrix.backup import BackupKey, current_version, new_version
from ernbot.matrix.errors import IdentityLost, MatrixError, RecoveryRefused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity, published_keys
from ernbot.matrix.keys import encode, verifies
from ernbot.matrix.machine import Machine, now
from ernbot.matrix.secret_storage import decode_recovery_key, encrypt, key_id, set_up, unlock
from ernbot.matrix.trust import Trust, read_identity
from ernbot.storage.records import OlmSession
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY
from tests.fixtures_homeserver import Account
from tests.matrix.devices import log_in, new_token
from tests.matrix.test_backup import forged, opened, room_key

pytestmark = pytest.mark.homeserver

NAMES = ("m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing", "m.megolm_backup.v1")
ROOM = "!case:hospital.example"
ROOM_KEYS = "/_matrix/client/v3/room_keys"


class Cut(BaseException):
    """Where a test ends the program."""


class Office:
    """An administrator at a bot's account: what the commands said, and what is there."""

    def __init__(self, account: bot.Account, store: Store, gateway: Gateway) -> None:
        self.account = account
        self.store = store
        self.gateway = gateway
        """A look from outside, at whatever the commands do."""
        self.said: list[str] = []

    async def create(self) -> None:
        await recovery.create(self.account, self.store, self.said.append)

    async def recover(self, typed: str) -> None:
        await recovery.recover(self.account, self.store, typed, self.said.append)

    async def show(self) -> str:
        await recovery.show(self.account.user_id, self.account.device_id, self.store, self.said.append)
        return self.said[-1]

    @property
    def recovery_key(self) -> str:
        """The one that was shown."""
        (line,) = {line for text in self.said for line in text.splitlines() if line.startswith("Recovery key:")}
        return line.partition(":")[2].strip()

    async def secret(self, name: str) -> bytes | None:
        async with self.store.transaction() as tx:
            return await tx.secret(name)

    async def secrets(self) -> list[bool]:
        """Whether the database holds seeds, backup key and a recovery key that nobody saw."""
        return [await self.secret(name) is not None for name in (identity.SECRET, backup.SECRET, recovery.UNSHOWN)]

    async def identity(self) -> Identity:
        seeds = await self.secret(identity.SECRET)
        assert seeds is not None
        return Identity.from_bytes(self.account.user_id, seeds)

    async def published(self) -> dict[str, Any]:
        user = self.account.user_id
        return await self.gateway.request("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}})

    async def signed_devices(self) -> set[str]:
        devices = read_identity(self.account.user_id, await self.published()).devices
        return {device_id for device_id, _, _, is_signed in devices if is_signed}

    async def is_whole(self) -> bool:
        """Everything is there and fits: the identity, the device signed by it, the secret storage, the backup."""
        ours = await self.identity()
        private = await self.secret(backup.SECRET)
        assert private is not None
        unlocked = await unlock(self.gateway, decode_recovery_key(self.recovery_key), NAMES)
        assert list(unlocked.values()) == [*ours.seeds().values(), private]
        assert await published_keys(self.gateway) == ours.public_keys()
        assert self.account.device_id in await self.signed_devices()
        async with self.store.transaction() as tx:
            version = await tx.backup_version()
        current = await current_version(self.gateway)
        assert current is not None
        async with switched_off(self.gateway, self.store) as machine:
            assert (current.id, current.public_key) == (version, BackupKey(private, machine.megolm).public)
        return await self.secrets() == [True, True, False]


@asynccontextmanager
async def switched_off(gateway: Gateway, store: Store) -> AsyncIterator[Machine]:
    machine = Machine(gateway, store, Trust(gateway, store, now))
    await machine.open()
    yield machine


@pytest.fixture
async def new_office(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Office]]]:
    """Makes the office of a new account, or with `of` that of a new device of an account, always on a new database."""
    made: list[Office] = []

    async def make(of: Office | None = None, device_id: str | None = None) -> Office:
        if of is None:
            account = await new_account("bot")
            token = account.token
        else:
            account = Account(of.account.user_id, of.account.user_id[1:].partition(":")[0], of.account.token)
            token = await new_token(of.gateway, account, device_id)
        gateway = await log_in(homeserver, account, token=token)
        store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / f'{len(made)}.db'}", MASTER_KEY)
        login = bot.Account(homeserver.url, account.user_id, gateway.device_id, token)
        made.append(Office(login, store, gateway))
        return made[-1]

    yield make
    for office in made:
        await office.gateway.close()
        await office.store.close()


@pytest.fixture
async def office(new_office: Callable[..., Awaitable[Office]]) -> Office:
    return await new_office()


# --- make


async def test_a_new_bot_gets_everything_and_its_recovery_key_is_shown_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await office.create()
    assert await office.is_whole()
    (shown,) = office.said
    assert shown.startswith("Fingerprint:   ")
    assert (await office.identity()).fingerprint in shown.replace(" ", "")
    assert "Write the recovery key down and keep it apart from all servers and their backups" in shown
    seeds = map(encode, (await office.identity()).seeds().values())
    secrets = [office.recovery_key.replace(" ", ""), office.recovery_key, *seeds]
    assert not any(secret in caplog.text for secret in secrets)

    before = await office.published()
    with pytest.raises(RecoveryRefused, match="has an identity and a key backup already, and nothing was changed"):
        await office.create()
    assert await office.published() == before
    assert len(office.said) == 1
    assert await office.is_whole()


async def test_the_backup_is_signed_by_the_device_and_by_the_identity(office: Office) -> None:
    await office.create()
    described = await office.gateway.request("GET", f"{ROOM_KEYS}/version")
    user, master = office.account.user_id, (await office.identity()).fingerprint
    assert verifies(described["auth_data"], user, master, master)
    device = (await office.published())["device_keys"][user][office.account.device_id]
    assert verifies(
        described["auth_data"], user, office.account.device_id, device["keys"][f"ed25519:{office.account.device_id}"]
    )


@contextmanager
def dying(office: Office, fatal: int, when: str) -> Iterator[list[int]]:
    """The office's program ends before or after this request of it; the number of the last one that was made."""
    request = Gateway.request
    made = [0]

    async def mortal(self: Gateway, *args: Any, **options: Any) -> Any:
        if self.user_id != office.account.user_id:
            # Another bot in the same process, at its own work.
            return await request(self, *args, **options)
        made[0] += 1
        if made[0] != fatal:
            return await request(self, *args, **options)
        if when == "after":
            with suppress(MatrixError):
                await request(self, *args, **options)
        raise Cut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "request", mortal)
        yield made


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_request_is_made_good_by_running_it_again(
    new_office: Callable[..., Awaitable[Office]], when: str
) -> None:
    for fatal in count(1):
        office = await new_office()
        with dying(office, fatal, when) as made, suppress(Cut):
            await office.create()
        if made[0] < fatal:
            break
        early = await office.secret(identity.SECRET)
        await office.create()
        assert await office.is_whole(), fatal
        assert early in (None, (await office.identity()).to_bytes()), "never another identity"
    assert fatal > 12


async def test_a_recovery_key_that_could_not_be_shown_is_shown_the_next_time(office: Office) -> None:
    def broken(text: str) -> None:
        shown.append(text)
        raise BrokenPipeError

    shown: list[str] = []
    with pytest.raises(BrokenPipeError):
        await recovery.create(office.account, office.store, broken)
    assert await office.secrets() == [True, True, True]
    assert "off" in await office.show()
    await office.create()
    assert office.said[-1] == shown[0]
    assert await office.is_whole()


async def test_an_identity_of_the_version_before_gets_storage_and_backup(office: Office) -> None:
    old = Identity.generate(office.account.user_id)
    async with office.store.transaction() as tx:
        await tx.set_secret(identity.SECRET, old.to_bytes())
    async with switched_off(office.gateway, office.store) as machine:
        await machine.upload_keys()
        await identity.ensure_identity(office.gateway, machine.olm, old)
    assert "off" in await office.show()
    await office.create()
    assert await office.is_whole()
    assert (await office.identity()).fingerprint == old.fingerprint


async def test_an_identity_that_is_not_in_the_database_is_never_replaced(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    async with switched_off(office.gateway, office.store) as machine:
        await machine.upload_keys()
        await identity.ensure_identity(office.gateway, machine.olm, Identity.generate(office.account.user_id))
    before = await office.published()
    for other in (office, await new_office(office, "SECOND")):
        with pytest.raises(RecoveryRefused, match=r"has an identity already, and its keys .* Restore the database"):
            await other.create()
        assert await other.secrets() == [False, False, False]
    assert (await office.published())["master_keys"] == before["master_keys"]


async def test_an_empty_database_is_sent_to_recovery(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    other = await new_office(office, "SECOND")
    with pytest.raises(RecoveryRefused, match="Run `ernbot identity recover` with its recovery key, or restore"):
        await other.create()
    assert await other.secrets() == [False, False, False]
    assert await office.is_whole()


async def test_a_database_from_before_the_secret_storage_is_sent_to_recovery(office: Office) -> None:
    """As when an old copy of it was put back: it lacks the backup's key, which must not become another one."""
    await office.create()
    async with office.store.transaction() as tx:
        await tx.drop_secret(backup.SECRET)
    with pytest.raises(RecoveryRefused, match="Run `ernbot identity recover`"):
        await office.create()
    await office.recover(office.recovery_key)
    assert await office.is_whole()


async def test_a_device_that_lost_its_keys_gets_no_new_ones(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    async with switched_off(office.gateway, office.store) as machine:
        await machine.upload_keys()
    other = await new_office(office, office.account.device_id)
    with pytest.raises(IdentityLost, match=r"by other keys .* another homeserver\.device_id"):
        await other.create()
    assert await other.secrets() == [False, False, False]


@pytest.mark.parametrize("what", ["deleted", "replaced"])
async def test_a_lost_backup_is_made_anew_on_purpose(office: Office, what: str) -> None:
    await office.create()
    recovery_key = office.recovery_key
    async with switched_off(office.gateway, office.store) as machine:
        async with office.store.transaction() as tx:
            await machine.megolm.add(tx, room_key(sessions=machine.megolm), backed_up=True)
        if what == "deleted":
            await office.gateway.request("DELETE", f"{ROOM_KEYS}/version/1")
        else:
            await new_version(office.gateway, {"public_key": BackupKey(bytes(32), machine.megolm).public})
    await office.create()
    assert office.said[-1] == (
        "A new key backup was made: restart the bot, which fills it. Identity and recovery key are as before."
    )
    assert recovery_key == office.recovery_key
    assert await office.is_whole()
    async with office.store.transaction() as tx:
        assert len(await tx.room_keys_to_back_up(10)) == 1, "all of it is written again"


async def test_a_secret_storage_that_was_emptied_is_made_anew_under_another_key(office: Office) -> None:
    await office.create()
    lost, ours = office.said.pop(), await office.identity()
    await office.gateway.put_account_data("m.secret_storage.default_key", {})
    await office.create()
    assert await office.is_whole()
    assert office.said[0] != lost
    assert (await office.identity()).seeds() == ours.seeds()


# --- recover


async def test_a_new_device_becomes_the_bot_with_all_room_keys(
    office: Office, new_office: Callable[..., Awaitable[Office]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await office.create()
    async with switched_off(office.gateway, office.store) as machine:
        key = room_key(sessions=machine.megolm)
        await _back_up(office, machine, key)
    other = await new_office(office, "SECOND")
    await other.recover(f"  {office.recovery_key.replace(' ', '')}\n")
    assert (await other.identity()).seeds() == (await office.identity()).seeds()
    assert await office.signed_devices() == {office.account.device_id, "SECOND"}
    (told,) = other.said
    assert told == (
        f"{office.said[0].splitlines()[0]}\nDevice:        SECOND\nThe identity is recovered, with 1 room keys."
    )
    async with other.store.transaction() as tx:
        (found,) = await tx.room_keys(key.room_id, key.session_id)
        assert await tx.room_keys_to_back_up(10) == []
    assert found.source == "direct"
    assert office.recovery_key not in caplog.text
    other.said[:] = office.said
    assert await other.is_whole()


async def _back_up(office: Office, machine: Machine, *keys: Any) -> None:
    private = await office.secret(backup.SECRET)
    assert private is not None
    lock = BackupKey(private, machine.megolm)
    rooms: dict[str, Any] = {}
    for key in keys:
        rooms.setdefault(key.room_id, {"sessions": {}})["sessions"][key.session_id] = lock.lock(key)
    await office.gateway.request("PUT", f"{ROOM_KEYS}/keys", {"rooms": rooms}, query={"version": "1"})


async def test_recovering_twice_is_recovering_once(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    other = await new_office(office, "SECOND")
    await other.recover(office.recovery_key)
    before = await office.published()
    await other.recover(office.recovery_key)
    assert await office.published() == before
    assert other.said[0] == other.said[1]


async def test_a_crash_while_recovering_is_made_good_by_running_it_again(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    for fatal in count(1):
        other = await new_office(office, f"DEVICE{fatal}")
        with dying(other, fatal, "after") as made, suppress(Cut):
            await other.recover(office.recovery_key)
        if made[0] < fatal:
            break
        await other.recover(office.recovery_key)
        other.said[:] = office.said
        assert await other.is_whole(), fatal
    assert fatal > 10


async def test_a_wrong_recovery_key_changes_nothing(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    stranger = await new_office()
    await stranger.create()
    other = await new_office(office, "SECOND")
    mistyped = office.recovery_key[:-1] + ("2" if office.recovery_key[-1] != "2" else "3")
    for typed, said in (
        (stranger.recovery_key, f"This is not the recovery key of {office.account.user_id}"),
        (mistyped, "mistyped|not the recovery key"),
        ("", "There is no recovery key"),
    ):
        with pytest.raises(RecoveryRefused, match=said):
            await other.recover(typed)
    assert await other.secrets() == [False, False, False]
    assert await office.signed_devices() == {office.account.device_id}


async def test_there_is_nothing_to_recover_from(office: Office) -> None:
    with pytest.raises(RecoveryRefused, match="holds no secret storage"):
        await office.recover("EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1")
    assert await office.secrets() == [False, False, False]


async def test_the_secret_storage_of_another_account_is_refused(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    """As a homeserver could show it: it opens with its own recovery key, and is still not this bot's."""
    await office.create()
    stranger = await new_office()
    await stranger.create()
    key = decode_recovery_key(stranger.recovery_key)
    for name in ("m.secret_storage.default_key", f"m.secret_storage.key.{key_id(key)}", *NAMES):
        content = await stranger.gateway.account_data(name)
        assert content is not None
        await office.gateway.put_account_data(name, content)
    other = await new_office(office, "SECOND")
    with pytest.raises(RecoveryRefused, match=r"is not the identity .* Nothing was changed\.$"):
        await other.recover(stranger.recovery_key)
    assert await other.secrets() == [False, False, False]
    assert await office.signed_devices() == {office.account.device_id}


@pytest.mark.parametrize("name", NAMES[:3])
async def test_one_seed_of_another_identity_is_refused(
    office: Office, new_office: Callable[..., Awaitable[Office]], name: str
) -> None:
    await office.create()
    key = decode_recovery_key(office.recovery_key)
    await office.gateway.put_account_data(name, {"encrypted": {key_id(key): encrypt(key, name, encode(bytes(32)))}})
    other = await new_office(office, "SECOND")
    with pytest.raises(RecoveryRefused, match="is not the identity that the homeserver shows"):
        await other.recover(office.recovery_key)
    assert await other.secrets() == [False, False, False]


async def test_an_identity_that_the_homeserver_does_not_show_is_refused(office: Office) -> None:
    key, ours = bytes(range(32)), Identity.generate(office.account.user_id)
    seeds = dict(zip(NAMES, [*ours.seeds().values(), bytes(32)], strict=True))
    await set_up(office.gateway, key, seeds)
    with pytest.raises(RecoveryRefused, match="is not the identity that the homeserver shows"):
        await office.recover("EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1")
    assert await published_keys(office.gateway) == {}


async def test_a_database_of_another_identity_is_left_alone(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    other = await new_office(office, "SECOND")
    theirs = Identity.generate(office.account.user_id).to_bytes()
    async with other.store.transaction() as tx:
        await tx.set_secret(identity.SECRET, theirs)
    with pytest.raises(RecoveryRefused, match="This database holds another identity"):
        await other.recover(office.recovery_key)
    assert await other.secret(identity.SECRET) == theirs
    assert await office.signed_devices() == {office.account.device_id}


async def test_the_lost_device_itself_is_not_taken_over(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    before = await office.published()
    other = await new_office(office, office.account.device_id)
    with pytest.raises(IdentityLost, match=r"by other keys .* another homeserver\.device_id"):
        await other.recover(office.recovery_key)
    assert await other.secrets() == [False, False, False]
    assert await office.published() == before


async def test_a_database_of_another_device_begins_anew_as_this_one(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    """An old copy that was put back holds ratchets which were turned since: they must not be used again."""
    await office.create()
    async with switched_off(office.gateway, office.store) as machine, office.store.transaction() as tx:
        before = machine.olm.curve25519
        await tx.save_olm_session(OlmSession("their key", "session", b"pickle"), now())
        await tx.save_own_room_key(await machine.megolm.new(tx, ROOM, now()))
    other = await new_office(office, "SECOND")
    await recovery.recover(other.account, office.store, office.recovery_key, other.said.append)
    async with switched_off(other.gateway, office.store) as machine, office.store.transaction() as tx:
        assert machine.olm.curve25519 != before
        assert await tx.olm_sessions(["their key"]) == {}
        assert await tx.own_room_key(ROOM) is None
    assert await office.signed_devices() == {office.account.device_id, "SECOND"}


@pytest.mark.parametrize("what", ["deleted", "replaced"])
async def test_the_identity_is_recovered_without_its_backup(
    office: Office, new_office: Callable[..., Awaitable[Office]], what: str
) -> None:
    await office.create()
    async with switched_off(office.gateway, office.store) as machine:
        if what == "deleted":
            await office.gateway.request("DELETE", f"{ROOM_KEYS}/version/1")
        else:
            await new_version(office.gateway, {"public_key": BackupKey(bytes(32), machine.megolm).public})
    other = await new_office(office, "SECOND")
    await other.recover(office.recovery_key)
    assert "its key backup is gone or was replaced" in other.said[-1]
    assert "off" in await other.show()
    await other.create()
    assert "A new key backup was made" in other.said[-1]
    other.said[:] = office.said
    assert await other.is_whole()


async def test_what_the_homeserver_put_into_the_backup_is_pointed_out(
    office: Office, new_office: Callable[..., Awaitable[Office]]
) -> None:
    await office.create()
    private = await office.secret(backup.SECRET)
    assert private is not None
    async with switched_off(office.gateway, office.store) as machine:
        lock = BackupKey(private, machine.megolm)
        keys = [room_key(sessions=machine.megolm) for _ in range(3)]
        bare = forged(opened(lock.lock(keys[1]), private)[0], public=lock.public)
        entries = [lock.lock(keys[0]), bare, forged("nothing", public=lock.public)]
        sessions = {key.session_id: entry for key, entry in zip(keys, entries, strict=True)}
        body = {"rooms": {ROOM: {"sessions": sessions}}}
        await office.gateway.request("PUT", f"{ROOM_KEYS}/keys", body, query={"version": "1"})
    other = await new_office(office, "SECOND")
    await other.recover(office.recovery_key)
    assert other.said[-1].endswith(
        "with 2 room keys. 1 of them may not be genuine: what they open is never taken for an instruction. "
        "1 more could not be read."
    )


# --- show, and run


async def test_showing_says_fingerprint_device_and_backup(office: Office) -> None:
    await office.create()
    fingerprint, device, kept = (await office.show()).splitlines()
    groups = fingerprint.removeprefix("Fingerprint:   ").split(" ")
    assert "".join(groups) == (await office.identity()).fingerprint
    assert [len(group) for group in groups] == [4] * 10 + [3]
    assert device == f"Device:        {office.account.device_id}"
    assert kept == "Key backup:    on, version 1"
    assert fingerprint in office.said[0], "as it was shown when it was made"


async def test_without_an_identity_nothing_is_shown_and_nothing_runs(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecoveryRefused, match="has no identity yet: run `ernbot identity create`"):
        await office.show()

    async def asked(*_args: Any, **_options: Any) -> Any:
        raise AssertionError("nothing is asked of the homeserver")

    monkeypatch.setattr(office.gateway, "request", asked)
    async with switched_off(office.gateway, office.store) as machine:
        with pytest.raises(RecoveryRefused, match="`ernbot identity recover` when it had one in another database"):
            await bot._come_up(office.gateway, machine, office.store)
