"""Sends one encrypted message into every room that a bot is in, as a process of its own: ours, or plain nio's.

It syncs once before, so that it knows whose devices have changed. Prints one line of JSON: seconds from this sync to
the last room, and for how long the event loop was blocked meanwhile.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
from pathlib import Path

from nio import AsyncClient, AsyncClientConfig

from bench._loop import Blocked, Watch, run_watched
from ernbot.config import load_settings, read_secret
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine, now
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.trust import Trust
from ernbot.storage.store import Store
from ernbot.storage.vault import read_master_keys

HELLO = {"msgtype": "m.text", "body": "hello"}


async def ours(watch: Watch, settings_file: str) -> Blocked:
    settings = load_settings(Path(settings_file))
    token = read_secret(settings.homeserver.token_file, None, "token")
    current, previous = read_master_keys(settings.vault)
    store = await Store.open(settings.storage.database, current, previous, create=False)
    gateway = Gateway(settings.homeserver.url, settings.bot_user_id, settings.homeserver.device_id, token)
    try:
        machine = Machine(gateway, store, Trust(gateway, store, now))
        await machine.open()
        rooms = Rooms(gateway)

        async def send() -> None:
            async with store.transaction() as tx:
                token = await tx.sync_token()
            response = await gateway.sync(token, timeout_ms=0)
            async with store.transaction() as tx:
                await machine.receive(tx, response)
                await tx.set_sync_token(response["next_batch"])
            for room_id in await gateway.joined_rooms():
                view = await rooms.view(room_id)
                if view.encrypted:
                    content = await machine.encrypt(room_id, view.joined, "m.room.message", HELLO)
                    await gateway.send(room_id, "m.room.encrypted", content, secrets.token_hex(8))

        return await watch.measure(send())
    finally:
        await gateway.close()
        await store.close()


async def reference(watch: Watch, url: str, user_id: str, device_id: str, token: str, store: str) -> Blocked:
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(url, user_id, device_id, store, config)
    client.restore_login(user_id, device_id, token)

    async def send() -> None:
        await client.sync(full_state=True)
        if client.should_query_keys:
            await client.keys_query()
        for room_id, room in client.rooms.items():
            if room.encrypted:
                await client.room_send(room_id, "m.room.message", HELLO, ignore_unverified_devices=True)

    try:
        return await watch.measure(send())
    finally:
        await client.close()


async def main(watch: Watch) -> None:
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    side, *arguments = sys.argv[1:]
    blocked = await (ours(watch, *arguments) if side == "ours" else reference(watch, *arguments))
    print(json.dumps({"seconds": blocked.elapsed, "blocked": blocked.total}))


if __name__ == "__main__":
    run_watched(main)
