"""A whole installation in one folder: homeserver, bridge and bot, set up as an administrator does it.

The demo plays in it, and so do the end-to-end tests and the benchmarks.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ernbot.core.directory import Directory
from ernbot.demo.homeserver import CONFIG, Homeserver, homeserver, register
from ernbot.demo.process import Process, finish
from ernbot.network_files import load_directory
from ernbot.storage.store import Store
from ernbot.storage.vault import generate_master_key, parse_master_key

DEVICE_ID = "ERNBOT"


@dataclass
class Installation:
    """A running installation. `passwords` maps user ids to first passwords; recovery key and database are the bot's."""

    homeserver: Homeserver
    folder: Path
    directory: Directory
    passwords: dict[str, str]
    provisioned: Sequence[str]
    recovery_key: str
    address: str
    bot: Process | None = None
    _logs: int = field(default=0)

    @property
    def settings(self) -> Path:
        return self.folder / "config" / "ernbot.toml"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "ernbot.db"

    async def start_bot(self, *, ahead: int = 0) -> Process:
        """Start the bot and wait until it is ready. Its clock can be some days `ahead` (`ernbot.demo.later`)."""
        self._logs += 1
        log = self.folder / "log" / f"bot-{self._logs}.log"
        module, first = ("ernbot.demo.later", [str(ahead)]) if ahead else ("ernbot", [])
        self.bot = await Process.start(module, [*first, "run", "--config", str(self.settings)], log, ready="ready")
        return self.bot

    async def stop_bot(self) -> None:
        if self.bot is not None:
            await self.bot.stop()

    def secret(self, name: str) -> str:
        """A secret as it lies in its file."""
        return (self.folder / "secrets" / name).read_text().strip()

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The bot's database, opened with the master key as an administrator could."""
        store = await Store.open(self.address, parse_master_key(self.secret("master_key"), "master_key"))
        try:
            yield store
        finally:
            await store.close()


def write_settings(folder: Path, hs: Homeserver, admin_token: str, database: str) -> None:
    """The configuration, with its secrets in files of their own."""
    config, secrets = folder / "config", folder / "secrets"
    for part in ("networks", "forms", "synapse"):
        shutil.copytree(CONFIG / part, config / part, dirs_exist_ok=True)
    secrets.mkdir(mode=0o700, exist_ok=True)
    for name, value in (
        ("as_token", hs.as_token),
        ("hs_token", hs.hs_token),
        ("admin_token", admin_token),
        ("master_key", generate_master_key()),
    ):
        (secrets / name).write_text(value)
        (secrets / name).chmod(0o600)
    port = hs.appservice_url.rpartition(":")[2]
    # JSON strings are TOML strings.
    url, server, db = json.dumps(hs.url), json.dumps(hs.server_name), json.dumps(database)
    (config / "ernbot.toml").write_text(
        f"""[homeserver]
url = {url}
server_name = {server}
device_id = "{DEVICE_ID}"
token_file = "../secrets/bot_token"

[storage]
database = {db}

[vault]
key_file = "../secrets/master_key"

[files]
arrival_seconds = 1.0
"""
    )
    (config / "bridge.toml").write_text(
        f"""networks = "networks"

[homeserver]
url = {url}
server_name = {server}
as_token = {{ file = "../secrets/as_token" }}
hs_token = {{ file = "../secrets/hs_token" }}
admin_token = {{ file = "../secrets/admin_token" }}

[service]
port = {port}
url = {json.dumps(hs.appservice_url)}

[bot]
device_id = "{DEVICE_ID}"
token_file = "../secrets/bot_token"

[storage]
database = {db}
"""
    )


@contextlib.asynccontextmanager
async def installation(
    folder: Path, *, database: str | None = None, identity: bool = True
) -> AsyncIterator[Installation]:
    """Set everything up in a new folder and run it; the bot is started with `start_bot`.

    Without `identity` the bot has none yet, and no recovery key.

    Raises:
        HomeserverFailed: something did not start; the text says what.
    """
    folder = Path.cwd() / folder
    (folder / "log").mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        hs = await stack.enter_async_context(homeserver(folder / "homeserver"))
        admin_token = await register(hs, "administrator", generate_master_key(), admin=True)
        url = database or f"sqlite+aiosqlite:///{folder / 'data' / 'ernbot.db'}"
        write_settings(folder, hs, admin_token, url)
        config = ["--config", str(folder / "config" / "bridge.toml")]
        bridge = await Process.start("bridge", ["run", *config], folder / "log" / "bridge.log")
        stack.push_async_callback(bridge.stop)
        book = folder / "secrets" / "passwords"
        said = await finish("bridge", ["apply", *config, "--passwords", str(book)])
        passwords = dict(line.split("\t") for line in book.read_text().splitlines())
        recovery_key = await create_identity(folder / "config" / "ernbot.toml") if identity else ""
        directory = load_directory(folder / "config" / "networks", hs.server_name)
        place = Installation(hs, folder, directory, passwords, said.splitlines(), recovery_key, url)
        stack.push_async_callback(place.stop_bot)
        yield place


async def create_identity(settings: Path) -> str:
    """Give the bot its identity; the recovery key."""
    made = await finish("ernbot", ["identity", "create", "--config", str(settings)])
    return next(line.partition(":")[2].strip() for line in made.splitlines() if line.startswith("Recovery"))
