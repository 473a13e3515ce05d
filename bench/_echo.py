"""The reference: an echo bot as matrix-nio's documentation writes them, with nothing of ours.

Stock sync loop that goes on where it ended, stock store, stock encryption; it keeps no inbox and no outbox and checks
no device. Full state on the first sync is what lets nio send after a restart: it keeps no rooms.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, MatrixRoom, RoomMessageText


async def main(url: str, user_id: str, device_id: str, token: str, store: str) -> None:
    Path(store).mkdir(parents=True, exist_ok=True)
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(url, user_id, device_id, store, config)
    client.restore_login(user_id, device_id, token)

    async def come(room: MatrixRoom, _event: InviteMemberEvent) -> None:
        await client.join(room.room_id)

    async def echo(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != user_id:
            content = {
                "msgtype": "m.notice",
                "body": event.body,
                "m.relates_to": {"m.in_reply_to": {"event_id": event.event_id}},
            }
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

    async def tell() -> None:
        await client.synced.wait()
        print("ready", flush=True)

    client.add_event_callback(come, InviteMemberEvent)
    client.add_event_callback(echo, RoomMessageText)
    if client.should_upload_keys:
        await client.keys_upload()
    telling = asyncio.create_task(tell())
    try:
        await client.sync_forever(timeout=30_000, full_state=True)
    finally:
        telling.cancel()
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
