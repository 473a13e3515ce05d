"""A thousand mixed real files through one pool, and what they leave in memory: `make soak-files`.

Previews and cleaned copies of honest files, in a random order, two at a time. Nothing may be refused as too complex:
that is how a worker that fell looks from outside.
"""

import argparse
import asyncio
import os
import random
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS
from ernbot.imaging.process import Worker
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.corpus import POLICY, Sample, honest_files

FILES = 1000
WARM_UP = 30
"""Files after which a worker and we have met most formats: until then memory grows, as code and tables are loaded."""

MOST_RESIDENT = 300 * 2**20
"""What a worker may keep between two files, bytes."""

MOST_GROWTH = 32 * 2**20
MOST_GROWTH_HERE = 16 * 2**20
"""How much more a worker, and this process, may keep at the end than after the warm-up, bytes."""

_CLEANERS = frozenset(format_.name for format_ in FORMATS if format_.cleaner)


@dataclass
class Memory:
    """Resident bytes after each file: of each worker, by its number, and of this process."""

    workers: dict[int, list[int]] = field(default_factory=dict)
    here: list[int] = field(default_factory=list)

    def peak(self) -> int:
        """The most that a worker kept and was still used again."""
        return max(max(after) for after in self.workers.values())

    def growth(self) -> int:
        return max(growth(after) for after in self.workers.values())


@dataclass
class Outcome:
    """What became of the files, and what is wrong with it, in sentences."""

    memory: Memory
    outcomes: Counter[str]
    fallen: list[str]
    started: int
    seconds: float

    def complaints(self) -> list[str]:
        wrong = []
        if self.memory.peak() > MOST_RESIDENT:
            wrong.append(f"a worker kept {self.memory.peak() / 2**20:.0f} MB")
        if self.memory.growth() > MOST_GROWTH:
            wrong.append(f"a worker grew by {self.memory.growth() / 2**20:.0f} MB")
        if growth(self.memory.here) > MOST_GROWTH_HERE:
            wrong.append(f"this process grew by {growth(self.memory.here) / 2**20:.0f} MB")
        if self.fallen:
            wrong.append(f"workers fell at {', '.join(self.fallen)}")
        return wrong

    def figures(self) -> str:
        memory = self.memory
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        lines = [
            f"{self.outcomes.total()} files in {self.seconds:.0f} s: {counts}; {self.started} workers were started",
            f"a worker kept at most {memory.peak() / 2**20:.0f} MB, and grew by {memory.growth() / 2**20:+.1f} MB",
            f"this process has {memory.here[-1] / 2**20:.0f} MB, and grew by {growth(memory.here) / 2**20:+.1f} MB",
        ]
        return "\n".join(lines)


def growth(after: list[int]) -> int:
    """From the first third after the warm-up to the last, by the median, bytes; 0 where there is too little to say."""
    steady = after[WARM_UP:]
    third = len(steady) // 3
    return int(statistics.median(steady[-third:]) - statistics.median(steady[:third])) if third >= 3 else 0


class Watched(Previewer):
    """A pool that notes what its workers keep."""

    def __init__(self, memory: Memory, workers: int) -> None:
        super().__init__(workers=workers)
        self._notes, self.started = memory, 0

    async def _start(self) -> Worker:
        self.started += 1
        return await super()._start()

    def _put_back(self, worker: Worker | None) -> None:
        refills = len(self._refills)
        super()._put_back(worker)
        if worker and len(self._refills) == refills:  # else it is being replaced
            self._notes.workers.setdefault(worker.process.pid, []).append(worker.resident())


def mixed(files: int, seed: int) -> list[Sample]:
    """So many files, at least three in ten of which are not DICOM."""
    chance = random.Random(seed)
    samples = honest_files()
    others = [sample for sample in samples if sample.format != "DICOM"]
    return [chance.choice(others if chance.random() < 0.3 else samples) for _ in range(files)]


async def soak(files: int, seed: int = 0, workers: int = 2) -> Outcome:
    """Send the files, and measure after each."""
    memory, outcomes, begin = Memory(), Counter[str](), time.monotonic()
    fallen: list[str] = []
    async with Watched(memory, workers) as pool:
        left = iter(mixed(files, seed))
        await asyncio.gather(*(_sender(pool, left, memory, outcomes, fallen) for _ in range(workers)))
        started = pool.started
    return Outcome(memory, outcomes, fallen, started, time.monotonic() - begin)


async def _sender(
    pool: Previewer, left: Iterator[Sample], memory: Memory, outcomes: Counter[str], fallen: list[str]
) -> None:
    for number, sample in enumerate(left):
        outcome = await _sent(pool, sample, clean=number % 4 == 3 and sample.format in _CLEANERS)
        outcomes[outcome] += 1
        if outcome == "fell":
            fallen.append(sample.name)
        memory.here.append(_resident())


async def _sent(pool: Previewer, sample: Sample, *, clean: bool) -> str:
    async def forget(_piece: bytes) -> None:
        pass

    try:
        if clean:
            await pool.clean(BytesSource(sample.data), policy=POLICY, sink=forget)
            return "cleaned"
        previews = await pool.previews([BytesSource(sample.data)])
    except Refused as refused:
        return "fell" if refused.__context__ else "refused"
    return "shown" if any(preview.picture for preview in previews) else "cards"


def _resident() -> int:
    return int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcome = asyncio.run(soak(options.files, options.seed))
    print(outcome.figures())
    for complaint in outcome.complaints():
        print(complaint)
    return 1 if outcome.complaints() else 0


if __name__ == "__main__":
    sys.exit(main())
