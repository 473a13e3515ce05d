"""The bridge's command line against a real homeserver of its own: apply, plan, run, and what can go wrong."""

import asyncio
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.client import Client, path
from bridge.errors import Rejected
from bridge.provisioning import bot_credentials
from ernbot.demo.homeserver import ROOT, Homeserver, homeserver, register

pytestmark = pytest.mark.homeserver

NETWORK = """
id = "ern-cranio"
name = "ERN CRANIO"
opinion_form = "opinion"
competence = [{ id = "ent", labels = { en = "ENT" } }]
centre = [{ id = "a", name = "Hospital A", country = "DK", kind = "member-hospital" }]
"""


@dataclass(frozen=True)
class Installation:
    """A homeserver and the folder of a bridge.toml for it."""

    hs: Homeserver
    admin: str
    folder: Path

    def people(self, *names: str) -> None:
        tables = [f'[[person]]\nuser = "{name}"\nname = "Dr {name.title()}"\ncentre = "a"\n' for name in names]
        (self.folder / "networks").mkdir(exist_ok=True)
        (self.folder / "networks" / "ern-cranio.toml").write_text(NETWORK + "\n".join(tables))

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Exit status and everything printed."""
        config = ["--config", str(self.folder / "bridge.toml")]
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "bridge", arguments[0], *config, *arguments[1:]],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """`bridge run`, in the way the test means to end it."""
        command = [sys.executable, "-m", "bridge", "run", "--config", str(self.folder / "bridge.toml")]
        with (self.folder / "run.log").open("ab") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()

    def recorded(self) -> list[str]:
        database = sqlite3.connect(self.folder / "bridge.db")
        try:
            return [row[0] for row in database.execute("SELECT event_id FROM appservice_events")]
        except sqlite3.OperationalError:  # the bridge has not made its tables yet
            return []
        finally:
            database.close()


def write_config(hs: Homeserver, admin: str, folder: Path) -> Installation:
    for name, secret in (("as", hs.as_token), ("hs", hs.hs_token), ("admin", admin)):
        (folder / f"{name}_token").write_text(secret)
    port = hs.appservice_url.rsplit(":", 1)[1]
    (folder / "bridge.toml").write_text(f"""
