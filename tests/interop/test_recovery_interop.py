"""Recovery between us and a client that is not ours: the same keys open the same secret storage and the same backup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import bot, recovery
from ernbot.matrix.backup import Backup
from tests.fixtures_homeserver import PASSWORD, Account
from tests.interop.strict_client import strict_client
from tests.matrix.devices import ENCRYPTED, Phone, log_in, new_token, phone, switched_on

pytestmark = pytest.mark.homeserver

NewAccount = Callable[[str], Awaitable[Account]]


@pytest.fixture
async def account(new_account: NewAccount) -> Account:
    return await new_account("bot")


@pytest_asyncio.fixture(loop_scope="session")
async def mia(homeserver: Homeserver, new_account: NewAccount, tmp_path: Path) -> AsyncIterator[Phone]:
    """Somebody who writes to the bot."""
    async with phone(homeserver, await new_account("mia"), tmp_path) as device:
        yield device


def login(homeserver: Homeserver, device: Phone, token: str) -> bot.Account:
    return bot.Account(homeserver.url, device.user_id, device.gateway.device_id, token)


async def room_with(mia: Phone, user_id: str) -> str:
    """A new encrypted room to which somebody is invited."""
    body = {"invite": [user_id], "preset": "trusted_private_chat", "initial_state": [ENCRYPTED]}
    return await mia.gateway.create_room(body)


async def say(mia: Phone, room: str, user_id: str, text: str) -> dict[str, Any]:
    """Say something to somebody; the event as it was sent."""
    message = {"msgtype": "m.text", "body": text}
    content = await mia.machine.encrypt(room, {mia.user_id, user_id}, "m.room.message", message)
    return mia.event(content, await mia.gateway.send(room, "m.room.encrypted", content, "one"))


async def test_another_client_with_the_recovery_key_is_the_bot(
    homeserver: Homeserver, account: Account, mia: Phone, tmp_path: Path
) -> None:
    said: list[str] = []
    async with switched_on(await log_in(homeserver, account), tmp_path) as ours:
        await recovery.create(login(homeserver, ours, account.token), ours.store, said.append)
        room = await room_with(mia, ours.user_id)
        await ours.gateway.join(room)
        await say(mia, room, ours.user_id, "the boy is four months old")
        await ours.sync()
        await all_written(ours)
        url, log = homeserver.url, tmp_path / "client.log"
        async with strict_client(url, ours.user_id, PASSWORD, log, login=False) as theirs:
            found = await theirs.ask(
                "recover", url=url, user=ours.user_id, password=PASSWORD, recovery_key=recovery_key(said)
            )
            device_id = found.pop("device_id")
            assert found == {"signed": True, "trusted": True, "key_fits": True, "total": 1, "imported": 1}
            assert device_id != ours.gateway.device_id
            seen = await theirs.hears(room, "the boy is four months old")
            assert seen.sender == mia.user_id
            assert seen.failure is None


def recovery_key(said: list[str]) -> str:
    (line,) = (line for line in said[0].splitlines() if line.startswith("Recovery key:"))
    return line.partition(":")[2].strip()


async def all_written(device: Phone) -> None:
    """Let everything that the device has be written into its backup."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        writing = group.create_task(Backup(device.gateway, device.store, device.machine.megolm).run())
        while True:
            async with device.store.transaction() as tx:
                if not await tx.room_keys_to_back_up(1):
                    break
            await asyncio.sleep(0.02)
        writing.cancel()


async def test_the_bot_recovers_what_another_client_set_up(
    homeserver: Homeserver, account: Account, mia: Phone, tmp_path: Path
) -> None:
    """And trusts none of its sessions: that client proves nothing about where they are from."""
    log = tmp_path / "client.log"
    async with strict_client(homeserver.url, account.user_id, PASSWORD, log) as theirs:
        room = await room_with(mia, account.user_id)
        await theirs.ask("join", room=room)
        # A client that meets an unsigned sender does not ask again; it must know Mia before she speaks.
        await theirs.ask("wait_for_signature", user=mia.user_id)
        event = await say(mia, room, account.user_id, "hello")
        await theirs.hears(room, "hello")
        typed = await theirs.ask("make_recoverable")

    gateway = await log_in(homeserver, account)
    token = await new_token(gateway, account, "RECOVERED")
    await gateway.close()
    said: list[str] = []
    async with switched_on(await log_in(homeserver, account, token=token), tmp_path) as ours:
        await recovery.recover(login(homeserver, ours, token), ours.store, typed, said.append)
        assert "with 1 room keys. 1 of them may not be genuine" in said[0]
        decrypted = await ours.decrypt(room, event)
    assert decrypted.content["body"] == "hello"
    assert not decrypted.authentic
