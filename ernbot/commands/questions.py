"""Questions about a file that must not be posted as it is: only its sender answers, in words, encrypted.

The files left the room before the question is put. Their keys wait in a job of their own until the answer, for a day
at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from ernbot.commands.context import Context
from ernbot.commands.dialogue import YES
from ernbot.commands.files import OVERVIEW_ONLY, reason
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Line, Part, Reply, Text, say
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.storage.errors import Shredded
from ernbot.storage.jobs import new_job_id
from ernbot.storage.records import ImageJob, Original

PATIENCE = timedelta(hours=24)
NO = frozenset({"no", "nej", "n"})
TAG = "question"

Question = Literal["names", "writing"]
"""`names`: shall a copy without the identifiers be posted, or an overview? `writing`: does writing name the patient?"""


def question_tag(job_id: str) -> str:
    return f"{TAG}:{job_id}"


async def ask(
    ctx: Context,
    job: ImageJob,
    originals: Sequence[Original],
    question: Question,
    *,
    error: Refused | None = None,
    places: Sequence[str] = (),
    clean: bool = False,
) -> None:
    """Put a question to the sender of files, which are out of the room already; `clean` when copies are agreed on.

    `error` says what is wrong with files that name the patient, `places` where in a picture something is written. The
    picture itself is not shown: everybody in the room would see what it may say.
    """
    asked = replace(
        job,
        id=new_job_id(),
        state="asked",
        due_at=ctx.now + PATIENCE,
        attempts=0,
        files=len(originals),
        worker=None,
        data={"question": question, "clean": clean},
    )
    await ctx.tx.keep_asked(asked, originals)
    count: dict[str, Any] = {"count": len(originals)}
    parts: tuple[Part, ...]
    if error is not None:
        offer = "file-ask-overview" if error.code == OVERVIEW_ONLY else "file-ask-copy"
        parts = (reason(error, len(originals)), Text("file-removed", count), Text(offer, count))
    else:
        where = (Text("file-writing-where"), Line(tuple(Text(f"place-{place}") for place in places))) if places else ()
        parts = (Text("file-writing", count), *where, Text("file-removed", count), Text("file-ask-writing"))
    await ctx.say(Reply(parts), tag=question_tag(asked.id))


async def find(ctx: Context, text: str, replies_to: str | None) -> ImageJob | None:
    """The question that a message answers: the one that it replies to, or the sender's latest for a plain yes or no."""
    if ctx.place is None:
        return None
    for event_id in (ctx.thread, replies_to):
        sent = await ctx.tx.sent_item(event_id) if event_id is not None else None
        name, _, job_id = (sent.tag if sent is not None and sent.tag is not None else "").partition(":")
        if name == TAG:
            try:
                job = await ctx.tx.job(job_id)
            except Shredded:
                return None
            return job if job is not None and job.state == "asked" and job.room_id == ctx.room_id else None
    if ctx.thread is not None or replies_to is not None or _plain(text) is None:
        return None
    return next(iter(await ctx.tx.asked_jobs(ctx.room_id, ctx.actor)), None)


def _plain(text: str) -> bool | None:
    """Whether a text is a plain yes or no; None for anything else."""
    word = text.strip().casefold().rstrip(" .!")
    return True if word in YES else False if word in NO else None


async def answer(ctx: Context, job: ImageJob, text: str) -> bool:
    """Take an answer; whether there is now something to do with the files."""
    if job.sender != ctx.actor:
        await ctx.say(say("file-question-not-yours", name=ctx.office.directory.name_of(job.sender)))
        return False
    yes = _plain(text)
    if yes is None:
        await ctx.say(say("file-question-yes-or-no"), tag=question_tag(job.id))
        return False
    try:
        async with ctx.tx.savepoint():
            await ctx.case(Action.ATTACH)
    except Refused as error:
        await ctx.say(refusal(error), tag=question_tag(job.id))
        return False
    names = job.data["question"] == "names"
    if yes is not names:
        await ctx.tx.drop_job(job.id)
        await ctx.say(say("file-dropped", count=job.files))
        return False
    agreed = {"clean": names or job.data["clean"], "looked": not names, "gone": True, "answer": ctx.event_id}
    await ctx.tx.resume_job(job, agreed, ctx.now)
    await ctx.say(say("file-copy-follows", count=job.files))
    return True


async def expire(ctx: Context, job: ImageJob) -> None:
    """Nobody answered: the keys of the files are forgotten."""
    await ctx.tx.drop_job(job.id)
    await ctx.say(say("file-question-expired", count=job.files))
