"""What an administrator reads: one sentence that says what to do, and an exit status that a script can trust."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nio.crypto import OlmAccount
from nio.store import SqliteStore

from ernbot.__main__ import run_command
from ernbot.demo.homeserver import CONFIG, ROOT, Homeserver
from ernbot.imaging.process import WorkerFailed
from ernbot.matrix.identity import SECRET, Identity
from ernbot.storage.records import StoredIdentity
from ernbot.storage.store import Store
from ernbot.storage.vault import generate_master_key
from tests.fixtures_homeserver import Account
from tests.matrix.devices import log_in, new_token

URL = "http://127.0.0.1:9"
"""Where nobody answers."""

SETTINGS = """
networks = "networks"
forms = "forms"

[homeserver]
url = "{url}"
server_name = "{server}"
user = "{user}"
device_id = "{device}"
token_file = "bot_token"

[storage]
database = "{database}"

[vault]
key_file = "master_key"
"""


@dataclass(frozen=True)
class Setup:
    """A folder with a whole configuration, and what the commands say about it."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def config(self) -> Path:
        return self.folder / "ernbot.toml"

    @property
    def database(self) -> Path:
        return self.folder / "ernbot.db"

    def write(self, *, url: str = URL, server: str = "ern.localhost", user: str = "ernbot", device: str = "D") -> None:
        database = f"sqlite+aiosqlite:///{self.database}"
        self.config.write_text(SETTINGS.format(url=url, server=server, user=user, device=device, database=database))
        (self.folder / "master_key").write_text(generate_master_key())
        for part in ("networks", "forms"):
            shutil.copytree(CONFIG / part, self.folder / part, dirs_exist_ok=True)

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, what it wrote, and what it complained of."""
        status = run_command([*arguments, "--config", str(self.config)])
        return status, *self.said()

    def said(self) -> tuple[str, str]:
        captured = self.capture.readouterr()
        return captured.out, captured.err

    def store(self) -> Awaitable[Store]:
        key = base64.b64decode((self.folder / "master_key").read_text())
        return Store.open(f"sqlite+aiosqlite:///{self.database}", key)


@pytest.fixture
def setup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Setup:
    made = Setup(tmp_path, capsys)
    made.write()
    return made


def one_sentence(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


# --- the configuration


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("url = ", "ulr = ", "at 'homeserver.ulr': unknown key"),
        ('url = "http', 'url = "ftp', "at 'homeserver.url': String should match"),
        ("[vault]", "[valt]", "at 'valt': unknown key"),
        ("key_file", "key_flie", "at 'vault.key_flie': unknown key"),
        ('key_file = "master_key"', "", "at 'vault': give either key_file or key_env"),
        ("[storage]", "[files]\nmax_megabytes = 0\n[storage]", "at 'files.max_megabytes': Input should be"),
        ("[vault]", "[vault", "is not valid TOML"),
    ],
)
def test_a_typo_is_named_with_its_dotted_path(setup: Setup, old: str, new: str, where: str) -> None:
    setup.change(old, new)
    for command in (["run"], ["audit", "verify"], ["vault", "rotate"], ["identity", "show"]):
        status, out, error = setup.run(*command)
        assert (status, out) == (2, "")
        assert error.startswith(str(setup.config))
        assert where in error
    assert not setup.database.exists()


def test_a_missing_configuration_is_named(setup: Setup) -> None:
    setup.config.unlink()
    status, _, error = setup.run("run")
    assert (status, error) == (2, f"{setup.config}: cannot be read: No such file or directory\n")


def test_a_network_with_a_typo_is_named(setup: Setup) -> None:
    (setup.folder / "bot_token").write_text("token")
    network = setup.folder / "networks" / "ecnm.toml"
    network.write_text(network.read_text().replace("opinion_form", "opinion_from", 1))
    status, _, error = setup.run("run")
    assert status == 2
    assert f"{network}: at 'opinion_from': unknown key" in error


def test_a_form_that_is_not_there_is_named(setup: Setup) -> None:
    for version in (setup.folder / "forms").glob("ecnm-opinion*.toml"):
        version.unlink()
    status, _, error = setup.run("run")
    assert (status, one_sentence(error)) == (2, True)
    assert "there is no form 'ecnm-opinion'" in error


@pytest.mark.parametrize("arguments", [[], ["fly"], ["audit"], ["audit", "forget"], ["vault", "open"], ["run", "--x"]])
def test_an_unknown_command_gets_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(arguments)
    assert ended.value.code == 2
    assert "usage: ernbot" in capsys.readouterr().err


# --- secrets


def test_a_missing_master_key_is_named(setup: Setup) -> None:
    (setup.folder / "master_key").unlink()
    for command in (["audit", "verify"], ["vault", "rotate"], ["identity", "show"]):
        status, _, error = setup.run(*command)
        assert status == 2
        assert error == f"{setup.folder / 'master_key'}: cannot read the master key: No such file or directory\n"
    assert not setup.database.exists()


@pytest.mark.parametrize("text", ["c2hvcnQ=", "not base64", "A" * 43 + "=" + "A" * 4])
def test_a_master_key_that_is_none_is_named_and_not_shown(setup: Setup, text: str) -> None:
    (setup.folder / "master_key").write_text(text)
    status, _, error = setup.run("audit", "verify")
    assert (status, one_sentence(error)) == (2, True)
    assert "the master key must be 32 random bytes in base64" in error
    assert text not in error


def test_an_empty_variable_is_named(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.change('key_file = "master_key"', 'key_env = "ERNBOT_TEST_KEY"')
    monkeypatch.delenv("ERNBOT_TEST_KEY", raising=False)
    status, _, error = setup.run("audit", "verify")
    assert (status, error) == (2, "environment variable ERNBOT_TEST_KEY: the master key is empty\n")
    asyncio.run(fill(setup))
    monkeypatch.setenv("ERNBOT_TEST_KEY", (setup.folder / "master_key").read_text())
    assert setup.run("audit", "verify")[0] == 0


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_missing_token_says_who_writes_it(setup: Setup, text: str | None) -> None:
    if text is not None:
        (setup.folder / "bot_token").write_text(text)
    status, _, error = setup.run("run")
    assert (status, one_sentence(error)) == (2, True)
    assert "bot_token" in error
    assert "bot's access token (written by `python -m bridge apply`)" in error


def test_another_master_key_opens_nothing(setup: Setup) -> None:
    asyncio.run(fill(setup))
    (setup.folder / "master_key").write_text(generate_master_key())
    for command in (["audit", "verify"], ["vault", "rotate"], ["identity", "show"]):
        status, out, error = setup.run(*command)
        assert (status, out, one_sentence(error)) == (1, "", True)
        assert "encrypted with another master key" in error
        assert "vault.previous_key_files" in error


def test_a_new_key_is_one_and_another_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    keys = set()
    for _ in range(3):
        assert run_command(["vault", "new-key"]) == 0
        keys.add(capsys.readouterr().out)
    assert len(keys) == 3
    assert {len(base64.b64decode(key, validate=True)) for key in (key.strip() for key in keys)} == {32}


async def fill(setup: Setup, *, seeds: bytes | None = None, entries: int = 0) -> None:
    """What the bot would have left behind: the seeds of its identity, and decisions."""
    store = await setup.store()
    async with store.transaction() as tx:
        if seeds is not None:
            await tx.set_secret(SECRET, seeds)
        for number in range(entries):
            tx.audit(at=datetime.now(UTC), actor="@ida:h", action="read", case_id=f"c-{number}", decision="allowed")
    await store.close()


def test_rotation_wraps_with_the_new_key_alone(setup: Setup) -> None:
    seeds = Identity.generate("@ernbot:ern.localhost").to_bytes()
    asyncio.run(fill(setup, seeds=seeds, entries=2))
    (setup.folder / "master_key").rename(setup.folder / "old_key")
    (setup.folder / "master_key").write_text(generate_master_key())
    previous = '\nprevious_key_files = ["old_key"]'
    setup.change('key_file = "master_key"', f'key_file = "master_key"{previous}')
    assert setup.run("vault", "rotate") == (0, "2 keys rewrapped.\n", "")
    assert setup.run("vault", "rotate") == (0, "0 keys rewrapped.\n", "")
    setup.change(previous, "")
    (setup.folder / "old_key").unlink()
    assert setup.run("audit", "verify")[0] == 0
    assert setup.run("identity", "show")[0] == 0


def test_rotation_needs_the_previous_key_in_place(setup: Setup) -> None:
    setup.change('key_file = "master_key"', 'key_file = "master_key"\nprevious_key_files = ["old_key"]')
    status, _, error = setup.run("vault", "rotate")
    assert (status, one_sentence(error)) == (2, True)
    assert "cannot read the previous master key" in error


# --- audit


def test_an_untouched_audit_is_intact(setup: Setup) -> None:
    asyncio.run(fill(setup, entries=3))
    status, out, error = setup.run("audit", "verify")
    assert (status, error) == (0, "")
    assert out.startswith("3 entries, intact. Head: ")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit SET decision = 'refused' WHERE seq = 2", "changed"),
        ("DELETE FROM audit WHERE seq = 2", "missing"),
        ("DELETE FROM audit WHERE seq = 3", "cut"),
        ("UPDATE audit_head SET entries = 2", "head"),
    ],
)
def test_an_audit_that_was_tampered_with_fails(setup: Setup, statement: str, fault: str) -> None:
    asyncio.run(fill(setup, entries=3))
    with sqlite3.connect(setup.database) as connection:
        connection.executescript(f"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {statement};")
    connection.close()
    status, out, _ = setup.run("audit", "verify")
    assert status == 1
    assert fault in out
    assert "NOT intact" in out


# --- the database


def test_a_database_that_is_not_there_is_not_made(setup: Setup) -> None:
    for command in (["audit", "verify"], ["vault", "rotate"], ["identity", "show"]):
        status, out, error = setup.run(*command)
        assert (status, out) == (1, "")
        assert error == f"There is no database {setup.database}. Check storage.database and where you stand.\n"
    assert not setup.database.exists()


def test_a_locked_database_is_said_so(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(fill(setup, seeds=b"{}"))
    monkeypatch.setattr("ernbot.storage.database.BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(setup.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        status, _, error = setup.run("vault", "rotate")
    finally:
        holder.close()
    assert (status, one_sentence(error)) == (1, True)


# --- identity


def test_figures_are_printed_for_prometheus(setup: Setup) -> None:
    asyncio.run(_make(setup))
    status, out, _ = setup.run("metrics")
    assert status == 0
    assert "\nernbot_undecryptable_waiting 0\n" in out


async def _make(setup: Setup) -> None:
    await (await setup.store()).close()


NO_IDENTITY = (
    "The bot has no identity yet: run `ernbot identity create` to make one, or `ernbot identity recover` when it had "
    "one in another database.\n"
)


def test_the_fingerprint_is_shown_once_there_is_one(setup: Setup) -> None:
    asyncio.run(fill(setup))
    assert setup.run("identity", "show") == (1, "", NO_IDENTITY)
    identity = Identity.generate("@ernbot:ern.localhost")
    asyncio.run(fill(setup, seeds=identity.to_bytes()))
    status, out, error = setup.run("identity", "show")
    assert (status, error) == (0, "")
    assert f"Fingerprint:   {in_fours(identity.fingerprint)}\n" in out
    assert out.endswith("Key backup:    off: run `ernbot identity create` to complete it\n")


def in_fours(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def test_without_an_identity_the_bot_does_not_run(setup: Setup) -> None:
    (setup.folder / "bot_token").write_text("token")
    assert setup.run("run") == (1, "", NO_IDENTITY)


def test_a_homeserver_that_does_not_answer_is_said_so(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    (setup.folder / "bot_token").write_text("token")
    monkeypatch.setattr(sys, "stdin", io.StringIO(RECOVERY_KEY))
    for what in ("create", "recover"):
        status, out, error = setup.run("identity", what)
        assert (status, out) == (1, "")
        assert error == "The homeserver does not answer: check homeserver.url, or try again once it is up.\n"


RECOVERY_KEY = "EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1"


@pytest.mark.parametrize("typed", ["", "\n", "no key at all", RECOVERY_KEY[:-1]])
def test_what_is_no_recovery_key_is_said_so_and_not_repeated(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    (setup.folder / "bot_token").write_text("token")
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    status, out, error = setup.run("identity", "recover")
    assert (status, out, one_sentence(error)) == (1, "", True)
    assert "recovery key" in error
    assert RECOVERY_KEY[:4] not in error


def nio_file(setup: Setup, passphrase: str) -> str:
    """A store of nio's with an account in it, and its path."""
    nio = SqliteStore("@ernbot:ern.localhost", "D", str(setup.folder), passphrase)
    nio.save_account(OlmAccount())
    nio.database.close()
    return str(nio.database_path)


