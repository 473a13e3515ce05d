"""Files in a real room: one preview for a series, thumbnails that open, faces by edit, identifiers taken out."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from ernbot.commands.office import Office
from ernbot.demo.clinician import Clinician, Seen
from ernbot.locales import LANGUAGES
from ernbot.matrix.bot import WORKER, Account, look_at_files
from ernbot.matrix.events import Attachment
from ernbot.matrix.media import fetch
from tests.fixtures_installation import PATIENCE, House, eventually
from tests.imaging.imaging_samples import dicom, nameless, photograph, sample

pytestmark = pytest.mark.homeserver

LEAD, EXPERT, COORDINATOR = "freja.lund", "saskia.devries", "mette.holm"
SCAN = nameless("phantom/ct_phantom_explicit.dcm")
NAMED = sample("planted/planted_ct.dcm")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(shared_house: House) -> str:
    return await shared_house.case(LEAD)


def pictures(house: House, reader: Clinician, room: str) -> list[Seen]:
    """Every picture that the bot has shown in a room, edits included."""
    return [seen for seen in reader.seen if seen.room_id == room and seen.sender == house.bot and shown(seen)]


def shown(seen: Seen) -> dict[str, Any] | None:
    content = seen.content.get("m.new_content", seen.content)
    return content if isinstance(content, dict) and content.get("msgtype") == "m.image" else None


async def picture_after(house: House, reader: Clinician, room: str, before: int) -> Seen:
    """The next picture in a room, after so many."""
    return await reader.wait(lambda: next(iter(pictures(house, reader, room)[before:]), None), "a picture", PATIENCE)


async def opened(reader: Clinician, file: dict[str, Any], mimetype: str) -> Image.Image:
    keys = Attachment(file["url"], file["key"]["k"], file["iv"], file["hashes"]["sha256"], mimetype)
    return Image.open(io.BytesIO(await fetch(reader.gateway, keys, limit=2**24)))


async def is_gone(reader: Clinician, room: str, event_id: str) -> bool:
    event = await reader.gateway.request("GET", f"/_matrix/client/v3/rooms/{room}/event/{event_id}")
    return "ciphertext" not in event["content"]


def slices(count: int) -> list[bytes]:
    """A series of single files: a disc that grows."""
    down, across = np.mgrid[:64, :64] - 32
    common: dict[str, Any] = {
        "StudyInstanceUID": "1.2.826.0.1.3680043.10.999.1",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.10.999.2",
        "FrameOfReferenceUID": "1.2.826.0.1.3680043.10.999.3",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 2],
        "BodyPartExamined": "CHEST",
    }
    return [
        dicom(
            (down**2 + across**2 < (number + 5) ** 2) * 1000,
            **common,
            ImagePositionPatient=[0, 0, number * 3],
            InstanceNumber=number + 1,
        )
        for number in range(count)
    ]


async def test_a_series_of_single_files_is_shown_once(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    before = len(pictures(shared_house, lead, room))
    dropped = [await lead.drop(room, f"IM{n:04}", "application/dicom", data) for n, data in enumerate(slices(24))]
    seen = await picture_after(shared_house, lead, room, before)
    assert "Series" in seen.body
    assert "24" in seen.body
    await shared_house.is_well(LEAD)
    assert len(pictures(shared_house, lead, room)) == before + 1
    _, files = await shared_house.look(room, LEAD)
    assert [original.event_id for original in files[-1].originals] == dropped


async def test_a_scan_has_a_thumbnail_that_opens(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
    seen = await shared_house.answer(lead, dropped)
    info = seen.content["info"]
    assert len(info["xyz.amorgan.blurhash"]) > 6
    large = await opened(lead, seen.content["file"], info["mimetype"])
    assert large.size == (info["w"], info["h"])
    small = await opened(lead, info["thumbnail_file"], info["thumbnail_info"]["mimetype"])
    assert small.size == (info["thumbnail_info"]["w"], info["thumbnail_info"]["h"])
    assert seen.encrypted
    assert "DICOM" in seen.body, "the words are the caption, and what a screen reader says"


async def test_a_face_comes_as_an_edit_without_a_thumbnail(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    before = len(pictures(shared_house, lead, room))
    dropped = await lead.drop(room, "face.jpg", "image/jpeg", photograph(Image.new("RGB", (640, 480), "tan")))
    line = await shared_house.answer(lead, dropped)
    assert (line.body, line.content["msgtype"]) == ("Photograph, preview follows.", "m.notice")
    seen = await picture_after(shared_house, lead, room, before)
    assert seen.content["m.relates_to"] == {"rel_type": "m.replace", "event_id": line.event_id}
    assert seen.content["msgtype"] == "m.notice"
    assert "thumbnail_file" not in str(seen.content)
    content = shown(seen)
    assert content is not None
    assert (await opened(lead, content["file"], "image/jpeg")).size == (640, 480)
    raw = await lead.gateway.request("GET", f"/_matrix/client/v3/rooms/{room}/event/{seen.event_id}")
    assert raw["content"]["m.relates_to"]["rel_type"] == "m.replace", "homeservers see that it is an edit"


async def test_an_identified_scan_is_replaced_by_a_copy_after_a_yes(shared_house: House) -> None:
    room = await shared_house.case(LEAD, panel=[EXPERT])
    lead, expert = await shared_house.person(LEAD), await shared_house.person(EXPERT)
    dropped = await lead.drop(room, "named.dcm", "application/dicom", NAMED)
    question = await shared_house.answer(lead, dropped)
    assert "PatientName" in question.body
    assert "Shall I post a copy" in question.body
    assert await is_gone(lead, room, dropped)
    refused = await expert.say(room, "yes", reply_to=question.event_id)
    assert "Freja" in (await shared_house.answer(expert, refused)).body
    assert pictures(shared_house, lead, room) == []
    await shared_house.restart_bot()
    said = await lead.say(room, "Yes.")
    assert "follows in a moment" in (await shared_house.answer(lead, said)).body
    seen = await picture_after(shared_house, expert, room, 0)
    assert "DICOM" in seen.body
    copies = [each for each in expert.seen if each.room_id == room and each.body == "copy-1.dcm"]
    data = await expert.open_file(copies[0])
    assert data[128:132] == b"DICM"
    _, files = await shared_house.look(room, LEAD)
    assert [file.event_id for file in files] == [dropped]
    assert files[0].content["file"]["url"] == copies[0].content["file"]["url"]


def zipped(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    return file.getvalue()


async def test_an_archive_that_names_the_patient_is_replaced_by_a_copy(shared_house: House) -> None:
    room = await shared_house.case(LEAD, panel=[EXPERT])
    lead, expert = await shared_house.person(LEAD), await shared_house.person(EXPERT)
    study = [(f"HANSEN_PETER/IM{number:04}", data) for number, data in enumerate(slices(6))]
    data = zipped(*study, ("HANSEN_PETER/named", NAMED), ("README.txt", b"Hansen, Peter"))
    dropped = await lead.drop(room, "study.zip", "application/zip", data)
    question = await shared_house.answer(lead, dropped)
    assert "FileName, PatientBirthDate, PatientID, PatientName" in question.body
    assert await is_gone(lead, room, dropped)
    await lead.say(room, "yes")
    seen = await picture_after(shared_house, expert, room, 0)
    assert "Series" in seen.body
    last = await expert.hears(room, "could not be taken out: 1", sender=shared_house.bot, patience=PATIENCE)
    assert "DICOM" in last.body
    (copy,) = [each for each in expert.seen if each.room_id == room and each.body == "copy-1.zip"]
    with zipfile.ZipFile(io.BytesIO(await expert.open_file(copy))) as archive:
        assert archive.namelist() == [f"{number:05}.dcm" for number in range(1, 8)]
        for name in archive.namelist():
            assert b"PHANTOM" not in archive.read(name)


async def test_after_a_no_nothing_is_posted(shared_house: House, room: str) -> None:
    lead = await shared_house.person(LEAD)
    _, before = await shared_house.look(room, LEAD)
    dropped = await lead.drop(room, "named.dcm", "application/dicom", NAMED)
    question = await shared_house.answer(lead, dropped)
    odd = await lead.say(room, "perhaps", reply_to=question.event_id)
    assert "yes or no" in (await shared_house.answer(lead, odd)).body
    said = await lead.say(room, "no")
    assert "not posted" in (await shared_house.answer(lead, said)).body
    _, after = await shared_house.look(room, LEAD)
    assert len(after) == len(before)


async def test_a_job_goes_on_after_a_kill(shared_house: House, room: str) -> None:
    """The bot dies while it collects and while it looks; each file is answered once."""
    lead = await shared_house.person(LEAD)
    for pause in (0.3, 2.1):
        dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
        await asyncio.sleep(pause)
        await shared_house.kill_bot()
        await shared_house.place.start_bot()
        assert "DICOM" in (await shared_house.answer(lead, dropped)).body
        await shared_house.is_well(LEAD)
        assert len(shared_house.answers(lead, dropped)) == 1


async def test_another_machine_looks_at_files_while_the_bot_is_away(shared_house: House, room: str) -> None:
    """It shares nothing with the bot but the database and the homeserver."""
    house = shared_house
    lead = await house.person(LEAD)
    dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
    async with house.store() as store:

        async def is_due() -> bool:
            # Questions that nobody has answered yet are jobs too, and wait for a day.
            async with store.transaction() as tx:
                due = await tx.next_job_at()
            return due is not None and due < datetime.now(UTC) + timedelta(minutes=10)

        async def is_done() -> bool:
            return not await is_due()

        await eventually(is_due, "the file to be collected")
        await house.kill_bot()
        helper: asyncio.Task[None] | None = None
        try:
            async with store.transaction() as tx:
                await tx.release_jobs(WORKER, datetime.now(UTC))
            account = Account(house.url, house.bot, "ERNBOT", house.secret("bot_token"))
            office = Office(house.bot, house.place.directory, {}, LANGUAGES)
            helper = asyncio.create_task(look_at_files(account, store, office, preview_workers=1))
            await eventually(is_done, "the other machine")
        finally:
            if helper is not None:
                helper.cancel()
                await asyncio.gather(helper, return_exceptions=True)
            await house.place.start_bot()
    assert "DICOM" in (await house.answer(lead, dropped)).body


async def test_consent_that_is_withdrawn_while_a_photograph_waits(shared_house: House) -> None:
    room = await shared_house.case(LEAD)
    lead = await shared_house.person(LEAD)
    dropped = await lead.drop(room, "face.jpg", "image/jpeg", photograph(Image.new("RGB", (64, 48), "tan")))
    await shared_house.ask(lead, room, "!consent withdraw images")
    answer = await shared_house.answer(lead, dropped)
    if "preview follows" not in answer.body:
        assert "consent to identifiable images first" in answer.body

    async def gone() -> bool:
        return await is_gone(lead, room, dropped)

    await eventually(gone, "the photograph to leave the room")
    await shared_house.is_well(LEAD)
    for seen in pictures(shared_house, lead, room):
        assert await is_gone(lead, room, seen.event_id)


async def test_care_that_is_withdrawn_while_a_scan_waits(shared_house: House) -> None:
    await shared_house.chat(COORDINATOR)  # who is told
    room = await shared_house.case(LEAD)
    lead = await shared_house.person(LEAD)
    await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
    await shared_house.ask(lead, room, "!consent withdraw care")
    await asyncio.sleep(3)
    await shared_house.is_well(LEAD)
    assert pictures(shared_house, lead, room) == []
