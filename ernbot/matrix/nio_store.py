"""Taking over a device whose encryption nio kept in its own SQLite file, as the first version of this program did.

The file is copied and the copy read. Its pickles are opened with nio's passphrase and closed with our key, all in one
transaction. What nio does not keep (its own room sessions, which message used which key) begins anew.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vodozemac

from ernbot.matrix.errors import RecoveryRefused
from ernbot.matrix.olm import ACCOUNT, PICKLES
from ernbot.storage.records import OlmSession, RoomKey
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

FORMER_PASSPHRASE = "crypto-store"  # noqa: S105
"""Purpose of the vault's key whose hexadecimal digits were the passphrase in the first version of this program."""

_PARTS = ("", "-wal", "-journal")
"""A SQLite file and what a program that was killed has left beside it."""


@dataclass(frozen=True)
class Imported:
    """How many channels and room keys came over; of the latter, `passed_on` never authorise anything.

    `unreadable` are pickles of either that do not open although the account does.
    """

    channels: int
    room_keys: int
    passed_on: int
    unreadable: int


def told(taken: Imported) -> str:
    """What to tell the administrator."""
    text = f"The device is taken over, with {taken.channels} channels to other devices and {taken.room_keys} room keys."
    if taken.passed_on:
        text += (
            f" {taken.passed_on} of them were passed on by others: what they open is never taken for an instruction."
        )
    if taken.unreadable:
        text += f" {taken.unreadable} more could not be read."
    return text


@dataclass(frozen=True)
class _Rows:
    """What a file holds of one device, pickles still closed.

    `sessions` are (Curve25519 key, last use, pickle) and `keys` (Curve25519 and Ed25519 key of the device that it
    belongs to, room, pickle, whether somebody passed it on).
    """

    account: bytes
    sessions: list[tuple[str, str, bytes]]
    keys: list[tuple[str, str, str, bytes, bool]]
    token: str | None


async def import_store(store: Store, file: Path, user_id: str, device_id: str, passphrase: str | None) -> Imported:
    """Go on as the device in a file of nio's; without a passphrase, the first version of this program has made it.

    Raises:
        RecoveryRefused: the file is no store of nio's, or of another device or passphrase, or our database has keys of
            its own. Nothing was changed.
    """
    rows = _read(file, user_id, device_id)
    if passphrase is None:
        passphrase = store.vault.derive(FORMER_PASSPHRASE).hex()
    pickles = _Pickles(passphrase, store.vault.derive(PICKLES))
    try:
        account = pickles.open(vodozemac.Account, rows.account)
    except ValueError:
        raise RecoveryRefused(
            f"{file} does not open with this passphrase. One that the first version of this program made belongs to "
            "one database and its master key; for all others name a variable with the passphrase (--passphrase-env)."
        ) from None
    # What nio made and may have published is never published again.
    account.mark_keys_as_published()
    async with store.transaction() as tx:
        await tx.lock_crypto()
        await _check_free(tx, pickles)
        await tx.set_secret(ACCOUNT, pickles.close(account))
        channels = await _take_sessions(tx, pickles, rows)
        direct, passed_on = await _take_keys(tx, pickles, rows)
        if rows.token is not None and await tx.sync_token() is None:
            await tx.set_sync_token(rows.token)
    keys = direct + passed_on
    return Imported(channels, keys, passed_on, len(rows.sessions) - channels + len(rows.keys) - keys)


class _Pickles:
    """From nio's key to ours."""

    def __init__(self, passphrase: str, key: bytes) -> None:
        self._their_key = hashlib.sha256(passphrase.encode()).digest()
        self._libolm_key = passphrase.encode()
        self._key = key

    def open(self, kind: Any, pickle: bytes) -> Any:
        """An account or a session of nio's; those from before nio 0.26 are in the format of libolm.

        Raises:
            ValueError: it does not open.
        """
        try:
            return kind.from_pickle(pickle.decode(), self._their_key)
        except ValueError:
            return kind.from_libolm_pickle(pickle.decode(), self._libolm_key)

    def close(self, opened: Any) -> bytes:
        pickle: str = opened.pickle(self._key)
        return pickle.encode()

    def is_unused(self, pickle: bytes) -> bool:
        """Whether an account of ours never made a key for others: a start that was refused leaves such a one behind."""
        account, new = vodozemac.Account.from_pickle(pickle.decode(), self._key), vodozemac.Account()
        for one in (account, new):
            one.generate_one_time_keys(1)
        return account.one_time_keys.keys() == new.one_time_keys.keys()


