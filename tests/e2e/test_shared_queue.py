"""The queue in real rooms, on PostgreSQL: a slide that takes long, a machine that helps, a bot that dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from PIL import Image

from bench._slides import side_for, write_slide
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.process import Process
from tests.e2e.slow_media import LARGE, SlowMedia
from tests.fixtures_database import Cluster
from tests.fixtures_installation import PATIENCE, House, eventually, house
from tests.imaging.imaging_samples import nameless, photograph

pytestmark = [pytest.mark.homeserver, pytest.mark.postgresql]

LEAD = "freja.lund"
SCAN = nameless("phantom/ct_phantom_explicit.dcm")
FACE = photograph(Image.new("RGB", (64, 48), "tan"))
HOURGLASS = "⏳"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An installation on PostgreSQL."""
    await postgresql.create("e2e_queue")
    async with house(tmp_path_factory.mktemp("house"), database=postgresql.url("e2e_queue")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(place: House) -> str:
    return await place.case(LEAD)


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A slide just large enough for the lanes of large files."""
    path = tmp_path_factory.mktemp("slide") / "made.svs"
    write_slide(path, side_for(LARGE + 2**21), named=False)
    data = path.read_bytes()
    assert len(data) > LARGE
    return data


def signs(house: House, reader: Clinician, event_id: str) -> list[Seen]:
    """The hourglasses of the bot on an event."""
    found = []
    for seen in reader.seen:
        relation = seen.content.get("m.relates_to") if seen.type == "m.reaction" and seen.sender == house.bot else None
        if isinstance(relation, dict) and (relation.get("event_id"), relation.get("key")) == (event_id, HOURGLASS):
            found.append(seen)
    return found


def taken_back(reader: Clinician, event_id: str) -> Seen | None:
    found = (seen for seen in reader.seen if seen.type == "m.room.redaction" and seen.content["redacts"] == event_id)
    return next(found, None)


async def test_a_slide_that_takes_long_shows_it_and_holds_up_no_photograph(
    place: House, room: str, slide: bytes
) -> None:
    lead = await place.person(LEAD)
    before = place.place.settings.read_text()
    async with SlowMedia(place.url).running() as media:
        await place.place.stop_bot()
        place.place.settings.write_text(before.replace(place.url, media.url))
        await place.place.start_bot()
        try:
            slides = [await lead.drop(room, f"{number}.svs", "image/tiff", slide) for number in range(3)]

            async def both_lanes_are_taken() -> bool:
                return media.asked == 2

            def shown() -> list[Seen]:
                return [sign for event in slides for sign in signs(place, lead, event)]

            await eventually(both_lanes_are_taken, "two slides under way")
            photo = await lead.drop(room, "face.jpg", "image/jpeg", FACE)
            assert "preview follows" in (await place.answer(lead, photo)).body
            await lead.wait(lambda: len(shown()) == 2 or None, "two hourglasses", PATIENCE)
            assert [place.answers(lead, event) for event in slides] == [[], [], []]
            assert media.asked == 2, "the third slide waits, and leaves the other lanes to small files"
            media.go.set()
            for event in slides:
                assert "SVS" in (await place.answer(lead, event)).body
            for sign in shown():
                await lead.wait(partial(taken_back, lead, sign.event_id), "the hourglass to go", PATIENCE)
        finally:
            await place.place.stop_bot()
            place.place.settings.write_text(before)
            await place.place.start_bot()


async def test_another_machine_looks_at_files_and_takes_over_those_of_a_killed_bot(place: House, room: str) -> None:
    lead = await place.person(LEAD)
    await place.kill_bot()
    log = place.place.folder / "log" / "previews.log"
    arguments = ["previews", "--config", str(place.place.settings)]
    helper = await Process.start("ernbot", arguments, log, ready="ready")
    try:
        await place.place.start_bot()
        dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
        await asyncio.sleep(2.05)  # it has just become due
        await place.kill_bot()
        async with place.store() as store:

            async def is_done() -> bool:
                async with store.transaction() as tx:
                    return await tx.next_job_at() is None

            await eventually(is_done, "the other machine")
        await place.place.start_bot()
        assert "DICOM" in (await place.answer(lead, dropped)).body
        await place.is_well(LEAD)
        assert len(place.answers(lead, dropped)) == 1
    finally:
        await helper.stop()
    assert "Traceback" not in log.read_text()


async def test_a_killed_bot_goes_on_with_its_files(place: House, room: str) -> None:
    lead = await place.person(LEAD)
    for pause in (0.3, 2.1):
        dropped = await lead.drop(room, "scan.dcm", "application/dicom", SCAN)
        await asyncio.sleep(pause)
        await place.kill_bot()
        await place.place.start_bot()
        assert "DICOM" in (await place.answer(lead, dropped)).body
        await place.is_well(LEAD)
        assert len(place.answers(lead, dropped)) == 1


def test_no_log_shows_a_traceback(place: House) -> None:
    for log in sorted((place.place.folder / "log").glob("bot-*.log")):
        assert "Traceback" not in log.read_text(), log.name
