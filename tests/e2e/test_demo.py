"""The demo as a user starts it: its exit status, its report and its files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from ernbot.demo.homeserver import ROOT
from ernbot.demo.story import SCENES

pytestmark = pytest.mark.homeserver

PATIENCE = 420.0
"""Seconds for a whole story; one is usual, a loaded machine may need far more."""


class Demo:
    """The demo as a process. What it has printed is shown when a test waits in vain for more."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed = b""

    async def until(self, text: bytes | None = None) -> None:
        """Wait until it has printed a line with a text, or until it has ended."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                async for line in self.process.stdout:
                    self.printed += line
                    if text is not None and text in line:
                        return
                await self.process.wait()
        except TimeoutError:
            pytest.fail(f"the demo hangs; it has printed:\n{self.printed.decode()}")


@contextlib.asynccontextmanager
async def running(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Demo]:
    """The demo with these arguments; it is killed when the test ends before it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ernbot", "demo", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
    )
    try:
        yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_story_goes_well_and_leaves_its_documents(tmp_path: Path) -> None:
    report = tmp_path / "story.json"
    async with running("--exit", "--report", str(report), "--out", str(tmp_path)) as demo:
        await demo.until()
    assert demo.process.returncode == 0, demo.printed.decode()
    steps = json.loads(report.read_text())["steps"]
    assert [step["name"] for step in steps] == [name for name, _ in SCENES]
    assert len(steps) == 14
    assert all(step["ok"] and step["asserted"] and step["seconds"] >= 0 for step in steps)
    seen = {fact for step in steps for fact in step["asserted"]}
    assert {
        "another expert is shown none but their own",
        "now all four read both opinions",
        "before they rate again, all see how all rated",
        "it proves three signatures: of anders.kjaer, saskia.devries, piotr.zielinski",
        "the panel reads the answer",
        "the four clocks of the case have stopped, with nothing typed for them",
    } <= seen
    page = (tmp_path / "transcript.html").read_text()
    assert page.count("<img") >= 2
    assert "PHANTOM" not in page
    assert "Three months later</h3>" in page
    assert (tmp_path / "outcome.pdf").read_bytes().startswith(b"%PDF")


async def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
    async with running("--out", str(tmp_path), env=env) as demo:
        await demo.until(b"are up")
        demo.process.send_signal(2)
        await demo.until()
    assert b"Traceback" not in demo.printed, demo.printed.decode()
    assert not list(tmp_path.glob("ernbot-demo-*")), "the installation was left behind"
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(tmp_path) in _command_line(entry)
    ]
    assert not left, "processes were left behind"


def _command_line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_text()
    except OSError:
        return ""
