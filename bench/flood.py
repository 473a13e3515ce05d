"""Whether a hostile member can stop the bot, or slow it down for others, with malformed messages.

A clinician's commands are answered in quiet and, in turns with that, while another member floods the bot at a fixed
pace: half with to-device messages, half with room events. The pace is one that the homeserver can take beside
everything else. What the homeserver itself becomes slower by is told by a flood of somebody who is away. Then the same
member turns to the plain nio bot, first with one message of each kind; the bot is started again whenever it has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench._attacker import Attacker
from bench._common import clinic, count, full, open_echo_chat, start_echo, state, tell_load
from bench._devices import Device, equip, log_in, new_account, new_device, sign_device
from ernbot.demo.clinician import Clinician
from ernbot.demo.installation import Installation
from ernbot.demo.process import Process
from ernbot.matrix.caseroom import ENCRYPTION

ATTACKER = "mette.holm"
COMMAND = "!help"
PACE = 20.0
"""Malformed messages per second."""

TURNS = 10
"""How often quiet and flood take turns."""

QUIET = 5.0
"""Seconds of commands without a flood, each time."""

REST = 0.2
"""Seconds between an answer and the next command."""

SETTLE = 2.0
"""Seconds after which a bot that a message has hit is dead, or is not."""


@dataclass
class Conversation:
    """One clinician's commands to one bot, one after the other, and what became of them."""

    person: Clinician
    room_id: str
    bot: str
    patience: float
    asked: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def ask(self) -> None:
        start = time.perf_counter()
        command = await self.person.say(self.room_id, COMMAND)
        self.asked.append(command)
        try:
            await self.person.hears(self.room_id, "", after=command, sender=self.bot, patience=self.patience)
        except AssertionError:
            return  # counted at the end, when the answer may have come after all
        self.seconds.append(time.perf_counter() - start)
        await asyncio.sleep(REST)

    async def ask_until(self, done: Callable[[], bool]) -> None:
        while not done():
            await self.ask()

    async def ask_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        await self.ask_until(lambda: time.monotonic() > end)

    @property
    def median(self) -> float:
        """Milliseconds."""
        return 1000 * statistics.median(self.seconds)

    def not_once(self) -> int:
        """Commands that were not answered exactly once."""
        answers = [
            seen.content.get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id")
            for seen in self.person.seen
            if seen.room_id == self.room_id and seen.sender == self.bot
        ]
        return sum(answers.count(command) != 1 for command in self.asked)


@dataclass(frozen=True)
class Fate:
    """What became of a bot: how often its process ended, and of the commands that others gave it."""

    ends: int
    not_once: int


async def flood(attacker: Attacker, bot: Process, events: int, pace: float) -> int:
    """Send that many messages, `pace` each second, for as long as the bot runs; how many were sent."""
    start = time.perf_counter()
    kinds = itertools.cycle(attacker.kinds.values())
    sent = 0
    async with asyncio.TaskGroup() as group:
        while sent < events and bot.running:
            group.create_task(next(kinds)())
            sent += 1
            await asyncio.sleep(max(0.0, start + sent / pace - time.perf_counter()))
    return sent


async def chat_with(device: Device, bot: str) -> str:
    """The attacker's own encrypted chat with a bot, which has come."""
    body = {"invite": [bot], "is_direct": True, "preset": "trusted_private_chat", "initial_state": [ENCRYPTION]}
    room_id: str = (await device.caller.call("POST", "/createRoom", body))["room_id"]
    async with asyncio.timeout(30):
        while True:
            if bot in (await device.caller.call("GET", f"/rooms/{room_id}/joined_members"))["joined"]:
                break
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE)
    return room_id


async def room_with(device: Device, bystander: Device) -> str:
    """An encrypted room of the attacker and somebody else."""
    body = {"preset": "public_chat", "visibility": "private", "initial_state": [ENCRYPTION]}
    room_id: str = (await device.caller.call("POST", "/createRoom", body))["room_id"]
    await bystander.caller.call("POST", f"/join/{room_id}", {})
    return room_id


