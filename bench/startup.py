"""How long a bot takes from the start of its process to the answer to a command, with few and with many rooms.

The command is sent in an encrypted direct chat at the moment the process is started; the bot has run before and has
missed nothing else. The reference is the echo bot of plain nio, in the same rooms on the same homeserver, in turns with
ours. Memory is the most that the process has held at any time (VmHWM), children not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench._common import full, open_echo_chat, rounds, state
from bench._fixture import Place, populated
from ernbot.demo.clinician import Clinician
from ernbot.demo.process import Process

COMMAND = "!help"
PATIENCE = 180.0
MIB = 2**20


@dataclass
class Starts:
    """What the starts of one bot with one number of rooms took: seconds and bytes."""

    seconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def memory(self) -> float:
        """MiB, at the median of the starts."""
        return statistics.median(self.bytes) / MIB


class Scene:
    """One populated place, a person in it who has a direct chat with either bot, and what was measured there."""

    def __init__(self, rooms: int, place: Place, person: Clinician) -> None:
        self.rooms = rooms
        self.place = place
        self.person = person
        self.chats: dict[str, str] = {}
        self.starts = {"ours": Starts(), "reference": Starts()}

    async def warm_up(self) -> None:
        """Open the chats, and start each bot once more: its next start is one like any other."""
        bot = await self.place.start_ours(ready="ready")
        self.chats["ours"] = await self.person.open_chat(self.place.homeserver.bot_user_id)
        await self.person.hears(self.chats["ours"], "Hello", patience=PATIENCE)
        await self.person.ask(self.chats["ours"], COMMAND, "What you can do")
        await bot.stop()
        echo = await self.place.start_reference(ready="ready")
        self.chats["reference"] = await open_echo_chat(self.person, self.place.echo.user_id)
        await self.person.ask(self.chats["reference"], COMMAND, COMMAND)
        await echo.stop()

    async def start(self, side: str) -> None:
        """One start of a bot, with a command sent meanwhile."""
        ours = side == "ours"
        begin = time.perf_counter()
        starting = self.place.start_ours() if ours else self.place.start_reference()
        bot, command = await asyncio.gather(starting, self.person.say(self.chats[side], COMMAND))
        try:
            sender = self.place.homeserver.bot_user_id if ours else self.place.echo.user_id
            await self.person.hears(self.chats[side], "", after=command, sender=sender, patience=PATIENCE)
            self.starts[side].seconds.append(time.perf_counter() - begin)
            self.starts[side].bytes.append(most_memory(bot))
        finally:
            await bot.stop()


def most_memory(process: Process) -> int:
    """The most resident memory that a process has had, in bytes (Linux)."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("this system does not tell the memory of a process")


async def seconds_of_imports(module: str) -> float:
    """What a start costs before its first line runs."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", f"import {module}")
        await process.wait()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


async def main() -> None:
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    asked = rounds(5)
    few, many = (600, 3000) if full() else (300, 1500)
    async with contextlib.AsyncExitStack() as stack:
        scenes = []
        for size in (few, many):
            place = await stack.enter_async_context(populated(size))
            people = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ernbot-bench-")))
            person = await Clinician.login(place.homeserver.url, place.person, place.note["password"], people)
            stack.push_async_callback(person.close)
            scenes.append(Scene(size, place, person))
        for scene in scenes:
            await scene.warm_up()
        turns = [(scene, side) for scene in scenes for side in ("ours", "reference")]
        for number in range(asked):
            for scene, side in turns[:: 1 if number % 2 else -1]:
                await scene.start(side)
    for side, module in (("ours", "ernbot.__main__"), ("reference", "bench._echo")):
        print(f"{side:9}  of each start, imports take {await seconds_of_imports(module):.2f} s")
    tell(*scenes)


def tell(small: Scene, large: Scene) -> None:
    """The figures for people, then the claims."""
    for scene in (small, large):
        for side, starts in scene.starts.items():
            cold = scene.place.note["cold"][side]
            print(
                f"{scene.rooms:4} rooms  {side:9}  warm start to answer: median {starts.median:5.2f} s, worst "
                f"{max(starts.seconds):5.2f} s, of {len(starts.seconds)}   most memory {starts.memory:5.1f} MiB   "
                f"first start ever, to ready: {cold:5.2f} s"
            )
    ours = {scene.rooms: scene.starts["ours"] for scene in (small, large)}
    nio = {scene.rooms: scene.starts["reference"] for scene in (small, large)}
    state(
        f"warm start to the first answer, {large.rooms} rooms (ours) against {small.rooms} rooms (reference: ours too; "
        "aim: ratio at most 1.2)",
        ours[large.rooms].median,
        ours[small.rooms].median,
        "s",
    )
    for size in (small.rooms, large.rooms):
        state(
            f"warm start to the first answer with {size} rooms (aim: under 2 s)",
            ours[size].median,
            nio[size].median,
            "s",
        )
    for size in (small.rooms, large.rooms):
        state(f"most memory with {size} rooms (aim: under 150 MB at 3000)", ours[size].memory, nio[size].memory, "MiB")
    per_thousand = 1000 / (large.rooms - small.rooms)
    state(
        "growth of the most memory per 1000 rooms",
        (ours[large.rooms].memory - ours[small.rooms].memory) * per_thousand,
        (nio[large.rooms].memory - nio[small.rooms].memory) * per_thousand,
        "MiB",
    )


if __name__ == "__main__":
    asyncio.run(main())
