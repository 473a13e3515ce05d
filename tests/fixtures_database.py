"""Databases for tests: every test that asks for `database` or `store` runs on SQLite and on PostgreSQL.

PostgreSQL is a cluster of its own in a temporary folder, reached through a Unix socket, started once per session and
gone with it; the machine's own clusters are never touched.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg
import pytest

from ernbot.storage.store import Store

MASTER_KEY = bytes(range(32))
START_SECONDS = 30
ADMINISTRATOR = "ernbot"
TEMPLATE = "ernbot_template"

_numbers = count(1)


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL; `folder` holds its data and its socket.

    A test's database is a role and the schema of that name, which is what the role sees: much faster to make.
    """

    folder: Path
    programs: Path

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://{name}@/postgres?host={self.folder}"

    async def connect(self, name: str = ADMINISTRATOR) -> asyncpg.Connection:
        return await asyncpg.connect(host=str(self.folder), user=name, database="postgres")

    async def create(self, name: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(f"CREATE ROLE {name} LOGIN; CREATE SCHEMA AUTHORIZATION {name}")
            await connection.execute(f"GRANT CREATE ON DATABASE postgres TO {name}")
        finally:
            await connection.close()

    def dump(self, name: str, *options: str) -> bytes:
        """Everything that pg_dump says of a test's database."""
        connection = ["--host", str(self.folder), "--username", ADMINISTRATOR]
        schemas = ["--schema", name, "--schema", f"{name}_queue"]
        command = [str(self.programs / "pg_dump"), *connection, "--inserts", *options, *schemas, "postgres"]
        return subprocess.run(command, check=True, capture_output=True).stdout


@dataclass(frozen=True)
class Database:
    """An empty database: a file of SQLite, or a schema of the cluster."""

    url: str
    name: str
    file: Path | None
    cluster: Cluster | None

    def raw(self) -> bytes:
        """Everything that a copy of the database shows, journals included."""
        if self.cluster is not None:
            return self.cluster.dump(self.name)
        assert self.file is not None
        return b"".join(path.read_bytes() for path in sorted(self.file.parent.glob(self.file.name + "*")))


def _programs() -> Path:
    """The folder of PostgreSQL's server programs, the newest when there are several."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        pytest.fail("PostgreSQL is missing: run `sh tests/prepare.sh`", pytrace=False)
    return versions[-1].parent


def _server_account() -> str | None:
    """PostgreSQL refuses to run as root: the account that it runs as then."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _start(
    arguments: Sequence[str], account: str | None, output: BinaryIO | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    group = pwd.getpwnam(account).pw_gid if account else None
    return subprocess.Popen(
        arguments,
        user=account,
        group=group,
        extra_groups=[] if account else None,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _make_cluster(programs: Path, data: Path, account: str | None) -> None:
    options = [f"--username={ADMINISTRATOR}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    process = _start([str(programs / "initdb"), f"--pgdata={data}", *options], account)
    output, _ = process.communicate(timeout=60)
    if process.returncode != 0:
        pytest.fail(f"initdb failed: {output.decode(errors='replace')}", pytrace=False)


def _wait(programs: Path, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    ready = [str(programs / "pg_isready"), "-q", "-h", str(folder), "-d", "postgres", "-U", ADMINISTRATOR]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(ready, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}", pytrace=False)
        time.sleep(0.05)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL cluster for this session."""
    programs, account = _programs(), _server_account()
    folder = Path(tempfile.mkdtemp(prefix="ernbot-pg-"))
    try:
        if account:
            os.chown(folder, pwd.getpwnam(account).pw_uid, -1)
        data = folder / "data"
        _make_cluster(programs, data, account)
        # The server must not outlive a killed test run.
        guard = [program, "--pdeathsig", "INT"] if (program := shutil.which("setpriv")) else []
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",
            "max_connections": "50",
            "log_min_messages": "fatal",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        # Into a file: a pipe that nobody reads would stop the server when it is full.
        log = folder / "postgres.log"
        server = [*guard, str(programs / "postgres"), "-D", str(data), *options]
        with log.open("wb") as sink, _start(server, account, sink) as process:
            _wait(programs, folder, process, log)
            yield Cluster(folder, programs)
            # Fast shutdown (SIGINT): a smart one waits for connections that somebody may have left open.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    name = f"ernbot_{next(_numbers)}"
    if request.param == "sqlite":
        file = tmp_path / "data" / f"{name}.db"
        return Database(f"sqlite+aiosqlite:///{file}", name, file, None)
    cluster: Cluster = request.getfixturevalue("postgresql")
    await cluster.create(name)
    return Database(cluster.url(name), name, None, cluster)


@pytest.fixture(scope="session")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a new database on SQLite: migrating one for each test would take most of their time."""
    file = tmp_path_factory.mktemp("new") / "ernbot.db"
    _make(f"sqlite+aiosqlite:///{file}")
    return file.read_bytes()


@pytest.fixture(scope="session")
def new_schema(postgresql: Cluster) -> str:
    """The statements that make a new database on PostgreSQL, in the role and the schema `TEMPLATE`."""

    _apart(postgresql.create(TEMPLATE))
    _make(postgresql.url(TEMPLATE))
    lines = postgresql.dump(TEMPLATE, "--no-owner", "--no-privileges").decode().splitlines()
    # The schema is there with its role, and what begins with a backslash is for psql alone.
    return "\n".join(line for line in lines if not line.startswith(("\\", f"CREATE SCHEMA {TEMPLATE};")))


def _make(url: str) -> None:
    async def make() -> None:
        store = await Store.open(url, MASTER_KEY)
        await store.close()

    _apart(make())


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Do it in a loop of its own: a fixture that is asked for by another one may find the session's running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture
async def store(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An open store on each kind of database."""
    if database.cluster is None:
        assert database.file is not None
        database.file.parent.mkdir()
        database.file.write_bytes(request.getfixturevalue("new_file"))
    else:
        schema: str = request.getfixturevalue("new_schema")
        connection = await database.cluster.connect(database.name)
        try:
            await connection.execute(schema.replace(TEMPLATE, database.name))
        finally:
            await connection.close()
    store = await Store.open(database.url, MASTER_KEY)
    yield store
    await store.close()


@pytest.fixture
async def sqlite_store(tmp_path: Path, new_file: bytes) -> AsyncIterator[Store]:
    """An open store on SQLite alone, for tests that are about something else."""
    file = tmp_path / "ernbot.db"
    file.write_bytes(new_file)
    store = await Store.open(f"sqlite+aiosqlite:///{file}", MASTER_KEY)
    yield store
    await store.close()
