"""A slice of `make fuzz` that is always the same: enough to see that damage costs a refusal and nothing else."""

import os
import random
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ernbot.imaging import answers
from ernbot.imaging.process import Died, Worker
from tests.imaging.corpus import honest_files, hostile_files
from tests.imaging.fuzz import GOOD, Fuzzer, Watched, kept
from tests.imaging.mutants import mutant

SEED = 4
MUTANTS = 60


@pytest.fixture(autouse=True)
def _kept_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


async def test_damaged_files_cost_a_refusal_at_most() -> None:
    tally = await Fuzzer(SEED).run(iter(range(MUTANTS)))
    assert not tally.findings, kept(tally.findings)
    assert sum(tally.outcomes.values()) == MUTANTS
    shown = sum(count for (outcome, _), count in tally.outcomes.items() if outcome in ("shown", "card", "cleaned"))
    assert MUTANTS // 4 < shown < MUTANTS, tally.table()  # the damage is neither harmless nor all at the door


def test_the_same_seed_makes_the_same_mutant() -> None:
    samples = [*honest_files(), *hostile_files()]
    for number in range(20):
        data, other = (random.Random(f"{part}-{number}").choice(samples).data for part in ("one", "other"))
        first, second = (mutant(data, other, random.Random(number)) for _ in range(2))
        assert first == second
        assert mutant(data, other, random.Random(f"{number}!")) != first


async def test_a_codec_that_falls_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall(worker: Worker, *_: Any, **__: Any) -> None:
        os.kill(worker.process.pid, signal.SIGSEGV)
        try:
            await worker._message()
        except EOFError as error:
            raise Died from error

    monkeypatch.setattr(Worker, "ask", fall)
    await _is_found("fell: SIGSEGV")


async def test_a_worker_that_lies_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubt(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(answers, "previews", doubt)
    await _is_found("dishonest")


async def _is_found(what: str) -> None:
    fuzzer = Fuzzer(SEED)
    async with Watched(workers=1) as pool:
        assert await fuzzer._send(pool, 7, "preview", [GOOD], [])
    (finding,) = fuzzer.tally.findings
    assert finding.what.startswith(what)
    (line,) = kept([finding])
    assert Path(line.rpartition(", ")[2]).read_bytes() == GOOD
