"""The command line, and the only place that wires everything together.

Ends with 0; with 1 and one sentence when something is refused or unreachable; with 2 and the dotted path when the
configuration is wrong, or when there is nothing that could be checked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import json
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ernbot import deidentify, directory_command, verify
from ernbot.commands.administration import confirm_identity
from ernbot.commands.office import Office
from ernbot.config import ConfigError, Settings, load_settings, read_secret
from ernbot.core.form import Form
from ernbot.demo.homeserver import HomeserverFailed
from ernbot.documents.questionnaire import questionnaire
from ernbot.form_files import check_forms, load_forms
from ernbot.imaging.process import WorkerFailed
from ernbot.locales import FALLBACK, LANGUAGES
from ernbot.matrix import bot, nio_store, recovery
from ernbot.matrix.errors import IdentityLost, MatrixError, RecoveryRefused, Unreachable
from ernbot.matrix.render import render
from ernbot.network_files import load_directory
from ernbot.storage.audit import verify_audit
from ernbot.storage.errors import StorageError
from ernbot.storage.figures import exposition, figures
from ernbot.storage.rotation import rotate
from ernbot.storage.store import Store
from ernbot.storage.vault import generate_master_key, read_master_keys


def main() -> None:
    """Entry point of `python -m ernbot` and of `ernbot`."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str], *, clock: Callable[[], datetime] = bot.now) -> int:
    """One command with its arguments, at the time that the clock says; the exit status."""
    # A crash must not leave keys and what they open in a file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    options = _parser().parse_args(arguments)
    options.clock = clock
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # nio's own log lines name users and events; nothing of that belongs into ours.
    for noisy in ("nio", "alembic", "aiohttp", "procrastinate", "psycopg"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        if options.command == "deidentify":
            return deidentify.run(options)
        if options.command == "directory":
            return directory_command.run(options)
        if options.command == "outcome":
            return verify.run(options)
        if (options.command, getattr(options, "what", None)) == ("identity", "recover"):
            options.typed = _ask()
        return int(asyncio.run(_interruptible(options)))
    except (ConfigError, verify.Unusable) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (StorageError, IdentityLost, RecoveryRefused, HomeserverFailed, WorkerFailed, deidentify.Unusable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Unreachable:
        sys.stderr.write("The homeserver does not answer: check homeserver.url, or try again once it is up.\n")
        return 1
    except MatrixError as error:
        sys.stderr.write(
            f"The homeserver refuses the bot's account ({error}). Run `python -m bridge apply` to renew its token.\n"
        )
        return 1
    except KeyboardInterrupt:
        return 130


def _ask() -> str:
    """A recovery key from the standard input, where no list of processes shows it; on a terminal it stays unseen."""
    try:
        return getpass.getpass("Recovery key: ") if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ernbot", description="Encrypted case rooms for rare-disease networks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, text: str, *, config: bool = True, to: Any = commands) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = to.add_parser(name, help=text, description=text.capitalize() + ".")
        if config:
            command.add_argument("--config", type=Path, default=Path("config/ernbot.toml"), metavar="FILE")
        return command

    add("run", "run the bot until stopped")
    add("previews", "look at files for the bot, here or on another machine, until stopped")
    demo = add("demo", "play the story on a real homeserver, then keep running", config=False)
    demo.add_argument("--exit", action="store_true", help="end after the story")
    demo.add_argument("--report", type=Path, metavar="FILE", help="where story.json goes")
    demo.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="where everything else goes")
    text = "take the patient out of images on this machine, before anything is uploaded"
    deidentify.add_arguments(add("deidentify", text, config=False))
    text = "import people from CSV, export them, or say which competences are thin"
    directory_command.add_arguments(add("directory", text, config=False))
    forms = add("form", "export a form, as plain JSON or as a FHIR Questionnaire")
    forms.add_argument("what", choices=["export"])
    forms.add_argument("form", metavar="FORM", help="its id, or <id>@<version>")
    forms.add_argument("--fhir", action="store_true", help="as HL7 FHIR R4 Questionnaire")
    add("audit", "check the audit chain").add_argument("what", choices=["verify"])
    add("vault", "make a master key, or rewrap all keys with a new one").add_argument(
        "what", choices=["new-key", "rotate"]
    )
    papers = add("outcome", "check a signed outcome, offline and from the file alone", config=False)
    verifies = papers.add_subparsers(dest="what", required=True, metavar="what")
    verify.add_arguments(add("verify", "say what of a signed outcome is proved", config=False, to=verifies))
    add("metrics", "print how much waits, in the text format of Prometheus")
    whats = add("identity", "make, recover or show the bot's identity, or confirm a user's", config=False)
    identities = whats.add_subparsers(dest="what", required=True, metavar="what")
    add("create", "make the bot's identity, or complete it", to=identities)
    add("recover", "recover the bot's identity with the recovery key on standard input", to=identities)
    add("show", "show the fingerprint of the bot's identity", to=identities)
    confirm = add("confirm", "confirm that the changed identity of a user is their own", to=identities)
    confirm.add_argument("user", metavar="USER")
    confirm.add_argument("fingerprint", metavar="FINGERPRINT", help="the new one; its first 8 characters will do")
    taken = add("import", "go on with the keys that matrix-nio kept for the bot's device", to=identities)
    taken.add_argument(
        "file", type=Path, metavar="STORE", help="<user>_<device>.db; the program that uses it is stopped"
    )
    text = "environment variable with the passphrase, unless version 0.1 made the file"
    taken.add_argument("--passphrase-env", metavar="NAME", help=text)
    return parser


