"""A device that nio kept so far goes on with us: a real nio client, its real file, and people who notice nothing."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import vodozemac
from nio import AsyncClient, AsyncClientConfig, RoomMessageText
from nio.crypto import OlmAccount
from nio.store import DefaultStore, SqliteStore

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.errors import RecoveryRefused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity, check_device
from ernbot.matrix.keys import decode, public, signed
from ernbot.matrix.nio_store import FORMER_PASSPHRASE, Imported, import_store, told
from ernbot.matrix.olm import ACCOUNT
from ernbot.storage.store import Store
from ernbot.storage.vault import generate_master_key, parse_master_key
from tests.matrix.devices import ENCRYPTED, NewAccount, NewPhone, Phone, log_in, started

ME, DEVICE, PASSPHRASE = "@bot:ern.localhost", "BOT", "a passphrase"
DATA = Path(__file__).parents[1] / "data" / "nio" / "libolm.json"


# --- with people


@dataclass
class Nio:
    """A bot on plain nio, cross-signed so that strict clients talk to it."""

    client: AsyncClient
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / f"{self.client.user_id}_{self.client.device_id}.db"

    async def heard(self) -> list[str]:
        """What a sync brought that it could read."""
        response = await self.client.sync(0)
        timelines = [room.timeline.events for room in response.rooms.join.values()]
        return [event.body for events in timelines for event in events if isinstance(event, RoomMessageText)]

    async def say(self, room_id: str, text: str) -> None:
        content = {"msgtype": "m.text", "body": text}
        await self.client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)

    async def sign(self, gateway: Gateway) -> None:
        path = "/_matrix/client/v3/keys"
        identity = Identity.generate(gateway.user_id)
        await gateway.request("POST", f"{path}/device_signing/upload", identity.upload_body())
        answer = await gateway.request("POST", f"{path}/query", {"device_keys": {gateway.user_id: []}})
        device = answer["device_keys"][gateway.user_id][gateway.device_id]
        device.pop("unsigned", None)
        device = signed(device, gateway.user_id, public(identity.self_signing), identity.self_signing)
        await gateway.request("POST", f"{path}/signatures/upload", {gateway.user_id: {gateway.device_id: device}})


@asynccontextmanager
async def plain_nio(gateway: Gateway, folder: Path, kind: type, passphrase: str) -> AsyncIterator[Nio]:
    """A client of nio's on a device, with its store as the first version of this program had it."""
    config = AsyncClientConfig(store=kind, encryption_enabled=True, store_sync_tokens=True, pickle_key=passphrase)
    client = AsyncClient(gateway.nio.homeserver, gateway.user_id, gateway.device_id, str(folder), config)
    client.restore_login(gateway.user_id, gateway.device_id, gateway.nio.access_token)
    client.store.database.pragma("journal_mode", "wal", permanent=True)
    try:
        await client.sync(0)
        await client.keys_upload()
        yield Nio(client, folder)
    finally:
        await client.close()
        client.store.database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def own_store(tmp_path: Path) -> AsyncIterator[Store]:
    key = parse_master_key(generate_master_key(), "key")
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'ours.db'}", key)
    yield store
    await store.close()


async def send(person: Phone, room_id: str, text: str, *readers: str) -> dict[str, Any]:
    """An event in the room, as everybody's timeline shows it."""
    users = {person.user_id, *readers}
    content = await person.machine.encrypt(room_id, users, "m.room.message", {"msgtype": "m.text", "body": text})
    return person.event(content, await person.gateway.send(room_id, "m.room.encrypted", content, secrets.token_hex(8)))


async def last_words(reader: Phone, room_id: str) -> str:
    """What the newest event of a room says to this device."""
    response = await reader.sync()
    event = response["rooms"]["join"][room_id]["timeline"]["events"][-1]
    return str(await reader.body(room_id, event))