async def against_ours(
    place: Installation, person: Clinician, device: Device, bystander: Device, events: int, pace: float
) -> Fate:
    bot, bot_id = place.bot, place.homeserver.bot_user_id
    assert bot is not None
    chat = await person.open_chat(bot_id)
    await person.hears(chat, "Hello")
    attacker = await Attacker.of(device, bot_id, await chat_with(device, bot_id))
    decoy = await Attacker.of(device, bystander.user_id, await room_with(device, bystander))
    warm_up, quiet, elsewhere, loud = (Conversation(person, chat, bot_id, patience=60) for _ in range(4))
    for _ in range(5):
        await warm_up.ask()
    sent, seconds, worked = 0, 0.0, 0.0
    # In turns: a machine that is busy for a while is busy for all three.
    for _ in range(TURNS):
        await quiet.ask_for(QUIET)
        flooding = asyncio.create_task(flood(decoy, bot, events // TURNS // 4, pace))
        await elsewhere.ask_until(flooding.done)

        start, before = time.monotonic(), _processor_seconds(bot)
        flooding = asyncio.create_task(flood(attacker, bot, events // TURNS, pace))
        await loud.ask_until(flooding.done)
        sent += await flooding
        seconds += time.monotonic() - start
        worked += _processor_seconds(bot) - before
    unread = await _unread(place)
    await loud.ask()
    await asyncio.sleep(SETTLE)
    fate = Fate(ends=0 if bot.running else 1, not_once=loud.not_once())
    print(
        f"ours       {sent} malformed messages, {sent / seconds:.0f} per second; {len(loud.asked)} commands, "
        f"{fate.not_once} not answered exactly once; {unread} messages not taken in; process {bot.pid} "
        f"{'ended' if fate.ends else 'ran through'}, busy for {worked / seconds:.0%} of the time"
    )
    for name, talk in (("in quiet", quiet), ("flood of somebody else", elsewhere), ("flood of the bot", loud)):
        slowest = 1000 * max(talk.seconds)
        print(
            f"ours       {name:22}  median {talk.median:6.1f} ms   slowest {slowest:6.1f} ms   of {len(talk.seconds)}"
        )
    state(
        f"answer during {sent} malformed messages (ours) against the same in quiet (reference: ours too; aim: ratio at "
        "most 2)",
        loud.median,
        quiet.median,
        "ms",
    )
    return fate


def _processor_seconds(process: Process) -> float:
    """What a process has used of the processor by itself (Linux)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _unread(place: Installation) -> int:
    """To-device messages that wait for our bot at the homeserver, after it has had a while to fetch them."""
    query = "SELECT count(*) FROM device_inbox WHERE user_id = ?"
    for _ in range(20):
        waiting = count(place.homeserver.directory / "homeserver.db", query, place.homeserver.bot_user_id)
        if not waiting:
            break
        await asyncio.sleep(0.5)
    return waiting


async def against_reference(
    place: Installation, http: aiohttp.ClientSession, person: Clinician, device: Device, events: int, pace: float
) -> Fate:
    hs = place.homeserver
    account = await new_account(hs, http, "echo")
    echo = await start_echo(hs, account, place.folder / "echo")
    try:
        await sign_device(account)
        chat = await open_echo_chat(person, account.user_id)
        attacker = await Attacker.of(device, account.user_id, await chat_with(device, account.user_id))
        ends = 0
        for kind, send in attacker.kinds.items():
            known = len(echo.log.read_text(errors="replace"))
            await send()
            await asyncio.sleep(SETTLE)
            fault = _fault(echo.log.read_text(errors="replace")[known:])
            print(f"reference  {kind}: {'goes on' if echo.running else f'ends with {fault}'}")
            if not echo.running:
                ends += 1
                echo = await start_echo(hs, account, place.folder / "echo")
        talk = Conversation(person, chat, account.user_id, patience=5)
        flooding = asyncio.create_task(flood(attacker, echo, events, pace))
        for _ in range(5):
            await talk.ask()
        if not echo.running:
            sent = await flooding
            print(f"reference  ended after {sent} messages of the flood; {talk.not_once()} of 5 commands not answered")
        flooding.cancel()
    finally:
        await echo.stop()
    return Fate(ends, talk.not_once())


def _fault(log: str) -> str:
    """The first exception in a log; those after it are of what was left lying about."""
    lines = (line for line in log.splitlines() if re.match(r"[\w.]+(Exception|Error)(:|$)", line))
    return next(lines, "no exception")[:100]


async def main() -> None:
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    logging.getLogger("ernbot").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000 if full() else 2_000, help="malformed messages")
    parser.add_argument("--pace", type=float, default=PACE, help="malformed messages per second")
    options = parser.parse_args()
    tell_load()
    async with clinic() as (place, person), aiohttp.ClientSession(place.homeserver.url) as http:
        user_id = f"@{ATTACKER}:{place.homeserver.server_name}"
        device = await equip(await log_in(http, user_id, place.passwords[user_id]), one_time_keys=20)
        bystander = await new_device(place.homeserver, http, "bystander", one_time_keys=20)
        ours = await against_ours(place, person, device, bystander, options.events, options.pace)
        reference = await against_reference(place, http, person, device, options.events, options.pace)
    state(
        "commands of others not answered exactly once in the flood (aim: 0)",
        ours.not_once,
        reference.not_once,
        "commands",
    )
    state(
        "ends of the process: ours in the flood (aim: 0), the reference's by one message of each of 8 kinds",
        ours.ends,
        reference.ends,
        "ends",
    )


if __name__ == "__main__":
    asyncio.run(main())
