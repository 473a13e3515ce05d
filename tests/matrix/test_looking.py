"""From dropped files to what is said of them: real files and a real sandbox, without a homeserver."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from typing import Any, cast

import numpy as np
import pydicom
import pytest
import pytest_asyncio
from PIL import Image

from ernbot.commands import files
from ernbot.commands.effects import Announce, Message, PassOn, React, Redact, ShowFile, TakeBack
from ernbot.commands.office import Office
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.imaging.worker import Previewer
from ernbot.matrix import looking as looking_module
from ernbot.matrix.events import Attachment
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.looking import MAX_ATTEMPTS, Looking
from ernbot.matrix.render import render
from ernbot.matrix.spool import EncryptedSpool
from ernbot.storage.records import CaseFile, ImageJob
from ernbot.storage.store import Store
from tests.commands.chat import ANDERS, CONSENT, Chat
from tests.imaging.czi_samples import czi, section
from tests.imaging.folder_samples import mirax, packed
from tests.imaging.imaging_samples import dicom, edited, nameless, photograph, sample
from tests.imaging.test_imaging_archives import named_photo
from tests.imaging.test_imaging_worker import deflate_bomb

SCAN = nameless("phantom/ct_phantom_explicit.dcm")
NAMED = sample("planted/planted_ct.dcm")
FACE = photograph(Image.new("RGB", (64, 48), "tan"))
RAMP = np.arange(256).reshape(16, 16)
WORKER = "test"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def previewer() -> AsyncIterator[Previewer]:
    async with Previewer(workers=1, max_bytes=2**22) as previewer:
        yield previewer


@dataclass
class Desk:
    """A bot whose attachments are in a dictionary instead of a media repository."""

    chat: Chat
    previewer: Previewer
    identified: Any = "ask"
    media: dict[str, bytes] = field(default_factory=dict)
    outages: list[Exception] = field(default_factory=list)

    @property
    def looking(self) -> Looking:
        office: Office = replace(self.chat.office, identified=self.identified)
        return Looking(
            cast(Gateway, None),
            self.chat.store,
            office,
            self.previewer,
            clock=lambda: self.chat.now,
            wake_sender=lambda: None,
        )

    async def spool(self, _gateway: object, file: Attachment, *, limit: int) -> EncryptedSpool:
        if self.outages:
            raise self.outages.pop(0)
        if file.url not in self.media:
            raise Refused("file-unreadable")
        spool = EncryptedSpool.fresh()
        await spool.write(self.media[file.url])
        return spool

    async def put_spool(self, _gateway: object, spool: EncryptedSpool) -> dict[str, Any]:
        url = f"mxc://copies/{len(self.media)}"
        self.media[url] = await spool.read_at(0, spool.size)
        return {"url": url}

    async def drop(self, *contents: bytes, mimetype: str = "application/octet-stream", name: str = "x") -> list[str]:
        """Anders drops files; their events."""
        events = []
        for content in contents:
            url = f"mxc://hospital.example/{len(self.media)}"
            self.media[url] = content
            message = {
                "msgtype": "m.file",
                "body": name,
                "file": {"url": url},
                "info": {"mimetype": mimetype},
            }
            async with self.chat._heard(ANDERS, self.chat.room, None, ()) as ctx:
                assert await files.collect(ctx, message)
            events.append(self.chat.event)
        self.chat.later(seconds=2)
        return events

    async def take(self) -> ImageJob:
        async with self.chat.store.transaction() as tx:
            job = await tx.take_job(WORKER, self.chat.now, timedelta(minutes=1), largest=2**40)
        assert job is not None
        return job

    async def look(self) -> None:
        """Work off one job and deliver what follows."""
        self.chat._first = len(self.chat.done)
        await self.looking.look(await self.take(), WORKER)
        await self.chat.deliver()

    async def stored(self) -> list[CaseFile]:
        async with self.chat.store.transaction() as tx:
            return await tx.files((await tx.places())[0].case_id)

    async def is_idle(self) -> bool:
        async with self.chat.store.transaction() as tx:
            return await tx.next_job_at() is None

    def shown(self) -> list[str]:
        """What the last job showed."""
        return [render(show.caption, "en").body.split("\n")[0] for show in self.chat.new_effects(ShowFile)]


@pytest.fixture
async def desk(sqlite_store: Store, previewer: Previewer, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(Chat(sqlite_store), previewer)
    monkeypatch.setattr(looking_module, "spool", desk.spool)
    monkeypatch.setattr(looking_module, "put_spool", desk.put_spool)
    await desk.chat.opened()
    await desk.chat.here(ANDERS, CONSENT.replace("care", "images"))
    return desk


async def test_files_of_several_kinds_are_each_answered(desk: Desk) -> None:
    """What belongs to nothing does not spoil the rest, and what is refused alike is refused in one sentence."""
    await desk.drop(SCAN, FACE, b"a letter", b"another letter", bytes(128) + b"DICM" + b"garbage" * 99)
    await desk.look()
    assert sorted(line.split(" · ")[1] for line in desk.shown()) == ["DICOM", "JPEG"]
    said = [answer.text for answer in desk.chat.answers(desk.chat._first) if "there is no preview" in answer.text]
    assert len(said) == 1
    assert "The 2 files themselves stay" in said[0]
    assert await desk.is_idle()


async def test_a_named_file_leaves_the_room_before_its_sender_is_asked(desk: Desk) -> None:
    (event,) = await desk.drop(NAMED)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert "PatientName" in desk.chat.last.text
    assert "Shall I post a copy" in desk.chat.last.text
    assert await desk.stored() == []
    await desk.chat.here(ANDERS, "yes")
    await desk.look()
    assert desk.chat.new_effects(Redact) == [], "it is gone already"
    kinds = [type(done.effect) for done in desk.chat.done[desk.chat._first :]]
    assert kinds == [PassOn, ShowFile]
    (file,) = await desk.stored()
    copy = desk.media[file.content["file"]["url"]]
    dataset = pydicom.dcmread(BytesIO(copy))
    assert dataset.PatientIdentityRemoved == "YES"
    assert b"PHANTOM" not in copy
    assert file.content["body"] == "copy-1.dcm"
    assert file.event_id == event
    assert await desk.is_idle()


async def test_follow_up_scans_of_a_case_still_belong_together(desk: Desk) -> None:
    """The secret of the case decides the replacements."""
    desk.identified = "clean"
    patients = set()
    for _ in range(2):
        await desk.drop(NAMED)
        await desk.look()
    for file in await desk.stored():
        dataset = pydicom.dcmread(BytesIO(desk.media[file.content["file"]["url"]]))
        patients.add((dataset.PatientID, dataset.StudyInstanceUID))
    assert len(patients) == 1


async def test_a_policy_cleans_without_a_question(desk: Desk) -> None:
    desk.identified = "clean"
    (event,) = await desk.drop(NAMED)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert len(desk.shown()) == 1
    (told,) = desk.chat.new_effects(Message)
    words = render(told.reply, "en").body
    assert words.startswith("This file tells who the patient is: ")
    assert words.endswith("I have taken the file out of the room.\n\nA copy without these follows.")
    assert len(await desk.stored()) == 1


async def test_a_policy_refuses(desk: Desk) -> None:
    desk.identified = "refuse"
    (event,) = await desk.drop(NAMED)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert desk.chat.last.text.endswith("drop it here again.\n\nI have taken the file out of the room.")
    assert await desk.is_idle()


async def test_one_named_file_takes_its_whole_group_out(desk: Desk) -> None:
    events = await desk.drop(SCAN, NAMED)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event) for event in events]
    async with desk.chat.store.transaction() as tx:
        (job,) = await tx.asked_jobs(desk.chat.room, ANDERS)
        assert [original.event_id for original in await tx.originals(job.id)] == events


async def test_a_named_photograph_is_cleaned_and_announced(desk: Desk) -> None:
    desk.identified = "clean"
    await desk.drop(named_photo("Jane Doe"), mimetype="image/jpeg")
    await desk.look()
    kinds = [type(done.effect) for done in desk.chat.done[desk.chat._first :]]
    assert kinds == [Redact, Message, PassOn, Announce, ShowFile]


# --- slides of which there is an overview and no copy

SLIDE = czi(section(1024, (1,)))


async def test_a_slide_with_its_label_leaves_and_its_overview_stays(desk: Desk) -> None:
    desk.identified = "clean"
    (event,) = await desk.drop(SLIDE, name="Jane Doe.czi")
    await desk.look()
    kinds = [type(done.effect) for done in desk.chat.done[desk.chat._first :]]
    assert kinds == [Redact, Message, ShowFile]
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    (told,) = desk.chat.new_effects(Message)
    words = render(told.reply, "en").body
    assert words.startswith("This slide file holds the picture of its label, which I cannot take out of it.")
    assert words.endswith("I have taken the file out of the room.\n\nAn overview without the label follows.")
    (line,) = desk.shown()
    assert "Whole slide · CZI" in line
    assert "only the overview is kept here" in line
    (file,) = await desk.stored()
    assert (file.content, file.originals) == ({}, ())
    assert file.preview is not None
    assert [url for url in desk.media if "copies" in url] == [], "nothing of it was uploaded again"
    assert await desk.is_idle()


async def test_its_sender_is_asked_for_the_overview(desk: Desk) -> None:
    (event,) = await desk.drop(SLIDE)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert "Shall I post an overview without the label?" in desk.chat.last.text
    assert await desk.stored() == []
    await desk.chat.here(ANDERS, "yes")
    await desk.look()
    assert [type(done.effect) for done in desk.chat.done[desk.chat._first :]] == [ShowFile]
    assert await desk.is_idle()


async def test_by_policy_it_is_refused(desk: Desk) -> None:
    desk.identified = "refuse"
    (event,) = await desk.drop(SLIDE)
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert "Please export it as SVS or DICOM, without the label" in desk.chat.last.text
    assert await desk.stored() == []
    assert await desk.is_idle()


async def test_alone_in_an_archive_it_is_shown_and_beside_others_left_out(desk: Desk) -> None:
    desk.identified = "clean"
    await desk.drop(zipped(("Jane Doe/Jane Doe.czi", SLIDE)), mimetype="application/zip")
    await desk.look()
    assert [type(done.effect) for done in desk.chat.done[desk.chat._first :]] == [Redact, Message, ShowFile]
    await desk.drop(zipped(("1.czi", SLIDE), ("2.dcm", SCAN)), mimetype="application/zip")
    await desk.look()
    assert [type(done.effect) for done in desk.chat.done[desk.chat._first :]] == [Redact, Message, PassOn, ShowFile]
    assert "names could not be taken out: 1" in desk.shown()[0]


async def test_a_slide_that_is_a_folder_is_treated_alike(desk: Desk) -> None:
    desk.identified = "clean"
    await desk.drop(packed(mirax()), mimetype="application/zip")
    await desk.look()
    assert [type(done.effect) for done in desk.chat.done[desk.chat._first :]] == [Redact, Message, ShowFile]
    assert "Whole slide · MIRAX" in desk.shown()[0]
    (file,) = await desk.stored()
    assert (file.content, file.originals) == ({}, ())


async def test_who_comes_later_sees_the_overview_alone(desk: Desk) -> None:
    desk.identified = "clean"
    await desk.drop(SLIDE)
    await desk.look()
    (file,) = await desk.stored()
    desk.chat._first = len(desk.chat.done)
    async with desk.chat._heard(ANDERS, desk.chat.room, None, ()) as ctx:
        await files.show(ctx, await ctx.case(Action.READ), [file], originals=True)
    await desk.chat.deliver()
    assert desk.chat.new_effects(PassOn) == []
    assert len(desk.shown()) == 1


# --- archives


def zipped(*entries: tuple[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    return file.getvalue()


async def test_an_archive_that_names_the_patient_is_replaced_by_a_copy(desk: Desk) -> None:
    """Its members are numbered; what cannot be cleaned is left out, and the room is told."""
    desk.identified = "clean"
    named = [(f"HANSEN_PETER/{number}.dcm", edited(NAMED, SOPInstanceUID=f"1.2.{number}")) for number in range(2)]
    broken, inside = ("b.jpg", FACE[:10]), ("inside.zip", zipped(("a", SCAN)))
    (event,) = await desk.drop(zipped(*named, ("README.txt", b"Hansen"), broken, inside), mimetype="application/zip")
    await desk.look()
    kinds = [type(done.effect) for done in desk.chat.done[desk.chat._first :]]
    assert kinds == [Redact, Message, PassOn, ShowFile]
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    (message,) = desk.chat.new_effects(Message)
    assert "who the patient is: FileName, PatientBirthDate, PatientID, PatientName" in render(message.reply, "en").body
    (line,) = desk.shown()
    for remark in (
        "names could not be taken out: 1",
        "archives in the archive left out: 1",
        "damaged files left out: 1",
    ):
        assert remark in line
    (file,) = await desk.stored()
    assert file.content["body"] == "copy-1.zip"
    assert file.content["info"]["mimetype"] == "application/zip"
    copy = desk.media[file.content["file"]["url"]]
    assert b"HANSEN" not in copy
    with zipfile.ZipFile(BytesIO(copy)) as archive:
        assert archive.namelist() == ["00001.dcm", "00002.dcm"]
        for member in archive.namelist():
            assert b"PHANTOM" not in archive.read(member)
            assert pydicom.dcmread(BytesIO(archive.read(member))).PatientIdentityRemoved == "YES"


async def test_a_broken_member_is_left_out_after_a_yes_and_the_rest_is_posted(desk: Desk) -> None:
    await desk.drop(zipped(("IM1", SCAN), ("b.jpg", FACE[:10])), mimetype="application/zip")
    await desk.look()
    assert desk.chat.last.text.startswith("One file in this archive cannot be searched for names, so")
    assert "Shall I post a copy" in desk.chat.last.text
    await desk.chat.here(ANDERS, "yes")
    await desk.look()
    assert len(desk.shown()) == 1
    assert "damaged files left out: 1" in desk.shown()[0]


async def test_by_policy_the_sender_of_an_unsearched_archive_is_told_before_the_copy_comes(desk: Desk) -> None:
    desk.identified = "clean"
    entries = ("IM1", SCAN), ("b.jpg", FACE[:10]), ("README.txt", b"Hansen")
    await desk.drop(zipped(*entries), mimetype="application/zip")
    await desk.look()
    kinds = [type(done.effect) for done in desk.chat.done[desk.chat._first :]]
    assert kinds == [Redact, Message, PassOn, ShowFile]
    (told,) = desk.chat.new_effects(Message)
    assert render(told.reply, "en").body == (
        "2 files in this archive cannot be searched for names, so the archive must not stay.\n\n"
        "I have taken the file out of the room.\n\nA copy with the other files follows."
    )


async def test_by_policy_an_archive_is_refused(desk: Desk) -> None:
    desk.identified = "refuse"
    (event,) = await desk.drop(zipped(("HANSEN_PETER/1", SCAN)), mimetype="application/zip")
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert "FileName" in desk.chat.last.text
    assert await desk.is_idle()


@pytest.mark.parametrize(("name", "said"), [("zip_bomb", "too much time"), ("zip_names", "overwrite files")])
async def test_a_hostile_archive_is_never_cleaned(desk: Desk, name: str, said: str) -> None:
    desk.identified = "clean"
    (event,) = await desk.drop(sample(f"hostile/{name}.zip"))
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert said in desk.chat.last.text
    assert await desk.stored() == []


async def test_one_file_of_a_series_that_cannot_be_cleaned_does_not_keep_the_others_back(desk: Desk) -> None:
    desk.identified = "clean"
    index = sample("hostile/DICOMDIR_traversal")
    await desk.drop(edited(NAMED, SOPInstanceUID="1.2.1"), edited(NAMED, SOPInstanceUID="1.2.2"), index)
    await desk.look()
    (file,) = await desk.stored()
    assert [original.content["body"] for original in file.originals] == ["copy-1.dcm", "copy-2.dcm"]


async def test_a_file_that_is_called_like_somebody_is_asked_about(desk: Desk) -> None:
    (event,) = await desk.drop(SCAN, name="HANSEN_PETER.dcm")
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    assert "who the patient is: FileName" in desk.chat.last.text
    await desk.chat.here(ANDERS, "yes")
    await desk.look()
    (file,) = await desk.stored()
    assert file.content["body"] == "copy-1.dcm"


async def written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A scan in which the bot sees writing."""
    real = desk.previewer.previews

    async def seen(*arguments: Any, **options: Any) -> Any:
        return [
            replace(preview, writing=3, places=("top-left", "bottom")) for preview in await real(*arguments, **options)
        ]

    monkeypatch.setattr(desk.previewer, "previews", seen)
    events = await desk.drop(SCAN)
    await desk.look()
    return events


