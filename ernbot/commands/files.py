"""A file dropped into a case room: accepted with a preview, or refused, taken out of the room and explained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ernbot.commands.context import Context
from ernbot.commands.effects import Redact, ShowFile
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Reply, Text, Value
from ernbot.core.case import Action, Case
from ernbot.core.consent import Purpose
from ernbot.core.errors import Refused
from ernbot.imaging import Facts, Preview
from ernbot.storage.records import CaseFile

KEPT = frozenset({"file-unknown", "file-no-picture", "file-unsupported"})
"""Refusals that only say why there is no preview: the file itself may stay."""

PHOTOGRAPHS = frozenset({"JPEG", "PNG"})
"""Formats of photographs, which can show who somebody is."""


def file_tag(file_id: str) -> str:
    """The mark of the previews of a file in the outbox, by which they are found again."""
    return f"file:{file_id}"


async def may_attach(ctx: Context) -> Case:
    """The case, when this person may add a file to it now.

    Raises:
        Refused: see `core.access.check_case`.
    """
    return await ctx.case(Action.ATTACH)


async def accept(ctx: Context, content: dict[str, Any], preview: Preview) -> None:
    """Keep the preview with the case and show it.

    Raises:
        Refused: `images-consent` for a photograph without consent to identifiable images.
    """
    case = await ctx.case(Action.ATTACH)
    if preview.facts.format in PHOTOGRAPHS and not case.consent.covers(Purpose.IMAGES, ctx.now):
        raise Refused("images-consent")
    assert preview.picture is not None
    file = CaseFile(
        id=ctx.event_id,
        case_id=case.id,
        event_id=ctx.event_id,
        sender=ctx.actor,
        content=content,
        facts=asdict(preview.facts),
        preview=preview.picture.data,
        preview_mimetype=preview.picture.mimetype,
        preview_width=preview.picture.width,
        preview_height=preview.picture.height,
        at=ctx.now,
    )
    await ctx.tx.add_file(file)
    show = ShowFile(file.id, describe(preview.facts), case.requester, ctx.event_id)
    await ctx.outbox.to_case(case.id, show, tag=file_tag(file.id))


async def refuse(ctx: Context, error: Refused, *, picture: bool = False) -> None:
    """Explain why there is no preview; a file that must not stay is redacted first.

    A `picture` that we cannot show is still a photograph, and needs the same consent as one that we can.
    """
    assert ctx.place is not None
    if picture and error.code in KEPT:
        try:
            case = await ctx.case(Action.ATTACH)
            if not case.consent.covers(Purpose.IMAGES, ctx.now):
                error = Refused("images-consent")
        except Refused as changed:  # the case went on while we looked at the file
            error = changed
    if error.code not in KEPT:
        await ctx.outbox.to_case(ctx.place.case_id, Redact(ctx.event_id))
        note = Text("file-removed")
    else:
        note = Text("file-kept")
    await ctx.say(Reply((*refusal(error).parts, note)))


def describe(facts: Facts) -> Reply:
    """The line of facts under a preview."""
    fields: dict[str, Value] = {
        "format": facts.format,
        "modality": facts.modality or "–",
        "body": facts.body_part or "–",
        "width": facts.width,
        "height": facts.height,
        "frames": facts.frames,
    }
    key = "file-facts-dicom" if facts.format == "DICOM" else "file-facts-photo"
    lossy = (Text("file-lossy"),) if facts.lossy else ()
    return Reply((Text(key, fields), *lossy, Text("file-not-for-diagnosis")))
