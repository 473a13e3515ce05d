"""The calendar: what is due by itself is said and done, once, whatever crashes in between.

It plans the cases that have changed, a few at a time, so that neither a start nor a busy hour is held up; it does what
is due of a case in the transaction that plans it, and reminds people in transactions that mark what was said. After
days off, everything that became due in between is one reminder for each person. A case that cannot be planned is
reported without its content and holds up no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime

from ernbot.commands.context import shut_out
from ernbot.commands.guests import end_guests
from ernbot.commands.office import Office
from ernbot.commands.reminding import LINES, ask_follow_up, digest, remind, sayable
from ernbot.core.agenda import Due, Task, agenda, may_tell, timed
from ernbot.core.case import Case
from ernbot.core.turn import turn
from ernbot.core.worklist import index
from ernbot.storage.agenda import Listener, Plan, Unplanned
from ernbot.storage.errors import StorageBusy
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

log = logging.getLogger(__name__)

RULES = 2
"""To be raised with every change of what is due when, or of the index: cases are then planned anew."""

BATCH = 200
"""Cases that are planned in one transaction."""

PEOPLE = 50
"""People who are reminded in one transaction."""

IDLE = 20.0
"""Seconds after which it looks again, whatever is due."""

BREATH = 0.01
"""Seconds between two transactions, in which others have theirs."""


class Calendar:
    """Wakes for what is due. `breath` is how long it lets others work between two transactions."""

    def __init__(
        self,
        store: Store,
        office: Office,
        *,
        clock: Callable[[], datetime],
        wake_sender: Callable[[], None],
        breath: float = BREATH,
    ) -> None:
        self._store = store
        self._office = office
        self._clock = clock
        self._wake_sender = wake_sender
        self._breath = breath
        self._awake = asyncio.Event()

    def wake(self) -> None:
        self._awake.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            self._awake.clear()
            pause = IDLE
            with contextlib.suppress(StorageBusy):
                await self.turn()
                pause = await self._pause()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._awake.wait()

    async def begin(self) -> None:
        """To be called before anything is answered: after a change of the directory, nobody sees a case until it was
        looked at again."""
        stamp = hashlib.sha256(repr((RULES, self._office.reminder_hour, self._office.directory)).encode()).hexdigest()
        async with self._store.transaction() as tx:
            if await tx.planned_by() != stamp:
                await tx.plan_all_anew()
                await tx.set_planned_by(stamp)

    async def _pause(self) -> float:
        now = self._clock()
        async with self._store.transaction() as tx:
            due_at = await tx.next_due_at(now)
        return min((due_at - now).total_seconds(), IDLE) if due_at is not None else IDLE

    async def turn(self) -> None:
        """Plan what has changed, and say what is due."""
        async with self._store.transaction() as tx:
            await tx.look_at_due(self._clock())
        await self._plan_all()
        # What was said is planned anew by the next turn: nothing of it is due before tomorrow.
        await self._remind()

    async def _plan_all(self) -> None:
        while True:
            if await self._plan() < BATCH:
                return
            await asyncio.sleep(self._breath)

    async def _plan(self) -> int:
        """Plan some cases; how many they were."""
        now = self._clock()
        plans, dropped = [], []
        async with self._store.transaction() as tx:
            async for found in tx.unplanned(BATCH):
                plan = await self._plan_one(tx, found, now)
                if plan is None:
                    dropped.append(found.case_id)
                else:
                    plans.append(plan)
            await tx.plan(plans, dropped)
        self._wake_sender()
        return len(plans) + len(dropped)

    async def _plan_one(self, tx: Transaction, found: Unplanned, now: datetime) -> Plan | None:
        if found.case is None:
            return None
        try:
            case, coming = self._decide(found.case, found, now)
            due = {each.kind for each in coming if each.at <= now}
            if Task.GUEST in due:
                case, coming = self._decide(await end_guests(tx, self._office, case, now), found, now)
            if Task.ASK in due and found.room_id:
                asked = await ask_follow_up(tx, self._office, case, found.card_event_id, now)
                case, coming = self._decide(asked, found, now)
            closed = await shut_out(tx, self._office, case, now)
            if closed is not case:
                case, coming = self._decide(closed, found, now)
            if case is not found.case:
                await tx.save_case(case, index=index(case, self._office.directory, now))
            elif not found.is_indexed:
                return Plan(case.id, coming, found.said, (case, index(case, self._office.directory, now)))
            return Plan(case.id, coming, found.said)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("a case cannot be planned: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            return None

    def _decide(self, case: Case, found: Unplanned, now: datetime) -> tuple[Case, list[Due]]:
        """The case with its clocks as they stand, and its agenda."""
        directory = self._office.directory
        whose = turn(case, directory, now)
        kept = timed(case, whose, now)
        if kept is not case:
            case, whose = kept, turn(kept, directory, now)
        return case, agenda(case, directory, now, said=found.said, hour=self._office.reminder_hour, now=whose)

    async def _remind(self) -> None:
        """Remind everybody who is to be reminded now."""
        now = self._clock()
        async with self._store.transaction() as tx:
            listeners = [each for each in await tx.listeners(now) if self._may(each, now, urgent=True)]
        for start in range(0, len(listeners), PEOPLE):
            async with self._store.transaction() as tx:
                await self._remind_some(tx, listeners[start : start + PEOPLE], now)
            self._wake_sender()
            await asyncio.sleep(self._breath)

    def _may(self, listener: Listener, now: datetime, *, urgent: bool) -> bool:
        return may_tell(
            listener.every, listener.said_at, now, urgent=urgent, hour=self._office.reminder_hour
        ) and self._office.directory.knows(listener.user_id)

    async def _remind_some(self, tx: Transaction, listeners: Sequence[Listener], now: datetime) -> None:
        found = await tx.reminders_for([listener.user_id for listener in listeners], now)
        told = {}
        for listener in listeners:
            may = {urgent: self._may(listener, now, urgent=urgent) for urgent in (False, True)}
            if due := [each for each in found[listener.user_id] if may[each.urgent]]:
                told[listener] = due
        said = {listener.user_id: sayable(due, self._office) for listener, due in told.items()}
        briefs = await tx.briefs(each.case_id for due in said.values() for each in due[:LINES])
        digests = {user_id: digest(due, briefs, self._office, now.date()) for user_id, due in said.items()}
        await remind(tx, {user_id: reply for user_id, reply in digests.items() if reply is not None}, now)
        await tx.said(told, now)
