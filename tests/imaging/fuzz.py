"""Damaged files through real workers, for as long as one likes: `make fuzz`; `SECONDS=n` and `SEED=n` say how.

Every answer must be a preview, a card, a copy or a refusal, in time, and a good file must come out as before after
it. A worker may run into its limit of memory or time. It must never be killed by the filter of system calls, fall in
a codec, or say what no honest worker says: then the run fails, and the mutant that did it is kept.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ernbot.core.errors import Refused
from ernbot.imaging import recognise
from ernbot.imaging.process import Died, Worker
from ernbot.imaging.remote import LEFT
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.corpus import HEAD, POLICY, Sample, described_slides, honest_files, hostile_files
from tests.imaging.imaging_samples import nameless
from tests.imaging.mutants import mutant

SECONDS = 120.0
REQUEST_SECONDS = 20.0
_GRACE_SECONDS = 10.0
"""For what is not the worker's time: the machine may be busy."""

_CHECK_EVERY = 25
_LIMITS = {LEFT: "out of memory", -signal.SIGXCPU: "out of time", -signal.SIGKILL: "out of time"}
"""How a worker ends that has run into its limits: `remote.leave`, or the kernel's limit of processor time."""

OPERATIONS = ("preview", "clean")
GOOD = nameless("phantom/ct_phantom_explicit.dcm")


@dataclass(frozen=True)
class Finding:
    """What must not happen, and the files that it happened with."""

    what: str
    number: int
    op: str
    files: tuple[bytes, ...]


