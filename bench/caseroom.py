"""How long `!case new` takes to the invitation, against one bare createRoom with the same content.

Both invitations reach the same requester's client. Ours begins with the encrypted command in the direct chat; the
reference is the request that the bot itself makes, sent with the bot's own token, since the homeserver lets nobody else
open a case room.
"""

from __future__ import annotations

import asyncio
import secrets
import time

import aiohttp

from bench._common import NETWORK, clinic, in_turns, report, rounds
from ernbot.commands.case import nickname
from ernbot.commands.effects import CreateCaseRoom
from ernbot.demo.clinician import Clinician
from ernbot.matrix.caseroom import creation

COMMAND = f"!case new {NETWORK} Is this sagittal synostosis?"
WARM_UP = 3


async def by_command(person: Clinician, chat: str, bot: str) -> float:
    """Seconds from the command to the invitation; ends when the bot has also answered in the chat."""
    known = set(person.invitations)
    start = time.perf_counter()
    command = await person.say(chat, COMMAND)
    await person.invited(known)
    seconds = time.perf_counter() - start
    await person.hears(chat, "", after=command, sender=bot)
    return seconds


async def by_request(person: Clinician, session: aiohttp.ClientSession) -> float:
    """Seconds from the bare request to the invitation."""
    body = creation(secrets.token_hex(8), CreateCaseRoom(nickname(), NETWORK, person.user_id))
    known = set(person.invitations)
    start = time.perf_counter()

    async def create() -> None:
        async with session.post("/_matrix/client/v3/createRoom", json=body) as answer:
            answer.raise_for_status()

    async with asyncio.TaskGroup() as group:
        creating = group.create_task(create())
        await person.invited(known)
        seconds = time.perf_counter() - start
        await creating
    return seconds


async def main() -> None:
    asked = rounds(25)
    async with clinic() as (place, person):
        bot = place.homeserver.bot_user_id
        chat = await person.open_chat(bot)
        await person.hears(chat, "Hello")
        token = (place.folder / "secrets" / "bot_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(place.homeserver.url, headers=headers) as session:
            samples = await in_turns(
                lambda: by_command(person, chat, bot),
                lambda: by_request(person, session),
                warm_up=WARM_UP,
                rounds=asked,
                rest=0.5,
            )
    report("!case new to the invitation", *samples)


if __name__ == "__main__":
    asyncio.run(main())
