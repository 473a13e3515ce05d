"""What the bot leans on goes away or is set up wrongly: it waits, or says what to do, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ernbot.demo.homeserver import ROOT
from ernbot.matrix.identity import SECRET, Identity
from ernbot.storage.store import Store
from ernbot.storage.vault import parse_master_key
from tests.fixtures_installation import PATIENCE, House, eventually

pytestmark = pytest.mark.homeserver

LEAD = "katrin.vogt"


@contextlib.asynccontextmanager
async def without_homeserver(house: House) -> AsyncIterator[None]:
    """The homeserver dies as in a power cut, and comes back in the end."""
    await house.kill_homeserver()
    try:
        yield
    finally:
        await house.revive_homeserver()


def says(log: Path) -> Callable[[str], str]:
    """What a log has said since now."""
    start = log.stat().st_size if log.exists() else 0

    def since(word: str) -> str:
        text = log.read_bytes()[start:].decode() if log.exists() else ""
        return text if word in text else ""

    return since


async def heard(since: Callable[[str], str], word: str) -> str:
    async def check() -> str:
        return since(word)

    return await eventually(check, f"{word!r} in the log")


async def test_the_homeserver_dies_in_the_middle(shared_house: House) -> None:
    house = shared_house
    person, chat = await house.chat(LEAD)
    assert house.place.bot is not None
    pid, log = house.place.bot.pid, says(house.place.bot.log)
    asked = await person.say(chat, "!help")
    async with without_homeserver(house):
        await heard(log, "sync failed (Unreachable)")
    answer = await house.answer(person, asked)
    assert "What you can do" in answer.body
    await house.is_well(LEAD)
    assert len(house.answers(person, asked)) == 1
    assert house.place.bot.pid == pid
    assert "Traceback" not in log("")


async def test_the_homeserver_is_away_at_the_start(shared_house: House) -> None:
    house = shared_house
    person, chat = await house.chat(LEAD)
    await house.place.stop_bot()
    asked = await person.say(chat, "!help")
    async with without_homeserver(house):
        starting = asyncio.create_task(house.place.start_bot())
        log = says(house.place.folder / "log" / f"bot-{house.place._logs + 1}.log")
        await heard(log, "the homeserver is not ready")
        assert not starting.done()
    await asyncio.wait_for(starting, PATIENCE)
    assert "What you can do" in (await house.answer(person, asked)).body
    assert len(house.answers(person, asked)) == 1


async def test_another_process_holds_the_database(shared_house: House) -> None:
    house = shared_house
    person, chat = await house.chat(LEAD)
    assert house.place.bot is not None
    pid, log = house.place.bot.pid, says(house.place.bot.log)
    with contextlib.closing(sqlite3.connect(house.place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = await person.say(chat, "!language da")
        await heard(log, "StorageBusy")
        other.execute("ROLLBACK")
    answer = await house.answer(person, asked)
    assert "dansk" in answer.body
    assert len(house.answers(person, asked)) == 1
    await house.ask(person, chat, "!language en")
    await house.is_well(LEAD)
    assert house.place.bot.pid == pid


async def run(config: Path) -> tuple[int, str]:
    """`ernbot run` as an administrator types it; exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ernbot", "run", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        ("max_megabytes = 1", "max_megabyte = 1", "files.max_megabyte"),
        ("max_megabytes = 1", "max_megabytes = 'many'", "files.max_megabytes"),
        ("[vault]", "[volt]", "volt"),
        ('device_id = "', 'device = "', "homeserver.device"),
        ('url = "http', 'url = "htp', "homeserver.url"),
        ("key_file", "keyfile", "vault.keyfile"),
        ("[homeserver]", "[homeserver", "ernbot.toml"),
    ],
)
async def test_a_typo_in_the_configuration(shared_house: House, right: str, wrong: str, path: str) -> None:
    settings = shared_house.place.settings
    text = settings.read_text()
    assert right in text
    copy = settings.with_name(f"wrong-{settings.name}")
    copy.write_text(text.replace(right, wrong, 1))
    status, said = await run(copy)
    copy.unlink()
    assert status == 2
    assert path in said
    assert len(said.splitlines()) <= 3
    assert "Traceback" not in said


async def test_a_token_that_the_homeserver_does_not_know(shared_house: House, tmp_path: Path) -> None:
    settings = shared_house.place.settings
    token = tmp_path / "token"
    token.write_text("syt_unknown")
    copy = settings.with_name(f"wrong-{settings.name}")
    text = settings.read_text().replace("../secrets/bot_token", str(token))
    database = str(shared_house.place.database)
    copy.write_text(text.replace(database, str(tmp_path / "other.db")))
    key = parse_master_key(shared_house.secret("master_key"), "master_key")
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", key)
    async with store.transaction() as tx:
        await tx.set_secret(SECRET, Identity.generate(shared_house.bot).to_bytes())
    await store.close()
    status, said = await run(copy)
    copy.unlink()
    assert status == 1
    assert "bridge apply` to renew its token" in said
    assert "Traceback" not in said
