"""A slice of `make fuzz` that is always the same: enough to see that damage costs a refusal and nothing else."""

import random

from tests.imaging.corpus import honest_files, hostile_files
from tests.imaging.fuzz import Fuzzer, kept
from tests.imaging.mutants import mutant

SEED = 4
MUTANTS = 60


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
