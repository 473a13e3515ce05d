"""Files dropped into a case room, and what people see who come later."""

from __future__ import annotations

import pytest

from ernbot.commands import files
from ernbot.commands.effects import Card, Redact, ShowFile
from ernbot.core.errors import Refused
from ernbot.imaging import Facts, Preview
from ernbot.imaging.model import Picture
from ernbot.matrix.render import render

from .chat import ANDERS, CONSENT, METTE, PIOTR, SASKIA, Chat

IMAGES = CONSENT.replace("care", "images")
CONTENT = {"msgtype": "m.file", "body": "scan", "file": {"url": "mxc://hospital.example/scan"}}


def photograph(format: str, *, lossy: bool = False, frames: int = 1) -> Preview:
    """What the imaging worker makes of a file of a format."""
    dicom = format == "DICOM"
    facts = Facts(format, "CT" if dicom else None, "HEAD" if dicom else None, 512, 400, frames, lossy)
    return Preview(facts, Picture(b"picture", "image/png", 512, 400))


async def attach(chat: Chat, user: str, preview: Preview) -> str:
    """Drop a file, as dispatch handles one; its event."""
    async with chat._heard(user, chat.room, None, ()) as ctx:
        event = chat.event
        try:
            async with ctx.tx.savepoint():
                await files.may_attach(ctx)
                await files.accept(ctx, CONTENT, preview)
        except Refused as error:
            await files.refuse(ctx, error)
    await chat.deliver()
    return event


def captions(chat: Chat) -> list[str]:
    return [render(show.caption, "en").body for show in chat.new_effects(ShowFile)]


async def test_a_scan_is_shown_with_its_facts(chat: Chat) -> None:
    await chat.opened()
    event = await attach(chat, ANDERS, photograph("DICOM", frames=3, lossy=True))
    (show,) = chat.new_effects(ShowFile)
    assert (show.file_id, show.reply_to, show.original) == (event, event, False)
    assert captions(chat) == [
        "DICOM · CT · HEAD · 512 × 400 · 3 frames\n\n"
        "Compressed with loss.\n\n"
        "For discussion, not for primary diagnosis."
    ]
    async with chat.store.transaction() as tx:
        (file,) = await tx.files((await tx.places())[0].case_id)
    assert (file.sender, file.content, file.preview) == (ANDERS, CONTENT, b"picture")


async def test_nothing_is_taken_before_consent_to_care(chat: Chat) -> None:
    await chat.draft()
    async with chat.store.transaction() as tx:
        (place,) = await tx.places()
    event = await attach(chat, ANDERS, photograph("DICOM"))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.new_effects(ShowFile) == []
    assert chat.last.text == (
        "This needs the patient’s consent to care first. Record it with `!consent give`.\n\n"
        "I have taken the file out of the room."
    )
    async with chat.store.transaction() as tx:
        assert await tx.files(place.case_id) == []
    assert (ANDERS, "attach", "consent-needed") in await chat.audit()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
async def test_a_photograph_needs_a_consent_of_its_own(chat: Chat, format: str) -> None:
    await chat.opened()
    event = await attach(chat, ANDERS, photograph(format))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text == (
        "A photograph can show who the patient is. Record consent to identifiable images first: "
        "`!consent give images …`\n\n"
        "I have taken the file out of the room."
    )
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, photograph(format))
    assert captions(chat) == [f"{format} photograph · 512 × 400\n\nFor discussion, not for primary diagnosis."]


async def test_experts_attach_and_others_do_not(chat: Chat) -> None:
    await chat.assessing()
    await attach(chat, SASKIA, photograph("DICOM"))
    assert len(captions(chat)) == 1
    event = await attach(chat, METTE, photograph("DICOM"))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text.startswith("There is no case here that you take part in.")


async def test_a_closed_case_takes_no_more_files(chat: Chat) -> None:
    await chat.closed()
    event = await attach(chat, ANDERS, photograph("DICOM"))
    assert chat.new_effects(Redact) == [Redact(event)]
    assert chat.last.text == (
        "You cannot add a file now. State of the case: closed.\n\nI have taken the file out of the room."
    )


REFUSALS = [
    (Refused("file-unknown"), True, "I show DICOM files, JPEG and PNG pictures."),
    (Refused("file-no-picture", what="SR"), True, "This DICOM file holds no picture that I can show: SR."),
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
]


async def test_a_refused_file_is_explained(chat: Chat) -> None:
    await chat.opened()
    for error, stays, sentence in REFUSALS:
        async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
            await files.refuse(ctx, error)
        await chat.deliver()
        assert chat.last.text.startswith(sentence)
        note = "The file itself stays in the room." if stays else "I have taken the file out of the room."
        assert chat.last.text.endswith(note)
        assert chat.new_effects(Redact) == ([] if stays else [Redact(chat.event)])
        assert chat.last.danish != chat.last.text


async def test_whoever_comes_later_is_shown_everything(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, IMAGES)
    await attach(chat, ANDERS, photograph("DICOM"))
    await attach(chat, ANDERS, photograph("PNG"))
    await chat.here(ANDERS, "!panel invite saskia.devries")
    card, *shown = await chat.arrive(SASKIA)
    assert isinstance(card, Card)
    assert card.fresh
    assert [(show.original, show.reply_to) for show in shown if isinstance(show, ShowFile)] == [(True, None)] * 2
    (again,) = await chat.arrive(ANDERS)
    assert isinstance(again, Card), "whoever was there has the files"


async def test_whoever_has_no_business_here_is_shown_nothing(chat: Chat) -> None:
    await chat.opened()
    await attach(chat, ANDERS, photograph("DICOM"))
    assert await chat.arrive(PIOTR) == []
    assert await chat.arrive(METTE) == []
