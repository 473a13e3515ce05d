"""The bot and a client that is not ours, on a whole installation: what Element's own crypto takes and gives.

A client that gives keys to signed devices only, and shows only what signed devices sent (MSC4153), must be able to work
with the bot. That the client is as strict as that is itself shown, by a device that it ignores until it is signed.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from PIL import Image

from ernbot.demo.clinician import Clinician
from ernbot.demo.installation import DEVICE_ID, Installation, installation
from ernbot.matrix.errors import Undecryptable
from ernbot.matrix.identity import Identity, ensure_identity
from tests.interop.strict_client import CLEAN, StrictClient, strict_client

pytestmark = pytest.mark.homeserver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation of its own with a running bot."""
    async with installation(tmp_path_factory.mktemp("interop")) as running:
        await running.start_bot()
        yield running


def _person(place: Installation, localpart: str) -> AbstractAsyncContextManager[StrictClient]:
    user_id = f"@{localpart}:{place.homeserver.server_name}"
    log = place.folder / "log" / f"{localpart}.log"
    return strict_client(place.homeserver.url, user_id, place.passwords[user_id], log)


def _assert_clean(person: StrictClient, sender: str) -> None:
    """Everything that somebody said came encrypted, could be read, and carries no warning."""
    said = [event for event in person.shown if event.sender == sender and event.type.startswith("m.room.")]
    said = [event for event in said if event.type != "m.room.redaction"]
    assert said
    assert [(event.encrypted, event.verdict) for event in said] == [(True, CLEAN)] * len(said)


def _photograph() -> bytes:
    picture = io.BytesIO()
    Image.radial_gradient("L").resize((320, 240)).save(picture, "PNG")
    return picture.getvalue()


async def test_a_case_is_opened_with_a_strict_client(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "anders.kjaer") as anders:
        chat = await anders.ask("open_chat", user=bot)
        await anders.hears(chat, "Hello")
        await anders.converse(chat, "!help", "What you can do here")

        others = len(anders.invitations)
        await anders.say(chat, "!case new ern-cranio Is this sagittal synostosis?")
        room = await anders.invited(after=others)
        await anders.ask("join", room=room)
        await anders.hears(room, "Is this sagittal synostosis?")
        consent = "!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-31"
        await anders.converse(room, consent, "Recorded")

        dropped = await anders.drop(room, "photograph.png", "image/png", _photograph())
        line = await anders.sees(
            lambda event: event.content.get("m.relates_to") == {"m.in_reply_to": {"event_id": dropped}},
            "an answer to the photograph",
        )
        edit = {"rel_type": "m.replace", "event_id": line.event_id}
        shown = await anders.sees(lambda event: event.content.get("m.relates_to") == edit, "the photograph itself")
        preview = replace(shown, content=shown.content["m.new_content"])
        assert preview.content["msgtype"] == "m.image", preview.body
        with Image.open(io.BytesIO(await anders.open_file(preview))) as picture:
            info = preview.content["info"]
            assert (picture.width, picture.height) == (info["w"], info["h"]) == (320, 240)
        _assert_clean(anders, bot)


async def test_the_bot_keeps_its_device_and_identity_over_a_sudden_restart(place: Installation) -> None:
    bot = place.homeserver.bot_user_id
    async with _person(place, "mette.holm") as mette:
        chat = await mette.ask("open_chat", user=bot)
        await mette.hears(chat, "Hello")
        before = await mette.ask("look_at", user=bot)
        assert [(device["device_id"], device["signed"]) for device in before["devices"]] == [(DEVICE_ID, True)]
        assert before["fingerprint"]

        assert place.bot is not None
        await place.bot.kill()
        await mette.say(chat, "!help")
        seen = len(mette.shown)
        await place.start_bot()
        await mette.hears(chat, "What you can do here", after=seen)
        await mette.converse(chat, "!case", "needs one more word")

        assert await mette.ask("look_at", user=bot) == before
        assert before["identity_changed"] is False
        _assert_clean(mette, bot)


async def test_the_strict_client_ignores_a_device_until_it_is_signed(place: Installation) -> None:
    """The control: without the signature, the same device in the same room gets no key and is not shown."""
    url = place.homeserver.url
    saskia_id = f"@saskia.devries:{place.homeserver.server_name}"
    folder = place.folder / "people"
    saskia = await Clinician.login(url, saskia_id, place.passwords[saskia_id], folder, signed=False)
    try:
        async with _person(place, "freja.lund") as freja:
            others = set(saskia.invitations)
            opening = asyncio.create_task(freja.ask("open_chat", user=saskia_id))
            await saskia.join(await saskia.invited(others))
            chat = await opening

            kept = await freja.say(chat, "for signed devices only")
            shouted = await saskia.say(chat, "from an unsigned device")
            unsigned = await freja.sees(lambda event: event.event_id == shouted, "the message of the unsigned device")
            assert unsigned.failure == "UNSIGNED_SENDER_DEVICE"
            assert "unsigned device" not in json.dumps(unsigned.content)
            await saskia.hears(chat, "from an unsigned device")  # and so has received what came before it
            path = f"/_matrix/client/v3/rooms/{quote(chat)}/event/{quote(kept)}"
            locked = await saskia.gateway.request("GET", path)
            async with saskia.store.transaction() as tx:
                with pytest.raises(Undecryptable, match="no-key"):
                    await saskia.machine.decrypt(tx, chat, locked)

            await ensure_identity(saskia.gateway, saskia.machine.olm, Identity.generate(saskia_id))
            await freja.ask("wait_for_signature", user=saskia_id)
            await freja.say(chat, "now for you as well")
            assert (await saskia.hears(chat, "now for you as well")).trusted
            await saskia.say(chat, "from a signed device")
            assert (await freja.hears(chat, "from a signed device")).verdict == CLEAN
    finally:
        await saskia.close()


async def test_without_node_the_tests_say_what_to_install(
    place: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"need Node\.js 20 or newer: install it"):
        async with _person(place, "anders.kjaer"):
            pass
