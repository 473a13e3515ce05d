"""Files in the case room: a scan that names the patient, one that does not, a photograph, and any other file."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from ernbot.demo.clinician import Seen
from ernbot.demo.stage import DATA, Stage, edit_of


async def files(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    named = await me.drop(room, "named.dcm", "application/dicom", (DATA / "head_ct_named.dcm").read_bytes())
    refusal = await me.hears(room, "PatientName", after=named)
    stage.check("PHANTOM" not in refusal.body, "a scan that names the patient is refused without repeating the name")
    stage.check(await stage.is_redacted(me, named), "it is out of the room at once")
    agreed = await me.say(room, "yes")
    await me.hears(room, "copy-1.dcm", after=agreed)
    await me.hears(room, "256 × 256", after=agreed)
    stage.check(True, "its sender may have a copy posted that names nobody")
    scan = await me.drop(room, "scan.dcm", "application/dicom", (DATA / "head_ct.dcm").read_bytes())
    preview = await me.hears(room, "CT", after=scan)
    stage.check("256 × 256" in preview.body, "the scan has a preview with its facts")
    await _keep(stage, preview, "preview-scan")
    photo = await me.drop(room, "photo.jpg", "image/jpeg", drawing())
    line = await me.hears(room, "Photograph", after=photo)
    stage.check("file" not in line.content, "a photograph is announced in words, so that no notification shows it")
    await _keep(stage, await me.wait(lambda: edit_of(me, line), "the photograph"), "preview-photo")
    other = await me.drop(room, "letter.txt", "text/plain", b"a letter")
    await me.hears(room, "stays in the room", after=other)
    stage.check(True, "any other file gets a polite line")


async def _keep(stage: Stage, preview: Seen, name: str) -> None:
    """Open a preview as the client does."""
    data = await stage.requester.open_file(preview)
    with Image.open(io.BytesIO(data)) as picture:
        size = picture.size
    info = preview.content["info"]
    stage.check(size == (info["w"], info["h"]), f"{name} opens and is {size[0]} by {size[1]} pixels")


def drawing() -> bytes:
    """A photograph for the story: drawn, so that it shows nobody."""
    picture = Image.new("RGB", (1200, 900), (214, 188, 168))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((350, 120, 850, 780), fill=(232, 205, 186), outline=(150, 110, 90), width=8)
    pen.line((600, 150, 600, 420), fill=(170, 120, 100), width=14)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88)
    return data.getvalue()
