"""A client that is not ours resets its identity: the bot talks on with it, and asks before it records anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from ernbot.demo.installation import installation
from ernbot.demo.process import finish
from tests.interop.strict_client import CLEAN, strict_client

pytestmark = pytest.mark.homeserver

CONSENT = "!consent give care form=2.1 lang=da signer=parent signed=2026-03-31"
REFUSED = "Your encryption identity changed on"


async def test_the_bot_talks_on_and_records_nothing_until_it_is_confirmed(tmp_path: Path) -> None:
    async with installation(tmp_path) as place:
        await place.start_bot()
        bot = place.homeserver.bot_user_id
        user_id = f"@anders.kjaer:{place.homeserver.server_name}"
        password = place.passwords[user_id]
        async with strict_client(
            place.homeserver.url, user_id, password, place.folder / "log" / "anders.log"
        ) as anders:
            chat = await anders.ask("open_chat", user=bot)
            await anders.hears(chat, "Hello")
            others = len(anders.invitations)
            await anders.say(chat, "!case new ern-cranio Is this sagittal synostosis?")
            room = await anders.invited(after=others)
            await anders.ask("join", room=room)
            await anders.hears(room, "Is this sagittal synostosis?")

            fingerprint = await anders.ask("reset_identity", password=password)
            told = await anders.hears(chat, REFUSED)
            assert fingerprint[:8] in told.body
            await anders.hears(room, "The encryption identity of Anders Kjær changed on")

            # Room keys go on, in both directions, and what the bot says carries no warning.
            await anders.converse(room, "!case show", "Is this sagittal synostosis?")
            await anders.converse(room, CONSENT, REFUSED)
            await anders.converse(room, "!consent", REFUSED)
            shown = await anders.converse(chat, "!identity", REFUSED)
            assert " ".join((fingerprint[:4], fingerprint[4:8])) in shown.body

            settings = ["--config", str(place.settings)]
            await finish("ernbot", ["identity", "confirm", user_id, fingerprint[:8], *settings])
            await anders.hears(chat, "was confirmed by the administrator")
            await anders.converse(room, CONSENT, "Recorded")
            said = [event for event in anders.shown if event.sender == bot and event.type == "m.room.message"]
            assert [(event.encrypted, event.verdict) for event in said] == [(True, CLEAN)] * len(said)
