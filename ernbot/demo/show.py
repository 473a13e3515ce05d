"""`ernbot demo`: set up, play the story, show what came of it, and stay for whoever wants to try."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from ernbot.demo.homeserver import HomeserverFailed
from ernbot.demo.installation import Installation, installation
from ernbot.demo.stage import EXPERTS, REQUESTER, SPARE, Stage, Step
from ernbot.demo.story import play
from ernbot.demo.transcript import Room, transcript

MEGABYTE = 2**20


async def show(out: Path, *, report: Path | None, leave: bool) -> int:
    """Play the story; 0 when every step went well.

    Raises:
        HomeserverFailed: the homeserver or one of our programs did not start.
    """
    console = Console(highlight=False)
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    # Secrets and databases of the demonstration do not belong beside the results.
    place_folder = Path(tempfile.mkdtemp(prefix="ernbot-demo-"))
    started = time.monotonic()
    try:
        console.print("Starting the homeserver and provisioning the networks …")
        async with installation(place_folder) as place:
            await place.start_bot()
            ready = time.monotonic() - started
            console.print(
                f"Homeserver, bridge and bot are up, {len(place.provisioned) - 1} things provisioned "
                f"([dim]{ready:.1f} s[/dim])."
            )
            ok = await _play(place, out, report, console, ready)
            if not leave:
                await _stay(place, console)
    finally:
        await asyncio.to_thread(shutil.rmtree, place_folder, ignore_errors=True)
    return 0 if ok else 1


async def _play(place: Installation, out: Path, report: Path | None, console: Console, ready: float) -> bool:
    stage = Stage(place)
    began = time.monotonic()

    def tell(step: Step) -> None:
        mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
        console.print(f" {mark} {step.name} [dim]{step.seconds:.1f} s, {len(step.asserted)} checks[/dim]")
        if step.error:
            console.print(f"   [red]{step.error}[/red]", markup=True)

    try:
        ok = await play(stage, tell)
        seconds = time.monotonic() - began
        memory = place.bot.memory() / MEGABYTE if place.bot is not None else 0.0
        await _write(stage, out, report, ready=ready, seconds=seconds, memory=memory, ok=ok)
    finally:
        await stage.close()
    console.print(f"The story took {seconds:.1f} s; the bot holds {memory:.0f} MB.")
    console.print(f"Transcript: {out / 'transcript.html'}")
    if stage.outcome_file is not None:
        console.print(f"Outcome:    {out / 'outcome.pdf'}")
    console.print(f"Report:     {report or out / 'story.json'}")
    return ok


async def _write(
    stage: Stage, out: Path, report: Path | None, *, ready: float, seconds: float, memory: float, ok: bool
) -> None:
    """Put the results into the output folder."""
    names = {person.user_id: person.name for network in stage.place.directory.networks for person in network.people}
    if stage.people:
        rooms = [
            Room(f"{names[stage.user(name)]} in the direct chat with the bot", stage.people[name], stage.chats[name])
            for name in (REQUESTER, *EXPERTS)
            if name in stage.chats
        ]
        if stage.case:
            rooms.insert(1, Room("The case room", stage.requester, stage.case))
        page = await transcript(rooms, names, stage.steps, bot=stage.bot, marks=stage.marks)
        (out / "transcript.html").write_text(page, encoding="utf-8")
    if stage.outcome_file is not None:
        shutil.copyfile(stage.outcome_file, out / "outcome.pdf")
    told = {
        "ok": ok,
        "seconds": round(seconds, 2),
        "setup_seconds": round(ready, 2),
        "bot_megabytes": round(memory, 1),
        "steps": [asdict(step) for step in stage.steps],
    }
    file = report or out / "story.json"
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


async def _stay(place: Installation, console: Console) -> None:
    """Keep everything running, and say how to log in."""
    user = f"@{SPARE}:{place.homeserver.server_name}"
    console.print()
    console.print("[bold]Try it yourself[/bold] with any Matrix client on this machine:")
    console.print(f"  homeserver  {place.homeserver.url}")
    console.print(f"  user        {user}")
    console.print(f"  password    {place.passwords[user]}")
    console.print(f"Start an encrypted chat with {place.homeserver.bot_user_id} and write [bold]!help[/bold].")
    console.print("Ctrl-C ends everything.")
    if place.bot is not None:
        await place.bot.ended()
    raise HomeserverFailed("The bot has ended. Start the demo again; if it ends again, please report it.")
