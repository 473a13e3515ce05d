"""How many room keys a bot shares again after a restart, and how long it takes to speak in all of its rooms.

Each bot sends in every room, is started again, and sends in every room again; nobody has come or gone, so every key is
still valid. Shared keys are counted at the homeserver: the members' devices are away and their messages wait there.
Rooms have four members; each key goes to three devices.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from bench._common import full, state, tell_load
from bench._fixture import Place, populated
from ernbot.demo.process import finish


@dataclass(frozen=True)
class Run:
    """One process that sent in every room."""

    keys: int
    seconds: float
    blocked: float


async def run(place: Place, sender: str, arguments: list[str]) -> Run:
    before = place.keys_waiting(sender)
    said = json.loads((await finish("bench._every_room", arguments)).splitlines()[-1])
    return Run(place.keys_waiting(sender) - before, said["seconds"], said["blocked"])


async def main() -> None:
    size = 500 if full() else 300
    tell_load()
    async with populated(size) as place:
        echo = place.echo
        store = str(place.folder / "echo" / "store")
        sides = {
            "ours": (place.homeserver.bot_user_id, ["ours", str(place.settings)]),
            "reference": (
                echo.user_id,
                ["reference", place.homeserver.url, echo.user_id, echo.device_id, echo.token, store],
            ),
        }
        again = {}
        for side, (sender, arguments) in sides.items():
            first, again[side] = await run(place, sender, arguments), await run(place, sender, arguments)
            for when, took in (("first", first), ("after the restart", again[side])):
                print(
                    f"{size} rooms  {side:9}  {when:17}  {took.keys} keys shared   {took.seconds:5.1f} s to send in "
                    f"all   loop blocked {took.blocked:5.1f} s"
                )
    ours, reference = again["ours"], again["reference"]
    state(f"room keys shared again after a restart in {size} active rooms (aim: 0)", ours.keys, reference.keys, "keys")
    state(f"time to send in {size} active rooms after a restart", ours.seconds, reference.seconds, "s")
    state(f"event loop blocked while sending in {size} active rooms", ours.blocked, reference.blocked, "s")


if __name__ == "__main__":
    asyncio.run(main())
