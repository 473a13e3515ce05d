"""The overview of a whole slide against OpenSlide called directly, and what a cleaned copy of it costs: its time, its
memory, and how long a photograph waits meanwhile.

Ours is the whole way: bytes read by ranges through the pipe of the sandbox, identifiers looked for, overview with scale
bar, thumbnail, checked. The reference opens the file by its name in its own process and makes a thumbnail of the same
size, no more. The copy is made as the bot makes it, from an encrypted file to another one, of a slide that names its
patient. `FULL=1` adds a gigabyte to the slide of 43 MB.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import openslide

from bench._common import full, rounds, state
from bench._slides import side_for, write_slide
from ernbot.demo.scenes.pictures import drawing
from ernbot.imaging.deid import Policy
from ernbot.imaging.model import LONGEST_SIDE
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from ernbot.matrix.spool import EncryptedSpool

SIZES = (43_000_000, 1_000_000_000)
POLICY = Policy(secret=bytes(32))
WARM_UP = 2
PHOTOGRAPH_EVERY = 0.2
"""Seconds between two photographs."""


@dataclass(frozen=True)
class FileSource:
    """A file on the disk, read by ranges. Its bytes are made up, so that they may lie there in the clear."""

    path: Path
    size: int

    async def read_at(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), length, offset)


def reference(path: Path) -> None:
    with openslide.OpenSlide(path) as opened:
        opened.get_thumbnail((LONGEST_SIDE, LONGEST_SIDE))


async def overview(previewer: Previewer, source: FileSource, asked: int) -> tuple[list[float], list[float]]:
    """Milliseconds of ours and of the reference, in turns."""
    ours, theirs = [], []
    for _ in range(asked + WARM_UP):
        start = time.perf_counter()
        (preview,) = await previewer.previews([source])
        between = time.perf_counter()
        reference(source.path)
        end = time.perf_counter()
        assert preview.picture is not None
        ours.append(1000 * (between - start))
        theirs.append(1000 * (end - between))
    return ours[WARM_UP:], theirs[WARM_UP:]


async def seconds_of_a_photograph(previewer: Previewer) -> float:
    start = time.perf_counter()
    await previewer.previews([BytesSource(drawing())])
    return time.perf_counter() - start


async def copied(previewer: Previewer, source: FileSource) -> tuple[float, float, list[float]]:
    """Seconds of a cleaned copy and of encrypting the file as it is, and those of each photograph during the first."""
    waits: list[float] = []

    async def photographs() -> None:
        while True:
            waits.append(await seconds_of_a_photograph(previewer))
            await asyncio.sleep(PHOTOGRAPH_EVERY)

    with EncryptedSpool.fresh() as received, EncryptedSpool.fresh() as copy:
        start = time.perf_counter()
        for at in range(0, source.size, 2**20):
            await received.write(await source.read_at(at, 2**20))
        between = time.perf_counter()
        others = asyncio.create_task(photographs())
        await previewer.clean(received, policy=POLICY, sink=copy.write)
        end = time.perf_counter()
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
    return end - between, between - start, waits


def most_held(process: int | str) -> int:
    """Most memory that a process has ever held, bytes."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


def largest_worker() -> int:
    return max(map(most_held, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()))


async def main() -> None:
    asked = rounds(15)
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as folder:
        for wanted in SIZES[: 2 if full() else 1]:
            path = Path(folder) / f"{wanted}.svs"
            source = FileSource(path, write_slide(path, side_for(wanted), named=False))
            async with Previewer(workers=1, max_bytes=2**31) as previewer:
                idle = largest_worker()
                ours, theirs = await overview(previewer, source, asked)
                size = f"slide of {source.size / 1e6:.0f} MB"
                state(f"{size}: overview, against OpenSlide", statistics.median(ours), statistics.median(theirs), "ms")
                grown = largest_worker() - idle
                state(f"{size}: memory for the overview, against the file", grown / 2**20, source.size / 2**20, "MiB")
            source = FileSource(path, write_slide(path, side_for(wanted)))
            async with Previewer(max_bytes=2**31) as previewer:  # two workers and twenty seconds, as the bot has them
                alone = [await seconds_of_a_photograph(previewer) for _ in range(asked + WARM_UP)][WARM_UP:]
                cleaned, plain, waits = await copied(previewer, source)
                state(f"{size}: cleaned copy, against encrypting the file as it is", cleaned, plain, "s")
                typical, slowest = 1000 * statistics.median(alone), 1000 * max(waits)
                state(f"{size}: slowest of {len(waits)} photographs meanwhile, against alone", slowest, typical, "ms")
                state(f"{size}: memory of a worker after that", largest_worker() / 2**20, None, "MiB")
                state(f"{size}: memory of the process with the keys", most_held("self") / 2**20, None, "MiB")
            path.unlink()


if __name__ == "__main__":
    asyncio.run(main())
