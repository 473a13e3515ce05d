"""Files that must not stay, or cannot be shown: taken away or left, always explained, and the case is as it was."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from ernbot.demo.clinician import Clinician
from ernbot.matrix.media import put
from ernbot.matrix.spool import EncryptedSpool
from tests.fixtures_installation import MAX_MEGABYTES, House
from tests.imaging.imaging_samples import nameless, photograph, sample

pytestmark = pytest.mark.homeserver

LEAD = "elin.sandberg"
PICTURE = photograph(Image.new("RGB", (64, 48), "tan"), "PNG")
SCAN = nameless("phantom/ct_phantom_explicit.dcm")
REMOVED, KEPT = "taken the file out", "stays in the room"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(shared_house: House) -> str:
    return await shared_house.case(LEAD)


async def is_there(reader: Clinician, room: str, event_id: str) -> bool:
    event = await reader.gateway.request("GET", f"/_matrix/client/v3/rooms/{room}/event/{event_id}")
    return "ciphertext" in event["content"]


async def check(house: House, room: str, event_id: str, sentence: str, fate: str) -> None:
    """The answer to a file, what became of it, and that nothing of it is in the case."""
    lead = await house.person(LEAD)
    answer = await house.answer(lead, event_id)
    assert sentence in answer.body
    assert fate in answer.body
    assert answer.encrypted
    assert await is_there(lead, room, event_id) is (fate == KEPT)
    _, files = await house.look(room, LEAD)
    assert event_id not in {file.event_id for file in files}


@pytest.mark.parametrize(
    ("name", "mimetype", "data", "sentence", "fate"),
    [
        ("empty.dcm", "application/dicom", b"", "This file is empty", REMOVED),
        ("scan.dcm", "application/dicom", PICTURE, "calls itself application/dicom but is PNG", REMOVED),
        ("face.png", "image/png", SCAN, "calls itself image/png but is DICOM", REMOVED),
        ("big.png", "image/png", PICTURE + bytes(MAX_MEGABYTES * 2**20), "larger than 1 MB", REMOVED),
        ("named.dcm", "application/dicom", sample("planted/planted_ct.dcm"), "tells who the patient is", REMOVED),
        ("short.dcm", "application/dicom", SCAN[:600], "damaged or incomplete", REMOVED),
        ("letter.txt", "text/plain", b"Dear colleague", "there is no preview", KEPT),
        ("noise.bin", "application/octet-stream", secrets.token_bytes(4096), "there is no preview", KEPT),
    ],
)
async def test_a_file_that_cannot_be_shown(
    shared_house: House, room: str, name: str, mimetype: str, data: bytes, sentence: str, fate: str
) -> None:
    lead = await shared_house.person(LEAD)
    await check(shared_house, room, await lead.drop(room, name, mimetype, data), sentence, fate)


GARBAGE: dict[str, dict[str, Any]] = {
    "no file": {"file": None},
    "a list": {"file": []},
    "an unencrypted file": {"file": None, "url": "mxc://ern.localhost/abcdef"},
    "no address": {"url": None},
    "an address of elsewhere": {"url": "https://ern.localhost/secret"},
    "an address that climbs": {"url": "mxc://ern.localhost/../../../_synapse/admin/v1/rooms"},
    "an address with a query": {"url": "mxc://ern.localhost/abc?timeout_ms=0"},
    "an unknown address": {"url": "mxc://ern.localhost/NothingIsHere"},
    "another server": {"url": "mxc://elsewhere.invalid/abcdef"},
    "no key": {"key": None},
    "a number for a key": {"key": {"k": 7}},
    "a key that is no base64": {"key": {"k": "*" * 43}},
    "a key of letters that no base64 has": {"key": {"k": "ø" * 43}},
    "a short key": {"key": {"k": "AAAA"}},
    "another key": {"key": {"k": "A" * 43}},
    "no hash": {"hashes": {}},
    "a hash that is no base64": {"hashes": {"sha256": "*ø"}},
    "another hash": {"hashes": {"sha256": "A" * 43}},
    "no counter": {"iv": None},
    "a short counter": {"iv": "AAAA"},
    "a counter that is no base64": {"iv": "*" * 22},
}


@pytest.mark.parametrize("change", GARBAGE.values(), ids=GARBAGE.keys())
async def test_an_attachment_whose_address_or_keys_are_garbage(
    shared_house: House, room: str, change: dict[str, Any]
) -> None:
    lead = await shared_house.person(LEAD)
    file = await put(lead.gateway, PICTURE)
    content: dict[str, Any] = {"msgtype": "m.image", "body": "x.png", "info": {"mimetype": "image/png"}}
    content |= change if "file" in change else {"file": {**file, **change}}
    event_id = await lead.send(room, content)
    # With a wrong key there is a plaintext, only not one that is a picture.
    wrong = change == GARBAGE["another key"]
    await check(
        shared_house,
        room,
        event_id,
        "there is no preview" if wrong else "could not open this attachment",
        KEPT if wrong else REMOVED,
    )


async def test_a_tampered_ciphertext(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    file = await put(lead.gateway, PICTURE)
    ciphertext = b"".join([piece async for piece in lead.gateway.download(file["url"])])
    tampered = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    with EncryptedSpool.fresh() as spooled:
        await spooled.append(tampered)
        file["url"] = await lead.gateway.upload(spooled.ciphertext(), spooled.size)
    content = {"msgtype": "m.image", "body": "x.png", "file": file, "info": {"mimetype": "image/png"}}
    await check(shared_house, room, await lead.send(room, content), "could not open this attachment", REMOVED)


async def test_a_file_in_a_direct_chat_is_not_looked_at(shared_house: House) -> None:
    lead, chat = await shared_house.chat(LEAD)
    dropped = await lead.drop(chat, "scan.dcm", "application/dicom", SCAN)
    assert "room of a case only" in (await shared_house.answer(lead, dropped)).body


async def test_after_all_that_a_good_file_is_shown(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
    assert "DICOM" in (await shared_house.answer(lead, dropped)).body
    _, files = await shared_house.look(room, LEAD)
    assert [file.event_id for file in files] == [dropped]