[homeserver]
url = "{hs.url}"
server_name = "{hs.server_name}"
as_token = {{ file = "as_token" }}
hs_token = {{ file = "hs_token" }}
admin_token = {{ file = "admin_token" }}
[service]
port = {port}
url = "{hs.appservice_url}"
registration = "{ROOT / "config" / "synapse" / "registration.yaml"}"
[bot]
token_file = "bot.token"
[storage]
database = "sqlite+aiosqlite:///{folder / "bridge.db"}"
""")
    return Installation(hs, admin, folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with homeserver(tmp_path_factory.mktemp("hs")) as hs:
        admin = await register(hs, "admin", "secret", admin=True)
        yield write_config(hs, admin, tmp_path_factory.mktemp("bridge"))


@pytest_asyncio.fixture(loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def state(session: aiohttp.ClientSession, at: Installation, alias: str) -> dict[tuple[str, str], Any]:
    """The state of a room as the bot sees it."""
    service, bot = Client(session, at.hs.url, at.hs.as_token), at.hs.bot_user_id
    where = path("_matrix", "client", "v3", "directory", "room", f"{alias}:{at.hs.server_name}")
    room_id = (await service.call("GET", where))["room_id"]
    events = await service.call("GET", path("_matrix", "client", "v3", "rooms", room_id, "state"), as_user=bot)
    return {(event["type"], event["state_key"]): event["content"] for event in events}


def members(state: dict[tuple[str, str], Any]) -> dict[str, str]:
    return {key.partition(":")[0][1:]: c["membership"] for (kind, key), c in state.items() if kind == "m.room.member"}


async def test_apply_makes_everything_once(installation: Installation, session: aiohttp.ClientSession) -> None:
    installation.people("ada", "ben")
    status, text = await installation.command("plan")
    assert (status, text.splitlines()[-1]) == (0, "17 changes to make.")
    passwords = installation.folder / "passwords"
    status, text = await installation.command("apply", "--passwords", str(passwords))
    assert (status, text.splitlines()[-1]) == (0, "17 changes made.")
    assert "account @ada:ern.localhost (Dr Ada)" in text.splitlines()
    assert await installation.command("apply") == (0, "Nothing to change.\n")
    assert await installation.command("plan") == (0, "Nothing to change.\n")

    space = await state(session, installation, "#ern-cranio")
    create = space["m.room.create", ""]
    assert (create["type"], create["m.federate"]) == ("m.space", False)
    assert space["m.room.join_rules", ""] == {"join_rule": "invite"}
    assert space["m.room.history_visibility", ""] == {"history_visibility": "joined"}
    assert members(space) == {"ernbot": "join", "ada": "invite", "ben": "invite"}
    assert ("m.room.encryption", "") not in space
    assert len([key for key in space if key[0] == "m.space.child"]) == 2
    for alias in ("#ern-cranio-lobby", "#ern-cranio-helpdesk"):
        room = await state(session, installation, alias)
        assert room["m.room.encryption", ""]["algorithm"] == "m.megolm.v1.aes-sha2"
        assert room["m.room.power_levels", ""]["invite"] == 100
        assert any(key[0] == "m.space.parent" for key in room)

    lines = dict(line.split("\t") for line in passwords.read_text().splitlines())
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert set(lines) == {"@ada:ern.localhost", "@ben:ern.localhost"}
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "ada"},
        "password": lines["@ada:ern.localhost"],
    }
    anyone = Client(session, installation.hs.url)
    assert (await anyone.call("POST", "/_matrix/client/v3/login", body))["user_id"] == "@ada:ern.localhost"
    status, text = await installation.command("apply", "--passwords", str(passwords))
    assert (status, text.count("\n")) == (1, 1)
    assert "Name a new file" in text


async def test_the_bot_is_an_ordinary_account_without_limits(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    token_file = installation.folder / "bot.token"
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    bot = Client(session, installation.hs.url, token_file.read_text().strip())
    me = await bot.call("GET", "/_matrix/client/v3/account/whoami")
    assert (me["user_id"], me["device_id"]) == ("@ernbot:ern.localhost", "ERNBOT")
    assert "next_batch" in await bot.call("GET", "/_matrix/client/v3/sync")
    admin = Client(session, installation.hs.url, installation.admin)
    where = path("_synapse", "admin", "v1", "users", installation.hs.bot_user_id, "override_ratelimit")
    assert await admin.call("GET", where) == {"messages_per_second": 0, "burst_count": 0}


async def test_nobody_else_takes_the_names_of_the_service(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    admin = Client(session, installation.hs.url, installation.admin)
    room = (await admin.call("POST", "/_matrix/client/v3/createRoom", {}))["room_id"]
    for alias in ("#case-amber:ern.localhost", "#ern-cranio:ern.localhost", "#ecnm-lobby:ern.localhost"):
        where = path("_matrix", "client", "v3", "directory", "room", alias)
        with pytest.raises(Rejected, match="M_EXCLUSIVE"):
            await admin.call("PUT", where, {"room_id": room})


async def test_a_lost_token_is_replaced_and_the_device_stays(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    (installation.folder / "bot.token").write_text("syt_revoked")
    status, text = await installation.command("apply")
    assert (status, text) == (0, "device and access token for @ernbot:ern.localhost\n1 changes made.\n")
    bot = Client(session, installation.hs.url, (installation.folder / "bot.token").read_text().strip())
    devices = (await bot.call("GET", "/_matrix/client/v3/devices"))["devices"]
    assert [device["device_id"] for device in devices] == ["ERNBOT"]


async def test_the_directory_changes_and_the_rooms_follow(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    installation.people("ada", "cleo")
    status, text = await installation.command("apply")
    assert (status, text.splitlines()[-1]) == (0, "7 changes made.")
    for alias in ("#ern-cranio", "#ern-cranio-lobby", "#ern-cranio-helpdesk"):
        there = members(await state(session, installation, alias))
        assert there == {"ernbot": "join", "ada": "invite", "ben": "leave", "cleo": "invite"}
    assert await installation.command("apply") == (0, "Nothing to change.\n")


async def test_members_of_a_space_learn_only_that_a_case_room_exists(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    hs = installation.hs
    service, bot = Client(session, hs.url, hs.as_token), hs.bot_user_id
    body = {
        "preset": "private_chat",
        "name": "Amber Finch",
        "creation_content": {"m.federate": False, "eu.ern.room": "case"},
        "power_level_content_override": {"invite": 100},
        "initial_state": [
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
        ],
    }
    case = (await service.call("POST", "/_matrix/client/v3/createRoom", body, as_user=bot))["room_id"]
    where = path("_matrix", "client", "v3", "directory", "room", "#ern-cranio:ern.localhost")
    space = (await service.call("GET", where))["room_id"]
    child = path("_matrix", "client", "v3", "rooms", space, "state", "m.space.child", case)
    await service.call("PUT", child, {"via": [hs.server_name]}, as_user=bot)

    admin = Client(session, hs.url, installation.admin)
    login = await admin.call("POST", path("_synapse", "admin", "v1", "users", "@ada:ern.localhost", "login"), {})
    ada = Client(session, hs.url, login["access_token"])
    await ada.call("POST", path("_matrix", "client", "v3", "join", space), {})
    hierarchy = await ada.call("GET", path("_matrix", "client", "v1", "rooms", space, "hierarchy"))
    assert case in {entry["state_key"] for entry in hierarchy["rooms"][0]["children_state"]}
    assert case not in {room["room_id"] for room in hierarchy["rooms"]}
    assert "Amber Finch" not in str(hierarchy)
    for tail in ("state", "members", "messages"):
        with pytest.raises(Rejected, match="M_FORBIDDEN"):
            await ada.call("GET", path("_matrix", "client", "v3", "rooms", case, tail))
    assert await ada.call_or_none("GET", path("_matrix", "client", "v1", "room_summary", case)) is None


async def test_bot_credentials_need_no_apply_before(installation: Installation) -> None:
    token = await bot_credentials(installation.hs.url, installation.hs.as_token, "_ern_other", "DEVICE")
    assert token != await bot_credentials(installation.hs.url, installation.hs.as_token, "_ern_other", "DEVICE")
    with pytest.raises(Rejected, match="M_EXCLUSIVE"):
        await bot_credentials(installation.hs.url, installation.hs.as_token, "somebody", "DEVICE")


async def send_in_lobby(session: aiohttp.ClientSession, at: Installation, number: int) -> str:
    service, bot = Client(session, at.hs.url, at.hs.as_token), at.hs.bot_user_id
    lobby = path("_matrix", "client", "v3", "directory", "room", "#ern-cranio-lobby:ern.localhost")
    room_id = (await service.call("GET", lobby))["room_id"]
    where = path("_matrix", "client", "v3", "rooms", room_id, "send", "m.reaction", f"t{number}")
    return str((await service.call("PUT", where, {}, as_user=bot))["event_id"])


async def until(what: str, at: Installation, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while what not in at.recorded():
        assert time.monotonic() < deadline, f"{what} was not recorded"
        await asyncio.sleep(0.1)


async def test_each_event_is_recorded_once_also_when_the_bridge_is_killed(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    sent: list[str] = []
    with installation.running():
        sent.append(await send_in_lobby(session, installation, 0))
        await until(sent[0], installation)
    sent += [await send_in_lobby(session, installation, number) for number in (1, 2, 3)]
    with installation.running() as process:  # the ping at its start makes the homeserver send what it kept
        await until(sent[-1], installation)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert sorted(event_id for event_id in installation.recorded() if event_id in sent) == sorted(sent)


async def test_a_taken_port_is_one_sentence(installation: Installation) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(installation.hs.appservice_url.rsplit(":", 1)[1])))
        other.listen()
        status, text = await installation.command("run")
    assert (status, text.count("\n")) == (1, 1)
    assert "change service.port" in text


async def test_the_registration_is_the_one_that_the_homeserver_runs_with(installation: Installation) -> None:
    status, text = await installation.command("registration")
    assert status == 0
    # Only the networks differ: the embedded homeserver knows those of config/networks.
    used = (installation.hs.directory / "registration.yaml").read_text()
    assert [line for line in text.splitlines() if "#(case" not in line] == [
        line for line in used.splitlines() if "#(case" not in line
    ]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("[service]", "[service]\nprot = 7", "'service.prot': unknown key"),
        ("url = ", "ulr = ", "homeserver.ulr"),
        ("as_token = {", "as_token = { env = 'X',", "homeserver.as_token"),
        ("[bot]", "[bot", "is not valid TOML"),
        ('{ file = "admin_token" }', '{ file = "nowhere" }', "homeserver.admin_token"),
        ('{ file = "admin_token" }', '{ env = "ERN_NOT_SET" }', "homeserver.admin_token"),
    ],
)
async def test_a_typo_in_the_configuration_names_the_place(
    installation: Installation, tmp_path: Path, old: str, new: str, where: str
) -> None:
    broken = write_config(installation.hs, installation.admin, tmp_path)
    broken.people("ada")
    file = tmp_path / "bridge.toml"
    file.write_text(file.read_text().replace(old, new, 1))
    status, text = await broken.command("apply")
    assert status == 2
    assert where in text
    assert "Traceback" not in text


async def test_a_person_of_another_server_is_refused(installation: Installation, tmp_path: Path) -> None:
    other = write_config(installation.hs, installation.admin, tmp_path)
    other.people("@ada:elsewhere.example")
    status, text = await other.command("plan")
    assert (status, text.count("\n")) == (2, 1)
    assert "@ada:elsewhere.example is not of ern.localhost" in text


async def test_a_wrong_admin_token_is_one_sentence(installation: Installation, tmp_path: Path) -> None:
    other = write_config(installation.hs, "wrong", tmp_path)
    other.people("ada")
    status, text = await other.command("apply")
    assert (status, text.count("\n")) == (1, 1)
    assert "Check the token" in text


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def test_a_homeserver_that_is_down_is_one_sentence(
    installation: Installation, session: aiohttp.ClientSession
) -> None:
    os.kill(installation.hs.pid, signal.SIGKILL)  # the last test of this module
    for command in ("plan", "apply"):
        status, text = await installation.command(command)
        assert (status, text.count("\n")) == (1, 1)
        assert "does not answer" in text
    with installation.running() as process:  # the bridge waits for a homeserver that starts after it
        health = installation.hs.appservice_url + "/health"
        for _ in range(150):
            if await answers(session, health):
                break
            await asyncio.sleep(0.1)
        assert await answers(session, health)
        assert process.poll() is None
