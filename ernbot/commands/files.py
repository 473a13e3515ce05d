"""Files dropped into a case room: collected for a moment, then shown, or taken out of the room and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from ernbot.commands.captions import announcement, caption, film, stored_facts, viewer_address
from ernbot.commands.context import Context
from ernbot.commands.effects import Announce, PassOn, Redact, ShowFile
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Reply, Text, say
from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.imaging import Preview
from ernbot.imaging.model import Picture
from ernbot.storage.jobs import new_job_id
from ernbot.storage.records import CaseFile, ImageJob, Original, StoredPicture

KEPT = frozenset({"file-unknown", "file-unsupported"})
"""Refusals that only say why there is no preview: the file itself may stay."""

OVERVIEW_ONLY = "file-overview-only"
"""Refusal of slides that can be shown, but of which no copy can be made."""

_FOLLOWS = {OVERVIEW_ONLY: "file-overview-instead", "archive-unchecked": "file-copy-rest"}
"""What follows files that are out of the room, where it is no copy of the whole, by why they are."""

ALONE_SECONDS = 0.1
"""How long the bot waits after a file that belongs to no series: whoever drops one photograph wants to see it."""

_ALONE_TYPES = ("image/", "video/", "application/pdf", "application/zip", "model/")
_PICTURES = (".avif", ".heic", ".jpeg", ".jpg", ".mp4", ".pdf", ".png", ".stl", ".webp", ".zip")
_SLIDES = (".bif", ".czi", ".ndpi", ".scn", ".svs", ".svslide", ".tif", ".tiff")
_ALONE_ENDINGS = frozenset({*_PICTURES, *_SLIDES})
_MAX_STATED = 2**40


def file_tag(group: str) -> str:
    """The mark of everything that is shown of files sent together, by which it is found again."""
    return f"file:{group}"


def job_tag(job_id: str) -> str:
    """The mark of the signs that a job puts on files while it lasts."""
    return f"job:{job_id}"


# --- coming in


async def collect(ctx: Context, content: dict[str, Any]) -> bool:
    """Put a file with those that its sender dropped just before; whether it was taken.

    Nothing is looked at here: a job does that once no more files follow.
    """
    if ctx.place is None:
        await ctx.say(say("refused-not-in-a-case-room"))
        return False
    original = Original(ctx.event_id, content)
    try:
        async with ctx.tx.savepoint():
            await ctx.case(Action.ATTACH)
    except Refused as error:
        await refuse(ctx, error, (original,))
        return False
    job = ImageJob(new_job_id(), ctx.place.case_id, ctx.room_id, ctx.actor, "collecting", ctx.now, ctx.now)
    seconds = min(ALONE_SECONDS, ctx.office.quiet_seconds) if _is_alone(content) else ctx.office.quiet_seconds
    await ctx.tx.collect(job, original, quiet=timedelta(seconds=seconds), size=_stated_size(content))
    return True


def _info(content: dict[str, Any]) -> dict[str, Any]:
    info = content.get("info")
    return info if isinstance(info, dict) else {}


def _is_alone(content: dict[str, Any]) -> bool:
    """Whether this calls itself something that is never one of hundreds; what it is, its content decides later."""
    mimetype = _info(content).get("mimetype")
    claimed = mimetype.lower() if isinstance(mimetype, str) else ""
    if claimed.startswith("application/dicom") or claimed == "image/dicom":
        return False
    return claimed.startswith(_ALONE_TYPES) or ending(content) in _ALONE_ENDINGS


def ending(content: dict[str, Any]) -> str:
    """How the name that a sender gave a file ends, in small letters; it can only speak against what the file is."""
    name = content.get("filename") or content.get("body")
    return PurePath(name).suffix.lower() if isinstance(name, str) and "\0" not in name else ""


def _stated_size(content: dict[str, Any]) -> int:
    size = _info(content).get("size")
    return min(size, _MAX_STATED) if type(size) is int and size > 0 else 0


# --- going on


async def accept(
    ctx: Context, originals: Sequence[Original], previews: Sequence[Preview], *, copies: bool = False
) -> None:
    """Keep what is shown of files with the case, and show it.

    `copies` are ours: the room does not have them yet, and the files that they replace are gone. Of slides that are
    an overview only, the file is not kept: nobody can be given it again.

    Raises:
        Refused: `images-consent` for pictures of somebody without consent to identifiable images; see
            `core.access.check_case` for a case that went on meanwhile.
    """
    case = await ctx.case(Action.ATTACH, said=False)
    if any(preview.facts.identifiable for preview in previews) and not case.consent.covers(Purpose.IMAGES, ctx.now):
        raise Refused("images-consent")
    first, *others = originals
    kept = not any(preview.is_overview_only for preview in previews)
    files = []
    for number, preview in enumerate(previews):
        file = CaseFile(
            id=f"{first.event_id}/{number}" if number else first.event_id,
            case_id=case.id,
            event_id=first.event_id,
            sender=ctx.actor,
            content=first.content if kept else {},
            facts=asdict(preview.facts),
            preview=_stored(preview.picture),
            at=ctx.now,
            thumbnail=_stored(preview.thumbnail),
            animation=_stored(preview.animation),
            blurhash=preview.blurhash,
            uids=preview.uids,
            refers=preview.refers,
            others=() if number or not kept else tuple(others),
            leader_id=first.event_id if number else None,
        )
        await ctx.tx.add_file(file)
        files.append(file)
    await show(ctx, case, files, reply_to=None if copies else first.event_id, originals=copies)


def _stored(picture: Picture | None) -> StoredPicture | None:
    if picture is None:
        return None
    return StoredPicture(picture.data, picture.mimetype, picture.width, picture.height)


async def show(
    ctx: Context, case: Case, files: Sequence[CaseFile], *, reply_to: str | None = None, originals: bool = False
) -> None:
    """Show what is stored of files that were sent together, the leading one first.

    `originals` sends the files themselves once more: a single one before its preview, several in a thread below.
    """
    leader = files[0]
    tag = file_tag(leader.group)
    discreet = is_identifiable(files)

    async def add(effect: Announce | ShowFile | PassOn) -> None:
        await ctx.outbox.to_case(case.id, effect, tag=tag)

    count = len(leader.originals)
    if originals and count == 1:
        await add(PassOn(leader.id, discreet=discreet))
    viewer = viewer_address(ctx.office.viewer_url, ctx.room_id, leader.event_id) if count else None
    for file in files:
        facts = stored_facts(file)
        hidden = facts.identifiable and file.preview is not None
        words = caption(facts, picture=file.preview is not None, viewer=viewer)
        if hidden:
            await add(Announce(announcement(facts), case.requester, reply_to))
        await add(ShowFile(file.id, words, case.requester, reply_to, edits=hidden))
        if file.animation is not None:
            if hidden:
                await add(Announce(announcement(facts, moving=True), case.requester))
            await add(ShowFile(file.id, film(facts), case.requester, edits=hidden, moving=True))
    if originals and count > 1:
        for number in range(count):
            await add(PassOn(leader.id, number, threaded=True, discreet=discreet))


def is_identifiable(files: Sequence[CaseFile]) -> bool:
    """Whether something that is shown of these files can tell who somebody is."""
    return any(stored_facts(file).identifiable for file in files)


def together(files: Sequence[CaseFile]) -> list[list[CaseFile]]:
    """Stored files by what was sent together, in the order of the files, the leading one first."""
    groups: dict[str, list[CaseFile]] = {}
    for file in files:
        groups.setdefault(file.group, []).append(file)
    return [sorted(group, key=lambda file: file.leader_id is not None) for group in groups.values()]


async def refuse(
    ctx: Context,
    error: Refused,
    originals: Sequence[Original],
    *,
    picture: bool = False,
    redacted: bool = False,
) -> None:
    """Explain why files are not shown; those that must not stay are redacted first, unless they are `redacted`.

    A `picture` that we cannot show is still a photograph, and needs the same consent as one that we can.
    """
    assert ctx.place is not None
    if picture and error.code in KEPT:
        try:
            case = await ctx.case(Action.ATTACH, said=False)
            if not case.consent.covers(Purpose.IMAGES, ctx.now):
                error = Refused("images-consent")
        except Refused as changed:  # the case went on while we looked at the file
            error = changed
    removed = redacted or error.code not in KEPT
    if removed and not redacted:
        await take_out(ctx, originals)
    await ctx.say(Reply((*refusal(error).parts, Text("file-removed" if removed else "file-kept", _count(originals)))))


def _count(originals: Sequence[Original]) -> dict[str, Any]:
    return {"count": len(originals)}


async def tell_what_follows(ctx: Context, originals: Sequence[Original], error: Refused) -> None:
    """Say why files are out of the room, and that a copy or an overview follows."""
    count = _count(originals)
    follows = _FOLLOWS.get(error.code, "file-copy-instead")
    await ctx.say(Reply((reason(error, len(originals)), Text("file-removed", count), Text(follows, count))))


def reason(error: Refused, files: int) -> Text:
    """What is wrong with files that cannot stay as they are: kinds of elements, never values."""
    if error.code == OVERVIEW_ONLY:
        return Text("file-label", {"count": files})
    if error.code == "archive-unchecked":
        return Text("file-unchecked", {"count": int(str(error.fields["count"]))})
    return Text("file-names", {"count": files, "kinds": str(error.fields["kinds"])})


async def take_out(ctx: Context, originals: Sequence[Original]) -> None:
    """Redact files."""
    assert ctx.place is not None
    for original in originals:
        await ctx.outbox.to_case(ctx.place.case_id, Redact(original.event_id))
