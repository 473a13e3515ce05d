"""How long an encrypted command takes to its decrypted answer, against a bare nio echo bot on the same homeserver.

Both answers are seen by one and the same client. Ours goes through inbox, access checks, outbox and two databases with
every commit on the disk; the bare bot decrypts and sends.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import aiohttp

from bench._common import clinic, in_turns, report, rounds
from ernbot.demo.clinician import Clinician
from ernbot.demo.homeserver import Homeserver, register
from ernbot.demo.process import Process
from ernbot.matrix.identity import Identity
from ernbot.matrix.keys import public, signed

ECHO = "echo"
COMMAND = "!help"
CLIENT = "/_matrix/client/v3"
WARM_UP = 5


async def start_echo(hs: Homeserver, folder: Path) -> Process:
    """The bare bot, running, its device signed: the client shares no key with a device that is not."""
    token = await register(hs, ECHO, secrets.token_hex(16))
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(hs.url, headers=headers, raise_for_status=True) as session:
        async with session.get(f"{CLIENT}/account/whoami") as answer:
            account = await answer.json()
        user_id, device_id = account["user_id"], account["device_id"]
        store = folder / "echo"
        store.mkdir()
        arguments = [hs.url, user_id, device_id, token, str(store)]
        process = await Process.start("bench._echo", arguments, folder / "log" / "echo.log", ready="ready")
        await _sign(session, user_id, device_id)
    return process


async def _sign(session: aiohttp.ClientSession, user_id: str, device_id: str) -> None:
    """Give the account an identity that vouches for its device; nobody needs the identity again."""
    identity = Identity.generate(user_id)
    await session.post(f"{CLIENT}/keys/device_signing/upload", json=identity.upload_body())
    async with session.post(f"{CLIENT}/keys/query", json={"device_keys": {user_id: []}}) as answer:
        device = (await answer.json())["device_keys"][user_id][device_id]
    device.pop("unsigned", None)
    vouched = signed(device, user_id, public(identity.self_signing), identity.self_signing)
    await session.post(f"{CLIENT}/keys/signatures/upload", json={user_id: {device_id: vouched}})


async def open_echo_chat(person: Clinician, echo: str) -> str:
    """A direct chat with the bare bot, which has come and knows our devices."""
    room_id = await person.open_chat(echo)

    def came() -> bool | None:
        member = ("m.room.member", "join")
        return any(
            (seen.type, seen.content.get("membership")) == member and (seen.room_id, seen.sender) == (room_id, echo)
            for seen in person.seen
        )

    await person.wait(came, "the bare bot")
    # nio asks for the devices of a new room in the background and would not share its key with those it does not know.
    await asyncio.sleep(1)
    return room_id


async def main() -> None:
    asked = rounds(60)
    async with clinic() as (place, person):
        echo = await start_echo(place.homeserver, place.folder)
        try:
            with_bot = await person.open_chat(place.homeserver.bot_user_id)
            await person.hears(with_bot, "Hello")
            with_echo = await open_echo_chat(person, f"@{ECHO}:{place.homeserver.server_name}")

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
