"""How long `!cases` takes to its decrypted answer with 200 open cases of ten members, against `!help` in the same chat.

Both are asked by one client of one bot on one homeserver, in turns. The cases lie in the bot's own database, as its
commands write them; their rooms are not made, since a list leads to rooms and does not look into them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bench._common import NETWORK, PERSON, clinic, in_turns, report, rounds
from ernbot.config import load_settings
from ernbot.core.agenda import timed
from ernbot.core.case import Case, new_case
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.directory import Directory
from ernbot.core.turn import turn
from ernbot.core.worklist import index
from ernbot.demo.clinician import Clinician
from ernbot.demo.installation import Installation
from ernbot.storage.store import Store
from ernbot.storage.vault import read_master_keys

CASES = 200
MEMBERS = 10
WARM_UP = 5


async def fill(place: Installation) -> None:
    """Write the cases into the database of a bot that is not running."""
    settings = load_settings(place.settings)
    master_key, previous = read_master_keys(settings.vault)
    store = await Store.open(settings.storage.database, master_key, previous)
    now = datetime.now(UTC)
    try:
        async with store.transaction() as tx:
            for number in range(CASES):
                case = _case(number, place.directory, f"@{PERSON}:{place.homeserver.server_name}", now)
                await tx.add_case(case, index=index(case, place.directory, now))
                await tx.set_case_room(case.id, f"!room-{number}:{place.homeserver.server_name}")
    finally:
        await store.close()


def _case(number: int, directory: Directory, requester: str, now: datetime) -> Case:
    """A case of ten members; every second one waits for its experts, the others for their requester."""
    at = now - timedelta(hours=CASES - number)
    panel = tuple(f"@expert-{other}:hospital.example" for other in range(1, MEMBERS))
    case = new_case(f"case-{number}", NETWORK, f"Amber Heron {number}", requester, "Operate now, or wait?", at)
    case = case.give_consent((Purpose.CARE,), Paper("2.1", "da", Signer.PARENT, at.date()), by=requester, at=at)
    case = case.invite(panel)
    if not number % 2:
        for expert in panel:
            case = case.record_opinion(expert, "form", "1", {"remarks": "Wait for the MRI. " * 20}, at=at)
    case = replace(case, urgent=number % 20 == 0, due=(now + timedelta(days=number % 30)).date())
    return timed(case, turn(case, directory, at), at)


async def main() -> None:
    asked = rounds(60)
    async with clinic() as (place, person):
        await place.stop_bot()
        await fill(place)
        await place.start_bot()
        chat = await person.open_chat(place.homeserver.bot_user_id)
        await person.hears(chat, "Hello")

        async def ours() -> float:
            return await _seconds(person, chat, "!cases", f"{CASES} cases")

        async def reference() -> float:
            return await _seconds(person, chat, "!help", "What you can do")

        samples = await in_turns(ours, reference, warm_up=WARM_UP, rounds=asked, rest=0.1)
    report(f"!cases with {CASES} open cases of {MEMBERS} members, against !help", *samples)


async def _seconds(person: Clinician, room_id: str, command: str, answer: str) -> float:
    start = time.perf_counter()
    seen = await person.ask(room_id, command, answer)
    seconds = time.perf_counter() - start
    assert seen.encrypted
    return seconds


if __name__ == "__main__":
    asyncio.run(main())
