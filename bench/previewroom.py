"""How long a picture takes through a room, beyond what looking at it takes: from the event that the homeserver has
accepted to the encrypted preview that the sender's client has decrypted.

The reference is the sandbox alone with the same bytes, in turns. A DICOM file waits for others of its series first
(`files.quiet_seconds`), which is not overhead but intent: its claim is told with that time and without it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bench import _scans
from bench._common import NETWORK, clinic, in_turns, rounds, state
from ernbot.commands.files import ALONE_SECONDS
from ernbot.config import FileSettings
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.scenes.pictures import drawing
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer

WARM_UP = 2
CONSENT = "!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-31"


async def case(person: Clinician, bot: str) -> str:
    """A room in which files are taken."""
    chat = await person.open_chat(bot)
    await person.hears(chat, "Hello")
    known = set(person.invitations)
    await person.say(chat, f"!case new {NETWORK} Is this sagittal synostosis?")
    room = await person.invited(known)
    await person.join(room)
    await person.hears(room, "consent")
    await person.ask(room, CONSENT, "Recorded")
    return room


def shown(person: Clinician, known: int, picture: Callable[[Seen], bool]) -> Seen | None:
    """The first new message that carries a preview, also as the edit of a line."""
    return next((seen for seen in person.seen[known:] if picture(seen)), None)


def is_picture(seen: Seen) -> bool:
    content = seen.content.get("m.new_content") or seen.content
    return content.get("msgtype") == "m.image" and str(content.get("filename", "")).startswith("preview")


async def through(person: Clinician, room: str, name: str, mimetype: str, data: bytes) -> float:
    """Seconds from the accepted event to the preview."""
    known = len(person.seen)
    await person.drop(room, name, mimetype, data)
    start = time.perf_counter()
    await person.wait(lambda: shown(person, known, is_picture), "the preview")
    return time.perf_counter() - start


async def alone(previewer: Previewer, data: bytes) -> float:
    start = time.perf_counter()
    await previewer.previews([BytesSource(data)])
    return time.perf_counter() - start


async def main() -> None:
    asked = rounds(10)
    async with clinic() as (place, person), Previewer(workers=1) as previewer:
        room, quiet = await case(person, place.homeserver.bot_user_id), FileSettings().quiet_seconds
        for what, name, mimetype, data, waits in (
            ("photograph", "photo.jpg", "image/jpeg", drawing(), ALONE_SECONDS),
            ("CT slice", "slice.dcm", "application/dicom", _scans.ct("raw"), quiet),
        ):

            async def ours(name: str = name, mimetype: str = mimetype, data: bytes = data) -> float:
                return await through(person, room, name, mimetype, data)

            async def reference(data: bytes = data) -> float:
                return await alone(previewer, data)

            samples = await in_turns(ours, reference, warm_up=WARM_UP, rounds=asked, rest=1.0)
            path, decode = (1000 * side.median for side in samples)
            print(f"{what}: through the room {path:.0f} ms, quiet time {1000 * waits:.0f} ms; alone {decode:.0f} ms")
            overhead = path - decode - 1000 * waits
            state(f"{what} through a room, overhead over decoding, without quiet time (aim: 400)", overhead, None, "ms")


if __name__ == "__main__":
    asyncio.run(main())
