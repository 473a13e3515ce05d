"""How long one pass of the calendar takes over 10,000 cases: deciding what is due, and queueing what is to be said.

Every case is opened, decided on and noted, and every person who is waited for gets one message, as on the first morning
after an update that changed the rules. It is what the bot itself does, on SQLite with every commit on the disk; the
pauses in which it lets others work are left out. The reference is the five seconds of the claim.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import func, select

from bench._common import state, tell_load
from ernbot.commands.office import Office
from ernbot.core.agenda import timed
from ernbot.core.case import Case, new_case
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.directory import Centre, CentreKind, Directory, Network, Person, Role
from ernbot.core.form import Value
from ernbot.core.turn import turn
from ernbot.core.worklist import index
from ernbot.locales import LANGUAGES
from ernbot.matrix.calendar import Calendar
from ernbot.storage.store import Store
from ernbot.storage.tables import outbox

CASES = 10_000
PEOPLE = 500
PANEL = 5
SECONDS = 5.0
"""What the claim allows."""

BEGUN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)
PAPER = Paper("2.1", "da", Signer.PARENT, date(2026, 3, 1))


def directory() -> Directory:
    """One network with all these people; the first of them coordinates it."""
    people = tuple(
        Person(user(number), f"Person {number}", "centre", Role.CLINICIAN if number else Role.COORDINATOR)
        for number in range(PEOPLE)
    )
    centre = Centre("centre", "Centre", "DK", CentreKind.REFERENCE)
    return Directory((Network("ern-cranio", "ERN CRANIO", "form", (), (centre,), people),))


def user(number: int) -> str:
    return f"@person-{number % PEOPLE}:hospital.example"


def case(number: int, known: Directory) -> Case:
    """A case with a panel that has answered in part, and with an opinion as long as people write."""
    asked = new_case(f"case-{number}", "ern-cranio", f"Amber Heron {number}", user(number), "Operate or wait?", BEGUN)
    asked = asked.give_consent((Purpose.CARE,), PAPER, by=asked.requester, at=BEGUN)
    asked = asked.invite(tuple(user(number + other) for other in range(1, PANEL + 1)))
    for expert in asked.panel[: number % PANEL]:
        answers: dict[str, Value] = {"diagnosis": "ORPHA:2343", "remarks": "Wait for the MRI. " * 20}
        asked = asked.record_opinion(expert, "form", "1", answers, at=BEGUN)
    asked = replace(asked, urgent=number % 50 == 0, due=date(2026, 3, 19) if number % 2 else None)
    return timed(asked, turn(asked, known, BEGUN), BEGUN)


async def main() -> None:
    tell_load()
    known = directory()
    office = Office("@ernbot:hospital.example", known, {}, LANGUAGES)
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as folder:
        store = await Store.open(f"sqlite+aiosqlite:///{Path(folder) / 'ernbot.db'}", os.urandom(32))
        try:
            for start in range(0, CASES, 500):
                async with store.transaction() as tx:
                    for number in range(start, start + 500):
                        one = case(number, known)
                        await tx.add_case(one, index=index(one, known, BEGUN))
            calendar = Calendar(store, office, clock=lambda: MORNING, wake_sender=lambda: None, breath=0)
            gc.freeze()  # as the bot does when it has started
            began = time.perf_counter()
            await calendar.turn()
            seconds = time.perf_counter() - began
            async with store.engine.connect() as connection:
                told = await connection.scalar(select(func.count()).where(outbox.c.kind == "message"))
        finally:
            await store.close()
    print(f"{CASES} cases, {told} people reminded in {seconds:.2f} s", flush=True)
    state("reminders of 10,000 cases decided in one pass", seconds, SECONDS, "s")


if __name__ == "__main__":
    asyncio.run(main())
