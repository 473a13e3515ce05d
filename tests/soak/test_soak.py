"""The bot is killed at random instants while twenty rooms go on writing, and every command is answered exactly once.

`make soak` runs the long version. `SEED` repeats a run, as far as chance and not the machine decides.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ernbot.demo.installation import DEVICE_ID
from ernbot.demo.installation import installation as install
from ernbot.storage.audit import verify_audit
from ernbot.storage.database import connected, make_engine
from ernbot.storage.tables import inbox
from tests.fixtures_database import Database
from tests.fixtures_installation import eventually
from tests.soak.cradle import Cradle, cradle
from tests.soak.crowd import Asked, Crowd, Room, Talk
from tests.soak.wire import wire

pytestmark = pytest.mark.homeserver

LIFE = 1.5
"""The mean life of the bot, in times that it needs to come up: many kills come before, and some lives are long."""

FAULTS = re.compile(r"dropped|ref [0-9A-F]{4}|given up|Traceback|forged|no one-time key")
"""What the bot's log says when something was lost."""


@dataclass(frozen=True)
class Plan:
    """How much of everything, and how long it may take."""

    messages: int
    kills: int
    devices: int
    minutes: float


SHORT = Plan(messages=200, kills=12, devices=4, minutes=10)
LONG = Plan(messages=2000, kills=100, devices=20, minutes=60)


@asynccontextmanager
async def crowd(folder: Path, database: str) -> AsyncIterator[Crowd]:
    """An installation of its own, whose bot and people reach the homeserver over a wire that notes one-time keys."""
    async with install(folder, database=database) as place, AsyncExitStack() as stack:
        line = await stack.enter_async_context(wire(place.homeserver.url, place.homeserver.bot_user_id))
        settings = place.settings.read_text()
        place.settings.write_text(settings.replace(place.homeserver.url, line.url))
        people = Crowd(place, stack, wire=line)
        line.token = people.secret("bot_token")
        await place.start_bot()
        await place.stop_bot()
        yield people


async def rebirth(cradle: Cradle) -> float:
    """Kill the bot and wait until the next one is up; how many seconds that took."""
    before, start = cradle.readies(), time.monotonic()
    await cradle.kill()

    async def is_up() -> bool:
        return cradle.readies() > before

    await eventually(is_up, "the bot")
    return time.monotonic() - start


async def keep_killing(talk: Talk, cradle: Cradle, plan: Plan, chance: random.Random) -> int:
    """Kill the bot and start it at once, until enough was said and it died often enough; how often it died."""
    kills, life = 1, LIFE * await rebirth(cradle)
    while kills < plan.kills or len(talk.asked) < plan.messages:
        await asyncio.sleep(chance.expovariate(1 / life))
        await cradle.kill()
        kills += 1
    talk.over = True
    return kills


async def soak(people: Crowd, plan: Plan, seed: int) -> dict[str, Any]:
    """Play it and look at everything that is left; the figures."""
    start, chance = time.monotonic(), random.Random(seed)
    async with cradle(people.place.settings, people.place.folder / "log" / "bot-cradle.log") as bot:
        rooms = await people.settle()
        before = await published(people)
        spoken = {room.id: {event["event_id"] for event in await timeline(people, room)} for room in rooms}
        talk = Talk(people, chance, plan.devices, plan.minutes * 60)
        ready = time.monotonic()
        async with asyncio.timeout(plan.minutes * 60), asyncio.TaskGroup() as group:
            killing = group.create_task(keep_killing(talk, bot, plan, random.Random(seed)))
            for room in rooms:
                group.create_task(talk.go_on(room))
        for asked in talk.asked:
            await people.answer(asked.device, asked.event_id)
        await everything_is_done(people)
    killed = time.monotonic()
    for room in rooms:
        await check_room(people, room, [asked for asked in talk.asked if asked.room is room], spoken[room.id])
    await check_keys(people)
    assert await published(people) == before
    kinds = await check_database(people, talk.asked)
    warnings = check_logs(people)
    return {
        "messages": len(talk.asked),
        "rooms": len(rooms),
        "kills": killing.result(),
        "new devices": talk.new_devices,
        "new channels": talk.new_channels,
        "late keys": kinds["encrypted"],
        "one-time keys": sum(people.wire.uploaded.values()),
        "warnings": warnings,
        "seconds": [round(at - start) for at in (ready, killed, time.monotonic())],
    }


async def everything_is_done(people: Crowd) -> None:
    """Nothing waits in the inbox or in the outbox."""
    far = datetime.now(UTC) + timedelta(days=1)
    async with people.store() as store:

        async def check() -> bool:
            async with store.transaction() as tx:
                return not await tx.due(far) and not await tx.pending(at=far)

        await eventually(check, "an empty inbox and outbox")


