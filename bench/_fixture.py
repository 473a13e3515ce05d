"""An installation whose bot is in many encrypted rooms, built once and then copied for each measurement.

Every room has four members: our bot, the reference, and two people who stay silent. Both bots have run once, so both
know all rooms. There are two layers in `.cache`, since the rooms take minutes and the bots' stores change with the
program: `bench-rooms-<n>` (the homeserver, accounts and rooms) and `bench-startup-<n>` (the same after both bots' first
sync). A larger one begins as a copy of the next smaller one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench._common import PERSON, count, start_echo
from bench._devices import Caller, new_account, new_device, sign_device, whoami
from ernbot.demo.homeserver import CONFIG, ROOT, Homeserver, free_ports, homeserver
from ernbot.demo.installation import create_identity, installation, write_settings
from ernbot.demo.process import Process
from ernbot.matrix.caseroom import ENCRYPTION

CACHE = ROOT / ".cache"
AT_ONCE = 8
"""Rooms that are made side by side; Synapse is busy on one core with that."""

_PATIENCE = 600.0
_NOTE = "fixture.json"


@dataclass
class Place:
    """A homeserver with many rooms, and how to start the bots that are in them. `note` is what was kept with it."""

    homeserver: Homeserver
    folder: Path
    http: aiohttp.ClientSession
    note: dict[str, Any]

    @property
    def settings(self) -> Path:
        return self.folder / "config" / "ernbot.toml"

    @property
    def person(self) -> str:
        return f"@{PERSON}:{self.homeserver.server_name}"

    @property
    def echo(self) -> Caller:
        return Caller(self.http, **self.note["echo"])

    async def start_ours(self, *, ready: str | None = None) -> Process:
        log = self.folder / "log" / "ours.log"
        return await Process.start("ernbot", ["run", "--config", str(self.settings)], log, ready=ready)

    async def start_reference(self, *, ready: str | None = None) -> Process:
        return await start_echo(self.homeserver, self.echo, self.folder / "echo", ready=ready)

    def pending(self) -> int:
        """Rows of our inbox that are not handled."""
        return count(self.folder / "data" / "ernbot.db", "SELECT count(*) FROM inbox WHERE NOT handled")

    def keys_waiting(self, sender: str) -> int:
        """Encrypted to-device messages that wait for devices of others than the sender, who are all away."""
        return count(
            self.homeserver.directory / "homeserver.db",
            "SELECT count(*) FROM device_inbox WHERE message_json LIKE '%m.room.encrypted%' AND user_id != ?",
            sender,
        )


@contextlib.asynccontextmanager
async def populated(rooms: int) -> AsyncIterator[Place]:
    """A throw-away copy of the fixture with this many rooms, its homeserver running."""
    built = await _built("startup", rooms, _let_bots_sync)
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as name:
        folder = Path(name) / "place"
        await asyncio.to_thread(shutil.copytree, built, folder)
        async with _running(folder) as place:
            _configure(place)
            yield place


@contextlib.asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[Place]:
    """The homeserver of a fixture, in whichever folder; without the bridge, which has nothing to do here."""
    # Copies of one fixture may run at the same time: each gets a port of its own.
    identity = folder / "homeserver" / "identity.json"
    (port,) = free_ports(1)
    identity.write_text(json.dumps({**json.loads(identity.read_text()), "url": f"http://127.0.0.1:{port}"}))
    async with homeserver(folder / "homeserver", appservice=False) as hs, aiohttp.ClientSession(hs.url) as http:
        yield Place(hs, folder, http, json.loads((folder / _NOTE).read_text()))


def _configure(place: Place) -> None:
    """Write the settings of our bot for where it is now. Its master key stays, if it has one."""
    secrets = place.folder / "secrets"
    keys = [secrets / "master_key", secrets / "admin_token"]
    master_key, admin_token = (key.read_text() for key in keys)
    database = f"sqlite+aiosqlite:///{place.folder / 'data' / 'ernbot.db'}"
    write_settings(place.folder, place.homeserver, admin_token, database)
    keys[0].write_text(master_key)


# --- building


async def _built(layer: str, rooms: int, build: Callable[[Path, int], Awaitable[None]]) -> Path:
    """The folder of a layer, built unless it is there and made by the same program."""
    folder = CACHE / f"bench-{layer}-{rooms}"
    if not _usable(folder, layer):
        part = folder.with_suffix(".part")
        for old in (folder, part):
            shutil.rmtree(old, ignore_errors=True)
        CACHE.mkdir(exist_ok=True)
        start = time.monotonic()
        await build(part, rooms)
        note = json.loads((part / _NOTE).read_text())
        (part / _NOTE).write_text(json.dumps({**note, f"stamp-{layer}": _stamp(layer)}))
        part.rename(folder)
        _say(f"built {folder.name} in {time.monotonic() - start:.0f} s")
    return folder


def _usable(folder: Path, layer: str) -> bool:
    note = folder / _NOTE
    return note.exists() and json.loads(note.read_text()).get(f"stamp-{layer}") == _stamp(layer)


def _stamp(layer: str) -> str:
    """What a layer was made with: rooms by this Synapse, stores also by our tables."""
    made_with = [CONFIG / "synapse" / "requirements.lock", CONFIG / "synapse" / "homeserver.yaml"]
    if layer == "startup":
        made_with += sorted((ROOT / "ernbot" / "storage" / "migrations" / "versions").glob("*.py"))
        made_with += [ROOT / "ernbot" / "storage" / "tables.py", ROOT / "bench" / "_echo.py"]
    digest = hashlib.sha256()
    for path in made_with:
        digest.update(path.read_bytes())
    return digest.hexdigest()


async def _make_rooms(folder: Path, rooms: int) -> None:
    """The first layer: accounts and rooms, of which the smaller fixtures' are taken over."""
    finished = [path for path in CACHE.glob("bench-rooms-*") if path.suffix != ".part" and _usable(path, "rooms")]
    sizes = [int(path.name.rpartition("-")[2]) for path in finished]
    base = max((size for size in sizes if size < rooms), default=0)
    if base:
        await asyncio.to_thread(shutil.copytree, CACHE / f"bench-rooms-{base}", folder)
    else:
        await _settle(folder)
    async with _running(folder) as place:
        bot = await whoami(place.http, (folder / "secrets" / "bot_token").read_text().strip())
        people = [Caller(place.http, **person) for person in place.note["people"]]
        await _fill([bot, place.echo, *people], rooms - base)


