"""For how long sharing a new room key blocks the event loop, against plain nio with its default store.

Each round logs in a new device for each side, so that both begin without any Olm session, on the same account, in the
same rooms, for the same people. Ours goes one step further than nio's `share_group_session`: it also encrypts the first
message.
"""

from __future__ import annotations

import logging
import secrets
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from nio import AsyncClient, AsyncClientConfig

from bench._common import rounds, state
from bench._devices import Caller, log_in, new_device
from bench._loop import Blocked, Watch, run_watched
from ernbot.demo.homeserver import Homeserver, homeserver, register
from ernbot.matrix.caseroom import ENCRYPTION
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.machine import Machine, now
from ernbot.matrix.trust import Trust
from ernbot.storage.store import Store

SIZES = (8, 20, 60)
FIRST = 2
"""Devices in a room whose key each new device shares first: a program that has just started is not what is measured."""

WARM_UP = 1
SENDER = "sender"
HELLO = {"msgtype": "m.text", "body": "hello"}


@dataclass(frozen=True)
class Room:
    """A room and the people in it but the sender."""

    room_id: str
    people: set[str]


Side = Callable[[str, Caller, Path, dict[int, Room], Watch], Awaitable[dict[int, Blocked]]]
"""Shares one key in each room from a new device of a homeserver (url); what that blocked, by number of devices."""


async def fill(hs: Homeserver, http: aiohttp.ClientSession, sender: Caller, size: int, keys: int) -> Room:
    """A room with `size` people, each on one signed device that nobody else's room has."""
    body = {"preset": "public_chat", "visibility": "private", "initial_state": [ENCRYPTION]}
    room_id: str = (await sender.call("POST", "/createRoom", body))["room_id"]
    people = set()
    for number in range(size):
        device = await new_device(hs, http, f"person-{size}-{number}", keys)
        await device.caller.call("POST", f"/join/{room_id}", {})
        people.add(device.user_id)
    return Room(room_id, people)


async def ours(url: str, caller: Caller, folder: Path, rooms: dict[int, Room], watch: Watch) -> dict[int, Blocked]:
    folder.mkdir()
    gateway = Gateway(url, caller.user_id, caller.device_id, caller.token)
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'ernbot.db'}", secrets.token_bytes(32))
    try:
        trust = Trust(gateway, store, now)
        machine = Machine(gateway, store, trust)
        await machine.open()
        await machine.upload_keys()
        found = {}
        for size, room in rooms.items():
            users = {*room.people, caller.user_id}
            # Who they are is known before, as nio knows it.
            await trust.devices(users)
            found[size] = await watch.measure(machine.encrypt(room.room_id, users, "m.room.message", HELLO))
            async with store.transaction() as tx:
                key = await tx.own_room_key(room.room_id)
            assert key is not None
            assert len(key.shared) == size, f"ours reached {len(key.shared)} of {size} devices"
        return found
    finally:
        await gateway.close()
        await store.close()


async def reference(url: str, caller: Caller, folder: Path, rooms: dict[int, Room], watch: Watch) -> dict[int, Blocked]:
    folder.mkdir()
    client = AsyncClient(url, caller.user_id, caller.device_id, str(folder), AsyncClientConfig(encryption_enabled=True))
    client.restore_login(caller.user_id, caller.device_id, caller.token)
    try:
        await client.keys_upload()
        await client.sync(full_state=True)
        await client.keys_query()
        found = {}
        for size, room in rooms.items():
            found[size] = await watch.measure(client.share_group_session(room.room_id, ignore_unverified_devices=True))
            reached = client.olm.outbound_group_sessions[room.room_id].users_shared_with
            assert len(reached) == size, f"nio reached {len(reached)} of {size} devices"
        return found
    finally:
        await client.close()


async def main(watch: Watch) -> None:
    # Writing down that it has no session with a device yet is no part of nio's work.
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    asked = rounds(10)
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as name:
        folder = Path(name)
        async with (
            homeserver(folder / "homeserver", appservice=False) as hs,
            aiohttp.ClientSession(hs.url) as http,
        ):
            password = secrets.token_hex(16)
            await register(hs, SENDER, password)
            sender = await log_in(http, SENDER, password)
            keys = 2 * (asked + WARM_UP)
            rooms = {size: await fill(hs, http, sender, size, keys) for size in (FIRST, *SIZES)}
            await sender.call("POST", "/logout", {})
            sides: dict[str, tuple[Side, list[dict[int, Blocked]]]] = {
                "ours": (ours, []),
                "reference": (reference, []),
            }
            for number in range(asked + WARM_UP):
                for name_of, (side, found) in list(sides.items())[:: 1 if number % 2 else -1]:
                    caller = await log_in(http, SENDER, password)
                    blocked = await side(hs.url, caller, folder / f"{name_of}-{number}", rooms, watch)
                    await caller.call("POST", "/logout", {})
                    if number >= WARM_UP:
                        found.append(blocked)
    for size in SIZES:
        tell(size, [turn[size] for turn in sides["ours"][1]], [turn[size] for turn in sides["reference"][1]])


def tell(size: int, ours: list[Blocked], reference: list[Blocked]) -> None:
    """What sharing with this many devices took on each side."""
    for name, side in (("ours", ours), ("reference", reference)):
        print(
            f"{size:2} devices  {name:9}  blocked {_median(side, 'total'):6.1f} ms   longest block: median "
            f"{_median(side, 'longest'):6.1f} ms, worst {1000 * max(turn.longest for turn in side):6.1f} ms   "
            f"from start to end {_median(side, 'elapsed'):6.1f} ms   of {len(side)}"
        )
    state(
        f"event loop blocked while sharing a new room key with {size} devices (aim: ratio at most 0.2)",
        _median(ours, "total"),
        _median(reference, "total"),
        "ms",
    )
    state(
        f"longest single block while sharing with {size} devices, worst of all (aim: at most 20 ms)",
        1000 * max(turn.longest for turn in ours),
        1000 * max(turn.longest for turn in reference),
        "ms",
    )


def _median(turns: list[Blocked], what: str) -> float:
    """Milliseconds."""
    values: list[float] = [getattr(turn, what) for turn in turns]
    return 1000 * statistics.median(values)


if __name__ == "__main__":
    run_watched(main)
