"""A real Synapse for the demo and the tests: started in seconds, gone when its starter is gone.

It runs the production configuration `config/synapse/homeserver.yaml`, followed by a second file with what
must differ on one machine: loopback ports, SQLite, paths, generous rate limits. Everything it writes stays
inside one directory; starting again on that directory gives the same server, ports and secrets. It must never
be used for real patients.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import random
import re
import secrets
import shutil
import socket
import string
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
SERVER_NAME = "ern.localhost"
BOT_LOCALPART = "ernbot"
READY_WITHIN = 90.0  # seconds; two or three are usual, a loaded machine may need far more
STOP_WITHIN = 15.0  # seconds between SIGTERM and SIGKILL

# Begins a program that ends when its starter does. A closed pipe is the one sign of the starter's death that also comes
# after SIGKILL, on every system, and whichever thread started us (PR_SET_PDEATHSIG fires when that *thread* ends).
LEASH = """
import os, signal, threading, time
def follow_the_starter():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)
threading.Thread(target=follow_the_starter, daemon=True).start()
"""
_LAUNCHER = f"""{LEASH}
from synapse.app.homeserver import main
main()
"""

_UNLIMITED = {"per_second": 1000, "burst_count": 10000}
_RATE_LIMITED = (
    "rc_message",
    "rc_registration",
    "rc_admin_redaction",
    "rc_joins_per_room",
    "rc_room_creation",
    "rc_user_directory",
    "rc_media_create",
    "rc_delayed_event_mgmt",
    "rc_profile",
)
_RATE_LIMITS: dict[str, object] = {
    **dict.fromkeys(_RATE_LIMITED, _UNLIMITED),
    "rc_login": {"address": _UNLIMITED, "account": _UNLIMITED, "failed_attempts": _UNLIMITED},
    "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
    "rc_invites": {"per_room": _UNLIMITED, "per_user": _UNLIMITED, "per_issuer": _UNLIMITED},
}


class HomeserverFailed(Exception):
    """The embedded homeserver could not be installed, started or used; the text says why in one sentence."""


@dataclass(frozen=True)
class Homeserver:
    """A running embedded homeserver and what is needed to use it. All of it is throw-away."""

    url: str
    server_name: str
    directory: Path
    pid: int
    registration_shared_secret: str
    as_token: str
    hs_token: str
    appservice_url: str
    """Where the homeserver will look for the application service: a port that was free at the first start."""

    @property
    def bot_user_id(self) -> str:
        return f"@{BOT_LOCALPART}:{self.server_name}"

    @property
    def log(self) -> Path:
        return self.directory / "homeserver.log"


def ensure_synapse() -> Path:
    """The Python of Synapse's own environment, which is made from the lock file when it is missing.

    Blocks for up to a minute the first time. Raises `HomeserverFailed`.
    """
    environment = ROOT / ".synapse"
    python = environment / "bin" / "python"
    ready = environment / ".ready"
    if not ready.exists():
        lock = CONFIG / "synapse" / "requirements.lock"
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)  # noqa: S603
            subprocess.run([*install, "--require-hashes", "-r", str(lock)], check=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as failure:
            raise HomeserverFailed(
                f"Synapse could not be installed into {environment}: {failure}. "
                "Check the network connection and try again."
            ) from None
        ready.touch()
    return python


@asynccontextmanager
async def homeserver(
    directory: Path, *, appservice: bool = True, settings: Mapping[str, object] | None = None
) -> AsyncIterator[Homeserver]:
    """Run a homeserver in `directory` while the context is open.

    Entering again on the same directory starts the same server (data, ports, secrets), which is how a test
    takes it down and brings it back; the process may also be killed by `pid` meanwhile. `settings` replaces
    top-level keys of Synapse's configuration. Raises `HomeserverFailed` with the end of the log.
    """
    python = await asyncio.to_thread(ensure_synapse)
    identity = _prepare(directory, appservice=appservice, settings=settings or {})
    process = _launch(python, directory)
    server = Homeserver(pid=process.pid, directory=directory, **identity)
    try:
        await _until_ready(server, process)
        yield server
    finally:
        await asyncio.shield(asyncio.to_thread(_stop, process))


async def register(hs: Homeserver, localpart: str, password: str, *, admin: bool = False) -> str:
    """Make an account with the shared secret (Synapse admin API, `/v1/register`); returns its access token.

    Raises `HomeserverFailed` when the homeserver refuses, for instance because the account exists.
    """
    url = f"{hs.url}/_synapse/admin/v1/register"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            nonce: str = (await response.json())["nonce"]
        signed = "\0".join((nonce, localpart, password, "admin" if admin else "notadmin"))
        mac = hmac.new(hs.registration_shared_secret.encode(), signed.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": localpart, "password": password, "admin": admin, "mac": mac}
        async with session.post(url, json=body) as response:
            answer = await response.json()
    if "access_token" not in answer:
        raise HomeserverFailed(f"The account {localpart} was not made: {answer.get('error', answer)}")
    return str(answer["access_token"])


def _prepare(directory: Path, *, appservice: bool, settings: Mapping[str, object]) -> dict[str, str]:
    """Write the directory's files and return the server's identity; secrets and ports are made only once."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity_file = directory / "identity.json"
    if identity_file.exists():
        identity: dict[str, str] = json.loads(identity_file.read_text())
    else:
        port, appservice_port = free_ports(2)
        identity = {
            "url": f"http://127.0.0.1:{port}",
            "server_name": SERVER_NAME,
            "registration_shared_secret": secrets.token_hex(32),
            "as_token": secrets.token_hex(32),
            "hs_token": secrets.token_hex(32),
            "appservice_url": f"http://127.0.0.1:{appservice_port}",
        }
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (directory / "signing.key").write_text(f"ed25519 a_{secrets.token_hex(2)} {seed}\n")
        (directory / "registration_shared_secret").write_text(identity["registration_shared_secret"])
        (directory / "macaroon_secret_key").write_text(secrets.token_hex(32))
        (directory / "form_secret").write_text(secrets.token_hex(32))
        identity_file.write_text(json.dumps(identity))
    # Synapse's environment has nothing of ours: the policy comes as one file, and PYTHONPATH points at it.
    shutil.copyfile(ROOT / "bridge" / "policy.py", directory / "policy.py")
    if appservice:
        (directory / "registration.yaml").write_text(_registration(identity))
    # JSON is YAML: Synapse reads it as its second configuration file.
    override = _overrides(directory, identity, appservice=appservice) | dict(settings)
    (directory / "override.yaml").write_text(json.dumps(override, indent=1))
    return identity