async def _settle(folder: Path) -> None:
    """A new installation, and the accounts that will be in its rooms."""
    async with installation(folder, identity=False) as place, aiohttp.ClientSession(place.homeserver.url) as http:
        hs = place.homeserver
        people = [(await new_device(hs, http, name, one_time_keys=50)).caller for name in ("silent-1", "silent-2")]
        note = {
            "password": place.passwords[f"@{PERSON}:{hs.server_name}"],
            "echo": _plain(await new_account(hs, http, "echo")),
            "people": [_plain(person) for person in people],
        }
        (folder / _NOTE).write_text(json.dumps(note))


def _plain(caller: Caller) -> dict[str, str]:
    return {"token": caller.token, "user_id": caller.user_id, "device_id": caller.device_id}


async def _fill(members: Sequence[Caller], rooms: int) -> None:
    """Make rooms with all these members, who take turns in creating them."""
    numbers = iter(range(rooms))
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "public"}}
    body = {"preset": "private_chat", "visibility": "private", "initial_state": [ENCRYPTION, rules]}
    start = time.monotonic()

    async def work() -> None:
        for number in numbers:
            creator = members[number % len(members)]
            room_id = (await creator.call("POST", "/createRoom", body))["room_id"]
            for member in members:
                if member is not creator:
                    await member.call("POST", f"/join/{room_id}", {})
            if number % 100 == 99:
                _say(f"{number + 1} of {rooms} rooms made in {time.monotonic() - start:.0f} s")

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def _let_bots_sync(folder: Path, rooms: int) -> None:
    """The second layer: each bot comes up once and takes in all the rooms."""
    await asyncio.to_thread(shutil.copytree, await _built("rooms", rooms, _make_rooms), folder)
    # Made by the program as it was then: our database and settings are made anew.
    for part in ("data", "config"):
        shutil.rmtree(folder / part, ignore_errors=True)
    async with _running(folder) as place:
        _configure(place)
        await create_identity(place.settings)
        start = time.monotonic()
        bot = await place.start_ours(ready="ready")
        ours = time.monotonic() - start
        try:
            await _handled(place)
        finally:
            await bot.stop()
        start = time.monotonic()
        echo = await place.start_reference(ready="ready")
        reference = time.monotonic() - start
        await sign_device(place.echo)
        await asyncio.sleep(5)  # until it has asked for everybody's devices
        await echo.stop()
        note = json.loads((folder / _NOTE).read_text())
        (folder / _NOTE).write_text(json.dumps({**note, "cold": {"ours": ours, "reference": reference}}))


async def _handled(place: Place) -> None:
    """Wait until our bot has handled what the rooms brought."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            if not place.pending():
                return
            await asyncio.sleep(0.5)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
