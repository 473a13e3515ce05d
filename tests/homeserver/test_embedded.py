"""The embedded homeserver starts, comes back as the same server, and never outlives its starter."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from ernbot.demo.homeserver import ROOT, HomeserverFailed, homeserver, register

pytestmark = pytest.mark.homeserver

STARTER = """
import asyncio, sys
from pathlib import Path
from ernbot.demo.homeserver import homeserver

async def main():
    async with homeserver(Path(sys.argv[1])) as hs:
        print(hs.pid, hs.url, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def whoami(url: str, token: str) -> str:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"{url}/_matrix/client/v3/account/whoami") as response,
    ):
        return str((await response.json()).get("user_id"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    # A zombie has ended; it only waits for somebody to read its exit status.
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


async def test_comes_back_as_the_same_server_also_after_a_kill(tmp_path: Path) -> None:
    async with homeserver(tmp_path / "hs") as first:
        token = await register(first, "ada", "secret")
        assert await whoami(first.url, token) == "@ada:ern.localhost"
        os.kill(first.pid, signal.SIGKILL)
        await asyncio.sleep(0.2)
        with pytest.raises(aiohttp.ClientConnectionError):
            await whoami(first.url, token)
    async with homeserver(tmp_path / "hs") as second:
        assert (second.url, second.as_token) == (first.url, first.as_token)
        assert second.pid != first.pid
        assert await whoami(second.url, token) == "@ada:ern.localhost"
        with pytest.raises(HomeserverFailed, match="User ID already taken"):
            await register(second, "ada", "secret")


async def test_a_failure_inside_still_stops_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with homeserver(tmp_path, appservice=False) as hs:
            raise ZeroDivisionError
    assert not is_alive(hs.pid)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_dies_with_its_starter(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline().split()[0])
        assert is_alive(pid)
        starter.send_signal(how)
        starter.wait(20)
    deadline = time.monotonic() + 15
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


async def test_a_wrong_setting_ends_in_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(HomeserverFailed, match="encryption_enabled_by_default_for_room_type"):
        async with homeserver(tmp_path, settings={"encryption_enabled_by_default_for_room_type": "maybe"}):
            pass


async def test_a_taken_port_ends_in_one_clear_error(tmp_path: Path) -> None:
    async with homeserver(tmp_path) as hs:
        port = int(hs.url.rsplit(":", 1)[1])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(HomeserverFailed, match="Failed to listen"):
            async with homeserver(tmp_path):
                pass


async def test_keeps_its_secrets_to_itself_and_listens_on_loopback_only(tmp_path: Path) -> None:
    async with homeserver(tmp_path / "hs") as hs:
        assert hs.url.startswith("http://127.0.0.1:")
        assert (tmp_path / "hs").stat().st_mode & 0o077 == 0
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{hs.url}/_matrix/federation/v1/version") as response:
                assert response.status == 404
            async with session.post(f"{hs.url}/_matrix/client/v3/register", json={}) as response:
                assert response.status == 403
