"""The overview of a whole slide against OpenSlide called directly, and what a cleaned copy of it costs.

Ours is the whole way: bytes read by ranges through the pipe of the sandbox, identifiers looked for, overview with scale
bar, thumbnail, checked. The reference opens the file by its name in its own process and makes a thumbnail of the same
size, no more. `FULL=1` adds a gigabyte to the slide of 43 MB.
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
from ernbot.imaging.deid import Policy
from ernbot.imaging.model import LONGEST_SIDE
from ernbot.imaging.worker import Previewer

SIZES = (43_000_000, 1_000_000_000)
POLICY = Policy(secret=bytes(32))
WARM_UP = 2


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


async def copied(previewer: Previewer, source: FileSource) -> tuple[float, float]:
    """Seconds of a cleaned copy and of a plain one, both thrown away as they come."""

    async def forget(_piece: bytes) -> None:
        return

    start = time.perf_counter()
    await previewer.clean(source, policy=POLICY, sink=forget)
    between = time.perf_counter()
    for at in range(0, source.size, 2**20):
        await source.read_at(at, 2**20)
    return between - start, time.perf_counter() - between


def largest_worker() -> int:
    """Most that a worker of this process has ever held, bytes."""
    held = []
    for process in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        status = Path(f"/proc/{process}/status").read_text()
        held.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
    return max(held)


async def main() -> None:
    asked = rounds(15)
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as folder:
        for wanted in SIZES[: 2 if full() else 1]:
            path = Path(folder) / f"{wanted}.svs"
            source = FileSource(path, write_slide(path, side_for(wanted), named=False))
            async with Previewer(workers=1, max_bytes=2**31, seconds=120.0) as previewer:
                idle = largest_worker()
                ours, theirs = await overview(previewer, source, asked)
                size = f"slide of {source.size / 1e6:.0f} MB"
                state(f"{size}: overview, against OpenSlide", statistics.median(ours), statistics.median(theirs), "ms")
                grown = largest_worker() - idle
                state(f"{size}: memory for the overview, against the file", grown / 2**20, source.size / 2**20, "MiB")
                cleaned, plain = await copied(previewer, source)
                state(f"{size}: cleaned copy, against reading it", cleaned, plain, "s")
                state(f"{size}: memory of the worker after that", largest_worker() / 2**20, None, "MiB")
            path.unlink()


if __name__ == "__main__":
    asyncio.run(main())
