"""Previews against what clinicians' systems use today: warm, one core, the same files, in turns.

Ours is the whole way through the sandbox, from bytes to a checked preview with its thumbnail. `dcmj2pnm` is a process
for each file, as it is used; Orthanc is a warm server that has the file already. Where a peer fails, there is nothing
to divide by.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame

from bench import _scans
from bench._common import rounds, state
from bench._peers import Orthanc, be_alone, converted, missing, orthanc
from ernbot.imaging.source import BytesSource, Source
from ernbot.imaging.worker import Previewer

WARM_UP = 2
STRIP = 8
"""Frames that a cine's preview shows: the peer renders as many."""

Work = Callable[[], Awaitable[bool | None]]


async def timed(sides: dict[str, Work], asked: int) -> dict[str, float | None]:
    """Median milliseconds of each side, measured in turns; None for a side that cannot do it."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    failed: set[str] = set()
    for number in range(asked + WARM_UP):
        for name, work in list(sides.items())[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            if await work() is False:
                failed.add(name)
            if number >= WARM_UP:
                found[name].append(1000 * (time.perf_counter() - start))
    return {name: None if name in failed else statistics.median(found[name]) for name in sides}


def tell(claim: str, times: dict[str, float | None], against: str) -> None:
    """The figures of all sides, then the claim against one of them."""
    for name, value in times.items():
        print(f"{claim}: {name:9} {'cannot' if value is None else f'{value:8.1f} ms'}")
    ours = times["ours"]
    assert ours is not None
    state(f"{claim} ({against})", ours, times[against], "ms")


class Bench:
    def __init__(self, previewer: Previewer, peer: Orthanc, folder: Path, asked: int) -> None:
        self.previewer, self.peer, self.folder, self.asked = previewer, peer, folder, asked

    async def look(self, source: Source) -> None:
        """Our side. Raises what a clinician would be told."""
        previews = await self.previewer.previews([source])
        assert previews[0].picture is not None

    async def syntaxes(self) -> None:
        """CT slices in every packing."""
        for name in _scans.SYNTAXES:
            data, file = _scans.ct(name), self.folder / "slice.dcm"
            file.write_bytes(data)
            ids = await self.peer.ingest(data)
            times = await timed(
                {
                    "ours": lambda data=data: self.look(BytesSource(data)),  # type: ignore[misc]
                    "dcmj2pnm": lambda file=file: converted(file, self.folder / "slice.png"),  # type: ignore[misc]
                    "Orthanc": lambda ids=ids: self.peer.preview(ids[0]),  # type: ignore[misc]
                },
                self.asked,
            )
            await self.peer.forget(ids)
            for against in ("dcmj2pnm", "Orthanc"):
                tell(f"CT slice of 512 x 512, {name}", times, against)

    async def mammogram(self) -> None:
        """Reduced decoding against full."""
        data = _scans.mammogram()
        codestream = get_frame(dcmread(BytesIO(data)).PixelData, 0, number_of_frames=1)

        async def full() -> None:
            with Image.open(BytesIO(codestream)) as opened:
                opened.load()

        times = await timed({"ours": lambda: self.look(BytesSource(data)), "full decode": full}, min(5, self.asked))
        tell("2048 x 2048 J2K mammogram (aim: at most 0.2)", times, "full decode")

    async def series(self) -> None:
        """A zip of 300 slices."""
        data = _scans.series()
        print(f"zip of {len(data) / 1e6:.0f} MB")

        seconds: list[float] = []

        async def only_ingest() -> None:
            start = time.perf_counter()
            ids = await self.peer.ingest(data)
            seconds.append(1000 * (time.perf_counter() - start))
            await self.peer.forget(ids)

        times = await timed({"ours": lambda: self.look(BytesSource(data)), "ingest": only_ingest}, 3)
        times["ingest"] = statistics.median(seconds[WARM_UP:])
        tell("zip of 300 CT slices to montage, against Orthanc's ingest alone (aim: at most 0.33)", times, "ingest")

    async def cine(self) -> None:
        """A film: ours makes a strip and a short animation."""
        data = _scans.cine()

        async def served() -> bool:
            ids = await self.peer.ingest(data)
            done = [await self.peer.preview(ids[0], 120 * place // STRIP) for place in range(STRIP)]
            await self.peer.forget(ids)
            return all(done)

        times = await timed({"ours": lambda: self.look(BytesSource(data)), "Orthanc": served}, min(10, self.asked))
        tell(f"cine of 120 frames, upload and {STRIP} frames shown", times, "Orthanc")

    def memory(self) -> None:
        """The largest worker."""
        residents = [resident(process) for process in children() if "imaging.sandbox" in command(process)]
        state("memory of the largest worker after all of this (aim: under 300)", max(residents) / 2**20, None, "MiB")


def children() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def command(process: int) -> str:
    try:
        return (Path("/proc") / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def resident(process: int) -> int:
    """Highest resident size so far, bytes."""
    status = (Path("/proc") / str(process) / "status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def main() -> None:
    if lacking := missing():
        sys.exit(f"The peers are missing: apt-get install {' '.join(lacking)}")
    asked = rounds(15)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="ernbot-bench-") as name:
        async with Previewer(workers=1, max_bytes=2**31) as previewer, orthanc(Path(name) / "orthanc") as peer:
            bench = Bench(previewer, peer, Path(name), asked)
            await bench.syntaxes()
            await bench.mammogram()
            await bench.cine()
            await bench.series()
            bench.memory()


if __name__ == "__main__":
    be_alone()
    asyncio.run(main())
