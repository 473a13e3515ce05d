"""What an administrator watches: how much waits, and for how long. Counts and ages, nothing about anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from ernbot.storage.database import snapshot
from ernbot.storage.store import Store
from ernbot.storage.tables import image_jobs, inbox, missed_shares, outbox, room_keys


@dataclass(frozen=True)
class Figure:
    """One gauge: its name and meaning as Prometheus wants them, and its value now."""

    name: str
    meaning: str
    value: float


IS_ASKED = image_jobs.c.state == "asked"
IS_ENCRYPTED = inbox.c.session_id.is_not(None)

COUNTS: tuple[tuple[str, str, ColumnElement[bool]], ...] = (
    ("inbox_waiting", "Events that were received and not handled yet.", ~inbox.c.handled),
    ("undecryptable_waiting", "Events whose room key has not come.", IS_ENCRYPTED & ~inbox.c.handled),
    (
        "undecryptable_told",
        "Of these, events whose sender was told.",
        IS_ENCRYPTED & ~inbox.c.handled & (inbox.c.attempts >= 2),
    ),
    ("undecryptable_total", "Events whose room key was late or never came, since the beginning.", IS_ENCRYPTED),
    ("outbox_waiting", "Effects that have not happened yet.", ~outbox.c.done),
    ("outbox_given_up", "Effects that the homeserver refused for good.", outbox.c.reason.is_not(None)),
    ("image_jobs_waiting", "Files, alone or several together, that are not shown or refused yet.", ~IS_ASKED),
    ("image_jobs_asked", "Questions about files that their senders have not answered yet.", IS_ASKED),
    ("room_keys", "Room keys of others.", room_keys.c.session_id.is_not(None)),
    ("room_keys_not_backed_up", "Room keys that are not in the backup yet.", ~room_keys.c.backed_up),
    ("room_keys_missed", "Devices that could not be given a room key yet.", missed_shares.c.session_id.is_not(None)),
)

OLDEST = (
    ("inbox_oldest_seconds", "Age of the oldest event not handled yet.", inbox.c.at, ~inbox.c.handled),
    (
        "undecryptable_oldest_seconds",
        "Age of the oldest event whose room key has not come.",
        inbox.c.at,
        IS_ENCRYPTED & ~inbox.c.handled,
    ),
    (
        "image_jobs_oldest_seconds",
        "Age of the oldest file not shown or refused yet.",
        image_jobs.c.at,
        ~IS_ASKED,
    ),
    ("outbox_oldest_seconds", "Age of the oldest effect that has not happened yet.", outbox.c.at, ~outbox.c.done),
)


async def figures(store: Store, at: datetime) -> list[Figure]:
    """All gauges of one moment, as they are in the database.

    Raises:
        StorageBusy: it cannot be reached.
    """
    found = []
    async with snapshot(store.engine) as connection:
        for name, meaning, condition in COUNTS:
            count = await connection.scalar(select(func.count()).where(condition))
            found.append(Figure(name, meaning, count or 0))
        for name, meaning, column, condition in OLDEST:
            oldest = await connection.scalar(select(func.min(column)).where(condition))
            age = max((at - oldest).total_seconds(), 0) if oldest is not None else 0
            found.append(Figure(name, meaning, age))
    return found


def exposition(found: list[Figure]) -> str:
    """The gauges in the text format of Prometheus, for its node exporter's textfile collector."""
    lines = []
    for figure in found:
        name = f"ernbot_{figure.name}"
        lines += [f"# HELP {name} {figure.meaning}", f"# TYPE {name} gauge", f"{name} {figure.value:g}"]
    return "\n".join(lines) + "\n"