def test_a_store_of_nio_is_imported(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    file = nio_file(setup, "DEFAULT_KEY")
    status, out, error = setup.run("identity", "import", file)
    assert (status, out) == (1, "")
    assert "does not open with this passphrase" in error
    assert one_sentence(error)
    status, out, error = setup.run("identity", "import", file, "--passphrase-env", "NIO_PASSPHRASE")
    assert (status, out) == (2, "")
    assert "environment variable NIO_PASSPHRASE" in error
    monkeypatch.setenv("NIO_PASSPHRASE", "DEFAULT_KEY")
    imported = setup.run("identity", "import", file, "--passphrase-env", "NIO_PASSPHRASE")
    assert imported == (0, "The device is taken over, with 0 channels to other devices and 0 room keys.\n", "")


def test_a_recovery_key_is_no_argument(setup: Setup) -> None:
    """Arguments are for everybody on the machine to read."""
    with pytest.raises(SystemExit):
        setup.run("identity", "recover", RECOVERY_KEY)


# --- somebody's changed identity

USER = "@anders.kjaer:ern.localhost"
NEW_MASTER = "NewMasterKeyOfAnders"


async def change_identity(setup: Setup) -> None:
    """What the bot would have noted: another identity where it knew one."""
    store = await setup.store()
    async with store.transaction() as tx:
        await tx.save_identity(StoredIdentity(USER, NEW_MASTER, "first", None, (), changed_at=datetime.now(UTC)))
    await store.close()


async def accepted(setup: Setup) -> tuple[str | None, list[tuple[str, dict[str, Any]]]]:
    """Which identity is accepted, and what waits in the inbox for the bot."""
    store = await setup.store()
    async with store.transaction() as tx:
        known = (await tx.identities([USER]))[USER]
        waiting = [(item.kind, item.payload) for item in await tx.pending()]
    await store.close()
    return known.accepted, waiting


@pytest.mark.parametrize("user", [USER, "anders.kjaer"])
@pytest.mark.parametrize("fingerprint", [NEW_MASTER, NEW_MASTER[:8], "NewM aste"])
def test_an_administrator_confirms_an_identity_and_the_bot_hears_of_it(
    setup: Setup, user: str, fingerprint: str
) -> None:
    asyncio.run(change_identity(setup))
    status, out, error = setup.run("identity", "confirm", user, fingerprint)
    assert (status, error) == (0, "")
    assert out == "Confirmed. I take the new encryption identity of Anders Kjær for theirs from now on.\n"
    told = ("identity-confirmed", {"by": "administrator"})
    assert asyncio.run(accepted(setup)) == (NEW_MASTER, [told])
    status, out, error = setup.run("identity", "confirm", user, fingerprint)
    assert (status, out, one_sentence(error)) == (1, "", True)
    assert "has not changed" in error
    assert asyncio.run(accepted(setup))[1] == [told]
    assert setup.run("audit", "verify")[1].startswith("2 entries, intact.")


@pytest.mark.parametrize(
    ("user", "fingerprint", "sentence"),
    [
        ("anders.kjaer", "NewMast", "does not begin like this"),
        ("anders.kjaer", "firstfirst", "does not begin like this"),
        ("anders", NEW_MASTER, "have not seen any encryption identity of @anders:ern.localhost"),
        ("@anders.kjaer:elsewhere", NEW_MASTER, "have not seen any encryption identity"),
    ],
)
def test_what_an_administrator_does_not_confirm(setup: Setup, user: str, fingerprint: str, sentence: str) -> None:
    asyncio.run(change_identity(setup))
    status, out, error = setup.run("identity", "confirm", user, fingerprint)
    assert (status, out) == (1, "")
    assert sentence in error
    assert "Traceback" not in error
    assert asyncio.run(accepted(setup)) == ("first", [])


@pytest.mark.parametrize("words", [[], ["anders.kjaer"], ["anders.kjaer", "a", "b"]])
def test_to_confirm_takes_a_user_and_a_fingerprint(setup: Setup, words: list[str]) -> None:
    with pytest.raises(SystemExit):
        setup.run("identity", "confirm", *words)


# --- running


@pytest.fixture
async def running(
    setup: Setup, homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]]
) -> tuple[Setup, Account]:
    """A setup for an account that exists, which has no identity yet."""
    account = await new_account("bot")
    gateway = await log_in(homeserver, account)
    await gateway.close()
    setup.write(url=homeserver.url, server=homeserver.server_name, user=account.localpart, device=gateway.device_id)
    (setup.folder / "bot_token").write_text(account.token + "\n")
    return setup, account