def _registration(identity: Mapping[str, str]) -> str:
    template = string.Template((CONFIG / "synapse" / "registration.yaml").read_text(encoding="utf-8"))
    networks = sorted(path.stem for path in (CONFIG / "networks").glob("*.toml"))
    return template.substitute(
        url=identity["appservice_url"],
        as_token=identity["as_token"],
        hs_token=identity["hs_token"],
        bot=BOT_LOCALPART,
        server=re.escape(identity["server_name"]),
        networks="|".join(re.escape(network) for network in networks),
    )


def _overrides(directory: Path, identity: Mapping[str, str], *, appservice: bool) -> dict[str, object]:
    listener = {
        "port": int(identity["url"].rsplit(":", 1)[1]),
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "tls": False,
        "resources": [{"names": ["client"]}],
    }
    return {
        "server_name": identity["server_name"],
        "public_baseurl": identity["url"] + "/",
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "media_store_path": str(directory / "media"),
        "signing_key_path": str(directory / "signing.key"),
        "registration_shared_secret_path": str(directory / "registration_shared_secret"),
        "macaroon_secret_key_path": str(directory / "macaroon_secret_key"),
        "form_secret_path": str(directory / "form_secret"),
        "app_service_config_files": [str(directory / "registration.yaml")] if appservice else [],
        "modules": [{"module": "policy.CaseRoomPolicy", "config": {"bot_user_id": f"@{BOT_LOCALPART}:{SERVER_NAME}"}}],
        # The cheapest hash that bcrypt offers: demo passwords are printed on the screen anyway.
        "bcrypt_rounds": 4,
        **_RATE_LIMITS,
    }


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on.

    They are taken from below the ephemeral range, where no outgoing connection can take one of them between
    this check and the start of the listener.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)  # noqa: S311
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports


def _launch(python: Path, directory: Path) -> subprocess.Popen[bytes]:
    command = [str(python), "-c", _LAUNCHER]
    for path in (CONFIG / "synapse" / "homeserver.yaml", directory / "override.yaml"):
        command += ["--config-path", str(path)]
    with (directory / "homeserver.log").open("ab") as log:
        # A session of its own: Ctrl-C in the terminal reaches us alone, and we stop Synapse last.
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory)},
            start_new_session=True,
        )


async def _until_ready(hs: Homeserver, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise HomeserverFailed(f"Synapse stopped while starting. The end of {hs.log}:\n{_tail(hs.log)}")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{hs.url}/health", timeout=aiohttp.ClientTimeout(2)) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise HomeserverFailed(f"Synapse did not answer within {READY_WITHIN:.0f} seconds; see {hs.log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def _tail(log: Path) -> str:
    """The last lines, where Synapse says what was wrong, after the traceback that nobody needs."""
    return " ".join(log.read_text(errors="replace").splitlines()[-3:])