async def _interruptible(options: argparse.Namespace) -> int:
    """Run a command; SIGTERM ends it as Ctrl-C does, with everything put away."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await _command(options)
    except asyncio.CancelledError:
        return 0
    except BaseExceptionGroup as group:
        # The tasks of the bot fail together; the first fault is the one to tell.
        fault = group
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        raise fault from None


async def _command(options: argparse.Namespace) -> int:
    match options.command, getattr(options, "what", None):
        case "run", _:
            await _run(load_settings(options.config), options.clock)
        case "previews", _:
            await _previews(load_settings(options.config), options.clock)
        case "demo", _:
            from ernbot.demo.show import show

            # People in the demo come and go while others write: what was not meant for them is no news.
            logging.getLogger("ernbot.matrix").setLevel(logging.ERROR)

            return await show(options.out, report=options.report, leave=options.exit)
        case "form", _:
            _say(exported(load_settings(options.config), options.form, fhir=options.fhir))
        case "audit", _:
            return await _audit(load_settings(options.config))
        case "vault", "new-key":
            sys.stdout.write(generate_master_key() + "\n")
        case "vault", _:
            async with _opened(load_settings(options.config)) as store:
                sys.stdout.write(f"{await rotate(store)} keys rewrapped.\n")
        case "metrics", _:
            async with _opened(load_settings(options.config)) as store:
                sys.stdout.write(exposition(await figures(store, options.clock())))
        case "identity", "confirm":
            return await _confirm(load_settings(options.config), options.user, options.fingerprint, options.clock())
        case "identity", "import":
            await _import(load_settings(options.config), options.file, options.passphrase_env)
        case "identity", what:
            await _identity(load_settings(options.config), str(what), getattr(options, "typed", ""))
    return 0


@contextlib.asynccontextmanager
async def _opened(settings: Settings, *, create: bool = False) -> AsyncIterator[Store]:
    """The store; only what begins with an empty one makes one that is not there."""
    current, previous = read_master_keys(settings.vault)
    store = await Store.open(settings.storage.database, current, previous, create=create)
    try:
        yield store
    finally:
        await store.close()


def office(settings: Settings) -> Office:
    """What the commands work with.

    Raises:
        ConfigError: networks or forms do not fit.
    """
    directory = load_directory(settings.networks, settings.homeserver.server_name)
    forms = load_forms(settings.forms)
    check_forms(directory, forms)
    return Office(
        settings.bot_user_id,
        directory,
        forms,
        LANGUAGES,
        settings.files.max_megabytes,
        settings.trust.policy,
        quiet_seconds=settings.files.quiet_seconds,
        arrival_seconds=settings.files.arrival_seconds,
        identified=settings.files.identified,
        viewer_url=settings.files.viewer_url or None,
        reminder_hour=settings.reminders.hour,
    )


def _account(settings: Settings) -> bot.Account:
    """
    Raises:
        ConfigError: there is no access token.
    """
    token = read_secret(
        settings.homeserver.token_file, None, "bot's access token (written by `python -m bridge apply`)"
    )
    return bot.Account(settings.homeserver.url, settings.bot_user_id, settings.homeserver.device_id, token)


async def _run(settings: Settings, clock: Callable[[], datetime]) -> None:
    workplace = office(settings)
    account = _account(settings)
    async with _opened(settings, create=True) as store:
        await bot.run(
            account,
            store,
            workplace,
            preview_seconds=settings.files.preview_seconds,
            preview_workers=settings.files.workers,
            clock=clock,
            ready=lambda: _say("ready"),
        )


async def _previews(settings: Settings, clock: Callable[[], datetime]) -> None:
    workplace = office(settings)
    account = _account(settings)
    async with _opened(settings) as store:
        await bot.look_at_files(
            account,
            store,
            workplace,
            preview_seconds=settings.files.preview_seconds,
            preview_workers=settings.files.workers,
            clock=clock,
            ready=lambda: _say("ready"),
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def exported(settings: Settings, form_id: str, *, fhir: bool) -> str:
    """A form as JSON.

    Raises:
        ConfigError: forms do not fit, or there is no such form.
    """
    forms = load_forms(settings.forms)
    if form_id not in forms:
        raise ConfigError(f"{settings.forms}: there is no form {form_id!r}; there are {', '.join(sorted(forms))}")
    content = questionnaire(forms[form_id]) if fhir else TypeAdapter(Form).dump_python(forms[form_id], mode="json")
    return json.dumps(content, ensure_ascii=False, indent=2)


async def _audit(settings: Settings) -> int:
    async with _opened(settings) as store:
        report = await verify_audit(store)
    for fault in report.faults:
        sys.stdout.write(f"{fault}\n")
    verdict = "intact" if report.intact else "NOT intact"
    sys.stdout.write(f"{report.entries} entries, {verdict}. Head: {report.head}\n")
    return 0 if report.intact else 1


async def _identity(settings: Settings, what: str, typed: str) -> None:
    account = _account(settings) if what != "show" else None
    async with _opened(settings, create=what != "show") as store:
        if account is None:
            await recovery.show(settings.bot_user_id, settings.homeserver.device_id, store, _say)
        elif what == "create":
            await recovery.create(account, store, _say)
        else:
            await recovery.recover(account, store, typed, _say)


async def _confirm(settings: Settings, user: str, fingerprint: str, at: datetime) -> int:
    workplace = office(settings)
    async with _opened(settings) as store:
        done, said = await confirm_identity(store, workplace, user, fingerprint, at)
    (sys.stdout if done else sys.stderr).write(render(said, FALLBACK).body + "\n")
    return 0 if done else 1


async def _import(settings: Settings, file: Path, variable: str | None) -> None:
    passphrase = None if variable is None else read_secret(None, variable, "passphrase of nio's store")
    async with _opened(settings, create=True) as store:
        taken = await nio_store.import_store(
            store, file, settings.bot_user_id, settings.homeserver.device_id, passphrase
        )
    _say(nio_store.told(taken))


if __name__ == "__main__":
    main()
