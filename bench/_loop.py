"""How long the event loop is blocked: from the moment it has something to do until it asks again what happened.

Everything else in the process waits that long: the sync, other rooms, a heartbeat. The clock is the wall's, since that
is what they wait; on a busy machine it also counts what others take.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Blocked:
    """Seconds of one piece of work: for which the loop was blocked, at the longest at once, and from start to end."""

    total: float
    longest: float
    elapsed: float


class Watch(selectors.DefaultSelector):
    """The loop's selector, with a stopwatch that runs while the loop is away from it."""

    def __init__(self) -> None:
        super().__init__()
        self._turns: list[float] = []
        self._since = time.perf_counter()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns.append(time.perf_counter() - self._since)
        try:
            return super().select(timeout)
        finally:
            self._since = time.perf_counter()

    async def measure(self, work: Awaitable[object]) -> Blocked:
        """Do some work and tell for how long it blocked the loop. The garbage of earlier work is collected first."""
        gc.collect()
        self._turns.clear()
        start = self._since = time.perf_counter()
        await work
        end = time.perf_counter()
        turns = [*self._turns, end - self._since]
        return Blocked(sum(turns), max(turns), end - start)


def run_watched(main: Callable[[Watch], Coroutine[Any, Any, None]]) -> None:
    """`asyncio.run` on a watched loop."""
    watch = Watch()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch)) as runner:
        runner.run(main(watch))
