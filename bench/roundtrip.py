"""How long an encrypted command takes to its decrypted answer, against a bare nio echo bot on the same homeserver.

Both answers are seen by one and the same client. Ours goes through inbox, access checks, outbox and two databases with
every commit on the disk; the bare bot decrypts and sends.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp

from bench._common import clinic, in_turns, open_echo_chat, report, rounds, start_echo
from bench._devices import new_account, sign_device
from ernbot.demo.clinician import Clinician

COMMAND = "!help"
WARM_UP = 5


async def main() -> None:
    asked = rounds(60)
    async with clinic() as (place, person), aiohttp.ClientSession(place.homeserver.url) as http:
        account = await new_account(place.homeserver, http, "echo")
        echo = await start_echo(place.homeserver, account, place.folder / "echo")
        try:
            # The client shares no key with a device that is not signed.
            await sign_device(account)
            with_bot = await person.open_chat(place.homeserver.bot_user_id)
            await person.hears(with_bot, "Hello")
            with_echo = await open_echo_chat(person, account.user_id)

            async def ours() -> float:
                return await _seconds(person, with_bot, "What you can do")

            async def reference() -> float:
                return await _seconds(person, with_echo, COMMAND)

            samples = await in_turns(ours, reference, warm_up=WARM_UP, rounds=asked, rest=0.1)
        finally:
            await echo.stop()
    report("encrypted command to decrypted answer", *samples)


async def _seconds(person: Clinician, room_id: str, answer: str) -> float:
    start = time.perf_counter()
    seen = await person.ask(room_id, COMMAND, answer)
    seconds = time.perf_counter() - start
    assert seen.encrypted
    return seconds


if __name__ == "__main__":
    asyncio.run(main())