@pytest.mark.homeserver
@pytest.mark.parametrize("kind", [SqliteStore, DefaultStore])
@pytest.mark.parametrize("former", [True, False], ids=["0.1", "another"])
async def test_the_device_goes_on(
    homeserver: Homeserver,
    new_account: NewAccount,
    new_phone: NewPhone,
    own_store: Store,
    tmp_path: Path,
    kind: type,
    *,
    former: bool,
) -> None:
    passphrase = own_store.vault.derive(FORMER_PASSPHRASE).hex() if former else "DEFAULT_KEY"
    gateway = await log_in(homeserver, await new_account("bot"))
    bot_id = gateway.user_id
    async with plain_nio(gateway, tmp_path, kind, passphrase) as nio:
        await nio.sign(gateway)
        ida = await new_phone("ida")
        room = await ida.gateway.create_room({"invite": [bot_id], "initial_state": [ENCRYPTED]})
        await nio.client.join(room)
        await ida.sync()
        first = await send(ida, room, "one", bot_id)
        assert await nio.heard() == ["one"]
        await nio.say(room, "two")
        assert await last_words(ida, room) == "two"
        file, before = nio.file, nio.file.read_bytes()
        if former:  # and killed: the journal is there still
            taken = await import_store(own_store, file, bot_id, gateway.device_id, None)
            assert file.read_bytes() == before
    if not former:
        taken = await import_store(own_store, file, bot_id, gateway.device_id, passphrase)

    assert taken.channels >= 1
    assert (taken.room_keys, taken.passed_on, taken.unreadable) == (2, 0, 0)
    bot = await started(gateway, own_store)
    async with own_store.transaction() as tx:
        bot.since = await tx.sync_token()
        [key] = await tx.room_keys(room, first["content"]["session_id"])
    assert (key.sender_key, key.source, key.first_index) == (ida.key, "direct", 0)
    assert bot.since is not None
    await check_device(gateway, bot.machine.olm)
    assert await bot.reads(room, first) == "ok", "what it could read before"
    await send(ida, room, "three", bot_id)
    assert await last_words(bot, room) == "three", "the same room key goes on"
    async with ida.store.transaction() as tx:
        shared = await tx.own_room_key(room)
        assert shared is not None
        assert shared.messages == 2
    channels = await bot.channels(ida.key)
    await ida.receive({"device_lists": {"changed": [bot_id]}})
    assert [session.session_id for session in channels] == [one.session_id for one in await ida.channels(bot.key)]
    content = await bot.encrypt(room, ida, text="four")
    await bot.gateway.send(room, "m.room.encrypted", content, secrets.token_hex(8))
    assert await last_words(ida, room) == "four", "on the same channel"
    await gateway.close()


# --- without


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store of nio's with an account in it."""
    nio = SqliteStore(ME, DEVICE, str(tmp_path), PASSPHRASE)
    nio.save_account(OlmAccount())
    nio.database.close()
    return tmp_path / f"{ME}_{DEVICE}.db"


def change(file: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)


async def holds(store: Store) -> bytes | None:
    async with store.transaction() as tx:
        return await tx.secret(ACCOUNT)


async def test_a_store_is_taken_over_once(own_store: Store, file: Path) -> None:
    assert await import_store(own_store, file, ME, DEVICE, PASSPHRASE) == Imported(0, 0, 0, 0)
    account = await holds(own_store)
    gateway = Gateway("http://127.0.0.1:9", ME, DEVICE, "token")
    bot = await started(gateway, own_store)
    async with own_store.transaction() as tx:
        await bot.machine.olm.new_keys(tx, 1)
    account = await holds(own_store)
    with pytest.raises(RecoveryRefused, match="has encryption keys of the bot already"):
        await import_store(own_store, file, ME, DEVICE, PASSPHRASE)
    assert await holds(own_store) == account
    await gateway.close()


async def test_an_account_that_nobody_ever_saw_is_replaced(own_store: Store, file: Path) -> None:
    """As a start leaves it behind that was refused since the homeserver knows the device by nio's keys."""
    gateway = Gateway("http://127.0.0.1:9", ME, DEVICE, "token")
    before = (await started(gateway, own_store)).key
    await import_store(own_store, file, ME, DEVICE, PASSPHRASE)
    assert (await started(gateway, own_store)).key != before
    await gateway.close()


def _text(file: Path) -> None:
    file.write_text("This is no database at all. " * 100)


