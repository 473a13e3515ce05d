"""The command line of the bridge, and the only place that wires its parts together.

Ends with 0, with 1 and one sentence when something is refused or unreachable, with 2 and the dotted path when
the configuration is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import signal
import string
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from bridge.appservice import application
from bridge.client import Client
from bridge.errors import BridgeError
from bridge.ledger import Ledger
from bridge.plan import desired, plan
from bridge.provisioning import Homeserver, Passwords
from bridge.settings import Configuration
from ernbot.config import ConfigError
from ernbot.storage.database import connected, make_engine
from ernbot.storage.errors import StorageError
from ernbot.storage.migrations import migrate
from ernbot.storage.tables import appservice_events, appservice_transactions

log = logging.getLogger("bridge")


def main() -> None:
    """Entry point of `python -m bridge` and of `ernbridge`."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """One command with its arguments; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        configuration = Configuration(options.config)
        match options.command:
            case "run":
                asyncio.run(_serve(configuration))
            case "registration":
                sys.stdout.write(registration(configuration))
            case "plan":
                asyncio.run(_agree(configuration, apply=False, passwords=None))
            case "apply":
                asyncio.run(_agree(configuration, apply=True, passwords=options.passwords))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (BridgeError, StorageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ernbridge", description="The bridge between networks and homeserver.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in (
        ("run", "take the homeserver's transactions until stopped"),
        ("plan", "say what apply would change"),
        ("apply", "make homeserver and configuration agree, and say what changed"),
        ("registration", "print the registration file for the homeserver"),
    ):
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument("--config", type=Path, default=Path("config/bridge.toml"))
        if name == "apply":
            command.add_argument("--passwords", type=Path, metavar="FILE", help="new file for first passwords")
    return parser


def registration(configuration: Configuration) -> str:
    """The application service's registration in Synapse's format, with both tokens in it."""
    settings = configuration.settings
    try:
        template = string.Template(configuration.registration_template.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{configuration.registration_template}: cannot be read: {error.strerror}") from None
    return template.substitute(
        url=settings.service.url,
        as_token=configuration.secret("as_token"),
        hs_token=configuration.secret("hs_token"),
        bot=re.escape(settings.bot.user),
        server=re.escape(settings.homeserver.server_name),
        networks="|".join(re.escape(network.id) for network in configuration.directory().networks),
    )


async def _agree(configuration: Configuration, *, apply: bool, passwords: Path | None) -> None:
    settings, bot = configuration.settings, configuration.bot_user_id
    wanted = desired(configuration.directory(), bot, settings.bot.display_name)
    book = Passwords(passwords) if passwords else None
    async with aiohttp.ClientSession() as session:
        homeserver = Homeserver(
            session,
            settings.homeserver.url,
            as_token=configuration.secret("as_token"),
            admin_token=configuration.secret("admin_token"),
            bot=bot,
            device_id=settings.bot.device_id,
            token_file=configuration.token_file,
        )
        changes = plan(wanted, await homeserver.observe(wanted))
        for change in changes:
            if apply:
                await homeserver.apply(change, book)
            sys.stdout.write(f"{change}\n")
    outcome = "made" if apply else "to make"
    sys.stdout.write(f"{len(changes)} changes {outcome}.\n" if changes else "Nothing to change.\n")


async def _serve(configuration: Configuration) -> None:
    settings = configuration.settings
    hs_token, as_token = configuration.secret("hs_token"), configuration.secret("as_token")
    engine = make_engine(settings.storage.database)
    runner = web.AppRunner(application(hs_token, Ledger(engine, appservice_transactions, appservice_events)))
    try:
        async with connected(engine) as connection:
            await migrate(connection)
        await runner.setup()
        site = web.TCPSite(runner, settings.service.host, settings.service.port)
        try:
            await site.start()
        except OSError as error:
            raise BridgeError(
                f"Cannot listen on {settings.service.host}:{settings.service.port}: {error.strerror}. "
                "Stop what listens there, or change service.port."
            ) from None
        log.info("listening on %s:%d", settings.service.host, settings.service.port)
        await _greet(settings.homeserver.url, as_token)
        await _until_told_to_stop()
    finally:
        await runner.cleanup()
        await engine.dispose()


async def _greet(url: str, as_token: str) -> None:
    """Ask the homeserver to ping us: it then sends at once what it held back while we were away."""
    async with aiohttp.ClientSession() as session:
        try:
            where = "/_matrix/client/v1/appservice/ern-bridge/ping"
            await Client(session, url, as_token).call("POST", where, {})
        except BridgeError as error:
            # The homeserver may start after us; it will find us by itself.
            log.warning("%s", error)


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    await stop.wait()


if __name__ == "__main__":
    main()