@pytest.mark.parametrize("answer", ["no", "yes"])
async def test_writing_is_for_the_sender_to_look_at(desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    events = await written(desk, monkeypatch)
    assert desk.chat.new_effects(Redact) == [Redact(event) for event in events]
    assert desk.chat.last.text.startswith("I see writing in this file")
    assert "Where I see it in the picture:\n\ntop left · bottom" in desk.chat.last.text
    await desk.chat.here(ANDERS, answer)
    if answer == "yes":
        assert await desk.is_idle()
        assert await desk.stored() == []
        return
    await desk.look()
    assert desk.chat.new_effects(PassOn) == [PassOn(events[0])]
    assert len(desk.shown()) == 1


async def test_a_case_that_is_closed_while_its_file_waits(desk: Desk) -> None:
    chat = desk.chat
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    for user, confidence in (("@saskia.devries:hospital.example", 4), ("@piotr.zielinski:hospital.example", 3)):
        await chat.here(user, f"!opinion diagnosis=ORPHA:2343 recommendation=watch confidence={confidence}")
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome recommend Operate.")
    (event,) = await desk.drop(SCAN)
    await chat.here(ANDERS, "!outcome sign")
    await desk.look()
    assert chat.new_effects(Redact) == [Redact(event)]
    assert "State of the case: closed" in chat.last.text
    assert await desk.stored() == []


async def test_consent_that_is_withdrawn_while_a_photograph_is_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.previewer.previews

    async def slow(*arguments: Any, **options: Any) -> Any:
        found = await real(*arguments, **options)
        await desk.chat.here(ANDERS, "!consent withdraw images")
        return found

    monkeypatch.setattr(desk.previewer, "previews", slow)
    (event,) = await desk.drop(FACE)
    await desk.look()
    assert Redact(event) in desk.chat.effects(Redact)
    assert desk.chat.effects(ShowFile) == []
    assert await desk.stored() == []


async def test_care_that_is_withdrawn_while_a_scan_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = desk.previewer.previews

    async def slow(*arguments: Any, **options: Any) -> Any:
        found = await real(*arguments, **options)
        await desk.chat.here(ANDERS, "!consent withdraw care")
        return found

    monkeypatch.setattr(desk.previewer, "previews", slow)
    await desk.drop(SCAN)
    await desk.look()
    assert desk.chat.effects(ShowFile) == []
    assert await desk.is_idle()


async def test_whoever_was_overtaken_changes_nothing(desk: Desk) -> None:
    await desk.drop(SCAN)
    job = await desk.take()
    async with desk.chat.store.transaction() as tx:
        await tx.release_jobs(WORKER, desk.chat.now)
        assert await tx.take_job("another", desk.chat.now, timedelta(minutes=1), largest=2**40) is not None
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert desk.chat.effects(ShowFile) == []


async def test_after_three_tries_the_sender_is_told(desk: Desk) -> None:
    (event,) = await desk.drop(SCAN)
    for _ in range(MAX_ATTEMPTS):
        job = await desk.take()
        async with desk.chat.store.transaction() as tx:
            await tx.postpone_job(job.id, desk.chat.now, counts=True)
    await desk.look()
    assert desk.chat.last.text.startswith("I tried three times")
    assert Redact(event) in desk.chat.new_effects(Redact)
    assert await desk.is_idle()


async def test_a_sign_of_progress_goes_when_the_job_ends(desk: Desk) -> None:
    (event,) = await desk.drop(SCAN)
    job = await desk.take()
    await desk.looking.show_progress(job, WORKER)
    await desk.looking.show_progress(job, WORKER)
    await desk.chat.deliver()
    assert desk.chat.effects(React) == [React(event, "⏳")]
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert desk.chat.effects(TakeBack) == [TakeBack(f"job:{job.id}")]


async def signed(desk: Desk) -> ImageJob:
    """The job that is due, with a sign on its file."""
    job = await desk.take()
    await desk.looking.show_progress(job, WORKER)
    await desk.chat.deliver()
    desk.chat._first = len(desk.chat.done)
    return job


async def end(desk: Desk, job: ImageJob) -> list[TakeBack]:
    """Work the job off; what is taken back."""
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert await desk.is_idle()
    return desk.chat.new_effects(TakeBack)


@pytest.mark.parametrize("data", [FACE, b"01.020D2E1F4A5B6C7D8E9F00112233445566"])
async def test_a_file_of_a_slide_leaves_and_the_whole_is_asked_for(desk: Desk, data: bytes) -> None:
    """Also the small picture of section and label that is beside its folder."""
    (event,) = await desk.drop(data, mimetype="image/jpeg", name="JANE DOE.MRXS")
    await desk.look()
    assert desk.chat.new_effects(Redact) == [Redact(event)]
    words = (
        "This is only a part of a MIRAX slide. Please put the .mrxs file and the whole folder beside it into one zip"
    )
    assert desk.chat.last.text.startswith(words)
    assert "Or export the slide as SVS or DICOM" in desk.chat.last.text


@pytest.mark.parametrize("data", [b"no file that anybody knows", sample("hostile/tiff_size_lie.svs")])
async def test_the_sign_goes_when_a_file_is_refused(desk: Desk, data: bytes) -> None:
    await desk.drop(data)
    job = await signed(desk)
    assert await end(desk, job) == [TakeBack(f"job:{job.id}")]


async def test_the_sign_goes_when_a_worker_is_killed(desk: Desk) -> None:
    await desk.drop(deflate_bomb(1024))
    job = await signed(desk)
    worker = await desk.previewer._idle.get()
    desk.previewer._idle.put_nowait(worker)
    assert worker is not None
    ended = asyncio.create_task(end(desk, job))
    await asyncio.sleep(0.2)
    worker.process.kill()
    assert await ended == [TakeBack(f"job:{job.id}")]
    assert "too much time or memory" in desk.chat.last.text


async def test_the_sign_stays_over_a_restart_and_goes_when_the_job_ends(desk: Desk) -> None:
    await desk.drop(SCAN)
    await signed(desk)
    async with desk.chat.store.transaction() as tx:
        await tx.release_jobs(WORKER, desk.chat.now)
    job = await desk.take()
    await desk.looking.show_progress(job, WORKER)
    assert await end(desk, job) == [TakeBack(f"job:{job.id}")]
    assert desk.chat.new_effects(React) == [], "there is one already"


async def test_the_sign_goes_when_everything_failed(desk: Desk) -> None:
    await desk.drop(SCAN)
    for _ in range(MAX_ATTEMPTS):
        job = await signed(desk)
        async with desk.chat.store.transaction() as tx:
            await tx.postpone_job(job.id, desk.chat.now, counts=True)
    job = await desk.take()
    assert await end(desk, job) == [TakeBack(f"job:{job.id}")]


async def test_the_sign_goes_when_consent_is_withdrawn_and_none_comes_after(desk: Desk) -> None:
    await desk.drop(SCAN)
    job = await signed(desk)
    await desk.chat.here(ANDERS, "!consent withdraw care")
    assert desk.chat.new_effects(TakeBack) == [TakeBack(f"job:{job.id}")]
    desk.chat._first = len(desk.chat.done)
    await desk.looking.show_progress(job, WORKER)
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert not desk.chat.new_effects(React)
    assert not desk.chat.new_effects(TakeBack)


async def test_the_sign_is_on_the_answer_where_the_file_is_gone(desk: Desk) -> None:
    await desk.drop(NAMED)
    job = await signed(desk)
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert desk.chat.new_effects(TakeBack) == [TakeBack(f"job:{job.id}")]
    await desk.chat.here(ANDERS, "yes")
    answer, job = desk.chat.event, await desk.take()
    await desk.looking.show_progress(job, WORKER)
    await desk.chat.deliver()
    assert desk.chat.effects(React)[-1] == React(answer, "⏳")
    desk.chat._first = len(desk.chat.done)
    assert await end(desk, job) == [TakeBack(f"job:{job.id}")]


async def test_a_copy_without_a_question_is_announced_once(desk: Desk) -> None:
    desk.identified = "clean"
    (event,) = await desk.drop(NAMED)
    job = await desk.take()
    named = Refused("file-names-patient", kinds="PatientName")
    async with desk.chat.store.transaction() as tx:
        (original,) = await tx.originals(job.id)
    await desk.looking.take_out(job, WORKER, [original], follows=named)
    await desk.looking.show_progress(job, WORKER)  # the line says it: nobody sees a sign on what is redacted
    await desk.looking.look(job, WORKER)
    await desk.chat.deliver()
    assert len([m for m in desk.chat.effects(Message) if "A copy without" in render(m.reply, "en").body]) == 1
    assert React(event, "⏳") not in desk.chat.effects(React)


async def test_more_than_was_stated_does_not_fill_the_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_module, "MAX_BYTES", len(SCAN))
    monkeypatch.setattr(looking_module, "DOWNLOADS", 1)
    await desk.drop(SCAN, SCAN, SCAN)
    await desk.look()
    assert len(desk.shown()) == 1
    assert "taken the 2 files out of the room" in desk.chat.last.text
    assert await desk.is_idle()