async def _check_free(tx: Transaction, pickles: _Pickles) -> None:
    ours = await tx.secret(ACCOUNT)
    if ours is not None and not pickles.is_unused(ours):
        raise RecoveryRefused(
            "The database has encryption keys of the bot already, which the imported ones would replace. Give "
            "storage.database the address of the database that belongs to the file, or of a new one."
        )


async def _take_sessions(tx: Transaction, pickles: _Pickles, rows: _Rows) -> int:
    taken = 0
    for curve25519, used_at, pickle in rows.sessions:
        try:
            session = pickles.open(vodozemac.Session, pickle)
        except ValueError:
            continue
        await tx.save_olm_session(OlmSession(curve25519, session.session_id, pickles.close(session)), _moment(used_at))
        taken += 1
    for curve25519 in {curve25519 for curve25519, _, _ in rows.sessions}:
        await tx.forget_old_olm_sessions(curve25519)
    return taken


async def _take_keys(tx: Transaction, pickles: _Pickles, rows: _Rows) -> tuple[int, int]:
    """How many came from the device that they belong to, and how many were passed on by another one.

    The latter come as if from a backup: the device that passed one on could name any device for it. No user is noted
    for any: whose device it is, is looked up when it opens something, and nobody is held to how many they gave nio.
    """
    taken = {"direct": 0, "backup": 0}
    for curve25519, ed25519, room_id, pickle, passed_on in rows.keys:
        try:
            session = pickles.open(vodozemac.InboundGroupSession, pickle)
        except ValueError:
            continue
        source = "backup" if passed_on else "direct"
        name = (room_id, session.session_id, curve25519, "", ed25519, source)
        await tx.save_room_key(RoomKey(*name, session.first_known_index, pickles.close(session)))
        taken[source] += 1
    return taken["direct"], taken["backup"]


def _moment(text: str) -> datetime:
    """When nio last used a session, in local time; what is no time was long ago."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def _read(file: Path, user_id: str, device_id: str) -> _Rows:
    if not file.is_file():
        raise RecoveryRefused(f"There is no file {file}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            # SQLite tidies up what it opens; the file itself stays as it is.
            copy = Path(folder, "nio.db")
            for part in _PARTS:
                if (source := Path(f"{file}{part}")).exists():
                    shutil.copyfile(source, f"{copy}{part}")
            with closing(sqlite3.connect(copy)) as connection:
                return _select(connection, file, user_id, device_id)
    except OSError as error:
        raise RecoveryRefused(f"{file} cannot be read: {error.strerror}.") from None
    except sqlite3.Error:
        raise RecoveryRefused(f"{file} is no store of matrix-nio, or one of before version 0.26, or damaged.") from None


def _select(connection: sqlite3.Connection, file: Path, user_id: str, device_id: str) -> _Rows:
    accounts = connection.execute("SELECT user_id, device_id, id, CAST(account AS BLOB) FROM accounts").fetchall()
    ours = [account for account in accounts if tuple(account[:2]) == (user_id, device_id)]
    if not ours:
        found = " and ".join(f"{user} on device {device}" for user, device, *_ in accounts) or "nobody"
        raise RecoveryRefused(
            f"{file} is of {found}, the configuration of {user_id} on device {device_id}. Check "
            "homeserver.server_name, homeserver.device_id and the file."
        )
    [(*_, number, account)] = ours

    def rows(query: str) -> list[Any]:
        return connection.execute(query, {"account": number}).fetchall()

    sessions = rows(
        "SELECT sender_key, last_usage_date, CAST(session AS BLOB) FROM olmsessions WHERE account_id = :account"
    )
    keys = rows(
        "SELECT sender_key, fp_key, room_id, CAST(session AS BLOB), "
        "EXISTS (SELECT 1 FROM forwardedchains f WHERE f.session_id = megolminboundsessions.session_id) "
        "FROM megolminboundsessions WHERE account_id = :account"
    )
    token = next((token for (token,) in rows("SELECT token FROM synctokens WHERE account_id = :account")), None)
    return _Rows(account, sessions, keys, token)