def test_a_crash_leaves_no_memory_in_a_file() -> None:
    asked = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    script = f"import ernbot.__main__ as m\ntry: m.run_command(['--help'])\nexcept SystemExit: pass\n{asked}"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.endswith("(0, 0)\n")


@contextlib.contextmanager
def process(setup: Setup, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command as a process of its own, which does not outlive its test."""
    command = [sys.executable, "-m", "ernbot", *arguments, "--config", str(setup.config)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:
        guard = threading.Timer(60, running.kill)
        guard.start()
        try:
            yield running
        finally:
            guard.cancel()


def command(setup: Setup, *arguments: str, typed: str = "") -> str:
    """A command that ends well; what it said."""
    with process(setup, *arguments) as running:
        out, error = running.communicate(typed)
    assert running.returncode == 0, error
    assert "Traceback" not in error
    return out


@pytest.mark.homeserver
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_stop(running: tuple[Setup, Account], how: int) -> None:
    setup, account = running
    made = command(setup, "identity", "create")
    with process(setup, "run") as bot:
        assert bot.stdout is not None
        ready = bot.stdout.readline()
        bot.send_signal(how)
        _, error = bot.communicate()
    assert (ready, bot.returncode) == ("ready\n", 0), error
    assert "Traceback" not in error
    assert account.token not in error
    shown = command(setup, "identity", "show")
    assert shown.splitlines()[0] == made.splitlines()[0]
    fingerprint = shown.splitlines()[0].removeprefix("Fingerprint:").replace(" ", "")
    assert f"identity {fingerprint}" in error, "as the bot said when it started"


def recovery_key(said: str) -> str:
    (line,) = (line for line in said.splitlines() if line.startswith("Recovery key:"))
    return line.partition(":")[2].strip()


@pytest.mark.homeserver
def test_what_was_killed_while_it_made_an_identity_is_completed_and_recovered_elsewhere(
    running: tuple[Setup, Account], homeserver: Homeserver, tmp_path_factory: pytest.TempPathFactory
) -> None:
    setup, account = running
    with process(setup, "identity", "create") as making:
        wait_for_secret(setup, "recovery-key")
        making.kill()
        assert "Recovery key" not in making.communicate()[0]
    shown = command(setup, "identity", "create")
    assert ", version 1" in command(setup, "identity", "show")

    other = Setup(tmp_path_factory.mktemp("other"), setup.capture)
    other.write(url=homeserver.url, server=homeserver.server_name, user=account.localpart, device="SECOND")
    (other.folder / "bot_token").write_text(asyncio.run(second_token(homeserver, account)))
    with process(other, "identity", "create") as refused:
        assert "Run `ernbot identity recover`" in refused.communicate()[1]
    told = command(other, "identity", "recover", typed=recovery_key(shown) + "\n")
    assert told.splitlines()[0] == shown.splitlines()[0]
    assert "The identity is recovered" in told
    assert command(other, "identity", "show").splitlines()[1:] == [
        "Device:        SECOND",
        "Key backup:    on, version 1",
    ]


def wait_for_secret(setup: Setup, name: str) -> None:
    """Until the database holds a secret of this name; names lie in the clear."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(f"file:{setup.database}?mode=ro", uri=True)
            try:
                if connection.execute("SELECT 1 FROM secrets WHERE name = ?", [name]).fetchone():
                    return
            finally:
                connection.close()
        time.sleep(0.002)
    raise AssertionError(f"waited in vain for the secret {name}")


async def second_token(homeserver: Homeserver, account: Account) -> str:
    gateway = await log_in(homeserver, account)
    try:
        return await new_token(gateway, account, "SECOND")
    finally:
        await gateway.close()


@pytest.mark.homeserver
@pytest.mark.parametrize("arguments", [["run"], ["identity", "create"], ["identity", "recover"]])
def test_a_token_that_the_homeserver_does_not_know(
    running: tuple[Setup, Account], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup, account = running
    asyncio.run(fill(setup, seeds=Identity.generate(account.user_id).to_bytes()))
    (setup.folder / "bot_token").write_text("outdated")
    monkeypatch.setattr(sys, "stdin", io.StringIO(RECOVERY_KEY))
    status, out, error = setup.run(*arguments)
    assert (status, out) == (1, "")
    assert one_sentence(error)
    assert "refuses the bot's account (401 M_UNKNOWN_TOKEN). Run `python -m bridge apply` to renew its token." in error


def test_workers_that_cannot_start_are_one_sentence(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_options: object) -> int:
        raise BaseExceptionGroup("tasks", [WorkerFailed("the imaging worker did not start")])

    monkeypatch.setattr("ernbot.__main__._command", fail)
    assert run_command(["run", "--config", str(setup.config)]) == 1
    assert capsys.readouterr().err == "the imaging worker did not start\n"