async def timeline(people: Crowd, room: Room) -> list[dict[str, Any]]:
    events = await people.timeline(await people.person(room.writers[0]), room.id)
    assert len(events) < 1000, "more than one page"
    return events


async def check_room(people: Crowd, room: Room, asked: list[Asked], known: set[str]) -> None:
    """Every command answered once on the homeserver, and on every device that was there when it was given.

    On a device that came later, old messages stay locked; the first one reads everything.
    """
    events = [event for event in await timeline(people, room) if event["event_id"] not in known]
    ours = [event for event in events if event["sender"] == people.bot and event["type"] == "m.room.encrypted"]
    replies = Counter(
        event["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id") for event in ours
    )
    assert [replies[one.event_id] for one in asked] == [1] * len(asked)
    for who in room.writers:
        first, *_ = (device for _, device in people.devices[who])
        read = {seen.event_id for seen in first.seen if seen.encrypted and seen.trusted}
        assert {event["event_id"] for event in ours} <= read, f"{who} cannot read everything"
        for since, device in people.devices[who]:
            for one in asked:
                if one.at >= since:
                    [answer] = people.answers(device, one.event_id)
                    assert one.expected in answer.body
                    assert answer.trusted


async def published(people: Crowd) -> dict[str, Any]:
    """The bot's device and identity as everybody sees them."""
    body: dict[str, Any] = {"device_keys": {people.bot: []}}
    reader = next(iter(people.devices.values()))[0][1]
    answer = await reader.gateway.request("POST", "/_matrix/client/v3/keys/query", body)
    return {kind: answer[kind][people.bot] for kind in ("device_keys", "master_keys", "self_signing_keys")}


async def check_keys(people: Crowd) -> None:
    """Whatever one-time keys are left are claimed too: none is handed out that was handed out or uploaded before."""
    reader = next(iter(people.devices.values()))[0][1]
    body = {"one_time_keys": {people.bot: {DEVICE_ID: "signed_curve25519"}}}
    while True:
        answer = await reader.gateway.request("POST", "/_matrix/client/v3/keys/claim", body)
        [key] = answer["one_time_keys"][people.bot][DEVICE_ID].values()
        if key.get("fallback"):
            break
    for what in (people.wire.uploaded, people.wire.published, people.wire.claimed):
        assert what
        assert set(what.values()) == {1}


async def check_database(people: Crowd, asked: list[Asked]) -> Counter[str]:
    """Each command one handled row, each opinion one version, an unbroken audit chain; how many rows of each kind."""
    engine = make_engine(people.place.address)
    async with connected(engine) as connection:
        rows = (await connection.execute(select(inbox.c.event_id, inbox.c.kind, inbox.c.handled))).all()
    await engine.dispose()
    assert all(row.handled for row in rows)
    assert {one.event_id for one in asked} <= {row.event_id for row in rows}
    assert len({row.event_id for row in rows}) == len(rows)
    for room in {one.room for one in asked if one.room.is_case}:
        case, _ = await people.look(room.id, room.writers[0])
        for who in room.writers:
            given = [opinion for opinion in case.opinions if opinion.author == people.user(who)]
            said = [one.diagnosis for one in asked if one.room is room and one.who == who]
            assert [opinion.answers["diagnosis"] for opinion in given] == said
            assert [opinion.version for opinion in given] == list(range(1, len(said) + 1))
    async with people.store() as store:
        assert (await verify_audit(store)).intact
    return Counter(row.kind for row in rows)


def check_logs(people: Crowd) -> dict[str, int]:
    """No bot ever said that it lost something; how often each warning was given."""
    said: Counter[str] = Counter()
    for log in (people.place.folder / "log").glob("bot-*.log"):
        for line in log.read_text().splitlines():
            assert not FAULTS.search(line), f"{log.name}: {line}"
            if match := re.search(r"(?:WARNING|ERROR) (.*)", line):
                said[re.sub(r"[\d.]+|@\S+", "…", match[1])] += 1
    return dict(said.most_common())


async def run(folder: Path, database: Database, plan: Plan, seed: int) -> None:
    print(f"\nSEED={seed} {database.url.partition(':')[0]}", flush=True)
    async with crowd(folder, database.url) as people:
        figures = await soak(people, plan, seed)
    print(json.dumps(figures, ensure_ascii=False), flush=True)


async def test_some_kills(database: Database, tmp_path: Path) -> None:
    await run(tmp_path / "place", database, SHORT, int(os.environ.get("SEED", "3")))


@pytest.mark.soak
async def test_a_hundred_kills(database: Database, tmp_path: Path) -> None:
    await run(tmp_path / "place", database, LONG, int(os.environ.get("SEED", str(random.randrange(10**6)))))
