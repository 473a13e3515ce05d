"""Our own programs as processes: started as an administrator starts them, gone when their starter is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ernbot.demo.homeserver import LEASH, ROOT, HomeserverFailed

STOP_WITHIN = 10.0
READY_WITHIN = 180.0

_LAUNCHER = f"""{LEASH}
import runpy, sys
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Process:
    """A running `python -m <module>`; its output goes to a log file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(cls, module: str, arguments: Sequence[str], log: Path, *, ready: str | None = None) -> Process:
        """Start it, and wait until it has printed `ready`.

        Raises:
            HomeserverFailed: it ended before, or took too long; the text holds the end of its log.
        """
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _LAUNCHER, module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if ready else sink,
                stderr=sink,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        started = cls(process, log)
        if ready:
            try:
                async with asyncio.timeout(READY_WITHIN):
                    await started._says(ready, module)
            except TimeoutError:
                await started.kill()
                raise HomeserverFailed(f"{module} did not get ready: {started.last_words()}") from None
        return started

    async def _says(self, ready: str, module: str) -> None:
        assert self._process.stdout is not None
        while (line := await self._process.stdout.readline()).decode().strip() != ready:
            if not line:
                await self._process.wait()
                raise HomeserverFailed(f"{module} ended: {self.last_words()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        await self._process.wait()

    def last_words(self) -> str:
        return " ".join(self.log.read_text(errors="replace").splitlines()[-3:])

    def memory(self) -> int:
        """Resident memory in bytes (Linux), with its workers'; 0 where the system does not tell."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return sum(_resident(pid) for pid in (str(self.pid), *children))
        return 0

    async def stop(self) -> None:
        """Ask it to end, then make it."""
        if self.running:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_WITHIN):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def kill(self) -> None:
        """SIGKILL: as sudden as a power cut, as far as the process can tell."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


def _resident(pid: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.asynccontextmanager
async def running(
    module: str, arguments: Sequence[str], log: Path, *, ready: str | None = None
) -> AsyncIterator[Process]:
    """A process for as long as the context is open."""
    process = await Process.start(module, arguments, log, ready=ready)
    try:
        yield process
    finally:
        await asyncio.shield(process.stop())


async def finish(module: str, arguments: Sequence[str]) -> str:
    """Run a command to its end; what it printed.

    Raises:
        HomeserverFailed: it failed; the text is what it said.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise HomeserverFailed(f"{module} {arguments[0]} failed: {errors.decode(errors='replace')[-500:]}")
    return output.decode()
