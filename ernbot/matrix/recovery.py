"""The administrator's three commands about the bot's identity: make it, recover it on a new device, show it.

Making stores each key before anything of it is published, and is repeated until it is complete: a crash at any point is
made good by running it again. The recovery key lies in the database from before the homeserver's secrets are locked
with it until it has been shown, and no longer. An identity is never replaced.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ernbot.core.assurance import grouped
from ernbot.matrix import backup, identity
from ernbot.matrix.backup import Backup, BackupKey, Restored, current_version, new_version
from ernbot.matrix.bot import Account, now
from ernbot.matrix.errors import RecoveryRefused
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity, check_device, ensure_identity, published_keys
from ernbot.matrix.keys import signed
from ernbot.matrix.machine import Machine
from ernbot.matrix.olm import ACCOUNT
from ernbot.matrix.secret_storage import (
    KEY_BYTES,
    decode_recovery_key,
    default_key_id,
    encode_recovery_key,
    generate_recovery_key,
    key_id,
    set_up,
    unlock,
)
from ernbot.matrix.trust import Trust
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

UNSHOWN = "recovery-key"
"""Name of the stored recovery key that nobody has seen yet."""

_BACKUP = "m.megolm_backup.v1"
_SECRETS = {f"m.cross_signing.{usage}": usage for usage in identity.USAGES}
"""The seeds in the secret storage, and their usages."""

Write = Callable[[str], None]
"""Shows a text to the administrator, and returns once it is shown."""


@asynccontextmanager
async def _device(account: Account, store: Store) -> AsyncIterator[tuple[Gateway, Machine]]:
    """The bot's device, which does not listen."""
    gateway = Gateway(account.url, account.user_id, account.device_id, account.token)
    try:
        machine = Machine(gateway, store, Trust(gateway, store, now))
        await machine.open()
        yield gateway, machine
    finally:
        await gateway.close()


@dataclass(frozen=True)
class _Stored:
    """What the database holds of the identity."""

    seeds: bytes | None
    backup_key: bytes | None
    unshown: bytes | None

    @classmethod
    async def read(cls, tx: Transaction) -> _Stored:
        return cls(await tx.secret(identity.SECRET), await tx.secret(backup.SECRET), await tx.secret(UNSHOWN))

    @property
    def is_complete(self) -> bool:
        """Whether everything was made and the recovery key was shown."""
        return self.seeds is not None and self.backup_key is not None and self.unshown is None


# --- make


async def create(account: Account, store: Store, write: Write) -> None:
    """Make the identity, its secret storage and its backup, as far as they are not there, and show the recovery key.

    Raises:
        RecoveryRefused: all of it is there, or some of it is and not in this database.
        IdentityLost: the homeserver knows this device or identity by other keys.
        MatrixError, Unreachable: the homeserver refuses, or does not answer.
    """
    async with _device(account, store) as (gateway, machine):
        async with store.transaction() as tx:
            stored = await _Stored.read(tx)
        if stored.is_complete and await default_key_id(gateway) is not None:
            await _renew_backup(gateway, machine, store, stored, write)
            return
        await _check_free(gateway, stored)
        await check_device(gateway, machine.olm)
        async with store.transaction() as tx:
            stored = await _fill(tx, gateway.user_id)
        assert stored.seeds is not None and stored.backup_key is not None and stored.unshown is not None  # noqa: PT018
        await machine.upload_keys()
        ours = Identity.from_bytes(gateway.user_id, stored.seeds)
        await ensure_identity(gateway, machine.olm, ours)
        secrets = {name: ours.seeds()[usage] for name, usage in _SECRETS.items()}
        await set_up(gateway, stored.unshown, {**secrets, _BACKUP: stored.backup_key})
        await _ensure_backup(gateway, machine, store, ours, stored.backup_key)
        write(_shown(ours, stored.unshown))
        async with store.transaction() as tx:
            await tx.drop_secret(UNSHOWN)


async def _check_free(gateway: Gateway, stored: _Stored) -> None:
    """Refuse to make what the homeserver has, and this database lacks."""
    locked_with = await default_key_id(gateway)
    if locked_with is not None and (stored.unshown is None or locked_with != key_id(stored.unshown)):
        raise RecoveryRefused(
            f"The homeserver holds an identity of {gateway.user_id} in its secret storage already. Run "
            "`ernbot identity recover` with its recovery key, or restore the database that belongs to it."
        )
    if stored.seeds is None and await published_keys(gateway):
        raise RecoveryRefused(
            f"{gateway.user_id} has an identity already, and its keys are not in this database. Restore the database "
            "that holds them; a new identity would make every member's client warn."
        )


async def _fill(tx: Transaction, user_id: str) -> _Stored:
    """Make the keys that are not there, all in one transaction."""
    stored = await _Stored.read(tx)
    if stored.seeds is None:
        await tx.set_secret(identity.SECRET, Identity.generate(user_id).to_bytes())
    if stored.backup_key is None:
        await tx.set_secret(backup.SECRET, os.urandom(KEY_BYTES))
    if stored.unshown is None:
        await tx.set_secret(UNSHOWN, generate_recovery_key())
    return await _Stored.read(tx)