@dataclass
class Tally:
    """Outcomes, counted by operation; how long the slowest request took; and what must not happen."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def table(self) -> str:
        names = sorted({outcome for outcome, _ in self.outcomes})
        rows = [(name, *(str(self.outcomes[name, op]) for op in ("preview", "clean"))) for name in names]
        totals = [
            str(sum(count for (_, of), count in self.outcomes.items() if of == op)) for op in ("preview", "clean")
        ]
        return "\n".join(
            f"{name:<44}{previews:>9}{cleaned:>9}"
            for name, previews, cleaned in (("outcome", "preview", "clean"), *rows, ("total", *totals))
        )


class Watched(Previewer):
    """A pool of one worker that is known when it has ended."""

    ended: Worker | None = None

    def _refill(self, worker: Worker | None) -> None:
        self.ended = worker
        super()._refill(worker)

    async def settled(self) -> None:
        """Wait until a worker that ended is replaced."""
        await asyncio.gather(*self._refills)
        self.ended = None


class Fuzzer:
    """Mutants of one seed: the same number is always the same mutant."""

    def __init__(self, seed: int) -> None:
        self._seed, self.tally = seed, Tally()
        self._samples: dict[str, list[Sample]] = {}
        for sample in (*honest_files(), *hostile_files(), *described_slides()):
            self._samples.setdefault(sample.format, []).append(sample)

    def request(self, number: int) -> tuple[str, list[bytes], list[bytes]]:
        """The operation, files of one format, and files that they may refer to."""
        chance = random.Random(f"{self._seed}-{number}")
        data = mutant(self._sample(chance), self._sample(chance), chance)
        format_ = recognise(data[:HEAD])
        if format_ is None or chance.random() < 0.3:
            return "clean" if format_ and format_.cleaner else "preview", [data], []
        if format_.name == "DICOM" and chance.random() < 0.2:
            others = [chance.choice(self._samples["DICOM"]).data for _ in range(3)]
            return "preview", [data, *others[:2]], others[2:]
        return "preview", [data], []

    def _sample(self, chance: random.Random) -> bytes:
        """DICOM every other time: it has the most parsers behind it."""
        formats = sorted(self._samples)
        return chance.choice(self._samples["DICOM" if chance.random() < 0.5 else chance.choice(formats)]).data

    async def run(self, numbers: Iterator[int], pools: int = 2) -> Tally:
        """Send the mutants of these numbers through so many workers."""
        await asyncio.gather(*(self._pool(numbers) for _ in range(pools)))
        return self.tally

    async def _pool(self, numbers: Iterator[int]) -> None:
        async with Watched(workers=1, seconds=REQUEST_SECONDS) as pool:
            expected = await pool.previews([BytesSource(GOOD)])
            sent: list[tuple[int, str, tuple[bytes, ...]]] = []
            for number in numbers:
                op, files, references = self.request(number)
                sent.append((number, op, (*files, *references)))
                hurt = await self._send(pool, number, op, files, references)
                if hurt or len(sent) == _CHECK_EVERY:
                    await self._check(pool, expected, sent)
                    sent = []
            await self._check(pool, expected, sent)

    async def _send(self, pool: Watched, number: int, op: str, files: list[bytes], references: list[bytes]) -> bool:
        """Send one request and count what comes of it; whether it has cost the worker."""
        outcome, begin = "", time.monotonic()
        try:
            outcome = await _outcome(pool, op, files, references)
        except Refused as refused:
            outcome = f"refused: {refused.code}"
            if isinstance(refused.__context__, Died | TimeoutError):
                outcome, is_finding = await _end(pool, refused.__context__)
                if is_finding:
                    self._find(outcome, number, op, (*files, *references))
        except Exception as error:  # anything else is what we are looking for
            outcome = f"error: {type(error).__name__}"
            self._find(outcome, number, op, (*files, *references))
        taken = time.monotonic() - begin
        if taken > REQUEST_SECONDS + _GRACE_SECONDS:
            self._find("too slow", number, op, (*files, *references))
        self.tally.slowest = max(self.tally.slowest, taken)
        self.tally.outcomes[outcome, op] += 1
        hurt = pool.ended is not None
        await pool.settled()
        return hurt

    async def _check(self, pool: Watched, expected: object, sent: list[tuple[int, str, tuple[bytes, ...]]]) -> None:
        """Whether a good file still looks as it did."""
        try:
            found: object = await pool.previews([BytesSource(GOOD)])
        except Refused as refused:
            found = refused
        if found != expected:
            for number, op, files in sent:
                self._find("a good file looks different after one of these", number, op, files)
        await pool.settled()

    def _find(self, what: str, number: int, op: str, files: tuple[bytes, ...]) -> None:
        self.tally.findings.append(Finding(what, number, op, files))


async def _outcome(pool: Watched, op: str, files: list[bytes], references: list[bytes]) -> str:
    """Raises what the gateway raises."""
    if op == "clean":

        async def forget(_piece: bytes) -> None:
            pass

        report = await pool.clean(BytesSource(files[0]), policy=POLICY, sink=forget)
        return "cleaned and masked" if report.masked else "cleaned"
    sources = [BytesSource(data) for data in files]
    previews = await pool.previews(sources, references=[BytesSource(data) for data in references])
    return "shown" if any(preview.picture for preview in previews) else "card"


async def _end(pool: Watched, error: BaseException) -> tuple[str, bool]:
    """How a worker ended, and whether that is a finding."""
    if isinstance(error, TimeoutError):
        return "stopped: out of time", False
    if not isinstance(error.__cause__, OSError | asyncio.IncompleteReadError):
        return f"dishonest: {error.__cause__!r:.60}", True
    assert pool.ended is not None
    code = await pool.ended.process.wait()
    if code in _LIMITS:
        return f"stopped: {_LIMITS[code]}", False
    return f"fell: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}", True


def until(end: float) -> Iterator[int]:
    """Numbers from 0, until this moment of the monotonic clock."""
    number = 0
    while time.monotonic() < end:
        yield number
        number += 1


def kept(findings: list[Finding]) -> list[str]:
    """Save the mutants, and say where; the first file of each is the damaged one."""
    if not findings:
        return []
    folder, lines = Path(tempfile.mkdtemp(prefix="mutants-")), []
    for finding in findings:
        for index, data in enumerate(finding.files):
            (folder / f"{finding.number}-{index}").write_bytes(data)
        lines.append(f"{finding.what}: {finding.op} of mutant {finding.number}, {folder / str(finding.number)}-0")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--only", type=int, help="send the mutant of this number alone")
    options = parser.parse_args()
    fuzzer = Fuzzer(options.seed)
    numbers = until(time.monotonic() + options.seconds) if options.only is None else iter([options.only])
    tally = asyncio.run(fuzzer.run(numbers, 2 if options.only is None else 1))
    print(tally.table())
    print(f"slowest request: {tally.slowest:.1f} s; seed: {options.seed}")
    for line in kept(tally.findings):
        print(line)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