async def test_an_attachment_that_is_gone_is_explained(desk: Desk) -> None:
    (event,) = await desk.drop(SCAN)
    desk.media.clear()
    await desk.look()
    assert "could not open this attachment" in desk.chat.last.text
    assert desk.chat.new_effects(Redact) == [Redact(event)]


async def test_an_unanswered_question_is_forgotten(desk: Desk) -> None:
    await desk.drop(NAMED)
    await desk.look()
    desk.chat.later(hours=25)
    await desk.look()
    assert desk.chat.last.text.startswith("Nobody answered my question")
    assert await desk.is_idle()


async def test_a_segmentation_is_drawn_over_what_is_in_the_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file refers to is handed to its decoder, from this case alone."""
    await desk.drop(dicom(RAMP, SOPInstanceUID="1.2.3.4"))
    await desk.look()
    (stored,) = await desk.stored()
    assert "1.2.3.4" in stored.uids
    real, given = desk.previewer.previews, []

    async def referring(sources: Any, *, references: Any = (), **options: Any) -> Any:
        given.append(len(references))
        return [replace(preview, refers=("1.2.3.4",)) for preview in await real(sources, **options)]

    monkeypatch.setattr(desk.previewer, "previews", referring)
    await desk.drop(dicom(RAMP, SOPInstanceUID="1.2.3.5"))
    await desk.look()
    assert given == [0, 1]