def _other_tables(file: Path) -> None:
    file.unlink()
    change(file, "CREATE TABLE accounts (id INTEGER)")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_text, "is no store of matrix-nio"),
        (_other_tables, "is no store of matrix-nio"),
        (lambda file: file.write_bytes(b""), "is no store of matrix-nio"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), "is no store of matrix-nio"),
        (lambda file: file.unlink(), "There is no file"),
        (lambda file: change(file, "UPDATE accounts SET user_id = '@x:y'"), "is of @x:y on device BOT, the config"),
        (lambda file: change(file, "UPDATE accounts SET device_id = 'OLD'"), f"is of {ME} on device OLD, the config"),
        (lambda file: change(file, "DELETE FROM accounts"), "is of nobody"),
        (lambda file: change(file, "UPDATE accounts SET account = ?", b"\xff\xfe"), "does not open with this"),
        (lambda file: change(file, "UPDATE accounts SET account = 'abc'"), "does not open with this"),
    ],
)
async def test_what_cannot_be_taken_over_changes_nothing(
    own_store: Store, file: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(file)
    with pytest.raises(RecoveryRefused, match=sentence) as refused:
        await import_store(own_store, file, ME, DEVICE, PASSPHRASE)
    assert "\n" not in str(refused.value)
    assert await holds(own_store) is None


@pytest.mark.parametrize("passphrase", [None, "another passphrase", ""])
async def test_a_wrong_passphrase_changes_nothing(own_store: Store, file: Path, passphrase: str | None) -> None:
    with pytest.raises(RecoveryRefused, match="does not open with this passphrase"):
        await import_store(own_store, file, ME, DEVICE, passphrase)
    assert await holds(own_store) is None


# --- old stores


def old_store(folder: Path, old: dict[str, Any]) -> Path:
    """What nio before 0.26 left behind: the same tables, with pickles of libolm."""
    nio = SqliteStore(ME, DEVICE, str(folder), old["passphrase"])
    nio.save_account(OlmAccount())
    nio.database.close()
    file = folder / f"{ME}_{DEVICE}.db"
    change(file, "UPDATE accounts SET account = ?", old["account"].encode())
    change(
        file,
        "INSERT INTO olmsessions (creation_time, last_usage_date, sender_key, account_id, session, session_id) "
        "VALUES ('2026-01-01 10:00:00.000000', 'some day', ?, 1, ?, ?)",
        *(old["sender_key"], old["session"].encode(), old["session_id"]),
    )
    change(
        file,
        "INSERT INTO megolminboundsessions (sender_key, account_id, fp_key, room_id, session, session_id) "
        "VALUES (?, 1, ?, ?, ?, ?)",
        *(old["sender_key"], old["sender_ed25519"], old["room_id"], old["room_key"].encode(), old["room_session_id"]),
    )
    return file


async def test_pickles_of_libolm_are_read(own_store: Store, tmp_path: Path) -> None:
    old = json.loads(DATA.read_text())
    file = old_store(tmp_path, old)

    taken = await import_store(own_store, file, ME, DEVICE, old["passphrase"])

    assert taken == Imported(1, 1, 0, 0)
    gateway = Gateway("http://127.0.0.1:9", ME, DEVICE, "token")
    bot = await started(gateway, own_store)
    assert (bot.key, bot.machine.olm.ed25519) == (old["curve25519"], old["ed25519"])
    assert await bot.body(old["room_id"], event(old)) == "from before"
    [channel] = await bot.channels(old["sender_key"])
    message = vodozemac.AnyOlmMessage.from_parts(old["message"]["type"], decode(old["message"]["body"]))
    assert bot.machine.olm.session(channel).decrypt(message) == b"second"
    await gateway.close()


async def test_a_room_key_that_was_passed_on_never_authorises(own_store: Store, tmp_path: Path) -> None:
    old = json.loads(DATA.read_text())
    file = old_store(tmp_path, old)
    chain = "INSERT INTO forwardedchains (sender_key, session_id) VALUES (?, ?)"
    change(file, chain, old["curve25519"], old["room_session_id"])
    taken = await import_store(own_store, file, ME, DEVICE, old["passphrase"])
    assert taken == Imported(1, 1, 1, 0)
    assert "1 of them were passed on" in told(taken)
    gateway = Gateway("http://127.0.0.1:9", ME, DEVICE, "token")
    bot = await started(gateway, own_store)
    assert not (await bot.decrypt(old["room_id"], event(old))).authentic
    await gateway.close()


async def test_what_does_not_open_is_left_out_and_counted(own_store: Store, tmp_path: Path) -> None:
    old = json.loads(DATA.read_text())
    file = old_store(tmp_path, old)
    change(file, "UPDATE olmsessions SET session = ?", b"\x00")
    change(file, "UPDATE megolminboundsessions SET session = 'abc'")
    taken = await import_store(own_store, file, ME, DEVICE, old["passphrase"])
    assert taken == Imported(0, 0, 0, 2)
    assert told(taken).endswith("2 more could not be read.")


def event(old: dict[str, Any]) -> dict[str, Any]:
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": old["event"], "session_id": old["room_session_id"]}
    return {"type": "m.room.encrypted", "event_id": "$old", "sender": "@ida:ern.localhost", "content": content}
