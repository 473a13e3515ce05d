"""Files dropped into a case room: collected, shown or refused, and what people see who come later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from ernbot.commands import files
from ernbot.commands.captions import caption
from ernbot.commands.effects import Announce, Card, Effect, PassOn, Redact, ShowFile, TakeBack
from ernbot.core.errors import Refused
from ernbot.imaging import Facts, Preview, terms
from ernbot.imaging.model import Fact, Picture
from ernbot.locales import LANGUAGES
from ernbot.matrix.render import render
from ernbot.storage.records import ImageJob, Original, StoredPicture

from .chat import ANDERS, CONSENT, FREJA, METTE, PIOTR, SASKIA, SERVER, Chat

IMAGES = CONSENT.replace("care", "images")
CONTENT = {"msgtype": "m.file", "body": "scan", "file": {"url": "mxc://hospital.example/scan"}}


def scan(*, lossy: bool = False, frames: int = 1) -> Preview:
    """What the imaging worker makes of a scan."""
    facts = Facts("DICOM", "CT", "HEAD", 512, 400, frames, lossy)
    return Preview(facts, Picture(b"picture", "image/png", 512, 400), Picture(b"small", "image/png", 320, 250))


def face(format: str = "JPEG") -> Preview:
    """What it makes of a photograph."""
    facts = Facts(format, None, None, 512, 400, 1, lossy=False, kind="photograph", identifiable=True)
    return Preview(facts, Picture(b"face", "image/jpeg", 512, 400))


async def attach(chat: Chat, user: str, *previews: Preview, others: Sequence[str] = ()) -> str:
    """Drop files that are looked at together, as dispatch and a job handle them; the event of the first one."""
    async with chat._heard(user, chat.room, None, ()) as ctx:
        event = chat.event
        if await files.collect(ctx, CONTENT):
            originals = [Original(each, CONTENT) for each in (event, *others)]
            try:
                async with ctx.tx.savepoint():
                    await files.accept(ctx, originals, previews)
            except Refused as error:
                await files.refuse(ctx, error, originals)
    await chat.deliver()
    return event


def captions(chat: Chat) -> list[str]:
    return [render(show.caption, "en").body for show in chat.new_effects(ShowFile)]


async def collected(chat: Chat) -> list[ImageJob]:
    """Every job that is due sooner or later, in that order."""
    found = []
    async with chat.store.transaction() as tx:
        while job := await tx.take_job("test", chat.now + timedelta(days=1), timedelta(days=9), largest=2**62):
            found.append(job)
    return found


async def drop(chat: Chat, user: str, content: dict[str, Any] | None = None, *, room: str | None = None) -> bool:
    """Drop one file, as dispatch handles it; whether it was taken."""
    async with chat._heard(user, room or chat.room, None, ()) as ctx:
        taken = await files.collect(ctx, content or CONTENT)
    await chat.deliver()
    return taken


def claiming(mimetype: str, name: str = "file", size: object = 100) -> dict[str, Any]:
    return {"msgtype": "m.file", "body": name, "info": {"mimetype": mimetype, "size": size}}


# --- coming in


async def test_files_dropped_one_after_the_other_are_one_job(chat: Chat) -> None:
    await chat.opened()
    for _ in range(300):
        chat.later(milliseconds=100)
        assert await drop(chat, ANDERS, claiming("application/dicom", "IM0001"))
    (job,) = await collected(chat)
    assert (job.files, job.size, job.sender, job.room_id) == (300, 30_000, ANDERS, chat.room)
    assert job.due_at == chat.now + timedelta(seconds=2)
    assert chat.new_effects(Redact) == []


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (claiming("image/jpeg"), 0.1),
        (claiming("application/octet-stream", "Photo.JPG"), 0.1),
        (claiming("application/zip", "study.zip"), 0.1),
        (claiming("application/dicom", "scan.jpg"), 2.0),
        (claiming("application/octet-stream", "IM0001"), 2.0),
        ({"msgtype": "m.file", "body": 7, "info": "none"}, 2.0),
        ({"msgtype": "m.file", "filename": "a\0b.zip", "info": {"mimetype": 5, "size": -1}}, 2.0),
    ],
)
async def test_what_belongs_to_no_series_is_looked_at_sooner(
    chat: Chat, content: dict[str, Any], seconds: float
) -> None:
    await chat.opened()
    await drop(chat, ANDERS, content)
    (job,) = await collected(chat)
    assert job.due_at == chat.now + timedelta(seconds=seconds)


@pytest.mark.parametrize("size", [None, "7", -7, True, 2**80, 1.5])
async def test_a_stated_size_is_believed_within_reason(chat: Chat, size: object) -> None:
    await chat.opened()
    await drop(chat, ANDERS, claiming("application/dicom", size=size))
    (job,) = await collected(chat)
    assert job.size in (0, 2**40)


async def test_two_people_who_drop_the_same_scan_are_both_answered(chat: Chat) -> None:
    await chat.assessing()
    for user in (ANDERS, SASKIA):
        assert await drop(chat, user, claiming("application/dicom"))
    assert {job.sender for job in await collected(chat)} == {ANDERS, SASKIA}
    for user in (ANDERS, SASKIA):
        event = await attach(chat, user, scan())
        (show,) = chat.new_effects(ShowFile)
        assert (show.file_id, show.reply_to) == (event, event)


async def test_a_photograph_does_not_cut_a_series_short(chat: Chat) -> None:
    await chat.opened()
    await drop(chat, ANDERS, claiming("application/dicom"))
    await drop(chat, ANDERS, claiming("image/png"))
    (job,) = await collected(chat)
    assert job.due_at == chat.now + timedelta(seconds=2)


async def test_a_file_outside_of_a_case_room_is_not_looked_at(chat: Chat) -> None:
    assert not await drop(chat, ANDERS, room=f"!elsewhere:{SERVER}")
    assert "room of a case only" in chat.last.text
    assert await collected(chat) == []


async def test_nothing_is_taken_before_consent_to_care(chat: Chat) -> None:
    await chat.draft()
    async with chat.store.transaction() as tx:
        (place,) = await tx.places()
    event = await attach(chat, ANDERS, scan())
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.new_effects(ShowFile) == []
    assert chat.last.text == (
        "This needs the patient’s consent to care first. Record it with `!consent give`.\n\n"
        "I have taken the file out of the room."
    )
    assert await collected(chat) == []
    async with chat.store.transaction() as tx:
        assert await tx.files(place.case_id) == []
    assert (ANDERS, "attach", "consent-needed") in await chat.audit()


async def test_experts_attach_and_others_do_not(chat: Chat) -> None:
    await chat.assessing()
    await attach(chat, SASKIA, scan())
    assert len(captions(chat)) == 1
    event = await attach(chat, METTE, scan())
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text.startswith("There is no case here that you take part in.")


async def test_a_closed_case_takes_no_more_files(chat: Chat) -> None:
    await chat.closed()
    event = await attach(chat, ANDERS, scan())
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text == (
        "You cannot add a file now. State of the case: closed.\n\nI have taken the file out of the room."
    )


async def test_withdrawn_care_drops_what_waits(chat: Chat) -> None:
    await chat.opened()
    await drop(chat, ANDERS)
    async with chat.store.transaction() as tx:
        at = await tx.next_job_at()
    assert at is not None
    await chat.here(ANDERS, "!consent withdraw care")
    assert await collected(chat) == []
    assert len(chat.new_effects(TakeBack)) == 1, "no sign of work stays on the file"


# --- being shown


async def test_a_scan_is_shown_with_its_facts(chat: Chat) -> None:
    await chat.opened()
    event = await attach(chat, ANDERS, scan(frames=3, lossy=True))
    (show,) = chat.new_effects(ShowFile)
    assert (show.file_id, show.reply_to, show.edits, show.moving) == (event, event, False, False)
    assert captions(chat) == [
        "Picture · DICOM · CT · HEAD · 512 × 400 · 3 frames\n\n"
        "Compressed with loss.\n\n"
        "For discussion, not for primary diagnosis."
    ]
    async with chat.store.transaction() as tx:
        (file,) = await tx.files((await tx.places())[0].case_id)
    assert (file.sender, file.content, file.preview) == (
        ANDERS,
        CONTENT,
        StoredPicture(b"picture", "image/png", 512, 400),
    )
    assert file.thumbnail == StoredPicture(b"small", "image/png", 320, 250)


async def test_files_of_one_series_are_shown_once(chat: Chat) -> None:
    await chat.opened()
    event = await attach(chat, ANDERS, scan(frames=300), others=[f"$slice-{n}" for n in range(299)])
    (show,) = chat.new_effects(ShowFile)
    assert (show.file_id, show.reply_to) == (event, event)
    async with chat.store.transaction() as tx:
        (file,) = await tx.files((await tx.places())[0].case_id)
    assert len(file.originals) == 300


async def test_a_class_without_pixels_is_a_card(chat: Chat) -> None:
    await chat.opened()
    facts = Facts(
        "DICOM", "SR", None, 0, 0, 1, lossy=False, kind="report", details=(Fact("items", 12), Fact("no-pixels"))
    )
    await attach(chat, ANDERS, Preview(facts, None))
    assert captions(chat) == ["Structured report · DICOM · SR · 12 items · it holds no picture"]


async def test_a_lossy_file_is_for_discussion_also_where_nothing_of_it_can_be_shown(chat: Chat) -> None:
    await chat.opened()
    facts = Facts("DICOM", "ES", None, 640, 480, 90, lossy=True, kind="video", details=(Fact("no-preview"),))
    await attach(chat, ANDERS, Preview(facts, None))
    assert captions(chat)[0].endswith("Compressed with loss.\n\nFor discussion, not for primary diagnosis.")


async def test_a_film_follows_its_strip(chat: Chat) -> None:
    await chat.opened()
    still = scan(frames=120)
    cine = replace(still, facts=replace(still.facts, kind="cine"), animation=Picture(b"RIFF", "image/webp", 200, 200))
    await attach(chat, ANDERS, cine)
    assert [show.moving for show in chat.new_effects(ShowFile)] == [False, True]
    assert captions(chat)[1] == "Moving pictures as a film.\n\nFor discussion, not for primary diagnosis."


async def test_a_link_to_the_viewer_is_shown_where_there_is_one(chat: Chat) -> None:
    chat.viewer_url = "https://viewer.example/#/{room}/{event}"
    await chat.opened()
    event = await attach(chat, ANDERS, scan())
    room = chat.room.replace("!", "%21").replace(":", "%3A")
    assert captions(chat)[0].endswith(f"Full viewer: https://viewer.example/#/{room}/{event.replace('$', '%24')}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_and_fact_can_be_said(language: str) -> None:
    values: dict[object, Any] = {int: 3, float: 1.23456, None: None}
    for kind in terms.KINDS:
        details = tuple(
            Fact(name, min(of) if isinstance(of, frozenset) else values[of]) for name, of in terms.FACTS.items()
        )
        facts = Facts("DICOM", "CT", "HEAD", 2048, 100, 9, lossy=True, kind=kind, details=details)
        said = render(caption(facts), language).body
        assert "2048 × 100" in said
        assert {"en": "1.235", "da": "1,235"}[language] in said


def test_numbers_are_said_as_the_reader_writes_them() -> None:
    details = (Fact("slices", 12), Fact("beams", 1), Fact("window-center", 15000.0), Fact("dose-gy", 2.5e300))
    facts = Facts("DICOM", "CT", None, 512, 512, 12, lossy=False, kind="series", details=details)
    said = {language: render(caption(facts, picture=False), language).body for language in LANGUAGES}
    assert said["en"] == (
        "Series · DICOM · CT · 512 × 512 · 12 slices · one beam · window centre 15,000 · up to 2.5e+300 Gy"
    )
    assert said["da"].endswith("12 snit · ét felt · vinduescentrum 15.000 · op til 2.5e+300 Gy")


# --- who can be recognised


def shown(effects: Sequence[Effect]) -> list[str]:
    return [effect.kind for effect in effects if isinstance(effect, Announce | ShowFile | PassOn)]


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
async def test_a_photograph_needs_a_consent_of_its_own(chat: Chat, format: str) -> None:
    await chat.opened()
    event = await attach(chat, ANDERS, face(format))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text == (
        "A photograph, a surface or a head scan can show who the patient is. "
        "Record consent to identifiable images first: `!consent give images …`\n\n"
        "I have taken the file out of the room."
    )
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, face(format))
    assert captions(chat) == [f"Photograph · {format} · 512 × 400\n\nFor discussion, not for primary diagnosis."]


async def test_a_head_that_can_be_rendered_needs_that_consent_too(chat: Chat) -> None:
    await chat.opened()
    head = scan(frames=200)
    event = await attach(chat, ANDERS, replace(head, facts=replace(head.facts, kind="series", identifiable=True)))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.new_effects(ShowFile) == []


async def test_a_face_is_announced_in_words_before_it_is_shown(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, IMAGES)
    event = await attach(chat, ANDERS, face())
    (line,) = chat.new_effects(Announce)
    assert (render(line.reply, "en").body, line.reply_to) == ("Photograph, preview follows.", event)
    (show,) = chat.new_effects(ShowFile)
    assert show.edits
    assert shown([done.effect for done in chat.done][-2:]) == ["announcement", "file"]


async def test_a_film_of_somebody_comes_as_an_edit_too(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, replace(face(), animation=Picture(b"RIFF", "image/webp", 200, 200)))
    assert shown([done.effect for done in chat.done])[-4:] == ["announcement", "file", "announcement", "file"]
    assert [render(line.reply, "en").body for line in chat.new_effects(Announce)] == [
        "Photograph, preview follows.",
        "Photograph, film follows.",
    ]
    assert [(show.edits, show.moving) for show in chat.new_effects(ShowFile)] == [(True, False), (True, True)]


async def test_a_photograph_stored_by_an_earlier_version_is_still_one(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, scan())
    async with chat.store.transaction() as tx:
        (file,) = await tx.files((await tx.places())[0].case_id)
        old = {"format": "JPEG", "modality": None, "body_part": None, "width": 9, "height": 9, "frames": 1}
        await tx.add_file(replace(file, id="$old", event_id="$old", facts={**old, "lossy": True}))
    await chat.here(ANDERS, "!consent withdraw images")
    assert Redact("$old") in chat.new_effects(Redact)


# --- being refused

REFUSALS = [
    (Refused("file-unknown"), True, "I show DICOM files, slides, photographs"),
    (Refused("file-unsupported", syntax="1.2.3"), True, "The pictures in this file are packed in a way"),
    (Refused("file-empty"), False, "This file is empty."),
    (Refused("file-too-large", limit_mb=100), False, "This file is larger than 100 MB."),
    (
        Refused("file-lies", claimed="image/png", found="JPEG"),
        False,
        "This file calls itself image/png but is JPEG",
    ),
    (Refused("file-names-patient", kinds="name"), False, "This file tells who the patient is: name."),
    (Refused("file-too-complex"), False, "This file would take too much time or memory to show."),
    (Refused("file-broken"), False, "This file is damaged or incomplete."),
    (Refused("file-unreadable"), False, "I could not open this attachment"),
    (Refused("file-failed"), False, "I tried three times"),
]


async def test_a_refused_file_is_explained(chat: Chat) -> None:
    await chat.opened()
    for error, stays, sentence in REFUSALS:
        async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
            await files.refuse(ctx, error, [Original(chat.event, CONTENT)])
        await chat.deliver()
        assert chat.last.text.startswith(sentence)
        note = "The file itself stays in the room." if stays else "I have taken the file out of the room."
        assert chat.last.text.endswith(note)
        assert chat.new_effects(Redact) == ([] if stays else [Redact(chat.event)])
        assert chat.last.danish != chat.last.text


async def test_files_refused_together_are_explained_together(chat: Chat) -> None:
    await chat.opened()
    originals = [Original(f"${number}", CONTENT) for number in range(3)]
    async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
        await files.refuse(ctx, Refused("file-broken"), originals)
    await chat.deliver()
    assert chat.last.text.endswith("I have taken the 3 files out of the room.")
    assert chat.new_effects(Redact) == [Redact("$0"), Redact("$1"), Redact("$2")]


async def test_a_picture_that_cannot_be_shown_needs_consent_all_the_same(chat: Chat) -> None:
    await chat.opened()
    for images, stays in ((False, False), (True, True)):
        if images:
            await chat.here(ANDERS, IMAGES)
        async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
            await files.refuse(ctx, Refused("file-unknown"), [Original(chat.event, CONTENT)], picture=True)
        await chat.deliver()
        assert (chat.new_effects(Redact) == []) is stays


# --- coming later


async def test_whoever_comes_later_is_shown_everything(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, scan())
    await attach(chat, ANDERS, face("PNG"))
    await chat.here(ANDERS, "!panel invite saskia.devries")
    accepted, card, *rest = await chat.arrive(SASKIA)
    assert isinstance(accepted, Card), "by coming she has accepted"
    assert isinstance(card, Card)
    assert (accepted.fresh, card.fresh) == (False, True), "those who are there see that she has accepted"
    assert shown(rest) == ["original", "file", "original", "announcement", "file"]
    passed = [effect for effect in rest if isinstance(effect, PassOn)]
    assert [(each.discreet, each.threaded) for each in passed] == [(False, False), (True, False)]
    (again,) = await chat.arrive(ANDERS)
    assert isinstance(again, Card), "whoever was there has the files"


@pytest.fixture
async def expected(chat: Chat) -> Chat:
    """A case with a scan, into which five experts are asked."""
    chat.arrival_seconds = 20
    await chat.opened()
    await attach(chat, ANDERS, scan())
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund mette.holm lucia.ortega")
    return chat


LUCIA, JONAS = f"@lucia.ortega:{SERVER}", f"@jonas.reuter:{SERVER}"
FIVE = (SASKIA, PIOTR, FREJA, METTE, LUCIA)


def fresh(effects: list[Effect]) -> list[str]:
    """What is shown to newcomers."""
    return [effect.kind for effect in effects if not isinstance(effect, Card) or effect.fresh]


SHOWN = ["card", "original", "file"]


async def test_five_who_come_within_a_minute_are_shown_everything_twice(expected: Chat) -> None:
    done: list[list[str]] = []
    for user in FIVE:
        done += [fresh(await expected.wait(seconds=12)), fresh(await expected.arrive(user))]
    assert done == [[], SHOWN, [], [], [], [], [], [], [], SHOWN], "at once; and nobody is expected after the last"
    assert fresh(await expected.wait(seconds=60)) == []


async def test_after_a_quiet_time_nobody_is_waited_for(expected: Chat) -> None:
    assert fresh(await expected.arrive(SASKIA)) == SHOWN
    await expected.wait(seconds=15)
    assert fresh(await expected.arrive(PIOTR)) == []
    assert fresh(await expected.wait(seconds=15)) == []
    assert fresh(await expected.arrive(FREJA)) == []
    assert fresh(await expected.wait(seconds=15)) == [], "Freja came a moment ago, and others may follow"
    assert fresh(await expected.wait(seconds=5)) == SHOWN
    await expected.wait(seconds=60)
    assert fresh(await expected.arrive(METTE)) == SHOWN, "long after all others"


async def test_nobody_looks_at_an_empty_room_for_more_than_a_minute(expected: Chat) -> None:
    await expected.here(ANDERS, "!panel invite jonas.reuter claire.fontaine")
    shown_at = []
    for number, user in enumerate((*FIVE, JONAS)):
        shown_at += [15 * number] * bool(fresh(await expected.arrive(user)))
        shown_at += [15 * number + 15] * bool(fresh(await expected.wait(seconds=15)))
    assert shown_at == [0, 75]


async def test_who_left_or_was_taken_out_leaves_nobody_waiting(expected: Chat) -> None:
    await expected.arrive(FREJA)
    await expected.arrive(SASKIA)
    expected.later(seconds=5)
    await expected.arrive(PIOTR)
    await expected.here(ANDERS, "!panel remove piotr.zielinski")
    assert fresh(await expected.wait(seconds=20)) == SHOWN


async def test_an_arrival_outlives_a_restart(expected: Chat) -> None:
    await expected.arrive(FREJA)
    assert fresh(await expected.arrive(SASKIA)) == []
    again = Chat(expected.store, now=expected.now, room=expected.room, arrival_seconds=20, _numbers=count(2_000))
    assert fresh(await again.wait(seconds=20)) == SHOWN


async def test_withdrawn_while_somebody_waits_shows_no_file(expected: Chat) -> None:
    await expected.arrive(FREJA)
    await expected.arrive(SASKIA)
    await expected.here(ANDERS, "!consent withdraw care")
    assert fresh(await expected.wait(seconds=20)) == []


async def test_whoever_comes_later_finds_a_series_in_a_thread(chat: Chat) -> None:
    await chat.opened()
    await attach(chat, ANDERS, scan(frames=3), scan(), others=["$2", "$3"])
    await chat.here(ANDERS, "!panel invite saskia.devries")
    _, *rest = await chat.arrive(SASKIA)
    assert shown(rest) == ["file", "file", "original", "original", "original"]
    passed = [effect for effect in rest if isinstance(effect, PassOn)]
    assert [(each.number, each.threaded) for each in passed] == [(0, True), (1, True), (2, True)]


async def test_whoever_has_no_business_here_is_shown_nothing(chat: Chat) -> None:
    await chat.opened()
    await attach(chat, ANDERS, scan())
    assert await chat.arrive(PIOTR) == []
    assert await chat.arrive(METTE) == []
