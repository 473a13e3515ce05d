"""The bot: an account with its device, wired to the store, the commands and the homeserver."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ernbot.commands.office import Office
from ernbot.core.signature import Notary
from ernbot.imaging.worker import Previewer
from ernbot.matrix import identity
from ernbot.matrix.backup import Backup
from ernbot.matrix.calendar import Calendar
from ernbot.matrix.delivery import Delivery
from ernbot.matrix.dispatch import Dispatcher
from ernbot.matrix.errors import MatrixError, RecoveryRefused, Unreachable
from ernbot.matrix.gaps import Gaps
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.intake import Intake
from ernbot.matrix.jobs import Jobs
from ernbot.matrix.looking import Looking
from ernbot.matrix.machine import Machine
from ernbot.matrix.rooms import Rooms
from ernbot.matrix.sender import Sender
from ernbot.matrix.sync import Sync
from ernbot.matrix.trust import Trust
from ernbot.matrix.verification import Verification
from ernbot.storage.errors import StorageBusy
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

MAX_PAUSE = 30.0
TEND_EVERY = 5.0
WORKER = "bot"
"""The name of this program where jobs are taken; there is one bot on a database."""


@dataclass(frozen=True)
class Account:
    """Where and as whom the bot logs in."""

    url: str
    user_id: str
    device_id: str
    token: str


def now() -> datetime:
    return datetime.now(UTC)


async def run(
    account: Account,
    store: Store,
    office: Office,
    *,
    preview_seconds: float = 20.0,
    preview_workers: int = 2,
    clock: Callable[[], datetime] = now,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run until cancelled. `ready` is called once the identity is in place and the first sync is done.

    Raises:
        RecoveryRefused: there is no identity. IdentityLost: see `identity.ensure_identity`.
        MatrixError: the homeserver refuses the account.
    """
    gateway = Gateway(account.url, account.user_id, account.device_id, account.token)
    previewer = Previewer(workers=preview_workers, max_bytes=office.max_megabytes * 2**20, seconds=preview_seconds)
    try:
        trust = Trust(gateway, store, clock)
        machine = Machine(gateway, store, trust, clock=clock, room_keys=office.policy.room_keys)
        await machine.open()
        ours = await _come_up(gateway, machine, store)
        office = replace(office, fingerprint=ours.fingerprint, notary=Notary(ours.master))
        rooms = Rooms(gateway)
        delivery = Delivery(gateway, machine, rooms, store, office, clock=clock)
        sender = Sender(store, delivery, clock=clock)
        looking = Looking(gateway, store, office, previewer, clock=clock, wake_sender=sender.wake)
        jobs = Jobs(store, looking, worker=WORKER, clock=clock)
        verification = Verification(
            gateway, machine, trust, rooms, store, knows=office.directory.knows, clock=clock, wake_sender=sender.wake
        )
        intake = Intake(machine, clock=clock)
        backup = Backup(gateway, store, machine.megolm)
        dispatcher = Dispatcher(
            gateway,
            machine,
            Gaps(gateway, intake, store),
            trust,
            rooms,
            store,
            office,
            verification,
            clock=clock,
            wake_sender=sender.wake,
            wake_jobs=jobs.wake,
            restore=backup.fetch,
        )

        def wake() -> None:
            dispatcher.wake()
            backup.wake()

        calendar = Calendar(store, office, clock=clock, wake_sender=sender.wake)
        await calendar.begin()
        sync = Sync(
            gateway,
            machine,
            intake,
            trust,
            rooms,
            store,
            clock=clock,
            wake=wake,
            hear=verification.hear,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(sync.run())
            group.create_task(dispatcher.run())
            group.create_task(sender.run())
            group.create_task(jobs.run())
            group.create_task(backup.run())
            group.create_task(verification.run())
            group.create_task(_tend(machine, trust))
            await sync.caught_up.wait()
            ready()
            group.create_task(calendar.run())
            # Last: loading the decoders would keep the first answers waiting.
            await previewer.start()
    finally:
        await previewer.close()
        await gateway.close()


async def look_at_files(
    account: Account,
    store: Store,
    office: Office,
    *,
    preview_seconds: float = 20.0,
    preview_workers: int = 2,
    clock: Callable[[], datetime] = now,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Take jobs beside the bot, here or on another machine, until cancelled; the bot sends what follows."""
    gateway = Gateway(account.url, account.user_id, account.device_id, account.token)
    limit = office.max_megabytes * 2**20
    try:
        async with Previewer(workers=preview_workers, max_bytes=limit, seconds=preview_seconds) as previewer:
            looking = Looking(gateway, store, office, previewer, clock=clock, wake_sender=lambda: None)
            ready()
            await Jobs(store, looking, worker=f"previews-{secrets.token_hex(8)}", clock=clock).run()
    finally:
        await gateway.close()


async def _tend(machine: Machine, trust: Trust) -> None:
    """Do now and then what encryption left for later."""
    while True:
        try:
            await machine.tend()
            await trust.refresh()
        except (Unreachable, MatrixError, StorageBusy) as error:
            log.warning("what was left for later waits (%s)", type(error).__name__)
        except Exception as error:  # unforeseen: what is left for later must not end what is due now
            log.error("what was left for later failed (%s)", type(error).__name__)
        await asyncio.sleep(TEND_EVERY)


async def _come_up(gateway: Gateway, machine: Machine, store: Store) -> identity.Identity:
    """Publish our keys and our identity, which must be there; a homeserver that is not there yet is waited for."""
    async with store.transaction() as tx:
        seeds = await tx.secret(identity.SECRET)
    if seeds is None:
        raise RecoveryRefused(identity.NONE)
    ours = identity.Identity.from_bytes(gateway.user_id, seeds)
    pause = 0.5
    while True:
        try:
            await identity.check_device(gateway, machine.olm)
            await machine.upload_keys()
            await identity.ensure_identity(gateway, machine.olm, ours)
            log.info("identity %s", ours.fingerprint)
            return ours
        except (Unreachable, MatrixError) as error:
            if isinstance(error, MatrixError) and not error.passing:
                raise
            log.warning("the homeserver is not ready (%s), next try in %.0f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE)
