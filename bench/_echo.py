"""The reference of the round trip: an echo bot as matrix-nio's documentation writes them, with nothing of ours.

Stock sync loop, stock store, stock encryption; it keeps no inbox and no outbox and checks no device.
"""

from __future__ import annotations

import asyncio
import sys

from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, MatrixRoom, RoomMessageText


async def main(url: str, user_id: str, device_id: str, token: str, store: str) -> None:
    client = AsyncClient(url, user_id, device_id, store, AsyncClientConfig(encryption_enabled=True))
    client.restore_login(user_id, device_id, token)

    async def come(room: MatrixRoom, _event: InviteMemberEvent) -> None:
        await client.join(room.room_id)

    async def echo(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != user_id:
            content = {"msgtype": "m.notice", "body": event.body}
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

    await client.keys_upload()
    await client.sync()
    client.add_event_callback(come, InviteMemberEvent)
    client.add_event_callback(echo, RoomMessageText)
    print("ready", flush=True)
    await client.sync_forever(timeout=30_000)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
