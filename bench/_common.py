"""What the benchmarks share: an installation with a clinician, interleaved measuring, and the lines at the end.

The reference is measured in the same run, by the same client, in turns with ours: a machine that is busy for a moment
is busy for both. Nothing here may favour either side.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench._devices import Caller
from ernbot.demo.clinician import Clinician
from ernbot.demo.homeserver import Homeserver
from ernbot.demo.installation import Installation, installation
from ernbot.demo.process import Process

PERSON = "anders.kjaer"
NETWORK = "ern-cranio"

Measure = Callable[[], Awaitable[float]]
"""Does one thing and returns the seconds that it took."""


@dataclass
class Samples:
    """Seconds of one side."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]


@contextlib.asynccontextmanager
async def clinic() -> AsyncIterator[tuple[Installation, Clinician]]:
    """A new installation with its bot running, and a clinician logged in."""
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as folder:
        async with installation(Path(folder)) as place:
            await place.start_bot()
            hs = place.homeserver
            user_id = f"@{PERSON}:{hs.server_name}"
            person = await Clinician.login(hs.url, user_id, place.passwords[user_id], Path(folder) / "people")
            try:
                yield place, person
            finally:
                await person.close()


async def start_echo(hs: Homeserver, account: Caller, folder: Path, *, ready: str | None = "ready") -> Process:
    """The reference, `bench/_echo.py`, running; its store is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [hs.url, account.user_id, account.device_id, account.token, str(folder / "store")]
    return await Process.start("bench._echo", arguments, folder / "log", ready=ready)


async def open_echo_chat(person: Clinician, echo: str) -> str:
    """A direct chat with the bare bot, which has come and knows our devices."""
    room_id = await person.open_chat(echo)

    def came() -> bool | None:
        member = ("m.room.member", "join")
        return any(
            (seen.type, seen.content.get("membership")) == member and (seen.room_id, seen.sender) == (room_id, echo)
            for seen in person.seen
        )

    await person.wait(came, "the bare bot")
    # nio asks for the devices of a new room in the background and would not share its key with those it does not know.
    await asyncio.sleep(1)
    return room_id


async def in_turns(ours: Measure, reference: Measure, *, warm_up: int, rounds: int, rest: float) -> tuple[Samples, ...]:
    """Measure both sides one by one; who comes first alternates, and `rest` seconds let the aftermath of each pass."""
    sides = ((ours, Samples()), (reference, Samples()))
    for number in range(warm_up + rounds):
        for measure, samples in sides if number % 2 else reversed(sides):
            seconds = await measure()
            if number >= warm_up:
                samples.seconds.append(seconds)
            await asyncio.sleep(rest)
    return tuple(samples for _, samples in sides)


def count(database: Path, query: str, *values: str) -> int:
    """The one number that a query finds in an SQLite database that others are using."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return int(connection.execute(query, values).fetchone()[0])


def report(claim: str, ours: Samples, reference: Samples) -> None:
    """The figures for people, then the one line of JSON: medians in milliseconds."""
    for name, samples in (("ours", ours), ("reference", reference)):
        print(
            f"{name:9}  median {samples.median * 1000:6.1f} ms   p95 {samples.p95 * 1000:6.1f} ms   "
            f"of {len(samples.seconds)}"
        )
    state(claim, ours.median * 1000, reference.median * 1000, "ms")


def state(claim: str, ours: float, reference: float | None, unit: str) -> None:
    """The one line of JSON of a claim; without a ratio where there is nothing to divide by."""
    figures = {
        "claim": claim,
        "ours": _short(ours),
        "reference": None if reference is None else _short(reference),
        "ratio": round(ours / reference, 3) if reference else None,
        "unit": unit,
    }
    print(json.dumps(figures), flush=True)


def _short(value: float) -> float:
    """Four digits are more than any of this is worth."""
    return float(f"{value:.4g}")


def tell_load() -> None:
    """How busy the machine was before: figures of a busy one compare, but they are not what a quiet one takes."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)


def full() -> bool:
    """Whether all that the claim names is to be measured (`FULL=1`), and not the smaller size that is quick."""
    return os.environ.get("FULL", "") not in ("", "0")


def rounds(default: int) -> int:
    """How many measurements of each side the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=default, help="measurements of each side")
    asked: int = parser.parse_args().rounds
    tell_load()
    return max(2, asked)
