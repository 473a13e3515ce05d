"""`ernbot demo`."""

from __future__ import annotations

from pathlib import Path


async def show(out: Path, *, report: Path | None, leave: bool) -> int:
    """Play the story; the exit status."""
    raise SystemExit("in the works")