async def _ensure_backup(gateway: Gateway, machine: Machine, store: Store, ours: Identity, private: bytes) -> bool:
    """Make the account's current backup ours; whether it is a new one."""
    key = BackupKey(private, machine.megolm)
    async with store.transaction() as tx:
        known = await tx.backup_version()
        auth_data = await machine.olm.sign(tx, {"public_key": key.public})
    auth_data = signed(auth_data, ours.user_id, ours.fingerprint, ours.master)
    current = await current_version(gateway)
    # One that was made just before a crash has our key already.
    is_ours = current is not None and current.public_key == key.public
    version = current.id if current is not None and is_ours else await new_version(gateway, auth_data)
    if version == known:
        return False
    async with store.transaction() as tx:
        await tx.set_backup_version(version)
        await tx.back_up_everything()
    return True


async def _renew_backup(gateway: Gateway, machine: Machine, store: Store, stored: _Stored, write: Write) -> None:
    """Where all else is there: another backup, when the last one is gone."""
    assert stored.seeds is not None and stored.backup_key is not None  # noqa: PT018
    ours = Identity.from_bytes(gateway.user_id, stored.seeds)
    if not await _ensure_backup(gateway, machine, store, ours, stored.backup_key):
        raise RecoveryRefused(
            f"{gateway.user_id} has an identity and a key backup already, and nothing was changed. "
            "`ernbot identity show` shows its fingerprint."
        )
    write("A new key backup was made: restart the bot, which fills it. Identity and recovery key are as before.")


def _shown(ours: Identity, recovery_key: bytes) -> str:
    return (
        f"{_fingerprint(ours)}\n"
        f"Recovery key:  {encode_recovery_key(recovery_key)}\n\n"
        "Write the recovery key down and keep it apart from all servers and their backups: it is not shown again. "
        "Whoever has it can be the bot, and without it a lost database is a lost identity."
    )


def _fingerprint(ours: Identity) -> str:
    """For people to compare, in groups of four."""
    return f"Fingerprint:   {grouped(ours.fingerprint)}"


# --- recover


async def recover(account: Account, store: Store, typed: str, write: Write) -> None:
    """Make this device one of the bot's existing identity, with all that is in the backup.

    Raises:
        RecoveryRefused: what was typed is no recovery key or not the one of this account, or what it opens is not the
            identity that the homeserver shows, or this database holds another one.
        IdentityLost: the homeserver knows this device by other keys.
        MatrixError, Unreachable: the homeserver refuses, or does not answer.
    """
    key = decode_recovery_key(typed)
    async with _device(account, store) as (gateway, machine):
        secrets = await unlock(gateway, key, (*_SECRETS, _BACKUP))
        ours = Identity.from_seeds(gateway.user_id, {usage: secrets[name] for name, usage in _SECRETS.items()})
        if await published_keys(gateway) != ours.public_keys():
            raise RecoveryRefused(
                f"What the recovery key opens is not the identity that the homeserver shows for {gateway.user_id}: it "
                "is that of another account, or somebody replaced one of the two. Nothing was changed."
            )
        is_known = await check_device(gateway, machine.olm)
        async with store.transaction() as tx:
            stored = await tx.secret(identity.SECRET)
            if stored is not None and Identity.from_bytes(gateway.user_id, stored).seeds() != ours.seeds():
                raise RecoveryRefused(
                    f"This database holds another identity of {gateway.user_id}. Give storage.database the address of "
                    "a new database, or of the one that belongs to this account."
                )
            await tx.set_secret(identity.SECRET, ours.to_bytes())
            await tx.set_secret(backup.SECRET, secrets[_BACKUP])
            await tx.drop_secret(UNSHOWN)
            if not is_known:
                # An account in this database is another device's, as when an old copy was put back.
                await tx.drop_secret(ACCOUNT)
                await tx.forget_device()
        await machine.open()
        await machine.upload_keys()
        await ensure_identity(gateway, machine.olm, ours)
        restored = await _restore(gateway, machine, store, secrets[_BACKUP])
        write(f"{_fingerprint(ours)}\nDevice:        {gateway.device_id}\n{_told(restored)}")


async def _restore(gateway: Gateway, machine: Machine, store: Store, private: bytes) -> Restored | None:
    """Go on with the account's backup when it is ours; what came out of it."""
    current = await current_version(gateway)
    if current is None or current.public_key != BackupKey(private, machine.megolm).public:
        return None
    async with store.transaction() as tx:
        if await tx.backup_version() != current.id:
            await tx.set_backup_version(current.id)
            await tx.back_up_everything()
    return await Backup(gateway, store, machine.megolm).restore()


def _told(restored: Restored | None) -> str:
    if restored is None:
        return (
            "The identity is recovered, but its key backup is gone or was replaced: messages from before cannot be "
            "read. `ernbot identity create` makes a new backup."
        )
    text = f"The identity is recovered, with {restored.kept} room keys."
    if restored.unproved:
        text += f" {restored.unproved} of them may not be genuine: what they open is never taken for an instruction."
    if restored.refused:
        text += f" {restored.refused} more could not be read."
    return text


# --- show


async def show(user_id: str, device_id: str, store: Store, write: Write) -> None:
    """Show the fingerprint of the identity, the device, and whether there is a backup.

    Raises:
        RecoveryRefused: there is no identity.
    """
    async with store.transaction() as tx:
        stored, version = await _Stored.read(tx), await tx.backup_version()
    if stored.seeds is None:
        raise RecoveryRefused(identity.NONE)
    is_on = stored.is_complete and version is not None
    kept = f"on, version {version}" if is_on else "off: run `ernbot identity create` to complete it"
    write(
        f"{_fingerprint(Identity.from_bytes(user_id, stored.seeds))}\nDevice:        {device_id}\nKey backup:    {kept}"
    )
