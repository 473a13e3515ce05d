"""The demo as a user starts it: its exit status, its report and its files."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from ernbot.demo.homeserver import ROOT

pytestmark = pytest.mark.homeserver


async def test_the_story_goes_well_and_leaves_its_documents(tmp_path: Path) -> None:
    report = tmp_path / "story.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ernbot", "demo", "--exit", "--report", str(report), "--out", str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    story = json.loads(report.read_text())
    assert len(story["steps"]) == 10
    assert all(step["ok"] and step["asserted"] and step["seconds"] >= 0 for step in story["steps"])
    page = (tmp_path / "transcript.html").read_text()
    assert page.count("<img") >= 2
    assert "PHANTOM" not in page
    assert (tmp_path / "outcome.pdf").read_bytes().startswith(b"%PDF")


async def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ernbot", "demo", "--out", str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if b"are up" in line:
            break
    process.send_signal(2)
    async with asyncio.timeout(60):
        output = await process.stdout.read()
        await process.wait()
    assert b"Traceback" not in output, output.decode()
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
