"""Bots that are up at once: each is a fork of one process that has loaded the program already.

Most of a bot's start is loading; killed there, it never had a chance to lose anything. A life without it is all work.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ernbot.demo.homeserver import ROOT

KILLED = -signal.SIGKILL


class Cradle:
    """One bot at a time, from its start to its sudden end."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def kill(self) -> None:
        """SIGKILL in the middle of whatever the bot is doing, and the next one starts at once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        status = int(await self._process.stdout.readline())
        assert status == KILLED, f"the bot ended by itself: {self._log.read_text()[-500:]}"

    def readies(self) -> int:
        """How many bots so far have come up before they ended."""
        return self._log.read_text().count("ready\n")


@asynccontextmanager
async def cradle(settings: Path, log: Path) -> AsyncIterator[Cradle]:
    """A bot that runs while the context is open, with these settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.cradle", str(settings), str(log)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        yield Cradle(process, log)
    finally:
        process.stdin.close()
        await process.wait()


def _rock(settings: str, log: str) -> None:
    """Each line on the standard input ends a bot and begins one; the end of the input, also our starter's, ends all."""
    from ernbot.__main__ import run_command

    more = True
    while more:
        child = os.fork()
        if child == 0:
            file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            for number in (1, 2):
                os.dup2(file, number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os._exit(run_command(["run", "--config", settings]))
        more = bool(os.read(0, 1))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    _rock(*sys.argv[1:])
